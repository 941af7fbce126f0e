"""The loop learns, stores what is best, stops when told, and goes on where it stopped."""

import json
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled, OutputError, SegmentationError, UsageError
from spinect_core.research.training.checkpoint import load_checkpoint
from spinect_core.research.training.loop import judge_weights, train
from spinect_core.research.training.recipe import RECIPES
from spinect_core.research.training.run_folder import rows_of
from spinect_core.research.training.split import Split
from spinect_core.segmentation.weights import read_tensors

pytestmark = pytest.mark.usefixtures("little_network")

PAPER = replace(
    RECIPES["paper"], steps=5, batch=2, validate_every=2, save_every=100, validation_cases=1,
    patch_shape=(16, 32, 32), stride=(10, 20, 20), rate=1e-3,
)  # fmt: skip
IMPROVED = replace(
    PAPER,
    averaging=0.9,
    warmup=2,
    decay_from=0.5,
    dice=0.5,
    clip=5.0,
    nerve_share=0.5,
    augmentation=replace(RECIPES["improved"].augmentation, smallest=(20, 40, 40)),
)
SPLIT = Split((0, 1, 2, 3), (4, 5))


@pytest.mark.parametrize("config", [PAPER, IMPROVED], ids=["paper", "improved"])
def test_a_run_that_is_stopped_and_resumed_equals_one_that_is_not(config, small_cases, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(config, small_cases, SPLIT, whole)
    stop = threading.Event()

    def stop_after_three(_fraction, message):
        if message.startswith("step 3"):
            stop.set()

    with pytest.raises(Cancelled):
        train(config, small_cases, SPLIT, parts, progress=stop_after_three, cancel=stop)
    assert load_checkpoint(parts / "checkpoint.npz").step == 3
    best = train(config, small_cases, SPLIT, parts, workers=2)

    one, two = (load_checkpoint(folder / "checkpoint.npz") for folder in (whole, parts))
    assert one.step == two.step == one.judged == two.judged == 5
    assert one.best == two.best
    for name, value in one.weights.items():
        np.testing.assert_allclose(two.weights[name], value, atol=1e-6, err_msg=name)
    assert set(best.dice) == {"bone", "nerve"}
    assert np.mean(list(best.dice.values())) == pytest.approx(two.best, abs=1e-4)
    _, facts = read_tensors(parts / "last.weights.safetensors")
    assert facts["step"] == "5"
    assert (parts / "curve.png").read_bytes()[:4] == b"\x89PNG"
    for name in ("losses.csv", "validation.csv"):
        drop = {"seconds"}
        a, b = (
            [{k: v for k, v in row.items() if k not in drop} for row in rows_of(folder, name)]
            for folder in (whole, parts)
        )
        assert a == b
    assert [row["step"] for row in rows_of(parts, "losses.csv")] == ["1", "2", "3", "4", "5"]
    assert [row["step"] for row in rows_of(parts, "validation.csv")] == ["2", "4", "5"]


def test_a_run_that_was_killed_forgets_what_came_after_its_checkpoint(small_cases, tmp_path):
    config = replace(PAPER, steps=4, validation="patches")
    train(config, small_cases, SPLIT, tmp_path / "run")
    shutil.copy(tmp_path / "run" / "checkpoint.npz", tmp_path / "early.npz")
    train(replace(config, steps=7), small_cases, SPLIT, tmp_path / "run")
    shutil.move(tmp_path / "early.npz", tmp_path / "run" / "checkpoint.npz")
    train(replace(config, steps=6), small_cases, SPLIT, tmp_path / "run")
    assert [row["step"] for row in rows_of(tmp_path / "run", "losses.csv")] == list("123456")
    assert [row["step"] for row in rows_of(tmp_path / "run", "validation.csv")] == ["2", "4", "6"]


def test_a_validation_that_was_cancelled_is_made_up_for(small_cases, tmp_path):
    stop = threading.Event()

    def stop_in_validation(_fraction, message):
        if message.startswith("validating after step 2"):
            stop.set()

    with pytest.raises(Cancelled):
        train(PAPER, small_cases, SPLIT, tmp_path / "run", progress=stop_in_validation, cancel=stop)
    assert rows_of(tmp_path / "run", "validation.csv") == []
    train(PAPER, small_cases, SPLIT, tmp_path / "run")
    assert [row["step"] for row in rows_of(tmp_path / "run", "validation.csv")] == ["2", "4", "5"]


def test_the_loss_falls_and_the_best_weights_score_what_the_log_says(small_cases, tmp_path):
    config = replace(PAPER, steps=60, rate=2e-2, batch=4, validate_every=60, validation_cases=0)
    best = train(config, small_cases, SPLIT, tmp_path / "run")
    losses = [float(row["loss"]) for row in rows_of(tmp_path / "run", "losses.csv")]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])
    assert best.dice["bone"] > 0.8
    scores = judge_weights(
        config, tmp_path / "run" / "best.weights.safetensors", small_cases, SPLIT.validation
    )
    assert np.mean([score.dice["bone"] for score in scores]) == pytest.approx(best.dice["bone"], abs=5e-3)

    tuned = replace(config, steps=1, rate=1e-6, validate_every=1)
    weights = tmp_path / "run" / "best.weights.safetensors"
    again = train(tuned, small_cases, SPLIT, tmp_path / "tuned", init=weights)
    assert again.dice["bone"] == pytest.approx(best.dice["bone"], abs=0.02)


