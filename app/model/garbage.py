"""Frees what nobody can reach any more in the window's thread alone.

Python looks for unreachable objects in whichever thread happens to allocate. What it finds there may be a widget of a
closed dialog, a timer or something of the graphics card, and Qt and OpenGL take the process down when another thread
destroys theirs. So the interpreter's own looking is switched off, and a timer of the window's thread does it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

APART_MS = 500
"""Between one look and the next; a collection of the young objects takes about a millisecond."""


class Collector(QObject):
    """Collects in the thread that it is made in, from now until it is finished.

    What is there already, modules above all, is never looked through again: that would take longer than the window may
    stand still.

    Args:
        parent: that it ends with.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.setInterval(APART_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        """Collect the oldest generation that has waited long enough, by the interpreter's own measure."""
        waiting = zip(gc.get_count(), gc.get_threshold(), strict=True)
        due = [generation for generation, (count, most) in enumerate(waiting) if count > most > 0]
        if due:
            gc.collect(due[-1])

    def finish(self) -> None:
        """Leave it to the interpreter again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
