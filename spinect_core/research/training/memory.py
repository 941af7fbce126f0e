"""Memory of a training step that stays with the process for the next one."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Numbers of M_TRIM_THRESHOLD and M_MMAP_MAX in glibc's malloc.h."""


def keep_freed_memory() -> bool:
    """Let the process keep what it frees instead of giving it back to the system.

    Each step asks for the same gigabytes again, and a fifth of its time on a CPU went into the system's handing out
    of empty pages (docs/training.md).

    Returns:
        Whether it could be had: on Linux with glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))
