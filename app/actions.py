"""Menus, tool bar and short cuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMessageBox, QToolBar

from app.controllers.session import Session
from app.model.case_model import CaseModel
from app.panels.level_menu import LevelMenu
from app.widgets import messages, theme
from app.widgets.menus import add_entry
from spinect_core.geometry.view import PRESETS

PRESET_KEYS = dict(zip(PRESETS, ("1", "2", "3", "4", "5", "6", "7"), strict=False))


class Actions:
    """All actions of the window, by name in :attr:`named`."""

    def __init__(self, window: QMainWindow, model: CaseModel, session: Session) -> None:
        self._window, self._model, self._session = window, model, session
        self.named: dict[str, QAction] = {}
        make = self._make
        make("open_folder", "Open DICOM folder…", session.ask_folder, "folder", "Ctrl+Shift+O")
        make("open_file", "Open file…", session.ask_file, "open", QKeySequence.StandardKey.Open)
        make("demo", "Open demo case", session.open_demo)
        make("open_plan", "Open plan…", session.ask_plan)
        make("save", "Save plan…", session.ask_save, "save", QKeySequence.StandardKey.Save)
        make("export", "Export picture…", session.ask_export, "camera", "Ctrl+E")
        make("quit", "Quit", window.close, "", QKeySequence.StandardKey.Quit)
        make("segment", "Segment", session.segment, "segment", "Ctrl+R")
        planner = session.planner
        make("trajectories", "Find trajectories", planner.find, "propose", "Ctrl+T")
        make("needle", "Needle along this view", planner.place_needle, "", "Ctrl+L")
        make(
            "needle_cross", "Needle to the cross-hair", lambda: planner.place_needle(True), "", "Ctrl+Shift+L"
        )
        make("down", "Down the needle", self._down, "", "N")
        make("slice", "CT slice along the needle", session.needle_slice.show, "", "P")
        make("fit", "Fit to window", self._fit, "fit", "0")
        make("centre", "Turn about the cross-hair", self._centre, "", "C")
        make("about", "About and notice", lambda: session.boxes.show(messages.about_box(window)))
        make("keys", "Mouse and keys", lambda: session.boxes.show(_keys_box(window)), "help", "F1")
        self._add_history()
        self._add_menus()
        self._add_tool_bar()
        model.case_opened.connect(self.refresh)
        model.labels_changed.connect(self.refresh)
        planner.changed.connect(self.refresh)
        planner.chosen_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Enable what makes sense now."""
        case = self._model.case
        for name in ("save", "export", "fit", "centre"):
            self.named[name].setEnabled(case is not None)
        self.named["segment"].setEnabled(case is not None and case.volume is not None)
        self.named["export"].setEnabled(case is not None and self._session.viewport is not None)
        planner = self._session.planner
        self.named["trajectories"].setEnabled(case is not None and case.surfaces is not None)
        ready = planner.can_adjust and planner.current is not None and bool(planner.current.zone_key)
        for name in ("needle", "needle_cross"):
            self.named[name].setEnabled(ready)
        self.named["down"].setEnabled(planner.current is not None and planner.current.needle is not None)
        self.named["slice"].setEnabled(self._session.needle_slice.possible)

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
            action.setIcon(theme.icon(icon))
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: slot())
        self.named[name] = action
        return action

    def _add_history(self) -> None:
        history = self._model.history
        undo = history.createUndoAction(self._window, "Undo")
        redo = history.createRedoAction(self._window, "Redo")
        undo.setIcon(theme.icon("undo"))
        redo.setIcon(theme.icon("redo"))
        undo.setShortcut(QKeySequence(QKeySequence.StandardKey.Undo))
        redo.setShortcuts([QKeySequence(QKeySequence.StandardKey.Redo), QKeySequence("Ctrl+Y")])
        undo.setIconText("Undo")
        redo.setIconText("Redo")
        self.named |= {"undo": undo, "redo": redo}

    def _add_menus(self) -> None:
        bar = self._window.menuBar()
        self.recent_menu = QMenu("Open recent", self._window)
        self.level_menu = LevelMenu(self._model, self._session.planner, self._window)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self._fill(
            bar.addMenu("&File"),
            (
                "open_folder",
                "open_file",
                self.recent_menu,
                "demo",
                "",
                "open_plan",
                "save",
                "export",
                "",
                "quit",
            ),
        )
        self._fill(bar.addMenu("&Edit"), ("undo", "redo"))
        views = bar.addMenu("&View")
        for name, view in PRESETS.items():
            action = QAction(name[:1].upper() + name[1:], self._window)
            action.setShortcut(QKeySequence(PRESET_KEYS.get(name, "")))
            action.triggered.connect(lambda _checked=False, view=view: self._model.set_view(view))
            views.addAction(action)
        views.addSeparator()
        self._fill(views, ("fit", "centre"))
        self._fill(
            bar.addMenu("&Plan"),
            ("segment", "trajectories", self.level_menu, "", "down", "slice", "needle", "needle_cross"),
        )
        self._fill(bar.addMenu("&Help"), ("keys", "about"))

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
        paths = self._session.recent.paths
        for path in paths:
            add_entry(self.recent_menu, str(path), partial(self._session.open_path, Path(path)))
        if paths:
            self.recent_menu.addSeparator()
            add_entry(self.recent_menu, "Clear this list", self._session.recent.clear)
        else:
            add_entry(self.recent_menu, "Nothing yet").setEnabled(False)

    def _add_tool_bar(self) -> None:
        bar = QToolBar("Tools", self._window)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in (
            "open_folder",
            "open_file",
            "",
            "segment",
            "trajectories",
            "",
            "undo",
            "redo",
            "",
            "save",
            "export",
            "",
            "fit",
        ):
            if name:
                bar.addAction(self.named[name])
            else:
                bar.addSeparator()
        self._window.addToolBar(bar)
        self.bar = bar

    def _down(self) -> None:
        """Look along the chosen needle from near."""
        trajectory, viewport = self._session.planner.current, self._session.viewport
        if trajectory is not None and trajectory.needle is not None:
            needle = trajectory.needle.needle
            self._model.set_view(needle.view)
            if viewport is not None:
                viewport.come_near(np.asarray(needle.target))

    def _fit(self) -> None:
        if self._session.viewport is not None:
            self._session.viewport.fit()

    def _centre(self) -> None:
        if self._session.viewport is not None:
            self._session.viewport.centre_on(self._model.cursor)


