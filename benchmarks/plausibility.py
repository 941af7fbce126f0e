"""Whether broken cases are caught, and sound ones are not: ``python -m benchmarks.plausibility --work FOLDER``.

Draws sound specimens of seeds from 7100 on, of several sizes of voxels, breaks each in some of the ways of
:data:`BREAKS`, and measures what :mod:`spinect_core.planning.plausibility` looks at. Labels are the true ones, broken
as a network's would be; with ``--network N`` the first N sound specimens and some broken ones of each are segmented.
What was measured is kept in the work folder and not measured again, so that limits can be chosen on the even seeds
and reported on the odd ones.

A case counts as caught if it is refused before it is planned, if nothing is recommended for it for a reason that was
there before, or if its light is red. A sound case for which any of these holds is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.region import with_values
from spinect_core.anatomy.completeness import sac_section
from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.words import CaseCause, Light
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.io.reading.hounsfield import to_hounsfield
from spinect_core.planning.level import LEAST_SAC_MM2
from spinect_core.planning.plausibility.light import CaseLight, light_of_case
from spinect_core.planning.plausibility.picture import look_at
from spinect_core.planning.plausibility.shape import case_values
from spinect_core.preprocessing import find_lumbosacral_region
from spinect_core.preprocessing.grid import on_regular_grid
from spinect_core.research.phantom import draw_case
from spinect_core.research.study.degrade import add_noise, onto

FIRST_SEED = 7100
SPACINGS = (
    (1.5, 1.5, 1.5),
    (1.5, 1.5, 3.0),
    (1.75, 1.75, 1.75),
    (1.5, 1.5, 2.0),
    (2.0, 2.0, 2.0),
    (1.0, 1.0, 1.0),
)
BOX = ((-94.0, 94.0), (-66.0, 84.0), (-80.0, 76.0))
GRID_MM = 1.0
Array = npt.NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Case:
    """A CT with labels of its own grid.

    Attributes:
        volume: HU.
        labels: 0 background, 1 bone, 2 nerve.
        rng: of what is drawn to break it.
        other: another sound case, from which parts may be taken.
    """

    volume: Volume
    labels: Labels
    rng: np.random.Generator
    other: Case | None = None

    def with_picture(self, hounsfield: FloatArray) -> Case:
        """With other numbers in its CT."""
        return Case(with_values(self.volume, hounsfield), self.labels, self.rng, self.other)

    def with_labels(self, array: npt.NDArray[Any]) -> Case:
        """With other labels."""
        labels = Labels(np.ascontiguousarray(array, dtype=np.uint8), self.labels.geometry)
        return Case(self.volume, labels, self.rng, self.other)

    def moved(self, change: Callable[[Array], Array], grid: Geometry | None = None) -> Case:
        """With CT and labels changed alike."""
        own = self.volume.geometry if grid is None else grid
        ct, labels = (np.ascontiguousarray(change(each)) for each in (self.volume.array, self.labels.array))
        own = Geometry(ct.shape, own.spacing, own.origin, own.direction)
        return Case(
            Volume(ct, own, self.volume.name), Labels(labels.astype(np.uint8), own), self.rng, self.other
        )

    @property
    def hounsfield(self) -> FloatArray:
        """Of the CT, to be changed."""
        return self.volume.array.astype(np.float64)

    def voxels(self, mm: float) -> FloatArray:
        """So many mm in voxels along z, y, x."""
        return mm / np.array(self.volume.geometry.spacing[::-1])

    def soft(self, mm: float) -> npt.NDArray[np.bool_]:
        """A ball of this radius, as a structure for dilating and eroding."""
        half = np.maximum(np.rint(self.voxels(mm)), 1).astype(int)
        z, y, x = np.ogrid[tuple(slice(-n, n + 1) for n in half)]
        return np.asarray((z / half[0]) ** 2 + (y / half[1]) ** 2 + (x / half[2]) ** 2 <= 1.01)


# ------------------------------------------------------------------------------------------------------- ways to break


def _slab(case: Case, mm: float) -> slice:
    """Slices of so many mm in the middle."""
    count = case.volume.array.shape[0]
    half = max(round(mm / case.volume.geometry.spacing[2] / 2), 1)
    return slice(count // 2 - half, count // 2 + half)


def _missing(case: Case) -> Case:
    slab = _slab(case, 24.0)
    return case.moved(lambda each: np.concatenate([each[: slab.start], each[slab.stop :]]))


def _duplicated(case: Case) -> Case:
    slab = _slab(case, 24.0)
    return case.moved(lambda each: np.concatenate([each[: slab.stop], each[slab], each[slab.stop :]]))


def _frozen(case: Case) -> Case:
    """One slice in place of all those about it."""
    slab = _slab(case, 20.0)

    def change(each: Array) -> Array:
        changed = each.copy()
        changed[slab] = each[slab.start]
        return changed

    return case.moved(change)


def _shuffled(case: Case) -> Case:
    order = case.rng.permutation(case.volume.array.shape[0])
    return case.moved(lambda each: each[order])


def _swapped(case: Case) -> Case:
    """Pairs of neighbouring slices exchanged, as where they were sorted by a wrong number."""
    count = case.volume.array.shape[0] // 2 * 2
    order = np.arange(case.volume.array.shape[0])
    order[:count] = order[:count].reshape(-1, 2)[:, ::-1].ravel()
    return case.moved(lambda each: each[order])


def _moved_patient(case: Case) -> Case:
    """A patient who moves by up to 12 mm while the slices are taken."""
    count = case.volume.array.shape[0]
    blocks = case.rng.uniform(-12.0, 12.0, (2, count // max(round(15 / case.volume.geometry.spacing[2]), 1)))
    ways = [
        np.repeat(way, -(-count // blocks.shape[1]))[:count] / step
        for way, step in zip(blocks, case.volume.geometry.spacing[:2], strict=True)
    ]

    def change(each: Array) -> Array:
        return np.stack(
            [
                np.roll(one, (round(y), round(x)), (0, 1))
                for one, x, y in zip(each, ways[0], ways[1], strict=True)
            ]
        )

    return case.moved(change)


def _sheared(case: Case) -> Case:
    """Slices that follow each other 0.8 mm sideways for each mm: a gantry's tilt that was not taken out."""
    z, _, x = case.volume.geometry.spacing[::-1]
    middle = case.volume.array.shape[0] // 2
    return case.moved(
        lambda each: np.stack(
            [np.roll(one, round(0.8 * z * (n - middle) / x), 1) for n, one in enumerate(each)]
        )
    )


