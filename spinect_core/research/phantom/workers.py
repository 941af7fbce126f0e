"""Processes that draw cases side by side: the results come in order, a stop takes effect at once.

They are spawned, on every system, so that nothing of the program that starts them gets into them; what they do is a
function of a module, named so that the other process finds it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, TypeVar

import psutil

from spinect_core.base.errors import SpinectError, WorkerError
from spinect_core.base.progress import Cancel, check

Task = TypeVar("Task")
Result = TypeVar("Result")

POLL_S = 0.1
MEMORY_SHARE = 0.8
"""Part of the free memory that the processes may take together."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def jobs_for(tasks: int, bytes_each: int, asked: int | None = None) -> int:
    """How many processes to run at once.

    Args:
        tasks: how many cases there are.
        bytes_each: memory one process needs.
        asked: what the user wants at most; as many as there are processors if None.
    """
    fitting = int(MEMORY_SHARE * psutil.virtual_memory().available // max(bytes_each, 1))
    return max(min(asked or os.cpu_count() or 1, fitting, tasks), 1)


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    line: Connection
    number: int | None = None


class Workers(Generic[Task, Result]):
    """Runs a function on many tasks in ``jobs`` processes. Use it in a ``with`` statement.

    Args:
        function: of a module, not of a class or another function.
        jobs: number of processes.
        ahead: how many results may wait to be fetched, besides those in the making.
    """

    def __init__(self, function: Callable[[Task], Result], jobs: int, ahead: int = 1) -> None:
        self._function, self._jobs, self._ahead = function, max(jobs, 1), max(ahead, 0)
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[Task, Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.line.close()
            worker.process.close()
        self._workers = []

    def run(
        self,
        tasks: Iterable[Task],
        *,
        cancel: Cancel | None = None,
        ordered: bool = True,
    ) -> Iterator[Result]:
        """The results of tasks, which may be endless.

        Args:
            tasks: each is pickled.
            cancel: looked at ten times a second; the processes are killed when it is set.
            ordered: give them in the order of the tasks; otherwise as they come.

        Raises:
            Cancelled: if the user stopped it.
            SpinectError: what the function raised, for the first task that failed.
            WorkerError: a process died.
        """
        waiting = iter(tasks)
        ready: dict[int, Any] = {}
        next_out = next_in = 0
        more = True
        try:
            while more or next_out < next_in:
                while more and next_in < next_out + self._jobs + self._ahead:
                    free = self._free()
                    if free is None:
                        break
                    try:
                        task = next(waiting)
                    except StopIteration:
                        more = False
                        break
                    self._give(free, next_in, task)
                    next_in += 1
                number = next_out if ordered else next(iter(ready), -1)
                if number in ready:
                    yield _unpacked(ready.pop(number))
                    next_out += 1
                    continue
                if next_out == next_in:
                    continue
                check(cancel)
                for worker in self._reported():
                    number, result = self._fetch(worker)
                    ready[number] = result
        except BaseException:
            self.close()
            raise

    def _free(self) -> _Worker | None:
        for worker in self._workers:
            if worker.number is None:
                return worker
        if len(self._workers) == self._jobs:
            return None
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._function), daemon=True)
        with _environment(ONE_THREAD):
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _give(self, worker: _Worker, number: int, task: Task) -> None:
        worker.number = number
        # If it is dead already, the next look at its line says so.
        with contextlib.suppress(OSError):
            worker.line.send(task)

    def _reported(self) -> list[_Worker]:
        lines = wait([worker.line for worker in self._workers if worker.number is not None], POLL_S)
        return [worker for worker in self._workers if worker.line in lines]

    def _fetch(self, worker: _Worker) -> tuple[int, Any]:
        assert worker.number is not None
        number = worker.number
        try:
            result = worker.line.recv()
        except (EOFError, OSError):
            worker.process.join(5.0)
            raise _death(worker.process.exitcode) from None
        worker.number = None
        return number, result


def _unpacked(answer: tuple[bool, Any]) -> Any:
    good, result = answer
    if not good:
        raise result
    return result


def _death(code: int | None) -> WorkerError:
    if code == -9:
        return WorkerError(
            "The system ended a drawing process, most likely because the memory ran out",
            "Run fewer at once, or choose a coarser spacing",
            parameter="jobs",
        )
    return WorkerError(
        f"A drawing process stopped unexpectedly (exit code {code})",
        "Run it again in one process",
        parameter="jobs",
    )


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def serve(line: Connection, function: Callable[[Any], Any]) -> None:
    """What a drawing process does: one task after the other, until its parent is gone."""
    # Ctrl-C reaches every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = line.recv()
        except (EOFError, OSError):
            return
        answer: tuple[bool, Any]
        try:
            answer = (True, function(task))
        except SpinectError as error:
            answer = (False, error)
        except MemoryError:
            answer = (
                False,
                WorkerError("The memory does not suffice", "Run fewer at once", parameter="jobs"),
            )
        try:
            line.send(answer)
        except OSError:
            return
