"""One planned needle: from where on the skin, to which target, and how a clinician says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.anatomy.levels import LUMBAR_COUNTS, USUAL_COUNT, vertebra_name
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import listed, reason
from spinect_core.base.words import Author, Kind, Side, Version, author_of, word
from spinect_core.geometry.triangle import KIND_NAMES, now, stored_text, stored_time
from spinect_core.geometry.view import CArm, View
from spinect_core.planning.needle.needles import outer_mm

Point = tuple[float, float, float]
SMALLEST_MM = 1.0
"""A needle shorter than this has no meaningful direction."""
ENDPLATE = "S1 upper end plate centre"
"""The lower of the two landmarks the midline runs through; the upper is the middle of the lowest lumbar body."""
CREST_LINE = "iliac crest line"
"""What an entry is counted from that can be felt: the line through the highest points of both crests."""
STEEPEST = 0.2
"""Sine of the smallest angle between midline and front-to-back axis: nearer, there is no plane through both."""


@dataclass(frozen=True)
class EntryPlace:
    """Where the skin entry lies, relative to landmarks.

    Attributes:
        midline_mm: from the midline plane, positive to the patient's left.
        level_mm: along the patient's long axis from the centre of the upper end plate of S1, positive to the head.
    """

    midline_mm: float
    level_mm: float

    @property
    def side(self) -> str:
        """The side of the midline it lies on, "left" or "right"."""
        return "left" if self.midline_mm >= 0 else "right"

    @property
    def words(self) -> str:
        """For example ``58 mm left of the midline, 21 mm above the S1 end plate``."""
        where = f"{abs(self.midline_mm):.0f} mm {self.side} of the midline"
        if round(abs(self.midline_mm)) == 0:
            where = "in the midline"
        height = "at the height of" if round(abs(self.level_mm)) == 0 else self._height
        return f"{where}, {height} the S1 end plate"

    @property
    def _height(self) -> str:
        return f"{abs(self.level_mm):.0f} mm {'above' if self.level_mm > 0 else 'below'}"


@dataclass(frozen=True, eq=False)
class Midline:
    """The plane through an upper end plate, the body above it, and the axis from front to back.

    Attributes:
        origin: LPS mm (3,), the centre of the end plate.
        across: unit LPS vector (3,) across the plane, to the patient's left.
    """

    origin: FloatArray
    across: FloatArray

    @classmethod
    def of(cls, plate: npt.ArrayLike, body: npt.ArrayLike) -> Midline | None:
        """The midline of the centres of an end plate and of the body above it, LPS mm (3,) each.

        None where the body does not lie above the plate.
        """
        below, above = (np.asarray(point, dtype=np.float64).reshape(3) for point in (plate, body))
        along = above - below
        # Across the plane, to the left: the front-to-back axis (y) lies in the plane.
        across = np.array([along[2], 0.0, -along[0]])
        length = float(np.linalg.norm(across))
        if not np.isfinite(along).all() or length <= STEEPEST * float(np.linalg.norm(along)) or along[2] <= 0:
            return None
        return cls(below, across / length)

    def places(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How far LPS mm points (..., 3) lie to the left of the midline, and above the end plate."""
        offset = points - self.origin
        return np.asarray(offset @ self.across), np.asarray(offset[..., 2])


