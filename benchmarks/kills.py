"""Whether the real ``plan`` leaves one whole plan at any moment: ``python -m benchmarks.kills --work DIR``.

A plan of the left side is made, and copied into a folder with a file of its owner's. Over it the right side is planned,
again and again, and looked at in two ways:

- *killed*: the command and its processes get SIGKILL, or the command alone SIGTERM, SIGHUP or SIGINT, at random;
- *frozen*: all its processes are stopped for a moment, and the folder and that for temporary files are copied. What a
  copy holds is what a SIGKILL at that moment would have left, so one run is looked at many times: at random moments,
  and as fast as can be while the finished files are put in their places.

Each time it has to hold the old plan or the new one, whole: the plan opens, its document is the same plan, every file
of the manifest is there as it was written, no picture of the other plan lies beside them, and the owner's file is
untouched. The next start has to sweep what the dead process left. Linux alone; results are kept in the work folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from spinect_core.base.assets import asset
from spinect_core.base.errors import SpinectError
from spinect_core.base.scratch import sweep
from spinect_core.plan.document import read_document
from spinect_core.plan.folder import DOCUMENT_FILE, MANIFEST_FILE, PLAN_FILE, READY_FOLDER, Manifest, is_ours
from spinect_core.plan.plan import read_plan

OWN, OWN_TEXT = "notes of the owner.txt", b"keep me\n"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
REGION = ("-55", "55", "-60", "70", "-45", "45")
STOPPED = 130
LOOK_S = 0.002
"""Between two looks for the moment at which the finished files are put in place."""
HURRY = 40
"""Copies that are made of one run from that moment on, at most."""


def command(ct: Path, out: Path, side: str) -> list[str]:
    """The real command, as small as it can be: one side, fast, without the organ network."""
    return [
        *(sys.executable, "-m", "spinect_core", "plan", str(ct), "--out", str(out), "--side", side),
        *("--mode", "fast", "--no-organ-network", "--quiet", "--region", *REGION),
    ]


class Study:
    """The folders of the study.

    Attributes:
        old: the plan that lies there before.
        temporary: where the command keeps temporary files.
    """

    def __init__(self, work: Path, ct: Path) -> None:
        self.work, self.ct = work, ct
        self.old, self.temporary = work / "old", work / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        self.rows: list[dict[str, Any]] = []
        if not (self.old / PLAN_FILE).exists():
            self.started(self.old, "left").wait()
        self.created = read_plan(self.old / PLAN_FILE).created

    def started(self, out: Path, side: str) -> subprocess.Popen[bytes]:
        """The command, running."""
        with (self.work / "log.txt").open("ab") as log:
            return subprocess.Popen(
                command(self.ct, out, side),
                stdout=log,
                stderr=log,
                env=os.environ | {"TMPDIR": str(self.temporary)},
                start_new_session=True,
            )

    def fresh(self, name: str) -> Path:
        """A folder with the old plan in it, and a file of its owner's."""
        out = self.work / name
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.old, out)
        (out / OWN).write_bytes(OWN_TEXT)
        return out

    def note(self, how: str, seconds: float, out: Path, temporary: Path) -> None:
        """Judge a folder, and keep what was found."""
        row = {"how": how, "s": round(seconds, 2)} | judged(out, self.created) | swept(out, temporary)
        self.rows.append(row)
        with (self.work / "kills.jsonl").open("a") as kept:
            kept.write(json.dumps(row) + "\n")
        print(f"{how} at {seconds:.1f} s: {row['holds']}, {row['left'] or 'nothing left behind'}", flush=True)

    # --------------------------------------------------------------------------------------------------------- killed

    def kill(self, number: int, longest_s: float, rng: random.Random) -> None:
        """Kill one run."""
        sign = SIGNALS[number % len(SIGNALS)]
        out = self.fresh("killed")
        began = time.monotonic()
        child = self.started(out, "right")
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(rng.uniform(0.0, longest_s))
        lasted = time.monotonic() - began
        if child.poll() is None:
            if sign == signal.SIGKILL:
                os.killpg(child.pid, sign)
            else:
                child.send_signal(sign)
        child.wait(60)
        ended = f"{sign.name}, exit {child.returncode}"
        if sign != signal.SIGKILL and child.returncode not in (0, STOPPED, -sign):
            ended += " (not the code of a stop)"
        self.note(ended, lasted, out, self.temporary)

    # --------------------------------------------------------------------------------------------------------- frozen

    def freeze(self, count: int, longest_s: float, rng: random.Random) -> float:
        """Look at one run ``count`` times and while its files are put in place; how long it took."""
        out = self.fresh("frozen")
        moments = sorted(rng.uniform(0.0, longest_s) for _ in range(count))
        began = time.monotonic()
        child = self.started(out, "right")
        copies: list[tuple[str, float, Path]] = []
        hurried = frozen_s = 0.0
        while child.poll() is None:
            lasted = time.monotonic() - began - frozen_s
            placing = (out / READY_FOLDER).exists()
            if (placing and hurried < HURRY) or (moments and lasted >= moments[0]):
                at = time.monotonic()
                place = self.work / f"copy-{len(copies)}"
                with stopped(child.pid):
                    shutil.rmtree(place, ignore_errors=True)
                    shutil.copytree(out, place / "out")
                    shutil.copytree(self.temporary, place / "tmp", ignore_dangling_symlinks=True)
                copies.append(("placing" if placing else "frozen", lasted, place))
                moments = moments[0 if placing else 1 :]
                hurried += placing
                frozen_s += time.monotonic() - at
            time.sleep(LOOK_S / 10 if placing else LOOK_S)
        lasted = time.monotonic() - began - frozen_s
        for how, seconds, place in copies:  # its process is dead by now
            self.note(how, seconds, place / "out", place / "tmp")
            shutil.rmtree(place)
        self.note(f"finished, exit {child.returncode}", lasted, out, self.temporary)
        return lasted


