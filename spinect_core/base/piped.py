"""Processes of the program's own that take and give messages through their pipes, and end with whoever started them.

Nothing of a patient gets onto a disk on this way. A message is bytes, with their number before them.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import weakref
from typing import IO

from spinect_core.base.child import start_child
from spinect_core.base.errors import WorkerError
from spinect_core.base.progress import Cancel, check

POLL_S = 0.05


class PipedProcess:
    """A process, started, and the threads that write to it and read from it. It may be sent to before it listens.

    Args:
        name: a key of `spinect_core.base.child.CHILDREN`.
        does: what it does, for the message that it ended before it was done: ``plans``.
    """

    def __init__(self, name: str, does: str) -> None:
        self._does = does
        self._process = start_child(name)
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._in: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=_write, args=(self._process, self._out), daemon=True),
            threading.Thread(target=_read, args=(self._process, self._in), daemon=True),
        ]
        for thread in threads:
            thread.start()
        # One that nobody has ended goes with the last who knows it.
        self._ended = weakref.finalize(self, _end, self._process, self._out, threads)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, message: bytes) -> None:
        """Write a message, as soon as the process reads it."""
        self._out.put(message)

    def receive(self, cancel: Cancel | None = None) -> bytes:
        """The next message of the process.

        Args:
            cancel: looked at every 50 ms.

        Raises:
            Cancelled: the user stopped it; the process goes on.
            WorkerError: the process ended before it said anything more.
        """
        while True:
            check(cancel)
            try:
                message = self._in.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message is None:
                self._in.put(None)
                raise WorkerError(
                    f"The process that {self._does} ended before it was done (exit code {self._process.wait()})",
                    "Close other programs, so that more memory is free, and try again",
                )
            return message

    def end(self) -> None:
        """End it at once, and wait until nothing of it is left."""
        self._ended()

    def end_aside(self) -> None:
        """End it at once, and leave it to a thread to wait: a large one takes a tenth of a second to go."""
        self._process.kill()
        threading.Thread(target=self._ended, daemon=True).start()


def from_and_to_parent() -> tuple[queue.SimpleQueue[bytes], IO[bytes]]:
    """In such a process: the messages to it, and the stream for its own.

    Messages are taken while it works too, so that it ends at once with whoever sent them.
    """
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no message
    received: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        while (message := receive_bytes(sys.stdin.buffer)) is not None:
            received.put(message)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return received, sink


def send_bytes(stream: IO[bytes], message: bytes) -> None:
    """Write a message."""
    stream.write(len(message).to_bytes(8, "little"))
    stream.write(message)
    stream.flush()


def receive_bytes(stream: IO[bytes]) -> bytes | None:
    """Read a message; None where the other end was closed before it was whole."""
    length = stream.read(8)
    if len(length) < 8:
        return None
    wanted = int.from_bytes(length, "little")
    message = stream.read(wanted)
    return message if len(message) == wanted else None


def _write(process: subprocess.Popen[bytes], messages: queue.SimpleQueue[bytes | None]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):  # it has ended, which the reader tells
        while (message := messages.get()) is not None:
            send_bytes(process.stdin, message)


def _read(process: subprocess.Popen[bytes], messages: queue.SimpleQueue[bytes | None]) -> None:
    """Put what the process says into a queue, and None when it has closed its end."""
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        while (message := receive_bytes(process.stdout)) is not None:
            messages.put(message)
    messages.put(None)


def _end(
    process: subprocess.Popen[bytes],
    messages: queue.SimpleQueue[bytes | None],
    threads: list[threading.Thread],
) -> None:
    process.kill()
    process.wait()
    messages.put(None)
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()  # at once: the other ends of the pipes are closed
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        with contextlib.suppress(OSError):  # what was not written yet has no reader any more
            stream.close()
