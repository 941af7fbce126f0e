"""What passes between a program and the process that plans for it: objects, pickled.

Both are this program, and each has started or was started by the other: nothing that comes from a file is unpickled.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import Any

from spinect_core.planning.results import CasePlan


@dataclass(frozen=True, eq=False)
class Message:
    """What the process says of an order.

    Attributes:
        part: done, 0 to 1.
        text: the stage; None once there is a result or a fault.
        result: of the order.
        fault: that ended it.
        places: in the code, if the fault was unexpected.
    """

    part: float = 0.0
    text: str | None = None
    result: Any = None
    fault: Exception | None = None
    places: tuple[str, ...] = ()


def kept_objects(plan: CasePlan | None) -> tuple[object, ...]:
    """What of a plan that is sent with an order comes back as it went.

    It is named by its number in the answer, so that whoever asked finds his own objects there and no copies.
    """
    if plan is None:
        return ()
    every = (plan.landmarks.parts, *plan.approaches, *(each.zone for each in plan.approaches))
    return tuple(each for each in every if each is not None)


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, kept: tuple[object, ...]) -> None:
        super().__init__(stream, protocol=5)
        self._numbers = {id(each): number for number, each in enumerate(kept)}

    def persistent_id(self, each: Any) -> int | None:
        return self._numbers.get(id(each))


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, kept: tuple[object, ...]) -> None:
        super().__init__(stream)
        self._kept = kept

    def persistent_load(self, number: int) -> object:
        return self._kept[number]


def packed(message: object, kept: tuple[object, ...] = ()) -> bytes:
    """The bytes of a message; ``kept`` objects are only named in it."""
    stream = io.BytesIO()
    _Pickler(stream, kept).dump(message)
    return stream.getvalue()


def unpacked(message: bytes, kept: tuple[object, ...] = ()) -> Any:
    """The message of which these are the bytes, with the ``kept`` objects of this process."""
    return _Unpickler(io.BytesIO(message), kept).load()
