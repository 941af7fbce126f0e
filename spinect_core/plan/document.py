"""The document of a planned case in one file: plan, labels, pictures. It opens with or without its CT.

A ``.spinect`` file is a zip, packed alike every time and unpacked with distrust. ``document.json`` holds the plan, says
where the labels lie in the patient and lists every other member with its size and SHA-256. The format is described in
docs/plan-format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import SimpleITK as sitk
from pydantic import Field

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.base.files import write_whole
from spinect_core.base.plain import plain
from spinect_core.base.reasons import reason, times
from spinect_core.base.versions import NOTICE
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume, to_sitk
from spinect_core.io.reading.sizes import CROP_MM, Extent
from spinect_core.plan.container import Container, VoxelsRecord, facts_of, is_member_name
from spinect_core.plan.folder import read_current
from spinect_core.plan.plan import Case, Plan, Sizes, check_schema, stored
from spinect_core.plan.records import Path as InnerPath
from spinect_core.plan.records import Record, Whole

FORMAT = "spinect-document"
SCHEMA = 1
SUFFIX = ".spinect"
HEAD = "document.json"
LABELS_MEMBER = "labels/region.u8"
CROP_MEMBER = "labels/ct.u8"
PROBABILITY_MEMBERS = {BONE: "labels/bone-percent.u8", NERVE: "labels/nerve-percent.u8"}
KEYS = ("format", "schema", "notice", "plan", "labels", "labels_on_ct", "probabilities", "members")
"""What this program knows of ``document.json``; the rest of a file is kept as it is."""
REMEDY = "Use the document as the program wrote it, or plan the case again"
COPY_AGAIN = "Copy it again from where it was written, or plan the case again"
OTHER_FILE = "Choose a .spinect file of SPINECT Planner"
FILE = Container(
    what="document",
    title="a SPINECT document",
    head=HEAD,
    largest=1 << 29,  # several times the labels of the largest CT
    largest_head=50_000_000,
    most_members=2000,
    other_file=OTHER_FILE,
    again=COPY_AGAIN,
)
First = Annotated[Whole, Field(ge=0, le=1_000_000)]


class CropRecord(Record):
    """Where the part of labels lies that is kept of those on the CT's own grid.

    Attributes:
        member: of the zip that holds the voxels, uint8 [z, y, x].
        first: index (z, y, x) of its first voxel in the CT.
        shape: voxels along (z, y, x).
    """

    member: InnerPath
    first: Annotated[tuple[First, First, First], Field(alias="first_zyx")]
    shape: Annotated[Sizes, Field(alias="shape_zyx")]


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
                f"Labels up to voxel {times(stop)} do not fit a CT of {times(geometry.shape)} voxels (z, y, x)",
                REMEDY,
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
        probabilities: of bone and nerve, on the grid of the 1 mm labels; None if they were not kept.

    Raises:
        PlanError: labels other than background, bone and nerve, labels beyond the CT, or a path of the plan that is not
            among the files.
    """

    plan: Plan
    labels: Labels | None = None
    labels_on_ct: Crop | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    probabilities: Probabilities | None = None

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
        likely = self.probabilities
        if likely is not None and (
            self.labels is None or likely.geometry.shape != self.labels.geometry.shape
        ):
            raise PlanError("The probabilities are not on the grid of the labels", REMEDY)
        for path in self.files:
            if path in (
                LABELS_MEMBER,
                CROP_MEMBER,
                *PROBABILITY_MEMBERS.values(),
                HEAD,
            ) or not is_member_name(path):
                raise PlanError(
                    f"A file in the document cannot be called '{path[:80]}'", "Give it another name"
                )
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
        return None if self.labels is None else resampled(self.labels, geometry)


def paths_of(plan: Plan) -> set[str]:
    """Paths of all files a plan names: pictures, angle maps, labels and surfaces."""
    named = {view.picture for view in plan.views} | {search.map for search in plan.planning.searches}
    return (named | set(plan.files.values())) - {""}


def naming_only(plan: Plan, paths: Iterable[str]) -> Plan:
    """The plan without the names of files that are not among ``paths``: those that would not go with it."""
    kept = set(paths)
    bare: dict[str, Any] = {"picture": "", "centre": (0.0, 0.0, 0.0), "mm_per_pixel": 0.0}
    views = tuple(view if view.picture in kept else view.replaced(**bare) for view in plan.views)
    searches = tuple(
        search if search.map in kept else search.replaced(map="") for search in plan.planning.searches
    )
    files = {name: path for name, path in plan.files.items() if path in kept}
    return plan.replaced(views=views, planning=plan.planning.replaced(searches=searches), files=files)


