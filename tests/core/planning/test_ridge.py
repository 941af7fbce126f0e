"""The ridge of made-up maps."""

import numpy as np

from spinect_core.planning.search.angle_map import AngleMap, Looks
from spinect_core.planning.search.ridge import find_ridge
from spinect_core.planning.search.weights import Limits


def chart(area: np.ndarray, obliques: np.ndarray, tilts: np.ndarray) -> AngleMap:
    turn, lean = np.meshgrid(obliques, tilts, indexing="ij")
    none = np.full(area.size, np.nan)
    looks = Looks(
        turn.ravel(), lean.ravel(), area.ravel(), none, np.full((area.size, 3), np.nan),
        none, none, none, none, none, none,
        np.where(area.ravel() > 0, 0, 2).astype(np.uint8),
    )  # fmt: skip
    return AngleMap("left", obliques, tilts, looks, Limits())


OBLIQUES, TILTS = np.arange(0, 61, 2.0), np.arange(-40, 41, 2.0)
TURN, LEAN = np.meshgrid(OBLIQUES, TILTS, indexing="ij")


def test_a_long_hill_has_its_crest_along_it():
    across = (LEAN - 0.5 * (TURN - 30)) / np.hypot(1, 0.5)
    along = (TURN - 30 + 0.5 * LEAN) / np.hypot(1, 0.5)
    area = 20 * np.exp(-((across / 6) ** 2) - (along / 40) ** 2)
    ridge = find_ridge(chart(area, OBLIQUES, TILTS), (30.0, 0.0), 20.0)
    assert (area[ridge.mask] >= 16).all()
    assert ridge.mask.sum() == (area >= 16).sum()
    assert np.abs(ridge.crest[:, 1] - 0.5 * (ridge.crest[:, 0] - 30)).max() <= 2.0
    assert (np.diff(ridge.crest[:, 0]) == 2.0).all()


def test_another_hill_does_not_belong_to_it():
    area = 20 * np.exp(-((TURN - 10) ** 2 + LEAN**2) / 60) + 19 * np.exp(-((TURN - 50) ** 2 + LEAN**2) / 60)
    ridge = find_ridge(chart(area, OBLIQUES, TILTS), (10.0, 0.0), 20.0)
    assert TURN[ridge.mask].max() < 30
    assert ridge.mask.any()


def test_forbidden_views_do_not_belong_to_it():
    area = np.where(TURN < 30, 20.0, 0.0)
    ridge = find_ridge(chart(area, OBLIQUES, TILTS), (28.0, 0.0), 20.0)
    assert TURN[ridge.mask].max() == 28


def test_a_peak_between_two_views_is_its_own_ridge():
    area = np.where((TURN == 30) & (LEAN == 0), 5.0, 1.0)
    ridge = find_ridge(chart(area, OBLIQUES, TILTS), (31.0, 0.75), 20.0)
    assert not ridge.mask.any()
    assert ridge.crest.tolist() == [[31.0, 0.75]]
