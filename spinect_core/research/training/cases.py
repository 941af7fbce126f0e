"""Labelled cases to learn from, and what a training asks of whoever has them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import ReadingError
from spinect_core.base.files import whole_file
from spinect_core.base.reasons import times

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
                f"CT ({times(self.hu.shape)} voxels) and labels ({times(self.labels.shape)}) are not on one grid",
                "Delete the case; it is then made again from its CT and labels",
                self.name,
            )


def save_case(case: Case, path: Path) -> None:
    """Write a case, all of it or nothing.

    Raises:
        OutputError: the disk is full or refuses.
    """
    with whole_file(
        path,
        fault="The prepared case cannot be written",
        remedy="Make room (some 10 MB a case), or choose another folder for prepared cases",
        parameter="cache",
    ) as stream:
        np.savez_compressed(stream, hu=case.hu.astype(np.int16), labels=case.labels.astype(np.uint8))


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
        raise ReadingError(
            "This is not a training case, or it is damaged", "Delete it; it is then made again", path
        ) from error
    return Case(hu.astype(np.int16, copy=False), labels.astype(np.uint8, copy=False), path.stem)


class Cases(Protocol):
    """Labelled cases in a fixed order. Anything like it can be trained on: files, or specimens drawn when asked for.

    Attributes:
        names: of the cases; logs, reports and the check before resuming use them.
        patients: whose case each is; cases of one patient are never parted between training and validation.
    """

    names: Sequence[str]
    patients: Sequence[str]

    def load(self, number: int) -> Case:
        """The case of a number from 0, always the same; asked for from several threads.

        Raises:
            SpinectError: it cannot be had.
        """


class CaseFiles:
    """Cases in files of :func:`save_case`, the last used of which stay in memory.

    Args:
        paths: a file for each case.
        patients: whose each is; each a patient of his own if absent.
        kept: how many cases stay in memory (some 16 MB each).
    """

    def __init__(self, paths: Sequence[Path], patients: Sequence[str] | None = None, kept: int = 48) -> None:
        self._paths = tuple(paths)
        self.names: Sequence[str] = tuple(path.stem for path in paths)
        self.patients: Sequence[str] = self.names if patients is None else tuple(patients)
        self._kept = kept
        self._memory: OrderedDict[int, Case] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, number: int) -> Case:
        """The case of a number, from memory if it was used lately.

        Raises:
            ReadingError: the file is missing, damaged or not a case.
        """
        with self._lock:
            case = self._memory.pop(number, None)
        case = case or load_case(self._paths[number])
        with self._lock:
            self._memory[number] = case
            while len(self._memory) > self._kept:
                self._memory.popitem(last=False)
        return case


class Together:
    """Several lists of cases as one, in their order."""

    def __init__(self, sources: Sequence[Cases]) -> None:
        self._places = [(source, number) for source in sources for number in range(len(source.names))]
        self.names: Sequence[str] = tuple(source.names[number] for source, number in self._places)
        self.patients: Sequence[str] = tuple(source.patients[number] for source, number in self._places)

    def load(self, number: int) -> Case:
        """The case of a number.

        Raises:
            SpinectError: its source cannot give it.
        """
        source, place = self._places[number]
        return source.load(place)
