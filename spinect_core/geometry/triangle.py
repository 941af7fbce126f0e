"""The triangle a needle has to pass: points in the patient, measured along a line of sight.

Area is geometry: the vertices are projected in parallel along the view and the polygon's area is computed in mm².
No pixel is counted, so neither zoom nor window nor display changes the number, and the stored points alone give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import reason, times
from spinect_core.base.words import Author, Kind, Side, author_of, word
from spinect_core.geometry.polygon import crosses_itself, edge_lengths, interior_angles, signed_area
from spinect_core.geometry.view import View

KIND_NAMES: Mapping[str, str] = {Kind.KAMBIN: "Kambin triangle", Kind.SAFE: "safe triangle"}
DEFINITIONS: Mapping[str, str] = {
    Kind.KAMBIN: (
        "hypotenuse: exiting L5 root; base: superior border of S1; height: S1 superior articular process or "
        "traversing root and dura"
    ),
    Kind.SAFE: (
        "base: lower margin of the L5 pedicle; height: lateral border of the vertebral body; hypotenuse: outer border "
        "of the exiting L5 nerve"
    ),
}
"""Borders of the two triangles after Fan et al., AJNR 2019;40:1074."""
DEFAULT_LEVEL = "L5/S1"
LONGEST_TIME = 40
LONGEST_TEXT = 20_000
SMALLEST_SHAPE = 1e-6
"""Area over squared extent below which points lie on one line: no border of a bone is known to a millionth."""


def now() -> str:
    """The time as an ISO 8601 string in UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def stored_time(text: object) -> str:
    """A time as a file holds it.

    Raises:
        ValueError: it is no ISO 8601 time.
    """
    if not isinstance(text, str) or len(text) > LONGEST_TIME:
        raise ValueError("a time that is none")
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a time that is none") from error
    return text


def stored_text(text: object) -> str:
    """A text as a file holds it.

    Raises:
        ValueError: it is none, or longer than any that the program writes.
    """
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise ValueError("a text that is none or too long")
    return text


