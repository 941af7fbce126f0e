"""Fuzzes for as long as is wished: ``python -m tests.fuzz --count 100000 --processes 2``.

Every format is read in worker processes, which are watched from here: one that dies, or is silent for longer than the
limit, is a find, named by the mutation it was at, and another one goes on behind it.
"""

from __future__ import annotations

import argparse
import collections
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from fuzz.targets import TARGETS, Bench  # noqa: E402 - the paths come first

LIMIT_S = 10.0
START_S = 120.0
CHUNK = 500
GREW_MB = 400


def work(name: str, first: int, last: int, folder: Path) -> None:
    """A worker: one line for each mutation before it is tried, and one for each find."""
    bench = Bench(name, folder)
    bench.check_good()
    peak = _peak_mb()
    for number in range(first, last):
        print("at", number, flush=True)
        for find in bench.try_one(number):
            print("find", find.kind, find.text.replace("\n", " "), sep="\t", flush=True)
        if (now := _peak_mb()) > peak + GREW_MB:
            print("find", "memory", f"{now - peak:.0f} MB more than before", sep="\t", flush=True)
        peak = max(peak, now)
    print("done", flush=True)


def _peak_mb() -> float:
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Report:
    """What was found, from all threads."""

    def __init__(self) -> None:
        self.tried: collections.Counter[str] = collections.Counter()
        self.finds: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()

    def add(self, name: str, number: int, kind: str, text: str) -> None:
        """One find, printed at once."""
        with self.lock:
            self.finds[kind] += 1
            print(f"{name} {number}: {kind}: {text}", flush=True)

    def print(self, seconds: float) -> None:
        """The whole."""
        for name, count in sorted(self.tried.items()):
            print(f"{name:20} {count}")
        print(
            f"{sum(self.tried.values())} mutations in {seconds:.0f} s; finds: {dict(self.finds) or 'none'}",
            flush=True,
        )


def supervise(name: str, first: int, last: int, report: Report) -> None:
    """Run a stretch of mutations, going on behind each one that ends or stops its worker."""
    at = first
    while at < last:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            command = [sys.executable, "-m", "tests.fuzz", "--work", name, str(at), str(last), folder]
            process = subprocess.Popen(
                command, cwd=TESTS.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            at = _listen(process, name, at, report)
            report.tried[name] += 0


def _listen(process: subprocess.Popen[str], name: str, at: int, report: Report) -> int:
    """The mutation to go on with."""
    lines: queue.Queue[str | None] = queue.Queue()
    said: collections.deque[str] = collections.deque(maxlen=3)
    assert process.stdout is not None
    assert process.stderr is not None

    def pump() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True).start()
    patience, started = START_S, False
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            process.kill()
            process.wait()
            report.add(name, at, "hang", f"no answer for {patience:.0f} s")
            return at + 1
        if line is None:
            process.wait()
            report.add(
                name,
                at,
                "death" if started else "start",
                f"exit code {process.returncode} {' '.join(said)[-300:]}",
            )
            return at + 1 if started else 1 << 62
        word, *rest = line.rstrip("\n").split("\t")
        if word.startswith("at "):
            at, started, patience = int(word.split()[1]), True, LIMIT_S
            with report.lock:
                report.tried[name] += 1
        elif word == "find":
            report.add(name, at, rest[0], rest[1])
        elif word == "done":
            process.wait()
            return at + 1


def main() -> int:
    """Run; the exit code is 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="mutations in all")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation of each format")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=sorted(TARGETS), default=sorted(TARGETS))
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        name, first, last, folder = given.work
        work(name, int(first), int(last), Path(folder))
        return 0
    if hasattr(os, "nice"):
        os.nice(5)
    share = -(-given.count // len(given.only))
    stretches: queue.Queue[tuple[str, int, int]] = queue.Queue()
    for first in range(0, share, CHUNK):
        for name in given.only:
            stretches.put((name, given.first + first, given.first + min(first + CHUNK, share)))
    report, began = Report(), time.monotonic()

    def run() -> None:
        while True:
            try:
                stretch = stretches.get_nowait()
            except queue.Empty:
                return
            supervise(*stretch, report)

    threads = [threading.Thread(target=run) for _ in range(given.processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.print(time.monotonic() - began)
    return 1 if report.finds else 0


if __name__ == "__main__":
    raise SystemExit(main())
