"""The search over several zones side by side, which uses two cores better than one zone after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.side_by_side import side_by_side
from spinect_core.image.volume import Geometry
from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.search.angle_map import STEP_DEGREES, Skin
from spinect_core.planning.search.search import SearchResult, search
from spinect_core.planning.search.weights import Limits, Weights
from spinect_core.planning.zones.window import Sight


def search_all(
    sights: Sequence[Sight],
    skin: Skin | None,
    *,
    step: float = STEP_DEGREES,
    limits: Limits | None = None,
    weights: Weights | None = None,
    segmented: Geometry | None = None,
    clearance: Clearance | None = None,
    shown: Geometry | None = None,
    threads: int = 2,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[SearchResult]:
    """Search every zone as :func:`spinect_core.planning.search.search.search` does, with the same results.

    Args:
        sights: the zones, all among the same obstacles.
        skin: the patient's.
        step: degrees between the views of the maps.
        limits: what every view has to keep.
        weights: of the score.
        segmented: the grid in which bone and nerve were looked for.
        clearance: of the obstacles; made if not given.
        shown: the grid in which bone is known by its density.
        threads: zones at work at the same time.
        progress: called with the fraction done (0 to 1) and the stage, in the calling thread.
        cancel: asked often.

    Returns:
        The results in the order of the zones.

    Raises:
        MeasurementError: a zone encloses nothing, or the step makes no map.
        Cancelled: the user stopped it.
    """
    if not sights:
        return []
    check(cancel)
    obstacles = sights[0].obstacles
    # The first ray builds the tree of a scene, which only one thread may do.
    obstacles.blocked(np.zeros((1, 3)), np.ones(3))
    shared = clearance or Clearance(obstacles)

    def one(number: int, note: Progress) -> SearchResult:
        return search(
            sights[number],
            skin,
            step=step,
            limits=limits,
            weights=weights,
            segmented=segmented,
            clearance=shared,
            shown=shown,
            threads=1,
            progress=note,
            cancel=cancel,
        )

    return side_by_side(one, len(sights), "zones searched", threads=threads, progress=progress, cancel=cancel)
