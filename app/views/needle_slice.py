"""The window that shows the CT in the oblique plane of a needle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.widgets import plain

Picture = npt.NDArray[np.uint8]
LARGEST_PART = 0.95
"""Of the window below: on a small screen the picture is shown smaller, and the buttons below it are seen."""


class SliceWindow(QDialog):
    """One picture, as large as the window lets it, and a button to save it."""

    save_wanted = Signal()

    def __init__(self, picture: Picture, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(plain.window_title(f"{title} – CT along the needle"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.picture = picture
        self.shown = _Scaled(picture, f"CT in the oblique plane of the needle, {plain.line(title)}")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.save = buttons.addButton("Save picture…", QDialogButtonBox.ButtonRole.ActionRole)
        self.save.clicked.connect(lambda _=False: self.save_wanted.emit())
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.shown, 1)
        column.addWidget(buttons)
        wanted = QSize(picture.shape[1] + 24, picture.shape[0] + 70)
        self.resize(wanted.boundedTo(parent.size() * LARGEST_PART))


class _Scaled(QWidget):
    """A picture that keeps its proportions."""

    def __init__(self, picture: Picture, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumSize(400, 320)
        height, width = picture.shape[:2]
        pixels = np.ascontiguousarray(picture)
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888)
        self._pixmap = QPixmap.fromImage(image)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it in the middle."""
        ratio = self.devicePixelRatio()
        wanted = self.size() * ratio
        scaled = self._pixmap.scaled(
            wanted, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        scaled.setDevicePixelRatio(ratio)
        left = (self.width() - scaled.width() / ratio) / 2
        top = (self.height() - scaled.height() / ratio) / 2
        painter = QPainter(self)
        painter.drawPixmap(int(left), int(top), scaled)
        painter.end()
