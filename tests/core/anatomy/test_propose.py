"""The proposed triangles of an unseen specimen."""

import numpy as np
import pytest

from spinect_core.anatomy.propose import kambin_vertices, propose_triangles, safe_vertices
from spinect_core.volume import NERVE, Labels


@pytest.fixture(scope="module")
def proposals(phantom):
    return propose_triangles(phantom.labels)


def test_two_triangles_on_each_side_and_each_on_its_own(proposals):
    found = {(p.triangle.kind, p.triangle.side): p for p in proposals.proposals}
    assert set(found) == {(kind, side) for kind in ("kambin", "safe") for side in ("left", "right")}
    middle = proposals.landmarks.points["S1 upper end plate centre"][0]
    for (_kind, side), proposal in found.items():
        x = proposal.triangle.vertices[:, 0].mean() - middle
        assert (x > 5) if side == "left" else (x < -5)
        azimuth = proposal.triangle.view.azimuth
        assert (azimuth >= 0) if side == "left" else (azimuth <= 0)
        assert proposal.triangle.author == "automatic"
        assert proposal.open_part > 0.2
    for side in ("left", "right"):
        assert 15 < found["kambin", side].triangle.area_mm2 < 140
        assert 2 < found["safe", side].triangle.area_mm2 < 40


def test_the_safe_triangle_lies_above_the_kambin_triangle(proposals):
    for side in ("left", "right"):
        safe = safe_vertices(proposals.landmarks, side)
        kambin = kambin_vertices(proposals.landmarks, side)
        assert safe[:, 2].mean() > kambin[:, 2].mean() + 3


def test_a_missing_root_is_said_and_yields_no_triangle(phantom):
    array = phantom.labels.array.copy()
    left = phantom.labels.geometry.to_patient(np.argwhere(array == NERVE))[:, 0]
    middle = np.median(left)
    index = np.argwhere(array == NERVE)[left > middle + 11]
    array[tuple(index.T)] = 0
    found = propose_triangles(Labels(array, phantom.labels.geometry), sides=("left",))
    assert found.proposals == ()
    assert any("left L5 root" in note for note in found.notes)
