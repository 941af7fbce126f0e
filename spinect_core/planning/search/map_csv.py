"""An angle map as a table, a line a view."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import MeasurementError
from spinect_core.base.files import plain_name
from spinect_core.base.reasons import reason as words_of
from spinect_core.geometry.zone import Zone
from spinect_core.image.warning import ReadingWarning, warning_lines
from spinect_core.planning.rules import VIEW_RULES
from spinect_core.planning.search.angle_map import AngleMap, Looks
from spinect_core.planning.search.search import SearchResult
from spinect_core.planning.search.weights import Limits, Reason

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
    "rule",
    "organ",
)

CODES = {
    Reason.ALLOWED: "allowed",
    Reason.NOT_SEEN: "the triangle is seen edge-on",
    Reason.BONE: "closed by bone",
    Reason.NERVE: "closed by nerve",
    Reason.BONE_AND_NERVE: "closed by bone and nerve together",
    Reason.NARROW: "narrower than the needle",
    Reason.NO_SKIN: "the CT does not show the skin there",
    Reason.TOO_DEEP: "deeper than the longest needle reaches",
}
"""What stands in the column ``reason``; stored maps are read by it, so it never changes."""


COMMENT = "# "
AREA_DIGITS = 3
"""To which areas in mm² are kept."""
LONGEST_NAME = 60
"""Letters of an organ's name that are read; none is longer."""


def angle_map_csv(result: SearchResult, warnings: Iterable[ReadingWarning] = ()) -> str:
    """The map of a search as CSV, ordered by oblique angle and tilt.

    Angles are ipsilateral and cranial positive, in degrees. A cell is empty where a value does not exist: nothing is
    open, there is no skin, the tissue is absent. ``allowed`` is 1 or 0, ``reason`` says what stands against it, and
    ``rule`` names the rule for which an allowed view is not recommended, ``organ`` the organ that this rule is about.

    Args:
        result: of the search.
        warnings: what reading noticed about the CT; they stand above the heading, each on a line that begins with "# ".
    """
    looks = result.map.looks
    stream = io.StringIO()
    stream.writelines(f"{COMMENT}{line}\n" for line in warning_lines(warnings))
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
    decimals = (2, 2, AREA_DIGITS, 3, 2, 3, 3, 4)
    for index, (row, reason) in enumerate(zip(numbers, looks.reason, strict=True)):
        cells = [
            f"{value:.{n}f}" if np.isfinite(value) else "" for value, n in zip(row, decimals, strict=True)
        ]
        why = Reason(int(reason))
        told = [CODES[why], result.map.rule(index) or "", result.map.organ(index)]
        writer.writerow([*cells, int(why == Reason.ALLOWED), *told])
    return stream.getvalue()


def map_name(zone: Zone) -> str:
    """What the table of a zone is called as a file."""
    return f"angle-map-{plain_name(zone.name)}.csv"


def angle_map_of(table: str, side: str) -> AngleMap:
    """The map that a table of :func:`angle_map_csv` holds.

    Args:
        table: the CSV.
        side: of the zone, "left" or "right".

    Returns:
        The map as it was, rounded. What the table does not hold is not a number: targets, what was known of a
        trajectory and what was in sight of a blocked zone; so is a clearance where the tissue is absent.

    Raises:
        MeasurementError: it is no such table, or its views are no grid.
    """
    reasons = {code: reason for reason, code in CODES.items()}
    try:
        lines = (line for line in io.StringIO(table) if not line.startswith(COMMENT.strip()))
        rows = list(csv.DictReader(lines))
        numbers = {name: np.array([_number(row[name]) for row in rows]) for name in COLUMNS[:7]}
        reason = np.array([reasons[row["reason"]] for row in rows], dtype=np.uint8)
        refused = _refused([row.get("rule") or "" for row in rows]) if rows and "rule" in rows[0] else None
        views = np.column_stack([numbers.pop("oblique"), numbers.pop("tilt")])
        obliques, tilts = (np.unique(angles) for angles in views.T)
        if len(obliques) * len(tilts) != len(rows):  # a grid of them could be too large for the memory
            raise ValueError(f"{len(rows)} views are no grid of {len(obliques)} by {len(tilts)}")
        grid = np.column_stack([each.ravel() for each in np.meshgrid(obliques, tilts, indexing="ij")])
        sound = len(rows) > 3 and np.array_equal(views, grid) and np.isfinite(views).all()
        sound = bool(sound and np.isfinite(numbers["area_mm2"]).all())
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise MeasurementError(
            f"This is no angle map ({words_of(error)})", "Find the trajectories again"
        ) from error
    if not sound:
        raise MeasurementError("The views of this angle map are no grid", "Find the trajectories again")
    unknown = np.full(len(rows), np.nan)
    looks = Looks(
        grid[:, 0],
        grid[:, 1],
        numbers["area_mm2"],
        numbers["radius_mm"],
        np.full((len(rows), 3), np.nan),
        numbers["depth_mm"],
        numbers["clearance_bone_mm"],
        numbers["clearance_nerve_mm"],
        unknown,
        unknown,
        unknown,
        reason,
    )
    organs = tuple((row.get("organ") or "")[:LONGEST_NAME] for row in rows)
    return AngleMap(side, obliques, tilts, looks, Limits(), refused, organs if any(organs) else ())


def _refused(codes: list[str]) -> npt.NDArray[np.uint8]:
    """The places (n,) of rules among those that are asked of views, from 1; 0 for none.

    Raises:
        ValueError: there is no such rule.
    """
    names = ["", *VIEW_RULES]
    return np.array([names.index(code) for code in codes], dtype=np.uint8)


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")
