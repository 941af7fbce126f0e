"""Organs put into the way of needles at random: is every needle within a margin refused by the organ's name?

    python -m benchmarks.organs --draws 200 --seed 1

Each draw is a trunk of its own size with a needle through it, and an organ whose exact shape is a formula: a ball or a
tube of random kind, size and place, as masks with voxels of 1 to 3 mm, or gas that only the CT shows. The true gap
between needle and organ is computed from the formula. What is judged knows only masks and CT. Four numbers have to be
right: needles nearer than the margin that were not refused; refusals without the organ's name; needles farther than the
margin and two voxels that were refused; and the error of the gap that is told.

No network takes part, and nothing is said here about how well masks are made.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import Kind, Rule, Side, Version
from spinect_core.image.organs import NUMBERS, Organ, Organs
from spinect_core.image.volume import BONE, Geometry, Labels, Volume
from spinect_core.plan.rule_wording import finding_text
from spinect_core.planning.judging import organ_facts, organ_names
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.skin import BodyCopy
from spinect_core.planning.needle.soft_tissue import BARRED, GAS, SoftTissue
from spinect_core.planning.rules import Rules, barring, judge

CT_MM = 2.0
FARTHEST_MM = 25.0
"""From the needle, beyond which no organ is put."""


@dataclass(frozen=True)
class Solid:
    """A ball, or a tube along an axis.

    Attributes:
        start: LPS mm of its middle, or of one end of the axis.
        stop: the same place, or the other end.
        radius: mm.
    """

    start: tuple[float, float, float]
    stop: tuple[float, float, float]
    radius: float

    def depth(self, points: FloatArray) -> FloatArray:
        """Mm (...) from points (..., 3) to its surface, negative within."""
        a, b = np.array(self.start), np.array(self.stop)
        along = b - a
        length = float(along @ along)
        part = np.clip((points - a) @ along / length, 0.0, 1.0) if length > 0 else np.zeros(points.shape[:-1])
        return np.asarray(np.linalg.norm(points - a - part[..., None] * along, axis=-1) - self.radius)


@dataclass(frozen=True)
class Drawn:
    """What became of one draw.

    Attributes:
        seed: of the draw.
        name: of the organ.
        voxel_mm: of the masks, or of the CT for gas.
        margin_mm: of its rule.
        gap_mm: between needle and organ in truth, 0 or less where it goes through.
        told_mm: as it was measured; None beyond 60 mm.
        refused: whether the needle was.
        named: whether the refusal names the organ, and no other.
        view_refused: whether the same way was refused as a view of an angle map.
    """

    seed: int
    name: str
    voxel_mm: float
    margin_mm: float
    gap_mm: float
    told_mm: float | None
    refused: bool
    named: bool
    view_refused: bool


def draw(seed: int) -> Drawn:
    """One trunk with a needle and an organ."""
    rng = np.random.default_rng(seed)
    half = rng.uniform((125.0, 80.0, 70.0), (150.0, 105.0, 80.0))
    shape = tuple(int(2 * mm / CT_MM) + 8 for mm in half[::-1])
    grid = Geometry(shape, (CT_MM,) * 3, tuple(-(n - 1) / 2 * CT_MM for n in shape[::-1]))  # type: ignore[arg-type]
    needle = _needle(rng, half)
    rules = tuple(BARRED)
    rule = rules[int(rng.integers(len(rules)))]
    gas = rule == Rule.BOWEL_MET and bool(rng.random() < 0.5)
    organ = BARRED[rule][int(rng.integers(len(BARRED[rule])))]
    margin = Rules()[rule].value
    solid, gap = _solid(rng, needle, margin)
    volume = _trunk(grid, half, solid if gas else None)
    voxel = CT_MM if gas else float(rng.choice([1.0, 1.5, 2.0, 3.0]))
    masks = None if gas else _masks(grid, voxel, organ, solid)
    soft = SoftTissue.of(BodyCopy.of(volume), _labels(grid), masks)
    way = soft.way(needle)
    barred = barring(judge(Rules(), organ_facts(way), organ_names(way)))
    name = GAS if gas else str(organ)
    near = way.nearest(rule)
    met = soft.met(np.array([needle.entry]), np.array([needle.target]), {rule: margin}, needle.radius_mm).get(
        rule
    )
    return Drawn(
        seed,
        name,
        voxel,
        margin,
        gap,
        None if near is None else near.gap_mm,
        bool(barred),
        [each.what for each in barred] == [name] and all(name in finding_text(each) for each in barred),
        met is not None and bool(met[0][0] < margin) and met[1] == [name],
    )


def _needle(rng: np.random.Generator, half: FloatArray) -> Needle:
    """A needle from the skin of the back to a foramen, on either side, up to 60 degrees oblique and 30 tilted."""
    sign = float(rng.choice([-1.0, 1.0]))
    target = np.array([sign * rng.uniform(15, 30), rng.uniform(0, 20), rng.uniform(-15, 15)])
    turn, lean = np.radians(rng.uniform(5, 60)), np.radians(rng.uniform(-30, 30))
    way = np.array([sign * np.sin(turn) * np.cos(lean), np.cos(turn) * np.cos(lean), np.sin(lean)])
    steps = np.arange(0.0, 178.0, 0.1)
    points = target + steps[:, None] * way
    inside = np.hypot(points[:, 0] / half[0], points[:, 1] / half[1]) <= 1.0
    entry = points[np.flatnonzero(inside)[-1]]
    side = Side.LEFT if sign > 0 else Side.RIGHT
    return Needle(
        "drawn",
        Kind.SAFE,
        side,
        "L5/S1",
        Version.NONE,
        tuple(entry.tolist()),
        tuple(target.tolist()),
        22,
        178.0,
    )


def _solid(rng: np.random.Generator, needle: Needle, margin: float) -> tuple[Solid, float]:
    """A ball or tube beside the needle or through it, and the true gap between both."""
    depths = np.linspace(0.0, needle.depth_mm, 2000)
    points = needle.at(depths)
    while True:
        radius = float(rng.uniform(4.0, 14.0))
        depth = float(rng.uniform(25.0 + radius, max(needle.depth_mm, 26.0 + radius)))
        along = needle.towards_entry
        beside = np.cross(along, rng.standard_normal(3))
        beside /= np.linalg.norm(beside)
        # As often within the margin as beyond it.
        away = float(rng.uniform(-radius, 3 * margin + 12.0)) + radius + needle.radius_mm
        middle = needle.at([depth])[0] + away * beside
        reach = rng.standard_normal(3)
        reach *= float(rng.uniform(5.0, 30.0)) / np.linalg.norm(reach) * (rng.random() < 0.5)
        solid = Solid(tuple((middle - reach).tolist()), tuple((middle + reach).tolist()), radius)
        gap = float(solid.depth(points).min()) - needle.radius_mm
        if gap <= FARTHEST_MM:
            return solid, gap


def _trunk(grid: Geometry, half: FloatArray, gas: Solid | None) -> Volume:
    """Skin, fat and muscle round a block of spine."""
    points = _slice(grid)
    x, y = points[..., 0], points[..., 1]
    outside = np.hypot(x / half[0], y / half[1]) > 1.0
    skin = np.hypot(x / (half[0] - 2), y / (half[1] - 2)) > 1.0
    fat = np.hypot(x / (half[0] - 20), y / (half[1] - 20)) > 1.0
    hu = np.select([outside, skin, fat], [-1000, 40, -100], 55).astype(np.int16)
    hu[_spine(points)] = 400
    whole = np.repeat(hu[None], grid.shape[0], axis=0)
    if gas is not None:
        box, inside = _within(grid, gas)
        part = whole[box]
        part[inside & (part > -1000)] = -950
    return Volume(whole, grid)


def _slice(grid: Geometry) -> FloatArray:
    """LPS mm (rows, columns, 3) of the first slice."""
    return np.asarray(grid.to_patient(np.moveaxis(np.indices((1, *grid.shape[1:])), 0, -1))[0])


def _within(grid: Geometry, solid: Solid) -> tuple[tuple[slice, ...], BoolArray]:
    """The part of a grid round a solid, and which of its voxels lie in it."""
    ends = grid.to_index(np.array([solid.start, solid.stop]))
    reach = solid.radius / grid.spacing[0] + 1
    low = np.clip(np.floor(ends.min(axis=0) - reach), 0, np.array(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + reach) + 1, low + 1, np.array(grid.shape)).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    places = grid.to_patient(np.moveaxis(np.indices(high - low), 0, -1) + low)
    return box, np.asarray(solid.depth(places) <= 0)


def _spine(points: FloatArray) -> BoolArray:
    x, y = points[..., 0], points[..., 1]
    return np.asarray((np.abs(x) < 12) & (y < 0) & (y > -30))


def _labels(grid: Geometry) -> Labels:
    bone = np.where(_spine(_slice(grid)), BONE, 0).astype(np.uint8)
    return Labels(np.repeat(bone[None], grid.shape[0], axis=0), grid)


def _masks(ct: Geometry, voxel: float, organ: Organ, solid: Solid) -> Organs:
    """The organ on a grid of its own over the CT."""
    size = np.array(ct.shape[::-1]) * np.array(ct.spacing)
    shape = tuple(int(mm / voxel) for mm in size[::-1])
    grid = Geometry(shape, (voxel,) * 3, tuple(-(n - 1) / 2 * voxel for n in shape[::-1]))  # type: ignore[arg-type]
    array = np.zeros(grid.shape, np.uint8)
    box, inside = _within(grid, solid)
    array[box][inside] = NUMBERS[organ]
    return Organs(array, grid, tuple(Organ))


def report(drawn: list[Drawn]) -> dict[str, object]:
    """The four numbers, and what they rest on."""
    within = [each for each in drawn if each.gap_mm < each.margin_mm]
    beyond = [each for each in drawn if each.gap_mm > each.margin_mm + 2 * each.voxel_mm]
    edge = len(drawn) - len(within) - len(beyond)
    errors = np.array(
        [each.told_mm - each.gap_mm for each in drawn if each.told_mm is not None and each.gap_mm > 0]
    )
    return {
        "draws": len(drawn),
        "within the margin": len(within),
        "of these passed": sum(not each.refused for each in within),
        "of these passed as a view": sum(not each.view_refused for each in within),
        "refused": sum(each.refused for each in drawn),
        "refused without the organ's name": sum(each.refused and not each.named for each in drawn),
        "beyond the margin and two voxels": len(beyond),
        "of these refused": sum(each.refused for each in beyond),
        "between the two": edge,
        "error of the gap in mm, mean": round(float(errors.mean()), 2),
        "error of the gap in mm, least and most": [
            round(float(each), 2) for each in (errors.min(), errors.max())
        ],
        "worst passed": [
            asdict(each) for each in sorted(within, key=lambda each: each.gap_mm) if not each.refused
        ][:5],
    }


def main(arguments: list[str] | None = None) -> int:
    """Draw, judge and print; 1 where a needle within its margin passed, or a refusal did not name the organ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="every draw as JSON")
    options = parser.parse_args(arguments)
    drawn = [draw(options.seed * 100_000 + number) for number in range(options.draws)]
    found = report(drawn)
    print(json.dumps(found, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps([asdict(each) for each in drawn], indent=1), encoding="utf-8")
    return int(bool(found["of these passed"] or found["refused without the organ's name"]))


if __name__ == "__main__":
    sys.exit(main())
