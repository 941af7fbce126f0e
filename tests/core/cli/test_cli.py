"""The command line: results on stdout, one line for an error, the right exit code, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dicom_maker import make_series

import spinect_core.io.reading
import spinect_core.research.phantom
import spinect_core.segmentation
from spinect_core import cli
from spinect_core.base.errors import (
    AnatomyError,
    Cancelled,
    InstallationError,
    OutputError,
    PlanError,
    ReadingError,
    RenderError,
    SegmentationError,
    SpinectError,
    UsageError,
    WorkerError,
)
from spinect_core.base.opengl import OpenGl
from spinect_core.cli import info as info_command
from spinect_core.cli import reporting
from spinect_core.cli.series import table
from spinect_core.cli.stopping import Stopping
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.evaluation import cropped
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading import read_labels
from spinect_core.io.reading.series import Finding
from spinect_core.io.writing import write_labels, write_volume
from spinect_core.pipeline import plan_case as job
from spinect_core.plan.label_warnings import keep_warnings, warnings_of_labels
from spinect_core.plan.plan import Case, Plan, PlanView, write_plan
from spinect_core.preprocessing import Region

ROOT = Path(__file__).resolve().parents[3]
GRID = Geometry((6, 7, 8), (1, 1, 1))
BODY = Geometry((6, 7, 8), (5, 4, 7))
"""As wide as a CT has to be to be read."""
COMMANDS = ("plan", "segment", "series", "evaluate", "study", "phantom", "phantom-study", "train", "info")


@pytest.fixture(autouse=True)
def private_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setattr("spinect_core.base.log.log_folder", lambda: folder)
    return folder


@pytest.fixture
def plan() -> Plan:
    volume = Volume(np.zeros(GRID.shape, np.int16), GRID)
    triangle = Triangle.from_clicks(View(27, -12), [[0, 0], [9, 0], [0, 7]], 0, kind="kambin", side="left")
    return Plan(
        case=Case.of(volume),
        region=Region((-0.5, -0.5, -0.5), (3.5, 6.5, 5.5)),
        run={"engine": "openvino", "device": "cpu", "mode": "fast"},
        timings={"total": 12.3},
        views=(
            PlanView(
                name="from behind",
                view=View(0),
                picture="views/from-behind.png",
                centre=(0, 0, 0),
                mm_per_pixel=0.2,
            ),
        ),
        triangles=(triangle,),
        notes=("No safe triangle was proposed on the left.",),
    )


def picture(grid: Geometry) -> np.ndarray:
    """HU that differ from voxel to voxel."""
    return np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape) - 1000


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error; a traceback or a second line fails here."""
    captured = capsys.readouterr()
    lines = [
        line for line in captured.err.splitlines() if not line.startswith(("plan:", "segment:", "phantom:"))
    ]
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("spinect: error: ")
    assert "Traceback" not in captured.err
    return lines[0]


