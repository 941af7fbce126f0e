"""The course of a training as a picture: the loss above, the validation Dice below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from spinect_core.pictures.lettering import font
from spinect_core.pictures.png import save_picture
from spinect_core.research.training.run_folder import CURVE, LOSSES, VALIDATION, rows_of

Points = Sequence[tuple[float, float]]
Colour = tuple[int, int, int]

SIZE = (1000, 760)
INK: Colour = (40, 44, 50)
GRID: Colour = (222, 226, 231)
GREY: Colour = (170, 178, 188)
BONE: Colour = (150, 116, 60)
NERVE: Colour = (214, 120, 0)
LOSS: Colour = (30, 96, 160)
TEXT_SIZE = 16


def draw_curve(folder: Path) -> None:
    """Draw ``curve.png`` from the logs of a run folder.

    Raises:
        OutputError: the picture cannot be written.
    """
    losses = [(float(row["step"]), float(row["loss"])) for row in rows_of(folder, LOSSES)]
    dice = {
        name: [
            (float(row["step"]), float(row[f"dice_{name}"]))
            for row in rows_of(folder, VALIDATION)
            if row[f"dice_{name}"] not in ("", "nan")
        ]
        for name in ("bone", "nerve")
    }
    last = max([1.0, *(step for step, _ in losses)])
    picture = Image.new("RGB", SIZE, (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    top = max([0.1, *(value for _, value in losses[len(losses) // 50 :])])
    upper = _Panel(draw, (90, 50, 960, 340), last, (0.0, top), "loss (grey: each step)")
    upper.line(losses, GREY, 1)
    upper.line(_smoothed(losses), LOSS, 3)
    lower = _Panel(draw, (90, 410, 960, 700), last, (0.0, 1.0), "validation Dice")
    lower.line(dice["bone"], BONE, 3, dots=True)
    lower.line(dice["nerve"], NERVE, 3, dots=True)
    for place, (name, colour) in enumerate((("bone", BONE), ("nerve", NERVE))):
        best = max((value for _, value in dice[name]), default=None)
        words = name if best is None else f"{name}, best {best:.3f}"
        draw.text((300 + 200 * place, 400), words, colour, font(TEXT_SIZE), "ls")
    draw.text((525, 745), "iteration", INK, font(TEXT_SIZE), "ms")
    save_picture(np.asarray(picture, dtype=np.uint8), folder / CURVE)


def _smoothed(points: Points) -> Points:
    """Means over a fiftieth of the course."""
    width = max(1, len(points) // 50)
    blocks = [points[i : i + width] for i in range(0, len(points), width)]
    return [
        (sum(x for x, _ in block) / len(block), sum(y for _, y in block) / len(block)) for block in blocks
    ]


class _Panel:
    """One pair of axes: ``box`` is left, top, right, bottom in pixels."""

    def __init__(
        self,
        draw: ImageDraw.ImageDraw,
        box: tuple[int, int, int, int],
        last: float,
        values: tuple[float, float],
        title: str,
    ) -> None:
        self._draw, self._box, self._last, self._values = draw, box, last, values
        left, top, right, bottom = box
        draw.text((left, top - 10), title, INK, font(TEXT_SIZE), "ls")
        for part in (0, 0.25, 0.5, 0.75, 1):
            value = values[0] + part * (values[1] - values[0])
            x, y = self._pixel(part * last, value)
            draw.line([(left, y), (right, y)], GRID, 1)
            draw.text((left - 8, y), f"{value:.2f}", INK, font(TEXT_SIZE), "rm")
            draw.text((x, bottom + 20), f"{part * last:.0f}", INK, font(TEXT_SIZE), "ms")
        draw.line([(left, top), (left, bottom), (right, bottom)], INK, 2)

    def _pixel(self, step: float, value: float) -> tuple[float, float]:
        left, top, right, bottom = self._box
        low, high = self._values
        part = min(max((value - low) / (high - low), 0.0), 1.0)
        return left + (right - left) * step / self._last, bottom - (bottom - top) * part

    def line(self, points: Points, colour: Colour, width: int, *, dots: bool = False) -> None:
        pixels = [self._pixel(*point) for point in points]
        if len(pixels) > 1:
            self._draw.line(pixels, colour, width, joint="curve")
        for x, y in pixels if dots else ():
            self._draw.ellipse((x - 4, y - 4, x + 4, y + 4), colour)
