"""Where a needle touches what it must not."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Relation, Tissue
from spinect_core.plan.records import NeedleRecord


def touched(record: NeedleRecord) -> list[tuple[Tissue, FloatArray]]:
    """The places LPS mm (3,) on a needle where it goes into a structure, or else touches bone or nerve.

    Nerve within the last 3 mm is the aim, and counts only where the needle goes through it.
    """
    safety, needle = record.safety, record.needle
    if safety is None:
        return []
    crossed = [each for each in safety.structures if each.relation == Relation.CROSSED]
    found = [(each.tissue, needle.at(each.depth_mm)) for each in crossed]
    for tissue, nearest in ((Tissue.BONE, safety.bone), (Tissue.NERVE, safety.nerve)):
        if nearest is not None and nearest.gap_mm <= 0 and not any(each[0] == tissue for each in found):
            found.append((tissue, np.asarray(nearest.place)))
    return found
