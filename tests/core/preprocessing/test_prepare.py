"""What the network is shown: standardised, air known."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.image.volume import Geometry, Volume
from spinect_core.preprocessing import Region, prepare
from spinect_core.preprocessing.standardise import standardise


def test_the_crop_alone_is_standardised() -> None:
    hounsfield = np.random.default_rng(0).normal(60, 20, (40, 40, 40)).astype(np.float32)
    hounsfield[:, :, 20:] = 3000  # metal beside the region must not decide its intensities
    volume = Volume(hounsfield, Geometry((40, 40, 40), (1.0, 1.0, 1.0)))
    prepared = prepare(volume, Region((-0.5, -0.5, -0.5), (19.5, 39.5, 39.5)))
    assert prepared.array.dtype == np.float32
    assert abs(prepared.array.mean()) < 1e-4
    assert abs(prepared.array.std() - 1) < 1e-4
    assert np.array_equal(prepared.array, standardise(hounsfield[:, :, :20]))


def test_air_is_not_occupied() -> None:
    hounsfield = np.full((10, 10, 10), -1000, np.int16)
    hounsfield[2:5, 3:6, 4:7] = 40
    hounsfield[8] = -200
    volume = Volume(hounsfield, Geometry((10, 10, 10), (1.0, 1.0, 1.0)))
    prepared = prepare(volume, Region.around((4.5, 4.5, 4.5), (10, 10, 10)))
    assert np.array_equal(prepared.occupied, hounsfield == 40)


def test_without_a_region_the_lumbosacral_one_is_taken() -> None:
    volume = Volume(np.zeros((200, 200, 200), np.int16), Geometry((200, 200, 200), (1.0, 1.0, 1.0)))
    prepared = prepare(volume)
    assert not prepared.region.found
    assert prepared.array.shape == (152, 144, 184)


def test_hounsfield_units_are_cut_at_minus_200_and_1200() -> None:
    hounsfield = np.array([[[-1000.0, -200.0, -199.0, 0.0, 1000.0, 1199.0, 1200.0, 3071.0]]])
    cut = np.array([-200.0, -200.0, -199.0, 0.0, 1000.0, 1199.0, 1200.0, 1200.0])
    assert standardise(hounsfield)[0, 0] == pytest.approx((cut - cut.mean()) / cut.std(), abs=1e-5)
