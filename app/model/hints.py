"""What to do next, where there is nothing to see yet: sentences that follow the state of the case."""

from __future__ import annotations

from app.model.case import Case
from app.model.ongoing import FINDING, SEGMENTING, Ongoing

NOT_RECOGNISED = "No lumbosacral spine was recognised in this CT"
SHOW_PLACE = (
    "Put the cross-hair on the L5/S1 disc and press “Region about the cross-hair”, or type its borders"
)
AGAIN = "Find trajectories again (Ctrl+T)\nto see the map and to adjust"


def no_surfaces(case: Case, ongoing: Ongoing) -> tuple[str, str]:
    """Title and text in the 3D view of a case without surfaces."""
    if ongoing.title == SEGMENTING:
        return "Segmenting bone and nerve", ongoing.words
    if ongoing.title:
        return ongoing.title, ongoing.words
    if case.volume is None:
        return "This plan came without labels", "Open its CT to segment bone and nerve"
    if case.region is None:
        return (
            "No lumbosacral region was recognised in this CT",
            "Open a CT that shows the pelvis and the lowest lumbar vertebrae",
        )
    if not case.region.found:
        return NOT_RECOGNISED, f"{case.region.note}\n{SHOW_PLACE}"
    text = "Check the region in the slices, then press “Segment bone and nerve” (Ctrl+R)"
    return "Not segmented yet", text


def no_trajectory(case: Case | None, rows: int, chosen: bool, ongoing: Ongoing) -> str:
    """In place of the map of a trajectory.

    Args:
        case: the open one.
        rows: how many trajectories there are.
        chosen: whether one is looked at.
        ongoing: the running job.
    """
    if ongoing.title == FINDING:
        return "Finding trajectories …"
    if chosen:
        return AGAIN
    if rows:
        return "Choose a trajectory to see its map"
    if case is None:
        return "Open a CT first"
    if ongoing.title == SEGMENTING:
        return "Bone and nerve are being segmented"
    if case.surfaces is None:
        return "Segment bone and nerve first (Ctrl+R)"
    return "Find trajectories (Ctrl+T)\nto see their maps"
