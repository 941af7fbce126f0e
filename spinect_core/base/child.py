"""Processes of the program's own: the command that starts one, and what a frozen program does with that command.

Work that may take its process down, or that has to end at once when asked to, runs in a process of its own. From source
that is a fresh Python given a module. A frozen program (made by PyInstaller) holds no Python that takes a module; there
it is the program itself, called with ``--child NAME``. Only the names of `CHILDREN` are taken.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from spinect_core.base.blas import multiply_in_one_thread
from spinect_core.base.errors import UsageError
from spinect_core.base.own_folders import keep_to_own_folders

FLAG = "--child"
NICER = 5
"""By how much the priority of a process that works is below that of the one that started it."""
CHILDREN: Mapping[str, str] = {
    "inference": "spinect_core.segmentation.worker",
    "planning": "spinect_core.pipeline.planning_worker",
    "reading": "spinect_core.io.native_worker",
    "serving": "spinect_core.pipeline.serving_worker",
    "rendering": "spinect_core.base.opengl",
    "surfaces": "spinect_core.surfaces.worker",
    "teaching": "spinect_core.teaching.worker",
    "window-opengl": "app.gl_probe",
}
"""Modules whose ``main(arguments)`` is a process of its own, by name. Text, so that nothing is imported for it."""

_ROOT = Path(__file__).resolve().parents[2]


def is_frozen() -> bool:
    """Whether the program was frozen into a folder that holds no Python to call."""
    return bool(getattr(sys, "frozen", False))


def child_command(name: str, *arguments: str | os.PathLike[str]) -> list[str]:
    """The command that starts a process of the program's own.

    Args:
        name: a key of `CHILDREN`.
        arguments: what its ``main`` gets.

    Raises:
        KeyError: there is no such process.
    """
    module = CHILDREN[name]
    words = [os.fspath(argument) for argument in arguments]
    if is_frozen():
        return [sys.executable, FLAG, name, *words]
    # -P: files beside the user's CT that are named like our modules are none of them.
    return [sys.executable, "-P", "-m", module, *words]


def child_environment() -> dict[str, str]:
    """A copy of this process's environment in which a child finds the same packages and leaves nothing behind."""
    environment = dict(os.environ)
    keep_to_own_folders(environment)
    multiply_in_one_thread(environment)
    # A checkout is not where a fresh Python looks; a frozen program looks nowhere else than in itself.
    if not is_frozen() and _ROOT.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), environment.get("PYTHONPATH")]))
    return environment


def start_child(
    name: str,
    *arguments: str | os.PathLike[str],
    stdin: int | IO[bytes] = subprocess.PIPE,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process of the program's own that works, below the priority of the window that has to answer.

    Args:
        name: a key of `CHILDREN`.
        arguments: what its ``main`` gets.
        stdin: as for `subprocess.Popen`, like the other two.
        stdout: its standard output.
        stderr: its error stream.
        environment: by default `child_environment`.

    Raises:
        KeyError: there is no such process.
        OSError: it could not be started.
    """
    process = subprocess.Popen(
        child_command(name, *arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=child_environment() if environment is None else environment,
        # Both names are of Windows alone.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
        | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )
    if hasattr(os, "setpriority"):
        # From here and at once: it has no thread yet that would keep its own priority.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
    return process


def run_if_child(arguments: Sequence[str]) -> int | None:
    """Be the child that a frozen program was started as; the first thing that every entry point does.

    Args:
        arguments: the words after the program's name.

    Returns:
        The child's exit code, that of a `UsageError` if no child has this name; None if none is asked for.
    """
    if is_frozen():
        # The workers of multiprocessing come back to the entry point too, and do not return from here.
        from multiprocessing import freeze_support

        freeze_support()
    if not arguments or arguments[0] != FLAG:
        return None
    name = arguments[1] if len(arguments) > 1 else ""
    if name not in CHILDREN:
        error = UsageError(
            f"There is no child process {name!r}", "Start the program without it; it starts its own", FLAG
        )
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    return int(import_module(CHILDREN[name]).main(list(arguments[2:])))
