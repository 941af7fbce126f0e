"""Puts the controllers together: who gets what, and what follows on what."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.archive import ArchiveController
from app.controllers.compare import CompareController
from app.controllers.correct import CorrectController
from app.controllers.dicom import DicomController
from app.controllers.exchange import ExchangeController
from app.controllers.export import ExportController
from app.controllers.header import HeaderController
from app.controllers.labels import LabelsController
from app.controllers.needle_slice import NeedleSliceController
from app.controllers.needles import NeedlesController
from app.controllers.open import OpenController
from app.controllers.organs import OrgansController
from app.controllers.plan import PlanController
from app.controllers.report import ReportController
from app.controllers.save import SaveController
from app.controllers.segment import SegmentController
from app.controllers.thumbnails import ThumbnailController
from app.model.state import State
from app.views.stage import Stage
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs


class Controllers(QObject):
    """What the user can do, one job each.

    Args:
        state: what they change.
        stage: where the 3D view is.
        dialogs: asks the user.
        boxes: shows errors.
        window: owns them.
    """

    def __init__(self, state: State, stage: Stage, dialogs: Dialogs, boxes: Boxes, window: QWidget) -> None:
        super().__init__(window)
        model, jobs, recent, trajectories = state.model, state.jobs, state.recent, state.trajectories
        self.save = SaveController(model, trajectories, jobs, recent, dialogs, window)
        self.open = OpenController(
            model,
            trajectories,
            jobs,
            recent,
            self.save,
            state.autosave,
            state.leftovers,
            dialogs,
            boxes,
            window,
        )
        self.organs = OrgansController(model, state.options, jobs, recent, dialogs, window)
        self.labels = LabelsController(model, jobs, recent, dialogs, window)
        self.correct = CorrectController(model, state.correcting, jobs, window)
        self.compare = CompareController(model, state.comparing, self.labels, jobs, recent, dialogs, window)
        self.segment = SegmentController(model, state.options, jobs, boxes, dialogs, window)
        self.plan = PlanController(model, trajectories, state.planning, self.organs, jobs, window)
        self.needles = NeedlesController(model, trajectories, state.dragging, jobs, window)
        self.export = ExportController(
            model, trajectories, state.fluoroscopy, stage, recent, dialogs, boxes, window
        )
        self.report = ReportController(model, trajectories, jobs, recent, dialogs, window)
        self.dicom = DicomController(model, self.report, jobs, recent, dialogs, window)
        self.exchange = ExchangeController(self.report, jobs, recent, dialogs, window)
        self.archive = ArchiveController(
            model, state.archives, recent, self.report, self.open, jobs, dialogs, boxes, window
        )
        self.header = HeaderController(model, jobs, recent, dialogs, boxes, window)
        self.thumbnails = ThumbnailController(model, stage, recent, window)
        self.needle_slice = NeedleSliceController(model, trajectories, jobs, window)
        jobs.failed.connect(boxes.show_error)
        self.open.ct_opened.connect(self._on_ct)
        self.segment.plan_wanted.connect(self.plan.find)
        self.save.saved.connect(self.thumbnails.take)
        self.open.plan_opened.connect(self.thumbnails.take)
        self.needle_slice.save_wanted.connect(self.export.ask_picture)
        self.saying = (
            *(self.open, self.organs, self.labels, self.segment, self.plan, self.needles, self.save),
            *(self.correct, self.compare, self.export, self.report, self.dicom, self.exchange),
            *(self.archive, self.header),
        )

    def _on_ct(self, finish: bool) -> None:
        if finish:
            self.segment.segment(finish=True)
