"""Lengths in words."""

from __future__ import annotations

SHOWN_MM = 0.1


def in_mm(length: float) -> str:
    """A length to a tenth of a millimetre; what would round to nothing reads as less than that."""
    return f"{length:.1f} mm" if length >= SHOWN_MM / 2 else f"less than {SHOWN_MM:g} mm"