def test_the_configuration_is_kept_and_another_run_refused(small_cases, tmp_path):
    config = replace(PAPER, steps=1, validate_every=1, validation="patches")
    train(config, small_cases, SPLIT, tmp_path / "run", facts={"versions": {"keras": "3"}})
    kept = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert kept["recipe"] == json.loads(json.dumps(config.to_dict()))
    assert kept["cases"]["validation"] == ["case_4", "case_5"]
    assert kept["versions"] == {"keras": "3"}
    with pytest.raises(UsageError, match=r"rate was 0\.001 and is now 0\.01"):
        train(replace(config, rate=1e-2), small_cases, SPLIT, tmp_path / "run")
    with pytest.raises(UsageError, match=r"training now lacks case_2, case_3\. Give"):
        train(config, small_cases, Split((0, 1), (4, 5)), tmp_path / "run")


def test_a_run_begun_before_a_value_was_known_goes_on(small_cases, tmp_path):
    config = replace(PAPER, steps=1, validate_every=1, validation="patches")
    train(config, small_cases, SPLIT, tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    del kept["recipe"]["precision"], kept["recipe"]["augmentation"]["bend"]
    path.write_text(json.dumps(kept), encoding="utf-8")
    train(replace(config, steps=2), small_cases, SPLIT, tmp_path / "run")
    assert [row["step"] for row in rows_of(tmp_path / "run", "losses.csv")] == ["1", "2"]
    with pytest.raises(UsageError, match='precision was "single" and is now "half"'):
        train(replace(config, precision="half"), small_cases, SPLIT, tmp_path / "run")


def test_half_precision_learns_and_keeps_whole_weights(small_cases, tmp_path):
    config = replace(PAPER, steps=30, rate=2e-2, batch=4, validate_every=30, precision="half")
    best = train(config, small_cases, SPLIT, tmp_path / "run")
    losses = [float(row["loss"]) for row in rows_of(tmp_path / "run", "losses.csv")]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert best.dice["bone"] > 0.7
    weights = load_checkpoint(tmp_path / "run" / "checkpoint.npz").weights
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    rounded = weights["a/kernel"].view(np.uint32) & 0xFFFF
    assert rounded.any(), "weights kept as bfloat16 would have lost their last sixteen bits"


def test_a_damaged_checkpoint_is_named(small_cases, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.npz").write_bytes(b"nothing")
    with pytest.raises(SegmentationError, match=r"checkpoint\.npz"):
        train(PAPER, small_cases, SPLIT, tmp_path / "run")


def test_a_full_disk_is_said_and_the_old_checkpoint_stays(small_cases, tmp_path, monkeypatch):
    config = replace(PAPER, steps=1, validate_every=1, validation="patches")
    train(config, small_cases, SPLIT, tmp_path / "run")
    before = (tmp_path / "run" / "checkpoint.npz").read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spinect_core.research.training.checkpoint.np.savez", full)
    with pytest.raises(OutputError, match="No space left on device"):
        train(replace(config, steps=2), small_cases, SPLIT, tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == before
    assert not list((tmp_path / "run").glob("*.part"))


def test_a_loss_that_is_no_number_stops_the_run_and_stores_nothing(small_cases, tmp_path, monkeypatch):
    def broken(_self, _step):
        return np.full((2, 16, 32, 32, 1), np.nan, np.float32), np.zeros((2, 16, 32, 32), np.uint8)

    monkeypatch.setattr("spinect_core.research.training.loop.BatchStream.at", broken)
    with pytest.raises(SegmentationError, match="no longer a number at step 1"):
        train(PAPER, small_cases, SPLIT, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.npz").exists()
