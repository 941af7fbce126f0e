"""About how far needles may turn about their entries, for very many at once: to choose among views, not to report."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.planning.zones.obstacles import Obstacles

CELL_MM = 1.5
"""One point of a surface is kept in each cell of this size: gaps of 2 mm come out wider by 0.1 mm at most."""
FARTHEST_DEG = 10.0
"""Nothing farther off is looked for; a hand errs by less."""
AROUND_MM = 40.0
"""Points farther than this from all needles are left out: 10° over 200 mm is 35 mm."""
STEEPEST = float(np.tan(np.radians(FARTHEST_DEG)))


class AboutEntry:
    """The surfaces of bone and nerve as points.

    Args:
        obstacles: of the case.
    """

    def __init__(self, obstacles: Obstacles) -> None:
        kept = [_thinned(np.asarray(mesh.points, dtype=np.float64)) for mesh in obstacles.meshes.values()]
        self._points = np.concatenate(kept) if kept else np.zeros((0, 3))

    def degrees(
        self, entries: FloatArray, targets: FloatArray, radius_mm: float, cancel: Cancel | None = None
    ) -> FloatArray:
        """The least angle (n,) about its entry by which each needle comes to a surface, as deep as planned.

        Args:
            entries: LPS mm (n, 3).
            targets: LPS mm (n, 3), the tips.
            radius_mm: of the needles.
            cancel: asked often.

        Returns:
            Degrees, at most 10; not a number where an entry is not known.
        """
        found = np.full(len(entries), np.nan)
        known = np.flatnonzero(np.isfinite(entries).all(axis=1) & np.isfinite(targets).all(axis=1))
        if not len(known):
            return found
        ends = np.concatenate([entries[known], targets[known]])
        middle = ends.mean(axis=0)
        low, high = ends.min(axis=0) - AROUND_MM, ends.max(axis=0) + AROUND_MM
        near = ((self._points >= low) & (self._points <= high)).all(axis=1)
        points = (self._points[near] - middle).astype(np.float32)
        squared = np.einsum("ij,ij->i", points, points)
        for number in known:
            check(cancel)
            start = (entries[number] - middle).astype(np.float32)
            way = (targets[number] - entries[number]).astype(np.float32)
            depth = float(np.linalg.norm(way))
            way /= np.float32(depth)
            along = points @ way - start @ way
            away = squared - points @ (2 * start) + start @ start
            # What lies deeper than the tip, or behind the entry, is not met.
            reach = STEEPEST * along + np.float32(radius_mm)
            met = (along > 0) & (away <= np.float32(depth**2)) & (away - along * along < reach * reach)
            ahead, beside = along[met], np.sqrt(np.maximum(away[met] - along[met] ** 2, 0.0))
            slope = ((beside - radius_mm) / ahead).min(initial=STEEPEST)
            found[number] = np.degrees(np.arctan(max(float(slope), 0.0)))
        return found


def _thinned(points: FloatArray) -> FloatArray:
    """One of the points (n, 3) in each cell."""
    cells = np.floor(points / CELL_MM).astype(np.int64)
    cells -= cells.min(axis=0)
    sizes = cells.max(axis=0) + 1
    keys = (cells[:, 0] * sizes[1] + cells[:, 1]) * sizes[2] + cells[:, 2]
    return points[np.unique(keys, return_index=True)[1]]
