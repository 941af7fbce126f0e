"""Starts the 3D view after the window is on the screen: its libraries take longer to load than everything else."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QSettings, QTimer

from app.model import libraries

STARTING = "3d/starting"
"""Set while the 3D view starts: found at the next start, it says that the driver took the program down."""
SETTLED_MS = 2000
LOOK_MS = 20
LATER = ("vtkInteractionWidgets", "vtkViewsContext2D", "vtkViewsCore")
"""What pyvista imports only when the 3D view is built, which is in the window's thread."""


def fell_last_time(settings: QSettings) -> bool:
    """Whether the last start ended while the 3D view was starting; asked once, then forgotten."""
    fell = settings.value(STARTING, "no") == "yes"
    settings.setValue(STARTING, "no")
    settings.sync()
    return fell


class Starter(QObject):
    """Loads the libraries beside the window's thread, then has the window build its 3D view.

    Args:
        build: builds the 3D view.
        settings: where the attempt is noted, in case it ends the process.
        window: already shown.
    """

    def __init__(self, build: Callable[[], None], settings: QSettings, window: QObject) -> None:
        super().__init__(window)
        self._build, self._settings = build, settings
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._load, name="libraries")
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._timer.start()

    def finish(self) -> None:
        """Wait for the libraries and forget the attempt; called when the program ends."""
        self._timer.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._settled()

    def _look(self) -> None:
        if not self._loaded.is_set():
            return
        self._timer.stop()
        self._settings.setValue(STARTING, "yes")
        self._settings.sync()
        self._build()
        QTimer.singleShot(SETTLED_MS, self, self._settled)

    def _settled(self) -> None:
        self._settings.setValue(STARTING, "no")

    def _load(self) -> None:
        with libraries.loading, contextlib.suppress(ImportError):
            # The window meets an ImportError again in its own thread, and says so.
            try:
                import app.views.gap_actors
                import app.views.needle_actors
                import app.views.overlay  # noqa: F401

                for name in LATER:
                    importlib.import_module(f"vtkmodules.{name}")
            finally:
                self._loaded.set()
            libraries.load()  # before the first case asks for them
