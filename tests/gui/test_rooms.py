"""What the rooms of the window promise each other, beside the contracts in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

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
