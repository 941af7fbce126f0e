"""The pictures of a needle for a printed page: the view from its hub, simulated fluoroscopy, and two planes along it.

They are small and square, with few and large letters, and can be read without colour: bone is light and nerve dark in
the view from the hub, nerve is outlined in the planes, and the needle is white with a black edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.view import direction_letters
from spinect_core.image.organs import BY_NUMBER, SPARED, Organs
from spinect_core.image.volume import BONE, NERVE, Labels, Volume
from spinect_core.pictures.annotate import RgbArray
from spinect_core.pictures.fluoroscopy import (
    Attenuation,
    Exposure,
    Fluoroscope,
    cut_off,
    displayed,
    line_integrals,
)
from spinect_core.pictures.fluoroscopy.picture import hatched
from spinect_core.pictures.frame import Frame
from spinect_core.pictures.lettering import text_width, write
from spinect_core.pictures.organ_outlines import Outlines, apart, outlined
from spinect_core.pictures.palette import EDGE, TEXT, TRIANGLES, Colour
from spinect_core.pictures.scale import bar_length_mm, scale_bar
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.search.axial import NeedlePlane, PlaneImage, reformat
from spinect_core.planning.zones.obstacles import Obstacles

PIXELS = 520
"""Each way: 220 to the inch where a picture is printed 60 mm wide."""
FINER = 1.5
"""The view from the hub is drawn so many times larger, and reduced."""
HUB_FIELD_MM = 75.0
BEAM_DETECTOR_MM = 180.0
"""Edge of the detector that simulated fluoroscopy uses: about 115 mm at the tip."""
MARGIN_MM = 14.0
"""Shown about the needle and what lies behind its tip."""
BEHIND_MM = 30.0
"""The needle's line is dotted so far beyond its tip."""
WINDOW_HU, LEVEL_HU = 400.0, 50.0
LETTER, NAME = 24, 20
SCALE_PATCH = (76, 50)
"""Pixels that the scale bar needs in its corner at least, across and up."""
PAPER: Colour = (255, 255, 255)
NOT_SHOWN: Colour = (214, 214, 214)
"""Of the lines where the CT ends."""
LIGHT_BONE, DARK_NERVE = (238, 232, 218), (150, 96, 10)
NERVE_LINE: Colour = (255, 232, 110)
RAYS_AT_ONCE = 1 << 15
STEP_MM = 2.0
"""Where neighbouring pixels differ so much in depth, an edge is drawn."""


def hub_picture(
    obstacles: Obstacles, needle: Needle, borders: Sequence[npt.ArrayLike], field_mm: float = HUB_FIELD_MM
) -> RgbArray:
    """Bone and nerve as the viewer at the needle's hub sees them, in parallel projection along the needle.

    Args:
        obstacles: bone and nerve.
        needle: seen end-on in the middle of the picture.
        borders: of its triangle, LPS mm (n, 3) each.
        field_mm: width and height.

    Returns:
        uint8 RGB (520, 520, 3).
    """
    fine = round(PIXELS * FINER)
    frame = Frame(needle.view, np.asarray(needle.target), field_mm / fine, (fine, fine))
    shaded = _shaded(obstacles, frame)
    picture = Image.fromarray(shaded)
    draw = ImageDraw.Draw(picture)
    colour = TRIANGLES[needle.kind]
    for width, fill in ((round(5 * FINER), EDGE), (round(3 * FINER), colour)):
        for border in borders:
            places = [(float(x), float(y)) for x, y in frame.to_pixels(border)]
            draw.line(places, fill=fill, width=width, joint="curve")
    _end_on(draw, fine / 2, 2.5 / frame.mm_per_pixel)
    picture = picture.resize((PIXELS, PIXELS), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    right, up = frame.view.right, frame.view.up
    _letters(draw, right, up)
    _scale(draw, field_mm)
    return np.asarray(picture)


def plane_picture(
    volume: Volume, labels: Labels, needle: Needle, plane: NeedlePlane, organs: Organs | None = None
) -> RgbArray:
    """The CT in a plane along a needle, W 400 L 50, nerve outlined, hatched where the CT ends.

    Args:
        volume: the CT.
        labels: bone and nerve on any grid.
        needle: drawn from the skin to the target, dotted beyond.
        plane: that holds it.
        organs: those that a needle must not meet are outlined and named where the plane cuts them.

    Returns:
        uint8 RGB (520, 520, 3).
    """
    ends = np.stack([needle.entry, needle.target, needle.at(needle.depth_mm + BEHIND_MM)])
    low, high = plane.to_plane(ends).min(axis=0), plane.to_plane(ends).max(axis=0)
    size_mm = float((high - low).max()) + 2 * MARGIN_MM
    middle = plane.to_patient((low + high) / 2)
    cut = reformat(volume, replace(plane, origin=middle), (size_mm, size_mm), size_mm / PIXELS)
    places = cut.places
    pixels = _grey(cut)
    nerve = _is_nerve(labels, places)
    pixels[nerve & ~ndimage.binary_erosion(nerve, iterations=2)] = NERVE_LINE
    outlines = None if organs is None else _spared(organs, places)
    if outlines is not None:
        edge = outlines.edges > 0
        pixels[edge] = outlines.colours()[edge][:, :3]
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    _needle(draw, cut.to_pixel(ends))
    _letters(draw, plane.across, -plane.down)
    if outlines is not None:
        _names(draw, outlines)
    _scale(draw, size_mm)
    return np.asarray(picture)


def beam_picture(attenuation: Attenuation, needle: Needle) -> RgbArray:
    """Simulated fluoroscopy along a needle, the detector at its hub, the tip in the middle; hatched beyond the CT.

    Args:
        attenuation: of the CT.
        needle: seen end-on.

    Returns:
        uint8 RGB (520, 520, 3). Its scale is that at the depth of the tip.
    """
    device = Fluoroscope(detector_mm=BEAM_DETECTOR_MM, pixels=PIXELS)
    exposure = Exposure(needle.view, np.asarray(needle.target), device)
    cut = cut_off(attenuation, exposure)
    grey = hatched(displayed(line_integrals(attenuation, exposure), cut), cut)
    picture = Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2))
    draw = ImageDraw.Draw(picture)
    _end_on(draw, PIXELS / 2, 2.5 / device.field_mm * PIXELS)
    _letters(draw, needle.view.right, needle.view.up)
    _scale(draw, device.field_mm)
    return np.asarray(picture)


