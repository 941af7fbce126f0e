"""The records of a plan: what stands in the file, what each part may hold, and the messages where it does not.

The format is described in docs/plan-format.md, and docs/plan-schema.json is the JSON Schema of these records. Records
are frozen and equal by value. The same check runs when the program makes a record and when it reads one, so nothing can
be written that would not be read again. Points are LPS mm; depths count from the skin entry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from spinect_core.anatomy.levels import LUMBAR_COUNTS, check_count, level_names
from spinect_core.base.errors import PlanError, SpinectError, UsageError
from spinect_core.base.plain import plain
from spinect_core.base.words import (
    Author,
    CaseCause,
    Checked,
    Guidance,
    Kind,
    LayerKind,
    Light,
    LightCause,
    NeedleColour,
    Relation,
    Role,
    RootPlace,
    Rule,
    RuleKind,
    Side,
    TipFact,
    Tissue,
    Version,
)
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.view import View
from spinect_core.image.organs import Organ, OrganOrigin
from spinect_core.image.position import PatientPosition
from spinect_core.image.scan import Numbering
from spinect_core.image.warning import MOST_WARNINGS, ReadingWarning
from spinect_core.plan.repeats import MOST_REPEATS, same_thing
from spinect_core.planning.needle.light import GRADES
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.readouts import read_out
from spinect_core.planning.rules import LONGEST_REASON, TABLE, Limit

FARTHEST_MM = 1e5
MOST_GAP_POINTS, MOST_GAPS = 1000, 100
"""More points along a gap, or gaps of a root, no root has: it is followed over some 80 mm, point by point of 1 mm."""
LONGEST_NAME = 200
"""Letters of what a measurement is called."""
MOST_LEVELS = 5
MOST_RULES = 100
MOST_REASONS = 100
MOST_LAYERS = 500
"""More reasons no light of a case has: there are fewer things that are looked at."""
FIXED_RULES: Mapping[Rule, Limit] = {each.rule: each for each in TABLE if not each.editable}
"""Those that are no judgement: nobody may change or lift them."""
SAME_DEG, SAME_MM = 0.05, 0.05
"""Within which a read-out is that of its needle."""
READ_OUT = MappingProxyType(
    {
        "detector_at_hub.primary": "C-arm angle with the detector at the hub",
        "detector_at_hub.secondary": "C-arm tilt with the detector at the hub",
        "source_at_hub.primary": "C-arm angle with the source at the hub",
        "source_at_hub.secondary": "C-arm tilt with the source at the hub",
        "beam_detector_at_hub.gantry": "IEC 61217 angle with the detector at the hub",
        "beam_detector_at_hub.pitch": "IEC 61217 pitch with the detector at the hub",
        "beam_source_at_hub.gantry": "IEC 61217 angle with the source at the hub",
        "beam_source_at_hub.pitch": "IEC 61217 pitch with the source at the hub",
        "gantry.tilt": "tilt of the gantry",
        "gantry.in_plane": "angle in the tilted slice",
        "axial_in_plane_deg": "angle in the axial slice",
        "lasers.axial": "angle to the axial laser",
        "lasers.sagittal": "angle to the sagittal laser",
    }
)
"""Angles that entry and target alone decide, by their place in the read-outs."""
AS_WRITTEN = "Use the plan as the program wrote it, or plan the case again"

# ------------------------------------------------------------------------------------------------- what fields may hold


def _native(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _three(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray) and len(value) != 3:
        raise ValueError(f"a point has three numbers, not {len(value)}")
    return value


def inner_path(path: str) -> str:
    """A path beside the plan, or within the document; ValueError for one that leads out of its folder."""
    parts = PurePosixPath(path)
    if any(mark in path for mark in "\\:\0") or parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"the path {_short(path)} leads out of the plan's folder")
    return path


def _checked_path(value: Any) -> Any:
    return inner_path(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Domain:
    """How a record holds an object of the program that it reads from plain data and writes as such.

    Attributes:
        kind: of object.
        read: makes one of plain data; its errors become those of the field.
        write: makes plain data of one.
    """

    kind: type
    read: Callable[[Mapping[str, Any]], Any]
    write: Callable[[Any], dict[str, Any]]

    def take(self, value: Any) -> Any:
        """The object, or the one that plain data describes."""
        name = self.kind.__name__.lower()
        if isinstance(value, self.kind):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"{_short(value)} is no {name}")
        try:
            return self.read(value)
        except SpinectError as error:
            raise ValueError(error.fault) from error
        except ValidationError as error:
            raise ValueError(said(error)) from error
        except KeyError as error:
            raise ValueError(f"the {name} has no {error}") from error
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ValueError(str(error)) from error

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(self.write)
        return core_schema.no_info_plain_validator_function(self.take, serialization=write)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "object", "title": self.kind.__name__}


Text = Annotated[str, Field(strict=True, max_length=20_000)]
Name = Annotated[str, Field(strict=True, max_length=20_000, pattern=r"\S")]
Reason = Annotated[str, Field(strict=True, max_length=LONGEST_REASON)]
Path = Annotated[Text, BeforeValidator(_checked_path)]
Flag = Annotated[bool, BeforeValidator(_native), Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Part = Annotated[Number, Field(ge=0, le=1)]
NotNegative = Annotated[Number, Field(ge=0)]
Distance = Annotated[Number, Field(ge=-1000, le=1000)]
Degrees = Annotated[Number, Field(ge=-360, le=360)]
Whole = Annotated[int, BeforeValidator(_native), Field(strict=True)]
Coordinate = Annotated[Number, Field(ge=-FARTHEST_MM, le=FARTHEST_MM)]
Point = Annotated[tuple[Coordinate, Coordinate, Coordinate], BeforeValidator(_three)]
Points = tuple[Point, ...]


def _read_view(data: Mapping[str, Any]) -> View:
    return View(*(_DEGREES.validate_python(data[key]) for key in VIEW_KEYS[:2]))


def _read_figure(data: Mapping[str, Any]) -> Figure:
    _POINTS.validate_python(data["vertices_lps_mm"])
    _read_view(data["view"])
    return Figure.from_dict(data)


def _read_needle(data: Mapping[str, Any]) -> Needle:
    for key in ("entry_lps_mm", "target_lps_mm"):
        _POINT.validate_python(data[key])
    return Needle.from_dict(data)


VIEW_KEYS = ("azimuth_deg", "elevation_deg", "words", "towards_viewer_lps", "c_arm_detector_at_viewer")
LATER = ConfigDict(defer_build=True)
"""Validators are built when the first plan is made or read, not when the window starts."""
_DEGREES = TypeAdapter[float](Degrees, config=LATER)
_POINT = TypeAdapter[tuple[float, float, float]](Point, config=LATER)
_POINTS = TypeAdapter[Points](Points, config=LATER)
StoredView = Annotated[View, Domain(View, _read_view, View.to_dict)]
StoredFigure = Annotated[Figure, Domain(Figure, _read_figure, Figure.to_dict)]
StoredNeedle = Annotated[Needle, Domain(Needle, _read_needle, Needle.to_dict)]


# ---------------------------------------------------------------------------------------------------------- the records


_FROM_FILE = object()
"""The context in which plain data of a file are read."""
_UNKNOWN = "\0"
"""Before a key of a later program that is also the name of one of our fields, as long as it is not in a file."""


class RecordError(PlanError):
    """A record cannot hold what it was given.

    Attributes:
        reason: what is wrong and where in the record, without its name.
    """

    reason = ""


class Record(BaseModel):
    """A part of a plan.

    What a file of a later program has here and this program does not know is kept and written again.

    Raises:
        PlanError: a value that the record cannot hold.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        from_attributes=True,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self._error(error, "Measure or place it again") from error

    # Records within a record are checked by the outer one, which knows the path to them.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="before")
    @classmethod
    def _take(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping):
            return data
        if info.context is _FROM_FILE:
            data = cls._from_file(data)
        known = {*cls.model_fields, *cls.file_keys()}
        return {str(key): value if key in known else plain(value) for key, value in data.items()}

    @classmethod
    def _known_keys(cls) -> set[str]:
        return set(cls.file_keys())

    @classmethod
    def _from_file(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """Plain data in which what this program does not know cannot be taken for one of its own fields."""
        keys, names = cls._known_keys(), set(cls.model_fields)
        unknown = {key for key in data if key not in keys and (key in names or key.startswith(_UNKNOWN))}
        return {_UNKNOWN + key if key in unknown else key: value for key, value in data.items()}

    @model_serializer(mode="wrap")
    def _give(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key.removeprefix(_UNKNOWN): value for key, value in handler(self).items()}

    @classmethod
    def file_keys(cls) -> list[str]:
        """Of its fields in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the file holds it."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def taken_from(cls, made: Any, **given: Any) -> Self:
        """The record of what the program computed.

        Args:
            made: has the fields as attributes of the same names.
            given: fields that it has not, or that the record says otherwise.

        Raises:
            PlanError: a value that the record cannot hold.
            AttributeError: a field is neither given nor there.
        """
        names = [name for name in cls.model_fields if name not in given]
        return cls(**{name: getattr(made, name) for name in names}, **given)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The record of plain data.

        Raises:
            PlanError: a part is missing or not what it should be.
        """
        try:
            return cls.model_validate(data, by_alias=True, by_name=False, context=_FROM_FILE)
        except ValidationError as error:
            raise cls._error(error, AS_WRITTEN) from error

    def replaced(self, **changes: Any) -> Self:
        """The record with other values for some of its fields.

        Raises:
            PlanError: a value that the record cannot hold.
        """
        held = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**(self.model_extra or {}), **held, **changes})

    @classmethod
    def _error(cls, error: ValidationError, remedy: str) -> RecordError:
        title = re.sub(r"(?<=.)([A-Z])", r" \1", cls.__name__.removesuffix("Record")).lower()
        cause = getattr(error.errors()[0].get("ctx", {}).get("error"), "__cause__", None)
        known = cause.remedy if isinstance(cause, SpinectError) else remedy
        reason = said(error)
        made = RecordError(f"The {title} is not right: {reason}", known)
        made.reason = reason
        return made


