"""Which needles and numbers of a plan are told in DICOM: those that its report tells, and those of triangles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spinect_core.io.dicom_out.measurements import Group, Quantity, Subject
from spinect_core.io.dicom_out.structures import Line
from spinect_core.plan.wording import trajectories
from spinect_core.report.content import may_be_told

if TYPE_CHECKING:
    from spinect_core.geometry.triangle import Triangle
    from spinect_core.geometry.view import View
    from spinect_core.plan.plan import Plan
    from spinect_core.plan.records import MarginRecord, NeedleRecord, WindowRecord
    from spinect_core.plan.wording import Trajectory

Numbers = list[tuple[Quantity, float]]


def groups_of(plan: Plan) -> Sequence[Group]:
    """The numbers of every needle that is recommended or the user's own, of its free window, and of every triangle.

    A needle that is not recommended is not told here either.
    """
    found = []
    for each in trajectories(plan.planning):
        if each.needle is not None and may_be_told(each):
            found.append(_of_needle(each, each.needle))
            if each.window is not None and each.window.open:
                found.append(_of_window(each, each.window))
    return [*found, *(_of_triangle(number, each) for number, each in enumerate(plan.triangles, start=1))]


def lines_of(plan: Plan) -> Sequence[Line]:
    """Every needle that is recommended or the user's own, from the skin to the tip."""
    return [
        Line(each.called, np.array([each.needle.needle.entry, each.needle.needle.target]), each.own)
        for each in trajectories(plan.planning)
        if each.needle is not None and may_be_told(each)
    ]


def _of_needle(trajectory: Trajectory, record: NeedleRecord) -> Group:
    needle, safety = record.needle, record.safety
    numbers: Numbers = [
        (Quantity.DEPTH, needle.depth_mm),
        (Quantity.NEEDLE_LENGTH, needle.length_mm),
        *_line_of_sight(needle.view),
    ]
    if safety is not None:
        for quantity, clearance in (
            (Quantity.BONE, safety.bone),
            (Quantity.NERVE, safety.nerve),
            (Quantity.NERVE_AT_TARGET, safety.nerve_at_target),
        ):
            if clearance is not None:
                numbers.append((quantity, clearance.gap_mm))
        if safety.tolerance is not None:
            numbers += _margin(safety.tolerance.angle, Quantity.ANGLE, Quantity.ANGLE_AT_LEAST)
            numbers += _margin(safety.tolerance.shift, Quantity.SHIFT, Quantity.SHIFT_AT_LEAST)
    path = np.array([needle.entry, needle.target])
    return Group(Subject.NEEDLE, trajectory.called, trajectory.side, numbers, path)


def _margin(
    margin: MarginRecord | None, amount: Quantity, at_least: Quantity
) -> Iterator[tuple[Quantity, float]]:
    if margin is not None:
        yield (at_least if margin.unlimited else amount), margin.amount


def _of_window(trajectory: Trajectory, window: WindowRecord) -> Group:
    numbers: Numbers = [
        (Quantity.AREA, window.area_mm2),
        (Quantity.OUTLINE_AREA, window.zone_area_mm2),
        (Quantity.CIRCLE, window.radius_mm),
        *_line_of_sight(window.view),
    ]
    outline = np.array(window.outline) if window.outline else None
    return Group(Subject.WINDOW, f"{trajectory.called}: free window", trajectory.side, numbers, outline, True)


def _of_triangle(number: int, triangle: Triangle) -> Group:
    numbers: Numbers = [(Quantity.AREA, triangle.area_mm2), *_line_of_sight(triangle.view)]
    name = f"{triangle.name}, {triangle.author}, {number}"
    return Group(Subject.TRIANGLE, name, triangle.side, numbers, np.asarray(triangle.vertices), True)


def _line_of_sight(view: View) -> Numbers:
    """The angles of a view, and the C-arm's with the detector at the viewer."""
    pair = view.c_arm_pair()
    return [
        (Quantity.OBLIQUE, view.azimuth),
        (Quantity.TILT, view.elevation),
        (Quantity.PRIMARY, pair.primary),
        (Quantity.SECONDARY, pair.secondary),
    ]
