"""The report of the open case, made in the window's worker thread. No Qt here; heavy imports only when needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.model import libraries
from app.model.case import Case, Measurement
from app.model.plan_files import make_plan
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.base.words import Side
from spinect_core.report.paper import Paper

if TYPE_CHECKING:
    from spinect_core.pipeline.report import Report, Source
    from spinect_core.plan.plan import Plan
    from spinect_core.plan.records import Planning
    from spinect_core.report.content import Stored

SOME_TIME = "2000-01-01T00:00:00+00:00"
_first_asked: dict[str, str] = {}
"""When the content of a plan was asked for first, by its checksum."""


@dataclass(frozen=True, eq=False)
class Open:
    """The open case as it was when the report was asked for.

    Attributes:
        case: what is open.
        measurements: of it.
        planning: its records.
        stored: the file that holds all of this, as it was read or written; None for none.
    """

    case: Case
    measurements: tuple[Measurement, ...]
    planning: Planning
    stored: Stored | None = None


@dataclass(frozen=True)
class ReportWish:
    """What the user wants to have on paper.

    Attributes:
        side: None for every side of the plan.
        zone: key of the trajectory; empty for the recommended one of each side.
        paper: to print on.
        patient: whether the patient is named.
    """

    side: Side | None = None
    zone: str = ""
    paper: Paper = Paper.A4
    patient: bool = False


def write_report(opened: Open, wish: ReportWish, path: Path, progress: Progress, cancel: Cancel) -> Report:
    """Write the report as PDF.

    Raises:
        SpinectError: there is nothing to report, the CT names nobody or is not there any more, or the file cannot be
            written.
    """
    libraries.load()
    from spinect_core.pipeline.report import Anatomy, make_report, patient_of

    case, source = opened.case, source_of(opened)
    patient = None
    if wish.patient:
        reading = part_of(progress, 0.0, 0.5)
        patient = patient_of(case.source, source.plan, progress=reading, cancel=cancel)
    anatomy = None
    if case.segmentation is not None:
        anatomy = Anatomy(case.volume, case.segmentation.labels_1mm, case.surfaces, case.organs)
    report = make_report(
        source,
        side=wish.side,
        zone=wish.zone,
        patient=patient,
        anatomy=anatomy,
        progress=part_of(progress, 0.5 if wish.patient else 0.0, 1.0),
        cancel=cancel,
    )
    report.write_pdf(path, wish.paper)
    return report


def report_text(opened: Open, zone: str, progress: Progress, cancel: Cancel) -> str:
    """The report as plain text, which names nobody.

    Args:
        opened: the case.
        zone: key of the trajectory; empty for the recommended one of each side.
        progress: receives the part done.
        cancel: looked at between the pages.
    """
    from spinect_core.pipeline.report import make_report

    return make_report(source_of(opened), zone=zone, progress=progress, cancel=cancel).text


def source_of(opened: Open) -> Source:
    """The open case as what reports and exports are made of."""
    from spinect_core.pipeline.report import Source, stored_nowhere

    plan = make_plan(opened.case, opened.measurements, opened.planning)
    if opened.case.plan is None:
        plan = _of_one_time(plan)
    return Source(plan, opened.case.files, None, opened.stored or stored_nowhere(plan))


def labelled_source_of(opened: Open) -> Source:
    """The open case as :func:`source_of` gives it, with its labels where there are any."""
    from spinect_core.plan.document import Document, naming_only

    source, kept = source_of(opened), opened.case.segmentation
    if kept is None:
        return source
    plan = naming_only(source.plan, source.files)
    document = Document(plan, kept.labels_1mm, kept.labels_on_ct, source.files)
    return replace(source, labels=kept.labels_1mm, document=document)


def _of_one_time(plan: Plan) -> Plan:
    """A plan that is in no file, of the time when this content was asked for first: it gives the same objects."""
    from spinect_core.pipeline.report import stored_nowhere

    content = stored_nowhere(plan.replaced(created=SOME_TIME)).checksum
    return plan.replaced(created=_first_asked.setdefault(content, plan.created))
