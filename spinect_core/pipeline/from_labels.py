"""Planning and measuring from labels of any origin: another program's, a person's, or those of an earlier run."""

from __future__ import annotations

from dataclasses import dataclass

from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.anatomy.levels import LUMBOSACRAL
from spinect_core.base.errors import MeasurementError
from spinect_core.base.notes import Note
from spinect_core.base.progress import Cancel, Progress, part_of, silent
from spinect_core.base.words import SIDES, Guidance, Kind, Side, word
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.organs import Organs
from spinect_core.image.volume import Labels, Volume
from spinect_core.plan.wording import sentences
from spinect_core.planning.level import Approaches, gaps_of, plan_level
from spinect_core.planning.results import CasePlan
from spinect_core.planning.room import Room
from spinect_core.planning.rules import Rules
from spinect_core.planning.search.angle_map import STEP_DEGREES
from spinect_core.planning.zones.closers import NEEDLE_RADIUS_MM, Closing, what_closes
from spinect_core.planning.zones.fitted import FittedTriangle, fit_triangle
from spinect_core.planning.zones.window import FreeWindow, Sight
from spinect_core.preprocessing.grid import GRID_MM, on_regular_grid
from spinect_core.surfaces import build_surfaces


@dataclass(frozen=True, eq=False)
class Measurement:
    """A triangle as seen along one line of sight.

    Attributes:
        landmarks: of the level.
        zone: the triangle's borders in space.
        window: what bone and nerve leave open of it in the view.
        fitted: the largest triangle in the window; None where nothing is open.
        closing: the structures that stop a 22 G needle; None where one fits through the window.
        notes: warnings about the level and the other triangles of the side.
    """

    landmarks: Landmarks
    zone: Zone
    window: FreeWindow
    fitted: FittedTriangle | None
    closing: Closing | None
    notes: tuple[Note, ...] = ()


def plan_labels(
    labels: Labels,
    volume: Volume | None = None,
    *,
    sides: tuple[Side, ...] = SIDES,
    level: str = LUMBOSACRAL,
    shift: int | None = None,
    lumbar: int | None = None,
    step: float = STEP_DEGREES,
    rules: Rules | None = None,
    guidance: Guidance = Guidance.CT,
    organs: Organs | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CasePlan:
    """Find a level, search all lines of sight to its triangles and place a needle along the best of them.

    Args:
        labels: 0 background, 1 bone, 2 nerve, on any grid; brought to 1 mm.
        volume: the CT, for the skin; without it no needle is placed.
        sides: where triangles are wanted.
        level: "L5/S1" for the lumbosacral level, or another by its name.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        lumbar: how many lumbar vertebrae the user has counted, see there.
        step: degrees between the lines of sight that are tried.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.
        organs: of the CT; None where nobody named any.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        AnatomyError: too little bone to find a level in.
        UsageError: no such level, or a shift and a count that contradict each other.
        Cancelled: the user stopped it.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> plan = plan_labels(labels, read_ct("assets/demo/ct.nii.gz"), sides=("left",), step=8)
        >>> [approach.zone.name for approach in plan.approaches]
        ['left Kambin triangle (bony)', 'left Kambin triangle (neural)', 'left safe triangle']
        >>> bony = plan.approaches[0]
        >>> print(f"{bony.search.best.window.area_mm2:.0f} mm² open {bony.search.best.view.words}")
        44 mm² open left oblique 60°, cranial 28°
        >>> print(f"needle: {bony.needle.needle.depth_mm:.0f} mm from skin to target")
        needle: 88 mm from skin to target
        >>> print(f"angular tolerance: {bony.needle.tolerance.angle.amount:.1f}°")
        angular tolerance: 0.9°
    """
    labels = on_regular_grid(labels, GRID_MM)
    surfaces = build_surfaces(labels, progress=part_of(progress, 0.0, 0.1), cancel=cancel)
    return plan_level(
        Room(labels, surfaces, volume, rules=rules, guidance=guidance, organs=organs),
        sides=sides,
        level=level,
        shift=shift,
        lumbar=lumbar,
        step=step,
        progress=part_of(progress, 0.1, 1.0),
        cancel=cancel,
    )


def measure(
    labels: Labels,
    view: View,
    *,
    side: str,
    kind: str,
    version: str = "bony",
    level: str = LUMBOSACRAL,
    shift: int | None = None,
    lumbar: int | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Measurement:
    """Measure the free window of a triangle along a line of sight.

    Args:
        labels: 0 background, 1 bone, 2 nerve, on any grid; brought to 1 mm.
        view: the line of sight.
        side: the patient's "left" or "right".
        kind: "kambin" or "safe".
        version: of the Kambin triangle: "bony" (the height is the articular process) or "neural" (root and dura).
        level: "L5/S1" for the lumbosacral level, or another by its name.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        lumbar: how many lumbar vertebrae the user has counted, see there.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        MeasurementError: the triangle's borders were not found on this side.
        AnatomyError: too little bone to find a level in.
        UsageError: no such level, or a shift and a count that contradict each other.
        Cancelled: the user stopped it.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> view = View.oblique("left", 50, 28)
        >>> found = measure(labels, view, side="left", kind="kambin")
        >>> found.zone.name
        'left Kambin triangle (bony)'
        >>> print(f"{found.window.area_mm2:.0f} mm² open of {found.window.zone_area_mm2:.0f} mm²")
        39 mm² open of 41 mm²
        >>> print(f"largest circle: {2 * found.window.radius_mm:.1f} mm across")
        largest circle: 4.7 mm across
        >>> found.closing is None  # a 22 G needle fits
        True
    """
    labels = on_regular_grid(labels, GRID_MM)
    surfaces = build_surfaces(labels, progress=part_of(progress, 0.1, 0.4), cancel=cancel)
    landmarks = find_landmarks(
        labels,
        level=level,
        shift=shift,
        lumbar=lumbar,
        progress=part_of(progress, 0.4, 0.9),
        cancel=cancel,
    )
    work = Approaches(Room(labels, surfaces), landmarks)
    zones, missing = work.zones((word(Side, side, "side"),))
    wanted = (kind, version if kind == Kind.KAMBIN else "")
    zone = next((each for each in zones if (each.kind, each.version) == wanted), None)
    if zone is None:
        raise MeasurementError(
            "; ".join(sentences(missing)) or "The triangle's borders were not found",
            "Check the labels on the slices, or choose another level",
        )
    sight = Sight(zone, work.room.obstacles)
    window = sight.window(view)
    fitted = fit_triangle(sight, window) if window.open else None
    closing = None
    if window.radius_mm < NEEDLE_RADIUS_MM:
        closing = what_closes(sight, view, work.parts_of, cancel=cancel)
    notes = (*gaps_of(zone, landmarks), *landmarks.notes, *missing)
    return Measurement(landmarks, zone, window, fitted, closing, notes)
