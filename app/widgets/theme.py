"""The style sheet, and what dresses the application in it."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from app.widgets.palette import (
    ACCENT,
    BLACK,
    ERROR,
    FAINT,
    GROUND,
    HOVER,
    LINE,
    MUTED,
    PANEL,
    RAISED,
    TEXT,
    WARNING,
)
from spinect_core.base.assets import asset

DENSE_TITLE = 11
"""Pixels of the titles of a dense table."""

_SHEET = f"""
* {{ font-size: 13px; color: {TEXT}; }}
QMainWindow, QDialog, QMessageBox {{ background: {GROUND}; }}
QDialog {{ border: 1px solid {FAINT}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMessageBox QLabel {{ min-height: 20px; }}
QLabel {{ qproperty-textFormat: PlainText; }}
QTreeView::item {{ padding: 5px 6px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px 6px; }}
QMenuBar {{ background: {GROUND}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 22px; border-radius: 4px; }}
QMenu::item:selected {{ background: {HOVER}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 8px; }}
QToolBar {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; spacing: 2px; padding: 4px 8px; }}
QToolBar::separator {{ width: 1px; background: {LINE}; margin: 6px 8px; }}
QToolBar QToolButton {{ padding: 5px 9px; border-radius: 5px; border: 1px solid transparent; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 3px; }}
QToolButton:hover, QToolBar QToolButton:hover {{ background: {HOVER}; }}
QToolButton:checked, QToolBar QToolButton:checked {{ background: #17395a; border-color: {ACCENT}; }}
QToolButton:disabled {{ color: {FAINT}; }}
QFrame[role="bar"] QToolButton {{ padding: 4px 4px; font-size: 12px; }}
QToolButton[role="row"] {{ background: {RAISED}; border-color: {LINE}; padding: 6px 10px; }}
QStatusBar {{ background: {PANEL}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QSplitter::handle {{ background: {BLACK}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: {PANEL}; border: none; }}
QPushButton {{
  background: {RAISED}; border: 1px solid {LINE}; border-radius: 5px; padding: 5px 12px; min-height: 18px;
}}
QPushButton:hover {{ background: {HOVER}; }}
QPushButton:pressed {{ background: {LINE}; }}
QPushButton:checked {{ background: #17395a; border-color: {ACCENT}; }}
QPushButton:disabled {{ color: {FAINT}; background: {PANEL}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {ACCENT}; }}
QPushButton[role="primary"] {{ background: #1f6fb8; border-color: #2d86d8; font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: #2680d2; }}
QPushButton[role="primary"]:disabled {{ background: {RAISED}; border-color: {LINE}; color: {FAINT}; }}
QPushButton[role="fold"], QPushButton[role="fold"]:checked {{
  background: transparent; border: 1px solid transparent; border-radius: 0; text-align: left; padding: 7px 12px;
  color: {MUTED}; font-size: 11px; font-weight: 600;
}}
QPushButton[role="fold"]:hover {{ background: {HOVER}; }}
QPushButton[role="fold"]:focus {{ border-color: {ACCENT}; }}
QComboBox, QAbstractSpinBox, QLineEdit {{
  background: {GROUND}; border: 1px solid {LINE}; border-radius: 4px; padding: 3px 6px; min-height: 19px;
  selection-background-color: #1f6fb8;
}}
QComboBox:hover, QAbstractSpinBox:hover, QLineEdit:hover {{ border-color: {FAINT}; }}
QComboBox:focus, QAbstractSpinBox:focus, QLineEdit:focus {{ border-color: {ACCENT}; }}
QComboBox:disabled, QAbstractSpinBox:disabled, QLineEdit:disabled {{ color: {FAINT}; }}
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
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {HOVER}; }}
QAbstractSpinBox::up-arrow {{ image: url("%UP%"); width: 9px; height: 9px; }}
QAbstractSpinBox::down-arrow {{ image: url("%DOWN%"); width: 9px; height: 9px; }}
QComboBox QAbstractItemView {{ background: {PANEL}; border: 1px solid {LINE}; selection-background-color: {HOVER}; }}
QCheckBox, QRadioButton {{ spacing: 7px; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {FAINT}; }}
QCheckBox::indicator, QRadioButton::indicator {{
  width: 14px; height: 14px; background: {GROUND}; border: 1px solid {MUTED}; border-radius: 3px;
}}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:checked {{ background: #1f6fb8; border-color: {ACCENT}; image: url("%TICK%"); }}
QRadioButton::indicator:checked {{ background: #1f6fb8; border-color: {ACCENT}; image: url("%DOT%"); }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover,
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border-color: {TEXT}; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ background: {PANEL}; border-color: {FAINT}; }}
QCheckBox::indicator:checked:disabled, QRadioButton::indicator:checked:disabled {{ background: {FAINT}; }}
QSlider::groove:horizontal {{ height: 4px; background: {LINE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: #2d86d8; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QProgressBar {{ background: {GROUND}; border: 1px solid {LINE}; border-radius: 4px; text-align: center; height: 16px; }}
QProgressBar::chunk {{ background: #1f6fb8; border-radius: 3px; }}
QTableView, QTreeView {{
  background: {PANEL}; alternate-background-color: #1e252d; border: none; gridline-color: {LINE};
  selection-background-color: #17395a; selection-color: {TEXT}; outline: 0;
}}
QTableView::item {{ padding: 2px 8px; border: none; }}
QHeaderView {{ background: {PANEL}; }}
QHeaderView::section {{
  background: {PANEL}; color: {MUTED}; border: none; border-bottom: 1px solid {LINE}; padding: 5px 8px; font-size: 12px;
}}
QTableView[role="dense"] {{ font-size: 12px; }}
QTableView[role="dense"]::item {{ padding: 2px 4px; }}
QHeaderView::up-arrow, QHeaderView::down-arrow {{ subcontrol-position: top center; width: 9px; height: 9px; }}
QHeaderView::up-arrow {{ image: url("%UP%"); }}
QHeaderView::down-arrow {{ image: url("%DOWN%"); }}
QTableView[role="dense"] QHeaderView::section {{ padding: 2px 5px; font-size: {DENSE_TITLE}px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {HOVER}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTabWidget::pane {{ border: none; }}
QTabWidget, QTabWidget > QWidget {{ background: {PANEL}; }}
QTabBar {{ background: {PANEL}; qproperty-drawBase: 0; }}
QTabBar::tab {{
  background: {PANEL}; color: {MUTED}; border: none; border-bottom: 2px solid transparent; padding: 6px 14px;
  font-weight: 600;
}}
QTabBar[role="dense"]::tab {{ padding: 6px 6px; font-weight: normal; font-size: 12px; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom-color: {ACCENT}; }}
QTabBar::tab:hover {{ color: {TEXT}; }}
QTabBar::tab:focus {{ color: {ACCENT}; }}
QListView, QTextBrowser {{ background: {PANEL}; border: none; outline: 0; }}
QListView::item {{ padding: 3px 6px; }}
QListView::item:selected {{ background: #17395a; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QLabel[role="heading"] {{ color: {MUTED}; font-size: 11px; font-weight: 600; letter-spacing: 1px; }}
QLabel[role="muted"] {{ color: {MUTED}; font-size: 12px; }}
QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="notice"] {{ color: {WARNING}; font-size: 12px; padding: 0 6px; }}
QLabel[role="warning"] {{ background: #3a2e14; color: {WARNING}; padding: 4px 12px; }}
QFrame[role="section"] {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; }}
QFrame[role="progress"] {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 4px; }}
QFrame[role="header"] {{ background: {PANEL}; border: none; }}
QFrame[role="banner"] {{ background: #4a1f20; border: none; border-bottom: 1px solid {ERROR}; }}
"""


def apply(application: QApplication) -> None:
    """Dress the whole application."""
    application.setStyle("Fusion")
    palette = QPalette()
    for role, colour in {
        QPalette.ColorRole.Window: GROUND,
        QPalette.ColorRole.WindowText: TEXT,
        QPalette.ColorRole.Base: PANEL,
        QPalette.ColorRole.AlternateBase: RAISED,
        QPalette.ColorRole.Text: TEXT,
        QPalette.ColorRole.Button: RAISED,
        QPalette.ColorRole.ButtonText: TEXT,
        QPalette.ColorRole.ToolTipBase: RAISED,
        QPalette.ColorRole.ToolTipText: TEXT,
        QPalette.ColorRole.PlaceholderText: MUTED,
        QPalette.ColorRole.Highlight: "#1f6fb8",
        QPalette.ColorRole.HighlightedText: TEXT,
        QPalette.ColorRole.Link: ACCENT,
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FAINT))
    application.setPalette(palette)
    marks = {
        f"%{name.upper()}%": asset(f"icons/{name}.svg").as_posix() for name in ("up", "down", "tick", "dot")
    }
    sheet = _SHEET
    for mark, path in marks.items():
        sheet = sheet.replace(mark, path)
    application.setStyleSheet(sheet)
