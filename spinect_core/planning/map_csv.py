"""An angle map as a table, a line a view."""

from __future__ import annotations

import csv
import io

import numpy as np

from spinect_core.planning.search import SearchResult
from spinect_core.planning.weights import Reason

COLUMNS = (
    "oblique",
    "tilt",
    "area_mm2",
    "radius_mm",
    "depth_mm",
    "clearance_bone_mm",
    "clearance_nerve_mm",
    "score",
    "allowed",
    "reason",
)


def angle_map_csv(result: SearchResult) -> str:
    """The map of a search as CSV, ordered by oblique angle and tilt.

    Angles are ipsilateral and cranial positive, in degrees. A cell is empty where a value does not exist: nothing is
    open, there is no skin, the tissue is absent. ``allowed`` is 1 or 0, ``reason`` says what stands against it.
    """
    looks = result.map.looks
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    numbers = np.column_stack(
        [
            looks.oblique,
            looks.tilt,
            looks.area_mm2,
            looks.radius_mm,
            looks.depth_mm,
            looks.bone_mm,
            looks.nerve_mm,
            result.score,
        ]
    )
    decimals = (2, 2, 3, 3, 2, 3, 3, 4)
    for row, reason in zip(numbers, looks.reason, strict=True):
        cells = [
            f"{value:.{n}f}" if np.isfinite(value) else "" for value, n in zip(row, decimals, strict=True)
        ]
        why = Reason(int(reason))
        writer.writerow([*cells, int(why == Reason.ALLOWED), why.words])
    return stream.getvalue()
