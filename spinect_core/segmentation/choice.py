"""Which engine runs, on which device, and what follows if it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import math
import os
import sys
from ctypes.util import find_library
from dataclasses import dataclass, replace

from spinect_core.base.errors import UsageError
from spinect_core.base.words import DeviceName, EngineName, ModeName, values
from spinect_core.preprocessing.prepare import MEAN, NEAREST
from spinect_core.segmentation.tiling import Tiling

ENGINES = {
    EngineName.TENSORFLOW: "spinect_core.segmentation.keras_engine:KerasEngine",
    EngineName.OPENVINO: "spinect_core.segmentation.openvino_engine:OpenVINOEngine",
}
ORGAN_ENGINES = {
    EngineName.TENSORFLOW: "spinect_core.segmentation.keras_engine:OrganKerasEngine",
    EngineName.OPENVINO: "spinect_core.segmentation.openvino_engine:OrganOpenVINOEngine",
}
"""The same for the organ network."""
DEVICES = (DeviceName.GPU, DeviceName.CPU)

PAPER = Tiling(ModeName.PAPER, (32, 64, 64), (20, 40, 40))
FAST = Tiling(ModeName.FAST, (32, 64, 64), (30, 60, 60), tapered=True, even=True)
"""45 tiles for the usual region where the paper has 84. Larger tiles have fewer borders, and 8 would be enough (of
80x80x96, 45 % of the paper's computations), but the network, trained on tiles of the paper's size, finds less nerve in
them: Dice 0.47 instead of 0.53 on an unseen phantom."""


@dataclass(frozen=True)
class Mode:
    """How a region is read.

    Attributes:
        tiling: how the region is divided into tiles.
        voxels: of 1 mm: one of :data:`spinect_core.preprocessing.prepare.VOXELS`.
        twice: whether it is read a second time, mirrored and with the voxels half a millimetre beside the first
            ones, and the probabilities are summed.
    """

    tiling: Tiling
    voxels: str
    twice: bool = False


MODES = {
    ModeName.THOROUGH: Mode(replace(FAST, name=ModeName.THOROUGH), MEAN, twice=True),
    ModeName.FAST: Mode(FAST, MEAN),
    ModeName.PAPER: Mode(PAPER, NEAREST),
}
"""The first is the one to use where nothing else is asked for."""

_GPU_BATCH_VOXELS = 8 * 32 * 64 * 64  # eight of the paper's tiles; some 3 GB


@dataclass(frozen=True)
class Candidate:
    """An engine on a device.

    Attributes:
        engine: a key of :data:`ENGINES`.
        device: one of :data:`DEVICES`.
    """

    engine: EngineName
    device: DeviceName

    def batch(self, tiling: Tiling) -> int:
        """Tiles to run at once: on a CPU more than one only costs memory."""
        return max(1, _GPU_BATCH_VOXELS // math.prod(tiling.patch)) if self.device == DeviceName.GPU else 1


def candidates(engine: str = EngineName.AUTO, device: str = DeviceName.AUTO) -> list[Candidate]:
    """The engines to try, in this order.

    With a GPU: TensorFlow on it, then the CPU. Without: OpenVINO. An engine asked for by name is the only one.

    Raises:
        UsageError: for unknown names, or a GPU asked of OpenVINO.
    """
    if engine not in values(EngineName):
        raise UsageError(
            f"There is no engine {engine!r}", f"Choose auto, {' or '.join(ENGINES)}", parameter="engine"
        )
    if device not in values(DeviceName):
        raise UsageError(
            f"There is no device {device!r}", f"Choose auto, {' or '.join(DEVICES)}", parameter="device"
        )
    if engine == EngineName.OPENVINO and device == DeviceName.GPU:
        raise UsageError(
            "The engine openvino runs on the CPU only",
            "Choose the engine tensorflow, or the device auto",
            parameter="device",
        )
    tensorflow = Candidate(EngineName.TENSORFLOW, DeviceName.CPU)
    openvino = Candidate(EngineName.OPENVINO, DeviceName.CPU)
    with_gpu = device == DeviceName.GPU or (device == DeviceName.AUTO and gpu_present())
    on_gpu = [Candidate(EngineName.TENSORFLOW, DeviceName.GPU)] if with_gpu else []
    if engine == EngineName.TENSORFLOW:
        return [*on_gpu, tensorflow]
    if engine == EngineName.OPENVINO:
        return [openvino]
    return [*on_gpu, openvino, tensorflow]


def gpu_present() -> bool:
    """Whether there is a GPU that TensorFlow could use, found out without importing it.

    TensorFlow uses NVIDIA's on Linux alone, and only if CUDA's libraries are installed.
    """
    if not sys.platform.startswith("linux") or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
            return False
    except (OSError, AttributeError):
        return False
    return _has_module("nvidia.cudnn") or find_library("cudnn") is not None


def _has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
