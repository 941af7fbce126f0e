"""Line integrals as grey values, as a fluoroscope shows them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray
from spinect_core.base.errors import MeasurementError
from spinect_core.pictures.fluoroscopy.attenuation import Picture

DARKEST, BRIGHTEST = 0.5, 99.5
"""Percentiles of what is seen that become black and white: the window follows the picture, as the automatic exposure
of a fluoroscope does."""
HARMONISED = 0.85
"""Part of the slow changes across the picture that is taken out, so that thick and thin parts of the body are seen at
once; fluoroscopes do so under names such as dynamic density optimisation."""
SLOW_PART = 0.09
"""Standard deviation of the filter that finds the slow changes, in parts of the picture's width."""
COARSE = 8
"""The slow changes are found on a picture so many times smaller."""
NARROWEST = 0.2
"""Of the window: less contrast than this between black and white is noise."""
MIDDLE = 0.85
"""Radius of the disc that the automatic exposure looks at, in half pictures."""
LEAST, LEAST_WHOLE = 1000, 0.1
"""Pixels, and part of those that meet the patient: on fewer no window is found."""
LIT = 0.05
"""Rays that lose less than this pass the patient by and have no say in the window."""


def displayed(
    integrals: Picture,
    cut: BoolArray | None = None,
    *,
    bright_bone: bool = False,
    harmonised: float = HARMONISED,
) -> npt.NDArray[np.uint8]:
    """The grey values of an exposure.

    A fluoroscope shows the logarithm of what arrives, which is the line integral: what attenuates is dark, so bone is
    dark and a needle black. Its automatic exposure looks at the middle of the picture.

    Args:
        integrals: [row, column] as :func:`line_integrals` gives them.
        cut: which rays have no say in the window, as :func:`cut_off` gives them.
        bright_bone: the other way round, as on a film.
        harmonised: 0 to 1, the part of slow changes that is taken out.

    Returns:
        uint8 [row, column].

    Raises:
        MeasurementError: no picture, or a part that is none.
    """
    if integrals.ndim != 2 or min(integrals.shape) < 2 or not np.isfinite(integrals).all():
        raise MeasurementError("These line integrals are no picture", "Give finite numbers as [row, column]")
    if not 0 <= harmonised <= 1:
        raise MeasurementError(f"{harmonised:g} is no part of the slow changes", "Give 0 to 1")
    measured = _measured(integrals, cut)
    if not measured.any():
        return np.full(integrals.shape, 0 if bright_bone else 255, np.uint8)
    contrast = integrals - np.float32(harmonised) * _slow(integrals, measured)
    seen = contrast[measured & _middle(integrals.shape)]
    if len(seen) < LEAST:
        seen = contrast[measured]
    low, high = np.percentile(seen[:: max(1, len(seen) // 40000)], (DARKEST, BRIGHTEST))
    high = max(float(high), float(low) + NARROWEST)
    grey = (contrast - np.float32(low)) * np.float32(255 / (high - low))
    grey = np.clip(np.where(integrals > LIT, grey, 0), 0, 255)
    return np.asarray(grey if bright_bone else 255 - grey).astype(np.uint8)


def _measured(integrals: Picture, cut: BoolArray | None) -> BoolArray:
    """The rays that the window and the slow changes are found from: all that meet the patient, if too few are whole."""
    through = np.asarray(integrals > LIT)
    if cut is None:
        return through
    whole = through & ~cut
    return whole if whole.sum() >= LEAST_WHOLE * through.sum() else through


def _middle(shape: tuple[int, ...]) -> BoolArray:
    """The disc of the picture [row, column] that the automatic exposure looks at."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    return np.asarray(y[:, np.newaxis] ** 2 + x**2 < MIDDLE**2)


def _slow(integrals: Picture, measured: BoolArray) -> Picture:
    """The slow changes: a wide smoothing of what is measured, made on a small copy."""
    weight = _small(measured.astype(np.float32))
    sigma = SLOW_PART * integrals.shape[1] / COARSE
    total = ndimage.gaussian_filter(_small(integrals * measured), sigma, mode="nearest")
    share = ndimage.gaussian_filter(weight, sigma, mode="nearest")
    mean = float(integrals[measured].mean())
    # Far from all that is measured, its mean takes over.
    small = (total + 1e-3 * mean) / (share + 1e-3)
    for axis, n in enumerate(integrals.shape):
        # Rows and columns one after the other: bilinear, and several times faster than both at once.
        place = np.clip((np.arange(n) + 0.5) / COARSE - 0.5, 0, small.shape[axis] - 1)
        before = np.minimum(place.astype(np.intp), max(small.shape[axis] - 2, 0))
        after = np.minimum(before + 1, small.shape[axis] - 1)
        part = (place - before).astype(np.float32)
        part = part[:, np.newaxis] if axis == 0 else part
        first = np.take(small, before, axis=axis)
        small = first + part * (np.take(small, after, axis=axis) - first)
    return np.asarray(small, dtype=np.float32)


def _small(picture: Picture) -> Picture:
    """Means over squares of pixels."""
    rows, columns = (-(-n // COARSE) for n in picture.shape)
    short = [(0, rows * COARSE - picture.shape[0]), (0, columns * COARSE - picture.shape[1])]
    whole = np.pad(picture, short, mode="edge") if any(after for _, after in short) else picture
    return np.asarray(whole.reshape(rows, COARSE, columns, COARSE).mean(axis=(1, 3)))
