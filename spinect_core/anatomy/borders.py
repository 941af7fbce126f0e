"""The borders of the Kambin and the safe triangle, as lines on the surfaces of bone and nerve.

Borders after Fan et al., AJNR 2019;40:1074. They hang on the landmarks, so that they follow when one is moved; between
the landmarks they lie where the signed distance of the labels is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from spinect_core.anatomy.courses import Course, dense, leaves_sac, root_surface
from spinect_core.anatomy.fields import Field, signed_field
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.placing import close_up
from spinect_core.anatomy.refine import Axes, axes_of, upper_axes_of
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import Kind, Role, Side, Version
from spinect_core.geometry.zone import Border, Zone
from spinect_core.image.volume import BONE, NERVE, Labels

STEP_MM = 0.7
ROOT_FOUND_LEAST = 0.5
"""A border is only drawn on a root of which at least this part was found."""

EVEN_GAP_MM = 0.5
"""The place nearest to the root is a weighted mean: a gap wider than the smallest by this much weighs 1/e as much."""

RIM_ABOVE_MM = 6.0
RIM_BELOW_MM = 16.0
"""The superior border of S1 is searched from this far above the plane of its end plate to this far below (the ala)."""

EDGE_ABOVE_MM, LEAP_MM = 3.0, 2.5
"""A point higher above the plane of the end plate, or this far from its neighbours, is not on the border of S1."""

EDGE_BELOW_MM = 5.0
"""The edge of the ala is used where it lies at most this far below that plane, if need be in steps farther back."""

EDGE_STEPS_MM = tuple(np.arange(0.0, 10.1, 1.0))

RIM_LOWER_MM, CANAL_MM = 2.0, 14.0
"""The rear wall is looked for this far below the plane of the end plate, and at most this far in front of the dura."""

WALL_MM = 2.0
"""The lower margin of the pedicle ends towards the canal where its face has risen by this much."""


Line = tuple[FloatArray, float]
"""Points (n, 3) of a border, and the share of them that were found on the surface and not bridged."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The landmarks and surfaces on which the borders are drawn.

    Attributes:
        landmarks: of the level.
        bone: signed distance to bone, in mm, near that level.
        nerve: signed distance to nerve, in mm, near that level.
    """

    landmarks: Landmarks
    bone: Field
    nerve: Field

    @classmethod
    def of(cls, landmarks: Landmarks, labels: Labels) -> Ground:
        """Made from the landmarks and the label map of a level.

        Raises:
            AnatomyError: the labels do not reach the level.
        """
        near = close_up(labels, landmarks.points[landmarks.names.focus])
        return cls(landmarks, signed_field(near, BONE), signed_field(near, NERVE))

    def axes(self, side: Side) -> Axes:
        """Axes of the lower vertebra: unit vectors out to the side, upwards and to the back."""
        return axes_of(self.landmarks.points, self.landmarks.names, side)

    def upper_axes(self, side: Side) -> Axes:
        """The same for the upper vertebra."""
        return upper_axes_of(self.landmarks.points, self.landmarks.names, side)

    def point(self, name: str, side: Side) -> FloatArray:
        """LPS mm (3,) of a landmark on a side."""
        return self.landmarks.points[f"{name} {side}"]

    def root(self, side: Side) -> Course:
        """The course of the exiting root on a side.

        Raises:
            MeasurementError: too little of it was found.
        """
        name = f"{self.landmarks.names.exiting} {side}"
        course = self.landmarks.courses[name]
        if course.part_found < ROOT_FOUND_LEAST or len(course.points) < 10:
            raise MeasurementError(
                f"The {side} {self.landmarks.names.exiting} root was not found on the labels",
                "Check the nerve on the slices, or draw the triangle by hand",
            )
        return course

    def axilla(self, course: Course) -> int:
        """Index in a root's course from which it is a separate strand, outside the sac."""
        return min(leaves_sac(course, self.nerve), len(course.points) - 6)

    def sure(self, side: Side, *names: str) -> float:
        """The lowest confidence among landmarks of a side, 0 to 1."""
        return min(self.landmarks.confidence(f"{name} {side}") for name in names)


def zones(
    landmarks: Landmarks,
    labels: Labels,
    side: Side,
    level: str | None = None,
    *,
    ground: Ground | None = None,
) -> tuple[Zone, ...]:
    """The zones of a side: Kambin with its bony and with its neural height, and the safe triangle.

    Args:
        landmarks: of the level.
        labels: 0 background, 1 bone, 2 nerve.
        side: "left" or "right".
        level: its name, if it is to be another than the landmarks'.
        ground: of these landmarks and labels, to share between sides; made when absent.

    Raises:
        MeasurementError: the exiting root was not found, so that no zone has a hypotenuse.
        AnatomyError: the labels do not reach the level.
    """
    ground = ground or Ground.of(landmarks, labels)
    name = level or landmarks.level
    return (
        kambin_zone(ground, side, name, Version.BONY),
        kambin_zone(ground, side, name, Version.NEURAL),
        safe_zone(ground, side, name),
    )


