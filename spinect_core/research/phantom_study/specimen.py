"""One specimen under the ruler: its labels, what is known of its L5/S1, and the measures found so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import MeasurementError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.bodies import Body, Ruler
from spinect_core.research.phantom_study.solids import Frame, Mask, Solid

SIDES = (("left", 1.0), ("right", -1.0))
NEEDLE_OBLIQUE = 27.0


@dataclass(eq=False)
class Specimen:
    """The labels of one specimen, and what was found so far.

    Attributes:
        structures: uint8 [z, y, x].
        geometry: their grid.
        names: number of every structure.
        inside: voxels inside the skin; None if unknown.
        values: mm, mm² or degrees by name.
        faults: why something could not be measured.
    """

    structures: LabelArray
    geometry: Geometry
    names: dict[str, int]
    inside: Mask | None = None
    values: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def mask(self, name: str) -> Mask:
        """Voxels of a structure; none where it has no number."""
        return np.asarray(self.structures == self.names.get(name, 255))

    def tried(self, what: str, measuring: Callable[[], None]) -> None:
        """Run a group of measures; a group that is not defined leaves a fault and no values."""
        try:
            measuring()
        except MeasurementError as error:
            self.faults.append(f"{what}: {error.fault}")


@dataclass(frozen=True, eq=False)
class Level:
    """What is known about L5/S1 once the bones have been found.

    Attributes:
        body: L5.
        sacrum: the sacrum.
        base: its frame, origin 8 mm under the S1 end plate.
        plate: centre and normal of the S1 end plate.
        lower, upper_s1: rulers on L5's lower and S1's upper end plate.
    """

    body: Body
    sacrum: Solid
    base: Frame
    plate: tuple[FloatArray, FloatArray]
    lower: Ruler
    upper_s1: Ruler

    @property
    def disc_up(self) -> FloatArray:
        """Axis of the disc, to the head."""
        up = self.body.lower[1] + self.plate[1]
        return np.asarray(up / np.linalg.norm(up))
