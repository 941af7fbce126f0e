"""The open case as DICOM, made in the window's worker thread. No Qt here; heavy imports only when needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.model import libraries
from app.model.report_work import Open, source_of
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
    from spinect_core.plan.document import Document, naming_only

    case, source = opened.case, source_of(opened)
    anatomy, kept = None, case.segmentation
    if kept is not None:
        anatomy = Anatomy(case.volume, kept.labels_1mm, case.surfaces, case.organs)
        plan = naming_only(source.plan, source.files)
        document = Document(plan, kept.labels_1mm, kept.labels_on_ct, source.files)
        source = replace(source, labels=kept.labels_1mm, document=document)
    return export_dicom(
        source,
        case.source,
        folder,
        [Kind(each) for each in kinds],
        deidentified=deidentified,
        anatomy=anatomy,
        progress=progress,
        cancel=cancel,
    )
