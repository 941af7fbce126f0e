"""Axial and oblique planes: whether a needle can stay within one slice, and the slice it can stay in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.reasons import times
from spinect_core.image.planes import AIR
from spinect_core.image.volume import Volume
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.needles import OUTER_MM

Kept = Callable[[float, float], bool]
"""Whether the rules leave a line of sight, from ipsilateral oblique and cranial tilt in degrees."""
Area = Callable[[float, float], float]
"""The free area in mm² of a zone, from ipsilateral oblique and cranial tilt in degrees."""
OBLIQUES = (0.0, 60.0)
LEAST_MM2 = float(np.pi * (OUTER_MM[22] / 2) ** 2)
"""Cross-section of a 22 G needle: a window that is smaller lets none through."""
SIDEWAYS = 1e-6
"""A needle nearer than this to the left-to-right axis lies in every plane through it; the axial one is taken."""
LARGEST_PIXELS = 4096


@dataclass(frozen=True)
class InPlaneTrajectory:
    """The best needle that stays within slices of one gantry tilt.

    Attributes:
        gantry_deg: tilt of the slices about the left-to-right axis, positive with their back edge to the head; 0 axial.
        oblique: ipsilateral degrees of the line of sight.
        tilt: cranial degrees of the line of sight.
        area_mm2: free area seen that way.
        kept: whether the rules leave that line of sight; they leave none that is open where it is not.
    """

    gantry_deg: float
    oblique: float
    tilt: float
    area_mm2: float
    kept: bool = True

    @property
    def possible(self) -> bool:
        """Whether a needle goes through at all."""
        return self.area_mm2 > LEAST_MM2


def in_plane_trajectory(
    area: Area,
    gantry_deg: float = 0.0,
    *,
    step_deg: float = 1.0,
    kept: Kept | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> InPlaneTrajectory:
    """The best line of sight among those that lie within slices of a gantry tilt.

    Every obliquity from 0 to 60° within the slice is tried. In an axial slice the tilt is 0 throughout; in slices
    tilted by g a needle straight from behind is tilted by g, and less the more oblique it is.

    Args:
        area: free area in mm² by ipsilateral oblique and cranial tilt in degrees.
        gantry_deg: of the slices, positive with their back edge to the head; within 60° either way.
        step_deg: between the obliquities.
        kept: one that the rules leave and that is open goes before a larger one that they do not leave.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at before every view.

    Raises:
        MeasurementError: a tilt no scanner has or a step that is none.
    """
    if not abs(gantry_deg) <= 60 or not 0 < step_deg <= OBLIQUES[1]:
        raise MeasurementError(
            f"Slices tilted {gantry_deg}° in steps of {step_deg}° make no sense",
            "Give a tilt within 60° either way",
        )
    g = np.radians(gantry_deg)
    ways = []
    for turn in np.radians(np.arange(OBLIQUES[0], OBLIQUES[1] + 1e-9, step_deg)):
        lateral, back, head = np.sin(turn), np.cos(turn) * np.cos(g), np.cos(turn) * np.sin(g)
        oblique = float(np.degrees(np.arctan2(lateral, back)))
        tilt = float(np.degrees(np.arctan2(head, np.hypot(lateral, back))))
        left = kept is None or kept(oblique, tilt)
        ways.append(InPlaneTrajectory(float(gantry_deg), oblique, tilt, 0.0, left))
    found: list[InPlaneTrajectory] = []
    # Where one that the rules leave is open, none of the others is taken, and none is looked along.
    for group in ([way for way in ways if way.kept], [way for way in ways if not way.kept]):
        if any(way.possible for way in found):
            break
        for way in group:
            check(cancel)
            progress(len(found) / len(ways), "looking along the slice")
            seen = replace(way, area_mm2=float(area(way.oblique, way.tilt)))
            found.append(seen if seen.possible else replace(seen, kept=True))
    progress(1.0, "looked along the slice")
    return max(found, key=lambda way: (way.possible and way.kept, way.area_mm2, -way.oblique))


@dataclass(frozen=True, eq=False)
class NeedlePlane:
    """A plane that holds a needle.

    Attributes:
        origin: LPS mm (3,), the middle of the needle; the picture's middle.
        across: unit LPS vector (3,) to the right of the picture.
        down: unit LPS vector (3,) down the picture.
        entry: the needle's entry, mm (across, down) from the origin.
        target: the needle's tip, the same.
    """

    origin: FloatArray
    across: FloatArray
    down: FloatArray
    entry: tuple[float, float]
    target: tuple[float, float]

    @classmethod
    def through(cls, needle: Needle, across: FloatArray, down: FloatArray) -> Self:
        """The plane of two unit LPS vectors (3,), one to the right and one down, through the middle of a needle."""
        entry, target = np.asarray(needle.entry), np.asarray(needle.target)
        origin = (entry + target) / 2
        places = [(point - origin) @ np.stack([across, down], axis=1) for point in (entry, target)]
        first, last = ((float(place[0]), float(place[1])) for place in places)
        return cls(origin, across, down, first, last)

    def to_plane(self, points: npt.ArrayLike) -> FloatArray:
        """Places (..., 2) in mm across and down from the origin of LPS mm points (..., 3), dropped onto the plane."""
        offset = np.asarray(points, dtype=np.float64) - self.origin
        return np.asarray(offset @ np.stack([self.across, self.down], axis=1))

    def to_patient(self, places: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) of places (..., 2) in the plane, mm across and down."""
        return np.asarray(
            np.asarray(places, dtype=np.float64) @ np.stack([self.across, self.down]) + self.origin
        )


