"""Programs of others that check and show DICOM, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

validator = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian package dicom3tools)"
)
renderer = pytest.mark.skipif(
    shutil.which("dcm2pnm") is None, reason="dcm2pnm is not installed (Debian package dcmtk)"
)


def faults(file: Path) -> list[str]:
    """What dciodvfy calls an error."""
    ran = subprocess.run(["dciodvfy", "-new", str(file)], capture_output=True, check=False, timeout=60)
    lines = (ran.stdout + ran.stderr).decode("utf-8", "replace").splitlines()
    assert lines, "it says at least which kind of object it is"
    return [line for line in lines if line.startswith("Error")]
