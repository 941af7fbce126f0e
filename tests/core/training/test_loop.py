"""The loop learns, stores what is best, stops when told, and goes on where it stopped."""

import csv
import threading
from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pytest

from spinect_core.errors import Cancelled, SegmentationError
from spinect_core.segmentation.weights import read_tensors
from spinect_core.training.augmentation import PLAIN
from spinect_core.training.cases import CaseFolders, save_case
from spinect_core.training.checkpoint import load_checkpoint
from spinect_core.training.loop import TrainingConfig, train

SMALL = TrainingConfig(
    steps=4, warmup=1, rate=1e-3, batch=2, validate_every=2, save_every=100, validation_cases=1,
    augmentation=PLAIN, patch_shape=(16, 16, 16),
)  # fmt: skip


@pytest.fixture(autouse=True)
def little_network(monkeypatch):
    """A network of three layers in place of the real one: the loop is the same, and takes a second instead of
    minutes."""

    def build(shape):
        layers = keras.layers
        image = keras.Input((*shape, 1))
        x = layers.Conv3D(4, 3, padding="same", name="a")(image)
        x = layers.BatchNormalization(name="a_norm", momentum=0.5)(x)
        x = layers.Conv3D(3, 1, name="b")(layers.ReLU(name="relu")(x))
        return keras.Model(image, layers.Softmax(name="probabilities")(x))

    monkeypatch.setattr("spinect_core.training.loop.build_network", build)


@pytest.fixture
def folders(crude_case, tmp_path):
    for number in (1001, 500):
        save_case(crude_case, tmp_path / "cases" / f"case_{number}.npz")
    return CaseFolders({tmp_path / "cases": 1.0})


def test_a_run_that_is_stopped_and_resumed_equals_one_that_is_not(folders, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(SMALL, folders, whole)
    stop = threading.Event()

    def stop_after_two(_fraction, message):
        if message.startswith("step 3"):
            stop.set()

    with pytest.raises(Cancelled):
        train(SMALL, folders, parts, progress=stop_after_two, cancel=stop)
    assert load_checkpoint(parts / "checkpoint.npz").step == 3
    scores = train(SMALL, folders, parts)

    assert set(scores) == {"bone", "nerve"}
    one, two = (load_checkpoint(folder / "checkpoint.npz") for folder in (whole, parts))
    assert one.step == two.step == 4
    for name, value in one.weights.items():
        np.testing.assert_allclose(two.weights[name], value, atol=1e-5, err_msg=name)
    _, facts = read_tensors(parts / "last.weights.safetensors")
    assert facts["step"] == "4"
    assert (parts / "best.weights.safetensors").exists()
    with (parts / "log.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["step"] for row in rows if row["loss"]] == ["1", "2", "3", "4"]
    assert [row["step"] for row in rows if row["dice_bone"]] == ["2", "4"]


def test_the_loss_falls(folders, tmp_path):
    config = replace(SMALL, steps=60, rate=2e-2, batch=4, validate_every=60)
    scores = train(config, folders, tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open(encoding="utf-8") as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream) if row["loss"]]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])
    assert scores["bone"] > 0.8


def test_a_damaged_checkpoint_is_named(folders, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.npz").write_bytes(b"nothing")
    with pytest.raises(SegmentationError, match=r"checkpoint\.npz"):
        train(SMALL, folders, tmp_path / "run")


def test_a_loss_that_is_no_number_stops_the_run_and_stores_nothing(folders, tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *_args, **_kwargs):
            pass

        def at(self, _step):
            return np.full((2, 16, 16, 16, 1), np.nan, np.float32), np.zeros((2, 16, 16, 16), np.uint8)

    monkeypatch.setattr("spinect_core.training.loop.BatchStream", Broken)
    with pytest.raises(SegmentationError, match="no longer a number at step 1"):
        train(SMALL, folders, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


def test_the_rate_rises_stays_and_falls():
    config = replace(TrainingConfig(), steps=100, warmup=10, decay_from=50, rate=1e-3, last_rate=1e-5)
    rates = [config.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4)
    assert set(rates[9:51]) == {1e-3}
    assert all(a > b for a, b in pairwise(rates[50:]))
    assert rates[100] == pytest.approx(1e-5)
