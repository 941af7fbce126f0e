"""All that the header of a CT's file says, element by element, for who wants to look at it.

What may tell who the patient is, is marked, so that it can be hidden. As in what is written de-identified, it is not
listed what identifies but what does not: numbers, coded words and identifiers that DICOM itself has given out. Names,
dates, texts, all else that identifies, all of the patient's group, and whatever is private or not known, is marked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import dictionary_description, dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import UID

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, Progress, check, part_of
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import Volume
from spinect_core.io.reading.dicom_elements import BadSliceError
from spinect_core.io.reading.dicom_headers import read_header
from spinect_core.io.reading.opening import list_series, read_series
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.reading.series import Series, short_hash

LARGEST = 1 << 16
"""Bytes of a value that is looked at; of larger ones the size is told."""
LARGEST_SEQUENCE = 1 << 24
LONGEST = 300
"""Letters of a value that are told."""
MOST_VALUES = 100
"""Of one element."""
MOST = 20_000
"""Elements that are listed: a file of many frames says the same of each."""
DEEPEST = 8
"""Sequences within sequences."""
HIDDEN = "hidden"
"""In place of a value that may tell who the patient is."""
PRIVATE = "Private"
PATIENTS_GROUPS = (0x0010, 0x0012, 0x0032, 0x0038, 0x4008)
"""Patient, clinical trial, request, visit, and interpretation."""
TELLING = ("AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")
"""Types of values that may tell who somebody is, where, or when: names, texts, dates, addresses."""
HARMLESS = (
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "PatientIdentityRemoved",
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "ImplementationClassUID",
    "ImplementationVersionName",
    "ConvolutionKernel",
    "FilterType",
    "RescaleType",
)
"""Of these types, and of the patient's groups, those that tell of the scanner."""
CODES = ("CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion")
"""The parts of a coded word."""
PUBLIC_SCHEMES = ("DCM", "SCT", "SRT", "UCUM")
"""Whose coded words are not hidden; of a hospital's own scheme they may be the names of its people."""
OF_PEOPLE = (
    "Person",
    "Physician",
    "Operator",
    "Performer",
    "Observer",
    "Participant",
    "Staff",
    "Institution",
    "Ethnic",
)
"""Sequences whose keywords hold one of these tell who somebody is, or where."""
DICOMS_OWN = "1.2.840.10008."
"""How identifiers begin that DICOM has given out."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, which may do anything."""
_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class HeaderElement:
    """An element.

    Attributes:
        within: the sequence that it lies in, such as ``(0008,1140)[2]``; empty at the top.
        group: and ``element``, its tag.
        vr: its type (value representation).
        name: by the dictionary; begins with :data:`PRIVATE` for a private one.
        value: as text on one line; the size of a binary or large one.
        depth: sequences that it lies within.
        personal: whether it may tell who the patient is.
    """

    within: str
    group: int
    element: int
    vr: str
    name: str
    value: str
    depth: int
    personal: bool

    @property
    def tag(self) -> str:
        """Such as ``(0008,0060)``."""
        return f"({self.group:04X},{self.element:04X})"

    def told(self, shown: bool) -> str:
        """Its value, or that it is hidden.

        Args:
            shown: whether what may tell who the patient is, is told.
        """
        return self.value if shown or not self.personal or not self.value else HIDDEN


@dataclass(frozen=True)
class Listing:
    """The header of the first file of a CT.

    Attributes:
        elements: in the order of the file, with those within sequences behind them.
        files: of the CT.
        cut: whether there are more elements than these.
    """

    elements: tuple[HeaderElement, ...]
    files: int
    cut: bool = False


def list_header(path: Path, volume: Volume, *, progress: Progress, cancel: Cancel | None) -> Listing:
    """The header of the first file of a CT that was read.

    Args:
        path: that the CT was read from: a folder, a zip or a file.
        volume: what was read.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        ReadingError: the CT is no DICOM, its files are not there any more, or the header is damaged.
        Cancelled: the user stopped it.
    """
    if volume.details.get("format") != "DICOM":
        raise ReadingError("This CT is not DICOM, so it has no such header", "Open it as DICOM")
    series = _series_of(path, volume, progress, cancel)
    elements, cut = read_elements(series.files[0], cancel=cancel)
    return Listing(elements, len(series.files), cut)


def read_elements(file: Path, *, cancel: Cancel | None = None) -> tuple[tuple[HeaderElement, ...], bool]:
    """The elements of a file without its pixels, and whether there are more than were read.

    Raises:
        ReadingError: it cannot be read.
        Cancelled: the user stopped it.
    """
    found: list[HeaderElement] = []
    try:
        with quiet_dicom():
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True, defer_size=LARGEST)
            for part in (dataset.get("file_meta") or Dataset(), dataset):
                for each in _elements(part, "", 0, hidden=False):
                    check(cancel)
                    if len(found) == MOST:
                        return tuple(found), True
                    found.append(each)
    except OSError as error:
        raise ReadingError(
            f"The header of this CT cannot be read ({error.strerror or error})",
            "Check the files and try again",
        ) from error
    except ReadingError:
        raise
    # pydicom raises of many kinds on damaged files; what they say may hold the patient's name.
    except Exception as error:
        raise ReadingError(
            "The header of this CT is damaged or breaks off", "Copy the file again from its source"
        ) from error
    return tuple(found), False


