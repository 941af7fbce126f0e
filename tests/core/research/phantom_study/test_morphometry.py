from __future__ import annotations

import numpy as np
import pytest

from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.morphometry import DEFINITIONS, measure
from spinect_core.research.phantom_study.solids import Solid, oriented
from spinect_core.research.phantom_study.tubes import coronal_angle, measure_tube, sac_section

NAMES = {"L4": 2, "L5": 3, "sacrum": 4, "disc L4/5": 12, "disc L5/S1": 13}
TURNS = [((14, -7, 11), (0.3, -0.4, 0.2)), ((30, 5, -9), (0.1, 0.6, 0.3)), ((-20, 9, 15), (0.4, 0.1, 0.7))]


def turn(degrees: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, then y, then z; columns are where left, back and head end up."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[b, a] = np.sin(angle)
        one[a, b] = -one[b, a]
        matrix = one @ matrix
    return matrix


def grid(half: int) -> Geometry:
    return Geometry((2 * half + 1,) * 3, (1.0, 1.0, 1.0), (-float(half),) * 3)


def coordinates(geometry: Geometry, axes: np.ndarray, shift: tuple[float, float, float]) -> list[np.ndarray]:
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    return list(np.moveaxis((geometry.to_patient(index) - shift) @ axes, -1, 0))


@pytest.mark.parametrize(("degrees", "shift"), TURNS)
def test_a_vertebra_of_blocks_comes_out_in_its_size(degrees, shift) -> None:
    """Wedge 30 and 26 mm high, 35 long, 50 wide; pedicles 14 x 12; canal an ellipse 16 x 26; disc 9 high."""
    geometry = grid(60)
    x, y, z = coordinates(geometry, turn(degrees), shift)
    y = y + 15.0
    out = np.zeros(geometry.shape, np.uint8)
    half = 14.0 - 2.0 * y / 35.0
    body = (np.abs(x) < 25) & (np.abs(y) < 17.5)
    out[body & (z > half) & (z < half + 8)] = NAMES["disc L4/5"]
    out[body & (z < -half) & (z > -half - 9)] = NAMES["disc L5/S1"]
    out[body & (np.abs(z) < half)] = NAMES["L5"]
    below = -half - 9 - z
    out[(np.abs(x) < 25) & (np.abs(y) < 16) & (below > 0) & (below < 30)] = NAMES["sacrum"]
    hole = (x / 13) ** 2 + ((y - 25.5) / 8) ** 2 < 1
    pedicles = ((np.abs(x) - 20) / 7) ** 2 + ((z - 6) / 6) ** 2 < 1
    out[pedicles & (y > 10) & (y < 40)] = NAMES["L5"]
    out[(np.abs(x) < 26) & (y > 27) & (y < 45) & (np.abs(z - 6) < 9) & ~hole] = NAMES["L5"]

    values, _faults = measure(out, geometry, NAMES)
    expected = {
        "L5 body height anterior": 30.0,
        "L5 body height posterior": 26.0,
        "L5 body length superior": 35.0,
        "L5 body length inferior": 35.0,
        "L5 body width": 50.0,
        "S1 body depth": 32.0,
        "L5 pedicle height left": 12.0,
        "L5 pedicle height right": 12.0,
        "L5 pedicle width left": 14.0,
        "L5 pedicle width right": 14.0,
        "L5 canal AP": 16.0,
        "L5 canal width": 26.0,
        "disc L5/S1 height middle": 9.0,
    }
    assert {
        name: round(values[name] - size, 2)
        for name, size in expected.items()
        if abs(values[name] - size) > 0.5
    } == {}
    # The sacrum's plate is tilted by the block and by half the wedge of the end plate above.
    back = turn(degrees) @ np.array([0.0, 1.0, 2.0 / 35.0])
    assert values["sacral slope"] == pytest.approx(np.degrees(np.arctan2(back[2], back[1])), abs=2.0)


@pytest.mark.parametrize(("degrees", "shift"), TURNS)
@pytest.mark.parametrize("radius", [2.2, 3.1])
def test_a_tube_has_its_diameter_and_its_angle(degrees, shift, radius) -> None:
    geometry = grid(30)
    axes = turn(degrees)
    x, y, z = coordinates(geometry, axes, shift)
    tube = (np.hypot(x, y) < radius) & (np.abs(z) < 24)
    start = (axes @ np.array([0.0, 0.0, 26.0]) + shift)[None]
    measured = measure_tube(tube, geometry, start)
    assert measured.diameter_at(24.0) == pytest.approx(2 * radius, abs=0.3)
    run = measured.at(36.0) - measured.at(10.0)
    true = coronal_angle(-axes[:, 2], np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]))
    assert coronal_angle(run, np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])) == pytest.approx(
        true, abs=2.0
    )


@pytest.mark.parametrize(("degrees", "shift"), TURNS)
def test_an_elliptic_sac_has_its_diameters_and_its_area(degrees, shift) -> None:
    geometry = grid(25)
    axes = turn(degrees)
    x, y, z = coordinates(geometry, axes, shift)
    sac = ((x / 7.5) ** 2 + (y / 6.0) ** 2 < 1) & (np.abs(z) < 20)
    found = sac_section(Solid.of(sac, geometry), oriented(np.array(shift), axes[:, 2], axes[:, 1]))
    assert found["ap"] == pytest.approx(12.0, abs=0.5)
    assert found["width"] == pytest.approx(15.0, abs=0.5)
    assert found["area"] == pytest.approx(np.pi * 7.5 * 6.0, rel=0.03)


def test_a_line_finds_the_surface_between_voxels() -> None:
    geometry = grid(12)
    x, _y, _z = coordinates(geometry, np.eye(3), (0.0, 0.0, 0.0))
    wall = Solid.of(x > 2.5, geometry)
    middle, left = np.array([0.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])
    assert wall.reach(middle, left, 10.0, enter=True) == pytest.approx(2.5, abs=0.1)
    assert wall.reach(middle, left, 10.0, enter=False) == 0.0
    assert np.isnan(wall.reach(middle, -left, 5.0, enter=True))


def test_every_measure_has_its_published_entry() -> None:
    from spinect_core.research.phantom_study.literature import NO_SOURCE, PUBLISHED

    assert set(PUBLISHED) == set(DEFINITIONS)
    for name, published in PUBLISHED.items():
        if published.mean is None:
            assert (published.sd, published.source) == (None, NO_SOURCE), name
        else:
            assert published.source.startswith("http"), name
