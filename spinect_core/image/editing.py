"""Corrections of labels by hand: what a gesture means on a grid, and small steps that can be taken back.

A gesture becomes strokes: voxels, the label they get, and which labels it may replace. Strokes say the same on any
grid, so that the labels on the CT's own grid and those that are planned on change alike. All sizes are millimetres,
whatever the spacing. Nothing here changes what it is given.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.errors import UsageError
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.volume import BACKGROUND, CLASS_NAMES, Geometry, Labels

Box = tuple[slice, slice, slice]
"""Voxels along (z, y, x) of an array."""
NEARNESS_MM = 0.25
"""Between two points that stand for a line."""
ROUNDING = 1e-6


@dataclass(frozen=True)
class Cut:
    """A flat part of the patient, as thick as one slice.

    Attributes:
        axis: the patient axis across it: 0 left, 1 back, 2 head.
        position: LPS mm along that axis.
        half_mm: half its thickness.
    """

    axis: int
    position: float
    half_mm: float


@dataclass(frozen=True, eq=False)
class Stroke:
    """Voxels of a grid and the label that they get.

    Attributes:
        box: where the mask lies.
        mask: bool [z, y, x], of the shape of the box.
        value: the label.
        over: the labels that may be replaced by it.
        drawn: whether each of its voxels is meant, as under a brush: then none of them is lost on a coarser grid.
    """

    box: Box
    mask: BoolArray
    value: int
    over: frozenset[int]
    drawn: bool = True

    def on(self, array: LabelArray) -> LabelArray:
        """What the box of an array [z, y, x] holds after it."""
        after = array[self.box].copy()
        after[self.mask & np.isin(after, list(self.over))] = self.value
        return after

    def within(self, own: Geometry, part: Geometry) -> Stroke:
        """The same, less what lies outside another grid.

        Args:
            own: the grid of the stroke.
            part: the other.
        """
        mask = self.mask.copy()
        places = np.argwhere(mask)
        if len(places):
            inside = part.holds(own.to_patient(places + [part_.start for part_ in self.box]))
            mask[tuple(places[~inside].T)] = False
        return replace(self, mask=mask)

    def carried(self, labels: Labels, other: Labels) -> Stroke | None:
        """The same on other labels: what is nearest to a voxel of the mask; None where that is nothing.

        Slices thinner than the other grid's may lie between its voxels, and nothing there is nearest to them. Where a
        voxel that is drawn and changes is farther than a voxel of the other grid from all that is nearest, the one
        that it lies in counts as well.

        Args:
            labels: on the grid of the stroke, before it.
            other: labels on another grid.
        """
        own = labels.geometry
        places = np.argwhere(self.mask)
        if not len(places):
            return None
        first = np.array([each.start for each in self.box])
        corners = np.array(np.meshgrid(*((0, 1),) * 3)).reshape(3, -1).T
        low, high = places.min(axis=0) + first - 0.5, places.max(axis=0) + first + 0.5
        index = other.geometry.to_index(own.to_patient(low + corners * (high - low)))
        box = _box(index.min(axis=0), index.max(axis=0), other.geometry.shape)
        if box is None:
            return None
        replaceable = np.isin(other.array[box], list(self.over))
        there = np.argwhere(np.ones_like(replaceable) if self.drawn else replaceable)
        points = other.geometry.to_patient(there + [each.start for each in box])
        nearest = np.floor(own.to_index(points) + 0.5 + ROUNDING).astype(int) - first
        inside = ((nearest >= 0) & (nearest < self.mask.shape)).all(axis=1)
        hit = np.zeros(len(there), dtype=np.bool_)
        hit[inside] = self.mask[tuple(nearest[inside].T)]
        mask = np.zeros_like(replaceable)
        mask[tuple(there[hit].T)] = True
        if self.drawn:
            changing = places[np.isin(labels.array[self.box][self.mask], list(self.over))]
            mask[_missed(changing + first, own, mask, box, other.geometry)] = True
        mask &= replaceable
        return replace(self, box=box, mask=mask) if mask.any() else None


@dataclass(frozen=True, eq=False)
class Edit:
    """One step of a correction on one grid: a box before and after, packed.

    Attributes:
        first: index (z, y, x) of the box's first voxel.
        shape: voxels of the box along (z, y, x).
        before: its labels, packed.
        after: the same.
        voxels: how many differ.
    """

    first: tuple[int, int, int]
    shape: tuple[int, int, int]
    before: bytes
    after: bytes
    voxels: int

    @classmethod
    def between(cls, before: LabelArray, after: LabelArray, first: Sequence[int]) -> Edit | None:
        """The step from one content of a box to another; None where they are the same.

        Args:
            before: uint8 [z, y, x].
            after: of the same shape.
            first: index (z, y, x) of the box in the whole array.
        """
        differing = np.argwhere(before != after)
        if not len(differing):
            return None
        low, high = differing.min(axis=0), differing.max(axis=0) + 1
        tight = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        z, y, x = (int(each) for each in low + np.asarray(first))
        depth, height, width = (int(each) for each in high - low)
        old, new = (zlib.compress(np.ascontiguousarray(each[tight]).tobytes(), 1) for each in (before, after))
        return cls((z, y, x), (depth, height, width), old, new, len(differing))

    @property
    def box(self) -> Box:
        """Which voxels."""
        z, y, x = (slice(a, a + n) for a, n in zip(self.first, self.shape, strict=True))
        return z, y, x

    @property
    def old(self) -> LabelArray:
        """The labels [z, y, x] of the box before.

        Raises:
            UsageError: the step is damaged.
        """
        return self._unpacked(self.before)

    @property
    def tissues(self) -> frozenset[int]:
        """The labels that come or go with it, without the background."""
        before, after = self._unpacked(self.before), self._unpacked(self.after)
        other = before != after
        return frozenset(map(int, np.union1d(before[other], after[other]))) - {BACKGROUND}

    def done(self, array: LabelArray) -> LabelArray:
        """A copy of an array [z, y, x] with it.

        Raises:
            UsageError: the array is not what it was made of.
        """
        return self._changed(array, self._unpacked(self.before), self._unpacked(self.after))

    def undone(self, array: LabelArray) -> LabelArray:
        """A copy of an array [z, y, x] without it.

        Raises:
            UsageError: the array is not what it led to.
        """
        return self._changed(array, self._unpacked(self.after), self._unpacked(self.before))

    def follows(self, array: LabelArray) -> bool:
        """Whether an array is one that it led to."""
        stop = np.add(self.first, self.shape)
        return bool((stop <= array.shape).all()) and np.array_equal(
            array[self.box], self._unpacked(self.after)
        )

    def _unpacked(self, packed: bytes) -> LabelArray:
        size = int(np.prod(self.shape))
        # No more than the box holds is unpacked, whatever a file says.
        content = zlib.decompressobj().decompress(packed, size + 1)
        if len(content) != size:
            raise UsageError("A step of the correction is damaged", "Use the file as the program wrote it")
        return np.frombuffer(content, dtype=np.uint8).reshape(self.shape)

    def _changed(self, array: LabelArray, expected: LabelArray, new: LabelArray) -> LabelArray:
        stop = np.add(self.first, self.shape)
        if (stop > array.shape).any() or not np.array_equal(array[self.box], expected):
            raise UsageError(
                "The labels are not those that were corrected", "Correct the present labels instead"
            )
        whole = array.copy()
        whole[self.box] = new
        return whole


@dataclass(frozen=True, eq=False)
class Correction:
    """One step on both grids of a case.

    Attributes:
        on_ct: on the CT's own grid; None where nothing changes there.
        on_1mm: on the grid that is planned on; None where nothing changes there.
    """

    on_ct: Edit | None
    on_1mm: Edit | None

    @property
    def voxels(self) -> int:
        """How many of the CT's voxels change."""
        return 0 if self.on_ct is None else self.on_ct.voxels

    @property
    def tissues(self) -> frozenset[int]:
        """Whose surfaces change."""
        return frozenset() if self.on_1mm is None else self.on_1mm.tissues


