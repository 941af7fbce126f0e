"""Surfaces where a probability passes a level."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.image.volume import Geometry
from spinect_core.surfaces.build import signed_volume
from spinect_core.surfaces.levels import level_surface

TURNED = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
GRID = Geometry((40, 44, 48), (1.0, 0.8, 1.2), (10.0, -20.0, 30.0), TURNED)


def ball(middle: tuple[float, float, float], radius: float) -> np.ndarray:
    """How far each voxel lies inside a ball, in mm over 10, and 0.5 on its surface."""
    places = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1).reshape(-1, 3))
    away = np.linalg.norm(places - GRID.to_patient(middle), axis=1).reshape(GRID.shape)
    return np.clip(0.5 + (radius - away) / 10, 0, 1).astype(np.float32)


@pytest.mark.parametrize(("level", "radius"), [(0.3, 10.0), (0.5, 8.0), (0.7, 6.0)])
def test_a_ball_is_larger_at_a_lower_level(level: float, radius: float) -> None:
    mesh = level_surface(ball((20, 22, 24), 8.0), GRID, level)
    away = np.linalg.norm(np.asarray(mesh.points) - GRID.to_patient((20, 22, 24)), axis=1)
    assert away == pytest.approx(radius, abs=0.1)
    assert signed_volume(mesh) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.03), "closed, faces outwards"


def test_a_surface_is_closed_where_the_grid_ends() -> None:
    mesh = level_surface(np.ones(GRID.shape, np.float32), GRID, 0.5)
    assert mesh.is_manifold
    assert signed_volume(mesh) == pytest.approx(40 * 44 * 48 * 0.96, rel=0.1)


def test_pieces_without_a_seen_voxel_are_left_out() -> None:
    field = np.maximum(ball((12, 12, 12), 3.0), ball((28, 30, 34), 3.0))
    seen = np.zeros(GRID.shape, bool)
    seen[12, 12, 12] = True
    one, both = (level_surface(field, GRID, 0.4, each) for each in (seen, None))
    assert signed_volume(both) == pytest.approx(2 * signed_volume(one), rel=0.05)
    assert np.linalg.norm(np.asarray(one.points) - GRID.to_patient((12, 12, 12)), axis=1).max() < 5
    assert level_surface(field, GRID, 0.4, np.zeros(GRID.shape, bool)).n_cells == 0


def test_nothing_above_the_level_is_nothing() -> None:
    assert level_surface(np.zeros(GRID.shape, np.float32), GRID, 0.5).n_cells == 0
