"""Reads untrusted image files by native code in a process that may die of them.

One process serves all files, one after the other. It starts when the first file needs it, stays as long as this
process, and is started again after it died, was stopped, or gave no answer in time. The numbers come through a pipe: so
nothing of a CT is left on disk, whatever ends.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from spinect_core.base.child import start_child
from spinect_core.base.errors import InstallationError, ReadingError
from spinect_core.base.progress import Cancel, check

POLL_S = 0.05
START_S = 300.0
"""Libraries on a cold network disk take minutes at worst."""
ANSWER_S = 30.0
SLOWEST_BYTES_PER_S = 1e6
"""A file on a slow network disk takes its time."""
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Answer:
    """What the native reader made of a file.

    Attributes:
        array: its numbers, slowest axis first.
        spacing: along the axes, fastest first, in the file's unit of length.
        origin: LPS of the first number.
        direction: row by row, as ITK has it.
    """

    array: npt.NDArray[Any]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


class NativeError(Exception):
    """The native reader refused a file; the text is its own."""


class NativeProcess:
    """The process, and the right to ask it, which one thread has at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def read(
        self, path: Path, reader: str, expected: int, source: str | Path, cancel: Cancel | None = None
    ) -> Answer:
        """Read a file.

        Args:
            path: the file.
            reader: ITK's name of the reader, one of `native_worker.READERS`.
            expected: bytes of its numbers; more or fewer are not taken.
            source: what to call the file in messages.
            cancel: asked every 50 ms; the process is ended if it is set.

        Raises:
            NativeError: the reader refused the file.
            ReadingError: the process died of it, or did not answer in time.
            InstallationError: there can be no such process here.
            Cancelled: the user stopped it.
        """
        while not self._turn.acquire(timeout=POLL_S):
            check(cancel)
        try:
            process = self._running(cancel)
            patience = ANSWER_S + expected / SLOWEST_BYTES_PER_S
            try:
                answer = self._within(patience, partial(_ask, process, path, reader, expected), cancel)
            except TimeoutError as error:
                raise ReadingError(
                    f"Reading has taken more than {patience:.0f} s and was given up",
                    "Copy the file to a disk of this computer; if it happens there too, the file is damaged",
                    source,
                ) from error
            if answer is None:
                raise self._death(process, source)
            return answer
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError, ValueError):
                _pipe(stream).close()

    def _running(self, cancel: Cancel | None) -> subprocess.Popen[bytes]:
        """The process, started if there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            process = start_child("reading", stderr=subprocess.PIPE)
        except OSError as error:
            raise InstallationError(
                f"The process that reads image files cannot be started ({error.strerror or error})",
                "Close other programs, or restart the computer",
            ) from error
        self._process = process
        try:
            ready = self._within(START_S, _pipe(process.stdout).readline, cancel)
        except TimeoutError:
            ready = b""
        if not ready:
            process.kill()
            said = _pipe(process.stderr).read().decode("utf-8", "replace").strip().splitlines()
            self.close()
            raise InstallationError(
                f"The process that reads image files did not start ({said[-1][:200] if said else 'no reason given'})",
                "Install the program again",
            )
        return process

    def _within(self, seconds: float, work: Callable[[], T], cancel: Cancel | None) -> T:
        """What some work on the pipes gives, which ends when the process does.

        Raises:
            TimeoutError: it took too long; the process was ended.
            Cancelled: the user stopped it; the process was ended.
        """
        result: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                result.append(work())
            except BaseException as error:  # it is raised again where it was asked for
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True, name="reading")
        thread.start()
        deadline = time.monotonic() + seconds
        try:
            while thread.is_alive():
                check(cancel)
                if time.monotonic() > deadline:
                    raise TimeoutError
                thread.join(POLL_S)
        except BaseException:
            process = self._process
            if process is not None:
                process.kill()
            thread.join(5)
            self.close()
            raise
        if errors:
            raise errors[0]
        return result[0]

    def _death(self, process: subprocess.Popen[bytes], source: str | Path) -> ReadingError:
        """What to say of a process that ended in the middle of a file."""
        process.kill()
        code = process.wait()
        self.close()
        if code in (-9, 137):
            return ReadingError(
                "The system ended the process that read it, most likely because the memory ran out",
                "Close other programs, or crop the CT to the lumbar spine first",
                source,
            )
        return ReadingError(
            f"Reading it ended the process that reads such files (exit code {code}): the file is damaged",
            "Do not use this file; export the CT again from its source",
            source,
        )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # all three were asked for
    return stream


def _ask(process: subprocess.Popen[bytes], path: Path, reader: str, expected: int) -> Answer | None:
    """The process's answer; None if it died.

    Raises:
        NativeError: the reader refused the file, or it holds another number of bytes.
    """
    stream = _pipe(process.stdout)
    try:
        request = {"path": str(path.absolute()), "reader": reader, "expected": expected}
        _pipe(process.stdin).write(json.dumps(request).encode() + b"\n")
        _pipe(process.stdin).flush()
        line = stream.readline()
        if not line.endswith(b"\n"):
            return None
        facts = json.loads(line)
        if "error" in facts:
            raise NativeError(facts["error"])
        array = np.empty(facts["shape"], dtype=facts["dtype"])
        view = array.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view):
            got = stream.readinto(view[done:])  # type: ignore[attr-defined]  # a buffered reader has it
            if not got:
                return None
            done += got
    except (OSError, ValueError):
        return None
    return Answer(array, tuple(facts["spacing"]), tuple(facts["origin"]), tuple(facts["direction"]))


native = NativeProcess()
"""The one of this process."""
atexit.register(native.close)
