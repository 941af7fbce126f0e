"""The CPU engine: the network built from the weights file in OpenVINO's own operations.

Nothing of TensorFlow or Keras is imported, so it starts within a second or two. The layers and their names are those of
:func:`spinect_core.segmentation.network.build_network`; batch normalisation is folded into the convolution before it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.reasons import reason
from spinect_core.base.words import DeviceName
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable, FloatBatch, Shape
from spinect_core.segmentation.network import FILTERS, weight_shapes
from spinect_core.segmentation.organ_network import FILTERS as ORGAN_FILTERS
from spinect_core.segmentation.organ_network import organ_weight_shapes
from spinect_core.segmentation.weights import (
    ARCHITECTURE,
    ORGAN_ARCHITECTURE,
    Tensors,
    check_fit,
    read_tensors,
)

_NORM_EPSILON = 1e-3  # as in build_network
_MEMORY_WORDS = ("bad_alloc", "out of memory", "cannot allocate", "failed to allocate", "not enough memory")


def load_openvino() -> Any:
    """OpenVINO without its telemetry.

    As it is, importing it reports the import to a web analytics service and leaves an identifier in the home. A module
    that is known as missing cannot be imported; OpenVINO then takes its own stub, which does nothing.

    Raises:
        ImportError: it is not installed, or does not fit this computer.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


class OpenVINOEngine:
    """The network on the CPU.

    Args:
        weights: a file of :func:`spinect_core.segmentation.weights.save_weights`.
        patch: voxels of a tile along (z, y, x), each a multiple of 16.
        device: ``cpu``; there is no other.

    Raises:
        EngineUnavailable: if OpenVINO is not installed or does not run on this machine.
        SegmentationError: if the weights do not fit.
    """

    name = "openvino"
    architecture = ARCHITECTURE

    def __init__(self, weights: Path, patch: Shape, device: str = "cpu") -> None:
        try:
            openvino = load_openvino()
        except ImportError as error:
            raise EngineUnavailable(f"OpenVINO cannot be loaded ({reason(error)})") from error
        if device != DeviceName.CPU:
            raise EngineUnavailable("OpenVINO runs on the CPU only")
        self.device = device
        self.versions = {"openvino": openvino.__version__.split("-")[0]}
        tensors, _ = read_tensors(weights, architecture=self.architecture)
        check_fit(tensors, self._shapes(), weights)
        network = self._graph(tensors, patch)
        # Half precision, the default of some processors, would be faster there and label other voxels.
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        try:
            self._request = openvino.Core().compile_model(network, "CPU", options).create_infer_request()
        except RuntimeError as error:
            raise _translated(error) from error

    def predict(self, batch: FloatBatch) -> npt.NDArray[Any]:
        """Probabilities (n, z, y, x, class) of standardised tiles (n, z, y, x, 1), one tile after the other."""
        results = []
        for tile in batch:
            channels_first = np.ascontiguousarray(tile[None, None, ..., 0])
            try:
                self._request.infer({0: channels_first}, share_inputs=True)
            except (RuntimeError, MemoryError) as error:
                raise _translated(error) from error
            results.append(np.moveaxis(self._request.get_output_tensor(0).data[0], 0, -1).copy())
        return np.stack(results)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return weight_shapes()

    def _graph(self, tensors: Tensors, patch: Shape) -> Any:
        return build_graph(tensors, patch)


class OrganOpenVINOEngine(OpenVINOEngine):
    """The same of the organ network."""

    architecture = ORGAN_ARCHITECTURE

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return organ_weight_shapes()

    def _graph(self, tensors: Tensors, patch: Shape) -> Any:
        return build_graph(tensors, patch, ORGAN_FILTERS)


def _translated(error: Exception) -> Exception:
    """What an error of OpenVINO means here."""
    text = str(error)
    if isinstance(error, MemoryError) or any(word in text.lower() for word in _MEMORY_WORDS):
        return EngineOutOfMemory("The memory does not suffice for one tile")
    return EngineUnavailable(
        f"OpenVINO failed ({text.strip().splitlines()[0] if text.strip() else 'no reason'})"
    )


def build_graph(tensors: Tensors, patch: Shape, filters: tuple[int, ...] = FILTERS) -> Any:
    """The network as an ``openvino.Model`` from (1, 1, z, y, x) to (1, class, z, y, x).

    That of the organs joins voxels by its first layer and parts them by its last one; SPINECT has no such layers.

    Args:
        tensors: float32 arrays by name, as in the weights file.
        patch: voxels of a tile along (z, y, x).
        filters: channels of the levels.

    Raises:
        KeyError: if a weight is missing.
    """
    openvino = load_openvino()
    ops = openvino.opset13

    def convolution(x: Any, name: str, *, relu: bool = True, stride: int = 1) -> Any:
        kernel, bias = _folded(tensors, name)
        x = ops.convolution(
            x,
            ops.constant(np.ascontiguousarray(kernel.transpose(4, 3, 0, 1, 2))),
            [stride] * 3,
            [0, 0, 0],
            [0, 0, 0],
            [1, 1, 1],
            auto_pad="same_upper",
        )
        x = ops.add(x, ops.constant(bias.reshape(1, -1, 1, 1, 1)))
        return ops.relu(x) if relu else x

    def rise(x: Any, name: str) -> Any:
        kernel = np.ascontiguousarray(tensors[f"{name}/kernel"].transpose(4, 3, 0, 1, 2))
        x = ops.convolution_backprop_data(x, ops.constant(kernel), [2, 2, 2])
        return ops.add(x, ops.constant(tensors[f"{name}/bias"].reshape(1, -1, 1, 1, 1)))

    image = ops.parameter([1, 1, *patch], np.float32, name="image")
    joins = "join/kernel" in tensors
    x: Any = convolution(image, "join", stride=2) if joins else image
    skips = []
    for level in range(len(filters)):
        x = convolution(convolution(x, f"down{level}_a"), f"down{level}_b")
        if level < len(filters) - 1:
            skips.append(x)
            none = [0, 0, 0]
            x = ops.max_pool(x, [2, 2, 2], [1, 1, 1], none, none, [2, 2, 2]).output(0)
    for level in reversed(range(len(filters) - 1)):
        x = ops.concat([skips[level], rise(x, f"rise{level}")], axis=1)
        x = convolution(convolution(x, f"up{level}_a"), f"up{level}_b")
    x = ops.softmax(rise(x, "classes") if joins else convolution(x, "classes", relu=False), axis=1)
    return openvino.Model([x], [image], "spinect")


def _folded(tensors: Tensors, name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Kernel (z, y, x, in, out) and bias (out,) of a convolution and the normalisation after it, if it has one."""
    kernel = tensors[f"{name}/kernel"].astype(np.float64)
    bias = tensors[f"{name}/bias"].astype(np.float64)
    if f"{name}_norm/gamma" in tensors:
        norm = {key: tensors[f"{name}_norm/{key}"].astype(np.float64) for key in ("gamma", "beta")}
        mean = tensors[f"{name}_norm/moving_mean"].astype(np.float64)
        scale = norm["gamma"] / np.sqrt(
            tensors[f"{name}_norm/moving_variance"].astype(np.float64) + _NORM_EPSILON
        )
        kernel, bias = kernel * scale, (bias - mean) * scale + norm["beta"]
    return kernel.astype(np.float32), bias.astype(np.float32)
