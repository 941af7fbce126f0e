"""Surfaces and needles as one file of glTF 2.0 (.glb), for viewers on the web, in slides and in teaching.

glTF is in metres, with y up and the front of a thing towards z; its x then points to the left of whoever it shows, as
x of LPS does. So LPS (x, y, z) in mm becomes (x, z, -y) / 1000, which turns and mirrors nothing.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv

from spinect_core.base.arrays import FloatArray
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.surfaces.mesh_arrays import MeshArrays

TURN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
METRES = 0.001
MATERIAL = {"metallicFactor": 0.0, "roughnessFactor": 0.75}
SIDES = 24
"""Of a needle."""
_FLOAT, _INDEX, _POINTS, _CORNERS = 5126, 5125, 34962, 34963


@dataclass(frozen=True, eq=False)
class Part:
    """A thing with a name.

    Attributes:
        name: of it.
        mesh: triangles in LPS mm.
        colour: sRGB of 0 to 255.
        facts: what else a program may want to know of it, as plain data.
    """

    name: str
    mesh: MeshArrays
    colour: tuple[int, int, int]
    facts: Mapping[str, Any] = field(default_factory=dict)


def needle_mesh(entry: FloatArray, target: FloatArray, diameter_mm: float) -> MeshArrays:
    """A needle as a closed cylinder, LPS mm, from the skin to the tip."""
    ends = np.asarray([entry, target], dtype=np.float64)
    axis = ends[1] - ends[0]
    made = pv.Cylinder(
        center=ends.mean(axis=0),
        direction=axis,
        radius=diameter_mm / 2,
        height=float(np.linalg.norm(axis)),
        resolution=SIDES,
        capping=True,
    )
    return MeshArrays.of(made.triangulate().compute_normals(split_vertices=True))


def glb(parts: Sequence[Part]) -> bytes:
    """Things with their names and colours, as the bytes of a file.

    Args:
        parts: none of them empty.
    """
    content = bytearray()
    views: list[dict[str, int]] = []
    accessors: list[dict[str, Any]] = []

    def add(values: npt.NDArray[Any], target: int, kind: str, *, bounds: bool = False) -> int:
        data = values.tobytes()
        views.append({"buffer": 0, "byteOffset": len(content), "byteLength": len(data), "target": target})
        content.extend(data + b"\0" * (-len(data) % 4))
        component = _INDEX if values.dtype == np.dtype("<u4") else _FLOAT
        facts = {
            "bufferView": len(views) - 1,
            "componentType": component,
            "count": len(values),
            "type": kind,
        }
        if bounds:
            facts |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        accessors.append(facts)
        return len(accessors) - 1

    meshes, nodes, materials = [], [], []
    for number, part in enumerate(parts):
        points = (part.mesh.points.astype(np.float64) @ TURN.T * METRES).astype("<f4")
        attributes = {"POSITION": add(points, _POINTS, "VEC3", bounds=True)}
        if len(part.mesh.normals):
            normals = (part.mesh.normals.astype(np.float64) @ TURN.T).astype("<f4")
            attributes["NORMAL"] = add(normals, _POINTS, "VEC3")
        indices = add(part.mesh.corners.astype("<u4").ravel(), _CORNERS, "SCALAR")
        primitive = {"attributes": attributes, "indices": indices, "material": number}
        meshes.append({"name": part.name, "primitives": [primitive]})
        nodes.append({"name": part.name, "mesh": number, "extras": dict(part.facts)})
        colour = [round(each, 6) for each in _linear(part.colour)]
        materials.append(
            {"name": part.name, "pbrMetallicRoughness": {"baseColorFactor": [*colour, 1.0], **MATERIAL}}
        )
    root = {"name": "SPINECT plan", "children": list(range(len(parts)))}
    head = {
        "asset": {
            "version": "2.0",
            "generator": f"SPINECT Planner {__version__}",
            "copyright": NOTICE,
            "extras": {"notice": NOTICE, "frame": "LPS (x, y, z) in mm is (x, z, -y) / 1000 here"},
        },
        "scene": 0,
        "scenes": [{"nodes": [len(parts)], "extras": {"notice": NOTICE}}],
        "nodes": [*nodes, root],
        "meshes": meshes,
        "materials": materials,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(content)}],
    }
    told = json.dumps(head, separators=(",", ":")).encode("ascii")
    told += b" " * (-len(told) % 4)
    chunks = struct.pack("<I4s", len(told), b"JSON") + told
    chunks += struct.pack("<I4s", len(content), b"BIN\0") + bytes(content)
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _linear(colour: tuple[int, int, int]) -> list[float]:
    """A colour of sRGB as the parts of light that glTF counts in."""
    parts = np.asarray(colour, dtype=np.float64) / 255
    light = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return [float(each) for each in light]
