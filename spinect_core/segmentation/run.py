"""Segmentation of a CT: bone and nerve of its lumbosacral region."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import SegmentationError, UsageError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.versions import __version__
from spinect_core.base.words import DeviceName, ModeName
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import Labels, Volume
from spinect_core.preprocessing import Prepared, Region, recognised_region
from spinect_core.preprocessing.prepare import NEAREST
from spinect_core.segmentation.choice import ENGINES, MODES, Candidate, candidates
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable, Shape
from spinect_core.segmentation.process import Job, Outcome, WorkerDied, run_job
from spinect_core.segmentation.readings import Readings
from spinect_core.segmentation.weights import weights_hash, weights_path


@dataclass(frozen=True)
class RunInfo:
    """What ran, for the plan.

    Attributes:
        engine: ``tensorflow`` or ``openvino``: the one that ran, not the one asked for.
        device: ``gpu`` or ``cpu``, likewise.
        mode: a key of :data:`~spinect_core.segmentation.choice.MODES`.
        patch: voxels of a tile along (z, y, x).
        stride: voxels from one tile to the next.
        batch: tiles run at once.
        patches: tiles run.
        patches_skipped: tiles with nothing in them.
        seconds: of each stage: ``prepare``, ``start`` (the process), ``load`` (engine and weights), ``predict``,
            ``restore``, and the ``total``, which includes what failed before.
        peak_memory_mb: largest resident memory of the inference process, in 10^6 bytes.
        strays_ml: volume labelled nerve by the network and left out, because it is connected to no other nerve.
        fallbacks: what did not work and what was done instead, as sentences; empty if all went as asked.
        weights_sha256: of the weights file.
        voxels: of 1 mm: ``nearest`` or ``mean``, see :func:`~spinect_core.preprocessing.prepare.prepare`.
        readings: how often the region was read.
        versions: of this program and of the libraries that did the work.
    """

    engine: str
    device: str
    mode: str
    patch: Shape
    stride: Shape
    batch: int
    patches: int
    patches_skipped: int
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0
    strays_ml: float = 0.0
    fallbacks: tuple[str, ...] = ()
    weights_sha256: str = ""
    voxels: str = NEAREST
    readings: int = 1
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Bone and nerve.

    Attributes:
        labels: on the CT's own grid.
        labels_1mm: on the grid of the network, in the region alone.
        prepared: what the network was shown, its geometry and region; of two readings the first.
        run: what ran.
        probabilities: of bone and nerve on the grid of the network; None where labels came without.
    """

    labels: Labels
    labels_1mm: Labels
    prepared: Prepared
    run: RunInfo
    probabilities: Probabilities | None = None

    @property
    def region(self) -> Region:
        """The part of the CT that was segmented."""
        return self.prepared.region


