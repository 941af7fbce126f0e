"""Pictures on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.case_model import CaseModel
    from app.scene import Viewport


def write_picture(viewport: Viewport, model: CaseModel, path: Path) -> None:
    """Write what the viewport shows, with its writing and no patient data, as PNG.

    Raises:
        PlanError: the file cannot be written.
    """
    from spinect_core.pictures import annotate, save_picture

    image = viewport.picture()
    turntable = viewport.turntable
    mm_per_pixel = turntable.size[1] * turntable.mm_per_pixel / image.shape[0]  # of the display's own pixels
    triangles = [each.triangle for each in model.measurements]
    picture = annotate(image, turntable.view, mm_per_pixel, triangles, centre=turntable.focus)
    if path.suffix.lower() != ".png":
        path = path.with_name(path.name + ".png")
    save_picture(picture, path)
