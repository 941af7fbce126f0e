"""Simulated fluoroscopy as a finished picture: one view or several, with needle, triangles and the Scotty dog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.versions import NOTICE
from spinect_core.base.words import DetectorSide, Side
from spinect_core.geometry.exposure import Exposure, Fluoroscope
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.warning import ReadingWarning, warning_headline
from spinect_core.pictures.fluoroscopy.attenuation import Attenuation, cut_off, line_integrals
from spinect_core.pictures.fluoroscopy.display import displayed
from spinect_core.pictures.fluoroscopy.scotty_dog import ScottyDog
from spinect_core.pictures.lettering import shortened, write
from spinect_core.pictures.palette import BACKGROUND_BOTTOM, EDGE, QUIET_TEXT, TRIANGLES, WARNING, Colour
from spinect_core.pictures.scale import scale_bar
from spinect_core.planning.needle.needle import Needle

ALONE, ABREAST = 1000, 640
"""Pixels of the edge of a picture alone, and of one of several."""
HEAD, FOOT, GAP = 92, 40, 6
"""Pixels above and below the pictures, and between them."""
LINE = 20
"""Pixels of a line more above the pictures."""
HATCH_PIXELS = 9
DOG: Colour = (120, 232, 160)
"""Of the Scotty dog's outline: like no triangle, and legible on light and dark bone."""
FADED = 0.55
"""Of what is hatched, the part of its brightness that lines keep where it is bright."""
DARK, LIGHTER = 90, 70
"""Where it is darker than this, lines are so much lighter."""


@dataclass(frozen=True, eq=False)
class Marks:
    """What is drawn on an exposure.

    Attributes:
        needle: from skin to target.
        triangles: their outlines.
        dog: outlined in oblique views from its side.
    """

    needle: Needle | None = None
    triangles: tuple[Triangle, ...] = ()
    dog: ScottyDog | None = None


def tip_views(view: View, side: Side | str, target: FloatArray, device: Fluoroscope) -> tuple[Exposure, ...]:
    """The exposures that a needle is placed with: along it, and from behind and from its side for the tip.

    Args:
        view: along the needle.
        side: of the patient.
        target: LPS mm (3,).
        device: takes them; in all of them the target is in the middle.
    """
    lateral = View.oblique(side, 90.0)
    return tuple(Exposure(each, target, device) for each in (view, View(0.0), lateral))


def fluoroscopy_picture(
    attenuation: Attenuation,
    exposures: Sequence[Exposure],
    marks: Marks | None = None,
    *,
    title: str = "",
    withheld: str = "",
    warnings: Sequence[ReadingWarning] = (),
    bright_bone: bool = False,
) -> npt.NDArray[np.uint8]:
    """Exposures side by side, with what is drawn on them, how they were taken, and the notice.

    Args:
        attenuation: the CT.
        exposures: one or more.
        marks: drawn on all of them.
        title: what it shows, never a patient's name.
        withheld: that the needle is not recommended, and why; empty where nothing stands against it.
        warnings: what reading noticed about the CT.
        bright_bone: bone bright as on a film, instead of dark as on a fluoroscope.

    Returns:
        uint8 RGB; one picture is 1000 x 1000 pixels, each of several 640 x 640, with a heading and a foot. The
            heading has a line more where a needle is not recommended.

    Raises:
        MeasurementError: nothing to show, or what a fluoroscope cannot take.
    """
    if not exposures:
        raise MeasurementError("There is no view to take", "Choose one view or more")
    edge = ALONE if len(exposures) == 1 else ABREAST
    width = len(exposures) * edge + (len(exposures) - 1) * GAP
    head = HEAD + (LINE if withheld else 0)
    picture = Image.new("RGB", (width, head + edge + FOOT), BACKGROUND_BOTTOM)
    for number, exposure in enumerate(exposures):
        panel = _panel(attenuation, exposure, marks or Marks(), edge, bright_bone)
        picture.paste(panel, (number * (edge + GAP), head))
    draw = ImageDraw.Draw(picture)
    room = width - 52
    write(
        draw,
        (26, 38),
        shortened(f"Simulated fluoroscopy · {title}" if title else "Simulated fluoroscopy", 23, room),
        23,
    )
    write(draw, (26, 64), shortened(_taken(exposures[0].fluoroscope), 15, room), 15, QUIET_TEXT)
    lines = (f"{withheld[:1].upper()}{withheld[1:]}", warning_headline(warnings))
    for number, line in enumerate(filter(None, lines)):
        write(draw, (26, 85 + LINE * number), shortened(line, 14, room), 14, WARNING)
    foot = head + edge + FOOT - 15
    write(draw, (26, foot), NOTICE, 13, QUIET_TEXT)
    write(draw, (width - 26, foot), "Hatched: beyond the CT", 13, QUIET_TEXT, "right")
    return np.asarray(picture)


