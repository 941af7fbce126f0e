"""Seconds of planning, pictures and maps: ``python -m benchmarks.planning [CT ...] [--against CHECKOUT]``.

Each CT is segmented once, in the work folder; then the rest of the main job runs on that segmentation, in a process of
its own, and tells of each stage the processor's seconds and those of the clock. With ``--against`` the same is done by
the code of another checkout, in turn with this one's, and the two plans are compared to the last digit by
``scripts/compare_plans.py``, and their pictures by their pixels: both run in one environment, so that nothing but the
code differs.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
from rich.console import Console
from rich.table import Table

STAGES = ("planning", "pictures", "maps")
HERE = Path(__file__).resolve().parents[1]
Result = TypeVar("Result")


def processor_s() -> float:
    """Seconds that the processors have worked for this process and, but on Windows, those it has started and ended."""
    used = psutil.Process().cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


def segmented(ct: Path, mode: str, kept: Path) -> None:
    """Segment a CT and name its organs, and keep both in a file of this benchmark's own."""
    from spinect_core.io.reading import read_ct
    from spinect_core.segmentation import segment
    from spinect_core.segmentation.organs import find_organs

    volume = read_ct(ct)
    found = segment(volume, mode=mode)
    kept.write_bytes(pickle.dumps((str(ct), found, find_organs(volume, region=found.region))))


def planned(kept: Path, out: Path) -> dict[str, dict[str, float]]:
    """Do what follows a segmentation into a folder; by stage the seconds of the processors and of the clock."""
    from spinect_core.base.child import child_environment

    # As the command line sets it for itself, before the libraries are loaded.
    os.environ.update(child_environment())
    from spinect_core.io.writing import write_labels
    from spinect_core.pipeline import plan_case
    from spinect_core.plan.folder import LABELS_FILE

    # Of this benchmark's own work folder, never of a stranger's.
    ct, segmentation, organs = pickle.loads(kept.read_bytes())
    seconds: dict[str, dict[str, float]] = {}

    class Known(plan_case._Job):
        def _segment(self, volume: Any, wish: Any, progress: Any) -> Any:
            write_labels(segmentation.labels, self._folder / LABELS_FILE)
            return plan_case._Labelled.of(segmentation)

        def _named_organs(self, *_: Any) -> Any:
            return organs, ()

        def _stage(self, name: str, start: float, stop: float, work: Callable[[Any], Result]) -> Result:
            clock, worked = time.perf_counter(), processor_s()
            result = super()._stage(name, start, stop, work)
            seconds[name] = {"clock": time.perf_counter() - clock, "processor": processor_s() - worked}
            return result

    plan_case._Job = Known  # type: ignore[misc]
    plan_case.plan_case(ct, out)
    return seconds


def measured(checkout: Path, kept: Path, out: Path) -> dict[str, dict[str, float]]:
    """The same by the code of a checkout, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, str(Path(__file__).resolve()), "--kept", str(kept), "--out", str(out)]
    done = subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=subprocess.PIPE)
    result: dict[str, dict[str, float]] = json.loads(done.stdout.decode().splitlines()[-1])
    return result


def pictures_differ(old: Path, new: Path) -> dict[str, int]:
    """By picture that both folders hold, how far apart their colours are at most, of 255; 255 where sizes differ."""
    import numpy as np
    from PIL import Image

    found = {}
    for path in sorted(old.rglob("*.png")):
        other = new / path.relative_to(old)
        if not other.exists():
            continue
        one, two = (np.asarray(Image.open(each).convert("RGB"), dtype=np.int16) for each in (path, other))
        apart = 255 if one.shape != two.shape else int(np.abs(one - two).max(initial=0))
        if apart:
            found[path.relative_to(old).as_posix()] = apart
    return found


def show(every: dict[str, dict[str, list[dict[str, dict[str, float]]]]], console: Console) -> None:
    """Print the median of each stage, one line for each checkout of each CT."""
    table = Table("CT", "code", "runs", title="seconds of the processors / of the clock, medians")
    for stage in (*STAGES, "together"):
        table.add_column(stage, justify="right")
    for name, by_code in every.items():
        for code, runs in by_code.items():
            cells = []
            for stage in (*STAGES, "together"):
                names = STAGES if stage == "together" else (stage,)
                parts = [
                    statistics.median(sum(run[each][kind] for each in names if each in run) for run in runs)
                    for kind in ("processor", "clock")
                ]
                cells.append(" / ".join(f"{part:.1f}" for part in parts))
            table.add_row(name, code, str(len(runs)), *cells)
        table.add_section()
    console.print(table)


def compared(ct: Path, options: argparse.Namespace, console: Console) -> tuple[dict[str, Any], bool]:
    """Measure one CT by both codes in turn; the seconds, and whether the plans are the same."""
    name = ct.parent.name if ct.name == "ct.nii.gz" else ct.name
    kept = options.work / f"{name}.segmented"
    if not kept.exists():
        segmented(ct, options.mode, kept)
    codes = {"this": HERE} | ({} if options.against is None else {"other": options.against.resolve()})
    runs: dict[str, list[Any]] = {code: [] for code in codes}
    for _ in range(options.runs):
        for code, checkout in codes.items():
            runs[code].append(measured(checkout, kept, options.work / f"{name}-{code}"))
    same = True
    if options.against is not None:
        folders = [options.work / f"{name}-{code}" for code in ("other", "this")]
        script = HERE / "scripts" / "compare_plans.py"
        answer = subprocess.run([sys.executable, script, *folders], stdout=subprocess.PIPE, check=False)
        same = answer.returncode == 0
        console.print(f"{name}: {answer.stdout.decode().strip()}")
        for picture, apart in pictures_differ(*folders).items():
            console.print(f"  {picture}: colours up to {apart} of 255 apart")
    return runs, same


def main() -> int:
    """Measure and print; the exit code is 1 where two codes make different plans."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.planning", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("ct", nargs="*", type=Path, help="default: the demo case")
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--mode", default="thorough", help="of the segmentation")
    parser.add_argument("--work", type=Path, default=Path("out/benchmark-planning"))
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kept is not None:
        print(json.dumps(planned(options.kept, options.out)))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    console, every, same = Console(), {}, True
    for ct in options.ct or [HERE / "assets" / "demo" / "ct.nii.gz"]:
        every[str(ct)], equal = compared(ct, options, console)
        same &= equal
    show(every, console)
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
