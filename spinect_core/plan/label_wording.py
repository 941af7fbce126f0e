"""What is said of labels that were made elsewhere, or corrected by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


CORRECTED = "corrected"
"""Of the record of a run: how often its labels were corrected by hand, and how many voxels that changed."""
MADE_BY = ("mode", "weights_sha256", "labels_from", "labels_sha256", "segments", CORRECTED)
"""Of the record of a run: what labels depend on; engines and devices give the same ones."""
CORRECTION_NOTE = "Labels corrected by hand:"


def corrections(run: Mapping[str, Any]) -> tuple[int, int]:
    """In how many steps the labels of a plan were corrected by hand, and how many voxels these changed.

    Args:
        run: what the plan stores of what made them, which any program may have written.
    """
    told = run.get(CORRECTED)
    counts = [told.get(key) for key in ("steps", "voxels")] if isinstance(told, Mapping) else []
    sound = [
        each for each in counts if isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 10**12
    ]
    return (sound[0], sound[1]) if len(sound) == 2 else (0, 0)


def with_corrections(run: Mapping[str, Any], steps: int, voxels: int) -> dict[str, Any]:
    """The record of a run with so many more steps and voxels; fewer where they are negative."""
    before = corrections(run)
    rest = {key: value for key, value in run.items() if key != CORRECTED}
    now = max(before[0] + steps, 0), max(before[1] + voxels, 0)
    return {**rest, CORRECTED: {"steps": now[0], "voxels": now[1]}} if now[0] else rest


def of_same_labels(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the records of two runs on one CT speak of the same labels, by what made them and what was changed."""
    return all(one.get(key) == other.get(key) for key in MADE_BY)


def correction_words(run: Mapping[str, Any]) -> str:
    """How much of the labels of a plan was changed by hand; empty for nothing.

    Args:
        run: as for :func:`corrections`.
    """
    steps, voxels = corrections(run)
    if not steps:
        return ""
    return f"corrected by hand: {voxels:,} voxels in {steps} {'step' if steps == 1 else 'steps'}"


def with_correction_note(notes: Iterable[str], run: Mapping[str, Any]) -> tuple[str, ...]:
    """The notes of a plan with what was changed by hand in its labels, once.

    Args:
        notes: so far.
        run: as for :func:`corrections`.
    """
    rest = tuple(each for each in notes if not each.startswith(CORRECTION_NOTE))
    words = correction_words(run)
    return (*rest, f"Labels {words}.") if words else rest
