"""From and to an archive: searched, fetched, planned, sent; only when the user asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.controllers.open import OpenController
from app.controllers.report import ReportController
from app.model import archive_work
from app.model.archive_work import Fetched
from app.model.archives import Archives
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner, Work
from app.model.recent import RecentFiles
from app.panels.archive_box import ArchiveBox
from app.panels.archives_page import ArchivesPage
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from spinect_core.base.errors import Cancelled, SpinectError, UsageError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.io.pacs import credentials
from spinect_core.io.pacs.archive import Access, Archive
from spinect_core.io.pacs.link import link_of
from spinect_core.io.pacs.wanted import Query

if TYPE_CHECKING:
    from spinect_core.io.pacs.examine import Examined
    from spinect_core.io.pacs.outbox import Delivered
    from spinect_core.io.pacs.query import Found, SeriesFound
    from spinect_core.io.pacs.ways import Done

T = TypeVar("T")
TESTING, SEARCHING, FETCHING = "Testing the archive", "Searching the archive", "Fetching from the archive"
SENDING, AGAIN = "Sending to the archive", "Sending what waits"
"""Titles of the jobs."""
TIMED = (TESTING, SEARCHING, FETCHING)
"""Those that end with the box that asked for them."""
WAITS = "Nothing is lost: what was not taken waits on this computer. Send it with File → Send what waits"


class ArchiveController(QObject):
    """Speaks to archives.

    Args:
        model: what is sent.
        archives: those that have been entered.
        recent: takes no note of what was fetched.
        report: says what of the case is told.
        opening: opens what was fetched.
        jobs: where the network is waited for.
        dialogs: asks for passwords, and which archive.
        boxes: shows errors.
        window: the boxes lie over it.

    Attributes:
        box: the open search; None when there is none.

    Signals:
        said: a sentence for the status bar.
        settings_wanted: no archive has been entered.
    """

    said = Signal(str)
    settings_wanted = Signal()

    def __init__(
        self,
        model: CaseModel,
        archives: Archives,
        recent: RecentFiles,
        report: ReportController,
        opening: OpenController,
        jobs: JobRunner,
        dialogs: Dialogs,
        boxes: Boxes,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._model, self._archives, self._recent = model, archives, recent
        self._report, self._open = report, opening
        self._jobs, self._dialogs, self._boxes, self._window = jobs, dialogs, boxes, window
        self.box: ArchiveBox | None = None
        self._fetched: list[Fetched] = []
        self.waiting = archive_work.waiting()
        """How many parcels wait to be sent."""
        model.case_opened.connect(self._on_case)
        jobs.progressed.connect(self._on_progress)
        jobs.ended.connect(self._on_ended)

    # -------------------------------------------------------------------------------------------------------- passwords

    def _access(self, archive: Archive) -> Access | None:
        """An archive with its password, which is asked for where it is not known; None if the user gives none."""
        known = credentials.password_of(archive)
        if known is None:
            answer = self._dialogs.ask_password(archive.name, archive.user, credentials.has_keyring())
            if answer is None:
                return None
            known, keep = answer
            credentials.remember_password(archive, known, keep=keep)
        return Access(archive, known)

    @staticmethod
    def _on_fault(access: Access, error: SpinectError | None) -> None:
        # A password that this archive refused is asked for again; one that was only typed to be tried replaces none.
        archive = access.archive
        refused = error is not None and error.parameter == "user"
        if refused and credentials.password_of(archive) == access.password:
            credentials.forget_password(archive)

    # --------------------------------------------------------------------------------------------------------- settings

    def settings_page(self) -> ArchivesPage:
        """The page of the settings, ready for use."""
        page = ArchivesPage(self._archives, credentials.has_keyring())
        self._jobs.ended.connect(page.on_ended)
        page.test_wanted.connect(lambda archive, password: self._test(page, archive, password))
        page.password_given.connect(credentials.remember_password)
        page.removed.connect(credentials.forget_password)
        return page

    def _test(self, page: ArchivesPage, archive: Archive, password: str) -> None:
        access = Access(archive, password) if password else self._access(archive)
        if access is None:
            return

        shown = [page]
        page.destroyed.connect(shown.clear)

        def tested(examined: Examined | SpinectError) -> None:
            faults = (
                [examined]
                if isinstance(examined, SpinectError)
                else [check.fault for check in examined.checks]
            )
            for fault in faults:
                self._on_fault(access, fault)
            if shown:  # the settings may have been closed meanwhile
                if isinstance(examined, SpinectError):
                    page.say(str(examined))
                else:
                    page.show_result(examined)

        def work(progress: Progress, cancel: Cancel) -> Examined:
            return archive_work.examine(access, progress, cancel)

        if self._jobs.start(TESTING, _caught(work), tested):
            page.set_busy(True)
        else:
            page.say(f"{self._jobs.title} is still going on.")

    # -------------------------------------------------------------------------------------------------------- searching

    def ask(self) -> None:
        """Let the user search an archive."""
        if not self._archives.all:
            if self._archives.fault is not None:
                self._boxes.show_error(self._archives.fault)
                return
            self.settings_wanted.emit()
            return
        self._open_box(self._archives.preferred)

    def follow(self, text: str) -> None:
        """Let the user search for the study that a link means.

        No archive is spoken to before the user asks for that: anybody can make a link.

        Args:
            text: the link.
        """
        try:
            link = link_of(text)
            archive = self._archives.named(link.archive)
            if archive is None:
                raise self._archives.fault or UsageError(
                    "This link means an archive that has not been entered under that name",
                    "Enter it in Edit, Settings, Archives, or search one of yours with File, From the archive",
                )
        except SpinectError as error:
            self._boxes.show_error(error)
            return
        if self.box is not None:
            self.box.close()
        self._open_box(archive).mean(link.study)

    def _open_box(self, archive: Archive | None) -> ArchiveBox:
        """Open the search, with an archive chosen."""
        box = ArchiveBox(self._archives.all, archive, self._window)
        self.box = box
        box.search_wanted.connect(self._search)
        box.series_wanted.connect(self._list)
        box.open_wanted.connect(self._fetch)
        box.cancel_wanted.connect(self._jobs.cancel)
        box.finished.connect(box.deleteLater)
        box.finished.connect(self._forget_box)
        box.open()
        return box

    def _forget_box(self) -> None:
        self.box = None

    def close_box(self) -> None:
        """Take the question back whose CT is wanted."""
        if self.box is not None:
            self.box.close()

    def _search(self, archive: Archive, query: Query) -> None:
        access = self._access_from_box(archive)
        if access is None:
            return
        try:
            query.filters()
        except SpinectError as error:
            self._say_in_box(f"{error.fault}. {error.remedy}.")
            return

        def found(done: Done[Found]) -> None:
            self._archives.prefer(archive)
            studies = done.result.studies
            many = f"{len(studies)} studies" if len(studies) != 1 else "1 study"
            more = " The archive has more of them: narrow the search." if done.result.cut else ""
            if self.box is not None:
                self.box.show_studies(studies, f"{many}, found {done.words}.{more}")

        self._start(
            access,
            SEARCHING,
            lambda _progress, cancel: archive_work.find_studies(access, query, cancel),
            found,
        )

    def _list(self, archive: Archive, study: str) -> None:
        access = self._access_from_box(archive)
        if access is None:
            return

        def listed(done: Done[tuple[SeriesFound, ...]]) -> None:
            cts = sum(each.is_ct for each in done.result)
            many = f"{cts} series of CT" if cts else "No series of CT: nothing here can be planned on"
            if self.box is not None:
                self.box.show_series(study, done.result, f"{many}, found {done.words}.")

        self._start(
            access,
            SEARCHING,
            lambda _progress, cancel: archive_work.find_series(access, study, cancel),
            listed,
        )

    def _fetch(self, archive: Archive, series: SeriesFound, finish: bool) -> None:
        access = self._access_from_box(archive)
        if access is None:
            return

        def fetched(came: Fetched) -> None:
            self._fetched.append(came)
            self.said.emit(f"Fetched: {came.words}.")
            self.close_box()
            self._recent.leave_out(came.path)
            self._open.open_path(came.path, finish)

        self._start(
            access,
            FETCHING,
            lambda progress, cancel: archive_work.fetch(access, series, progress, cancel),
            fetched,
        )

    def _access_from_box(self, archive: Archive) -> Access | None:
        access = self._access(archive)
        if access is None:
            self._say_in_box("The archive asks for a password.")
        return access

    def _start(self, access: Access, title: str, work: Work[T], then: Callable[[T], None]) -> None:
        """Start a job of the box; what goes wrong is said there."""

        def ended(result: T | SpinectError) -> None:
            if isinstance(result, SpinectError):
                self._on_fault(access, result)
                self._say_in_box(str(result))
            else:
                then(result)

        if self._jobs.start(title, _caught(work), ended):
            if self.box is not None:
                self.box.set_busy(f"{title}…")
        else:
            self._say_in_box(f"{self._jobs.title} is still going on. Wait for it or cancel it first.")

    def _say_in_box(self, words: str) -> None:
        if self.box is not None:
            self.box.say(words)

    def _on_progress(self, fraction: float, message: str) -> None:
        if self.box is not None and self._jobs.title in TIMED:
            part = f" ({fraction:.0%})" if fraction > 0 else ""
            self.box.say(f"{self._jobs.title}: {message}{part}")

    def _on_ended(self, title: str, outcome: str) -> None:
        if self.box is not None and title in TIMED:
            self.box.set_busy("")
            if outcome == "cancelled":
                self.box.say("Stopped.")
        if title in (SENDING, AGAIN):
            self.waiting = archive_work.waiting()
            self._archives.changed.emit()

    def _on_case(self) -> None:
        """What was fetched goes when another case is open."""
        source = self._model.case.source if self._model.case is not None else None
        for each in list(self._fetched):
            if source is None or not each.holds(source):
                self._fetched.remove(each)
                each.remove()

    # ---------------------------------------------------------------------------------------------------------- sending

    @property
    def possible(self) -> bool:
        """Whether the open case has a study that its plan can go into."""
        case = self._model.case
        has_study = (
            case is not None and case.volume is not None and case.volume.details.get("format") == "DICOM"
        )
        return has_study and self._report.possible

    def send(self) -> None:
        """Send the plan of the open case: to the archive that its CT came from, else to the preferred one."""
        archive = self._target()
        opened = self._report.opened
        if archive is None or opened is None or not self.possible:
            return
        access = self._access(archive)
        if access is None:
            return
        self._archives.prefer(archive)
        self._jobs.start(
            SENDING,
            lambda progress, cancel: archive_work.send(opened, access, progress, cancel),
            lambda delivered: self._on_delivered({archive.name: access}, [delivered]),
        )

    @property
    def target(self) -> Archive | None:
        """Where the plan of the open case would go; None where the user has to choose."""
        case = self._model.case
        from_there = [each for each in self._fetched if case is not None and each.holds(case.source)]
        return self._archives.named(from_there[0].archive) if from_there else self._archives.preferred

    def _target(self) -> Archive | None:
        if not self._archives.all:
            self.settings_wanted.emit()
            return None
        if self.target is not None:
            return self.target
        name = self._dialogs.choose_archive([each.name for each in self._archives.all])
        return None if name is None else self._archives.named(name)

    def send_waiting(self) -> None:
        """Send what waits, except to archives whose password or new address the user does not give or confirm."""
        accesses: dict[str, Access] = {}
        moved: set[str] = set()
        left_out: set[str] = set()
        for name, before in archive_work.waiting_for().items():
            archive = self._archives.named(name)
            if archive is None:  # the work says so
                continue
            if before - {archive.address}:
                if not self._dialogs.confirm_moved(name, sorted(before - {archive.address}), archive.address):
                    left_out.add(name)
                    continue
                moved.add(name)
            access = self._access(archive)
            if access is None:
                left_out.add(name)
            else:
                accesses[name] = access
        self._jobs.start(
            AGAIN,
            lambda progress, cancel: archive_work.send_waiting(accesses, left_out, moved, progress, cancel),
            lambda delivered: self._on_delivered(accesses, delivered),
        )

    def _on_delivered(self, accesses: Mapping[str, Access], delivered: list[Delivered]) -> None:
        faults = [each.fault for each in delivered if each.fault is not None]
        for each in delivered:
            if each.parcel.archive in accesses:
                self._on_fault(accesses[each.parcel.archive], each.fault)
        if faults:
            self._boxes.show_error(_all_of(faults))
        # After the box, whose words are in the status bar too: what arrived is told of all the same.
        sent = [each for each in delivered if each.fault is None]
        count = sum(len(each.parcel.files) for each in sent)
        ways = dict.fromkeys(str(each.done.way) for each in sent if each.done is not None)
        names = dict.fromkeys(each.parcel.archive for each in sent)
        if sent:
            self.said.emit(f"Sent: {', '.join(names)} has all {count} objects, by {', '.join(ways)}.")


def _all_of(faults: Sequence[SpinectError]) -> SpinectError:
    """One error that tells of all."""
    if len(faults) == 1:
        [fault] = faults
        return SpinectError(fault.fault, f"{fault.remedy}. {WAITS}", fault.source)
    told = dict.fromkeys(f"{each.source}: {each.fault}" if each.source else each.fault for each in faults)
    remedies = dict.fromkeys(each.remedy for each in faults)
    return SpinectError("; ".join(told), ". ".join([*remedies, WAITS]))


def _caught(work: Work[T]) -> Work[T | SpinectError]:
    """Work whose error is its result: it is said where it was asked for, and not in a box of its own."""

    def run(progress: Progress, cancel: Cancel) -> T | SpinectError:
        try:
            return work(progress, cancel)
        except Cancelled:
            raise
        except SpinectError as error:
            return error

    return run
