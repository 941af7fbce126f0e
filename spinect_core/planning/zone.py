"""The part of the patient that a triangle names: three anatomical borders in space and the membrane between them.

A zone belongs to the anatomy and not to a view. Seen along any line of sight it has a projected outline; what bone and
nerve in front of it leave open there is the free window (:mod:`spinect_core.planning.window`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from scipy.sparse import coo_matrix, csgraph, diags
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay

from spinect_core.errors import MeasurementError
from spinect_core.planning.triangle import KINDS, SIDES
from spinect_core.volume import FloatArray

ROLES = ("base", "height", "hypotenuse")
MEMBRANE_MM = 1.0
"""Distance of the membrane's points; its outline is as fine as the borders, at least half of this."""


@dataclass(frozen=True, eq=False)
class Border:
    """One anatomical side of a zone.

    Attributes:
        name: of the anatomical line, for example "superior border of S1".
        role: "base", "height" or "hypotenuse" of the triangle.
        points: LPS mm (n, 3) along it, n at least 2.
        confidence: 0 to 1, how sure the place is.
    """

    name: str
    role: str
    points: FloatArray
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class Zone:
    """The three borders of one triangle.

    Attributes:
        kind: "kambin" or "safe".
        version: "bony" (the articular process is the height) or "neural" (the dura is), "" for the safe triangle.
        side: the patient's "left" or "right".
        level: such as "L5/S1".
        borders: in order round the outline, each running on from the end of the one before.
        confidence: 0 to 1.

    Raises:
        MeasurementError: an unknown kind or side, or borders that enclose nothing.
    """

    kind: str
    version: str
    side: str
    level: str
    borders: tuple[Border, ...]
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.side not in SIDES:
            raise MeasurementError(
                f"There is no {self.side} {self.kind} zone", "Use kambin or safe, left or right"
            )
        outline = self.outline
        if len(outline) < 3 or not np.isfinite(outline).all():
            raise MeasurementError(
                f"The borders of the {self.name} enclose nothing", "Place them again", self.level
            )

    @property
    def name(self) -> str:
        """Such as "left Kambin triangle (bony)"."""
        words = "Kambin triangle" if self.kind == "kambin" else "safe triangle"
        return f"{self.side} {words}" + (f" ({self.version})" if self.version else "")

    @property
    def outline(self) -> FloatArray:
        """LPS mm (m, 3), the borders one after the other, no point twice in a row, not closed."""
        points = np.concatenate([np.asarray(border.points, dtype=np.float64) for border in self.borders])
        apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > 1e-6
        return np.asarray(points[apart])

    @cached_property
    def membrane(self) -> tuple[FloatArray, np.ndarray]:
        """Points LPS mm (n, 3) and triangles (m, 3) of a surface stretched over the outline like a soap film.

        Raises:
            MeasurementError: the outline encloses no area from any side.
        """
        outline = _finely(self.outline, MEMBRANE_MM / 2)
        middle = outline.mean(axis=0)
        axes = np.linalg.svd(outline - middle)[2]
        flat = (outline - middle) @ axes.T
        shape = shapely.Polygon(flat[:, :2])
        if not shape.is_valid:
            # Borders that cross by a little where they meet: the loop they make is no part of the zone.
            parts = shapely.get_parts(shapely.make_valid(shape))
            shape = max(parts, key=lambda part: part.area)
        if shape.geom_type != "Polygon" or shape.area < 1e-3:
            raise MeasurementError(
                f"The borders of the {self.name} enclose nothing", "Place them again", self.level
            )
        rim = np.asarray(shape.exterior.coords)[:-1]
        inner = _grid_inside(shape, MEMBRANE_MM)
        points = np.concatenate([rim, inner])
        corners = Delaunay(points).simplices
        inside = shapely.contains_xy(shape, points[corners].mean(axis=1))
        corners = corners[inside]
        nearest = np.linalg.norm(rim[:, None] - flat[None, :, :2], axis=2).argmin(axis=1)
        heights = _soap_film(points, corners, len(rim), flat[nearest, 2])
        return np.column_stack([points, heights]) @ axes + middle, corners.astype(np.int32)

    @property
    def centre(self) -> FloatArray:
        """LPS mm (3,), the middle of the membrane by area."""
        points, corners = self.membrane
        a, b, c = (points[corners[:, i]] for i in range(3))
        weight = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return np.asarray(((a + b + c) / 3 * weight[:, None]).sum(axis=0) / weight.sum())


def _finely(outline: FloatArray, step: float) -> FloatArray:
    """A closed outline with points at most ``step`` mm apart, the given ones among them."""
    ahead = np.roll(outline, -1, axis=0)
    parts = []
    for a, b in zip(outline, ahead, strict=True):
        count = max(int(np.ceil(np.linalg.norm(b - a) / step - 1e-9)), 1)
        parts.append(a + (b - a) * (np.arange(count) / count)[:, None])
    return np.concatenate(parts)


def _grid_inside(shape: shapely.Polygon, step: float) -> FloatArray:
    low_x, low_y, high_x, high_y = shape.bounds
    x, y = np.meshgrid(np.arange(low_x, high_x, step), np.arange(low_y, high_y, step))
    points = np.column_stack([x.ravel(), y.ravel()])
    return np.asarray(points[shapely.contains_xy(shape.buffer(-0.4 * step), points)])


def _soap_film(points: FloatArray, corners: np.ndarray, rim: int, heights: FloatArray) -> FloatArray:
    """Heights (n,) over the plane: given on the first ``rim`` points, elsewhere the mean of the neighbours."""
    full = np.zeros(len(points))
    full[:rim] = heights
    if len(points) == rim:
        return full
    a = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    links = coo_matrix((np.ones(len(a)), (a[:, 0], a[:, 1])), shape=(len(points),) * 2).tocsr()
    links = ((links + links.T) > 0).astype(np.float64)
    laplacian = csgraph.laplacian(links) + diags(np.where(np.asarray(links.sum(axis=1)).ravel() == 0, 1.0, 0))
    laplacian = laplacian.tocsr()
    full[rim:] = spsolve(laplacian[rim:, rim:].tocsc(), -laplacian[rim:, :rim] @ heights)
    return full