def segment(
    volume: Volume,
    *,
    region: Region | None = None,
    engine: str = "auto",
    device: str = "auto",
    mode: str = "thorough",
    weights: Path | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Segmentation:
    """Label bone and nerve in the lumbosacral region of a CT.

    The network runs in a process of its own, so this may be called from any thread, and again after any failure.

    Args:
        volume: a CT in HU.
        region: the part to segment, taken as it is; found if not given.
        engine: ``auto``, ``tensorflow`` or ``openvino``.
        device: ``auto``, ``gpu`` or ``cpu``.
        mode: a key of :data:`~spinect_core.segmentation.choice.MODES`: ``paper`` (voxels and overlap of the tiles as
            published), ``fast`` or ``thorough``.
        weights: a weights file instead of the program's own.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops the work within a tenth of a second.

    Raises:
        Cancelled: if the user stopped it.
        UsageError: for an unknown engine, device or mode, or a region outside the CT.
        AnatomyError: no region was given, and no lumbosacral spine is recognised.
        SegmentationError: if no engine could do it, or the weights cannot be read.

    Examples:
        >>> volume = read_ct("assets/demo")
        >>> region = Region.around((-4, 8, -4), (60, 60, 40))  # LPS mm; found when not given
        >>> found = segment(volume, region=region, mode="fast")
        >>> found.labels.array.shape == volume.array.shape  # on the CT's own grid
        True
        >>> found.labels_1mm.geometry.spacing
        (1.0, 1.0, 1.0)
    """
    began = time.perf_counter()
    if mode not in MODES:
        raise UsageError(f"There is no mode {mode!r}", f"Choose one of {', '.join(MODES)}", parameter="mode")
    to_try = candidates(engine, device)
    path = weights_path() if weights is None else weights
    sha256 = weights_hash(path)
    check(cancel)
    progress(0.0, "preparing the region")
    if region is None:
        region = recognised_region(volume)
    check(cancel)
    tiling = MODES[ModeName(mode)].tiling
    readings = Readings.of(volume, region, MODES[ModeName(mode)])
    check(cancel)
    ready = time.perf_counter()

    def job(candidate: Candidate) -> Job:
        batch = candidate.batch(tiling)
        return Job(ENGINES[candidate.engine], candidate.device, path, tiling, batch, readings.focus)

    ran, outcome, fallbacks = first_that_runs(
        to_try, job, *readings.for_network(), part_of(progress, 0.03, 0.98), cancel
    )
    ended = time.perf_counter()
    progress(0.98, "bringing the labels to the CT's grid")
    read = readings.labels(outcome.probabilities)
    restored = time.perf_counter()
    check(cancel)
    progress(1.0, "segmented")
    run = RunInfo(
        engine=ran.engine,
        device=ran.device,
        mode=mode,
        patch=tiling.patch,
        stride=tiling.stride,
        batch=outcome.batch,
        patches=outcome.patches,
        patches_skipped=outcome.patches_skipped,
        seconds={
            "prepare": ready - began,
            **outcome.seconds,
            "restore": restored - ended,
            "total": restored - began,
        },
        peak_memory_mb=outcome.peak_memory_mb,
        strays_ml=read.strays_ml,
        fallbacks=(*fallbacks, *outcome.fallbacks),
        weights_sha256=sha256,
        voxels=readings.first.voxels,
        readings=len(readings),
        versions={
            "spinect": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            **outcome.versions,
        },
    )
    return Segmentation(read.labels, read.labels_1mm, readings.first, run, read.probabilities)


def first_that_runs(
    to_try: list[Candidate],
    job_for: Callable[[Candidate], Job],
    array: npt.NDArray[np.float32],
    occupied: npt.NDArray[np.bool_],
    progress: Progress,
    cancel: Cancel | None,
) -> tuple[Candidate, Outcome, list[str]]:
    """The first engine that does the work, what it did, and why those before it did not.

    Each has a process of its own, so that the memory of a GPU is free again and a crash of its driver harms nobody.

    Args:
        to_try: engines in this order.
        job_for: what each of them is to do.
        array: what the network is shown [reading, z, y, x].
        occupied: [reading, z, y, x], where there is more than air.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops the work.

    Raises:
        Cancelled: if the user stopped it.
        SegmentationError: if none of them could do it.
    """
    fallbacks: list[str] = []
    for candidate in to_try:
        job = job_for(candidate)
        place = f"{candidate.engine} on the {candidate.device.upper()}"
        try:
            return (
                candidate,
                run_job(job, array, occupied, progress=progress, cancel=cancel),
                fallbacks,
            )
        except EngineOutOfMemory as error:
            if candidate.device == DeviceName.CPU:
                raise SegmentationError(
                    str(error), "Close other programs, or choose a smaller region", place
                ) from error
            fallbacks.append(f"{place}: its memory does not hold even one tile; the CPU was used")
        except EngineUnavailable as error:
            fallbacks.append(f"{place}: {error}")
        except WorkerDied as error:
            # A driver that crashes is no reason to give up; a crash on the CPU would only come again.
            if candidate.device == DeviceName.CPU:
                raise
            fallbacks.append(f"{place}: {error.fault}; the CPU was used")
    raise SegmentationError(
        "No engine could run the network: " + "; ".join(fallbacks),
        "Install SPINECT Planner again; `spinect info` says which engines can run then",
    )
