"""A stretch of a root that is not labelled, as a dashed line that is named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Side
from spinect_core.geometry.polyline import along
from spinect_core.geometry.view import View

DASH_MM, SPACE_MM = 2.0, 1.4
DOT_MM, DOT_SPACE_MM = 0.5, 1.2
STEP_MM = 0.25
MOST_PIECES = 200
"""No gap is so long; a damaged plan may claim it, and it is drawn coarsely."""
MOST_STEPS = 50
AWAY = 0.25
"""What lies on the other side of the patient is not named on a picture: the bone between hides it."""


@dataclass(frozen=True, eq=False)
class GapLine:
    """A stretch of a root that is not labelled.

    Attributes:
        points: LPS mm (n, 3) along its expected course.
        root: which, such as "L5 left".
        length_mm: along the course.
        side: of the patient.
        supposed: LPS mm (n, 3) along the course that the CT lets one suppose; None where nothing is supposed.
    """

    points: FloatArray
    root: str
    length_mm: float
    side: Side
    supposed: FloatArray | None = None

    @property
    def words(self) -> str:
        """Such as "L5 left, gap of 8 mm"."""
        return f"{self.root}, gap of {self.length_mm:.0f} mm"

    @property
    def middle(self) -> FloatArray:
        """LPS mm (3,), halfway."""
        return np.asarray(self.points[len(self.points) // 2])

    def faces(self, view: View) -> bool:
        """Whether the viewer looks on its side of the patient, or from the middle."""
        outwards = 1.0 if self.side == Side.LEFT else -1.0
        return bool(view.vector[0] * outwards > -AWAY)

    def dashes(self) -> tuple[FloatArray, ...]:
        """Pieces of the line, LPS mm (n, 3) each, with equal spaces between them; the first and last at its ends."""
        return _pieces(self.points, DASH_MM, SPACE_MM)

    def dots(self) -> tuple[FloatArray, ...]:
        """Short pieces of the supposed course in the same way; none where nothing is supposed."""
        return () if self.supposed is None else _pieces(self.supposed, DOT_MM, DOT_SPACE_MM)


def _pieces(points: FloatArray, dash: float, space: float) -> tuple[FloatArray, ...]:
    arc = along(points)
    count = int(np.clip(round((arc[-1] + space) / (dash + space)), 1, MOST_PIECES))
    scale = arc[-1] / (count * dash + (count - 1) * space)
    found = []
    for start in np.arange(count) * (dash + space) * scale:
        steps = int(np.clip(np.ceil(dash * scale / STEP_MM), 1, MOST_STEPS))
        at = np.linspace(start, min(start + dash * scale, arc[-1]), steps + 1)
        found.append(np.stack([np.interp(at, arc, points[:, axis]) for axis in range(3)], axis=1))
    return tuple(found)
