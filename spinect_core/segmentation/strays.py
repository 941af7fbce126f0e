"""Nerve not connected to any other nerve: vessels and bowel that the network mistook for it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spinect_core.base.arrays import LabelArray
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.volume import NERVE, Labels

REACH_MM = 12.0
"""Pieces no farther apart than this count as one nerve in which the network missed a stretch: on three phantoms the
gaps within true roots measured up to 9 mm, the distance from the roots to false nerve 14 mm and more."""


def without_strays(labels: Labels, reach_mm: float = REACH_MM) -> tuple[Labels, float]:
    """Labels without the nerve that no chain of short gaps joins to the sac and its roots.

    The pieces of nerve are gathered into groups of which each piece lies within ``reach_mm`` of the next. The group of
    the largest volume, which holds the sac, stays; the others become background.

    Args:
        labels: on any grid.
        reach_mm: the longest gap within a nerve.

    Returns:
        The labels (the same where nothing was removed), and the volume removed in ml.
    """
    nerve = labels.array == NERVE
    found = ndimage.find_objects(nerve.astype(np.uint8))
    if not found or found[0] is None:
        return labels, 0.0
    steps = labels.geometry.spacing[::-1]
    # half the reach around each of two pieces meets in the middle of the gap between them
    margins = [int(np.ceil(reach_mm / 2 / step)) + 1 for step in steps]
    box = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(found[0], margins, strict=True)
    )
    inside = nerve[box]
    around = ndimage.distance_transform_edt(~inside, sampling=steps) <= reach_mm / 2
    groups, _ = connected_pieces(around, corners=True)
    sizes = np.bincount(groups[inside])
    stray = np.zeros_like(nerve)
    stray[box] = inside & (groups != sizes.argmax())
    if not stray.any():
        return labels, 0.0
    cleaned: LabelArray = np.where(stray, 0, labels.array).astype(np.uint8)
    return Labels(cleaned, labels.geometry), float(stray.sum() * np.prod(steps) / 1000)
