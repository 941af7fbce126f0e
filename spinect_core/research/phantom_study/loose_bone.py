"""Whether the bones of a phantom are whole and stand apart: no floating piece, no touching neighbours."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from spinect_core.research.phantom_study.cases import BONES, Case, Violation, touches_edge
from spinect_core.research.phantom_study.solids import Mask
from spinect_core.research.phantom_study.tubes import ROUND

JOINTS = (("L3", "L4"), ("L4", "L5"), ("L5", "sacrum"), ("sacrum", "hip left"), ("sacrum", "hip right"))
FINE_MM = 1.25
TOUCH_MM2 = {True: 8.0, False: 150.0}
"""Contact between neighbouring bones that counts as touching, on voxels up to :data:`FINE_MM` and on coarser ones,
which bridge a joint gap of 2 mm here and there."""
ARCH_REACH_MM = 8.0
"""A loose arch reaches this far to either side of the sac: both laminae are in it."""


def floating_bone(case: Case) -> list[Violation]:
    """Apart from its largest piece, a bone has only pieces that the edge of the picture may have cut off.

    The arch that an isthmic slip leaves behind is loose in nature: it alone is a piece of L5 of its own, and has to be
    one where the voxels are small enough to show the gap.
    """
    found: list[Violation] = []
    for name in BONES:
        mask = case.mask(name)
        pieces, count = label(mask, ROUND)
        sizes = np.bincount(pieces.ravel(), minlength=2)[1:]
        main = 1 + int(sizes.argmax())
        loose = [n for n in range(1, count + 1) if n != main and not touches_edge(pieces == n)]
        if name == "L5" and _isthmic(case):
            arch = max(loose, key=lambda piece: int(sizes[piece - 1]), default=0)
            if arch and is_arch(pieces == arch, pieces == main, case):
                loose.remove(arch)
            elif case.step <= FINE_MM and not touches_edge(mask):
                found.append(Violation("arch not loose", name, 0, "no arch apart from the slipped body"))
        # What hangs on the neighbouring bone only is just as wrong, so other bones do not count.
        found += [Violation("floating bone", name, int(sizes[piece - 1]), "voxels") for piece in loose]
    return found


def _isthmic(case: Case) -> bool:
    slip = (case.truth.get("pathologies") or {}).get("spondylolisthesis", {})
    return bool(slip.get("kind") == "isthmic")


def is_arch(piece: Mask, rest: Mask, case: Case) -> bool:
    """Whether a piece of a vertebra is its whole rear arch: behind the sac and on both sides of it.

    Args:
        piece: the piece [z, y, x].
        rest: the piece that the body belongs to.
        case: the phantom.
    """
    sac_there = case.mask("thecal sac")
    sac_there[~piece.any(axis=(1, 2))] = False
    if not sac_there.any():
        return False
    arch, body, sac = (case.geometry.to_patient(np.argwhere(mask)) for mask in (piece, rest, sac_there))
    middle = sac.mean(axis=0)
    reach = arch[:, 0] - middle[0]
    behind = arch[:, 1].mean() > middle[1] > body[:, 1].mean()
    return bool(behind and reach.min() < -ARCH_REACH_MM and reach.max() > ARCH_REACH_MM)


def touching(case: Case) -> list[Violation]:
    """Neighbouring bones share no voxel faces, but for a transitional side that is fused."""
    found: list[Violation] = []
    z, y, x = case.geometry.spacing[::-1]
    areas = (y * x, z * x, z * y)
    diseases = case.truth.get("pathologies") or ()
    for one, other in JOINTS:
        if (one, other) == ("L5", "sacrum") and "transitional" in diseases:
            continue
        a, b = case.mask(one), case.mask(other)
        contact = 0.0
        for axis, area in enumerate(areas):
            first = [slice(None)] * 3
            second = [slice(None)] * 3
            first[axis], second[axis] = slice(None, -1), slice(1, None)
            f, s = tuple(first), tuple(second)
            contact += area * float((a[f] & b[s]).sum() + (b[f] & a[s]).sum())
        if contact > TOUCH_MM2[case.step <= FINE_MM]:
            found.append(Violation("bones touch", f"{one} and {other}", contact, "mm² of shared faces"))
    return found
