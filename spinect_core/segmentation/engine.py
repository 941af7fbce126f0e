"""What the combined algorithm asks of an engine, and how engines say that they cannot go on."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int, int]
FloatBatch = npt.NDArray[np.float32]


class EngineOutOfMemory(Exception):
    """The batch does not fit into the memory of the engine's device; a smaller one may."""


class EngineUnavailable(Exception):
    """The engine or its device does not exist on this machine; another engine may."""


class Engine(Protocol):
    """The network with its weights, ready to run tiles of one shape.

    Attributes:
        name: ``tensorflow`` or ``openvino``.
        device: ``gpu`` or ``cpu``.
        versions: of the libraries that do the work.
    """

    name: str
    device: str
    versions: dict[str, str]

    def predict(self, batch: FloatBatch) -> npt.NDArray[Any]:
        """Probabilities (n, z, y, x, class) of standardised tiles (n, z, y, x, 1).

        Raises:
            EngineOutOfMemory: if the batch is too large.
        """
