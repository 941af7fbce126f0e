"""By what pictures of one series may be told apart: whose they are, of what kind, and of which pass over the patient.

Positions alone do not show whether slices belong together: two passes shifted by half a slice are as evenly spaced as
one. So every picture carries the values of these elements, and :mod:`dicom_sets` compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from spinect_core.io.reading.dicom_elements import Elements
from spinect_core.io.reading.dicom_kinds import HOUNSFIELD
from spinect_core.io.reading.series import short_hash


class Weight(Enum):
    """How much it means that pictures differ in an element."""

    IDENTITY = "always another volume: another patient, study, frame of reference or kind of picture"
    PASS = "another volume wherever the pictures lie among each other; blocks that follow each other are one"
    HINT = "another volume only if each one is regular by itself"


@dataclass(frozen=True)
class Trait:
    """One thing that pictures may differ in.

    Attributes:
        called: the word for it in messages.
        keywords: the elements that hold it, the one of single slices last; the first that is there counts.
        weight: how much a difference means.
        private: whether its values may identify a patient: they are compared, and never shown.
        ordered: whether its values are numbers that grow with time.
        read: the value of a picture, empty if unknown.
    """

    called: str
    keywords: tuple[str, ...]
    weight: Weight
    private: bool
    ordered: bool
    read: Callable[[Elements], str]

    @property
    def name(self) -> str:
        """Word and element, such as "acquisition (AcquisitionNumber)"."""
        return f"{self.called} ({self.keywords[-1]})"


def _trait(
    called: str,
    keywords: str,
    weight: Weight,
    *,
    as_value: Callable[[Elements, str], str] | None = None,
    private: bool = False,
    ordered: bool = False,
) -> Trait:
    names = tuple(keywords.split())
    value = as_value or _words

    def read(elements: Elements) -> str:
        found = next((text for text in (value(elements, name) for name in names) if text), "")
        return short_hash(found) if found and private else found

    return Trait(called, names, weight, private, ordered, read)


def _words(elements: Elements, keyword: str) -> str:
    return "/".join(word.upper() for word in elements.words(keyword))


def _same_person(elements: Elements, keyword: str) -> str:
    """Programs write a name with more or fewer empty parts, and in small or capital letters."""
    return "".join(letter for letter in elements.text(keyword).casefold() if letter not in "^ =")


def _measure(elements: Elements, keyword: str) -> str:
    """Numbers are compared to four digits: programs round them differently."""
    return _formatted(elements, keyword, ".4g")


def _count(elements: Elements, keyword: str) -> str:
    return _formatted(elements, keyword, ".12g")


def _formatted(elements: Elements, keyword: str, form: str) -> str:
    words = elements.words(keyword)
    if len(words) != 1:
        return "/".join(words)
    try:
        return f"{float(words[0].replace(',', '.')):{form}}"
    except ValueError:
        return words[0]


def _clock(elements: Elements, keyword: str) -> str:
    """Seconds of a date and time, or of a time beside a date of its own."""
    text = elements.text(keyword)
    if not text:
        return ""
    if keyword.endswith("DateTime"):
        return _seconds(text[:8], text[8:])
    date = elements.text(keyword.replace("Time", "Date"))
    return _seconds(date, text)


def _seconds(date: str, time: str) -> str:
    date, time = date.replace(".", "").replace("-", ""), time.split("+")[0].split("-")[0].replace(":", "")
    try:
        day = int(date[:4]) * 372 + int(date[4:6]) * 31 + int(date[6:8]) if len(date) >= 8 else 0
        hours, minutes, seconds = (float(part or 0) for part in (time[:2], time[2:4], time[4:]))
    except ValueError:
        return ""
    return f"{((day * 24 + hours) * 60 + minutes) * 60 + seconds:.3f}"


def _unit(elements: Elements, keyword: str) -> str:
    """There are several words for Hounsfield units, and none means them too."""
    unit = _words(elements, keyword)
    return "HU" if unit in HOUNSFIELD and unit != "HU_MOD" else unit


I, P, H = Weight.IDENTITY, Weight.PASS, Weight.HINT  # noqa: E741
TRAITS = (
    _trait("patient", "PatientID", I, as_value=_same_person, private=True),
    _trait("patient", "PatientName", I, as_value=_same_person, private=True),
    _trait("patient", "PatientBirthDate", I, private=True),
    _trait("study", "StudyInstanceUID", I, private=True),
    _trait("frame of reference", "FrameOfReferenceUID", I, private=True),
    _trait("SOP class", "SOPClassUID", I),
    _trait("kind of picture", "FrameType ImageType", I),
    _trait("kernel", "ConvolutionKernel", I),
    _trait("tube voltage", "KVP", I, as_value=_measure),
    _trait("energy", "MonoenergeticEnergyEquivalent", I, as_value=_measure),
    _trait("field of reconstruction", "ReconstructionDiameter", I, as_value=_measure),
    _trait("algorithm of reconstruction", "ReconstructionAlgorithm", I),
    # A single slice of another unit leaves no gap: the volume is refused for it, by its name.
    _trait("unit", "RescaleType", H, as_value=_unit),
    _trait("acquisition", "FrameAcquisitionNumber AcquisitionNumber", P, as_value=_count, ordered=True),
    _trait("time", "TemporalPositionIndex TemporalPositionIdentifier", P, as_value=_count, ordered=True),
    _trait("stack", "StackID", P),
    _trait("phase of the heart", "NominalPercentageOfCardiacPhase", P, as_value=_measure),
    _trait("phase of breathing", "NominalPercentageOfRespiratoryPhase", P, as_value=_measure),
    _trait("series number", "SeriesNumber", P, as_value=_count),
    _trait("description", "SeriesDescription", P),
    _trait("contrast medium", "ContrastBolusAgent", H),
    _trait("echo", "EchoNumbers", H),
    _trait("time", "FrameAcquisitionDateTime FrameReferenceDateTime", H, as_value=_clock, ordered=True),
    _trait("time", "AcquisitionDateTime AcquisitionTime", H, as_value=_clock, ordered=True),
    _trait("trigger", "NominalCardiacTriggerDelayTime TriggerTime", H, as_value=_count, ordered=True),
    _trait("breathing trigger", "NominalRespiratoryTriggerDelayTime", H, as_value=_count, ordered=True),
    _trait("time offset", "TemporalPositionTimeOffset", H, as_value=_count, ordered=True),
    _trait("time", "ContentTime", H, as_value=_clock, ordered=True),
    _trait("series time", "SeriesTime", H, as_value=_clock, ordered=True),
    _trait("study date", "StudyDate", H, private=True),
    _trait("irradiation", "IrradiationEventUID", H, private=True),
    _trait("acquisition", "AcquisitionUID", H, private=True),
    _trait("slice thickness", "SliceThickness", H, as_value=_measure),
    _trait("gantry", "GantryDetectorTilt", H, as_value=_measure),
    _trait("filter", "FilterType", H),
    _trait("scan options", "ScanOptions", H),
    _trait("protocol", "ProtocolName", H),
    _trait("scanner", "DeviceSerialNumber", H, private=True),
    _trait("scanner", "ManufacturerModelName", H),
    _trait("compression", "LossyImageCompression", H),
    _trait("instance number", "InstanceNumber", H, as_value=_count, ordered=True),
)
"""In the order they are tried in. An empty value is unknown: it speaks for no difference by itself."""

TRAIT_KEYWORDS = (
    *(keyword for trait in TRAITS for keyword in trait.keywords),
    *("AcquisitionDate", "ContentDate", "SeriesDate"),
)
"""Every element that is needed to tell pictures apart."""
_INDEX = {keyword: index for index, trait in enumerate(TRAITS) for keyword in trait.keywords}


def traits_of(elements: Elements) -> tuple[str, ...]:
    """The value of each of ``TRAITS``, empty if unknown."""
    return tuple(trait.read(elements) for trait in TRAITS)


def trait_value(traits: tuple[str, ...], keyword: str) -> str:
    """The value of the trait that an element holds, empty if unknown; a hash if it is private."""
    return traits[_INDEX[keyword]]


def person_of(traits: tuple[str, ...]) -> str:
    """A hash of all that is known of whose picture it is, empty if nothing is."""
    known = [value for value, trait in zip(traits, TRAITS, strict=True) if trait.called == "patient"]
    return short_hash(*known) if any(known) else ""
