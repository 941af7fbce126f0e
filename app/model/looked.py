"""Zones looked at before they are shown, away from the window's thread. No Qt here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinect_core.plan.wording import trajectories

if TYPE_CHECKING:
    from spinect_core.pipeline.replanning import Planned
    from spinect_core.planning.level import Room
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


def look(room: Room, planned: Planned) -> dict[int, Looked]:
    """Look at each zone in the views of its trajectories, away from the window's thread.

    Args:
        room: the case ready for planning.
        planned: what was found in it.

    Returns:
        By the identity of what was computed for the zone.
    """
    from spinect_core.plan.build import key_of
    from spinect_core.planning.zones.window import Sight

    rows, found = trajectories(planned.records), {}
    for approach in planned.plan.approaches:
        sight = Sight(approach.zone, room.obstacles)
        views = [each.view for each in rows if each.zone_key == key_of(approach.zone)]
        windows, longest = [], 0.0
        for view in dict.fromkeys(each for each in views if each is not None):
            began = time.perf_counter()
            windows.append(sight.window(view))
            longest = max(longest, time.perf_counter() - began)
        found[id(approach)] = Looked(sight, tuple(windows), longest)
    return found
