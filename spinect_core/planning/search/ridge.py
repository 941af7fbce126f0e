"""The ridge of an angle map: the connected good views round the best one, and the line along their crest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.planning.search.angle_map import AngleMap

RIDGE_PART = 0.8
"""The smallest area of a view of the ridge, as a part of the best area."""


@dataclass(frozen=True, eq=False)
class Ridge:
    """Views nearly as good as the best one.

    Attributes:
        mask: whether a view of the map belongs to it, bool [oblique, tilt]; touching corners are connected.
        crest: oblique and tilt in degrees (k, 2) of the largest areas across the ridge, along its longer direction.
            The best view alone where the ridge is narrower than a step of the map.
    """

    mask: BoolArray
    crest: FloatArray


def find_ridge(chart: AngleMap, top: tuple[float, float], largest_mm2: float) -> Ridge:
    """The ridge round a view.

    Args:
        chart: the map.
        top: oblique and tilt of the best view.
        largest_mm2: its area.
    """
    area = np.where(chart.allowed, chart.area_mm2, 0.0)
    pieces = ndimage.label(area >= RIDGE_PART * largest_mm2, structure=np.ones((3, 3)))[0]
    away = np.hypot(chart.obliques[:, None] - top[0], chart.tilts - top[1])
    away[pieces == 0] = np.inf
    nearest = int(away.argmin())
    step = float(max(np.diff(chart.obliques).max(initial=0.0), np.diff(chart.tilts).max(initial=0.0)))
    if not away.flat[nearest] <= 1.5 * step:
        return Ridge(np.zeros(area.shape, dtype=bool), np.array([top]))
    mask = pieces == pieces.flat[nearest]
    return Ridge(mask, _crest(chart, np.where(mask, area, 0.0)))


def _crest(chart: AngleMap, area: FloatArray) -> FloatArray:
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    if np.ptp(chart.obliques[rows]) >= np.ptp(chart.tilts[columns]):
        return np.column_stack([chart.obliques[rows], chart.tilts[area[rows].argmax(axis=1)]])
    return np.column_stack([chart.obliques[area[:, columns].argmax(axis=0)], chart.tilts[columns]])
