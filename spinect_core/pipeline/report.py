"""The report of a plan on disk, as PDF or as text; and the pictures that a plan keeps for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import OutputError, PlanError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import Side
from spinect_core.plan.folder import DOCUMENT_FILE, PLAN_FILE, attachments, read_current
from spinect_core.plan.plan import Case, Plan, read_plan, stored
from spinect_core.plan.wording import trajectories
from spinect_core.report.content import Page, Stored, Wish, may_be_told, pages, plain_text
from spinect_core.report.pictures import (
    PLANES,
    Shown,
    as_png,
    draw_pictures,
    file_key,
    file_name,
    key_of,
    labels_checksum,
    same_organs,
    says_outlined,
    stored_pictures,
)

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs
    from spinect_core.image.patient import Patient
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.io.reading.series import Series
    from spinect_core.pictures.fluoroscopy import Attenuation
    from spinect_core.plan.document import Document
    from spinect_core.plan.records import Planning
    from spinect_core.planning.needle.needle import Needle
    from spinect_core.planning.zones.obstacles import Obstacles
    from spinect_core.report.page import Pictures
    from spinect_core.report.paper import Paper
    from spinect_core.surfaces import Surfaces

PDF = ".pdf"
DOCUMENT = ".spinect"
LARGEST = 1 << 29
AT_ONCE, PAUSE_S = 50_000, 0.01
"""Triangles of a search tree that is made in one go, and seconds before each."""


@dataclass(frozen=True, eq=False)
class Source:
    """A plan with what a report needs beside it.

    Attributes:
        plan: what is reported.
        files: pictures by path.
        labels: bone and nerve; None where the plan came without.
        stored: the file it came from.
        document: the whole of it, where the file is a ``.spinect`` file.
    """

    plan: Plan
    files: Mapping[str, bytes] = field(default_factory=dict)
    labels: Labels | None = None
    stored: Stored | None = None
    document: Document | None = None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What the pictures are drawn of that a plan does not hold.

    Attributes:
        volume: the CT; None where it is not at hand.
        labels: bone and nerve.
        surfaces: of these labels; made where there are none.
        organs: outlined in the planes.
    """

    volume: Volume | None
    labels: Labels
    surfaces: Surfaces | None = None
    organs: Organs | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """A report ready to be written.

    Attributes:
        pages: what it says.
        pictures: of each page.
        created: time of the plan, ISO 8601.
        drawn: pictures that the plan did not hold, as files for it: what a plan calls each, its name and its bytes.
    """

    pages: tuple[Page, ...]
    pictures: tuple[Pictures, ...]
    created: str
    drawn: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All pages as plain text."""
        return "\n\n".join(map(plain_text, self.pages))

    def write_pdf(self, path: Path, paper: Paper) -> None:
        """Write the pages as PDF, in one move.

        Raises:
            OutputError: another ending, or the file cannot be written.
        """
        if path.suffix.lower() != PDF:
            raise OutputError(f"Reports are not written as {path.suffix or 'this'}", "Use .pdf", path)
        write_whole(path, self.pdf(paper))

    @property
    def names_fit(self) -> bool:
        """Whether the PDF can print the names of patients that are on the pages."""
        from spinect_core.report.page import can_be_printed

        return all(page.patient is None or can_be_printed(page.patient.name) for page in self.pages)

    def pdf(self, paper: Paper) -> bytes:
        """The pages as the bytes of a PDF."""
        from spinect_core.report.page import pdf

        return pdf(self.pages, self.pictures, paper, self.created)


def read_source(path: Path, *, labels: bool = False, views: bool = False) -> Source:
    """A plan from disk.

    Args:
        path: a ``.spinect`` file, a ``plan.json``, or the folder of a plan.
        labels: whether the labels are needed, which only a ``.spinect`` file has beside the plan.
        views: whether the pictures of the plan's views are needed.

    Raises:
        PlanError: it cannot be read.
    """
    if path.is_dir():
        names = (DOCUMENT_FILE, PLAN_FILE) if labels else (PLAN_FILE, DOCUMENT_FILE)
        found = [path / name for name in names if (path / name).exists()]
        if not found:
            raise PlanError(
                "There is no plan in this folder", f"Choose one with {PLAN_FILE} or {DOCUMENT_FILE}", path
            )
        path = found[0]
    if path.suffix.lower() == DOCUMENT:
        from spinect_core.plan.document import read_document

        document = read_document(path)
        return Source(document.plan, document.files, document.labels, stored_as(path), document)
    plan = read_plan(path)
    keys = {file_key(shown, zone.key) for shown in Shown for zone in plan.planning.zones}
    wanted = [name for key, name in plan.files.items() if key in keys and name]
    wanted += [view.picture for view in plan.views if view.picture] if views else []
    files, _ = attachments(path.parent, wanted)
    return Source(plan, files, None, stored_as(path))


def stored_as(path: Path) -> Stored:
    """The file of a plan, as a report names it.

    Raises:
        PlanError: it cannot be read.
    """
    try:
        content = read_current(path, LARGEST)
    except OSError as error:
        raise PlanError(f"The plan cannot be read ({error.strerror or error})", "Try again", path) from error
    what = "the .spinect file" if path.suffix.lower() == DOCUMENT else "plan.json"
    return Stored(hashlib.sha256(content).hexdigest(), what)


def stored_nowhere(plan: Plan) -> Stored:
    """A plan that is in no file as it is, by the bytes that its plan.json would have.

    Raises:
        PlanError: it holds what no file can.
    """
    content = stored(plan.to_dict, PLAN_FILE)
    return Stored(hashlib.sha256(content).hexdigest(), "the open plan, in no file")


def make_report(
    source: Source,
    *,
    side: Side | None = None,
    zone: str = "",
    patient: Patient | None = None,
    anatomy: Anatomy | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Report:
    """The report of a plan.

    Args:
        source: the plan.
        side: None for every side of the plan.
        zone: the trajectory to tell; empty for the preferred one.
        patient: whose CT it is; None to name nobody.
        anatomy: of which pictures are drawn that the plan does not hold; None to draw none.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        UsageError: there is no such trajectory or side.
        PlanError: nothing was planned.
        Cancelled: the user stopped it.
    """
    made = pages(source.plan, Wish(side, zone, patient, source.stored))
    labels = labels_checksum(source.labels if anatomy is None else anatomy.labels)
    drawing = None if anatomy is None else _Drawing(source.plan, anatomy, labels, cancel)
    pictures = []
    for number, page in enumerate(made):
        check(cancel)
        progress(number / len(made), "pictures of the report")
        pictures.append(_pictures(source, page, labels, drawing))
    return Report(made, tuple(pictures), source.plan.created, {} if drawing is None else drawing.files)


def find_ct(
    path: Path,
    plan: Plan,
    *,
    otherwise: str = "report without",
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> tuple[Series, Volume]:
    """The CT that a plan was made on, among whatever a path holds; it is known by its voxels and their places.

    Args:
        path: as for reading.
        plan: of which it is the CT.
        otherwise: what else can be done where it is not there, for messages.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        ReadingError: nothing there that could be an image, or it cannot be read.
        PlanError: the plan's CT is not there.
        Cancelled: the user stopped it.
    """
    from spinect_core.io.reading import ReadOptions, list_series, read_series

    # Whatever was decided when the plan was made: another CT is recognised by its content.
    options = ReadOptions(assume_hu=True, join_series=True)
    every = list_series(path, options=options, progress=part_of(progress, 0.0, 0.4), cancel=cancel)
    if not any(each.loadable for each in every) and (faults := [each.fault for each in every if each.fault]):
        raise faults[0]
    likely = [each for each in every if each.loadable and each.shape == plan.case.shape]
    for number, series in enumerate(likely):
        share = part_of(progress, 0.4 + 0.6 * number / len(likely), 0.4 + 0.6 * (number + 1) / len(likely))
        volume = read_series(series, options=options, progress=share, cancel=cancel)
        if Case.of(volume).same_ct(plan.case):
            return series, volume
    raise PlanError(
        "This is not the CT that the plan was made on", f"Choose the plan's own CT, or {otherwise}", path
    )


def patient_of(
    path: Path, plan: Plan, *, progress: Progress = silent, cancel: Cancel | None = None
) -> Patient:
    """The patient as the CT of a plan names him; see :func:`find_ct`.

    Raises:
        ReadingError: the CT cannot be read, names nobody, or its files do not agree.
        PlanError: the plan's CT is not there.
        Cancelled: the user stopped it.
    """
    from spinect_core.io.reading.patient import read_patient

    series, _ = find_ct(path, plan, progress=progress, cancel=cancel)
    return read_patient(series, cancel=cancel)


def _pictures(source: Source, page: Page, labels: str, drawing: _Drawing | None) -> Pictures:
    """Those that the plan keeps, and the others where they can be drawn."""
    if page.trajectory is None or page.record is None:
        return {}
    zone, needle = page.trajectory.zone_key, page.record.needle
    found = stored_pictures(source.plan, source.files, zone, needle, labels)
    if drawing is None:
        return found
    # A needle of the user's goes to the zone of one of the program's, whose pictures the plan keeps.
    return drawing.with_others(found, zone, needle, keep=not page.trajectory.own)


class _Drawing:
    """Draws pictures, with what they are drawn of made once.

    Args:
        plan: whose needles they show.
        anatomy: what they are drawn of.
        labels: checksum of its labels.
        cancel: stops it.

    Attributes:
        files: what was drawn, as files of the plan.
    """

    def __init__(self, plan: Plan, anatomy: Anatomy, labels: str, cancel: Cancel | None) -> None:
        self._plan, self._anatomy, self._labels, self._cancel = plan, anatomy, labels, cancel
        known = plan.planning.organs
        # Organs that the plan does not know are not outlined beside its numbers.
        self._organs = anatomy.organs if same_organs(anatomy.organs, known) else None
        self._all_organs = same_organs(self._organs, known)
        self.files: dict[str, tuple[str, bytes]] = {}

    def with_others(self, found: Pictures, zone: str, needle: Needle, *, keep: bool) -> Pictures:
        """The pictures of a needle, those that are not found drawn.

        Args:
            found: in the plan.
            zone: key of the needle's zone.
            needle: that is shown.
            keep: whether those that are drawn become files of the plan.
        """
        from PIL import Image

        anatomy = self._anatomy
        flat = set(Shown) - {Shown.HUB} - set(found)
        if anatomy.volume is None:
            flat = set()
        drawn = draw_pictures(
            self._plan.planning,
            zone,
            needle,
            obstacles=None if Shown.HUB in found else self._obstacles,
            volume=anatomy.volume if flat else None,
            labels=anatomy.labels,
            organs=self._organs,
            attenuation=self._attenuation if Shown.FLUOROSCOPY in flat else None,
        )
        check(self._cancel)
        new = {shown: picture for shown, picture in drawn.items() if shown not in found}
        planning = self._plan.planning
        for shown, picture in new.items() if keep else ():
            # Planes without the plan's organs are shown, and say so, but are not what the plan is to keep.
            if self._all_organs or shown not in PLANES:
                key = key_of(shown, planning, zone, needle, self._organs, self._labels)
                self.files[file_key(shown, zone)] = file_name(shown, zone), as_png(picture, key)
        pictures = {
            shown: says_outlined(Image.fromarray(each), self._organs, self._plan)
            for shown, each in new.items()
        }
        return {**found, **pictures}

    @cached_property
    def _obstacles(self) -> Obstacles:
        from spinect_core.planning.zones.obstacles import Obstacles
        from spinect_core.surfaces import build_surfaces

        surfaces = self._anatomy.surfaces or build_surfaces(self._anatomy.labels, cancel=self._cancel)
        # In pieces, with pauses: a window beside stays awake.
        return Obstacles.of(surfaces, AT_ONCE, PAUSE_S)

    @cached_property
    def _attenuation(self) -> Attenuation | None:
        from spinect_core.pictures.fluoroscopy import Attenuation

        volume = self._anatomy.volume
        return None if volume is None else Attenuation.of(volume, cancel=self._cancel)


def write_report_pictures(
    planning: Planning,
    volume: Volume,
    labels: Labels,
    surfaces: Surfaces,
    folder: Path,
    *,
    organs: Organs | None = None,
    cancel: Cancel | None = None,
) -> dict[str, str]:
    """Draw what the report shows of every recommended needle; the names of the files by what a plan calls them."""
    from spinect_core.pictures.fluoroscopy import Attenuation
    from spinect_core.planning.zones.obstacles import Obstacles

    wanted = [each for each in trajectories(planning) if not each.own and may_be_told(each)]
    if not wanted:
        return {}
    obstacles, attenuation = Obstacles.of(surfaces), Attenuation.of(volume, cancel=cancel)
    names, checksum = {}, labels_checksum(labels)
    for each in wanted:
        check(cancel)
        assert each.needle is not None  # only what has one may be told
        needle = each.needle.needle
        drawn = draw_pictures(
            planning,
            each.key,
            needle,
            obstacles=obstacles,
            volume=volume,
            labels=labels,
            organs=organs,
            attenuation=attenuation,
        )
        for shown, picture in drawn.items():
            name = file_name(shown, each.key)
            key = key_of(shown, planning, each.key, needle, organs, checksum)
            write_whole(folder / name, as_png(picture, key))
            names[file_key(shown, each.key)] = name
    return names


def check_report_path(out: Path) -> None:
    """Refuse, before any work, a file that no report is written to.

    Raises:
        UsageError: another ending than .pdf.
    """
    if out.suffix.lower() != PDF:
        raise UsageError("A report is not written under such a name", "Use .pdf", out)