def _shaded(obstacles: Obstacles, frame: Frame) -> RgbArray:
    """What is seen in a frame, lit from the upper left, white where nothing is."""
    width, height = frame.size
    rows, columns = np.indices((height, width), dtype=np.float64)
    flat = frame.to_picture_mm(np.stack([columns + 0.5, rows + 0.5], axis=-1).reshape(-1, 2))
    far = 1000.0
    view = frame.view
    origins = view.unproject(flat, float(view.depth(frame.centre)) + far)
    met, distance = np.zeros(len(origins), np.uint8), np.full(len(origins), np.inf)
    # Embree holds the interpreter while it casts: in pieces, a window beside stays awake.
    for first in range(0, len(origins), RAYS_AT_ONCE):
        some = slice(first, first + RAYS_AT_ONCE)
        met[some], distance[some], _ = obstacles.first(origins[some], -view.vector)
    depth = np.where(met > 0, distance, 2 * far).reshape(height, width)
    tissue = met.reshape(height, width)
    light = _light(depth, frame.mm_per_pixel)
    picture = np.full((height, width, 3), PAPER, dtype=np.float64)
    for label, colour, dark in ((BONE, LIGHT_BONE, 0.62), (NERVE, DARK_NERVE, 0.45)):
        mine = tissue == label
        picture[mine] = np.asarray(colour) * (dark + (1.0 - dark) * light[mine])[:, None]
    picture[_edges(depth, tissue)] = EDGE
    return np.rint(picture).astype(np.uint8)


def _light(depth: FloatArray, mm_per_pixel: float) -> FloatArray:
    """How bright a surface is, 0 to 1, by its slope; smoothed a little, as marching cubes leave steps."""
    smooth = ndimage.gaussian_filter(depth, 1.5)
    down, across = np.gradient(smooth, mm_per_pixel)
    length = np.sqrt(1.0 + down**2 + across**2)
    # Depth grows away from the viewer: a surface that rises to the right faces the left.
    return np.asarray(np.clip((0.85 + 0.4 * across + 0.4 * down) / length / 1.02, 0.0, 1.0))


