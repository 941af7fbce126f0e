"""The document of a planned case in one file: plan, labels, pictures. It opens with or without its CT.

A ``.spinect`` file is a zip. ``document.json`` holds the plan, says where the labels lie in the patient and lists every
other member with its size and SHA-256. The format is described in docs/plan-format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import NERVE, Geometry, Labels, Volume, to_sitk
from spinect_core.plan.document_members import HEAD, Member, is_member_name, pack, unpack
from spinect_core.plan.fields import inner_path, many, number, whole
from spinect_core.plan.plan import Case, Plan, plain

FORMAT = "spinect-document"
SCHEMA = 1
SUFFIX = ".spinect"
LABELS_MEMBER = "labels/region.u8"
CROP_MEMBER = "labels/ct.u8"
KEYS = ("format", "schema", "notice", "plan", "labels", "labels_on_ct", "members")
"""What this program knows of ``document.json``; the rest of a file is kept as it is."""
REMEDY = "Take the document as it was written, or plan the case again"
_shape = many(whole(1, 100_000))
_first = many(whole(0, 100_000))
_numbers = many(number(-1e6, 1e6))


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of labels on a CT's own grid that holds any; all else is background.

    Attributes:
        first: index (z, y, x) of the part's first voxel in the CT.
        array: uint8 [z, y, x], 0 background, 1 bone, 2 nerve.
    """

    first: tuple[int, int, int]
    array: LabelArray

    @classmethod
    def of(cls, labels: Labels) -> Crop | None:
        """The part of labels that is not background; None if there is none."""
        used = [
            np.flatnonzero(labels.array.any(axis=tuple(other for other in range(3) if other != axis)))
            for axis in range(3)
        ]
        if not len(used[0]):
            return None
        low = [int(places[0]) for places in used]
        high = [int(places[-1]) + 1 for places in used]
        box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
        return cls((low[0], low[1], low[2]), np.ascontiguousarray(labels.array[box]))

    def on(self, geometry: Geometry) -> Labels:
        """The labels on the whole grid of the CT.

        Raises:
            PlanError: the part reaches beyond the grid.
        """
        stop = np.add(self.first, self.array.shape)
        if (stop > geometry.shape).any():
            raise PlanError(
                f"Labels up to voxel {stop.tolist()} do not fit a CT of {list(geometry.shape)}", REMEDY
            )
        whole_array = np.zeros(geometry.shape, dtype=np.uint8)
        box = tuple(slice(start, end) for start, end in zip(self.first, stop, strict=True))
        whole_array[box] = self.array
        return Labels(whole_array, geometry)


@dataclass(frozen=True, eq=False)
class Document:
    """A planned case.

    Attributes:
        plan: what was read, what ran, what was measured and planned.
        labels: the segmentation's 1 mm labels; None for a plan without any.
        labels_on_ct: the labels on the CT's own grid; None if only the others were kept.
        files: pictures, angle maps and whatever else the plan names, by path; also what a later program added.
        extras: what a file of a later program had in ``document.json``; it is written again.

    Raises:
        PlanError: labels other than background, bone and nerve, labels beyond the CT, or a path of the plan that is not
            among the files.
    """

    plan: Plan
    labels: Labels | None = None
    labels_on_ct: Crop | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", dict(self.files))
        object.__setattr__(self, "extras", plain(self.extras))
        for array in (
            None if self.labels is None else self.labels.array,
            None if self.labels_on_ct is None else self.labels_on_ct.array,
        ):
            if array is not None and (array.dtype != np.uint8 or array.max(initial=0) > NERVE):
                raise PlanError("The labels hold more than background, bone and nerve", REMEDY)
        crop = self.labels_on_ct
        if crop is not None and (np.add(crop.first, crop.array.shape) > self.plan.case.shape).any():
            raise PlanError("The labels reach beyond the CT", REMEDY)
        for path in self.files:
            if path in (LABELS_MEMBER, CROP_MEMBER, HEAD) or not is_member_name(path):
                raise PlanError(f"A file in the document cannot be called {path!r}", "Give it another name")
        missing = sorted(paths_of(self.plan) - set(self.files))
        if missing:
            raise PlanError(f"The plan names {missing[0]!r}, which is not in the document", REMEDY)

    def matches(self, volume: Volume) -> bool:
        """Whether this is the CT the document was made on, by grid and voxels, whatever its file is called."""
        case = self.plan.case
        return volume.geometry.shape == case.shape and case.same_ct(Case.of(volume))

    def labels_for(self, geometry: Geometry) -> Labels | None:
        """The labels on the grid of the document's CT: as they were there, or else the nearest 1 mm label.

        None for a document without labels.
        """
        if self.labels_on_ct is not None:
            return self.labels_on_ct.on(geometry)
        return None if self.labels is None else _resampled(self.labels, geometry)


def paths_of(plan: Plan) -> set[str]:
    """Paths of all files a plan names: pictures, angle maps, labels and surfaces."""
    named = {view.picture for view in plan.views} | {search.map for search in plan.planning.searches}
    return (named | set(plan.files.values())) - {""}


