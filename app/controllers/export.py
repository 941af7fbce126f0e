"""Files of what is shown: the 3D view and finished pictures of other windows, and the table of the measurements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPainter

from app.model.case import figures_of, triangles_of
from app.model.case_model import CaseModel
from app.model.fluoroscopy import Fluoroscopy
from app.model.jobs import Job
from app.model.recent import RecentFiles
from app.model.trajectories import Trajectories
from app.views.stage import Stage
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from app.views.scene import Viewport
    from app.views.trajectory_drawing import TrajectoryDrawing

Picture = npt.NDArray[np.uint8]
PICTURES = "PNG (*.png)"
TABLES = "CSV (*.csv)"
LEGIBLE_HEIGHT = 900
"""Pixels of a picture whose writing can be read on paper and on a slide; a small view is enlarged to it."""


class ExportController(QObject):
    """Writes pictures as PNG, and the table of the measurements as CSV.

    Args:
        model: the measurements on the picture.
        trajectories: the one that is looked at.
        fluoroscopy: what a C-arm would show.
        stage: where the 3D view is.
        recent: the folder to begin in.
        dialogs: asks where to.
        boxes: shows errors.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        fluoroscopy: Fluoroscopy,
        stage: Stage,
        recent: RecentFiles,
        dialogs: Dialogs,
        boxes: Boxes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._stage = model, trajectories, stage
        self._recent, self._dialogs, self._boxes = recent, dialogs, boxes
        self._fluoroscopy = fluoroscopy
        self._writing: dict[Job, str] = {}

    def ask_view(self) -> None:
        """Let the user name a picture of the 3D view and write it."""
        if self._model.case is None or self._stage.viewport is None:
            return
        path = self._ask("Export picture", "l5s1.png")
        if path is not None:
            self.write_view(path)

    def ask_fluoroscopy(self) -> None:
        """Let the user name a picture of the simulated fluoroscopy and write it."""
        if self._fluoroscopy.picture is None:
            return
        path = self._ask("Export fluoroscopy", "fluoroscopy.png")
        if path is not None:
            self.write_fluoroscopy(path)

    def write_fluoroscopy(self, path: Path) -> bool:
        """Write the simulated fluoroscopy of the present view, with no patient data.

        While one looks at a needle, the views from behind and from its side stand beside it, for the tip.

        Returns:
            False where there is nothing to write.
        """
        from spinect_core.pictures.fluoroscopy import fluoroscopy_picture, tip_views
        from spinect_core.plan.case_wording import case_warnings

        state, case, current = self._fluoroscopy, self._model.case, self._trajectories.current
        attenuation = state.attenuation()
        if attenuation is None or case is None:
            return False
        exposure, needle, marks = state.along, state.needle, state.marks()
        exposures = (
            (exposure,)
            if needle is None
            else tip_views(exposure.view, needle.side, exposure.target, exposure.fluoroscope)
        )
        title = "" if current is None else current.called
        withheld = "" if current is None or needle is None else current.withheld_text
        warnings = (*case.warnings, *case_warnings(self._model.planning.light))
        bright = state.bright_bone
        self._write(
            path,
            lambda: fluoroscopy_picture(
                attenuation,
                exposures,
                marks,
                title=title,
                withheld=withheld,
                warnings=warnings,
                bright_bone=bright,
            ),
        )
        return True

    def ask_picture(self, picture: Picture, suggested: str) -> None:
        """Let the user name a finished picture and write it."""
        path = self._ask("Save picture", suggested)
        if path is not None:
            self._write(path, lambda: picture)

    def ask_measurements(self) -> None:
        """Let the user name a table of the measurements and write it."""
        if not self._model.measurements:
            return
        path = self._dialogs.file_to_save(
            "Save measurements", self._recent.folder / "measurements.csv", TABLES
        )
        if path is not None:
            self.write_measurements(path)

    def write_measurements(self, path: Path) -> bool:
        """Write all measurements as CSV, with units, views and points.

        Returns:
            False where there is nothing to write.
        """
        case, rows = self._model.case, self._model.measurements
        if case is None or not rows:
            return False
        warnings = case.warnings

        def write(to: Path) -> None:
            from spinect_core.base.files import write_whole
            from spinect_core.plan.measurement_csv import measurement_csv

            table = measurement_csv((each.measured for each in rows), warnings)
            write_whole(to, table.encode("utf-8"))

        self._start(
            path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv"), write, "Table"
        )
        return True

    def write_view(self, path: Path) -> bool:
        """Write what the 3D view shows, with its writing and no patient data, once it is there in full detail.

        While one looks at a trajectory, its zone, window and needle are on the picture in place of the program's
        triangles. The file is written beside the window's thread; `said` or an error box tells how that ended.

        Returns:
            False where there is nothing to write.
        """
        viewport, drawing = self._stage.viewport, self._stage.drawing
        if viewport is None or drawing is None or self._model.case is None:
            return False
        viewport.when_detailed(lambda: self._write(path, self._view(viewport, drawing)))
        return True

    def finish(self) -> None:
        """Wait for what is being written; called once, when the window closes."""
        for job in list(self._writing):
            job.wait()

    def _view(self, viewport: Viewport, drawing: TrajectoryDrawing) -> Callable[[], Picture]:
        """Take the picture now; what is returned writes on it, in any thread."""
        from spinect_core.pictures import annotate
        from spinect_core.plan.case_wording import case_warnings
        from spinect_core.plan.gap_lines import gap_lines
        from spinect_core.plan.wording import count_caption, headline, level_caption

        image = viewport.picture()
        turntable, current = viewport.drawn, self._trajectories.current
        mm_per_pixel = (
            turntable.size[1] * turntable.mm_per_pixel / image.shape[0]
        )  # of the display's own pixels
        shown = [each for each in self._model.measurements if current is None or not each.automatic]
        triangles, figures = triangles_of(shown), figures_of(shown)
        title = ""
        if current is not None:
            image = _with_trajectory(image, viewport, drawing)
            level = self._model.planning.level
            lumbar = None if level is None else level.lumbar
            place = level_caption(current.level, lumbar) if current.level else count_caption(lumbar)
            title = f"{headline(current)} · {place}"
        times = -(-LEGIBLE_HEIGHT // image.shape[0])
        case = self._model.case
        known = () if case is None else case.warnings
        warnings = (*known, *case_warnings(self._model.planning.light))
        gaps = gap_lines(self._model.planning.roots)
        return lambda: annotate(
            _enlarged(image, times),
            turntable.view,
            mm_per_pixel / times,
            triangles,
            figures=figures,
            centre=turntable.focus,
            title=title,
            warnings=warnings,
            gaps=gaps,
        )

    def _ask(self, title: str, suggested: str) -> Path | None:
        return self._dialogs.file_to_save(title, self._recent.folder / suggested, PICTURES)

    def _write(self, path: Path, make: Callable[[], Picture]) -> None:
        def write(to: Path) -> None:
            from spinect_core.pictures import save_picture

            save_picture(make(), to)

        named = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        self._start(named, write, "Picture")

    def _start(self, path: Path, write: Callable[[Path], None], what: str) -> None:
        def work(_progress: Progress, _cancel: Cancel) -> None:
            write(path)

        # A thread of its own and no turn among the jobs: pictures are written while the next job runs.
        job = Job(work, self)
        self._writing[job] = f"{what} saved: {path.name}"
        job.succeeded.connect(self._on_written)
        job.failed.connect(self._boxes.show_error)
        job.finished.connect(self._on_finished)
        job.start()

    def _on_written(self) -> None:
        job = self.sender()
        if isinstance(job, Job) and job in self._writing:
            self.said.emit(self._writing[job])

    def _on_finished(self) -> None:
        job = self.sender()
        if isinstance(job, Job):
            self._writing.pop(job, None)
            job.deleteLater()


def _enlarged(image: Picture, times: int) -> Picture:
    """A picture of ``times`` as many pixels each way, smooth between those of the first."""
    if times == 1:
        return image
    from PIL import Image

    size = (image.shape[1] * times, image.shape[0] * times)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _with_trajectory(image: Picture, viewport: Viewport, drawing: TrajectoryDrawing) -> Picture:
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image)
    canvas = QImage(
        pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888
    ).convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(width / viewport.drawn.size[0], height / viewport.drawn.size[1])
    drawing.on_picture(painter, viewport, names=False)
    painter.end()
    canvas = canvas.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(canvas.constBits(), np.uint8).reshape(height, canvas.bytesPerLine())
    return rows[:, : width * 3].reshape(height, width, 3).copy()