# ------------------------------------------------------------------------------------------------------------- Kambin


def kambin_zone(ground: Ground, side: Side, level: str, version: Version) -> Zone:
    """The Kambin triangle: base outwards, hypotenuse back up along the root, height down again."""
    names, root = ground.landmarks.names, ground.root(side)
    out, up, back = ground.axes(side)
    foot = ground.point(f"{names.lower} superior articular base", side)
    centre = ground.landmarks.points[names.focus]
    lower = root_surface(root, ground.nerve, foot - root.points)
    height_of = (lower - centre) @ up
    bony = version == Version.BONY
    apex = _bony_apex(ground, side, lower, up, centre) if bony else ground.axilla(root)
    far = _crossing(height_of, apex, ground, lower, up)
    upper_end = lower[apex]
    height, height_met = (
        _process_edge(ground, side, upper_end) if bony else _dural_edge(ground, side, upper_end, centre, up)
    )
    start = height[-1] if bony else _over_the_rim(ground, height[-1], up, back)
    base, base_met = _superior_border(ground, side, start, lower[far], centre, (out, up, back))
    found = float(root.found[apex : far + 1].mean())
    process = ground.sure(
        side, f"{names.lower} superior articular base", f"{names.lower} superior articular tip"
    )
    rim = ground.sure(side, f"{names.lower} posterolateral corner")
    traversing = ground.landmarks.courses[f"{names.traversing} {side}"].part_found
    words = (
        f"{names.lower} superior articular process"
        if bony
        else f"traversing {names.traversing} root and dura"
    )
    borders = (
        Border(f"superior border of {names.lower}", Role.BASE, base, rim * base_met),
        Border(
            f"exiting {names.exiting} root",
            Role.HYPOTENUSE,
            dense(lower[apex : far + 1][::-1], STEP_MM),
            found,
        ),
        Border(words, Role.HEIGHT, height, height_met * (process if bony else traversing)),
    )
    return Zone(Kind.KAMBIN, version, side, level, borders, min(border.confidence for border in borders))


def _bony_apex(ground: Ground, side: Side, lower: FloatArray, up: FloatArray, centre: FloatArray) -> int:
    """Index where the root comes nearest to the articular process, above the end plate."""
    names = ground.landmarks.names
    base, tip = (ground.point(f"{names.lower} superior articular {end}", side) for end in ("base", "tip"))
    above = np.flatnonzero((lower - centre) @ up > 2.0)
    if not len(above):
        return 0
    nearest = nearest_place(lower[above], base, tip)
    return min(int(above[nearest]), len(lower) - 5)


def nearest_place(line: FloatArray, base: FloatArray, tip: FloatArray) -> int:
    """Where a line comes nearest to the axis of a process.

    The two often run side by side. Then the place of the least gap leaps along them with a voxel more or less of nerve.
    So all places share in the answer, each the less the wider the gap is there.

    Args:
        line: points (n, 3) of the line, mm.
        base: of the process (3,).
        tip: of the process (3,); the axis is led on beyond it by three tenths of its length.

    Returns:
        The index of a point of the line.
    """
    axis = tip - base
    along = np.clip(((line - base) @ axis) / float(axis @ axis), 0.0, 1.3)
    gap = np.linalg.norm(line - (base + along[:, None] * axis), axis=1)
    share = np.exp((gap.min() - gap) / EVEN_GAP_MM)
    return round(float(np.average(np.arange(len(line)), weights=share)))


def _crossing(height: FloatArray, apex: int, ground: Ground, lower: FloatArray, up: FloatArray) -> int:
    """Index where the root's lower surface reaches the superior border of the lower vertebra.

    That is the plane of its end plate, or the bone below the root where that stands higher (the ala does not).
    """
    below = np.flatnonzero((height <= 0.0) & (np.arange(len(height)) > apex))
    touching = np.flatnonzero((ground.bone.at(lower - 0.6 * up) < 0.3) & (np.arange(len(height)) > apex + 4))
    touching = touching[height[touching] < 3.0]
    ends = [int(found[0]) for found in (below, touching) if len(found)]
    return max(min(ends) if ends else len(height) - 1, apex + 4)


