"""Pictures on disk."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spinect_core.base.errors import OutputError
from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.pictures.annotate import RgbArray

MOST_PIXELS = 80_000_000
PNG_EFFORT = 3
"""Of compression, 0 to 9: a twelfth larger than the usual 6, in a third of its time."""


def opened(content: bytes) -> RgbArray | None:
    """The picture of a PNG that may have come from anybody, uint8 RGB (height, width, 3).

    None of a damaged one, and of one that is larger than any screen shows.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size[0] * picture.size[1] > MOST_PIXELS:
                return None
            return np.array(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError):  # as Pillow says that a file is damaged
        return None


def save_picture(picture: RgbArray, path: Path | str) -> None:
    """Write a picture as PNG in one move. The file says which program made it and its notice, nothing of the patient.

    Args:
        picture: uint8 RGB (height, width, 3).
        path: the file, ending in .png.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise OutputError(f"Pictures are not written as {path.suffix or 'this'}", "Use .png", path)
    facts = PngInfo()
    facts.add_text("Software", f"SPINECT Planner {__version__}")
    facts.add_text("Disclaimer", NOTICE)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", pnginfo=facts, compress_level=PNG_EFFORT)
    write_whole(path, stream.getvalue())
