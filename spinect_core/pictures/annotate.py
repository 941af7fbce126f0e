"""The writing on a picture: view, C-arm angles, what was measured, scale bar, orientation letters, notice.

One function draws it, for pictures rendered without a screen and for the window's screenshots alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import times
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import Author, FigureKind
from spinect_core.geometry.figure import Figure, value_text
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View, direction_letters
from spinect_core.image.warning import ReadingWarning, warning_headline
from spinect_core.pictures.frame import Frame
from spinect_core.pictures.lettering import in_lines, shortened, text_width, write
from spinect_core.pictures.palette import (
    BACKGROUND_BOTTOM,
    EDGE,
    FIGURE,
    GAP,
    QUIET_TEXT,
    TRIANGLES,
    WARNING,
    Colour,
)
from spinect_core.pictures.root_gaps import gap_legend
from spinect_core.pictures.scale import scale_bar

RgbArray = npt.NDArray[np.uint8]
REFERENCE_HEIGHT = 800
OVERSAMPLING = 3
APART = "   "
"""Between a name and its number."""
LISTED, DETAIL = 15.5, 13
"""Heights of a list's entries and of the text beside them, in pixels at the reference height."""
SMALLEST_WARNING = 11
"""Pixels: in a small picture a warning is larger than the other writing, or nobody could read it."""


