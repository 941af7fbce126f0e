"""Keeps the warnings of the libraries that read files away from the program: what matters is checked and said by us."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

LIBRARIES = r"(pydicom|gzip|zipfile)(\.|$)"


@contextmanager
def quiet_dicom() -> Iterator[None]:
    """No Python warnings of pydicom within the block."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=LIBRARIES)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"spinect_core\.io\.")
        yield


@contextmanager
def quiet_process() -> Iterator[None]:
    """Nothing at all on the process's error stream within the block, for native code that asks nobody.

    It holds for the whole process, so only for moments.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console has no error stream
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, no path of ours
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def quiet_itk() -> Iterator[None]:
    """No warnings of ITK on the error stream within the block."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@contextmanager
def quiet_vtk() -> Iterator[None]:
    """No warnings of VTK on the error stream within the block."""
    # Here, for who reads pictures alone does without VTK.
    from vtkmodules.vtkCommonCore import vtkObject

    shown = vtkObject.GetGlobalWarningDisplay()
    vtkObject.SetGlobalWarningDisplay(0)
    try:
        yield
    finally:
        vtkObject.SetGlobalWarningDisplay(shown)
