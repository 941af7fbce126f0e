"""How much memory this process has needed."""

from __future__ import annotations

import sys
from pathlib import Path

_seen_mb = 0.0


def peak_memory_mb() -> float:
    """The largest resident memory of this process, in MB (10^6 bytes).

    Since its start on Linux and Windows; on macOS the largest that any call of this function has seen.
    """
    global _seen_mb
    if sys.platform == "linux":
        # Not getrusage: there a child inherits the peak of the process that started it.
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import psutil

    memory = psutil.Process().memory_info()
    _seen_mb = max(_seen_mb, float(getattr(memory, "peak_wset", memory.rss)) / 1e6)
    return _seen_mb
