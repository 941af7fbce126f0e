"""How much of each root is labelled on its way from the sac to beyond its foramen, and where stretches are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, binary_opening, gaussian_filter1d, label
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import Atlas
from spinect_core.anatomy.courses import Course, NerveCloud, snap_course
from spinect_core.anatomy.levels import Level
from spinect_core.anatomy.refine import axes_of
from spinect_core.anatomy.register import cropped
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import SIDES, RootPart, RootPlace, Side
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import NERVE, Labels

BEYOND_MM = 25.0
"""A root is followed this far past its foramen: there it lies beside disc, body and ala, where a needle passes."""

HALF_FORAMEN_MM = 6.0
"""The foramen reaches this far to either side of the middle of the pedicle above it, across the body: half the width of
a narrow pedicle of L5."""

SACRAL_FORAMEN_MM = (20.0, 32.0)
"""S1 lies in its foramen from this far to this far below the upper end plate of the sacrum: the pedicle of S1 ends
above it, and below it the root has come out in front."""

DISC_MM = (-2.0, 11.0)
"""Above the end plate of the lower vertebra: there a root lies beside the disc."""

TUBE_MM = 5.0
"""Nerve this near to a course is of its root: the next root lies 8 mm away or more, but for the sac."""

LEAST_MM2 = 7.0
"""A root is labelled where its section measures at least this: a third of the usual one, half of the thinnest seen."""

ISLAND_MM = 2.0
"""Labelled stretches shorter than this between two gaps join them: a voxel or two are no root."""

BESIDE_MM, SHARED_MM = 8.0, 1.0
"""A border this near to a root's course was made from it, and from a gap if it shares this much of the course with it:
the surface of the thickest root lies 4 mm from its middle."""

SAC_MM = 9.0
"""Nerve this near to the middle of the sac is of it."""

ROUNDS = 5
"""A root that leaves the expected course is followed step by step, each time a little farther."""

GAP_MM = 4.0
"""Gaps shorter than this are not told: along a bend of a whole root, sections on a 1 mm grid miss up to 3 mm."""


@dataclass(frozen=True, eq=False)
class Gap:
    """A stretch of a root's course on which no nerve is labelled.

    Attributes:
        points: LPS mm (n, 3) along it, about 1 mm apart.
        start_mm: from where the root leaves the sac.
        length_mm: along the course.
        place: where on its way.
        supposed: LPS mm (n, 3) from end to end, where the CT lets one suppose the root; None where nothing is supposed.
    """

    points: FloatArray
    start_mm: float
    length_mm: float
    place: RootPlace
    supposed: FloatArray | None = None

    @property
    def stop_mm(self) -> float:
        """Where it ends, from where the root leaves the sac."""
        return self.start_mm + self.length_mm


@dataclass(frozen=True, eq=False)
class RootFound:
    """What of a root is labelled, from the sac to 25 mm beyond its foramen.

    Attributes:
        name: such as "L5 left".
        points: LPS mm (n, 3) along its expected course, drawn to the labelled nerve, about 1 mm apart.
        labelled: (n,) whether nerve is labelled there.
        parts: (n,) of its way.
        cut: whether the labels end before its way does.
        gaps: from the sac outwards.
    """

    name: str
    points: FloatArray
    labelled: npt.NDArray[np.bool_]
    parts: tuple[RootPart, ...]
    cut: bool
    gaps: tuple[Gap, ...]

    @property
    def root(self) -> str:
        """Such as "L5"."""
        return self.name.split()[0]

    @property
    def side(self) -> Side:
        """Of the patient."""
        return Side(self.name.split()[1])

    @property
    def share(self) -> float:
        """How much of its way, as far as the picture holds it, is labelled, 0 to 1."""
        return float(self.labelled.mean())

    @property
    def ends_early(self) -> bool:
        """Whether the picture ends before the root has left its foramen."""
        return self.cut and RootPart.BEYOND not in self.parts

    def part_labelled(self, part: RootPart) -> float | None:
        """How much of a part of its way is labelled, 0 to 1; None where the labels do not reach it."""
        of_part = np.array([each == part for each in self.parts], dtype=bool)
        return float(self.labelled[of_part].mean()) if of_part.any() else None


@dataclass(frozen=True, eq=False)
class Way:
    """The parts of a root's way, point by point of its course in the atlas.

    Attributes:
        parts: (n,) of each point; None before the root leaves the sac and from 25 mm beyond the foramen on.
        disc: (n,) whether it lies beside the disc of the level.
    """

    parts: tuple[RootPart | None, ...]
    disc: npt.NDArray[np.bool_]


def way_of(atlas: Atlas, level: Level, root: str, side: Side) -> Way:
    """The parts of the way of a root of a level in the atlas."""
    line, marks = atlas.courses[f"{root} {side}"], atlas.landmarks
    arc = along(line)
    _out, lower_up, _back = axes_of(marks, level, side)
    height = (line - marks[level.focus]) @ lower_up
    if root == "S1":
        first, last = (int(np.argmax(height < -mm)) for mm in SACRAL_FORAMEN_MM)
    else:
        own, other = (marks[f"{root} pedicle lower margin {name}"] for name in (side, side.other))
        reach = (line - own) @ (own - other) / np.linalg.norm(own - other)
        first, last = (int(np.argmax(reach > mm)) for mm in (-HALF_FORAMEN_MM, HALF_FORAMEN_MM))
    parts = tuple(
        None
        if mm > arc[last] + BEYOND_MM
        else RootPart.RECESS
        if number < first
        else RootPart.FORAMEN
        if number <= last
        else RootPart.BEYOND
        for number, mm in enumerate(arc)
    )
    return Way(parts, (height > DISC_MM[0]) & (height < DISC_MM[1]))


def ways_of(atlas: Atlas, level: Level) -> dict[str, Way]:
    """The ways of the roots of a level by name: the passing, the exiting and the traversing one, left before right."""
    above = Level(level.above_the_sacrum + 1, level.lumbar)
    levels = {level.passing: above, level.exiting: level, level.traversing: level}
    return {f"{root} {side}": way_of(atlas, of, root, side) for root, of in levels.items() for side in SIDES}


def roots_found(
    lines: Mapping[str, FloatArray], ways: Mapping[str, Way], labels: Labels, sac: Course | None = None
) -> dict[str, RootFound]:
    """What of the roots of a level is labelled, by name; without those of which the labels hold nothing.

    Args:
        lines: LPS mm (n, 3) of each, the atlas's course laid over the case, whole.
        ways: their parts, by name.
        labels: 0 background, 1 bone, 2 nerve.
        sac: of the case; the roots begin where they leave it.
    """
    every = np.concatenate([lines[name] for name in ways])
    near = cropped(labels, every.min(axis=0) - 2 * TUBE_MM, every.max(axis=0) + 2 * TUBE_MM)
    if near is None:
        return {}
    cloud = NerveCloud.of(near)
    found = {name: _root_found(name, lines[name], way, near, cloud, sac) for name, way in ways.items()}
    return {name: each for name, each in found.items() if each is not None}


def _root_found(
    name: str, line: FloatArray, way: Way, labels: Labels, cloud: NerveCloud, sac: Course | None
) -> RootFound | None:
    inside = _in_grid(line, labels)
    wanted = np.array([part is not None for part in way.parts])
    if not (inside & wanted).any():
        return None
    # from the first point in the picture to the first that is no longer
    first = int(np.flatnonzero(inside)[0])
    ends = np.flatnonzero(~inside[first:])
    last = first + int(ends[0]) if len(ends) else len(line)
    kept = np.flatnonzero(wanted[first:last])
    if len(kept) < 2:
        return None
    course = expected(line[first:last], cloud, labels)
    labelled = _labelled(course, cloud.points, labels)
    kept = kept[_outside(course[kept], sac).argmax() :]
    if len(kept) < 2:
        return None
    points, labelled = course[kept], labelled[kept]
    parts = tuple(part for part in (way.parts[first + place] for place in kept) if part is not None)
    gaps = _gaps(points, labelled, parts, way.disc[first + kept])
    return RootFound(name, points, labelled, parts, bool(wanted[last:].any()), gaps)


def sac_section(sac: Course, labels: Labels) -> float:
    """Mm² of nerve in the middle one of the sections across the thecal sac; 0 where the labels hold none.

    Args:
        sac: its course in the case.
        labels: 0 background, 1 bone, 2 nerve.
    """
    areas = sac_sections(sac, labels)
    return float(np.median(areas)) if len(areas) else 0.0


def sac_sections(sac: Course, labels: Labels) -> FloatArray:
    """Mm² (n - 2,) of nerve in the sections across the thecal sac but the first and the last; none without labels.

    Args:
        sac: its course in the case.
        labels: 0 background, 1 bone, 2 nerve.
    """
    if len(sac.points) < 3:
        return np.zeros(0)
    low, high = (edge(sac.points, axis=0) for edge in (np.min, np.max))
    near = cropped(labels, low - 2 * SAC_MM, high + 2 * SAC_MM)
    if near is None:
        return np.zeros(0)
    nerve = near.geometry.to_patient(np.argwhere(near.array == NERVE))
    if not len(nerve):
        return np.zeros(0)
    away, nearest = cKDTree(sac.points).query(nerve, distance_upper_bound=SAC_MM)
    count = np.bincount(nearest[np.isfinite(away)], minlength=len(sac.points)).astype(np.float64)
    # The ends hold all that lies beyond them.
    area = (
        count[1:-1]
        * float(np.prod(near.geometry.spacing))
        / np.maximum(np.gradient(along(sac.points)), 0.2)[1:-1]
    )
    return np.asarray(area)


def gaps_beside(root: RootFound, border: FloatArray) -> tuple[Gap, ...]:
    """The gaps of a root from whose course a border was made.

    Args:
        root: of which.
        border: LPS mm (n, 3) along it.
    """
    away, nearest = cKDTree(root.points).query(border)
    arc = along(root.points)[nearest[away <= BESIDE_MM]]
    if not len(arc):
        return ()
    return tuple(
        gap
        for gap in root.gaps
        if min(float(arc.max()), gap.stop_mm) - max(float(arc.min()), gap.start_mm) >= SHARED_MM
    )


def expected(line: FloatArray, cloud: NerveCloud, labels: Labels) -> FloatArray:
    """A course drawn to the labelled nerve, and through its gaps as the ends on either side lie.

    Args:
        line: LPS mm (n, 3), where the atlas expects it.
        cloud: the labelled nerve.
        labels: that it is from.
    """
    points, arc = line, along(line)
    for _ in range(ROUNDS):
        snapped = snap_course(points, cloud)
        # Points in a gap are drawn to its ends: only where the root itself is, its place is known.
        solid = binary_erosion(_labelled(snapped.points, cloud.points, labels), iterations=2, border_value=1)
        where = np.flatnonzero(solid & snapped.found)
        if not len(where):
            return points
        moved = snapped.points[where] - line[where]
        offset = np.stack([np.interp(arc, arc[where], moved[:, axis]) for axis in range(3)], axis=1)
        points = line + gaussian_filter1d(offset, 2.0, axis=0, mode="nearest")
    return np.asarray(points)


def _in_grid(points: FloatArray, labels: Labels) -> npt.NDArray[np.bool_]:
    index = labels.geometry.to_index(points)
    return np.asarray(np.all((index >= 1.0) & (index <= np.array(labels.array.shape) - 2.0), axis=1))


def _outside(points: FloatArray, sac: Course | None) -> npt.NDArray[np.bool_]:
    """Whether each point (n,) lies outside the sac."""
    if sac is None or not len(sac.points):
        return np.ones(len(points), dtype=bool)
    away, nearest = cKDTree(sac.points).query(points)
    return np.asarray(away > sac.radii[nearest])


def _labelled(course: FloatArray, nerve: FloatArray, labels: Labels) -> npt.NDArray[np.bool_]:
    """Whether there is a section of nerve about each point (n,) of a course; ``nerve`` is where its voxels lie."""
    if not len(nerve):
        return np.zeros(len(course), dtype=bool)
    away, nearest = cKDTree(course).query(nerve, distance_upper_bound=TUBE_MM)
    count = np.bincount(nearest[np.isfinite(away)], minlength=len(course)).astype(np.float64)
    step = np.gradient(along(course))
    volume = float(np.prod(labels.geometry.spacing))
    # Sections across a bend hold a voxel more or less: a point has its share of its neighbours'.
    area = gaussian_filter1d(count * volume / np.maximum(step, 0.2), 0.7, mode="nearest")
    return np.asarray(area >= LEAST_MM2)


def _gaps(
    points: FloatArray,
    labelled: npt.NDArray[np.bool_],
    parts: tuple[RootPart, ...],
    disc: npt.NDArray[np.bool_],
) -> tuple[Gap, ...]:
    arc = along(points)
    island = max(round(ISLAND_MM / max(float(np.median(np.diff(arc))), 0.2)), 1)
    # Labelled at both ends beyond the course, so that a short rest at an end is no island.
    framed = np.pad(labelled, island, constant_values=True)
    solid = binary_opening(framed, np.ones(island + 1, dtype=bool))[island:-island]
    runs, count = label(~solid)
    found = []
    for number in range(1, count + 1):
        places = np.flatnonzero(runs == number)
        first, last = int(places[0]), int(places[-1])
        start = arc[first] - (arc[first] - arc[max(first - 1, 0)]) / 2
        stop = arc[last] + (arc[min(last + 1, len(arc) - 1)] - arc[last]) / 2
        if stop - start >= GAP_MM:
            line = points[max(first - 1, 0) : last + 2]
            middle = places[len(places) // 2]
            found.append(
                Gap(line, float(start), float(stop - start), _place(parts[middle], bool(disc[middle])))
            )
    return tuple(found)


def _place(part: RootPart, disc: bool) -> RootPlace:
    if part == RootPart.FORAMEN:
        return RootPlace.FORAMEN
    if disc:
        return RootPlace.DISC
    return RootPlace.RECESS if part == RootPart.RECESS else RootPlace.BEYOND
