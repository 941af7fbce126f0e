"""Which library computes, and on what: to be settled before Keras is imported."""

from __future__ import annotations

import importlib
import os
import sys
from importlib import metadata
from typing import Any

from spinect_core.base.errors import SegmentationError, UsageError
from spinect_core.base.own_folders import KERAS_HOME
from spinect_core.base.reasons import reason
from spinect_core.base.versions import installed_versions

BACKENDS = ("tensorflow", "torch", "jax")


def choose_backend(backend: str | None, devices: str) -> str:
    """Make Keras run on a backend and a number of devices.

    Args:
        backend: one of :data:`BACKENDS`; None for the environment's KERAS_BACKEND, or else TensorFlow.
        devices: ``auto`` (a GPU if there is one), ``cpu``, or how many devices share each batch.

    Returns:
        A word on what will compute, for the run's configuration.

    Raises:
        UsageError: there is no such backend or count of devices, Keras already runs on another backend, or the backend
            cannot share a batch.
        SegmentationError: the backend is not installed.
    """
    name = backend or os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise UsageError(
            f"Keras has no backend {name!r}", f"Choose {', '.join(BACKENDS)}", parameter="backend"
        )
    count = _count(devices)
    if count > 1 and name != "jax":
        raise UsageError(
            f"Keras cannot share a batch between {count} devices on the backend {name}",
            "Use the backend jax, or one device",
            parameter="devices",
        )
    os.environ["KERAS_BACKEND"] = name
    os.environ["KERAS_HOME"] = KERAS_HOME
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if devices == "cpu" and "keras" not in sys.modules:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"
    try:
        importlib.import_module(name)
        keras: Any = importlib.import_module("keras")
    except ImportError as error:
        raise SegmentationError(
            f"The backend {name} cannot be loaded ({reason(error)})",
            f"Install it (pip install {name}), or choose another backend",
            parameter="backend",
        ) from error
    if keras.backend.backend() != name:
        raise UsageError(
            f"Keras already runs on {keras.backend.backend()} in this process",
            "Start a new process for another backend",
            parameter="backend",
        )
    if count:
        _share(keras, count)
    return f"{name}, {devices}"


def _count(devices: str) -> int:
    """How many devices were asked for; 0 where that is left to Keras."""
    if devices in ("auto", "cpu"):
        return 0
    if not devices.isdigit() or int(devices) < 1:
        raise UsageError(
            f"{devices!r} is no number of devices", "Give auto, cpu or a number", parameter="devices"
        )
    return int(devices)


def _share(keras: Any, count: int) -> None:
    """Give every one of ``count`` devices its part of each batch."""
    found = keras.distribution.list_devices()
    if len(found) < count:
        raise UsageError(
            f"{count} devices were asked for, and {len(found)} found ({', '.join(found) or 'none'})",
            "Ask for fewer",
            parameter="devices",
        )
    if count > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found[:count]))


def versions() -> dict[str, str]:
    """Of this program and its libraries, the backends that are not part of it included where they are installed."""
    found = installed_versions()
    for name in BACKENDS:
        if name not in found:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    return found
