"""The network's weights in one safetensors file, with facts beside them that are all text.

Kernels are stored in half precision (45 MB instead of 90; the probabilities differ by some 1e-5), the few biases and
normalisation statistics in single precision, each under a name such as ``down0_a/kernel``. Nothing in the file is ever
executed, unlike a pickle.

One wrong bit can lose a nerve without any other sign. So a file carries a checksum of its arrays among its facts, the
program's own has one of the whole file beside it, and both are compared whenever weights are read.
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from spinect_core.base.assets import asset
from spinect_core.base.errors import InstallationError, SegmentationError, SpinectError
from spinect_core.base.files import whole_file
from spinect_core.base.reasons import times

if TYPE_CHECKING:
    import keras

ARCHITECTURE = "spinect-unet3d"
ORGAN_ARCHITECTURE = "spinect-organs-unet3d"
"""Of the network of :mod:`spinect_core.segmentation.organ_network`."""
VERSION = "1"
FILE_NAME = "spinect.weights.safetensors"
RECORD_NAME = "spinect.weights.sha256"
"""The checksum of the program's own weights, as ``sha256sum`` writes and checks it."""
ORGAN_FILE_NAME = "organs.weights.safetensors"
ORGAN_RECORD_NAME = "organs.weights.sha256"
"""The same of the organ network."""
OWN = {FILE_NAME: RECORD_NAME, ORGAN_FILE_NAME: ORGAN_RECORD_NAME}
"""The program's own weights, and where their checksums are recorded."""
CHECKSUM = "sha256 of the arrays"
"""The fact that holds it."""
LARGEST_FILE = 2**28
"""Bytes; the network in single precision has a third of it."""

Tensors = dict[str, npt.NDArray[Any]]

_TYPES = ("F16", "F32")
_MOST_AXES = 5
_REMEDY = "Choose a weights file written by this version of SPINECT, or leave the choice empty to use its own"
_INSTALL = "Install SPINECT Planner again"


def weights_path(name: str = FILE_NAME) -> Path:
    """The weights that come with the program: of a network, one of :data:`OWN`.

    Raises:
        SegmentationError: they are missing from this installation.
    """
    try:
        return asset(name)
    except SpinectError as error:
        raise SegmentationError(
            "The network's weights did not come with the program",
            f"{_INSTALL}, or choose a weights file",
            name,
        ) from error


def weights_hash(path: Path) -> str:
    """SHA-256 of a weights file, as lower-case hexadecimal.

    Raises:
        SegmentationError: the file cannot be read, is too large for weights, or is the program's own and damaged.
    """
    try:
        _check_size(path)
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SegmentationError(
            f"The weights file cannot be read ({error.strerror or error})", _REMEDY, path
        ) from error
    own = _own_name(path)
    if own and found != (recorded := _recorded_hash(own)):
        raise SegmentationError(
            f"The program's own weights are damaged: their SHA-256 is {found[:16]} where {recorded[:16]} was recorded",
            _INSTALL,
            path,
        )
    return found


def _check_size(path: Path) -> None:
    """Refuse what is no file, such as a pipe, which would never end, and what is too large to be read into memory.

    Raises:
        SegmentationError: it is one of these.
        OSError: there is nothing of the name.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise SegmentationError("This is not a file", _REMEDY, path)
    if facts.st_size > LARGEST_FILE:
        raise SegmentationError(
            f"This is not a weights file: it has {facts.st_size / 1e6:.0f} MB, and weights have at most "
            f"{LARGEST_FILE / 1e6:.0f} MB",
            _REMEDY,
            path,
        )


def _own_name(path: Path) -> str:
    """Which of the program's own weights a file is; empty if it is none of them."""
    for name in OWN:
        try:
            if path.samefile(asset(name)):
                return name
        except (OSError, SpinectError):
            continue
    return ""


def _recorded_hash(name: str) -> str:
    """What the program's own weights of a name have to have.

    Raises:
        InstallationError: the record did not come with the program, or cannot be read.
    """
    path = asset(OWN[name])
    try:
        recorded, _, written = path.read_text(encoding="ascii").strip().partition("  ")
    except (OSError, ValueError) as error:
        raise InstallationError("The checksum of the weights cannot be read", _INSTALL, path) from error
    if written != name or len(recorded) != hashlib.sha256().digest_size * 2:
        raise InstallationError("This is not the checksum of the weights", _INSTALL, path)
    return recorded


def tensors_of(model: keras.Model) -> Tensors:
    """Every variable of the network, moving statistics included, as float32 by ``layer/variable`` name."""
    import keras

    # A copy is a tensor on every backend; a variable itself converts with a warning under NumPy 2.
    return {
        f"{layer.name}/{variable.name}": _single(keras.ops.convert_to_numpy(keras.ops.copy(variable)))
        for layer in model.layers
        for variable in layer.weights
    }


def save_weights(
    model: keras.Model,
    path: Path,
    *,
    facts: dict[str, str] | None = None,
    architecture: str = ARCHITECTURE,
) -> None:
    """Write the network's weights, replacing the file only when all of it is written.

    Args:
        model: a network of :func:`spinect_core.segmentation.network.build_network`.
        path: the file to write.
        facts: anything worth keeping beside them, such as the training step; text only.
        architecture: which network it is.

    Raises:
        SegmentationError: a weight is not a finite number.
        OutputError: the file cannot be written.
    """
    write_tensors(tensors_of(model), path, facts=facts, architecture=architecture)


