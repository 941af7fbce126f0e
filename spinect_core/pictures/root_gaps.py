"""The stretches of roots that are not labelled, as dashed tubes along their expected courses, and what they are."""

from __future__ import annotations

from collections.abc import Sequence

import pyvista as pv

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.gap_line import GapLine

TUBE_MM, DOT_MM = 0.8, 0.6
"""Radii of the drawn tubes: thinner than a root, so that nobody takes them for one."""


def gap_mesh(gaps: Sequence[GapLine]) -> pv.PolyData:
    """Dashed tubes along the expected courses of gaps; empty without any."""
    return _tubes([piece for gap in gaps for piece in gap.dashes()], TUBE_MM)


def supposed_mesh(gaps: Sequence[GapLine]) -> pv.PolyData:
    """Dots along the courses that are supposed in gaps; empty without any."""
    return _tubes([piece for gap in gaps for piece in gap.dots()], DOT_MM)


def _tubes(pieces: Sequence[FloatArray], radius: float) -> pv.PolyData:
    tubes = [pv.MultipleLines(each).tube(radius=radius, n_sides=12, capping=True) for each in pieces]
    return pv.merge(tubes) if tubes else pv.PolyData()


def gap_legend(gaps: Sequence[GapLine]) -> str:
    """What the dashed lines of a picture are, each named, and what the dots are; empty without any."""
    named = ", ".join(f"{gap.root} {gap.length_mm:.0f} mm" for gap in gaps)
    dots = "; dotted: course supposed from the CT" if any(gap.supposed is not None for gap in gaps) else ""
    return f"Not labelled, course expected: {named}{dots}" if named else ""
