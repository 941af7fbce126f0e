"""Everything known about a specimen, as ``truth.json`` holds it; docs/phantom.md describes every field."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core import __version__
from spinect_core.notice import NOTICE
from spinect_core.phantom.ilium import CREST_TOP
from spinect_core.phantom.nerves import Course
from spinect_core.phantom.parameters import Specimen
from spinect_core.phantom.pose import Pose
from spinect_core.phantom.sacrum import sacral_facet
from spinect_core.phantom.scanner import Scan
from spinect_core.phantom.sdf import Frame
from spinect_core.phantom.skeleton import Skeleton
from spinect_core.phantom.structures import STRUCTURES
from spinect_core.phantom.vertebra import SUPERIOR_RADII, VertebraShape
from spinect_core.volume import FloatArray, Geometry, LabelArray

TIP_REACH_MM = 12.0
TIP_BESIDE_MM = 6.0
"""An articular process is no thicker than this about its axis."""
TIP_CAP_MM = 1.0
"""The tip is the middle of the uppermost millimetre."""


def describe(
    seed: int,
    family: str,
    specimen: Specimen,
    skeleton: Skeleton,
    pose: Pose,
    courses: list[Course],
    structures: LabelArray,
    geometry: Geometry,
    setting: Scan,
) -> dict[str, Any]:
    """Everything known about the specimen, in patient mm.

    Args:
        seed: of the specimen.
        family: of its bones.
        specimen: its measures.
        skeleton: frames and shapes of its bones.
        pose: how it lies.
        courses: of its roots.
        structures: [z, y, x], numbers of :data:`STRUCTURES`; the joints have been carved there.
        geometry: of the structures.
        setting: of the scanner.
    """
    shape, frame = skeleton.shapes["L5"], skeleton.frames["L5"]
    base, below = skeleton.sacrum, skeleton.frames["sacrum"]
    b, under = shape.depth / 2, shape.pedicle_z - shape.pedicle_height / 2
    landmarks: dict[str, list[float]] = {}

    def mark(name: str, frame: Frame, point: tuple[float, float, float]) -> None:
        landmarks[name] = pose.to_patient(frame.outer(point))[0].round(3).tolist()

    mark("L5 body centre", frame, (0.0, 0.0, 0.0))
    mark("S1 upper end plate centre", below, (0.0, 0.0, 0.0))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        mark(f"L5 pedicle lower margin {side}", frame, (sign * shape.pedicle_x, b + 3.0, under))
        mark(f"L5 body lateral border {side}", frame, (sign * shape.width / 2 * 0.93, 4.0, under))
        mark(f"S1 posterolateral corner {side}", below, (sign * base.width / 2 * 0.86, base.back * 0.55, 0.0))
        x, y, z = sacral_facet(base)
        mark(f"S1 superior articular tip {side}", below, (sign * x, y, z + SUPERIOR_RADII[2] - 1.0))
        mark(f"S1 superior articular base {side}", below, (sign * x, y - 5.5, z - 3.5))
        # Under the pedicle, midway between the body and the superior articular process of S1.
        mark(f"foramen L5/S1 centre {side}", frame, (sign * shape.pedicle_x, b - 1.4, under - 6.5))
    for upper, lower in (("L4", "L5"), ("L3", "L4")):
        for name, bone, point in level_landmarks(
            skeleton.shapes[upper], skeleton.shapes[lower], upper, lower
        ):
            mark(name, skeleton.frames[bone], point)
    for name in [name for name in landmarks if " superior articular tip " in name]:
        upper = "sacrum" if name.startswith("S1") else name[:2]
        up = pose.to_patient(skeleton.frames[upper].outer(np.array([[0.0, 0, 0], [0, 0, 1]])))
        mine = structures == STRUCTURES[upper]
        tip = carved_tip(np.array(landmarks[name]), up[1] - up[0], mine, geometry)
        landmarks[name] = tip.round(3).tolist()
    return {
        "schema": 2,
        "notice": NOTICE,
        "software": f"spinect-planner {__version__}",
        "frame": "LPS, mm",
        "family": family,
        "seed": seed,
        "specimen": specimen.to_dict(),
        "pathologies": specimen.findings,
        "scan": vars(setting) | {"spacing": list(geometry.spacing)},
        "crest_above_s1_mm": specimen.crest_height * pose.size,
        "crest_outline_mm": CREST_TOP,
        "structures": STRUCTURES,
        "landmarks": landmarks,
        "nerves": {
            course.name: {
                "points": course.points[::2].round(3).tolist(),
                "radii": course.radii[::2].round(3).tolist(),
                "ganglion": course.points[course.ganglion].round(3).tolist(),
            }
            for course in courses
        },
    }


def carved_tip(
    planned: FloatArray, up: FloatArray, bone: npt.NDArray[np.bool_], geometry: Geometry
) -> FloatArray:
    """The highest place of an articular process after the joint was carved: LPS mm (3,).

    Args:
        planned: LPS mm (3,), the tip before carving.
        up: LPS vector (3,) along which the process rises.
        bone: [z, y, x], its bone.
        geometry: of the bone.
    """
    index = geometry.to_index(planned + TIP_REACH_MM * np.array([[-1.0, -1, -1], [1, 1, 1]]))
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, None)
    high = np.ceil(index.max(axis=0)).astype(int) + 1
    box = tuple(slice(a, max(b, a)) for a, b in zip(low, high, strict=True))
    points = geometry.to_patient(np.argwhere(bone[box]) + low)
    axis = up / np.linalg.norm(up)
    height = (points - planned) @ axis
    beside = np.linalg.norm(points - planned - height[:, None] * axis, axis=1)
    height = np.where(beside <= TIP_BESIDE_MM, height, -np.inf)
    if not len(points) or not np.isfinite(height.max()):
        return planned
    return np.asarray(points[height >= height.max() - TIP_CAP_MM].mean(axis=0))


def level_landmarks(
    upper: VertebraShape, lower: VertebraShape, above: str, below: str
) -> list[tuple[str, str, tuple[float, float, float]]]:
    """Name, bone and place in the bone's frame of the landmarks of a level between two vertebrae.

    The same points as at L5/S1, on the vertebrae ``above`` and ``below``.
    """
    b, under = upper.depth / 2, upper.pedicle_z - upper.pedicle_height / 2
    half, edge = lower.height / 2, 0.55 * lower.depth / 2
    slope = (lower.height_posterior - lower.height_anterior) / 2 / lower.depth
    x = lower.facet_x + lower.facet_spread
    y, z = lower.depth / 2 + lower.canal_depth - 5.0, half + 4.5
    level = f"{above}/{below[1:]}"
    marks = [
        (f"{above} body centre", above, (0.0, 0.0, 0.0)),
        (f"{below} upper end plate centre", below, (0.0, 0.0, half)),
    ]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        marks += [
            (f"{above} pedicle lower margin {side}", above, (sign * upper.pedicle_x, b + 3.0, under)),
            (f"{above} body lateral border {side}", above, (sign * upper.width / 2 * 0.93, 4.0, under)),
            (
                f"{below} posterolateral corner {side}",
                below,
                (sign * lower.width / 2 * 0.86, edge, half + slope * edge),
            ),
            (f"{below} superior articular tip {side}", below, (sign * x, y, z + SUPERIOR_RADII[2] - 1.0)),
            (f"{below} superior articular base {side}", below, (sign * x, y - 5.5, z - 3.5)),
            (f"foramen {level} centre {side}", above, (sign * upper.pedicle_x, b - 1.4, under - 6.5)),
        ]
    return marks
