"""Distances, angles and areas between points placed by hand, in a view or in a slice.

All of them are taken as they are seen: the points are projected in parallel along a line of sight, as those of a
triangle are. In a slice the line of sight is the normal of its plane, in which the points lie, so what is seen there is
the true length, angle or area in that plane. In the 3D view it is the length, angle or area *of this view*; where every
point was picked on a surface, :attr:`Figure.in_space` says besides what it is between these points in space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import reason, times
from spinect_core.base.words import CutPlane, FigureKind, word
from spinect_core.geometry.polygon import crosses_itself, edge_lengths, signed_area
from spinect_core.geometry.triangle import SMALLEST_SHAPE, now, stored_time
from spinect_core.geometry.view import View

PLANE_VIEWS: Mapping[CutPlane, View] = MappingProxyType(
    {
        CutPlane.AXIAL: View(180.0, -90.0),
        CutPlane.SAGITTAL: View(90.0),
        CutPlane.CORONAL: View(180.0),
    }
)
"""The line of sight of a slice, in the radiological convention: axial from the feet, sagittal from the left, coronal
from the front."""
NORMALS: Mapping[CutPlane, int] = MappingProxyType(
    {CutPlane.AXIAL: 2, CutPlane.SAGITTAL: 0, CutPlane.CORONAL: 1}
)
"""The patient axis (0 left, 1 back, 2 head) along which a plane is scrolled."""
UNITS: Mapping[FigureKind, str] = MappingProxyType(
    {FigureKind.DISTANCE: "mm", FigureKind.ANGLE: "°", FigureKind.POLYGON: "mm²"}
)
FEWEST_POINTS: Mapping[FigureKind, int] = MappingProxyType(
    {FigureKind.DISTANCE: 2, FigureKind.ANGLE: 3, FigureKind.POLYGON: 3}
)
MOST_POINTS = 100
"""Of a polygon; more nobody places by hand."""
SMALLEST_MM = 1e-3
"""Points that lie closer, as they are seen, lie in one place."""
FLAT_MM = 1e-6
"""Within which points lie in one slice."""
SAME_DEG = 1e-6


@dataclass(frozen=True, eq=False)
class Figure:
    """Points in the patient, and what is measured between them.

    Attributes:
        kind: a distance between two points, the angle at the second of three, or the area within three or more.
        vertices: LPS mm (n, 3), in order: the ends of a distance, the legs of an angle with its apex between them, or
            the corners of a polygon.
        view: the line of sight it is measured along; that of the plane where there is one.
        plane: of the slice it was drawn in; None for the 3D view.
        on_surface: whether each point was picked on a surface of bone or nerve and lies there.
        created: ISO 8601 time.

    Raises:
        MeasurementError: too few or too many points, points that are not finite or not in the plane, points that lie in
            one place or on one line as they are seen, an outline that crosses itself, or an unknown kind or plane.
    """

    kind: FigureKind
    vertices: FloatArray
    view: View
    plane: CutPlane | None = None
    on_surface: bool = False
    created: str = field(default_factory=now)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", word(FigureKind, self.kind, "measurement"))
        if self.plane is not None:
            object.__setattr__(self, "plane", word(CutPlane, self.plane, "plane"))
        points = np.array(self.vertices, dtype=np.float64)
        fewest = FEWEST_POINTS[self.kind]
        most = MOST_POINTS if self.kind == FigureKind.POLYGON else fewest
        if points.ndim != 2 or points.shape[1] != 3 or not fewest <= len(points) <= most:
            wanted = f"{fewest} to {most}" if most > fewest else f"{fewest}"
            raise MeasurementError(
                f"An array of {times(points.shape)} numbers is no list of {wanted} points",
                f"A {self.kind} has {wanted} points: place them again",
            )
        if not np.isfinite(points).all():
            raise MeasurementError("A point of the measurement is not finite", "Place the points again")
        points.setflags(write=False)
        object.__setattr__(self, "vertices", points)
        self._check_place()
        self._check_shape()

    def _check_place(self) -> None:
        if self.plane is None:
            if self.on_surface and self.kind == FigureKind.POLYGON:
                raise MeasurementError(
                    "The corners of a polygon lie at one depth and not on a surface", "Draw it again"
                )
            return
        if self.view.angle_to(PLANE_VIEWS[self.plane]) > SAME_DEG or self.on_surface:
            raise MeasurementError(
                f"What lies in the {self.plane} plane is not seen {self.view.words}",
                "Measure again in the slice",
            )
        if float(np.ptp(self.vertices[:, NORMALS[self.plane]])) > FLAT_MM:
            raise MeasurementError(
                f"The points do not lie in one {self.plane} slice", "Place all of them in the same slice"
            )

    def _check_shape(self) -> None:
        flat = self.projected
        if self.kind == FigureKind.POLYGON:
            if crosses_itself(flat):
                raise MeasurementError(
                    f"Seen {self.view.words} the outline crosses itself and bounds no single area",
                    "Place the points in order along the border",
                )
            if abs(signed_area(flat)) <= SMALLEST_SHAPE * float(np.ptp(flat, axis=0).max()) ** 2:
                raise MeasurementError(
                    f"Seen {self.view.words} the points lie on one line and bound no area",
                    "Move a point aside",
                )
        elif min(edge_lengths(flat)[: len(flat) - 1]) < SMALLEST_MM:
            raise MeasurementError(
                f"Seen {self.view.words} two points lie in one place", "Place them apart from each other"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Figure) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.vertices.tobytes(), self.view, self.plane))

    @property
    def projected(self) -> FloatArray:
        """Coordinates (n, 2) in mm, right and up, as they are seen; taken from the first point."""
        # Points a metre from the origin keep all their digits.
        return self.view.project(self.vertices - self.vertices[0])

    @property
    def value(self) -> float:
        """What is measured, as it is seen: mm, degrees from 0 to 180, or mm²."""
        if self.kind == FigureKind.POLYGON:
            return abs(signed_area(self.projected))
        return _between(self.kind, self.projected)

    @property
    def unit(self) -> str:
        """Of :attr:`value`."""
        return UNITS[self.kind]

    @property
    def in_space(self) -> float | None:
        """The same between the points in space, whatever the view; None unless they were picked on surfaces."""
        return _between(self.kind, self.vertices) if self.on_surface else None

    @property
    def edges_mm(self) -> tuple[float, ...]:
        """Lengths from each point to the next as they are seen; of a polygon also back to the first."""
        lengths = edge_lengths(self.projected)
        return lengths if self.kind == FigureKind.POLYGON else lengths[:-1]

    @property
    def centroid(self) -> FloatArray:
        """LPS mm (3,) of the mean of the points."""
        return np.asarray(self.vertices.mean(axis=0), dtype=np.float64)

    @property
    def position_mm(self) -> float | None:
        """Where along its normal the slice lies, LPS mm; None without one."""
        return None if self.plane is None else float(self.vertices[0, NORMALS[self.plane]])

    @property
    def where(self) -> str:
        """Where it was measured, such as ``left oblique 27.0°`` or ``axial slice at −12.5 mm``."""
        if self.position_mm is None:
            return self.view.format(1)
        return f"{self.plane} slice at {told(self.position_mm)} mm"

    @property
    def text(self) -> str:
        """The value with its unit, such as ``23.4 mm``."""
        return value_text(self.value, self.unit)

    def moved(self, index: int, point: npt.ArrayLike, *, on_surface: bool | None = None) -> Figure:
        """The same with one point at another place.

        Args:
            index: of the point.
            point: LPS mm (3,).
            on_surface: whether all points lie on surfaces then; None for as before.
        """
        points = self.vertices.copy()
        points[index] = np.asarray(point, dtype=np.float64)
        return replace(
            self, vertices=points, on_surface=self.on_surface if on_surface is None else on_surface
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan. Value, unit and the like are for readers of the file; they follow from the points."""
        return {
            "kind": self.kind,
            "plane": self.plane,
            "on_surface": self.on_surface,
            "created": self.created,
            "vertices_lps_mm": self.vertices.tolist(),
            "view": self.view.to_dict(),
            "value": self.value,
            "unit": self.unit,
            "in_space": self.in_space,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Figure:
        """The figure of plain data, exactly as :meth:`to_dict` wrote it.

        Raises:
            MeasurementError: a value is missing or of the wrong kind, or a stored number is not that of the points.
        """
        try:
            plane = data["plane"]
            figure = cls(
                kind=word(FigureKind, data["kind"], "measurement"),
                vertices=np.asarray(data["vertices_lps_mm"], dtype=np.float64),
                view=View.from_dict(data["view"]),
                plane=None if plane is None else word(CutPlane, plane, "plane"),
                on_surface=data["on_surface"] is True,
                created=stored_time(data["created"]),
            )
            stored, space = float(data["value"]), data["in_space"]
            space = None if space is None else float(space)
        except (KeyError, TypeError, ValueError) as error:
            raise MeasurementError(
                f"The stored measurement is not complete ({reason(error)})",
                "Use the plan as the program wrote it, or measure again",
            ) from error
        if data.get("unit") != figure.unit:
            raise MeasurementError(
                f"A stored {figure.kind} is not in {figure.unit}",
                "The plan was edited by hand; measure again",
            )
        _refuse_other(figure.value, stored, figure.unit)
        if (figure.in_space is None) != (space is None):
            raise MeasurementError(
                f"A stored {figure.kind} and its points do not agree whether they lie on a surface",
                "The plan was edited by hand; measure again",
            )
        if figure.in_space is not None and space is not None:
            _refuse_other(figure.in_space, space, figure.unit)
        return figure


def told(value: float) -> str:
    """A number with one decimal and a proper minus."""
    return f"{value:z.1f}".replace("-", "\N{MINUS SIGN}")


def value_text(value: float, unit: str) -> str:
    """A value with its unit, such as ``23.4 mm`` or ``47.1°``."""
    return f"{told(value)}{unit}" if unit == "°" else f"{told(value)} {unit}"


def _between(kind: FigureKind, points: FloatArray) -> float:
    """Length in mm of two points, or angle in degrees at the second of three, (n, 2 or 3)."""
    if kind == FigureKind.DISTANCE:
        return float(np.linalg.norm(points[1] - points[0]))
    first, second = points[0] - points[1], points[2] - points[1]
    # Of the two lengths, and not of the cosine alone, which loses its digits near 0° and 180°.
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    half = np.arctan2(np.linalg.norm(first - second), np.linalg.norm(first + second))
    return float(np.degrees(2 * half))


def _refuse_other(found: float, stored: float, unit: str) -> None:
    if not abs(found - stored) <= 1e-6 * max(abs(stored), 1.0):
        raise MeasurementError(
            f"The stored {value_text(stored, unit)} are not those of the stored points, "
            f"{value_text(found, unit)}",
            "The plan was edited by hand; measure again",
        )
