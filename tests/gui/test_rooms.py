"""What the rooms of the window promise each other, beside the contracts in pyproject.toml."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import importlib, pkgutil, sys
import app.model
for each in pkgutil.iter_modules(app.model.__path__, "app.model."):
    importlib.import_module(each.name)
drawing = ("PySide6.QtWidgets", "pyvistaqt", "vtkmodules.vtkRenderingCore", "tensorflow", "openvino")
print(*[name for name in drawing if name in sys.modules])
"""


def test_the_model_needs_no_widgets():
    """The state of the window can be made and tested without one."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == ""


def _signals(tree):
    """The classes of a module, each with the names of its signals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names = [
                each.targets[0].id
                for each in node.body
                if isinstance(each, ast.Assign)
                and isinstance(each.value, ast.Call)
                and getattr(each.value.func, "id", "") == "Signal"
            ]
            yield node, names


def _uses(tree):
    return [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


@pytest.fixture(scope="module")
def trees():
    """Every module of the window, parsed."""
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "app").rglob("*.py"))}


def test_every_signal_is_sent_by_its_class_and_heard_by_another(trees):
    everywhere = Counter(name for tree in trees.values() for name in _uses(tree))
    dead = []
    count = 0
    for path, tree in trees.items():
        for owner, names in _signals(tree):
            inside = Counter(_uses(owner))
            count += len(names)
            dead += [
                f"{path.name}: {owner.name}.{name}"
                for name in names
                if not inside[name] or everywhere[name] == inside[name]
            ]
    assert count > 40
    assert dead == []


def test_every_documented_signal_exists(trees):
    """Under "Signals:" in a class's docstring stand signals, and where it stands none is left out."""
    seen = 0
    for path, tree in trees.items():
        for owner, names in _signals(tree):
            text = ast.get_docstring(owner) or ""
            if "Signals:" not in text:
                continue
            seen += 1
            documented = re.findall(
                r"^    (\w+): ", text.split("Signals:\n")[1].split("\n\n")[0], re.MULTILINE
            )
            assert sorted(documented) == sorted(names), f"{path.name}: {owner.name}"
    assert seen > 8
