"""Phantoms as training cases: drawn by seed in processes of their own, kept in a folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from spinect_core.errors import Cancelled, SegmentationError
from spinect_core.phantom import draw_case
from spinect_core.preprocessing.prepare import prepare
from spinect_core.preprocessing.region import Region
from spinect_core.progress import Cancel, Progress, silent
from spinect_core.training.cases import Case, CaseFiles, save_case
from spinect_core.volume import Volume


def phantom_case(seed: int, family: str = "procedural", spacing: float = 1.0) -> Case:
    """The phantom of a seed, the whole of it, prepared by the function that prepares a CT for planning."""
    phantom = draw_case(seed, (spacing, spacing, spacing), family=family)
    prepared = prepare(phantom.volume, whole_region(phantom.volume))
    hu = prepared.sample(phantom.volume.array)
    return Case(hu, prepared.sample(phantom.labels.array), f"phantom_{family}_{seed}")


def whole_region(volume: Volume) -> Region:
    """All that a CT shows."""
    corners = volume.geometry.corners()
    return Region(tuple(corners.min(axis=0)), tuple(corners.max(axis=0)), note="the whole CT")


def drawn_cases(
    seeds: Sequence[int],
    cache: Path,
    *,
    family: str = "procedural",
    spacing: float = 1.0,
    workers: int = 1,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CaseFiles:
    """Phantoms of the seeds; those that lie in the cache are not drawn again.

    Args:
        seeds: one case each.
        cache: folder for the cases.
        family: of the bones.
        spacing: mm of the CT that is drawn; 1 unless haste matters more than the picture.
        workers: processes that draw.
        progress: called for each case.
        cancel: asked five times a second.

    Raises:
        SegmentationError: a drawing process ended by itself, as for want of memory.
        PlanError: the disk is full or refuses.
        Cancelled: the user stopped it; what was drawn stays in the cache.
    """
    kind = family if spacing == 1.0 else f"{family}_{spacing:g}mm"
    paths = [cache / f"phantom_{kind}_{seed}.npz" for seed in seeds]
    missing = [(seed, path) for seed, path in zip(seeds, paths, strict=True) if not path.exists()]
    if missing:
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        with ProcessPoolExecutor(
            min(workers, len(missing)), mp_context=context, initializer=_watch, initargs=(stop,)
        ) as pool:
            drawing = [pool.submit(_draw, seed, family, spacing, path) for seed, path in missing]
            try:
                _wait(drawing, progress, cancel)
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return CaseFiles(paths)


def _wait(drawing: list[Future[None]], progress: Progress, cancel: Cancel | None) -> None:
    running = set(drawing)
    while running:
        if cancel is not None and cancel.is_set():
            raise Cancelled
        done, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
        for one in done:
            try:
                one.result()
            except BrokenProcessPool as error:
                raise SegmentationError(
                    "A process that draws phantoms ended by itself, probably for want of memory",
                    "Ask for fewer --workers; what is drawn stays",
                ) from error
        count = len(drawing) - len(running)
        progress(count / len(drawing), f"drawn {count} of {len(drawing)} phantoms")


def _watch(stop: Any) -> None:
    """Let a drawing process end at once when asked to; Ctrl-C is for the parent to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def leave() -> None:
        stop.wait()
        os._exit(1)

    threading.Thread(target=leave, daemon=True, name="stopping").start()


def _draw(seed: int, family: str, spacing: float, path: Path) -> None:
    save_case(phantom_case(seed, family, spacing), path)
