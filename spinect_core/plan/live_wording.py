"""What is said of a needle while it is moved."""

from __future__ import annotations

from collections.abc import Sequence

from spinect_core.plan.rule_wording import TITLES
from spinect_core.plan.wording import Trajectory
from spinect_core.planning.needle.live import Touch

MOST_RULES = 2
"""Rules that are named; of more their number is told."""


def touch_text(touch: Touch) -> str:
    """Such as ``0.4 mm to L5 lamina left`` or ``touches exiting L5 root``."""
    return f"touches {touch.name}" if touch.touches else f"{touch.gap_mm:.1f} mm to {touch.name}"


def refused_text(trajectory: Trajectory) -> str:
    """The rules that refuse a needle, by name; empty where none does."""
    record = trajectory.needle
    named = [] if record is None else [TITLES[each.rule] for each in record.findings if each.bars]
    rest = f" and {len(named) - MOST_RULES} more" if len(named) > MOST_RULES else ""
    return f"refused: {', '.join(named[:MOST_RULES])}{rest}" if named else ""


def live_text(trajectory: Trajectory, touches: Sequence[Touch] = ()) -> str:
    """A needle's numbers in one line.

    Args:
        trajectory: of the needle.
        touches: what it comes nearest to.
    """
    parts = [
        trajectory.title,
        trajectory.needle_text,
        trajectory.view_text,
        *map(touch_text, touches),
        f"tolerance {trajectory.tolerance_text}" if trajectory.tolerance_text else "",
        "" if trajectory.light is None else str(trajectory.light.light),
        refused_text(trajectory),
    ]
    return " · ".join(each for each in parts if each)
