"""Soft tissue and organs on a needle's way, in trunks drawn by hand whose layers are known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Kind, LayerKind, Rule, Side
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin, Organs
from spinect_core.image.volume import BONE, Geometry, Labels, Volume
from spinect_core.plan.rule_wording import finding_text
from spinect_core.planning.judging import organ_facts, organ_names
from spinect_core.planning.needle.needle import Midline, Needle
from spinect_core.planning.needle.skin import BodyCopy
from spinect_core.planning.needle.soft_tissue import BARRED, GAS, Back, SoftTissue, near_labels
from spinect_core.planning.rules import Finding, Rules, barring, judge

MM = 2.0
GRID = Geometry((80, 110, 150), (MM, MM, MM), (-149.0, -109.0, -79.0))
Z, Y, X = np.meshgrid(
    *(GRID.origin[2 - a] + MM * np.arange(n) for a, n in enumerate(GRID.shape)), indexing="ij"
)
BACK = 95.0
"""LPS y of the skin in the midline; 20 mm of fat lie under it."""
TARGET = np.array([20.0, 10.0, 0.0])


def trunk(gas: np.ndarray | None = None) -> Volume:
    """Skin of 2 mm, fat up to y = 75, muscle, a block of spine."""
    out = np.hypot(X / 140.0, Y / BACK) > 1.0
    skin = np.hypot(X / 138.0, Y / (BACK - 2.0)) > 1.0
    fat = np.hypot(X / 120.0, Y / 75.0) > 1.0
    hu = np.select([out, skin, fat], [-1000.0, 40.0, -100.0], 55.0)
    hu[(abs(X) < 15) & (Y < 20) & (Y > -25)] = 500.0
    if gas is not None:
        hu[gas] = -950.0
    return Volume(hu.astype(np.int16), GRID)


def labels() -> Labels:
    bone = (abs(X) < 15) & (Y < 20) & (Y > -25) & (abs(Z) < 40)
    return Labels(np.where(bone, BONE, 0).astype(np.uint8), GRID)


def ball(centre: FloatArray, radius: float) -> np.ndarray:
    return np.sqrt((X - centre[0]) ** 2 + (Y - centre[1]) ** 2 + (Z - centre[2]) ** 2) <= radius


def soft(organs: Organs | None = None, gas: np.ndarray | None = None) -> SoftTissue:
    if gas is not None:
        return SoftTissue.of(BodyCopy.of(trunk(gas)), labels(), organs)
    return replace(plain(), organs=None if organs is None else near_labels(organs, GRID))


@cache
def plain() -> SoftTissue:
    return SoftTissue.of(BodyCopy.of(trunk()), labels())


def organs(*named: tuple[Organ, np.ndarray], looked_for: tuple[Organ, ...] = tuple(Organ)) -> Organs:
    array = np.zeros(GRID.shape, np.uint8)
    for organ, mask in named:
        array[mask] = NUMBERS[organ]
    return Organs(array, GRID, looked_for)


def needle(oblique: float) -> Needle:
    """From the skin to the target, towards the patient's left by so many degrees."""
    way = np.array([np.sin(np.radians(oblique)), np.cos(np.radians(oblique)), 0.0])
    steps = np.arange(0.0, 150.0, 0.05)
    points = TARGET + steps[:, None] * way
    depth = steps[np.hypot(points[:, 0] / 140.0, points[:, 1] / BACK) <= 1.0].max()
    entry = TARGET + depth * way
    return Needle("needle", Kind.SAFE, Side.LEFT, "L5/S1", "", tuple(entry), tuple(TARGET), 22, 178.0)


def found(of: SoftTissue, one: Needle) -> tuple[Finding, ...]:
    way = of.way(one)
    return judge(Rules(), organ_facts(way), organ_names(way))


def beside(one: Needle, depth: float, away: float) -> FloatArray:
    """A place so far beside a needle, towards the front."""
    along = one.towards_entry
    return one.at(depth) + away * np.array([along[1], -along[0], 0.0])


CASES = [(rule, organ) for rule, named in BARRED.items() for organ in named]


@pytest.mark.parametrize(("rule", "organ"), CASES)
def test_an_organ_on_the_way_refuses_by_its_name(rule: Rule, organ: Organ) -> None:
    one = needle(40.0)
    (barred,) = barring(found(soft(organs((organ, ball(one.at(60.0), 8.0)))), one))
    assert (barred.rule, barred.what) == (rule, organ)
    assert barred.value <= 0
    assert finding_text(barred) == f"it goes through the {organ}"


