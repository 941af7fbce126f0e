"""Tips are told where a drawn specimen has them, and what lies behind them as far as its structures say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinect_core.anatomy.borders import Ground
from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.words import TipFact
from spinect_core.plan.build import tip_record
from spinect_core.plan.records import NeedleRecord, TipRecord
from spinect_core.plan.tip_wording import front_words, side_words, tip_facts
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.tip import DEEPEST_MM, SPARE_MM, Tip, TipGround, _stop
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.surfaces import build_surfaces

SIDES = ("left", "right")
WIDE = ((-130.0, 130.0), (-55.0, 110.0), (-60.0, 90.0))
VOXEL_MM = 2.0


@pytest.fixture(scope="module")
def case(draw_once):
    phantom = draw_once(8, (VOXEL_MM,) * 3, box=WIDE, setting=IDEAL, pathologies=())
    surfaces = build_surfaces(phantom.labels)
    # Bone and nerve are looked at as drawn; the landmarks are those of the truth, the names those of the atlas.
    marks = find_landmarks(phantom.labels)
    drawn = {
        name: np.array(point) for name, point in phantom.truth["landmarks"].items() if name in marks.points
    }
    marks = replace(marks, points=marks.points | drawn)
    return phantom, marks, surfaces


@pytest.fixture(scope="module")
def ground(case):
    return made(*case)


def made(phantom, marks, surfaces) -> TipGround:
    bone, nerve = (np.asarray(mesh.points, dtype=np.float64) for mesh in (surfaces.bone, surfaces.nerve))
    return TipGround.of(Ground.of(marks, phantom.labels), bone, nerve)


def needle(target, towards_entry, side: str = "left") -> Needle:
    way = np.asarray(towards_entry, dtype=np.float64) / np.linalg.norm(towards_entry)
    entry = tuple(np.add(target, 80.0 * way))
    return Needle("", "safe", side, "L5/S1", "", entry, tuple(target), created="2026-01-01")


def oblique(side: str) -> np.ndarray:
    return np.array([0.5 if side == "left" else -0.5, 0.85, 0.0])


pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("outwards", "hour"), [(0.0, 6), (6.0, 7), (-6.0, 5), (14.0, 8)])
def test_the_hour_on_the_pedicle(ground, case, side: str, outwards: float, hour: int) -> None:
    """Seen from behind, outwards of the left pedicle is 7 o'clock, and of the right one 5."""
    out, up, _ = ground.ground.upper_axes(side)
    margin = ground.ground.point("L5 pedicle lower margin", side)
    front = ground.tip_of(needle(margin + outwards * out - 3.0 * up, oblique(side), side)).front
    assert front.lateral_mm == pytest.approx(outwards, abs=1e-6)
    assert front.below_mm == pytest.approx(3.0, abs=1e-6)
    assert (round(front.clock) or 12) == (hour if side == "left" else 12 - hour)
    height = case[0].truth["specimen"]["values"]["l5_pedicle_height"]
    # From the middle of the pedicle down to the tip and outwards: its angle tells how high the pedicle was taken for.
    if outwards:
        down = outwards / np.tan(np.radians(abs(front.clock - 6.0) * 30.0)) * np.sign(outwards)
        assert 2 * (down - 3.0) == pytest.approx(height, abs=2 * VOXEL_MM)
    words = front_words(tip_record(ground.tip_of(needle(margin + outwards * out, oblique(side), side))).front)
    assert ("lateral" in words) == (outwards > 0)
    assert ("medial" in words) == (outwards < 0)


@pytest.mark.parametrize("side", SIDES)
def test_quadrant_and_third_of_the_foramen(ground, side: str) -> None:
    _, up, back = ground.ground.upper_axes(side)
    centre = ground.ground.landmarks.points[f"foramen L5/S1 centre {side}"]
    roof = (ground.ground.point("L5 pedicle lower margin", side) - centre) @ up

    def seen(upwards: float, backwards: float):
        target = centre + upwards * up + backwards * back
        return tip_record(ground.tip_of(needle(target, oblique(side), side))).side

    middle = seen(0.0, 0.0)
    # The centre was drawn midway between body and process, 6.5 mm under the pedicle.
    assert middle.depth * middle.depth_mm == pytest.approx(middle.depth_mm / 2, abs=VOXEL_MM)
    assert (1 - middle.height) * middle.height_mm == pytest.approx(roof, abs=1e-6)
    assert roof == pytest.approx(6.5, abs=1.0)
    high = side_words(seen(roof - 0.5, 0.3 * middle.depth_mm))
    assert high.startswith("dorsal cranial quadrant, upper third")
    low = side_words(seen(roof - 0.9 * middle.height_mm, -0.3 * middle.depth_mm))
    assert low.startswith("ventral caudal quadrant, lower third")
    assert "outside of the foramen: 2.0 mm above its roof" in side_words(seen(roof + 2.0, 0.0))
    assert "front of its front wall" in side_words(seen(0.0, -middle.depth_mm))


def first_in(phantom, planned: Needle, *names: str) -> float:
    """How far behind the tip the drawn structure begins, by its voxels."""
    steps = np.arange(0.0, 60.0, 0.25)
    index = np.rint(phantom.labels.geometry.to_index(planned.at(planned.depth_mm + steps))).astype(int)
    inside = np.all((index >= 0) & (index < phantom.structures.shape), axis=1)
    met = np.isin(phantom.structures[tuple(index[inside].T)], [STRUCTURES[name] for name in names])
    return float(steps[inside][met.argmax()]) if met.any() else np.inf


