"""A needle that is moved by hand: its distances and its angular tolerance, measured anew with every move of the mouse.

The same numbers as those of :mod:`spinect_core.planning.needle.safety` and of
:mod:`spinect_core.planning.needle.tolerance`, by a shorter way: the edges of the surfaces lie in bunches
(:class:`spinect_core.planning.needle.clearance.Edges`), and only the few bunches near the needle are looked at. A
needle that goes through a surface is measured as there. Distances agree to 0.02 mm, and angular tolerances to 0.1° and
a twentieth of them: here every direction is looked at, there every fifth degree and then those about the worst.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Tissue
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.needle.clearance import Clearance, Edges
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import (
    AT_TARGET_MM,
    Closest,
    Crossing,
    closest_between,
)
from spinect_core.planning.needle.tolerance import END_MM, LARGEST_DEG, Margin, direction_words, least_of
from spinect_core.planning.zones.obstacles import TISSUES, Obstacles

FIRST_BUNCHES = 24
"""The likeliest bunches are looked at first; what they give leaves nearly all others out."""
TOUCHED_MM = 0.0
"""A structure is touched where the gap between its surface and the needle's is no more."""
NOWHERE = np.full(3, np.nan)


@dataclass(frozen=True)
class Distances:
    """How near a needle comes to bone and nerve.

    Attributes:
        bone: the nearest place on the whole trajectory.
        nerve: the nearest place on the trajectory up to 3 mm before the target.
        nerve_at_target: the nearest place within the last 3 mm.
        nerve_at_tip: at the tip itself.
    """

    bone: Closest
    nerve: Closest
    nerve_at_target: Closest
    nerve_at_tip: Closest


@dataclass(frozen=True, eq=False)
class Angles:
    """What angle at the entry remains free.

    Attributes:
        angle_to_bone: degrees.
        angle_to_nerve: degrees.
    """

    angle_to_bone: Margin
    angle_to_nerve: Margin

    @property
    def angle(self) -> Margin:
        """Degrees to bone or nerve, whichever comes first."""
        return least_of(self.angle_to_bone, self.angle_to_nerve)


@dataclass(frozen=True)
class Touch:
    """A structure that a needle touches, or the one that it comes nearest to.

    Attributes:
        name: of the structure.
        tissue: "bone" or "nerve".
        gap_mm: between the needle's surface and the structure's; 0 or less where it touches.
        depth_mm: from the entry, where that is.
        place: LPS mm on the needle's axis.
    """

    name: str
    tissue: Tissue
    gap_mm: float
    depth_mm: float
    place: tuple[float, float, float]

    @property
    def touches(self) -> bool:
        """Whether the needle's surface meets the structure's."""
        return self.gap_mm <= TOUCHED_MM


