"""A plan for other programs: markups and a scene for 3D Slicer, and a model (GLB) for any viewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spinect_core.base.errors import PlanError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import Author, FigureKind
from spinect_core.io.slicer_out.markups import SUFFIX, Markup, MarkupKind, markups_file
from spinect_core.io.slicer_out.scene import Model, write_scene
from spinect_core.pictures.palette import BONE, FIGURE, NEEDLES, NERVE, TRIANGLES
from spinect_core.plan.wording import Trajectory, trajectories
from spinect_core.planning.needle.needles import outer_mm
from spinect_core.report.content import may_be_told, one_line

if TYPE_CHECKING:
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.pipeline.report import Source
    from spinect_core.plan.plan import Plan
    from spinect_core.surfaces import Surfaces

LANDMARKS = (111, 220, 140)
LONGEST_NAME = 100
ENTRY, TARGET = "Skin", "Tip"
_FIGURES = {
    FigureKind.DISTANCE: MarkupKind.LINE,
    FigureKind.ANGLE: MarkupKind.ANGLE,
    FigureKind.POLYGON: MarkupKind.CLOSED,
}


class Form(StrEnum):
    """What a plan is written as, by the ending of the file."""

    SCENE = ".mrb"
    MARKUPS = SUFFIX
    MODEL = ".glb"


@dataclass(frozen=True)
class Exchanged:
    """What was written.

    Attributes:
        path: of the file.
        counts: how many of each it holds, by their name.
    """

    path: Path
    counts: Mapping[str, int]

    @property
    def words(self) -> str:
        """Such as ``CT, labels, 2 surfaces, 1 needle, 3 triangles, 21 landmarks``."""
        found = []
        for name, count in self.counts.items():
            if count and name in ("CT", "labels"):
                found.append(name)
            elif count:
                found.append(f"{count} {name[:-1] if count == 1 else name}")
        return ", ".join(found)


def form_of(path: Path) -> Form:
    """As what a file of this name is written.

    Raises:
        UsageError: its ending says nothing.
    """
    name = path.name.lower()
    found = next((form for form in Form if name.endswith(form)), None)
    if found is None:
        raise UsageError(
            "A plan is not written for other programs under such a name", f"Use {', '.join(Form)}", path
        )
    return found


def export_plan(
    source: Source,
    path: Path,
    *,
    volume: Volume | None = None,
    surfaces: Surfaces | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Exchanged:
    """Write a plan for other programs: whole or not at all, in the CT's own frame, and without anything of its headers.

    Needles are those that the report tells: recommended ones, and the user's own.

    Args:
        source: the plan; scene and model need its labels, the scene goes without them.
        path: its ending says as what; see :class:`Form`.
        volume: the plan's CT, for the scene; None for one without.
        surfaces: of the labels; made where there are none.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        UsageError: an ending that says nothing.
        PlanError: the plan holds nothing that such a file could hold.
        OutputError: the disk refused.
        Cancelled: the user stopped it.
    """
    form = form_of(path)
    told = [each for each in trajectories(source.plan.planning) if may_be_told(each)]
    if form == Form.MARKUPS:
        return _markups(source.plan, told, path)
    labels = _labels(source, volume)
    if form == Form.MODEL and labels is None:
        raise PlanError(
            "This plan has no labels, which a model is made of", "Give its .spinect file, or write markups"
        )
    if surfaces is None and labels is not None:
        from spinect_core.surfaces import build_surfaces

        made_of = source.labels or labels
        surfaces = build_surfaces(made_of, progress=part_of(progress, 0.0, 0.7), cancel=cancel)
    check(cancel)
    progress(0.7, f"writing {form.removeprefix('.')}")
    if form == Form.MODEL:
        assert surfaces is not None  # there are labels
        return _model(told, surfaces, path)
    return _scene(source.plan, told, path, volume, labels, surfaces, cancel)


def markups_of(plan: Plan, told: Sequence[Trajectory]) -> list[Markup]:
    """Needles, measured triangles, other measurements and landmarks of a plan.

    Args:
        plan: of which.
        told: its trajectories whose needles may be told.
    """
    return [*_lines(told), *_triangles(plan), *_figures(plan), *_landmarks(plan)]


def _lines(told: Sequence[Trajectory]) -> Iterator[Markup]:
    for each in told:
        assert each.needle is not None  # only what has one may be told
        needle = each.needle.needle
        yield Markup(
            MarkupKind.LINE,
            _name(f"Needle: {each.called}"),
            np.array([needle.entry, needle.target]),
            (ENTRY, TARGET),
            NEEDLES[each.needle.colour],
            outer_mm(needle.gauge),
        )


def _triangles(plan: Plan) -> Iterator[Markup]:
    for number, each in enumerate(plan.triangles, start=1):
        by = "yours" if each.author == Author.USER else "automatic"
        corners = [f"{number}.{corner}" for corner in range(1, len(each.vertices) + 1)]
        name = _name(f"{each.name[:1].upper()}{each.name[1:]}, {by}, {number}")
        yield Markup(MarkupKind.CLOSED, name, each.vertices, corners, TRIANGLES[each.kind])


def _figures(plan: Plan) -> Iterator[Markup]:
    """With the value in the name: it is that of the view or slice, and Slicer tells another one, in space."""
    for each in plan.figures:
        figure = each.figure
        labels = [str(number) for number in range(1, len(figure.vertices) + 1)]
        name = _name(f"{each.name}: {figure.text}, {figure.where}")
        yield Markup(_FIGURES[figure.kind], name, figure.vertices, labels, FIGURE)


def _landmarks(plan: Plan) -> Iterator[Markup]:
    found = plan.planning.landmarks
    if found:
        names = [_name(each.name) + (" (moved)" if each.moved else "") for each in found]
        points = np.array([each.point for each in found])
        yield Markup(MarkupKind.POINTS, "Landmarks", points, names, LANDMARKS)


def _name(text: str) -> str:
    return one_line(text, LONGEST_NAME)


def _labels(source: Source, volume: Volume | None) -> Labels | None:
    """On the CT's grid where the CT is there, else as they were made."""
    document = source.document
    if volume is not None and document is not None:
        return document.labels_for(volume.geometry)
    return source.labels or (None if document is None else document.labels)


