"""Surfaces of bone and nerve in patient millimetres, from labels."""

from spinect_core.surfaces.apart import SurfaceProcess, SurfacesHere, surface_maker
from spinect_core.surfaces.build import SMALLEST_ISLAND_MM3, Surfaces, build_surfaces
from spinect_core.surfaces.files import write_surface

__all__ = [
    "SMALLEST_ISLAND_MM3",
    "SurfaceProcess",
    "Surfaces",
    "SurfacesHere",
    "build_surfaces",
    "surface_maker",
    "write_surface",
]