def correction(labels: Labels, labels_1mm: Labels, strokes: Iterable[Stroke]) -> Correction | None:
    """What strokes on the CT's grid change, there and on the grid that is planned on.

    What lies outside of the latter stays as it is: nothing is planned there, and nothing was labelled there.

    Args:
        labels: on the CT's own grid.
        labels_1mm: of the same, on the grid that is planned on.
        strokes: on the CT's grid, one after the other.

    Returns:
        None where nothing changes.
    """
    own, other = labels.geometry, labels_1mm.geometry
    kept = [each.within(own, other) for each in strokes]
    carried = [each.carried(labels, labels_1mm) for each in kept]
    found = Correction(
        edit_of(labels.array, kept), edit_of(labels_1mm.array, [each for each in carried if each])
    )
    return None if found.on_ct is None and found.on_1mm is None else found


def edit_of(array: LabelArray, strokes: Sequence[Stroke]) -> Edit | None:
    """What strokes change in an array [z, y, x], one after the other; None where that is nothing."""
    if not strokes:
        return None
    z, y, x = (
        slice(min(each.box[axis].start for each in strokes), max(each.box[axis].stop for each in strokes))
        for axis in range(3)
    )
    before = array[z, y, x]
    after = before.copy()
    for each in strokes:
        inner = tuple(
            slice(own.start - all_.start, own.stop - all_.start)
            for own, all_ in zip(each.box, (z, y, x), strict=True)
        )
        part = after[inner]
        part[each.mask & np.isin(part, list(each.over))] = each.value
    return Edit.between(before, after, (z.start, y.start, x.start))