def as_csv(elements: Sequence[HeaderElement], *, shown: bool) -> bytes:
    """Elements as a table, below the notice, which stands on a line that begins with "# ".

    Args:
        elements: the rows.
        shown: whether what may tell who the patient is, is told.
    """
    stream = io.StringIO()
    stream.write(f"# {NOTICE}\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["within", "group", "element", "vr", "name", "value"])
    for each in elements:
        cells = [
            each.within,
            f"{each.group:04X}",
            f"{each.element:04X}",
            each.vr,
            each.name,
            each.told(shown),
        ]
        writer.writerow(map(_cell, cells))
    return stream.getvalue().encode("utf-8", "replace")


def _cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if not text.startswith(FORMULA):
        return text
    try:
        [float(part) for part in text.split("\\")]
    except ValueError:
        return f"'{text}"
    return text


def _series_of(path: Path, volume: Volume, progress: Progress, cancel: Cancel | None) -> Series:
    """The series that a volume was read from."""
    options = ReadOptions(assume_hu=True, join_series=True)
    every = list_series(path, options=options, progress=part_of(progress, 0.0, 0.5), cancel=cancel)
    grid = volume.geometry
    likely = [
        each
        for each in every
        if each.loadable
        and each.files
        and each.shape == grid.shape
        and np.allclose(each.spacing or 0, grid.spacing)
    ]
    if volume.dicom is not None and volume.dicom.series:
        likely = [each for each in likely if _uid_hash(each) == volume.dicom.series]
    for number, each in enumerate(likely):
        if len(likely) == 1:
            return each
        share = part_of(progress, 0.5 + 0.5 * number / len(likely), 0.5 + 0.5 * (number + 1) / len(likely))
        other = read_series(each, options=options, progress=share, cancel=cancel)
        if other.geometry.same_grid(grid) and np.array_equal(other.array, volume.array):
            return each
    raise ReadingError("The files of this CT are not where they were", "Open the CT again")


def _uid_hash(series: Series) -> str:
    try:
        header = read_header(series.files[0])
    except (BadSliceError, OSError):
        return ""
    return "" if header is None else short_hash(header.series)


def _elements(dataset: Dataset, within: str, depth: int, *, hidden: bool) -> Iterator[HeaderElement]:
    public = depth > 0 and _scheme(dataset) in PUBLIC_SCHEMES
    for raw in sorted(dataset.values(), key=lambda each: each.tag):
        tag = raw.tag
        items: Sequence[Dataset] = ()
        private = hidden or tag.is_private
        vr, value, name, personal = str(raw.VR or _known_vr(tag)), "", _name(tag, ""), private
        length = raw.length if isinstance(raw, RawDataElement) else 0
        if length != _UNKNOWN_LENGTH and length > (LARGEST_SEQUENCE if vr == "SQ" else LARGEST):
            value = _size(length)
        else:
            try:
                element = dataset[tag]
                vr, name = str(element.VR), _name(tag, element.name)
                value = _text(element.value, vr)
                personal = private or _is_personal(tag, vr, element.keyword, value, public)
                items = (element.value or ()) if vr == "SQ" and depth < DEEPEST else ()
            except Exception:  # pydicom raises whatever its converters meet in a damaged element
                value = "cannot be read"
        yield HeaderElement(within, tag.group, tag.element, vr, name, value, depth, personal)
        for number, item in enumerate(items, start=1):
            place = f"{within} {tag}[{number}]".strip()
            yield from _elements(item, place, depth + 1, hidden=personal)


def _known_vr(tag: BaseTag) -> str:
    return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"


def _name(tag: BaseTag, told: str) -> str:
    """What an element is called; what a private one is called is its maker's business."""
    if tag.is_private:
        known = told.strip("[]") if told.startswith("[") else ""
        return f"{PRIVATE}: {known}" if known else PRIVATE
    return told or (dictionary_description(tag) if dictionary_has_tag(tag) else "")


def _size(length: int) -> str:
    return f"{length} byte{'s' if length != 1 else ''}"


def _text(value: Any, vr: str) -> str:
    """A value on one line, cut where it is long."""
    if vr == "SQ":
        return f"{len(value or ())} item{'s' if len(value or ()) != 1 else ''}"
    if isinstance(value, bytes | bytearray | memoryview):
        return _size(len(value))
    if value is None:
        return ""
    values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    text = "\\".join(map(_word, values[:MOST_VALUES]))
    clean = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if len(values) > MOST_VALUES or len(clean) > LONGEST:
        more = f" ({len(values)} values)" if len(values) > 1 else f" ({len(clean)} letters)"
        return f"{clean[:LONGEST]}…{more}"
    return clean


def _word(value: Any) -> str:
    if isinstance(value, UID) and value.startswith(DICOMS_OWN) and value.name != str(value):
        return f"{value} ({value.name})"
    return str(value)


def _scheme(dataset: Dataset) -> str:
    """By which a coded word is; empty where that cannot be read."""
    try:
        return str(dataset.get("CodingSchemeDesignator", ""))
    except Exception:  # pydicom raises whatever its converters meet in a damaged element
        return ""


def _is_personal(tag: BaseTag, vr: str, keyword: str, value: str, public: bool) -> bool:
    if keyword in HARMLESS or (public and keyword in CODES):
        return False
    if tag.group in PATIENTS_GROUPS or vr in TELLING:
        return True
    if vr == "SQ":
        return any(each in keyword for each in OF_PEOPLE)
    return vr == "UI" and not all(each.startswith(DICOMS_OWN) for each in value.split("\\"))