def load_weights(model: keras.Model, path: Path, *, architecture: str = ARCHITECTURE) -> dict[str, str]:
    """Put the weights of a file into the network, only if all of them fit.

    Args:
        model: a network of :func:`spinect_core.segmentation.network.build_network`.
        path: a file of :func:`save_weights`.
        architecture: which network it is.

    Returns:
        The facts stored beside the weights.

    Raises:
        SegmentationError: the file cannot be read, is damaged, or belongs to another network.
    """
    tensors, facts = read_tensors(path, architecture=architecture)
    targets = {
        f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights
    }
    check_fit(tensors, {name: tuple(variable.shape) for name, variable in targets.items()}, path)
    for name, variable in targets.items():
        variable.assign(tensors[name])
    return facts


def check_fit(tensors: Tensors, shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Refuse arrays that are not those of a network.

    Args:
        tensors: arrays by name.
        shapes: those that the network has.
        path: the file they are from.

    Raises:
        SegmentationError: one is missing, unknown or of another shape, or a variance is negative.
    """
    if missing := sorted(set(shapes) - set(tensors)):
        raise SegmentationError(
            f"{len(missing)} weights are missing, the first is {missing[0]}", _REMEDY, path
        )
    if extra := sorted(set(tensors) - set(shapes)):
        raise SegmentationError(f"{len(extra)} weights are unknown, the first is {extra[0]}", _REMEDY, path)
    for name, shape in shapes.items():
        if shape != tensors[name].shape:
            raise SegmentationError(
                f"{name} has {times(tensors[name].shape)} numbers where {times(shape)} are needed",
                _REMEDY,
                path,
            )
        if name.endswith("/moving_variance") and tensors[name].min() < 0:
            raise SegmentationError(
                f"{name} holds {tensors[name].min():.3g}, and a variance is never negative", _REMEDY, path
            )


def write_tensors(
    tensors: Tensors,
    path: Path,
    *,
    facts: dict[str, str] | None = None,
    architecture: str = ARCHITECTURE,
) -> None:
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
    own = {"architecture": architecture, "version": VERSION, CHECKSUM: _checksum(stored)}
    content = save(stored, {**(facts or {}), **own})
    with whole_file(
        path, fault="The weights cannot be written", remedy="Choose a folder you may write to"
    ) as stream:
        stream.write(_in_order(content))


def _checksum(tensors: Tensors) -> str:
    """SHA-256 over names, types, shapes and numbers of arrays, in whatever order they lie in a file."""
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {array.dtype.newbyteorder('<').str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _check_sum(tensors: Tensors, facts: Mapping[str, str], path: Path) -> None:
    """Compare the checksum that a file holds, if it holds one, with its arrays.

    Raises:
        SegmentationError: they differ.
    """
    recorded = facts.get(CHECKSUM)
    if recorded is not None and recorded != (found := _checksum(tensors)):
        raise SegmentationError(
            f"The weights are damaged: the SHA-256 of their arrays is {found[:16]} where {recorded[:16]} was recorded",
            "Copy the file again from where it was made, or leave the choice empty to use the program's own",
            path,
        )


def _in_order(content: bytes) -> bytes:
    """The file with its facts in the order of their names: the library writes them in any."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, memoryview(content)[start:]])


def read_tensors(path: Path, *, architecture: str = ARCHITECTURE) -> tuple[Tensors, dict[str, str]]:
    """Read a weights file of a network.

    Returns:
        The arrays as float32 by name, and the facts of the header.

    Raises:
        SegmentationError: the file cannot be read, is damaged, or belongs to another network.
    """
    if _own_name(path):
        weights_hash(path)
    try:
        _check_size(path)
        path.open("rb").close()  # the library does not say why a file cannot be opened
        with safe_open(path, framework="numpy") as content:
            facts: dict[str, str] = content.metadata() or {}
            parts = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
            if not all(map(_is_plausible, parts.values())):
                raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path)
            tensors = {name: content.get_tensor(name) for name in parts}
    except OSError as error:
        raise SegmentationError(
            f"The weights file cannot be read ({error.strerror or error})", _REMEDY, path
        ) from error
    except SafetensorError as error:
        raise SegmentationError("This is not a weights file, or it is damaged", _REMEDY, path) from error
    if facts.get("architecture") != architecture or facts.get("version") != VERSION:
        found = f"{facts.get('architecture', 'unknown')} version {facts.get('version', 'unknown')}"
        raise SegmentationError(
            f"The weights are for {found}, not {architecture} version {VERSION}", _REMEDY, path
        )
    _check_sum(tensors, facts, path)
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise SegmentationError(f"The weight {name} is not finite", _REMEDY, path)
    return {name: _single(array) for name, array in tensors.items()}, facts


def _is_plausible(part: Any) -> bool:
    """Whether an array's header is one of a weight; asked before memory is taken for it."""
    shape = part.get_shape()
    return part.get_dtype() in _TYPES and len(shape) <= _MOST_AXES and 0 < math.prod(shape) <= LARGEST_FILE


def _single(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(array, dtype=np.float32)
