"""The CT in the oblique plane that holds the chosen needle, in a window of its own."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.model import work
from app.model.case_model import Case, CaseModel
from app.model.planner import Planner, Start
from spinect_core.plan.wording import Way as Trajectory
from spinect_core.planning.needle.needle import Needle

Picture = npt.NDArray[np.uint8]


class NeedleSlice(QObject):
    """Cuts the CT along the needle of a trajectory, and shows the picture until another is asked for.

    Attributes:
        window: what is shown; None before the first time and after it was closed.

    Signals:
        save_wanted: the picture, and a name for its file.
    """

    save_wanted = Signal(object, str)

    def __init__(self, model: CaseModel, planner: Planner, start: Start, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._planner, self._start, self._parent = model, planner, start, parent
        self.window: SliceWindow | None = None
        model.case_opened.connect(self.close)

    @property
    def possible(self) -> bool:
        """Whether a needle is chosen and its CT open."""
        return self._chosen() is not None

    def show(self) -> None:
        """Cut and show."""
        chosen = self._chosen()
        if chosen is None:
            return
        case, trajectory, needle = chosen

        def cut(picture: Picture) -> None:
            if self._model.case is case:
                self._open(picture, trajectory)

        self._start(
            "Cutting the CT along the needle",
            lambda progress, cancel: work.cut_along(case, needle, progress, cancel),
            cut,
        )

    def close(self) -> None:
        """Close what is shown."""
        if self.window is not None:
            self.window.close()

    def _chosen(self) -> tuple[Case, Trajectory, Needle] | None:
        case, trajectory = self._model.case, self._planner.current
        if case is None or case.volume is None or case.labels is None:
            return None
        return (
            None
            if trajectory is None or trajectory.needle is None
            else (case, trajectory, trajectory.needle.needle)
        )

    def _open(self, picture: Picture, trajectory: Trajectory) -> None:
        self.close()
        window = SliceWindow(picture, trajectory.title, self._parent)
        name = "-".join(re.findall(r"\w+", trajectory.title.lower()))
        window.save_wanted.connect(lambda: self.save_wanted.emit(picture, f"slice-{name}.png"))
        window.finished.connect(self._forget)
        self.window = window
        window.show()

    def _forget(self) -> None:
        if self.sender() is self.window:
            self.window = None


class SliceWindow(QDialog):
    """One picture, as large as the window lets it, and a button to save it."""

    save_wanted = Signal()

    def __init__(self, picture: Picture, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{title} – CT along the needle")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.picture = picture
        self.shown = _Scaled(picture, f"CT in the oblique plane of the needle, {title}")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.save = buttons.addButton("Save picture…", QDialogButtonBox.ButtonRole.ActionRole)
        self.save.clicked.connect(lambda _=False: self.save_wanted.emit())
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.shown, 1)
        column.addWidget(buttons)
        self.resize(picture.shape[1] + 24, picture.shape[0] + 70)


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
