"""The style sheet, and what dresses the application in it."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.widgets import icons, palette
from app.widgets.palette import Room
from spinect_core.base.assets import asset

DENSE_TITLE = 11
"""Pixels of the titles of a dense table."""
KEY = "appearance/theme"


class Theme(StrEnum):
    """How panels, tables, menus and dialogs look."""

    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "as the system"


def chosen(settings: QSettings) -> Theme:
    """What the user chose; dark at first."""
    stored = str(settings.value(KEY, Theme.DARK.value))
    return Theme(stored) if stored in set(Theme) else Theme.DARK


def choose(settings: QSettings, theme: Theme) -> None:
    """Keep what the user chooses, and dress the application in it at once."""
    settings.setValue(KEY, theme.value)
    application = QApplication.instance()
    if isinstance(application, QApplication):
        apply(application, theme)


def apply(application: QApplication, theme: Theme = Theme.DARK) -> None:
    """Dress the whole application."""
    room = _room(application, theme)
    changed = room is not palette.room() or not application.styleSheet()
    palette.enter(room)
    application.setStyle("Fusion")
    application.setPalette(_palette(room))
    application.setStyleSheet(_sheet(room))
    if changed:
        icons.redraw()


def mark(widget: QWidget, state: str) -> None:
    """Give a widget a state of the style sheet."""
    if widget.property("state") != state:
        widget.setProperty("state", state)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _room(application: QApplication, theme: Theme) -> Room:
    light = theme == Theme.LIGHT
    if theme == Theme.SYSTEM:
        light = _system(application) == Qt.ColorScheme.Light
    return palette.LIGHT if light else palette.DARK


def _system(application: QApplication) -> Qt.ColorScheme:
    """What the desktop says; nothing where it does not know."""
    return application.styleHints().colorScheme()


def _palette(room: Room) -> QPalette:
    result = QPalette()
    for role, colour in {
        QPalette.ColorRole.Window: room.ground,
        QPalette.ColorRole.WindowText: room.text,
        QPalette.ColorRole.Base: room.panel,
        QPalette.ColorRole.AlternateBase: room.raised,
        QPalette.ColorRole.Text: room.text,
        QPalette.ColorRole.Button: room.raised,
        QPalette.ColorRole.ButtonText: room.text,
        QPalette.ColorRole.ToolTipBase: room.raised,
        QPalette.ColorRole.ToolTipText: room.text,
        QPalette.ColorRole.PlaceholderText: room.muted,
        QPalette.ColorRole.Highlight: room.primary,
        QPalette.ColorRole.HighlightedText: room.on_primary,
        QPalette.ColorRole.Link: room.accent,
    }.items():
        result.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(room.faint))
    return result


def _sheet(room: Room) -> str:
    sheet = f"""
