"""The two triangles of L5/S1 on both sides, proposed from the labels alone.

Borders after Fan et al., AJNR 2019;40:1074. Kambin: the exiting L5 root, the superior border of S1, the superior
articular process of S1. Safe: the lower margin of the L5 pedicle, the lateral border of the L5 body, the outer border
of the L5 root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.anatomy.landmarks import Course, Landmarks, find_landmarks
from spinect_core.anatomy.openings import open_part
from spinect_core.errors import MeasurementError
from spinect_core.planning.triangle import SIDES, Triangle
from spinect_core.planning.view import View
from spinect_core.progress import Cancel, Progress, check, part_of, silent
from spinect_core.volume import FloatArray, Labels

OBLIQUES = tuple(range(0, 61, 5))
TILTS = tuple(range(-40, 41, 5))
"""Views that are tried, in degrees: what can be reached from behind the prone patient."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A triangle and how far it can be relied on.

    Attributes:
        triangle: in the view that shows most of it unobstructed.
        open_part: part of it, 0 to 1, that no bone or nerve covers in that view.
        root_found: part of the L5 course, 0 to 1, where the labels hold nerve.
    """

    triangle: Triangle
    open_part: float
    root_found: float


@dataclass(frozen=True, eq=False)
class Proposals:
    """All that was found.

    Attributes:
        proposals: at most one Kambin and one safe triangle a side.
        landmarks: the points and courses they rest on.
        notes: what is doubtful or missing, in words.
    """

    proposals: tuple[Proposal, ...]
    landmarks: Landmarks
    notes: tuple[str, ...]

    @property
    def triangles(self) -> tuple[Triangle, ...]:
        """The triangles alone."""
        return tuple(proposal.triangle for proposal in self.proposals)


def propose_triangles(
    labels: Labels,
    *,
    sides: tuple[str, ...] = SIDES,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Proposals:
    """Find L5/S1 and propose both triangles on the given sides.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        sides: "left", "right" or both.
        progress: told how far it is.
        cancel: asked often.

    Raises:
        PlanError: too little bone to find a level in.
    """
    landmarks = find_landmarks(labels, progress=part_of(progress, 0.0, 0.85), cancel=cancel)
    notes = list(landmarks.notes)
    found = []
    for side in sides:
        course = landmarks.courses[f"L5 {side}"]
        if course.part_found < 0.5:
            continue
        for kind, vertices in (
            ("kambin", kambin_vertices(landmarks, side)),
            ("safe", safe_vertices(landmarks, side)),
        ):
            check(cancel)
            progress(0.9, f"turning the {side} {kind} triangle")
            try:
                view, part = best_view(labels, vertices, side)
                triangle = Triangle(kind, side, vertices, view, author="automatic")
            except MeasurementError as error:
                notes.append(f"The {side} {kind} triangle could not be measured: {error.fault}")
                continue
            if part == 0.0:
                notes.append(
                    f"The {side} {kind} triangle is covered by bone or nerve in every view that was tried"
                )
            found.append(Proposal(triangle, part, course.part_found))
    progress(1.0, "triangles proposed")
    return Proposals(tuple(found), landmarks, tuple(notes))


def best_view(labels: Labels, vertices: FloatArray, side: str) -> tuple[View, float]:
    """The view of the grid in which most mm² of the triangle are open, and the open part there.

    Where nothing is open in any view, the view with the largest projected area.
    """
    normal = 0.5 * np.cross(vertices[1] - vertices[0], vertices[2] - vertices[0])
    best: tuple[float, float, View, float] | None = None
    for oblique in OBLIQUES:
        for tilt in TILTS:
            view = View.oblique(side, oblique, tilt)
            area = float(abs(normal @ view.vector))
            part = open_part(labels, vertices, view, step_mm=1.5)
            # The open area decides; the area itself breaks ties where nothing is open.
            key = (area * part, area)
            if best is None or key > best[:2]:
                best = (*key, view, part)
    assert best is not None
    return best[2], best[3]


def _lean(landmarks: Landmarks, side: str) -> tuple[FloatArray, FloatArray]:
    """Unit vectors out of the patient's middle to the ``side``, and normal to the upper end plate of S1 (upwards)."""
    p = landmarks.points
    left, right = p["S1 posterolateral corner left"], p["S1 posterolateral corner right"]
    centre = p["S1 upper end plate centre"]
    across = (left - right) / np.linalg.norm(left - right)
    normal = np.cross(across, (left + right) / 2 - centre)
    normal /= np.linalg.norm(normal)
    if normal[2] < 0:
        normal = -normal
    return (across if side == "left" else -across), normal


def _border(course: Course, index: int, towards: FloatArray) -> FloatArray:
    """The point on the root's surface at ``index`` on the side of ``towards``."""
    direction = np.gradient(course.points, axis=0)[index]
    direction /= max(float(np.linalg.norm(direction)), 1e-9)
    offset = towards - course.points[index]
    offset -= (offset @ direction) * direction
    length = max(float(np.linalg.norm(offset)), 1e-9)
    return np.asarray(course.points[index] + offset / length * min(float(course.radii[index]), length))


def kambin_vertices(landmarks: Landmarks, side: str) -> FloatArray:
    """Vertices (3, 3): root at the articular process, base of the process on S1, root at the superior border of S1."""
    p, course = landmarks.points, landmarks.courses[f"L5 {side}"]
    base, tip = p[f"S1 superior articular base {side}"], p[f"S1 superior articular tip {side}"]
    _out, up = _lean(landmarks, side)
    centre = p["S1 upper end plate centre"]
    height = (course.points - centre) @ up
    # The apex: where the root comes nearest to the articular process, above the end plate.
    axis = tip - base
    t = np.clip(((course.points - base) @ axis) / float(axis @ axis), 0.0, 1.5)
    gap = np.linalg.norm(course.points - (base + t[:, None] * axis), axis=1)
    gap = np.where(height > 2.0, gap, np.inf)
    apex = int(np.argmin(gap))
    # The far corner: where the root, on its way down, reaches the superior border of S1.
    below = np.flatnonzero((height <= 0.0) & (np.arange(len(height)) > apex))
    far = int(below[0]) if len(below) else len(height) - 1
    return np.array([_border(course, apex, base), base, _border(course, far, base)])


def safe_vertices(landmarks: Landmarks, side: str) -> FloatArray:
    """Vertices (3, 3): pedicle margin over the root, the same at the body's lateral border, root at that border."""
    p, course = landmarks.points, landmarks.courses[f"L5 {side}"]
    margin, lateral = p[f"L5 pedicle lower margin {side}"], p[f"L5 body lateral border {side}"]
    out, _up = _lean(landmarks, side)
    reach = (course.points - lateral) @ out
    crossing = np.flatnonzero((reach[:-1] < 0.0) & (reach[1:] >= 0.0))
    far = int(crossing[-1]) if len(crossing) else int(np.argmin(np.abs(reach)))
    medial = margin - 5.0 * out
    # The lateral corner lies on the pedicle's lower margin, carried out to the body's lateral border.
    corner = margin + max(float((lateral - margin) @ out), 1.0) * out
    return np.array([medial, corner, _border(course, far, corner)])
