"""Simulated fluoroscopy: a digitally reconstructed radiograph (DRR) of the CT, as a C-arm would show it in a view."""

from spinect_core.geometry.exposure import Exposure, Fluoroscope
from spinect_core.pictures.fluoroscopy.attenuation import Attenuation, cut_off, line_integrals
from spinect_core.pictures.fluoroscopy.display import displayed
from spinect_core.pictures.fluoroscopy.picture import Marks, fluoroscopy_picture, tip_views
from spinect_core.pictures.fluoroscopy.scotty_dog import DogPart, ScottyDog, bone_surface

__all__ = [
    "Attenuation",
    "DogPart",
    "Exposure",
    "Fluoroscope",
    "Marks",
    "ScottyDog",
    "bone_surface",
    "cut_off",
    "displayed",
    "fluoroscopy_picture",
    "line_integrals",
    "tip_views",
]
