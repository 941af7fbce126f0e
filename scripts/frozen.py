"""The start of a frozen program: the window or the command line, whichever it is called."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    if Path(sys.executable).stem == "spinect-planner":
        from app.main import main
    else:
        from spinect_core.cli import main
    raise SystemExit(main())
