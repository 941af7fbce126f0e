"""The log lies where each system keeps such files."""

from pathlib import Path
from typing import Any

import platformdirs
import pytest

from spinect_core.base import log


def test_on_linux_it_lies_in_the_folder_for_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unix = pytest.importorskip("platformdirs.unix")
    monkeypatch.setattr(log.sys, "platform", "linux")
    monkeypatch.setattr(platformdirs, "PlatformDirs", unix.Unix)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert log.log_folder() == tmp_path / "state" / "spinect-planner"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert log.log_folder() == tmp_path / ".local" / "state" / "spinect-planner"


def test_on_a_mac_it_lies_in_library_logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mac = pytest.importorskip("platformdirs.macos")
    monkeypatch.setattr(log.sys, "platform", "darwin")
    monkeypatch.setattr(platformdirs, "PlatformDirs", mac.MacOS)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert log.log_folder() == tmp_path / "Library" / "Logs" / "SPINECT Planner"


def test_on_windows_it_lies_in_local_application_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windows = pytest.importorskip("platformdirs.windows")
    monkeypatch.setattr(log.sys, "platform", "win32")
    monkeypatch.setattr(platformdirs, "PlatformDirs", windows.Windows)
    monkeypatch.setattr(windows, "get_win_folder", lambda _name: str(tmp_path / "Local"))
    assert log.log_folder() == tmp_path / "Local" / "SPINECT Planner" / "Logs"


def test_a_fault_is_added_and_a_log_grown_large_begins_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(log, "log_folder", lambda: tmp_path / "logs")
    for fault in (ValueError("first"), LookupError("second")):
        path = log.write_log(fault)
    assert path == tmp_path / "logs" / "spinect.log"
    assert "builtins.ValueError" in path.read_text(encoding="utf-8")
    assert "builtins.LookupError" in path.read_text(encoding="utf-8")
    path.write_bytes(b"x" * (log.LARGEST_LOG + 1))
    log.write_log(ArithmeticError("third"))
    text = path.read_text(encoding="utf-8")
    assert "builtins.ArithmeticError" in text
    assert len(text) < log.LARGEST_LOG


def test_a_fault_is_written_down_without_what_it_says(tmp_path: Path) -> None:
    """A message quotes paths, headers and names; so do those of the faults it came from."""
    name = "Mustermann^Erika"
    folder = tmp_path / name
    folder.mkdir()
    script = folder / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "def read(where):\n"
        "    try:\n"
        "        Path(where).read_text()\n"
        "    except OSError as error:\n"
        "        try:\n"
        "            raise KeyError(where) from error\n"
        "        except KeyError:\n"
        "            raise ExceptionGroup(where, [ValueError(where), RuntimeError(where)])\n"
    )
    space: dict[str, Any] = {}
    exec(compile(script.read_text(), str(script), "exec"), space)
    with pytest.raises(ExceptionGroup) as caught:
        space["read"](f"{folder}/none")
    text = "\n".join(log.described(caught.value))
    assert "Mustermann" not in text
    assert str(tmp_path) not in text
    for part in (
        "ExceptionGroup",
        "while handling builtins.KeyError",
        "caused by builtins.FileNotFoundError [errno 2]",
        "one of them builtins.ValueError",
        "script.py:9 in read",
        "pathlib.py",
    ):
        assert part in text


def test_faults_that_are_each_others_cause_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert len(list(log.described(first))) == 2
