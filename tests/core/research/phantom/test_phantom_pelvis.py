from __future__ import annotations

import numpy as np
import pytest

from spinect_core.research.phantom.build import procedural
from spinect_core.research.phantom.ilium import hip_bone, outward
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.sacrum import SacrumShape, ala_front, sacrum
from spinect_core.research.phantom.sdf import Lattice

SHAPE = SacrumShape(50.0, 31.0, 28.4, 29.0, 15.6, 17.5)


def grid(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], step: float = 1.0):
    axes = [np.arange(low, high + step / 2, step) for low, high in (z, y, x)]
    zz, yy, xx = np.meshgrid(*axes, indexing="ij")
    return xx, yy, zz


def stoutness(y: float, z: float) -> float:
    """Thickness of the wing in mm where the line (y, z) crosses it."""
    p = grid((20.0, 150.0), (y, y), (z, z), 0.5)
    return -2.0 * float(hip_bone(p, 36.0, 1.0).min())


def test_the_wing_is_thin_in_the_fossa_and_stout_at_crest_and_tuberosity() -> None:
    fossa, crest, tuberosity = stoutness(14.0, 4.0), stoutness(-25.0, 2.0), stoutness(57.0, -5.0)
    assert 3.0 < fossa < 8.0
    assert crest > 1.6 * fossa
    assert tuberosity > 2.0 * fossa


@pytest.mark.parametrize("crest", [22.0, 36.0, 50.0])
@pytest.mark.parametrize("tilt", [-10.0, 0.0, 10.0])
def test_the_crest_stands_as_high_as_asked_whatever_the_slope(crest: float, tilt: float) -> None:
    p = grid((40.0, 140.0), (-40.0, 70.0), (10.0, 60.0), 2.0)
    inside = hip_bone(p, crest, 1.0, tilt) < 0
    assert p[2][inside].max() == pytest.approx(crest, abs=2.5)


def test_inside_and_outside_of_the_wing_are_told_apart() -> None:
    places = np.array([[70.0, -10.0, 0.0], [-70.0, -10.0, 0.0], [110.0, 30.0, 0.0], [-110.0, 30.0, 0.0]])
    assert list(np.sign(outward((places[:, 0], places[:, 1], places[:, 2])))) == [-1.0, -1.0, 1.0, 1.0]


@pytest.mark.parametrize("seed", [7, 12, 21])
def test_the_sacroiliac_joint_is_a_narrow_cleft_along_its_length(seed: int) -> None:
    specimen = draw_specimen(seed)
    p = grid((22.0, 80.0), (-25.0, 80.0), (-60.0, 10.0))
    solids = procedural(specimen).solids(p, Lattice.every(p[0].shape, (2, 2, 2)))
    bone, hip = solids["sacrum"] < 0, solids["hip left"]
    assert hip[bone].min() > 1.0
    # In a slice through S1 sacrum and hip face each other at 1 to 3.5 mm over more than 25 mm from front to back.
    facing = bone & (hip < 3.5)
    lengths = facing.any(axis=2).sum(axis=1)
    assert lengths.max() > 25
    assert np.count_nonzero(lengths > 12) > 20


def test_the_alae_come_forwards_towards_the_joint_and_leave_room_for_the_trunk() -> None:
    beside, at_joint = (float(ala_front(np.array(ax), np.array(30.0))) for ax in (36.0, 62.0))
    assert at_joint < beside - 3.0
    assert beside > -4.0


def test_the_sacrum_bears_crests_and_keeps_its_canal_and_foramina() -> None:
    p = grid((-45.0, 45.0), (-20.0, 60.0), (-70.0, 5.0))
    inside = sacrum(p, SHAPE) < 0

    def at(x: float, y: float, z: float) -> bool:
        return bool(inside[round(z + 70), round(y + 20), round(x + 45)])

    # The rearmost bone rises and falls along the midline: tubercles with saddles between them.
    rear = [int(np.flatnonzero(inside[k, :, 45])[-1]) for k in range(5, 58)]
    turns = np.count_nonzero(np.diff(np.sign(np.diff(np.convolve(rear, np.ones(5) / 5, "valid")))) < 0)
    assert turns >= 2
    assert not at(0.0, SHAPE.back + 7.0, -15.0)
    s1 = -32.0 * SHAPE.s1_height / 30.0
    assert not at(19.0, 1.0, round(s1))
    assert not at(-19.0, 1.0, round(s1))
