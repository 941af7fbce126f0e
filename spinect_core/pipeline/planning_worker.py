"""The process that `PlannerApart` starts: a case and orders from the standard input, results to the standard output."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any

from spinect_core.base.errors import SpinectError
from spinect_core.base.log import described
from spinect_core.base.piped import from_and_to_parent, send_bytes
from spinect_core.base.progress import Cancel, Progress
from spinect_core.pipeline.messages import Message, kept_objects, packed, unpacked
from spinect_core.pipeline.planner import Order, PlannerHere, RoomParts
from spinect_core.planning.zones.window import Sight

OF_HELD = ("moved", "measured")
"""Orders that are about the landmarks and the zone that were held last."""
REPORTS_APART = 0.04
"""Seconds between two reports; who listens has a window to keep awake."""


def main(_arguments: Sequence[str]) -> int:
    """Carry out one order after the other, until the other end is closed."""
    orders, sink = from_and_to_parent()
    planner: PlannerHere | None = None
    held: tuple[Any, ...] = ()
    while True:
        received = unpacked(orders.get())
        if isinstance(received, RoomParts):
            planner = PlannerHere(received.room(), received.step)
            held = ()
        elif received.name == "stop":
            continue  # what it was to stop is done
        else:
            assert planner is not None  # the case comes first
            if received.name == "hold":
                held = received.arguments
            order = received
            if received.name in OF_HELD:
                order = replace(received, arguments=(*held, *received.arguments))
            send_bytes(sink, _answer(planner, order, sink, Waiting(orders)))


class Waiting:
    """Says "stop" as soon as something else is to be done.

    Args:
        orders: those that have come.
    """

    def __init__(self, orders: queue.SimpleQueue[bytes]) -> None:
        self._orders = orders

    def is_set(self) -> bool:
        """Whether an order waits."""
        return not self._orders.empty()


def _done(planner: PlannerHere, order: Order, progress: Progress, waiting: Cancel) -> object:
    """What an order asks for."""
    if order.name == "own_needle":
        landmarks, zone, *rest = order.arguments
        return planner.own_needle(landmarks, Sight(zone, planner.obstacles), *rest, cancel=waiting)
    if order.name == "hold":
        planner.hold(*order.arguments)
        return None
    if order.name == "moved":
        return planner.moved(*order.arguments)
    if order.name == "measured":
        return planner.measured(*order.arguments, cancel=waiting)
    if order.plan is not None:
        return planner.plan_with_landmark(order.plan, *order.arguments, progress=progress, cancel=None)
    return planner.plan_again(*order.arguments, progress=progress, cancel=None)


def _answer(planner: PlannerHere, order: Order, sink: IO[bytes], waiting: Cancel) -> bytes:
    said = 0.0

    def progress(part: float, text: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= REPORTS_APART or part >= 1:
            said = now
            send_bytes(sink, packed(Message(part, text)))

    try:
        return packed(Message(result=_done(planner, order, progress, waiting)), kept_objects(order.plan))
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