# ------------------------------------------------------------------------------------------------------------ brush


def brushed(
    grid: Geometry, start: npt.ArrayLike, stop: npt.ArrayLike, radius_mm: float, cut: Cut | None = None
) -> tuple[Box, BoolArray] | None:
    """The voxels that a brush passes on its way from one point to another; None outside of the grid.

    A disc within a cut, or a ball without one. The voxel under either end belongs to it, however small the brush is.

    Args:
        grid: of the labels.
        start: LPS mm (3,).
        stop: LPS mm (3,).
        radius_mm: of the brush.
        cut: in which it paints; None for a ball.

    Returns:
        The box, and the mask [z, y, x] in it.
    """
    ends = np.array([start, stop], dtype=np.float64)
    if cut is not None:
        ends[:, cut.axis] = cut.position
    index = grid.to_index(ends)
    reach = _reach(grid, radius_mm, cut)
    box = _box(index.min(axis=0) - reach, index.max(axis=0) + reach, grid.shape)
    if box is None:
        return None
    points = _points(grid, box)
    line = ends[1] - ends[0]
    length = float(line @ line)
    offset = points - ends[0]
    along = np.clip(offset @ line / length, 0, 1) if length > 0 else np.zeros(points.shape[:-1])
    away = offset - along[..., None] * line
    if cut is not None:
        away[..., cut.axis] = 0
    mask = (away**2).sum(axis=-1) <= radius_mm**2 + ROUNDING
    for place in np.floor(index + 0.5).astype(int) - [each.start for each in box]:
        if ((place >= 0) & (place < mask.shape)).all():
            mask[tuple(place)] = True
    if cut is not None:
        mask &= np.abs(points[..., cut.axis] - cut.position) <= cut.half_mm + ROUNDING
    return box, mask