@dataclass(frozen=True, eq=False)
class Triangle:
    """Three or more points in the patient and the line of sight they are measured along.

    Attributes:
        kind: which triangle.
        side: the patient's.
        vertices: LPS mm (n, 3), n at least 3, in order along the outline.
        view: the line of sight of the measurement.
        level: "L5/S1".
        definition: the anatomical borders the points were placed on.
        author: "user" or "automatic".
        created: ISO 8601 time.

    Raises:
        MeasurementError: fewer than three points, points that are not finite, points on one line as seen along the
            view, an outline that crosses itself there, or an unknown kind or side.
    """

    kind: Kind
    side: Side
    vertices: FloatArray
    view: View
    level: str = DEFAULT_LEVEL
    definition: str = ""
    author: Author = Author.USER
    created: str = field(default_factory=now)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", word(Kind, self.kind, "triangle"))
        object.__setattr__(self, "side", word(Side, self.side, "side"))
        object.__setattr__(self, "author", word(Author, self.author, "author"))
        vertices = np.array(self.vertices, dtype=np.float64)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) < 3:
            raise MeasurementError(
                f"An array of {times(vertices.shape)} numbers is no list of three or more points, and bounds no area",
                "Place at least three points in the view",
            )
        if not np.isfinite(vertices).all():
            raise MeasurementError("A point of the triangle is not finite", "Place the points again")
        vertices.setflags(write=False)
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "definition", self.definition or DEFINITIONS[self.kind])
        extent = float(np.ptp(vertices, axis=0).max())
        if self._area(self.view) <= SMALLEST_SHAPE * extent**2:
            raise MeasurementError(
                f"Seen {self.view.words} the points lie on one line and bound no area",
                "Move a point aside, or measure in a view that faces them",
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Triangle) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.side, self.vertices.tobytes(), self.view))

    @classmethod
    def from_clicks(
        cls,
        view: View,
        points: npt.ArrayLike,
        depth: npt.ArrayLike,
        *,
        kind: Kind,
        side: Side,
        level: str = DEFAULT_LEVEL,
        definition: str = "",
        author: Author = Author.USER,
    ) -> Triangle:
        """A triangle placed in a view.

        Args:
            view: the view clicked in; it becomes the line of sight of the measurement.
            points: picture coordinates (n, 2) in mm, as :meth:`View.project` gives them.
            depth: mm along the line of sight, one for all points or (n,) one for each; see :meth:`View.depth`.
            kind: "kambin" or "safe".
            side: "left" or "right".
            level: the level of the spine.
            definition: the borders the points were placed on; empty for the usual ones of the kind.
            author: "user" or "automatic".
        """
        return cls(kind, side, view.unproject(points, depth), view, level, definition, author)

    @property
    def projected(self) -> FloatArray:
        """Picture coordinates (n, 2) in mm, right and up, in the triangle's own view."""
        return self.view.project(self.vertices)

    @property
    def area_mm2(self) -> float:
        """Area in mm² seen along the triangle's own view, in parallel projection."""
        return self._area(self.view)

    @property
    def edges_mm(self) -> tuple[float, ...]:
        """Edge lengths in mm as seen in the triangle's own view, from each vertex to the next."""
        return edge_lengths(self.projected)

    @property
    def angles_deg(self) -> tuple[float, ...]:
        """Interior angles in degrees at each vertex as seen in the triangle's own view."""
        return interior_angles(self.projected)

    @property
    def edges_in_space_mm(self) -> tuple[float, ...]:
        """Edge lengths in mm between the points themselves, whatever the view."""
        return edge_lengths(self.vertices)

    @property
    def facing_area_mm2(self) -> float:
        """The largest area in mm² any view can see: the triangle looked at face on."""
        return float(np.linalg.norm(self._area_vector()))

    @property
    def centroid(self) -> FloatArray:
        """LPS mm (3,) of the mean of the vertices."""
        return np.asarray(self.vertices.mean(axis=0), dtype=np.float64)

    @property
    def name(self) -> str:
        """For example ``left safe triangle L5/S1``."""
        return f"{self.side} {KIND_NAMES[self.kind]} {self.level}"

    def area_in(self, view: View) -> float:
        """Area in mm² of the same points seen along another view; 0 from the edge.

        For points in one plane this is the area face on times the cosine of the angle between sight and plane normal.

        Raises:
            MeasurementError: seen this way the outline crosses itself.
        """
        return self._area(view)

    def moved(self, index: int, point: npt.ArrayLike) -> Triangle:
        """The triangle with one vertex at another place, LPS mm (3,)."""
        vertices = self.vertices.copy()
        vertices[index] = np.asarray(point, dtype=np.float64)
        return replace(self, vertices=vertices)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan. The area and its kin are for readers of the file; they follow from the points."""
        return {
            "kind": self.kind,
            "side": self.side,
            "level": self.level,
            "definition": self.definition,
            "author": self.author,
            "created": self.created,
            "vertices_lps_mm": self.vertices.tolist(),
            "view": self.view.to_dict(),
            "area_mm2": self.area_mm2,
            "edges_mm": list(self.edges_mm),
            "angles_deg": list(self.angles_deg),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Triangle:
        """The triangle of plain data, exactly as :meth:`to_dict` wrote it.

        Raises:
            MeasurementError: a value is missing or of the wrong kind, or the stored area is not the area of the points.
        """
        try:
            triangle = cls(
                kind=word(Kind, data["kind"], "triangle"),
                side=word(Side, data["side"], "side"),
                vertices=np.asarray(data["vertices_lps_mm"], dtype=np.float64),
                view=View.from_dict(data["view"]),
                level=stored_text(data["level"]),
                definition=stored_text(data["definition"]),
                author=author_of(data["author"]),
                created=stored_time(data["created"]),
            )
            stored = float(data["area_mm2"])
        except (KeyError, TypeError, ValueError) as error:
            raise MeasurementError(
                f"The stored triangle is not complete ({reason(error)})",
                "Use the plan as the program wrote it, or plan the case again",
            ) from error
        if abs(triangle.area_mm2 - stored) > 1e-6 * max(stored, 1.0):
            raise MeasurementError(
                f"The stored area {stored:.3f} mm² is not that of the stored points, {triangle.area_mm2:.3f} mm²",
                "The plan was edited by hand; measure the triangle again",
            )
        return triangle

    def _area(self, view: View) -> float:
        # Relative to one vertex: points a metre from the origin keep all their digits.
        outline = view.project(self.vertices - self.vertices[0])
        if len(outline) > 3 and crosses_itself(outline):
            raise MeasurementError(
                f"Seen {view.words} the outline crosses itself and bounds no single area",
                "Place the points in order along the border, or measure in another view",
            )
        return abs(signed_area(outline))

    def _area_vector(self) -> FloatArray:
        """Vector (3,) in mm² whose dot product with a line of sight is the signed area seen along it."""
        corners = self.vertices - self.vertices[0]
        return np.asarray(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0) / 2, dtype=np.float64)
