"""Keeps the warnings of the libraries that read files away from the program: what matters is checked and said by us."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

from spinect_core.base.decimal_point import keep_decimal_point

LIBRARIES = r"(pydicom|gzip|zipfile)(\.|$)"


@contextmanager
def quiet_dicom() -> Iterator[None]:
    """No Python warnings of pydicom within the block."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=LIBRARIES)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"spinect_core\.io\.")
        yield


@contextmanager
def quiet_itk() -> Iterator[None]:
    """No warnings of ITK on the error stream within the block, and numbers with a point."""
    keep_decimal_point()
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@contextmanager
def quiet_vtk() -> Iterator[None]:
    """No warnings of VTK on the error stream within the block, and numbers with a point."""
    keep_decimal_point()
    # Here, for who reads pictures alone does without VTK.
    from vtkmodules.vtkCommonCore import vtkObject

    shown = vtkObject.GetGlobalWarningDisplay()
    vtkObject.SetGlobalWarningDisplay(0)
    try:
        yield
    finally:
        vtkObject.SetGlobalWarningDisplay(shown)