def cut_at(grid: Geometry, axis: int, position: float, step_mm: float, turned: bool) -> Cut:
    """The cut that is shown at a position.

    Args:
        grid: of the labels.
        axis: the patient axis across it.
        position: LPS mm along it, in the middle of the cut.
        step_mm: from one cut to the next.
        turned: whether the axes of the grid are not those of the patient; then all voxels that the cut passes count.
    """
    if not turned:
        return Cut(axis, position, step_mm / 2)
    through = float(np.abs(grid.direction[axis]) @ np.asarray(grid.spacing)) / 2
    return Cut(axis, position, max(step_mm / 2, through))


def along_line(grid: Geometry, points: npt.ArrayLike, radius_mm: float) -> tuple[Box, BoolArray] | None:
    """The voxels within a distance of a line; None outside of the grid.

    Args:
        grid: of the labels.
        points: LPS mm (n, 3) along it.
        radius_mm: the distance.

    Returns:
        The box, and the mask [z, y, x] in it.
    """
    line = np.asarray(points, dtype=np.float64)
    index = grid.to_index(line)
    reach = _reach(grid, radius_mm, None)
    box = _box(index.min(axis=0) - reach, index.max(axis=0) + reach, grid.shape)
    if box is None:
        return None
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    dense = np.arange(0.0, arc[-1] + NEARNESS_MM, NEARNESS_MM)
    dotted = np.stack([np.interp(dense, arc, line[:, axis]) for axis in range(3)], axis=-1)
    every = _points(grid, box)
    away, _ = cKDTree(dotted).query(every.reshape(-1, 3), distance_upper_bound=radius_mm + NEARNESS_MM)
    return box, np.asarray(away.reshape(every.shape[:-1]) <= radius_mm + ROUNDING)


# ------------------------------------------------------------------------------------------------- holes and pieces


def filled_hole(labels: Labels, point: npt.ArrayLike, axis: int, value: int) -> Stroke:
    """Fill a hole that a label encloses in a plane.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        point: LPS mm (3,) within the hole.
        axis: the patient axis across the plane; on a turned grid the array axis nearest to it.
        value: the label that encloses the hole and fills its background.

    Raises:
        UsageError: the point lies outside of the grid or on the label, or the hole is open.
    """
    place, across = _place(labels, point), _array_axis(labels.geometry, axis)
    name = CLASS_NAMES[value]
    plane = np.moveaxis(labels.array, across, 0)[place[across]]
    at = tuple(np.delete(place, across))
    if plane[at] == value:
        raise UsageError(f"There is {name} already", f"Click into a hole that {name} encloses")
    pieces, _ = connected_pieces(plane != value, corners=False)
    hole = pieces == pieces[at]
    if hole[0].any() or hole[-1].any() or hole[:, 0].any() or hole[:, -1].any():
        raise UsageError(
            f"{name.capitalize()} does not enclose this place in this plane",
            "Close the border with the brush first, or click into a closed hole",
        )
    box, mask = _tight(np.expand_dims(hole, across))
    box = _moved(box, across, place[across])
    return Stroke(box, mask, value, frozenset({BACKGROUND}))


def removed_piece(labels: Labels, point: npt.ArrayLike, value: int) -> Stroke:
    """Remove the connected piece of a label that a point lies in.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        point: LPS mm (3,).
        value: the label.

    Raises:
        UsageError: the point does not lie on the label.
    """
    first, piece = _piece(labels, point, value)
    box, mask = _tight(piece)
    box, mask = _grown(_shifted(box, first), mask, labels.geometry.shape)
    return Stroke(box, mask, BACKGROUND, frozenset({value}), drawn=False)


def kept_piece(labels: Labels, point: npt.ArrayLike, value: int) -> Stroke:
    """Remove all of a label but the connected piece that a point lies in.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        point: LPS mm (3,).
        value: the label.

    Raises:
        UsageError: the point does not lie on the label.
    """
    first, piece = _piece(labels, point, value)
    box = _shifted(tuple(slice(0, count) for count in piece.shape), first)
    box, kept = _grown(box, piece, labels.geometry.shape)
    return Stroke(box, ~kept, BACKGROUND, frozenset({value}), drawn=False)