def _stretched(factors: tuple[float, float, float]) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        own = case.volume.geometry
        x, y, z = (float(a * b) for a, b in zip(own.spacing, factors, strict=True))
        start = (own.origin[0] * factors[0], own.origin[1] * factors[1], own.origin[2] * factors[2])
        return case.moved(lambda each: each, Geometry(own.shape, (x, y, z), start, own.direction))

    return change


def _cut(axis: int, first: float, last: float) -> Callable[[Case], Case]:
    """What lies between two parts of an axis (z, y, x) alone, the grid where it was."""

    def change(case: Case) -> Case:
        count = case.volume.array.shape[axis]
        part = slice(round(first * count), round(last * count))
        index = tuple(part if each == axis else slice(None) for each in range(3))
        start = np.zeros(3)
        start[axis] = part.start
        own = case.volume.geometry
        grid = Geometry(own.shape, own.spacing, tuple(own.to_patient(start)), own.direction)
        return case.moved(lambda each: each[index], grid)

    return change


def _metal_everywhere(case: Case) -> Case:
    seeds = case.rng.random(case.volume.array.shape) < 2e-4
    metal = ndimage.binary_dilation(seeds, case.soft(3.0))
    streaks = np.where(
        case.rng.random((case.volume.array.shape[0], case.volume.array.shape[1], 1)) < 0.2, 1, 0
    )
    worse = case.hounsfield + streaks * case.rng.normal(0, 500, streaks.shape)
    return case.with_picture(np.where(metal, 3071.0, worse))


def _bright_slices(case: Case) -> Case:
    worse = case.hounsfield
    worse[::2] += 300.0
    return case.with_picture(worse)


def _shifted(*mm: float) -> Callable[[Case], Case]:
    """The labels beside their CT by so many mm along z, y, x."""

    def change(case: Case) -> Case:
        steps = np.rint(np.array(mm) / np.array(case.volume.geometry.spacing[::-1])).astype(int)
        return case.with_labels(np.roll(case.labels.array, tuple(steps), (0, 1, 2)))

    return change


