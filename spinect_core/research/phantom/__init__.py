"""A procedural lumbosacral specimen and its CT: a seed gives the picture, the labels and the truth."""

from spinect_core.research.phantom.build import (
    LUMBOSACRAL,
    TRUNK,
    Anatomy,
    Phantom,
    assemble,
    draw_case,
)
from spinect_core.research.phantom.kernels import KERNELS
from spinect_core.research.phantom.order import Order
from spinect_core.research.phantom.scanner import IDEAL, Scan, draw_scan, scan_setting
from spinect_core.research.phantom.stream import CaseStream, DrawnCase
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.variety import FAMILIES, VARIED

__all__ = [
    "FAMILIES",
    "IDEAL",
    "KERNELS",
    "LUMBOSACRAL",
    "STRUCTURES",
    "TRUNK",
    "VARIED",
    "Anatomy",
    "CaseStream",
    "DrawnCase",
    "Order",
    "Phantom",
    "Scan",
    "assemble",
    "draw_case",
    "draw_scan",
    "scan_setting",
]
