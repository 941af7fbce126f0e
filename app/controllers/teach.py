"""Teaching: opens packs and sessions, draws cases, scores what is handed in, keeps results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.case import Case, CaseLabels, triangles_of
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.picking import SurfacePicker
from app.model.teach import Trainer
from app.model.teach_files import result_before
from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.image.volume import Volume
from spinect_core.surfaces import Surfaces
from spinect_core.teaching.process import Drawn, TeachingProcess
from spinect_core.teaching.records import ScoreRecord
from spinect_core.teaching.session import write_record
from spinect_core.teaching.words import Aids

if TYPE_CHECKING:
    from spinect_core.teaching.pack import Pack

DRAWING, SCORING = "Preparing the case", "Scoring"


@dataclass(frozen=True, eq=False)
class Ready:
    """A case as the window shows it.

    Attributes:
        name: of it.
        volume: the CT.
        surfaces: bone and nerve.
        picker: search trees over them.
        labels: bone and nerve, for when an attempt was handed in.
    """

    name: str
    volume: Volume
    surfaces: Surfaces
    picker: SurfacePicker
    labels: CaseLabels

    @classmethod
    def of(cls, name: str, drawn: Drawn) -> Ready:
        """Of a case that was drawn; takes a moment, best away from the window's thread."""
        from spinect_core.plan.document import resampled

        surfaces, pictures = drawn.surfaces(), drawn.pictures
        picker = SurfacePicker({"bone": surfaces.bone, "nerve": surfaces.nerve})
        on_ct = resampled(pictures.labels, pictures.volume.geometry)
        return cls(name, pictures.volume, surfaces, picker, CaseLabels(on_ct, pictures.labels, None, None))

    def case(self, in_3d: bool) -> Case:
        """For the window, with or without bone and nerve."""
        surfaces, picker = (self.surfaces, self.picker) if in_3d else (None, None)
        return Case(self.volume, Path(self.volume.name), surfaces=surfaces, picker=picker)


class TeachController(QObject):
    """Lets a student work through a pack.

    Args:
        trainer: where the student is.
        model: takes the case.
        jobs: where cases are drawn and scored.

    Signals:
        ready: the case of the step is there.
        said: a sentence for the status bar.
    """

    ready = Signal()
    said = Signal(str)

    def __init__(
        self, trainer: Trainer, model: CaseModel, jobs: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.trainer, self._model, self._jobs = trainer, model, jobs
        self._process: TeachingProcess | None = None
        self._case: Ready | None = None
        self._drawn = ""  # name of the case that the process has
        self._shown: tuple[str, bool] | None = None

    # ------------------------------------------------------------------------------------------------ the case

    @property
    def case_is_shown(self) -> bool:
        """Whether the case of the step is the one on the screen."""
        return self._case is not None and self._case.name == self.trainer.step.case

    def show_step(self) -> None:
        """Bring the case of the step that is shown, drawn if need be; the clock starts when it is there."""
        trainer = self.trainer
        name, pack = trainer.step.case, trainer.pack
        if self._case is not None and self.case_is_shown:
            self._show(self._case)
            return

        def draw(progress: Progress, cancel: Cancel) -> Ready:
            return Ready.of(name, self._draw(pack, name, progress, cancel))

        def drawn(made: Ready) -> None:
            self._case = made
            if trainer.step.case == name:
                self._show(made)

        self._jobs.start_instead(DRAWING, draw, drawn)

    def _draw(
        self, pack: Pack, name: str, progress: Progress = silent, cancel: Cancel | None = None
    ) -> Drawn:
        """Let the process draw a case, which it then scores."""
        self._drawn = ""
        drawn = self._ready_process().open(pack, name, progress=progress, cancel=cancel)
        self._drawn = name
        return drawn

    def _ready_process(self) -> TeachingProcess:
        if self._process is None or not self._process.alive:
            if self._process is not None:
                self._process.close()
            self._process = TeachingProcess()
        return self._process

    def _show(self, made: Ready) -> None:
        """Open the case with what the task lets one see, and begin."""
        trainer = self.trainer
        in_3d = trainer.task.aids == Aids.EVERYTHING
        if self._shown != (made.name, in_3d):
            self._model.open(made.case(in_3d))
            self._shown = (made.name, in_3d)
        for each in list(self._model.measurements):
            self._model.remove(each.key)
        if trainer.task.view is not None:
            self._model.set_view(trainer.task.view)
        trainer.begin()
        self.ready.emit()

    def reveal(self) -> None:
        """Show bone and nerve as they are: the attempt was handed in."""
        if self._case is not None and self._model.case is not None:
            self._model.set_segmentation(self._case.labels, self._case.surfaces, self._case.picker)
            self._shown = None  # the next task begins without them

    # ------------------------------------------------------------------------------------------------ handing in

    def hand_in(self, declined: bool = False) -> None:
        """Score what was placed."""
        trainer, model = self.trainer, self._model
        if trainer.handed_in or self._jobs.busy:
            return
        if not self.case_is_shown:
            self.said.emit("The case of this task is not prepared yet. Prepare it first.")
            return
        if trainer.seconds_left == 0:
            self.said.emit("The time of the session is over. Nothing more can be handed in.")
            return
        triangles = triangles_of(model.measurements)
        corners = tuple(np.asarray(each) for each in triangles[-1].vertices) if triangles else ()
        missing = "" if declined else trainer.missing(len(corners))
        if missing:
            self.said.emit(missing)
            return
        attempt = trainer.attempt(view=model.view, corners=corners, declined=declined)
        task, step, pack = trainer.task, trainer.step, trainer.pack

        def score(progress: Progress, cancel: Cancel) -> ScoreRecord:
            process = self._process
            # A cancelled one is gone with its case, or has another one.
            if process is None or not process.alive or self._drawn != step.case:
                self._draw(pack, step.case, cancel=cancel)
                process = self._ready_process()
            return process.score(task, attempt, progress=progress, cancel=cancel)

        def scored(found: ScoreRecord) -> None:
            if trainer.step == step and not trainer.handed_in:
                trainer.take_score(attempt, found)
                self.reveal()

        self._jobs.start(SCORING, score, scored)

    def keep(self, path: Path) -> None:
        """Write what was handed in so far over what was kept before, and over nothing else.

        Raises:
            PlanError: there lies something else: damaged, of another session, or with attempts that are not known here.
            OutputError: the file cannot be written.
        """
        trainer = self.trainer
        if trainer.session is not None:
            there = result_before(path, trainer.session)
            if there is not None and list(there.done) != trainer.done[: len(there.done)]:
                raise PlanError(
                    "The result holds attempts that were handed in elsewhere meanwhile",
                    "Save the result under another name, and open the session again",
                    path,
                )
        write_record(trainer.result(), path)

    def save_result(self, path: Path) -> None:
        """Write what was handed in so far."""
        try:
            write_record(self.trainer.result(), path)
        except SpinectError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")
            return
        self.said.emit(f"Result saved: {path.name}")

    def close(self) -> None:
        """End the process that scores."""
        if self._process is not None:
            self._process.close()
            self._process = None
