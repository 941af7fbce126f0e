"""Asks, before a volume is read, whether it fits into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import psutil

from spinect_core.base.errors import ReadingError

COPIES = 2.5
"""Reading holds the stored values, the HU and a part of them again."""


def available_bytes() -> int:
    """Bytes that can be used without swapping."""
    return int(psutil.virtual_memory().available)


def check_memory(shape: Sequence[int], bytes_per_voxel: int, source: str | Path) -> None:
    """Raise :class:`ReadingError` if a volume of this shape would not fit into the memory that is free now."""
    needed = math.prod(int(n) for n in shape) * bytes_per_voxel * COPIES
    free = available_bytes()
    if needed > 0.9 * free:
        size = " x ".join(str(n) for n in shape)
        raise ReadingError(
            f"The volume of {size} voxels needs about {needed / 2**30:.1f} GB of memory, {free / 2**30:.1f} are free",
            "Close other programs, or crop the CT to the lumbar spine first; if the size is wrong, the file is damaged",
            source,
        )
