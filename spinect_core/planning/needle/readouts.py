"""What is set in the room for a needle: C-arm, slice, gantry, lasers, and the entry from what can be felt.

Every angle has an inverse here, so that a number which is read in the room leads back to the same line. Lines are views
(:class:`spinect_core.geometry.view.View`), seen from the needle's hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.view import CArm, View
from spinect_core.image.position import PatientPosition
from spinect_core.image.scan import Scan, SlicePlace
from spinect_core.planning.needle.needle import EntryPlace, Needle
from spinect_core.planning.needle.palpable import Palpable

PROCEDURE = PatientPosition.HEAD_FIRST_PRONE
"""How the patient lies for the injection, unless it is said otherwise."""
GANTRY_DEG = 30.0
"""By how much a gantry tilts at most, each way, unless the scanner's own limit is known."""
ALONG = 1e-9
"""A direction with less than this across an axis runs along it."""


class Beam(NamedTuple):
    """The direction of a source by IEC 61217, in degrees.

    Attributes:
        gantry: rotation about the room's y axis, 0 to 360: 0 with the source above, 90 with the source at the right of
            somebody who faces the gantry.
        pitch: out of the plane in which the gantry turns, about its own x axis after the rotation, -90 to 90. IEC 61217
            has no such rotation; DICOM adds it to the same axes as Gantry Pitch Angle (300A,014A).
    """

    gantry: float
    pitch: float


class Gantry(NamedTuple):
    """A slice that holds the whole needle.

    Attributes:
        tilt: of the gantry, -90 to 90, signed as DICOM does (0018,1120): positive with its top towards the side from
            which the table enters.
        in_plane: degrees from the slice's vertical, -90 to 90, positive towards the room's x axis.
        above: whether the hub lies above the tip.
    """

    tilt: float
    in_plane: float
    above: bool


class Lasers(NamedTuple):
    """The angles of a needle to the planes of the positioning lasers.

    Attributes:
        axial: to the vertical plane across the table, -90 to 90, positive with the hub towards the gantry.
        sagittal: to the vertical plane along the table, -90 to 90, positive with the hub towards the room's x axis.
        above: whether the hub lies above the tip.
    """

    axial: float
    sagittal: float
    above: bool


class Level(NamedTuple):
    """How far the entry lies from something that can be felt.

    Attributes:
        name: of that.
        above_mm: along the patient's long axis, positive towards the head.
        words: on what that rests, where not on the whole of it.
    """

    name: str
    above_mm: float
    words: str


@dataclass(frozen=True)
class Readouts:
    """All that is set and read in the room for one needle.

    Attributes:
        position: of the patient for the injection; gantry, lasers and beams hold for it.
        detector_at_hub: the C-arm with the detector on the hub's side, as above a prone patient.
        source_at_hub: the same line with the detector on the other side.
        beam_detector_at_hub: by IEC 61217, the source opposite the hub.
        beam_source_at_hub: the same with the source on the hub's side.
        gantry: the slice that holds the needle.
        gantry_limit_deg: of the scanner.
        axial_in_plane_deg: degrees from the vertical of the needle's picture in slices without tilt, -180 to 180,
            positive towards the room's x axis.
        lasers: angles to the two laser planes.
        entry_slice: of the planning CT; None where that is not known.
        target_slice: the same of the tip.
        scanned: how the patient lay in the planning CT; None where that is not known.
        midline: where the entry lies from the midline; None without the landmarks.
        levels: the entry from what can be felt.
    """

    position: PatientPosition
    detector_at_hub: CArm
    source_at_hub: CArm
    beam_detector_at_hub: Beam
    beam_source_at_hub: Beam
    gantry: Gantry
    gantry_limit_deg: float
    axial_in_plane_deg: float
    lasers: Lasers
    entry_slice: SlicePlace | None
    target_slice: SlicePlace | None
    scanned: PatientPosition | None
    midline: EntryPlace | None
    levels: tuple[Level, ...]

    @property
    def gantry_reaches(self) -> bool:
        """Whether the scanner can tilt to the slice that holds the needle."""
        return abs(self.gantry.tilt) <= self.gantry_limit_deg


def read_out(
    needle: Needle,
    landmarks: Mapping[str, npt.ArrayLike],
    *,
    scan: Scan | None = None,
    palpable: Sequence[Palpable] = (),
    position: PatientPosition = PROCEDURE,
    gantry_limit_deg: float = GANTRY_DEG,
) -> Readouts:
    """What is set in the room for a needle.

    Args:
        needle: the plan.
        landmarks: LPS mm (3,) by name, for the midline.
        scan: the slices of the planning CT.
        palpable: heights that can be felt.
        position: of the patient for the injection.
        gantry_limit_deg: of the scanner.
    """
    view = needle.view
    try:
        midline = needle.entry_place(landmarks)
    except MeasurementError:
        midline = None  # without these landmarks there is no midline to count from
    x, _, z = position.axes @ view.vector
    return Readouts(
        position=position,
        detector_at_hub=view.c_arm_pair(),
        source_at_hub=view.c_arm_pair(detector_at_viewer=False),
        beam_detector_at_hub=beam_of(view, position),
        beam_source_at_hub=beam_of(view, position, detector_at_hub=False),
        gantry=gantry_of(view, position),
        gantry_limit_deg=gantry_limit_deg,
        axial_in_plane_deg=_angle(x, z),
        lasers=lasers_of(view, position),
        entry_slice=None if scan is None else scan.place(needle.entry),
        target_slice=None if scan is None else scan.place(needle.target),
        scanned=None if scan is None else scan.position,
        midline=midline,
        levels=tuple(Level(each.name, float(needle.entry[2]) - each.z_mm, each.words) for each in palpable),
    )


