"""Loads what a case needs, away from the window's thread: there, an import is a window that does not answer."""

from __future__ import annotations

import gc
import sys
import threading

loading = threading.RLock()
"""Held by the thread that loads: a case is not handed to the window before that is done."""


def load() -> None:
    """Import what opening, planning, saving and showing a case come to need; at once where that was done before."""
    with loading:
        before = len(sys.modules)
        _load()
        if not gc.isenabled() and len(sys.modules) > before:
            gc.freeze()  # see app.model.garbage


def _load() -> None:
    import spinect_core.anatomy.tracing
    import spinect_core.image.editing
    import spinect_core.io.reading
    import spinect_core.pictures
    import spinect_core.pictures.needle_plane
    import spinect_core.pipeline.comparing
    import spinect_core.pipeline.planner
    import spinect_core.pipeline.rechecking
    import spinect_core.pipeline.replanning
    import spinect_core.plan.build
    import spinect_core.plan.document
    import spinect_core.planning.search.map_csv
    import spinect_core.preprocessing
    import spinect_core.segmentation
    import spinect_core.surfaces  # noqa: F401
