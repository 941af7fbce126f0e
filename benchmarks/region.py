"""Whether the lumbosacral region is found where it is, and nowhere else: ``python -m benchmarks.region FOLDER``.

The folder holds CTs as NIfTI, each in a folder of its own as ``ct.nii.gz``; with a ``truth.json`` of ``spinect
phantom`` beside it, or an entry in ``discs.json`` in the folder itself (``{"NAME": [x, y, z]}``, LPS mm of the
L5/S1 disc), its place is known. ``--whole NAME`` names those that reach well above and below: they are also cut,
thickened, made noisy, stored otherwise and given values that are no Hounsfield units. ``--resin NAME`` names
phantoms. ``--random N`` cuts N fields of view that hold the disc, and N that do not, out of each CT whose place is
known. Things that are no lumbosacral spine are drawn as well (:mod:`benchmarks.bodies`).

Prints a line for each case, and the counts. The exit code is 1 if anything was found that is not there, or elsewhere.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from benchmarks import bodies
from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry, Volume, geometry_from_sitk
from spinect_core.preprocessing import find_lumbosacral_region

RIGHT_MM = 25.0


@dataclass(frozen=True, eq=False)
class Case:
    """One CT.

    Attributes:
        name: what it is.
        make: reads or draws it.
        there: whether its L5/S1 is in it, to be found.
        disc: LPS mm of its L5/S1 disc; None where it is not known.
    """

    name: str
    make: Callable[[], Volume]
    there: bool
    disc: FloatArray | None = None


def read(path: Path) -> Volume:
    """A CT, its axes along L, P, S as nearly as can be."""
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    return Volume(sitk.GetArrayFromImage(image), geometry_from_sitk(image), path.parent.name)


def box(volume: Volume, low: FloatArray, high: FloatArray) -> Volume:
    """The part between two corners, LPS mm; infinite where nothing is cut."""
    grid = volume.geometry
    corners = grid.corners()
    low, high = np.maximum(low, corners.min(axis=0)), np.minimum(high, corners.max(axis=0))
    first = np.maximum(np.ceil(grid.to_index(low)).astype(int), 0)
    last = np.minimum(np.floor(grid.to_index(high)).astype(int) + 1, volume.array.shape)
    array = np.ascontiguousarray(volume.array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))])
    x, y, z = (float(value) for value in grid.to_patient(first))
    shape = (array.shape[0], array.shape[1], array.shape[2])
    return Volume(array, Geometry(shape, grid.spacing, (x, y, z), grid.direction), volume.name)


def with_values(volume: Volume, values: FloatArray) -> Volume:
    """The same grid with other numbers."""
    return Volume(np.clip(values, -32768, 32767).astype(np.int16), volume.geometry, volume.name)


def stretched(volume: Volume, factors: tuple[float, float, float]) -> Volume:
    """The same voxels of another size (x, y, z)."""
    grid = volume.geometry
    x, y, z = (float(a * b) for a, b in zip(grid.spacing, factors, strict=True))
    return Volume(volume.array, Geometry(grid.shape, (x, y, z), grid.origin, grid.direction), volume.name)


def thickened(volume: Volume, wanted_mm: float = 5.0) -> Volume:
    """Means over slices of about so many mm."""
    image = sitk.GetImageFromArray(volume.array.astype(np.float32))
    image.SetSpacing(volume.geometry.spacing)
    x, y, z = volume.geometry.spacing
    blurred = sitk.DiscreteGaussian(image, [0.0, 0.0, (wanted_mm / 2.355) ** 2])
    count = int(volume.array.shape[0] * z / wanted_mm)
    thick = sitk.Resample(
        blurred,
        [volume.array.shape[2], volume.array.shape[1], count],
        sitk.Transform(),
        sitk.sitkLinear,
        [0.0, 0.0, (wanted_mm - z) / 2],
        [x, y, wanted_mm],
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        -1000.0,
    )
    array = sitk.GetArrayFromImage(thick).astype(np.int16)
    start = volume.geometry.to_patient((((wanted_mm - z) / 2) / z, 0, 0))
    first = (float(start[0]), float(start[1]), float(start[2]))
    return Volume(array, Geometry((count, *array.shape[1:]), (x, y, wanted_mm), first), volume.name)


def stored_otherwise(volume: Volume, axes: tuple[int, int, int], flips: tuple[bool, ...]) -> Volume:
    """The same patient with rows, columns and slices in another order, as of other poses in the scanner."""
    grid = volume.geometry
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    array = np.ascontiguousarray(volume.array.transpose(axes)[steps])
    columns = [2 - axis for axis in axes][::-1]
    direction = grid.direction[:, columns] * np.where(flips[::-1], -1.0, 1.0)
    first = np.zeros(3)
    for axis, flip in zip(axes, flips, strict=True):
        first[axis] = volume.array.shape[axis] - 1 if flip else 0
    x, y, z = (float(value) for value in grid.to_patient(first))
    sizes = (grid.spacing[columns[0]], grid.spacing[columns[1]], grid.spacing[columns[2]])
    shape = (array.shape[0], array.shape[1], array.shape[2])
    return Volume(array, Geometry(shape, sizes, (x, y, z), direction), volume.name)


def noisy(volume: Volume, spread: float) -> Volume:
    """With normal noise of so many HU."""
    noise = np.random.default_rng(5).normal(0, spread, volume.array.shape)
    return with_values(volume, volume.array + noise)


def cuts_that_hold_it(name: str, volume: Volume, disc: FloatArray) -> Iterator[Case]:
    """Fields of view that end not far from the disc."""
    far = np.inf
    limits: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
        "cut 27 mm above": ((-far, -far, -far), (far, far, 27)),
        "cut 30 mm below": ((-far, -far, -30), (far, far, far)),
        "sides cut": ((-90, -far, -far), (90, far, far)),
        "left cut": ((-far, -far, -far), (70, far, far)),
        "right cut": ((-75, -far, -far), (far, far, far)),
        "short": ((-far, -far, -50), (far, far, 80)),
        "150 mm": ((-75, -70, -65), (75, 100, 80)),
        "small": ((-60, -60, -50), (60, 70, 50)),
    }
    for what, (low, high) in limits.items():
        yield Case(f"{name}, {what}", partial(box, volume, disc + low, disc + high), True, disc)


def cuts_without_it(name: str, volume: Volume, disc: FloatArray) -> Iterator[Case]:
    """Fields of view that do not reach it, or end at it."""
    far = np.inf
    limits: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
        "from L3 upwards": ((-far, -far, 75), (far, far, far)),
        "from L4 upwards": ((-far, -far, 40), (far, far, far)),
        "from 15 mm above": ((-far, -far, 15), (far, far, far)),
        "up to 10 mm below": ((-far, -far, -far), (far, far, -10)),
        "up to 25 mm below": ((-far, -far, -far), (far, far, -25)),
        "up to 80 mm below": ((-far, -far, -far), (far, far, -80)),
        "left side": ((50, -far, -far), (far, far, far)),
        "right side": ((-far, -far, -far), (-50, far, far)),
        "front": ((-far, -far, -far), (far, -35, far)),
    }
    for what, (low, high) in limits.items():
        yield Case(f"{name}, {what}", partial(box, volume, disc + low, disc + high), False)


def kept(name: str, volume: Volume, disc: FloatArray) -> Iterator[Case]:
    """The same CT scanned or stored otherwise."""
    yield Case(f"{name}, 5 mm", lambda: thickened(volume), True, disc)
    yield Case(f"{name}, noise 60 HU", lambda: noisy(volume, 60), True, disc)
    yield Case(f"{name}, windowed", lambda: with_values(volume, np.clip(volume.array, -160, 240)), True, disc)
    poses: dict[str, tuple[tuple[int, int, int], tuple[bool, ...]]] = {
        "prone": ((0, 1, 2), (False, True, True)),
        "decubitus left": ((0, 2, 1), (False, False, True)),
        "decubitus right": ((0, 2, 1), (False, True, False)),
        "feet first": ((0, 1, 2), (True, False, True)),
        "sagittal": ((2, 0, 1), (False, True, False)),
    }
    for what, (axes, flips) in poses.items():
        yield Case(
            f"{name}, {what}",
            partial(stored_otherwise, volume, axes, flips),
            True,
            disc,
        )


POSES: tuple[tuple[tuple[int, int, int], tuple[bool, ...]], ...] = (
    ((0, 1, 2), (False, False, False)),
    ((0, 1, 2), (False, True, True)),
    ((0, 2, 1), (False, False, True)),
    ((0, 1, 2), (True, False, True)),
    ((2, 0, 1), (False, True, False)),
)


def at_random(name: str, volume: Volume, disc: FloatArray, count: int) -> Iterator[Case]:
    """As many fields of view with the disc well inside as without it, in poses and with noise drawn at random.

    With it: at least 45 mm are left on each side of it, 40 before and behind, 35 above and 40 below. Without: it lies
    10 to 90 mm outside of the field, beyond one face.
    """
    rng = np.random.default_rng(sum(name.encode()))
    corners = volume.geometry.corners()
    reach = np.array([corners.min(axis=0), corners.max(axis=0)]) - disc
    least = np.array([[-45.0, -40.0, -40.0], [45.0, 40.0, 35.0]])
    for number in range(2 * count):
        there = number < count
        cut = rng.random((2, 3)) < 0.6
        share = rng.random((2, 3))
        limits = np.where(cut, least + share * (np.sign(least) * np.maximum(np.abs(reach - least), 0)), reach)
        if not there:
            # Which face lies on this side of the disc: lower, upper, left or right, now and then the front.
            upper, axis = ((0, 2), (1, 2), (0, 0), (1, 0), (1, 1))[rng.integers(5)]
            limits[upper, axis] = (1 if upper == 0 else -1) * rng.uniform(10.0, 90.0)
            limits[1 - upper, axis] = reach[1 - upper, axis]
            if abs(reach[1 - upper, axis] - limits[upper, axis]) < 25.0:
                continue
        axes, flips = POSES[rng.integers(len(POSES))]
        spread = float(rng.uniform(0, 60))

        def make(
            limits: FloatArray = limits,
            axes: tuple[int, int, int] = axes,
            flips: tuple[bool, ...] = flips,
            spread: float = spread,
        ) -> Volume:
            part = box(volume, disc + limits[0], disc + limits[1])
            return stored_otherwise(noisy(part, spread), axes, flips)

        size = " x ".join(
            f"{length:.0f}" for length in np.minimum(limits[1], reach[1]) - np.maximum(limits[0], reach[0])
        )
        yield Case(f"{name}, field {number} of {size} mm", make, there, disc)


def spoilt(name: str, volume: Volume) -> Iterator[Case]:
    """Values that are no HU, sizes that are no patient's, and CTs that lie otherwise than they say."""
    values = volume.array.astype(np.float64)
    halves = values.copy()
    halves[len(values) // 2 :] += 1024
    every_other = values.copy()
    every_other[::2] += 1024
    wrong = {
        "1024 too high": values + 1024,
        "1024 too high in the upper half": halves,
        "1024 too high in every other slice": every_other,
        "7 times too large": values * 7,
        "0 to 1": (values - values.min()) / np.ptp(values),
        "8 bits": (np.clip(values, -160, 240) + 160) / 400 * 255,
        "inverted": -values,
        "1000 too low": values - 1000,
        "upside down": values[::-1],
        "back to front": values[:, ::-1],
    }
    for what, array in wrong.items():
        yield Case(f"{name}, {what}", partial(with_values, volume, array), False)
    sizes: dict[str, tuple[float, float, float]] = {
        "of a dog's size": (0.45, 0.45, 0.45),
        "slices 3 times as far apart": (1, 1, 3),
        "slices 3 times as near": (1, 1, 1 / 3),
    }
    for what, factors in sizes.items():
        yield Case(f"{name}, {what}", partial(stretched, volume, factors), False)
    yield Case(f"{name}, in resin", lambda: bodies.cast(volume), False)


def cases(folder: Path, whole: list[str], resin: list[str], fields: int) -> Iterator[Case]:
    """All of the study."""
    table = folder / "discs.json"
    discs = json.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    for path in sorted(folder.glob("*/ct.nii.gz")):
        name, truth = path.parent.name, path.parent / "truth.json"
        point = discs.get(name)
        if point is None and truth.exists():
            point = json.loads(truth.read_text(encoding="utf-8"))["landmarks"]["S1 upper end plate centre"]
        disc = None if point is None else np.array(point, dtype=np.float64)
        yield Case(name, partial(read, path), name not in resin, disc)
        if fields and disc is not None:
            yield from at_random(name, read(path), disc, fields)
        if name in whole and disc is not None:
            volume = read(path)
            yield from kept(name, volume, disc)
            yield from cuts_that_hold_it(name, volume, disc)
            yield from cuts_without_it(name, volume, disc)
            yield from spoilt(name, volume)
    for make in bodies.OTHERS:
        yield Case(make.__name__.replace("_", " "), make, False)
    for value, name in ((0.0, "water"), (30.0, "resin"), (2500.0, "metal block")):
        yield Case(name, partial(bodies.block, value, name), False)


def judged(case: Case) -> tuple[str, str]:
    """``right``, ``refused``, ``wrong place`` or ``false``, and in words what came out."""
    began = time.process_time()
    region = find_lumbosacral_region(case.make())
    seconds = f"{time.process_time() - began:.1f} s"
    if not region.found:
        return ("refused" if case.there else "right"), f"{seconds}, {region.note}"
    if not case.there:
        return "false", f"{seconds}, {region.note}"
    if case.disc is None:
        return "right", f"{seconds}, place unknown, {region.note}"
    away = float(np.linalg.norm(region.centre - case.disc))
    return ("right" if away <= RIGHT_MM else "wrong place"), f"{seconds}, {away:.0f} mm, {region.note}"


def main() -> int:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--whole", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--resin", nargs="*", default=[], metavar="NAME")
    parser.add_argument(
        "--random", type=int, default=0, metavar="N", help="fields of view of each, with and without"
    )
    parser.add_argument("--named", default="", metavar="TEXT", help="only cases whose name holds this")
    parser.add_argument("--first", type=int, metavar="N", help="only so many cases")
    options = parser.parse_args()
    counts: Counter[tuple[bool, str]] = Counter()
    for number, case in enumerate(cases(options.folder, options.whole, options.resin, options.random)):
        if options.first is not None and number >= options.first:
            break
        if options.named not in case.name:
            continue
        verdict, words = judged(case)
        counts[case.there, verdict] += 1
        print(f"{verdict:12}{'there' if case.there else 'absent':8}{case.name}: {words}", flush=True)
    for (there, verdict), count in sorted(counts.items()):
        print(f"{'lumbosacral spine' if there else 'none':20}{verdict:12}{count}")
    return int(any(verdict in ("false", "wrong place") for _, verdict in counts))


if __name__ == "__main__":
    raise SystemExit(main())
