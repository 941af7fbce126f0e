"""Phantoms of the whole trunk at 3 mm with its organs numbered: what the organ network is trained on."""

from __future__ import annotations

from spinect_core.research.phantom.organs.trunk import BOX, SPACING_MM, OrganPhantom, draw_trunk

__all__ = ["BOX", "SPACING_MM", "OrganPhantom", "draw_trunk"]
