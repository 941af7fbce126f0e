"""The longest time the window does not answer, by action: ``python -m benchmarks.gui_stalls``.

The real window is driven through a case: opening the demo, segmenting it with its surfaces, finding trajectories,
saving, exporting; then, if one is given or ``--large`` is, a large CT. A timer beats every 5 ms in the window's thread;
what lies between two beats is a stall. Of each action the longest stall is told in three ways:

- *wall*: what the user feels, on this machine as busy as it is now;
- *own*: with ``--busy`` without the time that the thread stood in the queue for a core, which other programs cause;
- *CPU*: what the thread computed itself. The rest of *own* is waiting, mostly for a thread that holds the interpreter.

Another thread looks where the window's thread stands once a stall lasts. While code that is not Python's holds the
interpreter it has to wait, and finds the function that called it. Without a screen a virtual one (Xvfb) is started.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from app.window.main_window import MainWindow
    from spinect_core.image.volume import Volume

BEAT_MS = 5
LOOK_S = 0.04
"""A stall that lasts longer is looked into."""
SETTLED_S = 1.5
"""After an action the window is watched a little longer: pictures in full detail come late."""
LIMIT_MS = 100.0
MOST_TOLD = 6
"""Stalls of one action that are printed in detail."""
LARGE = (600, 512, 512)


@dataclass
class Stall:
    """What lay between two beats.

    Attributes:
        wall_ms: by the clock.
        own_ms: without waiting for a core.
        cpu_ms: computed by the window's thread.
        where: its innermost functions, if it was long enough to be looked into.
        others: the same of other threads at that time.
    """

    wall_ms: float = 0.0
    own_ms: float = 0.0
    cpu_ms: float = 0.0
    where: str = ""
    others: tuple[str, ...] = ()


@dataclass
class Watched:
    """The longest stalls of an action, by what they are sorted by; and how many there were beyond the limit."""

    name: str
    seconds: float = 0.0
    wall: Stall = field(default_factory=Stall)
    own: Stall = field(default_factory=Stall)
    cpu: Stall = field(default_factory=Stall)
    beyond: list[Stall] = field(default_factory=list)

    def take(self, stall: Stall) -> None:
        """Count a stall."""
        if stall.wall_ms > self.wall.wall_ms:
            self.wall = stall
        if stall.own_ms > self.own.own_ms:
            self.own = stall
        if stall.cpu_ms > self.cpu.cpu_ms:
            self.cpu = stall
        if max(stall.own_ms, stall.cpu_ms) > LIMIT_MS / 2:
            self.beyond.append(stall)


class Heart:
    """Beats in the thread it is made in, and keeps the longest stalls of the action that is on."""

    def __init__(self, busy: bool) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._busy = busy
        self.now = Watched("start")
        self._thread = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._stacks: tuple[str, tuple[str, ...]] | None = None
        self._last = self._clocks()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()
        self._end = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)
        self._sampler.start()

    def _clocks(self) -> tuple[float, float, float]:
        """Seconds by the clock, computed by this thread, and spent by it in the queue for a core."""
        queued = 0.0
        # Reading a file gives the interpreter away, and getting it back again may take as long as a stall.
        with contextlib.suppress(OSError, IndexError, ValueError):  # only Linux tells
            if self._busy:
                queued = int(self._schedule.read_text(encoding="ascii").split()[1]) / 1e9
        return time.perf_counter(), time.thread_time(), queued

    def _beat(self) -> None:
        now = self._clocks()
        wall, cpu, queued = (1000 * (a - b) for a, b in zip(now, self._last, strict=True))
        where, others = self._stacks or ("", ())
        self._stacks = None
        self.now.take(Stall(wall, max(wall - queued, cpu), cpu, where, others))
        self._last = self._clocks()

    def _sample(self) -> None:
        """Look where the threads stand once a stall lasts; once only, or looking would be a stall of its own."""
        names = {self._thread, threading.get_ident()}
        while not self._end.wait(LOOK_S / 4):
            if self._stacks is not None or time.perf_counter() - self._last[0] < LOOK_S:
                continue
            frames = sys._current_frames()
            self._stacks = (
                _words(frames.get(self._thread), 12),
                tuple(_words(frame, 4) for key, frame in frames.items() if key not in names),
            )

    def stop(self) -> None:
        """Beat no more."""
        self._timer.stop()
        self._end.set()
        self._sampler.join()


def _words(frame: FrameType | None, most: int) -> str:
    """The innermost functions of a stack."""
    parts: list[str] = []
    while frame is not None and len(parts) < most:
        path = Path(frame.f_code.co_filename)
        if path.stem in ("gui_stalls", "main") or "runpy" in path.name:
            break  # how the event loop was come to
        parts.append(f"{path.parent.name}/{path.stem}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(parts)


Step = tuple[str, Callable[["MainWindow"], None], Callable[["MainWindow"], bool]]
"""The name of an action, what begins it, and whether it is done."""


class Driver:
    """Does one action after the other in the window, and watches each.

    Args:
        heart: beats in the window's thread.
        steps: what to do.
        limit_s: how long one action may take.
    """

    def __init__(self, heart: Heart, steps: Iterator[Step], limit_s: float) -> None:
        from PySide6.QtCore import QTimer

        self.done: list[Watched] = []
        self.fault = ""
        self._heart, self._steps, self._limit = heart, steps, limit_s
        self._began = time.monotonic()
        self._ended: float | None = None
        self._step: Step = ("start", lambda _window: None, _started)
        self._timer = QTimer()
        self._timer.setInterval(20)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        from PySide6.QtWidgets import QApplication

        from app.window.main_window import MainWindow

        window = next((w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)), None)
        if window is None:
            return
        now = time.monotonic()
        if window.boxes.shown:
            self.fault = self.fault or _faults(window)
        if self._ended is None:
            if self._step[2](window):
                self._ended = now
                self._heart.now.seconds = now - self._began
            elif now - self._began > self._limit or self.fault:
                self.fault = self.fault or f"{self._step[0]} took more than {self._limit:.0f} s"
                self._finish(window)
        elif now - self._ended > SETTLED_S:
            self._next(window)

    def _next(self, window: MainWindow) -> None:
        self.done.append(self._heart.now)
        step = next(self._steps, None)
        if step is None:
            self._finish(window)
            return
        self._step, self._ended = step, None
        self._began = time.monotonic()
        self._heart.now = Watched(step[0])
        step[1](window)

    def _finish(self, window: MainWindow) -> None:
        self._timer.stop()
        window.model.mark_saved()
        window.close()


def _faults(window: MainWindow) -> str:
    """What an error box says; the notice of the first start is acknowledged instead."""
    for box in list(window.boxes.shown):
        if "injection" not in box.text() and "research" not in box.text().lower():
            return box.text()
        box.accept()
    return ""


def _started(window: MainWindow) -> bool:
    return not window.stage.wanted and not window.boxes.shown


def _idle(window: MainWindow) -> bool:
    return not window.jobs.busy


def _opened(name: str) -> Callable[[MainWindow], bool]:
    def done(window: MainWindow) -> bool:
        case = window.model.case
        return _idle(window) and case is not None and case.volume is not None and case.source.name == name

    return done


def _segmented(window: MainWindow) -> bool:
    return _idle(window) and window.model.case is not None and window.model.case.surfaces is not None


def _planned(window: MainWindow) -> bool:
    return _idle(window) and bool(window.state.trajectories.rows)


def steps(folder: Path, ct: Path | None, large: Path | None) -> Iterator[Step]:
    """All actions in order.

    Args:
        folder: where files are written.
        ct: opened first; the demo when absent.
        large: opened last; left out when absent.
    """
    if ct is None:
        yield "open the demo", lambda w: w.controllers.open.open_demo(False), _opened("ct.nii.gz")
    else:
        yield f"open {ct.name}", lambda w: w.controllers.open.open_path(ct), _opened(ct.name)
    yield "segment, with surfaces", lambda w: w.controllers.segment.segment(), _segmented
    yield "find trajectories", lambda w: w.controllers.plan.find(), _planned
    yield "turn", _turn, lambda w: w.model.view.azimuth > 39
    document, picture = folder / "plan.spinect", folder / "picture.png"
    yield "save", lambda w: w.controllers.save.save_plan(document), _written(document)
    yield "export the picture", lambda w: _export(w, picture), _written(picture)
    yield "cut along the needle", lambda w: w.controllers.needle_slice.show(), _idle
    yield "open the saved plan", lambda w: w.controllers.open.open_plan(document), _idle
    if large is not None:
        yield f"open {large.name}", lambda w: w.controllers.open.open_path(large), _opened(large.name)
        yield "scroll", _scroll, _idle


def _export(window: MainWindow, path: Path) -> None:
    window.controllers.export.write_view(path)


def _turn(window: MainWindow) -> None:
    """Turn the patient as a drag does."""
    from PySide6.QtCore import QTimer

    from spinect_core.geometry.view import View

    for step in range(1, 41):
        QTimer.singleShot(25 * step, lambda step=step: window.model.set_view(View(float(step))))


def _scroll(window: MainWindow) -> None:
    from PySide6.QtCore import QTimer

    for step in range(1, 41):
        for view in window.slices.values():
            QTimer.singleShot(25 * step, lambda view=view: view.scroll_by(1))


def _written(path: Path) -> Callable[[MainWindow], bool]:
    return lambda window: _idle(window) and path.is_file()


def _segment_by(path: Path) -> None:
    """Take the labels of this document for what the network finds."""
    import spinect_core.segmentation
    from spinect_core.base.errors import SegmentationError
    from spinect_core.plan.document import read_document
    from spinect_core.preprocessing import Prepared
    from spinect_core.segmentation.run import RunInfo, Segmentation

    document = read_document(path)

    def segment(volume: Volume, *, mode: str = "thorough", **_: Any) -> Segmentation:
        kept, labels = document.labels, document.labels_for(volume.geometry)
        if kept is None or labels is None:
            raise SegmentationError("The document holds no labels of this CT", "Name another", path)
        run = RunInfo("openvino", "cpu", mode, (32, 64, 64), (20, 40, 40), 1, 1, 0, {"total": 0.0})
        return Segmentation(labels, kept, Prepared.__new__(Prepared), run)

    spinect_core.segmentation.segment = segment


def write_large(folder: Path, shape: tuple[int, int, int] = LARGE) -> Path:
    """A CT of a body of water as plain DICOM slices; returns their folder.

    Args:
        folder: made if it is missing.
        shape: slices, rows, columns.
    """
    import numpy as np
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[-1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    body = rows**2 / 0.5 + columns**2 / 0.8 < 1
    spine = (rows - 0.3) ** 2 + columns**2 < 0.01
    random = np.random.default_rng(0)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(shape[0]):
        hu = np.where(body, 40, -1000) + np.where(spine, 500, 0) + random.integers(-15, 16, body.shape)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = generate_uid()
        data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.Modality, data.PatientID, data.SeriesDescription = "CT", "BENCHMARK", "large"
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.InstanceNumber, data.KVP, data.SliceThickness = number + 1, 120, 1
        data.ImageOrientationPatient, data.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.8]
        data.ImagePositionPatient = [-204.4, -204.4, float(number)]
        data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, "HU"
        data.Rows, data.Columns, data.SamplesPerPixel = shape[1], shape[2], 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
        data.PixelData = (hu + 1024).astype("<u2").tobytes()
        data.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
    return folder


def run(options: argparse.Namespace) -> tuple[list[Watched], str]:
    """Drive the window; what was watched, and what went wrong."""
    with tempfile.TemporaryDirectory(prefix="spinect-stalls-") as name:
        folder = Path(name)
        large = options.ct_large
        if options.large:
            large = write_large(folder / "large")
        if options.labels is not None:
            _segment_by(options.labels)
        # The user's own settings and recent files stay as they are.
        os.environ.update(HOME=name, XDG_CONFIG_HOME=name, XDG_CACHE_HOME=name)
        from PySide6.QtWidgets import QApplication

        from app.main import main as planner

        application = QApplication(["spinect-planner"])
        heart = Heart(options.busy)
        driver = Driver(heart, steps(options.keep or folder, options.ct, large), options.limit)
        planner(["--fast"])
        heart.stop()
        del application
        return driver.done, driver.fault


def show(done: list[Watched], console: Console) -> None:
    """Print one line for each action."""
    table = Table("action")
    for title in ("seconds", "wall, ms", "own, ms", "CPU, ms"):
        table.add_column(title, justify="right")
    table.add_column("where, in the longest of its own", overflow="fold")
    for each in done:
        table.add_row(
            each.name,
            f"{each.seconds:.1f}",
            f"{each.wall.wall_ms:.0f}",
            f"{each.own.own_ms:.0f}",
            f"{each.cpu.cpu_ms:.0f}",
            each.own.where,
        )
    console.print(table)


def details(done: list[Watched], console: Console) -> None:
    """Print the longest stalls beyond half of the limit, by the time of their own and by what was computed."""
    for each in done:
        own, computed = (
            sorted(each.beyond, key=key)[:MOST_TOLD] for key in (lambda s: -s.own_ms, lambda s: -s.cpu_ms)
        )
        for stall in {id(stall): stall for stall in (*own, *computed)}.values():
            console.print(
                f"{each.name}: wall {stall.wall_ms:.0f} own {stall.own_ms:.0f} CPU {stall.cpu_ms:.0f} ms  "
                f"{stall.where}",
                *(f"   beside: {other}" for other in stall.others),
                sep="\n",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


def main() -> int:
    """Measure and print; 1 if an action did not come to its end or a stall of its own exceeds 100 ms."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gui_stalls", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("ct", nargs="?", type=Path, help="default: the demo case")
    parser.add_argument("--large", action="store_true", help="also open a made-up DICOM of 512 x 512 x 600")
    parser.add_argument("--ct-large", type=Path, help="also open this one")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PLAN",
        help="take the labels of this saved plan in place of the network's",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="where the plan and the picture are written"
    )
    parser.add_argument(
        "--busy", action="store_true", help="leave out of *own* what other programs cause; Linux only"
    )
    parser.add_argument(
        "--details", action="store_true", help="print the longest stalls beyond 50 ms of each action"
    )
    parser.add_argument("--limit", type=float, default=900.0, help="seconds that one action may take")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        from pyvirtualdisplay.display import Display

        with Display(visible=False, size=(1600, 1200), color_depth=24):
            done, fault = run(options)
    else:
        done, fault = run(options)
    console = Console()
    console.print(f"{platform.platform()}, {os.cpu_count()} cores; load {psutil.getloadavg()[0]:.1f}")
    show(done, console)
    if options.details:
        details(done, console)
    if fault:
        console.print(f"Stopped: {fault}", markup=False)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        numbers = {
            each.name: {
                "seconds": each.seconds,
                "wall_ms": each.wall.wall_ms,
                "own_ms": each.own.own_ms,
                "cpu_ms": each.cpu.cpu_ms,
                "where": each.own.where,
            }
            for each in done
        }
        options.json.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    return 1 if fault or any(each.own.own_ms > LIMIT_MS for each in done) else 0


if __name__ == "__main__":
    raise SystemExit(main())