def annotate(
    image: RgbArray,
    view: View,
    mm_per_pixel: float,
    triangles: Sequence[Triangle] = (),
    *,
    figures: Sequence[Figure] = (),
    centre: npt.ArrayLike | None = None,
    title: str = "",
    warnings: Sequence[ReadingWarning] = (),
    gaps: Sequence[GapLine] = (),
) -> RgbArray:
    """A copy of a picture with its writing on it.

    Sizes follow the picture's height, so a picture of twice the pixels looks the same.

    Args:
        image: uint8 RGB (height, width, 3), rendered in parallel projection.
        view: the picture's line of sight.
        mm_per_pixel: scale across the line of sight.
        triangles: listed with kind, side and area; drawn if ``centre`` is given.
        figures: distances, angles and areas, listed below them; drawn with their numbers if ``centre`` is given.
        centre: LPS mm (3,) of the point in the middle of the picture. Leave it out where the picture shows the
            triangles already.
        title: a word before the view's, for example "demo case"; never a patient's name.
        warnings: what reading noticed about the CT; they stand above the notice.
        gaps: of the roots, which the picture shows; listed, and if ``centre`` is given named beside those that the
            viewer faces.

    Returns:
        uint8 RGB of the same shape.

    Raises:
        MeasurementError: the array is no RGB picture or the scale no scale.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise MeasurementError(
            f"An array of {times(image.shape)} numbers of the type {image.dtype} is no RGB picture",
            "Give uint8 RGB",
        )
    height, width = image.shape[:2]
    frame = Frame(view, np.zeros(3) if centre is None else np.asarray(centre), mm_per_pixel, (width, height))
    canvas = Image.fromarray(np.ascontiguousarray(image)).convert("RGBA")
    unit = min(height, width * 0.8) / REFERENCE_HEIGHT
    drawn: list[Triangle | Figure] = [*triangles, *figures]
    for each in drawn if centre is not None else ():
        _draw_outline(canvas, frame, each, unit)
    entries = _entries(drawn, view)
    layer = Image.new("RGBA", canvas.size, (*EDGE, 0))
    canvas.alpha_composite(_scrim(frame, unit, entries))
    draw = ImageDraw.Draw(layer)
    _heading(draw, frame, title, unit)
    _gaps(draw, frame, gaps if centre is not None else (), gap_legend(gaps), entries, unit)
    _letters(draw, frame, unit)
    for figure in figures if centre is not None else ():
        _number(draw, frame, figure, unit)
    _legend(draw, frame, entries, unit)
    right, above = width - 26 * unit, height - 50 * unit
    scale_bar(draw, (right, above), width * mm_per_pixel, mm_per_pixel, unit)
    _warnings(draw, frame, warnings, unit)
    _footer(draw, frame, unit)
    canvas.alpha_composite(layer)
    return np.array(canvas.convert("RGB"))


@dataclass(frozen=True)
class _Entry:
    """What the legend says about something that was measured.

    Attributes:
        colour: of its lines.
        headline: its name and number.
        detail: how it was measured.
        along: the view it was measured in.
    """

    colour: Colour
    headline: str
    detail: str
    along: str

    @classmethod
    def of(cls, drawn: Triangle | Figure, view: View) -> _Entry:
        """Of a triangle or a figure in a picture of a view."""
        if isinstance(drawn, Triangle):
            return cls(_colour(drawn), *triangle_lines(drawn, view), f"along {drawn.view.words}")
        return cls(_colour(drawn), *figure_lines(drawn), f"seen {drawn.view.words}")


def _entries(drawn: Sequence[Triangle | Figure], view: View) -> list[_Entry]:
    """Of all that was measured; a second one of the same name has a number, so that no name stands for two."""
    entries, seen = [], Counter[str]()
    for each in drawn:
        entry = _Entry.of(each, view)
        name, number = entry.headline.split(APART, 1)
        seen[name] += 1
        told = f"{name} {seen[name]}" if seen[name] > 1 else name
        entries.append(replace(entry, headline=f"{told}{APART}{number}"))
    return entries


def _colour(drawn: Triangle | Figure) -> Colour:
    return TRIANGLES[drawn.kind] if isinstance(drawn, Triangle) else FIGURE


def figure_lines(figure: Figure) -> tuple[str, str]:
    """What the legend says about a figure: what it is with its number, and how it was measured."""
    detail = f"as seen {figure.view.words}"
    if figure.in_space is not None:
        detail += f" · in space {value_text(figure.in_space, figure.unit)}"
    return f"{figure.kind.capitalize()}{APART}{figure.text}", detail


def triangle_lines(triangle: Triangle, view: View) -> tuple[str, str]:
    """What the legend says about a triangle: its name and area, and how it was measured."""
    headline = f"{triangle.name}{APART}{triangle.area_mm2:.1f} mm²"
    edges = " · ".join(f"{edge:.1f}" for edge in triangle.edges_mm)
    detail = f"edges {edges} mm"
    if triangle.view.angle_to(view) > 0.05:
        detail += f" · measured {triangle.view.words}"
    if triangle.author == Author.AUTOMATIC:
        detail += " · automatic proposal"
    return headline[0].upper() + headline[1:], detail


def _draw_outline(canvas: Image.Image, frame: Frame, drawn: Triangle | Figure, unit: float) -> None:
    """Lines and points, smooth-edged; areas are translucent."""
    pixels = frame.to_pixels(drawn.vertices)
    # Only the part of the picture it covers is drawn larger and reduced.
    low = np.maximum(np.floor(pixels.min(axis=0) - 10 * unit), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=0) + 10 * unit), frame.size).astype(int)
    width, height = (int(side) for side in high - low)
    if min(width, height) < 1:
        return
    colour = _colour(drawn)
    fine = OVERSAMPLING * unit
    patch = Image.new("RGBA", (width * OVERSAMPLING, height * OVERSAMPLING), (*colour, 0))
    draw = ImageDraw.Draw(patch)
    corners = [(float(x), float(y)) for x, y in (pixels - low) * OVERSAMPLING]
    line = corners
    if isinstance(drawn, Triangle) or drawn.kind == FigureKind.POLYGON:
        draw.polygon(corners, fill=(*colour, 84))
        line = [*corners, corners[0], corners[1]]
    draw.line(line, fill=(*EDGE, 150), width=max(1, round(5.5 * fine)), joint="curve")
    draw.line(line, fill=(*colour, 255), width=max(1, round(2.8 * fine)), joint="curve")
    for x, y in corners:
        for radius, fill in ((6.5, (*EDGE, 200)), (5.2, (255, 255, 255, 255)), (3.4, (*colour, 255))):
            reach = radius * fine
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)
    canvas.alpha_composite(patch.resize((width, height), Image.Resampling.BOX), (int(low[0]), int(low[1])))


def _number(draw: ImageDraw.ImageDraw, frame: Frame, figure: Figure, unit: float) -> None:
    """What was measured, right of the points or of the apex: which line of the legend it is needs no guess."""
    pixels = frame.to_pixels(figure.vertices)
    if figure.kind == FigureKind.ANGLE:
        pixels = pixels[1:2]
    at = (float(pixels[:, 0].max()) + 12 * unit, float(pixels[:, 1].mean()) + 5 * unit)
    size = max(round(LISTED * unit), SMALLEST_WARNING)
    (left, base), rim = at, 5 * unit
    plate = (left - rim, base - size - rim / 2, left + text_width(figure.text, size) + rim, base + rim)
    draw.rounded_rectangle(plate, rim, fill=(*EDGE, 200))
    write(draw, at, figure.text, size, FIGURE)


def _scrim(frame: Frame, unit: float, entries: Sequence[_Entry]) -> Image.Image:
    """A soft shade under the writing at the top and the bottom, so that it reads on bone."""
    width, height = frame.size
    rows = np.arange(height, dtype=np.float64)
    top = 1.0 - rows / (158 * unit)
    bottom = 1.0 - (height - 1 - rows) / (130 * unit)
    part = np.clip(np.maximum(top, bottom) * 1.6, 0.0, 1.0)[:, np.newaxis]
    if len(entries) > 1:
        # A list reaches farther down than the heading: the shade goes down with it, on its side alone.
        low, soft = _legend_line(len(entries) - 1, unit) + 8 * unit, 40 * unit
        left = _legend_left(frame, entries, unit)
        down = np.clip((low + soft - rows) / soft, 0.0, 1.0)[:, np.newaxis]
        across = np.clip((np.arange(width) - left + 2.5 * soft) / (2 * soft), 0.0, 1.0)
        part = np.maximum(part, down * across)
    shade = 190 * part**2 * (3.0 - 2.0 * part)
    layer = np.empty((height, width, 4), dtype=np.uint8)
    layer[..., :3] = BACKGROUND_BOTTOM
    layer[..., 3] = shade.astype(np.uint8)
    return Image.fromarray(layer)


def _heading(draw: ImageDraw.ImageDraw, frame: Frame, title: str, unit: float) -> None:
    words = frame.view.words
    large, small = round(25 * unit), round(14.5 * unit)
    left = 26 * unit
    write(draw, (left, 46 * unit), words[0].upper() + words[1:], large)
    write(draw, (left, 71 * unit), f"C-arm {frame.view.c_arm} · detector at the viewer", small, QUIET_TEXT)
    if title:
        write(draw, (left, 92 * unit), title, small, QUIET_TEXT)


def _gaps(
    draw: ImageDraw.ImageDraw,
    frame: Frame,
    named: Sequence[GapLine],
    legend: str,
    entries: Sequence[_Entry],
    unit: float,
) -> None:
    """What the dashed lines are, under the heading; which of them is which, beside each."""
    if not legend:
        return
    small, left, y = max(round(DETAIL * unit), SMALLEST_WARNING), 26 * unit, 114 * unit
    dash = 7 * unit
    begin = left + 5.4 * dash
    lines = in_lines(legend, small, 0.55 * frame.size[0] - begin, 3)
    if begin + max(text_width(line, small) for line in lines) > _legend_left(frame, entries, unit) - dash:
        # Side by side they would run into each other.
        y = max(y, _legend_line(len(entries), unit))
    for number in range(3):
        start = left + number * 1.6 * dash
        draw.line(
            (start, y - 4 * unit, start + dash, y - 4 * unit), fill=(*GAP, 255), width=max(2, round(3 * unit))
        )
    for number, line in enumerate(lines):
        write(draw, (begin, y + number * 1.25 * small), line, small, GAP)
    for gap in named:
        if gap.faces(frame.view):
            x, down = frame.to_pixels(gap.middle)
            write(
                draw, (float(x) + 10 * unit, float(down) + 4 * unit), gap.words, small, GAP, edge=2.5 * unit
            )


def _letters(draw: ImageDraw.ImageDraw, frame: Frame, unit: float) -> None:
    width, height = frame.size
    size = round(20 * unit)
    middle = height / 2 + 0.36 * size
    right, up = frame.view.right, frame.view.up
    for at, direction, align in (
        ((22 * unit, middle), -right, "left"),
        ((width - 22 * unit, middle), right, "right"),
        ((width / 2, 22 * unit + 0.72 * size), up, "middle"),
        ((width / 2, height - 47 * unit), -up, "middle"),
    ):
        write(draw, at, direction_letters(direction), size, align=align, edge=3.0 * unit)


def _legend(draw: ImageDraw.ImageDraw, frame: Frame, entries: Sequence[_Entry], unit: float) -> None:
    """One measurement with all about it on two lines, or several on a line each."""
    right = frame.size[0] - 26 * unit
    for number, entry in enumerate(entries):
        alone = len(entries) == 1
        y = 44 * unit if alone else _legend_line(number, unit)
        _swatch(draw, (right - 12 * unit, y - 12 * unit), 12 * unit, entry.colour)
        size, small = round((17 if alone else LISTED) * unit), round(DETAIL * unit)
        write(draw, (right - 22 * unit, y), entry.headline, size, align="right")
        if alone:
            write(draw, (right, y + 20 * unit), entry.detail, small, QUIET_TEXT, "right")
        else:
            left = right - 36 * unit - text_width(entry.headline, size)
            write(draw, (left, y), entry.along, small, QUIET_TEXT, "right")


def _legend_line(number: int, unit: float) -> float:
    """Baseline in pixels of the entry of this number in a list."""
    return (60 + 26 * number) * unit


def _legend_left(frame: Frame, entries: Sequence[_Entry], unit: float) -> float:
    """Where the list of what was measured begins; the right margin without one."""
    widest = max((_line_width(each, unit) for each in entries), default=0.0)
    return frame.size[0] - 26 * unit - widest


def _line_width(entry: _Entry, unit: float) -> float:
    """Pixels that an entry takes in a list."""
    words = text_width(entry.headline, round(LISTED * unit)) + text_width(entry.along, round(DETAIL * unit))
    return 36 * unit + words


def _swatch(draw: ImageDraw.ImageDraw, corner: tuple[float, float], side: float, colour: Colour) -> None:
    x, y = corner
    box = (x, y, x + side, y + side)
    draw.rectangle(box, fill=(*colour, 110), outline=(*colour, 255), width=max(1, round(side / 7)))


def _warnings(
    draw: ImageDraw.ImageDraw, frame: Frame, warnings: Sequence[ReadingWarning], unit: float
) -> None:
    """Between scale bar and notice, in the shade below the patient; in small pictures left of the letters there."""
    if not warnings:
        return
    width, height = frame.size
    size, text = round(13 * unit), warning_headline(warnings)
    if size >= SMALLEST_WARNING:
        lines = [shortened(text, size, width - 52 * unit)]
    else:
        size = SMALLEST_WARNING
        lines = in_lines(text, size, width / 2 - 56 * unit, 2)
    for number, line in enumerate(reversed(lines)):
        write(draw, (26 * unit, height - 34 * unit - number * 1.2 * size), line, size, WARNING)


def _footer(draw: ImageDraw.ImageDraw, frame: Frame, unit: float) -> None:
    width, height = frame.size
    size = round(13 * unit)
    maker = f"SPINECT Planner {__version__}"
    while size > 6 and text_width(NOTICE, size) + text_width(maker, size) > width - 70 * unit:
        size -= 1
    y = height - 18 * unit
    write(draw, (26 * unit, y), NOTICE, size, QUIET_TEXT)
    write(draw, (width - 26 * unit, y), maker, size, QUIET_TEXT, "right")
