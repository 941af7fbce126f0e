"""A picture with what it shows and the notice below it, in the pixels, so that no viewer can lose them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from spinect_core.base.versions import NOTICE
from spinect_core.pictures.lettering import in_lines, write

SMALLEST, PART = 13, 45
"""Height of the letters: pixels at least, and which part of the picture's width."""
MOST_LINES = 4


def captioned(picture: npt.NDArray[np.uint8], told: str) -> npt.NDArray[np.uint8]:
    """A picture with a strip below it.

    Args:
        picture: uint8 RGB (height, width, 3).
        told: what it shows.

    Returns:
        uint8 RGB (height and strip, width, 3); the picture itself is unchanged.
    """
    width = picture.shape[1]
    size = max(SMALLEST, width // PART)
    lines = [
        *in_lines(told, size, width - size, MOST_LINES),
        *in_lines(NOTICE, size, width - size, MOST_LINES),
    ]
    line = round(size * 1.35)
    strip = Image.new("RGB", (width, line * len(lines) + size // 2))
    draw = ImageDraw.Draw(strip)
    for number, text in enumerate(lines, start=1):
        write(draw, (size / 2, number * line - size * 0.2), text, size)
    return np.concatenate([picture, np.asarray(strip, dtype=np.uint8)])
