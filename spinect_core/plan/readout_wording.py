"""What is set in the room for a needle, in words."""

from __future__ import annotations

from spinect_core.geometry.view import MINUS, direction_letters
from spinect_core.image.position import PatientPosition
from spinect_core.image.scan import Numbering
from spinect_core.plan.records import (
    BeamRecord,
    FeltRecord,
    NeedleRecord,
    PairRecord,
    ReadoutsRecord,
    SlicePlaceRecord,
)
from spinect_core.planning.needle.needle import CREST_LINE, EntryPlace

ENDS = {"L": "left", "R": "right", "A": "front", "P": "back", "S": "head", "I": "feet"}
STEEP_DEG = 80.0
"""A needle that leaves the slices by more than this has no direction in them worth telling."""
LEVEL_DEG = 0.05
"""Angles that read as 0.0 have no direction."""
NUMBERED = {
    Numbering.INSTANCE: "instance number",
    Numbering.FRAME: "frame",
    Numbering.INDEX: "counted in the file from 1",
}


def readout_facts(record: NeedleRecord) -> tuple[tuple[str, str], ...]:
    """The read-outs of a needle, as headings and texts in the order of use; none of a plan that stored none."""
    found = record.readouts
    if found is None:
        return ()
    lines = [
        (
            "C-arm",
            f"detector at the hub {_pair(found.detector_at_hub)}, or opposite {_pair(found.source_at_hub)} "
            "(primary / secondary)",
        ),
        (
            "IEC 61217",
            f"{found.position.words}: source opposite the hub {_beam(found.beam_detector_at_hub)}; at the hub "
            f"{_beam(found.beam_source_at_hub)}",
        ),
    ]
    if found.entry_slice is not None and found.target_slice is not None:
        lines.append(
            ("Slices", f"entry on {_slice(found.entry_slice)}; target on {_slice(found.target_slice)}")
        )
    lines.append(("Gantry", gantry_words(found)))
    lines.append(("Lasers", lasers_words(found)))
    return tuple(lines)


def position_words(found: ReadoutsRecord) -> str:
    """How the patient lies for the injection, and how in the planning CT."""
    scanned = "not known" if found.scanned is None else found.scanned.words
    return f"{found.position.words} for the injection; in the planning CT: {scanned}"


def entry_words(found: ReadoutsRecord) -> str:
    """Where the entry lies, from the midline, the crest line and the nearest spinous process; empty without any."""
    parts = [] if found.midline_mm is None else [EntryPlace(found.midline_mm, found.s1_mm or 0.0).words]
    processes = sorted(
        (each for each in found.felt if each.name != CREST_LINE), key=lambda each: abs(each.above_mm)
    )
    felt = [*(each for each in found.felt if each.name == CREST_LINE), *processes[:1]]
    return "; ".join([*parts, *map(_felt, felt)])


def gantry_words(found: ReadoutsRecord) -> str:
    """The slice that holds the needle, and the needle's angle in it."""
    gantry, position = found.gantry, found.position
    if not gantry.reaches:
        # What is just beyond the limit must not read like the limit itself.
        tilted = max(abs(gantry.tilt), gantry.limit + 0.1)
        seen = f"it runs {_in_plane(found.axial_in_plane_deg, position)}, and leaves them"
        if abs(found.lasers.axial) > STEEP_DEG:
            seen = "only a point of it is seen, as it leaves them"
        return (
            f"no gantry reaches the plane of this needle: {tilted:.1f}°, the scanner tilts {gantry.limit:g}°; in axial "
            f"slices {seen} by {abs(found.lasers.axial):.1f}°"
        )
    tilt = "without tilt"
    if abs(gantry.tilt) >= LEVEL_DEG:
        tilt = f"tilted {abs(gantry.tilt):.1f}°, its top towards the {_end(position, 1, gantry.tilt < 0)}"
    angle = gantry.in_plane if gantry.above else (180.0 - gantry.in_plane + 180.0) % 360.0 - 180.0
    return f"{tilt}; in that slice the needle runs {_in_plane(angle, position)} ({position.words})"


def lasers_words(found: ReadoutsRecord) -> str:
    """The angles to the two laser planes."""
    lasers, position = found.lasers, found.position
    return (
        f"{_turned(lasers.axial, 'the axial', position, 1)}; "
        f"{_turned(lasers.sagittal, 'the sagittal', position, 0)} ({position.words})"
    )


def _turned(angle: float, plane: str, position: PatientPosition, axis: int) -> str:
    words = f"{abs(angle):.1f}° to {plane}"
    return (
        words
        if abs(angle) < LEVEL_DEG
        else f"{words}, hub towards the patient's {_end(position, axis, angle > 0)}"
    )


def _in_plane(angle: float, position: PatientPosition) -> str:
    if abs(angle) < LEVEL_DEG:
        return "vertically"
    below = ", its hub below its tip" if abs(angle) > 90.0 else ""
    return f"{abs(angle):.1f}° from the vertical, hub towards the patient's {_end(position, 0, angle > 0)}{below}"


def _end(position: PatientPosition, axis: int, forwards: bool) -> str:
    """The patient's side to which an axis of the room points."""
    return ENDS[direction_letters(position.axes.T[:, axis] * (1.0 if forwards else -1.0))[0]]


def _pair(pair: PairRecord) -> str:
    return f"{_signed(pair.primary)}° / {_signed(pair.secondary)}°"


def _beam(beam: BeamRecord) -> str:
    return f"gantry {beam.gantry:.1f}°, pitch {_signed(beam.pitch)}°"


def _slice(place: SlicePlaceRecord) -> str:
    beside = f", {abs(place.offset_mm):.1f} mm from its middle" if abs(place.offset_mm) >= LEVEL_DEG else ""
    return f"slice {place.number} ({NUMBERED[place.numbering]}){beside}, z {_signed(place.z_mm)} mm"


def _felt(felt: FeltRecord) -> str:
    height = round(abs(felt.above_mm))
    where = f"{height} mm {'above' if felt.above_mm > 0 else 'below'}" if height else "at the height of"
    return f"{where} the {felt.name}" + (f" ({felt.words})" if felt.words else "")


def _signed(value: float) -> str:
    text = f"{abs(value):.1f}"
    return f"{MINUS}{text}" if value < 0 and text != "0.0" else text
