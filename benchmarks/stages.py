"""Seconds and peak memory of each stage from a CT to surfaces: ``python -m benchmarks.stages [CT]``.

The stages run one after the other in this process, the network in its own; memory is that of both together, looked
at fifty times a second. Reading, preparing and surfaces are measured once; every engine and mode starts a new
inference process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from spinect_core.base.assets import asset
from spinect_core.io.reading import read_ct
from spinect_core.preprocessing import find_lumbosacral_region, prepare
from spinect_core.segmentation import segment
from spinect_core.surfaces import build_surfaces

ENGINES = ("openvino", "tensorflow")
MODES = ("paper", "fast", "thorough")
_AT_PROGRESS = {"loading": "load", "network loaded": "predict", "bringing": "restore"}


class Watch:
    """Seconds and peak memory of the stage that is on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.memory_mb: dict[str, float] = {}
        self._stage: str | None = None
        self._began = 0.0
        self._process = psutil.Process()
        self._end = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def _sample(self) -> None:
        while not self._end.wait(0.02):
            stage = self._stage
            if stage is not None:
                self.memory_mb[stage] = max(self.memory_mb.get(stage, 0.0), self._memory())

    def _memory(self) -> float:
        total = 0
        for process in [self._process, *self._process.children()]:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 1e6

    def enter(self, stage: str | None) -> None:
        """End the stage that is on and begin another."""
        now = time.perf_counter()
        if self._stage is not None:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._began
        self._stage, self._began = stage, now
        if stage is not None:
            self.memory_mb[stage] = max(self.memory_mb.get(stage, 0.0), self._memory())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        self.enter(name)
        try:
            yield
        finally:
            self.enter(None)

    def progress(self, _fraction: float, message: str) -> None:
        """Tell the stages of the segmentation apart by what it reports."""
        for beginning, stage in _AT_PROGRESS.items():
            if message.startswith(beginning) and stage != self._stage:
                self.enter(stage)

    def close(self) -> None:
        """Stop watching."""
        self._end.set()
        self._sampler.join()


def measure(
    ct: Path, engines: tuple[str, ...], modes: tuple[str, ...], device: str, weights: Path | None = None
) -> dict[str, dict[str, Any]]:
    """By run (``reading``, ``openvino paper``, ...): seconds and MB by stage, and what ran."""
    results: dict[str, dict[str, Any]] = {}
    once = Watch()
    with once.stage("read"):
        volume = read_ct(ct)
    with once.stage("find the region"):
        region = find_lumbosacral_region(volume)
    with once.stage("prepare"):
        prepare(volume, region)
    labels = None
    for mode in modes:
        for engine in engines:
            watch = Watch()
            with watch.stage("start"):
                done = segment(
                    volume,
                    region=region,
                    engine=engine,
                    device=device,
                    mode=mode,
                    weights=weights,
                    progress=watch.progress,
                )
            watch.close()
            run = done.run
            results[f"{run.engine} {run.device} {mode}"] = {
                "seconds": watch.seconds,
                "memory_mb": watch.memory_mb,
                "patches": run.patches,
                "patches_skipped": run.patches_skipped,
                "fallbacks": run.fallbacks,
            }
            labels = done.labels_1mm
    if labels is not None:
        with once.stage("surfaces"):
            build_surfaces(labels)
    once.close()
    return {"once": {"seconds": once.seconds, "memory_mb": once.memory_mb}, **results}


def show(results: dict[str, dict[str, Any]], console: Console) -> None:
    """Print one line for each stage of each run."""
    table = Table("run", "stage")
    table.add_column("seconds", justify="right")
    table.add_column("peak memory, MB", justify="right")
    for run, result in results.items():
        for stage, seconds in result["seconds"].items():
            table.add_row(run, stage, f"{seconds:.2f}", f"{result['memory_mb'][stage]:.0f}")
        if "patches" in result:
            whole = f"all, {result['patches']} tiles run, {result['patches_skipped']} empty"
            table.add_row(
                run,
                whole,
                f"{sum(result['seconds'].values()):.2f}",
                f"{max(result['memory_mb'].values()):.0f}",
            )
        for fallback in result.get("fallbacks", ()):
            table.add_row(run, fallback, "", "")
        table.add_section()
    console.print(table)


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__.split("\n\n")[0])
    parser.add_argument("ct", nargs="?", type=Path, help="default: the demo case")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--device", choices=("auto", "gpu", "cpu"), default="auto")
    parser.add_argument("--weights", type=Path, help="default: the program's own")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    ct = options.ct or asset("demo/ct.nii.gz")
    results = measure(ct, tuple(options.engines), tuple(options.modes), options.device, options.weights)
    console = Console()
    console.print(f"{ct.name} on {platform.platform()}, {os.cpu_count()} cores")
    show(results, console)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
