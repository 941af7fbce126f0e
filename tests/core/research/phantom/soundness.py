"""What is impossible in any specimen, found in a drawn one; sentences, none if all is well."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, label, map_coordinates

from spinect_core.research.phantom import STRUCTURES, Phantom

ROUND = np.ones((3, 3, 3), dtype=bool)
ROOTS = tuple(f"{level} {side}" for level in ("L4", "L5", "S1", "S2") for side in ("left", "right"))


def faults(phantom: Phantom) -> list[str]:
    """Faults of nerves, bones and joints."""
    return [*nerve_faults(phantom), *bone_faults(phantom), *joint_faults(phantom)]


def nerve_faults(phantom: Phantom) -> list[str]:
    found = []
    structures, geometry = phantom.structures, phantom.volume.geometry
    pieces, _count = label(phantom.labels.array == 2, ROUND)
    sac = np.bincount(pieces[structures == STRUCTURES["thecal sac"]]).argmax()
    bone = (phantom.labels.array == 1).astype(np.float64)
    for name in ROOTS:
        root = structures == STRUCTURES[name]
        if root.sum() < 60:
            found.append(f"{name} has {root.sum()} voxels")
        elif (pieces[root] == sac).mean() < 0.98:
            found.append(f"{name} is broken: {(pieces[root] == sac).mean():.2f} hangs on the sac")
        index = geometry.to_index(np.array(phantom.truth["nerves"][name]["points"])).T
        inside = np.all((index >= 0) & (index <= np.array(geometry.shape)[:, None] - 1), axis=0)
        through = map_coordinates(bone, index[:, inside], order=1).max(initial=0.0)
        if through >= 0.5:
            found.append(f"{name} runs through bone ({through:.2f})")
    return found


def bone_faults(phantom: Phantom) -> list[str]:
    found = []
    cut_off = phantom.truth["pathologies"].get("spondylolisthesis", {}).get("kind") == "isthmic"
    for name in ("L4", "L5", "sacrum", "hip left", "hip right"):
        array = phantom.structures == STRUCTURES[name]
        pieces, count = label(
            array | (phantom.structures == STRUCTURES["metal"]) & binary_dilation(array), ROUND
        )
        edge = [pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1], pieces[:, :, 0], pieces[:, :, -1]]
        cut = np.unique(np.concatenate([face.ravel() for face in edge]))
        sizes = np.bincount(pieces.ravel())
        loose = [int(sizes[k]) for k in range(1, count + 1) if k not in cut and sizes[k] < sizes[1:].max()]
        if name == "L5" and cut_off:
            loose = sorted(loose)[:-1]
        if loose:
            found.append(f"{name} has loose pieces of {loose} voxels")
    return found


def joint_faults(phantom: Phantom) -> list[str]:
    found = []
    fused = phantom.truth["pathologies"].get("transitional", {}).get("joint") == "fused"
    pairs = [("L4", "L5"), ("sacrum", "hip left"), ("sacrum", "hip right")]
    for first, second in pairs if fused else [*pairs, ("L5", "sacrum")]:
        one, other = (phantom.structures == STRUCTURES[name] for name in (first, second))
        touching = int((binary_dilation(one) & other).sum())
        if touching:
            found.append(f"{first} touches {second} in {touching} voxels")
    return found
