"""Rendered pictures: parallel projection, true scale, left on the left."""

import numpy as np
import pytest
import pyvista as pv

from spinect_core.base.words import Side
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.pictures import Scene, render_view
from spinect_core.surfaces import Surfaces

SIZE = (400, 320)


def sphere(centre: tuple[float, float, float], radius: float) -> pv.PolyData:
    return pv.Sphere(radius=radius, center=centre, theta_resolution=40, phi_resolution=40).compute_normals()


@pytest.fixture(scope="module")
def surfaces() -> Surfaces:
    """Bone: a large ball at the patient's left. Nerve: a small one at the right, in front and above."""
    bone, nerve = sphere((40, 0, 0), 20), sphere((-40, -30, 25), 10)
    return Surfaces(bone, nerve, bone, nerve)


@pytest.fixture(scope="module")
def scene(surfaces: Surfaces):
    with Scene(surfaces, SIZE) as opened:
        yield opened


def nerve_mask(picture: np.ndarray) -> np.ndarray:
    red, _, blue = np.moveaxis(picture.astype(int), 2, 0)
    return red - 1.6 * blue > 8  # yellow, in the shade too


def solid_mask(picture: np.ndarray) -> np.ndarray:
    return picture.astype(int).max(axis=2) > 70


@pytest.mark.parametrize("name", list(PRESETS))
def test_each_ball_is_where_the_projection_says(scene: Scene, name: str) -> None:
    view = PRESETS[name]
    frame = scene.frame(view)
    picture = scene.picture(frame)
    assert picture.shape == (320, 400, 3)
    expected = frame.to_pixels([-40, -30, 25])
    nerve = np.argwhere(nerve_mask(picture))
    if name != "left lateral":  # there the nerve is behind the bone in part
        np.testing.assert_allclose(nerve.mean(axis=0)[::-1], expected, atol=1.5)
        radius = np.sqrt(len(nerve) / np.pi) * frame.mm_per_pixel
        assert radius == pytest.approx(10, rel=0.08)


def test_size_does_not_depend_on_depth(surfaces: Surfaces) -> None:
    near, far = sphere((40, 60, 0), 15), sphere((-40, -60, 0), 15)
    with Scene(Surfaces(near, far, near, far), SIZE) as scene:
        picture = scene.picture(scene.frame(View(0)))
        solid = solid_mask(picture)
        assert solid[:, :200].sum() == pytest.approx(solid[:, 200:].sum(), rel=0.03)


def test_a_triangles_own_view_comes_close(scene: Scene) -> None:
    view = View(30, -10)
    measured = Triangle.from_clicks(view, [[0, 0], [12, 0], [0, 9]], 0, kind="safe", side="left")
    close, usual = scene.frame(view, [measured]), scene.frame(View(0), [measured])
    assert close.height_mm == pytest.approx(100)
    assert close.height_mm < usual.height_mm
    assert np.linalg.norm(view.project(close.centre) - [6, 4.5]) < 1e-6


def test_one_call_gives_an_annotated_picture(surfaces: Surfaces) -> None:
    picture = render_view(surfaces, View(0), size=SIZE, centre=(0, 0, 0), height_mm=160)
    assert picture.shape == (320, 400, 3)
    # 0.5 mm a pixel: the bone's centre, 40 mm left, is 80 pixels left of the middle.
    assert solid_mask(picture)[160, 120]
    assert not solid_mask(picture)[160, 200]


def test_gaps_are_dashed_where_they_are_and_hidden_by_what_lies_before_them(surfaces: Surfaces) -> None:
    def at(x: float, y: float) -> GapLine:
        points = np.stack([np.full(21, x), np.full(21, y), np.linspace(-10.0, 10.0, 21)], axis=1)
        return GapLine(points, "L5 right", 20.0, Side.RIGHT)

    def violet(picture: np.ndarray) -> np.ndarray:
        red, green, blue = np.moveaxis(picture.astype(int), 2, 0)
        return (blue > green + 40) & (red > green + 10)

    with Scene(surfaces, SIZE, [at(-40.0, 0.0)]) as scene:
        frame = scene.frame(View(0))
        drawn = violet(scene.picture(frame))
        rows, columns = np.nonzero(drawn)
        middle = frame.to_pixels([-40.0, 0.0, 0.0])
        assert columns.mean() == pytest.approx(middle[0], abs=1.0)
        assert rows.mean() == pytest.approx(middle[1], abs=1.5)
        assert np.ptp(rows) * frame.mm_per_pixel == pytest.approx(20.0, abs=2.0)
        assert len(np.unique(rows)) < 0.8 * np.ptp(rows), "there are spaces between the dashes"
        named = scene.annotated(View(0))
    with Scene(surfaces, SIZE) as bare:
        assert not violet(bare.picture(frame)).any()
        without = bare.annotated(View(0))
    top = slice(0, 90), slice(0, 200)
    assert violet(named[top]).any(), "a line under the heading says what is dashed"
    assert not violet(without[top]).any()
    # the bone of the left lies between the viewer from behind and a gap in front of it
    with Scene(surfaces, SIZE, [at(40.0, -30.0)]) as scene:
        assert not violet(scene.picture(frame)).any()


def test_nothing_to_show_is_a_picture_too() -> None:
    empty = pv.PolyData()
    picture = render_view(Surfaces(empty, empty, empty, empty), View(0), size=SIZE)
    assert picture.shape == (320, 400, 3)
