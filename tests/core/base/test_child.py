"""Processes of the program's own: from source a module, frozen the program itself, and no other name than the known."""

import ast
import importlib.util
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spinect_core.base import child
from spinect_core.base.child import CHILDREN, child_command, child_environment, run_if_child, start_child

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As in a program made by PyInstaller; what it tells is whether multiprocessing was asked first."""
    asked: list[str] = []
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/spinect/spinect")
    monkeypatch.setattr(multiprocessing, "freeze_support", lambda: asked.append("freeze_support"))
    return asked


def test_from_source_a_child_is_a_module_for_a_fresh_python() -> None:
    assert child_command("inference", Path("job.json")) == [
        *(sys.executable, "-P", "-m", "spinect_core.segmentation.worker"),
        "job.json",
    ]


def test_frozen_a_child_is_the_program_itself(frozen: list[str]) -> None:
    command = child_command("inference", Path("job.json"))
    assert command == ["/opt/spinect/spinect", "--child", "inference", "job.json"]


def test_no_other_process_can_be_asked_for() -> None:
    with pytest.raises(KeyError):
        child_command("spinect_core.cli")


def test_every_child_has_a_main_that_takes_its_arguments() -> None:
    for module in CHILDREN.values():
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        [main] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
        assert len(main.args.args) == 1, module


def test_processes_are_started_through_the_table_alone() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for package in ("app", "spinect_core")
        for path in (ROOT / package).rglob("*.py")
        if "sys.executable" in path.read_text(encoding="utf-8")
    ]
    assert found == ["spinect_core/base/child.py"]


def test_a_child_finds_this_checkout_before_what_its_parent_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert child_environment()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "elsewhere"]
    assert os.environ["PYTHONPATH"] == "elsewhere"


def test_a_frozen_child_finds_its_packages_in_itself(
    frozen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert "PYTHONPATH" not in child_environment()


def test_other_arguments_are_the_program_s_own(frozen: list[str]) -> None:
    assert run_if_child(["plan", "CT", "--child", "inference"]) is None
    assert run_if_child([]) is None
    assert frozen == ["freeze_support"] * 2


def test_the_child_runs_with_what_follows_its_name(
    frozen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = importlib.import_module(CHILDREN["inference"])
    monkeypatch.setattr(worker, "main", lambda arguments: len(arguments) + 40)
    assert run_if_child(["--child", "inference", "job.json", "--child"]) == 42
    assert frozen == ["freeze_support"]


@pytest.mark.parametrize("name", ["spinect_core.cli", "os", "", "spinect_core.segmentation.worker"])
def test_an_unknown_child_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(child, "import_module", lambda module: pytest.fail(f"imported {module}"))
    assert run_if_child(["--child", name]) == 2
    assert repr(name) in capsys.readouterr().err
    assert run_if_child(["--child"]) == 2


@pytest.mark.parametrize("start", [["-m", "spinect_core"], ["main.py"]])
def test_every_entry_point_becomes_the_child_it_is_called_as(start: list[str]) -> None:
    command = [sys.executable, *start, "--child", "rendering"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert '"works"' in done.stdout.splitlines()[-1]
    refused = subprocess.run([*command[:-1], "else"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "There is no child process 'else'" in refused.stderr


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="reads the priority of each thread from /proc"
)
def test_every_thread_of_a_child_is_below_the_window() -> None:
    process = start_child("surfaces")
    try:
        threads = Path(f"/proc/{process.pid}/task")
        # Its libraries start threads of their own while it loads.
        until = time.monotonic() + 20
        while len(list(threads.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        below = {os.getpriority(os.PRIO_PROCESS, int(thread.name)) for thread in threads.iterdir()}
    finally:
        process.kill()
        process.communicate()
    assert below == {min(os.getpriority(os.PRIO_PROCESS, 0) + child.NICER, 19)}


def test_children_multiply_matrices_in_one_thread_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert child_environment()["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert child_environment()["OPENBLAS_NUM_THREADS"] == "3"
