"""How often what the network says is right: measured on phantoms it had not seen, for one file of weights and mode.

The network's probabilities are no frequencies: of the voxels it gives 30 %, it may be 12 or 50 % that are nerve. The
file ``assets/calibration.json`` says what was measured, by :mod:`benchmarks.calibrate`. For other weights or another
mode nothing was measured, and nothing is claimed.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.base.assets import asset
from spinect_core.base.errors import InstallationError
from spinect_core.base.files import write_whole
from spinect_core.base.plain import parse_json
from spinect_core.image.probabilities import WHOLE
from spinect_core.image.volume import BONE, NERVE

CALIBRATION = "calibration.json"
MOST = 1000.0
"""No area or distance is widened by more."""

log = logging.getLogger(__name__)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Widening:
    """What an interval between inner and outer borders has to be widened by on both sides to hold 90 % of the truth.

    Attributes:
        area_mm2: of a free window.
        radius_mm: of the largest circle in it.
        clearance_mm: of a needle to bone or nerve.
        cases: phantoms it was measured on.
    """

    area_mm2: float
    radius_mm: float
    clearance_mm: float
    cases: int

    def __post_init__(self) -> None:
        numbers = (self.area_mm2, self.radius_mm, self.clearance_mm, self.cases)
        if not all(_is_number(each) and 0 <= each <= MOST for each in numbers):
            raise InstallationError(
                "A widening of the calibration is no number from 0 on",
                "Install SPINECT Planner again",
                CALIBRATION,
            )


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Attributes:
        weights_sha256: of the weights.
        mode: of reading.
        bone: how often a voxel is bone, 0 to 1, for 0, 1 ... 100 % said of it.
        nerve: likewise.
        fine: widening on CTs whose voxels are at most 1.5 mm long along every axis.
        coarse: on others; None, as of fine ones, where it was not measured.
    """

    weights_sha256: str
    mode: str
    bone: tuple[float, ...]
    nerve: tuple[float, ...]
    fine: Widening | None
    coarse: Widening | None

    def __post_init__(self) -> None:
        for table in (self.bone, self.nerve):
            if not all(map(_is_number, table)):
                raise InstallationError(
                    "The calibration holds what is no number", "Install SPINECT Planner again", CALIBRATION
                )
            steps = np.diff(np.asarray(table, dtype=np.float64))
            if len(table) != WHOLE + 1 or not (table[0] >= 0 and table[-1] <= 1) or (steps < 0).any():
                raise InstallationError(
                    "The calibration is no rising table of 101 frequencies",
                    "Install SPINECT Planner again",
                    CALIBRATION,
                )

    def frequencies(self, percent: LabelArray, tissue: int) -> npt.NDArray[np.float32]:
        """How often voxels are bone (1) or nerve (2), float32 [z, y, x], by what is said of them, in percent."""
        table = np.asarray({BONE: self.bone, NERVE: self.nerve}[tissue], dtype=np.float32)
        return table[percent]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the file holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Of plain data; what is there besides is for readers."""
        widenings = {
            name: None
            if data[name] is None
            else Widening(**{key: data[name][key] for key in Widening.__dataclass_fields__})
            for name in ("fine", "coarse")
        }
        return cls(
            str(data["weights_sha256"]),
            str(data["mode"]),
            tuple(data["bone"]),
            tuple(data["nerve"]),
            **widenings,
        )


def read_calibration(path: Path) -> Calibration:
    """The calibration of a file.

    Raises:
        InstallationError: it is damaged.
    """
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
        return Calibration.from_dict(data)
    except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InstallationError(
            f"The calibration cannot be read ({error})", "Install SPINECT Planner again", CALIBRATION
        ) from error


def calibration_for(run: Mapping[str, Any]) -> Calibration | None:
    """The calibration that holds for a run of the segmentation; None where none was measured.

    A damaged one is none as well: what was segmented is not lost for it, and the plan has no intervals. Of labels that
    were corrected by hand nothing was measured.

    Args:
        run: ``weights_sha256`` and ``mode`` of it, as a plan stores them, and whether it was ``corrected``.
    """
    if run.get("corrected"):
        return None
    try:
        known = read_calibration(asset(CALIBRATION))
    except InstallationError as error:
        log.warning("%s", error.fault)
        return None
    same = (run.get("weights_sha256"), run.get("mode")) == (known.weights_sha256, known.mode)
    return known if same else None


def write_calibration(calibration: Calibration, measured: Mapping[str, Any], path: Path) -> None:
    """Write a calibration and, for readers, what was measured of it."""
    text = json.dumps({**calibration.to_dict(), "measured": dict(measured)}, indent=1)
    write_whole(path, f"{text}\n".encode())
