"""The tolerance of a needle: the angle and the shift that bring its surface to bone or nerve.

The needle is straight and has its thickness. Turned needles go in at the planned entry and as deep as planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyvista as pv

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.words import Side, Tissue
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.zones.obstacles import Obstacles

AZIMUTHS = 72
LARGEST_DEG, STEP_DEG = 30.0, 0.25
LARGEST_MM, STEP_MM = 20.0, 0.25
"""The range of errors that is searched, and its steps: between two steps a needle moves by less than its thickness."""
HALVINGS = 6
STEPS_AT_ONCE = 12
"""So many steps are asked of a direction at once; most needles touch something within the first three degrees."""
RING = 16
"""Rays along the needle's surface. They stand on its corners as a polygon about it, 2 % outside: on the safe side."""
END_MM = 0.02
"""Contact this near the end of the needle does not count: targets lie on the surface of bone and nerve."""
SECOND_LETTER = 0.342
"""A direction is named by two words where it leans to the second axis by more than 20°."""
_CHUNK = 4096

Deviate = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""Entries and directions (n, 3) of the needle after an error of amounts (n,) towards azimuths (n,) in radians."""


@dataclass(frozen=True, eq=False)
class Margin:
    """The tolerance of a needle in the direction in which it is least.

    Attributes:
        amount: degrees or mm that are free; ``largest`` where nothing is touched within it.
        largest: the end of the range searched.
        tissue: "bone" or "nerve".
        towards: unit LPS vector (3,), the direction in which the tip moves, across the needle.
        words: the same in words, such as ``caudal and medial``; empty where nothing is touched.
        by_azimuth: (72,) the amount in every direction, from the right of the needle's view over its up, 5° each;
            (0,) where only the least was looked for.
    """

    amount: float
    largest: float
    tissue: Tissue
    towards: FloatArray
    words: str
    by_azimuth: FloatArray

    @property
    def unlimited(self) -> bool:
        """Whether nothing was met as far as was looked."""
        return self.amount >= self.largest


@dataclass(frozen=True, eq=False)
class Tolerance:
    """What angle at the entry, and what shift of the whole needle, remain free.

    Attributes:
        angle_to_bone: degrees.
        angle_to_nerve: degrees.
        shift_to_bone: mm.
        shift_to_nerve: mm.
    """

    angle_to_bone: Margin
    angle_to_nerve: Margin
    shift_to_bone: Margin
    shift_to_nerve: Margin

    @property
    def angle(self) -> Margin:
        """Degrees to bone or nerve, whichever comes first; by azimuth too."""
        return least_of(self.angle_to_bone, self.angle_to_nerve)

    @property
    def shift(self) -> Margin:
        """Millimetres to bone or nerve, whichever comes first; by azimuth too."""
        return least_of(self.shift_to_bone, self.shift_to_nerve)


class Aim:
    """Bone and nerve apart, ready for many needles.

    Args:
        obstacles: of the case.
    """

    def __init__(self, obstacles: Obstacles) -> None:
        self._obstacles = obstacles

    def make_ready(self) -> None:
        """Make the search trees now, and not when the first needle is asked about."""
        _ = self._apart

    @cached_property
    def _apart(self) -> dict[int, Obstacles]:
        nothing, meshes = pv.PolyData(), self._obstacles.meshes
        apart = {
            BONE: Obstacles(meshes.get(BONE, nothing), nothing),
            NERVE: Obstacles(nothing, meshes.get(NERVE, nothing)),
        }
        for each in apart.values():
            each.make_ready()  # of two threads that cast the first ray only one may make the search tree
        return apart

    def contact(
        self,
        tissue: int,
        entries: FloatArray,
        directions: FloatArray,
        radius_mm: float,
        cancel: Cancel | None = None,
    ) -> FloatArray:
        """How deep needles are when their surface meets a tissue.

        Args:
            tissue: 1 bone, 2 nerve.
            entries: LPS mm (n, 3).
            directions: unit LPS vectors (n, 3) from the entries inwards.
            radius_mm: of the needles.
            cancel: looked at every 4,096 needles.

        Returns:
            mm (n,) from the entry, infinite where nothing is met.
        """
        result = np.full(len(entries), np.inf)
        turns = 2 * np.pi * np.arange(RING) / RING
        radius = radius_mm / np.cos(np.pi / RING)
        ring = np.concatenate([np.zeros((1, 2)), radius * np.column_stack([np.cos(turns), np.sin(turns)])])
        for begin in range(0, len(entries), _CHUNK):
            check(cancel)
            part = slice(begin, begin + _CHUNK)
            way = directions[part]
            first_axis, second_axis = _frames(way)
            starts = ring[:, :1] * first_axis[:, None] + ring[:, 1:] * second_axis[:, None]
            starts += entries[part][:, None]
            ways = np.repeat(way, RING + 1, axis=0)
            distance = self._apart[tissue].distances(starts.reshape(-1, 3), ways)
            result[part] = distance.reshape(-1, RING + 1).min(axis=1)
        return result

    def tolerance(
        self, needle: Needle, progress: Progress = silent, cancel: Cancel | None = None
    ) -> Tolerance:
        """The angular tolerance of a needle and its tolerance of shifts, in 72 directions.

        Angles: the needle goes in at the planned entry and as deep as planned. Shifts: the whole needle moves across
        its axis. The first contact is looked for in steps and then halved down to 0.004° or mm; the least of the
        directions is looked for once more every 0.5° about the worst.
        """
        entry, inwards = np.asarray(needle.entry), -needle.towards_entry
        axes = np.stack([needle.view.right, needle.view.up])

        def turned(azimuths: FloatArray, degrees: FloatArray) -> tuple[FloatArray, FloatArray]:
            angle = np.radians(degrees)[:, None]
            return np.broadcast_to(entry, (len(azimuths), 3)), np.cos(angle) * inwards + np.sin(angle) * (
                circle(azimuths) @ axes
            )

        def shifted(azimuths: FloatArray, mm: FloatArray) -> tuple[FloatArray, FloatArray]:
            return entry + mm[:, None] * (circle(azimuths) @ axes), np.broadcast_to(inwards, (len(mm), 3))

        margins = []
        tasks = [
            (turned, tissue, LARGEST_DEG, STEP_DEG) for tissue in (BONE, NERVE)
        ] + [(shifted, tissue, LARGEST_MM, STEP_MM) for tissue in (BONE, NERVE)]  # fmt: skip
        for number, (deviate, tissue, largest, step) in enumerate(tasks):
            check(cancel)
            progress(number / len(tasks), "the needle's angular tolerance")
            margins.append(self._margin(needle, deviate, tissue, largest, step, cancel))
        progress(1.0, "tolerance known")
        return Tolerance(*margins)

    def _margin(
        self,
        needle: Needle,
        deviate: Deviate,
        tissue: int,
        largest: float,
        step: float,
        cancel: Cancel | None,
    ) -> Margin:
        def meets(azimuths: FloatArray, amounts: FloatArray) -> BoolArray:
            contact = self.contact(tissue, *deviate(azimuths, amounts), needle.radius_mm, cancel)
            return np.asarray(contact < needle.depth_mm - END_MM)

        azimuths = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
        free = _free(meets, azimuths, largest, step)
        worst = float(azimuths[free.argmin()])
        about = worst + np.radians(np.linspace(-5.0, 5.0, 21))
        # Only a direction that is free by less than the worst so far counts.
        finer = _free(meets, about, largest, step, float(free.min()))
        if finer.min() < free.min():
            worst = float(about[finer.argmin()])
        amount = float(min(free.min(), finer.min()))
        axes = np.stack([needle.view.right, needle.view.up])
        towards = (circle(np.array([worst])) @ axes)[0]
        words = direction_words(towards, needle.side) if amount < largest else ""
        return Margin(amount, largest, Tissue.BONE if tissue == BONE else Tissue.NERVE, towards, words, free)


def direction_words(direction: npt.ArrayLike, side: str) -> str:
    """A direction in a clinician's words, the stronger first, such as ``caudal and medial``.

    Args:
        direction: LPS vector (3,), any length but zero.
        side: the patient's side the needle is on, which decides what is medial.
    """
    vector = np.asarray(direction, dtype=np.float64)
    vector = vector / np.linalg.norm(vector)
    lateral = ("lateral", "medial") if side == Side.LEFT else ("medial", "lateral")
    pairs = (lateral, ("posterior", "anterior"), ("cranial", "caudal"))
    order = np.argsort(-np.abs(vector), kind="stable")[:2]
    words = [
        pairs[axis][0 if vector[axis] > 0 else 1]
        for number, axis in enumerate(order)
        if number == 0 or abs(vector[axis]) > SECOND_LETTER
    ]
    return " and ".join(words)


def _free(
    meets: Callable[[FloatArray, FloatArray], BoolArray],
    azimuths: FloatArray,
    largest: float,
    step: float,
    most: float = np.inf,
) -> FloatArray:
    """The amount (n,) that is free towards each azimuth: up to the first contact, not to some later one.

    Args:
        meets: whether needles towards azimuths touch something after errors of amounts.
        azimuths: radians (n,).
        largest: end of the range; what is free where nothing is met.
        step: of the amounts that are asked.
        most: contacts beyond this are not looked for.
    """
    amounts = np.arange(0.0, largest + step / 2, step)
    amounts = amounts[amounts < most + step]
    first = np.full(len(azimuths), -1)
    left = np.arange(len(azimuths))
    for begin in range(0, len(amounts), STEPS_AT_ONCE):
        some = amounts[begin : begin + STEPS_AT_ONCE]
        met = meets(np.repeat(azimuths[left], len(some)), np.tile(some, len(left)))
        met = met.reshape(len(left), len(some))
        touched = met.any(axis=1)
        first[left[touched]] = begin + met[touched].argmax(axis=1)
        left = left[~touched]
        if not len(left):
            break
    found = np.flatnonzero(first >= 0)
    low, high = amounts[np.maximum(first[found] - 1, 0)], amounts[first[found]]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        touches = meets(azimuths[found], middle)
        low, high = np.where(touches, low, middle), np.where(touches, middle, high)
    free = np.full(len(azimuths), largest)
    free[found] = low
    return free


def least_of(a: Margin, b: Margin) -> Margin:
    """The lesser of two margins; in every direction the lesser of both."""
    least = a if a.amount <= b.amount else b
    both = np.minimum(a.by_azimuth, b.by_azimuth)
    return Margin(least.amount, least.largest, least.tissue, least.towards, least.words, both)


def circle(azimuths: FloatArray) -> FloatArray:
    """Unit vectors (n, 2), right and up, of azimuths (n,) in radians."""
    return np.column_stack([np.cos(azimuths), np.sin(azimuths)])


def _frames(directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors across each direction, (n, 3) each."""
    if len(directions) and not directions.strides[0]:  # one direction for all
        first, second = _frames(directions[:1].copy())
        return np.broadcast_to(first, directions.shape), np.broadcast_to(second, directions.shape)
    helper = np.eye(3)[np.abs(directions).argmin(axis=1)]
    first = np.cross(directions, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(directions, first)
