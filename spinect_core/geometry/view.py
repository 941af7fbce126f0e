"""The line of sight: where the viewer, and with him the needle's hub, stands.

The patient lies prone and the viewer stands behind. ``u`` is the unit vector from the target to the viewer in LPS,
``u = (sin az cos el, cos az cos el, sin el)``: az > 0 towards the patient's left, el > 0 towards the head.

In words the turn about the long axis comes first and is counted from behind: *left oblique 27°* means that the viewer
has walked 27° towards the patient's left. The tilt follows: *caudal 12°* means 12° towards the feet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import listed, times
from spinect_core.base.words import Side

MINUS = "\N{MINUS SIGN}"
HALF_TURN = 180.0
"""Degrees by which a view may be oblique."""
POLE_DEGREES = 1e-6
"""Closer than this to the long axis the azimuth of a vector is only rounding noise."""


class CArm(NamedTuple):
    """Positioner angles of a C-arm in degrees, patient-based, as DICOM counts them (PS3.3 C.8.7.5.1.2).

    0/0 means that the patient faces the detector.

    Attributes:
        primary: -180 to 180; +90 is a detector at the patient's left (LAO), -90 one at the right (RAO).
        secondary: -90 to 90; positive is a detector towards the head (cranial).
    """

    primary: float
    secondary: float

    def __str__(self) -> str:
        """For example ``153° / −12°``."""
        return f"{_signed(self.primary)}° / {_signed(self.secondary)}°"


@dataclass(frozen=True)
class View:
    """A line of sight.

    Attributes:
        azimuth: degrees about the patient's long axis, 0 from behind, positive towards the patient's left.
        elevation: degrees towards the head (positive, cranial) or the feet (negative, caudal), -90 to 90.

    Raises:
        MeasurementError: an angle is not finite or the elevation is beyond the pole.
    """

    azimuth: float
    elevation: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "azimuth", float(self.azimuth))
        object.__setattr__(self, "elevation", float(self.elevation))
        if not np.isfinite([self.azimuth, self.elevation]).all() or abs(self.elevation) > 90:
            raise MeasurementError(
                f"A view of azimuth {self.azimuth}° and elevation {self.elevation}° does not exist",
                "Give a finite azimuth and a tilt between 90° caudal and 90° cranial",
            )

    @classmethod
    def oblique(cls, side: str, oblique: float, tilt: float = 0.0) -> View:
        """View from ``side`` ("left" or "right") by ipsilateral ``oblique`` degrees and cranial ``tilt`` degrees.

        Raises:
            MeasurementError: no side, an oblique beyond half a turn, or a tilt beyond the pole.
        """
        if side not in ("left", "right"):
            raise MeasurementError(f"There is no side called {side!r}", "Use left or right", side)
        if not abs(oblique) <= HALF_TURN:
            # A turn on from there would be named as another, smaller angle, or as one from the other side.
            raise MeasurementError(
                f"A view {side} oblique {oblique:g}° does not exist", "Give an oblique angle of up to 180°"
            )
        return cls(oblique if side == Side.LEFT else -oblique, tilt)

    @classmethod
    def from_vector(cls, towards_viewer: npt.ArrayLike) -> View:
        """The view whose vector (3,) in LPS points from the target to the viewer; any length but zero.

        Along the long axis, where the azimuth is not defined, it is 0.
        """
        vector = np.asarray(towards_viewer, dtype=np.float64).reshape(3)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise MeasurementError(
                f"The vector {listed(vector)} has no direction", "Choose two different points"
            )
        x, y, z = vector / length
        across = float(np.hypot(x, y))
        azimuth = float(np.degrees(np.arctan2(x, y))) if np.degrees(across) > POLE_DEGREES else 0.0
        # arctan2 keeps its precision at the poles, where arcsin loses half of the digits.
        return cls(azimuth, float(np.degrees(np.arctan2(z, across))))

    @classmethod
    def parse(cls, text: str) -> View:
        """The view that words describe, for example ``left oblique 27°, caudal 12°`` or ``from the feet``.

        Case, degree signs and the comma do not matter; ``left 27 caudal 12`` is understood as well.

        Raises:
            MeasurementError: the words describe no view, or angles that do not exist.
        """
        words = " ".join(re.sub(r"[°,;]", " ", text.lower().replace(MINUS, "-")).split())
        match = _GRAMMAR.fullmatch(words)
        if match is None or not words:
            raise MeasurementError(
                "These words describe no view", "Write for example: left oblique 27°, caudal 12°", text
            )
        if match["pole"]:
            return cls(0.0, 90.0 if match["pole"] == "head" else -90.0)
        azimuth = 0.0
        if match["front"]:
            azimuth = 180.0
        elif match["lateral"]:
            azimuth = 90.0 if match["lateral"] == Side.LEFT else -90.0
        elif match["side"]:
            azimuth = cls.oblique(match["side"], float(match["oblique"])).azimuth
        elevation = float(match["tilt"]) * (1 if match["way"] == "cranial" else -1) if match["way"] else 0.0
        return cls(azimuth, elevation)

    @property
    def vector(self) -> FloatArray:
        """Unit LPS vector (3,) from the target to the viewer."""
        azimuth, elevation = np.radians([self.azimuth, self.elevation])
        return np.array(
            [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
        )

    @property
    def right(self) -> FloatArray:
        """Unit LPS vector (3,) that points to the right of the picture (the patient's right, seen from behind)."""
        azimuth = np.radians(self.azimuth)
        return np.array([-np.cos(azimuth), np.sin(azimuth), 0.0])

    @property
    def up(self) -> FloatArray:
        """Unit LPS vector (3,) that points up in the picture.

        It follows from azimuth and elevation alone, so it is defined and turns smoothly at the poles too: from the
        feet the back is up (the patient lies prone), from the head the belly.
        """
        return np.asarray(np.cross(self.vector, self.right), dtype=np.float64)

    @property
    def words(self) -> str:
        """The view in words, whole degrees; see :meth:`format`."""
        return self.format()

    @property
    def c_arm(self) -> CArm:
        """The C-arm's angles with the detector at the viewer, above the prone patient."""
        return self.c_arm_pair()

    def c_arm_pair(self, *, detector_at_viewer: bool = True) -> CArm:
        """The C-arm's angles for this line of sight.

        Args:
            detector_at_viewer: with the detector where the viewer stands (the usual place: above a prone patient), or
                opposite, with the X-ray source there. The line is the same, the angles are not.
        """
        left, posterior, superior = self.vector if detector_at_viewer else -self.vector
        if np.degrees(np.hypot(left, posterior)) <= POLE_DEGREES:
            primary = 180.0
        else:
            # Adding 0.0 turns -0.0 into 0.0: straight from behind is +180°, not -180°.
            primary = float(np.degrees(np.arctan2(left + 0.0, -posterior + 0.0)))
        return CArm(primary, float(np.degrees(np.arcsin(np.clip(superior, -1, 1)))))

    def format(self, decimals: int = 0) -> str:
        """The view in words, rounded to ``decimals`` places of a degree; :meth:`parse` reads it back."""
        azimuth = (round(self.azimuth, decimals) + 180.0) % 360.0 - 180.0
        elevation = round(self.elevation, decimals)
        if abs(elevation) == 90:
            return "from the head" if elevation > 0 else "from the feet"
        turn = round(abs(azimuth), decimals)
        side = "left" if azimuth > 0 else "right"
        if turn == 0:
            words = "from behind"
        elif turn == 180:
            words = "from the front"
        elif turn == 90:
            words = f"{side} lateral"
        else:
            words = f"{side} oblique {turn:.{decimals}f}°"
        if elevation:
            words += f", {'cranial' if elevation > 0 else 'caudal'} {abs(elevation):.{decimals}f}°"
        return words

    def turned(self, azimuth: float = 0.0, elevation: float = 0.0) -> View:
        """The view after turning by degrees; azimuth stays within ±180°, elevation stops at the poles."""
        turned = (self.azimuth + azimuth + 180.0) % 360.0 - 180.0
        return View(turned, float(np.clip(self.elevation + elevation, -90.0, 90.0)))

    def angle_to(self, other: View) -> float:
        """Degrees between the two lines of sight, 0 to 180."""
        cross = float(np.linalg.norm(np.cross(self.vector, other.vector)))
        return float(np.degrees(np.arctan2(cross, self.vector @ other.vector)))

    def project(self, points: npt.ArrayLike) -> FloatArray:
        """Picture coordinates (..., 2) in mm, right and up, of LPS points (..., 3), in parallel projection.

        The LPS origin lies at (0, 0); lengths across the line of sight are kept.
        """
        return np.asarray(_points(points, 3) @ np.stack([self.right, self.up], axis=1), dtype=np.float64)

    def depth(self, points: npt.ArrayLike) -> FloatArray:
        """Depth in mm (...) of LPS points (..., 3) along the line of sight, growing towards the viewer."""
        return np.asarray(_points(points, 3) @ self.vector, dtype=np.float64)

    def unproject(self, points: npt.ArrayLike, depth: npt.ArrayLike) -> FloatArray:
        """LPS points (..., 3) of picture coordinates (..., 2) in mm at depths (...) in mm, or one depth for all."""
        flat = _points(points, 2)
        depths = np.broadcast_to(np.asarray(depth, dtype=np.float64), flat.shape[:-1])
        return np.asarray(
            flat @ np.stack([self.right, self.up]) + depths[..., np.newaxis] * self.vector, dtype=np.float64
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan: the angles and, for readers of the file, words, vector and C-arm angles."""
        return {
            "azimuth_deg": self.azimuth,
            "elevation_deg": self.elevation,
            "words": self.format(1),
            "towards_viewer_lps": self.vector.tolist(),
            "c_arm_detector_at_viewer": self.c_arm._asdict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> View:
        """The view of plain data; only the two angles count."""
        return cls(float(data["azimuth_deg"]), float(data["elevation_deg"]))


_NUMBER = r"\d+(?:\.\d+)?"
_GRAMMAR = re.compile(
    rf"(?:from the (?P<pole>head|feet))"
    rf"|(?:(?:(?P<behind>from behind)|(?P<front>from the front)|(?P<lateral>left|right) lateral"
    rf"|(?P<side>left|right)(?: oblique)? (?P<oblique>{_NUMBER}))\s*)?"
    rf"(?:(?P<way>cranial|caudal) (?P<tilt>{_NUMBER}))?"
)

PRESETS: Mapping[str, View] = MappingProxyType(
    {
        "from behind": View(0.0),
        "left lateral": View(90.0),
        "right lateral": View(-90.0),
        "left oblique 30°": View(30.0),
        "right oblique 30°": View(-30.0),
        "from the feet": View(0.0, -90.0),
        "from the head": View(0.0, 90.0),
    }
)
"""The views a planner starts from, by the words that name them."""

_LETTERS = ("LR", "PA", "SI")


def direction_letters(direction: npt.ArrayLike) -> str:
    """The anatomical letters (L, R, A, P, S, I) an LPS vector (3,) points to, the strongest first, at most two.

    A second letter is given when the vector leans that way by more than 20°, as on a radiologist's display.
    """
    vector = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    order = np.argsort(-np.abs(vector), kind="stable")
    letters = [
        _LETTERS[axis][0 if vector[axis] > 0 else 1] for axis in order[:2] if abs(vector[axis]) > 0.342
    ]
    return "".join(letters)


def _points(points: npt.ArrayLike, width: int) -> FloatArray:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != width:
        raise MeasurementError(
            f"An array of {times(array.shape) or 'one number'} is no list of points of {width} numbers each",
            f"Give {'x, y and z' if width == 3 else width} of each point in mm",
        )
    return array


def _signed(degrees: float) -> str:
    text = f"{abs(degrees):.0f}"
    return f"{MINUS}{text}" if degrees < 0 and text != "0" else text
