"""What a DICOM file says of its numbers: their scale, their unit and what is padding.

A CT is in Hounsfield units if its modality transformation is a slope and an intercept (PS3.3 C.11.1) whose result has
the type HU, which is also meant where no type is given (PS3.3 C.8.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from spinect_core.io.reading.dicom_elements import BadSliceError, Elements, items_of

SCALE_TAGS = [
    "RescaleType",
    "ModalityLUTSequence",
    "RealWorldValueMappingSequence",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "BurnedInAnnotation",
    "VolumeBasedCalculationTechnique",
]


@dataclass(frozen=True)
class Scale:
    """What one picture says of its numbers.

    Attributes:
        given: whether it has a slope and an intercept.
        unit: RescaleType, in capitals; empty if there is none.
        quantity: the unit that a real world value mapping names, empty if there is none or a slope says HU.
        table: whether a table stands in place of slope and intercept.
        padding: stored numbers of the range that holds no picture, None if there is none.
        bits: how many are stored.
        signed: whether the stored numbers have a sign.
        burned: whether letters were written into the picture.
        technique: how it was computed from a volume, such as MAX_IP.
    """

    given: bool
    unit: str
    quantity: str
    table: bool
    padding: tuple[int, int] | None
    bits: int
    signed: bool
    burned: bool
    technique: str


def scale_of(elements: Elements) -> Scale:
    """What a picture says of its numbers."""
    bits = elements.integer("BitsStored") or elements.integer("BitsAllocated") or 16
    signed = elements.integer("PixelRepresentation") == 1
    return Scale(
        given=elements.has("RescaleSlope") and elements.has("RescaleIntercept"),
        unit=elements.text("RescaleType").upper(),
        quantity=_mapped_unit(elements.dataset),
        table=bool(_items(elements.dataset, "ModalityLUTSequence")),
        padding=_padding(elements, bits, signed),
        bits=bits,
        signed=signed,
        burned=elements.text("BurnedInAnnotation").upper() == "YES",
        technique=elements.text("VolumeBasedCalculationTechnique").upper(),
    )


def _padding(elements: Elements, bits: int, signed: bool) -> tuple[int, int] | None:
    """The range of padding in the numbers that are stored, whichever sign its elements were written with."""
    try:
        value, limit = elements.integer("PixelPaddingValue"), elements.integer("PixelPaddingRangeLimit")
    except BadSliceError:  # padding that nobody can read is none
        return None
    if value is None:
        return None
    ends = sorted(_as_stored(n, bits, signed) for n in (value, value if limit is None else limit))
    if ends[1] - ends[0] > 1 << (bits - 1):  # the ends were written with different signs
        ends = [_as_stored(value, bits, signed)] * 2
    return ends[0], ends[1]


def _as_stored(number: int, bits: int, signed: bool) -> int:
    number %= 1 << bits
    return number - (1 << bits) if signed and number >= 1 << (bits - 1) else number


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    try:
        return items_of(dataset, keyword)
    except BadSliceError:
        return []


def _mapped_unit(dataset: Dataset) -> str:
    """The code of the unit that the real world value mapping of a file names; empty if there is none."""
    groups = [dataset, *_items(dataset, "SharedFunctionalGroupsSequence")]
    groups += _items(dataset, "PerFrameFunctionalGroupsSequence")[:1]
    for group in groups:
        for mapping in _items(group, "RealWorldValueMappingSequence"):
            for unit in _items(mapping, "MeasurementUnitsCodeSequence"):
                return str(unit.get("CodeValue", "") or unit.get("CodeMeaning", "")).strip().upper()
    return ""
