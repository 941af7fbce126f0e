"""Is the right level found, or a doubt told, on spines that are not plain?

``python -m spinect_core.research.study.hard_levels --cases FOLDER ... --out DIR --bent 100 --cut 100 --counted 100
--plain 100`` takes phantoms as ``spinect phantom`` writes them (folders with labels and truth.json), and changes their
true labels and landmarks:

- *bent*: bent by random smooth fields of up to 8 mm, scaled by 0.8 to 1.25, turned by up to 20 degrees;
- *cut*: cut to fields of view of 120 to 400 mm, their middle up to 60 mm off;
- *counted*: with a vertebra less or more, or with L5 joined to the sacrum or S1 freed from it;
- *plain*: drawn anew, of the procedural family without pathology, in the region that is segmented in a CT.

It writes ``hard-levels.csv`` and ``hard-levels.md``. ``--quick`` judges by the cues alone, without fitting the atlas.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from spinect_core.anatomy.landmarks import SACRAL_END_PLATE, find_landmarks, search_level
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpinectError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, geometry_from_sitk
from spinect_core.io.reading.quiet import quiet_itk
from spinect_core.plan.wording import sentences
from spinect_core.preprocessing.find_region import SIZE_MM
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.scanner import IDEAL

GRID_MM = 2.0
"""Changed specimens are as fine as they were, and at least so fine."""
BEND_MM, BEND_WIDTH_MM = 8.0, 35.0
SCALES = (0.8, 1.25)
TURN_DEG = 20.0
FIELDS_MM = (120.0, 400.0)
OFF_MM = 60.0
WRONG_MM = 15.0
"""An end plate farther off, at scale 1, is that of another vertebra."""

UPPER, LOWER = "L5 upper end plate centre", SACRAL_END_PLATE
COUNTS = ("four", "six", "sacralised", "lumbarised")

Points = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Specimen:
    """Labels whose truth is known.

    Attributes:
        name: of the case.
        labels: 0 background, 1 bone, 2 nerve.
        points: true landmarks, LPS mm (3,) by name.
        scale: size, as a multiple of the phantom's.
        pathologies: of the phantom.
    """

    name: str
    labels: Labels
    points: Points
    scale: float = 1.0
    pathologies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        kind: ``bent``, ``cut``, ``counted`` or ``plain``.
        name: of the case, with what was done to it.
        right: whether the level is the true one.
        doubts: what was told.
        off_mm: of the end plate from the true one.
        scores: of the likeliest hypothesis and the next.
        cues: of the likeliest.
        seconds: it took.
    """

    kind: str
    name: str
    right: bool
    doubts: tuple[str, ...]
    off_mm: float
    scores: tuple[float, ...]
    cues: Mapping[str, float]
    seconds: float

    @property
    def silent(self) -> bool:
        """Wrong, and nothing said."""
        return not self.right and not self.doubts


def read_specimen(folder: Path) -> Specimen:
    """A case as ``spinect phantom`` writes it."""
    with quiet_itk():
        image = sitk.ReadImage(str(folder / "labels.nii.gz"))
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    labels = Labels(sitk.GetArrayFromImage(image).astype(np.uint8), geometry_from_sitk(image))
    points = {name: np.array(point) for name, point in truth["landmarks"].items()}
    return Specimen(f"{folder.parent.name} {truth['seed']}", labels, points, 1.0, tuple(truth["pathologies"]))


