"""Text on pictures, in the typeface that comes with Pillow."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageDraw, ImageFont

from spinect_core.pictures.palette import EDGE, TEXT, Colour

# Pillow's Aileron has the letters and digits we need, but not these.
_SPELLED = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{MULTIPLICATION SIGN}": "x"})
_SQUARED = "²"


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The typeface at a height in pixels."""
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install Pillow from its own wheels")
    return loaded


def text_width(text: str, size: int) -> float:
    """Width of a line in pixels."""
    plain, *rest = text.translate(_SPELLED).split(_SQUARED)
    width = float(font(size).getlength(plain))
    for piece in rest:
        width += float(font(_raised(size)).getlength("2")) + float(font(size).getlength(piece))
    return width


def shortened(text: str, size: int, width: float) -> str:
    """As much of a line as fits into a width in pixels; where something had to go, three points say so."""
    if text_width(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(f"{text[:middle]}...", size) <= width else (low, middle - 1)
    return f"{text[:low].rstrip(' ;:,.')}..."


def in_lines(text: str, size: int, width: float, most: int) -> list[str]:
    """A text in at most so many lines of a width in pixels; what does not fit is cut off as by :func:`shortened`."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most - 1:
        words = rest.split(" ")
        count = len(words)
        while count > 1 and text_width(" ".join(words[:count]), size) > width:
            count -= 1
        lines.append(" ".join(words[:count]))
        rest = " ".join(words[count:])
    return [shortened(each, size, width) for each in (*lines, rest) if each]


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    fill: Colour = TEXT,
    align: str = "left",
    edge: float = 0.0,
) -> None:
    """Write one line with its baseline at a point, with a thin dark edge that keeps it legible on bone.

    Args:
        draw: where to.
        at: pixels, right and down, of the baseline at the line's left end, middle or right end.
        text: the line; "²" is drawn as a raised 2.
        size: height in pixels.
        fill: colour.
        align: "left", "middle" or "right".
        edge: width in pixels of the dark edge; 0 for the usual hair's breadth.
    """
    x, y = at
    x -= {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * text_width(text, size)
    stroke = max(1, round(edge or size / 14))
    paint = (*fill, 255)
    shade = (*EDGE, 150 if edge else 90)
    # All edges first, or the edge of one piece lies on the letters of the last.
    for pass_fill, pass_stroke in ((shade, stroke), (paint, 0)):
        cursor = x
        for number, piece in enumerate(text.translate(_SPELLED).split(_SQUARED)):
            if number:
                small = _raised(size)
                raised = (cursor, y - 0.34 * size)
                draw.text(
                    raised, "2", font=font(small), fill=pass_fill, anchor="ls", stroke_width=pass_stroke
                )
                cursor += float(font(small).getlength("2"))
            draw.text(
                (cursor, y), piece, font=font(size), fill=pass_fill, anchor="ls", stroke_width=pass_stroke
            )
            cursor += float(font(size).getlength(piece))


def _raised(size: int) -> int:
    return max(6, round(size * 0.62))
