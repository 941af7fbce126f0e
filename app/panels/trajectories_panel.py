"""The tab "Trajectories": the table, its buttons, and beside it map, details or landmarks of the chosen trajectory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QMenu,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model.case_model import CaseModel
from app.model.dragging import Dragging
from app.model.ongoing import SEGMENTING, Ongoing
from app.model.rows import KEY_ROLE, Sorted
from app.model.trajectories import AGAIN, Trajectories
from app.model.trajectory_table import LIGHT, NAME, NEEDLE, TrajectoryTable
from app.panels.angle_map_panel import AngleMapPanel
from app.panels.landmarks_panel import LandmarksPanel
from app.panels.progress import ProgressCard
from app.panels.trajectory_details import TrajectoryCurve, TrajectoryDetails
from app.widgets import icons, plain, theme
from app.widgets.menus import add_entry
from app.widgets.parts import ElidedLabel, dense_table
from spinect_core.anatomy.levels import LUMBAR_COUNTS
from spinect_core.base.words import Checked
from spinect_core.image.warning import warning_lines
from spinect_core.plan.case_wording import case_light_text
from spinect_core.plan.records import CaseLightRecord, SearchRecord
from spinect_core.plan.wording import HOW_MANY, NOT_KNOWN, choices, level_words, withheld_sentences
from spinect_core.plan.wording import warnings as warnings_of

CONTEXT_WIDTH = 244
RECOMMENDED_TIP = "The most ordinary view within the rules that keeps most of the tolerance"
WIDEST = 320
"""Pixels of a column, whatever a plan writes into it."""


class TrajectoriesPanel(QFrame):
    """Choose a trajectory, turn to it, adjust it.

    Signals:
        down_wanted: look down the needle from near.
        slice_wanted: show the CT in the plane of the needle.
        needle_wanted: place a needle along the present view; True for the cross-hair as its target.
        delete_wanted: delete the user's needle that is looked at.
        move_wanted: move the landmark of this name to the cross-hair.
        lumbar_wanted: name all by this many lumbar vertebrae; None where they are not known.
    """

    down_wanted = Signal()
    slice_wanted = Signal()
    needle_wanted = Signal(bool)
    delete_wanted = Signal()
    move_wanted = Signal(str)
    lumbar_wanted = Signal(object)

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        dragging: Dragging,
        ongoing: Ongoing,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self._model, self._trajectories, self._ongoing = model, trajectories, ongoing
        self._dragging = dragging
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.warning = ElidedLabel()
        self.warning.setProperty("role", "warning")
        self.warning.setFixedHeight(24)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        self.lumbar_menu = QMenu(self)
        for count in (*LUMBAR_COUNTS, None):
            text = NOT_KNOWN if count is None else f"{count} lumbar vertebrae"
            add_entry(self.lumbar_menu, text, partial(self.lumbar_wanted.emit, count))
        self.level = self._button("", None, self.lumbar_menu)
        self.level.setFixedHeight(24)
        head.addWidget(self.level)
        head.addWidget(self.warning, 1)
        head.addStretch(0)
        column.addLayout(head)
        self.case_light = ElidedLabel()
        self.case_light.setFixedHeight(22)
        self.case_light.setContentsMargins(12, 0, 12, 0)
        self.case_light.setAccessibleName("Light of the case")
        column.addWidget(self.case_light)
        self.progress = ProgressCard(ongoing, lambda job: not job.opens and job.title != SEGMENTING, low=True)
        column.addWidget(self.progress)
        self.table = self._make_table()
        body = QSplitter(Qt.Orientation.Horizontal)
        body.setHandleWidth(2)
        body.setChildrenCollapsible(False)
        body.addWidget(_stacked(self._make_bar(), self.table))
        body.addWidget(self._make_context())
        body.setStretchFactor(0, 1)
        body.setSizes([650, CONTEXT_WIDTH])
        column.addWidget(body, 1)
        trajectories.changed.connect(self._show_rows)
        trajectories.chosen_changed.connect(self._show)
        trajectories.live_changed.connect(self._show_live)
        model.view_changed.connect(self._enable)
        model.case_opened.connect(self._show)
        model.warnings_changed.connect(self._show)
        self._show_rows()

    def _make_bar(self) -> QWidget:
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(4, 3, 2, 3)
        row.setSpacing(0)
        self.recommended = self._button("Recommended", self._turn_to_recommended)
        self.views_menu = QMenu(self)
        self.views_menu.aboutToShow.connect(self._fill_views)
        self.others = self._button("Views ▾", None, self.views_menu)
        self.others.setToolTip(
            "All views worth taking, that of the largest window among them, and how they differ"
        )
        self.down = self._button("Down the needle", self.down_wanted.emit)
        self.down.setToolTip("Look along the needle from its hub, near enough to see the window")
        self.slice = self._button("Slice", self.slice_wanted.emit)
        self.slice.setToolTip("The CT in the oblique plane that holds the whole needle")
        self.needle_menu = QMenu(self)
        for text, to_cursor in (
            ("To the middle of what is open in this view", False),
            ("To the cross-hair", True),
        ):
            add_entry(self.needle_menu, text, partial(self.needle_wanted.emit, to_cursor))
        self.place = self._button("Needle ▾", None, self.needle_menu)
        self.delete = self._button("", self.delete_wanted.emit)
        icons.dress(self.delete, "delete")
        self.delete.setToolTip("Delete your own needle")
        for each in (
            self.recommended,
            self.others,
            self.down,
            self.slice,
            self.place,
            self.delete,
        ):
            row.addWidget(each)
        row.addStretch(1)
        return bar

    def _make_context(self) -> QWidget:
        self.map = AngleMapPanel(self._model, self._trajectories, self._dragging, self._ongoing)
        self.details = TrajectoryDetails(self._model, self._trajectories)
        self.curve = TrajectoryCurve(self._trajectories)
        self.landmarks = LandmarksPanel(self._model, self._trajectories)
        self.landmarks.move_wanted.connect(self.move_wanted)
        self.context = QStackedWidget()
        self.pages = QTabBar()
        self.pages.setProperty("role", "dense")
        self.pages.setExpanding(False)
        self.pages.setUsesScrollButtons(False)
        self.pages.setAccessibleName("About the trajectory")
        named = {"Map": self.map, "Details": self.details, "Curve": self.curve, "Landmarks": self.landmarks}
        for text, page in named.items():
            self.context.addWidget(page)
            self.pages.addTab(text)
        self.pages.currentChanged.connect(self.context.setCurrentIndex)
        return _stacked(self.pages, self.context)

    def _button(self, text: str, slot: Callable[[], object] | None, menu: QMenu | None = None) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if menu is not None:
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        elif slot is not None:
            button.clicked.connect(lambda _=False: slot())
        return button

    def _make_table(self) -> QTableView:
        self.rows = TrajectoryTable(self)
        self.sorted = Sorted(self.rows, self)
        table = dense_table("Trajectories", self.sorted)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setMinimumSectionSize(36)
        table.clicked.connect(self._on_row)
        table.activated.connect(self._on_row)
        self.sorted.layoutChanged.connect(self._span)
        table.selectionModel().currentRowChanged.connect(self._on_current)
        return table

    # ------------------------------------------------------------------------------------------------- choosing

    def _on_row(self, index: QModelIndex) -> None:
        self._trajectories.choose(str(index.data(KEY_ROLE)))

    def _on_current(self, index: QModelIndex) -> None:
        """Arrow keys choose as a click does."""
        if index.isValid() and index.data(KEY_ROLE) != self._trajectories.chosen:
            self._on_row(index)

    def _turn_to_recommended(self) -> None:
        search = self._search
        if search is not None and search.recommended is not None:
            self._model.set_view(search.recommended.view)

    @property
    def _search(self) -> SearchRecord | None:
        return self._trajectories.search(self._trajectories.current)

    def _fill_views(self) -> None:
        self.views_menu.clear()
        search, trajectory = self._search, self._trajectories.current
        if trajectory is not None and trajectory.withheld_text:
            held = plain.caption(trajectory.withheld_text)
            self.views_menu.addAction(f"{held[:1].upper()}{held[1:]}").setEnabled(False)
        for words, view in choices(search) if search is not None else ():
            add_entry(self.views_menu, words, partial(self._model.set_view, view))

    # -------------------------------------------------------------------------------------------------- showing

    def _show_rows(self) -> None:
        self.rows.show(self._trajectories.rows)
        self._fit_columns()
        self._span()
        self._show()

    def _show_live(self) -> None:
        """The numbers of the needle that is moved."""
        if self._trajectories.current is not None:
            self.rows.put(self._trajectories.current)

    def _span(self) -> None:
        """What blocks a zone takes its whole row; why no needle is recommended, the columns of light and needle."""
        self.table.clearSpans()
        columns = self.rows.columnCount()
        for number, trajectory in enumerate(self.rows.rows):
            row = self.sorted.at(number).row()
            if not trajectory.open:
                self.table.setSpan(row, LIGHT, 1, columns - LIGHT)
            elif trajectory.withheld_text and trajectory.needle is None:
                self.table.setSpan(row, LIGHT, 1, NEEDLE + 1 - LIGHT)

    def _show(self) -> None:
        case = self._model.case
        noticed = () if case is None else case.warnings
        planning = self._model.planning
        held = withheld_sentences(planning.withheld)
        # a doubt for which nothing is recommended has been told with that
        told = {each.rstrip(".") for each in planning.withheld}
        doubts = (each for each in warnings_of(planning) if each.rstrip(".") not in told)
        asked = self._show_level()
        sentences = (*warning_lines(noticed), *held, *doubts, *asked)
        self.warning.setVisible(bool(sentences))
        self.warning.setText(f"{'' if noticed else 'Warning: '}{' '.join(sentences)}")
        self.warning.setToolTip("\n".join(sentences))
        self._show_light(planning.light)
        index = self.sorted.at(self.rows.row_of(self._trajectories.chosen))
        if index.isValid():
            self.table.selectRow(index.row())
        else:
            self.table.clearSelection()
        self._enable()

    def _show_light(self, light: CaseLightRecord | None) -> None:
        self.case_light.setVisible(light is not None)
        text = "" if light is None else f"Case {case_light_text(light)}"
        self.case_light.setText(text)
        self.case_light.setToolTip(text.replace("; ", "\n"))
        if light is not None:
            theme.mark(self.case_light, light.light)

    def _show_level(self) -> tuple[str, ...]:
        """The level that is planned and by which count it has its name; what is asked where nobody has counted."""
        level = self._model.planning.level
        self.level.setVisible(level is not None)
        if level is None:
            return ()
        known = level.lumbar is not None or Checked.LEVEL in self._model.planning.checked
        counted = "lumbar vertebrae?" if level.lumbar is None else f"{level.lumbar} lumbar vertebrae"
        self.level.setText(f"{level.name} · {counted} ▾")
        self.level.setToolTip(level_words(level))
        theme.mark(self.level, "" if known else "warning")
        return () if known else (f"{HOW_MANY.format(name=level.name)}.",)

    def _fit_columns(self) -> None:
        """As narrow as their texts; what blocks a zone takes a whole row and does not count."""
        font = QFont(self.table.font())
        font.setPixelSize(theme.DENSE_TITLE)
        cells, titles = self.table.fontMetrics(), QFontMetrics(font)
        for place, column in enumerate(self.rows.columns):
            texts = [
                column.text(each) for each in self.rows.rows if place == NAME or (each.open and not each.own)
            ]
            width = max((cells.horizontalAdvance(text) for text in texts), default=0)
            title = max(titles.horizontalAdvance(line) for line in column.title.split("\n"))
            wanted = max(width + (38 if place == NAME else 16), title + 12)
            self.table.setColumnWidth(place, min(wanted, WIDEST))

    def _enable(self) -> None:
        trajectory, search, live = self._trajectories.current, self._search, self._trajectories.can_adjust
        held = "" if trajectory is None else trajectory.withheld_text
        self.recommended.setEnabled(search is not None and search.recommended is not None and not held)
        self.recommended.setToolTip(f"{held[:1].upper()}{held[1:]}" if held else RECOMMENDED_TIP)
        self.others.setEnabled(search is not None)
        self.down.setEnabled(trajectory is not None and trajectory.needle is not None)
        has_ct = self._model.case is not None and self._model.case.volume is not None
        self.slice.setEnabled(self.down.isEnabled() and has_ct)
        self.delete.setEnabled(trajectory is not None and trajectory.own)
        self.place.setEnabled(trajectory is not None and live and bool(trajectory.zone_key))
        self.place.setToolTip(
            "Place a needle of your own along the present view, with its safety" if live else AGAIN
        )


def _stacked(bar: QWidget, content: QWidget) -> QWidget:
    """A bar above its content."""
    whole = QFrame()
    whole.setProperty("role", "header")
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(bar)
    column.addWidget(content, 1)
    return whole
