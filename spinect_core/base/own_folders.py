"""What libraries would leave in the user's home goes into this program's own cache, or is not written at all.

It holds compiled shaders and a list of the computer's fonts: nothing of a patient, and nothing that is missed when it
is deleted. A variable that the user has set is left as it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from spinect_core.base.files import is_own_folder

KEPT = ("MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH", "CUDA_CACHE_PATH")
"""Where Mesa, NVIDIA's OpenGL and CUDA keep what they have compiled."""
KERAS_HOME = os.devnull
"""Keras writes a file of settings into its home and obeys one that it finds there, which could give other labels. In a
folder that cannot be made it does neither."""

PRIVATE = 0o700
"""Permissions of a folder of the user's alone."""


def cache_folder() -> Path:
    """This program's folder in the user's cache, where the system wants it."""
    # Not at the top: `spinect --help` needs none.
    import platformdirs

    if sys.platform in ("win32", "darwin"):
        return platformdirs.user_cache_path("SPINECT Planner", appauthor=False)
    return platformdirs.user_cache_path("spinect-planner")


def state_folder() -> Path:
    """This program's folder in the user's for the state of programs, where the system wants it."""
    import platformdirs

    if sys.platform in ("win32", "darwin"):
        return platformdirs.user_state_path("SPINECT Planner", appauthor=False)
    return platformdirs.user_state_path("spinect-planner")


def recovery_folder() -> Path:
    """Where the window keeps unsaved work until it is saved."""
    return state_folder() / "recovery"


def outbox_folder() -> Path:
    """Where what is to be sent to an archive waits."""
    return state_folder() / "outbox"


def recent_folder() -> Path:
    """Where the window keeps small pictures of the plans opened or saved last."""
    return state_folder() / "recent"


def make_private(folder: Path) -> None:
    """Make a folder that nobody but the user may read; one that is there is closed to others.

    Raises:
        OSError: it cannot be made, or a link or something else has its name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=PRIVATE)
    if not is_own_folder(folder):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    folder.chmod(PRIVATE)


def keep_to_own_folders(environment: MutableMapping[str, str] | None = None) -> None:
    """Name the program's own folder to every library that keeps something, before any of them is loaded.

    Args:
        environment: what the libraries will read; that of this process if None.
    """
    environment = os.environ if environment is None else environment
    environment["KERAS_HOME"] = KERAS_HOME
    try:
        folder = cache_folder()
    except (OSError, RuntimeError):  # a system without a home
        return
    with contextlib.suppress(OSError):
        # Mesa makes one folder, and not those above it.
        folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        environment.setdefault(name, str(folder))
    environment.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
