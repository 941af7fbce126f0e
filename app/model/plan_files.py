"""Plans and documents on disk: what the window writes, and a case made of what it reads.

No Qt here, and the heavy imports only when they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.model import libraries
from app.model.case import Case, CaseLabels, Run, triangles_of
from app.model.kept_maps import read_maps
from spinect_core.base.errors import PlanError
from spinect_core.base.progress import Cancel, Progress, check, part_of
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS

if TYPE_CHECKING:
    from app.model.case import Drawn, Measurement
    from spinect_core.image.volume import Volume
    from spinect_core.plan.document import Document
    from spinect_core.plan.plan import Case as Facts
    from spinect_core.plan.plan import Plan, PlanView
    from spinect_core.plan.records import Planning
    from spinect_core.planning.results import CasePlan
    from spinect_core.report.content import Stored

_Kind = TypeVar("_Kind", Triangle, Figure)
DOCUMENT_SUFFIX = ".spinect"
PLAN_SUFFIX = ".json"
SUFFIXES = (DOCUMENT_SUFFIX, PLAN_SUFFIX)
SAME_VIEW_DEGREES = 0.05


@dataclass(frozen=True, eq=False)
class Opened:
    """A plan from disk with all that the views need.

    Attributes:
        case: what was made of it, with the CT if that was open and is the plan's.
        plan: as it was read.
        names: of what it holds of measurements, "" for the usual ones.
        same_ct: whether the CT that was open is the plan's; None if none was.
    """

    case: Case
    plan: Plan
    names: list[str]
    same_ct: bool | None

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Its measurements."""
        return (*self.plan.triangles, *(each.figure for each in self.plan.figures))

    @property
    def repeats(self) -> tuple[tuple[Drawn, ...], ...]:
        """Of each of them, in the same order."""
        found = {each.triangle: each.repeats for each in self.plan.repeats}
        triangles = [found.get(number, ()) for number in range(len(self.plan.triangles))]
        return (*triangles, *(each.repeats for each in self.plan.figures))


def is_plan(path: Path) -> bool:
    """Whether a file's name is that of a plan or a document."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def with_suffix(path: Path) -> Path:
    """The path of a plan to write: a document, unless it ends as a plan does."""
    return path if path.suffix.lower() in SUFFIXES else path.with_name(f"{path.name}{DOCUMENT_SUFFIX}")


def facts_of(case: Case) -> Facts:
    """What a plan says about the case's CT; its checksum takes a moment the first time."""
    from spinect_core.plan.plan import Case as Facts

    if case.facts is None:
        assert case.volume is not None  # without a CT the facts come from the plan
        case.facts = Facts.of(case.volume)
    return case.facts


def snapshot(case: Case) -> Case:
    """The case as it is now, for a thread that writes it: its labels may be corrected meanwhile."""
    return replace(case)


def save(
    case: Case,
    measurements: tuple[Measurement, ...],
    planning: Planning,
    path: Path,
    found: CasePlan | None = None,
) -> Stored | None:
    """Write a case as a document, or, where the path ends in .json, as a plan alone.

    Args:
        case: what is open.
        measurements: of it.
        planning: its records.
        path: where to.
        found: what was computed for these records, whose angle maps a document keeps; None where nothing was.

    Returns:
        The file that was written; None where it cannot be read again.

    Raises:
        OutputError: the file cannot be written.
    """
    from spinect_core.plan.document import naming_only, paths_of, write_document
    from spinect_core.plan.folder import are_beside
    from spinect_core.plan.plan import write_plan

    if path.suffix.lower() == PLAN_SUFFIX:
        plan = make_plan(case, measurements, planning)
        # files that lie beside the plan stay named in it; what was inside a document does not come along
        write_plan(naming_only(plan, are_beside(path.parent, paths_of(plan))), path)
    else:
        write_document(make_document(case, measurements, planning, found), path)
    return _stored(path)