def _middle_of(case: Case) -> FloatArray:
    """Index (z, y, x) of the middle of the nerve."""
    return np.asarray(np.median(np.argwhere(case.labels.array == NERVE), axis=0), dtype=np.float64)


def _beside(case: Case, mm: float) -> npt.NDArray[np.bool_]:
    """Columns (1, 1, x) more than so many mm to the left of the middle."""
    columns = np.arange(case.labels.array.shape[2]) - _middle_of(case)[2]
    return np.asarray((columns > case.voxels(mm)[2])[None, None])


def _erased(tissue: int, mm: float) -> Callable[[Case], Case]:
    """A tissue on the left, from so many mm beside the middle."""

    def change(case: Case) -> Case:
        gone = (case.labels.array == tissue) & _beside(case, mm)
        return case.with_labels(np.where(gone, 0, case.labels.array))

    return change


def _without_sac(case: Case) -> Case:
    nerve = case.labels.array == NERVE
    near = ~_beside(case, 11.0) & ~_beside(case, -11.0)[..., ::1] | _beside(case, -11.0) & ~_beside(
        case, 11.0
    )
    return case.with_labels(np.where(nerve & near, 0, case.labels.array))


def _resized(tissue: int, mm: float) -> Callable[[Case], Case]:
    """A tissue thicker, or thinner, all round by so many mm."""

    def change(case: Case) -> Case:
        own = case.labels.array == tissue
        if mm > 0:
            grown = ndimage.binary_dilation(own, case.soft(mm)) & (case.labels.array == 0)
            return case.with_labels(np.where(grown, tissue, case.labels.array))
        kept = ndimage.binary_erosion(own, case.soft(-mm))
        return case.with_labels(np.where(own & ~kept, 0, case.labels.array))

    return change


