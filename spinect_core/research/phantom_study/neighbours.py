"""Nerves, iliac crest and skin, measured in the frame of L5 and S1."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.research.phantom_study.bodies import Body
from spinect_core.research.phantom_study.canals import Foramen, Pedicle, pedicle
from spinect_core.research.phantom_study.solids import Solid, oriented
from spinect_core.research.phantom_study.specimen import NEEDLE_OBLIQUE, SIDES, Level, Specimen
from spinect_core.research.phantom_study.tubes import (
    Tube,
    coronal_angle,
    largest_piece,
    measure_tube,
    sac_section,
)

GANGLION_MM = (6.0, 45.0)
"""Where along a root its ganglion is looked for."""

CREST_CLASSES = ("below upper L5 pedicle", "between L4 and L5 pedicles", "above lower L4 pedicle")


def nerves(case: Specimen, level: Level, foramina: dict[str, Foramen]) -> None:
    """The sac at L5/S1 and the roots of both sides."""
    sac = case.mask("thecal sac")
    if not sac.any():
        raise MeasurementError("There is no thecal sac", "Look at the labels")
    voxels = case.geometry.to_patient(np.argwhere(sac))
    axis = _sac(case, level, Solid.of(sac, case.geometry), voxels)
    for side, _sign in SIDES:
        case.tried(f"L5 root {side}", partial(_l5, case, level, side, voxels, axis, foramina))
        case.tried(f"S1 root {side}", partial(_s1, case, level, side, voxels))
    heights = [case.values[key] for side, _ in SIDES if (key := f"S1 body height {side}") in case.values]
    if heights:
        case.values["sac end in S1 heights"] = case.values["sac end below S1"] / float(np.mean(heights))


def _sac(case: Specimen, level: Level, solid: Solid, voxels: FloatArray) -> FloatArray:
    """Measure the sac at the disc; returns its axis there, to the head."""
    up = level.disc_up
    edge = (level.lower.rear + level.upper_s1.rear) / 2
    offset = (voxels - edge) @ up
    around = [
        voxels[np.abs(offset - s) < 1.5].mean(axis=0) for s in (-8.0, 8.0) if (np.abs(offset - s) < 1.5).any()
    ]
    axis = up if len(around) < 2 else (around[1] - around[0]) / np.linalg.norm(around[1] - around[0])
    near = voxels[np.abs((voxels - edge) @ axis) < 1.5]
    if not len(near):
        raise MeasurementError("The sac ends above the disc L5/S1", "Look at the labels of the sac")
    cut = oriented(
        near.mean(axis=0) - ((near.mean(axis=0) - edge) @ axis) * axis, axis, level.body.frame.back
    )
    for name, value in sac_section(solid, cut).items():
        case.values["sac AP" if name == "ap" else f"sac {name}"] = value
    centre, normal = level.plate
    half = 0.5 * case.geometry.spacing[2]
    depth = float(-((voxels - centre) @ normal).min()) + half
    lowest_z = float(voxels[:, 2].min())
    cut_off = lowest_z <= case.geometry.to_patient((0, 0, 0))[2] + half
    case.values["sac end below S1"] = float("nan") if cut_off else depth
    return np.asarray(axis)


def _ganglion(tube: Tube) -> float:
    span = (tube.along >= GANGLION_MM[0]) & (tube.along <= GANGLION_MM[1])
    if not span.any():
        raise MeasurementError("The root ends before its ganglion", "Take a larger picture")
    return float(tube.along[span][int(np.argmax(tube.diameters[span]))])


def _root(case: Specimen, name: str, sac: FloatArray) -> tuple[Tube, float]:
    tube = measure_tube(largest_piece(case.mask(name)), case.geometry, sac)
    return tube, _ganglion(tube)


def _l5(
    case: Specimen,
    level: Level,
    side: str,
    sac: FloatArray,
    axis: FloatArray,
    foramina: dict[str, Foramen],
) -> None:
    tube, ganglion = _root(case, f"L5 {side}", sac)
    left = level.body.frame.left
    plane_left = left - (left @ level.disc_up) * level.disc_up
    across = left - (left @ axis) * axis
    run = tube.at(ganglion) - tube.at(2.0)
    case.values |= {
        f"L5 ganglion diameter {side}": float(tube.diameters[np.argmin(np.abs(tube.along - ganglion))]),
        f"L5 root diameter {side}": tube.diameter_at(ganglion + 10.0),
        f"L5 take-off angle {side}": coronal_angle(tube.at(13.0) - tube.at(1.0), axis, _unit(across)),
        f"L5 root to disc angle {side}": 90.0 - coronal_angle(run, level.disc_up, _unit(plane_left)),
    }
    if side not in foramina:
        return
    opening = foramina[side]
    lateral = level.body.frame.local(tube.points)[:, 0]
    sought = float(level.body.frame.local(opening.centre)[0])
    crossing = np.flatnonzero(np.diff(np.sign(lateral - sought)) != 0)
    if crossing.size:
        i = int(crossing[0])
        t = (sought - lateral[i]) / (lateral[i + 1] - lateral[i])
        point = tube.points[i] + t * (tube.points[i + 1] - tube.points[i])
        line = opening.top - opening.bottom
        share = float((point - opening.bottom) @ line / (line @ line))
        case.values[f"L5 root height in foramen {side}"] = 100.0 * share
    _facet_gap(case, level, side)


def _facet_gap(case: Specimen, level: Level, side: str) -> None:
    """Surface to surface from the L5 root to the part of the sacrum behind the bodies."""
    root = case.geometry.to_patient(np.argwhere(case.mask(f"L5 {side}")))
    bone = case.geometry.to_patient(np.argwhere(case.mask("sacrum")))
    frame = level.base
    sign = 1.0 if side == "left" else -1.0
    local = frame.local(bone)
    rear = float(frame.local(level.upper_s1.rear)[1])
    facet = bone[(local[:, 1] > rear) & (sign * local[:, 0] > 4.0) & (sign * local[:, 0] < 40.0)]
    plates = {"upper": level.body.lower, "lower": level.plate}
    for name, (centre, _normal) in plates.items():
        thin = [points[np.abs((points - centre) @ level.disc_up) < 1.5] for points in (root, facet)]
        if all(len(points) for points in thin):
            distance, _ = cKDTree(thin[1]).query(thin[0])
            gap = max(float(distance.min()) - float(np.mean(case.geometry.spacing)), 0.0)
            case.values[f"root to facet {name} {side}"] = gap


def _s1(case: Specimen, level: Level, side: str, sac: FloatArray) -> None:
    tube, ganglion = _root(case, f"S1 {side}", sac)
    case.values |= {
        f"S1 ganglion diameter {side}": float(tube.diameters[np.argmin(np.abs(tube.along - ganglion))]),
        f"S1 root diameter {side}": tube.diameter_at(ganglion + 10.0),
    }
    frame = level.base
    local = frame.local(tube.points)
    middle = float(frame.local(level.upper_s1.middle)[1])
    passed = np.flatnonzero(local[:, 1] < middle)
    if passed.size:
        centre, normal = level.plate
        case.values[f"S1 body height {side}"] = float(-(tube.points[passed[0]] - centre) @ normal)


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))


def crest(case: Specimen, level: Level, pedicles: dict[str, Pedicle]) -> None:
    """Height of the iliac crests and their class by the pedicles of L4 and L5, as on a lateral radiograph."""
    heights = []
    for side, _sign in SIDES:
        voxels = np.argwhere(case.mask(f"hip {side}"))
        if not len(voxels):
            continue
        top = voxels[voxels[:, 0] == voxels[:, 0].max()]
        shape = np.array(case.geometry.shape)
        # A crest at the edge of the picture may go on beyond it.
        if ((top == 0) | (top == shape - 1)).any():
            continue
        height = float(case.geometry.to_patient(top)[:, 2].mean()) + 0.5 * case.geometry.spacing[2]
        case.values[f"crest above S1 {side}"] = height - float(level.plate[0][2])
        heights.append(height)
    if len(heights) < 2 or len(pedicles) < 2:
        return
    frame = level.body.frame
    upper_l5 = np.mean(
        [(p.centre + (p.upper - frame.local(p.centre)[2]) * frame.up)[2] for p in pedicles.values()]
    )
    try:
        above = Body.find(case.mask("L4"), case.mask("disc L3/4"), case.mask("disc L4/5"), case.geometry)
        both = [pedicle(above, sign) for _side, sign in SIDES]
    except MeasurementError as error:
        case.faults.append(f"L4: {error.fault}")
        return
    lower_l4 = np.mean(
        [(p.centre + (p.lower - above.frame.local(p.centre)[2]) * above.frame.up)[2] for p in both]
    )
    height = float(np.mean(heights))
    case.values["crest class"] = float(int(height > upper_l5) + int(height > lower_l4))


def skin(case: Specimen, foramina: dict[str, Foramen]) -> None:
    """From the middle of the foramen to the skin along a needle 27 degrees oblique, in the axial plane."""
    if case.inside is None:
        return
    angle = np.radians(NEEDLE_OBLIQUE)
    for side, sign in SIDES:
        if side not in foramina:
            continue
        towards = np.array([sign * np.sin(angle), np.cos(angle), 0.0])
        steps = np.arange(0.0, 260.0, 0.25)
        index = np.rint(case.geometry.to_index(foramina[side].centre + steps[:, None] * towards)).astype(int)
        shown = ((index >= 0) & (index < np.array(case.geometry.shape))).all(axis=1)
        index = index[: int(np.argmin(shown)) if not shown.all() else len(index)]
        within = case.inside[tuple(index.T)]
        if len(within) and not within.all():
            case.values[f"skin to foramen {side}"] = float(steps[int(np.argmin(within))])
