"""A real locale whose decimal sign is a comma, for tests that run a process in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = "de_DE.UTF-8"
SHOW = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"


def comma_environment(folder: Path) -> dict[str, str]:
    """Variables that give a process a comma, from the system's locales or from one compiled into a folder.

    Skips the test where neither can be had, which may not happen where the tests of a change run on Linux.
    """
    environment = {
        **os.environ,
        "LC_ALL": NAME,
        "LANG": NAME,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    environment.pop("LC_NUMERIC", None)
    if _decimal_sign(environment) == ",":
        return environment
    if shutil.which("localedef"):
        subprocess.run(
            ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / NAME)], check=False, capture_output=True
        )
        environment["LOCPATH"] = str(folder)
        if _decimal_sign(environment) == ",":
            return environment
    if os.environ.get("CI") and sys.platform == "linux":
        pytest.fail("Debian's package locales is missing; scripts/setup.sh installs it")
    pytest.skip("no locale with a decimal comma (Debian's package locales)")


def run_with_comma(code: str, folder: Path, *arguments: str | os.PathLike[str]) -> str:
    """What some Python code prints in a process whose C library writes a comma; an error is the test's."""
    environment = comma_environment(folder)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(os.fspath, arguments)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _decimal_sign(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
