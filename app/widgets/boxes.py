"""Message boxes that do not block, and the one place where errors are shown."""

from __future__ import annotations

import logging
from types import TracebackType

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from app.widgets import messages
from spinect_core.base.errors import SpinectError
from spinect_core.base.log import described

log = logging.getLogger(__name__)


class Boxes(QObject):
    """The boxes that are open.

    Attributes:
        shown: from the oldest to the latest.

    Signals:
        failed: the SpinectError that is shown now.
    """

    failed = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.shown: list[QMessageBox] = []
        self._help: QDialog | None = None
        self._over = False

    def show(self, box: QMessageBox) -> None:
        """Open a box without waiting for it."""
        self.shown.append(box)
        box.finished.connect(lambda: self.shown.remove(box) if box in self.shown else None)
        box.open()

    def show_help(self, box: QDialog) -> None:
        """Open a box that is there to be read, in place of the one before."""
        self._close_help()
        self._help = box
        box.finished.connect(self._forget_help)
        box.open()

    def show_error(self, error: SpinectError) -> None:
        """Say what went wrong, unless the window has gone: a box without it would keep the program running."""
        if self._over:
            return
        self.show(messages.error_box("SPINECT Planner", error, self._window))
        self.failed.emit(error)

    def show_unexpected(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """For sys.excepthook: a fault in the window is shown, and the window lives on."""
        log.error("Unexpected fault in the window\n%s", "\n".join(described(error.with_traceback(trace))))
        self.show_error(
            SpinectError(
                f"Something unexpected went wrong ({kind.__name__}: {error})",
                "Go on, or save the plan and start the program again; please report what you did",
            )
        )

    def close_all(self) -> None:
        """Close what is still open."""
        self._close_help()
        for box in list(self.shown):
            box.close()

    def end(self) -> None:
        """Close what is still open, and open nothing more: the window closes."""
        self._over = True
        self.close_all()

    def _close_help(self) -> None:
        if self._help is not None:
            self._help.close()

    def _forget_help(self) -> None:
        self._help = None
