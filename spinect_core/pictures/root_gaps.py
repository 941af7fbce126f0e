"""The stretches of roots that are not labelled, as dashed tubes along their expected courses, and what they are."""

from __future__ import annotations

from collections.abc import Sequence

import pyvista as pv

from spinect_core.geometry.gap_line import GapLine

TUBE_MM = 0.8
"""Radius of the drawn tube: thinner than a root, so that nobody takes it for one."""


def gap_mesh(gaps: Sequence[GapLine]) -> pv.PolyData:
    """Dashed tubes along gaps; empty without any."""
    tubes = [
        pv.MultipleLines(piece).tube(radius=TUBE_MM, n_sides=12, capping=True)
        for gap in gaps
        for piece in gap.dashes()
    ]
    return pv.merge(tubes) if tubes else pv.PolyData()


def gap_legend(gaps: Sequence[GapLine]) -> str:
    """What the dashed lines of a picture are, each named; empty without any."""
    named = ", ".join(f"{gap.root} {gap.length_mm:.0f} mm" for gap in gaps)
    return f"Not labelled, course expected: {named}" if named else ""
