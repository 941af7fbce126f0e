"""The process that `PlannerApart` starts: a case and orders from the standard input, results to the standard output."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from spinect_core.base.errors import SpinectError
from spinect_core.base.log import described
from spinect_core.base.progress import Progress
from spinect_core.pipeline.messages import Message, kept_objects, packed, receive_bytes, send_bytes, unpacked
from spinect_core.pipeline.planner import Order, PlannerHere, RoomParts
from spinect_core.planning.zones.window import Sight

REPORTS_APART = 0.04
"""Seconds between two reports; who listens has a window to keep awake."""


def main(_arguments: Sequence[str]) -> int:
    """Carry out one order after the other, until the other end is closed."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is none of the answers
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, orders), daemon=True).start()
    planner: PlannerHere | None = None
    while True:
        received = unpacked(orders.get())
        if isinstance(received, RoomParts):
            planner = PlannerHere(received.room(), received.step)
        else:
            assert planner is not None  # the case comes first
            send_bytes(sink, _answer(planner, received, sink))


def _read(stream: IO[bytes], orders: queue.SimpleQueue[bytes]) -> None:
    """Take orders while working, so that the end of whoever gave them is noticed at once."""
    while (message := receive_bytes(stream)) is not None:
        orders.put(message)
    os._exit(0)


def _done(planner: PlannerHere, order: Order, progress: Progress) -> object:
    """What an order asks for."""
    if order.name == "own_needle":
        landmarks, zone, *rest = order.arguments
        return planner.own_needle(landmarks, Sight(zone, planner.obstacles), *rest)
    if order.plan is not None:
        return planner.plan_with_landmark(order.plan, *order.arguments, progress=progress, cancel=None)
    return planner.plan_again(*order.arguments, progress=progress, cancel=None)


def _answer(planner: PlannerHere, order: Order, sink: IO[bytes]) -> bytes:
    said = 0.0

    def progress(part: float, text: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= REPORTS_APART or part >= 1:
            said = now
            send_bytes(sink, packed(Message(part, text)))

    try:
        return packed(Message(result=_done(planner, order, progress)), kept_objects(order.plan))
    except SpinectError as error:
        return packed(Message(fault=error))
    except Exception as error:
        places = tuple(described(error))
        try:
            unpacked(packed(error))
        except Exception:  # not every exception can be sent
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return packed(Message(fault=error, places=places))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
