"""Augmentation varies what a scanner and a body vary, and never parts the labels from the picture."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.preprocessing.standardise import standardise
from spinect_core.research.training.augmentation import (
    PLAIN,
    Augmentation,
    _cut,
    _on_a_table,
    _places,
    _resampled,
    _with_full_canal,
    noise,
    reshaded,
    rotation,
    scanned,
    slabs,
    smooth_field,
    training_crop,
)
from spinect_core.research.training.cases import Case


def test_a_plain_crop_is_a_standardised_piece_of_the_case(crude_case):
    image, labels = training_crop(crude_case, PLAIN, np.random.default_rng(4))
    assert image.dtype == np.float32
    assert labels.dtype == np.uint8
    assert image.shape == labels.shape
    assert image.mean() == pytest.approx(0, abs=1e-3)
    assert image.std() == pytest.approx(1, abs=1e-3)
    assert set(np.unique(labels)) == {0, 1, 2}


def test_crops_vary_in_size_and_so_in_their_statistics(crude_case):
    crops = [training_crop(crude_case, PLAIN, np.random.default_rng(seed)) for seed in range(6)]
    assert len({image.shape for image, _ in crops}) > 3
    nerve = [float(image[labels == 2].mean()) for image, labels in crops]
    assert np.ptp(nerve) > 0.02


def test_the_same_seed_gives_the_same_crop(crude_case):
    one, two = (training_crop(crude_case, Augmentation(), np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("seed", range(8))
def test_labels_follow_the_picture_through_everything(crude_case, seed):
    image, labels = training_crop(crude_case, Augmentation(noise=20), np.random.default_rng(seed))
    assert np.isfinite(image).all()
    assert image[labels == 1].mean() > image[labels == 0].mean() + 0.5
    assert image[labels == 2].mean() < image[labels == 1].mean() - 0.5


@pytest.mark.parametrize("angles", [(7.0, 12.0, 17.0), (5.0, 3.0, 9.0)])
def test_the_border_of_a_turned_root_frays_less_than_by_the_nearest_voxel(angles):
    shape = (40, 40, 40)
    middle, index = np.full(3, 19.5), np.moveaxis(np.indices(shape), 0, -1)

    def root(direction):
        off = index - middle
        return np.linalg.norm(off - (off @ direction)[..., None] * direction, axis=-1) < 5.0

    straight = np.where(root(np.array([1.0, 0.0, 0.0])), 2, 0).astype(np.uint8)
    straight[:, 30:] = 1
    matrix = rotation(np.radians(angles))
    offset = middle - matrix @ middle
    true = root(np.linalg.inv(matrix) @ np.array([1.0, 0.0, 0.0]))
    case = Case(np.zeros(shape, np.int16), straight, "a root")
    _, turned = _resampled(case, _places(matrix, offset, np.array(shape)))
    nearest = ndimage.affine_transform(straight, matrix, offset, shape, order=0, mode="nearest")
    inner = (slice(8, -8),) * 3
    frayed, wrong = (((labels == 2) != true)[inner].sum() for labels in (nearest, turned))
    assert wrong < 0.85 * frayed
    assert wrong < 0.08 * true[inner].sum()
    assert set(np.unique(turned)) == {0, 1, 2}


def test_bending_moves_borders_smoothly_and_the_picture_with_them():
    shape = (64, 64, 64)
    off = np.moveaxis(np.indices(shape), 0, -1) - 31.5
    ball = np.linalg.norm(off, axis=-1) < 20
    case = Case(np.where(ball, 500, 0).astype(np.int16), np.where(ball, 1, 0).astype(np.uint8), "a ball")
    bent = replace(PLAIN, smallest=shape, largest=shape, bend=1.0, bend_mm=3.0)
    radii = []
    for seed in range(6):
        hu, labels = _cut(case, bent, np.random.default_rng(seed))
        assert np.array_equal(hu > 250, labels == 1)
        # One piece without a hole: what is bent is never torn.
        assert ndimage.label(labels)[1] == ndimage.label(labels == 0)[1] == 1
        shell = np.linalg.norm(off[(labels == 1) & (ndimage.binary_erosion(labels) == 0)], axis=-1)
        radii.append((shell.min(), shell.max()))
    least, most = np.transpose(radii)
    assert least.min() < 17 < 21.5 < most.max(), "a ball bent is no ball"
    assert least.min() > 8
    assert most.max() < 32


def test_mirroring_swaps_sides_of_picture_and_labels_together(crude_case):
    whole = replace(PLAIN, smallest=crude_case.hu.shape, largest=crude_case.hu.shape)
    straight = training_crop(crude_case, whole, np.random.default_rng(0))
    mirrored = training_crop(crude_case, replace(whole, mirror=1.0), np.random.default_rng(0))
    np.testing.assert_array_equal(mirrored[1], straight[1][:, :, ::-1])
    np.testing.assert_allclose(mirrored[0], straight[0][:, :, ::-1], atol=1e-5)
    assert not np.array_equal(straight[1], mirrored[1])


def test_bone_density_varies_and_nothing_else(crude_case):
    settings = replace(PLAIN, bone=1.0)
    hu = crude_case.hu.astype(np.float32)
    bone = crude_case.labels == 1
    means = []
    for seed in range(12):
        varied, labels = reshaded(hu, crude_case.labels, settings, np.random.default_rng(seed))
        np.testing.assert_array_equal(varied[~bone], hu[~bone])
        assert labels is crude_case.labels
        means.append(float(varied[bone].mean()))
    assert min(means) < 470 < 530 < max(means)


def test_thick_slices_keep_the_mean_and_repeat(crude_case):
    ramp = np.arange(30, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    averaged, centres, back = slabs(ramp, 0, 3.0, 1.0)
    np.testing.assert_allclose(averaged[:, 0, 0], np.arange(10) * 3 + 1, atol=1e-4)
    np.testing.assert_array_equal(centres, np.arange(10) * 3 + 1)
    np.testing.assert_array_equal(back, np.repeat(np.arange(10), 3))
    for phase in (0.0, 0.3, 0.99):
        averaged, centres, back = slabs(ramp, 0, 2.4, phase)
        assert len(back) == 30
        assert len(averaged) == len(centres) > back.max()
        assert np.abs(averaged[back, 0, 0] - ramp[:, 0, 0]).max() <= 1.3


def test_a_thick_sliced_scan_has_the_shape_it_had_and_repeats_along_the_patient(crude_case):
    settings = replace(PLAIN, slabs=1.0, coarse=0.0, noise=60.0)
    hu, labels = scanned(
        crude_case.hu.astype(np.float32), crude_case.labels, settings, np.random.default_rng(2)
    )
    assert hu.shape == labels.shape == crude_case.hu.shape
    repeated = (hu[1:] == hu[:-1]).all(axis=(1, 2))
    assert 0.1 < repeated.mean() < 0.75
    assert (labels[1:][repeated] == labels[:-1][repeated]).all()


@pytest.mark.parametrize("correlated", [False, True])
def test_noise_has_the_deviation_asked_for(correlated):
    field = noise((40, 60, 60), 30.0, correlated, np.random.default_rng(0))
    assert field.std() == pytest.approx(30, rel=0.03)
    neighbours = np.corrcoef(field[:, :, 1:].ravel(), field[:, :, :-1].ravel())[0, 1]
    assert (neighbours > 0.3) == correlated


def test_smooth_fields_are_smooth():
    field = smooth_field((50, 60, 70), np.random.default_rng(0))
    assert field.shape == (50, 60, 70)
    assert 0.3 < field.std() < 1.5
    assert np.abs(np.diff(field, axis=2)).max() < 0.4


def test_standardising_ignores_air_and_metal():
    hu = np.full((8, 8, 8), 40, np.int16)
    hu[:4] = 300
    extremes = hu.copy()
    extremes[0, 0, 0], extremes[7, 7, 7] = 3000, -1000
    calm = hu.copy()
    calm[0, 0, 0], calm[7, 7, 7] = 1200, -200
    np.testing.assert_array_equal(standardise(extremes), standardise(calm))
    assert standardise(hu).dtype == np.float32
    assert not standardise(np.full((3, 3, 3), 7.0)).any()
    assert np.isfinite(standardise(np.array([[[np.nan, 5.0, 90.0]]]))).all()


@pytest.fixture
def canal_with_fat() -> tuple[np.ndarray, np.ndarray]:
    """HU and labels: a sac of 6 mm radius in fat within a bony tube of 9 mm, and a root of 2.5 mm in fat outside."""
    _, y, x = np.indices((24, 64, 64))
    across, beside = np.hypot(y - 31.5, x - 20.0), np.hypot(y - 31.5, x - 48.0)
    labels = np.where((across < 6) | (beside < 2.5), 2, np.where((across > 9) & (across < 13), 1, 0))
    values = np.select([labels == 2, labels == 1], [15.0, 400.0], -95.0)
    hu = values + np.random.default_rng(0).normal(0.0, 12.0, labels.shape)
    return hu.astype(np.float32), labels.astype(np.uint8)


def test_a_sac_that_fills_its_canal_takes_the_place_of_fat_alone(canal_with_fat):
    hu, labels = canal_with_fat
    filled_hu, filled = _with_full_canal(hu, labels, 4.5, np.random.default_rng(1))
    new = filled != labels
    _, y, x = np.indices(labels.shape)
    across = np.hypot(y - 31.5, x - 20.0)
    ring = (across > 6) & (across < 9)
    # All of the ring but a voxel here and there, and nothing else: neither bone nor the fat around the root.
    assert new[ring].mean() > 0.97
    assert not new[~ring].any()
    assert (filled[new] == 2).all()
    assert (labels[new] == 0).all()
    assert np.array_equal(filled_hu[~new], hu[~new])
    assert filled_hu[new].mean() == pytest.approx(15.0, abs=1.0)
    assert filled_hu[new].std() == pytest.approx(12.0, abs=1.0)


def test_a_canal_is_filled_no_further_than_asked(canal_with_fat):
    hu, labels = canal_with_fat
    _, filled = _with_full_canal(hu, labels, 1.5, np.random.default_rng(1))
    _, y, x = np.indices(labels.shape)
    new = np.hypot(y - 31.5, x - 20.0)[filled != labels]
    assert 6 <= new.min() < new.max() < 6 + 1.5 + 1.0


def test_roots_without_a_sac_keep_their_fat(canal_with_fat):
    hu, labels = canal_with_fat
    roots = labels.copy()
    roots[:, :, :36] = 0
    out, same = _with_full_canal(hu, roots, 4.5, np.random.default_rng(1))
    assert np.array_equal(out, hu)
    assert np.array_equal(same, roots)


def test_a_table_lies_behind_the_back_and_touches_nothing_else():
    hu = np.full((20, 60, 40), 40.0, np.float32)
    hu[:, 35:] = -1000.0  # air behind the patient
    for seed in range(12):
        out = _on_a_table(hu, np.random.default_rng(seed))
        assert np.array_equal(out[:, :35], hu[:, :35])
        assert (out[:, 35:] != -1000.0).any()
        assert np.ptp(out[:, 35:], axis=(0, 2)).max() == 0.0


def test_no_table_where_no_air_is_shown():
    hu = np.full((20, 60, 40), 40.0, np.float32)
    assert np.array_equal(_on_a_table(hu, np.random.default_rng(0)), hu)
