"""Whether a level can be relied on: what its cues, its rivals, the atlas and its landmarks say against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from spinect_core.anatomy.hypotheses import Hypothesis
from spinect_core.anatomy.levels import side_of
from spinect_core.base.arrays import FloatArray
from spinect_core.base.notes import Note, NoteCode

AGAINST = 0.5
"""A cue below this speaks against a level."""

THIN_MARGIN = 0.25
"""Another level whose score comes so near is one that cannot be excluded."""

ELSEWHERE_MM = 15.0
"""The atlas, fitted, has to lie so near to the level's end plate along the spine, at scale 1: half a vertebra."""

ACROSS_MM = 25.0
"""The same across the spine: half a body. How far before the canal an end plate lies is supposed, not seen, and in wide
canals 15 to 20 mm off, which makes it no other vertebra."""

MEDIAN_UNSURE, LEAST_UNSURE = 0.5, 0.25
"""Confidences of landmarks below which the level is not planned from: of the middle one, and of the least."""

BODY_UNSURE = 0.7
"""The same of the landmarks in the middle, which hold the upper and the lower vertebra: 0.92 and more on specimens that
are not bent, 0.39 to 0.58 where the upper end plate lay 21 to 33 mm off."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "wings": "the sacral wings",
        "free": "bone beside the disc",
        "lowest": "the number of discs below",
        "roots": "the course of the lowest roots",
        "crests": "the iliac crests",
        "shape": "the shape of the body below it",
        "sac": "where the dural sac ends",
        "atlas": "the fit of the atlas",
    }
)

NEEDED = ("wings", "lowest")
"""Without them a level is not known, whatever else agrees."""

SURE = 0.7
"""Where the crests are not seen, every other cue has to be seen and at least this."""

LEVEL_CODES = frozenset(
    {
        NoteCode.BONE_UNUSUAL,
        NoteCode.LEVEL_UNSURE,
        NoteCode.LEVEL_CUT,
        NoteCode.LEVEL_CUES,
        NoteCode.LEVEL_UNSEEN,
        NoteCode.LANDMARKS_UNSURE,
        NoteCode.TRANSITIONAL,
    }
)
"""Notes that say that a level may be another one, or does not look like one."""

LANDMARK_CODES = frozenset({NoteCode.LANDMARKS_UNSURE})
"""Those of them that no count of the vertebrae answers: the landmarks have to be placed."""


def level_doubts(
    found: Sequence[Hypothesis], fitted: Sequence[FloatArray], level: str, scale: float = 1.0
) -> tuple[Note, ...]:
    """Why the level that was taken may be another.

    Args:
        found: the hypotheses, from the best to the worst.
        fitted: LPS mm (3,) where the fitted atlas has the middle of the end plates below L5/S1, below L4/5, and so on
            upwards; those that are known.
        level: its name.
        scale: size of the bodies as a multiple of the usual.
    """
    if not found:
        return (Note.of(NoteCode.LEVEL_UNSEEN, level=level, what="the discs along the canal"),)
    best = found[0]
    notes = []
    unseen = [WORDS[name] for name in NEEDED if name not in best.cues]
    others = [best.cues.get(name, 0.0) for name in WORDS if name != "crests"]
    if "crests" not in best.cues and min(others) < SURE:
        unseen.append(WORDS["crests"])
    if unseen:
        notes.append(Note.of(NoteCode.LEVEL_UNSEEN, level=level, what=" and ".join(unseen)))
    against = [WORDS[name] for name, value in best.cues.items() if value < AGAINST]
    if WORDS["atlas"] not in against and lies_elsewhere(found, dict(enumerate(fitted)), scale):
        against.append(WORDS["atlas"])
    if against:
        notes.append(Note.of(NoteCode.LEVEL_CUES, level=level, against=", ".join(against)))
    if len(found) > 1 and best.score - found[1].score < THIN_MARGIN:
        notes.append(Note.of(NoteCode.LEVEL_UNSURE, level=level))
    return tuple(notes)


def lies_elsewhere(found: Sequence[Hypothesis], fitted: Mapping[int, FloatArray], scale: float) -> bool:
    """Whether the fitted atlas has an end plate where no disc or another one is.

    Args:
        found: the discs seen.
        fitted: LPS mm (3,) of end plates in the fitted atlas, by how many discs they lie above the first of ``found``.
        scale: size of the bodies as a multiple of the usual.
    """
    points = {-one.shift: np.array(one.point) for one in found}
    size = max(scale, 1.0)
    for above, place in fitted.items():
        if above not in points:
            continue
        away = place - points[above]
        upwards = _upwards(points, above)
        along = float(abs(away @ upwards)) if upwards is not None else float(np.linalg.norm(away))
        across = float(np.sqrt(max(away @ away - along**2, 0.0)))
        if along > ELSEWHERE_MM * size or across > ACROSS_MM * size:
            return True
    return False


def _upwards(points: Mapping[int, FloatArray], above: int) -> FloatArray | None:
    """The unit vector (3,) along the spine at one of its discs, from the next below to the next above as far as seen.

    None where it is the only one.
    """
    lower, upper = (points.get(next_to, points[above]) for next_to in (above - 1, above + 1))
    length = float(np.linalg.norm(upper - lower))
    return None if length == 0.0 else np.asarray((upper - lower) / length)


def landmark_doubts(confidences: Mapping[str, float], level: str) -> tuple[Note, ...]:
    """Whether the landmarks of a level are too unsure to plan from."""
    values = np.array(list(confidences.values()))
    if not len(values):
        return ()
    body = [sure for name, sure in confidences.items() if side_of(name) is None]
    sure_enough = (
        float(np.median(values)) >= MEDIAN_UNSURE
        and float(values.min()) >= LEAST_UNSURE
        and min(body, default=1.0) >= BODY_UNSURE
    )
    if sure_enough:
        return ()
    name = min(confidences, key=lambda one: confidences[one])
    return (
        Note.of(
            NoteCode.LANDMARKS_UNSURE,
            level=level,
            name=name,
            percent=100 * float(values.min()),
            median=100 * float(np.median(values)),
        ),
    )