@pytest.mark.parametrize(("rule", "organ"), CASES)
@pytest.mark.parametrize("oblique", [0.0, 30.0, 55.0])
def test_the_margin_is_kept_to_a_voxel(rule: Rule, organ: Organ, oblique: float) -> None:
    one, limit = needle(oblique), Rules()[rule].value
    inside = organs((organ, ball(beside(one, 50.0, 8.0 + one.radius_mm + limit - 2.0), 8.0)))
    (barred,) = barring(found(soft(inside), one))
    assert (barred.rule, barred.what) == (rule, organ)
    assert barred.value == pytest.approx(limit - 2.0, abs=1.5)
    assert finding_text(barred).startswith(f"{barred.value:.1f} mm to the {organ}, less than {limit:g} mm")
    outside = organs((organ, ball(beside(one, 50.0, 8.0 + one.radius_mm + limit + 2.0), 8.0)))
    assert barring(found(soft(outside), one)) == ()


def test_gas_in_the_body_refuses_without_any_mask() -> None:
    one = needle(40.0)
    (barred,) = barring(found(soft(gas=ball(one.at(60.0), 7.0)), one))
    assert (barred.rule, barred.what) == (Rule.BOWEL_MET, GAS)
    assert finding_text(barred) == "it goes through the gas (bowel)"
    (barred,) = barring(found(soft(gas=ball(beside(one, 60.0, 7.0 + 3.0), 7.0)), one))
    assert finding_text(barred).endswith("mm to the gas (bowel), less than 5 mm")
    away = found(soft(gas=ball(beside(one, 60.0, 7.0 + 12.0), 7.0)), one)
    assert barring(away) == ()
    assert [(each.rule, each.what) for each in away if each.rule == Rule.BOWEL_NEAR] == [
        (Rule.BOWEL_NEAR, GAS)
    ]


def test_air_outside_of_bowel_is_no_gas() -> None:
    assert not soft().gas.any()
    fold = (abs(X) < 3) & (Y > 60)  # open to the outside, closed in no slice
    assert not soft(gas=fold & (abs(Z) < 60)).gas.any()
    closed = (abs(X) < 5) & (Y > 60) & (Y < 80) & (Z < 0)  # a cleft that the skin closes above its open end
    cleft = closed | ((abs(X) < 5) & (Y > 60) & (Z < -40))
    assert not soft(gas=cleft).gas.any()
    vacuum = (abs(X) < 12) & (abs(Y) < 15) & (abs(Z) < 2)  # in the disc
    assert not soft(gas=vacuum).gas.any()
    assert soft(gas=ball(np.array([60.0, 0.0, 0.0]), 6.0)).gas.any()


def test_layers_follow_each_other_as_they_are_drawn() -> None:
    one = needle(0.0)
    layers = soft(organs((Organ.BACK_LEFT, (X > 0) & (Y > 30) & (Y < 75)))).way(one).layers
    assert [each.kind for each in layers] == [
        LayerKind.SKIN,
        LayerKind.SUBCUTANEOUS,
        LayerKind.MUSCLE,
        LayerKind.SOFT,  # by its density it might be bowel as well
    ]
    skin, fat, named, rest = layers
    assert skin.mm == pytest.approx(2.0, abs=1.5)
    # the fat ends where the ellipse of the muscle begins
    inner = 75.0 * np.sqrt(1 - (TARGET[0] / 120.0) ** 2)
    assert fat.to_mm == pytest.approx(one.entry[1] - inner, abs=1.5)
    assert (named.organ, rest.organ) == (Organ.BACK_LEFT, None)
    assert named.to_mm == pytest.approx(one.entry[1] - 30.0, abs=1.5)
    assert rest.to_mm == pytest.approx(one.depth_mm, abs=0.5)
    assert skin.from_mm == 0.0
    assert all(a.to_mm == b.from_mm for a, b in pairwise(layers))


def test_what_nothing_vouches_for_is_told_in_millimetres() -> None:
    one = needle(50.0)
    of = soft()
    way = of.way(one)
    deep = sum(each.mm for each in way.layers if not each.vouched)
    assert way.unvouched_mm == pytest.approx(deep, abs=1.5)
    assert way.unvouched_mm == pytest.approx(one.depth_mm - 40.0 - 22.0, abs=12.0)
    told = {each.rule: each for each in found(of, one)}
    assert Rule.ORGANS_UNKNOWN in told
    assert not told[Rule.ORGANS_UNKNOWN].bars
    # behind the spine there is nothing but muscle
    back = Back(Midline(np.zeros(3), np.array([1.0, 0.0, 0.0])), 0.0)
    assert of.way(needle(10.0), back).unvouched_mm == 0.0
    # looked for, and nothing there
    named = soft(organs())
    assert named.way(one).unvouched_mm == 0.0
    # half of what has to be looked for is not enough
    some = soft(organs(looked_for=(Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT)))
    assert some.way(one).unvouched_mm == way.unvouched_mm


