"""A case of a pack as pictures: drawn from its seed, or a teacher's own; and the organs of a drawn one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from spinect_core.base.errors import PlanError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.words import Side
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin, Organs
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.preprocessing.grid import on_regular_grid
from spinect_core.research.phantom import Phantom, draw_case
from spinect_core.research.phantom.build import Box
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.teaching.records import CaseRecord

NEAR_MM, FAR_MM = 75.0, 125.0
"""From the midline: to the other side both foramina are drawn, to the side of the tasks as far as needles enter."""
FRONT_TO_BACK, FEET_TO_HEAD = (-55.0, 118.0), (-62.0, 66.0)
"""LPS mm of what is drawn: from the vessels before the spine to the skin, and about L5 and S1."""
SPACING_MM = 1.25
GRID_MM = 1.0
"""Of the labels that are scored on, as the network's."""
MASK_MM = 3.0
"""Of organs, as networks make them."""
MASKS = {"bowel": Organ.BOWEL, "arteries": Organ.GREAT_VESSELS, "veins": Organ.GREAT_VESSELS}


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a case consists of.

    Attributes:
        volume: the CT, all that a student may see.
        labels: bone and nerve as they are, on cubes of 1 mm: the truth that is scored on.
        organs: of a drawn case; None for a teacher's own.
    """

    volume: Volume
    labels: Labels
    organs: Organs | None = None

    @property
    def checksum(self) -> str:
        """SHA-256 of the labels and where they lie (to a micrometre)."""
        grid = self.labels.geometry
        place = np.round([*grid.spacing, *grid.origin, *grid.direction.ravel()], 3) + 0.0
        head = f"{grid.shape} {[f'{value:.3f}' for value in place]}".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.labels.array).tobytes()).hexdigest()


def organs_of(phantom: Phantom) -> Organs:
    """Bowel and great vessels of a drawn specimen as coarse masks, as networks make them."""
    grid = phantom.labels.geometry
    step = max(round(MASK_MM / grid.spacing[0]), 1)
    found = np.zeros(phantom.structures.shape, np.uint8)
    for name, organ in MASKS.items():
        found[phantom.structures == STRUCTURES[name]] = NUMBERS[organ]
    coarse = np.ascontiguousarray(found[::step, ::step, ::step])
    spacing = (grid.spacing[0] * step, grid.spacing[1] * step, grid.spacing[2] * step)
    return Organs(
        coarse,
        Geometry((coarse.shape[0], coarse.shape[1], coarse.shape[2]), spacing, grid.origin),
        tuple(dict.fromkeys(MASKS.values())),
        origin=OrganOrigin.DRAWN,
        source="the drawing of the specimen",
    )


def box_for(side: Side) -> Box:
    """What is drawn of a case whose tasks lie on a side."""
    across = (-NEAR_MM, FAR_MM) if side == Side.LEFT else (-FAR_MM, NEAR_MM)
    return (across, FRONT_TO_BACK, FEET_TO_HEAD)


def draw(record: CaseRecord, *, progress: Progress = silent, cancel: Cancel | None = None) -> Pictures:
    """Draw a case from its seed; the same seed and pathologies give the same case.

    It cannot be stopped in between: in a window it runs in a process of its own.

    Args:
        record: of the case.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked before and after.

    Raises:
        PlanError: the case is none that is drawn, or this computer draws another one than the pack was made with.
        UsageError: a pathology that there is not.
    """
    if record.seed is None:
        raise PlanError(
            "The case has no seed to draw it from", "Take its pictures from the pack", record.name
        )
    check(cancel)
    progress(0.0, "drawing the specimen")
    box = box_for(record.tasks[0].side)
    phantom = draw_case(record.seed, (SPACING_MM,) * 3, box=box, pathologies=record.pathologies)
    check(cancel)
    progress(0.9, "drawing the specimen")
    volume = Volume(phantom.volume.array, phantom.volume.geometry, record.title, {"phantom": True})
    made = Pictures(volume, on_regular_grid(phantom.labels, GRID_MM), organs_of(phantom))
    if record.checksum and made.checksum != record.checksum:
        raise PlanError(
            "This program draws another specimen than the pack was made with",
            "Ask the teacher for a pack made with this version, so that all are scored on the same",
            record.name,
        )
    progress(1.0, "drawn")
    return made