def _piece(labels: Labels, point: npt.ArrayLike, value: int) -> tuple[Sequence[int], BoolArray]:
    """The first index of the box that holds a label, and in it the piece under a point."""
    place = _place(labels, point)
    name = CLASS_NAMES[value]
    if labels.array[tuple(place)] != value:
        raise UsageError(f"There is no {name} here", f"Click on a piece of {name}")
    box = ndimage.find_objects((labels.array == value).view(np.uint8))[0]
    first = [part.start for part in box]
    pieces, _ = connected_pieces(labels.array[box] == value, corners=True)
    return first, np.asarray(pieces == pieces[tuple(place - first)])


# --------------------------------------------------------------------------------------------- smooth, interpolated


def smoothed(
    labels: Labels, box: Box, mask: BoolArray, value: int, sigma_mm: float = 1.0
) -> tuple[Stroke, Stroke]:
    """Smooth the border of a label where a brush passed; as much of the label stays there as there was.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        box: of the mask.
        mask: bool [z, y, x], where it may change.
        value: the label.
        sigma_mm: of the Gaussian that smooths it.

    Returns:
        What is added, and what is taken away.
    """
    sigma = sigma_mm / np.asarray(labels.geometry.spacing[::-1])
    room = np.ceil(4 * sigma).astype(int)
    wide = tuple(
        slice(max(part.start - more, 0), min(part.stop + more, count))
        for part, more, count in zip(box, room, labels.geometry.shape, strict=True)
    )
    inner = tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(box, wide, strict=True)
    )
    blurred = ndimage.gaussian_filter(
        (labels.array[wide] == value).astype(np.float32), sigma, mode="nearest"
    )[inner]
    here = labels.array[box]
    free = mask & ((here == value) | (here == BACKGROUND))
    was = here == value
    count = int((free & was).sum())
    after = np.zeros(mask.shape, dtype=np.bool_)
    if count:
        # The fullest places get it, as many as had it: a threshold of one half would thin a root.
        places = np.argwhere(free)
        order = np.argsort(-blurred[tuple(places.T)], kind="stable")[:count]
        after[tuple(places[order].T)] = True
    added = Stroke(box, free & after & ~was, value, frozenset({BACKGROUND}), drawn=False)
    return added, Stroke(box, free & was & ~after, BACKGROUND, frozenset({value}), drawn=False)


