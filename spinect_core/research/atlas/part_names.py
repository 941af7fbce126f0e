"""The anatomical name of a place on the surface of a drawn bone or nerve, found from the bone's own frame."""

from __future__ import annotations

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sacrum import SacrumShape, sacral_facet
from spinect_core.research.phantom.sdf import Frame
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.vertebra import VertebraShape

CREST_FROM_MM = 0.0
"""Above this height over the end plate of S1 the hip bone is called the iliac crest."""


def nerve_part(structure: str) -> str:
    """The name of a nerve by that of its structure: "L5 root left", "thecal sac"; "" for what is none."""
    if structure == "thecal sac":
        return structure
    root, _gap, side = structure.partition(" ")
    return f"{root} root {side}" if side in ("left", "right") and root[:1] in ("L", "S") else ""


def bone_part(structure: str, place: FloatArray, skeleton: Skeleton) -> str:
    """The name of the part of a bone at a place.

    Args:
        structure: the bone: "L3", "L4", "L5", "sacrum", "hip left" or "hip right".
        place: mm (3,) in the specimen.
        skeleton: its frames and measures.
    """
    side = "left" if place[0] > 0 else "right"
    if structure in skeleton.shapes:
        part = vertebra_part(_local(skeleton.frames[structure], place), skeleton.shapes[structure])
        sided = part not in ("body", "spinous process")
        return f"{structure} {part} {side}" if sided else f"{structure} {part}"
    if structure == "sacrum":
        part = sacrum_part(_local(skeleton.frames["sacrum"], place), skeleton.sacrum)
        return part if part in ("S1 body", "sacrum") else f"{part} {side}"
    if structure.startswith("hip"):
        return f"iliac crest {side}" if place[2] > CREST_FROM_MM else f"iliac bone {side}"
    return ""


def _local(frame: Frame, place: FloatArray) -> FloatArray:
    return frame.axes @ (place - frame.origin)


def vertebra_part(local: FloatArray, shape: VertebraShape) -> str:
    """Part of a lumbar vertebra at a place (3,) in its frame."""
    x, y, z = abs(float(local[0])), float(local[1]), float(local[2])
    b, half, rear = shape.depth / 2, shape.height / 2, shape.depth / 2 + shape.canal_depth
    lateral = shape.pedicle_x + shape.pedicle_width / 2
    if x > lateral + 1.5 and y > b - 9.0 and z > -0.55 * half:
        return "transverse process"
    if y < b - 1.5:
        return "body"
    over, under = shape.pedicle_z + shape.pedicle_height / 2, shape.pedicle_z - shape.pedicle_height / 2
    if y < b + 0.5 * shape.canal_depth and x > shape.canal_width / 2 - 3.0 and z > under - 4.0:
        return "superior articular process" if z > over + 2.0 and y > b + 3.0 else "pedicle"
    if y < b + 1.5:
        return "body"
    if z > shape.pedicle_z and x > shape.facet_x - 3.0:
        return "superior articular process"
    if x < 4.0 and y > rear + 3.0:
        return "spinous process"
    if z < -half * 0.75 and x > shape.facet_x - 10.0:
        return "inferior articular process"
    if x > shape.facet_x - 5.5 and z > -half * 0.75:
        return "pars"
    return "spinous process" if y > rear + 8.0 else "lamina"


def sacrum_part(local: FloatArray, shape: SacrumShape) -> str:
    """Part of the sacrum at a place (3,) in its frame."""
    x, y, z = abs(float(local[0])), float(local[1]), float(local[2])
    facet_x, facet_y, facet_z = sacral_facet(shape)
    if z > facet_z - 9.0 and y > facet_y - 8.0 and abs(x - facet_x) < 12.0:
        return "S1 superior articular process"
    if x < shape.width / 2 - 1.0 and y < shape.back + 1.5 and z > -0.9 * shape.s1_height:
        return "S1 body"
    if x >= shape.width / 2 - 1.0 and z > -45.0 and y < shape.back + 13.0:
        return "sacral ala"
    return "sacrum"
