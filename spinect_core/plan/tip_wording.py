"""Where a needle's tip lies and what is behind it, in words."""

from __future__ import annotations

from spinect_core.base.words import TipFact
from spinect_core.plan.records import FrontPlaceRecord, NeedleRecord, SidePlaceRecord, StopRecord, TipRecord

NEAR_MM = 2.0
"""A place so near to the border between two parts of the foramen, or between medial and lateral, is not sure."""
SHOWN_MM = 0.05
DISC_SPREAD_MM = 5
"""The disc itself is not labelled: see docs/planning-needle.md."""
MISSING = {
    TipFact.PEDICLE: "place beside the pedicle",
    TipFact.FORAMEN: "place in the foramen",
    TipFact.DISC: "disc",
    TipFact.SAC: "thecal sac",
    TipFact.ROOT: "nerve roots",
    TipFact.FRONT: "front of the vertebral bodies",
    TipFact.BONE: "bone",
    TipFact.VESSELS: "vessels",
}


def tip_facts(record: NeedleRecord) -> tuple[tuple[str, str], ...]:
    """The tip of a needle, as headings and texts in the order of reading; none of a plan that stored none."""
    tip = record.tip
    if tip is None:
        return ()
    lines = []
    if tip.front is not None:
        lines.append(("Tip from behind", front_words(tip.front)))
    if tip.side is not None:
        lines.append(("Tip from the side", side_words(tip.side)))
    lines.append(("Behind the tip", _behind(tip)))
    lines.append(("Stop depth", stop_words(tip.stop)))
    if tip.missing:
        lines.append(("Not known", ", ".join(MISSING[each] for each in tip.missing)))
    return tuple(lines)


def front_words(front: FrontPlaceRecord) -> str:
    """The hour on the pedicle's face, and how far from its middle."""
    hour = round(front.clock) or 12
    beside = f"{abs(front.lateral_mm):.1f} mm {'lateral' if front.lateral_mm > 0 else 'medial'} of its middle"
    beside = beside if abs(front.lateral_mm) >= SHOWN_MM else "in line with its middle"
    height = f"{abs(front.below_mm):.1f} mm {'below' if front.below_mm > 0 else 'above'} its lower margin"
    return f"{hour} o'clock of the pedicle, {beside}, {height} ({_sure(front.confidence)})"


def side_words(side: SidePlaceRecord) -> str:
    """Quadrant and third of the foramen, and how near the next one is."""
    outside = [
        f"{-part * length:.1f} mm {low}" if part < 0 else f"{(part - 1) * length:.1f} mm {high}"
        for part, length, low, high in (
            (side.height, side.height_mm, "below its floor", "above its roof"),
            (side.depth, side.depth_mm, "in front of its front wall", "behind its back wall"),
        )
        if not 0 <= part <= 1
    ]
    if outside:
        return f"outside of the foramen: {', '.join(outside)} ({_sure(side.confidence)})"
    quadrant = (
        f"{'dorsal' if side.depth >= 0.5 else 'ventral'} {'cranial' if side.height >= 0.5 else 'caudal'}"
    )
    third = ("lower", "middle", "upper")[min(int(side.height * 3), 2)]
    borders = {
        "cranial and caudal": abs(side.height - 0.5) * side.height_mm,
        "ventral and dorsal": abs(side.depth - 0.5) * side.depth_mm,
        "two thirds": min(abs(side.height - part / 3) for part in (1, 2)) * side.height_mm,
    }
    near = [f"{mm:.1f} mm from the border between {what}" for what, mm in borders.items() if mm < NEAR_MM]
    unsure = f"; {', '.join(near)}" if near else ""
    return f"{quadrant} quadrant, {third} third of the foramen{unsure} ({_sure(side.confidence)})"


def stop_words(stop: StopRecord) -> str:
    """How deep the needle may go at most, and before what."""
    if stop.before is None or stop.at_mm is None:
        return f"{stop.depth_mm:.0f} mm from the skin; nothing known lies so near behind the tip"
    if stop.before == TipFact.BONE:
        return f"{stop.depth_mm:.0f} mm from the skin, where it meets bone"
    if stop.planned:
        return f"the planned depth, {stop.depth_mm:.0f} mm: {_the(stop.before)} begins at {stop.at_mm:.0f} mm"
    return f"{stop.depth_mm:.0f} mm from the skin; {_the(stop.before)} begins at {stop.at_mm:.0f} mm"


def _behind(tip: TipRecord) -> str:
    within = [_the(each.what) for each in tip.behind if each.mm == 0]
    along = [f"{each.mm:.0f} mm to {_exactly(each.what)}" for each in tip.behind if each.mm > 0]
    told = [f"the tip lies in {' and in '.join(within)}"] if within else []
    if along:
        told.append("along the needle " + ", ".join(along))
    if not told:
        told.append("nothing known within 60 mm along the needle")
    if tip.sac_mm is not None:
        told.append(f"{tip.sac_mm:.0f} mm to the thecal sac in any direction")
    return "; ".join(told)


def _the(what: TipFact) -> str:
    return {TipFact.BONE: "bone", TipFact.ROOT: "a nerve root"}.get(what, f"the {what}")


def _exactly(what: TipFact) -> str:
    """A structure; what is not labelled, with how exactly it is found."""
    return f"{_the(what)} (± {DISC_SPREAD_MM} mm)" if what == TipFact.DISC else _the(what)


def _sure(confidence: float) -> str:
    return f"landmarks within 3 mm: {confidence:.0%}"
