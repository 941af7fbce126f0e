"""Labelled cases to learn from: one compressed file each, in folders that may grow while a training runs."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from spinect_core.errors import ReadingError, UsageError

HuArray = npt.NDArray[np.int16]
LabelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Case:
    """A CT and its labels on a grid of 1 mm whose axes run to the patient's left, back and head.

    Attributes:
        hu: int16 Hounsfield units [z, y, x].
        labels: uint8 [z, y, x], 0 background, 1 bone, 2 nerve.
        name: what logs call it.
    """

    hu: HuArray
    labels: LabelArray
    name: str = ""

    def __post_init__(self) -> None:
        if self.hu.shape != self.labels.shape or self.hu.ndim != 3:
            raise ReadingError(
                f"The CT {self.hu.shape} and its labels {self.labels.shape} are not on one grid",
                "Write the case again with save_case",
                self.name,
            )


def save_case(case: Case, path: Path) -> None:
    """Write a case; a training that watches the folder never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        np.savez_compressed(stream, hu=case.hu.astype(np.int16), labels=case.labels.astype(np.uint8))
    part.replace(path)


def load_case(path: Path) -> Case:
    """Read a case of :func:`save_case`.

    Raises:
        ReadingError: the file is missing, damaged or not a case.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            hu: npt.NDArray[Any] = content["hu"]
            labels: npt.NDArray[Any] = content["labels"]
    except (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise ReadingError("This is not a training case, or it is damaged", "Write it again", path) from error
    return Case(hu.astype(np.int16, copy=False), labels.astype(np.uint8, copy=False), path.stem)


@dataclass
class CaseFolders:
    """Case files in weighted folders, split by the number in their names into training and validation.

    Attributes:
        weights: how often a case is taken from each folder, relative to the others; missing or empty folders
            are passed over until something appears in them.
        validation: numbers (the last digits of a file's stem) kept for validation, never trained on.
        kept: how many cases stay in memory.
    """

    weights: Mapping[Path, float]
    validation: range = range(500, 510)
    kept: int = 48
    _files: dict[Path, list[Path]] = field(default_factory=dict, init=False, repr=False)
    _memory: OrderedDict[tuple[Path, int], Case] = field(default_factory=OrderedDict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.weights or min(self.weights.values()) < 0:
            raise UsageError("Every folder of cases needs a weight of at least 0", "Correct the weights")
        self.refresh()

    def refresh(self) -> int:
        """Look for new files; how many there are for training."""
        self._files = {
            folder: [p for p in sorted(folder.glob("*.npz")) if number_of(p) not in self.validation]
            for folder in self.weights
        }
        return sum(len(files) for files in self._files.values())

    def validation_files(self) -> list[Path]:
        """The files kept for validation, in a fixed order."""
        return [
            p
            for folder in self.weights
            for p in sorted(folder.glob("*.npz"))
            if number_of(p) in self.validation
        ]

    def draw(self, rng: np.random.Generator) -> Case:
        """A training case: the folder by its weight, the file evenly.

        Raises:
            UsageError: there is no training case.
        """
        folders = [folder for folder, files in self._files.items() if files and self.weights[folder] > 0]
        if not folders:
            raise UsageError(
                "There are no training cases", "Write some with save_case into one of the folders"
            )
        chance = np.array([self.weights[folder] for folder in folders], dtype=np.float64)
        files: Sequence[Path] = self._files[folders[int(rng.choice(len(folders), p=chance / chance.sum()))]]
        return self.load(files[int(rng.integers(len(files)))])

    def load(self, path: Path) -> Case:
        """A case by its file, from memory if it was read lately and has not been written again since.

        Raises:
            ReadingError: the file is missing, damaged or not a case.
        """
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError as error:
            raise ReadingError(
                "The training case is gone", "Look for new files with refresh", path
            ) from error
        case = self._memory.pop(key, None) or load_case(path)
        self._memory[key] = case
        while len(self._memory) > self.kept:
            self._memory.popitem(last=False)
        return case


def number_of(path: Path) -> int:
    """The number at the end of a file's stem, such as 1004 of ``case_1004.npz``; -1 if there is none."""
    match = re.search(r"(\d+)$", path.stem)
    return int(match.group(1)) if match else -1
