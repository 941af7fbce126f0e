"""Frames and end plates of vertebral bodies, found from the labels of bones and discs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.optimize import minimize

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.solids import Frame, Mask, Solid, fit_plane, oriented

RIM_MM = 2.5
"""Depth under an end plate at which its length and width are taken: below the rounding of the rim."""

SLICES_MM = (-4.0, -2.0, 0.0, 2.0, 4.0)
"""Sagittal slices either side of the midline over which mid-sagittal measures are averaged."""


def end_plate(bone: Mask, disc: Mask, geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """Centre and normal (to the head) of the end plate of a bone towards a disc, in LPS.

    Raises:
        MeasurementError: bone and disc do not meet.
    """
    for reach in (1, 2, 3):
        voxels = np.argwhere(binary_dilation(disc, iterations=reach) & bone)
        if len(voxels) >= 40:
            return fit_plane(geometry.to_patient(voxels))
    raise MeasurementError("A bone and its disc do not meet", "Look at the labels of the discs")


def symmetric(solid: Solid, points: FloatArray, frame: Frame) -> Frame:
    """Turn a frame about its ``up`` and shift it sideways until its sagittal plane is the bone's own mirror.

    Args:
        solid: the bone.
        points: (n, 3) LPS points of the bone, whose mirror images are looked up.
        frame: first guess, right to 25 degrees and 10 mm.
    """

    def turned(values: FloatArray) -> Frame:
        angle, shift = np.radians(values[0]), values[1]
        back = np.cos(angle) * frame.back + np.sin(angle) * frame.left
        new = oriented(frame.origin, frame.up, back)
        return Frame(frame.origin + shift * new.left, new.left, new.back, new.up)

    def mismatch(values: FloatArray) -> float:
        new = turned(values)
        mirrored = points - 2.0 * ((points - new.origin) @ new.left)[:, None] * new.left
        return -float(solid.at(mirrored).mean())

    starts = [np.array([angle, 0.0]) for angle in (-12.0, 0.0, 12.0)]
    best = min(starts, key=mismatch)
    simplex = best + np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 4.0]])
    found = minimize(
        mismatch, best, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.05}
    )
    return turned(np.asarray(found.x))


@dataclass(frozen=True, eq=False)
class Ruler:
    """A ruler laid on an end plate in a sagittal slice, touching its front and its rear rim.

    Attributes:
        front: LPS point where the ruler passes the front wall.
        rear: LPS point where it passes the rear wall.
    """

    front: FloatArray
    rear: FloatArray

    @property
    def length(self) -> float:
        """Length in mm from wall to wall."""
        return float(np.linalg.norm(self.rear - self.front))

    @property
    def middle(self) -> FloatArray:
        """LPS point halfway."""
        return (self.front + self.rear) / 2


def lay_ruler(bone: Solid, frame: Frame, sign: float, from_mm: float) -> Ruler:
    """Lay a ruler on an end plate in the mid-sagittal plane.

    The profile of the end plate is found by coming down on it (sign +1) or up (-1) from ``from_mm`` away, as the mean
    of five slices within 4 mm of the midline. The ruler is the edge of the profile's convex hull over its middle, so
    a dish does not matter. The walls are where a line parallel to it, 2.5 mm inside the bone, leaves the bone.

    Args:
        bone: the bone alone.
        frame: origin inside the bone, on the level of the body.
        sign: +1 for the upper end plate, -1 for the lower one.
        from_mm: where the search starts, from the origin.

    Raises:
        MeasurementError: there is no end plate.
    """
    rear = bone.reach(frame.origin, frame.back, 40.0, enter=False)
    profile = []
    for b in np.arange(-45.0, (rear if np.isfinite(rear) else 15.0) + 4.0, 0.5):
        starts = [frame.point(a, b, sign * from_mm) for a in SLICES_MM]
        falls = np.array([bone.reach(start, -sign * frame.up, from_mm, enter=True) for start in starts])
        falls = falls[falls > 0]
        if len(falls) >= 3:
            profile.append((float(b), from_mm - float(falls.mean())))
    if len(profile) < 20:
        raise MeasurementError("An end plate is not found", "Look at the labels of the vertebrae")
    middle = (profile[0][0] + profile[-1][0]) / 2
    near, far = _hull_edge(profile, middle)
    slope = (far[1] - near[1]) / (far[0] - near[0])
    along = frame.back + sign * slope * frame.up
    along /= np.linalg.norm(along)
    inward = RIM_MM * -sign * np.cross(frame.left, along)
    height = near[1] + slope * (middle - near[0])
    ahead, behind = [], []
    for a in SLICES_MM:
        start, end = bone.chord(frame.point(a, middle, sign * height) + inward, along)
        ahead.append(start)
        behind.append(end)
    centre = frame.point(0.0, middle, sign * height)
    return Ruler(centre - float(np.nanmedian(ahead)) * along, centre + float(np.nanmedian(behind)) * along)


def _hull_edge(
    profile: list[tuple[float, float]], middle: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The edge over ``middle`` of the upper convex hull of points sorted by their first coordinate."""
    hull: list[tuple[float, float]] = []
    for point in profile:
        while len(hull) >= 2:
            (ax, ay), (bx, by) = hull[-2], hull[-1]
            if (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) < 0:
                break
            hull.pop()
        hull.append(point)
    for first, second in pairwise(hull):
        if first[0] <= middle <= second[0]:
            return first, second
    return hull[0], hull[-1]


