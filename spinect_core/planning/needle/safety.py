"""What a needle passes and touches: its distances to bone and nerve, and the names of the structures on its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyvista as pv
from vtkmodules.vtkCommonCore import mutable
from vtkmodules.vtkCommonDataModel import vtkStaticCellLocator

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Tissue
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.zones.obstacles import TISSUES, Obstacles

PartsOf = Callable[[FloatArray, int], list[str]]
"""Names of the structures that LPS points (n, 3) on the surface of a tissue (1 bone, 2 nerve) belong to."""
STEP_MM = 0.5
FINE_MM = 0.02
AT_TARGET_MM = 3.0
"""Within this distance of the target the nerve is the aim of the injection; its clearance is reported separately."""
BEYOND_MM = 10.0
"""How far the line is followed behind the tip."""
WITHIN_MM = 2.0
SKIP_MM = 1e-3
"""A ray is cast on from this far behind what it hit; places are known to 1e-5 mm."""
MOST_CROSSINGS = 1000


@dataclass(frozen=True)
class Closest:
    """Where a needle comes nearest to a tissue.

    Attributes:
        distance_mm: from the needle's axis to the surface, negative inside; infinite without that tissue.
        depth_mm: from the entry.
        radius_mm: of the needle.
        place: LPS mm on the axis.
    """

    distance_mm: float
    depth_mm: float
    radius_mm: float
    place: tuple[float, float, float]

    @property
    def gap_mm(self) -> float:
        """From the needle's own surface, negative where it touches."""
        return self.distance_mm - self.radius_mm


@dataclass(frozen=True, eq=False)
class Clearance:
    """Distances from the needle's axis to bone and nerve along the trajectory.

    Attributes:
        depth_mm: (n,) from the entry (0) to the target, every 0.5 mm and at the target itself.
        bone_mm: (n,) from the axis to the surface of bone, negative inside, infinite without bone.
        nerve_mm: the same for nerve.
        bone: the nearest place on the whole trajectory.
        nerve: the nearest place on the trajectory up to 3 mm before the target.
        nerve_at_target: the nearest place within the last 3 mm.
        nerve_at_tip: at the tip itself.
    """

    depth_mm: FloatArray
    bone_mm: FloatArray
    nerve_mm: FloatArray
    bone: Closest
    nerve: Closest
    nerve_at_target: Closest
    nerve_at_tip: Closest


@dataclass(frozen=True)
class Crossing:
    """A structure that the needle's axis goes through.

    Attributes:
        name: of the structure.
        tissue: "bone" or "nerve".
        from_mm: depth from the entry at which the axis meets it.
        to_mm: depth at which the axis leaves it, or the end of the line.
        behind_tip: whether it lies wholly behind the target.
    """

    name: str
    tissue: Tissue
    from_mm: float
    to_mm: float
    behind_tip: bool


@dataclass(frozen=True)
class Neighbour:
    """A structure that the needle passes closely.

    Attributes:
        name: of the structure.
        tissue: "bone" or "nerve".
        gap_mm: between the needle's surface and the structure's, negative where it touches.
        depth_mm: from the entry, where that is.
    """

    name: str
    tissue: Tissue
    gap_mm: float
    depth_mm: float


def clearance(needle: Needle, obstacles: Obstacles) -> Clearance:
    """The distances along a needle, exact at every sample; the nearest places are looked for between them too."""
    end = needle.depth_mm
    depths = _depths(0.0, end, STEP_MM)
    curves = {
        tissue: _Curve(needle, obstacles, tissue, depths, obstacles.distance(needle.at(depths), tissue))
        for tissue in TISSUES
    }
    turn = max(end - AT_TARGET_MM, 0.0)
    return Clearance(
        depths,
        curves[BONE].distances,
        curves[NERVE].distances,
        curves[BONE].closest(0.0, end),
        curves[NERVE].closest(0.0, turn),
        curves[NERVE].closest(turn, end),
        curves[NERVE].closest(end, end),
    )


def crossings(needle: Needle, obstacles: Obstacles, parts_of: PartsOf) -> tuple[Crossing, ...]:
    """The structures on the line of the needle's axis, in order, from the skin to 10 mm behind the target.

    Args:
        needle: the needle; its thickness does not count here.
        obstacles: bone and nerve.
        parts_of: names of places on a surface.
    """
    end = needle.depth_mm + BEYOND_MM
    found: list[tuple[int, float, float]] = []
    since: dict[int, float] = {}
    within: dict[int, int] = {}
    for tissue, depth, enters in _hits(needle, obstacles, end):
        # Bone beyond the labels overlaps the labelled bone: what was entered twice is left twice.
        within[tissue] = max(within.get(tissue, 0) + (1 if enters else -1), 0)
        if enters:
            since.setdefault(tissue, depth)
        elif within[tissue] == 0:
            # Leaving what was never entered: the line began inside.
            found.append((tissue, since.pop(tissue, 0.0), depth))
    found += [(tissue, depth, end) for tissue, depth in since.items()]
    found.sort(key=lambda item: item[1])
    return tuple(
        Crossing(
            parts_of(needle.at([first]), tissue)[0], TISSUES[tissue], first, last, first >= needle.depth_mm
        )
        for tissue, first, last in found
    )


