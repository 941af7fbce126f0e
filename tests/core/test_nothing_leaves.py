"""Nothing leaves the computer, and nothing stays in the home but in the folders that the documents name."""

import ast
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from watched import OWN, ROOT, Watched, watch

from spinect_core.base import own_folders
from spinect_core.base.own_folders import KEPT, keep_to_own_folders
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.writing import write_labels, write_volume

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="homes are laid out as on Linux"),
]
DEMO = ROOT / "assets" / "demo" / "ct.nii.gz"
SMALL = ["--region", "-20", "20", "-20", "20", "-15", "15"]


def spinect(folder: Path, *words: str) -> Watched:
    return watch(["-m", "spinect_core", *words], folder / "watched")


def assert_alone(seen: Watched) -> None:
    assert seen.connections == []
    assert seen.foreign == []
    assert seen.left == []


def test_a_connection_and_a_stray_file_would_be_seen(tmp_path: Path) -> None:
    code = (
        "import contextlib, pathlib, urllib.request\n"
        "with contextlib.suppress(OSError): urllib.request.urlopen('http://statistics.invalid/', timeout=5)\n"
        "pathlib.Path.home().joinpath('identifier').write_text('1')\n"
        "import tempfile; tempfile.mkstemp()\n"
    )
    seen = watch(["-c", code], tmp_path / "watched")
    assert any("socket.connect ('127.0.0.1'" in line for line in seen.connections)
    assert any("proxy: [b'GET http://statistics.invalid/" in line for line in seen.connections)
    assert seen.foreign == ["identifier"]
    assert len(seen.left) == 1


def test_info_is_alone(tmp_path: Path) -> None:
    seen = spinect(tmp_path, "info")
    assert seen.code == 0, seen.said
    assert_alone(seen)


@pytest.mark.slow  # TensorFlow trains below as well
@pytest.mark.parametrize("engine", ["tensorflow"])  # the other one works in the plan below
def test_segmenting_is_alone(tmp_path: Path, engine: str) -> None:
    out = tmp_path / "labels.nii.gz"
    words = ["--engine", engine, "--device", "cpu", "--mode", "fast", *SMALL]
    seen = spinect(tmp_path, "segment", str(DEMO), "--out", str(out), *words)
    assert seen.code == 0, seen.said
    assert out.exists()
    assert_alone(seen)


@pytest.mark.parametrize(
    ("region", "planned"), [(SMALL, False), pytest.param([], True, marks=pytest.mark.slow)]
)
def test_a_plan_is_alone(tmp_path: Path, region: list[str], planned: bool) -> None:
    out = tmp_path / "plan"
    words = ["--side", "left", "--mode", "fast", "--device", "cpu", *region]
    seen = spinect(tmp_path, "plan", str(DEMO), "--out", str(out), *words)
    assert seen.code == 0, seen.said
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert plan["run"]["engine"] == "openvino"
    assert bool(plan["needles"]) == planned  # what is so small shows no level
    assert_alone(seen)


def test_training_is_alone(tmp_path: Path) -> None:
    grid = Geometry((32, 40, 40), (1.0, 1.0, 1.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[8:24, 10:20, 10:30], labels[8:24, 22:28, 16:24] = 1, 2
    for name in ("one", "two"):
        write_volume(
            Volume(np.choose(labels, [40, 500, 20]).astype(np.int16), grid),
            tmp_path / "cases" / name / "ct.nii.gz",
        )
        write_labels(Labels(labels, grid), tmp_path / "cases" / name / "labels.nii.gz")
    words = ["--steps", "1", "--patch", "16", "32", "32", "--batch", "1", "--workers", "1"]
    seen = spinect(
        tmp_path, "train", "--cases", str(tmp_path / "cases"), "--out", str(tmp_path / "run"), *words
    )
    assert seen.code == 0, seen.said
    assert (tmp_path / "run" / "last.weights.safetensors").exists()
    assert_alone(seen)


def test_openvino_is_loaded_in_one_place_alone() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("app", "spinect_core", "scripts", "benchmarks")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Import) and any(each.name.split(".")[0] == "openvino" for each in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "openvino")
    }
    assert found == {"spinect_core/segmentation/openvino_engine.py"}


def test_a_user_s_own_settings_stand_but_for_those_that_change_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(own_folders, "cache_folder", lambda: tmp_path / "cache" / "spinect-planner")
    environment = {"MPLCONFIGDIR": "/mine", "KERAS_HOME": "/mine"}
    keep_to_own_folders(environment)
    assert environment.pop("MPLCONFIGDIR") == "/mine"
    assert environment.pop("KERAS_HOME") == os.devnull
    assert environment == dict.fromkeys(KEPT, str(tmp_path / "cache" / "spinect-planner"))
    assert (tmp_path / "cache" / "spinect-planner").is_dir()


def test_an_archive_that_is_entered_is_not_spoken_to(tmp_path: Path) -> None:
    code = (
        "from spinect_core import cli\n"
        "at = ['--host', '127.0.0.1', '--port', '9', '--title', 'PACS', '--web', 'http://127.0.0.1:9']\n"
        "assert cli.main(['archive', 'add', 'PACS', *at]) == 0\n"
        "assert cli.main(['archive', 'list']) == 0\n"
        "assert cli.main(['info']) == 0\n"
        "assert cli.main(['archive', 'test', 'PACS', '-q']) == 10\n"
    )
    seen = watch(["-c", code], tmp_path / "watched")
    assert seen.code == 0, seen.said
    assert seen.connections, "the test of an archive is seen"
    # The library of DICOM asks this computer for its own address (None) before each association.
    own = [line for line in seen.connections if line.startswith("socket.getaddrinfo None ")]
    assert all("'127.0.0.1'" in line for line in seen.connections if line not in own)
    assert not [line for line in seen.connections if line.startswith("proxy")]
    cache = ".cache/spinect-planner/"  # here the driver of the graphics keeps what `info` has it compile
    assert [name for name in seen.home if not name.startswith(cache)] == [".config/SPINECT/archives.json"]
    quiet = watch(["-c", code[: code.index("assert cli.main(['archive', 'test'")]], tmp_path / "quiet")
    assert quiet.code == 0, quiet.said
    assert_alone(quiet)


def test_keras_obeys_no_file_of_the_user_s(tmp_path: Path) -> None:
    code = (
        "import pathlib\n"
        "home = pathlib.Path.home() / '.keras'\n"
        "home.mkdir()\n"
        'settings = \'{"floatx": "float16", "image_data_format": "channels_first"}\'\n'
        "home.joinpath('keras.json').write_text(settings)\n"
        "from spinect_core.research.training.backend import choose_backend\n"
        "choose_backend('tensorflow', 'cpu')\n"
        "import keras\n"
        "print(keras.config.floatx(), keras.config.image_data_format())\n"
    )
    seen = watch(["-c", code], tmp_path / "watched")
    assert "float32 channels_last" in seen.said


@pytest.mark.parametrize("name", OWN)
def test_the_documents_name_the_folders(name: str) -> None:
    assert f"~/{name}" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
