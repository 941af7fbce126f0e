"""The CT in the oblique plane that holds a needle, with the needle on it (the sixth figure of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from spinect_core.base.arrays import FloatArray
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.view import direction_letters
from spinect_core.image.organs import Organs
from spinect_core.image.volume import BONE as BONE_LABEL
from spinect_core.image.volume import NERVE as NERVE_LABEL
from spinect_core.image.volume import Labels, Volume
from spinect_core.image.warning import ReadingWarning, warning_headline
from spinect_core.pictures.lettering import shortened, text_width, write
from spinect_core.pictures.organ_outlines import Outlines, apart, colour_of, outlines_at
from spinect_core.pictures.palette import (
    BACKGROUND_BOTTOM,
    BACKGROUND_TOP,
    BONE,
    EDGE,
    GAP,
    NERVE,
    QUIET_TEXT,
    SUPPOSED,
    TRIANGLES,
    WARNING,
    Colour,
)
from spinect_core.pictures.scale import scale_bar
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.search.axial import PlaneImage, needle_plane, reformat

SIZE = (1000, 800)
HEAD, FOOT = 96, 40
"""Pixels above and below the slice."""
WARNING_SIZE, NAME_SIZE = 14, 13
MARGIN_MM = 45.0
"""Shown beyond the needle's ends."""
WINDOW_HU, LEVEL_HU = 400.0, 50.0
NEAR_MM = 4.0
"""Gaps of roots this near to the plane are drawn: a root is as thick."""
TINT = 0.35
"""How strongly bone and nerve are tinted."""
HATCH_PIXELS, HATCH = 9, (54, 62, 74)
"""Distance and colour of the lines where the CT ends: black would look like air."""
ADVICE = "Planned for a prone patient: this picture shows the back below, as slices do"


def needle_plane_picture(
    volume: Volume,
    labels: Labels,
    needle: Needle,
    warnings: Sequence[ReadingWarning] | None = None,
    gaps: Sequence[GapLine] = (),
    told: str = "",
    organs: Organs | None = None,
) -> npt.NDArray[np.uint8]:
    """The slice along a needle, W 400 L 50, bone and nerve tinted, hatched where the CT ends.

    Args:
        volume: the CT.
        labels: bone and nerve on any grid.
        needle: drawn from the skin to the target.
        warnings: what reading noticed about the CT, above the slice; the volume's own when absent.
        gaps: of the roots; dashed and named where they lie within 4 mm of the plane.
        told: what else there is to know of the needle, such as how its level is counted; in the heading.
        organs: outlined and named where the plane cuts them.

    Returns:
        uint8 RGB (800, 1000, 3).
    """
    plane = needle_plane(needle)
    room = np.array([SIZE[0], SIZE[1] - HEAD - FOOT])
    reach = np.abs([plane.entry, plane.target]).max(axis=0) + MARGIN_MM
    mm_per_pixel = float((2 * reach / room).max())
    size_mm = (float(room[0] * mm_per_pixel), float(room[1] * mm_per_pixel))
    cut = reformat(volume, plane, size_mm, mm_per_pixel)
    pixels = _tinted(cut, labels)
    outlines = None if organs is None else outlines_at(organs, cut.places)
    if outlines is not None:
        colours = outlines.colours()
        pixels[outlines.edges > 0] = colours[outlines.edges > 0][:, :3]
    slice_ = Image.fromarray(pixels)
    picture = Image.new("RGB", SIZE, BACKGROUND_BOTTOM)
    picture.paste(slice_, (0, HEAD))
    draw = ImageDraw.Draw(picture)
    ends = cut.to_pixel(np.array([needle.entry, needle.target])) + np.array([0, HEAD])
    if outlines is not None:
        _names(draw, outlines)
    _gaps(draw, cut, gaps)
    _line(draw, ends, TRIANGLES[needle.kind])
    scale_bar(draw, (SIZE[0] - 26, SIZE[1] - FOOT - 26), size_mm[0], mm_per_pixel)
    level = "" if needle.level in needle.title else f", {needle.level}"
    title = f"{needle.title}{level}" + (f" · {told}" if told else "")
    write(draw, (26, 40), shortened(title[0].upper() + title[1:], 23, SIZE[0] - 52), 23)
    where = f"{plane.words} · {needle.depth_mm:.0f} mm from the skin · {needle.words}"
    where += f" · W {WINDOW_HU:.0f} L {LEVEL_HU:.0f}"
    if not cut.inside.all():
        where += " · hatched: no CT"
    write(draw, (26, 68), shortened(where, 15, SIZE[0] - 52), 15, QUIET_TEXT)
    line = warning_headline(volume.warnings if warnings is None else warnings)
    if line:
        write(draw, (26, 89), shortened(line, WARNING_SIZE, SIZE[0] - 52), WARNING_SIZE, WARNING)
    middle = HEAD + room[1] / 2 + 7
    write(draw, (22, middle), direction_letters(-plane.across), 20, edge=3.0)
    write(draw, (SIZE[0] - 22, middle), direction_letters(plane.across), 20, align="right", edge=3.0)
    write(draw, (SIZE[0] / 2, HEAD + 26), direction_letters(-plane.down), 20, align="middle", edge=3.0)
    write(
        draw, (SIZE[0] / 2, SIZE[1] - FOOT - 12), direction_letters(plane.down), 20, align="middle", edge=3.0
    )
    write(draw, (26, SIZE[1] - 15), NOTICE, 13, QUIET_TEXT)
    write(draw, (SIZE[0] - 26, SIZE[1] - 15), ADVICE, 13, QUIET_TEXT, "right")
    return np.asarray(picture)


