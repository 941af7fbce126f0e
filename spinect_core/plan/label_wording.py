"""What is said of labels that were made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spinect_core.base.words import LabelFormat

FORM_WORDS: Mapping[LabelFormat, str] = {
    LabelFormat.NIFTI: "a NIfTI file",
    LabelFormat.NRRD: "an NRRD file",
    LabelFormat.SLICER: "a segmentation of 3D Slicer",
    LabelFormat.METAIMAGE: "a MetaImage file",
    LabelFormat.FOLDER: "a folder of masks",
    LabelFormat.DICOM_SEG: "a DICOM segmentation",
    LabelFormat.RTSTRUCT: "a structure set (RTSTRUCT)",
}


def labels_words(run: Mapping[str, Any]) -> str:
    """Where the labels of a plan come from, if they were made elsewhere; empty if the network made them.

    Args:
        run: what the plan stores of what made them, which any program may have written.
    """
    form = run.get("labels_from")
    known = next((each for each in LabelFormat if each == form), None)
    return "" if known is None else f"labels from {FORM_WORDS[known]}"
