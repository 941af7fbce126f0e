"""The organ network: one network in two engines, with weights that are refused where they do not belong."""

from pathlib import Path

import numpy as np
import pytest

from spinect_core.base.errors import SegmentationError
from spinect_core.segmentation.openvino_engine import OpenVINOEngine, OrganOpenVINOEngine
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, organ_weight_shapes, shown
from spinect_core.segmentation.weights import ORGAN_ARCHITECTURE, read_tensors, write_tensors

PATCH = (16, 32, 16)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the right shapes, with normalisations that do something."""
    rng = np.random.default_rng(4)
    tensors = {}
    for name, shape in organ_weight_shapes().items():
        scale = np.sqrt(2.0 / max(np.prod(shape[:-1]), 1))
        lowest, highest = (0.5, 1.5) if name.endswith(("gamma", "variance")) else (-0.3, 0.3)
        tensors[name] = (
            rng.normal(0.0, scale, shape) if name.endswith("kernel") else rng.uniform(lowest, highest, shape)
        ).astype(np.float32)
    path = tmp_path_factory.mktemp("weights") / "organs.safetensors"
    write_tensors(tensors, path, architecture=ORGAN_ARCHITECTURE)
    return path


def test_both_engines_give_the_same_probabilities(weights: Path) -> None:
    pytest.importorskip("keras")
    from spinect_core.segmentation.keras_engine import OrganKerasEngine

    batch = np.random.default_rng(6).normal(size=(1, *PATCH, 1)).astype(np.float32)
    reference = OrganKerasEngine(weights, PATCH, "cpu").predict(batch)
    probabilities = OrganOpenVINOEngine(weights, PATCH).predict(batch)

    assert probabilities.shape == reference.shape == (1, *PATCH, len(ORGAN_CLASSES))
    assert np.allclose(reference.sum(axis=-1), 1, atol=1e-5)
    assert reference.std() > 0.05, "a network that says the same everywhere proves nothing"
    assert np.abs(probabilities - reference).max() < 1e-4


def test_weights_of_one_network_are_refused_by_the_other(weights: Path) -> None:
    with pytest.raises(SegmentationError, match="spinect-organs-unet3d version 1, not spinect-unet3d"):
        read_tensors(weights)
    with pytest.raises(SegmentationError, match="not spinect-unet3d"):
        OpenVINOEngine(weights, (16, 16, 16))


def test_what_the_network_is_shown_parts_gas_fat_muscle_and_bone() -> None:
    gas, fat, muscle, kidney, bone = shown(np.array([-950.0, -100.0, 50.0, 180.0, 900.0]))
    assert gas < fat < muscle < kidney < bone
    assert muscle - fat > 1.5, "fat and muscle lie in the steep part"
    assert (gas, bone) == pytest.approx((-2, 2), abs=0.01)
