from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from spinect_core.image.volume import Geometry
from spinect_core.research.phantom import STRUCTURES, draw_case
from spinect_core.research.phantom.nerves import Course
from spinect_core.research.phantom.squeezed import DENT_MM, FLAT, out_of_bone
from spinect_core.research.phantom_study.impossible import find_violations

GRID = Geometry((41, 41, 101), (1.0, 1.0, 1.0), (-50.0, -20.0, -20.0))
_Z, Y, _X = np.meshgrid(np.arange(-20.0, 21.0), np.arange(-20.0, 21.0), np.arange(-50.0, 51.0), indexing="ij")


def course(dip: float) -> Course:
    """A nerve along x, 2.5 mm in radius, that dips forwards in its middle."""
    x = np.arange(-45.0, 45.5, 0.5)
    y = -dip * np.exp(-((x / 6.0) ** 2))
    return Course("L5 left", np.stack([x, y, np.zeros_like(x)], axis=1), np.full(len(x), 2.5))


def test_a_root_squeezed_between_disc_and_bone_dents_the_disc() -> None:
    bone, disc = Y + 1.0, 1.0 - Y
    before = course(dip=2.0)
    after = out_of_bone(before, bone, np.minimum(bone, disc), GRID)
    middle = len(before.points) // 2
    assert before.points[:, 1].min() == pytest.approx(-2.0)
    assert after.points[middle - 8 : middle + 8, 1].min() + 1.0 > 0.9 * FLAT * 2.5
    assert after.points[middle, 1] < 1.0 + DENT_MM
    assert np.array_equal(after.points[:40], before.points[:40])
    assert np.linalg.norm(np.diff(after.points, axis=0), axis=1).max() < 1.0


def test_a_root_that_cannot_be_pushed_free_goes_another_way() -> None:
    # A wall of bone across the course, with a bore of 3 mm radius 6 mm behind it.
    bone = np.where(np.abs(_X) < 12.0, np.maximum(3.0 - np.hypot(Y - 6.0, _Z), -1.0), 20.0)
    before = course(dip=2.0)
    after = out_of_bone(before, bone, bone, GRID)
    through = np.abs(after.points[:, 0]) < 10.0
    assert after.points[through, 1] == pytest.approx(6.0, abs=1.7)
    assert after.points[through, 2] == pytest.approx(0.0, abs=1.7)
    assert np.linalg.norm(np.diff(after.points, axis=0), axis=1).max() < 1.0
    assert len(after.points) == len(before.points)


def test_a_root_that_only_grazes_bone_stays() -> None:
    bone = Y + 1.0
    before = course(dip=-0.2)
    after = out_of_bone(before, bone, bone, GRID)
    assert np.array_equal(after.points, before.points)


def test_a_foramen_narrowed_by_three_diseases_lets_the_root_through() -> None:
    box = ((-52.0, 12.0), (-40.0, 40.0), (-10.0, 60.0))
    phantom = draw_case(24, (2.0, 2.0, 2.0), box=box)
    assert {"scoliosis", "osteophytes", "disc-bulge"} <= set(phantom.truth["pathologies"])
    disc = phantom.structures == STRUCTURES["disc L5/S1"]
    course = np.array(phantom.truth["nerves"]["L5 right"]["points"])
    index = phantom.volume.geometry.to_index(course)
    # Between pedicle and bulging disc, not through the disc.
    assert map_coordinates(disc.astype(float), index.T, order=1).max() < 0.5
    assert [v for v in find_violations(phantom) if v.name.startswith("nerve") and v.where == "L5 right"] == []
