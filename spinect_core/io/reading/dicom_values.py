"""Whether the numbers of DICOM slices are Hounsfield units, by what headers say and by slices beside each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from spinect_core.base.progress import Cancel
from spinect_core.io.reading.dicom_headers import Slice
from spinect_core.io.reading.dicom_kinds import CLASSIC_CT, ENHANCED_CT, HOUNSFIELD
from spinect_core.io.reading.hounsfield import (
    INT16,
    HounsfieldError,
    Joined,
    refused_or_assumed,
)
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.series import Finding
from spinect_core.io.reading.tissue import AIR, FEWEST, Step, steps

_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""What the names of all standard kinds of stored pictures begin with."""
_SCREEN = re.compile(r"^SCREEN$|SCREEN[ _-]?(SAVE|SHOT|CAPTURE)|SECONDARY[ _]CAPTURE|^(DOSE[ _])?REPORT")
MATERIAL = re.compile(
    r"IODINE|MATERIAL|MAT_(SPECIFIC|FRACTIONAL|VALUE_BASED)|EFF(ECTIVE)?_?(ATOMIC|Z)|Z_?EFF|ELECTRON_?DENSITY|PERFUSION"
    r"|BLOOD_?(FLOW|VOLUME)|TRANSIT_?TIME|TIME_?TO_?PEAK|PERMEABILITY|URIC_?ACID"
    r"|(^|[ _-])(CBF|CBV|MTT|TTP|PBV)($|[ _-])"
)
PROJECTION = re.compile(r"(^|[ _/-])(MIP|MAX_?IP|MAXIP|MIN_?IP|MINIP|MAXIMUM|MINIMUM|THICK_?MIP)($|[ _/-])")
RENDERED = re.compile(r"(^|[ _/-])(VRT?|SSD|RGB|VOLREN|(VOLUME|SURFACE)[ _]?REND\w*|ENDOSCOP\w*)($|[ _/-])")
REMOVED = re.compile(
    r"MAT_(REMOVED|MODIFIED)|VIRTUAL_?(NON|UN)_?(CONTRAST|ENHANCED)|(^|[ _-])VN(C|I|CA)($|[ _-])"
    r"|CA(LCIUM)?[ _]?SUPP|BONE[ _]?(REM|SUB)|^MASKED$"
)
COMPUTED = re.compile(r"^(SUBTRACTION|DIVISION|MULTIPLICATION|ADDITION|STD_DEVIATION|QUANTITY)$")
MEAN = re.compile(r"^(AVERAGE|AVG|MEAN)$")
THICK_MM, THICK_TIMES = 8.0, 4.0
"""A slice so thick, and so many times thicker than slices are apart, is a slab through the volume."""
GAP_TIMES, OVERLAP_TIMES = 3.0, 8.0
"""So many times their thickness slices are apart, or less than it by so many, where one of the two may be wrong."""
NEIGHBOUR_HU, TOLD_HU, NEIGHBOUR_RATIO = 100.0, 15.0, 1.4
"""Differences between slices of different scale that show one of the scales to be wrong, and that are worth a word."""


def _no_ct(slices: Sequence[Slice]) -> tuple[str, list[Slice]] | None:
    """Which pictures are of a kind that holds no Hounsfield units, by what they say of themselves, and why.

    Returns:
        A clause without its full stop, and the pictures; None if all may be slices of a CT.
    """
    found = [piece for piece in slices if _is_screen(piece) or _of_other_device(piece)]
    if not found:
        return None
    first = found[0]
    count = f"{len(found)} of {len(slices)}" if len(found) < len(slices) else "the"
    name = UID(first.sop_class).name if first.sop_class else "no SOP class"
    saved = _is_screen(first) or first.sop_class.startswith(f"{_STORAGE}7")
    text = (
        f"{count} pictures are {'screen saves' if saved else 'no CT slices'} (SOPClassUID {name}, ImageType "
        f"{_image_type(first)}): their values are grey levels of a display or of another device, not Hounsfield units"
    )
    return text, found


def _image_type(piece: Slice) -> str:
    """ImageType as the file has it."""
    return "\\".join(piece.image_type) or "missing"


def _is_screen(piece: Slice) -> bool:
    return any(_SCREEN.search(word.upper()) for word in piece.image_type)


def _of_other_device(piece: Slice) -> bool:
    return piece.sop_class.startswith(_STORAGE) and piece.sop_class not in (CLASSIC_CT, *ENHANCED_CT)


