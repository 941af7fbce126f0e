"""Segmenting the open CT."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.model import work
from app.model.case_model import CaseModel
from app.model.hints import NOT_RECOGNISED, SHOW_PLACE
from app.model.jobs import JobRunner
from app.model.ongoing import SEGMENTING
from app.model.segment_options import SegmentOptions
from app.model.work import Segmented
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from spinect_core.base.errors import SpinectError, UsageError


class SegmentController(QObject):
    """Labels bone and nerve in the region of the open CT.

    Args:
        model: the case.
        options: how to segment.
        jobs: where it runs.
        boxes: shows errors.
        dialogs: asks before labels go that were corrected by hand.

    Signals:
        said: a sentence for the status bar.
        plan_wanted: the labels stand, and the user asked for the finished plan.
    """

    said = Signal(str)
    plan_wanted = Signal()

    def __init__(
        self,
        model: CaseModel,
        options: SegmentOptions,
        jobs: JobRunner,
        boxes: Boxes,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._options, self._jobs, self._boxes = model, options, jobs, boxes
        self._dialogs = dialogs

    def plan_this_ct(self) -> None:
        """Do what is missing up to the check: labels, then trajectories."""
        case = self._model.case
        if case is not None and case.segmentation is not None and case.surfaces is not None:
            self.plan_wanted.emit()
        else:
            self.segment(finish=True)

    def segment(self, finish: bool = False) -> None:
        """Segment the open case.

        Args:
            finish: ask for the plan afterwards.
        """
        case = self._model.case
        if case is None:
            return
        if case.volume is None:
            self._boxes.show_error(UsageError("The CT of this plan is not open", "Open it first", case.name))
            return
        if case.region is None:
            self._boxes.show_error(
                SpinectError(
                    "No lumbosacral region was recognised in this CT",
                    "Open a CT that shows the pelvis and the lowest lumbar vertebrae",
                )
            )
            return
        if not case.region.found:
            self._boxes.show_error(
                SpinectError(f"{NOT_RECOGNISED}. {case.region.note}", SHOW_PLACE, case.name)
            )
            return
        corrected = self._model.corrected
        if corrected and not self._dialogs.confirm_losing_corrections(corrected):
            return
        options = self._options.now
        self._jobs.start(
            SEGMENTING,
            lambda progress, cancel: work.segment_case(case, options, progress, cancel),
            lambda result: self._on_segmented(result, finish),
        )

    def _on_segmented(self, result: Segmented, finish: bool) -> None:
        if result.case is not self._model.case:
            return
        result.case.timings["surfaces"] = result.seconds
        self._model.set_segmentation(result.segmentation, result.surfaces, result.picker)
        named = result.named
        if named is not None and named.organs is not None:
            self._model.set_organs(named.organs, named.meshes)
        elif named is not None:
            self.said.emit(named.fault)
        missing = [
            name
            for name, mesh in (("bone", result.surfaces.bone), ("nerve", result.surfaces.nerve))
            if not mesh.n_cells
        ]
        if missing:
            found_no = " and ".join(missing)
            self.said.emit(f"Segmented, but no {found_no} was found. Check the region and the slices.")
        if finish:
            self.plan_wanted.emit()
