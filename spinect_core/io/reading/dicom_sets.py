"""Which pictures of one orientation belong together as one volume, and which are several.

Evenly spaced is not enough. Pictures of several patients, studies, frames of reference or kinds are never one volume;
those of several acquisitions, stacks or times are one only if they follow each other along the table, block after block
or slice after slice, as axial step scans do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.errors import SpatialError
from spinect_core.io.reading.dicom_geometry import (
    SAME_PLACE_MM,
    coincident,
    depths,
    in_order,
    slice_normal,
    stack_geometry,
)
from spinect_core.io.reading.dicom_headers import Slice
from spinect_core.io.reading.dicom_traits import TRAITS, Trait, Weight
from spinect_core.io.reading.series import SMALLEST_SIDE

MOST_SHOWN = 24
"""Letters of a value that a list has room for."""


@dataclass(frozen=True)
class Step:
    """One thing by which a set was told apart from others.

    Attributes:
        by: what distinguishes them, with its element.
        label: which one this is, such as "acquisition 2"; no patient data.
        person: whether it is whose pictures they are.
    """

    by: str
    label: str
    person: bool = False


@dataclass(frozen=True)
class PictureSet:
    """Pictures that belong together, in order along their normal.

    Attributes:
        slices: the pictures.
        steps: by what they were told apart from the others of the series, empty if there are no others.
        rest: whether they are pictures left over from all sets, which belong to nothing.
    """

    slices: tuple[Slice, ...]
    steps: tuple[Step, ...] = ()
    rest: bool = False


def same_kind(slices: Sequence[Slice]) -> list[PictureSet]:
    """Pictures of one patient, study, frame of reference and kind together."""
    return _divided(PictureSet(tuple(slices)), _by_identity)


def passes(pictures: PictureSet) -> list[PictureSet]:
    """The passes over the patient within pictures of one kind, without copies."""
    return _divided(pictures, _by_pass)


def with_rest(sets: list[PictureSet]) -> list[PictureSet]:
    """Sets that are too small for a volume in one set of their own, if there are several."""
    small = [s for s in sets if len(s.slices) < SMALLEST_SIDE]
    if len(small) < 2:
        return sets
    slices = in_order([piece for s in small for piece in s.slices])
    by = dict.fromkeys(step.by for s in small for step in s.steps)
    steps = tuple(Step(name, "the rest") for name in by)
    return [s for s in sets if len(s.slices) >= SMALLEST_SIDE] + [PictureSet(tuple(slices), steps, rest=True)]


def regular(slices: Sequence[Slice]) -> bool:
    """Whether slices in order form one grid."""
    try:
        stack_geometry(slices, "")
    except SpatialError:
        return False
    return True


Part = tuple[str, list[Slice]]
"""The value that distinguishes it, and the slices in order."""


def _divided(
    pictures: PictureSet, divide: Callable[[list[Slice]], tuple[Trait | str, list[Part]] | None]
) -> list[PictureSet]:
    """Divide, and each part again, until nothing distinguishes the pictures any more."""
    waiting, done = [pictures], []
    while waiting:
        current = waiting.pop(0)
        found = divide(list(current.slices))
        if found is None:
            done.append(current)
            continue
        by, parts = found
        for number, (value, part) in enumerate(parts, 1):
            step = _step(by, value, number, len(parts))
            waiting.append(PictureSet(tuple(part), (*current.steps, step)))
    return done


def _step(by: Trait | str, value: str, number: int, count: int) -> Step:
    if isinstance(by, str):
        return Step(by, f"{by} {number} of {count}")
    person = by.weight is Weight.IDENTITY and by.called in ("patient", "study")
    shown = "" if by.private or by.called.endswith("time") else value[:MOST_SHOWN]
    return Step(by.name, f"{by.called} {shown}" if shown else f"{by.called} {number} of {count}", person)


def _by_identity(slices: list[Slice]) -> tuple[Trait, list[Part]] | None:
    for index, trait in enumerate(TRAITS):
        if trait.weight is Weight.IDENTITY:
            parts = _parts(slices, index)
            if len(parts) > 1:
                return trait, parts
    return None


def _by_pass(slices: list[Slice]) -> tuple[Trait | str, list[Part]] | None:
    for index, trait in enumerate(TRAITS):
        if trait.weight is Weight.PASS:
            parts = _parts(slices, index)
            if _among_each_other([part for _, part in parts]):
                return trait, _as_sweeps(slices, index) or parts
    frames = _parts_by(slices, lambda s: s.volume_file)
    if _among_each_other([part for _, part in frames]):
        return "file", [("", part) for _, part in frames]
    return _by_hint(slices) if regular(slices) else _by_anything(slices)


def _by_hint(slices: list[Slice]) -> tuple[Trait, list[Part]] | None:
    """Evenly spaced together, and yet two passes by their times or settings."""
    for index, trait in enumerate(TRAITS):
        if trait.weight is Weight.IDENTITY:
            continue
        parts = _parts(slices, index)
        lists = [part for _, part in parts]
        if len(parts) > 1 and _among_each_other(lists) and all(regular(part) for part in lists):
            return trait, parts
        sweeps = _as_sweeps(slices, index)
        if sweeps:
            return trait, sweeps
    return None


_BESIDES: tuple[tuple[str, Callable[[Slice], str]], ...] = (
    ("size of the pictures (Rows, Columns)", lambda s: f"{s.rows} x {s.columns}"),
    ("pixel spacing (PixelSpacing)", lambda s: "{:.4f} x {:.4f} mm".format(*s.spacing)),
    ("file", lambda s: str(s.file)),
)


def _by_anything(slices: list[Slice]) -> tuple[Trait | str, list[Part]] | None:
    """They are no volume together, but something distinguishes parts that are."""
    twice = bool(coincident(slices))
    for index, trait in enumerate(TRAITS):
        parts = _parts(slices, index)
        if _settled([part for _, part in parts], twice):
            return trait, parts
    for called, key in (*_BESIDES, ("place of the field of view", _beside(slices))):
        parts = [("", part) for _, part in _parts_by(slices, key)]
        if _settled([part for _, part in parts], twice):
            return called, parts
    if twice:
        for index, trait in enumerate(TRAITS):
            ranks = _by_rank(slices, index) if trait.ordered and trait.called != "instance number" else []
            if ranks and all(regular(part) for _, part in ranks):
                return trait, ranks
    return None


def _settled(parts: list[list[Slice]], twice: bool) -> bool:
    """Whether each part is a volume; or, where places are taken twice, one is and the others are pictures of one place.

    Otherwise a series that lacks a slice would offer what is left of it.
    """
    if len(parts) < 2:
        return False
    whole = [regular(part) for part in parts]
    if all(whole):
        return True
    return (
        twice
        and any(whole)
        and all(
            fine or len(part) < SMALLEST_SIDE or at_one_place(part)
            for fine, part in zip(whole, parts, strict=True)
        )
    )


def at_one_place(slices: Sequence[Slice]) -> bool:
    """Whether all slices lie in one plane, as the pictures of a bolus monitoring do."""
    return float(np.ptp(depths(slices))) < SAME_PLACE_MM


def _parts(slices: list[Slice], index: int) -> list[Part]:
    """By the value of one trait. What has none goes with the others, if these agree and it is no volume by itself."""
    parts = _parts_by(slices, lambda s: s.traits[index])
    unknown = [part for value, part in parts if not value]
    known = [(value, part) for value, part in parts if value]
    if not unknown or len(known) != 1:
        return parts
    lists = [unknown[0], known[0][1]]
    if _among_each_other(lists) and all(regular(part) for part in lists):
        return parts
    return [(known[0][0], slices)]


def _parts_by(slices: Iterable[Slice], key: Callable[[Slice], str]) -> list[Part]:
    parts: dict[str, list[Slice]] = {}
    for piece in slices:
        parts.setdefault(key(piece), []).append(piece)
    return list(parts.items())


def _among_each_other(parts: Sequence[Sequence[Slice]]) -> bool:
    """Whether parts of slices in order overlap along the normal, other than by sharing a plane at their ends."""
    if len(parts) < 2:
        return False
    normal = slice_normal(parts[0][0])
    ends = sorted(
        (float(np.dot(part[0].position, normal)), float(np.dot(part[-1].position, normal))) for part in parts
    )
    reach = ends[0][1]
    for low, high in ends[1:]:
        if low < reach - SAME_PLACE_MM:
            return True
        reach = max(reach, high)
    return False


def _beside(slices: list[Slice]) -> Callable[[Slice], str]:
    """Where the first pixel lies across the normal, to a millimetre."""
    across, down = np.array(slices[0].across), np.array(slices[0].down)

    def key(piece: Slice) -> str:
        return f"{np.dot(piece.position, across):.0f}|{np.dot(piece.position, down):.0f}"

    return key


def _numbers(slices: list[Slice], index: int) -> list[float] | None:
    """The values of an ordered trait; None if a picture has none."""
    try:
        return [float(s.traits[index]) for s in slices]
    except ValueError:
        return None


def _as_sweeps(slices: list[Slice], index: int) -> list[Part]:
    """Several passes along the table, one after the other by an ordered trait; none if it is one pass.

    Slices or blocks of slices with growing values that move along the table, and begin again: each pass has to be
    regular and to overlap another one. Values in disorder, as of slices reconstructed side by side, give no passes.
    """
    numbers = _numbers(slices, index) if TRAITS[index].ordered else None
    if numbers is None:
        return []
    normal = slice_normal(slices[0])
    blocks: dict[float, list[int]] = {}
    for place, number in enumerate(numbers):
        blocks.setdefault(number, []).append(place)
    middles = {n: float(np.mean([np.dot(slices[i].position, normal) for i in b])) for n, b in blocks.items()}
    sweeps: list[list[float]] = []
    direction = 0.0
    for number in sorted(blocks):
        step = np.sign(middles[number] - middles[sweeps[-1][-1]]) if sweeps else 0.0
        if not sweeps or (direction and step != direction):
            sweeps.append([number])
            direction = 0.0
        else:
            sweeps[-1].append(number)
            direction = float(step)
    if len(sweeps) < 2 or len(sweeps) > len(slices) // SMALLEST_SIDE:
        return []
    parts = [[slices[i] for i in sorted(i for number in sweep for i in blocks[number])] for sweep in sweeps]
    if not _among_each_other(parts) or not all(regular(part) for part in parts):
        return []
    return [("", part) for part in parts]


def _by_rank(slices: list[Slice], index: int) -> list[Part]:
    """The first, second, and so on picture of every place, by an ordered trait."""
    numbers = _numbers(slices, index)
    if numbers is None:
        return []
    places: list[list[int]] = []
    along = depths(slices)
    for i in range(len(slices)):
        if places and along[i] - along[places[-1][0]] < SAME_PLACE_MM:
            places[-1].append(i)
        else:
            places.append([i])
    count = len(places[0])
    ranked = [sorted(place, key=lambda i: numbers[i]) for place in places]
    if any(len(place) != count or len({numbers[i] for i in place}) != count for place in places):
        return []
    return [("", [slices[place[rank]] for place in ranked]) for rank in range(count)]