def mapped(
    specimen: Specimen, name: str, source: Callable[[FloatArray], FloatArray], scale: float = 1.0
) -> Specimen:
    """A specimen whose place p (LPS mm) shows what the given one has at ``source(p)``.

    Args:
        specimen: to change.
        name: of what comes out.
        source: LPS mm (n, 3) to LPS mm (n, 3), near the identity in its turns.
        scale: size of what comes out, as a multiple of the specimen's.
    """
    grid = specimen.labels.geometry
    corners = grid.corners()
    middle = corners.mean(axis=0)
    half = (corners.max(axis=0) - corners.min(axis=0)) / 2 * max(scale, 1.0)
    step = min(max(grid.spacing), GRID_MM)
    shape = tuple(int(2 * size / step) for size in half[::-1])
    out = Geometry((shape[0], shape[1], shape[2]), (step,) * 3, tuple(middle - half))
    array = np.zeros(shape, np.uint8)
    for row in range(shape[0]):
        y, x = np.indices(shape[1:])
        places = out.to_patient(np.stack([np.full_like(x, row), y, x], axis=-1).reshape(-1, 3))
        index = grid.to_index(source(places)).T
        array[row] = map_coordinates(specimen.labels.array, index, order=0, cval=0).reshape(shape[1:])
    points = {key: _target(source, point) for key, point in specimen.points.items()}
    return Specimen(name, Labels(array, out), points, specimen.scale * scale, specimen.pathologies)


def _target(source: Callable[[FloatArray], FloatArray], point: FloatArray) -> FloatArray:
    """Where a point goes: the place whose source it is, by going after the error."""
    place = np.array(point, dtype=np.float64)
    for _ in range(60):
        place = place + 0.7 * (point - source(place[None])[0])
    return place


def bent(specimen: Specimen, seed: int) -> Specimen:
    """Bent by a smooth field of up to 8 mm, scaled by 0.8 to 1.25 and turned by up to 20 degrees about any axis."""
    rng = np.random.default_rng(seed)
    grid = specimen.labels.geometry
    low, high = grid.corners().min(axis=0), grid.corners().max(axis=0)
    step = 8.0
    shape = tuple(int((b - a) / step) + 9 for a, b in zip(low[::-1], high[::-1], strict=True))
    field = np.stack(
        [gaussian_filter(rng.standard_normal(shape), BEND_WIDTH_MM / step, mode="nearest") for _ in range(3)]
    )
    field *= rng.uniform(0.5, 1.0) * BEND_MM / np.linalg.norm(field, axis=0).max()
    axis = rng.standard_normal(3)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.deg2rad(rng.uniform(0.0, TURN_DEG)))
    scale, middle = float(rng.uniform(*SCALES)), (low + high) / 2

    def source(places: FloatArray) -> FloatArray:
        back = turn.inv().apply(places - middle) / scale + middle
        index = ((back - low) / step + 4.0)[:, ::-1].T
        moved = [map_coordinates(part, index, order=1, mode="nearest") for part in field]
        return np.asarray(back + np.stack(moved, axis=1), dtype=np.float64)

    return mapped(specimen, f"{specimen.name} bent {seed}", source, scale)


