"""A plan as objects of DICOM in a folder: into the patient's study, or naming nobody."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from spinect_core.base.errors import OutputError, PlanError, UsageError
from spinect_core.base.files import make_folder, sync_folder, write_whole
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.scratch import part_name, sweep
from spinect_core.base.words import Author
from spinect_core.geometry.view import PRESETS
from spinect_core.pipeline.report import Anatomy, Report, Source, find_ct, make_report
from spinect_core.plan.own_needles import OWN_NEEDLE
from spinect_core.plan.plan import Plan
from spinect_core.plan.records import FindingRecord, LimitRecord
from spinect_core.report.paper import Paper
from spinect_core.report.pictures import Shown

if TYPE_CHECKING:
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.io.dicom_out.pictures import Shot
    from spinect_core.io.dicom_out.segmentation import Origin
    from spinect_core.io.dicom_out.study import Study
    from spinect_core.io.reading.series import Series

NOT_NAMED = "write de-identified"
CT_FOLDER = "ct"


class Kind(StrEnum):
    """What is written of a plan."""

    CAPTURES = "sc"
    DOCUMENT = "pdf"
    SEGMENTATION = "seg"
    STRUCTURES = "rtstruct"
    MEASUREMENTS = "sr"
    SURFACES = "stl"
    CT = "ct"


USUAL = (Kind.CAPTURES, Kind.DOCUMENT, Kind.SEGMENTATION)
FROM_LABELS = {Kind.SEGMENTATION, Kind.STRUCTURES, Kind.SURFACES}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        counts: how many objects of each kind.
    """

    folder: Path
    counts: Mapping[Kind, int]


OVERRIDDEN = "a reason that is left out here"
"""In place of the reason for which a rule did not bar."""


def check_wish(kinds: Collection[Kind], out: Path, *, deidentified: bool) -> None:
    """Refuse, before any work, what cannot be written.

    Raises:
        UsageError: nothing is asked for, or a copy of the CT that names the patient.
        OutputError: the folder holds something already.
    """
    if not kinds:
        raise UsageError("Nothing is asked for", "Name what to write", parameter="what")
    if Kind.CT in kinds and not deidentified:
        raise UsageError(
            "The CT is in the patient's study already", "Write it de-identified only", parameter="what"
        )
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise OutputError(
                "This is no empty folder, and DICOM files of one export do not mix with others",
                "Choose another name for the folder",
                out,
            )
    except OSError as error:
        raise OutputError(
            f"The folder cannot be looked into ({error.strerror or error})",
            "Choose one that you may write to",
            out,
        ) from error


