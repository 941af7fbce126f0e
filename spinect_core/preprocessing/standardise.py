"""Intensity as the network reads it. Training and planning share this one function."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LOWEST_HU, HIGHEST_HU = -200.0, 1200.0
"""Limits before the statistics are taken: air in the bowel and metal must not decide what bone looks like."""


def standardise(hu: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Clip a crop to -200..1200 HU and bring it to mean 0 and standard deviation 1.

    Args:
        hu: Hounsfield units [z, y, x] of the whole lumbosacral region, any number type; NaN counts as -200.

    Returns:
        float32 array of the same shape; all zero if the crop is constant.
    """
    clipped = np.clip(np.nan_to_num(hu, nan=LOWEST_HU), LOWEST_HU, HIGHEST_HU).astype(np.float32)
    mean = float(clipped.mean(dtype=np.float64))
    deviation = float(clipped.std(dtype=np.float64))
    if deviation < 1e-6:
        return np.zeros_like(clipped)
    return np.asarray((clipped - np.float32(mean)) / np.float32(deviation), dtype=np.float32)
