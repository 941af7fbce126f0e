"""The picture of the soft tissue in the making: solids laid over a tissue map, and the random fields they vary by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.research.phantom.sdf import Block, Coordinates, Lattice, stretched
from spinect_core.research.phantom.structures import STRUCTURES


def cover(tissue: FloatArray, distance: FloatArray, value: FloatArray | float, edge: float) -> None:
    """Lay a solid over the tissue map in place, its edge antialiased over ``edge`` mm."""
    part = np.clip(0.5 - distance / edge, 0.0, 1.0)
    tissue += part * (value - tissue)


def texture(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> FloatArray:
    """Smooth random field of unit SD with structures of about ``grain`` voxels."""
    factor = max(grain / 3.0, 1.0)
    small = [max(int(np.ceil(n / factor)) + 2, 4) for n in shape]
    field = gaussian_filter(rng.standard_normal(small), 1.2)
    field /= max(float(field.std()) * (0.85 if factor > 1.0 else 1.0), 1e-9)
    for axis, (n, few) in enumerate(zip(shape, small, strict=True)):
        field = stretched(field, np.linspace(0.0, few - 1.0, n), np.arange(few, dtype=np.float64), axis)
    return np.asarray(field)


@dataclass(frozen=True, eq=False)
class Marble:
    """A smooth random field of unit SD that belongs to the specimen, not to the grid of a picture.

    Attributes:
        values: samples [z, y, x]; the field repeats itself beyond them.
        grain: mm between samples along (x, y, z).
    """

    values: FloatArray
    grain: tuple[float, float, float]

    @classmethod
    def draw(cls, grain: tuple[float, float, float], rng: np.random.Generator) -> Marble:
        """A field with structures of about two ``grain`` (x, y, z) in mm."""
        values = gaussian_filter(rng.standard_normal((40, 56, 64)), 0.9, mode="wrap")
        return cls(values / values.std(), grain)

    def at(self, p: Coordinates) -> FloatArray:
        """The field at coordinates in mm."""
        index = [p[axis] / self.grain[axis] for axis in (2, 1, 0)]
        return np.asarray(
            map_coordinates(self.values, index, order=1, mode="grid-wrap", output=np.float64),
            dtype=np.float64,
        )


@dataclass(frozen=True, eq=False)
class Canvas:
    """Tissue map and structures of the trunk, and the coarse coordinates on which its solids are evaluated.

    Attributes:
        tissue: HU [z, y, x] on the whole grid, painted in place.
        structures: uint8 [z, y, x], numbered in place.
        lattice: the coarse sampling of the grid.
        p: coordinates of the specimen on the lattice, mm.
        left: where x is to the left, on the whole grid.
        edge: mm over which edges are antialiased.
    """

    tissue: FloatArray
    structures: LabelArray
    lattice: Lattice
    p: Coordinates
    left: np.ndarray
    edge: float

    def around(self, coarse: FloatArray, margin: float = 3.0) -> tuple[Block, Block, Lattice] | None:
        """The part of lattice and grid where a coarse distance is below ``margin``; None if nowhere."""
        near = coarse < margin
        rough, fine, picks = [], [], []
        for axis in range(3):
            hit = np.flatnonzero(near.any(axis=tuple(a for a in range(3) if a != axis)))
            if hit.size == 0:
                return None
            low, high = max(int(hit[0]) - 1, 0), min(int(hit[-1]) + 1, near.shape[axis] - 1)
            at = self.lattice.picks[axis][low : high + 1]
            rough.append(slice(low, high + 1))
            fine.append(slice(int(at[0]), int(at[-1]) + 1))
            picks.append(at - at[0])
        part = Lattice(tuple(s.stop - s.start for s in fine), (picks[0], picks[1], picks[2]))
        return (rough[0], rough[1], rough[2]), (fine[0], fine[1], fine[2]), part

    def lay(self, coarse: FloatArray, value: FloatArray | float, name: str = "", sided: bool = False) -> None:
        """Lay a solid, given by its distance on the lattice, over the map.

        Args:
            coarse: signed distance on the lattice, mm.
            value: HU; a number or a field on the lattice.
            name: of its structure, without a side if ``sided``; none is numbered when empty.
            sided: the structure has a number on either side.
        """
        found = self.around(coarse)
        if found is None:
            return
        rough, fine, part = found
        distance = part.refine(coarse[rough])
        hu = part.refine(value[rough]) if isinstance(value, np.ndarray) else value
        cover(self.tissue[fine], distance, hu, self.edge)
        if name:
            inside = distance < 0.0
            view = self.structures[fine]
            if sided:
                numbers = np.where(
                    self.left[fine], STRUCTURES[f"{name} left"], STRUCTURES[f"{name} right"]
                ).astype(np.uint8)
                view[inside] = numbers[inside]
            else:
                view[inside] = STRUCTURES[name]
