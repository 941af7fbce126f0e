"""Drives the inference process: starts it, listens, ends it at once when asked to, and notices when it dies.

It is a fresh process, on every system (see `spinect_core.base.child`), so nothing of the program that starts it (its
window, its main module, its threads) gets into it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.child import child_environment, start_child
from spinect_core.base.errors import SegmentationError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.scratch import scratch_folder
from spinect_core.base.words import DeviceName
from spinect_core.segmentation.again import Focus
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable
from spinect_core.segmentation.network import CLASSES
from spinect_core.segmentation.tiling import Tiling

POLL_S = 0.05
START_TIMEOUT_S = 300.0
"""Importing TensorFlow from a cold network disk takes minutes at worst."""
PATCH_TIMEOUT_S = 300.0
"""The first batch on a GPU compiles its kernels; no batch takes as long as this."""

_LESS_MEMORY = "Close other programs, or choose a smaller region"
_ON_CPU = ", or use the CPU engine, OpenVINO"


class WorkerDied(SegmentationError):
    """The inference process ended, or stopped answering, without saying why."""


@dataclass(frozen=True)
class Job:
    """What the process is to do.

    Attributes:
        factory: ``module:name`` of the engine's class.
        device: ``gpu`` or ``cpu``.
        weights: the weights file.
        tiling: the mode.
        batch: tiles to run at once.
        focus: where L5/S1 lies in the first reading; a second one is then made of the doubtful tiles about it alone,
            see :mod:`spinect_core.segmentation.again`. Without it every reading is of the whole region.
        classes: how many the network tells apart.
    """

    factory: str
    device: str
    weights: Path
    tiling: Tiling
    batch: int
    focus: Focus | None = None
    classes: int = CLASSES


@dataclass(frozen=True, eq=False)
class Outcome:
    """What it did.

    Attributes:
        probabilities: float32 [reading, z, y, x, class]; their sum in a voxel is how much the reading counts there,
            which is less than 1 where the second was not made of the whole region.
        patches: tiles run, of all readings.
        seconds: ``start`` (starting the process and handing over), ``load`` (engine and weights), ``predict``.
    """

    probabilities: npt.NDArray[np.float32]
    patches: int
    patches_skipped: int
    batch: int
    fallbacks: tuple[str, ...]
    peak_memory_mb: float
    seconds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def run_job(
    job: Job,
    array: npt.NDArray[np.float32],
    occupied: npt.NDArray[np.bool_],
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Outcome:
    """Do a job in a process of its own.

    Args:
        job: engine and mode.
        array: standardised region [reading, z, y, x]; the second is the mirror image of about the same voxels.
        occupied: [reading, z, y, x], where there is more than air.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at every 50 ms; the process is killed when it is set.

    Raises:
        Cancelled: if the user stopped it.
        EngineOutOfMemory: if not even one tile fits into the device's memory.
        EngineUnavailable: if the engine cannot run here.
        WorkerDied: if the process crashed, was killed by the system or hung.
        SegmentationError: if the weights do not fit.
    """
    check(cancel)
    with scratch_folder() as folder:
        try:
            np.save(folder / "array.npy", array)
            np.save(folder / "occupied.npy", occupied)
        except OSError as error:
            raise SegmentationError(
                f"The region cannot be handed to the inference process ({error.strerror or error})",
                "Free space on the disk, or set the environment variable TMPDIR to a folder with space",
                folder.parent,
            ) from error
        description = {**asdict(job), "weights": str(job.weights.resolve()), "parent": os.getpid()}
        (folder / "job.json").write_text(json.dumps(description), encoding="utf-8")
        with (folder / "stderr.txt").open("w+b") as errors:
            process = _start(folder / "job.json", job.device, errors)
            try:
                final = _listen(process, errors, job, progress, cancel)
            finally:
                process.kill()
                process.wait()
        return Outcome(
            probabilities=np.load(folder / "probabilities.npy"),
            patches=final["patches"],
            patches_skipped=final["patches_skipped"],
            batch=final["batch"],
            fallbacks=tuple(final["fallbacks"]),
            peak_memory_mb=final["peak_memory_mb"],
            seconds=final["seconds"],
            versions=final["versions"],
        )


def _start(job: Path, device: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """A fresh process that runs the worker and finds the same packages as this one."""
    environment = child_environment()
    environment["PYTHONIOENCODING"] = "utf-8"
    # What libraries put there goes with the job, however the process ends.
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(job.parent)))
    environment["KERAS_BACKEND"] = "tensorflow"
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if device == DeviceName.CPU:
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return start_child("inference", job, stdin=subprocess.DEVNULL, stderr=errors, environment=environment)


def _read(stream: IO[bytes], messages: queue.Queue[dict[str, Any] | None]) -> None:
    """Put each line the process writes into a queue, and None when it has closed its end."""
    with stream:
        for line in stream:
            try:
                messages.put(json.loads(line))
            except ValueError:
                continue  # not one of ours
    messages.put(None)


def _listen(
    process: subprocess.Popen[bytes], errors: IO[bytes], job: Job, progress: Progress, cancel: Cancel | None
) -> dict[str, Any]:
    """The process's last message, if it ended well; otherwise the error it means."""
    assert process.stdout is not None
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, messages), daemon=True).start()
    began = heard = time.monotonic()
    known: dict[str, Any] = {"versions": {}}
    patience = START_TIMEOUT_S
    while True:
        check(cancel)
        try:
            message = messages.get(timeout=POLL_S)
        except queue.Empty:
            if time.monotonic() - heard > patience:
                raise WorkerDied(
                    f"The inference process has not answered for {patience:.0f} s",
                    "Close other programs and try again" + _other_device(job),
                    parameter="engine",
                ) from None
            continue
        heard = time.monotonic()
        if message is None:
            raise _death(process, errors, job)
        if "started" in message:
            progress(0.02, f"loading the network on the {job.device.upper()}")
        elif "loaded" in message:
            known["versions"] = message["versions"]
            patience = PATCH_TIMEOUT_S
            progress(0.05, "network loaded")
        elif "patch" in message:
            done, total = message["patch"], message["patches"]
            progress(0.05 + 0.95 * done / max(total, 1), f"patch {done} of {total}")
        elif "error" in message:
            raise _reported(message)
        elif "done" in message:
            # What the process did not spend itself went into starting it; measured apart, the two would overlap.
            start = max(time.monotonic() - began - sum(message["seconds"].values()), 0.0)
            return {**message, **known, "seconds": {"start": start, **message["seconds"]}}


def _reported(message: dict[str, Any]) -> Exception:
    """The error that the process has reported."""
    if message["error"] == "memory":
        return EngineOutOfMemory(message["text"])
    if message["error"] == "unavailable":
        return EngineUnavailable(message["text"])
    return SegmentationError(message["fault"], message["remedy"], message["source"])


def _other_device(job: Job) -> str:
    """What helps besides: another device, unless the work was on the CPU already."""
    return "" if job.device == DeviceName.CPU else _ON_CPU


def _death(process: subprocess.Popen[bytes], errors: IO[bytes], job: Job) -> WorkerDied:
    """What to say of a process that ended in the middle of its work."""
    code = process.wait()
    if code in (-9, 137):
        return WorkerDied(
            "The system ended the inference process, most likely because the memory ran out",
            _LESS_MEMORY + _other_device(job),
            parameter="engine",
        )
    errors.seek(0)
    lines = [line for line in errors.read().decode("utf-8", "replace").splitlines() if line.strip()]
    said = f": {lines[-1].strip()[:300]}" if lines else ""
    return WorkerDied(
        f"The inference process stopped unexpectedly (exit code {code}){said}",
        "Try again; if it happens again, use the other engine (OpenVINO or TensorFlow) and report it",
        parameter="engine",
    )