def test_where_nobody_looked_nothing_is_vouched_for() -> None:
    one = needle(50.0)
    unseen = organs()
    seen = Organs(unseen.array, unseen.geometry, unseen.looked_for, X > 60.0)
    way = soft(seen).way(one)
    assert 0.0 < way.known_mm < one.depth_mm
    assert 0.0 < way.unvouched_mm <= soft().way(one).unvouched_mm


def test_what_a_network_finds_bars_but_what_it_does_not_find_clears_nothing() -> None:
    one = needle(50.0)
    masks = organs((Organ.PSOAS_LEFT, ball(one.at(90.0), 12.0)))
    network = replace(masks, origin=OrganOrigin.NETWORK)
    known, unsure = soft(masks).way(one), soft(network).way(one)
    assert known.unvouched_mm == 0.0
    assert unsure.unvouched_mm == soft().way(one).unvouched_mm > 0.0
    assert unsure.known_mm == known.known_mm  # it was looked for all the same
    bowel = replace(organs((Organ.BOWEL, ball(one.at(60.0), 8.0))), origin=OrganOrigin.NETWORK)
    (barred,) = barring(found(soft(bowel), one))
    assert barred.what == Organ.BOWEL
    # no vessel found behind the tip is no vessel known to be absent
    vein = organs((Organ.GREAT_VESSELS, ball(TARGET - (0.0, 20.0, 0.0), 6.0)))
    straight = needle(0.0)
    for there, expected in ((vein, pytest.approx(14.0, abs=1.5)), (organs(), None)):
        of = soft(replace(there, origin=OrganOrigin.NETWORK))
        assert of.way(straight).vessel_behind_mm == expected


def test_organs_far_away_are_named_with_their_distance_and_farther_ones_not() -> None:
    one = needle(0.0)
    kidney = ball(np.array([-20.0, 0.0, 0.0]), 10.0)
    far = ball(np.array([110.0, -30.0, 0.0]), 6.0)
    way = soft(organs((Organ.KIDNEY_RIGHT, kidney), (Organ.BLADDER, far))).way(one)
    (near,) = way.near
    assert near.name == Organ.KIDNEY_RIGHT
    # from the target, which is the nearest place of the needle
    assert near.gap_mm == pytest.approx(np.hypot(40.0, 10.0) - 10.0 - one.radius_mm, abs=1.5)
    assert near.depth_mm == pytest.approx(one.depth_mm, abs=0.5)


def test_the_first_vessel_behind_the_tip() -> None:
    one = needle(0.0)
    vein = ball(TARGET - (0.0, 20.0, 0.0), 6.0)
    of = soft(organs((Organ.ILIAC_VEIN_LEFT, vein)))
    assert of.way(one).vessel_behind_mm == pytest.approx(14.0, abs=1.5)
    assert soft(organs()).way(one).vessel_behind_mm == float("inf")
    assert soft().way(one).vessel_behind_mm is None
    assert soft(organs(looked_for=(Organ.BOWEL,))).way(one).vessel_behind_mm is None


def test_many_needles_at_once_come_as_near_as_each_alone() -> None:
    rng = np.random.default_rng(5)
    masks = [
        (organ, ball(rng.uniform((30, -20, -30), (110, 60, 30)), rng.uniform(4, 10)))
        for organ in (Organ.BOWEL, Organ.KIDNEY_LEFT, Organ.AORTA, Organ.BLADDER)
    ]
    of = soft(organs(*masks), ball(np.array([70.0, 30.0, 5.0]), 6.0))
    several = [needle(float(oblique)) for oblique in range(0, 62, 2)]
    limits = dict.fromkeys(BARRED, 10.0)
    met = of.met(
        np.array([each.entry for each in several]),
        np.array([each.target for each in several]),
        limits,
        several[0].radius_mm,
    )
    assert set(met) == set(BARRED)
    for number, one in enumerate(several):
        way = of.way(one)
        for rule, (gaps, names) in met.items():
            alone = way.nearest(rule)
            if alone is None or alone.gap_mm > 9.0:
                assert gaps[number] > 8.5
                continue
            assert gaps[number] == pytest.approx(alone.gap_mm, abs=0.3)
            assert names[number] == alone.name
