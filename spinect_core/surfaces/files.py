"""Surfaces on disk: binary PLY and STL, millimetres, LPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvista as pv

from spinect_core.base.errors import OutputError
from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE, __version__


def write_surface(mesh: pv.PolyData, path: Path | str) -> None:
    """Write a triangle mesh as binary ``.ply`` or ``.stl``, in one move, under any name the file system allows.

    Args:
        mesh: triangles in LPS mm, with or without "Normals".
        path: the file; its ending chooses the format.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    writers = {".ply": ply, ".stl": stl}
    if path.suffix.lower() not in writers:
        raise OutputError(f"Surfaces are not written as {path.suffix or 'this'}", "Use .ply or .stl", path)
    write_whole(path, writers[path.suffix.lower()](mesh))


def _corners(mesh: pv.PolyData) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    if mesh.n_cells == 0:
        return np.zeros((0, 3), dtype=np.int32)
    return np.asarray(mesh.regular_faces, dtype=np.int32).reshape(-1, 3)


def ply(mesh: pv.PolyData) -> bytes:
    """A triangle mesh as the bytes of a binary PLY, with its normals.

    Args:
        mesh: triangles in LPS mm.
    """
    corners = _corners(mesh)
    names = ["x", "y", "z"]
    columns = [np.asarray(mesh.points, dtype="<f4").reshape(-1, 3)]
    if "Normals" in mesh.point_data:
        names += ["nx", "ny", "nz"]
        columns.append(np.asarray(mesh.point_data["Normals"], dtype="<f4"))
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment SPINECT Planner {__version__}; millimetres, LPS: x left, y posterior, z superior",
        "comment SPACE=LPS",  # as 3D Slicer asks; a scene's models are taken for RAS without it
        f"comment {NOTICE}",
        f"element vertex {mesh.n_points}",
        *(f"property float {name}" for name in names),
        f"element face {len(corners)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    faces = np.empty(len(corners), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"] = 3
    faces["corners"] = corners
    return "\n".join(header).encode("ascii") + np.hstack(columns).tobytes() + faces.tobytes()


def stl(mesh: pv.PolyData) -> bytes:
    """A triangle mesh as the bytes of a binary STL.

    Args:
        mesh: triangles in LPS mm.
    """
    corners = np.asarray(mesh.points, dtype=np.float64).reshape(-1, 3)[_corners(mesh)]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets = np.zeros(
        len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")]
    )
    facets["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    facets["corners"] = corners
    # 80 bytes that must not begin with "solid", which marks the text form.
    header = f"SPINECT Planner {__version__}; mm, LPS. {NOTICE}".encode("ascii")[:80].ljust(80)
    head: bytes = header + np.uint32(len(facets)).astype("<u4").tobytes()
    return head + facets.tobytes()
