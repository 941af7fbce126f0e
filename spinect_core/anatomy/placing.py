"""The landmarks of a level as the registration and the bone near them give them, before any correction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spinect_core.anatomy.atlas import Atlas
from spinect_core.anatomy.confidence import misfit
from spinect_core.anatomy.fields import Field, signed_field
from spinect_core.anatomy.levels import Level
from spinect_core.anatomy.parts import Parts
from spinect_core.anatomy.refine import SIDES, Pairs, depth_of_body, refine
from spinect_core.anatomy.register import Registration, cropped
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import AnatomyError
from spinect_core.image.volume import BONE, Labels

HALF_MM = (52.0, 48.0, 44.0)
"""Half the size (x, y, z) of the part of the labels that is looked at closely."""

PARTS_REACH_MM = 90.0
SPREAD_MM = 10.0
"""How far round a landmark its bone is looked at, where the landmark has no shape of its own to hold on to."""


PAIR_SPREAD_MM = 25.0
"""The same for how a vertebra as a whole is turned and stretched."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Landmarks before any correction.

    Attributes:
        points: LPS mm (3,) by name.
        moved: mm that the shape of the bone moved each.
        misfits: mm by landmark: how badly the bone round it fits.
        parts: the atlas's parts, laid over the case.
        bone: signed distance of the case's bone near the level.
        near: the labels near the level.
    """

    points: dict[str, FloatArray]
    moved: dict[str, float]
    misfits: dict[str, float]
    parts: Parts
    bone: Field
    near: Labels


def close_up(labels: Labels, middle: FloatArray) -> Labels:
    """The part of the labels round a level.

    Raises:
        AnatomyError: the labels do not reach it.
    """
    half = np.array(HALF_MM)
    part = cropped(labels, middle - half, middle + half)
    if part is None:
        raise AnatomyError(
            "The labels do not reach the level that was asked for",
            "Choose another level, or segment a larger region",
        )
    return part


def place(atlas: Atlas, registration: Registration, labels: Labels, level: Level) -> Placed:
    """Lay the atlas's landmarks of a level over a case and move them to the shape of its bone.

    Args:
        atlas: the specimen with landmarks.
        registration: of the atlas with the case.
        labels: of the case.
        level: by the names of the atlas.

    Raises:
        AnatomyError: the labels do not reach the level.
    """
    near = close_up(labels, registration.points(atlas.landmarks[level.focus])[0])
    bone = signed_field(near, BONE)
    around = np.linalg.norm(atlas.parts.points - atlas.landmarks[level.focus], axis=1) < PARTS_REACH_MM
    before = replace(
        atlas.parts,
        points=atlas.parts.points[around],
        kinds=atlas.parts.kinds[around],
        tissue=atlas.parts.tissue[around],
        level=level,
    )
    parts = replace(before, points=registration.points(before.points))
    names = level.landmark_names()
    laid = registration.points(np.array([atlas.landmarks[name] for name in names]))
    raw = dict(zip(names, laid, strict=True))
    lower, upper = (_of_bone(before, bone_name) for bone_name in (level.lower, level.upper))
    for name in names:
        if name == level.focus or f"{level.lower} superior articular base" in name:
            raw[name] = motion_of_bone(atlas.landmarks[name], before.points[lower], parts.points[lower])[0]
    pairs = _pairs(
        atlas, level, (before.points[upper], parts.points[upper]), (before.points[lower], parts.points[lower])
    )
    points, moved = refine(raw, level, bone, parts, pairs)
    misfits = {name: misfit(bone, parts.surface_near(raw[name])) for name in names}
    return Placed(points, moved, misfits, parts, bone, near)


def _of_bone(parts: Parts, vertebra: str) -> npt.NDArray[np.bool_]:
    """Which of the places lie on a vertebra; S1 stands for the sacrum."""
    beginnings = ("S1 ", "sacr") if vertebra == "S1" else (f"{vertebra} ",)
    named = [name.startswith(beginnings) and " root" not in name for name in parts.names]
    return np.array(named)[parts.kinds]


def _pairs(
    atlas: Atlas, level: Level, upper: tuple[FloatArray, FloatArray], lower: tuple[FloatArray, FloatArray]
) -> Pairs:
    """How landmarks lie to each other in a case; ``upper`` and ``lower`` are surfaces in the atlas and the case."""
    marks = atlas.landmarks
    middle = marks[f"{level.upper} body centre"]
    body = motion_of_bone(middle, *upper, PAIR_SPREAD_MM)[1]
    up = (marks[f"{level.upper} upper end plate centre"] - middle) @ body
    offsets = {}
    for side in SIDES:
        margin = marks[f"{level.upper} pedicle lower margin {side}"]
        border, foramen = f"{level.upper} body lateral border {side}", f"foramen {level.name} centre {side}"
        offsets[border] = (marks[border] - margin) @ body
        offsets[foramen] = (marks[foramen] - margin) @ motion_of_bone(margin, *upper, PAIR_SPREAD_MM)[1]
        tip, base = (f"{level.lower} superior articular {end} {side}" for end in ("tip", "base"))
        turn = motion_of_bone(marks[base], *lower, PAIR_SPREAD_MM)[1]
        offsets[tip] = (marks[tip] - marks[base]) @ turn
    return Pairs(offsets, up / np.linalg.norm(up), usual_behind(atlas, level))


@lru_cache(maxsize=4)
def usual_behind(atlas: Atlas, level: Level) -> float:
    """Part of the depth of the atlas's lower body that lies behind the middle of its end plate."""
    bone = signed_field(close_up(atlas.labels, atlas.landmarks[level.focus]), BONE)
    behind, ahead = depth_of_body(atlas.landmarks, level, bone)
    return behind / (behind + ahead)


def motion_of_bone(
    point: FloatArray, before: FloatArray, after: FloatArray, spread_mm: float = SPREAD_MM
) -> tuple[FloatArray, FloatArray]:
    """Where a point (3,) goes if it moves as the surface of its bone round it does, and how vectors there turn.

    Args:
        point: LPS mm in the atlas.
        before: LPS mm (n, 3) of the surface in the atlas.
        after: the same places in the case.
        spread_mm: how far round the point the surface is looked at.

    Returns:
        LPS mm (3,) in the case, and a matrix: ``v @ matrix`` is in the case what the vector ``v`` is in the atlas.
    """
    weight = np.exp(-((before - point) ** 2).sum(axis=1) / (2 * spread_mm**2)) + 1e-9
    weight /= weight.sum()
    middle, target = weight @ before, weight @ after
    a, b = before - middle, after - target
    # A hundredth of a square millimetre keeps a flat patch of surface solvable.
    matrix = np.linalg.solve((a * weight[:, None]).T @ a + 1e-2 * np.eye(3), (a * weight[:, None]).T @ b)
    return np.asarray((point - middle) @ matrix + target), np.asarray(matrix)
