"""How fast simulated exposures are, and how they agree with plastimatch: ``python -m benchmarks.fluoroscopy CT...``.

Each CT is prepared once, then shown in several views with the detector on either side. *wall* is what passes on this
machine as busy as it is now, *CPU* what all threads computed together. With ``plastimatch`` on the path (Debian package
``plastimatch``) its DRR of the same rays is made in two ways and the line integrals are correlated pixel by pixel:

- *uniform*: trilinear samples along the rays of the CT as it is;
- *exact*: Siddon's way through voxels of one value each; so that both integrate the same tissue, the CT is first
  resampled by linear interpolation to voxels of at most 1 mm.

Plastimatch takes all below -800 HU for nothing; for the comparison both get a CT in which it is -1000 HU. *scale* is
the ratio of the line integrals after both are divided by their attenuation of water.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from rich.console import Console
from rich.table import Table

from spinect_core.base.words import DetectorSide
from spinect_core.geometry.view import View
from spinect_core.image.volume import Volume, to_sitk
from spinect_core.io.reading import read_ct
from spinect_core.pictures.fluoroscopy import Attenuation, Exposure, Fluoroscope, line_integrals
from spinect_core.pictures.fluoroscopy.attenuation import WATER_PER_MM

VIEWS = (
    "from behind",
    "left lateral",
    "left oblique 30",
    "right oblique 27 caudal 12",
    "right oblique 45 cranial 20",
)
FINE_MM = 1.0
NOTHING_HU = -800
THEIR_WATER = 0.0022
"""Plastimatch's attenuation of water in its own unit."""
PLASTIMATCH = "plastimatch"
METHODS = ("uniform", "exact")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ct", nargs="+", type=Path, help="any CT that the program reads")
    parser.add_argument("--frames", type=int, default=20, help="exposures of each view that are timed")
    parser.add_argument("--json", type=Path, metavar="F", help="write the numbers too")
    options = parser.parse_args()
    rows = [row for path in options.ct for row in of_ct(path, options.frames)]
    _print(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def of_ct(path: Path, frames: int) -> list[dict[str, Any]]:
    """The numbers of a CT, a row for each view and side of the detector."""
    volume = read_ct(path)
    began = time.perf_counter()
    attenuation = Attenuation.of(volume)
    ready = time.perf_counter() - began
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        clear = replace(volume, array=np.where(volume.array <= NOTHING_HU, -1000, volume.array))
        files = _files(clear, Path(folder)) if shutil.which(PLASTIMATCH) else {}
        cleared = Attenuation.of(clear) if files else attenuation
        for words in VIEWS:
            for detector in DetectorSide:
                device = Fluoroscope(detector=detector)
                exposure = Exposure(View.parse(words), volume.geometry.centre, device)
                row = {"ct": path.parent.name, "view": words, "detector": str(detector), "ready_s": ready}
                row |= {"memory_mb": attenuation.bytes / 1e6, **_timed(attenuation, exposure, frames)}
                own = line_integrals(cleared, exposure)
                for method, file in files.items():
                    theirs = _plastimatch(file, exposure, method, Path(folder) / "drr")
                    row[method] = float(np.corrcoef(own.ravel(), theirs.ravel())[0, 1])
                    row["scale"] = float(own.mean() / theirs.mean() * THEIR_WATER / WATER_PER_MM)
                rows.append(row)
    return rows


def _timed(attenuation: Attenuation, exposure: Exposure, frames: int) -> dict[str, float]:
    wall, cpu = [], []
    for _ in range(frames):
        began, used = time.perf_counter(), time.process_time()
        line_integrals(attenuation, exposure)
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - used))
    return {"wall_ms": statistics.median(wall), "best_ms": min(wall), "cpu_ms": statistics.median(cpu)}


def _files(volume: Volume, folder: Path) -> dict[str, Path]:
    """The CT for each method; plastimatch takes the axes of the patient for those of the file."""
    image = sitk.DICOMOrient(to_sitk(volume.array, volume.geometry), "LPS")
    fine = np.minimum(image.GetSpacing(), FINE_MM)
    size = [round(n * mm / to) for n, mm, to in zip(image.GetSize(), image.GetSpacing(), fine, strict=True)]
    first = image.TransformContinuousIndexToPhysicalPoint(
        [(to / mm - 1) / 2 for mm, to in zip(image.GetSpacing(), fine, strict=True)]
    )
    resampled = sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkLinear, first, fine.tolist(), image.GetDirection(), -1000
    )
    files = {}
    for method, each in zip(METHODS, (image, resampled), strict=True):
        files[method] = folder / f"{method}.mha"
        sitk.WriteImage(each, str(files[method]))
    return files


def _plastimatch(ct: Path, exposure: Exposure, method: str, prefix: Path) -> npt.NDArray[np.float32]:
    """Plastimatch's line integrals [row, column] as the viewer sees them."""
    device = exposure.fluoroscope

    def numbers(values: npt.ArrayLike) -> str:
        return " ".join(f"{value:.6f}" for value in np.asarray(values))

    command = [PLASTIMATCH, "drr", "-i", method, "-t", "pfm", "-P", "preprocess", "-O", str(prefix)]
    command += ["-r", f"{device.pixels} {device.pixels}", "-z", f"{device.detector_mm} {device.detector_mm}"]
    command += ["--sad", str(device.source_to_target_mm), "--sid", str(device.source_to_detector_mm)]
    command += ["-o", numbers(exposure.target), "-n", numbers(-exposure.beam)]
    command += ["--vup", numbers(exposure.view.up), str(ct)]
    subprocess.run(command, check=True, capture_output=True)
    _kind, size, _scale, content = prefix.with_name(f"{prefix.name}0000.pfm").read_bytes().split(b"\n", 3)
    columns, rows = (int(word) for word in size.split())
    picture = np.frombuffer(content, "<f4").reshape(rows, columns)
    # It is drawn as seen from the source.
    return picture[:, ::-1] if device.detector == DetectorSide.AT_VIEWER else picture


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(title="Simulated exposures of 512 x 512 pixels, two threads")
    names = (
        "ct",
        "view",
        "detector",
        "ready_s",
        "memory_mb",
        "wall_ms",
        "best_ms",
        "cpu_ms",
        *METHODS,
        "scale",
    )
    for name in names:
        table.add_column(name.replace("_", " "), justify="left" if name in names[:3] else "right")
    for row in rows:
        cells = []
        for name in names:
            value = row.get(name, "")
            form = ".5f" if name in (*METHODS, "scale") else ".1f"
            cells.append(f"{value:{form}}" if isinstance(value, float) else str(value))
        table.add_row(*cells)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
