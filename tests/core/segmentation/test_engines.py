"""Two engines, one network: the same probabilities from the same weights file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinect_core.base.assets import asset
from spinect_core.base.errors import SegmentationError, SpinectError
from spinect_core.segmentation.choice import ENGINES, PAPER, gpu_present
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable
from spinect_core.segmentation.openvino_engine import OpenVINOEngine, _translated
from spinect_core.segmentation.process import Job, run_job
from spinect_core.segmentation.tiling import likeliest
from spinect_core.segmentation.weights import ARCHITECTURE, read_tensors, write_tensors

PATCH = (32, 64, 64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The full network, He-initialised, with normalisations that do something."""
    keras = pytest.importorskip("keras")
    from spinect_core.segmentation.network import build_network
    from spinect_core.segmentation.weights import tensors_of

    keras.utils.set_random_seed(3)
    tensors = tensors_of(build_network((16, 16, 16)))
    rng = np.random.default_rng(4)
    for name, array in tensors.items():
        if "_norm/" in name or name.endswith("/bias"):
            lowest, highest = (0.5, 1.5) if name.endswith(("gamma", "variance")) else (-0.3, 0.3)
            tensors[name] = rng.uniform(lowest, highest, array.shape).astype(np.float32)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    write_tensors(tensors, path)
    return path


def tiles(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(6).normal(size=(count, *shape, 1)).astype(np.float32)


def test_openvino_gives_the_probabilities_of_keras(weights: Path) -> None:
    from spinect_core.segmentation.keras_engine import KerasEngine

    batch = tiles(1, PATCH)
    reference = KerasEngine(weights, PATCH, "cpu").predict(batch)
    probabilities = OpenVINOEngine(weights, PATCH).predict(batch)

    assert probabilities.shape == reference.shape == (1, *PATCH, 3)
    assert np.allclose(reference.sum(axis=-1), 1, atol=1e-5)
    assert reference.std() > 0.05, "a network that says the same everywhere proves nothing"
    assert np.abs(probabilities - reference).max() < 1e-4


def test_openvino_runs_tiles_of_other_sizes_and_each_by_itself(weights: Path) -> None:
    engine = OpenVINOEngine(weights, (16, 32, 16))
    batch = tiles(3, (16, 32, 16))
    together = engine.predict(batch)
    assert together.shape == (3, 16, 32, 16, 3)
    alone = np.concatenate([engine.predict(batch[i : i + 1]) for i in range(3)])
    assert np.allclose(together, alone, atol=1e-6)


def test_a_missing_weight_is_named(weights: Path, tmp_path: Path) -> None:
    tensors, _ = read_tensors(weights)
    del tensors["up1_a/kernel"]
    write_tensors(tensors, tmp_path / "less")
    with pytest.raises(SegmentationError, match=r"1 weights are missing, the first is up1_a/kernel"):
        OpenVINOEngine(tmp_path / "less", PATCH)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"architecture": "other", "version": "1"}}).encode()
    (tmp_path / "other").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(SegmentationError, match=f"not {ARCHITECTURE}"):
        OpenVINOEngine(tmp_path / "other", PATCH)


def test_openvino_has_no_gpu(weights: Path) -> None:
    with pytest.raises(EngineUnavailable, match="CPU only"):
        OpenVINOEngine(weights, PATCH, "gpu")


def test_tensorflow_without_a_gpu_says_so(weights: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    from spinect_core.segmentation.keras_engine import KerasEngine

    with pytest.raises(EngineUnavailable, match="sees no GPU"):
        KerasEngine(weights, PATCH, "gpu")


def test_exhausted_memory_is_recognised_in_both_engines(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf = pytest.importorskip("tensorflow")
    from spinect_core.segmentation.keras_engine import KerasEngine

    assert isinstance(_translated(RuntimeError("std::bad_alloc")), EngineOutOfMemory)
    assert isinstance(_translated(RuntimeError("[CPU] no such primitive")), EngineUnavailable)

    engine = KerasEngine(weights, (16, 16, 16), "cpu")
    for error, meaning in (
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), EngineOutOfMemory),
        (tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory"), EngineOutOfMemory),
        (tf.errors.InternalError(None, None, "cuDNN is of another version"), EngineUnavailable),
    ):

        def fail(_tiles: np.ndarray, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(engine, "_run", fail)
        with pytest.raises(meaning):
            engine.predict(tiles(1, (16, 16, 16)))


def test_both_engines_label_alike_in_their_own_processes(weights: Path) -> None:
    array = tiles(1, PATCH)[..., 0]
    occupied = np.ones(array.shape, bool)
    outcomes = [run_job(Job(ENGINES[name], "cpu", weights, PAPER, 1), array, occupied) for name in ENGINES]
    labels = [likeliest(outcome.probabilities) for outcome in outcomes]
    assert len(np.unique(labels[0])) == 3
    assert np.mean(labels[0] == labels[1]) >= 0.9999


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_present(), reason="no NVIDIA GPU that TensorFlow can use")
def test_the_gpu_labels_as_the_cpu_does(weights: Path) -> None:
    array = np.concatenate([tiles(1, PATCH)[..., 0]] * 3, axis=1)
    occupied = np.ones(array.shape, bool)
    on_gpu = run_job(Job(ENGINES["tensorflow"], "gpu", weights, PAPER, 8), array, occupied)
    on_cpu = run_job(Job(ENGINES["openvino"], "cpu", weights, PAPER, 1), array, occupied)
    assert np.mean(likeliest(on_gpu.probabilities) == likeliest(on_cpu.probabilities)) >= 0.999


@pytest.mark.slow
def test_both_engines_label_the_demo_case_alike() -> None:
    from spinect_core.io.reading import read_ct
    from spinect_core.segmentation import segment

    try:
        case = asset("demo/ct.nii.gz")
        asset("spinect.weights.safetensors")
    except SpinectError as error:
        pytest.skip(f"the demo case is not complete yet: {error}")
    volume = read_ct(case)
    first, second = (
        segment(volume, engine=engine, device="cpu").labels_1mm.array for engine in ("openvino", "tensorflow")
    )
    assert np.mean(first == second) >= 0.9999
    assert set(np.unique(first)) == {0, 1, 2}