def export_dicom(
    source: Source,
    ct: Path,
    out: Path,
    kinds: Collection[Kind] = USUAL,
    *,
    deidentified: bool = False,
    paper: Paper = Paper.A4,
    anatomy: Anatomy | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Exported:
    """Write a plan as objects of DICOM.

    Either all files appear in the folder, or none. Of the patient they hold what the headers of the CT say, or with
    ``deidentified`` nothing at all: those headers are not looked at then.

    Args:
        source: the plan, with its pictures.
        ct: path that holds the plan's CT.
        out: a folder that is empty or not there.
        kinds: what to write.
        deidentified: whether the objects name nobody.
        paper: size of the report's pages.
        anatomy: of which pictures are drawn that the plan does not hold; None to draw none.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        UsageError: nothing is asked for, or a copy of the CT that names the patient.
        PlanError: the CT is another one, nothing was planned, or the plan lacks the labels or numbers asked for.
        ReadingError: the CT is no DICOM, cannot be read, or its headers do not agree.
        OutputError: the folder is not empty, or the disk refused.
        Cancelled: the user stopped it.
    """
    check_wish(kinds, out, deidentified=deidentified)
    if FROM_LABELS & set(kinds):
        _check_labels(source)
    if Kind.MEASUREMENTS in kinds:
        _check_numbers(source)
    series, volume = find_ct(
        ct, source.plan, otherwise=NOT_NAMED, progress=part_of(progress, 0.0, 0.5), cancel=cancel
    )
    with _unfinished(out) as folder:
        study = _study_of(source, series, volume, folder / CT_FOLDER, deidentified, cancel)
        counts: dict[Kind, int] = {}
        if Kind.CT in kinds:
            counts[Kind.CT] = len(study.files)
        elif deidentified:
            shutil.rmtree(folder / CT_FOLDER)
        told = replace(source, plan=without_own_words(source.plan)) if deidentified else source
        made = _Objects(told, study, series, volume, paper, anatomy, cancel)
        makers: Mapping[Kind, Callable[[], Mapping[str, bytes]]] = {
            Kind.DOCUMENT: made.document,
            Kind.CAPTURES: made.captures,
            Kind.SEGMENTATION: made.segmentation,
            Kind.STRUCTURES: made.structures,
            Kind.MEASUREMENTS: made.measurements,
            Kind.SURFACES: made.surfaces,
        }
        wanted = [kind for kind in makers if kind in kinds]
        for number, kind in enumerate(wanted):
            check(cancel)
            progress(0.6 + 0.4 * number / len(wanted), f"writing {kind}")
            files = makers[kind]()
            for name, content in files.items():
                write_whole(folder / name, content)
            counts[kind] = len(files)
    return Exported(out, counts)


def without_own_words(plan: Plan) -> Plan:
    """A plan without what its user typed, who may have typed a patient's name: names of needles and views, reasons."""
    planning, count = plan.planning, 0
    needles = []
    for each in planning.needles:
        needle = each.needle
        if needle.author == Author.USER:
            count += 1
            needle = replace(needle, name=f"{OWN_NEEDLE} {count}")
        findings = tuple(_without_reason(finding) for finding in each.findings)
        needles.append(each.replaced(needle=needle, findings=findings))
    known = {*PRESETS, *(each.name for each in plan.triangles)}
    views = tuple(
        each if each.name in known else each.replaced(name=f"View {number}")
        for number, each in enumerate(plan.views, 1)
    )
    rules = tuple(_without_reason(each) for each in planning.rules)
    return plan.replaced(planning=planning.replaced(needles=tuple(needles), rules=rules), views=views)


_Reasoned = TypeVar("_Reasoned", FindingRecord, LimitRecord)


def _without_reason(record: _Reasoned) -> _Reasoned:
    return record.replaced(override=OVERRIDDEN) if record.override else record


def _check_numbers(source: Source) -> None:
    from spinect_core.pipeline.dicom_numbers import groups_of

    if not groups_of(source.plan):
        raise PlanError(
            "This plan holds no needle that is recommended and no triangle that was measured",
            "Write without the measurements",
            parameter="what",
        )


def _check_labels(source: Source) -> None:
    document = source.document
    if document is None or (document.labels is None and document.labels_on_ct is None):
        raise PlanError(
            "This plan has no labels, which segmentation, structures and surfaces are made of",
            "Give its .spinect file, or write without them",
            parameter="what",
        )


def _study_of(
    source: Source, series: Series, volume: Volume, folder: Path, deidentified: bool, cancel: Cancel | None
) -> Study:
    """The study of the CT, or that of a nameless copy, which lies in the folder then."""
    from spinect_core.io.dicom_out.study import Study, nameless, write_nameless_ct
    from spinect_core.io.reading import list_series

    if not deidentified:
        return Study.of(series, volume, source.plan.created, cancel=cancel)
    write_nameless_ct(volume, folder)
    (copy,) = list_series(folder, cancel=cancel)
    as_written = replace(volume, details={**volume.details, "format": "DICOM"})
    return nameless(Study.of(copy, as_written, source.plan.created, cancel=cancel))


class _Objects:
    """Makes the objects, with the report made once.

    Args:
        source: the plan.
        study: that the objects go into.
        series: the CT.
        volume: read from it.
        paper: size of the pages.
        anatomy: of which missing pictures are drawn; None to draw none.
        cancel: stops it.
    """

    def __init__(
        self,
        source: Source,
        study: Study,
        series: Series,
        volume: Volume,
        paper: Paper,
        anatomy: Anatomy | None,
        cancel: Cancel | None,
    ) -> None:
        self._source, self._study, self._series, self._volume = source, study, series, volume
        self._paper, self._anatomy, self._cancel = paper, anatomy, cancel
        self._made: tuple[Report, bytes] | None = None

    @property
    def _from(self) -> str:
        stored = self._source.stored
        return "" if stored is None else f"Plan SHA-256 {stored.checksum}"

    def _report(self) -> tuple[Report, bytes]:
        """The report and its bytes as PDF; it names the patient as the study does."""
        from spinect_core.io.reading.patient import read_patient

        if self._made is None:
            named = self._study.names_somebody
            patient = read_patient(self._series, cancel=self._cancel) if named else None
            report = make_report(self._source, patient=patient, anatomy=self._anatomy, cancel=self._cancel)
            self._made = report, report.pdf(self._paper)
        return self._made

    def document(self) -> dict[str, bytes]:
        """The report."""
        from spinect_core.io.dicom_out.pictures import document

        _, pdf = self._report()
        named = self._study.names_somebody
        content = document(
            pdf, self._study, title="Plan of a needle", made_from=self._from, names_patient=named
        )
        return {"report.dcm": content}

    @property
    def _labels(self) -> Labels:
        """Bone and nerve on the CT's grid.

        Raises:
            PlanError: nothing is marked there.
        """
        document = self._source.document
        labels = None if document is None else document.labels_for(self._volume.geometry)
        assert labels is not None  # checked before any work
        if not labels.array.any():
            raise PlanError(
                "The labels of this plan mark nothing in its CT",
                "Write without the segmentation and the structures",
            )
        return labels

    @property
    def _origin(self) -> Origin:
        """What labelled."""
        from spinect_core.io.dicom_out.segmentation import Origin
        from spinect_core.plan.label_wording import corrections

        run, versions = self._source.plan.run, self._source.plan.versions
        told = {key: str(run.get(key) or "") for key in ("engine", "mode", "weights_sha256")}
        return Origin(
            bool(told["engine"]) and not any(corrections(run)),
            str(versions.get("spinect-planner", "")),
            told["weights_sha256"],
            told["engine"],
            told["mode"],
        )

    def segmentation(self) -> dict[str, bytes]:
        """Bone and nerve on the CT's grid."""
        from spinect_core.io.dicom_out.segmentation import segmentation

        content = segmentation(self._labels, self._study, self._origin, made_from=self._from)
        return {"segmentation.dcm": content}

    def structures(self) -> dict[str, bytes]:
        """Bone and nerve as outlines, and the needles that the report tells."""
        from spinect_core.io.dicom_out.structures import structures
        from spinect_core.pipeline.dicom_numbers import lines_of

        content = structures(
            self._labels,
            lines_of(self._source.plan),
            self._study,
            self._origin,
            made_from=self._from,
            cancel=self._cancel,
        )
        return {"structures.dcm": content}

    def measurements(self) -> dict[str, bytes]:
        """The numbers of the needles that the report tells, and of measured triangles."""
        from spinect_core.io.dicom_out.measurements import measurements
        from spinect_core.pipeline.dicom_numbers import groups_of

        plan = self._source.plan
        content = measurements(
            groups_of(plan),
            self._study,
            version=str(plan.versions.get("spinect-planner", "")),
            weights=str(plan.run.get("weights_sha256") or ""),
            made_from=self._from,
        )
        return {"measurements.dcm": content}

    def surfaces(self) -> dict[str, bytes]:
        """Those of bone and nerve."""
        from spinect_core.io.dicom_out.surface import surface
        from spinect_core.surfaces import build_surfaces
        from spinect_core.surfaces.files import stl

        assert self._source.document is not None  # checked before any work
        labels = self._source.labels or self._source.document.labels_for(self._volume.geometry)
        assert labels is not None
        built = build_surfaces(labels, cancel=self._cancel)
        meshes = {name: mesh for name, mesh in (("bone", built.bone), ("nerve", built.nerve)) if mesh.n_cells}
        return {
            f"surface-{name}.dcm": surface(
                stl(mesh), self._study, name=name, number=number, made_from=self._from
            )
            for number, (name, mesh) in enumerate(meshes.items(), start=1)
        }

    def captures(self) -> dict[str, bytes]:
        """The pages of the report, the pictures of its needles, and those of the plan's views."""
        from spinect_core.io.dicom_out.pictures import captures

        made = captures([*self._pages(), *self._needles(), *self._views()], self._study, made_from=self._from)
        return {f"capture-{number:03}.dcm": content for number, content in enumerate(made, start=1)}

    def _pages(self) -> Iterator[Shot]:
        from spinect_core.io.dicom_out.pictures import Shot
        from spinect_core.report.raster import page_pictures

        report, pdf = self._report()
        named = self._study.names_somebody
        for page, picture in zip(report.pages, page_pictures(pdf), strict=True):
            check(self._cancel)
            yield Shot(picture, f"Report: {page.title}", named)

    def _needles(self) -> Iterator[Shot]:
        import numpy as np

        from spinect_core.io.dicom_out.pictures import Shot
        from spinect_core.pictures.captioned import captioned
        from spinect_core.report.page import caption

        report, _ = self._report()
        for page, pictures in zip(report.pages, report.pictures, strict=True):
            for shown in (each for each in Shown if each in pictures):
                check(self._cancel)
                told = f"{page.title}. {caption(shown, pictures[shown])}"
                yield Shot(captioned(np.asarray(pictures[shown].convert("RGB")), told), told)

    def _views(self) -> Iterator[Shot]:
        from spinect_core.io.dicom_out.pictures import Shot
        from spinect_core.pictures.captioned import captioned
        from spinect_core.pictures.png import opened

        for view in self._source.plan.views:
            picture = opened(self._source.files.get(view.picture, b""))
            if picture is not None:
                check(self._cancel)
                told = f"View: {view.name}"
                yield Shot(captioned(picture, told), told)


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """An empty folder beside ``out`` that takes its name at the end; of an error nothing is left.

    Raises:
        OutputError: the disk refused.
    """
    beside = out.absolute().parent
    folder = beside / part_name()
    try:
        make_folder(beside)
        sweep(beside)
        folder.mkdir()
        try:
            yield folder
            if out.exists():
                out.rmdir()  # it was empty; if somebody put something there meanwhile, this refuses
            folder.rename(out)
            sync_folder(beside)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise OutputError(
            f"Nothing can be written here ({error.strerror or error})",
            "Choose an empty folder that you may write to",
            out,
        ) from error
