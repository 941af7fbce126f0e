"""The open case for other programs, made in the window's worker thread. No Qt here; heavy imports only when needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.model import libraries
from app.model.report_work import Open, labelled_source_of
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from spinect_core.pipeline.exchange import Exchanged


def export(opened: Open, path: Path, progress: Progress, cancel: Cancel) -> Exchanged:
    """Write the open case for another program.

    Args:
        opened: the case.
        path: its ending says for which.
        progress: receives the part done.
        cancel: looked at throughout.

    Raises:
        SpinectError: there is nothing to write, or the file cannot be written.
    """
    libraries.load()
    from spinect_core.pipeline.exchange import export_plan

    case = opened.case
    return export_plan(
        labelled_source_of(opened),
        path,
        volume=case.volume,
        surfaces=case.surfaces,
        progress=progress,
        cancel=cancel,
    )
