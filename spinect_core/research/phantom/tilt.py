"""A CT whose gantry leans: slices that slide along each other, so no :class:`Volume` can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Volume
from spinect_core.io.writing import write_dicom_slices
from spinect_core.research.phantom.scanner import Scan, scan

LARGEST_TILT = 30.0


@dataclass(frozen=True, eq=False)
class TiltedScan:
    """Slices of a leaning gantry.

    Attributes:
        array: HU int16 [slice, row, column].
        positions: (n, 3) LPS mm of the centre of each slice's first pixel.
        across, down: unit LPS vectors along the columns' and the rows' index.
        pixel_mm: (x, y).
        tilt_deg: positive when the front of the gantry leans towards the feet, parallel to a sacral end plate.
        setting: the scanner.
    """

    array: npt.NDArray[np.int16]
    positions: FloatArray
    across: tuple[float, float, float]
    down: tuple[float, float, float]
    pixel_mm: tuple[float, float]
    tilt_deg: float
    setting: Scan

    def truth(self) -> dict[str, Any]:
        """What ``truth.json`` says of it, under ``tilted``."""
        return {
            "tilt_deg": self.tilt_deg,
            "first_position": self.positions[0].round(4).tolist(),
            "step": (self.positions[1] - self.positions[0]).round(4).tolist(),
            "across": list(self.across),
            "down": list(self.down),
            "pixel_mm": list(self.pixel_mm),
            "shape_zyx": list(self.array.shape),
        }


def check_tilt(tilt_deg: float) -> None:
    """Raise :class:`UsageError` if no gantry leans that far."""
    if not abs(tilt_deg) <= LARGEST_TILT:
        raise UsageError(
            f"A tilt of {tilt_deg:g} degrees is out of range",
            f"Give {-LARGEST_TILT:g} to {LARGEST_TILT:g}",
            parameter="tilt",
        )


def box_for_tilt(
    box: tuple[tuple[float, float], ...], tilt_deg: float
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """The upright box in patient mm that holds all slices whose middles lie in ``box``."""
    reach = abs(np.sin(np.radians(tilt_deg))) * (box[1][1] - box[1][0]) / 2 + 1.0
    return box[0], box[1], (float(box[2][0] - reach), float(box[2][1] + reach))


def tilted_scan(
    tissue: Volume,
    box: tuple[tuple[float, float], ...],
    tilt_deg: float,
    setting: Scan,
    rng: np.random.Generator,
    *,
    metal: npt.NDArray[np.bool_] | None = None,
    within: int = 1,
) -> TiltedScan:
    """Scan a specimen with a leaning gantry.

    Args:
        tissue: the specimen as an ideal scanner shows it, axes along the patient's, over
            :func:`box_for_tilt`; ``within`` slices for each slice of the CT.
        box: where the middles of the slices lie, in patient mm.
        tilt_deg: see :class:`TiltedScan`.
        setting: the scanner.
        rng: stream of the noise.
        metal: where metal is, on the grid of the tissue.
        within: thin slices for each slice of the CT, an odd number.

    Raises:
        UsageError: no gantry leans that far.
    """
    check_tilt(tilt_deg)
    geometry = tissue.geometry
    x, y, thin = geometry.spacing
    _nz, ny, _nx = geometry.shape
    sin, cos = float(np.sin(np.radians(tilt_deg))), float(np.cos(np.radians(tilt_deg)))
    count = int(np.floor((box[2][1] - box[2][0]) / (thin * within))) + 1
    rows = (np.arange(ny) - (ny - 1) / 2) * y
    first = box[2][0] - thin * (within - 1) / 2
    down = np.clip(rows * cos / y + (ny - 1) / 2, 0.0, ny - 1.0)
    up = (first + rows * sin - geometry.origin[2]) / thin
    rows_at = np.asarray(down), np.asarray(up), count * within
    leaning = _leaning(tissue.array, *rows_at)
    hard = None if metal is None or not metal.any() else _leaning(metal, *rows_at) > 0.5
    array = scan(leaning, (x, y, thin * within * cos), setting, rng, metal=hard, within=within)
    start = np.array(
        [
            geometry.origin[0],
            geometry.origin[1] + (ny - 1) / 2 * y + rows[0] * cos,
            box[2][0] + rows[0] * sin,
        ]
    )
    positions = start + np.outer(np.arange(count) * thin * within, [0.0, 0.0, 1.0])
    return TiltedScan(array, positions, (1.0, 0.0, 0.0), (0.0, cos, sin), (x, y), tilt_deg, setting)


def _leaning(
    array: npt.NDArray[Any], down: FloatArray, up: FloatArray, count: int
) -> npt.NDArray[np.float32]:
    """Slices interpolated from upright ones: row j from the rows ``down[j]``, ``up[j]`` slices higher."""
    nz, ny, nx = array.shape
    out = np.empty((count, len(down), nx), np.float32)
    slices = np.arange(count)
    for row, (y, z) in enumerate(zip(down, up, strict=True)):
        y0, z0 = min(int(y), ny - 2), int(np.floor(z))
        low, high = (np.clip(slices + z0 + step, 0, nz - 1) for step in (0, 1))
        right, above = np.float32(y - y0), np.float32(z - z0)
        here = (1 - right) * array[low, y0] + right * array[low, y0 + 1]
        there = (1 - right) * array[high, y0] + right * array[high, y0 + 1]
        out[:, row] = (1 - above) * here + above * there
    return out


def write_tilted_series(tilted: TiltedScan, folder: str | Path, name: str = "CT") -> list[Path]:
    """Write the slices of a leaning gantry as a CT Image Storage series.

    Args:
        tilted: the slices; a patient on the back, head first.
        folder: made if it is not there; files of the same names in it are replaced.
        name: of the series.

    Returns:
        The files in the order of the slices.

    Raises:
        OutputError: the disk refused.
    """
    return write_dicom_slices(
        tilted.array,
        tilted.positions,
        np.array([tilted.across, tilted.down]),
        tilted.pixel_mm,
        Path(folder),
        name=name,
        kernel=tilted.setting.kernel,
        thickness=tilted.setting.slice_mm,
        tilt=tilted.tilt_deg,
    )
