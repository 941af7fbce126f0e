"""A planning with all that is looked at next, so that nobody who shows it has to look again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from spinect_core.pipeline.replanning import Planned
from spinect_core.plan.build import key_of
from spinect_core.plan.records import NeedleRecord
from spinect_core.plan.wording import trajectories
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import Clearance, clearance
from spinect_core.planning.room import Room
from spinect_core.planning.zones.window import FreeWindow, Sight

Curves = dict[Needle, Clearance]
"""Distances along needles."""


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen of a zone.

    Attributes:
        windows: in the views of its trajectories.
        seconds: that the longest look took.
    """

    windows: tuple[FreeWindow, ...]
    seconds: float


@dataclass(frozen=True, eq=False)
class Seen:
    """A planning and what was seen of it.

    Attributes:
        planned: what was found.
        looks: at the zone of each of its approaches.
        curves: along its needles, and along those that were there before.
    """

    planned: Planned
    looks: tuple[Look, ...]
    curves: Curves


def see(room: Room, planned: Planned, before: Iterable[NeedleRecord] = ()) -> Seen:
    """Look at each zone in the views of its trajectories, and along each needle.

    Args:
        room: the case ready for planning.
        planned: what was found in it.
        before: needles of the planning so far, to which a step of the history may go back.
    """
    rows, looks = trajectories(planned.records), []
    for approach in planned.plan.approaches:
        sight = Sight(approach.zone, room.obstacles)
        views = [each.view for each in rows if each.zone_key == key_of(approach.zone)]
        windows, longest = [], 0.0
        for view in dict.fromkeys(each for each in views if each is not None):
            began = time.perf_counter()
            windows.append(sight.window(view))
            longest = max(longest, time.perf_counter() - began)
        looks.append(Look(tuple(windows), longest))
    needles = dict.fromkeys(each.needle for each in (*planned.records.needles, *before))
    return Seen(planned, tuple(looks), {each: clearance(each, room.obstacles) for each in needles})
