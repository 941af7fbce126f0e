"""Thin solids laid into the picture on its own grid: vessels, nodes, ureters and bowel beside the nerves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import Course, tube_distance

PIECE = 32
"""Points of a course handled at once: 16 mm of its length, so that no large block is searched for a thin thing."""
RIM_MM = 2.0


@dataclass(frozen=True, eq=False)
class Strand:
    """Something round or long that is no nerve.

    Attributes:
        course: its path and its radii.
        hu: of it.
        number: of its structure.
        wall: mm of its wall; 0 where it is the same throughout.
        content: HU within the wall.
    """

    course: Course
    hu: float
    number: int
    wall: float = 0.0
    content: float = 0.0


class StrandLayer:
    """How much of every voxel strands fill, and with what; laid over the tissue at once.

    Args:
        geometry: the grid, mm.
        edge: mm over which edges are antialiased.
    """

    def __init__(self, geometry: Geometry, edge: float) -> None:
        self._geometry = geometry
        self._edge = edge
        self.part = np.zeros(geometry.shape, np.float32)
        self.value = np.zeros(geometry.shape, np.float32)
        self.number: LabelArray = np.zeros(geometry.shape, np.uint8)

    def add(self, strand: Strand) -> None:
        """Lay a strand over those that are there."""
        course = strand.course
        # Where two pieces of something hollow meet there would be a wall across it.
        step = PIECE if strand.wall == 0.0 else len(course.points)
        for first in range(0, max(len(course.points) - 1, 1), step):
            piece = slice(first, first + step + 1)
            self._add_piece(Course(course.name, course.points[piece], course.radii[piece]), strand)

    def _add_piece(self, piece: Course, strand: Strand) -> None:
        geometry = self._geometry
        margin = (float(piece.radii.max()) + RIM_MM) / np.asarray(geometry.spacing[::-1])
        index = geometry.to_index(piece.points)
        low = np.maximum(np.floor(index.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(index.max(axis=0) + margin) + 1, geometry.shape).astype(int)
        if np.any(high <= low):
            return
        block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        grids = np.meshgrid(*[np.arange(s.start, s.stop) for s in block], indexing="ij")
        where = geometry.to_patient(np.stack([g.ravel() for g in grids], axis=1))
        distance = tube_distance(piece, where, RIM_MM).reshape(grids[0].shape)
        part = np.clip(0.5 - distance / self._edge, 0.0, 1.0)
        hu: FloatArray | float = strand.hu
        if strand.wall > 0.0:
            within = np.clip(0.5 - (distance + strand.wall) / self._edge, 0.0, 1.0)
            hu = strand.hu + within * (strand.content - strand.hu)
        more = part > self.part[block]
        self.part[block] = np.where(more, part, self.part[block])
        self.value[block] = np.where(more | (part >= 1.0), hu, self.value[block])
        self.number[block][distance < 0.0] = strand.number

    def lay(self, tissue: FloatArray, structures: LabelArray, over: FloatArray) -> None:
        """Lay all over a tissue map in place; what is denser, such as muscle round a vessel, keeps its density.

        Args:
            tissue: HU [z, y, x].
            structures: uint8 [z, y, x].
            over: where strands may be, above zero: signed distance of what they keep out of, mm.
        """
        free = np.clip(0.5 + over / self._edge, 0.0, 1.0)
        part = self.part * free
        blended = tissue + part * (self.value - tissue)
        hollow = self.value < -20.0
        tissue[...] = np.where(hollow, blended, np.maximum(tissue, blended))
        inside = (self.number > 0) & (over > 0)
        structures[inside] = self.number[inside]
