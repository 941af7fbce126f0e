"""What the rays of a simulated exposure lose: known bodies, and an independent calculation."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.base.words import DetectorSide
from spinect_core.geometry.view import View
from spinect_core.image.volume import Geometry, Volume
from spinect_core.pictures.fluoroscopy import Attenuation, Exposure, Fluoroscope, line_integrals
from spinect_core.pictures.fluoroscopy.attenuation import WATER_PER_MM

AIR, WATER = -1000, 0
PIXELS = 128
FINE = Fluoroscope(detector_mm=100, pixels=PIXELS)
SIDES = tuple(DetectorSide)


def drawn(inside, spacing=(1.0, 1.0, 1.0), size_mm=80.0, direction=None, value=WATER) -> Volume:
    """A volume about the origin in which ``inside(points)`` has a value; edges are shared out between voxels."""
    shape = tuple(round(size_mm / mm) for mm in spacing[::-1])
    direction = np.eye(3) if direction is None else direction
    middle = direction @ (np.asarray(spacing) * (np.array(shape[::-1]) - 1) / 2)
    grid = Geometry(shape, spacing, tuple(-middle), direction)
    index = np.stack(np.indices(shape), axis=-1).astype(np.float64)
    share = np.zeros(shape)
    offsets = (np.arange(3) - 1.0) / 3
    for z in offsets:
        for y in offsets:
            for x in offsets:
                share += inside(grid.to_patient(index + np.array([z, y, x])))
    return Volume((AIR + share / 27 * (value - AIR)).round().astype(np.int16), grid)


def reference(volume: Volume, exposure: Exposure, pixels: np.ndarray, step: float = 0.4) -> np.ndarray:
    """Trilinear samples every ``step`` mm along the rays of pixels (n, 2), in double precision."""
    attenuation = (np.clip(volume.array.astype(np.float64), AIR, None) - AIR) * WATER_PER_MM / 1000
    rays = exposure.on_detector(pixels) - exposure.source
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    away = exposure.fluoroscope.source_to_target_mm
    total = np.zeros(len(pixels))
    for along in np.arange(away - 90, away + 90, step):
        index = volume.geometry.to_index(exposure.source + rays * along)
        total += ndimage.map_coordinates(attenuation, index.T, order=1, mode="grid-constant") * step
    return total


def some_pixels(count: int = 16) -> np.ndarray:
    line = np.linspace(2, PIXELS - 3, count).round().astype(int)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def tilted() -> np.ndarray:
    a, b = np.radians([8.0, -5.0])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_z @ about_x @ np.diag([-1.0, -1.0, 1.0])


@cache
def lumps() -> Volume:
    """Smooth lumps of several densities on an oblique grid of voxels that are no cubes."""
    rng = np.random.default_rng(3)
    shape = (27, 78, 80)
    noise = ndimage.gaussian_filter(rng.normal(size=shape), (1.0, 2.0, 2.0))
    values = noise / noise.std() * 250 + 100
    grid = Geometry(shape, (1.0, 1.0, 3.0), (38.0, 44.0, -37.0), tilted())
    return Volume(values.astype(np.int16), grid)


@pytest.mark.parametrize("detector", SIDES)
@pytest.mark.parametrize("view", [View(0), View(90), View(-44, 10), View(30, -35), View(5, 80)], ids=str)
def test_any_view_of_any_grid_agrees_with_an_independent_calculation(
    view: View, detector: DetectorSide
) -> None:
    volume = lumps()
    device = Fluoroscope(detector_mm=150, pixels=PIXELS, detector=detector)
    exposure = Exposure(view, volume.geometry.centre, device)
    found = line_integrals(Attenuation.of(volume), exposure)
    pixels = some_pixels()
    expected = reference(volume, exposure, pixels + 0.5)
    got = found[pixels[:, 1], pixels[:, 0]]
    assert np.corrcoef(got, expected)[0, 1] > 0.999
    assert np.abs(got - expected).mean() < 0.02 * expected.mean()
    assert got.sum() == pytest.approx(expected.sum(), rel=0.002)


def test_the_middle_of_a_cylinder_of_water_takes_its_attenuation_times_its_diameter() -> None:
    cylinder = Attenuation.of(drawn(lambda at: np.hypot(at[..., 0], at[..., 1]) < 30))
    for view in (View(0), View(90), View(37)):
        picture = line_integrals(cylinder, Exposure(view, np.zeros(3), FINE))
        middle = picture[PIXELS // 2 - 1 : PIXELS // 2 + 1, PIXELS // 2 - 1 : PIXELS // 2 + 1]
        assert middle.mean() == pytest.approx(WATER_PER_MM * 60, rel=0.005)


def test_rays_through_a_plate_grow_longer_the_more_obliquely_they_go() -> None:
    plate = Attenuation.of(drawn(lambda at: np.abs(at[..., 1]) < 10, size_mm=100))
    exposure = Exposure(View(0), np.zeros(3), Fluoroscope(detector_mm=120, pixels=PIXELS))
    picture = line_integrals(plate, exposure)
    pixels = some_pixels(8)
    rays = exposure.on_detector(pixels + 0.5) - exposure.source
    expected = WATER_PER_MM * 20 * np.linalg.norm(rays, axis=1) / np.abs(rays @ exposure.beam)
    assert picture[pixels[:, 1], pixels[:, 0]] == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("detector", SIDES)
@pytest.mark.parametrize("view", [View(0), View(90), View(33, -14)], ids=str)
def test_a_ball_shows_where_its_middle_projects(view: View, detector: DetectorSide) -> None:
    ball = np.array([14.0, -21.0, 9.0])
    volume = drawn(lambda at: np.linalg.norm(at - ball, axis=-1) < 4, value=2000)
    device = Fluoroscope(detector_mm=100, pixels=PIXELS, detector=detector)
    exposure = Exposure(view, np.array([2.0, 1.0, -3.0]), device)
    picture = line_integrals(Attenuation.of(volume), exposure)
    row, column = ndimage.center_of_mass(picture)
    assert np.array([column, row]) + 0.5 == pytest.approx(exposure.to_pixels(ball), abs=0.1)


@pytest.mark.parametrize("detector", SIDES)
def test_a_ball_at_the_patients_left_is_on_the_left_seen_from_behind(detector: DetectorSide) -> None:
    volume = drawn(lambda at: np.linalg.norm(at - np.array([20.0, 0, 0]), axis=-1) < 4, value=1000)
    device = Fluoroscope(detector_mm=100, pixels=PIXELS, detector=detector)
    picture = line_integrals(Attenuation.of(volume), Exposure(View(0), np.zeros(3), device))
    half = PIXELS // 2
    assert picture[:, :half].sum() > 100 * max(picture[:, half:].sum(), 1e-6)


def test_a_wire_lies_on_the_line_between_its_projected_ends() -> None:
    ends = np.array([[-15.0, 20.0, -25.0], [20.0, -15.0, 25.0]])
    way = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])

    def inside(at: np.ndarray) -> np.ndarray:
        offset = at - ends[0]
        along = offset @ way
        away = np.linalg.norm(offset - along[..., None] * way, axis=-1)
        return (away < 1.5) & (along > 0) & (along < np.linalg.norm(ends[1] - ends[0]))

    exposure = Exposure(View(20, 10), np.zeros(3), FINE)
    picture = line_integrals(Attenuation.of(drawn(inside, value=3000)), exposure)
    (x0, y0), (x1, y1) = exposure.to_pixels(ends)
    for row in np.linspace(min(y0, y1) + 8, max(y0, y1) - 8, 9).astype(int):
        line = picture[row]
        seen = float((line * (np.arange(PIXELS) + 0.5)).sum() / line.sum())
        assert seen == pytest.approx(x0 + (x1 - x0) * (row + 0.5 - y0) / (y1 - y0), abs=0.15)


def test_fine_voxels_are_joined_without_moving_or_losing_anything() -> None:
    ball = np.array([4.0, -3.0, 2.5])

    def inside(at: np.ndarray) -> np.ndarray:
        return np.linalg.norm(at - ball, axis=-1) < 6

    exposure = Exposure(View(25, 5), np.zeros(3), FINE)
    fine = line_integrals(Attenuation.of(drawn(inside, (0.35, 0.35, 0.5), 24)), exposure)
    usual = line_integrals(Attenuation.of(drawn(inside, (1.0, 1.0, 1.0), 24)), exposure)
    assert ndimage.center_of_mass(fine) == pytest.approx(ndimage.center_of_mass(usual), abs=0.1)
    assert fine.sum() == pytest.approx(usual.sum(), rel=0.005)


def test_what_scanners_fill_the_corners_with_is_air() -> None:
    volume = drawn(lambda at: np.hypot(at[..., 0], at[..., 1]) < 25)
    padded = volume.array.copy()
    padded[:, :8], padded[:, :, :8] = -3024, -2000
    exposure = Exposure(View(40), np.zeros(3), FINE)
    plain = line_integrals(Attenuation.of(volume), exposure)
    filled = line_integrals(Attenuation.of(Volume(padded, volume.geometry)), exposure)
    assert filled == pytest.approx(plain, abs=1e-5)
    assert (plain >= 0).all()


def test_what_cannot_be_shown_is_refused() -> None:
    volume = drawn(lambda at: np.hypot(at[..., 0], at[..., 1]) < 30)
    attenuation = Attenuation.of(volume)
    with pytest.raises(MeasurementError, match="source would lie within the CT"):
        line_integrals(attenuation, Exposure(View(0), np.zeros(3), Fluoroscope(20, 400)))
    nothing = Volume(np.full_like(volume.array, -1000), volume.geometry)
    with pytest.raises(MeasurementError, match="nothing but air"):
        Attenuation.of(nothing)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        Attenuation.of(volume, cancel=stop)


def test_the_number_of_threads_does_not_change_the_picture() -> None:
    attenuation = Attenuation.of(lumps())
    exposure = Exposure(View(30, 10), lumps().geometry.centre, FINE)
    assert line_integrals(attenuation, exposure, 1) == pytest.approx(
        line_integrals(attenuation, exposure, 3), rel=1e-4, abs=1e-5
    )
