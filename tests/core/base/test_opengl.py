"""Whether this computer renders: an answer in every case, never a crash."""

import sys

import pytest

from spinect_core.base.opengl import probe_opengl


def test_this_computer_answers() -> None:
    answer = probe_opengl()
    assert answer.works or answer.fault
    if answer.works:
        assert answer.version


def test_a_driver_that_hangs_is_no_driver() -> None:
    answer = probe_opengl(timeout_s=0.01)
    assert not answer.works
    assert "no picture within" in answer.fault


def test_a_process_that_cannot_start_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    answer = probe_opengl()
    assert not answer.works
    assert "could be started" in answer.fault


@pytest.mark.skipif(sys.platform == "win32", reason="needs a program that only fails")
def test_a_process_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    answer = probe_opengl()
    assert not answer.works
    assert "exit code 1" in answer.fault