def view_of_c_arm(pair: CArm, *, detector_at_hub: bool = True) -> View:
    """The line of sight, seen from the hub, of a C-arm's angles."""
    primary, secondary = np.radians(pair)
    detector = np.array(
        [np.sin(primary) * np.cos(secondary), -np.cos(primary) * np.cos(secondary), np.sin(secondary)]
    )
    return View.from_vector(detector if detector_at_hub else -detector)


def beam_of(view: View, position: PatientPosition, *, detector_at_hub: bool = True) -> Beam:
    """Where the source stands, by IEC 61217, for a line of sight from the hub."""
    source = position.axes @ (-view.vector if detector_at_hub else view.vector)
    return Beam(_angle(source[0], source[2]) % 360.0, _steep(-source[1], source))


def view_of_beam(beam: Beam, position: PatientPosition, *, detector_at_hub: bool = True) -> View:
    """The line of sight from the hub of a source's direction: the inverse of :func:`beam_of`."""
    gantry, pitch = np.radians(beam)
    source = np.array([np.sin(gantry) * np.cos(pitch), -np.sin(pitch), np.cos(gantry) * np.cos(pitch)])
    return _view(-source if detector_at_hub else source, position)


def gantry_of(view: View, position: PatientPosition) -> Gantry:
    """The slice that holds a needle along a line of sight, and its angle there."""
    hub = position.axes @ view.vector
    above = bool(hub[2] >= 0)
    x, y, z = hub
    upwards = np.array([y, z]) if above else np.array([-y, -z])
    tilt = _angle(-upwards[0], upwards[1]) if float(np.hypot(y, z)) > ALONG else 0.0
    return Gantry(tilt, _steep(x, hub), above)


def view_of_gantry(gantry: Gantry, position: PatientPosition) -> View:
    """The line of sight of a needle in a tilted slice: the inverse of :func:`gantry_of`."""
    tilt, in_plane = np.radians(gantry[:2])
    up = np.array([0.0, -np.sin(tilt), np.cos(tilt)]) * (1.0 if gantry.above else -1.0)
    return _view(np.cos(in_plane) * up + np.sin(in_plane) * np.array([1.0, 0.0, 0.0]), position)


def lasers_of(view: View, position: PatientPosition) -> Lasers:
    """The angles of a needle along a line of sight to the planes of the lasers."""
    hub = position.axes @ view.vector
    return Lasers(_steep(hub[1], hub), _steep(hub[0], hub), bool(hub[2] >= 0))


def view_of_lasers(lasers: Lasers, position: PatientPosition) -> View:
    """The line of sight of a needle at two angles to the lasers: the inverse of :func:`lasers_of`.

    Raises:
        MeasurementError: no line has these two angles.
    """
    along, across = (float(np.sin(np.radians(angle))) for angle in lasers[:2])
    rest = 1.0 - along**2 - across**2
    if rest < -ALONG:
        raise MeasurementError(
            f"No needle is at {lasers.axial:g}° to the axial and at {lasers.sagittal:g}° to the sagittal laser",
            "Give two angles that add up to 90° or less",
        )
    upwards = float(np.sqrt(max(rest, 0.0))) * (1.0 if lasers.above else -1.0)
    return _view(np.array([across, along, upwards]), position)


def entry_of(
    place: EntryPlace, depth_lps_y_mm: float, landmarks: Mapping[str, npt.ArrayLike]
) -> tuple[float, float, float]:
    """LPS mm of an entry from its distances: the inverse of :meth:`Needle.entry_place`.

    Args:
        place: from the midline and from S1.
        depth_lps_y_mm: where the skin is, from front to back; the distances leave that open.
        landmarks: LPS mm (3,) by name, as :meth:`Needle.entry_place` takes them.
    """
    from spinect_core.planning.needle.needle import ENDPLATE, lowest_body

    below, above = (
        np.asarray(landmarks[name], dtype=np.float64) for name in (ENDPLATE, lowest_body(landmarks))
    )
    along = above - below
    length = float(np.hypot(along[0], along[2]))
    # (x - x0) * along_z - level * along_x = midline * length, as entry_place counts it
    x = below[0] + (place.midline_mm * length + place.level_mm * along[0]) / along[2]
    return float(x), float(depth_lps_y_mm), float(below[2] + place.level_mm)


def _view(hub: FloatArray, position: PatientPosition) -> View:
    return View.from_vector(position.axes.T @ hub)


def _angle(across: float, along: float) -> float:
    """Degrees of a direction from the second axis towards the first; 0 where it has no part in either."""
    if float(np.hypot(across, along)) <= ALONG:
        return 0.0
    # Adding 0.0 turns -0.0 into 0.0: straight along is 0 or +180.
    return float(np.degrees(np.arctan2(across + 0.0, along + 0.0)))


def _steep(part: float, direction: FloatArray) -> float:
    """Degrees between a unit vector and the plane across an axis along which it has ``part``; exact near 90 too."""
    rest = np.sqrt(max(float(direction @ direction) - part * part, 0.0))
    return float(np.degrees(np.arctan2(part, rest)))
