"""The scanner does to a known object what its setting says."""

from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.artefacts import Projector, bone_hardening, metal_streaks
from spinect_core.research.phantom.kernels import KERNELS, slice_profile
from spinect_core.research.phantom.scanner import (
    IDEAL,
    PIXELS_MM,
    Scan,
    draw_grid,
    draw_scan,
    scan,
    scan_setting,
    slices_within,
    thin_slices,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def width_at_half(profile: np.ndarray, at: np.ndarray) -> float:
    """Full width at half maximum of a curve, between samples."""
    above = np.flatnonzero(profile > profile.max() / 2)
    first, last, half = above[0], above[-1], profile.max() / 2
    left = np.interp(half, profile[first - 1 : first + 1], at[first - 1 : first + 1])
    right = np.interp(-half, -profile[last : last + 2], at[last : last + 2])
    return float(right - left)


def edge(kernel: str, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances in mm from a slanted edge of 0 to 1000 HU, and the mean HU of a scan at them."""
    n = 160
    y, x = (np.mgrid[:n, :n] - n / 2) * pixel
    distance = x * np.cos(0.06) + y * np.sin(0.06)
    tissue = 1000.0 * np.clip(0.5 + distance / pixel, 0.0, 1.0)
    ct = scan(np.stack([tissue] * 3), (pixel, pixel, pixel), scan_setting(kernel, 0.0, 0.0), rng())[1]
    bins = np.arange(-6.0, 6.0, 0.05)
    use = np.abs(distance) < 6.0
    number = np.digitize(distance[use], bins) - 1
    sums = np.bincount(number, ct[use], len(bins))
    return bins + 0.025, sums / np.maximum(np.bincount(number, minlength=len(bins)), 1)


@pytest.mark.parametrize("kernel", ["soft", "standard", "bone"])
def test_an_edge_is_as_blurred_as_the_kernel_says(kernel: str) -> None:
    at, spread = edge(kernel, 0.15)
    line = np.convolve(np.gradient(spread, at), np.full(3, 1 / 3), "same")
    assert width_at_half(line[2:-2], at[2:-2]) == pytest.approx(KERNELS[kernel].fwhm_mm, rel=0.03)


def test_a_bone_kernel_overshoots_and_a_soft_one_does_not() -> None:
    over = {kernel: edge(kernel, 0.25)[1].max() - 1000.0 for kernel in KERNELS}
    # In theory 0, 2.5 and 12.9 %.
    assert over["soft"] < 5.0
    assert 15.0 < over["standard"] < 40.0
    assert over["bone"] == pytest.approx(129.0, abs=25.0)


@pytest.mark.parametrize("thickness", [0.6, 1.0, 3.0])
def test_a_plate_is_seen_through_the_slice_thickness(thickness: float) -> None:
    step = 0.1
    tissue = np.zeros((121, 6, 6))
    tissue[60] = 1000.0
    setting = Scan(1.0, thickness, 0.0)
    seen = scan(tissue, (0.5, 0.5, step), setting, rng())[:, 3, 3].astype(float)
    assert width_at_half(seen, np.arange(121) * step) == pytest.approx(thickness, rel=0.04)
    assert seen.sum() == pytest.approx(1000.0, rel=0.03)
    assert slice_profile(thickness, step).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("kernel", ["soft", "standard", "bone"])
@pytest.mark.parametrize("pixel", [0.4, 1.0, 1.5])
def test_noise_is_what_was_asked_for_in_a_homogeneous_region(kernel: str, pixel: float) -> None:
    setting = replace(scan_setting(kernel, 30.0, 2.0), lateral=2.5, streaks=0.5)
    water = np.zeros((12, 120, 140))
    ct = scan(water, (pixel, pixel, 1.0), setting, rng(3)).astype(float)
    assert ct[:, 30:90, 30:110].std() == pytest.approx(30.0, rel=0.05)
    assert abs(ct.mean()) < 1.0


def spectrum(kernel: str, **changes: float) -> tuple[np.ndarray, np.ndarray]:
    """Power of the noise [fy, fx] and the frequencies in cycles per mm along both."""
    setting = replace(scan_setting(kernel, 50.0, 0.6), **changes)
    ct = scan(np.zeros((24, 128, 128)), (0.5, 0.5, 1.0), setting, rng(5)).astype(float)
    return (np.abs(np.fft.fft2(ct)) ** 2).mean(axis=0), np.fft.fftfreq(128, 0.5)


def test_the_grain_is_the_kernels_and_not_blurred_white_noise() -> None:
    peaks = {}
    for kernel in KERNELS:
        power, f = spectrum(kernel, lateral=1.0)
        radius = np.hypot(f[:, None], f[None, :])
        rings = [power[(radius >= r) & (radius < r + 0.05)].mean() for r in np.arange(0.0, 0.95, 0.05)]
        peaks[kernel] = 0.05 * int(np.argmax(rings)) + 0.025
        # Back projection leaves little noise of long waves, where blurred white noise has most.
        assert rings[0] < 0.6 * max(rings)
    assert 0.1 < peaks["soft"] < peaks["standard"] < peaks["bone"]


def test_noise_is_drawn_out_along_the_width_of_the_pelvis() -> None:
    power, f = spectrum("standard", lateral=3.0)
    band = (np.abs(f) > 0.2) & (np.abs(f) < 0.4)
    near = np.abs(f) < 0.06
    along_y, along_x = power[np.ix_(band, near)].mean(), power[np.ix_(near, band)].mean()
    assert along_y / along_x == pytest.approx(3.0, rel=0.25)


def test_thick_overlapping_slices_share_their_noise() -> None:
    def likeness(thickness: float) -> float:
        ct = scan(np.zeros((20, 64, 64)), (1.0, 1.0, 1.0), scan_setting("soft", 40.0, thickness), rng(1))
        return float(np.corrcoef(ct[:-1].ravel(), ct[1:].ravel())[0, 1])

    assert abs(likeness(0.6)) < 0.05
    assert likeness(3.0) > 0.6


def test_an_ideal_scanner_shows_the_tissue() -> None:
    tissue = rng().uniform(-2000.0, 5000.0, (6, 7, 8))
    shown = scan(tissue, (1.0, 1.0, 1.0), IDEAL, rng())
    assert np.array_equal(shown, np.clip(np.rint(tissue), -1024, 3071))


def test_the_projector_measures_paths_and_gives_the_slice_back() -> None:
    y, x = np.mgrid[:80, :90] - np.array([39.5, 44.5])[:, None, None]
    disk = (np.hypot(x * 2.0, y * 2.0) < 40.0).astype(float)
    projector = Projector((80, 90), 2.0, 120)
    lines = projector.project(disk[None])
    assert np.median(lines[:, projector.bins // 2, 0]) == pytest.approx(80.0, rel=0.02)
    again = projector.reconstruct(lines)[0]
    assert again[disk > 0].mean() == pytest.approx(1.0, rel=0.05)
    assert abs(again[np.hypot(x * 2.0, y * 2.0) > 50.0].mean()) < 0.05


def rods(spacing: float = 1.0) -> np.ndarray:
    """Two rods along z, 80 mm apart on the x axis, [z, y, x]."""
    y, x = (np.mgrid[:120, :160] - np.array([60, 80])[:, None, None]) * spacing
    return np.repeat((np.hypot(np.abs(x) - 40.0, y) < 8.0)[None], 10, axis=0)


def test_the_beam_hardens_between_two_bones() -> None:
    tissue = np.where(rods(), 1200.0, 40.0).astype(np.float32)
    added = bone_hardening(tissue, (1.0, 1.0, 1.0), 1.0, arms=False)
    between, above = added[5, 60, 80], added[5, 25, 80]
    assert -60.0 < between < -8.0
    assert between < above - 8.0
    assert np.array_equal(bone_hardening(np.zeros_like(tissue), (1, 1, 1), 1.0, arms=False), 0 * tissue)


def test_metal_casts_a_dark_band_towards_other_metal_in_its_slices_alone() -> None:
    metal = rods()
    metal[:3] = metal[7:] = False
    added = metal_streaks(metal, (1.0, 1.0, 1.0), 1.0, rng())
    assert not added[:3].any()
    assert not added[7:].any()
    assert added[5, 58:63, 70:90].mean() < -40.0
    assert added[5, 58:63, 70:90].mean() < added[5, 20:30, 70:90].mean() - 40.0
    halved = metal_streaks(metal, (1.0, 1.0, 1.0), 0.5, rng())
    assert halved == pytest.approx(added / 2, abs=1e-2)


def test_what_is_named_is_not_drawn_and_shifts_nothing_else() -> None:
    free, named = draw_scan(rng(7)), draw_scan(rng(7), noise_hu=33.0, slice_mm=2.5)
    assert replace(free, noise_hu=33.0, slice_mm=2.5) == named
    bone = draw_scan(rng(7), kernel="bone")
    assert bone.kernel == "bone"
    assert bone.fwhm_mm == pytest.approx(KERNELS["bone"].fwhm_mm, rel=0.15)
    assert (bone.hardening, bone.arms, bone.contrast) == (free.hardening, free.arms, free.contrast)


def test_drawn_settings_cover_what_routine_ct_has() -> None:
    drawn = [draw_scan(rng(seed)) for seed in range(400)]
    assert {s.kernel for s in drawn} == set(KERNELS)
    noise = np.array([s.noise_hu for s in drawn])
    assert 10.0 < np.median(noise) < 35.0
    assert noise.min() > 2.0
    assert 60.0 < noise.max() <= 90.0
    assert {min(s.slice_mm for s in drawn), max(s.slice_mm for s in drawn)} == {0.6, 3.0}
    grids = [draw_grid(rng(seed), ((-100, 100), (-70, 90), (-90, 80))) for seed in range(100)]
    pixels = [spacing[0] for spacing, _box in grids]
    assert PIXELS_MM[0] <= min(pixels) < 0.5
    assert 1.2 < max(pixels) <= PIXELS_MM[1]
    assert all(170.0 < box[0][1] - box[0][0] <= 200.0 for _spacing, box in grids)


def test_thick_slices_are_drawn_in_thin_ones_whose_middles_stay() -> None:
    assert [slices_within((1.0, 1.0, z)) for z in (0.6, 1.0, 1.5, 2.0, 3.0, 5.0)] == [1, 1, 1, 3, 3, 5]
    assert slices_within((4.0, 4.0, 4.0)) == 1
    whole = Geometry((7, 5, 6), (0.7, 0.7, 3.0), (1.0, 2.0, 3.0))
    thin = thin_slices(whole, 3)
    assert thin.shape == (21, 5, 6)
    for k in range(7):
        assert thin.to_patient((3 * k + 1, 0, 0)) == pytest.approx(whole.to_patient((k, 0, 0)))


@pytest.mark.parametrize("asked", [{"kernel": "velvet"}, {"noise_hu": -1.0}, {"slice_mm": 11.0}])
def test_senseless_settings_are_refused(asked: dict) -> None:
    with pytest.raises(UsageError):
        draw_scan(rng(), **asked)