def _edges(depth: FloatArray, tissue: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where one thing ends before another."""
    edge = np.zeros(depth.shape, dtype=bool)
    for axis in (0, 1):
        apart_mm = np.abs(np.diff(depth, axis=axis)) > STEP_MM
        other = np.diff(tissue.astype(np.int8), axis=axis) != 0
        found = apart_mm | other
        first = [slice(None), slice(None)]
        first[axis] = slice(0, -1)
        edge[tuple(first)] |= np.asarray(found)
    return np.asarray(ndimage.binary_dilation(edge))


def _end_on(draw: ImageDraw.ImageDraw, middle: float, reach: float) -> None:
    """A needle seen along its axis: a ring with a dot, white between black."""
    for radius, width, fill in ((reach + 3, 8, EDGE), (reach, 3, PAPER)):
        draw.ellipse(
            (middle - radius, middle - radius, middle + radius, middle + radius), outline=fill, width=width
        )
    for radius, fill in ((8, EDGE), (5, PAPER)):
        draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=fill)


def _needle(draw: ImageDraw.ImageDraw, ends: FloatArray) -> None:
    entry, target, behind = ends
    for width, fill in ((7, EDGE), (3, PAPER)):
        draw.line((*entry.tolist(), *target.tolist()), fill=fill, width=width)
    for part in np.linspace(0.0, 1.0, 9)[1:]:
        x, y = (target + part * (behind - target)).tolist()
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=EDGE)
        draw.ellipse((x - 1.8, y - 1.8, x + 1.8, y + 1.8), fill=PAPER)
    x, y = target.tolist()
    for radius, fill in ((8, EDGE), (5, PAPER)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _letters(draw: ImageDraw.ImageDraw, right: FloatArray, up: FloatArray) -> None:
    """Where the sides of a picture point, each letter on a patch of its own so that it reads on anything."""
    middle = PIXELS / 2
    for x, y, direction in (
        (16.0, middle, -right),
        (PIXELS - 16.0, middle, right),
        (middle, 16.0, up),
        (middle, PIXELS - 16.0, -up),
    ):
        text = direction_letters(direction)
        half = text_width(text, LETTER) / 2 + 4
        x = min(max(x, half + 2), PIXELS - half - 2)
        draw.rectangle((x - half, y - 14, x + half, y + 14), fill=EDGE)
        write(draw, (x, y + 9), text, LETTER, TEXT, "middle")


def _scale(draw: ImageDraw.ImageDraw, field_mm: float) -> None:
    """The scale bar, on a patch of its own in the corner."""
    left = PIXELS - 16 - bar_length_mm(field_mm) / field_mm * PIXELS
    draw.rectangle((left - 10, PIXELS - SCALE_PATCH[1], PIXELS, PIXELS), fill=EDGE)
    scale_bar(draw, (PIXELS - 14, PIXELS - 12), field_mm, field_mm / PIXELS, 1.3)


def _grey(cut: PlaneImage) -> RgbArray:
    grey = np.clip((cut.pixels - LEVEL_HU) / WINDOW_HU + 0.5, 0.0, 1.0) * 255
    rgb = np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2)
    rows, columns = np.indices(cut.pixels.shape)
    hatched = np.asarray((rows + columns) % 10 < 2)
    rgb[~cut.inside] = np.where(hatched[..., None], NOT_SHOWN, PAPER)[~cut.inside]
    return rgb


def _names(draw: ImageDraw.ImageDraw, outlines: Outlines) -> None:
    """The names of organs, each whole and within the picture; one that would lie on another or on a letter is left."""
    middle, reach = PIXELS / 2, 32
    edge = float(PIXELS)
    taken: list[tuple[float, float, float, float]] = [
        (0.0, middle - 18, 2.0 * reach, middle + 18),
        (edge - 2 * reach, middle - 18, edge, middle + 18),
        (middle - reach, 0.0, middle + reach, 32.0),
        (middle - reach, edge - 32, middle + reach, edge),
        (edge - 2 * SCALE_PATCH[0], edge - SCALE_PATCH[1], edge, edge),
    ]
    boxes = []
    for organ, (x, y) in outlines.names:
        half = text_width(str(organ), NAME) / 2 + 3
        x, y = float(np.clip(x, half, PIXELS - half)), float(np.clip(y, NAME, PIXELS - NAME))
        boxes.append((x - half, y - NAME / 2, x + half, y + NAME / 2))
    free = apart([*taken, *boxes])[len(taken) :]
    for (organ, _), (left, _, right, bottom), written in zip(outlines.names, boxes, free, strict=True):
        if written:
            write(draw, ((left + right) / 2, bottom - 4), str(organ), NAME, align="middle", edge=2.5)


def _spared(organs: Organs, places: FloatArray) -> Outlines:
    """The outlines of those that a needle must not meet: those of muscles would hide what matters."""
    found = organs.at(places.reshape(-1, 3)).reshape(places.shape[:2])
    numbers = [number for number, organ in BY_NUMBER.items() if organ in SPARED]
    return outlined(np.where(np.isin(found, numbers), found, 0).astype(np.uint8))


def _is_nerve(labels: Labels, places: FloatArray) -> npt.NDArray[np.bool_]:
    index = np.rint(labels.geometry.to_index(places)).astype(int)
    inside = np.asarray(((index >= 0) & (index < labels.array.shape)).all(axis=-1))
    index = np.where(inside[..., None], index, 0)
    return np.asarray(inside & (labels.array[tuple(np.moveaxis(index, -1, 0))] == NERVE))
