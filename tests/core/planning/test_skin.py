"""The skin in CTs whose body is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.geometry.view import View
from spinect_core.image.volume import Geometry, Volume
from spinect_core.planning.needle.skin import Skin
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.structures import STRUCTURES

RADIUS = 90.0
VIEWS = np.array([View(a, e).vector for a in range(-180, 180, 15) for e in (-20, 0, 20)])


def trunk(
    spacing: tuple[float, float, float] = (1.0, 1.0, 2.0),
    half: tuple[float, float, float] = (110.0, 110.0, 50.0),
    *,
    table: bool = False,
    gas: bool = False,
    noise: float = 15.0,
) -> Volume:
    """A round trunk about the long axis: skin of 2 mm, fat, muscle; a table, a blanket and gas if asked."""
    x, y, z = (
        np.arange(-reach + step / 2, reach, step, dtype=np.float32)
        for reach, step in zip(half, spacing, strict=True)
    )
    grid = Geometry((len(z), len(y), len(x)), spacing, (float(x[0]), float(y[0]), float(z[0])))
    inside = RADIUS - np.hypot(x[None, :], y[:, None])
    hu = np.select([inside < 0, inside < 2, inside < 25], [-1000.0, 40.0, -100.0], 55.0)
    # Partial volume at the surface, as a scanner has it.
    edge = np.clip(inside + 0.5, 0, 1)
    hu = np.where(np.abs(inside) < 0.5, -1000.0 + edge * 1040.0, hu)
    if gas:
        hu[np.hypot(x[None, :] - 20, y[:, None] + 40) < 15] = -980.0
    if table:
        # A shell of 4 mm that touches the back, and a blanket of 3 mm that lies on the front.
        hu[(y[:, None] > RADIUS - 0.5) & (y[:, None] < RADIUS + 3.5) & (np.abs(x[None, :]) < 100)] = -150.0
        hu[(inside < 0) & (inside > -3) & (y[:, None] < -40)] = -350.0
    volume = np.repeat(hu[None], len(z), axis=0)
    volume = volume + np.random.default_rng(1).normal(0, noise, volume.shape)
    return Volume(volume.astype(np.int16), grid)


def truth(views: FloatArray, point: FloatArray) -> FloatArray:
    """From a point in the round trunk to its surface."""
    across = np.hypot(views[:, 0], views[:, 1])
    way, start = views[:, :2] / across[:, None], point[:2]
    middle = way @ start
    return (-middle + np.sqrt(middle**2 - start @ start + RADIUS**2)) / across


@pytest.fixture(scope="module")
def skin() -> Skin:
    return Skin.of(trunk(gas=True))


def test_the_way_out_of_a_round_trunk(skin: Skin) -> None:
    point = np.array([15.0, 20.0, 3.0])
    found = skin.depth(point, 3.0 * VIEWS)
    np.testing.assert_allclose(found, truth(VIEWS, point), atol=0.5)


def test_gas_in_the_bowel_is_inside(skin: Skin) -> None:
    # From within the gas, and through it.
    point = np.array([20.0, -40.0, 0.0])
    assert skin.depth(point, (0.0, -1.0, 0.0))[0] == pytest.approx(np.sqrt(RADIUS**2 - 400) - 40, abs=0.5)
    assert skin.depth((20.0, 0.0, 0.0), (0.0, -1.0, 0.0))[0] == pytest.approx(
        np.sqrt(RADIUS**2 - 400), abs=0.5
    )


def test_where_the_ct_ends_before_the_body_there_is_no_skin(skin: Skin) -> None:
    # Steeply to the head the ray leaves the CT, 50 mm high, inside the body.
    assert np.isnan(skin.depth((0.0, 0.0, 0.0), View(0.0, 40.0).vector)[0])
    cropped = Skin.of(trunk(half=(60.0, 110.0, 50.0)))
    found = cropped.depth(
        (0.0, 0.0, 0.0), [View(0.0).vector, View(90.0).vector, View(-90.0).vector, View(180).vector]
    )
    np.testing.assert_allclose(found, [RADIUS, np.nan, np.nan, RADIUS], atol=0.5)
    assert cropped.entry((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)) is None
    entry = cropped.entry((5.0, 0.0, 0.0), (0.0, 2.0, 0.0))
    assert entry is not None
    np.testing.assert_allclose(entry, [5.0, np.sqrt(RADIUS**2 - 25), 0.0], atol=0.5)


def test_a_ct_of_nothing_but_body_shows_no_skin() -> None:
    inner = Skin.of(trunk(half=(50.0, 50.0, 50.0)))
    assert inner.mesh.n_cells == 0
    assert np.isnan(inner.depth((0.0, 0.0, 0.0), VIEWS)).all()


def test_points_outside_the_body_have_no_depth(skin: Skin) -> None:
    assert np.isnan(skin.depth((0.0, 100.0, 0.0), (0.0, -1.0, 0.0))[0])
    assert np.isnan(skin.depth((0.0, 100.0, 0.0), (0.0, 1.0, 0.0))[0])


def test_table_and_blanket_are_not_skin() -> None:
    found = Skin.of(trunk(table=True)).depth((0.0, 0.0, 0.0), VIEWS)
    too_far = found - truth(VIEWS, np.zeros(3))
    # Where something as dense as the body touches it the border is known to little more than a voxel of the copy.
    assert np.abs(too_far).max() < 2.7
    beside = np.abs(VIEWS[:, 0]) > 0.35 * np.hypot(VIEWS[:, 0], VIEWS[:, 1])
    from_behind = VIEWS[:, 1] > 0
    assert np.abs(too_far[beside & from_behind]).max() < 0.5


def test_the_circle_a_scanner_computes_is_no_skin() -> None:
    whole = trunk(half=(80.0, 80.0, 50.0))
    array = whole.array.copy()
    y, x = array.shape[1:]
    rows, columns = np.indices((y, x))
    outside = np.hypot(rows - (y - 1) / 2, columns - (x - 1) / 2) > x / 2
    for filling in (-1024, -3024):
        array[:, outside] = filling
        # The corners of the CT lie beyond the circle of 80 mm, and the body of 90 mm reaches over it on all sides.
        cut = Skin.of(Volume(array, whole.geometry))
        assert np.isnan(cut.depth((0.0, 0.0, 0.0), VIEWS)).all()


def test_any_order_of_the_axes_gives_the_same_skin(skin: Skin) -> None:
    volume = trunk(gas=True)
    g = volume.geometry
    array = volume.array.transpose(1, 2, 0)[:, ::-1]
    # New array axes (x, y, z) run along old z, old x backwards, old y.
    direction = np.array([[0, -1, 0], [0, 0, 1], [1, 0, 0]], dtype=float)
    shape = (array.shape[0], array.shape[1], array.shape[2])
    spacing = (g.spacing[2], g.spacing[0], g.spacing[1])
    first = g.to_patient((0, 0, g.shape[2] - 1))
    turned = Skin.of(Volume(array, Geometry(shape, spacing, (first[0], first[1], first[2]), direction)))
    point = np.array([15.0, 20.0, 3.0])
    np.testing.assert_allclose(turned.depth(point, VIEWS), skin.depth(point, VIEWS), atol=0.5)


def test_the_skin_of_a_phantom() -> None:
    case = draw_case(7, (1.0, 1.0, 1.0), box=((-25.0, 25.0), (30.0, 140.0), (-20.0, 20.0)), pathologies=())
    views = np.array([View(a, e).vector for a in (-6, 0, 6) for e in (-6, 0, 6)])
    point = np.array([0.0, 45.0, 0.0])
    along = np.arange(0, 120, 0.05)
    index = np.rint(case.labels.geometry.to_index(point + along[:, None] * views[:, None])).astype(int)
    index = index.clip(0, np.asarray(case.labels.array.shape) - 1)
    numbers = np.asarray(case.structures)[tuple(np.moveaxis(index, -1, 0))]
    outermost = along[[np.flatnonzero(row == STRUCTURES["skin"])[-1] for row in numbers]]
    found = Skin.of(case.volume).depth(point, views)
    # The truth is known to a voxel.
    np.testing.assert_allclose(found, outermost, atol=1.0)


def test_the_skin_that_is_drawn_has_few_triangles_and_lies_on_the_skin(skin: Skin) -> None:
    shown = skin.shown()
    assert 100 < shown.n_cells < skin.mesh.n_cells / 3
    away = cKDTree(np.asarray(skin.mesh.points)).query(np.asarray(shown.points))[0]
    assert np.median(away) < 1.5
    assert away.max() < 5.0
    # outward: what one looks at from outside is the front of its triangles
    outward = np.asarray(shown.points) - np.asarray(skin.mesh.points).mean(axis=0)
    outward[:, 2] = 0.0
    normals = np.asarray(shown.point_data["Normals"])
    assert (np.einsum("ij,ij->i", outward, normals) > 0).mean() > 0.95


def test_what_shows_no_body_is_refused() -> None:
    empty = Volume(np.full((20, 40, 40), -1000, dtype=np.int16), Geometry((20, 40, 40), (2.0, 2.0, 2.0)))
    with pytest.raises(MeasurementError, match="no body"):
        Skin.of(empty)


def test_progress_and_cancel() -> None:
    told: list[float] = []
    Skin.of(trunk(spacing=(2.0, 2.0, 4.0)), progress=lambda part, _text: told.append(part))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)

    class Stop:
        def is_set(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        Skin.of(trunk(spacing=(2.0, 2.0, 4.0)), cancel=Stop())
