"""The document of a planned case: what was read, what ran, the views and the measured triangles.

A plan names no patient: neither the file nor the series it came from, only a checksum that recognises the CT.
The format is described in docs/plan-format.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.geometry.triangle import Triangle, now
from spinect_core.geometry.view import View
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Volume
from spinect_core.plan.fields import (
    flag,
    inner_path,
    json_text,
    many,
    number,
    points,
    stored_fields,
    text,
    view,
    whole,
)
from spinect_core.plan.fields import plain as plain
from spinect_core.plan.records import Planning

SCHEMA = 2
OLDEST_SCHEMA = 1
FORMAT = "spinect-plan"
LARGEST_FILE = 50_000_000
SAME_MM = 0.01
"""Grids whose corners agree to this are the same."""
PLANNING_KEYS = tuple(stored.key for stored in stored_fields(Planning).values())
KEYS = {
    *(
        "format",
        "schema",
        "notice",
        "created",
        "frame",
        "case",
        "region",
        "run",
        "timings_s",
        "views",
        "triangles",
    ),
    *PLANNING_KEYS,
    *("notes", "files", "versions"),
}
"""What this program knows of a plan; the rest of a file is kept as it is."""

_NUMBERS = many(number(-1e6, 1e6))
_SIZES = many(whole(1, 1_000_000))
_T = TypeVar("_T")


@dataclass(frozen=True)
class Case:
    """What a plan says about its CT.

    Attributes:
        sha256: of the voxels and the grid, see :func:`volume_hash`.
        shape: voxels along (z, y, x).
        spacing: mm along (x, y, z).
        origin: LPS mm of the centre of voxel [0, 0, 0].
        direction: the nine numbers of the 3x3 matrix, row by row; its columns are the array axes (x, y, z) in LPS.
        voxels_sha256: of the voxels alone, "" in a plan of schema 1.
    """

    sha256: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]
    voxels_sha256: str = ""

    @classmethod
    def of(cls, volume: Volume) -> Case:
        """The facts of a CT, without its name."""
        grid = volume.geometry
        direction = tuple(float(number) for number in grid.direction.ravel())
        whole_hash, voxels = _hashes(volume)
        return cls(whole_hash, grid.shape, grid.spacing, grid.origin, direction, voxels)

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


@dataclass(frozen=True)
class PlanView:
    """A view that belongs to a plan, and the picture made of it.

    Attributes:
        name: what it is called: a preset's name, or that of the triangle it looks at.
        view: the line of sight.
        picture: path of the PNG relative to the plan, with forward slashes; empty without one.
        centre: LPS mm in the middle of the picture.
        mm_per_pixel: its scale across the line of sight; 0 without a picture.
    """

    name: str
    view: View
    picture: str = ""
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mm_per_pixel: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _three([float(value) for value in self.centre]))
        object.__setattr__(self, "mm_per_pixel", float(self.mm_per_pixel))


@dataclass(frozen=True, eq=False)
class Plan:
    """A planned case. Plans are equal when everything they store is.

    Attributes:
        case: the CT.
        region: the part of it that was segmented, in LPS mm.
        run: engine, device, mode, stride, patches and more, as the segmentation reports it.
        timings: seconds of each stage of the job.
        views: lines of sight with their pictures.
        triangles: the measured triangles.
        planning: level, landmarks, courses, zones, windows, searches and needles.
        notes: sentences worth knowing, for example why there is no triangle on a side.
        files: what else belongs to the plan, by purpose, as paths relative to it with forward slashes.
        versions: of this program and of the libraries it ran on.
        created: ISO 8601 time.
        notice: the sentence every export carries.
        extras: what a file of a later program had beside all this; it is written again.

    Raises:
        PlanError: a path leads out of the plan's folder.
    """

    case: Case
    region: Region | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    views: tuple[PlanView, ...] = ()
    triangles: tuple[Triangle, ...] = ()
    planning: Planning = field(default_factory=Planning)
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: {"spinect-planner": __version__})
    created: str = field(default_factory=now)
    notice: str = NOTICE
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Stored as JSON would give it back, so that a plan equals itself after writing and reading.
        for name in ("run", "extras"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        object.__setattr__(self, "timings", {name: float(value) for name, value in self.timings.items()})
        for name in ("views", "triangles", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.case.sha256, self.created))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the file holds it."""
        known = {
            "format": FORMAT,
            "schema": SCHEMA,
            "notice": self.notice,
            "created": self.created,
            "frame": "LPS, mm",
            "case": {
                "sha256": self.case.sha256,
                "voxels_sha256": self.case.voxels_sha256,
                "shape_zyx": list(self.case.shape),
                "spacing_xyz_mm": list(self.case.spacing),
                "origin_lps_mm": list(self.case.origin),
                "direction": list(self.case.direction),
            },
            "region": None
            if self.region is None
            else {
                "minimum_lps_mm": list(self.region.minimum),
                "maximum_lps_mm": list(self.region.maximum),
                "found": self.region.found,
                "note": self.region.note,
            },
            "run": dict(self.run),
            "timings_s": dict(self.timings),
            "views": [
                {
                    "name": entry.name,
                    **entry.view.to_dict(),
                    "picture": entry.picture,
                    "centre_lps_mm": list(entry.centre),
                    "mm_per_pixel": entry.mm_per_pixel,
                }
                for entry in self.views
            ],
            "triangles": [triangle.to_dict() for triangle in self.triangles],
            **self.planning.to_dict(),
            "notes": list(self.notes),
            "files": dict(self.files),
            "versions": dict(self.versions),
        }
        return {**known, **{key: value for key, value in self.extras.items() if key not in known}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: Path | str | None = None) -> Plan:
        """The plan of plain data.

        Args:
            data: what :meth:`to_dict` gave.
            source: the file it came from, for messages.

        Raises:
            PlanError: no plan, one of a newer program, or one with parts missing or changed.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise PlanError(
                "This is not a SPINECT plan", "Choose a plan.json written by SPINECT Planner", source
            )
        schema = data.get("schema")
        if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
            raise PlanError(
                f"The plan has schema {schema}, this program reads up to {SCHEMA}",
                "Update SPINECT Planner (pip install --upgrade spinect-planner) and open it again",
                source,
            )
        if (
            not isinstance(schema, int)
            or isinstance(schema, bool)
            or schema not in range(OLDEST_SCHEMA, SCHEMA + 1)
        ):
            raise PlanError(f"There is no plan schema {schema!r}", "Take the plan as it was written", source)
        try:
            return _plan_of(data)
        except SpinectError as error:
            raise PlanError(error.fault, error.remedy, source) from error
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
            raise PlanError(
                f"A part of the plan is missing or wrong ({type(error).__name__}: {error})",
                "Take the plan as it was written",
                source,
            ) from error


def write_plan(plan: Plan, path: Path | str) -> None:
    """Write a plan as JSON (UTF-8), in one move.

    Raises:
        PlanError: a number is not finite, or the file cannot be written.
    """
    try:
        content = json_text(plan.to_dict()).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise PlanError(f"The plan cannot be stored ({error})", "Measure again and save", path) from error
    write_whole(Path(path), content)


def read_plan(path: Path | str) -> Plan:
    """Read a plan that :func:`write_plan` wrote.

    Raises:
        PlanError: no such file, no plan, a newer schema, or a plan with parts missing or changed.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PlanError("The file is too large for a plan", "Choose a plan.json", path)
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PlanError(
            f"The plan cannot be read ({error.strerror or error})", "Choose an existing plan.json", path
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError(
            "This is not a SPINECT plan", "Choose a plan.json written by SPINECT Planner", path
        ) from error
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PlanError(
            f"The file is not complete JSON ({error})", "Take the plan as it was written", path
        ) from error
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


def _plan_of(data: Mapping[str, Any]) -> Plan:
    case, region = data["case"], data["region"]
    plan = Plan(
        case=Case(
            sha256=text(case["sha256"]),
            shape=_three(_SIZES(case["shape_zyx"])),
            spacing=_three(_NUMBERS(case["spacing_xyz_mm"])),
            origin=_three(_NUMBERS(case["origin_lps_mm"])),
            direction=_NUMBERS(case["direction"]),
            voxels_sha256=text(case.get("voxels_sha256", "")),
        ),
        region=None
        if region is None
        else Region(
            _three(_NUMBERS(region["minimum_lps_mm"])),
            _three(_NUMBERS(region["maximum_lps_mm"])),
            flag(region["found"]),
            text(region["note"]),
        ),
        run=dict(data["run"]),
        timings={str(stage): number()(seconds) for stage, seconds in data["timings_s"].items()},
        views=tuple(
            PlanView(
                name=text(entry["name"]),
                view=view(entry),
                picture=inner_path(entry["picture"]),
                centre=_three(_NUMBERS(entry["centre_lps_mm"])),
                mm_per_pixel=number(0)(entry["mm_per_pixel"]),
            )
            for entry in data["views"]
        ),
        triangles=tuple(_triangle(entry) for entry in data["triangles"]),
        planning=Planning.from_dict({key: data[key] for key in PLANNING_KEYS if key in data}),
        notes=many(text)(data["notes"]),
        files={str(purpose): inner_path(path) for purpose, path in data["files"].items()},
        versions={str(program): text(version) for program, version in data["versions"].items()},
        created=text(data["created"]),
        notice=text(data["notice"]),
        extras={str(key): value for key, value in data.items() if key not in KEYS},
    )
    plan.case.geometry.corners()  # a grid that is none is refused here and not where it is used
    return plan


def _triangle(entry: Mapping[str, Any]) -> Triangle:
    points(3)(entry["vertices_lps_mm"])
    return Triangle.from_dict(entry)


def _three(values: Sequence[_T]) -> tuple[_T, _T, _T]:
    first, second, third = values
    return first, second, third


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a plan")
