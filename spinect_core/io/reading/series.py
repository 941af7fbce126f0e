"""What a folder, an archive or a file has to offer: one entry for each set of pictures that could be a volume."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.image.volume import Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.options import ASSUME_HU, JOIN_SERIES, ReadOptions

Load = Callable[[ReadOptions, Progress, "Cancel | None"], Volume]

NAMES_SHOWN = 3
SMALLEST_SIDE = 3
"""Voxels a volume needs along each axis: with two slices no spacing can be checked."""


@dataclass(frozen=True)
class Finding:
    """Something the user should know about a series.

    Attributes:
        text: what was found, as a sentence without its full stop and without file names (which may hold a patient's).
        files: names of the files it was found in.
        grave: whether numbers or places may be wrong; what is made of the CT is then marked by it.
        code: by which the program knows it; empty where nothing but a reader has to.
    """

    text: str
    files: tuple[str, ...] = ()
    grave: bool = False
    code: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({name_some(self.files)})" if self.files else self.text

    @property
    def warning(self) -> ReadingWarning:
        """What travels with the volume: all but the names of files."""
        return ReadingWarning(self.text, self.grave, self.code)


@dataclass(frozen=True)
class Series:
    """One set of pictures found by :func:`list_series`.

    Attributes:
        key: short name that stays the same as long as the files do; pass it to ``read_ct(path, series=key)``.
        description: the scanner's or the file's name for it.
        modality: DICOM modality such as "CT"; "CT" as well for NIfTI, NRRD and MetaImage, which do not say.
        pictures: number of slices found.
        shape: voxels along (z, y, x), None if they do not form a volume.
        spacing: mm along (x, y, z), from the slices' positions; None if they do not form a volume.
        kernel: the scanner's convolution kernel, empty if unknown.
        orientation: "axial", "sagittal", "coronal" or one of these with "oblique" before it; empty if unknown.
        warnings: what was found, each with the names of the files.
        loadable: whether :func:`read_series` can make a volume of it.
        files: the files it is made of.
        fault: why it is not loadable.
        findings: the warnings as objects, so that the names of files can be left out.
        extent: mm covered along the slices' normal, 0 if unknown.
        original: whether the scanner made these pictures, and not a reformat of others.
        frame: identifies the patient's position on the table (a hash), empty if unknown.
        person: identifies the patient among others (a hash), empty if unknown.
        part: which part of a series it is, such as "acquisition 2"; empty if it is the whole.
        load: makes the volume.
        keep: holds what the files need to stay, such as the folder that an archive was unpacked to.
    """

    key: str
    description: str
    modality: str
    pictures: int
    shape: tuple[int, int, int] | None
    spacing: tuple[float, float, float] | None
    kernel: str
    orientation: str
    warnings: tuple[str, ...]
    loadable: bool
    files: tuple[Path, ...]
    fault: ReadingError | None = field(default=None, repr=False, compare=False)
    findings: tuple[Finding, ...] = field(default=(), repr=False, compare=False)
    extent: float = field(default=0.0, repr=False, compare=False)
    original: bool = field(default=True, repr=False, compare=False)
    frame: str = field(default="", repr=False, compare=False)
    person: str = field(default="", repr=False, compare=False)
    part: str = field(default="", compare=False)
    load: Load | None = field(default=None, repr=False, compare=False)
    keep: object = field(default=None, repr=False, compare=False)

    @property
    def offered(self) -> bool:
        """Whether it is several series that make one volume, which is read as one if the user asks for it."""
        return self.fault is not None and self.fault.parameter == JOIN_SERIES

    @property
    def doubtful(self) -> bool:
        """Whether its numbers are said to be no Hounsfield units, and it is read if the user takes them for such."""
        return self.fault is not None and self.fault.parameter == ASSUME_HU

    @property
    def title(self) -> str:
        """Its name, and which part of the series it is."""
        return ", ".join(text for text in (self.description, self.part) if text)

    def line(self) -> str:
        """The entry on one line, as the chooser and the error messages show it."""
        spacing = "x".join(f"{s:.2f}" for s in self.spacing) + " mm" if self.spacing else "no volume"
        facts = [
            self.modality,
            f"{self.pictures} pictures",
            spacing,
            self.orientation,
            self.kernel,
            self.part,
        ]
        return f"{self.key}: {self.description or 'no description'} [{', '.join(f for f in facts if f)}]"


def name_some(names: Sequence[str], shown: int = NAMES_SHOWN) -> str:
    """The first few names and how many more there are."""
    text = ", ".join(names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown} more"


def short_hash(*parts: object) -> str:
    """Eight hexadecimal digits that stay the same for the same parts and do not show them."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode("utf-8", "replace")).hexdigest()[:8]


def orientation_name(normal: npt.ArrayLike) -> str:
    """The radiologist's word for slices with this LPS normal (3,)."""
    size = np.abs(np.asarray(normal, dtype=np.float64))
    axis = int(np.argmax(size))
    name = ("sagittal", "coronal", "axial")[axis]
    within = np.degrees(np.arccos(min(1.0, size[axis] / np.linalg.norm(size))))
    return name if within <= 25 else f"oblique {name}"
