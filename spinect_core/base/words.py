"""The words that a plan, a file or a command may hold where only a few are possible.

Each is a string with the value that stands in the file, so it compares, prints and is stored as that string.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from spinect_core.base.errors import MeasurementError

_Word = TypeVar("_Word", bound=StrEnum)


class Side(StrEnum):
    """Of the patient."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The other side."""
        return Side.RIGHT if self == Side.LEFT else Side.LEFT


class DetectorSide(StrEnum):
    """Where the detector of a C-arm stands; the X-ray source is opposite."""

    AT_VIEWER = "at-viewer"
    OPPOSITE = "opposite"


class Kind(StrEnum):
    """Which triangle."""

    KAMBIN = "kambin"
    SAFE = "safe"


class FigureKind(StrEnum):
    """What is measured between points placed by hand, beside the triangles."""

    DISTANCE = "distance"
    ANGLE = "angle"
    POLYGON = "polygon"


class CutPlane(StrEnum):
    """A plane that slices lie in."""

    AXIAL = "axial"
    SAGITTAL = "sagittal"
    CORONAL = "coronal"


class Version(StrEnum):
    """What the height of a Kambin triangle is: bone, or nerve and dura. The safe triangle has one version only."""

    NONE = ""
    BONY = "bony"
    NEURAL = "neural"


class Role(StrEnum):
    """Of a border in its triangle."""

    BASE = "base"
    HEIGHT = "height"
    HYPOTENUSE = "hypotenuse"


class RootPart(StrEnum):
    """Of a root's way from the sac outwards."""

    RECESS = "recess"
    FORAMEN = "foramen"
    BEYOND = "beyond"


class RootPlace(StrEnum):
    """Where a stretch of a root lies."""

    RECESS = "recess"
    FORAMEN = "foramen"
    DISC = "disc"
    BEYOND = "beyond"


class Tissue(StrEnum):
    """What a needle may touch."""

    BONE = "bone"
    NERVE = "nerve"


class LabelFormat(StrEnum):
    """How labels came that were made elsewhere."""

    NIFTI = "nifti"
    NRRD = "nrrd"
    SLICER = "seg.nrrd"
    METAIMAGE = "metaimage"
    FOLDER = "folder of masks"
    DICOM_SEG = "dicom-seg"
    RTSTRUCT = "rtstruct"


class Numbering(StrEnum):
    """Whose numbers the classes of a file without names have."""

    OWN = "spinect"
    TOTALSEGMENTATOR_2 = "totalsegmentator-2"
    TOTALSEGMENTATOR_1 = "totalsegmentator-1"
    TOTALSPINESEG = "totalspineseg"
    SPINEPS_SPINE = "spineps-spine"
    SPINEPS_VERTEBRAE = "spineps-vertebrae"


class Author(StrEnum):
    """Who made it."""

    USER = "user"
    AUTOMATIC = "automatic"


class NeedleColour(StrEnum):
    """In which colour a needle of the user's is drawn."""

    WHITE = "white"
    ORANGE = "orange"
    VIOLET = "violet"
    TURQUOISE = "turquoise"
    LIME = "lime"
    ROSE = "rose"


class EngineName(StrEnum):
    """What runs the network; auto leaves it to the program."""

    AUTO = "auto"
    TENSORFLOW = "tensorflow"
    OPENVINO = "openvino"


class DeviceName(StrEnum):
    """Where the network runs; auto is the GPU if there is one."""

    AUTO = "auto"
    GPU = "gpu"
    CPU = "cpu"


class ModeName(StrEnum):
    """How thoroughly a region is read, the usual way first."""

    THOROUGH = "thorough"
    FAST = "fast"
    PAPER = "paper"


class Relation(StrEnum):
    """Of a structure to a needle: the needle crosses it, passes near it, or would touch it beyond its tip."""

    CROSSED = "crossed"
    NEAR = "near"
    BEYOND = "beyond"


class LayerKind(StrEnum):
    """What a stretch of a needle's way is."""

    SKIN = "skin"
    SUBCUTANEOUS = "subcutaneous fat"
    MUSCLE = "muscle"
    FAT = "fat"
    SOFT = "soft tissue"
    DENSE = "dense tissue"
    GAS = "gas"
    ORGAN = "organ"
    UNSEEN = "not shown"


class Checked(StrEnum):
    """What the user has looked at and confirmed before a report is made."""

    LEVEL = "level"
    LABELS = "labels"
    WARNINGS = "warnings"


class Light(StrEnum):
    """How much care a trajectory needs."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class LightCause(StrEnum):
    """What a trajectory's light looks at."""

    TOLERANCE = "tolerance"
    BONE_GAP = "bone-gap"
    NERVE_GAP = "nerve-gap"
    BORDER = "border"
    GAP = "gap"
    SLICES = "slices"
    WAY = "way"
    NERVE_WAY = "nerve-way"
    ORGAN_GAP = "organ-gap"
    ORGANS_WAY = "organs-way"
    WARNED = "warned"
    CASE = "case"
    WITHHELD = "withheld"


