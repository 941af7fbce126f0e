"""From tissue to CT: the point spread of a kernel, slices of a thickness, noise, artefacts, whole Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.artefacts import bone_hardening, cupping, metal_streaks
from spinect_core.research.phantom.kernels import (
    KERNELS,
    NoiseSpectrum,
    Picture,
    across_slices,
    slice_profile,
    transfer,
)

LOWEST_HU, HIGHEST_HU = -1024, 3071
"""The scale of twelve bits that scanners store."""
CHUNK = 16
"""Slices transformed at once, so that a scan needs little more memory than its result."""
CONTRAST_FROM_HU = 80.0
"""From here on contrast comes from calcium or iodine and follows the tube's voltage."""


@dataclass(frozen=True)
class Scan:
    """How the specimen is scanned.

    Attributes:
        fwhm_mm: full width at half maximum of the line spread in the slice.
        slice_mm: thickness of a slice: the width of its profile at half its height.
        noise_hu: standard deviation of the noise in the finished picture.
        boost: how much the kernel raises middle frequencies; see ``Kernel``.
        kernel: name of the kernel, as a header states it.
        lateral: variance of the noise from rays through the width of the pelvis over that from rays through
            its depth.
        streaks: further variance in the fan of rays through both hips, relative to the rest.
        hardening: bands between dense bones; 1 is a scan without correction for bone, 0 none.
        cupping_hu: by how much the middle of the trunk is too dark.
        metal: strength of the streaks of metal; 1 without the vendor's reduction of them.
        arms: whether the arms lie beside the trunk.
        contrast: attenuation of calcium and iodine relative to 120 kV.
        water_hu: error of the calibration.
    """

    fwhm_mm: float = KERNELS["standard"].fwhm_mm
    slice_mm: float = 1.0
    noise_hu: float = 18.0
    boost: float = KERNELS["standard"].boost
    kernel: str = ""
    lateral: float = 2.0
    streaks: float = 0.0
    hardening: float = 0.0
    cupping_hu: float = 0.0
    metal: float = 1.0
    arms: bool = False
    contrast: float = 1.0
    water_hu: float = 0.0


IDEAL = Scan(fwhm_mm=0.0, slice_mm=0.0, noise_hu=0.0, boost=0.0, kernel="none", metal=0.0)
"""A scanner that shows the tissue as it was drawn."""

NOISE: dict[str, tuple[float, float, float]] = {
    # Median, spread as a factor, largest, HU.
    "soft": (14.0, 1.6, 45.0),
    "standard": (19.0, 1.6, 60.0),
    "bone": (38.0, 1.6, 90.0),
}
"""Noise by kernel: routine soft kernels 15 to 30 HU; thin low-dose lumbar slices 63 ± 16 at 100 mAs, 93 ± 25 at 50
(PMC8546130), of which what lies above the largest is left out."""
KERNEL_SHARE = {"soft": 0.3, "standard": 0.4, "bone": 0.3}
SLICE_SHARE = {0.6: 0.1, 0.75: 0.15, 1.0: 0.3, 1.25: 0.15, 1.5: 0.1, 2.0: 0.12, 3.0: 0.08}
"""How often slices are this thick (mm) in spinal CT; working values."""
VOLTAGE = {100: (0.25, 1.2), 120: (0.65, 1.0), 140: (0.1, 0.91)}
"""Share and contrast of bone by tube voltage in kV; contrast from NIST's attenuation of cortical bone and water."""
ARMS_SHARE = 0.06
PIXELS_MM = (0.4, 1.5)
"""Smallest and largest pixel that is drawn: a field of view of 200 to 770 mm over 512 pixels."""
STEPS_MM = (0.6, 3.0)


def check_setting(noise_hu: float | None, slice_mm: float | None, kernel: str | None) -> None:
    """Raise :class:`UsageError` if one of these is out of range."""
    if kernel is not None and kernel not in KERNELS:
        raise UsageError(
            f"There is no kernel {kernel!r}", f"Choose one of {', '.join(KERNELS)}", parameter="kernel"
        )
    if noise_hu is not None and not 0.0 <= noise_hu <= 200.0:
        raise UsageError(f"A noise of {noise_hu:g} HU is out of range", "Give 0 to 200 HU", parameter="noise")
    if slice_mm is not None and not 0.0 <= slice_mm <= 10.0:
        raise UsageError(
            f"A slice thickness of {slice_mm:g} mm is out of range",
            "Give 0 to 10 mm",
            parameter="slice_thickness",
        )


def scan_setting(kernel: str = "standard", noise_hu: float = 18.0, slice_mm: float = 1.0) -> Scan:
    """A scanner setting by the name of its kernel, without artefacts.

    Args:
        kernel: one of :data:`~spinect_core.research.phantom.kernels.KERNELS`.
        noise_hu: standard deviation of the noise in the picture, 0 to 200 HU.
        slice_mm: slice thickness, 0 to 10 mm.

    Raises:
        UsageError: the kernel is unknown or a number out of range.
    """
    check_setting(noise_hu, slice_mm, kernel)
    return Scan(KERNELS[kernel].fwhm_mm, slice_mm, noise_hu, KERNELS[kernel].boost, kernel)


