"""The process that `TeachingProcess` starts: orders from the standard input, results to the standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import IO

from spinect_core.base.errors import SpinectError
from spinect_core.base.log import described
from spinect_core.base.piped import from_and_to_parent, send_bytes
from spinect_core.base.progress import Progress, part_of
from spinect_core.pipeline.messages import Message, packed, unpacked
from spinect_core.teaching.drawing import Pictures
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.process import Drawn, Opening, Scoring
from spinect_core.teaching.scoring import score


class _Bench:
    """The case that is worked on."""

    def __init__(self) -> None:
        self.ground: Ground | None = None
        self.waiting: Opening | None = None

    def open(self, order: Opening, progress: Progress) -> Drawn:
        """Draw a case and make its surfaces."""
        self.ground, self.waiting = None, None
        pictures: Pictures = order.pack.pictures(order.case, progress=part_of(progress, 0.0, 0.6))
        self.ground = Ground(pictures, progress=part_of(progress, 0.6, 1.0))
        self.waiting = order
        return Drawn.of(pictures, self.ground.room.surfaces)

    def prepare(self) -> None:
        """Plan the sides of the case's tasks while nothing is asked."""
        order, self.waiting = self.waiting, None
        if order is not None and self.ground is not None:
            sides = dict.fromkeys(task.side for task in order.pack.case(order.case).tasks)
            with contextlib.suppress(SpinectError):  # told to whoever hands something in
                for side in sides:
                    self.ground.plan(side)

    def done(self, order: Opening | Scoring, progress: Progress) -> object:
        """What an order asks for."""
        if isinstance(order, Opening):
            return self.open(order, progress)
        assert self.ground is not None  # the case comes first
        self.ground.best(order.task.side, order.task.kind, order.task.version, progress=progress)
        return score(self.ground, order.task, order.attempt)


def main(_arguments: Sequence[str]) -> int:
    """Carry out one order after the other, until the other end is closed."""
    orders, sink = from_and_to_parent()
    bench = _Bench()
    while True:
        if orders.empty():
            bench.prepare()
        send_bytes(sink, _answer(bench, unpacked(orders.get()), sink))


def _answer(bench: _Bench, order: Opening | Scoring, sink: IO[bytes]) -> bytes:
    def progress(part: float, text: str) -> None:
        send_bytes(sink, packed(Message(part, text)))

    try:
        return packed(Message(result=bench.done(order, progress)))
    except SpinectError as error:
        return packed(Message(fault=error))
    except Exception as error:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        return packed(Message(fault=told, places=tuple(described(error))))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
