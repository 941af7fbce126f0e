"""Where an unexpected fault is written down: on this computer alone, without the command that led to it."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

LOG_NAME = "spinect.log"
LARGEST_LOG = 1_000_000


def log_folder() -> Path:
    """The user's folder for logs, where the system wants it."""
    # Not at the top: only a fault needs it.
    import platformdirs

    if sys.platform in ("win32", "darwin"):
        return platformdirs.user_log_path("SPINECT Planner", appauthor=False)
    return platformdirs.user_state_path("spinect-planner")


def write_log(error: BaseException) -> Path | None:
    """Add a fault with its traceback and all versions to the log.

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
        trace = "".join(traceback.format_exception(error))
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"--- {moment}\n{versions}\n{trace}\n")
    except (OSError, RuntimeError):
        return None
    return path