class SpreadRecord(Record):
    """A record one of whose fields, :attr:`spread`, has no key of its own: its parts stand among the others."""

    spread: ClassVar[str]
    spread_keys: ClassVar[tuple[str, ...]]

    @classmethod
    def _known_keys(cls) -> set[str]:
        return {*super()._known_keys(), *cls.spread_keys} - {cls.spread}

    @classmethod
    def _from_file(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        taken = super()._from_file(data)
        parts = {key: taken.pop(key) for key in cls.spread_keys if key in taken}
        return {**taken, cls.spread: parts}

    @model_serializer(mode="wrap")
    def _give(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for key, value in handler(self).items():
            given.update(value if key == self.spread else {key.removeprefix(_UNKNOWN): value})
        return given


def zone_key(kind: str, version: str, side: str, level: str) -> str:
    """The name by which windows and searches refer to a zone, such as "L5/S1 left kambin bony"."""
    return " ".join(word for word in (level, side, kind, version) if word)


def name_key(name: str) -> str:
    """What tells the names of two measurements apart: neither capitals nor spaces do."""
    return " ".join(name.split()).casefold()


class WarningRecord(Record):
    """What reading noticed about the CT; see :class:`spinect_core.image.warning.ReadingWarning`.

    Attributes:
        text: a sentence without its full stop, without names of files and without patient data.
        grave: whether numbers or places of the plan may be wrong.
        code: by which programs know it; empty where nothing but a reader has to.
    """

    text: Name
    grave: Flag = False
    code: Text = ""

    @property
    def warning(self) -> ReadingWarning:
        """As the program handles it."""
        return ReadingWarning(self.text, self.grave, self.code)


StoredWarnings = Annotated[tuple[WarningRecord, ...], Field(max_length=MOST_WARNINGS)]


class LevelRecord(Record):
    """The level that is planned.

    Attributes:
        name: such as "L5/S1", after the user's shift and by the count of lumbar vertebrae.
        shift: by how many levels the user has moved the program's count towards the head (positive) or the feet.
        confidence: 0 to 1.
        warnings: sentences on why it may be another level.
        confirmed: whether the user has said how the vertebrae are counted, with this shift.
        lumbar: how many lumbar vertebrae the user has counted; None where nobody has, and all is named as if there were
            five.
    """

    name: Name
    shift: Annotated[Whole, Field(alias="shift_by_user", ge=-MOST_LEVELS, le=MOST_LEVELS)] = 0
    confidence: Part = 1.0
    warnings: Annotated[tuple[Text, ...], Field(alias="doubts")] = ()
    confirmed: Annotated[Flag, Field(alias="confirmed_by_user")] = False
    lumbar: Annotated[
        Annotated[Whole, Field(ge=min(LUMBAR_COUNTS), le=max(LUMBAR_COUNTS))] | None,
        Field(alias="lumbar_vertebrae_by_user"),
    ] = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        """A name of the count, and a shift that does not contradict it."""
        names = level_names(self.lumbar)
        if self.lumbar is not None and self.name not in names:
            raise ValueError(
                f"{self.name!r} is no level of a spine with {self.lumbar} lumbar vertebrae ({', '.join(names)})"
            )
        try:
            check_count(self.lumbar, self.shift)
        except UsageError as error:
            raise ValueError(error.fault) from error
        return self

    @property
    def said(self) -> int | None:
        """The shift as the user has said it; None where the user has not."""
        return self.shift if self.confirmed or self.shift else None


class LandmarkRecord(Record):
    """A place of the anatomy.

    Attributes:
        name: such as "L5 pedicle lower margin left"; unique in a plan.
        point: LPS mm.
        confidence: 0 to 1.
        moved: whether the user put it there.
    """

    name: Name
    point: Annotated[Point, Field(alias="point_lps_mm")]
    confidence: Part = 1.0
    moved: Annotated[Flag, Field(alias="moved_by_user")] = False


class CourseRecord(Record):
    """The centreline of a root or of the sac.

    Attributes:
        name: such as "L5 left"; unique in a plan.
        points: LPS mm (n, 3), from the sac outwards.
        radii: mm (n).
        found: (n) whether labelled nerve lies there.
    """

    name: Name
    points: Annotated[Points, Field(alias="points_lps_mm", min_length=2)]
    radii: Annotated[tuple[NotNegative, ...], Field(alias="radii_mm")]
    found: tuple[Flag, ...]

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if not len(self.points) == len(self.radii) == len(self.found):
            raise ValueError(
                f"{len(self.points)} points, {len(self.radii)} radii and {len(self.found)} findings do not belong "
                "together"
            )
        return self


class GapRecord(Record):
    """A stretch of a root's course on which no nerve is labelled.

    Attributes:
        place: where on its way.
        start_mm: from where the root leaves the sac.
        length_mm: along the course.
        points: LPS mm (n, 3) along it.
        supposed: LPS mm (n, 3), where the CT lets one suppose the root: no label, and no reason to trust a border.
    """

    place: RootPlace
    start_mm: NotNegative
    length_mm: NotNegative
    points: Annotated[Points, Field(alias="points_lps_mm", min_length=2, max_length=MOST_GAP_POINTS)]
    supposed: Annotated[
        Annotated[Points, Field(min_length=2, max_length=MOST_GAP_POINTS)] | None,
        Field(alias="supposed_lps_mm"),
    ] = None


class RootRecord(Record):
    """What of a root is labelled on its way from the sac to 25 mm beyond its foramen.

    Attributes:
        name: such as "L5 left"; unique in a plan.
        whole: part labelled of its way as far as the labels reach, 0 to 1; None in plans that did not say.
        recess: part labelled between the sac and the foramen, 0 to 1; None where the labels do not reach it.
        foramen: the same in the foramen.
        beyond: the same beyond it.
        cut: whether the labels end before the root's way does.
        gaps: from the sac outwards.
    """

    name: Name
    whole: Part | None = None
    recess: Part | None = None
    foramen: Part | None = None
    beyond: Part | None = None
    cut: Annotated[Flag, Field(alias="labels_end_before")] = False
    gaps: Annotated[tuple[GapRecord, ...], Field(max_length=MOST_GAPS)] = ()

    @property
    def side(self) -> Side:
        """Of the patient."""
        return Side.RIGHT if self.name.endswith(Side.RIGHT) else Side.LEFT


class BorderRecord(Record):
    """One anatomical side of a zone; see :class:`spinect_core.geometry.zone.Border`.

    Attributes:
        name: of the anatomical line.
        role: of the border in the triangle.
        points: LPS mm (n, 3) along it.
        confidence: 0 to 1.
    """

    name: Name
    role: Role
    points: Annotated[Points, Field(alias="points_lps_mm", min_length=2)]
    confidence: Part = 1.0


class ZoneRecord(Record):
    """The borders of one triangle in space; see :class:`spinect_core.geometry.zone.Zone`.

    Attributes:
        kind: which triangle.
        version: of it.
        side: of the patient.
        level: such as "L5/S1".
        borders: in order round the outline.
        confidence: 0 to 1.
    """

    kind: Kind
    version: Version
    side: Side
    level: Name
    borders: Annotated[tuple[BorderRecord, ...], Field(min_length=1)]
    confidence: Part = 1.0

    @property
    def key(self) -> str:
        """The name windows and searches refer to."""
        return zone_key(self.kind, self.version, self.side, self.level)


class CloserRecord(Record):
    """A structure that covers part of a zone in a view.

    Attributes:
        name: of the structure, such as "S1 superior articular process".
        covered: part of the zone it covers, 0 to 1.
        alone: part that nothing else covers, 0 to 1.
        required_mm: required clearance: how far its silhouette would have to shrink for a needle to pass; None where
            shrinking it alone opens no trajectory.
    """

    name: Name
    covered: Part
    alone: Part
    required_mm: Annotated[NotNegative | None, Field(alias="gives_mm")] = None


class IntervalRecord(Record):
    """What holds 90 of 100 true values; see :mod:`spinect_core.planning.intervals`.

    Attributes:
        low: the smaller end.
        high: the larger end.
    """

    low: Distance
    high: Annotated[Number, Field(ge=-1000, le=1e6)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"an interval from {self.low:g} to {self.high:g} holds nothing")
        return self


class WindowRecord(Record):
    """What is open of a zone in a view; see :class:`spinect_core.planning.zones.window.FreeWindow`.

    Attributes:
        zone: key of the zone.
        view: the line of sight.
        area_mm2: of the largest open piece.
        total_area_mm2: of all open pieces.
        zone_area_mm2: of the zone's outline in this view.
        centre: LPS mm, middle of the largest circle inside; None where nothing is open.
        radius_mm: of that circle.
        outline: LPS mm (n, 3) round the largest open piece; empty where nothing is open.
        author: who chose the view.
        closers: the structures that block it.
        pair: two structures that have to shrink together where no single one opens it; empty if no pair is needed.
        pair_required_mm: clearance required of both; None without a pair.
        area_90: that holds 90 of 100 true areas; None where that was not measured for such labels.
        radius_90: the same of the circle.
    """

    zone: Name
    view: StoredView
    area_mm2: NotNegative
    total_area_mm2: NotNegative
    zone_area_mm2: NotNegative
    centre: Annotated[Point | None, Field(alias="circle_centre_lps_mm")] = None
    radius_mm: Annotated[NotNegative, Field(alias="circle_radius_mm")] = 0.0
    outline: Annotated[Points, Field(alias="outline_lps_mm")] = ()
    author: Author = Author.AUTOMATIC
    closers: Annotated[tuple[CloserRecord, ...], Field(alias="closed_by")] = ()
    pair: Annotated[tuple[Name, ...], Field(alias="closed_by_pair")] = ()
    pair_required_mm: Annotated[NotNegative | None, Field(alias="pair_gives_mm")] = None
    area_90: Annotated[IntervalRecord | None, Field(alias="area_mm2_90_percent")] = None
    radius_90: Annotated[IntervalRecord | None, Field(alias="circle_radius_mm_90_percent")] = None

    @property
    def open(self) -> bool:
        """Whether a trajectory leads through it."""
        return self.area_mm2 > 0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """No piece is larger than all together, but for the grid each was measured on; a circle has a centre."""
        if self.area_mm2 > self.total_area_mm2 * 1.02 + 0.1:
            raise ValueError(
                f"its area {self.area_mm2:g} mm² is more than the {self.total_area_mm2:g} mm² of all pieces"
            )
        if self.radius_mm > 0 and self.centre is None:
            raise ValueError("a circle needs both a centre and a radius")
        if len(self.pair) not in (0, 2):
            raise ValueError("a pair is two structures")
        if 0 < len(self.outline) < 3:
            raise ValueError("an outline of fewer than three points bounds nothing")
        return self


class TermRecord(Record):
    """One of the terms of a score.

    Attributes:
        name: such as "clearance to nerve".
        value: how good it is, 0 to 1; None where what it rests on is not known.
        weight: how much it counts beside the others.
    """

    name: Name
    value: Part | None
    weight: NotNegative


class ChoiceRecord(Record):
    """A view worth taking; what was not measured is None.

    Attributes:
        view: the line of sight.
        area_mm2: of the free window in it.
        radius_mm: of the largest circle inside.
        depth_mm: from the skin to the window's middle.
        bone_mm: smallest distance to bone of the trajectory through the middle; None without bone.
        nerve_mm: the same to nerve.
        ends_before_skin: the labels end before the skin: from there on bone is known by its density, nerve is not. In
            plans without ``unknown_mm`` the rest counted as free.
        unknown_mm: of the way up to the skin, what neither labels nor CT show; None where that was not measured.
        score: 0 to 1.
        terms: what the score is made of.
        words: how it differs from the best view; empty for that view itself.
    """

    view: StoredView
    area_mm2: NotNegative
    radius_mm: Annotated[NotNegative | None, Field(alias="circle_radius_mm")] = None
    depth_mm: NotNegative | None = None
    bone_mm: Annotated[Distance | None, Field(alias="clearance_bone_mm")] = None
    nerve_mm: Annotated[Distance | None, Field(alias="clearance_nerve_mm")] = None
    ends_before_skin: Flag = False
    unknown_mm: NotNegative | None = None
    score: Part | None = None
    terms: tuple[TermRecord, ...] = ()
    words: Text = ""


class AxialRecord(Record):
    """Whether a needle in an axial plane reaches the zone.

    Attributes:
        reachable: whether it does.
        area_mm2: the largest free window at tilt 0.
        oblique: degrees towards the zone's own side at which that is; None if nothing is open.
        refused: whether the rules refuse every needle that reaches it so.
    """

    reachable: Flag
    area_mm2: Annotated[NotNegative, Field(alias="best_area_mm2")] = 0.0
    oblique: Annotated[Number | None, Field(alias="best_oblique_deg", ge=-180, le=180)] = None
    refused: Annotated[Flag, Field(alias="rules_refuse")] = False


class FindingRecord(Record):
    """A rule whose limit a needle passes.

    Attributes:
        rule: which.
        kind: of it.
        bars: whether the needle is not recommended for it.
        value: what was measured; None where that is not known.
        limit: that it passed.
        override: the reason for which it does not bar; empty where it does, or never would.
        what: the organ that it is about; empty where it is about none.
    """

    rule: Rule
    kind: RuleKind
    bars: Flag
    value: Coordinate | None = None
    limit: Coordinate
    override: Reason = ""
    what: Annotated[Text, Field(alias="organ")] = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _as_fixed(self.rule, self.kind, self.limit, self.override)
        if self.kind == RuleKind.HARD and not self.bars and not self.override:
            raise ValueError(f"the hard rule {self.rule} is passed and does not bar, for no reason")
        if self.bars and self.override:
            raise ValueError(f"the rule {self.rule} bars and is overridden")
        return self


Findings = Annotated[tuple[FindingRecord, ...], Field(max_length=MOST_RULES)]


class LimitRecord(Record):
    """A rule as it held for the case.

    Attributes:
        rule: which.
        kind: of it.
        value: the last that is kept.
        override: the reason for which it did not bar; empty where it did, or never would.
    """

    rule: Rule
    kind: RuleKind
    value: Coordinate
    override: Reason = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _as_fixed(self.rule, self.kind, self.value, self.override)
        return self


def _as_fixed(rule: Rule, kind: RuleKind, value: float, override: str) -> None:
    """Refuse a rule that is no judgement with another kind or limit than it has, or with an override."""
    fixed = FIXED_RULES.get(rule)
    if fixed is None:
        return
    if override:
        raise ValueError(f"the rule {rule} cannot be overridden")
    if (kind, value) != (fixed.kind, fixed.value):
        raise ValueError(f"the rule {rule} is {fixed.kind} at {fixed.value:g}, not {kind} at {value:g}")


class TradeRecord(Record):
    """A view within the rules that no other beats both in tolerance and in how ordinary it is.

    Attributes:
        azimuth_deg: of the line of sight, positive to the patient's left.
        elevation_deg: of it, positive to the head.
        tolerance_deg: about that of a needle along it, as the map estimates it.
        away_deg: by how much it is out of the ordinary.
    """

    # Two numbers, not a whole view: there are many of these in a plan that is to be read.
    azimuth_deg: Annotated[Number, Field(ge=-180, le=180)]
    elevation_deg: Annotated[Number, Field(ge=-90, le=90)]
    tolerance_deg: Annotated[NotNegative, Field(alias="about_tolerance_deg")]
    away_deg: Annotated[NotNegative, Field(alias="out_of_the_ordinary_deg")]

    @property
    def view(self) -> View:
        """The line of sight."""
        return View(self.azimuth_deg, self.elevation_deg)


class ChosenRecord(Record):
    """Why a view is recommended.

    Attributes:
        guidance: what the needle is placed under.
        view: the line of sight.
        tolerance_deg: least angular tolerance of its needle.
        best_deg: the largest tolerance that was measured within the rules.
        best_view: where that is.
        area_mm2: of its window.
        largest_view: the view of the largest window.
        largest_mm2: of that.
        trades: the front of tolerance against how ordinary a view is, the most ordinary first.
    """

    guidance: Guidance
    view: StoredView
    tolerance_deg: NotNegative
    best_deg: Annotated[NotNegative, Field(alias="largest_tolerance_deg")]
    best_view: Annotated[StoredView, Field(alias="largest_tolerance_view")]
    area_mm2: NotNegative
    largest_view: Annotated[StoredView, Field(alias="largest_window_view")]
    largest_mm2: Annotated[NotNegative, Field(alias="largest_window_mm2")]
    trades: Annotated[
        tuple[TradeRecord, ...], Field(alias="tolerance_against_the_ordinary", max_length=MOST_REASONS)
    ] = ()


class CountRecord(Record):
    """How many views a rule refuses.

    Attributes:
        rule: which.
        views: of the map.
    """

    rule: Rule
    views: Annotated[Whole, Field(ge=0, le=10_000_000)]


class RefusalRecord(Record):
    """Why no view of a zone that is open to a needle is recommended.

    Attributes:
        open_views: of the map, to a needle.
        refused: how many of them each rule refuses, the most frequent first; a view may pass several.
        tried: needles that were measured.
        nearest: the view that comes nearest to keeping the rules; None where no needle could be measured.
        findings: the rules that bar the needle along it.
        others: the triangles of the same side in which a needle is recommended.
    """

    open_views: Annotated[Whole, Field(ge=0, le=10_000_000)]
    refused: Annotated[
        tuple[CountRecord, ...], Field(alias="views_refused_by_rule", max_length=MOST_RULES)
    ] = ()
    tried: Annotated[Whole, Field(alias="needles_measured", ge=0, le=10_000_000)] = 0
    nearest: Annotated[StoredView | None, Field(alias="nearest_view")] = None
    findings: Annotated[Findings, Field(alias="nearest_view_rules")] = ()
    others: Annotated[tuple[Name, ...], Field(alias="other_triangles", max_length=MOST_RULES)] = ()

    @property
    def counts(self) -> dict[Rule, int]:
        """How many views each rule refuses."""
        return {each.rule: each.views for each in self.refused}


class SearchRecord(Record):
    """What the search over lines of sight found for a zone.

    Attributes:
        zone: key of the zone.
        best: the view of the largest area; None where no window opens.
        recommended: an ordinary view that keeps the rules; None where there is none, and where it is withheld.
        ridge_part: part of the allowed views whose window is nearly as large as the best, 0 to 1.
        ridge: views along the crest of these, in order.
        alternatives: other good views, the best first.
        allowed: number of views that keep every hard rule.
        step: degrees between the views looked at.
        seconds: how long it took.
        axial: whether an axial plane would do; None if it was not asked.
        candidate: the view nearest to being open, where none is allowed; None else.
        notes: what a reader of the result has to know.
        withheld: why no view and no needle of this zone is recommended; empty where one may be.
        map: path of the angle map beside the plan or within the document; empty without one.
        chosen: why the recommended view is that; None without one, and in plans of programs that did not store it.
        refusal: why the rules leave no view; None where they do, and where nothing is open or it is withheld.
    """

    zone: Name
    best: ChoiceRecord | None
    recommended: ChoiceRecord | None
    ridge_part: Part
    allowed: Annotated[Whole, Field(alias="allowed_views", ge=0, le=10_000_000)]
    step: Annotated[Number, Field(alias="step_deg", ge=0.001, le=90)]
    seconds: NotNegative = 0.0
    ridge: tuple[StoredView, ...] = ()
    alternatives: tuple[ChoiceRecord, ...] = ()
    axial: AxialRecord | None = None
    candidate: StoredView | None = None
    notes: tuple[Text, ...] = ()
    withheld: tuple[Text, ...] = ()
    map: Path = ""
    chosen: Annotated[ChosenRecord | None, Field(alias="recommended_because")] = None
    refusal: Annotated[RefusalRecord | None, Field(alias="refused_by_rules")] = None


class ClearanceRecord(Record):
    """Where a needle comes nearest to a tissue.

    Attributes:
        gap_mm: from the needle's surface to the tissue's; negative inside it.
        place: LPS mm on the needle's axis where that is.
        depth_mm: of that point below the skin.
    """

    gap_mm: Annotated[Distance, Field(alias="mm")]
    place: Annotated[Point, Field(alias="point_lps_mm")]
    depth_mm: Distance


class MarginRecord(Record):
    """How far a needle may deviate in the direction of the least tolerance.

    Attributes:
        amount: degrees or mm that are free.
        unlimited: nothing was touched within the range searched, so that more may be free.
        tissue: what is touched first; None where that is not known.
        words: that direction in words; empty where nothing was touched.
    """

    amount: Annotated[Number, Field(ge=0, le=1000)]
    unlimited: Annotated[Flag, Field(alias="at_least")] = False
    tissue: Annotated[
        Tissue | None,
        BeforeValidator(lambda word: word or None if isinstance(word, str) else word),
        PlainSerializer(lambda tissue: tissue or ""),
        WithJsonSchema({"enum": ["", *Tissue]}),
    ] = None
    words: Annotated[Text, Field(alias="direction")] = ""


class ToleranceRecord(Record):
    """How far the needle may deviate before it touches bone or nerve; None where it was not measured.

    Attributes:
        angle: degrees about the entry, to bone or nerve, whichever is touched first.
        angle_to_bone: degrees to bone.
        angle_to_nerve: degrees to nerve.
        shift: mm of a parallel shift, to whichever is touched first.
        shift_to_bone: mm to bone.
        shift_to_nerve: mm to nerve.
    """

    angle: Annotated[MarginRecord | None, Field(alias="angle_deg")] = None
    angle_to_bone: Annotated[MarginRecord | None, Field(alias="angle_to_bone_deg")] = None
    angle_to_nerve: Annotated[MarginRecord | None, Field(alias="angle_to_nerve_deg")] = None
    shift: Annotated[MarginRecord | None, Field(alias="shift_mm")] = None
    shift_to_bone: Annotated[MarginRecord | None, Field(alias="shift_to_bone_mm")] = None
    shift_to_nerve: Annotated[MarginRecord | None, Field(alias="shift_to_nerve_mm")] = None


class RiskRecord(Record):
    """How often first passes with random errors of the hand touch bone or nerve.

    Attributes:
        method: how the needle is guided, such as "free-hand CT".
        mean_deg: of the angular error before it is cut off at 0.
        spread_deg: its standard deviation.
        needles: how many were drawn.
        nerve: part of them that touches nerve, 0 to 1.
        bone: part that touches bone.
        either: part that touches either.
        standard_error: of ``either``.
        nerve_on_the_way: part that touches nerve before the last 3 mm; None if it was not counted.
        miss_mean_mm: mean distance of the tip from the target.
        miss_95_mm: 95 of 100 tips lie nearer.
        entry_mean_mm: of the error of the entry before it is cut off at 0; None where none was drawn.
        entry_sd_mm: its standard deviation.
        source: of the errors.
        bending: type of the needle, where it was bent; empty for straight ones.
    """

    method: Name
    mean_deg: Annotated[Number, Field(alias="error_mean_deg", ge=0, le=90)]
    spread_deg: Annotated[Number, Field(alias="error_sd_deg", ge=0, le=90)]
    needles: Annotated[Whole, Field(ge=1, le=1_000_000_000)]
    nerve: Part
    bone: Part
    either: Part
    standard_error: Part = 0.0
    nerve_on_the_way: Part | None = None
    miss_mean_mm: NotNegative = 0.0
    miss_95_mm: NotNegative = 0.0
    entry_mean_mm: NotNegative | None = None
    entry_sd_mm: NotNegative | None = None
    source: Text = ""
    bending: Text = ""

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Either is at least each and at most both together."""
        if not max(self.nerve, self.bone) - 1e-9 <= self.either <= self.nerve + self.bone + 1e-9:
            raise ValueError("the parts that touch nerve, bone and either do not agree")
        return self


class StructureRecord(Record):
    """A structure along a needle.

    Attributes:
        name: such as "exiting L5 root".
        tissue: of it.
        relation: to the needle.
        depth_mm: where the needle's axis meets it, or the needle comes nearest.
        until_mm: depth at which the axis leaves it; None for a structure that is only near.
        gap_mm: from the needle's surface, negative where it touches; 0 where the axis goes through.
    """

    name: Name
    tissue: Tissue
    relation: Relation
    depth_mm: Distance
    until_mm: Distance | None = None
    gap_mm: Distance = 0.0


class SafetyRecord(Record):
    """How safe a needle is; a part is None where it was not measured, or where there is no such tissue.

    Attributes:
        nerve: the smallest distance to nerve along the needle, up to 3 mm before the target.
        bone: the smallest distance to bone along the whole needle.
        nerve_at_target: the smallest distance to nerve of the last 3 mm, where it is the aim of the injection.
        tip_to_nerve_mm: from the tip's surface to nerve.
        tolerance: how far the needle may deviate.
        risks: for one or more methods of guiding the needle.
        structures: what the needle passes, in order from the skin.
        nerve_90: that holds 90 of 100 true distances to nerve; None where that was not measured for such labels.
        bone_90: the same of bone.
        live: whether it was measured while the needle was moved: shifts, risks, intervals and what the needle only
            passes were not.
    """

    nerve: Annotated[ClearanceRecord | None, Field(alias="clearance_nerve")] = None
    bone: Annotated[ClearanceRecord | None, Field(alias="clearance_bone")] = None
    nerve_at_target: Annotated[ClearanceRecord | None, Field(alias="clearance_nerve_last_3_mm")] = None
    tip_to_nerve_mm: Distance | None = None
    tolerance: ToleranceRecord | None = None
    risks: tuple[RiskRecord, ...] = ()
    structures: tuple[StructureRecord, ...] = ()
    nerve_90: Annotated[IntervalRecord | None, Field(alias="clearance_nerve_mm_90_percent")] = None
    bone_90: Annotated[IntervalRecord | None, Field(alias="clearance_bone_mm_90_percent")] = None
    live: Annotated[Flag, Field(alias="measured_while_moved")] = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        depths = [each.depth_mm for each in self.structures]
        if depths != sorted(depths):
            raise ValueError("the structures are not in the order of their depths")
        return self


class PairRecord(Record):
    """The positioner angles of a C-arm, patient-based, as DICOM counts them.

    Attributes:
        primary: degrees, positive with the detector towards the patient's left.
        secondary: degrees, positive with the detector towards the head.
    """

    primary: Annotated[Number, Field(ge=-180, le=180)]
    secondary: Annotated[Number, Field(ge=-90, le=90)]


class BeamRecord(Record):
    """The direction of a source by IEC 61217.

    Attributes:
        gantry: rotation about the room's y axis in degrees.
        pitch: out of the plane of that rotation, as DICOM's Gantry Pitch Angle.
    """

    gantry: Annotated[Number, Field(alias="gantry_deg", ge=0, le=360)]
    pitch: Annotated[Number, Field(alias="pitch_deg", ge=-90, le=90)]


class GantryRecord(Record):
    """A slice that holds the whole needle.

    Attributes:
        tilt: of the gantry in degrees, positive with its top towards the side from which the table enters.
        in_plane: degrees from that slice's vertical, positive towards the right of somebody who faces the gantry.
        above: whether the hub lies above the tip.
        limit: the largest tilt of the scanner, each way.
    """

    tilt: Annotated[Number, Field(alias="tilt_deg", ge=-90, le=90)]
    in_plane: Annotated[Number, Field(alias="in_plane_deg", ge=-90, le=90)]
    above: Annotated[Flag, Field(alias="hub_above")]
    limit: Annotated[Number, Field(alias="limit_deg", ge=0, le=90)]

    @property
    def reaches(self) -> bool:
        """Whether the scanner tilts so far."""
        return abs(self.tilt) <= self.limit


class LasersRecord(Record):
    """The angles of a needle to the planes of the positioning lasers.

    Attributes:
        axial: degrees to the plane across the table, positive with the hub towards the gantry.
        sagittal: degrees to the vertical plane along the table, positive with the hub towards the right of somebody
            who faces the gantry.
        above: whether the hub lies above the tip.
    """

    axial: Annotated[Number, Field(alias="axial_deg", ge=-90, le=90)]
    sagittal: Annotated[Number, Field(alias="sagittal_deg", ge=-90, le=90)]
    above: Annotated[Flag, Field(alias="hub_above")]


class SlicePlaceRecord(Record):
    """Where a place lies in the planning CT.

    Attributes:
        number: of the nearest slice.
        numbering: what this number is; an index counts from 1.
        offset_mm: from that slice's middle, along the stack.
        across: columns along the slice from its first voxel.
        down: rows, the same.
        z_mm: LPS z of the place: the table position, positive towards the head.
    """

    number: Whole
    numbering: Numbering
    offset_mm: Coordinate
    across: Coordinate
    down: Coordinate
    z_mm: Coordinate


class FeltRecord(Record):
    """How far the entry lies from something that can be felt.

    Attributes:
        name: such as "iliac crest line".
        above_mm: along the patient's long axis, positive towards the head.
        words: on what that rests, where not on the whole of it.
    """

    name: Name
    above_mm: Distance
    words: Text = ""


class ReadoutsRecord(Record):
    """What is set and read in the room for a needle.

    Attributes:
        position: of the patient for the injection; beams, gantry and lasers hold for it.
        detector_at_hub: the C-arm with the detector on the hub's side.
        source_at_hub: the same line with the detector on the other side.
        beam_detector_at_hub: by IEC 61217, the source opposite the hub.
        beam_source_at_hub: the same with the source on the hub's side.
        gantry: the slice that holds the needle.
        axial_in_plane_deg: degrees from the vertical of the needle's picture in slices without tilt.
        lasers: angles to the two laser planes.
        entry_slice: of the planning CT; None where that is not known.
        target_slice: the same of the tip.
        scanned: how the patient lay in the planning CT; None where that is not known.
        midline_mm: of the entry from the midline plane, positive to the left; None without the landmarks.
        s1_mm: of the entry from the centre of the upper end plate of S1, positive to the head.
        felt: the entry from what can be felt.
    """

    position: Annotated[PatientPosition, Field(alias="patient_position")]
    detector_at_hub: Annotated[PairRecord, Field(alias="c_arm_detector_at_hub")]
    source_at_hub: Annotated[PairRecord, Field(alias="c_arm_source_at_hub")]
    beam_detector_at_hub: Annotated[BeamRecord, Field(alias="iec_61217_detector_at_hub")]
    beam_source_at_hub: Annotated[BeamRecord, Field(alias="iec_61217_source_at_hub")]
    gantry: GantryRecord
    axial_in_plane_deg: Annotated[Number, Field(ge=-180, le=180)]
    lasers: LasersRecord
    entry_slice: SlicePlaceRecord | None = None
    target_slice: SlicePlaceRecord | None = None
    scanned: Annotated[PatientPosition | None, Field(alias="planning_ct_position")] = None
    midline_mm: Annotated[Distance | None, Field(alias="entry_from_midline_mm")] = None
    s1_mm: Annotated[Distance | None, Field(alias="entry_above_s1_mm")] = None
    felt: Annotated[tuple[FeltRecord, ...], Field(alias="entry_from_palpable")] = ()


class FrontPlaceRecord(Record):
    """The tip seen from behind, beside the pedicle.

    Attributes:
        clock: hours on the pedicle's face, more than 0 to 12.
        lateral_mm: outwards from the pedicle's middle (its 6 o'clock), negative medial of it.
        below_mm: the pedicle's lower margin; negative above it.
        confidence: 0 to 1, that the landmark lies within 3 mm of its true place.
    """

    clock: Annotated[Number, Field(ge=0, le=12)]
    lateral_mm: Distance
    below_mm: Distance
    confidence: Part


class SidePlaceRecord(Record):
    """The tip seen from the side, in the foramen.

    Attributes:
        height: 0 at the foramen's floor, 1 at its roof; beyond outside of it.
        depth: 0 at its front wall, 1 at its back wall; the same.
        height_mm: from floor to roof.
        depth_mm: from front to back wall.
        confidence: 0 to 1, the lowest of the landmarks it rests on.
    """

    height: Coordinate
    depth: Coordinate
    height_mm: NotNegative
    depth_mm: NotNegative
    confidence: Part


class BehindRecord(Record):
    """What a needle would meet behind its tip.

    Attributes:
        what: it is.
        mm: from the tip along the needle; 0 where the tip lies in it.
    """

    what: TipFact
    mm: NotNegative


class StopRecord(Record):
    """How deep the needle may go at most.

    Attributes:
        depth_mm: from the skin.
        before: what lies behind that depth; None where the line was found free so far.
        at_mm: from the skin to that; None with it.
        planned: whether the planned tip lies nearer to it than the spare length.
    """

    depth_mm: NotNegative
    before: TipFact | None = None
    at_mm: NotNegative | None = None
    planned: Annotated[Flag, Field(alias="planned_tip_too_near")] = False


class TipRecord(Record):
    """What is known of a needle's tip.

    Attributes:
        front: beside the pedicle; None where that is not known.
        side: in the foramen; None where that is not known.
        behind: what the needle would meet within 60 mm behind the tip, the nearest first.
        sac_mm: from the tip to the thecal sac in any direction; None where that is not labelled.
        missing: what could not be determined.
        stop: how deep it may go.
        disc_mm: from the tip to the disc in any direction; None beyond 4 mm, and where that is not known.
    """

    front: Annotated[FrontPlaceRecord | None, Field(alias="from_behind")] = None
    side: Annotated[SidePlaceRecord | None, Field(alias="from_the_side")] = None
    behind: tuple[BehindRecord, ...] = ()
    sac_mm: Annotated[NotNegative | None, Field(alias="to_thecal_sac_mm")] = None
    missing: tuple[TipFact, ...] = ()
    stop: StopRecord
    disc_mm: Annotated[NotNegative | None, Field(alias="to_disc_mm")] = None


class LightReasonRecord(Record):
    """Why a trajectory's light is not green.

    Attributes:
        cause: what stands against it.
        light: that this alone makes it.
        value: in the cause's unit; None where it is not known.
        limit: that was passed; None with it.
    """

    cause: LightCause
    light: Light
    value: Coordinate | None = None
    limit: Coordinate | None = None


class LightRecord(Record):
    """How much care a trajectory needs.

    Attributes:
        light: the worst of its reasons; green without any.
        reasons: the worst first.
    """

    light: Light
    reasons: Annotated[tuple[LightReasonRecord, ...], Field(max_length=MOST_REASONS)] = ()

    @model_validator(mode="after")
    def _as_its_reasons(self) -> Self:
        _no_better(self.light, self.reasons)
        return self


class CaseReasonRecord(Record):
    """Why the light of a case is not green.

    Attributes:
        cause: what stands against it.
        light: that this alone makes it.
        value: in the cause's unit; None where it is not known.
        limit: that was passed; None with it.
    """

    cause: CaseCause
    light: Light
    value: Coordinate | None = None
    limit: Coordinate | None = None


class CaseLightRecord(Record):
    """Whether a case can be right; see :mod:`spinect_core.planning.plausibility.light`.

    Attributes:
        light: the worst of its reasons; green without any.
        reasons: the worst first.
    """

    light: Light
    reasons: Annotated[tuple[CaseReasonRecord, ...], Field(max_length=MOST_REASONS)] = ()

    @model_validator(mode="after")
    def _as_its_reasons(self) -> Self:
        _no_better(self.light, self.reasons)
        return self


def _no_better(light: Light, reasons: Sequence[LightReasonRecord | CaseReasonRecord]) -> None:
    """Refuse a light that shows less care than one of its reasons asks for."""
    order = list(Light)
    worst = max((order.index(each.light) for each in reasons), default=0)
    if order.index(light) < worst:
        raise ValueError(f"a light that is {light} with a reason that makes it {order[worst]}")


class LayerRecord(Record):
    """A stretch of a needle's way.

    Attributes:
        kind: what it is.
        organ: its name where a mask has one; None where none has.
        from_mm: depth from the entry at which it begins.
        to_mm: at which it ends.
        vouched: whether it is known to be nothing that a needle must not meet.
    """

    kind: LayerKind
    organ: Organ | None = None
    from_mm: NotNegative
    to_mm: NotNegative
    vouched: Flag = False


class OrganNearRecord(Record):
    """How near a needle comes to an organ.

    Attributes:
        name: of the organ, or ``gas (bowel)``.
        gap_mm: from the needle's surface to the organ's; 0 or less where it goes through.
        depth_mm: from the entry, where that is.
    """

    name: Name
    gap_mm: Distance
    depth_mm: NotNegative


class WayRecord(Record):
    """The soft tissue along a needle, and the organs near it.

    Attributes:
        layers: from the skin to the target.
        near: organs and gas within 60 mm, the nearest first.
        unvouched_mm: of the way that neither masks nor what else can lie there vouch for.
        known_mm: of the way where organs were looked for.
        looked_for: which were; empty where nobody looked for any.
        vessel_behind_mm: from the tip along the needle to the first great vessel within 60 mm; None where there is
            none, and where that is not known.
    """

    layers: Annotated[tuple[LayerRecord, ...], Field(max_length=MOST_LAYERS)] = ()
    near: Annotated[
        tuple[OrganNearRecord, ...], Field(alias="organs_within_60_mm", max_length=MOST_LAYERS)
    ] = ()
    unvouched_mm: Annotated[NotNegative, Field(alias="not_vouched_for_mm")] = 0.0
    known_mm: Annotated[NotNegative, Field(alias="organs_looked_for_mm")] = 0.0
    looked_for: Annotated[tuple[Organ, ...], Field(alias="organs_looked_for", max_length=MOST_LAYERS)] = ()
    vessel_behind_mm: Annotated[NotNegative | None, Field(alias="great_vessel_behind_tip_mm")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Layers follow each other from the skin inwards."""
        depths = [depth for each in self.layers for depth in (each.from_mm, each.to_mm)]
        if depths != sorted(depths):
            raise ValueError("the layers do not follow each other")
        return self


class OrgansRecord(Record):
    """Which organs a planning knew, and where.

    Attributes:
        origin: who found them.
        source: the same in words, without names of files.
        checksum: SHA-256 of the files or weights; empty where there are none.
        looked_for: which were looked for.
        found: which of them there are within reach of a needle.
        minimum: LPS mm of the corner on the right, in front and towards the feet of where they were looked for.
        maximum: of the corner on the left, at the back and towards the head.
        warnings: what reading or checking them noticed.
    """

    origin: OrganOrigin
    source: Text = ""
    checksum: Annotated[Text, Field(alias="sha256")] = ""
    looked_for: Annotated[tuple[Organ, ...], Field(max_length=MOST_LAYERS)] = ()
    found: Annotated[tuple[Organ, ...], Field(max_length=MOST_LAYERS)] = ()
    minimum: Annotated[Point, Field(alias="minimum_lps_mm")]
    maximum: Annotated[Point, Field(alias="maximum_lps_mm")]
    warnings: StoredWarnings = ()


class NeedleRecord(Record):
    """A needle of a plan.

    Attributes:
        needle: entry, target and the needle chosen.
        safety: what was measured along it; None if nothing was.
        readouts: what is set in the room; None in plans of programs that did not store it.
        tip: where the tip lies and what is behind it; the same.
        light: how much care it needs; the same.
        findings: the rules that it passes, the gravest first; empty in plans of programs that did not ask them.
        way: its soft tissue and the organs near it; None in plans of programs that did not look, and without a CT.
        colour: in which it is drawn.
        locked: whether the user has said that it stays as it is.
    """

    needle: StoredNeedle
    safety: SafetyRecord | None = None
    readouts: ReadoutsRecord | None = None
    tip: TipRecord | None = None
    light: LightRecord | None = None
    findings: Annotated[Findings, Field(alias="rules")] = ()
    way: Annotated[WayRecord | None, Field(alias="soft_tissue")] = None
    colour: NeedleColour = NeedleColour.WHITE
    locked: Flag = False

    @model_validator(mode="after")
    def _as_read_out(self) -> Self:
        """What is set in the room leads to this needle and no other."""
        if self.readouts is not None:
            found = read_out(self.needle, {}, position=self.readouts.position)
            for place, words in READ_OUT.items():
                stored, own = (attrgetter(place)(each) for each in (self.readouts, found))
                if abs((stored - own + 180.0) % 360.0 - 180.0) > SAME_DEG:
                    raise ValueError(f"its {words} is {stored:.1f}°, that of its entry and target {own:.1f}°")
            for name, on, point in (
                ("entry", self.readouts.entry_slice, self.needle.entry),
                ("target", self.readouts.target_slice, self.needle.target),
            ):
                if on is not None and abs(on.z_mm - point[2]) > SAME_MM:
                    raise ValueError(
                        f"the table position of its {name} is {on.z_mm:.1f} mm, not {point[2]:.1f}"
                    )
            for name in ("gantry", "lasers"):
                if getattr(self.readouts, name).above != getattr(found, name).above:
                    raise ValueError(f"its {name} read-out has the hub on the wrong side of the tip")
        return self

    def no_surer_than(self, case: CaseLightRecord) -> Self:
        """The same with a light that is no better than its case's: plans of other programs may say otherwise."""
        order = list(Light)
        if self.light is None or order.index(self.light.light) >= order.index(case.light):
            return self
        # A red case is one of which nothing is recommended.
        cause = LightCause.WITHHELD if case.light == Light.RED else LightCause.CASE
        reason = LightReasonRecord(
            cause=cause,
            light=case.light,
            value=float(sum(each.light == case.light for each in case.reasons)),
            limit=GRADES[cause].limit(case.light),
        )
        light = self.light.replaced(light=case.light, reasons=(reason, *self.light.reasons)[:MOST_REASONS])
        return self.replaced(light=light)


class FigureRecord(Record):
    """A distance, an angle or an area that the user measured between points.

    Attributes:
        name: what the user calls it; no two have the same.
        figure: the points and what is measured.
        repeats: the same measured again, blind to it and to each other.
    """

    name: Annotated[Name, Field(max_length=LONGEST_NAME)]
    figure: StoredFigure
    repeats: Annotated[tuple[StoredFigure, ...], Field(max_length=MOST_REPEATS)] = ()

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        """Repeats measure the same."""
        if not all(same_thing(self.figure, each) for each in self.repeats):
            raise ValueError(f"a repeat is no {self.figure.kind} in the same place")
        return self


class Planning(Record):
    """All that the planning found or the user set, beside the triangles. Empty parts were not looked for.

    Attributes:
        withheld: why nothing of this case is recommended; empty where something may be.
        light: whether the case can be right; None in plans of programs that did not store it.
        level: what is planned; None if it was not looked for.
        landmarks: places of the anatomy.
        courses: roots and sac.
        roots: how much of each root is labelled.
        zones: the triangles' borders in space.
        windows: what is open of them in a view.
        searches: the best views.
        needles: the trajectories.
        rules: that what is recommended keeps; empty in plans of programs that had none.
        guidance: what needles are placed under; None in the same.
        organs: which were known, and where; None where nobody looked for any.
        checked: what the user has looked at and confirmed, of this planning on these labels.
    """

    withheld: tuple[Text, ...] = ()
    light: CaseLightRecord | None = None
    level: LevelRecord | None = None
    landmarks: tuple[LandmarkRecord, ...] = ()
    courses: tuple[CourseRecord, ...] = ()
    roots: tuple[RootRecord, ...] = ()
    zones: tuple[ZoneRecord, ...] = ()
    windows: tuple[WindowRecord, ...] = ()
    searches: tuple[SearchRecord, ...] = ()
    needles: tuple[NeedleRecord, ...] = ()
    rules: Annotated[tuple[LimitRecord, ...], Field(max_length=MOST_RULES)] = ()
    guidance: Guidance | None = None
    organs: OrgansRecord | None = None
    checked: Annotated[tuple[Checked, ...], Field(max_length=len(Checked))] = ()

    def zone(self, key: str) -> ZoneRecord | None:
        """The zone of this key."""
        return next((zone for zone in self.zones if zone.key == key), None)

    @property
    def by_hand(self) -> bool:
        """Whether the user has put work into it that another run would not bring back."""
        return (
            (self.level is not None and (self.level.said, self.level.lumbar) != (None, None))
            or bool(self.checked)
            or any(landmark.moved for landmark in self.landmarks)
            or any(window.author == Author.USER for window in self.windows)
            or any(needle.needle.author == Author.USER for needle in self.needles)
        )

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        """Names are unique, and windows and searches are those of zones that are there."""
        for what, names in (
            ("landmark", [each.name for each in self.landmarks]),
            ("course", [each.name for each in self.courses]),
            ("root", [each.name for each in self.roots]),
            ("zone", [each.key for each in self.zones]),
            ("rule", [each.rule for each in self.rules]),
            ("check", list(self.checked)),
        ):
            twice = [each for each, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(f"there are two of the {what} {str(twice[0])!r}")
        keys = {zone.key for zone in self.zones}
        for what, key in [("window", each.zone) for each in self.windows] + [
            ("search", each.zone) for each in self.searches
        ]:
            if key not in keys:
                raise ValueError(f"a {what} belongs to the zone {key!r}, which is not there")
        if self.light is not None:
            # The record is still being made: nobody has seen it with the other lights.
            self.__dict__["needles"] = tuple(each.no_surer_than(self.light) for each in self.needles)
        return self


def said(error: ValidationError) -> str:
    """What is wrong with plain data and where, as a path, in one line: ``landmarks: entry 1: name: it is empty``."""
    first = error.errors(include_url=False)[0]
    path = [f"entry {step + 1}" if isinstance(step, int) else step for step in first["loc"]]
    kind, given, limits = first["type"], first["input"], first.get("ctx", {})
    if kind == "missing":
        return ": ".join([*path[:-1], f"it has no {path[-1]}"])
    if kind in ("greater_than_equal", "less_than_equal"):
        text = f"{_short(given)} is not " + " or ".join(
            f"{limits[key]:g} or {words}" for key, words in (("ge", "more"), ("le", "less")) if key in limits
        )
    elif kind == "too_short":
        text = f"it holds {limits['actual_length']} entries, at least {limits['min_length']} are needed"
    elif kind == "too_long":
        text = f"it holds {limits['actual_length']} entries, at most {limits['max_length']} are allowed"
    elif kind == "value_error":
        text = str(limits["error"])
    elif kind == "enum":
        text = f"{_short(given)} is none of {limits['expected'].replace(' or ', ', ')}"
    elif kind in _SAID:
        text = _SAID[kind].format(_short(given))
    else:
        text = f"{_short(given)}: {first['msg']}"
    return ": ".join([*path, text])


_SAID = {
    "model_type": "it is no JSON object",
    "model_attributes_type": "it is no JSON object",
    "dict_type": "it is no JSON object",
    "tuple_type": "{} is no list",
    "string_type": "{} is no text",
    "string_too_long": "{} is too long a text",
    "string_pattern_mismatch": "it is empty",
    "string_unicode": "{} holds half of a character",
    "bool_type": "{} is neither true nor false",
    "float_type": "{} is no number",
    "finite_number": "{} is no finite number",
    "int_type": "{} is no whole number",
    "int_from_float": "{} is no whole number",
}
"""What this program says where pydantic speaks of its own types."""


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
