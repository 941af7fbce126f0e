"""Correcting labels by hand: what takes longer than a gesture, and the surfaces of the corrected labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.model.case_model import CaseModel
from app.model.correcting import Correcting, Wanted
from app.model.jobs import Job, JobRunner
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from app.model.picking import SurfacePicker
    from spinect_core.image.editing import Stroke
    from spinect_core.pipeline.rechecking import Rechecked
    from spinect_core.surfaces import SurfaceProcess, Surfaces, SurfacesHere

CORRECTING = "Correcting labels"
AFTER_MS = 150
"""How long nothing is corrected before the surfaces are made anew."""


class CorrectController(QObject):
    """Does what the tools want, and makes the surfaces of what they have changed, beside everything else.

    Args:
        model: the case.
        correcting: the tools.
        jobs: where work runs that the user waits for.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self, model: CaseModel, correcting: Correcting, jobs: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._correcting, self._jobs = model, correcting, jobs
        self._job: Job | None = None
        self._made: tuple[Surfaces, SurfacePicker, int] | None = None
        self._maker: SurfaceProcess | SurfacesHere | None = None
        self._over = self._failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self._begin)
        model.labels_corrected.connect(self._on_corrected)
        correcting.changed.connect(self._on_tools)
        correcting.wanted.connect(self._on_wanted)
        correcting.said.connect(self.said)

    def finish(self) -> None:
        """Make nothing more: the window closes."""
        self._over = True
        self._timer.stop()
        if self._job is not None:
            self._job.cancel.set()
            self._job.wait()
        self._end_maker()

    # ------------------------------------------------------------------------------------------- what was wanted

    def _on_wanted(self, wanted: Wanted) -> None:
        moment, case = self._model.labels_moment, self._model.case

        def done(strokes: list[Stroke]) -> None:
            if self._model.case is case and self._model.labels_moment == moment:
                self._correcting.take(wanted, strokes)

        def work(progress: Progress, _cancel: Cancel) -> list[Stroke]:
            progress(0.2, wanted.text)
            return wanted.strokes()

        self._jobs.start(CORRECTING, work, done)

    # ---------------------------------------------------------------------------------------------- the surfaces

    def _on_tools(self) -> None:
        """Have the process ready that makes surfaces while somebody corrects, and only then."""
        if self._correcting.on and self._correcting.possible and not self._over:
            self._ready_maker()
        elif self._job is None and self._model.surfaces_current:
            self._end_maker()

    def _ready_maker(self) -> SurfaceProcess | SurfacesHere:
        from spinect_core.surfaces import surface_maker

        labels = self._model.labels_1mm
        assert labels is not None  # there are labels to correct
        if self._maker is None:
            self._maker = surface_maker(labels.array.size)
            self._maker.__enter__()
        return self._maker

    def _end_maker(self) -> None:
        maker, self._maker = self._maker, None
        if maker is not None:
            maker.__exit__()

    def _on_corrected(self) -> None:
        if self._over:
            return
        self._timer.start()
        words = self._model.corrected
        gone = self._model.put_aside is not None and not self._model.planning.searches
        aside = "; trajectories have to be found again" if gone else ""
        self.said.emit(f"Labels {words}{aside}." if words else "No correction by hand is left.")

    def _begin(self) -> None:
        """Make them, unless they are made already: what becomes of other labels is left out then, and made again."""
        if self._job is not None or self._over:
            return
        case, moment = self._model.case, self._model.labels_moment
        if case is None or case.segmentation is None or case.surfaces is None or self._model.surfaces_current:
            return
        labels, before, tissues = case.segmentation.labels_1mm, case.surfaces, self._model.tissues_changed
        maker = self._ready_maker()

        def work(progress: Progress, cancel: Cancel) -> None:
            from app.model.picking import SurfacePicker

            made = before.renewed(maker.build(labels, tissues=tissues, cancel=cancel), tissues)
            self._made = made, SurfacePicker({"bone": made.bone, "nerve": made.nerve}), moment

        self._made = None
        self._job = job = Job(work, self)
        job.failed.connect(self._on_failed)
        job.finished.connect(self._on_end)
        job.start()

    def _recheck(self) -> None:
        """Measure the needles that were put aside on the corrected labels: a search takes much longer."""
        model, case, aside = self._model, self._model.case, self._model.put_aside
        if not model.surfaces_current or case is None or case.surfaces is None or aside is None:
            return
        surfaces, moment = case.surfaces, model.labels_moment
        found: list[tuple[Rechecked, ...]] = []

        def work(_progress: Progress, cancel: Cancel) -> None:
            from spinect_core.pipeline.rechecking import recheck

            found.append(recheck(aside, surfaces, cancel))

        def done() -> None:
            self._job = None
            job.deleteLater()
            if found and not self._over:
                self._correcting.take_rechecked(found[0], moment)
            if not self._over and not model.surfaces_current:
                self._timer.start()

        self._job = job = Job(work, self)
        job.finished.connect(done)
        job.start()

    def _on_failed(self, error: SpinectError) -> None:
        """Another process makes the next ones; the user decides when."""
        self._end_maker()
        self._failed = True
        if not self._over:
            self.said.emit(
                f"The surfaces of the corrected labels are missing: {error.fault}. Correct again, or undo."
            )

    def _on_end(self) -> None:
        job, self._job = self._job, None
        made, self._made = self._made, None
        if job is not None:
            job.deleteLater()
        if self._over:
            return
        if made is not None:
            self._model.set_corrected_surfaces(*made)
            self._recheck()
        failed, self._failed = self._failed, False
        if not self._model.surfaces_current and not failed:
            self._timer.start()
        elif not self._correcting.on:
            self._end_maker()
