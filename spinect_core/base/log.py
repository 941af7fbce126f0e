"""Where an unexpected fault is written down: on this computer alone, without the command that led to it.

The message of a fault may quote a path, a header or a name, and so tell of a patient. It is shown once, where the fault
happened; what is written down is the kind of every fault in the chain and the places in the code, no values.
"""

from __future__ import annotations

import site
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

LOG_NAME = "spinect.log"
LARGEST_LOG = 1_000_000
LEFT_OUT = "(its message is left out, as it may tell of a patient)"
MOST_FAULTS = 20
"""Of one chain: faults may be each other's cause in a circle."""
_ROOT = Path(__file__).resolve().parents[2]


def log_folder() -> Path:
    """The user's folder for logs, where the system wants it."""
    # Not at the top: only a fault needs it.
    import platformdirs

    if sys.platform in ("win32", "darwin"):
        return platformdirs.user_log_path("SPINECT Planner", appauthor=False)
    return platformdirs.user_state_path("spinect-planner")


def write_log(error: BaseException) -> Path | None:
    """Add a fault to the log: its kind, where in the code it happened, and all versions, but no message and no value.

    Returns:
        The log, or None if it cannot be written.
    """
    # Not at the top: it costs a third of the time that `spinect --help` takes.
    from spinect_core.base.versions import installed_versions

    try:
        path = log_folder() / LOG_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.unlink()
        versions = ", ".join(f"{name} {version}" for name, version in installed_versions().items())
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        trace = "\n".join(described(error))
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"--- {moment}\n{versions}\nTraceback:\n{trace}\n")
    except (OSError, RuntimeError):
        return None
    return path


def described(error: BaseException) -> Iterator[str]:
    """Kinds and places of a fault and of those it came from, a line each, with nothing that a file or a user put in."""
    waiting: list[tuple[str, BaseException]] = [("", error)]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_FAULTS:
        why, each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        number = f" [errno {each.errno}]" if isinstance(each, OSError) and each.errno is not None else ""
        yield f"{why}{type(each).__module__}.{type(each).__qualname__}{number} {LEFT_OUT}"
        for frame in traceback.extract_tb(each.__traceback__):
            yield f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"
            if frame.line:
                yield f"    {frame.line}"
        if each.__cause__ is not None:
            waiting.append(("caused by ", each.__cause__))
        elif each.__context__ is not None and not each.__suppress_context__:
            waiting.append(("while handling ", each.__context__))
        if isinstance(each, BaseExceptionGroup):
            waiting += [("one of them ", inner) for inner in each.exceptions]


def _place(file: str) -> str:
    """A module's file, from its package on: the folders above it are the user's, and may be named after anybody."""
    path = Path(file)
    packages = [*site.getsitepackages(), site.getusersitepackages(), *sysconfig.get_paths().values()]
    # The innermost comes first: the packages lie inside Python's own folder.
    for root in sorted({_ROOT, *map(Path, packages)}, key=lambda each: -len(each.parts)):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name
