"""The calibration holds for its own weights and mode, and is refused where it is damaged."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from spinect_core.base.errors import InstallationError
from spinect_core.segmentation import calibration as module
from spinect_core.segmentation.calibration import (
    Calibration,
    Widening,
    calibration_for,
    read_calibration,
    write_calibration,
)

RISING = tuple(percent / 100 for percent in range(101))
LOWER = tuple((percent / 100) ** 2 for percent in range(101))
MADE = Calibration("abc", "thorough", RISING, LOWER, Widening(1, 0.1, 0.2, 9), Widening(3, 0.3, 0.4, 4))


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "calibration.json"
    write_calibration(MADE, {"cases": {"fit": ["a"]}}, path)
    monkeypatch.setattr(module, "asset", lambda name: path)
    return path


def test_it_comes_back_as_it_was_made(stored: Path) -> None:
    assert read_calibration(stored) == MADE
    assert json.loads(stored.read_text())["measured"] == {"cases": {"fit": ["a"]}}


def test_what_was_not_measured_is_not_there(stored: Path) -> None:
    write_calibration(replace(MADE, coarse=None), {}, stored)
    assert read_calibration(stored).coarse is None


@pytest.mark.parametrize(
    ("run", "holds"),
    [
        ({"weights_sha256": "abc", "mode": "thorough"}, True),
        ({"weights_sha256": "abd", "mode": "thorough"}, False),
        ({"weights_sha256": "abc", "mode": "fast"}, False),
        ({}, False),
    ],
)
def test_nothing_is_claimed_of_other_weights_or_another_mode(
    stored: Path, run: dict[str, str], holds: bool
) -> None:
    assert calibration_for(run) == (MADE if holds else None)


def test_each_tissue_has_its_own_frequencies() -> None:
    percent = np.array([[[0, 50, 100]]], np.uint8)
    assert MADE.frequencies(percent, 1).ravel() == pytest.approx([0, 0.5, 1])
    assert MADE.frequencies(percent, 2).ravel() == pytest.approx([0, 0.25, 1])


@pytest.mark.parametrize(
    "change",
    [
        {"bone": list(RISING[::-1])},
        {"nerve": list(RISING[:100])},
        {"nerve": [2 * each for each in RISING]},
        {"nerve": [None, *RISING[1:]]},
        {"nerve": ["0", *RISING[1:]]},
        {"fine": {}},
        *({"fine": {**asdict(MADE.fine), "area_mm2": bad}} for bad in ("1", None, -1.0, 1e7, True)),
        {"coarse": 3},
    ],
)
def test_a_damaged_one_is_refused(stored: Path, change: dict[str, object]) -> None:
    stored.write_text(json.dumps({**MADE.to_dict(), **change}))
    with pytest.raises(InstallationError, match="calibration"):
        read_calibration(stored)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "{}"])
def test_of_a_damaged_one_nothing_is_claimed_and_nothing_is_lost(stored: Path, text: str) -> None:
    stored.write_text(text)
    assert calibration_for({"weights_sha256": "abc", "mode": "thorough"}) is None


def test_without_the_file_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise InstallationError("This file did not come with the program", "Install it again", name)

    monkeypatch.setattr(module, "asset", missing)
    assert calibration_for({"weights_sha256": "abc", "mode": "thorough"}) is None
