"""Which kinds of DICOM objects hold Hounsfield units at all."""

from __future__ import annotations

from pathlib import Path

from pydicom.uid import UID

from spinect_core.base.errors import ReadingError
from spinect_core.io.reading.dicom_headers import CLASSIC_CT, ENHANCED_CT, Slice
from spinect_core.io.reading.options import ASSUME_HU

_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""What the names of all standard kinds of stored pictures begin with."""
_SCREEN = {"SCREEN", "SCREENSAVE", "SCREENSHOT", "SCREEN SAVE", "SCREEN_SAVE", "SECONDARY CAPTURE"}


def not_hounsfield(piece: Slice, source: str | Path) -> ReadingError | None:
    """Why a picture of this kind holds no Hounsfield units, by what it says of itself; None if it may."""
    kind = "\\".join(piece.image_type) or "missing"
    screen = sorted(_SCREEN & {word.upper() for word in piece.image_type})
    standard = piece.sop_class.startswith(_STORAGE) and piece.sop_class not in (CLASSIC_CT, *ENHANCED_CT)
    if not standard and not screen:
        return None
    name = UID(piece.sop_class).name if piece.sop_class else "no SOP class"
    what = "screen saves" if screen or piece.sop_class.startswith(f"{_STORAGE}7") else "no CT slices"
    return ReadingError(
        f"The pictures are {what} (SOPClassUID {name}, ImageType {kind}): their values are grey levels of a display or "
        "of another device, not Hounsfield units",
        "Choose the CT series that they were made from",
        source,
        ASSUME_HU,
    )
