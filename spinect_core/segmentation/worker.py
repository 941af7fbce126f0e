"""The inference process, started by `spinect_core.segmentation.process` with a job's file; the window never imports it.

It reads the job and its arrays from a folder, reports to its parent in lines of JSON on standard output, and leaves
the probabilities in the same folder. It imports an engine and nothing of the window, and it ends by itself when its
parent is gone.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from spinect_core.base.decimal_point import keep_decimal_point
from spinect_core.base.errors import SegmentationError, SpinectError
from spinect_core.segmentation.again import MOST_TILES, doubt, mirrored, tiles_again
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable
from spinect_core.segmentation.memory import peak_memory_mb
from spinect_core.segmentation.tiling import Combined, Tiling, combine, tiles_to_run

_PARENT_POLL_S = 0.25


class _Line:
    """Standard output, kept for messages: what libraries print goes to standard error."""

    def __init__(self) -> None:
        if (
            sys.stdout is not None
        ):  # the window's program has none on Windows, but the parent's pipe all the same
            sys.stdout.flush()
        self._stream = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
        os.dup2(2, 1)

    def send(self, **message: Any) -> None:
        """Tell the parent."""
        # The parent is gone or has stopped listening; it will end this process or has ended itself.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(json.dumps(message) + "\n")


def _parent_lives(parent: int) -> bool:
    if sys.platform == "win32":
        # Not getppid: in a virtual environment on Windows a launcher stands between the two.
        import psutil

        return psutil.pid_exists(parent)
    return os.getppid() == parent


def _end_with(parent: int, folder: Path) -> None:
    """End this process as soon as its parent has ended, in whatever way, and leave no voxels behind."""

    def watch() -> None:
        while _parent_lives(parent):
            time.sleep(_PARENT_POLL_S)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def work(folder: Path, job: dict[str, Any], line: _Line) -> None:
    """Do the job and leave ``probabilities.npy`` in the folder."""
    began = time.perf_counter()
    module, _, name = job["factory"].partition(":")
    tiling = Tiling(
        **{**job["tiling"], "patch": tuple(job["tiling"]["patch"]), "stride": tuple(job["tiling"]["stride"])}
    )
    make_engine = getattr(importlib.import_module(module), name)
    engine = make_engine(Path(job["weights"]), tiling.patch, job["device"])
    loaded = time.perf_counter()
    line.send(loaded=True, versions=engine.versions)

    array, occupied = np.load(folder / "array.npy"), np.load(folder / "occupied.npy")
    total = tiles_to_run(occupied[0], tiling)
    for there in occupied[1:]:
        again = tiles_to_run(there, tiling)
        total += again if job["focus"] is None else min(again, MOST_TILES)
    readings: list[Combined] = []
    before, batch = 0, job["batch"]

    def report(done: int, _: int) -> None:
        peak_memory_mb()  # where the system keeps no record, it is kept by asking often
        line.send(patch=before + done, patches=total)

    for image, there in zip(array, occupied, strict=True):
        corners = None
        if readings and job["focus"] is not None:
            doubts = mirrored(doubt(readings[0].probabilities, tuple(job["focus"])))
            corners = tiles_again(doubts, tiling)
            # Doubt may be in fewer places than there was time for.
            total = before + tiles_to_run(there, tiling, corners)
        combined = combine(
            engine,
            image,
            there,
            tiling,
            corners=corners,
            batch=batch,
            report=report,
            classes=job["classes"],
        )
        before, batch = before + combined.patches, combined.batch
        if not np.isfinite(combined.probabilities).all():
            raise SegmentationError(
                "The network's answer holds what is no number",
                "Choose other weights, or leave the choice empty to use the program's own",
                job["weights"],
            )
        readings.append(combined)
    np.save(folder / "probabilities.npy", np.stack([reading.probabilities for reading in readings]))
    line.send(
        done=True,
        patches=before,
        patches_skipped=sum(reading.patches_skipped for reading in readings),
        batch=batch,
        fallbacks=[text for reading in readings for text in reading.fallbacks],
        seconds={"load": loaded - began, "predict": time.perf_counter() - loaded},
        peak_memory_mb=peak_memory_mb(),
    )


def main(argv: list[str]) -> int:
    """Run one job; the exit code is 0 if the parent received the outcome, success or failure."""
    keep_decimal_point()
    path = Path(argv[0])
    job = json.loads(path.read_text(encoding="utf-8"))
    line = _Line()
    _end_with(job["parent"], path.parent)
    line.send(started=True)
    try:
        work(path.parent, job, line)
    except EngineOutOfMemory as error:
        line.send(error="memory", text=str(error))
    except MemoryError:
        line.send(error="memory", text="The memory of this computer does not suffice")
    except EngineUnavailable as error:
        line.send(error="unavailable", text=str(error))
    except SpinectError as error:
        line.send(error="fault", fault=error.fault, remedy=error.remedy, source=error.source)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
