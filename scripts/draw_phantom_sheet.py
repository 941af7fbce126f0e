"""Draw a contact sheet of the phantom: slices in the window W 400 L 50 and the surfaces of bone and nerve.

python scripts/draw_phantom_sheet.py                                  docs/images/phantom.png, three seeds
python scripts/draw_phantom_sheet.py --seeds 7 21 24 --out sheet.png
python scripts/draw_phantom_sheet.py --pathologies disc-herniation obesity --seeds 7 --out sheet.png
python scripts/draw_phantom_sheet.py --family varied --out docs/images/phantom-varied.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from spinect_core.geometry.view import View
from spinect_core.pictures import Frame, Scene
from spinect_core.research.phantom import FAMILIES, Phantom, Scan, draw_case
from spinect_core.surfaces import build_surfaces

SEEDS = (7, 21, 24)
BOX = ((-100.0, 100.0), (-72.0, 98.0), (-86.0, 82.0))
WINDOW = (400.0, 50.0)
PIXELS_PER_MM = 1.4
MARGIN, TOP = 96, 22
SURFACE_SIZE = (240, 238)
TITLES = (
    "axial, L5/S1 foramina",
    "the same, true labels",
    "axial, S1",
    "sagittal, midline",
    "sagittal, foramen",
    "coronal, foramina",
    "bone and nerve, left oblique 30°",
)
PAINT = (
    (range(1, 7), (255, 214, 150), 0.35),
    (range(11, 14), (110, 190, 255), 0.4),
    (range(20, 21), (255, 140, 60), 0.55),
    (range(21, 31), (255, 215, 0), 0.65),
    (range(41, 51), (225, 90, 90), 0.3),
    (range(51, 52), (255, 60, 60), 0.6),
    (range(52, 53), (80, 110, 255), 0.6),
    (range(53, 54), (120, 200, 120), 0.35),
    (range(57, 60), (200, 120, 230), 0.6),
    (range(61, 62), (200, 120, 230), 0.6),
)
"""Numbers of structures, the colour laid over them and how strongly."""


def grey(picture: np.ndarray) -> np.ndarray:
    """RGB of HU in the window."""
    width, level = WINDOW
    value = np.clip((picture.astype(np.float64) - level) / width + 0.5, 0.0, 1.0) * 255.0
    return np.repeat(value[..., None], 3, axis=2)


def panel(
    phantom: Phantom, cut: tuple[int | slice, ...], step: tuple[float, float], coloured: bool = False
) -> Image.Image:
    """One slice, ``step`` mm between its rows and columns; structures coloured if asked for."""
    image = grey(phantom.volume.array[cut])
    if coloured:
        structures = phantom.structures[cut]
        for numbers, colour, part in PAINT:
            mask = np.isin(structures, list(numbers))
            image[mask] = image[mask] * (1 - part) + np.array(colour) * part
    picture = Image.fromarray(image.astype(np.uint8))
    size = tuple(round(n * s * PIXELS_PER_MM) for n, s in zip(picture.size, (step[1], step[0]), strict=True))
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)


def surface(phantom: Phantom) -> Image.Image:
    """Bone and nerve from the left and behind, the foramen in the middle."""
    view = View.oblique("left", 30.0)
    centre = np.array(phantom.truth["landmarks"]["foramen L5/S1 centre left"])
    large = (SURFACE_SIZE[0] * 2, SURFACE_SIZE[1] * 2)
    with Scene(build_surfaces(phantom.labels), large) as scene:
        picture = scene.picture(Frame(view, centre, 170.0 / large[1], large))
    return Image.fromarray(picture).resize(SURFACE_SIZE, Image.Resampling.LANCZOS)


def row(seed: int, spacing: float, pathologies: Sequence[str], family: str) -> list[Image.Image]:
    """The pictures of one case, in the order of :data:`TITLES`."""
    chosen: dict[str, Any] = {"pathologies": tuple(pathologies)} if pathologies else {}
    phantom = draw_case(seed, (spacing,) * 3, box=BOX, setting=Scan(1.0, 1.0, 12.0), family=family, **chosen)
    geometry, marks = phantom.volume.geometry, phantom.truth["landmarks"]
    last = np.asarray(geometry.shape) - 1

    def index(name: str, z_mm: float = 0.0) -> np.ndarray:
        place = geometry.to_index(np.array(marks[name]) + np.array([0.0, 0.0, z_mm]))
        return np.clip(np.rint(place), 0, last).astype(int)

    foramen, plate = index("foramen L5/S1 centre left"), index("S1 upper end plate centre", -16.0)
    behind = min(foramen[1] + round(4.0 / spacing), int(last[1]))
    down, every = slice(None, None, -1), slice(None)
    step = (spacing, spacing)
    return [
        panel(phantom, (foramen[0], every, every), step),
        panel(phantom, (foramen[0], every, every), step, coloured=True),
        panel(phantom, (plate[0], every, every), step),
        panel(phantom, (down, every, plate[2]), step),
        panel(phantom, (down, every, foramen[2]), step),
        panel(phantom, (down, behind, every), step),
        surface(phantom),
    ]


def sheet_of(rows: Sequence[tuple[str, list[Image.Image]]]) -> Image.Image:
    """Rows under each other with their names at the side and the titles above, nothing written on a picture."""
    widths = [max(pictures[column].width for _name, pictures in rows) for column in range(len(TITLES))]
    heights = [max(picture.height for picture in pictures) for _name, pictures in rows]
    sheet = Image.new("RGB", (MARGIN + sum(widths), TOP + sum(heights)), "white")
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(TITLES):
        pen.text((MARGIN + sum(widths[:column]) + 4, 5), title, fill=(30, 30, 30))
    for line, (name, pictures) in enumerate(rows):
        top = TOP + sum(heights[:line])
        pen.multiline_text((6, top + 6), name.replace(" ", "\n").replace("-", "-\n"), fill=(30, 30, 30))
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (MARGIN + sum(widths[:column]), top))
    return sheet


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sheet that the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the phantom.")
    default = Path(__file__).parents[1] / "docs" / "images" / "phantom.png"
    parser.add_argument("--out", type=Path, default=default, help="PNG to write (docs/images/phantom.png)")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="a row for each")
    parser.add_argument(
        "--pathologies",
        nargs="*",
        default=[],
        help="a row for each name and seed; none: as the seed draws it",
    )
    parser.add_argument("--family", choices=FAMILIES, default=FAMILIES[0], help=f"({FAMILIES[0]})")
    parser.add_argument("--spacing", type=float, default=1.0, help="mm of a voxel (1.0)")
    given = parser.parse_args(arguments)
    rows = []
    for name in given.pathologies or [""]:
        for seed in given.seeds:
            print(f"drawing seed {seed} {name}".rstrip(), flush=True)
            pictures = row(seed, given.spacing, [name] if name else [], given.family)
            rows.append((f"seed {seed} {name}".rstrip(), pictures))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    sheet_of(rows).quantize(160).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
