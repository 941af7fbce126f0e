"""A zip with a head in JSON and members: packed alike every time, and unpacked with distrust.

Plans and packs of cases are such files. Whoever reads one gets its head and the contents of its members, none of them
trusted yet; names that lead out, bombs, and what this program does not write are refused before anything is unpacked.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field

from spinect_core.base.errors import PlanError
from spinect_core.base.files import NotPlain
from spinect_core.base.plain import parse_json
from spinect_core.base.reasons import reason
from spinect_core.image.volume import Geometry
from spinect_core.plan.plan import Grid, Sizes, Three
from spinect_core.plan.records import Path as InnerPath
from spinect_core.plan.records import Record, inner_path

COMPRESSION = 6
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every member's time, the first a zip can hold: the same content is the same file whenever it is written."""
DO_NOT_OPEN = "Do not open it; ask its sender"
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
    OSError,
)
"""What Python raises on a damaged zip."""


@dataclass(frozen=True)
class Container:
    """A kind of such a file.

    Attributes:
        what: it is called in messages.
        title: what a file of this kind is: ``a SPINECT document``.
        head: name of the member that holds the head.
        largest: bytes of all members together, unpacked.
        largest_head: bytes of the head.
        most_members: the head among them.
        other_file: the remedy where a file is of another kind.
        again: the remedy where it is damaged.
    """

    what: str
    title: str
    head: str
    largest: int
    largest_head: int
    most_members: int
    other_file: str
    again: str

    def fits(self, head: bytes, members: Mapping[str, bytes]) -> bool:
        """Whether a file of this kind may hold so much."""
        size = len(head) + sum(map(len, members.values()))
        return size <= self.largest and len(head) <= self.largest_head and len(members) < self.most_members

    def packed(self, head: bytes, members: Mapping[str, bytes]) -> bytes:
        """The bytes of the file: the head first, then the members in their order."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in {self.head: head, **members}.items():
                info = zipfile.ZipInfo(name, EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3  # else it would reveal the system it was written on
                info.external_attr = 0o644 << 16
                archive.writestr(info, content, compresslevel=COMPRESSION)
        return stream.getvalue()

    def unpack(
        self, path: Path, read: Callable[[Path, int], bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The head and the other members of a file, none of them trusted yet.

        Args:
            path: the file.
            read: gives its bytes, at most so many.

        Raises:
            PlanError: no such file, another one, or a damaged or hostile one.
        """
        try:
            packed = read(path, self.largest)
        except NotPlain as error:
            raise PlanError(
                f"The {self.what} cannot be read: {error.strerror or error}", self.other_file
            ) from error
        except OSError as error:
            raise PlanError(
                f"The {self.what} cannot be read ({error.strerror or error})",
                f"{self.other_file.rstrip('.')} that is there and that you may read",
            ) from error
        if not packed.startswith(b"PK\x03\x04"):
            raise PlanError(f"This is not {self.title}", self.other_file)
        try:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                infos = archive.infolist()
                self._refuse_hostile(infos)
                contents = {info.filename: archive.read(info) for info in infos}
        except _UNREADABLE as error:
            raise PlanError(
                f"The {self.what} is damaged or only partly copied ({reason(error)})", self.again
            ) from error
        if self.head not in contents:
            raise PlanError(f"This is not {self.title}: it has no {self.head}", self.other_file)
        return self._head(contents.pop(self.head)), contents

    def _refuse_hostile(self, infos: list[zipfile.ZipInfo]) -> None:
        """Refuse before anything is unpacked what would hurt or cannot have been written by this program."""
        if len(infos) > self.most_members:
            raise PlanError(
                f"The {self.what} holds {len(infos)} members, more than any {self.what} does", DO_NOT_OPEN
            )
        names = [info.filename for info in infos]
        if len(set(names)) != len(names):
            raise PlanError(f"The {self.what} holds a member twice", self.again)
        for info in infos:
            if not is_member_name(info.filename):
                raise PlanError(
                    f"The {self.what} holds a member that leads out of it ({info.filename[:80]!r})",
                    DO_NOT_OPEN,
                )
            if info.flag_bits & 1:
                raise PlanError(f"The {self.what} is protected by a password", self.other_file)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise PlanError(f"The {self.what} is packed in a way this program does not use", self.again)
        # Python's zipfile unpacks no more of a member than it declares.
        size = sum(info.file_size for info in infos)
        head = sum(info.file_size for info in infos if info.filename == self.head)
        if size > self.largest or head > self.largest_head:
            raise PlanError(
                f"The {self.what} claims to hold {size / 1e6:.0f} MB, more than any {self.what} does",
                DO_NOT_OPEN,
            )

    def _head(self, content: bytes) -> dict[str, Any]:
        try:
            head = parse_json(content.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise PlanError(
                f"{self.head} in the {self.what} is damaged ({reason(error)})", self.again
            ) from error
        if not isinstance(head, dict):
            raise PlanError(f"This is not {self.title}", self.other_file)
        return head


class VoxelsRecord(Record):
    """Voxels of a member, and where they lie in the patient.

    Attributes:
        member: of the zip that holds the voxels [z, y, x].
        shape: voxels along (z, y, x).
        spacing: mm along (x, y, z).
        origin: LPS mm of the centre of voxel [0, 0, 0].
        direction: the nine numbers of the 3x3 matrix, row by row.
    """

    member: InnerPath
    shape: Annotated[Sizes, Field(alias="shape_zyx")]
    spacing: Annotated[Three, Field(alias="spacing_xyz_mm")]
    origin: Annotated[Three, Field(alias="origin_lps_mm")]
    direction: Annotated[tuple[Grid, ...], Field(min_length=9, max_length=9)]

    @classmethod
    def of(cls, member: str, grid: Geometry) -> Self:
        """Those of a grid."""
        return cls(
            member=member,
            shape=grid.shape,
            spacing=grid.spacing,
            origin=grid.origin,
            direction=tuple(grid.direction.ravel().tolist()),
        )

    @property
    def geometry(self) -> Geometry:
        """Their grid."""
        return Geometry(self.shape, self.spacing, self.origin, np.asarray(self.direction).reshape(3, 3))


def is_member_name(name: str) -> bool:
    """Whether a member may be called so: a path of a file that stays inside, the same on every system."""
    try:
        return bool(inner_path(name)) and not name.endswith("/")
    except ValueError:
        return False


def facts_of(content: bytes) -> dict[str, Any]:
    """What the table of a file's members says of one."""
    return {"bytes": len(content), "sha256": sha256(content).hexdigest()}
