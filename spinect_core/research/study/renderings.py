"""The four renderings of one case: truth before and after preprocessing, automatic labels, the same smoothed."""

from __future__ import annotations

import numpy as np
import pyvista as pv
from PIL import Image, ImageDraw

from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.view import View
from spinect_core.image.evaluation import cropped
from spinect_core.image.volume import BONE, NERVE, Labels
from spinect_core.io.reading import ReadOptions, read_ct, read_labels
from spinect_core.pictures import Frame, Scene
from spinect_core.pictures.annotate import RgbArray
from spinect_core.pictures.lettering import write
from spinect_core.pictures.palette import QUIET_TEXT, TEXT
from spinect_core.pictures.scale import bar_length_mm
from spinect_core.preprocessing import Region, prepare
from spinect_core.research.study.examine import Examined
from spinect_core.surfaces import Surfaces, build_surfaces

NAMES = (
    "truth before preprocessing",
    "truth after it (1 mm)",
    "automatic",
    "automatic, smoothed",
)
VIEWS = (View(0.0), View(180.0))
"""From the front the roots lie open over the sacrum; in oblique views the iliac wing covers them."""
PANEL = (460, 400)
MARGIN = 0.04
GAP, HEAD, FOOT = 6, 32, 26
INK = (18, 21, 26)


def four_renderings(one: Examined, *, progress: Progress = silent, cancel: Cancel | None = None) -> RgbArray:
    """The figure, uint8 RGB: a column a stage, a row a view, all at one scale.

    Raises:
        RenderError: there is no OpenGL to render with.
    """
    stages = _stages(one, progress, cancel)
    frames: list[Frame] = []
    columns: list[list[RgbArray]] = []
    for number, surfaces in enumerate(stages):
        check(cancel)
        progress(0.5 + 0.5 * number / len(stages), f"rendering {NAMES[number]}")
        with Scene(surfaces, PANEL) as scene:
            # The frame of the first serves for all, so that they can be laid over each other.
            frames = frames or [_frame(surfaces, view) for view in VIEWS]
            columns.append([scene.picture(frame) for frame in frames])
    return _sheet(columns, frames, one.case.name)


def _stages(one: Examined, progress: Progress, cancel: Cancel | None) -> list[Surfaces]:
    # What was examined passed the test of its numbers, or the user had it read all the same.
    options = ReadOptions(assume_hu=True)
    volume = read_ct(one.case.ct, series=one.case.series, options=options, cancel=cancel)
    truth, prediction = read_labels(one.case.labels), read_labels(one.labels)
    region = None
    if one.region is not None:
        region = Region(tuple(one.region["minimum"]), tuple(one.region["maximum"]), one.region["found"])
    prepared = prepare(volume, region)
    true_1mm = Labels(prepared.sample(truth.array), prepared.geometry)
    found_1mm = Labels(prepared.sample(prediction.array), prepared.geometry)
    check(cancel)
    progress(0.1, "surfaces")
    return [
        stepped_surfaces(cropped(truth, prepared.region)),
        stepped_surfaces(true_1mm),
        stepped_surfaces(found_1mm),
        build_surfaces(found_1mm, cancel=cancel),
    ]


def stepped_surfaces(labels: Labels) -> Surfaces:
    """Surfaces straight from the voxels, without smoothing and without leaving anything out."""
    meshes = [_stepped(labels, value) for value in (BONE, NERVE)]
    return Surfaces(meshes[0], meshes[1], meshes[0], meshes[1])


def _stepped(labels: Labels, value: int) -> pv.PolyData:
    mask = np.pad(labels.array == value, 1)
    if not mask.any():
        return pv.PolyData()
    image = pv.ImageData(dimensions=mask.shape[::-1])
    image.point_data["label"] = mask.ravel().astype(np.uint8)
    mesh = image.contour([0.5], scalars="label", method="flying_edges", compute_normals=False)
    index = np.asarray(mesh.points, dtype=np.float64)[:, ::-1] - 1.0
    points = labels.geometry.to_patient(index)
    surface: pv.PolyData = pv.PolyData.from_regular_faces(points, mesh.regular_faces)
    if np.linalg.det(labels.geometry.direction) < 0:
        surface.flip_faces(inplace=True)
    return surface


def _frame(surfaces: Surfaces, view: View) -> Frame:
    points = [np.asarray(mesh.points) for mesh in (surfaces.bone, surfaces.nerve) if mesh.n_points]
    every = np.concatenate(points)[::50] if points else np.zeros((0, 3))
    return Frame.around(view, every, PANEL, margin=MARGIN)


def _sheet(columns: list[list[RgbArray]], frames: list[Frame], name: str) -> RgbArray:
    wide, high = PANEL
    width = GAP + len(columns) * (wide + GAP)
    sheet = Image.new("RGB", (width, HEAD + len(frames) * (high + GAP) + FOOT), INK)
    draw = ImageDraw.Draw(sheet)
    for column, pictures in enumerate(columns):
        x = GAP + column * (wide + GAP)
        write(draw, (x + wide / 2, HEAD - 10), NAMES[column], 17, align="middle")
        for row, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (x, HEAD + row * (high + GAP)))
    for row, frame in enumerate(frames):
        y = HEAD + row * (high + GAP)
        write(draw, (GAP + 10, y + 22), frame.view.words, 15, TEXT, edge=2)
        bar = bar_length_mm(frame.mm_per_pixel * wide)
        end = GAP + 10 + bar / frame.mm_per_pixel
        draw.line((GAP + 10, y + high - 14, end, y + high - 14), fill=TEXT, width=3)
        write(draw, (end + 8, y + high - 9), f"{bar} mm", 14, TEXT, edge=2)
    write(draw, (GAP, sheet.height - 9), f"Case {name}. {NOTICE}", 13, QUIET_TEXT)
    return np.array(sheet)
