"""The process that `SurfaceProcess` starts: labels from the standard input, surfaces to the standard output."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from dataclasses import fields

from spinect_core.base.piped import from_and_to_parent, send_bytes
from spinect_core.surfaces.apart import Made, Order, Report, packed
from spinect_core.surfaces.build import Surfaces, build_surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays


def main(_arguments: Sequence[str]) -> int:
    """Make surfaces until the other end is closed."""
    orders, sink = from_and_to_parent()
    while True:
        order: Order = pickle.loads(orders.get())
        surfaces = build_surfaces(
            order.labels,
            smoothing_mm=order.smoothing_mm,
            tissues=order.tissues,
            progress=lambda part, text: send_bytes(sink, packed(Report(part, text))),
        )
        meshes = (MeshArrays.of(getattr(surfaces, each.name)) for each in fields(Surfaces))
        send_bytes(sink, packed(Made(tuple(meshes))))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