def draw_scan(
    rng: np.random.Generator,
    *,
    kernel: str | None = None,
    noise_hu: float | None = None,
    slice_mm: float | None = None,
    step_mm: float = 0.0,
) -> Scan:
    """A scanner setting as routine lumbar CT has them; what is given is not drawn, and shifts no other draw.

    Args:
        rng: the random stream.
        kernel: one of :data:`~spinect_core.research.phantom.kernels.KERNELS`.
        noise_hu: standard deviation of the noise in the picture, 0 to 200 HU.
        slice_mm: slice thickness, 0 to 10 mm.
        step_mm: distance of the slices; they are drawn no thinner than that, for no examination leaves gaps.

    Raises:
        UsageError: the kernel is unknown or a number out of range.
    """
    check_setting(noise_hu, slice_mm, kernel)
    drawn = str(rng.choice(list(KERNEL_SHARE), p=list(KERNEL_SHARE.values())))
    name = kernel or drawn
    width, boost = rng.uniform(0.88, 1.14), rng.uniform(0.75, 1.2)
    thickness = float(rng.choice(list(SLICE_SHARE), p=list(SLICE_SHARE.values())))
    median, factor, largest = NOISE[name]
    noise = min(median * factor ** float(rng.standard_normal()), largest)
    voltages = list(VOLTAGE.values())
    voltage = int(rng.choice(len(voltages), p=[share for share, _ in voltages]))
    return Scan(
        fwhm_mm=float(KERNELS[name].fwhm_mm * width),
        slice_mm=max(thickness, step_mm) if slice_mm is None else slice_mm,
        noise_hu=noise if noise_hu is None else noise_hu,
        boost=float(KERNELS[name].boost * boost),
        kernel=name,
        lateral=float(rng.uniform(1.1, 2.8)),
        streaks=float(rng.beta(1.0, 3.0) * 1.5),
        hardening=float(rng.beta(2.0, 3.0)),
        cupping_hu=float(rng.normal(2.0, 4.0)),
        metal=float(rng.uniform(0.35, 1.0)),
        arms=bool(rng.random() < ARMS_SHARE),
        contrast=float(voltages[voltage][1] * rng.uniform(0.97, 1.03)),
        water_hu=float(np.clip(rng.normal(0.0, 2.0), -4.0, 4.0)),
    )


def draw_grid(
    rng: np.random.Generator, box: tuple[tuple[float, float], ...]
) -> tuple[tuple[float, float, float], tuple[tuple[float, float], ...]]:
    """Pixels, distance of slices and place of the reconstructed field, as examinations differ in them.

    Args:
        rng: the random stream.
        box: what an average examination shows, ((x0, x1), (y0, y1), (z0, z1)) in patient mm.

    Returns:
        Spacing (x, y, z) in mm and the box drawn: shifted by up to 12 mm and up to a tenth smaller.
    """
    low, high = np.log(PIXELS_MM)
    pixel = float(np.round(np.exp(rng.uniform(low, high)), 3))
    step = float(rng.choice([0.6, 0.75, 1.0, 1.0, 1.25, 1.5, 2.0, 3.0]))
    drawn = []
    for start, stop in box:
        shift, smaller = rng.uniform(-12.0, 12.0), rng.uniform(0.0, 0.05) * (stop - start)
        drawn.append((float(start + smaller + shift), float(stop - smaller + shift)))
    return (pixel, pixel, float(np.clip(step, *STEPS_MM))), tuple(drawn)