def _process_edge(ground: Ground, side: Side, apex: FloatArray) -> Line:
    """The front-lateral edge of the superior articular process, from the root's height down to its base."""
    names = ground.landmarks.names
    base, tip = (ground.point(f"{names.lower} superior articular {end}", side) for end in ("base", "tip"))
    out, _up, back = ground.axes(side)
    axis = tip - base
    top = float(np.clip(((apex - base) @ axis) / float(axis @ axis), 0.15, 1.0))
    inner = base + np.linspace(top, 0.0, max(int(top * np.linalg.norm(axis) / STEP_MM), 4))[:, None] * axis
    # Begun behind the edge, inside the process, wherever exactly the landmarks lie.
    start = inner + 2.5 * back
    return _met(ground.bone, start, 0.6 * out - 0.8 * back, 9.0, inner)


def _dural_edge(ground: Ground, side: Side, axilla: FloatArray, centre: FloatArray, up: FloatArray) -> Line:
    """The lateral surface of sac and traversing root from the axilla down to the superior border."""
    names = ground.landmarks.names
    out, _up, _back = ground.axes(side)
    root, sac = ground.landmarks.courses[f"{names.traversing} {side}"], ground.landmarks.sac
    heights = np.arange(float((axilla - centre) @ up), -0.01, -STEP_MM)
    if len(heights) < 4:
        heights = np.linspace(max(float((axilla - centre) @ up), 2.0), 0.0, 4)
    lines = [line for line in (root, sac) if line is not None and len(line.points) > 4]
    if not lines:
        raise MeasurementError(
            f"Neither sac nor {names.traversing} root were found on the {side}",
            "Check the nerve on the slices",
        )
    edges = []
    for line in lines:
        surface = root_surface(line, ground.nerve, out, 12.0 if line is sac else 4.5)
        level = (surface - centre) @ up
        order = np.argsort(level)
        edge = np.stack([np.interp(heights, level[order], surface[order, axis]) for axis in range(3)], axis=1)
        covered = (heights >= level.min()) & (heights <= level.max())
        edges.append(np.where(covered[:, None], edge, np.nan))
    reach = np.stack([(edge - centre) @ out for edge in edges])
    reach = np.where(np.isfinite(reach), reach, -np.inf)
    best = np.argmax(reach, axis=0)
    line = np.stack(edges)[best, np.arange(len(heights))]
    good = np.isfinite(line).all(axis=1)
    line = line[good]
    if len(line) < 2:
        raise MeasurementError(
            f"The {names.traversing} root was not found beside the {side} triangle",
            "Check the nerve on the slices",
        )
    return np.concatenate([axilla[None], line]), float(good.mean())


def _over_the_rim(ground: Ground, dura: FloatArray, up: FloatArray, back: FloatArray) -> FloatArray:
    """The place on the rear rim of the lower vertebra in front of the dura (3,): behind it the canal goes on down."""
    low = dura[None] - RIM_LOWER_MM * up
    way = ground.bone.crossing(low, -back, CANAL_MM, leaving=False)[0]
    return np.asarray(dura if not np.isfinite(way) else dura - (way + RIM_LOWER_MM) * back)


def _superior_border(
    ground: Ground,
    side: Side,
    start: FloatArray,
    end: FloatArray,
    centre: FloatArray,
    axes: Axes,
) -> Line:
    """The rear rim of the lower vertebra's upper surface, out to the ala below the root."""
    out, up, back = axes
    corner = ground.point(f"{ground.landmarks.names.lower} posterolateral corner", side)
    way = np.array([start, corner, end])
    flat = way - ((way - centre) @ up)[:, None] * up
    if (flat[1] - flat[0]) @ out < 1.0 or (flat[2] - flat[1]) @ out < 1.0:
        flat = flat[[0, 2]]
    line = dense(flat, STEP_MM)
    # A root runs down in front of the ala: there the ala's edge lies behind the place under the root.
    met = np.stack([_met_from_above(ground, line + step * back, up) for step in EDGE_STEPS_MM])
    depth = np.nan_to_num(((line - met) * up).sum(axis=2), nan=2 * RIM_BELOW_MM)
    shallow = depth <= EDGE_BELOW_MM
    best = np.where(shallow.any(axis=0), shallow.argmax(axis=0), depth.argmin(axis=0))
    border = met[best, np.arange(len(line))]
    height = -depth[best, np.arange(len(line))]
    # Places on the articular process or on a bridge from above, and single ones that leap, are no part of the border.
    border[
        (height > EDGE_ABOVE_MM) | (np.abs(height - median_filter(height, 7, mode="nearest")) > LEAP_MM)
    ] = np.nan
    return _bridged(border, line)


