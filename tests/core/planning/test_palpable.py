"""Crests and spinous processes are where the drawn specimen has them, and what is cut off is not told."""

import numpy as np
import pytest

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.image.volume import Geometry
from spinect_core.planning.needle.needle import CREST_LINE
from spinect_core.planning.needle.palpable import palpable_places
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.surfaces import build_surfaces

pytestmark = pytest.mark.heavy

WIDE = ((-130.0, 130.0), (-55.0, 110.0), (-60.0, 90.0))


@pytest.fixture(scope="module")
def case(draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=WIDE, setting=IDEAL, pathologies=())
    bone = np.asarray(build_surfaces(phantom.labels).bone.points, dtype=np.float64)
    return phantom, find_landmarks(phantom.labels), bone


def test_the_crest_line_is_where_it_was_drawn(case) -> None:
    phantom, marks, bone = case
    found = {each.name: each for each in palpable_places(bone, phantom.labels.geometry, marks)}
    drawn = phantom.truth["landmarks"]["S1 upper end plate centre"][2] + phantom.truth["crest_above_s1_mm"]
    assert found[CREST_LINE].words == ""
    assert found[CREST_LINE].z_mm == pytest.approx(drawn, abs=5.0)  # two voxels and the rounding of the crest
    spine = found["L5 spinous process"]
    assert abs(spine.z_mm - phantom.truth["landmarks"]["L5 body centre"][2]) < 25.0
    assert found["L4 spinous process"].z_mm > spine.z_mm + 15.0


def test_what_the_labels_cut_is_left_out(case) -> None:
    phantom, marks, bone = case
    whole = phantom.labels.geometry
    top = next(each.z_mm for each in palpable_places(bone, whole, marks) if each.name == CREST_LINE)
    height = int((top - 3.0 - whole.origin[2]) / whole.spacing[2])
    low = Geometry((height, *whole.shape[1:]), whole.spacing, whole.origin, whole.direction)
    cut = bone[bone[:, 2] < top - 3.0]
    assert CREST_LINE not in {each.name for each in palpable_places(cut, low, marks)}
    left = bone[(bone[:, 0] > 0) | (bone[:, 2] < 0)]
    one = next(each for each in palpable_places(left, whole, marks) if each.name == CREST_LINE)
    assert one.z_mm == pytest.approx(top, abs=12.0)


def test_stray_bone_is_no_crest_and_no_process(case) -> None:
    """Bars on the back and fragments beside the body are labelled bone now and then."""
    phantom, marks, bone = case
    grid = phantom.labels.geometry
    found = {each.name: each.z_mm for each in palpable_places(bone, grid, marks)}
    stray = np.concatenate(
        [
            np.random.default_rng(0).uniform(-3, 3, (200, 3))
            + np.array([100.0, 20.0, found[CREST_LINE] + 22.0]),
            np.random.default_rng(1).uniform(-3, 3, (200, 3))
            + np.array([0.0, 100.0, found["L5 spinous process"]]),
        ]
    )
    again = {each.name: each.z_mm for each in palpable_places(np.concatenate([bone, stray]), grid, marks)}
    assert again == found


def test_crests_of_uneven_height_are_no_line(case) -> None:
    phantom, marks, bone = case
    grid = phantom.labels.geometry
    top = next(each.z_mm for each in palpable_places(bone, grid, marks) if each.name == CREST_LINE)
    for lower, told in ((10.0, True), (35.0, False)):
        uneven = bone[(bone[:, 0] > 0) | (bone[:, 2] < top - lower)]
        assert (CREST_LINE in {each.name for each in palpable_places(uneven, grid, marks)}) == told
