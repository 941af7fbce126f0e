"""The wheel scrolls a panel; what lies in the panel takes it only once it was clicked or reached by key."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QTabBar,
    QWidget,
)

CHANGED_BY_WHEEL = (QAbstractSpinBox, QComboBox, QAbstractSlider, QTabBar)
"""What a turn of the wheel would change, such as an opacity, without anybody having meant it."""


def is_changed_by_wheel(widget: QObject) -> bool:
    """Whether a widget holds a value that the wheel changes; scroll bars are there for the wheel."""
    return isinstance(widget, CHANGED_BY_WHEEL) and not isinstance(widget, QScrollBar)


class WheelGuard(QObject):
    """Keeps the wheel from all that is in a window.

    Args:
        window: with all its widgets.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        for widget in window.findChildren(QWidget):
            if is_changed_by_wheel(widget):
                if widget.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # or a turn would give it the focus
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the wheel to the panel around a widget without the focus."""
        if event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget) or watched.hasFocus():
            return False
        event.ignore()
        return True
