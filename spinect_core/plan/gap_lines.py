"""The gaps of roots as they are drawn, from what was just found or from the records of a plan."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinect_core.anatomy.completeness import RootFound
from spinect_core.geometry.gap_line import GapLine
from spinect_core.plan.records import RootRecord


def gap_lines(roots: Iterable[RootFound | RootRecord]) -> tuple[GapLine, ...]:
    """The gaps of roots, to be drawn on pictures."""
    return tuple(
        GapLine(
            np.asarray(gap.points, dtype=np.float64),
            root.name,
            gap.length_mm,
            root.side,
            None if gap.supposed is None else np.asarray(gap.supposed, dtype=np.float64),
        )
        for root in roots
        for gap in root.gaps
    )