class TiltedPlane(NeedlePlane):
    """A plane that holds the needle and the patient's left-to-right axis: an axial slice tilted until it holds it.

    The picture's right is the patient's left; down is to the back, and to the head or feet with the tilt.
    """

    @property
    def gantry_deg(self) -> float:
        """Tilt against the axial plane, positive with the back edge to the head; what a gantry would have to turn."""
        return float(np.degrees(np.arctan2(self.down[2], self.down[1])))

    @property
    def words(self) -> str:
        """For example ``axial plane tilted 24° with the back edge towards the feet``."""
        turn = round(abs(self.gantry_deg))
        return f"axial plane tilted {turn}° {tilted(self.gantry_deg)}" if turn else "axial plane"


@dataclass(frozen=True, eq=False)
class PlaneImage:
    """A CT resampled in a plane.

    Attributes:
        plane: where.
        pixels: HU [row, column], float32; air outside the CT.
        inside: bool [row, column], whether the CT reaches there.
        mm_per_pixel: of both axes; the middle of the picture is the plane's origin.
    """

    plane: NeedlePlane
    pixels: npt.NDArray[np.float32]
    inside: npt.NDArray[np.bool_]
    mm_per_pixel: float

    @property
    def places(self) -> FloatArray:
        """LPS mm (rows, columns, 3) of the pixels."""
        height, width = self.pixels.shape
        rows, columns = np.indices((height, width), dtype=np.float64)
        flat = np.stack([columns - (width - 1) / 2, rows - (height - 1) / 2], axis=-1) * self.mm_per_pixel
        return self.plane.to_patient(flat)

    def to_pixel(self, points: npt.ArrayLike) -> FloatArray:
        """Columns and rows (..., 2) of LPS mm points (..., 3); whole numbers are pixel centres."""
        middle = (np.asarray(self.pixels.shape[::-1]) - 1) / 2
        return np.asarray(self.plane.to_plane(points) / self.mm_per_pixel + middle)


def needle_plane(needle: Needle) -> TiltedPlane:
    """The oblique plane that makes a needle possible which no axial slice holds."""
    across = np.array([1.0, 0.0, 0.0])
    way = needle.towards_entry.copy()
    way[0] = 0.0
    length = float(np.linalg.norm(way))
    down = np.array([0.0, 1.0, 0.0]) if length < SIDEWAYS else way / length
    if down[1] < 0 or (down[1] == 0 and down[2] < 0):
        down = -down
    return TiltedPlane.through(needle, across, down)


def upright_plane(needle: Needle) -> NeedlePlane:
    """The plane through a needle that stands upright on :func:`needle_plane`.

    The needle lies level in it, its hub to the right; the picture's top is towards the head.
    """
    tilted_axial = needle_plane(needle)
    across = needle.towards_entry
    # From the left-to-right axis to the back is a quarter turn about the long axis: their cross product is cranial.
    return NeedlePlane.through(needle, across, -np.cross(tilted_axial.across, tilted_axial.down))


def across_plane(needle: Needle, depth_mm: float) -> NeedlePlane:
    """The plane across a needle at a depth in mm from its entry, seen from its hub with the needle in the middle."""
    plane = NeedlePlane.through(needle, needle.view.right, -needle.view.up)
    return replace(plane, origin=needle.at(depth_mm))


def reformat(
    volume: Volume, plane: NeedlePlane, size_mm: tuple[float, float], mm_per_pixel: float = 0.5
) -> PlaneImage:
    """The CT in a plane, by linear interpolation.

    Args:
        volume: a CT, its axes in any orientation.
        plane: where to cut.
        size_mm: (width, height) of the picture.
        mm_per_pixel: of the picture.

    Raises:
        MeasurementError: a size that makes no picture.
    """
    if not mm_per_pixel > 0 or not np.isfinite(size_mm).all():
        raise MeasurementError(
            f"A picture of {times(size_mm)} mm with {mm_per_pixel:g} mm a pixel is not possible",
            "Give positive mm",
        )
    width, height = (round(size / mm_per_pixel) for size in size_mm)
    if not (0 < width <= LARGEST_PIXELS and 0 < height <= LARGEST_PIXELS):
        raise MeasurementError(
            f"A picture of {width} x {height} pixels is not possible",
            f"Give at most {LARGEST_PIXELS} each way",
        )
    rows, columns = np.indices((height, width), dtype=np.float64)
    places = np.stack([columns - (width - 1) / 2, rows - (height - 1) / 2], axis=-1) * mm_per_pixel
    points = plane.to_patient(places)
    inside = volume.geometry.holds(points)
    index, last = volume.geometry.to_index(points), np.asarray(volume.array.shape) - 1
    # Half a voxel beyond the outermost centres still belongs to the CT.
    index = np.moveaxis(np.clip(index, 0, last), -1, 0)
    pixels = map_coordinates(volume.array, index, output=np.float32, order=1, prefilter=False)
    return PlaneImage(plane, np.where(inside, pixels, np.float32(AIR)), inside, float(mm_per_pixel))


def tilted(gantry_deg: float) -> str:
    """To where slices are tilted, in words."""
    return f"with the back edge towards the {'head' if gantry_deg > 0 else 'feet'}"
