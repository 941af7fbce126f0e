"""The needles of a plan on labels that were corrected since: how near they come to bone and nerve now.

Planning again takes as long as it took before; whether a needle still keeps clear of what was corrected is known at
once. These distances are measured as those of the plan were. They say nothing of what a search would find now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyvista as pv

from spinect_core.base.arrays import FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import Trajectory, trajectories
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.surfaces import Surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays

REACH_MM = 15.0
"""Bone and nerve farther from a needle are not looked at."""
EDGE_MM = 3.0
"""So near to the end of what is looked at the nearest place may lie beyond it."""


@dataclass(frozen=True)
class Rechecked:
    """A needle of a plan, from its own surface; None where nothing lies within reach, or nothing was measured.

    Attributes:
        name: of its trajectory, such as ``Left Kambin, bony``.
        nerve_mm: the smallest distance to nerve now, negative where it touches.
        bone_mm: the same to bone.
        nerve_before_mm: to nerve, as the plan has it.
        bone_before_mm: the same to bone.
    """

    name: str
    nerve_mm: float | None
    bone_mm: float | None
    nerve_before_mm: float | None
    bone_before_mm: float | None


def recheck(planning: Planning, surfaces: Surfaces, cancel: Cancel | None = None) -> tuple[Rechecked, ...]:
    """All needles of a plan on other surfaces than those it was made on.

    Args:
        planning: the plan.
        surfaces: of the corrected labels.
        cancel: asked between needles.
    """
    rows = [(row, row.needle.needle) for row in trajectories(planning) if row.needle is not None]
    if not rows:
        return ()
    needles = [needle for _, needle in rows]
    near = Obstacles(_near(surfaces.bone, needles), _near(surfaces.nerve, needles))
    found = []
    for row, needle in rows:
        check(cancel)
        found.append(_rechecked(row, needle, near))
    return tuple(found)


def _rechecked(row: Trajectory, needle: Needle, obstacles: Obstacles) -> Rechecked:
    along = clearance(needle, obstacles)
    safety = None if row.needle is None else row.needle.safety
    bone = None if safety is None or safety.bone is None else safety.bone.gap_mm
    nerve = min(along.nerve.gap_mm, along.nerve_at_target.gap_mm)
    return Rechecked(
        row.called if row.elsewhere else row.title,
        _within(nerve),
        _within(along.bone.gap_mm),
        row.nerve_mm,
        bone,
    )


def _within(gap_mm: float) -> float | None:
    """A distance that is known: what lies farther away was cut off."""
    return gap_mm if gap_mm <= REACH_MM - EDGE_MM else None


def _near(mesh: pv.PolyData, needles: Sequence[Needle]) -> pv.PolyData:
    """The part of a surface within reach of needles; its triangles are as they were."""
    if mesh.n_cells == 0:
        return mesh
    points = np.asarray(mesh.points, dtype=np.float64)
    close = np.zeros(len(points), dtype=np.bool_)
    for needle in needles:
        close |= _away(points, needle) <= REACH_MM
    corners = mesh.regular_faces[close[mesh.regular_faces].any(axis=1)]
    if not len(corners):
        return pv.PolyData()
    used, faces = np.unique(corners, return_inverse=True)
    kept = MeshArrays(np.asarray(mesh.points)[used], faces.reshape(-1, 3).astype(np.int32), points[:0])
    return kept.mesh()


def _away(points: FloatArray, needle: Needle) -> FloatArray:
    """Mm (n,) from points (n, 3) to a needle's axis between entry and target."""
    start, line = np.asarray(needle.entry), np.asarray(needle.target) - np.asarray(needle.entry)
    along = np.clip((points - start) @ line / (line @ line), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - start - along[:, None] * line, axis=1))
