"""Simulated fluoroscopy: a digitally reconstructed radiograph (DRR) of the CT, as a C-arm would show it in a view."""

from spinect_core.pictures.fluoroscopy.exposure import Exposure, Fluoroscope
from spinect_core.pictures.fluoroscopy.line_integrals import Attenuation, line_integrals

__all__ = ["Attenuation", "Exposure", "Fluoroscope", "line_integrals"]
