"""Seconds and peak memory of each stage of drawing a phantom: ``python -m benchmarks.phantom [--seed N]``.

Every part of the drawing is timed at its own function, on one core, in this process. Seconds are those of the
processor, so that a busy machine measures the same; memory is the largest this process has needed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from spinect_core.research.phantom import build, soft_tissue
from spinect_core.research.phantom.order import Order
from spinect_core.segmentation.memory import peak_memory_mb


def stages() -> list[str]:
    """The functions of the phantom that :mod:`spinect_core.research.phantom.build` calls to put a specimen together."""
    # Bones are drawn by what the anatomy brings; their builder is no name that assemble knows.
    names = [*build.assemble.__code__.co_names, "build_bones"]
    found = [name for name in names if callable(getattr(build, name, None))]
    return [
        name
        for name in found
        if str(getattr(getattr(build, name), "__module__", "")).startswith("spinect_core.research.phantom")
        and not isinstance(getattr(build, name), type)
    ]


class Clock:
    """Processor seconds and memory by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.memory_mb: dict[str, float] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, measured."""

        @wraps(function)
        def measured(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
                self.memory_mb[name] = peak_memory_mb()

        return measured


def measure(order: Order) -> dict[str, Any]:
    """Seconds by stage and in all, and the peak memory after each."""
    clock = Clock()
    with ExitStack() as replaced:
        for name in stages():
            replaced.enter_context(patch.object(build, name, clock.timed(name, getattr(build, name))))
        trunk = clock.timed("fill_trunk", soft_tissue.fill_trunk)
        replaced.enter_context(patch.object(soft_tissue, "fill_trunk", trunk))
        began, wall = time.process_time(), time.perf_counter()
        shape = order.draw().volume.array.shape
    return {
        "shape_zyx": shape,
        "seconds": clock.seconds,
        "memory_mb": clock.memory_mb,
        "total_seconds": time.process_time() - began,
        "wall_seconds": time.perf_counter() - wall,
        "peak_memory_mb": peak_memory_mb(),
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print a line for each stage, the slowest first."""
    table = Table("stage")
    table.add_column("seconds", justify="right")
    table.add_column("part", justify="right")
    table.add_column("memory so far, MB", justify="right")
    total = result["total_seconds"]
    slow = {name: seconds for name, seconds in result["seconds"].items() if seconds >= 0.05}
    for name, seconds in sorted(slow.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{seconds:.2f}", f"{seconds / total:.0%}", f"{result['memory_mb'][name]:.0f}")
    rest = total - sum(slow.values())
    table.add_row("the rest", f"{rest:.2f}", f"{rest / total:.0%}", "")
    table.add_section()
    table.add_row("all", f"{total:.2f}", "", f"{result['peak_memory_mb']:.0f}")
    console.print(table)


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.phantom", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--spacing", nargs=3, type=float, default=(1.0, 1.0, 1.0), metavar=("X", "Y", "Z"))
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    x, y, z = options.spacing
    result = measure(Order(options.seed, (x, y, z)))
    console = Console()
    size = " x ".join(str(n) for n in result["shape_zyx"][::-1])
    console.print(
        f"seed {options.seed}, {size} voxels, {result['wall_seconds']:.1f} s by the clock on the wall"
    )
    console.print(f"{platform.platform()}, {os.cpu_count()} cores")
    show(result, console)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
