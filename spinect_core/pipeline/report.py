"""The report of a plan on disk, as PDF or as text; and the pictures that a plan keeps for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import OutputError, PlanError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import Side
from spinect_core.plan.folder import DOCUMENT_FILE, PLAN_FILE, attachments, read_current
from spinect_core.plan.plan import Case, Plan, read_plan
from spinect_core.plan.wording import trajectories
from spinect_core.report.content import Page, Stored, Wish, may_be_told, pages, plain_text
from spinect_core.report.pictures import (
    EXPECTED,
    as_png,
    draw_pictures,
    file_key,
    file_name,
    stored_pictures,
)

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs
    from spinect_core.image.patient import Patient
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.io.reading.options import ReadOptions
    from spinect_core.plan.records import Planning
    from spinect_core.planning.zones.obstacles import Obstacles
    from spinect_core.report.page import Pictures
    from spinect_core.report.paper import Paper
    from spinect_core.surfaces import Surfaces

PDF = ".pdf"
DOCUMENT = ".spinect"
LARGEST = 1 << 29


@dataclass(frozen=True, eq=False)
class Source:
    """A plan with what a report needs beside it.

    Attributes:
        plan: what is reported.
        files: pictures by path.
        labels: bone and nerve; None where the plan came without.
        stored: the file it came from.
    """

    plan: Plan
    files: Mapping[str, bytes] = field(default_factory=dict)
    labels: Labels | None = None
    stored: Stored | None = None


@dataclass(frozen=True)
class CtWish:
    """The CT of a plan, for pictures that the plan lacks and, where asked for, for the patient's name.

    Attributes:
        path: as for reading.
        series: key of the series, where the path holds several.
        options: what the user decided where reading would rather refuse; None for the usual.
        patient: whether the patient is to be named.
    """

    path: Path
    series: str | None = None
    options: ReadOptions | None = None
    patient: bool = False


@dataclass(frozen=True, eq=False)
class Report:
    """A report ready to be written.

    Attributes:
        pages: what it says.
        pictures: of each page.
        created: time of the plan, ISO 8601.
    """

    pages: tuple[Page, ...]
    pictures: tuple[Pictures, ...]
    created: str

    @property
    def text(self) -> str:
        """All pages as plain text."""
        return "\n\n".join(map(plain_text, self.pages))

    def write_pdf(self, path: Path, paper: Paper) -> None:
        """Write the pages as PDF, in one move.

        Raises:
            OutputError: another ending, or the file cannot be written.
        """
        from spinect_core.report.page import pdf

        if path.suffix.lower() != PDF:
            raise OutputError(f"Reports are not written as {path.suffix or 'this'}", "Use .pdf", path)
        write_whole(path, pdf(self.pages, self.pictures, paper, self.created))


def read_source(path: Path, *, labels: bool = False) -> Source:
    """A plan from disk.

    Args:
        path: a ``.spinect`` file, a ``plan.json``, or the folder of a plan.
        labels: whether the labels are needed, which only a ``.spinect`` file has beside the plan.

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
        return Source(document.plan, document.files, document.labels, _stored(path, "the .spinect file"))
    plan = read_plan(path)
    keys = {file_key(shown, zone.key) for shown in EXPECTED for zone in plan.planning.zones}
    files, _ = attachments(path.parent, [name for key, name in plan.files.items() if key in keys and name])
    return Source(plan, files, None, _stored(path, "plan.json"))


def _stored(path: Path, what: str) -> Stored:
    try:
        return Stored(hashlib.sha256(read_current(path, LARGEST)).hexdigest(), what)
    except OSError as error:
        raise PlanError(
            f"The plan cannot be read again ({error.strerror or error})", "Try again", path
        ) from error


def make_report(
    source: Source,
    *,
    side: Side | None = None,
    zone: str = "",
    ct: CtWish | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Report:
    """The report of a plan.

    Args:
        source: the plan.
        side: None for every side of the plan.
        zone: the trajectory to tell; empty for the first recommended one.
        ct: the CT of the plan, if the user has it at hand.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        UsageError: there is no such trajectory or side.
        PlanError: the CT is another one than the plan's, or nothing was planned.
        ReadingError: the CT cannot be read, or names nobody.
        Cancelled: the user stopped it.
    """
    plan = source.plan
    # Before a CT is read, which takes seconds: what is asked for has to be there.
    made = pages(plan, Wish(side, zone, None, source.stored))
    volume: Volume | None = None
    if ct is not None:
        volume, patient = _read_ct(ct, plan, part_of(progress, 0.0, 0.6), cancel)
        made = pages(plan, Wish(side, zone, patient, source.stored))
    check(cancel)
    progress(0.7, "pictures")
    return Report(made, tuple(_pictures(source, page, volume) for page in made), plan.created)


def _read_ct(
    wish: CtWish, plan: Plan, progress: Progress, cancel: Cancel | None
) -> tuple[Volume, Patient | None]:
    from spinect_core.io.reading import ReadOptions, list_series, read_series
    from spinect_core.io.reading.choosing import choose
    from spinect_core.io.reading.patient import read_patient

    options = wish.options or ReadOptions()
    every = list_series(wish.path, options=options, progress=part_of(progress, 0.0, 0.4), cancel=cancel)
    series = choose(every, wish.series, wish.path)
    volume = read_series(series, options=options, progress=part_of(progress, 0.4, 1.0), cancel=cancel)
    if not Case.of(volume).same_ct(plan.case):
        raise PlanError(
            "This is not the CT that the plan was made on",
            "Choose the plan's own CT, or report without",
            wish.path,
        )
    return volume, read_patient(series, cancel=cancel) if wish.patient else None


def _pictures(source: Source, page: Page, volume: Volume | None) -> Pictures:
    """Those that the plan keeps; what it lacks is drawn where its CT is at hand."""
    from PIL import Image

    if page.trajectory is None or page.record is None:
        return {}
    planning, zone, needle = source.plan.planning, page.trajectory.zone_key, page.record.needle
    found = stored_pictures(source.plan, source.files, zone, needle)
    if volume is None or source.labels is None or set(EXPECTED) <= set(found):
        return found
    obstacles = _obstacles_of(source.labels)
    drawn = draw_pictures(planning, zone, needle, obstacles=obstacles, volume=volume, labels=source.labels)
    return {shown: Image.fromarray(picture) for shown, picture in drawn.items()} | found


def _obstacles_of(labels: Labels) -> Obstacles:
    from spinect_core.planning.zones.obstacles import Obstacles
    from spinect_core.surfaces import build_surfaces

    return Obstacles.of(build_surfaces(labels))


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
    from spinect_core.planning.zones.obstacles import Obstacles

    wanted = [each for each in trajectories(planning) if not each.own and may_be_told(each)]
    obstacles = Obstacles.of(surfaces) if wanted else None
    names = {}
    for each in wanted:
        check(cancel)
        assert each.needle is not None  # only what has one may be told
        needle = each.needle.needle
        drawn = draw_pictures(
            planning, each.key, needle, obstacles=obstacles, volume=volume, labels=labels, organs=organs
        )
        for shown, picture in drawn.items():
            name = file_name(shown, each.key)
            write_whole(folder / name, as_png(picture, needle))
            names[file_key(shown, each.key)] = name
    return names


def check_report_path(out: Path) -> None:
    """Refuse, before any work, a file that no report is written to.

    Raises:
        UsageError: another ending than .pdf.
    """
    if out.suffix.lower() != PDF:
        raise UsageError("A report is not written under such a name", "Use .pdf", out)
