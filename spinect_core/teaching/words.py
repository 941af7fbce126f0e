"""The words that tasks, attempts and scores are made of; each is the string that stands in the file."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """What a student is asked to do."""

    LEVEL = "level"
    CORNERS = "corners"
    VIEW = "view"
    NEEDLE = "needle"


class Aids(StrEnum):
    """What a student sees while trying."""

    FLUOROSCOPY = "fluoroscopy"
    SLICES = "slices"
    EVERYTHING = "everything"


class Grade(StrEnum):
    """How difficult a case is."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Story(StrEnum):
    """What a case of the library is there to show, beside its pathology."""

    TRAJECTORY = "trajectory"
    """The rules leave a trajectory."""
    AXIAL = "axial"
    """A needle within an axial slice is one of them."""
    OBLIQUE_ONLY = "oblique-only"
    """No needle within an axial slice is; one out of it is."""
    DOUBT = "doubt"
    """The level, or something else of the case, is not certain: nothing is recommended until it is."""
    NOTHING = "nothing"
    """The rules leave none: no needle should be placed."""


class EventKind(StrEnum):
    """What a student did."""

    SHOT = "shot"
    """A simulated picture was taken."""
    VIEW = "view"
    """The view was turned."""
    NEEDLE = "needle"
    """The needle was placed or moved."""
    CORNER = "corner"
    """A corner of the triangle was placed or moved."""
    SLICE = "slice"
    """Another place of the slices was looked at."""


class PartName(StrEnum):
    """Of a score, in the order in which they are shown."""

    INDICATED = "indicated"
    SIDE = "side"
    LEVEL = "level"
    DISTANCE = "distance"
    AIM = "aim"
    TOUCHED = "touched"
    RULES = "rules"
    AREA = "area"
    CIRCLE = "circle"
    TOLERANCE = "tolerance"
    BONE = "bone"
    NERVE = "nerve"
    TIP = "tip"
    OVERLAP = "overlap"
    CORNERS = "corners"
    TIME = "time"
    SHOTS = "shots"


class PartRole(StrEnum):
    """How a part counts."""

    GATE = "gate"
    """Multiplies all the rest: what must be right before anything else counts."""
    QUALITY = "quality"
    """Counts with its weight among the others of this role."""
    ECONOMY = "economy"
    """Counts for a small share, and only in proportion to the rest: being quick on a bad needle is worth nothing."""
