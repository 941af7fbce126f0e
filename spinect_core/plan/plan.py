"""The plan of a case: what was read, what ran, the views, the measured triangles and the planning.

A plan names no patient: neither the file nor the series it came from, only a checksum that recognises the CT.
The format is described in docs/plan-format.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.base.files import NotPlain, write_whole
from spinect_core.base.plain import json_text, parse_json, plain
from spinect_core.base.reasons import reason
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.geometry.triangle import Triangle, now
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import ReadingWarning, joined
from spinect_core.plan.folder import read_current
from spinect_core.plan.records import (
    AS_WRITTEN,
    LATER,
    VIEW_KEYS,
    Domain,
    FigureRecord,
    Flag,
    NotNegative,
    Number,
    Path,
    Planning,
    Point,
    Points,
    Record,
    SpreadRecord,
    StoredView,
    StoredWarnings,
    Text,
    WarningRecord,
    Whole,
    name_key,
)
from spinect_core.plan.repeats import MOST_REPEATS, same_thing

SCHEMA = 2
OLDEST_SCHEMA = 1
FORMAT = "spinect-plan"
FRAME = "LPS, mm"
LARGEST_FILE = 50_000_000
ADDED = ("figures", "repeats")
"""Keys that plans of the first programs with this schema have not."""
MOST_FIGURES = 300
"""More nobody draws by hand on one case."""
SAME_MM = 0.01
"""Grids whose corners agree to this are the same."""
OTHER_FILE = "Choose a plan.json written by SPINECT Planner"

Size = Annotated[Whole, Field(ge=1, le=1_000_000)]
Grid = Annotated[Number, Field(ge=-1e6, le=1e6)]
Sizes = tuple[Size, Size, Size]
Three = tuple[Grid, Grid, Grid]
_BOX = TypeAdapter[tuple[Point, Point, bool, str]](tuple[Point, Point, Flag, Text], config=LATER)
_OUTLINE = TypeAdapter[Points](Annotated[Points, Field(min_length=3)], config=LATER)


def _read_region(data: Mapping[str, Any]) -> Region:
    keys = ("minimum_lps_mm", "maximum_lps_mm", "found", "note")
    return Region(*_BOX.validate_python([data[key] for key in keys]))


def write_region(region: Region) -> dict[str, Any]:
    """A region as the file holds it."""
    box = {"minimum_lps_mm": list(region.minimum), "maximum_lps_mm": list(region.maximum)}
    return {**box, "found": region.found, "note": region.note}


def _read_triangle(data: Mapping[str, Any]) -> Triangle:
    _OUTLINE.validate_python(data["vertices_lps_mm"])
    return Triangle.from_dict(data)


StoredRegion = Annotated[Region, Domain(Region, _read_region, write_region)]
StoredTriangle = Annotated[Triangle, Domain(Triangle, _read_triangle, Triangle.to_dict)]


class Case(Record):
    """What a plan says about its CT.

    Attributes:
        sha256: of the voxels and the grid, see :func:`volume_hash`.
        voxels_sha256: of the voxels alone, "" in a plan of schema 1.
        shape: voxels along (z, y, x).
        spacing: mm along (x, y, z).
        origin: LPS mm of the centre of voxel [0, 0, 0].
        direction: the nine numbers of the 3x3 matrix, row by row; its columns are the array axes (x, y, z) in LPS.
        warnings: what reading noticed about it; none in plans of programs that did not store them.
    """

    sha256: Text
    voxels_sha256: Text = ""
    shape: Annotated[Sizes, Field(alias="shape_zyx")]
    spacing: Annotated[Three, Field(alias="spacing_xyz_mm")]
    origin: Annotated[Three, Field(alias="origin_lps_mm")]
    direction: Annotated[tuple[Grid, ...], Field(min_length=9, max_length=9)]
    warnings: StoredWarnings = ()

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        """Refused here and not where it is used."""
        try:
            self.geometry.corners()
        except SpinectError as error:
            raise ValueError(error.fault) from error
        return self

    @classmethod
    def of(cls, volume: Volume) -> Case:
        """The facts of a CT and what reading noticed about it, without its name."""
        grid = volume.geometry
        direction = tuple(grid.direction.ravel().tolist())
        whole, voxels = _hashes(volume)
        return cls(
            sha256=whole,
            voxels_sha256=voxels,
            shape=grid.shape,
            spacing=grid.spacing,
            origin=grid.origin,
            direction=direction,
            warnings=tuple(map(WarningRecord.taken_from, joined(volume.warnings))),
        )

    @property
    def reading_warnings(self) -> tuple[ReadingWarning, ...]:
        """What reading noticed, as the program handles it."""
        return joined(each.warning for each in self.warnings)

    def with_warnings(self, newer: Iterable[ReadingWarning]) -> Self:
        """The same CT with what another reading of it noticed as well; none is lost, and none stands there twice."""
        every = joined(newer, self.reading_warnings)
        return (
            self
            if every == self.reading_warnings
            else self.replaced(warnings=tuple(map(WarningRecord.taken_from, every)))
        )

    def same_ct(self, other: Case) -> bool:
        """Whether both are of one CT: the same voxels in the same places.

        The last digits of a grid may differ between computers that read the same files, and so do the checksums over
        grid and voxels; plans of schema 2 compare voxels and grid apart.
        """
        if self.voxels_sha256 and other.voxels_sha256:
            return self.voxels_sha256 == other.voxels_sha256 and self.geometry.same_grid(
                other.geometry, SAME_MM
            )
        return self.sha256 == other.sha256

    @property
    def geometry(self) -> Geometry:
        """The CT's grid."""
        return Geometry(self.shape, self.spacing, self.origin, np.asarray(self.direction).reshape(3, 3))


