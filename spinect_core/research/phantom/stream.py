"""Cases for training, drawn by other processes while the network learns, without touching the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.base.progress import Cancel
from spinect_core.research.phantom.order import Order
from spinect_core.research.phantom.workers import Workers, jobs_for


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """A CT and its labels, axes to the patient's left, back and head.

    Attributes:
        seed: what it was drawn from.
        hu: float32 Hounsfield units [z, y, x].
        labels: uint8 [z, y, x], 0 background, 1 bone, 2 nerve.
        spacing: (x, y, z) mm.
        name: what logs call it.
    """

    seed: int
    hu: npt.NDArray[np.float32]
    labels: LabelArray
    spacing: tuple[float, float, float]
    name: str


def draw_arrays(order: Order) -> DrawnCase:
    """Draw a case and keep what training takes."""
    phantom = order.draw()
    hu = phantom.volume.array.astype(np.float32)
    geometry = phantom.volume.geometry
    return DrawnCase(order.seed, hu, phantom.labels.array, geometry.spacing, phantom.volume.name)


class CaseStream:
    """Cases of many orders, in their order, whatever the number of processes.

    ``with CaseStream(Order(seed) for seed in itertools.count()) as cases: for case in cases: ...``

    At most ``jobs + ahead`` cases exist at a time. Leaving the ``with`` block ends all processes. As with
    everything that spawns processes, a script that uses it keeps its own start under
    ``if __name__ == "__main__":``.

    Args:
        orders: what to draw, maybe without end.
        jobs: number of processes; as many as processors and memory allow if None.
        ahead: cases drawn in advance besides those in the making.
        cancel: looked at ten times a second.
    """

    def __init__(
        self,
        orders: Iterable[Order],
        *,
        jobs: int | None = None,
        ahead: int = 2,
        cancel: Cancel | None = None,
    ) -> None:
        self._orders = iter(orders)
        self._asked, self._ahead, self._cancel = jobs, ahead, cancel
        self._workers: Workers[Order, DrawnCase] | None = None

    def __enter__(self) -> CaseStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        if self._workers is not None:
            self._workers.close()

    def __iter__(self) -> Iterator[DrawnCase]:
        """The cases; can be gone through once.

        Raises:
            Cancelled: if the user stopped it.
            UsageError: an order makes no sense.
            WorkerError: a process died.
        """
        first = next(self._orders, None)
        if first is None:
            return
        first.check()
        jobs = self._asked or jobs_for(2**31, first.bytes_needed())
        self._workers = Workers(draw_arrays, jobs, self._ahead)
        yield from self._workers.run(_chain(first, self._orders), cancel=self._cancel)


def _chain(first: Order, rest: Iterator[Order]) -> Iterator[Order]:
    yield first
    yield from rest
