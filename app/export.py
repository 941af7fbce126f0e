"""Pictures and plans on disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.errors import PlanError
from spinect_core.planning.view import PRESETS

if TYPE_CHECKING:
    from app.case_model import Case, CaseModel, Measurement
    from app.scene import Viewport
    from spinect_core.plan import Plan

SAME_VIEW_DEGREES = 0.05


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


def make_plan(case: Case, measurements: tuple[Measurement, ...]) -> Plan:
    """The document of a case: no patient data, the CT recognised by its checksum."""
    from spinect_core import plan

    if case.facts is None:
        case.facts = plan.Case.of(case.volume)
    run = getattr(case.segmentation, "run", None)
    return plan.Plan(
        case=case.facts,
        region=case.region,
        run=asdict(run) if run is not None else {},
        timings=case.timings,
        # one view for each triangle, which also carries the name the user gave it
        views=tuple(plan.PlanView(each.name, each.triangle.view) for each in measurements),
        triangles=tuple(each.triangle for each in measurements),
        notes=case.notes,
    )


def save_plan(case: Case, measurements: tuple[Measurement, ...], path: Path) -> None:
    """Write a case's plan.

    Raises:
        PlanError: the file cannot be written.
    """
    from spinect_core.plan import write_plan

    write_plan(make_plan(case, measurements), path)


def load_plan(case: Case, path: Path) -> tuple[Plan, list[str]]:
    """A saved plan of this case, and the name of each of its triangles ("" for the usual one).

    Raises:
        PlanError: it cannot be read, or was made on another CT.
    """
    from spinect_core import plan

    read = plan.read_plan(path)
    if case.facts is None:
        case.facts = plan.Case.of(case.volume)
    if read.case.sha256 != case.facts.sha256:
        raise PlanError("This plan was made on another CT", "Open the CT it belongs to first", path.name)
    free = [entry for entry in read.views if entry.name not in PRESETS]
    names = []
    for triangle in read.triangles:
        found = next(
            (entry for entry in free if entry.view.angle_to(triangle.view) < SAME_VIEW_DEGREES), None
        )
        names.append(found.name if found is not None else "")
        if found is not None:
            free.remove(found)
    return read, names