def interpolated(
    grid: Geometry, axis: int, first: tuple[Box, BoolArray], second: tuple[Box, BoolArray]
) -> tuple[Box, BoolArray]:
    """What lies between two outlines drawn in parallel slices.

    Their signed distances are interpolated with their middles on top of one another, so that a root that runs obliquely
    keeps its width (Raya and Udupa, IEEE Trans Med Imaging 1990, with the shift between the slices taken out).

    Args:
        grid: of the labels.
        axis: the patient axis across the slices; on a turned grid the array axis nearest to it.
        first: box and mask [z, y, x] of one.
        second: of the other.

    Returns:
        Box and mask of what lies strictly between them.

    Raises:
        UsageError: nothing lies between them, or one of them is empty.
    """
    across = _array_axis(grid, axis)
    if not first[1].any() or not second[1].any():
        raise UsageError("One of the two slices holds nothing", "Draw the outline in both slices")
    levels = [_level(each, across) for each in (first, second)]
    if levels[0] > levels[1]:
        first, second, levels = second, first, levels[::-1]
    if levels[1] - levels[0] < 2:
        raise UsageError("No slice lies between the two", "Draw in slices that are farther apart")
    spacing = np.delete(np.asarray(grid.spacing[::-1]), across)
    shape = tuple(np.delete(np.asarray(grid.shape), across))
    flat = [_flat(each, across, shape) for each in (first, second)]
    low = np.min([np.argwhere(each).min(axis=0) for each in flat], axis=0)
    high = np.max([np.argwhere(each).max(axis=0) for each in flat], axis=0) + 1
    # Room, so that neither is cut when it is moved.
    size = high - low
    padded = [
        np.pad(each[low[0] : high[0], low[1] : high[1]], [(size[0],) * 2, (size[1],) * 2]) for each in flat
    ]
    distances = [_signed_mm(each, spacing) for each in padded]
    middles = [np.argwhere(each).mean(axis=0) for each in padded]
    widths = [float(np.sqrt(each.sum())) for each in padded]
    sheets = []
    for level in range(levels[0] + 1, levels[1]):
        part = (level - levels[0]) / (levels[1] - levels[0])
        middle = (1 - part) * middles[0] + part * middles[1]
        moved = [
            ndimage.shift(each, middle - own, order=1, mode="nearest")
            for each, own in zip(distances, middles, strict=True)
        ]
        depths = ((1 - part) * moved[0] + part * moved[1])[size[0] : 2 * size[0], size[1] : 2 * size[1]]
        # As many places as the width between the two asks for: the distances of a few voxels are too rough for it.
        count = round(((1 - part) * widths[0] + part * widths[1]) ** 2)
        sheet = np.zeros(depths.size, dtype=np.bool_)
        sheet[np.argsort(depths, axis=None, kind="stable")[:count]] = True
        sheets.append(sheet.reshape(depths.shape))
    mask = np.moveaxis(np.array(sheets), 0, across)
    starts = np.insert(low, across, levels[0] + 1)
    z, y, x = (slice(int(a), int(a) + n) for a, n in zip(starts, mask.shape, strict=True))
    return (z, y, x), mask


def _level(drawn: tuple[Box, BoolArray], across: int) -> int:
    """Along an array axis: where what was drawn lies."""
    box, mask = drawn
    return int(np.floor(np.argwhere(mask)[:, across].mean() + box[across].start + 0.5))


def _flat(drawn: tuple[Box, BoolArray], across: int, shape: tuple[int, ...]) -> BoolArray:
    """What was drawn, seen along an array axis, in the whole slice."""
    box, mask = drawn
    whole = np.zeros(shape, dtype=np.bool_)
    kept = [part for axis, part in enumerate(box) if axis != across]
    whole[kept[0], kept[1]] = mask.any(axis=across)
    return whole


def _signed_mm(mask: BoolArray, spacing: npt.NDArray[np.float64]) -> FloatArray:
    """How far each place lies outside of a mask, negative inside, in mm; zero on the border between voxels."""
    out = ndimage.distance_transform_edt(~mask, sampling=spacing)
    inside = ndimage.distance_transform_edt(mask, sampling=spacing)
    half = float(spacing.min()) / 2
    return np.asarray(np.where(mask, half - inside, out - half), dtype=np.float64)


# ---------------------------------------------------------------------------------------------------------- helpers


def over_labels(value: int, spare: Collection[int] = ()) -> frozenset[int]:
    """The labels that painting one may replace: all, but for those that are spared."""
    return frozenset(range(len(CLASS_NAMES))) - {value} - frozenset(spare)


def _reach(grid: Geometry, radius_mm: float, cut: Cut | None) -> FloatArray:
    """How many voxels a brush reaches along each array axis (z, y, x)."""
    reach = np.full(3, radius_mm)
    if cut is not None:
        part = np.abs(grid.direction[cut.axis])
        reach = radius_mm * np.sqrt(np.maximum(1 - part**2, 0)) + cut.half_mm * part
    return np.asarray((reach / np.asarray(grid.spacing))[::-1])


def _box(low: FloatArray, high: FloatArray, shape: Sequence[int]) -> Box | None:
    """The voxels between two fractional indices (z, y, x), and those under them; None where there are none."""
    first = np.maximum(np.floor(low + 0.5 - ROUNDING).astype(int), 0)
    stop = np.minimum(np.floor(high + 0.5 + ROUNDING).astype(int) + 1, shape)
    if (first >= stop).any():
        return None
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return z, y, x


