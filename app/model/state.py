"""All that the window knows, in one place: what panels, views and controllers are given at their making."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings

from app.model.appearance import Appearance
from app.model.archives import Archives
from app.model.autosave import Autosave, Leftovers
from app.model.case_model import CaseModel
from app.model.comparing import Comparing
from app.model.correcting import Correcting
from app.model.dragging import Dragging
from app.model.flow import Flow
from app.model.fluoroscopy import Fluoroscopy
from app.model.jobs import JobRunner
from app.model.measuring import Measuring
from app.model.needle_section import NeedleSection
from app.model.ongoing import Ongoing
from app.model.planning_options import PlanningOptions
from app.model.present_window import PresentWindow
from app.model.recent import RecentFiles
from app.model.repeating import Repeating
from app.model.segment_options import SegmentOptions
from app.model.slice_state import SliceState
from app.model.trajectories import Trajectories


class State:
    """The state of one window; nothing is open at first.

    Args:
        settings: where choices are kept.
        parent: owns the parts.

    Attributes:
        settings: as given.
        model: the case, where one looks, what was measured.
        jobs: long work.
        correcting: the labels by hand.
        comparing: the labels with another set.
        trajectories: of the case.
        dragging: a needle that is dragged.
        measuring: what is being measured by hand.
        repeating: what is being measured again.
        section: where the plane across the needle lies.
        present: what is open of the chosen one in the present view.
        fluoroscopy: what a C-arm would show in the present view.
        appearance: how bone, nerve and labels look.
        slices: what the three slices share.
        options: of the segmentation.
        planning: what needles are placed under, and which limits hold.
        ongoing: the running job, as it is shown.
        flow: where the case stands on its way to a report.
        recent: what was opened last.
        archives: those that have been entered.
        autosave: keeps unsaved work.
        leftovers: unsaved work of windows that ended unexpectedly.
    """

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        self.settings = settings
        self.model = CaseModel(parent)
        self.jobs = JobRunner(parent)
        self.appearance = Appearance(settings, parent)
        self.slices = SliceState(self.model, parent)
        self.correcting = Correcting(self.model, self.slices, parent)
        self.comparing = Comparing(self.model, self.slices, parent)
        self.trajectories = Trajectories(self.model, parent)
        self.dragging = Dragging(self.model, self.trajectories, self.jobs, parent)
        self.measuring = Measuring(self.model, parent)
        self.repeating = Repeating(self.model, self.measuring, self.trajectories, parent)
        self.section = NeedleSection(self.trajectories, parent)
        self.present = PresentWindow(self.model, self.trajectories, parent)
        self.fluoroscopy = Fluoroscopy(self.model, self.trajectories, parent)
        self.options = SegmentOptions(settings, parent)
        self.planning = PlanningOptions(settings, parent)
        self.ongoing = Ongoing(self.jobs, parent)
        self.flow = Flow(self.model, self.ongoing, self.planning, parent)
        self.recent = RecentFiles(settings, parent)
        self.archives = Archives(settings, parent)
        self.autosave = Autosave(self.model, self.trajectories, self.recent, settings, parent)
        self.leftovers = Leftovers(parent)
