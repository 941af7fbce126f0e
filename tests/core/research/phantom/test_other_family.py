"""Cases by another rule: they are possible specimens, and what measures them counts right. Drawn on a toy skeleton."""

from dataclasses import replace

import numpy as np
import pytest
import pyvista
from scipy.ndimage import binary_erosion

from benchmarks.other_family.draw import Case, draw, faults
from benchmarks.other_family.fields import Grid, solid, tube
from benchmarks.other_family.measure import about_l5, measures
from benchmarks.other_family.scanner import Scan, scanned
from benchmarks.other_family.skeleton import Skeleton, draw_bend, marks
from benchmarks.other_family.tissue import NUMBERS
from spinect_core.image.volume import Labels

pytestmark = pytest.mark.heavy

GRID = Grid((-64.0, -112.0, 866.0), (112, 120, 128))
WHOLE = (slice(0, 112), slice(0, 120), slice(0, 128))


def toy() -> Skeleton:
    """Bodies, pedicles and laminae of tubes about the canal of the true skeleton; sacrum and hips are blocks."""
    places = GRID.places(WHOLE)
    x, y, z = (places[:, axis].reshape(GRID.shape) for axis in range(3))
    found = marks()
    canal = found["canal"]
    distances = {}
    for name, level in (("L3", 1003.0), ("L4", 976.0), ("L5", 946.0)):
        middle = np.interp(level, canal[::-1, 2], canal[::-1, 1])
        parts = [((0, middle - 28, level - 12), (0, middle - 28, level + 8), 15.0)]
        for side in ("left", "right"):
            px, py, low = found[f"pedicle {name} {side}"][0]
            parts.append(((px * 0.7, middle - 24, low + 5), (px, py + 6, low + 5), 5.0))
            parts.append(((px, py + 6, low + 5), (0, middle + 16, level - 6), 3.5))
        field = np.full(GRID.shape, 60, np.float32)
        for first, last, radius in parts:
            box, distance = tube(GRID, np.linspace(first, last, 60), np.full(60, radius))
            field[box] = np.minimum(field[box], distance)
        distances[name] = field
    end_plate, front = (z - 916) + 0.6 * (y + 68), -(z - 893) - 0.6 * (y + 62)
    distances["sacrum"] = np.maximum.reduce([end_plate, front, np.abs(x) - 44, y + 20]).astype(np.float32)
    for sign, side in ((1, "left"), (-1, "right")):
        hip = np.maximum.reduce([48 - sign * x, sign * x - 60, np.abs(y + 60) - 30, z - 935])
        distances[f"hip {side}"] = hip.astype(np.float32)
    return Skeleton(GRID, distances, found)


@pytest.fixture(scope="module")
def case() -> Case:
    return draw(toy(), 1)


@pytest.mark.slow
def test_a_case_has_no_fault(case: Case) -> None:
    assert faults(case) == []


def test_no_root_of_the_foramina_takes_bone(case: Case) -> None:
    taken = case.truth["bone taken by nerves ml"]
    assert max(taken[f"{name} {side}"] for name in ("L4", "L5") for side in ("left", "right")) < 0.05


def test_labels_are_those_of_the_structures(case: Case) -> None:
    nerves = [
        number for name, number in NUMBERS.items() if name in case.truth["nerves"] or name == "thecal sac"
    ]
    assert np.array_equal(case.labels.array == 2, np.isin(case.structures, nerves))
    assert np.array_equal(case.labels.array == 1, np.isin(case.structures, range(1, 7)))


def test_tissues_have_their_hounsfield_units(case: Case) -> None:
    def inside(*numbers: int) -> float:
        return float(np.median(case.volume.array[binary_erosion(np.isin(case.structures, numbers))]))

    assert 0 < inside(NUMBERS["thecal sac"]) < 45
    fat = case.volume.array[(case.structures == 0) & (case.volume.array > -400)]
    assert -130 < np.median(fat) < -65
    assert 0 < inside(NUMBERS["muscle"]) < 75  # shot through with fat
    assert 60 < inside(NUMBERS["L4"]) < 700
    assert 10 < inside(NUMBERS["L5 left"], NUMBERS["L5 right"]) < 70


@pytest.mark.slow
def test_a_number_gives_the_same_case_and_another_one_another(case: Case) -> None:
    again, other = draw(toy(), 1), draw(toy(), 3)
    assert np.array_equal(again.volume.array, case.volume.array)
    assert not np.array_equal(other.labels.array, case.labels.array)


def test_what_is_bent_comes_back() -> None:
    bend = draw_bend(np.random.default_rng(4), 8.0, np.array([0.0, -60.0, 930.0]))
    points = np.random.default_rng(5).uniform([-60, -110, 870], [60, 0, 990], (50, 3))
    assert np.abs(bend.back(bend.forth(points)) - points).max() < 0.02
    assert np.linalg.norm(bend.forth(points) - points, axis=1).max() > 2


def test_an_open_surface_is_filled() -> None:
    ball = pyvista.Sphere(
        radius=20, center=(0, -60, 920), theta_resolution=40, phi_resolution=40
    ).triangulate()
    faces = ball.faces.reshape(-1, 4)[:, 1:].astype(np.int64)
    filled = solid(np.asarray(ball.points, dtype=np.float64), faces[8:], GRID)
    assert filled.sum() == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.03)


def test_the_scanner_averages_slices_and_gives_back_what_it_fused() -> None:
    hu = np.zeros((30, 30, 30), np.float32)
    hu[12:18, 10:20, 10:20] = 300
    bone = np.zeros_like(hu)
    plain = Scan(0.8, 0.0, 1, fused=False, offset_hu=0.0)
    thick = scanned(hu, bone, replace(plain, slice_mm=3), np.random.default_rng(1))
    fused = scanned(hu, bone, replace(plain, fused=True), np.random.default_rng(1))
    assert thick.shape == (10, 30, 30)
    assert thick[4:6, 15, 15] == pytest.approx(300, abs=30)
    assert fused.shape == hu.shape
    assert np.abs(fused - scanned(hu, bone, plain, np.random.default_rng(1))).mean() < 12


def test_measures_tell_the_parts_of_a_root_and_false_nerve(case: Case) -> None:
    found = case.labels.array.copy()
    perfect = measures(Labels(found, case.labels.geometry), case.labels, case.structures, case.truth)
    assert perfect["nerve"] == perfect["bone"] == perfect["L5 left foramen"] == 1.0
    assert perfect["false ml"] == 0.0
    geometry = case.labels.geometry
    away = np.linalg.norm(
        geometry.to_patient(np.argwhere(np.ones(found.shape, bool)))
        - case.truth["nerves"]["L5 left"]["ganglion"],
        axis=1,
    ).reshape(found.shape)
    found[(case.structures == NUMBERS["L5 left"]) & (away < 7)] = 0
    found[:10, :10, :10] = 2
    spoilt = measures(Labels(found, geometry), case.labels, case.structures, case.truth)
    assert spoilt["L5 left foramen"] < 0.1
    assert spoilt["L5 right foramen"] == 1.0
    assert spoilt["L5 left beyond"] > 0.9
    assert spoilt["false ml"] == pytest.approx(1.0, abs=0.01)


def test_the_part_about_l5_holds_its_ganglia(case: Case) -> None:
    region = about_l5(case.truth)
    for side in ("left", "right"):
        point = np.array(case.truth["nerves"][f"L5 {side}"]["ganglion"])
        assert np.all((point > region.minimum) & (point < region.maximum))