* {{ font-size: 13px; color: {room.text}; }}
QMainWindow, QDialog, QMessageBox {{ background: {room.ground}; }}
QDialog {{ border: 1px solid {room.faint}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMessageBox QLabel {{ min-height: 20px; }}
QLabel {{ qproperty-textFormat: PlainText; }}
QTreeView::item {{ padding: 5px 6px; }}
QToolTip {{ background: {room.raised}; color: {room.text}; border: 1px solid {room.line}; padding: 4px 6px; }}
QMenuBar {{ background: {room.ground}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {room.raised}; }}
QMenu {{ background: {room.panel}; border: 1px solid {room.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 22px; border-radius: 4px; }}
QMenu::item:selected {{ background: {room.hover}; }}
QMenu::item:disabled {{ color: {room.faint}; }}
QMenu::separator {{ height: 1px; background: {room.line}; margin: 4px 8px; }}
QToolBar {{
  background: {room.panel}; border: none; border-bottom: 1px solid {room.line}; spacing: 2px; padding: 4px 8px;
}}
QToolBar::separator {{ width: 1px; background: {room.line}; margin: 6px 8px; }}
QToolBar QToolButton {{ padding: 5px 9px; border-radius: 5px; border: 1px solid transparent; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 3px; }}
QToolButton:hover, QToolBar QToolButton:hover {{ background: {room.hover}; }}
QToolButton:checked, QToolBar QToolButton:checked {{ background: {room.selected}; border-color: {room.accent}; }}
QToolButton:disabled {{ color: {room.faint}; }}
QFrame[role="bar"] QToolButton {{ padding: 4px 4px; font-size: 12px; }}
QToolButton[role="row"] {{ background: {room.raised}; border-color: {room.line}; padding: 6px 10px; }}
QStatusBar {{ background: {room.panel}; border-top: 1px solid {room.line}; }}
QStatusBar::item {{ border: none; }}
QSplitter::handle {{ background: {room.gap}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: {room.panel}; border: none; }}
QPushButton {{
  background: {room.raised}; border: 1px solid {room.line}; border-radius: 5px; padding: 5px 12px; min-height: 18px;
}}
QPushButton:hover {{ background: {room.hover}; }}
QPushButton:pressed {{ background: {room.line}; }}
QPushButton:checked {{ background: {room.selected}; border-color: {room.accent}; }}
QPushButton:disabled {{ color: {room.faint}; background: {room.panel}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {room.accent}; }}
QPushButton[role="primary"] {{
  background: {room.primary}; border-color: {room.primary}; color: {room.on_primary}; font-weight: 600;
}}
QPushButton[role="primary"]:hover {{ background: {room.primary}; border-color: {room.accent}; }}
QPushButton[role="primary"]:disabled {{ background: {room.raised}; border-color: {room.line}; color: {room.faint}; }}
QPushButton[role="fold"], QPushButton[role="fold"]:checked {{
  background: transparent; border: 1px solid transparent; border-radius: 0; text-align: left; padding: 7px 12px;
  color: {room.muted}; font-size: 11px; font-weight: 600;
}}
QPushButton[role="fold"]:hover {{ background: {room.hover}; }}
QPushButton[role="fold"]:focus {{ border-color: {room.accent}; }}
QComboBox, QAbstractSpinBox, QLineEdit {{
  background: {room.ground}; border: 1px solid {room.line}; border-radius: 4px; padding: 3px 6px; min-height: 19px;
  selection-background-color: {room.primary}; selection-color: {room.on_primary};
}}
QComboBox:hover, QAbstractSpinBox:hover, QLineEdit:hover {{ border-color: {room.faint}; }}
QComboBox:focus, QAbstractSpinBox:focus, QLineEdit:focus {{ border-color: {room.accent}; }}
QComboBox:disabled, QAbstractSpinBox:disabled, QLineEdit:disabled {{ color: {room.faint}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("%DOWN%"); width: 11px; height: 11px; }}
QAbstractSpinBox {{ padding: 0 4px; min-height: 25px; }}
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:hover, QAbstractSpinBox QLineEdit:focus {{
  border: none; padding: 0; min-height: 0; background: transparent;
}}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
  subcontrol-origin: border; width: 20px; border: none; background: transparent;
}}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {room.hover}; }}
QAbstractSpinBox::up-arrow {{ image: url("%UP%"); width: 9px; height: 9px; }}
QAbstractSpinBox::down-arrow {{ image: url("%DOWN%"); width: 9px; height: 9px; }}
QComboBox QAbstractItemView {{
  background: {room.panel}; border: 1px solid {room.line}; selection-background-color: {room.hover};
  selection-color: {room.text};
}}
QCheckBox, QRadioButton {{ spacing: 7px; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {room.faint}; }}
QCheckBox::indicator, QRadioButton::indicator {{
  width: 14px; height: 14px; background: {room.ground}; border: 1px solid {room.muted}; border-radius: 3px;
}}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:checked {{ background: {room.primary}; border-color: {room.accent}; image: url("%TICK%"); }}
QRadioButton::indicator:checked {{ background: {room.primary}; border-color: {room.accent}; image: url("%DOT%"); }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover,
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border-color: {room.text}; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{
  background: {room.panel}; border-color: {room.faint};
}}
QCheckBox::indicator:checked:disabled, QRadioButton::indicator:checked:disabled {{ background: {room.faint}; }}
QSlider::groove:horizontal {{ height: 4px; background: {room.line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {room.primary}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {room.text}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {room.faint}; }}
QProgressBar {{
  background: {room.ground}; border: 1px solid {room.line}; border-radius: 4px; text-align: center; height: 16px;
}}
QProgressBar::chunk {{ background: {room.primary}; border-radius: 3px; }}
QTableView, QTreeView {{
  background: {room.panel}; alternate-background-color: {room.alternate}; border: none; gridline-color: {room.line};
  selection-background-color: {room.selected}; selection-color: {room.text}; outline: 0;
}}
QTableView::item {{ padding: 2px 8px; border: none; }}
QHeaderView {{ background: {room.panel}; }}
QHeaderView::section {{
  background: {room.panel}; color: {room.muted}; border: none; border-bottom: 1px solid {room.line};
  padding: 5px 8px; font-size: 12px;
}}
QTableView[role="dense"] {{ font-size: 12px; }}
QTableView[role="dense"]::item {{ padding: 2px 4px; }}
QHeaderView::up-arrow, QHeaderView::down-arrow {{ subcontrol-position: top center; width: 9px; height: 9px; }}
QHeaderView::up-arrow {{ image: url("%UP%"); }}
QHeaderView::down-arrow {{ image: url("%DOWN%"); }}
QTableView[role="dense"] QHeaderView::section {{ padding: 2px 5px; font-size: {DENSE_TITLE}px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {room.hover}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTabWidget::pane {{ border: none; }}
QTabWidget, QTabWidget > QWidget {{ background: {room.panel}; }}
QTabBar {{ background: {room.panel}; qproperty-drawBase: 0; }}
QTabBar::tab {{
  background: {room.panel}; color: {room.muted}; border: none; border-bottom: 2px solid transparent; padding: 6px 14px;
  font-weight: 600;
}}
QTabBar[role="dense"]::tab {{ padding: 6px 6px; font-weight: normal; font-size: 12px; }}
QTabBar::tab:selected {{ color: {room.text}; border-bottom-color: {room.accent}; }}
QTabBar::tab:hover {{ color: {room.text}; }}
QTabBar::tab:focus {{ color: {room.accent}; }}
QListView, QTextBrowser {{ background: {room.panel}; border: none; outline: 0; }}
QListView::item {{ padding: 3px 6px; }}
QListView::item:selected {{ background: {room.selected}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QLabel[role="heading"] {{ color: {room.muted}; font-size: 11px; font-weight: 600; letter-spacing: 1px; }}
QLabel[role="muted"] {{ color: {room.muted}; font-size: 12px; }}
QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="notice"] {{ color: {room.warning}; font-size: 12px; padding: 0 6px; }}
QLabel[role="warning"] {{ background: {room.warned}; color: {room.warning}; padding: 4px 12px; }}
QFrame[role="section"] {{ background: {room.panel}; border: none; border-bottom: 1px solid {room.line}; }}
QFrame[role="progress"] {{ background: {room.raised}; border: 1px solid {room.line}; border-radius: 4px; }}
QFrame[role="header"] {{ background: {room.panel}; border: none; }}
QFrame[role="banner"] {{ background: {room.failed}; border: none; border-bottom: 1px solid {room.error}; }}
QLabel[state="error"], QLabel[state="red"] {{ color: {room.error}; }}
QLabel[state="warning"], QLabel[state="amber"], QToolButton[state="warning"] {{ color: {room.warning}; }}
QLabel[state="green"] {{ color: {room.good}; }}
QToolButton[state="waiting"] {{ color: {room.muted}; font-weight: 600; }}
QToolButton[state="next"] {{ color: {room.text}; font-weight: 600; }}
QToolButton[state="running"] {{ color: {room.accent}; font-weight: 600; }}
QToolButton[state="done"] {{ color: {room.good}; font-weight: 600; }}
QToolButton[state="attention"] {{ color: {room.warning}; font-weight: 600; }}
QWidget#cards {{ background: {room.ground}; }}
QPushButton[role="card"] {{ background: {room.panel}; border: 1px solid {room.line}; text-align: left; padding: 0;
  min-height: 60px; max-height: 60px;
}}
QPushButton[role="card"]:hover {{ background: {room.hover}; }}
QPushButton[role="card"]:focus {{ border-color: {room.accent}; }}
"""
    for name in ("up", "down", "tick", "dot"):
        sheet = sheet.replace(f"%{name.upper()}%", asset(f"icons/{name}.svg").as_posix())
    return sheet