def neighbours(
    needle: Needle,
    obstacles: Obstacles,
    parts_of: PartsOf,
    within_mm: float = WITHIN_MM,
    along: Clearance | None = None,
) -> tuple[Neighbour, ...]:
    """The structures that the needle's surface comes nearer to than ``within_mm``, the nearest first.

    Args:
        needle: the needle, from the entry to the target.
        obstacles: bone and nerve.
        parts_of: names of places on a surface.
        within_mm: from the needle's surface.
        along: the distances along this needle, where they are known.
    """
    depths = _depths(0.0, needle.depth_mm, STEP_MM)
    points = needle.at(depths)
    on_axis = {} if along is None else {BONE: along.bone_mm, NERVE: along.nerve_mm}
    nearest: dict[tuple[str, str], Neighbour] = {}
    for tissue, mesh in obstacles.meshes.items():
        distances = on_axis[tissue] if tissue in on_axis else obstacles.distance(points, tissue)
        gaps = distances - needle.radius_mm
        close = gaps <= within_mm
        if not close.any():
            continue
        names = parts_of(_on_surface(points[close], mesh), tissue)
        for name, gap, depth in zip(names, gaps[close], depths[close], strict=True):
            known = nearest.get((name, TISSUES[tissue]))
            if known is None or gap < known.gap_mm:
                nearest[name, TISSUES[tissue]] = Neighbour(name, TISSUES[tissue], float(gap), float(depth))
    return tuple(sorted(nearest.values(), key=lambda item: item.gap_mm))


def _depths(first: float, last: float, step: float) -> FloatArray:
    """Every ``step`` mm from first to last, both among them."""
    depths = first + step * np.arange(int(np.floor((last - first) / step + 1e-9)) + 1)
    return np.asarray(depths if last - depths[-1] < 1e-9 else np.append(depths, last), dtype=np.float64)


def closest_between(needle: Needle, obstacles: Obstacles, tissue: int, first: float, last: float) -> Closest:
    """The nearest place of a tissue, 1 bone or 2 nerve, between two depths in mm."""
    depths = _depths(first, last, STEP_MM)
    distances = obstacles.distance(needle.at(depths), tissue)
    return _Curve(needle, obstacles, tissue, depths, distances).closest(first, last)


@dataclass(frozen=True, eq=False)
class _Curve:
    """The distances of a needle's axis to a tissue, known at some depths.

    Attributes:
        needle: the needle.
        obstacles: bone and nerve.
        tissue: 1 bone, 2 nerve.
        depths: mm (n,) from the entry, rising.
        distances: mm (n,).
    """

    needle: Needle
    obstacles: Obstacles
    tissue: int
    depths: FloatArray
    distances: FloatArray

    def at(self, depths: FloatArray) -> FloatArray:
        """The distances at depths (n,); only those that are not known are measured."""
        place = np.minimum(np.searchsorted(self.depths, depths), len(self.depths) - 1)
        found = self.distances[place]
        new = self.depths[place] != depths
        found[new] = self.obstacles.distance(self.needle.at(depths[new]), self.tissue)
        return found

    def closest(self, first: float, last: float) -> Closest:
        """The nearest place between two depths."""
        depths = _depths(first, last, STEP_MM)
        distances = self.at(depths)
        near = float(depths[distances.argmin()])
        if np.isfinite(distances.min()):
            depths = _depths(max(near - STEP_MM, first), min(near + STEP_MM, last), FINE_MM)
            distances = self.at(depths)
        best = int(distances.argmin())
        x, y, z = self.needle.at(depths[best]).tolist()
        return Closest(float(distances[best]), float(depths[best]), self.needle.radius_mm, (x, y, z))


def _hits(needle: Needle, obstacles: Obstacles, end: float) -> list[tuple[int, float, bool]]:
    """Tissue, depth and whether the axis goes in, of each surface it meets; a ray goes on from where the last met."""
    found: list[tuple[int, float, bool]] = []
    direction, start = -needle.towards_entry, 0.0
    while len(found) < MOST_CROSSINGS:
        tissues, distances, faces = obstacles.first(needle.at([start]), direction)
        depth = start + float(distances[0])
        if tissues[0] == 0 or depth > end:
            break
        tissue = int(tissues[0])
        enters = float(_face_normal(obstacles.meshes[tissue], int(faces[0])) @ direction) < 0
        found.append((tissue, depth, enters))
        start = depth + SKIP_MM
    return found


def _face_normal(mesh: pv.PolyData, face: int) -> FloatArray:
    corners = np.asarray(mesh.regular_faces[face])
    a, b, c = np.asarray(mesh.points)[corners].astype(np.float64)
    return np.asarray(np.cross(b - a, c - a))


def _on_surface(points: FloatArray, mesh: pv.PolyData) -> FloatArray:
    """The nearest points (n, 3) of a mesh."""
    locator = vtkStaticCellLocator()
    locator.SetDataSet(mesh)
    locator.BuildLocator()
    nearest = np.zeros_like(points)
    place, cell, part, squared = [0.0, 0.0, 0.0], mutable(0), mutable(0), mutable(0.0)
    for number, point in enumerate(points):
        locator.FindClosestPoint(point.tolist(), place, cell, part, squared)
        nearest[number] = place
    return nearest