class PlanView(SpreadRecord):
    """A view that belongs to a plan, and the picture made of it.

    Attributes:
        name: what it is called: a preset's name, or that of the triangle it looks at.
        view: the line of sight.
        picture: path of the PNG relative to the plan, with forward slashes; empty without one.
        centre: LPS mm in the middle of the picture.
        mm_per_pixel: its scale across the line of sight; 0 without a picture.
    """

    spread: ClassVar[str] = "view"
    spread_keys: ClassVar[tuple[str, ...]] = VIEW_KEYS

    name: Text
    view: StoredView
    picture: Path = ""
    centre: Annotated[Three, Field(alias="centre_lps_mm")] = (0.0, 0.0, 0.0)
    mm_per_pixel: NotNegative = 0.0


class RepeatsRecord(Record):
    """A triangle that the user measured again, blind to the first.

    Attributes:
        triangle: its number among those of the plan, from 0.
        repeats: the same measured again.
    """

    triangle: Annotated[Whole, Field(ge=0)]
    repeats: Annotated[tuple[StoredTriangle, ...], Field(min_length=1, max_length=MOST_REPEATS)]


class Plan(SpreadRecord):
    """A planned case. Plans are equal when everything they store is.

    Attributes:
        format: what kind of file it is.
        schema_version: of the format.
        notice: the sentence every export carries.
        created: ISO 8601 time.
        frame: of every point.
        case: the CT.
        region: the part of it that was segmented, in LPS mm.
        run: engine, device, mode, stride, patches and more, as the segmentation reports it.
        timings: seconds of each stage of the job.
        views: lines of sight with their pictures.
        triangles: the measured triangles.
        repeats: triangles among them that were measured again.
        figures: distances, angles and areas that the user measured beside them.
        planning: level, landmarks, courses, zones, windows, searches and needles.
        notes: sentences worth knowing, for example why there is no triangle on a side.
        files: what else belongs to the plan, by purpose, as paths relative to it with forward slashes.
        versions: of this program and of the libraries it ran on.
    """

    spread: ClassVar[str] = "planning"
    spread_keys: ClassVar[tuple[str, ...]] = tuple(Planning.model_fields)

    format: Literal["spinect-plan"] = "spinect-plan"
    schema_version: Annotated[Literal[2], Field(alias="schema")] = 2
    notice: Text = NOTICE
    created: Text = Field(default_factory=now)
    frame: Literal["LPS, mm"] = "LPS, mm"
    case: Case
    region: StoredRegion | None = None
    run: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    timings: Annotated[dict[str, Number], Field(alias="timings_s")] = Field(default_factory=dict)
    views: tuple[PlanView, ...] = ()
    triangles: tuple[StoredTriangle, ...] = ()
    repeats: Annotated[tuple[RepeatsRecord, ...], Field(max_length=MOST_FIGURES)] = ()
    figures: Annotated[tuple[FigureRecord, ...], Field(max_length=MOST_FIGURES)] = ()
    planning: Planning = Field(default_factory=Planning)
    notes: tuple[Text, ...] = ()
    files: dict[str, Path] = Field(default_factory=dict)
    versions: dict[str, Text] = Field(default_factory=lambda: {"spinect-planner": __version__})

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        """One name never stands for two measurements."""
        twice = [
            name for name, count in Counter(name_key(each.name) for each in self.figures).items() if count > 1
        ]
        if twice:
            raise ValueError(f"there are two of the measurement {twice[0]!r:.60}")
        return self

    @model_validator(mode="after")
    def _repeats_are_of_triangles(self) -> Self:
        """Each belongs to one triangle that is there, and measures the same."""
        if len({each.triangle for each in self.repeats}) < len(self.repeats):
            raise ValueError("a triangle has repeats twice")
        for each in self.repeats:
            if each.triangle >= len(self.triangles):
                raise ValueError(f"there is no triangle {each.triangle} that could have repeats")
            first = self.triangles[each.triangle]
            if not all(same_thing(first, again) for again in each.repeats):
                raise ValueError(f"a repeat of the {first.name} is another triangle")
        return self

    def __hash__(self) -> int:
        return hash((self.case.sha256, self.created))

    @classmethod
    def from_dict(cls, data: Any, source: FilePath | str | None = None) -> Self:
        """The plan of plain data.

        Args:
            data: what :meth:`to_dict` gave.
            source: the file it came from, for messages.

        Raises:
            PlanError: no plan, one of a newer program, or one with parts missing or changed.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise PlanError("This is not a SPINECT plan", OTHER_FILE, source)
        check_schema("plan", data.get("schema"), OLDEST_SCHEMA, SCHEMA, source)
        missing = [key for key in cls.file_keys() if key not in (*data, cls.spread, "frame", *ADDED)]
        if missing:
            raise PlanError(f"The plan is not right: it has no {missing[0]}", AS_WRITTEN, source)
        try:
            return super().from_dict({**data, "schema": SCHEMA, "frame": FRAME})
        except PlanError as error:
            raise PlanError(error.fault, error.remedy, source) from error
        except RecursionError as error:
            raise PlanError("A part of the plan is nested too deeply", AS_WRITTEN, source) from error


def check_schema(what: str, schema: Any, oldest: int, newest: int, source: FilePath | str | None) -> None:
    """Refuse a file of another schema than this program reads.

    Raises:
        PlanError: with the remedy.
    """
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < oldest:
        raise PlanError(f"There is no {what} schema {schema!r:.60}", AS_WRITTEN, source)
    if schema > newest:
        raise PlanError(
            f"The {what} has schema {schema!r:.60}, this program reads up to {newest}",
            "Update SPINECT Planner to its newest version and open it again",
            source,
        )


def write_plan(plan: Plan, path: FilePath | str) -> None:
    """Write a plan as JSON (UTF-8), in one move.

    Raises:
        PlanError: the plan holds what no file can.
        OutputError: the file cannot be written.

    Examples:
        >>> volume = read_ct("assets/demo")
        >>> corners = [(10, 30, 5), (22, 30, 0), (12, 30, -8)]  # LPS mm
        >>> triangle = Triangle("safe", "left", corners, View.parse("left oblique 27°"))
        >>> write_plan(Plan(case=Case.of(volume), triangles=(triangle,)), "plan.json")
    """
    write_whole(FilePath(path), stored(plan.to_dict, path))


def stored(data: Callable[[], dict[str, Any]], path: FilePath | str) -> bytes:
    """Plain data as the bytes of a file.

    Args:
        data: gives them.
        path: the file, for messages.

    Raises:
        PlanError: they hold what no file can.
    """
    try:
        return json_text(data()).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise PlanError(
            f"The plan cannot be stored ({reason(error)})", "Measure again and save", path
        ) from error


def read_plan(path: FilePath | str) -> Plan:
    """Read a plan that :func:`write_plan` wrote.

    Raises:
        PlanError: no such file, no plan, a newer schema, or a plan with parts missing or changed.

    Examples:
        >>> write_plan(Plan(case=Case.of(read_ct("assets/demo"))), "plan.json")
        >>> plan = read_plan("plan.json")
        >>> plan.case.shape, len(plan.triangles)
        ((114, 245, 334), 0)
    """
    path = FilePath(path)
    try:
        text = read_current(path, LARGEST_FILE).decode("utf-8-sig")
    except NotPlain as error:
        raise PlanError(f"The plan cannot be read: {error.strerror or error}", OTHER_FILE, path) from error
    except OSError as error:
        raise PlanError(
            f"The plan cannot be read ({error.strerror or error})",
            "Choose a plan.json that is there and that you may read",
            path,
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError("This is not a SPINECT plan", OTHER_FILE, path) from error
    try:
        data = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"The file is not sound JSON ({reason(error)})", AS_WRITTEN, path) from error
    return Plan.from_dict(data, path)


def volume_hash(volume: Volume) -> str:
    """SHA-256 (hex) that recognises a CT whatever its file is called and however it is packed.

    Taken over the grid (shape as three int64; spacing, origin and direction, row by row, as float64, all little-endian)
    and the voxels [z, y, x] in C order as little-endian float32.
    """
    return _hashes(volume)[0]


def _hashes(volume: Volume) -> tuple[str, str]:
    """SHA-256 of grid and voxels, see :func:`volume_hash`, and of the voxels alone."""
    grid = volume.geometry
    both, voxels = hashlib.sha256(np.asarray(grid.shape, dtype="<i8").tobytes()), hashlib.sha256()
    both.update(np.concatenate([grid.spacing, grid.origin, grid.direction.ravel()]).astype("<f8").tobytes())
    for plane in volume.array:
        values = np.ascontiguousarray(plane, dtype="<f4").tobytes()
        both.update(values)
        voxels.update(values)
    return both.hexdigest(), voxels.hexdigest()
