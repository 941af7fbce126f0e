"""The scanner: sharpness, slices, noise of a round field of view, and reformats fused into one volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter1d, zoom

from benchmarks.other_family.fields import Array


@dataclass(frozen=True)
class Scan:
    """How a case is scanned.

    Attributes:
        blur_mm: full width at half maximum in the slice.
        noise_hu: SD at the middle of the back.
        slice_mm: 1, or 3 (slices of 3 mm, 3 mm apart).
        fused: whether three sets of 3 mm reformats are joined to voxels of 1 mm.
        offset_hu: of the calibration.
    """

    blur_mm: float
    noise_hu: float
    slice_mm: int
    fused: bool
    offset_hu: float


def scanned(hu: Array, bone: Array, scan: Scan, rng: np.random.Generator) -> Array:
    """The CT of a picture [z, y, x] of 1 mm: whole HU; with slices of 3 mm every third slice only.

    Args:
        hu: the picture.
        bone: 1 where bone is, of the same shape; noise is stronger where rays pass much of it.
        scan: the scanner.
        rng: numbers from it.
    """
    sigma = scan.blur_mm / 2.355
    picture = gaussian_filter(hu, (0.35, sigma, sigma))
    picture = picture + scan.noise_hu * _noise(picture.shape, bone, rng) + np.float32(scan.offset_hu)
    if scan.fused:
        picture = _fused(picture)
    elif scan.slice_mm == 3:
        picture = uniform_filter1d(picture, 3, axis=0)[1::3]
    return np.asarray(np.clip(np.rint(picture), -1024, 3071), dtype=np.float32)


def _noise(shape: tuple[int, ...], bone: Array, rng: np.random.Generator) -> Array:
    """Noise of SD 1 on the average with the spectrum of a filtered back projection, slice by slice."""
    white = rng.standard_normal(shape, dtype=np.float32)
    ky, kx = np.fft.fftfreq(shape[1])[:, None], np.fft.rfftfreq(shape[2])[None, :]
    radius = np.hypot(ky, kx)
    shaped = np.sqrt(radius) * np.exp(-((radius / rng.uniform(0.22, 0.4)) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(white, axes=(1, 2)) * shaped, s=shape[1:], axes=(1, 2))
    noise = gaussian_filter(noise, (0.5, 0, 0))
    thick = bone.mean(axis=(1, 2), keepdims=True)
    louder = 1 + 2.0 * (thick - thick.mean())
    return np.asarray(noise / noise.std() * louder, dtype=np.float32)


def _fused(picture: Array) -> Array:
    """Three sets of slices of 3 mm, across each axis, joined so that each would be seen again: iterated."""
    reformats = [_thick(picture, axis) for axis in range(3)]
    joined = np.mean([_back(thick, axis, picture.shape) for axis, thick in enumerate(reformats)], axis=0)
    for _ in range(5):
        for axis, thick in enumerate(reformats):
            joined += 0.6 * _back(thick - _thick(joined, axis), axis, picture.shape)
    return np.asarray(joined, dtype=np.float32)


def _thick(picture: Array, axis: int) -> Array:
    middle = np.take(
        uniform_filter1d(picture, 3, axis=axis), np.arange(1, picture.shape[axis] - 1, 3), axis=axis
    )
    return np.asarray(middle, dtype=np.float32)


def _back(thick: Array, axis: int, shape: tuple[int, ...]) -> Array:
    factors = [1.0, 1.0, 1.0]
    factors[axis] = 3.0
    fine = zoom(thick, factors, order=1, mode="nearest", grid_mode=True)
    missing = [(0, max(want - have, 0)) for want, have in zip(shape, fine.shape, strict=True)]
    fine = np.pad(fine, missing, mode="edge")
    return np.asarray(fine[: shape[0], : shape[1], : shape[2]], dtype=np.float32)
