"""What a place on bone or nerve is called: "L5 transverse process left", "sacral ala right", "thecal sac"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from spinect_core.anatomy.levels import Level, renamed
from spinect_core.base.arrays import FloatArray
from spinect_core.base.files import whole_file
from spinect_core.image.pieces import largest_piece
from spinect_core.image.volume import BONE, NERVE

PIECES_APART_MM = 3.0
"""Surface points of one bone lie nearer than this to each other."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Points of known name on the surfaces of bone and nerve; the nearest one names a place.

    Attributes:
        points: (n, 3) LPS mm.
        kinds: (n,) index into ``names``.
        names: such as "L5 pedicle left"; roots by their number alone, "L5 root left".
        tissue: (n,) 1 bone, 2 nerve.
        level: the level at which roots are called exiting and traversing.
    """

    points: FloatArray
    kinds: npt.NDArray[np.int64]
    names: tuple[str, ...]
    tissue: npt.NDArray[np.int64]
    level: Level | None = None

    def renamed(self, source: Level, target: Level) -> Parts:
        """The same parts by the names of another level."""
        return replace(self, names=tuple(renamed(name, source, target) for name in self.names), level=target)

    @cached_property
    def _trees(self) -> dict[int, tuple[cKDTree, npt.NDArray[np.int64]]]:
        trees = {}
        for tissue in (BONE, NERVE):
            mine = self.tissue == tissue
            trees[tissue] = (cKDTree(self.points[mine]), self.kinds[mine])
        return trees

    def nearest(self, points: FloatArray, tissue: int = BONE) -> npt.NDArray[np.int64]:
        """Index (n,) into ``names`` of the part nearest to each point (n, 3)."""
        tree, kinds = self._trees[tissue]
        return np.asarray(kinds[tree.query(np.atleast_2d(points))[1]])

    def of(self, points: FloatArray, tissue: int = BONE) -> list[str]:
        """The name of the part at each of the points.

        Args:
            points: LPS mm (n, 3), on or near a surface.
            tissue: BONE or NERVE: which surface.
        """
        words = [self.called(name) for name in self.names]
        return [words[kind] for kind in self.nearest(points, tissue)]

    def called(self, name: str) -> str:
        """The name as it is said at the level: the root that leaves here is the exiting one."""
        if self.level is None or " root" not in name:
            return name
        if name.startswith(self.level.exiting):
            return f"exiting {name}"
        return f"traversing {name}" if name.startswith(self.level.traversing) else name

    def piece(self, name: str, points: FloatArray, kinds: npt.NDArray[np.int64]) -> FloatArray:
        """Those of points of bone that belong to a part: its largest piece alone, stray bone nearest to it is not it.

        Args:
            name: of the part.
            points: LPS mm (n, 3) on the surface of bone.
            kinds: (n,) as :meth:`nearest` gives them.
        """
        mine = points[kinds == self.names.index(name)] if name in self.names else points[:0]
        if not len(mine):
            return mine
        index = tuple(np.floor((mine - mine.min(axis=0)) / PIECES_APART_MM).astype(np.intp).T)
        filled = np.zeros([int(along.max()) + 1 for along in index], dtype=bool)
        filled[index] = True
        return np.asarray(mine[largest_piece(filled, corners=True)[index]])

    def surface_near(self, place: FloatArray, count: int = 60) -> FloatArray:
        """The ``count`` points of bone (count, 3) nearest to a place."""
        tree = self._trees[BONE][0]
        return np.asarray(tree.data[tree.query(place, k=min(count, tree.n))[1]])


TENTHS = 10.0
"""In files, places are whole tenths of a millimetre."""


def write_parts(parts: Parts, path: Path) -> None:
    """Write places, kinds and tissues; the names are kept elsewhere."""
    with whole_file(path) as stream:
        np.savez_compressed(
            stream,
            places=np.rint(parts.points * TENTHS).astype(np.int16),
            kinds=parts.kinds.astype(np.uint8),
            tissue=parts.tissue.astype(np.uint8),
        )


def read_parts(path: Path, names: tuple[str, ...]) -> Parts:
    """Read what :func:`write_parts` wrote.

    Raises:
        OSError, KeyError, ValueError: the file is missing or is another one.
    """
    with np.load(path) as stored:
        return Parts(
            stored["places"].astype(np.float64) / TENTHS,
            stored["kinds"].astype(np.int64),
            names,
            stored["tissue"].astype(np.int64),
        )