def _tinted(cut: PlaneImage, labels: Labels) -> npt.NDArray[np.uint8]:
    grey = np.clip((cut.pixels - LEVEL_HU) / WINDOW_HU + 0.5, 0.0, 1.0) * 255
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    rows, columns = np.indices(cut.pixels.shape, dtype=np.float64)
    found = labels_in(cut, labels)
    for label, colour in ((BONE_LABEL, BONE), (NERVE_LABEL, NERVE)):
        mine = found == label
        rgb[mine] = (1 - TINT) * rgb[mine] + TINT * np.array(colour)
    hatched = np.asarray((rows + columns) % HATCH_PIXELS < 1)
    lines = np.where(hatched[..., None], HATCH, BACKGROUND_TOP)
    rgb[~cut.inside] = lines[~cut.inside]
    return rgb.astype(np.uint8)


def labels_in(cut: PlaneImage, labels: Labels) -> npt.NDArray[np.uint8]:
    """The labels [row, column] in a plane; 0 beyond them."""
    index = np.rint(labels.geometry.to_index(cut.places)).astype(int)
    inside = np.asarray(((index >= 0) & (index < labels.array.shape)).all(axis=-1))
    index = np.where(inside[..., None], index, 0)
    return np.where(inside, labels.array[tuple(np.moveaxis(index, -1, 0))], 0).astype(np.uint8)


def _names(draw: ImageDraw.ImageDraw, outlines: Outlines) -> None:
    half = [text_width(str(organ), NAME_SIZE) / 2 for organ, _ in outlines.names]
    boxes = [
        (x - wide, y - NAME_SIZE / 2, x + wide, y + NAME_SIZE / 2)
        for wide, (_, (x, y)) in zip(half, outlines.names, strict=True)
    ]
    for (organ, (x, y)), written in zip(outlines.names, apart(boxes), strict=True):
        if not written:
            continue
        write(draw, (x, y + HEAD + 5), str(organ), NAME_SIZE, colour_of(organ), align="middle", edge=2.0)


def _gaps(draw: ImageDraw.ImageDraw, cut: PlaneImage, gaps: Sequence[GapLine]) -> None:
    normal = np.cross(cut.plane.across, cut.plane.down)
    for gap in gaps:
        pieces = [
            piece for piece in gap.dashes() if np.abs((piece - cut.plane.origin) @ normal).min() <= NEAR_MM
        ]
        dots = [piece for piece in gap.dots() if np.abs((piece - cut.plane.origin) @ normal).min() <= NEAR_MM]
        for piece, colour in (
            (each, of) for drawn, of in ((pieces, GAP), (dots, SUPPOSED)) for each in drawn
        ):
            places = [(float(x), float(y)) for x, y in cut.to_pixel(piece) + np.array([0, HEAD])]
            draw.line(places, fill=EDGE, width=5)
            draw.line(places, fill=colour, width=3)
        if pieces:
            x, y = cut.to_pixel(pieces[0][0])
            write(draw, (float(x) + 10, float(y) + HEAD - 6), gap.words, 13, GAP, edge=2.0)


def _line(draw: ImageDraw.ImageDraw, ends: FloatArray, colour: Colour) -> None:
    (x0, y0), (x1, y1) = ends.tolist()
    draw.line((x0, y0, x1, y1), fill=EDGE, width=6)
    draw.line((x0, y0, x1, y1), fill=colour, width=3)
    for radius, fill in ((6, EDGE), (4, colour)):
        draw.ellipse((x1 - radius, y1 - radius, x1 + radius, y1 + radius), fill=fill)
