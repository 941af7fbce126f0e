"""The log lies where each system keeps such files."""

from pathlib import Path

import platformdirs
import pytest

from spinect_core.cli import log


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
    for word in ("first", "second"):
        path = log.write_log(ValueError(word))
    assert path == tmp_path / "logs" / "spinect.log"
    assert "ValueError: first" in path.read_text(encoding="utf-8")
    path.write_bytes(b"x" * (log.LARGEST_LOG + 1))
    log.write_log(ValueError("third"))
    text = path.read_text(encoding="utf-8")
    assert "ValueError: third" in text
    assert len(text) < log.LARGEST_LOG