class Live:
    """Bone and nerve, ready for needles that are moved.

    Args:
        field: of the case.
    """

    def __init__(self, field: Clearance) -> None:
        self._field = field

    @property
    def obstacles(self) -> Obstacles:
        """Bone and nerve."""
        return self._field.obstacles

    def distances(self, needle: Needle, crossed: Sequence[Crossing]) -> Distances:
        """How near a needle comes to bone and nerve.

        Args:
            needle: the needle.
            crossed: structures on its line.
        """
        end = needle.depth_mm
        turn = max(end - AT_TARGET_MM, 0.0)
        return Distances(
            self._closest(needle, BONE, 0.0, end, crossed),
            self._closest(needle, NERVE, 0.0, turn, crossed),
            self._closest(needle, NERVE, turn, end, crossed),
            closest_between(needle, self.obstacles, NERVE, end, end),
        )

    def angles(self, needle: Needle, crossed: Sequence[Crossing]) -> Angles:
        """The angular tolerance of a needle, in the direction in which it is least.

        Args:
            needle: the needle.
            crossed: structures on its line.
        """
        return Angles(self._margin(needle, BONE, crossed), self._margin(needle, NERVE, crossed))

    # ------------------------------------------------------------------------------------------------------ distances

    def _closest(
        self, needle: Needle, tissue: int, first: float, last: float, crossed: Sequence[Crossing]
    ) -> Closest:
        """The nearest place between two depths: within the surface if the needle goes through it there, else beside."""
        within = [
            (max(each.from_mm, first), min(each.to_mm, last))
            for each in crossed
            if each.tissue == TISSUES[tissue] and each.from_mm < last and each.to_mm > first
        ]
        if within:
            found = [closest_between(needle, self.obstacles, tissue, *part) for part in within]
            return min(found, key=lambda each: each.distance_mm)
        edges = self._field.edges.get(tissue)
        if edges is None:
            return Closest(float("inf"), first, needle.radius_mm, _three(needle.at(first)))
        # The nearest place of a surface lies at one of its edges, or across from an end.
        ends = np.array([first, last])
        at_ends = np.abs(self.obstacles.distance(needle.at(ends), tissue))
        distance, depth = float(at_ends.min()), float(ends[at_ends.argmin()])
        beside, at = beside_edges(edges, needle.at(first), needle.at(last), distance)
        if beside < distance:
            distance, depth = beside, first + at * (last - first)
        return Closest(distance, depth, needle.radius_mm, _three(needle.at(depth)))

    # --------------------------------------------------------------------------------------------------------- angles

    def _margin(self, needle: Needle, tissue: int, crossed: Sequence[Crossing]) -> Margin:
        """The least angle about the entry by which the needle's surface comes to a tissue, as deep as planned."""
        reach = needle.depth_mm - END_MM
        pierced = any(each.tissue == TISSUES[tissue] and each.from_mm < reach for each in crossed)
        edges = self._field.edges.get(tissue)
        degrees, place = LARGEST_DEG, NOWHERE
        if edges is not None:
            degrees, place = turned_onto(edges, needle, reach)
        degrees = 0.0 if pierced else degrees
        towards, words = np.zeros(3), ""
        if degrees < LARGEST_DEG and np.isfinite(place).all():
            offset = place - np.asarray(needle.entry)
            across = offset - (offset @ needle.towards_entry) * needle.towards_entry
            length = float(np.linalg.norm(across))
            if length > 0:
                towards = across / length
                words = direction_words(towards, needle.side)
        return Margin(degrees, LARGEST_DEG, TISSUES[tissue], towards, words, np.zeros(0))


def beside_edges(
    edges: Edges, first: FloatArray, last: FloatArray, known: float = float("inf")
) -> tuple[float, float]:
    """The smallest distance in mm of a stretch of a line to the edges of a mesh, and where on the stretch (0 to 1).

    Args:
        edges: of the mesh, which the stretch does not go through.
        first: LPS mm (3,), where it begins.
        last: LPS mm (3,), where it ends.
        known: mm; what is farther is not looked for.

    Returns:
        ``known`` and 0 where nothing is nearer.
    """
    way = last - first
    squared = float(way @ way)
    offset = edges.middle - first
    part = np.clip(offset @ way / squared, 0.0, 1.0) if squared > 0 else np.zeros(len(offset))
    away = np.linalg.norm(offset - part[:, None] * way, axis=1)
    bound = min(float((away + edges.radius).min()), known)
    near = np.flatnonzero(away - edges.radius < bound)
    if not len(near):
        return known, 0.0
    along = edges.along[near].reshape(-1, 3)
    between = edges.start[near].reshape(-1, 3) - first
    distance, at = _between(along, between, way, squared)
    best = int(distance.argmin())
    return (float(distance[best]), float(at[best])) if distance[best] < known else (known, 0.0)


def _between(
    along: FloatArray, between: FloatArray, way: FloatArray, squared: float
) -> tuple[FloatArray, FloatArray]:
    """Distances (n,) of edges to a stretch, and where on the stretch the nearest places lie (n,), 0 to 1."""
    aa = np.einsum("ij,ij->i", along, along)
    ab, bb = along @ way, max(squared, 1e-12)
    ac, bc = np.einsum("ij,ij->i", along, between), between @ way
    across = aa * bb - ab * ab
    on_edge = np.clip((ab * bc - ac * bb) / np.where(across > 1e-9, across, 1.0), 0.0, 1.0)
    at = np.clip((ab * on_edge + bc) / bb, 0.0, 1.0)
    on_edge = np.clip((ab * at - ac) / np.where(aa > 0, aa, 1.0), 0.0, 1.0)
    apart = between + on_edge[:, None] * along - at[:, None] * way
    return np.asarray(np.linalg.norm(apart, axis=1)), at


