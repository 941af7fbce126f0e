"""What the window relies on in the Qt bindings."""

import ast
import importlib
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal

import app

APP = Path(app.__file__).parent


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


def hearers() -> list[tuple[str, str]]:
    """Module and name of every class of the window a method of which a signal calls."""
    found = []
    for path in sorted(APP.rglob("*.py")):
        module = ".".join((APP.name, *path.relative_to(APP).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and ".connect(self._" in ast.unparse(node):
                found.append((module, node.name))
    return found


@pytest.mark.parametrize(("module", "name"), hearers())
def test_whoever_hears_a_signal_is_an_object_of_qt(module: str, name: str):
    """Its connections end with it; those of a plain object end when Python gets to it, with what is gone by then."""
    assert issubclass(getattr(importlib.import_module(module), name), QObject)


def test_there_are_classes_that_hear_signals():
    assert ("app.views.organ_actors", "OrganActors") in hearers()
