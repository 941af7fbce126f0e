"""Reading CT: which series a path offers, and the volume of one of them."""

from spinect_core.io.reading.opening import list_series, read_ct, read_labels, read_series, read_structures
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.organ_masks import read_organs
from spinect_core.io.reading.series import Series

__all__ = [
    "ReadOptions",
    "Series",
    "list_series",
    "read_ct",
    "read_labels",
    "read_organs",
    "read_series",
    "read_structures",
]
