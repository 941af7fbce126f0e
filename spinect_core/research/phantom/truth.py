"""Everything known about a specimen, as ``truth.json`` holds it; docs/phantom.md describes every field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.ilium import CREST_TOP
from spinect_core.research.phantom.nerves import Course
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.sacrum import sacral_facet
from spinect_core.research.phantom.scanner import Scan
from spinect_core.research.phantom.sdf import Coordinates, Frame, Lattice
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.vertebra import SUPERIOR_RADII, VertebraShape

Solids = Callable[[Coordinates, Lattice], dict[str, FloatArray]]
TIP_REACH_MM = 12.0
TIP_STEP_MM = 0.75
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
    solids: Solids,
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
        solids: gives the signed distances of its bones, with the joints carved.
        geometry: of the picture.
        setting: of the scanner.
    """
    shape, base = skeleton.shapes["L5"], skeleton.sacrum
    b, under = shape.depth / 2, shape.pedicle_z - shape.pedicle_height / 2
    landmarks: dict[str, list[float]] = {}

    def mark(name: str, bone: str, point: tuple[float, float, float]) -> None:
        frame = skeleton.frames[bone]
        tip = " articular tip " in name
        place = carved_tip(frame, point, bone, solids) if tip else frame.outer(point)
        landmarks[name] = pose.to_patient(place)[0].round(3).tolist()

    mark("L5 body centre", "L5", (0.0, 0.0, 0.0))
    mark("S1 upper end plate centre", "sacrum", (0.0, 0.0, 0.0))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        mark(f"L5 pedicle lower margin {side}", "L5", (sign * shape.pedicle_x, b + 3.0, under))
        mark(f"L5 body lateral border {side}", "L5", (sign * shape.width / 2 * 0.93, 4.0, under))
        mark(
            f"S1 posterolateral corner {side}",
            "sacrum",
            (sign * base.width / 2 * 0.86, base.back * 0.55, 0.0),
        )
        x, y, z = sacral_facet(base)
        mark(f"S1 superior articular tip {side}", "sacrum", (sign * x, y, z + SUPERIOR_RADII[2] - 1.0))
        mark(f"S1 superior articular base {side}", "sacrum", (sign * x, y - 5.5, z - 3.5))
        # Under the pedicle, midway between the body and the superior articular process of S1.
        mark(f"foramen L5/S1 centre {side}", "L5", (sign * shape.pedicle_x, b - 1.4, under - 6.5))
    for upper, lower in (("L4", "L5"), ("L3", "L4")):
        for name, bone, point in level_landmarks(
            skeleton.shapes[upper], skeleton.shapes[lower], upper, lower
        ):
            mark(name, bone, point)
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


def carved_tip(frame: Frame, planned: tuple[float, float, float], bone: str, solids: Solids) -> FloatArray:
    """The highest place of an articular process after the joint was carved: (3,) mm in the specimen.

    Looked for on a grid of its own, so that it does not depend on the picture's.

    Args:
        frame: of the bone.
        planned: (3,) in that frame, the tip before carving.
        bone: its name.
        solids: gives the signed distances of all bones.
    """
    middle = frame.outer(planned)
    axes = [middle[axis] + np.arange(-TIP_REACH_MM, TIP_REACH_MM + 1e-6, TIP_STEP_MM) for axis in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    inside = solids((x, y, z), Lattice.every(x.shape, (1, 1, 1)))[bone] < 0
    across, along, height = frame.local((x, y, z))
    inside &= np.hypot(across - planned[0], along - planned[1]) <= TIP_BESIDE_MM
    if not inside.any():
        return middle
    top = inside & (height >= height[inside].max() - TIP_CAP_MM)
    return np.array([x[top].mean(), y[top].mean(), z[top].mean()])


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