def make_document(
    case: Case,
    measurements: tuple[Measurement, ...],
    planning: Planning,
    found: CasePlan | None = None,
) -> Document:
    """All of a case that its file holds: plan, labels, pictures and angle maps; the arguments as for :func:`save`."""
    from spinect_core.plan.document import Document, naming_only, paths_of
    from spinect_core.plan.kept_corrections import MEMBER, pack_corrections

    planning, maps = _with_maps(planning, found, case)
    plan = make_plan(case, measurements, planning)
    kept = case.segmentation
    labels, crop = (None, None) if kept is None else (kept.labels_1mm, kept.labels_on_ct)
    gone = set() if case.plan is None else paths_of(case.plan) - paths_of(plan)
    files = {name: content for name, content in case.files.items() if name not in gone} | maps
    if kept is not None and (kept.unread or kept.steps):
        files[MEMBER] = kept.unread or pack_corrections(kept.steps)
    likely = None if kept is None else kept.probabilities
    return Document(naming_only(plan, files), labels, crop, files, case.extras, likely)


def _stored(path: Path) -> Stored | None:
    """A file as it is now; None where it cannot be read."""
    from spinect_core.pipeline.report import stored_as

    try:
        return stored_as(path)
    except PlanError:
        return None


def _with_maps(planning: Planning, found: CasePlan | None, case: Case) -> tuple[Planning, dict[str, bytes]]:
    """The records with the names of their angle maps, and these."""
    from spinect_core.plan.build import key_of
    from spinect_core.planning.search.map_csv import angle_map_csv, map_name

    if found is None:
        return planning, {}
    names = {key_of(each.zone): map_name(each.zone) for each in found.approaches}
    warnings = case.warnings
    maps = {map_name(each.zone): angle_map_csv(each.search, warnings).encode() for each in found.approaches}
    searches = tuple(each.replaced(map=names.get(each.zone, each.map)) for each in planning.searches)
    return planning.replaced(searches=searches), maps


def make_plan(case: Case, measurements: tuple[Measurement, ...], planning: Planning) -> Plan:
    """The plan of a case: no patient data, the CT recognised by its checksum."""
    from spinect_core.plan.label_wording import with_correction_note
    from spinect_core.plan.plan import Plan, RepeatsRecord
    from spinect_core.plan.records import FigureRecord

    facts = facts_of(case).with_warnings(case.warnings)
    before = case.plan or Plan(case=facts)
    run = None if case.segmentation is None else case.segmentation.run
    record = before.run if run is None else run.record
    return before.replaced(
        case=facts,
        region=case.region,
        run=record,
        timings=case.timings,
        # one view for each triangle, which also carries the name the user gave it
        views=(*_views(measurements, before), *case.other_views),
        triangles=triangles_of(measurements),
        repeats=tuple(
            RepeatsRecord(triangle=number, repeats=_only(Triangle, each.repeats))
            for number, each in enumerate(each for each in measurements if isinstance(each.drawn, Triangle))
            if each.repeats
        ),
        figures=tuple(
            FigureRecord(name=each.name, figure=each.drawn, repeats=_only(Figure, each.repeats))
            for each in measurements
            if isinstance(each.drawn, Figure)
        ),
        planning=planning,
        notes=with_correction_note(case.notes, record),
        files={**before.files, **case.report_files},
    )


