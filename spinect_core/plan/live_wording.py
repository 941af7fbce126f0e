"""What is said of a needle while it is moved."""

from __future__ import annotations

from collections.abc import Sequence

from spinect_core.base.words import RuleKind
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


def rules_text(trajectory: Trajectory) -> str:
    """Which rules refuse a needle and how many warn of it; a dash where none does either."""
    record = trajectory.needle
    if record is None or record.safety is None:
        return "not measured"
    warned = sum(each.kind == RuleKind.WARN and not each.bars for each in record.findings)
    parts = [refused_text(trajectory), f"{warned} warning{'s' if warned != 1 else ''}" if warned else ""]
    return ", ".join(each for each in parts if each) or "–"


def nearest_organ_text(trajectory: Trajectory) -> str:
    """Such as ``bowel 12 mm``; empty where organs are not known, and where there is none within 60 mm."""
    way = None if trajectory.needle is None else trajectory.needle.way
    if way is None or not way.near:
        return ""
    nearest = way.near[0]
    return f"{nearest.name} {nearest.gap_mm:.0f} mm"


FOLLOWS_SHORT = " – shifts, first pass and intervals follow"
"""Beside a needle that is moved: these numbers are missing until it is let go."""


def readout(trajectory: Trajectory | None) -> dict[str, str]:
    """The numbers that decide on a needle, by what they are; the same names without one, for a frame of them."""
    names = (
        "Light",
        "Depth, needle",
        "View",
        "Tolerance",
        "To bone",
        "To nerve",
        "Tip to nerve",
        "Tip to sac",
    )
    if trajectory is None or trajectory.needle is None:
        return dict.fromkeys(names, "")
    record, safety = trajectory.needle, trajectory.needle.safety
    bone = None if safety is None or safety.bone is None else safety.bone.gap_mm
    tip = None if safety is None else safety.tip_to_nerve_mm
    sac = None if record.tip is None else record.tip.sac_mm
    found = (
        "" if trajectory.light is None else str(trajectory.light.light),
        trajectory.needle_text,
        trajectory.view_text if trajectory.own else record.needle.view.words,
        trajectory.tolerance_text,
        *(_mm(each) for each in (bone, trajectory.nerve_mm, tip, sac)),
    )
    return dict(zip(names, found, strict=True))


def _mm(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f} mm"


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
