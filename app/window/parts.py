"""What others in this room ask of the planner's window."""

from __future__ import annotations

from PySide6.QtWidgets import QMainWindow, QScrollArea, QSplitter, QTabWidget, QVBoxLayout

from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.state import State
from app.panels.frames import ViewFrame
from app.widgets.dialogs import Dialogs


class PlannerParts(QMainWindow):
    """The parts of the planner's window, without what puts them together.

    Attributes:
        state: what the window knows.
        model: the case.
        jobs: long work.
        dialogs: ask the user.
        column: the side's pages, one below the other.
        side: holds them.
        frames: of the views, by name.
        fluoroscopy_frame: of the simulated fluoroscopy.
        right: the slices.
        dock: the tables below the views.
    """

    state: State
    model: CaseModel
    jobs: JobRunner
    dialogs: Dialogs
    column: QVBoxLayout
    side: QScrollArea
    frames: dict[str, ViewFrame]
    fluoroscopy_frame: ViewFrame
    right: QSplitter
    dock: QTabWidget
