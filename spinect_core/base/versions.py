"""What the program calls itself, the notice it carries, and which versions of everything are at work."""

from __future__ import annotations

__version__ = "0.1.0"
NOTICE = "For research, planning and teaching. Not cleared for clinical use."
"""The one sentence that the program and every export carry."""
LIBRARIES = (
    "tensorflow",
    "keras",
    "openvino",
    "numpy",
    "scipy",
    "scikit-image",
    "SimpleITK",
    "pydicom",
    "nibabel",
    "vtk",
    "pyvista",
    "fast-simplification",
    "pyvistaqt",
    "PySide6_Essentials",
    "pillow",
)


def installed_versions() -> dict[str, str]:
    """This program, Python, the system and the libraries; "missing" for one that is not installed.

    None of them is imported for it.
    """
    # Not at the top: every module that writes a file passes here, and `spinect --help` has to answer at once.
    import platform
    from importlib import metadata

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
