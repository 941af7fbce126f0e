"""The soft tissue along a needle and the organs near it, in words; and where organs were looked for."""

from __future__ import annotations

from collections.abc import Iterable

from spinect_core.base.words import LayerKind
from spinect_core.image.organs import KIDNEYS, MUSCLES, OTHERS, SPARED, VESSELS, Organ
from spinect_core.image.warning import organ_warning_lines
from spinect_core.plan.records import LayerRecord, NeedleRecord, OrgansRecord, WayRecord

TOLD = 6
"""Organs near a needle that are named at most."""
NOBODY = "organs were not looked for: only gas (bowel) is known, by its density"


def way_facts(record: NeedleRecord) -> tuple[tuple[str, str], ...]:
    """What a needle goes through and passes, as headings and texts; none of a plan that did not store it."""
    way = record.way
    if way is None:
        return ()
    told = [("Layers", layers_text(way)), ("Organs near", near_text(way)), ("Organs known", known_text(way))]
    return tuple((head, text) for head, text in told if text)


def layers_text(way: WayRecord) -> str:
    """The layers from the skin to the target with their thickness along the needle."""
    runs: list[tuple[str, float]] = []
    for each in way.layers:
        name, mm = _layer(each), each.to_mm - each.from_mm
        if runs and runs[-1][0] == name:  # part of it vouched for
            mm += runs.pop()[1]
        runs.append((name, mm))
    text = ", ".join(f"{name} {mm:.0f} mm" for name, mm in runs)
    if text and way.unvouched_mm:
        text += f"; {way.unvouched_mm:.0f} mm of it could also be an organ"
    return text


def near_text(way: WayRecord) -> str:
    """The organs within 60 mm of a needle, the nearest first."""
    named = [
        f"{each.name} {each.gap_mm:.0f} mm" if each.gap_mm > 0 else f"through the {each.name}"
        for each in way.near[:TOLD]
    ]
    if len(way.near) > TOLD:
        named.append(f"{len(way.near) - TOLD} more within 60 mm")
    if named:
        return ", ".join(named)
    return (
        "none within 60 mm of those that were looked for" if way.looked_for else "no gas (bowel) within 60 mm"
    )


def known_text(way: WayRecord) -> str:
    """Which organs were looked for on a needle's way, and on how much of it they were not."""
    if not way.looked_for:
        return NOBODY
    length = max((each.to_mm for each in way.layers), default=0.0)
    rest = length - way.known_mm
    text = f"looked for: {organ_list(each for each in way.looked_for if each in SPARED)}"
    return f"{text}; not on {rest:.0f} of {length:.0f} mm of the way" if rest >= 1.0 else text


def organs_text(organs: OrgansRecord | None) -> str:
    """Which organs a planning knew, where, and by whom."""
    if organs is None:
        return NOBODY
    where = " by ".join(f"{high - low:.0f}" for low, high in zip(organs.minimum, organs.maximum, strict=True))
    found = organ_list(organs.found) or "none of them"
    return (
        f"{organs.source}, in a box of {where} mm: looked for {organ_list(organs.looked_for)}; found {found}"
    )


def organ_lines(organs: OrgansRecord | None) -> tuple[str, ...]:
    """The same on lines of their own, with what was noticed of them."""
    noticed = () if organs is None else organ_warning_lines(each.warning for each in organs.warnings)
    return (organs_text(organs), *noticed)


def organ_list(organs: Iterable[Organ]) -> str:
    """Organs in few words: both sides and all great vessels, other organs or muscles as one where all are there."""
    left = list(organs)
    words: list[str] = []
    for needed, group, name in _GROUPS:
        if set(needed) <= set(left):
            words.append(name)
            left = [each for each in left if each not in group]
    names = [str(each) for each in left if each not in MUSCLES]
    muscles = [str(each) for each in left if each in MUSCLES]
    return ", ".join([*_first(words, names), *words, *names, *_muscles(muscles)])


_UNTOLD = (Organ.ILIAC_VESSELS, Organ.GREAT_VESSELS)
"""What stands for several that are not told apart."""
_GROUPS = (
    (KIDNEYS, KIDNEYS, "both kidneys"),
    ((Organ.GREAT_VESSELS,), VESSELS, "great vessels"),
    (tuple(each for each in VESSELS if each not in _UNTOLD), VESSELS, "great vessels"),
    ((Organ.URETER, Organ.BLADDER, Organ.OTHER), OTHERS, "ureters, bladder and other organs"),
)
"""Organs that are told as one: which are needed for that, which it stands for, and what they are called."""


def _first(words: list[str], names: list[str]) -> list[str]:
    """Bowel, taken out of the names: it is asked about first."""
    found = [name for name in names if name == Organ.BOWEL]
    for name in found:
        names.remove(name)
    return found


def _muscles(names: list[str]) -> list[str]:
    """Muscles of both sides as one."""
    stems: dict[str, list[str]] = {}
    for name in names:
        side, _, stem = name.partition(" ")
        stems.setdefault(stem, []).append(side)
    return [stem if len(sides) == 2 else f"{sides[0]} {stem}" for stem, sides in stems.items()]


def _layer(layer: LayerRecord) -> str:
    if layer.organ is not None:
        return str(layer.organ)
    if layer.kind == LayerKind.SOFT and not layer.vouched:
        return "soft tissue of unknown kind"
    return "gas (bowel)" if layer.kind == LayerKind.GAS else str(layer.kind)
