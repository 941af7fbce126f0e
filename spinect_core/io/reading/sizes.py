"""Whether a grid can be that of a body, and which unit of length its numbers are in if not.

Between a micrometre and a metre no two units both make a body of the same numbers, with one exception (centimetres and
millimetres, of a small or a very large body). So a wrong unit is recognised by what it makes of the body.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinect_core.base.errors import SpatialError

UNITS = {"micrometres": 0.001, "millimetres": 1.0, "centimetres": 10.0, "metres": 1000.0}
"""mm in a unit of length."""
MILLIMETRES = "millimetres"

SMALLEST_VOXEL_MM = 0.08
"""The finest scanners of the body have 0.1 mm. Centimetres taken for millimetres make less of most CTs."""
LARGEST_VOXEL_MM = 20.0
COARSEST_MM = 5.0
"""Along two axes of a voxel: only slices lie farther apart."""
LARGEST_BODY_MM = 3000.0
FARTHEST_MM = 10_000.0
"""From the origin of the scanner's coordinates; tables move by two metres."""
BODY_MM = 40.0
"""The longest side of a CT has at least this: less than one vertebra is wide, and no CT of a spine is cut closer."""
CROP_MM = 2.0
"""The longest side of a file of labels, which may be cut to one small thing, has at least this."""
_REDO = "Export the CT again from its DICOM series"


@dataclass(frozen=True)
class Extent:
    """A grid's lengths in one unit of length.

    Attributes:
        shape: voxels along the file's axes, fastest first.
        spacing: mm along the same axes.
        farthest: mm from the origin of the coordinates to the first voxel.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    farthest: float

    @property
    def sides(self) -> tuple[float, ...]:
        """Lengths along the axes in mm."""
        return tuple(n * s for n, s in zip(self.shape, self.spacing, strict=True))

    def times(self, factor: float) -> Extent:
        """The same numbers in a unit that is so many times as long."""
        return Extent(self.shape, tuple(s * factor for s in self.spacing), self.farthest * factor)

    def fault(self, smallest_mm: float) -> str:
        """What no body has, as the end of a sentence; empty if there is nothing."""
        if min(self.spacing) < SMALLEST_VOXEL_MM or max(self.spacing) > LARGEST_VOXEL_MM:
            return f"voxels of a CT are {SMALLEST_VOXEL_MM:g} to {LARGEST_VOXEL_MM:g} mm wide"
        if sorted(self.spacing)[1] > COARSEST_MM:
            return f"voxels of a CT are at most {COARSEST_MM:g} mm wide along two of the three axes"
        if not smallest_mm <= max(self.sides) <= LARGEST_BODY_MM:
            return f"the longest side is {smallest_mm:g} to {LARGEST_BODY_MM:g} mm in a CT of a body"
        if self.farthest > FARTHEST_MM:
            return (
                f"it lies {self.farthest / 1000:.4g} m from the origin of its coordinates, "
                f"more than {FARTHEST_MM / 1000:g} m"
            )
        return ""

    def __str__(self) -> str:
        voxels, sides = (
            " x ".join(f"{s:.4g}" if s < 1000 else f"{s:.0f}" for s in each)
            for each in (self.spacing, self.sides)
        )
        return f"voxels of {voxels} mm and a volume of {sides} mm"


def check_sizes(
    shape: Sequence[int],
    spacing: Sequence[float],
    origin: Sequence[float],
    source: str | Path,
    *,
    unit: str = MILLIMETRES,
    smallest_mm: float = BODY_MM,
) -> None:
    """Make sure that a grid can be that of a body, and that no other unit of length would do as well.

    Args:
        shape: voxels along three axes.
        spacing: mm along the same axes, by the unit that the file states.
        origin: LPS mm of the first voxel, by the same unit.
        source: what to call the file in messages.
        unit: the unit that the file states, one of ``UNITS``.
        smallest_mm: least length of the longest side, ``BODY_MM`` or ``CROP_MM``.

    Raises:
        SpatialError: no body has this size or lies there; it tells what the other units would make of the numbers.
    """
    numbers = [float(n) for n in (*spacing, *origin)]
    if not all(math.isfinite(n) for n in numbers) or min(numbers[:3]) <= 0:
        shown = " x ".join(f"{s:g}" for s in numbers[:3])
        raise SpatialError(
            f"The voxel spacing {shown} mm is not positive, or the place is no number", _REDO, source
        )
    stated = Extent(tuple(int(n) for n in shape), tuple(numbers[:3]), max(abs(n) for n in numbers[3:]))
    others = {
        name: stated.times(mm / UNITS[unit])
        for name, mm in UNITS.items()
        if name != unit and not stated.times(mm / UNITS[unit]).fault(smallest_mm)
    }
    fault = stated.fault(smallest_mm)
    if not fault and (unit == MILLIMETRES or not others):
        return
    readings = "; ".join(f"in {name} it would have {extent}" for name, extent in others.items())
    if not fault:
        raise SpatialError(
            f"The header gives its lengths in {unit}, which makes {stated}; {readings}, which a body may have too",
            "Export the CT again with its lengths in millimetres",
            source,
        )
    raise SpatialError(
        f"Read in {unit}{'' if unit == MILLIMETRES else ', as the file says'}, it has {stated}, "
        f"and {fault}; {readings or 'no other unit of length makes a body of it'}",
        f"Correct the unit or the numbers in the header, or {_REDO[0].lower()}{_REDO[1:]}"
        if others
        else _REDO,
        source,
    )
