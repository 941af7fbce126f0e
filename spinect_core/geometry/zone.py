"""The part of the patient that a triangle names: three anatomical borders in space and the membrane between them.

A zone belongs to the anatomy and not to a view. Seen along any line of sight it has a projected outline; what bone and
nerve in front of it leave open there is the free window (:mod:`spinect_core.planning.zones.window`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import times
from spinect_core.base.words import Kind, Role, Side, Version, word
from spinect_core.geometry.membrane import Membrane, stretch
from spinect_core.geometry.triangle import KIND_NAMES


@dataclass(frozen=True, eq=False)
class Border:
    """One anatomical side of a zone.

    Attributes:
        name: of the anatomical line, for example "superior border of S1".
        role: in the triangle.
        points: LPS mm (n, 3) along it, n at least 2.
        confidence: 0 to 1, how sure the place is.

    Raises:
        MeasurementError: an unknown role, fewer than two points, or points that are not finite.
    """

    name: str
    role: Role
    points: FloatArray
    confidence: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", word(Role, self.role, "border of a triangle"))
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
            raise MeasurementError(
                f"An array of {times(points.shape)} numbers is no border",
                "Give at least two points in space",
                self.name,
            )
        if not np.isfinite(points).all():
            raise MeasurementError("A point of the border is not finite", "Place the border again", self.name)
        points.setflags(write=False)
        object.__setattr__(self, "points", points)


@dataclass(frozen=True, eq=False)
class Zone:
    """The three borders of one triangle.

    Attributes:
        kind: which triangle.
        version: bony (the articular process is the height) or neural (the dura is); none for the safe triangle.
        side: the patient's.
        level: such as "L5/S1".
        borders: in order round the outline, each running on from the end of the one before.
        confidence: 0 to 1.

    Raises:
        MeasurementError: an unknown kind or side, or borders that enclose nothing.
    """

    kind: Kind
    version: Version
    side: Side
    level: str
    borders: tuple[Border, ...]
    confidence: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", word(Kind, self.kind, "triangle"))
        object.__setattr__(self, "version", word(Version, self.version, "version of a triangle"))
        object.__setattr__(self, "side", word(Side, self.side, "side"))
        if not self.borders or len(self.outline) < 3:
            raise MeasurementError(
                f"The borders of the {self.name} enclose nothing", "Place them again", self.level
            )

    @property
    def name(self) -> str:
        """Such as "left Kambin triangle (bony)"."""
        return f"{self.side} {KIND_NAMES[self.kind]}" + (f" ({self.version})" if self.version else "")

    @property
    def outline(self) -> FloatArray:
        """LPS mm (m, 3), the borders one after the other, no point twice in a row, not closed."""
        points = np.concatenate([border.points for border in self.borders])
        apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > 1e-6
        return np.asarray(points[apart])

    def border(self, role: str) -> tuple[FloatArray, ...]:
        """The pieces, each LPS mm (n, 3), of the borders that play a role; most often one."""
        return tuple(border.points for border in self.borders if border.role == role)

    @cached_property
    def surface(self) -> Membrane:
        """The membrane between the borders with its rim.

        Raises:
            MeasurementError: the outline encloses no area from any side.
        """
        found = stretch(self.outline)
        if found is None:
            raise MeasurementError(
                f"The borders of the {self.name} enclose nothing", "Place them again", self.level
            )
        return found

    @property
    def membrane(self) -> tuple[FloatArray, npt.NDArray[np.int32]]:
        """Points LPS mm (n, 3) and triangles (m, 3) of a surface stretched over the outline like a soap film.

        Raises:
            MeasurementError: the outline encloses no area from any side.
        """
        return self.surface.points, self.surface.corners

    @property
    def centre(self) -> FloatArray:
        """LPS mm (3,), the middle of the membrane by area."""
        points, corners = self.membrane
        a, b, c = (points[corners[:, i]] for i in range(3))
        weight = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return np.asarray(((a + b + c) / 3 * weight[:, None]).sum(axis=0) / weight.sum())
