"""The measures of one specimen, from the numbers of its structures and nothing else.

Each measure is defined in :data:`DEFINITIONS` so that it can be repeated by hand on the same CT. Sides are measured
both; names end in ``left`` and ``right``. What cannot be measured (cut off by the picture, or not there) is nan.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.bodies import RIM_MM, Body, lay_ruler, sacral_frame
from spinect_core.research.phantom_study.canals import Foramen, Pedicle, bony_canal, foramen, pedicle
from spinect_core.research.phantom_study.neighbours import crest, nerves, skin
from spinect_core.research.phantom_study.solids import Mask, Solid
from spinect_core.research.phantom_study.specimen import NEEDLE_OBLIQUE, SIDES, Level, Specimen

DEFINITIONS: dict[str, str] = {
    "L5 body height anterior": "mid-sagittal, between rulers laid on both end plates, at the front wall",
    "L5 body height posterior": "the same at the rear wall",
    "L5 body length superior": "mid-sagittal, along the upper end plate, 2.5 mm under its ruler",
    "L5 body length inferior": "the same at the lower end plate",
    "L5 body width": "largest transverse line through the middle of the body, 2.5 mm under the upper end plate",
    "L5 pedicle height": "smallest of the coronal slices behind the body, through the middle of the pedicle",
    "L5 pedicle width": "the same, in the axial plane, across the pedicle",
    "L5 canal AP": "midline, rear wall of the body to the lamina, smallest from 4 mm under the pedicles up",
    "L5 canal width": "smallest distance between the pedicles",
    "L5 canal area": "axial plane of L5, nearest to the middle of the pedicles where bone closes the canal",
    "S1 body depth": "mid-sagittal, along the S1 end plate, 2.5 mm under its ruler",
    "S1 body height": "S1 end plate to the level where the S1 root passes the middle of the body's depth (foramen)",
    "sacral slope": "angle of the S1 end plate's ruler to the axial plane of the picture, mid-sagittal",
    "disc L5/S1 height anterior": "mid-sagittal, between the front corners of L5 and S1",
    "disc L5/S1 height middle": "mid-sagittal, between the middles of the rulers of L5 and S1",
    "disc L5/S1 height posterior": "mid-sagittal, between the rear corners of L5 and S1",
    "foramen L5/S1 height": "sagittal plane through the L5 pedicle: L5 pedicle to S1 pedicle along the disc's axis",
    "foramen L5/S1 width upper": "body or disc in front to bone behind, a quarter of the height under the pedicle",
    "foramen L5/S1 width lower": "the same three quarters under the pedicle, on the level of the disc",
    "foramen L5/S1 width": "the largest such line",
    "L5 root diameter": "circle of the same area as the cross-section, 10 mm beyond the middle of the ganglion",
    "S1 root diameter": "the same for S1",
    "L5 ganglion diameter": "circle of the same area as the largest cross-section 6 to 45 mm from the sac",
    "S1 ganglion diameter": "the same for S1",
    "L5 take-off angle": "first 12 mm of the root against the axis of the sac, seen from the front",
    "L5 root to disc angle": "root from the sac to its ganglion against the plane of the disc L5/S1, from the front",
    "L5 root height in foramen": "middle of the root in the sagittal plane of the pedicle, % of the height from below",
    "root to facet upper": "L5 root to S1 articular process, within 1.5 mm of the level of L5's lower end plate",
    "root to facet lower": "the same at the level of the S1 end plate",
    "sac AP": "across the sac at the middle of the rear edge of the disc L5/S1",
    "sac width": "the same, transverse",
    "sac area": "the same, area",
    "sac end below S1": "lowest point of the sac under the S1 end plate, along its normal",
    "sac end in S1 heights": "the same in heights of the S1 body: 0 to 1 is S1, 1 to 2 is S2",
    "crest above S1": "highest point of the iliac crest over the middle of the S1 end plate, along the picture's z",
    "skin to foramen": f"middle of the foramen to the skin, {NEEDLE_OBLIQUE:g} degrees oblique, in the axial plane",
}
"""What every measure means."""


def measure(
    structures: LabelArray, geometry: Geometry, names: dict[str, int], inside: Mask | None = None
) -> tuple[dict[str, float], list[str]]:
    """All measures of a specimen.

    Args:
        structures: number of every voxel's structure [z, y, x].
        geometry: the grid.
        names: the number of every structure.
        inside: voxels inside the skin; without them the skin's depth is left out.

    Returns:
        Values by name (mm, mm², degrees or %), and why some are missing.
    """
    case = Specimen(structures, geometry, names, inside)
    case.tried("L5 and S1", lambda: _level(case))
    return case.values, case.faults


def _level(case: Specimen) -> None:
    body = Body.find(case.mask("L5"), case.mask("disc L4/5"), case.mask("disc L5/S1"), case.geometry)
    sacrum, base, plate = sacral_frame(
        case.mask("sacrum"), case.mask("disc L5/S1"), case.geometry, body.frame
    )
    level = Level(body, sacrum, base, plate, body.ruler(-1.0), lay_ruler(sacrum, base, 1.0, 20.0))
    case.tried("body of L5", lambda: _body(case, level))
    case.tried("disc and S1", lambda: _disc(case, level))
    pedicles: dict[str, Pedicle] = {}
    foramina: dict[str, Foramen] = {}
    for side, sign in SIDES:
        case.tried(f"pedicle {side}", partial(_pedicle, case, level, side, sign, pedicles))
        case.tried(f"foramen {side}", partial(_foramen, case, level, side, pedicles, foramina))
    if len(pedicles) == 2:
        canal = bony_canal(body, (pedicles["left"], pedicles["right"]))
        case.values.update({f"L5 canal {name if name != 'ap' else 'AP'}": v for name, v in canal.items()})
    case.tried("nerves", lambda: nerves(case, level, foramina))
    case.tried("crest", lambda: crest(case, level, pedicles))
    if case.inside is not None:
        skin(case, foramina)


def _body(case: Specimen, level: Level) -> None:
    upper, lower = level.body.ruler(1.0), level.lower
    frame = level.body.frame
    middle = frame.local(upper.middle)
    middle = frame.point(0.0, middle[1], middle[2] - RIM_MM)
    case.values |= {
        "L5 body height anterior": _distance(upper.front, lower.front),
        "L5 body height posterior": _distance(upper.rear, lower.rear),
        "L5 body length superior": upper.length,
        "L5 body length inferior": lower.length,
        "L5 body width": sum(level.body.solid.chord(middle, frame.left)),
    }


def _disc(case: Specimen, level: Level) -> None:
    lower, upper = level.lower, level.upper_s1
    along = upper.rear - upper.front
    case.values |= {
        "disc L5/S1 height anterior": _distance(lower.front, upper.front),
        "disc L5/S1 height middle": _distance(lower.middle, upper.middle),
        "disc L5/S1 height posterior": _distance(lower.rear, upper.rear),
        "S1 body depth": upper.length,
        "sacral slope": float(np.degrees(np.arctan2(along[2], along[1]))),
    }


def _distance(one: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(one - other))


def _pedicle(case: Specimen, level: Level, side: str, sign: float, found: dict[str, Pedicle]) -> None:
    found[side] = pedicle(level.body, sign)
    case.values |= {
        f"L5 pedicle height {side}": found[side].height,
        f"L5 pedicle width {side}": found[side].width,
    }


def _foramen(
    case: Specimen, level: Level, side: str, pedicles: dict[str, Pedicle], found: dict[str, Foramen]
) -> None:
    if side not in pedicles:
        return
    walls = Solid.of(case.mask("L5") | case.mask("sacrum") | case.mask("disc L5/S1"), case.geometry)
    opening = foramen(level.body, level.sacrum, walls, pedicles[side], level.disc_up)
    found[side] = opening
    case.values |= {
        f"foramen L5/S1 height {side}": opening.height,
        f"foramen L5/S1 width upper {side}": opening.upper_width,
        f"foramen L5/S1 width lower {side}": opening.lower_width,
        f"foramen L5/S1 width {side}": opening.width,
    }
