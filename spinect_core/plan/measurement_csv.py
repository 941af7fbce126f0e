"""The measurements of a plan as a table, a line a number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from spinect_core.base.arrays import FloatArray
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import Author
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.image.warning import ReadingWarning, warning_lines
from spinect_core.plan.repeats import Measured, agreement_of, value_of

COLUMNS = (
    "name",
    "kind",
    "side",
    "level",
    "number",
    "value",
    "unit",
    "in_space",
    "seen",
    "azimuth_deg",
    "elevation_deg",
    "plane",
    "position_lps_mm",
    "author",
    "created",
    "points_lps_mm",
)
COMMENT = "# "
DIGITS = 3
UNITS = {"mm": "mm", "mm²": "mm2", "°": "deg"}
"""As a spreadsheet shows them whatever letters it takes a file to be in."""
MEASURED, REPEAT, MEAN, SD, AGREEMENT = "measured", "repeat {}", "mean", "sd", "icc(2,1)"
"""What a line is, in the column ``number``."""
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def measurement_csv(measured: Iterable[Measured], warnings: Iterable[ReadingWarning] = ()) -> str:
    """The measurements as CSV, numbers with a decimal point whatever the computer's language.

    ``value`` is what is seen along ``azimuth_deg`` and ``elevation_deg``; where there is a ``plane`` that is the true
    length, angle or area in this slice, at ``position_lps_mm`` along its normal. ``in_space`` is the same between
    points that were picked on surfaces, else empty. ``points_lps_mm`` are ``x y z`` of each point. Below a
    measurement that was repeated blind stand its repeats, their mean and their standard deviation (n - 1), and at the
    end ICC(2,1) of each kind; see :mod:`spinect_core.plan.repeats`.

    Args:
        measured: in the order of the lines.
        warnings: what reading noticed about the CT; they stand above the heading, as the notice does, each on a line
            that begins with "# ".
    """
    stream = io.StringIO()
    head = (f"{NOTICE} SPINECT Planner {__version__}.", *warning_lines(warnings))
    stream.writelines(f"{COMMENT}{line}\n" for line in head)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = list(measured)
    for each in rows:
        unit = UNITS[each.unit]
        writer.writerow(_line(each.name, MEASURED, each.drawn, unit))
        for number, drawn in enumerate(each.repeats, start=1):
            writer.writerow(_line(each.name, REPEAT.format(number), drawn, unit))
        for what, value in ((MEAN, each.mean), (SD, each.sd)):
            if value is not None:
                writer.writerow(_short(each.name, each.kind, what, value, unit))
    for found in agreement_of(rows):
        if found.icc.value is not None:
            writer.writerow(_short("", found.kind, AGREEMENT, found.icc.value, ""))
    return stream.getvalue()


def _short(name: str, kind: str, what: str, value: float, unit: str) -> list[str]:
    """The line of a number that follows from others."""
    line = [plain_cell(name), kind, "", "", what, _number(value), unit]
    return line + [""] * (len(COLUMNS) - len(line))


def _line(name: str, what: str, drawn: Triangle | Figure, unit: str) -> list[str]:
    """The line of something that was drawn."""
    if isinstance(drawn, Triangle):
        anatomy, seen, author = [str(drawn.side), drawn.level], drawn.view.format(1), drawn.author
        space, plane, position = None, None, None
    else:
        anatomy, seen, author = ["", ""], drawn.where, Author.USER
        space, plane, position = drawn.in_space, drawn.plane, drawn.position_mm
    return [
        plain_cell(name),
        drawn.kind,
        *map(plain_cell, anatomy),
        what,
        _number(value_of(drawn)),
        unit,
        _number(space),
        plain_cell(seen),
        _number(drawn.view.azimuth),
        _number(drawn.view.elevation),
        plane or "",
        _number(position),
        author,
        plain_cell(drawn.created),
        _points(drawn.vertices),
    ]


def plain_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(_BEGINS_A_FORMULA) else line


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:z.{DIGITS}f}"


def _points(points: FloatArray) -> str:
    return "; ".join(" ".join(_number(float(each)) for each in point) for point in points)
