"""Engines for the inference process that need no weights and misbehave on demand. Imported by that process, too."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from spinect_core.base.errors import SegmentationError
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable, Shape


class Threshold:
    """Bright voxels are bone, middling ones nerve."""

    name = "threshold"

    def __init__(self, weights: Path, patch: Shape, device: str) -> None:
        self.device = device
        self.versions = {"threshold": "1.0"}

    def predict(self, batch: np.ndarray) -> np.ndarray:
        bone = batch[..., 0] > 2
        nerve = (batch[..., 0] > 1) & ~bone
        return np.stack([~bone & ~nerve, bone, nerve], axis=-1).astype(np.float32)


class Unsure(Threshold):
    """Cannot tell nerve from background where the other calls it nerve."""

    name = "unsure"

    def predict(self, batch: np.ndarray) -> np.ndarray:
        found = super().predict(batch)
        found[found[..., 2] == 1] = (0.45, 0, 0.55)
        return found


class NoMemory(Threshold):
    """Holds nothing."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        raise EngineOutOfMemory("The memory of the device does not suffice")


class ThreeAtOnce(Threshold):
    """Holds three tiles."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        if len(batch) > 3:
            raise EngineOutOfMemory
        return super().predict(batch)


class Missing(Threshold):
    """Is not installed."""

    def __init__(self, weights: Path, patch: Shape, device: str) -> None:
        raise EngineUnavailable("The library cannot be loaded")


class Crash(Threshold):
    """Ends its process as a fault in a driver does."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        print("driver: something burnt", file=sys.stderr, flush=True)
        os._exit(66)


class Killed(Threshold):
    """Is killed by the system."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGKILL)
        return batch


class Raises(Threshold):
    """Has a mistake in it."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("a mistake")


class BadWeights(Threshold):
    """Dislikes its weights."""

    def __init__(self, weights: Path, patch: Shape, device: str) -> None:
        raise SegmentationError("The weights are damaged", "Choose others", weights)


class Slow(Threshold):
    """Leaves its process's id beside the weights and takes for ever."""

    def __init__(self, weights: Path, patch: Shape, device: str) -> None:
        super().__init__(weights, patch, device)
        self.trace = weights

    def predict(self, batch: np.ndarray) -> np.ndarray:
        self.trace.write_text(str(os.getpid()))
        time.sleep(600)
        return batch


class Chatty(Threshold):
    """Prints to standard output, from Python and from below it, and tells what is imported."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        print('{"done": true}', flush=True)
        os.write(1, b'{"patch": 1000, "patches": 1000}\nnoise\n')
        screens = ("PySide6", "qtpy", "vtkmodules", "pyvista", "app", "tensorflow", "openvino")
        print("imported:", [name for name in screens if name in sys.modules], file=sys.stderr, flush=True)
        if any(name in sys.modules for name in screens):
            os._exit(67)
        return super().predict(batch)


class NoNumbers(Threshold):
    """Answers with what is no number, as weights of absurd size make a network do."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        return np.full_like(super().predict(batch), np.nan)
