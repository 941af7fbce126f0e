"""A user's needle that is moved by hand: what is asked of whoever plans the case, and what is answered each time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.geometry.zone import Zone
from spinect_core.plan.build import live_record
from spinect_core.plan.own_needles import kept
from spinect_core.plan.records import NeedleRecord
from spinect_core.planning.level import Approaches
from spinect_core.planning.needle.live import Touch
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.room import Room

NO_SKIN = "The CT does not show the skin along this line of sight"


@dataclass(frozen=True, eq=False)
class Move:
    """Where a needle is to be brought.

    Attributes:
        needle: as it is.
        target: LPS mm (3,) of another target; None where that stays.
        towards: vector (3,) from the target to where the needle is to come from; None where its entry stays.
    """

    needle: Needle
    target: FloatArray | None = None
    towards: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Moved:
    """A needle where it was brought, with the numbers of that place.

    Attributes:
        record: of it; what takes longer to measure is missing (see `SafetyRecord.live`).
        touches: what it comes nearest to, one structure of bone and one of nerve.
    """

    record: NeedleRecord
    touches: tuple[Touch, ...]

    @property
    def needle(self) -> Needle:
        """The needle."""
        return self.record.needle


class Held:
    """A level made ready for needles that are moved or measured again.

    Args:
        work: on the level.
        zone: that the needles go to; None where that is not known.
    """

    def __init__(self, work: Approaches, zone: Zone | None) -> None:
        self.work, self.zone = work, zone

    def moved(self, move: Move) -> Moved:
        """A needle where it was brought.

        Raises:
            UsageError: the CT shows no skin there.
            MeasurementError: entry and target would lie in one place.
        """
        needle = self.work.moved(move.needle, target=move.target, towards=move.towards)
        if needle is None:
            raise UsageError(NO_SKIN, "Bring it to where the CT shows the skin")
        live = self.work.live(needle, self.zone)
        return Moved(live_record(live), live.touches)


def work_on(known: Approaches | None, room: Room, landmarks: Landmarks) -> Approaches:
    """The work on a level: that which is known, where its landmarks are the same, so that nothing is made twice.

    Args:
        known: on some level of the room; None without any.
        room: the case.
        landmarks: of the level, perhaps as they came from another process.
    """
    if known is not None and known.room is room and _same(known.landmarks, landmarks):
        return known
    return Approaches(room, landmarks)


def _same(one: Landmarks, other: Landmarks) -> bool:
    """Whether two are the same places of the same level; what the CT lets one suppose of roots is left out."""
    if one is other:
        return True
    facts = [(each.level, each.lumbar, each.shift, each.placed, each.points.keys()) for each in (one, other)]
    return facts[0] == facts[1] and all(
        bool((point == other.points[name]).all()) for name, point in one.points.items()
    )


def brought(record: NeedleRecord, moved: Moved) -> NeedleRecord:
    """The record of a needle that was moved, under its name and with what the user chose for it."""
    needle = replace(moved.needle, name=record.needle.name, created=record.needle.created)
    return kept(moved.record.replaced(needle=needle), record)
