"""Landmarks, roots and parts of a level: the atlas's, laid over the case and moved to what is really there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spinect_core.anatomy.atlas import SAC, Atlas, load_atlas
from spinect_core.anatomy.column import Column, straightened
from spinect_core.anatomy.completeness import RootFound, roots_found, ways_of
from spinect_core.anatomy.confidence import bridge_share, confidence, level_warnings, trust_in
from spinect_core.anatomy.courses import Course as Course
from spinect_core.anatomy.courses import NerveCloud, centred, snap_course
from spinect_core.anatomy.doubts import (
    LANDMARK_CODES,
    LEVEL_CODES,
    landmark_doubts,
    level_doubts,
    lies_elsewhere,
)
from spinect_core.anatomy.fields import Field, signed_field
from spinect_core.anatomy.hypotheses import Hypothesis, atlas_cues, discs, end_plate, judged, named_by
from spinect_core.anatomy.levels import LEVELS, LUMBOSACRAL, Level, check_count, level_name, level_of, renamed
from spinect_core.anatomy.parts import Parts
from spinect_core.anatomy.placing import place
from spinect_core.anatomy.register import (
    NEAR_MM,
    Correlation,
    Registration,
    alignments,
    check_bone,
    correlate,
    register,
)
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import AnatomyError, UsageError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.image.volume import NERVE, Labels

SACRAL_END_PLATE = "S1 upper end plate centre"
END_PLATES = (SACRAL_END_PLATE, "L5 upper end plate centre")
"""Below L5/S1, and below L4/5."""
LEAST_APART_MM = 0.5
"""No two landmarks lie so near to each other: half a voxel of the labels."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What was found at a level.

    Attributes:
        points: LPS mm (3,) by name; paired ones end in " left" or " right".
        courses: the exiting and traversing roots by name, such as "L5 left", from the sac outwards.
        bone_overlap: Dice of bone round the level between the atlas and the case, 0 to 1.
        notes: why the level may be another, or its anatomy unusual.
        level: such as "L5/S1", by the count of lumbar vertebrae.
        confidences: by landmark, 0 to 1: the chance that it lies within 3 mm of its true place, as calibrated on
            phantoms; 1 of one that the user has placed.
        sac: the middle of the thecal sac, from above downwards.
        parts: names of places on bone and nerve.
        placed: the landmarks that the user has placed.
        hypotheses: the discs that may be L5/S1, from the likeliest, by which the level was found, to the least likely.
        shift: of the numbering, as the user has said it (see :func:`find_landmarks`); None where the user has not.
        roots: what of the passing, exiting and traversing roots is labelled, by name, from above downwards.
        lumbar: how many lumbar vertebrae the user has counted, by which all is named; None where nobody has, and all is
            named as if there were five.
    """

    points: dict[str, FloatArray]
    courses: dict[str, Course]
    bone_overlap: float
    notes: tuple[Note, ...] = ()
    level: str = "L5/S1"
    confidences: dict[str, float] = field(default_factory=dict)
    sac: Course | None = None
    parts: Parts | None = None
    placed: frozenset[str] = frozenset()
    hypotheses: tuple[Hypothesis, ...] = ()
    shift: int | None = None
    roots: dict[str, RootFound] = field(default_factory=dict)
    lumbar: int | None = None

    @property
    def doubtful(self) -> bool:
        """Whether there is anything to know before its places are used."""
        return bool(self.notes)

    @property
    def confirmed(self) -> bool:
        """Whether the user has said which level it is."""
        return self.shift is not None

    @property
    def level_doubts(self) -> tuple[Note, ...]:
        """Why it may be another level, or is not held by its landmarks.

        Where the user has said which level it is, only the landmarks can be in doubt.
        """
        codes = LANDMARK_CODES if self.confirmed else LEVEL_CODES
        return tuple(note for note in self.notes if note.code in codes)

    @property
    def names(self) -> Level:
        """What vertebrae and roots of the level are called."""
        return level_of(self.level, self.lumbar)

    def confidence(self, name: str) -> float:
        """How sure a landmark is, 0 to 1."""
        return self.confidences.get(name, 0.5)

    def moved(self, name: str, point: FloatArray) -> Landmarks:
        """The landmarks with one of them where the user wants it; borders and zones made from them follow.

        Args:
            name: of the landmark.
            point: LPS mm (3,).

        Raises:
            UsageError: there is no such landmark, the point is none, or another landmark is there.
        """
        place = np.asarray(point, dtype=np.float64)
        if name not in self.points or place.shape != (3,) or not np.isfinite(place).all():
            raise UsageError(
                f"There is no landmark {name!r} to move, or no point to move it to", "Choose another"
            )
        for other, there in self.points.items():
            away = float(np.linalg.norm(there - place))
            if other != name and away < LEAST_APART_MM:
                raise UsageError(
                    f"{name} cannot be moved to {away:.1f} mm from {other}: two places of the anatomy are never one",
                    f"Choose a place at least {LEAST_APART_MM:g} mm from every other landmark",
                )
        sure = {**self.confidences, name: 1.0}
        # Whether the landmarks are too unsure is asked again: the one that was may be placed now.
        others = tuple(note for note in self.notes if note.code != NoteCode.LANDMARKS_UNSURE)
        return replace(
            self,
            points={**self.points, name: place},
            confidences=sure,
            notes=(*landmark_doubts(sure, self.level), *others) if others != self.notes else others,
            placed=self.placed | {name},
        )


def find_landmarks(
    labels: Labels,
    *,
    level: str = LUMBOSACRAL,
    shift: int | None = None,
    lumbar: int | None = None,
    atlas: Atlas | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Landmarks:
    """The landmarks of a level on both sides.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        level: "L5/S1" for the lumbosacral level, whatever it is called; or by its name with the count of lumbar
            vertebrae: "L4/5", "L3/4" with five, "L5/6", "L4/5" with six, "L3/4", "L2/3" with four.
        shift: what the user knows about the numbering: 1 says that the level which the program calls L5/S1 is L4/5, so
            that every name moves one level down; -1 the contrary; 0 that the program counts right. Any of them lifts
            the doubts about the level; with None the user has not said.
        lumbar: how many lumbar vertebrae there are, 4, 5 or 6, as the user has counted them; with None all is named as
            if there were five. It changes names alone: not where the level lies, and no doubt about that.
        atlas: the specimen to compare with; the embedded one when absent.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        AnatomyError: too little bone to look at, labels that do not reach the level, or none where the user's count
            puts it.
        UsageError: no such level, or a shift and a count that contradict each other.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> found = find_landmarks(labels, level="L5/S1")
        >>> found.points["S1 upper end plate centre"].round()  # LPS mm
        array([-4.,  8., -4.])
        >>> sorted(found.courses)
        ['L5 left', 'L5 right', 'S1 left', 'S1 right']
        >>> found.doubtful
        False
    """
    target = level_of(level, lumbar)
    check_count(lumbar, shift)
    atlas = atlas or load_atlas()
    where = target.above_the_sacrum - (shift or 0)
    source = level_of(LEVELS[min(max(where, 0), 1)])
    check_bone(labels)
    progress(0.0, "looking for the level")
    search = _Search.of(atlas, labels)
    check(cancel)
    registration = register(
        atlas,
        labels,
        focus=atlas.landmarks[source.focus],
        steps_up=where - source.above_the_sacrum,
        start=search.start(atlas),
        correlation=search.correlation,
        progress=part_of(progress, 0.05, 0.85),
        cancel=cancel,
    )
    check(cancel)
    if shift is not None:
        search.check_place(registration.points(atlas.landmarks[source.focus])[0], where, target, shift)
    progress(0.85, "placing the landmarks")
    found = _placed(labels, atlas, registration, source, target, progress, cancel)
    # Where another level than the found ones was asked for, the atlas does not lie on L5/S1.
    plates = registration.points(np.array([atlas.landmarks[name] for name in END_PLATES]))
    doubts = search.doubts(tuple(plates) if where == source.above_the_sacrum else (), target.name)
    unsure = landmark_doubts(found.confidences, target.name)
    return replace(
        found,
        notes=(*doubts, *unsure, *found.notes),
        hypotheses=named_by(search.hypotheses, lumbar),
        shift=shift,
        lumbar=lumbar,
    )


def search_level(
    labels: Labels, atlas: Atlas | None = None
) -> tuple[tuple[Hypothesis, ...], tuple[Note, ...]]:
    """Where L5/S1 may be, from the likeliest place to the least likely, and the doubts; the atlas is aligned alone.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        atlas: the specimen to compare with; the embedded one when absent.

    Raises:
        AnatomyError: too little bone to look at.
    """
    check_bone(labels)
    search = _Search.of(atlas or load_atlas(), labels)
    return search.hypotheses, search.doubts((), LEVELS[0])


@dataclass(frozen=True, eq=False)
class _Search:
    """Where L5/S1 may be.

    Attributes:
        correlation: of the atlas with the labels.
        column: of the case; None where its canal cannot be followed.
        hypotheses: from the likeliest to the least likely.
    """

    correlation: Correlation
    column: Column | None
    hypotheses: tuple[Hypothesis, ...]

    @classmethod
    def of(cls, atlas: Atlas, labels: Labels) -> _Search:
        """Every disc of a case with its cues."""
        correlation, column = correlate(atlas, labels), straightened(labels)
        if column is None:
            return cls(correlation, None, ())
        places, focus = discs(column), atlas.landmarks[SACRAL_END_PLATE]
        points = [end_plate(column, disc) for disc in places]
        fits = [correlation.at(point - focus) for point in points]
        starts = [
            correlation.best(point - focus)[0] for point, fit in zip(points, fits, strict=True) if fit > 0.0
        ]
        aligned = [(one.place, one.agreement) for one in alignments(atlas, labels, starts, focus)]
        cues = atlas_cues(points, fits, correlation.best()[1], aligned, column.scale)
        return cls(correlation, column, tuple(judged(column, places, cues)))

    def start(self, atlas: Atlas) -> FloatArray:
        """LPS mm (3,), atlas to case, from which the atlas is fitted: the best place near the likeliest disc."""
        best = self.correlation.best()[0]
        if not self.hypotheses:
            return best
        near = np.array(self.hypotheses[0].point) - atlas.landmarks[SACRAL_END_PLATE]
        if np.linalg.norm(best - near) < NEAR_MM or self.correlation.at(near) <= 0.0:
            return best
        return self.correlation.best(near)[0]

    def check_place(self, fitted: FloatArray, where: int, level: Level, shift: int) -> None:
        """Refuse what is not the level that the user's count names: that count lifts the doubts.

        Args:
            fitted: LPS mm (3,) where the fitted atlas has the end plate below the level.
            where: how many discs above the one that the program takes for L5/S1 the level was looked for.
            level: which it is.
            shift: of the numbering.

        Raises:
            AnatomyError: no disc is seen there, or the atlas came to lie on another.
        """
        if not self.hypotheses and not shift:
            return
        discs_seen = {-one.shift: one for one in self.hypotheses}
        if where in discs_seen:
            if self.elsewhere({where: fitted}):
                raise AnatomyError(
                    f"Laid over {level.name} by your count, the specimen to compare with came to lie elsewhere, so "
                    "that no landmark of it can be placed",
                    "Check the labels of bone and nerve there, or plan another level",
                )
            return
        names = ", ".join(level_name(place, level.lumbar) for place in sorted(discs_seen)) or "none"
        raise AnatomyError(
            f"By your count {level.name} would be {_places_above(where, level.lumbar)}, and the labels show no such "
            f"level there (the levels seen, from below upwards, by the program's own count: {names})",
            "Count as the program does and plan the level by its name, or segment a region that holds it",
        )

    def elsewhere(self, fitted: Mapping[int, FloatArray]) -> bool:
        """Whether the fitted atlas has an end plate, by its place above the first disc, where no disc or another is."""
        return lies_elsewhere(self.hypotheses, fitted, 1.0 if self.column is None else self.column.scale)

    def doubts(self, fitted: Sequence[FloatArray], level: str) -> tuple[Note, ...]:
        """Why the level may be another; ``fitted`` is where the atlas has the end plates, if it lies there."""
        return level_doubts(self.hypotheses, fitted, level, 1.0 if self.column is None else self.column.scale)


def _places_above(where: int, lumbar: int | None) -> str:
    """Where a level lies from the disc that the program takes for the lumbosacral one."""
    count = f"{abs(where)} level{'s' if abs(where) > 1 else ''}"
    return f"{count} {'above' if where > 0 else 'below'} what the program calls {level_name(0, lumbar)}"


def _placed(
    labels: Labels,
    atlas: Atlas,
    registration: Registration,
    source: Level,
    target: Level,
    progress: Progress,
    cancel: Cancel | None,
) -> Landmarks:
    placed = place(atlas, registration, labels, source)
    near, parts, bone = placed.near, placed.parts, placed.bone
    check(cancel)
    nerve = signed_field(near, NERVE)
    points, sure = {}, {}
    for name, point in placed.points.items():
        trust = trust_in(atlas, source, name)
        points[name] = point + trust.correction
        seen = _seen(labels, points[name])
        sure[name] = confidence(trust, placed.misfits[name], placed.moved[name], seen)
    check(cancel)
    progress(0.93, "following the roots")
    cloud = NerveCloud.of(near)
    courses = {}
    for root in (source.exiting, source.traversing):
        for side in ("left", "right"):
            line = _inside(registration.points(atlas.courses[f"{root} {side}"]), near)
            courses[f"{root} {side}"] = centred(snap_course(line, cloud), nerve)
    left, right = (points[f"{source.lower} posterolateral corner {side}"] for side in ("left", "right"))
    across = (left - right) / np.linalg.norm(left - right)
    sac = _sac(_inside(registration.points(atlas.courses[SAC]), near), nerve, across)
    check(cancel)
    progress(0.97, "looking for gaps in the roots")
    ways = ways_of(atlas, source)
    roots = roots_found({name: registration.points(atlas.courses[name]) for name in ways}, ways, labels, sac)
    bridges = {}
    if source.name == "L5/S1":
        bridges = {
            side: bridge_share(bone, registration.points(places)) for side, places in atlas.bridge.items()
        }
    notes = level_warnings(registration, courses, source, bridges, atlas.bridge_usual, called=target)

    def say(name: str) -> str:
        return renamed(name, source, target)

    return Landmarks(
        {say(name): point for name, point in points.items()},
        {say(name): course for name, course in courses.items()},
        registration.bone_overlap,
        notes,
        target.name,
        {say(name): value for name, value in sure.items()},
        sac,
        parts.renamed(source, target),
        roots={say(name): replace(found, name=say(name)) for name, found in roots.items()},
    )


def _seen(labels: Labels, point: FloatArray) -> float:
    """Part of 27 places within 8 mm of a point that lie in the grid."""
    steps = np.array([-8.0, 0.0, 8.0])
    around = point + np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return float(labels.geometry.holds(around).mean())


def _inside(points: FloatArray, labels: Labels) -> FloatArray:
    """The points that lie in the grid of the labels, from the first that does to the first that no longer does."""
    index = labels.geometry.to_index(points)
    inside = np.all((index >= 1.0) & (index <= np.array(labels.array.shape) - 2.0), axis=1)
    if not inside.any():
        return np.zeros((0, 3))
    first = int(inside.argmax())
    ends = np.flatnonzero(~inside[first:])
    return points[first : first + int(ends[0])] if len(ends) else points[first:]


def _sac(points: FloatArray, nerve: Field, across: FloatArray) -> Course:
    """The middle of the sac, drawn to the middle between its two sides; ``across`` is a unit vector to the left."""
    if len(points) < 5:
        return Course(points, np.full(len(points), 6.0), np.zeros(len(points), dtype=bool))
    for _ in range(2):
        left = nerve.crossing(points, across, 12.0)
        right = nerve.crossing(points, -across, 12.0)
        both = np.isfinite(left) & np.isfinite(right) & (nerve.at(points) < 0.0)
        step = np.where(both, (np.nan_to_num(left) - np.nan_to_num(right)) / 2, 0.0)
        points = points + np.clip(step, -2.0, 2.0)[:, None] * across
    radii = np.where(both, (np.nan_to_num(left) + np.nan_to_num(right)) / 2, 6.0)
    return Course(points, radii, both)
