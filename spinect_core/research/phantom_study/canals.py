"""Pedicles, the bony canal and the L5/S1 foramen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.research.phantom_study.bodies import Body
from spinect_core.research.phantom_study.solids import Frame, Solid, section

LONGEST_MM = 40.0
"""Half a line through a pedicle is cut here: then it runs along a process and not across the pedicle."""


@dataclass(frozen=True, eq=False)
class Pedicle:
    """A pedicle at its narrowest.

    Attributes:
        centre: LPS point in the middle of the isthmus.
        width: mm, the narrowest transverse line through the middle of the pedicle.
        height: mm, the lowest cranio-caudal line through it.
        lower, upper: mm above the origin of the body's frame of its margins below and above the centre.
    """

    centre: FloatArray
    width: float
    height: float
    lower: float
    upper: float


def pedicle(body: Body, sign: float) -> Pedicle:
    """The pedicle of a side (sign +1 left, -1 right).

    Coronal slices are laid from 1 mm before to 7 mm behind the rear wall of the body. In each, the middle of the
    pedicle is the centre of the largest circle that fits into the bone beside the canal. Through it the shortest line
    is sought in the axial plane (within 35 degrees of transverse) and in the sagittal plane (within 30 degrees of
    upright). Width and height are the smallest of all slices.

    Raises:
        MeasurementError: there is no bone where a pedicle should be.
    """
    frame = body.frame
    wall = body.rear_wall(0.0, 0.0)
    found: list[tuple[float, float, float]] = []
    widths, heights = [], []
    for b in np.arange(wall - 1.0, wall + 7.1, 1.0):
        cut = Frame(frame.point(0.0, b, 0.0), frame.left, frame.up, frame.back)
        s, field = section(body.solid, cut, 42.0)
        inside = field >= 0.5
        depth = distance_transform_edt(inside) * 0.5
        # Beside the canal, and not as far out or low as the transverse and articular processes.
        a = sign * s[None, :]
        depth = np.where((a > 9.0) & (a < 32.0) & (s[:, None] > -8.0) & (s[:, None] < 22.0), depth, 0.0)
        if depth.max() < 2.0:
            continue
        row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
        centre = frame.point(s[column], b, s[row])
        width = _narrowest(body.solid, centre, frame.left, frame.back, 35.0)
        height = _narrowest(body.solid, centre, frame.up, frame.back, 30.0)
        found.append((float(s[column]), float(b), float(s[row])))
        widths.append(width)
        heights.append(height)
    if not found:
        raise MeasurementError("No pedicle is found beside the canal", "Look at the labels of the vertebra")
    # The corner of the body can bulge behind its middle; the pedicle itself begins farther back.
    behind = [i for i, place in enumerate(found) if place[1] >= wall + 2.0] or list(range(len(found)))
    at = min(behind, key=lambda i: heights[i])
    widths, heights = _running_mean(widths), _running_mean(heights)
    centre = frame.point(*found[at])
    down, up = body.solid.chord(centre, frame.up, 30.0)
    level = found[at][2]
    return Pedicle(centre, min(widths), min(heights), level - down, level + up)


def _running_mean(values: list[float]) -> list[float]:
    """Mean of every value and its neighbours: the smallest of many noisy lines would be too small."""
    return [float(np.mean(values[max(i - 1, 0) : i + 2])) for i in range(len(values))]


def _narrowest(solid: Solid, middle: FloatArray, main: FloatArray, other: FloatArray, within: float) -> float:
    lengths = []
    for angle in np.radians(np.arange(-within, within + 1.0, 5.0)):
        ends = solid.chord(middle, np.cos(angle) * main + np.sin(angle) * other, LONGEST_MM)
        lengths.append(sum(LONGEST_MM if np.isnan(end) else end for end in ends))
    return min(_running_mean(lengths)[1:-1])


def bony_canal(body: Body, pedicles: tuple[Pedicle, Pedicle]) -> dict[str, float]:
    """AP diameter, width (mm) and area (mm²) of a vertebra's canal on the level of its pedicles.

    AP is the shortest midline distance from the rear wall of the body to the lamina, from 4 mm under the pedicles to a
    fifth of their height below their upper margin. Width is the shortest distance between the pedicles. Area is that
    of the axial plane of the vertebra nearest to the middle of the pedicles in which bone closes the canal all round.
    """
    frame = body.frame
    low = float(np.mean([p.lower for p in pedicles]))
    high = float(np.mean([p.upper for p in pedicles]))
    depths, widths = [], []
    usual = body.rear_wall(0.0, 0.0)
    for c in np.arange(low - 4.0, high - 0.2 * (high - low), 0.5):
        wall = body.rear_wall(0.0, c)
        # Near the end plate the midline leaves the body through its dish, not through its rear wall.
        if not abs(wall - usual) < 4.0:
            continue
        start = frame.point(0.0, wall + 2.0, c)
        depth = body.solid.reach(start, frame.back, 30.0, enter=True)
        if not depth > 0.0:
            continue
        depths.append(depth + 2.0)
        middle = frame.point(0.0, wall + 6.0, c)
        if body.solid.at(middle[None])[0] < 0.5:
            sides = [body.solid.reach(middle, s * frame.left, 30.0, enter=True) for s in (1.0, -1.0)]
            widths.append(sum(sides))
    return {
        "ap": _smallest(depths),
        "width": _smallest(widths),
        "area": _closed_area(body, low - 6.0, high, (low + high) / 2),
    }


def _smallest(values: list[float]) -> float:
    return float(np.nanmin(values)) if np.isfinite(values).any() else float("nan")


def _closed_area(body: Body, low: float, high: float, wanted: float) -> float:
    frame = body.frame
    for c in sorted(np.arange(low, high + 0.1, 1.0), key=lambda level: abs(level - wanted)):
        wall = body.rear_wall(0.0, c)
        if not np.isfinite(wall) or wall == 0.0:
            continue
        cut = Frame(frame.point(0.0, wall + 6.0, c), frame.left, frame.back, frame.up)
        _s, field = section(body.solid, cut, 28.0)
        pieces, _count = label(field < 0.5)
        here = pieces[field.shape[0] // 2, field.shape[1] // 2]
        border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
        if here and not (border == here).any():
            return float((pieces == here).sum() * 0.25)
    return float("nan")


@dataclass(frozen=True, eq=False)
class Foramen:
    """The L5/S1 foramen in the sagittal plane through the middle of the L5 pedicle.

    Attributes:
        top, bottom: LPS ends of its height: lower margin of the L5 pedicle and upper margin of the S1 pedicle.
        upper_width: mm from body or disc in front to bone behind, a quarter of the height under the pedicle.
        lower_width: the same three quarters under the pedicle, on the level of the disc.
        width: the largest such line between 15 and 85 % of the height.
    """

    top: FloatArray
    bottom: FloatArray
    upper_width: float
    lower_width: float
    width: float

    @property
    def height(self) -> float:
        """Length in mm from pedicle to pedicle."""
        return float(np.linalg.norm(self.top - self.bottom))

    @property
    def centre(self) -> FloatArray:
        """LPS middle of its height."""
        return (self.top + self.bottom) / 2


def foramen(body: Body, sacrum: Solid, walls: Solid, above: Pedicle, disc_up: FloatArray) -> Foramen:
    """The foramen under a pedicle.

    Height is the longest line along the disc's axis that has the pedicle of L5 above, the sacrum below and neither
    bone nor disc between them, from 5 mm before to 10 mm behind the rear wall of L5. Where disc and articular process
    meet, so that there is no such line, the disc's margin may lie on the way. Widths are the smallest of three
    sagittal slices: through the middle of the pedicle and 2.5 and 5 mm medial to it.

    Args:
        body: L5.
        sacrum: the sacrum.
        walls: L5, sacrum and the disc between them as one solid.
        above: the pedicle of L5 on that side.
        disc_up: mean normal of the end plates of the disc L5/S1.

    Raises:
        MeasurementError: no such line is found.
    """
    frame = body.frame
    lateral = float(frame.local(above.centre)[0])
    forwards = frame.back - (frame.back @ disc_up) * disc_up
    wall = body.rear_wall(0.0, 0.0)
    start = frame.point(lateral, wall, (above.lower + above.upper) / 2)
    main = _height_line(body.solid, sacrum, walls, frame.back, disc_up, start)
    if main is None:
        raise MeasurementError(
            "No foramen L5/S1 is found under the pedicle", "Look at the labels of the bones"
        )
    widths = []
    for medial in (0.0, 2.5, 5.0):
        moved = start - np.sign(lateral) * medial * frame.left
        line = _height_line(body.solid, sacrum, walls, frame.back, disc_up, moved)
        if line is not None:
            widths.append(_widths(walls, line, forwards))
    upper, lower, largest = (_smallest([values[i] for values in widths]) for i in range(3))
    return Foramen(main[0], main[1], upper, lower, largest)


def _height_line(
    vertebra: Solid, sacrum: Solid, walls: Solid, back: FloatArray, up: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    best: dict[bool, tuple[float, FloatArray, FloatArray]] = {}
    for b in np.arange(-5.0, 10.1, 0.5):
        leave = vertebra.reach(start + b * back, -up, 16.0, enter=False)
        if not leave > 0.0:
            continue
        top = start + b * back - leave * up
        floor = sacrum.reach(top, -up, 40.0, enter=True)
        fall = walls.reach(top - 1.0 * up, -up, 40.0, enter=True) + 1.0
        again = vertebra.reach(top - 1.0 * up, -up, 40.0, enter=True) + 1.0
        if np.isnan(floor) or again < floor:
            continue
        free = abs(floor - fall) < 1.0 and _roomy(walls, top, top - floor * up, back)
        if free not in best or floor > best[free][0]:
            best[free] = (floor, top, top - floor * up)
    found = best.get(True, best.get(False))
    return None if found is None else (found[1], found[2])


def _roomy(walls: Solid, top: FloatArray, bottom: FloatArray, back: FloatArray) -> bool:
    """Whether the middle of a line is clear for 1.5 mm before and behind it, as in no joint between two processes."""
    along = top + np.linspace(0.3, 0.7, 9)[:, None] * (bottom - top)
    return all(bool((walls.at(along + step * back) < 0.5).all()) for step in (-1.5, 1.5))


def _widths(
    walls: Solid, line: tuple[FloatArray, FloatArray], forwards: FloatArray
) -> tuple[float, float, float]:
    """Width at a quarter, at three quarters, and the largest, along a height line."""

    def width(share: float) -> float:
        point = line[0] + share * (line[1] - line[0])
        ways = [walls.reach(point, sign * forwards, 30.0, enter=True) for sign in (-1.0, 1.0)]
        return sum(ways) if min(ways) > 0.0 else float("nan")

    return width(0.25), width(0.75), _largest([width(share) for share in np.arange(0.15, 0.86, 0.05)])


def _largest(values: list[float]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")
