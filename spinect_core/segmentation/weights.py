"""The network's weights in one file: a JSON header and plain numbers, in the safetensors layout.

Kernels are stored in half precision (45 MB instead of 90; the probabilities differ by some 1e-5), the few
biases and normalisation statistics in single precision. Nothing in the file is ever executed, unlike a
pickle.

Layout: 8 bytes little-endian length of the header, the header as UTF-8 JSON, the numbers. The header maps
    each name such
as ``down0_a/kernel`` to its type, shape and byte range, and ``__metadata__`` to facts that are all text.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.assets import asset
from spinect_core.base.errors import SegmentationError, SpinectError

if TYPE_CHECKING:
    import keras

ARCHITECTURE = "spinect-unet3d"
VERSION = "1"
FILE_NAME = "spinect.weights.safetensors"

Tensors = dict[str, npt.NDArray[Any]]

_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_LONGEST_HEADER = 1 << 20
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
        SegmentationError: a weight is not a finite number, or the file cannot be written.
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

    Raises:
        SegmentationError: a number is not finite (in half precision), or the file cannot be written.
    """
    header: dict[str, Any] = {
        "__metadata__": {**(facts or {}), "architecture": ARCHITECTURE, "version": VERSION},
    }
    blocks: list[bytes] = []
    position = 0
    for name in sorted(tensors):
        kind = "F16" if tensors[name].ndim > 1 else "F32"
        with np.errstate(over="ignore"):
            array = np.asarray(tensors[name], dtype=_TYPES[kind], order="C")
        if not np.isfinite(array).all():
            raise SegmentationError(
                f"The weight {name} is not finite",
                "Train again from an earlier checkpoint with a smaller rate",
                path,
            )
        blocks.append(array.tobytes())
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    try:
        _replace(path, [len(text).to_bytes(8, "little"), text, *blocks])
    except OSError as error:
        raise SegmentationError(
            f"The weights cannot be written ({error.strerror})", "Choose a folder you may write to", path
        ) from error


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read a weights file.

    Returns:
        The arrays as float32 by name, and the facts of the header.

    Raises:
        SegmentationError: the file cannot be read, is damaged, or belongs to another network.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SegmentationError(
            f"The weights file cannot be read ({error.strerror})", _REMEDY, path
        ) from error
    try:
        header, start = _header(content)
        facts = {str(key): str(value) for key, value in header.pop("__metadata__").items()}
        tensors = {name: _tensor(content, start, entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path) from error
    if facts.get("architecture") != ARCHITECTURE or facts.get("version") != VERSION:
        found = f"{facts.get('architecture', 'unknown')} version {facts.get('version', 'unknown')}"
        raise SegmentationError(
            f"The weights are for {found}, not {ARCHITECTURE} version {VERSION}", _REMEDY, path
        )
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise SegmentationError(f"The weight {name} is not finite", _REMEDY, path)
    return tensors, facts


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """The header and the position of the first number; ValueError if there is none."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("no header")
    header = json.loads(content[8 : 8 + length].decode())
    if not isinstance(header, dict):
        raise ValueError("no header")
    return header, 8 + length


def _tensor(content: bytes, start: int, entry: dict[str, Any]) -> npt.NDArray[np.float32]:
    """One array of the file; ValueError or KeyError if its entry does not fit the file."""
    kind = _TYPES[entry["dtype"]]
    shape = tuple(int(n) for n in entry["shape"])
    begin, end = (int(n) for n in entry["data_offsets"])
    count = math.prod(shape)
    if (
        min(shape, default=1) < 1
        or begin < 0
        or end - begin != count * kind.itemsize
        or start + end > len(content)
    ):
        raise ValueError("bad byte range")
    return _single(np.frombuffer(content, kind, count, start + begin).reshape(shape))


def _single(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(array, dtype=np.float32)


def _replace(path: Path, blocks: list[bytes]) -> None:
    """Write the blocks to a new file beside ``path`` and move it there, so no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(blocks)
        # mkstemp makes files that only their owner can read; weights are shared.
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
