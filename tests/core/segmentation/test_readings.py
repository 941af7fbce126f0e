"""Two readings of a region: finer than one, on the right side, and once for every voxel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.preprocessing import Region
from spinect_core.preprocessing.prepare import Prepared
from spinect_core.segmentation import readings as reading_module
from spinect_core.segmentation.choice import MODES
from spinect_core.segmentation.readings import Readings

GEOMETRY = Geometry((36, 70, 62), (0.8, 0.7, 1.25), (-20.0, 10.0, 30.0))
CENTRE = GEOMETRY.centre + np.array([6.0, 2.0, 1.0])
"""Of the ball: to the left of the middle."""


def within(geometry: Geometry, radius: float) -> npt.NDArray[np.float64]:
    """Mm from the surface of the ball, positive inside, [z, y, x]."""
    at = geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1).reshape(-1, 3))
    return radius - np.linalg.norm(at - CENTRE, axis=1).reshape(geometry.shape)


def answer(prepared: Prepared, radius: float = 7.0) -> npt.NDArray[np.float32]:
    """What a good network says of a ball of nerve: sure but for the voxels that its surface crosses."""
    nerve = np.clip(within(prepared.geometry, radius) * 2 + 0.5, 0, 1)
    return np.stack([1 - nerve, np.zeros_like(nerve), nerve], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def volume() -> Volume:
    hounsfield = np.random.default_rng(0).normal(30, 20, GEOMETRY.shape)
    hounsfield[within(GEOMETRY, 7.0) > 0] += 40
    return Volume(hounsfield.astype(np.int16), GEOMETRY)


def test_the_second_reading_is_shown_to_the_network_in_the_mirror(volume: Volume) -> None:
    readings = Readings.of(volume, Region.around(GEOMETRY.centre, (36, 36, 36)), MODES["thorough"])
    assert readings.second is not None
    array, occupied = readings.for_network()
    assert len(readings) == len(array) == len(occupied) == 2
    assert np.array_equal(array[0], readings.first.array)
    assert np.array_equal(array[1][..., ::-1], readings.second.array)
    assert np.array_equal(occupied[1][..., ::-1], readings.second.occupied)


def test_two_readings_are_nearer_to_the_truth_than_one_and_on_the_same_side(volume: Volume) -> None:
    region = Region.around(GEOMETRY.centre, (40, 40, 40))
    truth = within(GEOMETRY, 7.0) > 0
    wrong = {}
    for mode in ("fast", "thorough"):
        readings = Readings.of(volume, region, MODES[mode])
        answers = [answer(readings.first)]
        if readings.second is not None:
            answers.append(answer(readings.second)[:, :, ::-1])
        labels, labels_1mm, probabilities, strays_ml = readings.labels(np.stack(answers))
        assert np.array_equal(probabilities.nerve > 50, labels_1mm.array == 2)
        assert set(np.unique(probabilities.bone)) == {0}
        assert strays_ml == 0
        assert set(np.unique(labels.array)) == {0, 2}
        wrong[mode] = np.count_nonzero((labels.array == 2) != truth)
        middle = labels_1mm.geometry.to_patient(np.argwhere(labels_1mm.array == 2)).mean(axis=0)
        assert np.abs(middle - CENTRE).max() < 0.15, "neither moved nor mirrored"
    assert wrong["thorough"] < 0.8 * wrong["fast"]
    assert wrong["thorough"] < 0.05 * np.count_nonzero(truth)


def test_a_stray_of_the_second_reading_is_on_neither_grid(volume: Volume) -> None:
    readings = Readings.of(volume, Region.around(GEOMETRY.centre, (48, 48, 44)), MODES["thorough"])
    assert readings.second is not None
    first, second = answer(readings.first), answer(readings.second)
    for probabilities in (first, second):
        probabilities[2:5, 2:5, 2:5] = (0, 0, 1)  # far from the ball, to the right of it
    labels, labels_1mm, probabilities, strays_ml = readings.labels(np.stack([first, second[:, :, ::-1]]))
    assert strays_ml > 0.01
    likely = Labels(np.where(probabilities.nerve > 5, 2, 0).astype(np.uint8), labels_1mm.geometry)
    for found in (labels, labels_1mm, likely):
        at = found.geometry.to_patient(np.argwhere(found.array == 2))
        assert np.linalg.norm(at - CENTRE, axis=1).max() < 9


def test_a_reading_counts_as_much_as_it_was_made(volume: Volume) -> None:
    """Where the second reading was not made, the first alone decides; where it counts twice, it outvotes the first."""
    readings = Readings.of(volume, Region.around(GEOMETRY.centre, (40, 40, 40)), MODES["thorough"])
    assert readings.second is not None
    first, larger = answer(readings.first), answer(readings.second, 8.0)
    nothing = np.zeros_like(larger)
    alone = readings.labels(np.stack([first.copy(), nothing]))
    once = Readings(readings.first, None).labels(first[None].copy())
    outvoted = readings.labels(np.stack([first.copy(), 2 * larger[:, :, ::-1]]))
    for grid in (0, 1):
        assert np.array_equal(alone[grid].array, once[grid].array)
        assert np.count_nonzero(outvoted[grid].array) > 1.2 * np.count_nonzero(once[grid].array)


@pytest.mark.parametrize(
    ("found", "focus"),
    [
        (Region.around((4.0, 33.0, 52.0), (20, 20, 20), True, "Found by the sacrum"), (4.0, 33.0, 52.0)),
        (Region.around((4.0, 33.0, 52.0), (20, 20, 20), False, "Nothing was recognised"), None),
        (Region.around((400.0, 33.0, 52.0), (20, 20, 20), True, "Found by the sacrum"), None),
    ],
    ids=["in the region", "not found", "outside the region"],
)
def test_a_given_region_is_read_twice_about_the_level_only_where_that_is_found_in_it(
    volume: Volume, monkeypatch: pytest.MonkeyPatch, found: Region, focus: tuple[float, float, float] | None
) -> None:
    monkeypatch.setattr(reading_module, "find_lumbosacral_region", lambda _: found)
    readings = Readings.of(volume, Region.around(GEOMETRY.centre, (40, 40, 40)), MODES["thorough"])
    if focus is None:
        assert readings.focus is None
    else:
        assert readings.focus is not None
        assert readings.first.geometry.to_patient(readings.focus) == pytest.approx(focus)


def test_a_region_that_was_found_is_read_twice_about_its_middle(volume: Volume) -> None:
    region = Region.around(GEOMETRY.centre, (30, 30, 30), True, "Found by the sacrum")
    readings = Readings.of(volume, region, MODES["thorough"])
    assert readings.focus == pytest.approx((14.5, 14.5, 14.5), abs=0.5)
    assert Readings.of(volume, region, MODES["fast"]).focus is None
