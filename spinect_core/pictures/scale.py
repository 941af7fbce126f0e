"""The scale bar of a picture."""

from __future__ import annotations

from PIL import ImageDraw

from spinect_core.pictures.lettering import write
from spinect_core.pictures.palette import EDGE, TEXT

BAR_LENGTHS_MM = (1, 2, 5, 10, 20, 50, 100, 200)


def bar_length_mm(width_mm: float) -> int:
    """The scale bar for a picture of this width: a round length, at most a fifth of it."""
    fitting = [length for length in BAR_LENGTHS_MM if length <= width_mm / 5]
    return fitting[-1] if fitting else BAR_LENGTHS_MM[0]


def scale_bar(
    draw: ImageDraw.ImageDraw,
    right_end: tuple[float, float],
    width_mm: float,
    mm_per_pixel: float,
    unit: float = 1.0,
) -> None:
    """A bar of a round length, which stands above it.

    Args:
        draw: where to.
        right_end: pixels, right and down, of the bar's right end.
        width_mm: of the whole picture.
        mm_per_pixel: scale.
        unit: size of the lettering, 1 in a picture 800 pixels high.
    """
    length = bar_length_mm(width_mm)
    right, y = right_end
    left = right - length / mm_per_pixel
    tick, line = 5 * unit, max(1, round(2 * unit))
    for grow, colour in ((max(1, round(unit)), (*EDGE, 170)), (0, (*TEXT, 255))):
        for x0, y0, x1, y1 in (
            (left, y - line / 2, right, y + line / 2),
            (left - line / 2, y - tick, left + line / 2, y + tick),
            (right - line / 2, y - tick, right + line / 2, y + tick),
        ):
            draw.rectangle((x0 - grow, y0 - grow, x1 + grow, y1 + grow), fill=colour)
    write(draw, ((left + right) / 2, y - 11 * unit), f"{length} mm", round(15 * unit), TEXT, "middle")
