"""Both triangles on both sides, on true and on predicted labels, measured in the same view."""

from __future__ import annotations

from typing import Any

from spinect_core.anatomy.propose import Proposals, propose_triangles
from spinect_core.errors import Cancelled, MeasurementError, SpinectError
from spinect_core.planning.triangle import KINDS, SIDES, Triangle
from spinect_core.progress import Cancel, Progress, part_of, silent
from spinect_core.volume import Labels


def compare_areas(
    truth: Labels, prediction: Labels, *, progress: Progress = silent, cancel: Cancel | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Propose triangles on both label sets and measure them along the view that was proposed on the truth.

    Args:
        truth: on the 1 mm grid of the segmentation.
        prediction: on the same grid.
        progress: told how far it is.
        cancel: stops it.

    Returns:
        ``pairs``: kind, side, the view in words and in degrees, area in mm² on the truth (``true_mm2``) and on the
        prediction (``predicted_mm2``). ``missing``: kind, side and the reason, for the others.
    """
    true, true_fault = _proposed(truth, part_of(progress, 0.0, 0.5), cancel)
    other, other_fault = _proposed(prediction, part_of(progress, 0.5, 1.0), cancel)
    pairs: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for kind in KINDS:
        for side in SIDES:
            first, second = true.get((kind, side)), other.get((kind, side))
            reason = ""
            if first is None:
                reason = f"on the true labels: {true_fault or 'its borders were not found'}"
            elif second is None:
                reason = f"on the predicted labels: {other_fault or 'its borders were not found'}"
            else:
                try:
                    pairs.append(_pair(first, second))
                except MeasurementError as error:
                    reason = f"on the predicted labels: {error.fault}"
            if reason:
                missing.append({"kind": kind, "side": side, "reason": reason})
    return {"pairs": pairs, "missing": missing}


def _pair(true: Triangle, predicted: Triangle) -> dict[str, Any]:
    return {
        "kind": true.kind,
        "side": true.side,
        "view": true.view.words,
        "azimuth_deg": true.view.azimuth,
        "elevation_deg": true.view.elevation,
        "true_mm2": true.area_mm2,
        "predicted_mm2": predicted.area_in(true.view),
    }


def _proposed(
    labels: Labels, progress: Progress, cancel: Cancel | None
) -> tuple[dict[tuple[str, str], Triangle], str]:
    """The triangles by kind and side, and in words what may be why some are missing."""
    try:
        found: Proposals = propose_triangles(labels, progress=progress, cancel=cancel)
    except Cancelled:
        raise
    except SpinectError as error:
        return {}, error.fault
    triangles = {(triangle.kind, triangle.side): triangle for triangle in found.triangles}
    return triangles, "; ".join(found.notes) if len(triangles) < len(KINDS) * len(SIDES) else ""
