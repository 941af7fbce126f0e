"""What the window relies on in the Qt bindings."""

import sys

from PySide6.QtCore import QObject, Signal


class Bell(QObject):
    rung = Signal()


def test_a_signal_keeps_its_hands_off_pythons_reference_counts():
    """A binding that gives away references takes the program down after some minutes of turning the view."""
    bell, heard = Bell(), []
    bell.rung.connect(lambda: heard.append(1))
    for constant in (True, False, None):
        before = sys.getrefcount(constant)
        for _ in range(2000):
            bell.rung.emit()
        assert sys.getrefcount(constant) > before - 200, constant
    assert len(heard) == 6000
