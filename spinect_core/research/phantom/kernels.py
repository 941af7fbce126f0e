"""Reconstruction kernels: the spread of a point in the slice and across it, and the spectrum of the noise.

The modulation transfer of a kernel is ``(1 + b v) exp(-v)`` with ``v = 2 pi² s² f²``: a Gaussian of standard
deviation ``s`` whose middle frequencies are raised by ``b``. From ``b`` = 1 on the transfer rises above 1 and
edges overshoot, as those of bone kernels do. Its line spread is ``g(x) (1 + b/2 - b x² / (2 s²))``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d
from scipy.optimize import brentq
from scipy.special import erf

from spinect_core.base.arrays import FloatArray

Picture = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Kernel:
    """A reconstruction kernel.

    Attributes:
        fwhm_mm: full width at half maximum of its line spread in the slice.
        boost: how much middle frequencies are raised; 0 is a Gaussian, 2 lets an edge overshoot by 13 %.
    """

    fwhm_mm: float
    boost: float


KERNELS: dict[str, Kernel] = {
    # The widths give 50 and 10 % of the transfer at 3.7 and 6.5, 5.0 and 8.2, 9.1 and 12.4 line pairs per cm.
    "soft": Kernel(1.30, 0.3),
    "standard": Kernel(1.02, 0.8),
    "bone": Kernel(0.62, 2.0),
}
"""Kernels by name; widths as vendors state them for abdominal, medium and bone kernels (working values)."""


def sigma_of(fwhm_mm: float, boost: float) -> float:
    """Standard deviation in mm of the Gaussian whose raised form has this line spread."""
    part = boost / (2.0 + boost)
    half = brentq(lambda x: np.exp(-x * x / 2.0) * (1.0 - part * x * x) - 0.5, 0.1, 1.3)
    return float(fwhm_mm / (2.0 * half))


def transfer(frequency: FloatArray, fwhm_mm: float, boost: float, already_mm: float = 0.0) -> FloatArray:
    """Modulation transfer at frequencies in cycles per mm.

    Args:
        frequency: any shape.
        fwhm_mm: width of the line spread.
        boost: see :class:`Kernel`.
        already_mm: width of the ramp over which the picture's edges are drawn; that much of the spread is
            in it already.
    """
    sigma = sigma_of(fwhm_mm, boost)
    # A ramp of width w spreads an edge as a Gaussian of variance w² / 12 does.
    rest = max(sigma**2 - already_mm**2 / 12.0, 0.0)
    squared = 2.0 * np.pi**2 * np.square(frequency)
    return np.asarray((1.0 + boost * sigma**2 * squared) * np.exp(-rest * squared))


def slice_profile(thickness_mm: float, step_mm: float) -> FloatArray:
    """Weights (odd number, sum 1) of neighbouring slices ``step_mm`` apart in a slice of this thickness.

    The profile is a rectangle with soft flanks, half as high at half the thickness from its middle.
    """
    if thickness_mm <= 0.0:
        return np.ones(1)
    reach = int(np.ceil(1.1 * thickness_mm / step_mm))
    z = np.arange(-reach, reach + 1) * step_mm
    soft = np.sqrt(2.0) * 0.22 * thickness_mm
    weights = erf((thickness_mm / 2 - z) / soft) + erf((thickness_mm / 2 + z) / soft)
    return np.asarray(weights / weights.sum())


def across_slices(picture: npt.NDArray[np.floating], thickness_mm: float, step_mm: float) -> Picture:
    """A picture [z, y, x] averaged over the slice profile, float32."""
    narrow = np.asarray(picture, dtype=np.float32)
    weights = slice_profile(thickness_mm, step_mm)
    if weights.max() > 0.999:
        return narrow
    return np.asarray(correlate1d(narrow, weights, axis=0, mode="nearest"))


@dataclass(frozen=True, eq=False)
class NoiseSpectrum:
    """Amplitude of the noise in the plane of a slice, by frequency.

    Filtered back projection multiplies the noise of each direction by the ramp and the kernel; what lies beyond
    the pixels' own limit folds back. Rays through the width of the pelvis are weaker than those through its
    depth, so that noise varying along y (drawn out along x) is stronger.

    Attributes:
        base: amplitude [fy, fx] of noise equal in all directions.
        lateral: [fy, fx], 0 for waves along x to 1 for waves along y.
        streak: [fy, fx], share of a wave in the fan of rays that pass through both hips.
        count: number of samples of the slice.
    """

    base: FloatArray
    lateral: FloatArray
    streak: FloatArray
    count: int

    @classmethod
    def of(
        cls, shape: tuple[int, int], spacing: tuple[float, float], fwhm_mm: float, boost: float
    ) -> NoiseSpectrum:
        """The spectrum on the half plane of ``rfft2`` for slices (ny, nx) with pixels (y, x) in mm."""
        fy = np.fft.fftfreq(shape[0], spacing[0])[:, None]
        fx = np.fft.rfftfreq(shape[1], spacing[1])[None, :]
        power = np.zeros((shape[0], shape[1] // 2 + 1))
        for row in (-1, 0, 1):
            for column in (-1, 0, 1):
                f = np.hypot(fy + row / spacing[0], fx + column / spacing[1])
                # Scatter and electronics leave a little noise where the ramp has none.
                power += (f + 0.02) * transfer(f, fwhm_mm, boost) ** 2
        f = np.hypot(fy, fx)
        lateral = np.square(np.divide(fy, f, out=np.zeros_like(f), where=f > 0))
        # Scanners smooth the weakest rays, which leaves long streaks without fine grain.
        streak = np.exp(-(1.0 - lateral) / 0.15**2 - np.square(f / 0.3))
        # In a real transform all waves but those of the first and the last column stand for two.
        return cls(np.sqrt(power), lateral, streak, shape[0] * shape[1])

    def amplitude(self, ratio: float, streaks: float, shape: tuple[int, int]) -> Picture:
        """Filter [fy, fx] that turns white noise of unit variance into noise of unit variance.

        Args:
            ratio: variance of the noise from lateral rays over that from anteroposterior ones.
            streaks: further variance in the fan through both hips, relative to the rest.
            shape: (ny, nx) of the slices.
        """
        shaped = self.base * np.sqrt(np.exp(np.log(ratio) * self.lateral) + streaks * ratio * self.streak)
        power = np.square(shaped)
        twice = 2.0 * power.sum() - power[:, 0].sum()
        if shape[1] % 2 == 0:
            twice -= power[:, -1].sum()
        return np.asarray(shaped / np.sqrt(twice / self.count), dtype=np.float32)
