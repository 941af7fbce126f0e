"""The process that `SurfaceProcess` starts: labels from the standard input, surfaces to the standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import numpy as np

from spinect_core.image.volume import Geometry, Labels
from spinect_core.surfaces.apart import PARTS, read_array, write_line
from spinect_core.surfaces.build import build_surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays


def main(_arguments: Sequence[str]) -> int:
    """Make one set of surfaces; 0 also where none was wanted after all."""
    stream, sink = sys.stdin.buffer, sys.stdout.buffer
    order = json.loads(stream.readline() or "null")
    if order is None:
        return 0
    geometry = Geometry(
        tuple(order["shape"]), tuple(order["spacing"]), tuple(order["origin"]), np.array(order["direction"])
    )
    array = read_array(stream, "uint8", order["shape"])

    def progress(part: float, text: str) -> None:
        write_line(sink, {"progress": part, "text": text})
        sink.flush()

    surfaces = build_surfaces(
        Labels(array.astype(np.uint8), geometry), smoothing_mm=order["smoothing_mm"], progress=progress
    )
    meshes = {name: MeshArrays.of(getattr(surfaces, name)) for name in PARTS}
    parts = {name: [(each.dtype.name, each.shape) for each in mesh.arrays] for name, mesh in meshes.items()}
    write_line(sink, {"parts": parts})
    for mesh in meshes.values():
        for each in mesh.arrays:
            sink.write(each.tobytes())
    sink.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