def hatched(grey: npt.NDArray[np.uint8], cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Grey values [row, column] with lines over what the CT does not hold."""
    rows, columns = (np.arange(n) for n in grey.shape)
    lines = cut & ((rows[:, np.newaxis] + columns) % HATCH_PIXELS < 2)
    drawn = np.where(grey < DARK, grey + LIGHTER, (grey * FADED).astype(np.uint8))
    return np.asarray(np.where(lines, drawn, grey), dtype=np.uint8)


def _taken(device: Fluoroscope) -> str:
    where = "at the viewer" if device.detector == DetectorSide.AT_VIEWER else "opposite the viewer"
    return (
        f"Computed from the CT (DRR) · detector {where} · source to target {device.source_to_target_mm:.0f} mm, "
        f"to detector {device.source_to_detector_mm:.0f} mm · target magnified {device.magnification:.2f} times"
    )


def _panel(
    attenuation: Attenuation, exposure: Exposure, marks: Marks, edge: int, bright_bone: bool
) -> Image.Image:
    integrals, cut = line_integrals(attenuation, exposure), cut_off(attenuation, exposure)
    grey = Image.fromarray(displayed(integrals, cut, bright_bone=bright_bone))
    large = np.asarray(grey.resize((edge, edge), Image.Resampling.BICUBIC))
    wide = np.asarray(Image.fromarray(cut).resize((edge, edge), Image.Resampling.NEAREST))
    panel = Image.fromarray(hatched(large, wide)).convert("RGB")
    draw = ImageDraw.Draw(panel)
    # The marks are placed on a picture of as many pixels as the panel has.
    fine = Exposure(exposure.view, exposure.target, replace(exposure.fluoroscope, pixels=edge))
    unit = edge / ALONE
    if marks.dog is not None and marks.dog.is_seen_in(exposure.view):
        _draw_dog(draw, marks.dog, fine)
    for triangle in marks.triangles:
        corners = fine.to_pixels(triangle.vertices)
        _line(draw, np.vstack([corners, corners[:1]]), TRIANGLES[triangle.kind], 2)
    if marks.needle is not None:
        _draw_needle(draw, marks.needle, fine)
    words = exposure.view.format(0)
    small = 20 if edge == ALONE else 17
    write(draw, (16, 14 + small), words[0].upper() + words[1:], small, edge=2.5)
    write(draw, (16, 34 + small), f"C-arm {exposure.c_arm}", 14, QUIET_TEXT, edge=2.5)
    left, right, top, bottom = exposure.letters
    middle = edge / 2 + 7
    write(draw, (14, middle), left, small, edge=3.0)
    write(draw, (edge - 14, middle), right, small, align="right", edge=3.0)
    write(draw, (edge / 2, 12 + small), top, small, align="middle", edge=3.0)
    write(draw, (edge / 2, edge - 12), bottom, small, align="middle", edge=3.0)
    mm_per_pixel = fine.pixel_mm / fine.fluoroscope.magnification
    scale_bar(draw, (edge - 22, edge - 22), edge * mm_per_pixel, mm_per_pixel, max(unit, 0.8))
    return panel


def _draw_needle(draw: ImageDraw.ImageDraw, needle: Needle, exposure: Exposure) -> None:
    """The shaft with a ring at the hub's end and a dot at the tip; down the needle they are one."""
    ends = exposure.to_pixels(np.array([needle.entry, needle.target]))
    colour = TRIANGLES[needle.kind]
    _line(draw, ends, colour, 3)
    (x0, y0), (x1, y1) = ends.tolist()
    for radius, ink in ((9, EDGE), (8, colour)):
        draw.ellipse((x0 - radius, y0 - radius, x0 + radius, y0 + radius), outline=ink, width=2)
    for radius, ink in ((6, EDGE), (4, colour)):
        draw.ellipse((x1 - radius, y1 - radius, x1 + radius, y1 + radius), fill=ink)


def _draw_dog(draw: ImageDraw.ImageDraw, dog: ScottyDog, exposure: Exposure) -> None:
    lines = dog.outline(exposure)
    for line in lines:
        _line(draw, line, DOG, 2)
    if lines:
        for part, (x, y) in dog.names(exposure).items():
            write(draw, (float(x), float(y) + 5), part.words, 13, DOG, align="middle", edge=2.5)


def _line(draw: ImageDraw.ImageDraw, pixels: FloatArray, colour: Colour, width: int) -> None:
    places = [(float(x), float(y)) for x, y in pixels]
    draw.line(places, fill=EDGE, width=width + 2, joint="curve")
    draw.line(places, fill=colour, width=width, joint="curve")
