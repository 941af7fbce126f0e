"""The reference and GPU engine: Keras with TensorFlow. Import it in the inference process only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.own_folders import KERAS_HOME
from spinect_core.base.reasons import reason
from spinect_core.base.words import DeviceName
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable, FloatBatch, Shape
from spinect_core.segmentation.network import build_network
from spinect_core.segmentation.organ_network import build_organ_network
from spinect_core.segmentation.weights import ARCHITECTURE, ORGAN_ARCHITECTURE, load_weights

if TYPE_CHECKING:
    import keras

# cuDNN and the CUDA driver do not always report exhausted memory by the error made for it.
_MEMORY_WORDS = ("out of memory", "out_of_memory", "oom when", "failed to allocate", "no algorithm worked")


class KerasEngine:
    """The network in TensorFlow.

    Args:
        weights: a file of :func:`spinect_core.segmentation.weights.save_weights`.
        patch: voxels of a tile along (z, y, x), each a multiple of 16.
        device: ``gpu`` or ``cpu``.

    Raises:
        EngineUnavailable: if TensorFlow cannot be loaded or sees no GPU.
        SegmentationError: if the weights do not fit.
    """

    name = "tensorflow"
    architecture = ARCHITECTURE

    def __init__(self, weights: Path, patch: Shape, device: str = "cpu") -> None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ["KERAS_HOME"] = KERAS_HOME
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        if device == DeviceName.CPU:
            os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        try:
            import keras
            import tensorflow as tf
        except ImportError as error:
            raise EngineUnavailable(f"TensorFlow cannot be loaded ({reason(error)})") from error
        if keras.backend.backend() != "tensorflow":
            raise EngineUnavailable(f"Keras already runs on {keras.backend.backend()} in this process")
        gpus = tf.config.list_physical_devices("GPU")
        if device == DeviceName.GPU and not gpus:
            raise EngineUnavailable("TensorFlow sees no GPU")
        for gpu in gpus:
            # Otherwise TensorFlow takes all of the memory, and the window's own graphics would fail.
            tf.config.experimental.set_memory_growth(gpu, True)
        self.device = device
        self.versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
        self._out_of_memory: tuple[type[Exception], ...] = (tf.errors.ResourceExhaustedError, MemoryError)
        self._errors: tuple[type[Exception], ...] = (tf.errors.OpError, MemoryError)
        try:
            with tf.device("/GPU:0" if device == DeviceName.GPU else "/CPU:0"):
                network = self._build(patch)
                load_weights(network, weights, architecture=self.architecture)
        except self._errors as error:
            raise self._translated(error) from error
        signature = tf.TensorSpec((None, *patch, 1), tf.float32)
        self._run = tf.function(lambda tiles: network(tiles, training=False), input_signature=[signature])

    def predict(self, batch: FloatBatch) -> npt.NDArray[Any]:
        """Probabilities (n, z, y, x, class) of standardised tiles (n, z, y, x, 1).

        Raises:
            EngineOutOfMemory: if the batch does not fit into the device's memory.
        """
        try:
            return np.asarray(self._run(batch).numpy())
        except self._errors as error:
            raise self._translated(error) from error

    def _build(self, patch: Shape) -> keras.Model:
        return build_network(patch)

    def _translated(self, error: Exception) -> Exception:
        """What an error of TensorFlow means here."""
        text = str(error).lower()
        if isinstance(error, self._out_of_memory) or any(word in text for word in _MEMORY_WORDS):
            return EngineOutOfMemory(f"The memory of the {self.device} does not suffice")
        return EngineUnavailable(f"TensorFlow failed ({reason(error)})")


class OrganKerasEngine(KerasEngine):
    """The same of the organ network."""

    architecture = ORGAN_ARCHITECTURE

    def _build(self, patch: Shape) -> keras.Model:
        return build_organ_network(patch)