def scale_fault(slices: Sequence[Slice], source: str | Path) -> HounsfieldError | None:
    """Why the numbers of slices are not Hounsfield units by what their headers say; None if they may be."""
    other = _no_ct(slices)
    found = [
        (other[0], _names(slices, other[1])) if other else None,
        _by_type(slices, MATERIAL, "show a material and not attenuation"),
        _by_type(slices, COMPUTED, "were computed from others"),
        _by_type(slices, RENDERED, "are views of a body drawn by a program"),
        _by_type(
            slices,
            PROJECTION,
            "are projections through a slab, in which bone is wider or narrower than it is",
        ),
        _unit(slices),
        _table(slices),
        _missing(slices),
    ]
    faults = [each for each in found if each is not None]
    if not faults:
        return None
    files = tuple(dict.fromkeys(name for _, names in faults for name in names))
    text = "; ".join(text for text, _ in faults)
    remedy = {"remedy": "Choose the CT series that they were made from"} if other else {}
    return HounsfieldError(text[0].upper() + text[1:], source=source, files=files, **remedy)


_Told = tuple[str, tuple[str, ...]]


def _by_type(slices: Sequence[Slice], pattern: re.Pattern[str], what: str) -> _Told | None:
    found = [s for s in slices if _of_type(s, pattern)]
    return (
        (f"{len(found)} pictures {what} ({_type_words(found[0])})", _names(slices, found)) if found else None
    )


def _of_type(piece: Slice, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(word.upper()) for word in (*piece.image_type, piece.scale.technique))


def _type_words(piece: Slice) -> str:
    technique = "" if piece.scale.technique in ("", "NONE") else f", {piece.scale.technique}"
    return f"ImageType {_image_type(piece)}{technique}"


def _unit(slices: Sequence[Slice]) -> _Told | None:
    for keyword, units in (
        ("RescaleType", [s.scale.unit for s in slices]),
        ("RealWorldValueMappingSequence", [s.scale.quantity for s in slices]),
    ):
        others = sorted({unit for unit in units if unit not in HOUNSFIELD})
        if others:
            wrong = [s for s, unit in zip(slices, units, strict=True) if unit in others]
            shown = ", ".join(f"{u} ({_UNITS[u]})" if u in _UNITS else u for u in others[:3])
            return f"the unit of {len(wrong)} pictures is not HU, {keyword} says {shown}", _names(
                slices, wrong
            )
    return None


_UNITS = {
    "US": "unspecified",
    "OD": "optical density",
    "MGML": "mg/ml",
    "MG/ML": "concentration",
    "PCT": "per cent",
    "%": "per cent",
    "ED": "electron density",
    "EDW": "electron density relative to water",
    "Z_EFF": "effective atomic number",
}


def _table(slices: Sequence[Slice]) -> _Told | None:
    found = [s for s in slices if s.scale.table]
    if not found:
        return None
    return (
        f"{len(found)} pictures have a table (ModalityLUTSequence) in place of RescaleSlope and RescaleIntercept",
        _names(slices, found),
    )


def _missing(slices: Sequence[Slice]) -> _Told | None:
    """A scale that some slices lack is that of the others, or none; the numbers alone do not say which."""
    without = [s for s in slices if not s.scale.given]
    others = Counter((s.slope, s.intercept) for s in slices if s.scale.given)
    if not without or not others or set(others) == {(1.0, 0.0)}:
        return None
    slope, intercept = others.most_common(1)[0][0]
    text = (
        f"RescaleSlope and RescaleIntercept are missing in {len(without)} of {len(slices)} slices, which would be read "
        f"with 1 and 0, and are {slope:g} and {intercept:g} in others"
    )
    return text, _names(slices, without)


def _names(slices: Sequence[Slice], found: Sequence[Slice]) -> tuple[str, ...]:
    """Names of files, where not all are meant."""
    return () if len(found) == len(slices) else tuple(piece.name for piece in found)


_NAMES = (
    (PROJECTION, "be a projection (MIP), in which bone is wider"),
    (MATERIAL, "show a material and not attenuation"),
    (RENDERED, "be drawn by a program"),
    (REMOVED, "lack a material, and bone with it"),
)
"""What the scanner's name for a series may say; people write what they like there, so that it is only a doubt."""


