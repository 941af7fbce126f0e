"""Looks through one phantom for anatomy that cannot be: broken nerves, floating bone, closed foramina."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import (
    binary_dilation,
    convolve,
    distance_transform_edt,
    gaussian_filter1d,
    label,
    map_coordinates,
)

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.image.volume import BONE, NERVE
from spinect_core.research.phantom import Phantom
from spinect_core.research.phantom_study.bodies import end_plate
from spinect_core.research.phantom_study.cases import BONES, Case, Violation, touches_edge
from spinect_core.research.phantom_study.loose_bone import floating_bone, touching
from spinect_core.research.phantom_study.solids import Mask
from spinect_core.research.phantom_study.tubes import ROUND
from spinect_core.research.phantom_study.way_out import BALL_MM, way_out

ALWAYS_THERE = (
    *BONES[1:],
    "disc L4/5",
    "disc L5/S1",
    "thecal sac",
    *(f"{level} {side}" for level in ("L4", "L5", "S1", "S2") for side in ("left", "right")),
)
"""What no picture of L5/S1 lacks; L3 may lie above it, the skin outside it, and few have metal."""
NARROWING = {
    "disc-height-loss": 1.0,
    "facet-arthrosis": 1.0,
    "osteophytes": 1.0,
    "disc-bulge": 1.0,
    "herniation-l5": 1.0,
    "spondylolisthesis": 1.0,
    "transitional": 1.0,
    "stenosis": 1.5,
}
"""Diseases that narrow the passage of the root, and the radius in mm of what still has to pass: the root pressed flat;
in a stenosis alone, which draws the facets towards the body, the lateral recess of 3 mm that is called narrow."""
CANAL_MM = 25.0
"""No wall of the canal lies farther from the sac."""
AIR_HU = -400.0
PELVIS_MM = 15.0
"""A nerve that ends this far below the S1 end plate has reached the pelvis."""


def find_violations(phantom: Phantom) -> list[Violation]:
    """Everything impossible in a phantom; an empty list if there is nothing.

    Args:
        phantom: as :func:`spinect_core.research.phantom.draw_case` gives it.
    """
    case = Case(phantom)
    found: list[Violation] = []
    for check in (
        _labels, _pairs, _sides, _nerves, _nerve_in_bone, _foramina, floating_bone, touching, _sac, _skin,
    ):  # fmt: skip
        found += check(case)
    return found


def _labels(case: Case) -> list[Violation]:
    """Labels 1 and 2 stand exactly where a bone's or a nerve's number stands; every number has a name."""
    known = np.zeros(256, dtype=bool)
    known[[0, *case.names.values()]] = True
    expected = np.zeros(256, dtype=np.uint8)
    for name, number in case.names.items():
        if name in BONES:
            expected[number] = BONE
        elif name == "thecal sac" or name in case.roots:
            expected[number] = NERVE
    found: list[Violation] = []
    unnamed = int((~known[case.structures]).sum())
    if unnamed:
        found.append(Violation("structure without a name", "", unnamed, "voxels"))
    # Bone added by a disease or an implant may carry a number of its own.
    added = (case.structures >= 40) & (case.labels == BONE)
    wrong = (expected[case.structures] != case.labels) & ~added
    if wrong.any():
        numbers = np.unique(case.structures[wrong])
        names = [name for name, number in case.names.items() if number in numbers]
        found.append(Violation("labels against structures", ", ".join(names), int(wrong.sum()), "voxels"))
    return found


def _pairs(case: Case) -> list[Violation]:
    """Every structure of :data:`ALWAYS_THERE` has voxels on both sides."""
    return [
        Violation("structure missing", name, 0, "no voxels")
        for name in ALWAYS_THERE
        if not case.mask(name).any()
    ]


def _sides(case: Case) -> list[Violation]:
    """Left is where x is larger; both sides are compared with each other and with the bone in the middle."""
    found: list[Violation] = []
    middle = case.mask("L5")
    if not middle.any():
        return found
    centre = _centre(case, middle)
    for name in case.names:
        if not name.endswith(" left"):
            continue
        left, right = case.mask(name), case.mask(name.removesuffix("left") + "right")
        if not left.any() or not right.any():
            continue
        a, b = _centre(case, left), _centre(case, right)
        if not (a > b and a > centre - 2.0 and b < centre + 2.0):
            found.append(Violation("sides swapped", name, a - b, "mm from right to left"))
    return found


def _centre(case: Case, mask: Mask) -> float:
    return float(case.geometry.to_patient(np.argwhere(mask).mean(axis=0))[0])


def _nerves(case: Case) -> list[Violation]:
    """Every root is connected to the sac, has nerve all along its course, and leaves the picture or the spine."""
    found: list[Violation] = []
    pieces, _count = label(case.nerve, ROUND)
    of_sac = pieces[case.mask("thecal sac")]
    main = int(np.bincount(of_sac[of_sac > 0]).argmax()) if (of_sac > 0).any() else -1
    near = binary_dilation(case.nerve, ROUND)
    pelvis = _s1_plate(case)
    for name in case.roots:
        mask = case.mask(name)
        if not mask.any() or name not in case.truth["nerves"]:
            continue
        course = case.course(name)
        loose = int((pieces[mask] != main).sum())
        # A nerve beyond the picture's edge may come back into it.
        if loose > 0.02 * mask.sum() and not touches_edge(mask & (pieces != main)):
            found.append(Violation("nerve broken", name, loose, "voxels not joined to the sac"))
        if not len(course):
            continue
        index = np.rint(course).astype(int)
        bare = int((~near[tuple(index.T)]).sum())
        if bare:
            found.append(Violation("nerve broken", name, bare, "points of the course without nerve"))
        gap = np.minimum(course[-1], np.array(case.geometry.shape) - 1 - course[-1]).min() * case.step
        end = case.geometry.to_patient(course[-1])
        if gap > 6.0 and pelvis is not None and end[2] > pelvis - PELVIS_MM:
            found.append(Violation("nerve ends inside", name, float(gap), "mm from the picture's edge"))
    return found


def _s1_plate(case: Case) -> float | None:
    try:
        return float(end_plate(case.mask("sacrum"), case.mask("disc L5/S1"), case.geometry)[0][2])
    except MeasurementError:
        return None


def _nerve_in_bone(case: Case) -> list[Violation]:
    """No centreline runs where bone fills half a voxel or more, no nerve voxel is walled in by bone."""
    found: list[Violation] = []
    bone = case.bone.astype(np.float32)
    around = np.ones((3, 3, 3), dtype=np.float32)
    around[1, 1, 1] = 0.0
    walls = convolve(bone, around, mode="nearest") if case.nerve.any() else bone
    for name in case.roots:
        if name in case.truth["nerves"] and len(course := case.course(name)):
            # One voxel from the edge of a bone the value says only how the voxels fell.
            values = map_coordinates(bone, course.T, order=1)
            through = int((values > 0.75).sum())
            if through:
                found.append(Violation("nerve through bone", name, through, "points of the course in bone"))
        buried = int((case.mask(name) & (walls >= 24)).sum())
        if buried:
            found.append(Violation("nerve inside bone", name, buried, "voxels walled in by bone"))
    return found


def _foramina(case: Case) -> list[Violation]:
    """A ball rolls from the sac to the outside between L5 and S1 on both sides: 2 mm in radius, less if narrowed."""
    ball = min([BALL_MM, *(NARROWING.get(name, BALL_MM) for name in case.truth.get("pathologies") or ())])
    try:
        closed = way_out(case.bone, case.mask, case.geometry, ball)
    except MeasurementError as error:
        return [Violation("foramen not found", "L5/S1", 0, error.fault)]
    return [
        Violation("foramen closed", f"L5/S1 {side}", 0, f"no passage for a ball of {ball:g} mm radius")
        for side in closed
    ]


def _sac(case: Case) -> list[Violation]:
    """In front of the sac lies a body, a disc or the sacrum within 25 mm; behind it bone or ligamentum flavum.

    Front is across the sac: where the sacrum is steep, a level line runs slantwise through the canal. Backwards a level
    line meets the laminae, which overlap like shingles.
    """
    sac = case.mask("thecal sac")
    rows = np.flatnonzero(case.mask("L5").any(axis=(1, 2)) | case.mask("sacrum").any(axis=(1, 2)))
    if not sac.any() or not rows.size:
        return []
    ahead, behind = case.bone.copy(), case.bone | case.mask("ligamentum flavum")
    for name in case.names:
        if name.startswith("disc"):
            ahead |= case.mask(name)
    inside = np.argwhere(sac[rows[0] : rows[-1] + 1])
    if not len(inside):
        return []
    inside[:, 0] += rows[0]
    spacing = np.array(case.geometry.spacing[::-1])
    front = _meets(ahead, inside, _across(inside, spacing) / spacing)
    back = _meets(behind, inside, np.array([0.0, 1.0, 0.0]) / spacing)
    if front.mean() < 0.95 or back.mean() < 0.85:
        share = min(front.mean() / 0.95, back.mean() / 0.85)
        detail = f"{front.mean():.0%} with a body in front, {back.mean():.0%} with bone or ligament behind"
        return [Violation("sac outside the canal", "thecal sac", float(share), detail)]
    return []


def _meets(wall: Mask, voxels: npt.NDArray[np.intp], way: FloatArray) -> Mask:
    """Which voxels (n, 3) meet a wall within 25 mm along a line, given in voxels for each mm."""
    hit = np.zeros(len(voxels), dtype=bool)
    step = 0.5 / float(np.abs(way).max())
    for reach in np.arange(step, CANAL_MM + 0.01, step):
        index = np.clip(np.rint(voxels + reach * way).astype(int), 0, np.array(wall.shape) - 1)
        hit |= wall[tuple(index.T)]
    return hit


def _across(voxels: npt.NDArray[np.intp], spacing: FloatArray) -> FloatArray:
    """Unit vectors (n, 3) to the front, at right angles to the sac's axis in the sagittal plane, mm along z, y, x."""
    levels = np.unique(voxels[:, 0])
    middles = np.array([voxels[voxels[:, 0] == level, 1].mean() for level in levels]) * spacing[1]
    smooth = gaussian_filter1d(middles, 8.0 / spacing[0], mode="nearest")
    lean = np.gradient(smooth, levels * spacing[0]) if len(levels) > 1 else np.zeros(1)
    slope = lean[np.searchsorted(levels, voxels[:, 0])]
    length = np.hypot(1.0, slope)
    return np.stack([slope / length, -1.0 / length, np.zeros(len(slope))], axis=1)


def _skin(case: Case) -> list[Violation]:
    """No bone within 2 mm of the air behind the body and what is joined to it, nor of gas inside the body."""
    air = case.hu < AIR_HU
    pieces, count = label(air)
    if not count:
        return []
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    # Front and sides of the picture may cut through gas in the bowel; behind there is none.
    open_air = set(np.unique(pieces[:, -1]).tolist()) - {0}
    found: list[Violation] = []
    for kind, wanted in (("bone outside the skin", True), ("gas against bone", False)):
        # Noise makes a dark voxel here and there; half a millilitre is gas.
        large = sizes * case.geometry.voxel_volume > 500.0
        large[0] = False
        chosen = large & np.isin(np.arange(count + 1), list(open_air), invert=not wanted)
        if not chosen.any():
            continue
        far = distance_transform_edt(~chosen[pieces], sampling=case.geometry.spacing[::-1])
        near = case.bone & (far <= max(2.0, case.step))
        if near.any():
            where = ", ".join(name for name in BONES if (near & case.mask(name)).any())
            found.append(Violation(kind, where, int(near.sum()), "voxels within 2 mm of air"))
    return found