def turned_onto(edges: Edges, needle: Needle, reach: float) -> tuple[float, FloatArray]:
    """The least angle about its entry by which a needle's surface comes to the edges of a mesh.

    Args:
        edges: of the mesh.
        needle: the needle.
        reach: mm from the entry up to which contact counts.

    Returns:
        Degrees, at most 30, and LPS mm (3,) of the place that is met; not a number where nothing is.
    """
    entry, inwards, radius = np.asarray(needle.entry), -needle.towards_entry, needle.radius_mm
    # A place at this distance from the entry is met by the side of the needle's end.
    farthest = float(np.hypot(reach, radius))
    offset = edges.middle - entry
    away = np.linalg.norm(offset, axis=1)
    nearest = np.maximum(away - edges.radius, radius)
    least = (
        _angle(offset @ inwards, away) - _sine(edges.radius, np.maximum(away, 1e-9)) - _sine(radius, nearest)
    )
    least[away - edges.radius > farthest] = np.inf
    order = np.argsort(least, kind="stable")
    bound, place = np.radians(LARGEST_DEG), NOWHERE
    for part in (order[:FIRST_BUNCHES], order[FIRST_BUNCHES:]):
        kept = part[least[part] < bound]
        if not len(kept):
            break
        found, at = _least_turn(edges, kept, entry, inwards, radius, farthest)
        if found < bound:
            bound, place = found, at
    if not np.isfinite(place).all():
        return LARGEST_DEG, place
    return float(np.degrees(max(bound, 0.0))), place


def _least_turn(
    edges: Edges,
    kept: npt.NDArray[np.intp],
    entry: FloatArray,
    inwards: FloatArray,
    radius: float,
    farthest: float,
) -> tuple[float, FloatArray]:
    """The least angle in radians to the edges of some bunches within a ball about the entry, and the place met."""
    start = edges.start[kept].reshape(-1, 3) - entry
    along = edges.along[kept].reshape(-1, 3)
    aa, ee = np.einsum("ij,ij->i", start, start), np.einsum("ij,ij->i", along, along)
    ae, da, de = np.einsum("ij,ij->i", start, along), start @ inwards, along @ inwards
    # The part of each edge within the ball.
    root = ae * ae - ee * (aa - farthest * farthest)
    inside = (root > 0) & (ee > 0)
    start, along = start[inside], along[inside]
    aa, ee, ae, da, de = aa[inside], ee[inside], ae[inside], da[inside], de[inside]
    root = np.sqrt(root[inside])
    first, last = np.clip((-ae - root) / ee, 0.0, 1.0), np.clip((-ae + root) / ee, 0.0, 1.0)
    # Where an edge runs nearest to the axis, as seen from the entry.
    turn = de * ae - da * ee
    middle = np.clip((da * ae - de * aa) / np.where(np.abs(turn) > 1e-12, turn, 1.0), first, last)
    best, place = np.inf, NOWHERE
    for at in (first, last, middle):
        points = start + at[:, None] * along
        length = np.linalg.norm(points, axis=1)
        met = (last > first) & (length <= farthest + 1e-6)
        if not met.any():
            continue
        points, length = points[met], length[met]
        angle = _angle(points @ inwards, length) - _sine(radius, np.maximum(length, radius))
        number = int(angle.argmin())
        if angle[number] < best:
            best, place = float(angle[number]), points[number] + entry
    return best, place


def _angle(ahead: FloatArray, length: FloatArray) -> FloatArray:
    """Radians between a direction and points of which the part along it and the whole length are given."""
    return np.asarray(np.arccos(np.clip(ahead / np.maximum(length, 1e-9), -1.0, 1.0)))


def _sine(radius: FloatArray | float, length: FloatArray) -> FloatArray:
    """Radians that a radius takes up at a distance; a quarter turn where it is as large."""
    return np.asarray(np.arcsin(np.clip(radius / length, 0.0, 1.0)))


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
