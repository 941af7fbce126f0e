"""Everything an interrupted training needs to go on, in one file without pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import SegmentationError
from spinect_core.base.files import whole_file
from spinect_core.segmentation.weights import Tensors


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training at some step. Random numbers need no storing: they follow from the seed and the step.

    Attributes:
        step: steps done.
        best: best mean Dice so far, -1 before the first validation.
        judged: the last step that was validated, -1 before the first validation.
        weights: of the network, by name.
        average: averaged weights, by name.
        moments: the optimiser's variables in its own order.
    """

    step: int
    best: float
    judged: int
    weights: Tensors
    average: Tensors
    moments: list[npt.NDArray[Any]]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint in full precision (360 MB), replacing the old one only when the new one is whole.

    Raises:
        OutputError: the disk is full or refuses; the old checkpoint is still there.
    """
    arrays = {f"weights:{name}": array for name, array in checkpoint.weights.items()}
    arrays |= {f"average:{name}": array for name, array in checkpoint.average.items()}
    arrays |= {f"moments:{i:04d}": array for i, array in enumerate(checkpoint.moments)}
    state = np.array([checkpoint.step, checkpoint.best, checkpoint.judged], dtype=np.float64)
    with whole_file(
        path,
        fault="The checkpoint cannot be written",
        remedy="Make room (some 800 MB) and start the same command again; it goes on from the last checkpoint",
    ) as stream:
        np.savez(stream, allow_pickle=False, state=state, **arrays)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        SegmentationError: the file is missing or damaged.
    """
    groups: dict[str, Tensors] = {"weights": {}, "average": {}, "moments": {}}
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            step, best, judged = content["state"]
            for key in content.files:
                group, _, name = key.partition(":")
                if name:
                    groups[group][name] = content[key]
    except (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise SegmentationError(
            "The checkpoint cannot be read",
            "Delete the file to begin the run anew, or choose another run folder",
            path,
        ) from error
    moments = [groups["moments"][name] for name in sorted(groups["moments"])]
    return Checkpoint(int(step), float(best), int(judged), groups["weights"], groups["average"], moments)