def _missed(
    index: npt.NDArray[np.intp], own: Geometry, reached: BoolArray, box: Box, grid: Geometry
) -> tuple[npt.NDArray[np.intp], ...]:
    """The voxels (z, y, x) of a box in which voxels of another grid lie that are far from all that is reached.

    Far is more than a voxel. A voxel counts where its middle is beside one of them along one axis alone, so that a
    stroke between two slices grows across them and not to all sides; all of them count where else nothing would.

    Args:
        index: (n, 3) of those voxels.
        own: their grid.
        reached: bool [z, y, x], of the shape of the box.
        box: of the grid.
        grid: on which.
    """
    first = [each.start for each in box]
    points = own.to_patient(index)
    place = np.floor(grid.to_index(points) + 0.5).astype(np.intp) - first
    inside = ((place >= 0) & (place < reached.shape)).all(axis=1)
    inside[inside] = ~reached[tuple(place[inside].T)]
    points, place, index = points[inside], place[inside], index[inside]
    if len(place) and reached.any():
        tree = cKDTree(grid.to_patient(np.argwhere(reached) + first))
        away, _ = tree.query(points, distance_upper_bound=max(grid.spacing) + ROUNDING)
        far = ~np.isfinite(away)
        points, place, index = points[far], place[far], index[far]
    if len(place):
        place = np.unique(place, axis=0)
        middles = grid.to_patient(place + first)
        _, nearest = cKDTree(points).query(middles)
        beside = (np.abs(own.to_index(middles) - index[nearest]) > 0.5 + ROUNDING).sum(axis=1) <= 1
        if beside.any() or reached.any():
            place = place[beside]
    z, y, x = place.T
    return z, y, x


def _points(grid: Geometry, box: Box) -> FloatArray:
    """LPS mm (z, y, x, 3) of the voxels of a box."""
    index = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1)
    return grid.to_patient(index)


def _place(labels: Labels, point: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """The index (z, y, x) of the voxel under a point."""
    index = np.floor(labels.geometry.to_index(point) + 0.5).astype(np.intp)
    if (index < 0).any() or (index >= labels.geometry.shape).any():
        raise UsageError("This place lies outside of the CT", "Click within the slice")
    return index


def _array_axis(grid: Geometry, axis: int) -> int:
    """The axis of the array [z, y, x] that runs nearest to a patient axis."""
    return 2 - int(np.abs(grid.direction[axis]).argmax())


def _tight(mask: BoolArray) -> tuple[Box, BoolArray]:
    """A mask cut to what is true in it."""
    z, y, x = ndimage.find_objects(mask.view(np.uint8))[0]
    return (z, y, x), np.ascontiguousarray(mask[z, y, x])


def _shifted(box: Sequence[slice], first: Sequence[int]) -> Box:
    z, y, x = (slice(part.start + by, part.stop + by) for part, by in zip(box, first, strict=True))
    return z, y, x


def _moved(box: Box, axis: int, by: int) -> Box:
    first = [0, 0, 0]
    first[axis] = int(by)
    return _shifted(box, first)


def _grown(box: Box, mask: BoolArray, shape: Sequence[int]) -> tuple[Box, BoolArray]:
    """A mask with the voxels beside it: on another grid the same piece may reach a little farther."""
    z, y, x = (
        slice(max(part.start - 1, 0), min(part.stop + 1, count))
        for part, count in zip(box, shape, strict=True)
    )
    room = [
        (part.start - wide.start, wide.stop - part.stop) for part, wide in zip(box, (z, y, x), strict=True)
    ]
    grown = ndimage.binary_dilation(np.pad(mask, room), np.ones((3, 3, 3)))
    return (z, y, x), np.asarray(grown)