@dataclass(frozen=True, eq=False)
class Body:
    """A lumbar vertebra's body.

    Attributes:
        solid: the whole vertebra.
        frame: origin halfway between the end plates' centres, in the bone's own sagittal plane; ``up`` is the mean of
            the end plates' normals.
        upper, lower: centre and normal of the end plates.
    """

    solid: Solid
    frame: Frame
    upper: tuple[FloatArray, FloatArray]
    lower: tuple[FloatArray, FloatArray]

    @classmethod
    def find(cls, bone: Mask, above: Mask, below: Mask, geometry: Geometry) -> Body:
        """The body of a vertebra between two discs.

        Raises:
            MeasurementError: the vertebra does not meet its discs.
        """
        upper, lower = end_plate(bone, above, geometry), end_plate(bone, below, geometry)
        solid = Solid.of(bone, geometry)
        guess = oriented((upper[0] + lower[0]) / 2, upper[1] + lower[1], np.array([0.0, 1.0, 0.0]))
        points = geometry.to_patient(np.argwhere(bone))[:: max(int(bone.sum()) // 6000, 1)]
        return cls(solid, symmetric(solid, points, guess), upper, lower)

    def ruler(self, sign: float) -> Ruler:
        """Ruler on the upper (+1) or lower (-1) end plate.

        Raises:
            MeasurementError: there is no end plate.
        """
        return lay_ruler(self.solid, self.frame, sign, 25.0)

    def rear_wall(self, lateral: float, up: float) -> float:
        """Where the body ends behind the origin (mm), in a sagittal slice at a height; nan where it does not."""
        return self.solid.reach(self.frame.point(lateral, 0.0, up), self.frame.back, 40.0, enter=False)


def sacral_frame(
    bone: Mask, disc: Mask, geometry: Geometry, above: Frame
) -> tuple[Solid, Frame, tuple[FloatArray, FloatArray]]:
    """The sacrum, a frame 8 mm under its upper end plate, and the plate's centre and normal.

    Args:
        bone: the sacrum.
        disc: the disc on it.
        geometry: their grid.
        above: frame of the vertebra above, whose ``back`` serves as a first guess.

    Raises:
        MeasurementError: sacrum and disc do not meet.
    """
    centre, normal = end_plate(bone, disc, geometry)
    solid = Solid.of(bone, geometry)
    guess = oriented(centre - 8.0 * normal, normal, above.back)
    points = geometry.to_patient(np.argwhere(bone))
    local = guess.local(points)
    points = points[(np.abs(local[:, 0]) < 50) & (local[:, 2] > -40)]
    frame = symmetric(solid, points[:: max(len(points) // 6000, 1)], guess)
    return solid, frame, (centre, normal)
