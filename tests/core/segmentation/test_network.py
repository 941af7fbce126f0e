"""The network is the published one: its size, its joins, its output, its start."""

import numpy as np
import pytest

from spinect_core.segmentation.network import CLASSES, FILTERS, PARAMETERS, PATCH_SHAPE, build_network


@pytest.fixture(scope="module")
def network():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    return build_network()


def layers_of(network, kind):
    return [layer for layer in network.layers if type(layer).__name__ == kind]


def test_has_the_published_number_of_parameters(network):
    assert PARAMETERS == 22_581_411
    assert network.count_params() == PARAMETERS


def test_reads_patches_of_the_paper_and_tells_three_classes(network):
    assert network.input_shape == (None, 32, 64, 64, 1)
    assert network.output_shape == (None, 32, 64, 64, 3)
    assert (*PATCH_SHAPE, CLASSES) == (32, 64, 64, 3)


def test_four_levels_are_joined_with_their_own_features(network):
    joins = layers_of(network, "Concatenate")
    assert len(joins) == 4
    assert sorted(join.output.shape[-1] for join in joins) == [64, 128, 256, 512]
    assert len(layers_of(network, "MaxPooling3D")) == 4
    assert len(layers_of(network, "Conv3DTranspose")) == 4


def test_two_convolutions_a_level_with_bias(network):
    convolutions = layers_of(network, "Conv3D")
    assert len(convolutions) == 2 * 9 + 1
    assert all(layer.use_bias for layer in convolutions)
    assert max(layer.filters for layer in convolutions) == FILTERS[-1] == 512


def test_starts_with_the_spread_of_he(network):
    for layer in layers_of(network, "Conv3D"):
        kernel = np.asarray(layer.kernel)
        if kernel.size < 10_000:
            continue
        expected = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        assert kernel.std() == pytest.approx(expected, rel=0.03), layer.name
        assert abs(kernel.mean()) < 0.02 * expected
        assert not np.asarray(layer.bias).any()


def test_probabilities_of_every_voxel_sum_to_one(network):
    patch = np.random.default_rng(1).normal(size=(1, *PATCH_SHAPE, 1)).astype(np.float32)
    probabilities = np.asarray(network(patch, training=False))
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)


def test_half_precision_is_where_it_is_safe_and_says_nearly_the_same():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    single, half = build_network((16, 16, 16)), build_network((16, 16, 16), half=True)
    half.set_weights(single.get_weights())
    assert {weight.dtype for weight in half.weights} == {"float32"}
    computed = {layer.name: layer.compute_dtype for layer in half.layers}
    assert computed["down0_a"] == computed["up0_b"] == computed["join2"] == computed["pool0"] == "bfloat16"
    assert computed["down4_a"] == computed["down4_b"] == computed["classes"] == "float32"
    patch = np.random.default_rng(1).normal(size=(1, 16, 16, 16, 1)).astype(np.float32)
    one, two = (np.asarray(network(patch, training=False)) for network in (single, half))
    assert two.dtype == np.float32
    np.testing.assert_allclose(two, one, atol=0.1)
    assert 0 < np.abs(two - one).mean() < 0.01


@pytest.mark.parametrize("shape", [(32, 64, 60), (8, 64, 64), (0, 64, 64)])
def test_refuses_patches_it_cannot_halve(shape):
    with pytest.raises(ValueError, match="multiple of 16"):
        build_network(shape)
