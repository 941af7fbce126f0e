"""How sure a level and each of its landmarks are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import chi2

from spinect_core.anatomy.atlas import Atlas, Trust, trust_key
from spinect_core.anatomy.courses import Course
from spinect_core.anatomy.fields import Field
from spinect_core.anatomy.levels import Level
from spinect_core.anatomy.register import Registration
from spinect_core.base.arrays import FloatArray
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Side

WITHIN_MM = 3.0
"""A landmark's confidence is the chance that it lies within this distance of its true place."""

OVERLAP_DOUBTFUL = 0.80
"""Below this agreement of bone the level is reported as doubtful."""

SEEN_DOUBTFUL = 0.85
"""Below this part of the level's neighbourhood inside the picture it is reported as cut."""

BRIDGE_DOUBTFUL, BRIDGE_LEAST = 1.3, 0.035
"""A share of bone between transverse process and sacrum of this many times the highest usual one, and at least the
second value, is reported as transitional. At 1.5 mm the share was 0.05 to 0.14 where the phantom had a transitional
vertebra (11 sides), and at most 0.002 where it had none (28 specimens), but 0.027 in one of the calibration."""

BRIDGE_SEEN = 0.3
"""With a smaller part of these places in the picture, nothing can be concluded."""

NERVE_USUAL = (0.45, 2.0)
"""Labelled nerve near the level as a multiple of the atlas's: from a narrow sac to a wide one."""

ROOT_DOUBTFUL = 0.5
NO_TRUST = Trust(np.zeros(3), 2.0, 0.4)


def misfit(bone: Field, surface: FloatArray) -> float:
    """Mean distance in mm of points (n, 3) of the atlas's surface, laid over the case, from the case's bone."""
    return float(np.abs(bone.at(surface)).mean())


def confidence(trust: Trust, found_misfit: float, moved: float, seen: float) -> float:
    """The chance, 0 to 1, that a landmark lies within 3 mm of its true place.

    Its error is taken as equally spread in all directions: by as much as on the specimens of the calibration, and more
    where the bone round it fits worse than it did there, or where it had to be moved far.

    Args:
        trust: what is known of the landmark.
        found_misfit: mm, here.
        moved: mm it was moved to the shape of the bone.
        seen: part of its surroundings, 0 to 1, inside the picture.
    """
    worse = max(found_misfit / max(trust.misfit, 0.05), 1.0)
    error = np.hypot(trust.spread * worse, 0.35 * max(moved - 2.0, 0.0))
    return float(chi2.cdf(3.0 * (WITHIN_MM / max(float(error), 0.1)) ** 2, 3)) * seen


def trust_in(atlas: Atlas, level: Level, name: str) -> Trust:
    """What is known of a landmark of the atlas."""
    return atlas.trust.get(trust_key(level.name, name), NO_TRUST)


def bridge_share(bone: Field, places: FloatArray) -> float:
    """Share of places (n, 3) between transverse process and sacrum that are bone; 0 where the picture shows too few."""
    index = bone.geometry.to_index(places)
    seen = np.all((index >= 0.0) & (index <= np.array(bone.geometry.shape) - 1.0), axis=1)
    if seen.sum() < BRIDGE_SEEN * len(places):
        return 0.0
    return float((bone.at(places[seen]) < 0.0).mean())


def level_warnings(
    registration: Registration,
    courses: Mapping[str, Course],
    level: Level,
    bridges: Mapping[str, float],
    usual: float,
    *,
    called: Level | None = None,
) -> tuple[Note, ...]:
    """Why the level may be another, or its anatomy unusual.

    Args:
        registration: of the atlas with the case.
        courses: the roots.
        level: the level.
        bridges: share of bone between the transverse process and the sacrum by side, empty above L5/S1.
        usual: its highest value in usual specimens.
        called: the level by whose names the case is planned, where it is not ``level``.
    """
    name = called or level
    notes = []
    if registration.bone_overlap < OVERLAP_DOUBTFUL:
        notes.append(Note.of(NoteCode.BONE_UNUSUAL, level=name.name, overlap=registration.bone_overlap))
    if registration.seen < SEEN_DOUBTFUL:
        notes.append(Note.of(NoteCode.LEVEL_CUT, level=name.name, percent=100 * registration.seen))
    sides = [side for side, share in bridges.items() if share > max(BRIDGE_DOUBTFUL * usual, BRIDGE_LEAST)]
    if sides:
        one = Side(sides[0]) if len(sides) == 1 else None
        notes.append(Note.of(NoteCode.TRANSITIONAL, one, vertebra=name.upper))
    if not NERVE_USUAL[0] <= registration.nerve_volume <= NERVE_USUAL[1]:
        notes.append(Note.of(NoteCode.NERVE_VOLUME, level=name.name, times=registration.nerve_volume))
    for side in Side:
        part = courses[f"{level.exiting} {side}"].part_found
        if part < ROOT_DOUBTFUL:
            notes.append(Note.of(NoteCode.ROOT_SHORT, side, root=name.exiting, percent=100 * part))
    return tuple(notes)