@contextlib.contextmanager
def stopped(process: int) -> Iterator[None]:
    """All processes of a group, standing still."""
    os.killpg(process, signal.SIGSTOP)
    try:
        while not all(map(stands, [process, *children_of(process)])):
            time.sleep(LOOK_S / 4)
        yield
    finally:
        os.killpg(process, signal.SIGCONT)


def children_of(process: int) -> list[int]:
    """The processes below a process."""
    try:
        return [each.pid for each in psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def stands(process: int) -> bool:
    """Whether a process does nothing."""
    try:
        return psutil.Process(process).status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def judged(out: Path, old: str) -> dict[str, Any]:
    """Which plan a folder holds, ``old``, ``new`` or what is wrong with it."""
    try:
        created = read_plan(out / PLAN_FILE).created  # as the window opens it: this completes what had begun
        whole = whole_plan(out, created)
    except (SpinectError, OSError) as error:
        return {"holds": f"BROKEN: {error}"}
    return {"holds": whole or ("old" if created == old else "new")}


def whole_plan(out: Path, created: str) -> str:
    """What is wrong with the files beside a plan; empty where nothing is."""
    manifest = Manifest.of(out)
    if manifest is None:
        return "BROKEN: no manifest"
    if manifest.changed(out):
        return f"BROKEN: not as written: {', '.join(manifest.changed(out))}"
    if read_document(out / DOCUMENT_FILE).plan.created != created:
        return "BROKEN: the document is another plan's"
    names = {each.relative_to(out).as_posix() for each in out.rglob("*") if each.is_file()}
    foreign = {name for name in names if is_ours(name)} - {*manifest.files, MANIFEST_FILE}
    if foreign:
        return f"BROKEN: of another plan: {', '.join(sorted(foreign))}"
    if not (out / OWN).exists() or (out / OWN).read_bytes() != OWN_TEXT:
        return "BROKEN: the owner's file"
    return ""


def swept(out: Path, temporary: Path) -> dict[str, Any]:
    """What is left of the dead process in folder and temporary files after the sweep of the next start."""
    for place in (out, temporary):
        sweep(place)
    left = [
        each.name for each in (*temporary.iterdir(), *out.glob(".spinect-*")) if each.name != MANIFEST_FILE
    ]
    return {"left": ", ".join(sorted(left))}


def main(arguments: list[str] | None = None) -> int:
    """Run the study; 1 where a folder held no whole plan, or something was left behind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where plans and results are kept")
    parser.add_argument("--ct", type=Path, default=asset("demo/ct.nii.gz"))
    parser.add_argument("--kills", type=int, default=12, help="runs that are killed")
    parser.add_argument("--runs", type=int, default=3, help="runs that are looked at while they stand still")
    parser.add_argument("--moments", type=int, default=25, help="random moments of each of these")
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long a run takes here")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    study, rng = Study(options.work.absolute(), options.ct.absolute()), random.Random(options.seed)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup would let the command ignore it
    lasted = options.seconds
    for number in range(options.runs):
        lasted = study.freeze(options.moments, lasted, rng)
        print(f"run {number + 1} took {lasted:.0f} s", flush=True)
    for number in range(options.kills):
        study.kill(number, lasted, rng)
    counts = Counter((row["how"].split(",")[0], row["holds"].split(":")[0]) for row in study.rows)
    for (how, holds), count in sorted(counts.items()):
        print(f"{how}: {holds} {count}")
    return int(any("BROKEN" in row["holds"] or row["left"] for row in study.rows))


if __name__ == "__main__":
    sys.exit(main())
