"""The classes of the organ network, and which structure of the phantom belongs to which."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import LabelArray
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.segmentation.organ_network import ORGAN_CLASSES

DIRECT = 100
"""Added to the number of a class where a structure of the trunk has no number of its own."""


def direct(name: str) -> int:
    """The structure number that stands for a class itself."""
    return DIRECT + ORGAN_CLASSES.index(name)


def classes_of(structures: LabelArray) -> LabelArray:
    """Classes uint8 [z, y, x] of structure numbers."""
    table = np.zeros(256, np.uint8)
    for number in range(len(ORGAN_CLASSES)):
        table[DIRECT + number] = number
    for start, name in (
        ("psoas", "psoas and iliacus"),
        ("iliacus", "psoas and iliacus"),
        ("multifidus", "back muscles"),
        ("erector spinae", "back muscles"),
        ("gluteus", "gluteal muscles"),
        ("arteries", "great vessels"),
        ("veins", "great vessels"),
        ("bowel", "bowel"),
    ):
        for structure, value in STRUCTURES.items():
            if structure.startswith(start):
                table[value] = ORGAN_CLASSES.index(name)
    return table[structures]