def open_plan(path: Path, current: Case | None, progress: Progress, cancel: Cancel) -> Opened:
    """Read a plan or a document and make a case of it.

    Args:
        path: ends in .spinect or .json.
        current: the open case; if its CT is the plan's, the new case has it too.
        progress: receives the part done.
        cancel: looked at between the stages.

    Raises:
        PlanError: it cannot be read.
    """
    libraries.load()
    from app.model.picking import SurfacePicker
    from spinect_core.plan.kept_corrections import MEMBER, unpack_corrections
    from spinect_core.surfaces import surface_maker

    before = _stored(path)
    document = _read(path)
    after = _stored(path)
    check(cancel)
    progress(0.2, "plan read")
    plan = document.plan
    volume = current.volume if current is not None else None
    same = None if current is None or volume is None else facts_of(current).same_ct(plan.case)
    check(cancel)
    names, others = _names(plan)
    case = Case(
        volume if same else None,
        current.source if current is not None and same else path,
        plan.region,
        facts=plan.case,
        timings=dict(plan.timings),
        notes=plan.notes,
        plan=plan,
        other_views=others,
        files=dict(document.files),
        extras=dict(document.extras),
        document=path,
        stored=after if after == before else None,  # one that was written meanwhile may be another
    )
    if document.labels is not None:
        kept = case.files.pop(MEMBER, b"")
        labels = document.labels_for(case.volume.geometry) if case.volume is not None else None
        case.segmentation = CaseLabels(
            labels,
            document.labels,
            document.labels_on_ct,
            Run.stored(plan.run),
            document.probabilities,
            () if labels is None else unpack_corrections(kept, labels, document.labels, cancel=cancel),
            kept if labels is None else b"",
        )
        with surface_maker(document.labels.array.size) as maker:
            case.surfaces = maker.build(document.labels, progress=part_of(progress, 0.3, 0.95), cancel=cancel)
        case.picker = SurfacePicker({"bone": case.surfaces.bone, "nerve": case.surfaces.nerve})
    read_maps(plan.planning, case.files)
    check(cancel)
    return Opened(case, plan, [*names, *(each.name for each in plan.figures)], same)


def with_ct(case: Case, volume: Volume) -> CaseLabels | None:
    """What a case that was opened without its CT keeps of the segmentation, with the labels on the CT's grid."""
    from spinect_core.plan.document import Document, naming_only
    from spinect_core.plan.kept_corrections import unpack_corrections
    from spinect_core.plan.plan import Plan

    kept = case.segmentation
    if kept is None or case.facts is None:
        return None
    document = Document(naming_only(Plan(case=case.facts), ()), kept.labels_1mm, kept.labels_on_ct)
    labels = document.labels_for(volume.geometry)
    steps = () if labels is None else unpack_corrections(kept.unread, labels, kept.labels_1mm)
    return replace(kept, labels=labels, steps=steps, unread=b"")


def _read(path: Path) -> Document:
    from spinect_core.plan.document import Document, naming_only, paths_of, read_document
    from spinect_core.plan.folder import attachments
    from spinect_core.plan.plan import read_plan

    if path.suffix.lower() == DOCUMENT_SUFFIX:
        return read_document(path)
    plan = read_plan(path)
    # One that is missing can be made again; what is there and is no picture of ours is nobody's to pass on.
    files, refused = attachments(path.parent, paths_of(plan.replaced(files={})))
    if refused:
        plan = plan.replaced(notes=(*plan.notes, _left_out(len(refused))))
    return Document(naming_only(plan, files), files=files)


def _left_out(count: int) -> str:
    what = "1 file that the plan names is" if count == 1 else f"{count} files that the plan names are"
    return f"{what} left out: no picture or map as this program writes them"


def _only(kind: type[_Kind], drawn: tuple[Drawn, ...]) -> tuple[_Kind, ...]:
    return tuple(each for each in drawn if isinstance(each, kind))


def _names(plan: Plan) -> tuple[list[str], tuple[PlanView, ...]]:
    """The name of each triangle ("" for the usual one), and the views that belong to none."""
    rest = list(plan.views)
    names = []
    for triangle in plan.triangles:
        found = next(
            (
                entry
                for entry in rest
                if entry.name not in PRESETS and entry.view.angle_to(triangle.view) < SAME_VIEW_DEGREES
            ),
            None,
        )
        names.append(found.name if found is not None else "")
        if found is not None:
            rest.remove(found)
    return names, tuple(rest)


def _views(measurements: tuple[Measurement, ...], plan: Plan) -> list[PlanView]:
    """Of the triangles; with their pictures where neither their names nor their lines of sight have changed."""
    from spinect_core.plan.plan import PlanView

    known = {(each.name, each.view): each for each in reversed(plan.views)}
    found = []
    for each in measurements:
        if isinstance(each.drawn, Triangle):
            entry = known.get((each.name, each.drawn.view)) if each.drawn in plan.triangles else None
            found.append(entry or PlanView(name=each.name, view=each.drawn.view))
    return found


def another_ct(path: Path) -> PlanError:
    """What to say of a plan that was made on another CT than the open one."""
    return PlanError("This plan was made on another CT", "Open the CT it belongs to first", path.name)
