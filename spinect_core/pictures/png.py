"""Pictures on disk."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spinect_core.base.errors import OutputError
from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.pictures.annotate import RgbArray


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
    Image.fromarray(picture).save(stream, format="PNG", pnginfo=facts, optimize=False)
    write_whole(path, stream.getvalue())
