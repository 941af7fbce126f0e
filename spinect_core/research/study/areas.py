"""Both triangles on both sides, on true and on predicted labels, each with its own borders.

Measured in one view, the best on the true labels, and on the predicted labels in their own best view as well. The
first favours the true labels, which chose the view; the second compares what would be reported for either.
"""

from __future__ import annotations

from typing import Any

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import Cancelled, SpinectError
from spinect_core.base.progress import Cancel, Progress, part_of, silent
from spinect_core.base.words import KINDS, SIDES
from spinect_core.image.volume import Labels
from spinect_core.plan.wording import sentences
from spinect_core.planning.level import Approaches
from spinect_core.planning.room import Room
from spinect_core.planning.search.search import search
from spinect_core.planning.zones.window import Sight
from spinect_core.surfaces import build_surfaces

STEP_DEGREES = 4.0
"""Of the search for the view; its best view is refined to 0.25° all the same."""
VERSIONS = {"kambin": "bony", "safe": ""}
Sights = dict[tuple[str, str], Sight]


def compare_areas(
    truth: Labels, prediction: Labels, *, progress: Progress = silent, cancel: Cancel | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Find the triangles in both label sets and measure their free windows.

    Args:
        truth: on the 1 mm grid of the segmentation.
        prediction: on the same grid.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Returns:
        ``pairs``: kind, side, the view that is best on the truth in words and in degrees, the area there in mm² on
        the truth (``true_mm2``) and on the prediction (``predicted_mm2``), and the largest area on the prediction
        in any view (``predicted_best_mm2``); 0 where nothing is open. ``missing``: kind, side and the reason, for
        the others.
    """
    true, true_fault = _sights(truth, part_of(progress, 0.0, 0.4), cancel)
    other, other_fault = _sights(prediction, part_of(progress, 0.4, 0.8), cancel)
    pairs: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    wanted = [(kind, side) for kind in KINDS for side in SIDES]
    for number, (kind, side) in enumerate(wanted):
        progress(0.8 + 0.2 * number / len(wanted), f"measuring the {side} {kind} triangle")
        first, second = true.get((kind, side)), other.get((kind, side))
        if first is None:
            reason = f"on the true labels: {true_fault or 'its borders were not found'}"
        elif second is None:
            reason = f"on the predicted labels: {other_fault or 'its borders were not found'}"
        else:
            pair, reason = _pair(first, second, cancel)
            pairs += [] if pair is None else [pair]
        if reason:
            missing.append({"kind": kind, "side": side, "reason": reason})
    return {"pairs": pairs, "missing": missing}


def _pair(true: Sight, predicted: Sight, cancel: Cancel | None) -> tuple[dict[str, Any] | None, str]:
    """The two areas, or why there are none."""
    try:
        best = search(true, None, step=STEP_DEGREES, cancel=cancel).best
        if best is None:
            return None, "on the true labels: no view is open to a needle"
        area = predicted.window(best.view).area_mm2
        own = search(predicted, None, step=STEP_DEGREES, cancel=cancel).best
    except Cancelled:
        raise
    except SpinectError as error:
        return None, error.fault
    row = {
        "kind": true.zone.kind,
        "side": true.zone.side,
        "view": best.view.words,
        "azimuth_deg": best.view.azimuth,
        "elevation_deg": best.view.elevation,
        "true_mm2": best.window.area_mm2,
        "predicted_mm2": area,
        "predicted_best_mm2": 0.0 if own is None else own.window.area_mm2,
    }
    return row, ""


def _sights(labels: Labels, progress: Progress, cancel: Cancel | None) -> tuple[Sights, str]:
    """The zones among their obstacles by kind and side, and in words what may be why some are missing."""
    try:
        landmarks = find_landmarks(labels, progress=part_of(progress, 0.0, 0.7), cancel=cancel)
        surfaces = build_surfaces(labels, progress=part_of(progress, 0.7, 1.0), cancel=cancel)
        work = Approaches(Room(labels, surfaces), landmarks)
        found, notes = work.zones()
    except Cancelled:
        raise
    except SpinectError as error:
        return {}, error.fault
    sights: Sights = {
        (zone.kind, zone.side): Sight(zone, work.room.obstacles)
        for zone in found
        if zone.version == VERSIONS[zone.kind]
    }
    return sights, "; ".join(sentences((*landmarks.notes, *notes)))
