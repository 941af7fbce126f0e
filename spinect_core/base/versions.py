"""Which versions of everything are at work, found without importing any of it."""

from __future__ import annotations

import platform
from importlib import metadata

from spinect_core import __version__

LIBRARIES = (
    "tensorflow",
    "keras",
    "openvino",
    "numpy",
    "scipy",
    "scikit-image",
    "SimpleITK",
    "pydicom",
    "highdicom",
    "vtk",
    "pyvista",
    "fast-simplification",
    "pyvistaqt",
    "PySide6_Essentials",
    "pillow",
)


def installed_versions() -> dict[str, str]:
    """This program, Python, the system and the libraries; "missing" for one that is not installed."""
    versions = {
        "spinect-planner": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions
