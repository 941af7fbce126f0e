"""Pictures on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPainter

if TYPE_CHECKING:
    from app.model.case_model import CaseModel
    from app.model.planner import Planner
    from app.views.scene import Viewport
    from app.views.trajectory_drawing import TrajectoryDrawing


def write_picture(
    viewport: Viewport, model: CaseModel, planner: Planner, drawing: TrajectoryDrawing | None, path: Path
) -> None:
    """Write what the viewport shows, with its writing and no patient data, as PNG.

    While one looks at a trajectory, its zone, window and needle are on the picture in place of the program's triangles.

    Raises:
        OutputError: the file cannot be written.
    """
    from spinect_core.pictures import annotate, save_picture
    from spinect_core.plan.wording import headline

    image = viewport.picture()
    turntable, trajectory = viewport.turntable, planner.current
    mm_per_pixel = turntable.size[1] * turntable.mm_per_pixel / image.shape[0]  # of the display's own pixels
    triangles = [
        each.triangle for each in model.measurements if trajectory is None or each.triangle.author == "user"
    ]
    title = ""
    if trajectory is not None and drawing is not None:
        image, title = _with_trajectory(image, viewport, drawing), headline(trajectory)
    picture = annotate(image, turntable.view, mm_per_pixel, triangles, centre=turntable.focus, title=title)
    if path.suffix.lower() != ".png":
        path = path.with_name(path.name + ".png")
    save_picture(picture, path)


def _with_trajectory(
    image: npt.NDArray[np.uint8], viewport: Viewport, drawing: TrajectoryDrawing
) -> npt.NDArray[np.uint8]:
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image)
    canvas = QImage(
        pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888
    ).convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(width / viewport.turntable.size[0], height / viewport.turntable.size[1])
    drawing.on_picture(painter, viewport)
    painter.end()
    canvas = canvas.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(canvas.constBits(), np.uint8).reshape(height, canvas.bytesPerLine())
    return rows[:, : width * 3].reshape(height, width, 3).copy()