@pytest.mark.parametrize("side", SIDES)
def test_what_lies_behind_is_where_it_was_drawn(case, ground, side: str) -> None:
    phantom, marks, _ = case
    out, up, back = ground.ground.axes(side)
    middle = marks.points["S1 upper end plate centre"]
    errors = []
    for rise in (2.0, 3.5, 5.0, 6.5):
        for turn in (0.0, 0.3, 0.6, 1.0, 1.5, 2.5):
            way = (out + turn * back) / np.hypot(1.0, turn)
            planned = needle(middle + rise * up + 34.0 * way, way, side)
            errors.append(
                ground.tip_of(planned).behind[TipFact.DISC] - first_in(phantom, planned, "disc L5/S1")
            )
    # The disc itself is not labelled: on voxels of 2 mm its rim is found to 5 mm, and rather too early than too late.
    assert np.abs(errors).max() < 6.0
    assert np.abs(errors).mean() < 3.0
    assert np.mean(errors) < 1.0
    foramen = needle(marks.points[f"foramen L5/S1 centre {side}"], oblique(side), side)
    assert TipFact.DISC not in ground.tip_of(foramen).behind
    assert first_in(phantom, foramen, "disc L5/S1") == np.inf
    sac = marks.sac.points[len(marks.sac.points) // 2]
    planned = needle(
        sac + 14.0 * out + np.array([0.0, 14.0, 0.0]), 14.0 * out + np.array([0.0, 14.0, 0.0]), side
    )
    tip = ground.tip_of(planned)
    assert tip.behind[TipFact.SAC] == pytest.approx(first_in(phantom, planned, "thecal sac"), abs=VOXEL_MM)
    assert tip.sac_mm <= tip.behind[TipFact.SAC] + VOXEL_MM


def test_the_front_of_the_bodies(case, ground) -> None:
    phantom, marks, _ = case
    target = marks.points["L5 body centre"] + np.array([0.0, 30.0, 0.0])
    planned = needle(target, (0.0, 1.0, 0.0))
    index = np.argwhere(np.isin(phantom.structures, [STRUCTURES["L5"], STRUCTURES["sacrum"]]))
    drawn = phantom.labels.geometry.to_patient(index)
    level = np.abs(drawn[:, 2] - marks.points["L5 body centre"][2]) < 20.0
    away = target[1] - drawn[level, 1].min()
    assert ground.tip_of(planned).behind[TipFact.FRONT] == pytest.approx(away, abs=4.0)
    backwards = needle(target, (0.0, -1.0, 0.0))
    assert TipFact.FRONT not in ground.tip_of(backwards).behind


def test_what_is_not_there_is_said_and_not_guessed(case, ground) -> None:
    phantom, marks, surfaces = case
    planned = needle(marks.points["foramen L5/S1 centre left"], oblique("left"))
    assert ground.tip_of(planned).missing == (TipFact.VESSELS,)
    bare = made(phantom, replace(marks, parts=None), surfaces).tip_of(planned)
    assert {TipFact.DISC, TipFact.SAC, TipFact.ROOT, TipFact.FRONT} < set(bare.missing)
    assert bare.sac_mm is None
    points = {name: point for name, point in marks.points.items() if "foramen" not in name}
    without = made(phantom, replace(marks, points=points), surfaces).tip_of(planned)
    assert without.side is None
    assert TipFact.FORAMEN in without.missing
    record = TipRecord.from_dict(tip_record(without).to_dict())
    told = dict(tip_facts(NeedleRecord(needle=planned, tip=record)))
    assert told["Not known"] == "place in the foramen, vessels"
    assert "Tip from the side" not in told


def test_the_stop_lies_before_the_first_of_what_must_not_be_reached() -> None:
    free = _stop(80.0, {})
    assert (free.depth_mm, free.before) == (80.0 + DEEPEST_MM, None)
    before = _stop(80.0, {TipFact.DISC: 7.0, TipFact.SAC: 9.0})
    assert (before.depth_mm, before.before, before.at_mm) == (87.0 - SPARE_MM, TipFact.DISC, 87.0)
    # Bone stops a needle by itself, so it is reached.
    assert _stop(80.0, {TipFact.BONE: 3.0, TipFact.DISC: 7.0}).depth_mm == 83.0
    assert _stop(80.0, {TipFact.FRONT: 40.0}).before is None
    near = _stop(80.0, {TipFact.ROOT: 1.0})
    assert (near.depth_mm, near.planned) == (80.0, True)


def test_words_of_what_lies_behind_and_of_the_stop() -> None:
    planned = needle((20.0, 10.0, 0.0), oblique("left"))

    def told(behind: dict[TipFact, float]) -> dict[str, str]:
        tip = Tip(None, None, behind, 12.4, (TipFact.VESSELS,), _stop(planned.depth_mm, behind))
        return dict(tip_facts(NeedleRecord(needle=planned, tip=tip_record(tip))))

    disc = told({TipFact.BONE: 9.0, TipFact.DISC: 7.0})
    assert disc["Behind the tip"] == (
        "along the needle 7 mm to the disc (± 5 mm), 9 mm to bone; 12 mm to the thecal sac in any direction"
    )
    assert disc["Stop depth"] == "85 mm from the skin; the disc begins at 87 mm"
    assert told({TipFact.BONE: 3.0})["Stop depth"] == "83 mm from the skin, where it meets bone"
    near = told({TipFact.ROOT: 1.0, TipFact.SAC: 0.0})
    assert near["Behind the tip"].startswith(
        "the tip lies in the thecal sac; along the needle 1 mm to a nerve root"
    )
    assert near["Stop depth"] == "the planned depth, 80 mm: the thecal sac begins at 80 mm"
    assert "nothing known lies so near" in told({})["Stop depth"]