def _markups(plan: Plan, told: Sequence[Trajectory], path: Path) -> Exchanged:
    markups = markups_of(plan, told)
    if not markups:
        raise PlanError(
            "This plan holds no needle that may be told, no triangle and no landmark",
            "Plan the case first, or write a scene",
        )
    write_whole(path, markups_file([each.with_straight_edges for each in markups]))
    return Exchanged(path, _counts(plan, told))


def _counts(plan: Plan, told: Sequence[Trajectory]) -> dict[str, int]:
    return {
        "needles": len(told),
        "triangles": len(plan.triangles),
        "measurements": len(plan.figures),
        "landmarks": len(plan.planning.landmarks),
    }


def _scene(
    plan: Plan,
    told: Sequence[Trajectory],
    path: Path,
    volume: Volume | None,
    labels: Labels | None,
    surfaces: Surfaces | None,
    cancel: Cancel | None,
) -> Exchanged:
    from spinect_core.surfaces.files import ply

    markups = markups_of(plan, told)
    meshes = () if surfaces is None else (("bone", surfaces.bone, BONE), ("nerve", surfaces.nerve, NERVE))
    models = [Model(name, ply(mesh), colour) for name, mesh, colour in meshes if mesh.n_cells]
    if volume is None and labels is None and not markups:
        raise PlanError("This plan holds nothing that a scene could hold", "Give its CT as well")
    write_scene(path, volume=volume, labels=labels, models=models, markups=markups, cancel=cancel)
    data = {"CT": int(volume is not None), "labels": int(labels is not None), "surfaces": len(models)}
    return Exchanged(path, {**data, **_counts(plan, told)})


def _model(told: Sequence[Trajectory], surfaces: Surfaces, path: Path) -> Exchanged:
    from spinect_core.surfaces.glb import Part, glb, needle_mesh
    from spinect_core.surfaces.mesh_arrays import MeshArrays

    meshes = (("Bone", surfaces.bone, BONE), ("Nerve", surfaces.nerve, NERVE))
    parts = [Part(name, MeshArrays.of(mesh), colour) for name, mesh, colour in meshes if mesh.n_cells]
    if not parts:
        raise PlanError("The labels of this plan mark nothing that has a surface", "Write markups instead")
    for each in told:
        assert each.needle is not None  # only what has one may be told
        needle = each.needle.needle
        mesh = needle_mesh(np.asarray(needle.entry), np.asarray(needle.target), outer_mm(needle.gauge))
        facts = {
            "skin_lps_mm": list(needle.entry),
            "tip_lps_mm": list(needle.target),
            "gauge": needle.gauge,
            "depth_mm": round(needle.depth_mm, 2),
        }
        parts.append(Part(_name(f"Needle: {each.called}"), mesh, NEEDLES[each.needle.colour], facts))
    write_whole(path, glb(parts))
    surfaces_there = sum(mesh.n_cells > 0 for _, mesh, _ in meshes)
    return Exchanged(path, {"surfaces": surfaces_there, "needles": len(told)})
