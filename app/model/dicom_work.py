"""The open case as DICOM, made in the window's worker thread. No Qt here; heavy imports only when needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.model import libraries
from app.model.report_work import Open, labelled_source_of
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from spinect_core.pipeline.dicom_export import Exported


def export(
    opened: Open, kinds: tuple[str, ...], deidentified: bool, folder: Path, progress: Progress, cancel: Cancel
) -> Exported:
    """Write the open case as DICOM.

    Args:
        opened: the case.
        kinds: what is wanted, by its key.
        deidentified: whether it names nobody.
        folder: that is not there yet.
        progress: receives the part done.
        cancel: looked at throughout.

    Raises:
        SpinectError: there is nothing to write, the CT is not where it was, or the folder cannot be written.
    """
    libraries.load()
    from spinect_core.pipeline.dicom_export import Kind, export_dicom
    from spinect_core.pipeline.report import Anatomy

    case, anatomy = opened.case, None
    if case.segmentation is not None:
        anatomy = Anatomy(case.volume, case.segmentation.labels_1mm, case.surfaces, case.organs)
    return export_dicom(
        labelled_source_of(opened),
        case.source,
        folder,
        [Kind(each) for each in kinds],
        deidentified=deidentified,
        anatomy=anatomy,
        progress=progress,
        cancel=cancel,
    )