def scale_findings(
    slices: Sequence[Slice], description: str, thickness: float | None, apart: float
) -> list[Finding]:
    """What makes the numbers of slices less than sure.

    Args:
        slices: of one volume.
        description: the scanner's name for the series.
        thickness: mm of a slice, None if unknown.
        apart: mm between slices.
    """
    findings = []
    if any(_of_type(s, MEAN) for s in slices):
        findings.append(Finding(f"Slices are means over a slab ({_type_words(slices[0])})", grave=True))
    elif thickness is not None and thickness >= THICK_MM and thickness >= THICK_TIMES * apart > 0:
        findings.append(
            Finding(
                f"Slices are {thickness:g} mm thick and {apart:g} mm apart: each shows a slab", grave=True
            )
        )
    elif thickness is not None and 0 < GAP_TIMES * thickness <= apart:
        text = (
            f"Slices are {thickness:g} mm thick and {apart:g} mm apart: what lies between them is not shown"
        )
        findings.append(Finding(text, grave=True))
    elif thickness is not None and thickness >= OVERLAP_TIMES * apart > 0:
        text = f"Slices are {thickness:g} mm thick and only {apart:g} mm apart: one of these may be wrong"
        findings.append(Finding(text, grave=True))
    if any(_of_type(s, REMOVED) or s.scale.unit == "HU_MOD" for s in slices):
        findings.append(
            Finding(
                f"A material was removed from the pictures ({_type_words(slices[0])}); bone may be too",
                grave=True,
            )
        )
    named = " ".join(re.findall(r"[A-Z0-9]+", description.upper()))
    for pattern, what in _NAMES:
        if pattern.search(named) and not any(_of_type(s, pattern) for s in slices):
            findings.append(Finding(f"By its description the series may {what}", grave=True))
    if any(s.scale.burned for s in slices):
        findings.append(Finding("Letters are burned into the pictures (BurnedInAnnotation)", grave=True))
    return findings


# ------------------------------------------------------------------------------------------------ what numbers show


def padded(
    hounsfield: npt.NDArray[Any], stored: npt.NDArray[Any], piece: Slice, at_edges: Joined
) -> npt.NDArray[np.bool_] | None:
    """Where a picture [y, x] holds no picture though its numbers look like tissue or metal; None if nowhere.

    A number that could be tissue is padding only where it hangs together with the edge of the picture.

    Args:
        hounsfield: HU [y, x].
        stored: numbers as stored [y, x].
        piece: the slice.
        at_edges: finds what hangs together with the edge, one for all slices.
    """
    if piece.scale.padding is None:
        return None
    low, high = piece.scale.padding
    mask: npt.NDArray[np.bool_] = (stored >= low) & (stored <= high)
    if not mask.any():
        return None
    certain = mask & ((hounsfield <= AIR) | (hounsfield > INT16.max))
    return np.asarray(certain | at_edges(mask))


def compare_scales(
    array: npt.NDArray[Any],
    slices: Sequence[Slice],
    source: str | Path,
    options: ReadOptions,
    cancel: Cancel | None,
) -> list[Finding]:
    """Check that slices of different scale fit each other in HU.

    Args:
        array: HU [z, y, x] of the slices, in their order.
        slices: of one volume.
        source: for messages.
        options: what the user decided where reading would rather refuse.
        cancel: asked for every slice.

    Raises:
        HounsfieldError: they do not.
    """
    scales = [(s.slope, s.intercept) for s in slices]
    if len(set(scales)) == 1 or array.size < FEWEST:
        return []
    differences, _ = steps(array, cancel)
    across = [step for step in differences if scales[step.place] != scales[step.other]]
    if not across:
        return []
    usual = Counter(scales).most_common(1)[0][0]
    rare = [number for number, scale in enumerate(scales) if scale != usual]
    worst = max(across, key=_size)
    names = tuple(slices[number].name for number in rare)
    other = scales[rare[0]]
    text = (
        f"RescaleSlope and RescaleIntercept are {other[0]:g} and {other[1]:g} in {len(rare)} of {len(slices)} slices "
        f"and {usual[0]:g} and {usual[1]:g} in others, and the HU of neighbouring slices differ by {worst.shift:+.0f}"
    )
    if abs(worst.shift) > NEIGHBOUR_HU or worst.ratio > NEIGHBOUR_RATIO or worst.related < 0:
        return refused_or_assumed([HounsfieldError(text, source=source, files=names)], options)
    return [Finding(text, names, grave=True)] if abs(worst.shift) > TOLD_HU else []


def _size(step: Step) -> float:
    """How badly two slices fit."""
    return abs(step.shift) + 1000 * max(0.0, -step.related) + 200 * (step.ratio - 1)


def tops_of(slices: Sequence[Slice]) -> dict[float, int]:
    """The HU of the highest numbers that the stored bits can hold, and how many bits they are: more may be cut off."""
    highest = {}
    for piece in slices:
        bits = piece.scale.bits
        number = (1 << (bits - int(piece.scale.signed))) - 1
        highest[float(np.float32(number * piece.slope + piece.intercept))] = bits
    return highest