# ---------------------------------------------------------------------------------------------------------------- help


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "examples:" in text
    assert "exit codes:" in text
    assert "Not cleared for clinical use" in text
    for command in COMMANDS:
        assert cli.main([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert "examples:" in text
        assert "Not cleared for clinical use" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert "SPINECT Planner" in capsys.readouterr().out


def test_help_needs_no_heavy_module() -> None:
    code = (
        "import sys; from spinect_core.cli import main; main(['plan', '--help']);"
        "heavy = {'numpy', 'vtkmodules', 'pyvista', 'SimpleITK', 'pydicom', 'tensorflow', 'openvino', 'rich'};"
        "found = heavy & set(sys.modules); sys.exit(f'imported {found}' if found else 0)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr


# --------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["plna"],
        ["plan"],
        ["plan", "ct.nii.gz"],
        ["plan", "ct.nii.gz", "--out", "o", "--side", "middle"],
        ["plan", "ct.nii.gz", "--out", "o", "--engine", "torch"],
        ["plan", "ct.nii.gz", "--out", "o", "--region", "1", "2"],
        ["plan", "ct.nii.gz", "--out", "o", "--region", "5", "1", "0", "1", "0", "1"],
        ["plan", "ct.nii.gz", "--out", "o", "--region", "a", "1", "0", "1", "0", "1"],
        ["segment", "ct.nii.gz", "--out", "labels.txt"],
        ["phantom", "--seed", "-1", "--out", "o"],
        ["phantom", "--seed", "x", "--out", "o"],
        ["phantom", "--seed", "1", "--out", "o", "--spacing", "1", "2"],
        ["phantom", "--seed", "1", "--out", "o", "--spacing", "0"],
        ["phantom", "--seed", "1", "--out", "o", "--spacing", "nan"],
        ["phantom", "--seed", "1"],
        ["phantom", "--seed", "5-2", "--out", "o"],
        ["phantom", "--seed", "1", "--out", "o", "--family", "dragon"],
        ["phantom", "--seed", "1", "--out", "o", "--pathology", "gout"],
        ["phantom", "--seed", "1", "--out", "o", "--pathology", "none", "scoliosis"],
        ["phantom", "--seed", "1", "--out", "o", "--tilt", "10"],
        ["phantom", "--seed", "1", "--out", "o", "--dicom", "--tilt", "50"],
        ["phantom", "--seed", "1", "--out", "o", "--noise", "-1"],
        ["phantom", "--seed", "1", "--out", "o", "--slice-thickness", "99"],
        ["phantom", "--seed", "1", "--out", "o", "--jobs", "0"],
        ["info", "extra"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    error_line(capsys)


def test_negative_numbers_are_a_region(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(job, "plan_case", lambda *_, **options: asked.update(options) or plan)
    words = ["plan", "ct", "--out", "o", "-q", "--region", "-70", "70", "-60.5", "90", "-80", "60"]
    assert cli.main(words) == 0
    assert asked["region"].minimum == (-70, -60.5, -80)
    assert asked["region"].maximum == (70, 90, 60)


# -------------------------------------------------------------------------------------------------------------- errors


def test_what_cannot_be_read_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", str(tmp_path / "nowhere"), "--out", str(tmp_path / "o"), "-q"]) == 3
    assert "nowhere" in error_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SegmentationError("No engine\ncould run", "Install one"), 4),
        (ReadingError("a", "b"), 3),
        (InstallationError("a", "b"), 1),
        (AnatomyError("a", "b"), 6),
        (PlanError("a", "b"), 6),
        (OutputError("a", "b"), 7),
        (RenderError("a", "b"), 8),
        (WorkerError("a", "b"), 9),
        (Cancelled(), 130),
    ],
)
def test_errors_are_one_line_and_their_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(job, "plan_case", failing)
    assert cli.main(["plan", "ct", "--out", "o"]) == code
    error_line(capsys)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            UsageError("No such engine", "Choose auto", parameter="engine"),
            "--engine: No such engine. Choose auto.",
        ),
        (UsageError("No such word", "Choose auto", parameter="word"), "word: No such word. Choose auto."),
        (
            SegmentationError("It ended", "Use the CPU", parameter="engine"),
            "It ended. Use the CPU (--engine).",
        ),
        (UsageError("Another run", "Choose another", "o", "out"), "o: Another run. Choose another (--out)."),
    ],
)
def test_a_setting_is_named_by_its_option(
    error: Exception, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(job, "plan_case", failing)
    cli.main(["plan", "ct", "--out", "o", "-q"])
    assert error_line(capsys) == f"spinect: error: {says}"


def test_every_exit_code_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    def kinds(base: type[SpinectError]) -> set[type[SpinectError]]:
        return {base}.union(*(kinds(each) for each in base.__subclasses__()))

    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("exit codes:")[2]
    assert {str(kind.exit_code) for kind in kinds(SpinectError)} | {"0", "70"} == set(
        re.findall(r"\d+", listed)
    )


def test_an_unexpected_fault_is_one_line_and_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], private_log: Path
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(job, "plan_case", broken)
    assert cli.main(["plan", "ct", "--out", "o", "-q"]) == cli.UNEXPECTED
    line = error_line(capsys)
    log = private_log / "spinect.log"
    assert str(log) in line
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    assert "Traceback" in log.read_text(encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        cli.main(["plan", "ct", "--out", "o", "-q", "--debug"])


# ---------------------------------------------------------------------------------------------------------------- plan


def test_plan_prints_a_summary(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        job, "plan_case", lambda *paths, **options: asked.update(options, paths=paths) or plan
    )
    words = [
        "plan",
        "ct",
        "--out",
        "o",
        "--side",
        "left",
        "--mode",
        "fast",
        "--device",
        "cpu",
        "--series",
        "k",
        "-q",
    ]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "left Kambin triangle L5/S1: 31.5 mm², left oblique 27°, caudal 12°" in out
    assert "openvino on the CPU, fast mode, 12 s" in out
    assert "note      No safe triangle" in out
    assert "Not cleared for clinical use" in out
    assert asked["paths"] == (Path("ct"), Path("o"))
    assert (asked["sides"], asked["mode"], asked["device"], asked["series"]) == ("left", "fast", "cpu", "k")


def test_plan_as_json(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "plan_case", lambda *_, **__: plan)
    assert cli.main(["plan", "ct", "--out", "o", "--json"]) == 0
    assert Plan.from_dict(json.loads(capsys.readouterr().out)) == plan


WARNINGS = (
    ReadingWarning("8 voxels were taken as air"),
    ReadingWarning("The scale to Hounsfield units is missing", grave=True, code="no-scale"),
)
LINES = [
    "Read with reservations: The scale to Hounsfield units is missing.",
    "Noticed on reading: 8 voxels were taken as air.",
]


def test_plan_says_what_reading_noticed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warned = plan.replaced(case=plan.case.with_warnings(WARNINGS))
    monkeypatch.setattr(job, "plan_case", lambda *_, **__: warned)
    assert cli.main(["plan", "ct", "--out", "o", "-q"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:3] == [f"warning   {line}" for line in LINES]
    assert err == ""
    assert cli.main(["plan", "ct", "--out", "o", "--json", "-q"]) == 0
    out, err = capsys.readouterr()
    assert [each["text"] for each in json.loads(out)["case"]["warnings"]] == [each.text for each in WARNINGS]
    assert err.splitlines() == [f"spinect: warning: {line}" for line in LINES]


# ------------------------------------------------------------------------------------------------------------- segment


def test_segment_writes_labels_and_says_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spinect_core.segmentation.run import RunInfo

    labels = Labels((np.arange(GRID.shape[0] * 56).reshape(GRID.shape) % 3).astype(np.uint8), BODY)
    run = RunInfo("openvino", "cpu", "paper", (32, 64, 64), (20, 40, 40), 1, 8, 2)
    result = SimpleNamespace(labels=labels, run=run, region=Region((0, 0, 0), (1, 1, 1)))
    monkeypatch.setattr(spinect_core.segmentation, "segment", lambda *_, **__: result, raising=False)
    ct = tmp_path / "ct.nii.gz"
    write_volume(Volume(picture(BODY), BODY), ct)
    out = tmp_path / "labels.nrrd"
    assert cli.main(["segment", str(ct), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["engine"] == "openvino"
    assert "segment:" in captured.err
    np.testing.assert_array_equal(read_labels(out).array, labels.array)
    assert cli.main(["segment", str(ct), "--out", str(ct)]) == 7
    error_line(capsys)


def test_segment_says_what_reading_noticed_and_keeps_it_beside_the_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spinect_core.segmentation.run import RunInfo

    labels, out = Labels(np.zeros(GRID.shape, np.uint8), GRID), tmp_path / "labels.nii.gz"
    run = RunInfo("openvino", "cpu", "paper", (32, 64, 64), (20, 40, 40), 1, 8, 2)
    result = SimpleNamespace(labels=labels, run=run, region=Region((0, 0, 0), (1, 1, 1)))
    monkeypatch.setattr(spinect_core.segmentation, "segment", lambda *_, **__: result, raising=False)
    for warnings in (WARNINGS, ()):
        ct = Volume(picture(GRID), GRID, warnings=warnings)
        monkeypatch.setattr("spinect_core.io.reading.read_ct", lambda *_, ct=ct, **__: ct)
        assert cli.main(["segment", "ct", "--out", str(out), "-q"]) == 0
        printed, err = capsys.readouterr()
        told = json.loads(printed)
        assert told["warnings"] == [asdict(each) for each in warnings]
        assert err.splitlines() == [f"spinect: warning: {line}" for line in LINES if warnings]
        assert warnings_of_labels(out) == warnings
        assert (told["warnings_file"] is None) == (not warnings)
    keep_warnings(WARNINGS, out)
    assert cli.main(["evaluate", "--prediction", str(out), "--truth", str(out)]) == 0
    assert capsys.readouterr().err.splitlines() == [f"spinect: warning: {line}" for line in LINES]


# ------------------------------------------------------------------------------------------------------------ evaluate


@pytest.fixture
def two_labels(tmp_path: Path) -> tuple[Path, Path]:
    truth = np.zeros(GRID.shape, np.uint8)
    truth[1:4, 1:5, 1:3] = 1
    truth[4:6, 4:6, 6:8] = 2
    prediction = truth.copy()
    prediction[truth == 2] = 0
    prediction[0, 0, 0] = 1
    write_labels(Labels(prediction, GRID), tmp_path / "p.nii.gz")
    write_labels(Labels(truth, GRID), tmp_path / "t.nii.gz")
    return tmp_path / "p.nii.gz", tmp_path / "t.nii.gz"


def test_evaluate_prints_json(two_labels: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "--prediction", str(two_labels[0]), "--truth", str(two_labels[1])]) == 0
    measures = json.loads(capsys.readouterr().out)
    assert measures["bone"]["dice"] == pytest.approx(2 * 24 / 49)
    assert measures["nerve"]["dice"] == 0


def test_evaluate_in_the_region_of_a_plan(
    two_labels: tuple[Path, Path], plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(plan, tmp_path / "plan.json")
    words = ["evaluate", "--prediction", str(two_labels[0]), "--truth", str(two_labels[1])]
    assert cli.main([*words, "--region-of", str(tmp_path / "plan.json")]) == 0
    measures = json.loads(capsys.readouterr().out)
    assert measures["bone"]["true_voxels"] == 24
    assert measures["nerve"]["true_voxels"] == 0
    assert measures["nerve"]["dice"] is None


def test_cropping_keeps_the_voxels_inside_in_any_orientation() -> None:
    region = Region((-2.4, -3.4, 1.6), (3.4, 0.6, 4.4))
    for axes in (np.eye(3), np.eye(3)[:, [2, 0, 1]] * [1, -1, 1]):
        start = Geometry((11, 12, 13), (1, 1, 1), (0, 0, 0), axes)
        grid = Geometry(start.shape, (1, 1, 1), tuple(-start.centre.round()), axes)
        points = grid.to_patient(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1))
        inside = ((points >= region.minimum) & (points <= region.maximum)).all(axis=-1)
        crop = cropped(Labels(inside.astype(np.uint8), grid), region)
        assert crop.array.all()
        assert crop.array.sum() == inside.sum() > 0
        assert (crop.geometry.to_patient((0, 0, 0)) == points[tuple(np.argwhere(inside)[0])]).all()


# --------------------------------------------------------------------------------------------------------- the others


def test_series_lists_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_volume(Volume(picture(BODY), BODY), tmp_path / "a.nii.gz")
    assert cli.main(["series", str(tmp_path), "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("KEY")
    assert "5 x 4 x 7" in lines[1]
    assert cli.main(["series", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["shape_zyx"] == [6, 7, 8]


def test_series_shows_warnings_and_faults() -> None:
    entry = SimpleNamespace(
        key="k1",
        pictures=3,
        spacing=None,
        kernel="",
        orientation="",
        title="Scout, acquisition 2",
        loadable=False,
        fault=ReadingError("One slice", "Choose another"),
        warnings=("2 files are damaged (a.dcm)", "The scale is missing"),
        findings=(Finding("2 files are damaged", ("a.dcm",)), Finding("The scale is missing", grave=True)),
    )
    lines = table([entry])
    assert lines[1].endswith("Scout, acquisition 2")
    assert "One slice" in lines[2]
    assert lines[3] == "    note: 2 files are damaged (a.dcm)"
    assert lines[4] == "    warning: The scale is missing"


def test_series_that_make_one_volume_are_told_with_the_option_that_joins_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_series(tmp_path / "ct", edit=lambda d, z: setattr(d, "SeriesInstanceUID", f"1.2.3.{z + 1}"))
    assert cli.main(["segment", str(tmp_path), "--out", str(tmp_path / "labels.nii.gz"), "-q"]) == 3
    assert "--join-series" in capsys.readouterr().err
    assert cli.main(["series", str(tmp_path), "-q"]) == 0
    assert "cannot be loaded" in capsys.readouterr().out
    assert cli.main(["series", str(tmp_path), "--join-series", "-q"]) == 0
    out = capsys.readouterr().out
    assert "cannot be loaded" not in out
    assert "joined as asked for" in out


def test_info_tells_what_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opengl = OpenGl(False, fault="no driver")
    monkeypatch.setattr("spinect_core.base.opengl.probe_opengl", lambda: opengl)
    assert cli.main(["info"]) == 0
    text = capsys.readouterr().out
    assert "openvino" in text
    assert "not usable: no driver" in text
    assert cli.main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["numpy"] == np.__version__
    assert "tensorflow" not in sys.modules
    assert info_command.collect().keys() == facts.keys()


# ------------------------------------------------------------------------------------------------ progress and stopping


def test_progress_without_a_terminal_is_sparse(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting.reporting("plan") as progress:
        for patch in range(1001):
            progress(patch / 1000, f"patch {patch}")
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[0].split() == ["plan:", "0%", "patch", "0"]
    assert lines[-1].split() == ["plan:", "100%", "patch", "1000"]


def test_progress_in_a_terminal_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with reporting.reporting("plan") as progress:
        progress(0.5, "patch [1/2]")
    assert capsys.readouterr().out == ""


@pytest.fixture
def interrupting() -> Iterator[None]:
    """Ctrl-C, three tenths of a second from now."""
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    yield
    timer.cancel()


@pytest.mark.usefixtures("interrupting")
@pytest.mark.parametrize("ending", [Cancelled(), SegmentationError("The process ended", "Try again")])
def test_ctrl_c_asks_the_work_to_stop(
    ending: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def working(*_: Any, cancel: threading.Event, **__: Any) -> None:
        deadline = time.monotonic() + 20
        while not cancel.is_set():
            assert time.monotonic() < deadline, "nobody asked to stop"
            time.sleep(0.02)
        raise ending

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(job, "plan_case", working)
    assert cli.main(["plan", "ct", "--out", "o", "-q"]) == 130
    assert "Cancelled" in error_line(capsys)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are a POSIX matter")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_a_closed_terminal_and_a_request_to_end_the_process_give_130(name: str) -> None:
    code = (
        "import sys, time; from spinect_core import cli; from spinect_core.base.progress import check\n"
        "def run(options, cancel):\n"
        "    print('working', flush=True)\n"
        "    while True: check(cancel); time.sleep(0.05)\n"
        "cli.info.run = run\n"
        "sys.exit(cli.main(['info']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "working\n"
        os.kill(child.pid, getattr(signal, name))
        began = time.monotonic()
        _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert time.monotonic() - began < 10
    assert err.strip() == "spinect: error: Cancelled. Start it again when you are ready."


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are a POSIX matter")
def test_what_was_told_to_outlive_its_terminal_does_and_only_ctrl_c_becomes_impatient() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping() as stopping:
            signal.raise_signal(signal.SIGHUP)
            assert not stopping.event.is_set()
            for _ in range(3):  # the terminal and the shell both send one
                signal.raise_signal(signal.SIGTERM)
            assert stopping.event.is_set()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
