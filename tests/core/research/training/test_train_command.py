"""``spinect train`` from folders to weights, its help, and what it refuses."""

import csv
import json
import os
import sys
from dataclasses import asdict, fields

import numpy as np
import pytest

from spinect_core import cli
from spinect_core.cli.train import IMPROVEMENTS, VALUES
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.writing import write_labels, write_volume
from spinect_core.research.training.augmentation import CHANCES, SIZES, Augmentation
from spinect_core.research.training.recipe import RECIPES
from spinect_core.segmentation.weights import read_tensors

TINY = ["--patch", "16", "32", "32", "--stride", "16", "32", "32", "--batch", "2", "--validate-every", "2",
        "--workers", "1", "-q"]  # fmt: skip


@pytest.fixture(autouse=True)
def environment_stays(monkeypatch):
    for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        if not os.environ[name]:
            monkeypatch.delenv(name)


@pytest.fixture
def patients(tmp_path):
    grid = Geometry((36, 48, 48), (1.0, 1.0, 1.0))
    z, y, x = np.ogrid[:36, :48, :48]
    for number in range(5):
        radius = np.hypot(y - 24, x - 24) + 0 * z
        labels = np.where(radius < 5, 2, np.where(radius < 14 + number, 1, 0)).astype(np.uint8)
        ct = np.choose(labels, [40, 500, 20]).astype(np.int16)
        ct[:, :3] = -1000
        write_volume(Volume(ct, grid), tmp_path / "cases" / f"p{number}" / "ct.nii.gz")
        write_labels(Labels(labels, grid), tmp_path / "cases" / f"p{number}" / "labels.nii.gz")
    return tmp_path / "cases"


def test_help_teaches_every_option(capsys):
    assert cli.main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    for name in [name for name, _ in IMPROVEMENTS] + [option for option, *_ in VALUES]:
        assert name in text
    for words in ("--folds 5", ".seg.nrrd", "cases.csv", "checkpoint.npz", "mirror image"):
        assert words in text


def test_a_folder_becomes_weights_and_a_second_call_goes_on(patients, tmp_path, little_network, capsys):
    out = tmp_path / "run"
    words = ["train", "--cases", str(patients), "--out", str(out), "--with", "dice", "averaging", *TINY]
    assert cli.main([*words, "--steps", "2"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == str(out / "best.weights.safetensors")
    assert second.startswith("best validation, after step 2: Dice bone ")
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["recipe"]["dice"] == 0.5
    assert config["recipe"]["averaging"] == 0.99
    assert config["recipe"]["clip"] == 0.0
    assert config["computed on"] == "tensorflow, auto"
    assert config["versions"]["keras"].startswith("3.")
    assert len(config["cases"]["validation"]) == 1

    assert cli.main([*words, "--steps", "4"]) == 0
    _, facts = read_tensors(out / "last.weights.safetensors")
    assert facts["step"] == "4"
    with (out / "losses.csv").open(encoding="utf-8") as stream:
        assert [row["step"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]
    capsys.readouterr()
    assert cli.main([*words, "--steps", "4", "--rate", "0.1"]) == 2
    assert "rate was 0.0005 and is now 0.1" in capsys.readouterr().err


def test_every_variation_of_the_crops_can_be_given(tmp_path, patients, little_network):
    out = tmp_path / "run"
    varied = [
        "--recipe",
        "improved",
        "--vary",
        "pose=0.3",
        "bend=0.25",
        "bend_mm=2",
        "noise=65",
        "--validation",
        "patches",
    ]
    assert (
        cli.main(["train", "--cases", str(patients), "--out", str(out), "--steps", "1", *varied, *TINY]) == 0
    )
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))["recipe"]
    assert config["voxels"] == "mean"
    improved = asdict(RECIPES["improved"].augmentation)
    changed = {
        name: value
        for name, value in config["augmentation"].items()
        if value != improved[name] and value != list(np.ravel(improved[name]))
    }
    assert changed == {"pose": 0.3, "bend": 0.25, "bend_mm": 2.0, "noise": 65.0}
    numbers = {f.name for f in fields(Augmentation) if f.type == "float"}
    assert numbers == {*CHANCES, *SIZES}


def test_phantoms_in_folds(tmp_path, little_network, capsys):
    out = tmp_path / "run"
    words = ["train", "--phantoms", "3", "--phantom-spacing", "5", "--folds", "3", "--steps", "1", *TINY]
    assert cli.main([*words, "--validation", "patches", "--stride", "16", "64", "64", "--out", str(out)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == str(out / "folds.md")
    assert second.startswith("3 test cases in 3 folds: mean Dice bone ")
    assert (out / "fold3" / "curve.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give --cases DIR or --phantoms N"),
        (["--phantoms", "3", "--with", "clip", "--without", "clip"], "clip is switched on and off"),
        (["--phantoms", "3", "--with", "magic"], "magic"),
        (["--phantoms", "3", "--steps", "0"], "steps"),
        (["--phantoms", "3", "--vary", "flavour=1"], "Crops are not varied by 'flavour'"),
        (["--phantoms", "3", "--vary", "pose=often"], "'pose=often' is not a number"),
        (["--phantoms", "3", "--vary", "pose=1.5"], "Give 0 to 1"),
        (["--phantoms", "3", "--devices", "2"], "cannot share a batch between 2 devices on the backend tensorflow"),
        (["--phantoms", "3", "--devices", "many"], "no number of devices"),
        (["--cases", "nowhere"], "nowhere: There is no such folder"),
        (["--cases", ".", "--segment", "nerve"], "names no class"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "--out", "run", "-q", *words]) in (2, 3, 4)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


def test_a_backend_that_is_not_installed_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    words = ["train", "--phantoms", "1", "--out", str(tmp_path / "run"), "--backend", "torch", "-q"]
    assert cli.main(words) == 4
    assert "The backend torch cannot be loaded" in capsys.readouterr().err