def cut(specimen: Specimen, seed: int) -> Specimen:
    """Cut to a field of view of 120 to 400 mm whose middle lies up to 60 mm from that of the level."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(*FIELDS_MM, 3)
    off = rng.uniform(-OFF_MM, OFF_MM, 3) * [0.5, 0.3, 1.0]
    centre = specimen.points[LOWER] + off
    grid = specimen.labels.geometry
    index = np.sort(grid.to_index(np.stack([centre - size / 2, centre + size / 2])), axis=0)
    first = np.clip(np.ceil(index[0]).astype(int), 0, None)
    last = np.minimum(np.floor(index[1]).astype(int) + 1, grid.shape)
    array = specimen.labels.array[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
    part = Geometry(array.shape, grid.spacing, tuple(grid.to_patient(first)), grid.direction)
    return Specimen(
        f"{specimen.name} cut {seed} to {size[0]:.0f} x {size[1]:.0f} x {size[2]:.0f}",
        Labels(np.ascontiguousarray(array), part),
        specimen.points,
        specimen.scale,
        specimen.pathologies,
    )


def counted(specimen: Specimen, how: str) -> Specimen:
    """With another count of vertebrae.

    Args:
        specimen: whose axes are not turned far.
        how: ``four`` or ``six`` lumbar bodies, L5 ``sacralised`` or S1 ``lumbarised``.
    """
    name = f"{specimen.name} {how}"
    if how in ("four", "six"):
        return _with_vertebrae(specimen, name, 1 if how == "six" else -1)
    low, high = specimen.points[LOWER], specimen.points[UPPER]
    up = (high - low) / np.linalg.norm(high - low)
    array = specimen.labels.array.copy()
    places = _places(specimen.labels)
    ahead = np.cross(up, [1.0, 0.0, 0.0])
    ahead *= -np.sign(ahead[1])
    if how == "sacralised":
        # From the middle of L5 down, the disc and what lies beside the bodies are bone.
        height, depth, beside = (
            (places - low) @ up,
            (places - low) @ ahead,
            np.abs((places - low) @ [1.0, 0.0, 0.0]),
        )
        block = (
            (height > -12.0)
            & (height < 26.0)
            & (depth > -16.0)
            & (depth < 14.0)
            & (beside < 46.0 - 0.3 * height)
        )
        array[block & (array != NERVE)] = BONE
    else:
        # A disc below S1, and no bone beside it.
        down = (
            specimen.points["S1 posterolateral corner left"]
            + specimen.points["S1 posterolateral corner right"]
        )
        along = low - 30.0 * _sacral(specimen, down / 2)
        normal = _sacral(specimen, down / 2)
        height = (places - along) @ normal
        beside = np.abs((places - along) @ [1.0, 0.0, 0.0])
        gap = (np.abs(height) < 4.0) | ((height > 0.0) & (height < 24.0) & (beside > 27.0) & (beside < 52.0))
        array[gap & (beside < 52.0) & (array == BONE)] = 0
    return Specimen(
        name, Labels(array, specimen.labels.geometry), specimen.points, specimen.scale, specimen.pathologies
    )


def _sacral(specimen: Specimen, corners: FloatArray) -> FloatArray:
    """The axis of S1 upwards: across its end plate, which runs from its middle to its rear corners."""
    across = corners - specimen.points[LOWER]
    axis = np.cross([1.0, 0.0, 0.0], across)
    return np.asarray(axis / np.linalg.norm(axis) * np.sign(axis[2]))


def _places(labels: Labels) -> FloatArray:
    index = np.moveaxis(np.indices(labels.array.shape), 0, -1)
    return np.asarray(labels.geometry.to_patient(index), dtype=np.float64)


def _with_vertebrae(specimen: Specimen, name: str, more: int) -> Specimen:
    """One vertebra more above the disc L5/S1 (a second L5), or L5 taken out; the sacrum stays where it is."""
    low, high = specimen.points[LOWER], specimen.points[UPPER]
    step = high - low
    up = step / np.linalg.norm(step)

    def source(places: FloatArray) -> FloatArray:
        # Between the two copies, in the middle of a disc, one jumps to the other.
        height = (places - low) @ up
        border = 4.0 + (np.linalg.norm(step) if more > 0 else 0.0)
        return np.where((height > border)[:, None], places - more * step, places)

    changed = mapped(specimen, name, source)
    return Specimen(name, changed.labels, specimen.points, specimen.scale, specimen.pathologies)


def plain(seed: int) -> Specimen:
    """A phantom without pathology, in the region that is segmented."""
    x, y, z = (size / 2 for size in SIZE_MM)
    box = ((-x, x), (-y + 8.0, y + 8.0), (-z, z))
    phantom = draw_case(seed, (2.0, 2.0, 2.0), box=box, setting=IDEAL, pathologies=())
    points = {name: np.array(point) for name, point in phantom.truth["landmarks"].items()}
    return Specimen(f"plain {seed}", phantom.labels, points)


def judge(kind: str, specimen: Specimen, quick: bool = False) -> Verdict:
    """Find the level of a specimen and compare it with the truth.

    Args:
        kind: for the record.
        specimen: whose truth is known.
        quick: by the cues alone, without fitting the atlas.
    """
    began = time.perf_counter()
    true = specimen.points[LOWER]
    try:
        if quick:
            hypotheses, notes = search_level(specimen.labels)
            place = np.array(hypotheses[0].point) if hypotheses else np.full(3, np.inf)
        else:
            found = find_landmarks(specimen.labels)
            hypotheses, notes = found.hypotheses, found.level_doubts
            place = found.points[LOWER]
    except SpinectError as error:
        # Refused, with the reason.
        return Verdict(
            kind, specimen.name, False, (error.fault,), np.inf, (), {}, time.perf_counter() - began
        )
    off = float(np.linalg.norm(place - true))
    right = off < WRONG_MM * max(specimen.scale, 1.0)
    return Verdict(
        kind,
        specimen.name,
        right,
        sentences(notes),
        off,
        tuple(one.score for one in hypotheses[:2]),
        dict(hypotheses[0].cues) if hypotheses else {},
        time.perf_counter() - began,
    )


def specimens(
    sources: Sequence[Path], counts: Mapping[str, int], first_seed: int
) -> Iterator[tuple[str, Specimen]]:
    """The cases of a study, one after the other."""

    def nth(number: int) -> Specimen:
        return read_specimen(sources[number % len(sources)])

    for number in range(counts["bent"]):
        yield "bent", bent(nth(number), first_seed + number)
    for number in range(counts["cut"]):
        yield "cut", cut(nth(number), first_seed + number)
    for number in range(counts["counted"]):
        yield "counted", counted(nth(number // len(COUNTS)), COUNTS[number % len(COUNTS)])
    for number in range(counts["plain"]):
        yield "plain", plain(first_seed + number)


def summary(verdicts: Sequence[Verdict]) -> str:
    """A table by kind, in Markdown."""
    lines = [
        "| kind | n | right, no doubt | right, doubt told | wrong, doubt told | wrong in silence |",
        "|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(verdict.kind for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.kind == kind]
        cells = [
            sum(verdict.right and not verdict.doubts for verdict in mine),
            sum(verdict.right and bool(verdict.doubts) for verdict in mine),
            sum(not verdict.right and bool(verdict.doubts) for verdict in mine),
            sum(verdict.silent for verdict in mine),
        ]
        lines.append(f"| {kind} | {len(mine)} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def write(verdicts: Sequence[Verdict], out: Path) -> None:
    """Write the table of all cases and the summary into a folder."""
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["kind", "case", "right", "off_mm", "scores", "cues", "seconds", "doubts"])
    for one in verdicts:
        scores = " ".join(f"{score:.2f}" for score in one.scores)
        cues = " ".join(f"{name}={value:.2f}" for name, value in one.cues.items())
        rows.writerow(
            [
                one.kind,
                one.name,
                one.right,
                f"{one.off_mm:.1f}",
                scores,
                cues,
                f"{one.seconds:.1f}",
                "; ".join(one.doubts),
            ]
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "hard-levels.csv", stream.getvalue().encode("utf-8"))
    write_whole(out / "hard-levels.md", (summary(verdicts) + "\n").encode("utf-8"))


def main(words: Sequence[str] | None = None) -> int:
    """The command line; 1 where a level was wrong in silence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", type=Path, nargs="*", default=[], help="folders with labels and truth.json"
    )
    parser.add_argument("--out", type=Path, required=True)
    for kind in ("bent", "cut", "counted", "plain"):
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=9300, help="the first")
    parser.add_argument("--quick", action="store_true", help="by the cues alone")
    chosen = parser.parse_args(words)
    counts = {kind: getattr(chosen, kind) for kind in ("bent", "cut", "counted", "plain")}
    if not chosen.cases and any(counts[kind] for kind in ("bent", "cut", "counted")):
        raise UsageError("No cases are given to change", "Name folders of `spinect phantom` with --cases")
    verdicts: list[Verdict] = []
    for kind, specimen in specimens(chosen.cases, counts, chosen.seed):
        one = judge(kind, specimen, chosen.quick)
        verdicts.append(one)
        scores = " ".join(f"{score:.2f}" for score in one.scores)
        state = "WRONG IN SILENCE" if one.silent else ("right" if one.right else "wrong, told")
        print(
            f"{kind}: {one.name}: {state}, {one.off_mm:.0f} mm, {scores}; {'; '.join(one.doubts)}", flush=True
        )
        write(verdicts, chosen.out)
    print(summary(verdicts))
    return int(any(verdict.silent for verdict in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
