"""A pack of cases as one file: what to do, and cases as a seed or as the pictures of a teacher's own.

A zip of ``pack.json`` and, for a teacher's own cases, voxels. Of those nothing is kept but Hounsfield units, labels and
where they lie: no header of the CT, so no name, date or number of a patient. The answers are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spinect_core.base.errors import PlanError, SpinectError, UsageError
from spinect_core.base.files import read_bounded, write_whole
from spinect_core.base.plain import json_text
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.base.reasons import reason, times
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import NERVE, Geometry, Labels, Volume
from spinect_core.io.reading.sizes import CROP_MM, Extent
from spinect_core.plan.container import Container, VoxelsRecord, facts_of
from spinect_core.plan.plan import check_schema
from spinect_core.plan.records import Record, Text
from spinect_core.preprocessing.grid import on_regular_grid
from spinect_core.teaching.drawing import GRID_MM, Pictures, draw
from spinect_core.teaching.records import MOST_CASES, CaseRecord, Title, Words

FORMAT, SCHEMA = "spinect-teaching-pack", 1
SUFFIX = ".spinect-pack"
HEAD = "pack.json"
REMEDY = "Ask the teacher for the pack again"
FILE = Container(
    what="pack",
    title="a pack of cases",
    head=HEAD,
    largest=1 << 29,
    largest_head=20_000_000,
    most_members=2 * MOST_CASES + 1,
    other_file="Choose a .spinect-pack file of SPINECT Planner",
    again=REMEDY,
)


class PackRecord(Record):
    """``pack.json``.

    Attributes:
        format: what the file is.
        schema_number: of the file.
        notice: that every file of the program carries.
        title: of the pack.
        text: to the student, before the first task.
        cases: in their order, each name once.
        members: bytes and SHA-256 of every other member of the zip.
    """

    format: Text = FORMAT
    schema_number: Annotated[int, Field(alias="schema")] = SCHEMA
    notice: Text = NOTICE
    title: Title
    text: Words = ""
    cases: Annotated[tuple[CaseRecord, ...], Field(min_length=1, max_length=MOST_CASES)]
    members: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pack:
    """A pack in memory.

    Attributes:
        title: of it.
        cases: in their order.
        text: to the student.
        files: voxels of teachers' own cases by member.

    Raises:
        PlanError: two cases of one name, or a case without what it is drawn from.
    """

    title: str
    cases: tuple[CaseRecord, ...]
    text: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [each.name for each in self.cases]
        for name in names:
            if names.count(name) > 1:
                raise PlanError(f"The pack holds two cases called {name!r}", "Give each a name of its own")
        for each in self.cases:
            own = each.ct is not None and each.labels is not None
            if own == (each.seed is not None):
                raise PlanError(f"The case {each.name!r} is neither drawn nor a teacher's own", REMEDY)
            for picture in (each.ct, each.labels) if own else ():
                if picture is not None and picture.member not in self.files:
                    raise PlanError(f"The pack has lost {picture.member!r}", REMEDY)

    @property
    def checksum(self) -> str:
        """SHA-256 of what is in it, however it was packed."""
        facts = self._record().to_dict()
        return sha256(json_text(facts).encode("utf-8")).hexdigest()

    def case(self, name: str) -> CaseRecord:
        """A case by its name.

        Raises:
            UsageError: the pack has none of that name.
        """
        for each in self.cases:
            if each.name == name:
                return each
        raise UsageError(
            f"The pack has no case {name!r}", f"Choose from {', '.join(each.name for each in self.cases)}"
        )

    def pictures(self, name: str, *, progress: Progress = silent, cancel: Cancel | None = None) -> Pictures:
        """CT and labels of a case, drawn or unpacked.

        Raises:
            UsageError: the pack has none of that name.
            PlanError: its pictures are not what they should be.
        """
        record = self.case(name)
        if record.ct is None or record.labels is None:
            return draw(record, progress=progress, cancel=cancel)
        hu = _voxels(self.files[record.ct.member], record.ct, np.dtype("<i2"))
        labelled = _voxels(self.files[record.labels.member], record.labels, np.dtype("u1"))
        if labelled.max(initial=0) > NERVE:
            raise PlanError("The labels hold more than background, bone and nerve", REMEDY, name)
        volume = Volume(hu.astype(np.int16), _grid(record.ct), record.title)
        labels = on_regular_grid(Labels(labelled.astype(np.uint8), _grid(record.labels)), GRID_MM)
        made = Pictures(volume, labels)
        if record.checksum and made.checksum != record.checksum:
            raise PlanError("The labels of the case are not those that the pack was made with", REMEDY, name)
        return made

    def _record(self) -> PackRecord:
        members = {name: facts_of(content) for name, content in self.files.items()}
        return PackRecord(title=self.title, text=self.text, cases=self.cases, members=members)


def own_case(record: CaseRecord, volume: Volume, labels: Labels) -> tuple[CaseRecord, dict[str, bytes]]:
    """A teacher's own case as a pack holds it: the slices of the labels, and nothing of the CT's headers.

    Args:
        record: name, texts and tasks.
        volume: the CT, with axes as its file has them.
        labels: bone and nerve on cubes of 1 mm, as a .spinect file holds them.

    Returns:
        The case and its members by name.
    """
    part = _slices_about(volume, labels)
    ct, truth = f"cases/{record.name}/ct.i16", f"cases/{record.name}/labels.u8"
    members = {
        ct: np.ascontiguousarray(np.clip(np.rint(part.array), -32768, 32767).astype("<i2")).tobytes(),
        truth: np.ascontiguousarray(labels.array).tobytes(),
    }
    made = record.replaced(
        seed=None,
        pathologies=(),
        ct=VoxelsRecord.of(ct, part.geometry),
        labels=VoxelsRecord.of(truth, labels.geometry),
    )
    same = on_regular_grid(labels, GRID_MM)
    return made.replaced(checksum=Pictures(part, same).checksum), members


def _slices_about(volume: Volume, labels: Labels) -> Volume:
    """The part of a CT whose slices hold the labels, whole across."""
    index = volume.geometry.to_index(labels.geometry.corners())
    axis = int(np.argmax(np.abs(volume.geometry.direction[2])))
    along = 2 - axis
    low = max(int(np.floor(index[:, along].min())), 0)
    high = min(int(np.ceil(index[:, along].max())) + 1, volume.geometry.shape[along])
    if high - low < 2:
        raise UsageError("The labels lie beside the CT", "Give the CT that they were made on")
    box = tuple(slice(low, high) if each == along else slice(None) for each in range(3))
    array = np.ascontiguousarray(volume.array[box])
    first = volume.geometry.to_patient([low if each == along else 0 for each in range(3)])
    z, y, x = array.shape
    origin = (float(first[0]), float(first[1]), float(first[2]))
    return Volume(array, Geometry((z, y, x), volume.geometry.spacing, origin, volume.geometry.direction))


def _grid(record: VoxelsRecord) -> Geometry:
    grid = record.geometry
    extent = Extent(grid.shape[::-1], grid.spacing, max(map(abs, grid.origin)))
    if fault := extent.fault(CROP_MM):
        raise PlanError(f"The case has {extent}, and {fault}", REMEDY)
    return grid


def _voxels(content: bytes, record: VoxelsRecord, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    count = int(np.prod(record.shape, dtype=np.int64))
    if len(content) != count * kind.itemsize:
        raise PlanError(
            f"{len(content)} bytes are no picture of {times(record.shape)} voxels", REMEDY, record.member
        )
    return np.frombuffer(content, dtype=kind).reshape(record.shape)


# ------------------------------------------------------------------------------------------------------------ the file


def write_pack(pack: Pack, path: Path | str) -> None:
    """Write a pack, in one move. The same pack gives the same bytes.

    Raises:
        PlanError: it is too large, or holds what no file can.
        OutputError: the file cannot be written.
    """
    try:
        head = json_text(pack._record().to_dict()).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise PlanError(f"The pack cannot be stored ({reason(error)})", "Mend its texts", path) from error
    members = {name: pack.files[name] for name in sorted(pack.files)}
    if not FILE.fits(head, members):
        size = len(head) + sum(map(len, members.values()))
        raise PlanError(
            f"{size / 1e6:.0f} MB are more than a pack holds", "Put fewer own cases into one pack", path
        )
    write_whole(path, FILE.packed(head, members))


def read_pack(path: Path | str) -> Pack:
    """Read a pack that :func:`write_pack` wrote, on this computer or another; nothing in it is trusted.

    Raises:
        PlanError: no such file, no pack, a newer schema, a damaged, incomplete or hostile file.
    """
    try:
        head, members = FILE.unpack(Path(path), read_bounded)
        if head.get("format") != FORMAT:
            raise PlanError(f"This is not {FILE.title}", FILE.other_file)
        check_schema("pack", head.get("schema"), 1, SCHEMA, path)
        record = PackRecord.from_dict(head)
        for name in {*record.members, *members}:
            if name not in members or record.members.get(name) != facts_of(members[name]):
                raise PlanError(f"{name!r} in the pack was changed or is missing", REMEDY)
        return Pack(record.title, record.cases, record.text, members)
    except SpinectError as error:
        raise PlanError(error.fault, error.remedy, path) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise PlanError(f"A part of the pack is missing or wrong ({reason(error)})", REMEDY, path) from error
