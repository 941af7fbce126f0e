"""Surfaces made in a process of their own: a program with a window stays awake while they are made.

The filters that make them hold the interpreter for up to a second. The process is started before it is needed, since
loading its libraries takes as long as its work; labels and surfaces pass through its pipes, so nothing of the patient
gets onto a disk.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from spinect_core.base.child import child_command, child_environment
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.image.volume import Labels
from spinect_core.surfaces.build import Surfaces, build_surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays

POLL_S = 0.05
FEW_VOXELS = 500_000
"""The surfaces of at most these are made sooner than a process starts, and nobody notices."""
PARTS = ("bone", "nerve", "bone_lod", "nerve_lod")
Message = dict[str, Any]


class SurfacesHere:
    """Makes surfaces in this process, in the way of `SurfaceProcess`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def build(self, labels: Labels, *, progress: Progress = silent, cancel: Cancel | None = None) -> Surfaces:
        """What :func:`~spinect_core.surfaces.build_surfaces` makes."""
        return build_surfaces(labels, progress=progress, cancel=cancel)


def surface_maker(voxels: int) -> SurfaceProcess | SurfacesHere:
    """What makes the surfaces of labels on a grid of so many voxels: a process of its own, unless they are few."""
    return SurfacesHere() if voxels <= FEW_VOXELS else SurfaceProcess()


class SurfaceProcess:
    """The process, started; it makes one set of surfaces and ends. Leaving the context ends it at once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            child_command("surfaces"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()  # at once: the other ends of the pipes are closed
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # what was not written yet has no reader any more
                stream.close()

    def build(
        self,
        labels: Labels,
        *,
        smoothing_mm: float = 1.5,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Surfaces:
        """What :func:`~spinect_core.surfaces.build_surfaces` makes of the same.

        Raises:
            Cancelled: the user stopped it.
            SpinectError: the process ended before it was done.
        """
        check(cancel)
        messages: queue.Queue[Message | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._hand_over, args=(labels, smoothing_mm), daemon=True),
            threading.Thread(target=self._read, args=(messages,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        while True:
            check(cancel)
            try:
                message = messages.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message is None:
                raise SpinectError(
                    f"The process that makes the surfaces ended before it was done (exit code {self._process.wait()})",
                    "Close other programs, so that more memory is free, and try again",
                )
            if "surfaces" in message:
                return Surfaces(**{name: arrays.mesh() for name, arrays in message["surfaces"].items()})
            progress(message["progress"], message["text"])

    def _hand_over(self, labels: Labels, smoothing_mm: float) -> None:
        assert self._process.stdin is not None
        geometry = labels.geometry
        order = {
            "shape": [int(each) for each in geometry.shape],
            "spacing": [float(each) for each in geometry.spacing],
            "origin": [float(each) for each in geometry.origin],
            "direction": np.asarray(geometry.direction).tolist(),
            "smoothing_mm": smoothing_mm,
        }
        with contextlib.suppress(OSError, ValueError):  # it has ended, which the reader tells
            write_line(self._process.stdin, order)
            self._process.stdin.write(np.ascontiguousarray(labels.array, dtype=np.uint8).tobytes())
            self._process.stdin.flush()

    def _read(self, messages: queue.Queue[Message | None]) -> None:
        """Put what the process says into a queue, and None when it has closed its end."""
        assert self._process.stdout is not None
        stream = self._process.stdout
        with contextlib.suppress(EOFError, ValueError, OSError):
            for line in stream:
                message = json.loads(line)
                if "parts" in message:
                    parts = {
                        name: MeshArrays(*(read_array(stream, *facts) for facts in message["parts"][name]))
                        for name in PARTS
                    }
                    message = {"surfaces": parts}
                messages.put(message)
        messages.put(None)


def write_line(stream: IO[bytes], message: Message) -> None:
    """Write a message as one line."""
    stream.write(json.dumps(message).encode() + b"\n")


def read_array(stream: IO[bytes], dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Read the bytes of an array that follow a message.

    Raises:
        EOFError: the other process has ended before all were written.
    """
    array: npt.NDArray[Any] = np.empty(tuple(shape), dtype)
    view = memoryview(array.reshape(-1).view(np.uint8).data)
    filled = 0
    while filled < len(view):
        read = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not read:
            raise EOFError
        filled += read
    return array
