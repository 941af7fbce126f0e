"""A procedural lumbosacral specimen and its CT: a seed gives the picture, the labels and the truth."""

from spinect_core.phantom.build import FAMILIES, LUMBOSACRAL, TRUNK, Anatomy, Phantom, assemble, draw_case
from spinect_core.phantom.pathology import PATHOLOGIES
from spinect_core.phantom.scanner import KERNELS, Scan, scan_setting
from spinect_core.phantom.structures import STRUCTURES

__all__ = [
    "FAMILIES",
    "KERNELS",
    "LUMBOSACRAL",
    "PATHOLOGIES",
    "STRUCTURES",
    "TRUNK",
    "Anatomy",
    "Phantom",
    "Scan",
    "assemble",
    "draw_case",
    "scan_setting",
]
