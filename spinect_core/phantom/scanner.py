"""From tissue to CT: point spread, correlated noise, rounding to whole Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from spinect_core.errors import UsageError
from spinect_core.volume import FloatArray


@dataclass(frozen=True)
class Scan:
    """How the specimen is scanned.

    Attributes:
        blur_mm: standard deviation of the point spread in the slice (soft kernel about 0.7, bone kernel
            0.35).
        slice_blur_mm: the same across slices.
        noise_hu: standard deviation of the noise in the finished picture.
        grain_mm: correlation length of the noise.
    """

    blur_mm: float = 0.6
    slice_blur_mm: float = 0.5
    noise_hu: float = 18.0
    grain_mm: float = 0.6


KERNELS: dict[str, tuple[float, float]] = {"soft": (0.75, 0.7), "standard": (0.6, 0.45), "bone": (0.38, 0.3)}
"""Point spread in the slice and grain of the noise, mm, by name of the reconstruction kernel."""


def scan_setting(kernel: str = "standard", noise_hu: float = 18.0, slice_blur_mm: float = 0.5) -> Scan:
    """A scanner setting by the name of its kernel.

    Args:
        kernel: one of :data:`KERNELS`.
        noise_hu: standard deviation of the noise in the picture, 0 to 200 HU.
        slice_blur_mm: standard deviation of the point spread across slices.

    Raises:
        UsageError: the kernel is unknown or the noise out of range.
    """
    if kernel not in KERNELS:
        raise UsageError(f"There is no kernel {kernel!r}", f"Choose one of {', '.join(KERNELS)}", "--kernel")
    if not 0.0 <= noise_hu <= 200.0:
        raise UsageError(f"A noise of {noise_hu:g} HU is out of range", "Give 0 to 200 HU", "--noise")
    blur, grain = KERNELS[kernel]
    return Scan(blur, slice_blur_mm, noise_hu, grain)


def draw_scan(rng: np.random.Generator) -> Scan:
    """A scanner setting as routine lumbar CT has them."""
    return Scan(
        blur_mm=float(rng.uniform(0.35, 0.8)),
        slice_blur_mm=float(rng.uniform(0.35, 1.0)),
        noise_hu=float(rng.choice([6.0, 12.0, 18.0, 25.0, 35.0, 50.0]) * rng.uniform(0.8, 1.2)),
        grain_mm=float(rng.uniform(0.3, 0.9)),
    )


def scan(
    tissue: FloatArray,
    spacing: tuple[float, float, float],
    setting: Scan,
    rng: np.random.Generator,
    *,
    metal: npt.NDArray[np.bool_] | None = None,
) -> np.ndarray:
    """The CT [z, y, x] in whole HU of a tissue map [z, y, x] in HU, ``spacing`` (x, y, z) in mm."""
    sigma = (setting.slice_blur_mm / spacing[2], setting.blur_mm / spacing[1], setting.blur_mm / spacing[0])
    blurred = gaussian_filter(tissue, sigma, mode="nearest", truncate=3.0)
    noise = rng.standard_normal(tissue.shape)
    noise = gaussian_filter(
        noise, [setting.grain_mm / s * 0.6 for s in spacing[::-1]], mode="nearest", truncate=3.0
    )
    blurred += noise * (setting.noise_hu / max(float(noise.std()), 1e-9))
    return np.asarray(np.clip(np.rint(blurred), -1024, 3071).astype(np.int16))
