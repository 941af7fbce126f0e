"""What all tests of archives share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def alone(no_keyring: None) -> None:
    """No keyring but that of a test."""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "fetched"
    folder.mkdir()
    return folder
