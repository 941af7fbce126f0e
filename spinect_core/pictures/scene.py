"""Bone and nerve rendered off screen, in parallel projection along a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
from PIL import Image
from vtkmodules.vtkCommonCore import vtkLogger

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import RenderError
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.warning import ReadingWarning
from spinect_core.pictures.annotate import RgbArray, annotate
from spinect_core.pictures.frame import Frame
from spinect_core.pictures.palette import BACKGROUND_BOTTOM, BACKGROUND_TOP, BONE, GAP, NERVE, SUPPOSED
from spinect_core.pictures.root_gaps import gap_mesh, supposed_mesh
from spinect_core.surfaces import Surfaces

PIXELS_PER_PIXEL = 1.5
"""Rendered larger and reduced: smoother than multi-sampling, and faster where OpenGL is software."""
TRIANGLE_PICTURE_MM = 100.0
"""A picture that looks along a triangle's own view shows at least this height."""


class Scene:
    """The surfaces set up once, to be looked at from many sides. Close it, or use it in a ``with``.

    Args:
        surfaces: what to show; empty meshes are left out.
        size: width and height of the pictures in pixels.
        gaps: of the roots; drawn as dashed tubes, and named.

    Raises:
        RenderError: there is no OpenGL to render with.
    """

    def __init__(
        self, surfaces: Surfaces, size: tuple[int, int] = (1000, 800), gaps: Sequence[GapLine] = ()
    ) -> None:
        self._gaps = tuple(gaps)
        self.size = (int(size[0]), int(size[1]))
        self._points = _sample_points(surfaces)
        large = [round(side * PIXELS_PER_PIXEL) for side in self.size]
        try:
            self._plotter = _plotter(surfaces, self._gaps, large)
        except (RuntimeError, AttributeError, TypeError) as error:
            raise RenderError(
                f"No picture can be rendered on this computer ({error})",
                "Install an OpenGL driver or Mesa's libegl1 and libgl1",
            ) from error

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the graphics memory back."""
        self._plotter.close()

    def frame(self, view: View, triangles: Sequence[Triangle] = ()) -> Frame:
        """The usual frame of a view: everything, or close to the triangle the view belongs to."""
        for triangle in triangles:
            if triangle.view.angle_to(view) < 0.05:
                frame = Frame.around(view, triangle.vertices, self.size, margin=0.3)
                scale = max(frame.mm_per_pixel, TRIANGLE_PICTURE_MM / self.size[1])
                return replace(frame, mm_per_pixel=scale)
        return Frame.around(view, self._points, self.size)

    def picture(self, frame: Frame) -> RgbArray:
        """Bone and nerve without any writing, uint8 RGB (height, width, 3)."""
        plotter = self._plotter
        camera = plotter.camera
        # Farther than any surface: in parallel projection the distance changes nothing else.
        reach = 1000.0 + float(np.linalg.norm(self._points - frame.centre, axis=1).max(initial=0.0))
        camera.focal_point = frame.centre
        camera.position = frame.centre + reach * frame.view.vector
        camera.up = frame.view.up
        camera.parallel_projection = True
        camera.parallel_scale = frame.height_mm / 2
        plotter.renderer.ResetCameraClippingRange()
        plotter.render()
        large = np.asarray(plotter.screenshot(None, return_img=True), dtype=np.uint8)[..., :3]
        if not large.size:
            raise RenderError(
                "The picture came out empty", "Install an OpenGL driver or Mesa's libegl1 and libgl1"
            )
        return np.array(Image.fromarray(large).resize(self.size, Image.Resampling.LANCZOS))

    def annotated(
        self,
        view: View,
        triangles: Sequence[Triangle] = (),
        frame: Frame | None = None,
        title: str = "",
        warnings: Sequence[ReadingWarning] = (),
    ) -> RgbArray:
        """The picture of a view with triangles and writing on it, uint8 RGB (height, width, 3)."""
        frame = frame or self.frame(view, triangles)
        return annotate(
            self.picture(frame),
            view,
            frame.mm_per_pixel,
            triangles,
            centre=frame.centre,
            title=title,
            warnings=warnings,
            gaps=self._gaps,
        )


def render_view(
    surfaces: Surfaces,
    view: View,
    *,
    triangles: Sequence[Triangle] = (),
    size: tuple[int, int] = (1000, 800),
    centre: npt.ArrayLike | None = None,
    height_mm: float | None = None,
    title: str = "",
    warnings: Sequence[ReadingWarning] = (),
) -> RgbArray:
    """One annotated picture; for several of the same surfaces use :class:`Scene`.

    Args:
        surfaces: bone and nerve.
        view: the line of sight.
        triangles: drawn and listed with their areas.
        size: width and height in pixels.
        centre: LPS mm (3,) in the middle of the picture; the usual frame without it.
        height_mm: mm of the patient from the picture's top to its bottom; the usual frame's without it.
        title: a word before the view's; never a patient's name.
        warnings: what reading noticed about the CT.

    Returns:
        uint8 RGB (height, width, 3).

    Raises:
        RenderError: there is no OpenGL to render with.
    """
    with Scene(surfaces, size) as scene:
        usual = scene.frame(view, triangles)
        frame = Frame(
            view,
            usual.centre if centre is None else np.asarray(centre, dtype=np.float64),
            usual.mm_per_pixel if height_mm is None else height_mm / scene.size[1],
            scene.size,
        )
        return scene.annotated(view, triangles, frame, title, warnings)


def _plotter(surfaces: Surfaces, gaps: Sequence[GapLine], size: list[int]) -> Any:
    # Without an X server VTK warns and goes on to EGL, which is what is wanted here.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    plotter: Any = pv.Plotter(off_screen=True, window_size=size, lighting="none")
    plotter.render_window.SetMultiSamples(0)
    plotter.set_background(_unit(BACKGROUND_BOTTOM), top=_unit(BACKGROUND_TOP))
    for mesh, colour, gloss in ((surfaces.bone, BONE, 0.12), (surfaces.nerve, NERVE, 0.3)):
        if mesh.n_cells:
            plotter.add_mesh(
                mesh,
                color=_unit(colour),
                smooth_shading=True,
                split_sharp_edges=False,
                ambient=0.08,
                diffuse=0.92,
                specular=gloss,
                specular_power=24,
                show_scalar_bar=False,
            )
    if gaps:
        for lines, colour in ((gap_mesh(gaps), GAP), (supposed_mesh(gaps), SUPPOSED)):
            if lines.n_cells:
                plotter.add_mesh(lines, color=_unit(colour), smooth_shading=True, ambient=0.35, diffuse=0.65)
    # Fixed to the camera: the main light from the upper left, a cool one from the right, a faint one from the viewer.
    for position, intensity, tint in (
        ((-0.55, 0.75, 1.0), 0.78, (1.0, 0.985, 0.96)),
        ((0.9, 0.1, 0.55), 0.26, (0.86, 0.92, 1.0)),
        ((0.0, -0.2, 1.0), 0.2, (1.0, 1.0, 1.0)),
    ):
        light = pv.Light(position=position, color=tint, intensity=intensity, light_type="camera light")
        light.positional = False
        plotter.add_light(light)
    plotter.enable_ssao(radius=9.0, bias=0.6, kernel_size=32, blur=True)
    return plotter


def _sample_points(surfaces: Surfaces) -> FloatArray:
    """Points that span the surfaces (n, 3): enough to frame them, few enough to project at once."""
    parts = [
        np.asarray(mesh.points, dtype=np.float64) for mesh in (surfaces.bone, surfaces.nerve) if mesh.n_points
    ]
    if not parts:
        return np.zeros((0, 3))
    points = np.concatenate(parts)
    return points[:: max(1, len(points) // 20_000)]


def _unit(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255