class CaseCause(StrEnum):
    """What the light of a whole case looks at."""

    # the CT
    PICTURE = "picture"
    NOISE = "noise"
    CONTRAST = "contrast"
    BLUR = "blur"
    SLICE_ORDER = "slice-order"
    SLICE_TWICE = "slice-twice"
    JUMP = "jump"
    METAL = "metal"
    # the labels on it
    BONE_HU = "bone-hu"
    BONE_EDGE = "bone-edge"
    BONE_MISSED = "bone-missed"
    NERVE_HU = "nerve-hu"
    NERVE_OFF = "nerve-off"
    IN_AIR = "in-air"
    SHIFT = "shift"
    UNSURE = "unsure"
    # the labels by themselves
    BONE_SHARE = "bone-share"
    BONE_SIDES = "bone-sides"
    BONE_PIECES = "bone-pieces"
    NERVE_SHARE = "nerve-share"
    NERVE_SIDES = "nerve-sides"
    NERVE_PIECES = "nerve-pieces"
    MIRROR = "mirror"
    ROOT_PAIRS = "root-pairs"
    SAC_FOUND = "sac-found"
    # the body
    FACING = "facing"
    UPRIGHT = "upright"
    LEAST_SIZE = "least-size"
    MOST_SIZE = "most-size"
    UNEVEN = "uneven"
    NEAR_DISCS = "near-discs"
    FAR_DISCS = "far-discs"
    WITHHELD = "withheld"


class TipFact(StrEnum):
    """What is asked of a needle's tip and of what lies behind it."""

    PEDICLE = "pedicle"
    FORAMEN = "foramen"
    DISC = "disc"
    SAC = "thecal sac"
    ROOT = "nerve root"
    FRONT = "front of the vertebral body"
    BONE = "bone"
    VESSELS = "vessels"


class Guidance(StrEnum):
    """What a needle is placed under."""

    CT = "ct"
    FLUOROSCOPY = "fluoroscopy"


class RuleKind(StrEnum):
    """What follows where a limit is passed."""

    HARD = "hard"
    WARN = "warn"
    NOTE = "note"


class Rule(StrEnum):
    """What is asked of a trajectory before it is recommended, the gravest first."""

    BONE_MET = "bone-met"
    NERVE_MET = "nerve-met"
    ROOT_UNSEEN = "unlabelled-root-near"
    SAC_MET = "thecal-sac-met"
    BOWEL_MET = "bowel-met"
    KIDNEY_MET = "kidney-met"
    VESSEL_MET = "great-vessel-met"
    ORGAN_MET = "organ-met"
    INTERLAMINAR = "between-laminae"
    TIP_IN_DISC = "tip-in-disc"
    TIP_PAST_FRONT = "tip-past-front"
    TIP_MEDIAL = "tip-medial-of-pedicle"
    ENTRY_FAR = "entry-far-from-midline"
    TOLERANCE_FLOOR = "angular-tolerance"
    OBLIQUE_WIDE = "oblique-too-wide"
    TILT_STEEP = "tilt-too-steep"
    SEARCH_EDGE = "edge-of-search"
    ENTRY_HEIGHT = "entry-far-from-s1"
    ENTRY_LATERAL = "entry-lateral"
    TIP_NERVE = "tip-near-nerve"
    TIP_SAC = "tip-near-thecal-sac"
    DISC_BEHIND = "disc-behind-tip"
    DISC_NEAR = "tip-near-disc"
    BOWEL_NEAR = "bowel-near"
    KIDNEY_NEAR = "kidney-near"
    ORGANS_UNKNOWN = "organs-not-known"
    TIP_VENTRAL = "tip-ventral"
    TIP_LATERAL = "tip-lateral-of-pedicle"
    GANTRY = "beyond-gantry"
    OBLIQUE_USUAL = "oblique-beyond-usual"
    TIP_HIGH = "tip-high-in-foramen"
    NEEDLE_LONG = "longer-needle"
    USUAL_VIEW = "usual-view"
    SUPINE = "planned-otherwise-than-done"


SIDES = tuple(Side)
KINDS = tuple(Kind)
ROLES = tuple(Role)


def values(kind: type[StrEnum]) -> tuple[str, ...]:
    """All words of a kind as plain strings, in their order."""
    return tuple(each.value for each in kind)


def word(kind: type[_Word], value: str, what: str) -> _Word:
    """The word of a kind that a text is.

    Args:
        kind: of word.
        value: the text.
        what: the kind is called in messages.

    Raises:
        MeasurementError: it is none of them.
    """
    try:
        return kind(value)
    except ValueError:
        choice = " or ".join(each for each in kind if each)
        raise MeasurementError(f"There is no {what} called {value!r}", f"Use {choice}") from None


def author_of(stored: object) -> Author:
    """Who made what a file holds: any author but this program is a user, whose work is never replaced."""
    return Author.AUTOMATIC if stored == Author.AUTOMATIC else Author.USER
