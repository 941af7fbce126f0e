"""Draw docs/images/phantom.png, slices of several seeds: python scripts/draw_phantom_sheet.py [FILE]."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from spinect_core.phantom import STRUCTURES, Phantom, Scan, draw_case

SEEDS = (7, 21, 24)
BOX = ((-78.0, 78.0), (-62.0, 94.0), (-82.0, 74.0))
SIDE = 240


def grey(picture: np.ndarray) -> np.ndarray:
    """RGB of HU in the window -160 to 340."""
    level = np.clip((picture.astype(np.float64) + 160.0) / 500.0, 0.0, 1.0) * 255.0
    return np.repeat(level[..., None], 3, axis=2)


def panel(phantom: Phantom, cut: tuple[int | slice, ...], coloured: bool) -> Image.Image:
    """One slice as a square picture; nerve and bone coloured if asked for."""
    image = grey(phantom.volume.array[cut])
    if coloured:
        structures = phantom.structures[cut]
        bone, nerve = (structures > 0) & (structures < 10), structures >= 20
        disc = (structures > 10) & (structures < 20)
        for mask, colour, part in (
            (bone, (255, 214, 150), 0.35),
            (disc, (110, 190, 255), 0.4),
            (nerve, (255, 215, 0), 0.65),
            (structures == STRUCTURES["thecal sac"], (255, 140, 60), 0.5),
        ):
            image[mask] = image[mask] * (1 - part) + np.array(colour) * part
    picture = Image.fromarray(image.astype(np.uint8))
    return picture.resize((SIDE, int(SIDE * picture.height / picture.width)), Image.Resampling.BICUBIC).crop(
        (0, 0, SIDE, SIDE)
    )


def row(seed: int) -> list[Image.Image]:
    """Axial through L5 foramina and S1 canal, sagittal in the midline and the foramen, coronal."""
    phantom = draw_case(seed, box=BOX, setting=Scan(1.0, 1.0, 12.0))
    geometry = phantom.volume.geometry
    marks = phantom.truth["landmarks"]
    foramen = np.rint(geometry.to_index(np.array(marks["foramen L5/S1 centre left"]))).astype(int)
    plate = np.rint(geometry.to_index(np.array(marks["S1 upper end plate centre"]))).astype(int)
    down, every = slice(None, None, -1), slice(None)
    cuts = [
        ((foramen[0], every, every), False),
        ((foramen[0], every, every), True),
        ((foramen[0] - 22, every, every), True),
        ((down, every, plate[2]), True),
        ((down, every, foramen[2]), True),
        ((down, foramen[1] + 4, every), True),
    ]
    return [panel(phantom, cut, coloured) for cut, coloured in cuts]


def main(path: Path) -> None:
    """Draw the sheet."""
    titles = (
        "axial, L5 foramina",
        "with the true labels",
        "axial, S1",
        "sagittal, midline",
        "sagittal, foramen",
        "coronal, foramina",
    )
    sheet = Image.new("RGB", (SIDE * len(titles), SIDE * len(SEEDS) + 22), "white")
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.text((column * SIDE + 6, 5), title, fill=(30, 30, 30))
    for line, seed in enumerate(SEEDS):
        for column, picture in enumerate(row(seed)):
            sheet.paste(picture, (column * SIDE, 22 + line * SIDE))
        pen.text((6, 26 + line * SIDE), f"seed {seed}", fill=(255, 255, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "docs" / "images" / "phantom.png"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
