"""The network's weights in one safetensors file, with facts beside them that are all text.

Kernels are stored in half precision (45 MB instead of 90; the probabilities differ by some 1e-5), the few biases and
normalisation statistics in single precision, each under a name such as ``down0_a/kernel``. Nothing in the file is ever
executed, unlike a pickle.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from spinect_core.base.assets import asset
from spinect_core.base.errors import SegmentationError, SpinectError
from spinect_core.base.files import whole_file

if TYPE_CHECKING:
    import keras

ARCHITECTURE = "spinect-unet3d"
VERSION = "1"
FILE_NAME = "spinect.weights.safetensors"

Tensors = dict[str, npt.NDArray[Any]]

_TYPES = ("F16", "F32")
_MOST_AXES = 5
_REMEDY = "Choose a weights file written by this version of SPINECT, or leave the choice empty to use its own"


def weights_path() -> Path:
    """The weights that come with the program.

    Raises:
        SegmentationError: they are missing from this installation.
    """
    try:
        return asset(FILE_NAME)
    except SpinectError as error:
        raise SegmentationError(
            "The network's weights did not come with the program",
            "Install SPINECT Planner again, or choose a weights file",
            FILE_NAME,
        ) from error


def weights_hash(path: Path) -> str:
    """SHA-256 of a weights file, as lower-case hexadecimal.

    Raises:
        SegmentationError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SegmentationError("The weights file cannot be read", _REMEDY, path) from error


def tensors_of(model: keras.Model) -> Tensors:
    """Every variable of the network, moving statistics included, as float32 by ``layer/variable`` name."""
    import keras

    # A copy is a tensor on every backend; a variable itself converts with a warning under NumPy 2.
    return {
        f"{layer.name}/{variable.name}": _single(keras.ops.convert_to_numpy(keras.ops.copy(variable)))
        for layer in model.layers
        for variable in layer.weights
    }


def save_weights(model: keras.Model, path: Path, *, facts: dict[str, str] | None = None) -> None:
    """Write the network's weights, replacing the file only when all of it is written.

    Args:
        model: a network of :func:`spinect_core.segmentation.network.build_network`.
        path: the file to write.
        facts: anything worth keeping beside them, such as the training step; text only.

    Raises:
        SegmentationError: a weight is not a finite number.
        OutputError: the file cannot be written.
    """
    write_tensors(tensors_of(model), path, facts=facts)


def load_weights(model: keras.Model, path: Path) -> dict[str, str]:
    """Put the weights of a file into the network, only if all of them fit.

    Args:
        model: a network of :func:`spinect_core.segmentation.network.build_network`.
        path: a file of :func:`save_weights`.

    Returns:
        The facts stored beside the weights.

    Raises:
        SegmentationError: the file cannot be read, is damaged, or belongs to another network.
    """
    tensors, facts = read_tensors(path)
    targets = {
        f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights
    }
    if missing := sorted(set(targets) - set(tensors)):
        raise SegmentationError(
            f"{len(missing)} weights are missing, the first is {missing[0]}", _REMEDY, path
        )
    if extra := sorted(set(tensors) - set(targets)):
        raise SegmentationError(f"{len(extra)} weights are unknown, the first is {extra[0]}", _REMEDY, path)
    for name, variable in targets.items():
        if tuple(variable.shape) != tensors[name].shape:
            raise SegmentationError(
                f"{name} has shape {tensors[name].shape} where {tuple(variable.shape)} is needed",
                _REMEDY,
                path,
            )
    for name, variable in targets.items():
        variable.assign(tensors[name])
    return facts


def write_tensors(tensors: Tensors, path: Path, *, facts: dict[str, str] | None = None) -> None:
    """Write named arrays as a weights file; arrays of two or more axes in half precision.

    The same arrays and facts give the same bytes, so a file is known by its hash.

    Raises:
        SegmentationError: a number is not finite (in half precision).
        OutputError: the file cannot be written.
    """
    stored: Tensors = {}
    for name, tensor in tensors.items():
        with np.errstate(over="ignore"):
            stored[name] = np.asarray(tensor, dtype="<f2" if tensor.ndim > 1 else "<f4", order="C")
        if not np.isfinite(stored[name]).all():
            raise SegmentationError(
                f"The weight {name} is not finite",
                "Train again from an earlier checkpoint with a smaller rate",
                path,
            )
    content = save(stored, {**(facts or {}), "architecture": ARCHITECTURE, "version": VERSION})
    with whole_file(
        path, fault="The weights cannot be written", remedy="Choose a folder you may write to"
    ) as stream:
        stream.write(_in_order(content))


def _in_order(content: bytes) -> bytes:
    """The file with its facts in the order of their names: the library writes them in any."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, memoryview(content)[start:]])


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read a weights file.

    Returns:
        The arrays as float32 by name, and the facts of the header.

    Raises:
        SegmentationError: the file cannot be read, is damaged, or belongs to another network.
    """
    try:
        path.open("rb").close()  # the library does not say why a file cannot be opened
        with safe_open(path, framework="numpy") as content:
            facts: dict[str, str] = content.metadata() or {}
            parts = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
            if any(
                each.get_dtype() not in _TYPES or len(each.get_shape()) > _MOST_AXES
                for each in parts.values()
            ):
                raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path)
            tensors = {name: content.get_tensor(name) for name in parts}
    except OSError as error:
        raise SegmentationError(
            f"The weights file cannot be read ({error.strerror or error})", _REMEDY, path
        ) from error
    except SafetensorError as error:
        raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path) from error
    if not all(array.size for array in tensors.values()):
        raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path)
    if facts.get("architecture") != ARCHITECTURE or facts.get("version") != VERSION:
        found = f"{facts.get('architecture', 'unknown')} version {facts.get('version', 'unknown')}"
        raise SegmentationError(
            f"The weights are for {found}, not {ARCHITECTURE} version {VERSION}", _REMEDY, path
        )
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise SegmentationError(f"The weight {name} is not finite", _REMEDY, path)
    return {name: _single(array) for name, array in tensors.items()}, facts


def _single(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(array, dtype=np.float32)