def resampled(labels: Labels, geometry: Geometry) -> Labels:
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
        PlanError: the document is too large, or holds what no file can.
        OutputError: the file cannot be written.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> plan = Plan(case=Case.of(read_ct("assets/demo")))
        >>> write_document(Document(plan=plan, labels=labels), "case.spinect")
    """
    members: dict[str, bytes] = {}
    labels = crop = None
    if document.labels is not None:
        grid = document.labels.geometry
        members[LABELS_MEMBER] = document.labels.array.tobytes()
        labels = VoxelsRecord.of(LABELS_MEMBER, grid).to_dict()
    if document.labels_on_ct is not None:
        part = document.labels_on_ct
        members[CROP_MEMBER] = part.array.tobytes()
        z, y, x = part.array.shape
        crop = CropRecord(member=CROP_MEMBER, first=part.first, shape=(z, y, x)).to_dict()
    likely = document.probabilities
    if likely is not None:
        members |= {
            member: likely.of_tissue(tissue).tobytes() for tissue, member in PROBABILITY_MEMBERS.items()
        }
    members |= {name: document.files[name] for name in sorted(document.files)}

    def head() -> dict[str, Any]:
        data = {
            "format": FORMAT,
            "schema": SCHEMA,
            "notice": NOTICE,
            "plan": document.plan.to_dict(),
            "labels": labels,
            "labels_on_ct": crop,
            "probabilities": None if likely is None else list(PROBABILITY_MEMBERS.values()),
            "members": {name: facts_of(content) for name, content in members.items()},
        }
        return {**data, **{key: value for key, value in document.extras.items() if key not in data}}

    write_whole(Path(path), pack(stored(head, path), members, path))


def read_document(path: Path | str) -> Document:
    """Read a document that :func:`write_document` wrote, on this computer or another.

    Raises:
        PlanError: no such file, no document, a newer schema, a damaged, incomplete or hostile file.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> plan = Plan(case=Case.of(read_ct("assets/demo")))
        >>> write_document(Document(plan=plan, labels=labels), "case.spinect")
        >>> document = read_document("case.spinect")
        >>> document.plan == plan, bool((document.labels.array == labels.array).all())
        (True, True)
    """
    path = Path(path)
    try:
        data, contents = FILE.unpack(path, read_current)
        if data.get("format") != FORMAT:
            raise PlanError("This is not a SPINECT document", OTHER_FILE)
        check_schema("document", data.get("schema"), 1, SCHEMA, path)
        _check_members(data.get("members"), contents)
        return _document_of(data, contents)
    except SpinectError as error:
        raise PlanError(error.fault, error.remedy, path) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise PlanError(
            f"A part of the document is missing or wrong ({reason(error)})", REMEDY, path
        ) from error


def _document_of(data: Mapping[str, Any], contents: dict[str, bytes]) -> Document:
    plan = Plan.from_dict(data["plan"])
    labels = crop = None
    if data["labels"] is not None:
        stored = VoxelsRecord.from_dict(data["labels"])
        grid = stored.geometry
        voxels = _voxels(contents, stored)
        _refuse_odd_size(grid)
        labels = Labels(voxels, grid)
    if data["labels_on_ct"] is not None:
        part = CropRecord.from_dict(data["labels_on_ct"])
        crop = Crop(part.first, _voxels(contents, part))
    likely = None
    if data.get("probabilities") is not None:
        if labels is None or data["probabilities"] != list(PROBABILITY_MEMBERS.values()):
            raise PlanError("The probabilities belong to no labels", REMEDY)
        bone, nerve = (
            np.frombuffer(contents.pop(member), dtype=np.uint8).reshape(labels.geometry.shape)
            for member in PROBABILITY_MEMBERS.values()
        )
        likely = Probabilities(bone, nerve, labels.geometry)
    extras = {str(key): value for key, value in data.items() if key not in KEYS}
    return Document(plan, labels, crop, contents, extras, likely)


def _refuse_odd_size(grid: Geometry) -> None:
    """Surfaces of voxels as no CT has them would take for ever or all memory."""
    extent = Extent(grid.shape[::-1], grid.spacing, max(map(abs, grid.origin)))
    if fault := extent.fault(CROP_MM):
        raise PlanError(f"The labels have {extent}, and {fault}", REMEDY)


def _voxels(contents: dict[str, bytes], stored: VoxelsRecord | CropRecord) -> LabelArray:
    """Labels [z, y, x] of a member, which then is no file of its own."""
    content = contents.pop(stored.member)
    if len(content) != int(np.prod(stored.shape, dtype=np.int64)):
        raise ValueError(f"{len(content)} bytes are no labels of {times(stored.shape)} voxels")
    return np.frombuffer(content, dtype=np.uint8).reshape(stored.shape)


# ---------------------------------------------------------------------------------------------------- the zip's members


def _check_members(table: Any, contents: Mapping[str, bytes]) -> None:
    """Refuse a member that is missing, not in the table, or changed."""
    if not isinstance(table, Mapping):
        raise PlanError("The document has no table of its members", COPY_AGAIN)
    for name in table:
        if name not in contents:
            raise PlanError(f"The document has lost {name!r}", COPY_AGAIN)
    for name, content in contents.items():
        if name not in table:
            raise PlanError(f"The document holds {name!r}, which is not in its table", COPY_AGAIN)
        if table[name] != facts_of(content):
            raise PlanError(f"{name!r} in the document was changed", COPY_AGAIN)


def pack(text: bytes, members: Mapping[str, bytes], path: Path | str) -> bytes:
    """The bytes of a document: ``document.json`` first, then the members in their order."""
    if not FILE.fits(text, members):
        size = len(text) + sum(map(len, members.values()))
        raise PlanError(
            f"{size / 1e6:.0f} MB in {len(members)} members are more than a document holds",
            "Segment a smaller region, or save fewer pictures",
            path,
        )
    return FILE.packed(text, members)
