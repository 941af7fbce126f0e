"""A planning that takes no time: two zones of the small CT, one of them blocked, computed as the real one is."""

from dataclasses import replace

import numpy as np

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.levels import level_of, renamed
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import check
from spinect_core.base.words import CaseCause
from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.level import Approaches
from spinect_core.planning.results import Approach, CasePlan, OrgansSeen
from spinect_core.planning.rules import TABLE, Rules

STEP = 20.0
ASKED: list[tuple[str, ...]] = []
"""The sides of every run."""
WITHHELD: tuple[Note, ...] = ()
"""Why nothing is to be recommended."""


class Unasked(Rules):
    """Rules that are not asked: the small CT shows neither vertebrae nor discs, so nothing is known there."""

    def __iter__(self):
        return iter(())


RULES = Unasked(tuple(replace(each, bars=False) for each in TABLE))
MEASURED: dict[CaseCause, float | None] = {}
"""What the light of the case looks at."""
_KNOWN: dict[tuple[str, tuple[float, ...], tuple[Note, ...]], Approach] = {}
"""What was found before: the small CT is the same in all tests."""


def ring_zone(side: str, kind: str, version: str, centre, reach: float, level: str) -> Zone:
    """A flat triangle that faces the back, about a centre."""
    corners = np.asarray(centre) + reach * np.array([[-1.0, 0, -1], [1, 0, -1], [0, 0, 1]])
    names = ("superior border of S1", "S1 superior articular process", "exiting L5 root")
    roles = ("base", "height", "hypotenuse")
    borders = tuple(
        Border(names[k], roles[k], np.stack([corners[k], corners[(k + 1) % 3]]), 0.9) for k in range(3)
    )
    return Zone(kind, version, side, level, borders)


def zones_of(landmarks: Landmarks, sides) -> list[Zone]:
    """On the left beside the bone, where a landmark lies; on the right in front of the bone."""
    found = []
    if "left" in sides:
        corner = landmarks.points[f"{landmarks.names.lower} posterolateral corner left"]
        found.append(ring_zone("left", "kambin", "bony", corner, 3.0, landmarks.level))
    if "right" in sides:
        found.append(ring_zone("right", "safe", "", (-9.0, -17.5, 0.0), 3.0, landmarks.level))
    return found


def fake_landmarks(labels, *, level="L5/S1", shift=None, lumbar=None, progress, cancel):
    """Five places, one of them doubtful."""
    check(cancel)
    points = {
        "L5 body centre": np.array([-9.0, -5.0, 20.0]),
        "S1 upper end plate centre": np.array([-9.0, -5.0, -5.0]),
        "S1 posterolateral corner left": np.array([8.0, 0.0, 0.0]),
        "S1 posterolateral corner right": np.array([-20.0, 0.0, 0.0]),
    }
    sure = {"S1 posterolateral corner left": 0.4, "S1 posterolateral corner right": 0.97}
    notes = () if level == "L5/S1" and not shift else (Note.of(NoteCode.LEVEL_UNSURE, level=level),)
    lowest, here = level_of("L5/S1"), level_of(level, lumbar)
    points, sure = (
        {renamed(name, lowest, here): value for name, value in each.items()} for each in (points, sure)
    )
    return Landmarks(points, {}, 0.9, notes, here.name, sure, shift=shift, lumbar=lumbar)


def fake_plan(room, *, sides=("left", "right"), landmarks, progress, cancel, **_):
    """The real search on a coarse map of the two zones."""
    ASKED.append(tuple(sides))
    room.withheld, room.rules = WITHHELD, replace(RULES, overrides=room.rules.overrides)
    room.measured = lambda _landmarks: MEASURED  # the small CT is no body
    work = Approaches(room, landmarks)
    found = []
    for zone in zones_of(landmarks, sides):
        check(cancel)
        key = (f"{zone.name} {zone.level}", tuple(zone.outline.ravel()), work.withheld)
        if key not in _KNOWN:
            [searched] = work.search([zone], step=STEP, cancel=cancel)
            _KNOWN[key] = work.approach(searched, progress=progress, cancel=cancel)
        found.append(_KNOWN[key])
    return CasePlan(
        landmarks,
        tuple(found),
        landmarks.notes,
        withheld=work.withheld,
        rules=room.rules,
        guidance=room.guidance,
        light=work.light,
        organs=None if room.organs is None else OrgansSeen.of(room.organs),
    )