def _met_from_above(ground: Ground, line: FloatArray, up: FloatArray) -> FloatArray:
    """The bone (n, 3) under places in the plane of the end plate, nan where there is none."""
    above = line + RIM_ABOVE_MM * up
    # Where the bone above is met at once, the disc's space is looked for below it.
    lift = np.where(ground.bone.at(above) < 0.0, ground.bone.crossing(above, -up, RIM_ABOVE_MM), 0.0)
    above = above - np.nan_to_num(lift)[:, None] * up
    drop = ground.bone.crossing(above, -up, RIM_ABOVE_MM + RIM_BELOW_MM, leaving=False)
    return np.asarray(above - drop[:, None] * up)


# --------------------------------------------------------------------------------------------------------------- safe


def safe_zone(ground: Ground, side: Side, level: str) -> Zone:
    """The safe triangle: base outwards under the pedicle, height down the body, hypotenuse back along the root."""
    names, root = ground.landmarks.names, ground.root(side)
    out, up, back = ground.upper_axes(side)
    margin = ground.point(f"{names.upper} pedicle lower margin", side)
    border = ground.point(f"{names.upper} body lateral border", side)
    width = max(float((border - margin) @ out), 1.0)
    base, base_met = _pedicle_margin(ground, margin, width, out, up)
    upper = root_surface(root, ground.nerve, np.tile(up, (len(root.points), 1)))
    reach = (upper - margin) @ out
    crossing = np.flatnonzero((reach[:-1] < width) & (reach[1:] >= width))
    far = int(crossing[0]) + 1 if len(crossing) else int(np.argmin(np.abs(reach - width)))
    first = int(np.argmin(np.abs(reach[: far + 1] - float((base[0] - margin) @ out))))
    first = min(first, max(far - 3, 0))
    height, height_met = _body_border(ground, base[-1], upper[far], out, back)
    pedicle = ground.sure(side, f"{names.upper} pedicle lower margin")
    body = ground.sure(side, f"{names.upper} body lateral border")
    found = float(root.found[first : far + 1].mean())
    borders = (
        Border(f"lower margin of the {names.upper} pedicle", Role.BASE, base, pedicle * base_met),
        Border(f"lateral border of the {names.upper} body", Role.HEIGHT, height, body * height_met),
        Border(
            f"outer border of the exiting {names.exiting} root",
            Role.HYPOTENUSE,
            dense(upper[first : far + 1][::-1], STEP_MM),
            found,
        ),
    )
    return Zone(Kind.SAFE, Version.NONE, side, level, borders, min(border.confidence for border in borders))


def _pedicle_margin(
    ground: Ground, margin: FloatArray, width: float, out: FloatArray, up: FloatArray
) -> Line:
    """The lower surface of the pedicle from the canal to the lateral border of the body."""
    inside = margin + 4.0 * up
    medial = ground.bone.crossing(inside[None], -out, 14.0)[0]
    medial = 7.0 if not np.isfinite(medial) else float(medial)
    # At the very wall the pedicle has no lower surface yet.
    across = np.arange(-max(medial - 1.0, 2.0), width + STEP_MM / 2, STEP_MM)
    start = inside + across[:, None] * out
    drop = ground.bone.crossing(start, -up, 11.0)
    # Where the lower face turns up into the wall of the canal the margin ends.
    drop[(across < 0.0) & (drop < 4.0 - WALL_MM)] = np.nan
    found = np.flatnonzero(np.isfinite(drop))
    first = int(found[0]) if len(found) > 2 else 0
    surface = start - drop[:, None] * up
    return _bridged(surface[first:], (margin + across[:, None] * out)[first:])


def _body_border(
    ground: Ground, top: FloatArray, bottom: FloatArray, out: FloatArray, back: FloatArray
) -> Line:
    """The lateral border of the body, beside the line from the pedicle to where the root crosses it."""
    line = dense(np.array([top, bottom]), STEP_MM)
    ahead = -back - 0.35 * out
    ahead /= np.linalg.norm(ahead)
    way = ground.bone.crossing(line, ahead, 16.0, leaving=False)
    within = ground.bone.at(line) < 0.0
    return _bridged(line + np.where(within, 0.0, way)[:, None] * ahead, line)


def _met(field: Field, start: FloatArray, direction: FloatArray, reach: float, otherwise: FloatArray) -> Line:
    """Where rays (n, 3) that begin inside leave the surface; gaps are bridged."""
    way = field.crossing(start, direction / np.linalg.norm(direction), reach)
    return _bridged(start + way[:, None] * direction / np.linalg.norm(direction), otherwise)


def _bridged(points: FloatArray, otherwise: FloatArray) -> Line:
    """The points (n, 3), those that are not finite laid between their neighbours; ``otherwise`` if none is."""
    good = np.isfinite(points).all(axis=1)
    if good.sum() < 2:
        return np.array(otherwise, dtype=np.float64), 0.0
    index = np.arange(len(points))
    line = np.stack([np.interp(index, index[good], points[good, axis]) for axis in range(3)], axis=1)
    return line, float(good.mean())