def _keys_box(window: QMainWindow) -> QMessageBox:
    rows = (
        ("<b>3D view</b>", ""),
        ("Left drag", "turn about the patient's long axis and tilt"),
        ("Shift + left drag, middle drag", "move"),
        ("Wheel, right drag", "zoom"),
        ("Double click", "put the cross-hair on the surface"),
        ("Arrow keys (with Shift)", "turn by 1° (10°)"),
        ("1 … 7, 0, C", "usual views, fit, turn about the cross-hair"),
        ("<b>Slices</b>", ""),
        ("Left click or drag", "cross-hair"),
        ("Wheel, arrow and page keys", "scroll"),
        ("Ctrl + wheel, middle drag", "zoom, move; middle double click: whole slice"),
        ("Right drag", "grey values: across width, down level"),
        ("<b>Trajectories</b>", ""),
        ("Ctrl+T, N, P", "find trajectories, look down the needle, CT slice along it"),
        ("Ctrl+L (with Shift)", "needle of your own to what is open in this view (to the cross-hair)"),
        ("Click or drag in the map", "turn there; arrow keys by 1°, with Shift by 10°"),
        ("<b>Triangles</b>", ""),
        ("Three clicks", "after choosing a kind; Backspace takes one back, Esc stops"),
        ("Drag a corner", "the area follows"),
    )
    text = "".join(
        f"<tr><td style='padding-right:18px'>{left}</td><td>{right}</td></tr>" for left, right in rows
    )
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Mouse and keys", f"<table cellspacing='3'>{text}</table>")
    box.setParent(window, box.windowFlags())
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    return box