@dataclass(frozen=True)
class Needle:
    """A straight needle from the skin to a target.

    Attributes:
        name: what the user calls it; may be empty.
        kind: of the triangle it goes through.
        side: the patient's.
        level: such as "L5/S1".
        version: of a Kambin triangle.
        entry: LPS mm where it goes through the skin.
        target: LPS mm of its tip.
        gauge: 22 or 25.
        length_mm: of the shaft of the needle chosen, from hub to tip.
        author: who placed it.
        created: ISO 8601 time.

    Raises:
        MeasurementError: an unknown kind, side, version or gauge, a point that is not finite, entry and target in one
            place, or a length that is none.
    """

    name: str
    kind: Kind
    side: Side
    level: str
    version: Version
    entry: Point
    target: Point
    gauge: int = 22
    length_mm: float = 89.0
    author: Author = Author.USER
    created: str = field(default_factory=now)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", word(Kind, self.kind, "triangle"))
        object.__setattr__(self, "side", word(Side, self.side, "side"))
        object.__setattr__(self, "version", word(Version, self.version, "version of a triangle"))
        object.__setattr__(self, "author", word(Author, self.author, "author"))
        if self.kind == Kind.SAFE and self.version:
            raise MeasurementError(
                f"A safe triangle has no {self.version} version", "Leave the version empty"
            )
        outer_mm(self.gauge)
        object.__setattr__(self, "entry", _point(self.entry, "entry"))
        object.__setattr__(self, "target", _point(self.target, "target"))
        object.__setattr__(self, "length_mm", float(self.length_mm))
        if not 0 < self.length_mm < float("inf"):
            raise MeasurementError(
                f"A needle of {self.length_mm} mm does not exist", "Choose one of 89 mm or more"
            )
        if self.depth_mm < SMALLEST_MM:
            raise MeasurementError(
                f"Entry and target lie {self.depth_mm:.2f} mm apart and give no direction",
                "Choose a target below the skin",
            )

    @property
    def towards_entry(self) -> FloatArray:
        """Unit LPS vector (3,) from the target to the entry."""
        return np.asarray(np.subtract(self.entry, self.target) / self.depth_mm, dtype=np.float64)

    @property
    def view(self) -> View:
        """The line of sight along the needle, the hub at the viewer."""
        return View.from_vector(self.towards_entry)

    @property
    def depth_mm(self) -> float:
        """From the skin to the target."""
        return float(np.linalg.norm(np.subtract(self.entry, self.target)))

    @property
    def spare_mm(self) -> float:
        """Of the shaft left outside the skin with the tip at the target; negative where the needle ends short."""
        return self.length_mm - self.depth_mm

    @property
    def radius_mm(self) -> float:
        """Half the outer diameter."""
        return outer_mm(self.gauge) / 2

    @property
    def words(self) -> str:
        """Oblique and tilt, for example ``left oblique 27°, caudal 12°``."""
        return self.view.words

    @property
    def c_arm(self) -> CArm:
        """The C-arm's angles with the beam along the needle and the detector at the hub."""
        return self.view.c_arm

    @property
    def axial_deg(self) -> float:
        """Angle between needle and axial plane, -90 to 90: positive with the entry on the target's head side."""
        return _steepness(self.towards_entry, 2)

    @property
    def sagittal_deg(self) -> float:
        """Angle between needle and sagittal plane, -90 to 90: positive with the entry to the left of the target."""
        return _steepness(self.towards_entry, 0)

    @property
    def title(self) -> str:
        """Its name, or what it is, such as ``left Kambin triangle L5/S1 (bony)``."""
        version = f" ({self.version})" if self.version else ""
        return self.name or f"{self.side} {KIND_NAMES[self.kind]} {self.level}{version}"

    def at(self, depth_mm: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) on the needle's axis at depths (...) in mm from the entry; beyond the target too."""
        depth = np.asarray(depth_mm, dtype=np.float64)
        return np.asarray(np.asarray(self.entry) - depth[..., np.newaxis] * self.towards_entry)

    def entry_place(self, landmarks: Mapping[str, npt.ArrayLike]) -> EntryPlace:
        """Where the entry lies, from the midline and from S1.

        The midline plane holds the centre of the upper end plate of S1 and that of the lowest lumbar body and runs from
        front to back; a spine that leans to the side takes it along.

        Args:
            landmarks: LPS mm (3,) by name, with "S1 upper end plate centre" and "L5 body centre" (that of L4 or L6
                where there are four or six lumbar vertebrae).

        Raises:
            MeasurementError: one of the two is missing, or they do not lie above each other.
        """
        body = lowest_body(landmarks)
        missing = [name for name in (ENDPLATE, body) if name not in landmarks]
        if missing:
            raise MeasurementError(
                f"The midline is not known without {' and '.join(missing)}",
                "Find or place the landmarks first",
            )
        midline = Midline.of(landmarks[ENDPLATE], landmarks[body])
        if midline is None:
            raise MeasurementError(
                f"{body} does not lie above {ENDPLATE}, so there is no midline", "Check the two landmarks"
            )
        across, above = midline.places(np.asarray(self.entry))
        return EntryPlace(float(across), float(above))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan. Depth and angles are for readers of the file; they follow from the points."""
        return {
            "name": self.name,
            "kind": self.kind,
            "side": self.side,
            "level": self.level,
            "version": self.version,
            "entry_lps_mm": list(self.entry),
            "target_lps_mm": list(self.target),
            "gauge": self.gauge,
            "length_mm": self.length_mm,
            "author": self.author,
            "created": self.created,
            "depth_mm": self.depth_mm,
            "view": self.view.to_dict(),
            "angle_to_axial_plane_deg": self.axial_deg,
            "angle_to_sagittal_plane_deg": self.sagittal_deg,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Needle:
        """The needle of plain data, exactly as :meth:`to_dict` wrote it.

        Raises:
            MeasurementError: a value is missing or of the wrong kind, or the stored depth is not that of the points.
        """
        try:
            needle = cls(
                name=stored_text(data["name"]),
                kind=word(Kind, data["kind"], "triangle"),
                side=word(Side, data["side"], "side"),
                level=stored_text(data["level"]),
                version=word(Version, data["version"], "version of a triangle"),
                entry=data["entry_lps_mm"],
                target=data["target_lps_mm"],
                gauge=int(data["gauge"]),
                length_mm=float(data["length_mm"]),
                author=author_of(data["author"]),
                created=stored_time(data["created"]),
            )
            stored = float(data["depth_mm"])
        except (KeyError, TypeError, ValueError) as error:
            raise MeasurementError(
                f"The stored needle is not complete ({reason(error)})",
                "Use the plan as the program wrote it, or plan the case again",
            ) from error
        if not abs(needle.depth_mm - stored) <= 1e-6 * max(needle.depth_mm, 1.0):
            raise MeasurementError(
                f"The stored depth {stored:.3f} mm is not that of the stored points, {needle.depth_mm:.3f} mm",
                "The plan was edited by hand; place the needle again",
            )
        return needle


def lowest_body(landmarks: Collection[str]) -> str:
    """The landmark in the middle of the lowest lumbar body, by the count of lumbar vertebrae that named it."""
    names = [f"{vertebra_name(0, count)} body centre" for count in (USUAL_COUNT, *LUMBAR_COUNTS)]
    return next((name for name in names if name in landmarks), names[0])


def _point(given: npt.ArrayLike, name: str) -> Point:
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MeasurementError(
            f"The {name} {str(given)[:60]} is no point", "Give three numbers in mm"
        ) from error
    if values.shape != (3,) or not np.isfinite(values).all():
        raise MeasurementError(
            f"The {name} {listed(values.ravel()[:6])} is no point", "Give three finite numbers in mm"
        )
    return float(values[0]), float(values[1]), float(values[2])


def _steepness(direction: FloatArray, axis: int) -> float:
    """Degrees between a unit vector and the plane across a patient axis; exact near 90 too, unlike arcsin."""
    rest = np.delete(direction, axis)
    return float(np.degrees(np.arctan2(direction[axis], np.linalg.norm(rest))))
