"""Menus, tool bar and short cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QMainWindow,
    QMenu,
    QScrollArea,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.controllers.assembly import Controllers
from app.model.autosave import when_words
from app.model.correcting import Tool
from app.model.state import State
from app.panels.level_menu import LevelMenu
from app.panels.rules_box import RulesBox
from app.panels.settings_box import GeneralPage, SettingsBox
from app.views.stage import Stage
from app.widgets import icons, messages, plain
from app.widgets.boxes import Boxes
from app.widgets.menus import add_entry
from app.widgets.parts import label
from spinect_core.geometry.view import PRESETS

KEYS = {
    "3D view": (
        ("Left drag", "turn about the patient's long axis and tilt"),
        ("Shift + left drag, middle drag", "move"),
        ("Wheel, right drag", "zoom"),
        ("Double click", "put the cross-hair on the surface"),
        ("Arrow keys (with Shift)", "turn by 1° (10°)"),
        ("1 … 7, 0, C", "usual views, fit, turn about the cross-hair"),
        ("F", "simulated fluoroscopy of the view beside it, or not"),
    ),
    "Window": (
        ("F5, F6, F7, F8", "all views, 3D large, slices large, the needle's own views"),
        ("F9", "show or hide the side column"),
        ("Ctrl+,", "settings"),
    ),
    "Slices": (
        ("Left click or drag", "cross-hair"),
        ("Wheel, arrow and page keys", "scroll"),
        ("Ctrl + wheel, middle drag", "zoom, move; middle double click: whole slice"),
        ("Right drag", "grey values: across width, down level"),
    ),
    "Correcting labels": (
        ("B, E, X, [ and ]", "brush, eraser, other label, narrower and wider"),
        ("Ctrl + left click; Esc", "cross-hair; give up the stroke, then the tool"),
    ),
    "Trajectories": (
        ("Ctrl+T, N, P", "find trajectories, look down the needle, CT slice along it"),
        ("Ctrl+L (with Shift)", "needle of your own to what is open in this view (to the cross-hair)"),
        ("Click or drag in the map", "turn there; arrow keys by 1°, with Shift by 10°"),
        ("Drag an end of the needle", "move it, in slices or 3D; Esc puts it back"),
        ("Drag the square in the map", "turn the needle about its target; so does Ctrl + click"),
    ),
    "Measurements": (
        ("Clicks in 3D or a slice", "after choosing a tool; Backspace takes one back, Esc stops"),
        ("First corner, double click, Enter", "closes a polygon"),
        ("Drag a point", "the number follows; Esc puts it back"),
    ),
}
EXCHANGED = {
    "scene": "Scene for 3D Slicer…",
    "markups": "Markups for 3D Slicer…",
    "model": "Model for other viewers (GLB)…",
}
"""What the case is written as for other programs, by the word that its controller has."""
HIGHEST_SHEET = 720
"""Pixels of the sheet of keys, which a small screen has."""
PRESET_KEYS = dict(zip(PRESETS, ("1", "2", "3", "4", "5", "6", "7"), strict=False))


class Actions(QObject):
    """All actions of the window, by name in :attr:`named`.

    Args:
        window: gets the menus and the tool bar.
        state: says what makes sense now.
        controllers: do what the actions say.
        stage: where the 3D view is.
        boxes: shows the help.
        level_menu: gets its place in a menu.
        steps: gets its place in the tool bar.
    """

    def __init__(
        self,
        window: QMainWindow,
        state: State,
        controllers: Controllers,
        stage: Stage,
        boxes: Boxes,
        level_menu: LevelMenu,
        steps: QWidget,
    ) -> None:
        super().__init__(window)
        self._window, self._model, self._trajectories = window, state.model, state.trajectories
        self._controllers, self._stage = controllers, stage
        self.level_menu, self._steps, self._flow = level_menu, steps, state.flow
        self._recent, self._jobs, self._fluoroscopy = state.recent, state.jobs, state.fluoroscopy
        self._leftovers, self._correcting = state.leftovers, state.correcting
        opening, plan = controllers.open, controllers.plan
        self.named: dict[str, QAction] = {}
        make = self._make
        make("open_folder", "Open DICOM folder…", opening.ask_folder, "folder", "Ctrl+Shift+O")
        make("open_file", "Open file…", opening.ask_file, "open", QKeySequence.StandardKey.Open)
        make("from_archive", "From the archive…", controllers.archive.ask)
        make("demo", "Open demo case", opening.open_demo)
        make("open_plan", "Open plan…", opening.ask_plan)
        make("save", "Save plan…", controllers.save.ask_save, "save", QKeySequence.StandardKey.Save)
        make("export", "Export picture…", controllers.export.ask_view, "camera", "Ctrl+E")
        make("export_fluoroscopy", "Export fluoroscopy…", controllers.export.ask_fluoroscopy)
        make("measurements", "Export measurements…", controllers.export.ask_measurements)
        make("report", "Report…", controllers.report.ask, "", "Ctrl+P")
        make("copy_report", "Copy report as text", controllers.report.copy, "", "Ctrl+Shift+C")
        make("dicom", "Export DICOM…", controllers.dicom.ask)
        for kind, text in EXCHANGED.items():
            make(f"exchange_{kind}", text, partial(controllers.exchange.ask, kind))
        make("send", "Send to an archive…", controllers.archive.send)
        make("send_waiting", "Send what waits", controllers.archive.send_waiting)
        make("quit", "Quit", window.close, "", QKeySequence.StandardKey.Quit)
        make("labels", "Load labels made elsewhere…", controllers.labels.ask_file)
        make("label_folder", "Load a folder of labels…", controllers.labels.ask_folder)
        correcting = state.correcting
        for name, text, key, slot in (
            ("brush", "Brush", "B", partial(correcting.choose, Tool.BRUSH)),
            ("eraser", "Eraser", "E", partial(correcting.choose, Tool.ERASER)),
            ("other_label", "Paint the other label", "X", correcting.swap),
            ("narrower", "Narrower brush", "[", partial(correcting.grow, -1)),
            ("wider", "Wider brush", "]", partial(correcting.grow, 1)),
        ):
            window.addAction(make(name, text, slot, "", key))
        make("organs", "Load organ masks…", controllers.organs.ask_file)
        make("organ_folder", "Load a folder of organ masks…", controllers.organs.ask_folder)
        make("find_organs", "Find organs", lambda: controllers.organs.find())
        make("no_organs", "Remove organs", controllers.organs.remove)
        make("segment", "Segment", controllers.segment.segment, "segment", "Ctrl+R")
        make("trajectories", "Find trajectories", plan.find, "propose", "Ctrl+T")
        make("needle", "Needle along this view", plan.place_needle, "", "Ctrl+L")
        make(
            "needle_cross",
            "Needle to the cross-hair",
            partial(plan.place_needle, to_cursor=True),
            "",
            "Ctrl+Shift+L",
        )
        make("down", "Down the needle", stage.look_down_needle, "", "N")
        make("slice", "CT slice along the needle", controllers.needle_slice.show, "", "P")
        make("fit", "Fit to window", stage.fit, "fit", "0")
        make("centre", "Turn about the cross-hair", stage.turn_about_cursor, "", "C")
        make("fluoroscopy", "Fluoroscopy", self._toggle_fluoroscopy, "", "F").setCheckable(True)
        make("header", "DICOM header…", controllers.header.show)
        make("rules", "Rules…", lambda: boxes.show_help(RulesBox(state.planning, window)))
        make("settings", "Settings…", partial(self._show_settings, state, boxes), "", "Ctrl+,")
        make("about", "About and notice", lambda: boxes.show(messages.about_box(window)))
        make("keys", "Mouse and keys", lambda: boxes.show_help(_keys_box(window)), "help", "F1")
        controllers.archive.settings_wanted.connect(partial(self._show_settings, state, boxes, "Archives"))
        self._add_history()
        self._add_menus()
        self._add_tool_bar()
        for signal in (
            self._model.case_opened,
            self._model.labels_changed,
            self._model.organs_changed,
            self._model.measurements_changed,
            self._trajectories.changed,
            self._trajectories.chosen_changed,
            state.jobs.started,
            state.jobs.ended,
            state.fluoroscopy.changed,
            state.fluoroscopy.taken,
            stage.started,
            state.flow.changed,
            state.leftovers.changed,
            state.archives.changed,
            state.correcting.changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def to_take_along(self) -> tuple[tuple[str, QAction], ...]:
        """What can be written of a plan."""
        return tuple(
            (name, self.named[name])
            for name in ("report", "send", "copy_report", "dicom", "save", "export", "slice")
        )

    def refresh(self) -> None:
        """Enable what makes sense now."""
        case = self._model.case
        for name in ("save", "export", "fit", "centre", "fluoroscopy"):
            self.named[name].setEnabled(case is not None)
        has_ct = case is not None and case.volume is not None
        self.named["segment"].setEnabled(has_ct and not self._jobs.busy)
        for name in ("labels", "label_folder", "organs", "organ_folder", "find_organs"):
            self.named[name].setEnabled(has_ct and not self._jobs.busy)
        for name in ("brush", "eraser", "other_label", "narrower", "wider"):
            self.named[name].setEnabled(self._correcting.on and self._correcting.possible)
        self.named["no_organs"].setEnabled(self._controllers.organs.to_remove)
        self.named["export"].setEnabled(case is not None and self._stage.viewport is not None)
        self.named["measurements"].setEnabled(bool(self._model.measurements))
        self.named["fluoroscopy"].setChecked(self._fluoroscopy.shown)
        self.named["export_fluoroscopy"].setEnabled(self._fluoroscopy.picture is not None)
        trajectories, current = self._trajectories, self._trajectories.current
        self.named["trajectories"].setEnabled(case is not None and case.surfaces is not None)
        ready = trajectories.can_adjust and current is not None and bool(current.zone_key)
        for name in ("needle", "needle_cross"):
            self.named[name].setEnabled(ready)
        self.named["down"].setEnabled(current is not None and current.needle is not None)
        for name in ("report", "copy_report"):
            ready = self._controllers.report.possible and self._flow.checked
            self.named[name].setEnabled(ready and not self._jobs.busy)
        possible = self._controllers.dicom.possible and self._flow.checked
        self.named["dicom"].setEnabled(possible and not self._jobs.busy)
        possible = self._controllers.report.possible and self._flow.checked and not self._jobs.busy
        for kind in EXCHANGED:
            self.named[f"exchange_{kind}"].setEnabled(possible)
        self.exchange_menu.setEnabled(possible)
        possible = self._controllers.archive.possible and self._flow.checked
        self.named["send"].setEnabled(possible and not self._jobs.busy)
        target = self._controllers.archive.target
        self.named["send"].setText(
            f"Send to {plain.caption(target.name)}" if target else "Send to an archive…"
        )
        waiting = self._controllers.archive.waiting
        self.named["send_waiting"].setVisible(waiting > 0)
        self.named["send_waiting"].setText(f"Send what waits ({waiting})")
        self.named["send_waiting"].setEnabled(not self._jobs.busy)
        self.named["header"].setEnabled(self._controllers.header.possible and not self._jobs.busy)
        self.named["slice"].setEnabled(self._controllers.needle_slice.possible)
        self.recover_menu.menuAction().setVisible(bool(self._leftovers.found))

    def _show_settings(self, state: State, boxes: Boxes, page: str = "") -> None:
        pages = {
            "General": GeneralPage(state.autosave, state.settings),
            "Archives": self._controllers.archive.settings_page(),
        }
        box = SettingsBox(pages, self._window)
        if page:
            box.tabs.setCurrentWidget(pages[page])
        boxes.show_help(box)

    def _toggle_fluoroscopy(self) -> None:
        self._fluoroscopy.show(not self._fluoroscopy.shown)

    def _make(
        self,
        name: str,
        text: str,
        slot: Callable[[], object],
        icon: str = "",
        keys: str | QKeySequence.StandardKey | None = None,
    ) -> QAction:
        action = QAction(text, self._window)
        if icon:
            icons.dress(action, icon)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: slot())
        self.named[name] = action
        return action

    def _add_history(self) -> None:
        history = self._model.history
        undo = history.createUndoAction(self._window, "Undo")
        redo = history.createRedoAction(self._window, "Redo")
        icons.dress(undo, "undo")
        icons.dress(redo, "redo")
        undo.setShortcut(QKeySequence(QKeySequence.StandardKey.Undo))
        redo.setShortcuts([QKeySequence(QKeySequence.StandardKey.Redo), QKeySequence("Ctrl+Y")])
        undo.setIconText("Undo")
        redo.setIconText("Redo")
        self.named |= {"undo": undo, "redo": redo}

    def _add_menus(self) -> None:
        bar = self._window.menuBar()
        self.recent_menu = QMenu("Open recent", self._window)
        self.level_menu.level_wanted.connect(lambda level: self._controllers.plan.find(level=level))
        self.level_menu.shift_wanted.connect(lambda shift: self._controllers.plan.find(shift=shift))
        self.level_menu.lumbar_wanted.connect(lambda count: self._controllers.plan.count_lumbar(count))
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.recover_menu = QMenu("Recover unsaved work", self._window)
        self.recover_menu.aboutToShow.connect(self._fill_leftovers)
        self.exchange_menu = QMenu("Export for other programs", self._window)
        self._fill(self.exchange_menu, tuple(f"exchange_{kind}" for kind in EXCHANGED))
        self._fill(
            bar.addMenu("&File"),
            (
                "open_folder",
                "open_file",
                "from_archive",
                self.recent_menu,
                "demo",
                self.recover_menu,
                "",
                "open_plan",
                "save",
                "export",
                "export_fluoroscopy",
                "measurements",
                "report",
                "copy_report",
                "dicom",
                self.exchange_menu,
                "send",
                "send_waiting",
                "",
                "labels",
                "label_folder",
                "",
                "organs",
                "organ_folder",
                "find_organs",
                "no_organs",
                "",
                "quit",
            ),
        )
        self._fill(bar.addMenu("&Edit"), ("undo", "redo", "", "settings"))
        views = bar.addMenu("&View")
        for name, view in PRESETS.items():
            action = QAction(name[:1].upper() + name[1:], self._window)
            action.setShortcut(QKeySequence(PRESET_KEYS.get(name, "")))
            action.triggered.connect(lambda _checked=False, view=view: self._model.set_view(view))
            views.addAction(action)
        views.addSeparator()
        self._fill(views, ("fit", "centre", "", "fluoroscopy", "", "header"))
        self.view_menu = views
        self._fill(
            bar.addMenu("&Plan"),
            (
                "segment",
                "trajectories",
                self.level_menu,
                "rules",
                "",
                "down",
                "slice",
                "needle",
                "needle_cross",
            ),
        )
        self._fill(bar.addMenu("&Help"), ("keys", "about"))

    def add_layouts(
        self,
        layouts: Mapping[str, tuple[str, str, str]],
        present: str,
        arrange: Callable[[str], None],
        show_side: Callable[[bool], None],
    ) -> None:
        """Entries of the menu, and a button in the tool bar, that arrange the views.

        Args:
            layouts: text, key and tool tip of each by its name.
            present: the name of the one that is shown.
            arrange: takes the name of another.
            show_side: takes whether the column at the left is shown.
        """
        group, menu = QActionGroup(self), QMenu(self._window)
        for name, (text, key, tip) in layouts.items():
            action = self._make(f"layout_{name}", text, partial(arrange, name), "", key)
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setChecked(name == present)
            group.addAction(action)
            menu.addAction(action)
        side = self._make("side", "Side column", lambda: show_side(side.isChecked()), "", "F9")
        side.setCheckable(True)
        side.setChecked(True)
        menu.addSeparator()
        menu.addAction(side)
        self.view_menu.addSeparator()
        self.view_menu.addActions(menu.actions())
        self.layouts = QToolButton()
        self.layouts.setText("Layout ▾")
        self.layouts.setMenu(menu)
        self.layouts.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.layouts.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.bar.addSeparator()
        self.bar.addWidget(self.layouts)

    def _fill(self, menu: QMenu, entries: tuple[str | QMenu, ...]) -> None:
        for entry in entries:
            if isinstance(entry, QMenu):
                menu.addMenu(entry)
            elif entry:
                menu.addAction(self.named[entry])
            else:
                menu.addSeparator()

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        paths = self._recent.paths
        for path in paths:
            add_entry(self.recent_menu, str(path), partial(self._controllers.open.open_path, path))
        if paths:
            self.recent_menu.addSeparator()
            add_entry(self.recent_menu, "Clear this list", self._recent.clear)
        else:
            add_entry(self.recent_menu, "Nothing yet").setEnabled(False)

    def _fill_leftovers(self) -> None:
        self.recover_menu.clear()
        found = self._leftovers.found
        for each in found:
            entry = add_entry(
                self.recover_menu,
                f"{when_words(each)} · {each.told or each.fault}",
                partial(self._controllers.open.recover, each.path),
            )
            entry.setEnabled(not each.fault)
        if found:
            self.recover_menu.addSeparator()
            add_entry(self.recover_menu, "Delete all of it", self._leftovers.delete_all)

    def _add_tool_bar(self) -> None:
        bar = QToolBar("Tools", self._window)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.opening = QToolButton()
        self.opening.setText("Open")
        icons.dress(self.opening, "folder")
        self.opening.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.opening.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.opening.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(self.opening)
        self._fill(
            menu, ("open_folder", "open_file", "from_archive", "open_plan", self.recent_menu, "", "demo")
        )
        self.opening.setMenu(menu)
        bar.addWidget(self.opening)
        bar.addSeparator()
        bar.addWidget(self._steps)
        bar.addSeparator()
        for name in ("undo", "redo", "save", "export", "fit"):
            bar.addAction(self.named[name])
        for name in ("undo", "redo"):  # known by their picture, and rooms for words are few
            button = bar.widgetForAction(self.named[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self._window.addToolBar(bar)
        self.bar = bar


def _keys_box(window: QMainWindow) -> QDialog:
    """Two columns, the names of the parts in bold; it scrolls where the screen is lower."""
    box = QDialog(window)
    box.setWindowTitle("Mouse and keys")
    sheet = QWidget()
    grid = QGridLayout(sheet)
    grid.setContentsMargins(20, 16, 20, 14)
    grid.setHorizontalSpacing(20)
    for title, rows in KEYS.items():
        if grid.rowCount() > 1:
            grid.setRowMinimumHeight(grid.rowCount(), 8)
        grid.addWidget(label(title, "title"), grid.rowCount(), 0, 1, 2)
        for gesture, effect in rows:
            row = grid.rowCount()
            grid.addWidget(label(gesture), row, 0)
            grid.addWidget(label(effect), row, 1)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
    buttons.accepted.connect(box.accept)
    scroll = QScrollArea()
    scroll.setWidget(sheet)
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 14, 14)
    column.addWidget(scroll)
    column.addWidget(buttons)
    size = sheet.sizeHint()
    bar = scroll.verticalScrollBar().sizeHint().width()
    scroll.setMinimumWidth(size.width() + bar)
    box.resize(size.width() + bar + 14, min(size.height() + 60, HIGHEST_SHEET))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    return box
