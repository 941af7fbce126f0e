"""The geometry of one simulated exposure: source, detector, and where a point of the patient falls on the picture.

The beam is a cone from a point source onto a flat detector at right angles to the central ray, which goes through the
target. Picture and words are those of :class:`~spinect_core.geometry.view.View`: the picture is seen by a viewer who
stands where the needle's hub is, whichever side the detector is on, so left never changes places with right. What the
detector's side changes is the perspective: what lies nearer to the source is larger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import DetectorSide, word
from spinect_core.geometry.view import CArm, View, direction_letters

NEAREST_MM = 1.0
"""A point must lie at least so far before the source to have a place on the picture."""


@dataclass(frozen=True)
class Fluoroscope:
    """A C-arm's distances and detector.

    The usual values are those of a mobile C-arm with a flat detector (Siemens Cios Fusion: 1536 x 1536 pixels of
    0.194 mm, 1020 mm from source to detector), as DeepDRR records them (Unberath et al., MICCAI 2018,
    ``deepdrr/device/mobile_carm.py``). The target lies 370 mm before the detector: as near as a prone patient allows.

    Attributes:
        source_to_target_mm: from the X-ray source to the target, which the central ray goes through.
        source_to_detector_mm: from the source to the detector.
        detector_mm: edge of the square detector, or of the part of it that is used (its field).
        pixels: of the square picture, along an edge.
        detector: where it stands.

    Raises:
        MeasurementError: distances that no C-arm has, or a picture without pixels.
    """

    source_to_target_mm: float = 650.0
    source_to_detector_mm: float = 1020.0
    detector_mm: float = 298.0
    pixels: int = 512
    detector: DetectorSide = DetectorSide.AT_VIEWER

    def __post_init__(self) -> None:
        object.__setattr__(self, "detector", word(DetectorSide, self.detector, "place of a detector"))
        numbers = (self.source_to_target_mm, self.source_to_detector_mm)
        if not np.isfinite(numbers).all() or not 0 < self.source_to_target_mm < self.source_to_detector_mm:
            raise MeasurementError(
                f"A source {self.source_to_target_mm:g} mm from the target and {self.source_to_detector_mm:g} mm from "
                "the detector is no C-arm with the patient between them",
                "Choose a distance to the target that is positive and smaller than that to the detector",
            )
        if not 10 <= self.detector_mm <= 1000 or not 16 <= self.pixels <= 4096:
            raise MeasurementError(
                f"A detector whose field is {self.detector_mm:g} mm and {self.pixels} pixels wide shows nothing",
                "Choose a field of 10 to 1000 mm and 16 to 4096 pixels",
            )

    @property
    def magnification(self) -> float:
        """Of what lies at the target's depth: source to detector over source to target."""
        return self.source_to_detector_mm / self.source_to_target_mm

    @property
    def field_mm(self) -> float:
        """Edge in mm of what the picture shows at the target's depth."""
        return self.detector_mm / self.magnification

    def with_magnification(self, magnification: float) -> Fluoroscope:
        """The same detector and source, the patient moved between them until the target is so much magnified.

        Raises:
            MeasurementError: one or less, which no point source gives.
        """
        if not np.isfinite(magnification) or magnification <= 1:
            raise MeasurementError(
                f"A magnification of {magnification:g} is not possible with a point source",
                "Choose one above 1; usual are 1.4 to 1.7",
            )
        return replace(self, source_to_target_mm=self.source_to_detector_mm / magnification)


@dataclass(frozen=True, eq=False)
class Exposure:
    """One picture that a fluoroscope takes.

    Attributes:
        view: the line of sight; the central ray lies on it.
        target: LPS mm (3,) of the point in the middle of the picture.
        fluoroscope: takes it.
    """

    view: View
    target: FloatArray
    fluoroscope: Fluoroscope = Fluoroscope()

    def __post_init__(self) -> None:
        target = np.asarray(self.target, dtype=np.float64).reshape(-1)
        if target.shape != (3,) or not np.isfinite(target).all():
            raise MeasurementError("The middle of the picture is no point", "Give x, y and z in mm")
        object.__setattr__(self, "target", target)

    @property
    def beam(self) -> FloatArray:
        """Unit LPS vector (3,) of the central ray, from the source to the detector."""
        at_viewer = self.fluoroscope.detector == DetectorSide.AT_VIEWER
        return self.view.vector if at_viewer else -self.view.vector

    @property
    def source(self) -> FloatArray:
        """LPS mm (3,) of the X-ray source."""
        return np.asarray(self.target - self.fluoroscope.source_to_target_mm * self.beam)

    @property
    def detector_centre(self) -> FloatArray:
        """LPS mm (3,) of the middle of the detector."""
        return np.asarray(self.source + self.fluoroscope.source_to_detector_mm * self.beam)

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel on the detector."""
        return self.fluoroscope.detector_mm / self.fluoroscope.pixels

    @property
    def c_arm(self) -> CArm:
        """The positioner's angles."""
        return self.view.c_arm_pair(detector_at_viewer=self.fluoroscope.detector == DetectorSide.AT_VIEWER)

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """The anatomical letters at the picture's left, right, top and bottom edges."""
        right, up = self.view.right, self.view.up
        return (
            direction_letters(-right),
            direction_letters(right),
            direction_letters(up),
            direction_letters(-up),
        )

    def magnification_at(self, points: npt.ArrayLike) -> FloatArray:
        """How many times larger a length across the beam at LPS mm points (..., 3) is on the detector."""
        return np.asarray(self.fluoroscope.source_to_detector_mm / self._ahead(np.asarray(points)))

    def to_pixels(self, points: npt.ArrayLike) -> FloatArray:
        """Pixels (..., 2), right and down from the top left corner, of LPS mm points (..., 3).

        The middle of the pixel [row, column] lies at (column + 0.5, row + 0.5).

        Raises:
            MeasurementError: a point lies beside or behind the source.
        """
        array = np.asarray(points, dtype=np.float64)
        offset = array - self.source
        flat = offset @ np.stack([self.view.right, -self.view.up], axis=1)
        scale = self.magnification_at(array) / self.pixel_mm
        return np.asarray(flat * scale[..., np.newaxis] + self.fluoroscope.pixels / 2)

    def on_detector(self, pixels: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) on the detector of pixels (..., 2); with the source they span the rays."""
        offset = (np.asarray(pixels, dtype=np.float64) - self.fluoroscope.pixels / 2) * self.pixel_mm
        return np.asarray(self.detector_centre + offset @ np.stack([self.view.right, -self.view.up]))

    def at_depth_of(self, pixels: npt.ArrayLike, point: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) where the rays of pixels (..., 2) cross the plane through a point (3,), across the beam."""
        part = float(self._ahead(np.asarray(point, dtype=np.float64)))
        rays = self.on_detector(pixels) - self.source
        return np.asarray(self.source + rays * (part / self.fluoroscope.source_to_detector_mm))

    def _ahead(self, points: npt.NDArray[np.float64]) -> FloatArray:
        ahead = np.asarray((points - self.source) @ self.beam)
        if ahead.size and float(ahead.min()) < NEAREST_MM:
            raise MeasurementError(
                "A point lies beside or behind the X-ray source and has no place on its picture",
                "Choose a greater distance between source and target",
            )
        return ahead