def slices_within(spacing: tuple[float, float, float]) -> int:
    """How many thin slices (an odd number) the tissue is drawn in for one slice of the CT.

    Slices further apart than their pixels would miss what lies between them.
    """
    return 2 * int(max(spacing[2] / max(spacing[0], spacing[1], 1.0) + 0.01, 1.0) // 2) + 1


def thin_slices(geometry: Geometry, within: int) -> Geometry:
    """The grid of a CT with every slice replaced by ``within`` thin ones; the middle one lies where it lay."""
    x, y, z = geometry.spacing
    start = geometry.to_patient(((1 - within) / (2 * within), 0, 0))
    return Geometry(
        (geometry.shape[0] * within, *geometry.shape[1:]),
        (x, y, z / within),
        (float(start[0]), float(start[1]), float(start[2])),
        geometry.direction,
    )


def scan(
    tissue: npt.NDArray[np.floating[Any]],
    spacing: tuple[float, float, float],
    setting: Scan,
    rng: np.random.Generator,
    *,
    metal: npt.NDArray[np.bool_] | None = None,
    within: int = 1,
) -> npt.NDArray[np.int16]:
    """The CT [z, y, x] in whole HU of a tissue map.

    Args:
        tissue: HU [z within, y, x], edges antialiased over about a voxel.
        spacing: (x, y, z) mm of the CT.
        setting: the scanner.
        rng: stream of the noise.
        metal: where metal is, on the grid of the tissue.
        within: thin slices of the tissue for each slice of the CT, an odd number.
    """
    step = spacing[2] / within
    middle = slice(within // 2, None, within)
    drawn_edge = float(np.mean([*spacing[:2], step]))
    clear = np.array(tissue, dtype=np.float32)
    if setting.contrast != 1.0:
        clear += (setting.contrast - 1.0) * np.maximum(clear - np.float32(CONTRAST_FROM_HU), 0.0)
    clear = across_slices(clear, np.sqrt(max(setting.slice_mm**2 - 0.5 * step**2, 0.0)), step)[middle]
    if setting == IDEAL:
        return _stored(clear)
    clear = clear + _shade(clear, spacing, setting, rng, None if metal is None else metal[middle])
    return _reconstructed(clear, spacing, drawn_edge, setting, rng)


def _shade(
    clear: Picture,
    spacing: tuple[float, float, float],
    setting: Scan,
    rng: np.random.Generator,
    metal: npt.NDArray[np.bool_] | None,
) -> Picture:
    """What the physics of the beam adds to the slices, HU, of a shape that can be added to them."""
    shade = cupping((clear.shape[0], clear.shape[1], clear.shape[2]), spacing, setting.cupping_hu)
    shade = shade + np.float32(setting.water_hu)
    if setting.hardening > 0.0:
        shade = shade + bone_hardening(clear, spacing, setting.hardening, arms=setting.arms)
    if metal is not None and setting.metal > 0.0 and metal.any():
        shade = shade + metal_streaks(metal, spacing, setting.metal, rng)
    return shade


def _reconstructed(
    clear: Picture,
    spacing: tuple[float, float, float],
    drawn_edge: float,
    setting: Scan,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """Slices spread by the kernel, with noise of its spectrum."""
    count, ny, nx = clear.shape
    margin = [int(np.ceil(2.5 * setting.fwhm_mm / step)) + 1 for step in (spacing[1], spacing[0])]
    size = tuple(fft.next_fast_len(n + 2 * m, real=True) for n, m in zip((ny, nx), margin, strict=True))
    pad = ((0, 0), *((m, s - n - m) for n, m, s in zip((ny, nx), margin, size, strict=True)))
    inner = (slice(None), slice(margin[0], margin[0] + ny), slice(margin[1], margin[1] + nx))
    frequency = np.hypot(
        np.fft.fftfreq(size[0], spacing[1])[:, None], np.fft.rfftfreq(size[1], spacing[0])[None, :]
    )
    passed = transfer(frequency, setting.fwhm_mm, setting.boost, drawn_edge).astype(np.float32)
    spectrum = NoiseSpectrum.of(size, (spacing[1], spacing[0]), setting.fwhm_mm, setting.boost)
    ratios = np.exp(np.log(setting.lateral) * width_by_slice(clear))
    weights = slice_profile(setting.slice_mm, spacing[2])
    weights /= np.sqrt(np.square(weights).sum())
    reach = len(weights) // 2
    white = rng.standard_normal((2 * reach, *size), dtype=np.float32)
    out = np.empty(clear.shape, np.int16)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        waves = fft.rfft2(np.pad(clear[start:stop], pad, mode="edge")) * passed
        if setting.noise_hu > 0.0:
            white = np.concatenate([white, rng.standard_normal((stop - start, *size), dtype=np.float32)])
            thick = sum(np.float32(w) * white[k : k + stop - start] for k, w in enumerate(weights))
            grains = fft.rfft2(thick)
            for at, ratio in enumerate(ratios[start:stop]):
                grains[at] *= spectrum.amplitude(float(ratio), setting.streaks, size) * np.float32(
                    setting.noise_hu
                )
            waves += grains
            white = white[len(white) - 2 * reach :]
        out[start:stop] = _stored(fft.irfft2(waves, size)[inner])
    return out


def width_by_slice(picture: Picture) -> FloatArray:
    """How much more the rays through the width of each slice meet than those of an average one, about 1, [z]."""
    rows = np.maximum(picture[:, picture.shape[1] // 3 : -picture.shape[1] // 4 or None] + 1000.0, 0.0)
    met = rows.mean(axis=(1, 2), dtype=np.float64)
    # Attenuation of the whole width acts through an exponential: a tenth more of it counts twice.
    return np.asarray(np.clip(1.0 + 2.0 * (met / max(float(met.mean()), 1.0) - 1.0), 0.4, 1.8))


def _stored(picture: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(picture), LOWEST_HU, HIGHEST_HU).astype(np.int16))
