"""The level, its landmarks and its roots on specimens whose truth is known."""

import threading

import numpy as np
import pytest

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.landmarks import find_landmarks, snap_course
from spinect_core.anatomy.propose import kambin_vertices, propose_triangles, safe_vertices
from spinect_core.errors import Cancelled, PlanError
from spinect_core.phantom import draw_case
from spinect_core.volume import NERVE, Geometry, Labels

SEED = 64


@pytest.fixture(scope="module")
def phantom():
    return draw_case(SEED, (2.0, 2.0, 2.0), pathologies=())


@pytest.fixture(scope="module")
def proposals(phantom):
    return propose_triangles(phantom.labels)


def test_atlas_has_left_on_the_left():
    atlas = load_atlas()
    for name, point in atlas.landmarks.items():
        if name.endswith(" left"):
            assert point[0] > atlas.landmarks[name.replace("left", "right")][0] + 15.0


def test_landmarks_of_an_unseen_specimen(phantom, proposals):
    truth = phantom.truth["landmarks"]
    error = {
        name: np.linalg.norm(point - np.array(truth[name]))
        for name, point in proposals.landmarks.points.items()
    }
    assert set(error) == set(truth)
    assert np.median(list(error.values())) < 2.0
    assert max(error.values()) < 5.0
    assert not proposals.landmarks.doubtful


def test_both_l5_roots_are_followed(phantom, proposals):
    for side in ("left", "right"):
        course = proposals.landmarks.courses[f"L5 {side}"]
        true = np.array(phantom.truth["nerves"][f"L5 {side}"]["points"])
        distance = np.linalg.norm(course.points[:, None] - true[None], axis=2).min(axis=1)
        assert course.part_found > 0.9
        assert np.median(distance) < 1.2


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


def test_a_mirrored_patient_swaps_the_sides(phantom, proposals):
    grid = phantom.labels.geometry
    mirrored = Labels(np.ascontiguousarray(phantom.labels.array[:, :, ::-1]), grid)
    other = find_landmarks(mirrored)
    axis = grid.origin[0] + (grid.shape[2] - 1) * grid.spacing[0] / 2
    errors = []
    for name, point in proposals.landmarks.points.items():
        twin = name.replace("left", "#").replace("right", "left").replace("#", "right")
        expected = point * np.array([-1, 1, 1]) + np.array([2 * axis, 0, 0])
        errors.append(np.linalg.norm(other.points[twin] - expected))
    assert np.median(errors) < 2.0
    assert max(errors) < 6.0


def test_too_little_bone_is_an_error_with_a_remedy():
    grid = Geometry((20, 20, 20), (2.0, 2.0, 2.0))
    with pytest.raises(PlanError, match=r"20 ml of bone.*segment again"):
        find_landmarks(Labels(np.zeros(grid.shape, np.uint8), grid))


def test_cancel_stops_it(phantom):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        find_landmarks(phantom.labels, cancel=stop)


def test_a_missing_root_is_said_and_yields_no_triangle(phantom):
    array = phantom.labels.array.copy()
    left = phantom.labels.geometry.to_patient(np.argwhere(array == NERVE))[:, 0]
    middle = np.median(left)
    index = np.argwhere(array == NERVE)[left > middle + 11]
    array[tuple(index.T)] = 0
    found = propose_triangles(Labels(array, phantom.labels.geometry), sides=("left",))
    assert found.proposals == ()
    assert any("left L5 root" in note for note in found.notes)


def test_nerve_of_unlikely_volume_is_said(phantom):
    from scipy.ndimage import binary_dilation

    array = phantom.labels.array.copy()
    swollen = binary_dilation(array == NERVE, iterations=3) & (array != 1)
    array[swollen] = NERVE
    found = find_landmarks(Labels(array, phantom.labels.geometry))
    assert any("times the usual volume" in note for note in found.notes)


def test_a_course_is_drawn_to_the_middle_of_the_nerve():
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree

    grid = Geometry((40, 40, 60), (1.0, 1.0, 1.0))
    z, y, _x = np.indices(grid.shape)
    mask = (y - 20) ** 2 + (z - 20) ** 2 < 2.6**2
    index = np.argwhere(mask)
    nerve = grid.to_patient(index)
    depth = distance_transform_edt(mask)[tuple(index.T)]
    guess = np.stack([np.linspace(5, 55, 51), np.full(51, 22.5), np.full(51, 18.0)], axis=1)
    course = snap_course(guess, cKDTree(nerve), nerve, depth)
    assert course.found.all()
    assert np.abs(course.points[3:-3, 1:] - 20).max() < 0.4
    assert course.radii == pytest.approx(2.6, abs=0.7)
