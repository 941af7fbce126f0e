"""Where the files that come with the program lie: in the checkout's assets or in the package."""

from __future__ import annotations

from pathlib import Path

from spinect_core.base.errors import InstallationError

_PACKAGE = Path(__file__).resolve().parents[1]

# The wheel carries the folder inside the package, a source checkout has it beside the package.
FOLDERS = (_PACKAGE / "_assets", _PACKAGE.parent / "assets")


def asset(name: str) -> Path:
    """The path of a file or folder that comes with the program.

    Args:
        name: path below the assets folder, with forward slashes, such as ``spinect.weights.safetensors``.

    Raises:
        InstallationError: no such file came with this installation.
    """
    for folder in FOLDERS:
        path = folder / name
        if path.exists():
            return path
    raise InstallationError("This file did not come with the program", "Install SPINECT Planner again", name)