def naming_only(plan: Plan, paths: Iterable[str]) -> Plan:
    """The plan without the names of files that are not among ``paths``: those that would not go with it."""
    kept = set(paths)
    views = tuple(
        view if view.picture in kept else replace(view, picture="", centre=(0.0, 0.0, 0.0), mm_per_pixel=0.0)
        for view in plan.views
    )
    searches = tuple(
        search if search.map in kept else replace(search, map="") for search in plan.planning.searches
    )
    return replace(
        plan,
        views=views,
        planning=replace(plan.planning, searches=searches),
        files={name: path for name, path in plan.files.items() if path in kept},
    )


def _resampled(labels: Labels, geometry: Geometry) -> Labels:
    """Labels on another grid: each voxel takes the nearest label, and none beyond the old grid."""
    image = sitk.Resample(
        to_sitk(labels.array, labels.geometry),
        geometry.shape[::-1],
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        geometry.origin,
        geometry.spacing,
        geometry.direction.ravel().tolist(),
        0,
        sitk.sitkUInt8,
    )
    return Labels(sitk.GetArrayFromImage(image), geometry)


def write_document(document: Document, path: Path | str) -> None:
    """Write a document, in one move. The same document gives the same bytes on the same computer.

    Raises:
        PlanError: a number is not finite, the document is too large, or the file cannot be written.
    """
    members: dict[str, bytes] = {}
    data: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "notice": NOTICE,
        "plan": document.plan.to_dict(),
        "labels": None,
        "labels_on_ct": None,
    }
    if document.labels is not None:
        grid = document.labels.geometry
        members[LABELS_MEMBER] = document.labels.array.tobytes()
        data["labels"] = {
            "member": LABELS_MEMBER,
            "shape_zyx": list(grid.shape),
            "spacing_xyz_mm": list(grid.spacing),
            "origin_lps_mm": list(grid.origin),
            "direction": grid.direction.ravel().tolist(),
        }
    if document.labels_on_ct is not None:
        crop = document.labels_on_ct
        members[CROP_MEMBER] = crop.array.tobytes()
        data["labels_on_ct"] = {
            "member": CROP_MEMBER,
            "first_zyx": list(crop.first),
            "shape_zyx": list(crop.array.shape),
        }
    members |= {name: document.files[name] for name in sorted(document.files)}
    data["members"] = {name: Member.of(content).to_dict() for name, content in members.items()}
    data |= {key: value for key, value in document.extras.items() if key not in data}
    write_whole(Path(path), pack(data, members, path))


def read_document(path: Path | str) -> Document:
    """Read a document that :func:`write_document` wrote, on this computer or another.

    Raises:
        PlanError: no such file, no document, a newer schema, a damaged, incomplete or hostile file.
    """
    path = Path(path)
    data, members = unpack(path)
    if data.get("format") != FORMAT:
        raise PlanError("This is not a SPINECT document", "Choose a .spinect file of SPINECT Planner", path)
    schema = data.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise PlanError(f"There is no document schema {schema!r}", REMEDY, path)
    if schema > SCHEMA:
        raise PlanError(
            f"The document has schema {schema}, this program reads up to {SCHEMA}",
            "Update SPINECT Planner (pip install --upgrade spinect-planner) and open it again",
            path,
        )
    try:
        return _document_of(data, members.checked(data.get("members")), path)
    except SpinectError as error:
        raise PlanError(error.fault, error.remedy, path) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise PlanError(
            f"A part of the document is missing or wrong ({type(error).__name__}: {error})", REMEDY, path
        ) from error


def _document_of(data: Mapping[str, Any], contents: dict[str, bytes], path: Path) -> Document:
    plan = Plan.from_dict(data["plan"], path)
    labels = crop = None
    entry = data["labels"]
    if entry is not None:
        grid = Geometry(
            _three(_shape(entry["shape_zyx"])),
            _three(_numbers(entry["spacing_xyz_mm"])),
            _three(_numbers(entry["origin_lps_mm"])),
            np.asarray(_numbers(entry["direction"])).reshape(3, 3),
        )
        labels = Labels(_voxels(contents, entry, grid.shape), grid)
    entry = data["labels_on_ct"]
    if entry is not None:
        shape = _three(_shape(entry["shape_zyx"]))
        crop = Crop(_three(_first(entry["first_zyx"])), _voxels(contents, entry, shape))
    extras = {str(key): value for key, value in data.items() if key not in KEYS}
    return Document(plan, labels, crop, contents, extras)


def _voxels(contents: dict[str, bytes], entry: Mapping[str, Any], shape: tuple[int, int, int]) -> LabelArray:
    """Labels [z, y, x] of a member, which then is no file of its own."""
    content = contents.pop(inner_path(entry["member"]))
    if len(content) != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"{len(content)} bytes are no labels of {list(shape)} voxels")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _three(values: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third
