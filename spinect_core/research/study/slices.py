"""The figure of random slices: CT, truth and prediction side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from spinect_core.base.progress import Cancel, check
from spinect_core.base.versions import NOTICE
from spinect_core.image.planes import AXIAL, PlaneGrid, Reformatter
from spinect_core.io.reading import ReadOptions, read_ct, read_labels
from spinect_core.pictures.annotate import RgbArray
from spinect_core.pictures.lettering import write
from spinect_core.pictures.palette import BONE, NERVE, QUIET_TEXT, TEXT
from spinect_core.research.study.examine import Examined

PANEL = 300
GAP, HEAD, FOOT = 6, 34, 26
WINDOW_HU = (-160.0, 440.0)
COVER = {BONE: 0.5, NERVE: 0.75}
"""How much of a class's colour lies over the CT."""
INK = (18, 21, 26)


@dataclass(frozen=True, eq=False)
class Choice:
    """A slice of a case: LPS mm of its height."""

    one: Examined
    z_mm: float


def choose_slices(examined: Sequence[Examined], count: int, seed: int) -> list[Choice]:
    """Different slices with true nerve, each case as often as the others, the heights at random."""
    rng = np.random.default_rng(seed)
    waiting = {number: rng.permutation(one.nerve_slices).tolist() for number, one in enumerate(examined)}
    chosen: list[Choice] = []
    while len(chosen) < count and any(waiting.values()):
        for number in rng.permutation(len(examined)):
            if waiting[int(number)] and len(chosen) < count:
                chosen.append(Choice(examined[int(number)], waiting[int(number)].pop()))
    order = {id(one): number for number, one in enumerate(examined)}
    return sorted(chosen, key=lambda choice: (order[id(choice.one)], -choice.z_mm))


def slice_figure(choices: Sequence[Choice], cancel: Cancel | None = None) -> RgbArray:
    """The figure, uint8 RGB: a row a slice, bone and nerve coloured over the CT."""
    names = ("CT", "truth", "prediction")
    rows: list[tuple[Choice, list[Image.Image]]] = []
    for one in {id(choice.one): choice.one for choice in choices}.values():
        check(cancel)
        own = [choice for choice in choices if choice.one is one]
        rows += zip(own, _panels(one, [choice.z_mm for choice in own], cancel), strict=True)
    heights = [panels[0].height for _, panels in rows]
    width = GAP + len(names) * (PANEL + GAP)
    sheet = Image.new("RGB", (width, HEAD + sum(heights) + GAP * len(rows) + FOOT), INK)
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(names):
        write(draw, (GAP + column * (PANEL + GAP) + PANEL / 2, HEAD - 11), name, 17, align="middle")
    y = HEAD
    for choice, panels in rows:
        for column, panel in enumerate(panels):
            sheet.paste(panel, (GAP + column * (PANEL + GAP), y))
        write(draw, (GAP + 7, y + 18), f"{choice.one.case.name}, z = {choice.z_mm:.1f} mm", 14, TEXT, edge=2)
        write(draw, (GAP + 5, y + panels[0].height / 2), "R", 14, QUIET_TEXT, edge=2)
        y += panels[0].height + GAP
    write(draw, (GAP, y + 16), f"{NOTICE} Patient's right on the left.", 13, QUIET_TEXT)
    return np.array(sheet)


def _panels(one: Examined, heights: Sequence[float], cancel: Cancel | None) -> list[list[Image.Image]]:
    # What was examined passed the test of its numbers, or the user had it read all the same.
    options = ReadOptions(assume_hu=True)
    volume = read_ct(one.case.ct, series=one.case.series, options=options, cancel=cancel)
    truth, prediction = read_labels(one.case.labels), read_labels(one.labels)
    cutter = Reformatter(volume.geometry)
    grid = cutter.grid(AXIAL)
    box = _part(one, grid)
    size = (
        PANEL,
        max(1, round(PANEL * (box[0].stop - box[0].start) * grid.pixel[1] / _width(box, grid.pixel))),
    )
    found = []
    for z in heights:
        check(cancel)
        grey = _grey(np.asarray(cutter.cut(volume.array, AXIAL, z), dtype=np.float64)[box], size)
        panels = [grey]
        for labels in (truth, prediction):
            cut = np.asarray(cutter.cut(labels.array, AXIAL, z, smooth=False, outside=0.0))[box]
            panels.append(_coloured(grey, cut, size))
        found.append(panels)
    return found


def _width(box: tuple[slice, slice], pixel: tuple[float, float]) -> float:
    return float((box[1].stop - box[1].start) * pixel[0])


def _part(one: Examined, grid: PlaneGrid) -> tuple[slice, slice]:
    """Rows and columns of the region that was compared, or of the whole cut."""
    shape = grid.shape
    if one.region is None:
        return slice(0, shape[0]), slice(0, shape[1])
    corners = grid.to_picture([one.region["minimum"], one.region["maximum"]])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (shape[1] - 1, shape[0] - 1))
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low + 1, (shape[1], shape[0]))
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _grey(cut: npt.NDArray[np.float64], size: tuple[int, int]) -> Image.Image:
    low, high = WINDOW_HU
    grey = np.rint(np.clip((cut - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC).convert("RGB")


def _coloured(grey: Image.Image, cut: npt.NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    labels = np.array(
        Image.fromarray(np.ascontiguousarray(cut, dtype=np.uint8)).resize(size, Image.Resampling.NEAREST)
    )
    picture = np.asarray(grey, dtype=np.float64).copy()
    for value, colour in ((1, BONE), (2, NERVE)):
        where = labels == value
        picture[where] = (1 - COVER[colour]) * picture[where] + COVER[colour] * np.asarray(colour)
    return Image.fromarray(np.rint(picture).astype(np.uint8))
