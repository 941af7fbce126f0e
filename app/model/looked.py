"""Zones looked at before they are shown, away from the window's thread. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinect_core.pipeline.planner import Planner
    from spinect_core.pipeline.seen import Seen
    from spinect_core.planning.zones.window import FreeWindow, Sight


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen of a zone when its trajectories were found, so that the window need not look again.

    Attributes:
        sight: the zone, ready to be looked at.
        windows: in the views of its trajectories.
        seconds: that the longest look took.
    """

    sight: Sight
    windows: tuple[FreeWindow, ...]
    seconds: float


def looked_at(planner: Planner, seen: Seen) -> dict[int, Looked]:
    """What was seen of each zone, and the zones ready to be looked at here.

    Returns:
        By the identity of what was computed for the zone.
    """
    from spinect_core.planning.zones.window import Sight

    return {
        id(approach): Looked(Sight(approach.zone, planner.obstacles), look.windows, look.seconds)
        for approach, look in zip(seen.planned.plan.approaches, seen.looks, strict=True)
    }
