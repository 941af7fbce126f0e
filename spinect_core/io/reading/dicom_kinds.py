"""Which kinds of DICOM objects hold Hounsfield units at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydicom.uid import UID

if TYPE_CHECKING:
    from spinect_core.io.reading.dicom_headers import Slice

ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
CLASSIC_CT = "1.2.840.10008.5.1.4.1.1.2"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""What the names of all standard kinds of stored pictures begin with."""
_SCREEN = re.compile(r"^SCREEN$|SCREEN[ _-]?(SAVE|SHOT|CAPTURE)|SECONDARY[ _]CAPTURE|^(DOSE[ _])?REPORT")
HOUNSFIELD = ("", "HU", "H.U.", "[HNSF'U]", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNSFIELD UNITS", "HU_MOD")
"""No type means Hounsfield units in a CT. HU_MOD are those of a picture from which a material was removed."""


def no_ct(slices: Sequence[Slice]) -> tuple[str, list[Slice]] | None:
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
        f"{type_words(first)}): their values are grey levels of a display or of another device, not Hounsfield units"
    )
    return text, found


def type_words(piece: Slice) -> str:
    """ImageType as the file has it."""
    return "\\".join(piece.image_type) or "missing"


def _is_screen(piece: Slice) -> bool:
    return any(_SCREEN.search(word.upper()) for word in piece.image_type)


def _of_other_device(piece: Slice) -> bool:
    return piece.sop_class.startswith(_STORAGE) and piece.sop_class not in (CLASSIC_CT, *ENHANCED_CT)
