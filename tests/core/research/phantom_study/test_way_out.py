from __future__ import annotations

import numpy as np
import pytest

from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.way_out import way_out


def passage(step: float, width: float) -> tuple[np.ndarray, dict[str, np.ndarray], Geometry]:
    """Two blocks with a disc between them; behind it a canal, from which a slit leads out on either side."""
    extent = (-48.0, 48.0), (-40.0, 32.0), (-36.0, 44.0)
    x, y, z = (np.arange(low + 0.3, high, step) for low, high in extent)
    zz, yy, xx = np.meshgrid(z, y, x, indexing="ij")
    body = (np.abs(xx) < 24.0) & (yy > -34.0) & (yy < 0.0)
    disc = body & (np.abs(zz) < 4.0)
    canal = (np.abs(xx) < 12.0) & (yy >= 0.0) & (yy < 14.0)
    slit = (yy >= 0.0) & (np.abs(yy - 5.0) < width / 2) & (np.abs(zz - 8.0) < 9.0)
    bone = ~disc & ~canal & ~slit & (np.abs(xx) < 34.0) & (yy < 28.0) & (yy > -34.0)
    masks = {"disc L5/S1": disc, "L5": bone & (zz > 0.0), "sacrum": bone & (zz <= 0.0)}
    return bone, masks, Geometry(bone.shape, (step,) * 3, (float(x[0]), float(y[0]), float(z[0])))


@pytest.mark.parametrize("step", [1.0, 2.0, 3.0])
def test_a_ball_passes_what_is_wider_than_it_however_coarse_the_voxels(step) -> None:
    bone, masks, geometry = passage(step, 7.0)
    assert way_out(bone, masks.__getitem__, geometry) == []


@pytest.mark.parametrize("step", [1.0, 2.0])
def test_a_ball_does_not_pass_what_is_narrower_than_it(step) -> None:
    bone, masks, geometry = passage(step, 2.0)
    assert way_out(bone, masks.__getitem__, geometry) == ["left", "right"]
    bone, masks, geometry = passage(step, 6.0)
    assert way_out(bone, masks.__getitem__, geometry, 4.0) == ["left", "right"]