def _without_sacrum(case: Case) -> Case:
    """No bone in the lower half."""
    gone = case.labels.array.copy()
    low = gone[: gone.shape[0] // 2]
    low[low == BONE] = 0
    return case.with_labels(gone)


def _organ(case: Case) -> Case:
    """A psoas and more for nerve: everything of the density of muscle in a large ball beside the spine."""
    places = np.indices(case.labels.array.shape).transpose(1, 2, 3, 0) - (
        _middle_of(case) + case.voxels(1.0) * (0.0, -20.0, 40.0)
    )
    ball = np.linalg.norm(places / case.voxels(1.0), axis=-1) < 24.0
    return case.with_labels(np.where(ball & (case.labels.array == 0), NERVE, case.labels.array))


def _blobs(case: Case) -> Case:
    """Balls of bone and of nerve anywhere."""
    array = case.labels.array.copy()
    for tissue in (BONE, NERVE):
        seeds = case.rng.random(array.shape) < 40 / array.size
        array[ndimage.binary_dilation(seeds, case.soft(8.0)) & (array == 0)] = tissue
    return case.with_labels(array)


def _of_other(case: Case) -> LabelArray:
    """The labels of another patient on this one's grid, its nerve's middle on this one's."""
    assert case.other is not None
    other, own = case.other, case.labels.geometry
    there = other.labels.geometry.to_patient(_middle_of(other))
    move = own.to_patient(_middle_of(case)) - there
    theirs = other.labels.geometry
    grid = Geometry(theirs.shape, theirs.spacing, tuple(np.add(theirs.origin, move)), theirs.direction)
    return onto(Labels(other.labels.array, grid), own).array


def _halves(case: Case) -> Case:
    """The right half of one patient beside the left half of another."""
    assert case.other is not None
    other, own = case.other, case.volume.geometry
    there = other.volume.geometry
    move = own.to_patient(_middle_of(case)) - there.to_patient(_middle_of(other))
    index = there.to_index(own.to_patient(np.indices(own.shape).transpose(1, 2, 3, 0)) - move)
    nearest = np.clip(np.rint(index), 0, np.array(there.shape) - 1).astype(int)
    theirs = other.volume.array[tuple(np.moveaxis(nearest, -1, 0))]
    left = _beside(case, 0.0)
    joined = case.with_labels(np.where(left, _of_other(case), case.labels.array))
    return joined.with_picture(np.where(left, theirs, case.hounsfield))


def _threshold(case: Case) -> Case:
    """All that is brighter than 60 HU for bone."""
    bright = (case.volume.array > 60) & (case.labels.array == 0)
    return case.with_labels(np.where(bright, BONE, case.labels.array))


def _quarter_turn(case: Case) -> Case:
    return case.moved(lambda each: np.rot90(each, axes=(1, 2)))


PICTURES: dict[str, Callable[[Case], Case]] = {
    "1000 HU too high": lambda case: case.with_picture(case.hounsfield + 1000),
    "250 HU too low": lambda case: case.with_picture(case.hounsfield - 250),
    "200 HU too high": lambda case: case.with_picture(case.hounsfield + 200),
    "scale 0.4": lambda case: case.with_picture(case.hounsfield * 0.4),
    "scale 2": lambda case: case.with_picture(case.hounsfield * 2.0),
    "windowed -160 to 240": lambda case: case.with_picture(np.clip(case.hounsfield, -160, 240)),
    "8 bits": lambda case: case.with_picture((np.clip(case.hounsfield, -160, 240) + 160) / 400 * 255),
    "inverted": lambda case: case.with_picture(-case.hounsfield),
    "bone clipped at 150": lambda case: case.with_picture(np.minimum(case.hounsfield, 150)),
    "every other slice brighter": _bright_slices,
    "noise 150 HU": lambda case: case.with_picture(
        np.asarray(add_noise(case.volume, 150.0, 3).array, dtype=np.float64)
    ),
    "blurred by 4 mm": lambda case: case.with_picture(
        ndimage.gaussian_filter(case.hounsfield, tuple(case.voxels(4.0)))
    ),
    "metal everywhere": _metal_everywhere,
    "patient moves": _moved_patient,
    "sheared": _sheared,
    "slices shuffled": _shuffled,
    "slices exchanged in pairs": _swapped,
    "24 mm missing": _missing,
    "24 mm twice": _duplicated,
    "one slice repeated": _frozen,
    "x halved": _stretched((0.5, 1.0, 1.0)),
    "y doubled": _stretched((1.0, 2.0, 1.0)),
    "z halved": _stretched((1.0, 1.0, 0.5)),
    "z doubled": _stretched((1.0, 1.0, 2.0)),
    "z tripled": _stretched((1.0, 1.0, 3.0)),
    "upside down": lambda case: case.moved(lambda each: each[::-1]),
    "back to front": lambda case: case.moved(lambda each: each[:, ::-1]),
    "turned by 90°": _quarter_turn,
    "lower half alone": _cut(0, 0.0, 0.5),
    "upper half alone": _cut(0, 0.5, 1.0),
    "left half alone": _cut(2, 0.5, 1.0),
    "halves of two patients": _halves,
}
"""How CTs are broken, with what a network would make of them."""

LABELS: dict[str, Callable[[Case], Case]] = {
    "labels 5 mm aside": _shifted(0, 0, 5),
    "labels 6 mm too high": _shifted(6, 0, 0),
    "labels 10 mm in front": _shifted(0, -10, 0),
    "labels 20 mm aside": _shifted(0, 0, 20),
    "labels of another patient": lambda case: case.with_labels(_of_other(case)),
    "labels mirrored": lambda case: case.with_labels(case.labels.array[:, :, ::-1]),
    "labels upside down": lambda case: case.with_labels(case.labels.array[::-1]),
    "bone for nerve": lambda case: case.with_labels(np.array([0, 2, 1], np.uint8)[case.labels.array]),
    "nerve erased left": _erased(NERVE, 6.0),
    "bone erased left": _erased(BONE, 6.0),
    "sac erased": _without_sac,
    "sacrum erased": _without_sacrum,
    "bone 3 mm thicker": _resized(BONE, 3.0),
    "bone 3 mm thinner": _resized(BONE, -3.0),
    "nerve 3 mm thicker": _resized(NERVE, 3.0),
    "muscle for nerve": _organ,
    "balls anywhere": _blobs,
    "all bright for bone": _threshold,
}
"""How the labels of sound CTs are broken."""

BREAKS = {**PICTURES, **LABELS}
"""Mirrored alike, CT and labels are another sound case: nothing can tell."""


OF_TWO = ("halves of two patients", "labels of another patient")

# ------------------------------------------------------------------------------------------------------------ measuring


@dataclass(frozen=True)
class Source:
    """Where sound cases come from.

    Attributes:
        work: where drawn ones are kept.
        folders: of cases as ``spinect phantom`` writes them; drawn where there are none.
    """

    work: Path
    folders: tuple[Path, ...] = ()

    def seed(self, number: int) -> int:
        """Of the case of a number."""
        if not self.folders:
            return FIRST_SEED + number
        return int(self.folders[number % len(self.folders)].name.rpartition("-")[2])

    def case(self, number: int) -> Case:
        """The case of a number."""
        if not self.folders:
            return drawn_case(number, self.work)
        folder = self.folders[number % len(self.folders)]
        labels = read_labels(folder / "labels.nii.gz")
        volume = read_ct(folder / "ct.nii.gz")
        return Case(volume, labels, np.random.default_rng(self.seed(number)))


def drawn_case(number: int, work: Path) -> Case:
    """The sound case of a number; drawn once."""
    seed = FIRST_SEED + number
    kept = work / "cases" / f"{seed}.npz"
    if not kept.exists():
        spacing = SPACINGS[(number // 2) % len(SPACINGS)]
        family = "varied" if number % 4 in (1, 2) else "procedural"
        drawn = draw_case(seed, spacing, family=family, box=BOX)
        kept.parent.mkdir(parents=True, exist_ok=True)
        grid = drawn.volume.geometry
        np.savez(
            kept, ct=drawn.volume.array, labels=drawn.labels.array, spacing=grid.spacing, origin=grid.origin
        )
    data = np.load(kept)
    grid = Geometry(data["ct"].shape, tuple(data["spacing"]), tuple(data["origin"]))
    return Case(
        Volume(data["ct"], grid, str(seed)), Labels(data["labels"], grid), np.random.default_rng(seed)
    )


@dataclass(frozen=True)
class Result:
    """What was measured of a case.

    Attributes:
        seed: of the sound case.
        broken: how it was broken; empty for the sound one.
        refused: why it was refused before planning; empty otherwise.
        doubts: codes of the reasons for which nothing is recommended, beside the light.
        values: what the light looks at.
        seconds: of the processor, that the measures took.
        network: whether the labels are those of the network.
    """

    seed: int
    broken: str
    refused: str
    doubts: tuple[str, ...]
    values: dict[str, float | None]
    seconds: float = 0.0
    network: bool = False

    @property
    def light(self) -> CaseLight:
        """By the limits of the program."""
        return light_of_case({CaseCause(cause): value for cause, value in self.values.items()})

    @property
    def verdict(self) -> str:
        """``refused``, ``withheld``, ``red``, ``amber`` or ``green``."""
        if self.refused:
            return "refused"
        if self.light.light == Light.RED:
            return "red"
        return "withheld" if self.doubts else str(self.light.light)

    @property
    def caught(self) -> bool:
        """Whether nothing is recommended."""
        return self.verdict in ("refused", "withheld", "red")


def measured(case: Case, seed: int, broken: str, segmented: bool = False) -> Result:
    """What the program finds in a case."""
    labels, likely, volume = case.labels, None, case.volume
    try:
        if broken not in LABELS:  # their CTs are the sound ones
            array, _ = to_hounsfield(volume.array, volume.geometry, "case")
            volume = Volume(array, volume.geometry, volume.name)
            region = find_lumbosacral_region(volume)
            if not region.found:
                return Result(seed, broken, f"region: {region.note}", (), {}, network=segmented)
        if segmented:
            labels, likely = _segmented(volume)
        else:
            labels = on_regular_grid(labels, GRID_MM)
        began = time.process_time()
        seen = look_at(volume, labels)
        seconds = time.process_time() - began
        if seen is not None and not segmented:
            early: dict[CaseCause, float | None] = dict(seen.values)
            if light_of_case(early).light == Light.RED:
                return Result(seed, broken, "", (), _plain(early), seconds)
        landmarks = find_landmarks(labels)
        began = time.process_time()
        found = case_values(labels, landmarks, seen, likely)
        seconds += time.process_time() - began
    except SpinectError as error:
        return Result(seed, broken, str(error), (), {}, network=segmented)
    doubts = [note.code.value for note in landmarks.level_doubts]
    if landmarks.sac is not None and sac_section(landmarks.sac, labels) < LEAST_SAC_MM2:
        doubts.append("sac-missing")
    return Result(seed, broken, "", tuple(doubts), _plain(found), seconds, segmented)


def _plain(values: Mapping[CaseCause, float | None]) -> dict[str, float | None]:
    return {cause.value: value for cause, value in values.items()}


def _segmented(volume: Volume) -> tuple[Labels, Probabilities | None]:
    """What the network makes of a CT."""
    from spinect_core.segmentation import segment

    found = segment(volume, mode="fast")
    return found.labels_1mm, found.probabilities


def ways(number: int, count: int) -> list[str]:
    """The ways in which the sound case of a number is broken, so that each comes about as often as any other."""
    names = list(BREAKS)
    return [names[(number * count + step) % len(names)] for step in range(count)]


def study(
    source: Source, numbers: Iterable[int], count: int, network: Iterable[int], named: Iterable[str] = ()
) -> list[Result]:
    """Measure what was not measured before."""
    kept = source.work / "measured.jsonl"
    results = read(kept) if kept.exists() else []
    done = {(each.seed, each.broken, each.network) for each in results}
    by_network = set(network)
    for number in numbers:
        whole: Case | None = None
        for segmented in (False, True) if number in by_network else (False,):
            names = list(named) or ways(number, count)[: 3 if segmented else count]
            for broken in ("", *names):
                seed = source.seed(number)
                if (seed, broken, segmented) in done:
                    continue
                case = whole = source.case(number) if whole is None else whole
                if broken in OF_TWO:
                    case = Case(case.volume, case.labels, case.rng, source.case(number + 1))
                case = BREAKS[broken](case) if broken else case
                result = measured(case, seed, broken, segmented)
                results.append(result)
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result.__dict__) + "\n")
                print(f"{seed} {broken or 'sound'}: {result.verdict}", file=sys.stderr, flush=True)
    return results


def read(path: Path) -> list[Result]:
    """What was measured before."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [Result(**{**each, "doubts": tuple(each["doubts"])}) for each in found]


# ------------------------------------------------------------------------------------------------------------ reporting


def report(results: list[Result]) -> None:
    """How many were caught, by half of the seeds, and which were not.

    Broken cases of sound ones that are caught as they are show nothing and are left out.
    """
    lost = {each.seed for each in results if not each.broken and each.caught and not each.network}
    results = [each for each in results if not (each.broken and each.seed in lost)]
    for name, part in (
        ("even seeds", [each for each in results if each.seed % 2 == 0 and not each.network]),
        ("odd seeds", [each for each in results if each.seed % 2 and not each.network]),
        ("with the network", [each for each in results if each.network]),
    ):
        for what, cases in (
            ("sound", [each for each in part if not each.broken]),
            ("broken", [each for each in part if each.broken]),
        ):
            counts = Counter(each.verdict for each in cases)
            caught = sum(each.caught for each in cases)
            told = ", ".join(f"{word} {number}" for word, number in sorted(counts.items()))
            print(f"{name}, {what}: {caught} of {len(cases)} caught ({told})")
    for each in results:
        if bool(each.broken) != each.caught:
            reasons = [f"{one.cause} {one.value}" for one in each.light.of(Light.RED)]
            why = [*reasons, *each.doubts, *([each.refused] if each.refused else [])]
            print(f"{'missed' if each.broken else 'false alarm'}: {each.seed} {each.broken} {'; '.join(why)}")
    seconds = [each.seconds for each in results if each.seconds]
    if seconds:
        print(f"measures take {np.median(seconds):.2f} s of a processor, at most {max(seconds):.2f}")


def main() -> int:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--folders", type=Path, nargs="*", default=(), metavar="CASE", help="of sound cases")
    parser.add_argument("--cases", type=int, default=20, metavar="N", help="sound cases")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first sound case")
    parser.add_argument("--ways", type=int, default=8, metavar="N", help="in which each is broken")
    parser.add_argument("--named", nargs="*", default=(), metavar="WAY", help="these ways alone")
    parser.add_argument("--network", type=int, default=0, metavar="N", help="of the cases, segmented")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    numbers = range(options.first, options.first + options.cases)
    source = Source(options.work, tuple(options.folders))
    report(study(source, numbers, options.ways, range(options.network), options.named))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
