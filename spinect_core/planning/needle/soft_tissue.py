"""What a needle meets beside bone and nerve: skin, fat, muscle, gas, and organs as far as somebody named them.

Organs come from masks or from a network (:class:`spinect_core.image.organs.Organs`). What the CT's numbers say by
themselves is known without either: gas within the body, which is bowel's, and fat. Muscle, bowel wall, kidney and
vessels have the same numbers, so what is soft is called muscle only where nothing else can lie: directly under the fat
of the skin, and behind the spine. All other ways are not vouched for unless masks show that organs were looked for
there; a network's answer bars needles, but clears none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.base.words import LayerKind, Rule
from spinect_core.image.organs import KIDNEYS, MUSCLES, NUMBERS, OTHERS, SPARED, VESSELS, Organ, Organs
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.volume import BONE, Geometry, Labels
from spinect_core.planning.needle.needle import Midline, Needle
from spinect_core.planning.needle.skin import NO_DATA_HU, BodyCopy

REACH_MM = 180.0
"""Soft tissue is looked at this far round the labels: the longest needle measures 178 mm."""
GAS_HU = -400.0
"""Half way between fat and gas, so that a voxel of 2 mm that gas fills by half is gas."""
FAT_HU, DENSE_HU = -30.0, 130.0
"""Below the first tissue is fat, above the second it is dense: contrast or bone. Muscle has 40 to 80 HU."""
LEAST_GAS_ML = 0.2
"""Smaller pieces are noise, or a bubble that says nothing of where bowel lies."""
VACUUM_MM, VACUUM_PART, VACUUM_ML = 6.0, 0.6, 10.0
"""Gas most of which lies so near to labelled bone is that of a worn disc or joint; larger pieces are bowel."""
METAL_HU, METAL_MM = 2000.0, 15.0
"""So near to metal dark streaks are no gas."""
GAS = "gas (bowel)"
"""What gas within the body is called."""
STEP_MM = 0.5
VIEW_STEP_MM, COARSE_STEP_MM = 1.0, 8.0
"""Between the places at which needles of a map are looked at, near organs and before that is known; at 5 mm the first
is 0.1 mm too much at most."""
NEAR_MM = 60.0
"""Organs farther from a needle than this are not told."""
FINEST_MM = 1.2
"""Masks on a finer grid are looked at in every other voxel."""
SKIN_MM, SKIN_MOST_MM = 2.0, 6.0
"""Thickness of skin where the numbers do not show it, and the most that is taken for it."""
SEPTUM_MM, PLANE_MM = 4.0, 3.0
"""Sheets within the fat of the skin, and fat within a muscle, that are thinner than this are no layer of their own."""
WALL_MM = 40.0
"""Under the fat of the skin so much muscle follows at most without a gap of fat; what is deeper may be bowel."""
BACK_MM = 45.0
"""Behind the pedicles and so near to the midline there is nothing but the muscles of the back."""

BARRED: Mapping[Rule, tuple[Organ, ...]] = {
    Rule.BOWEL_MET: (Organ.BOWEL,),
    Rule.KIDNEY_MET: KIDNEYS,
    Rule.VESSEL_MET: VESSELS,
    Rule.ORGAN_MET: OTHERS,
}
"""Which organs each rule keeps a needle from."""
LOOKED_FOR = (Organ.BOWEL, *KIDNEYS)
"""Where these were looked for, the rest of a way is vouched for."""


@dataclass(frozen=True)
class Layer:
    """A stretch of a needle's way.

    Attributes:
        kind: what it is.
        organ: its name where a mask has one.
        from_mm: depth from the entry at which it begins.
        to_mm: at which it ends.
        vouched: whether it is known to be nothing that a needle must not meet: by masks, or because nothing else lies
            there.
    """

    kind: LayerKind
    organ: Organ | None
    from_mm: float
    to_mm: float
    vouched: bool

    @property
    def mm(self) -> float:
        """Its length along the needle."""
        return self.to_mm - self.from_mm


@dataclass(frozen=True)
class OrganNear:
    """How near a needle comes to an organ.

    Attributes:
        name: of the organ, or ``gas (bowel)``.
        gap_mm: from the needle's surface to the organ's; 0 or less where it goes through.
        depth_mm: from the entry, where that is.
    """

    name: str
    gap_mm: float
    depth_mm: float


@dataclass(frozen=True)
class Way:
    """The soft tissue along a needle.

    Attributes:
        layers: from the skin to the target.
        near: organs and gas within 60 mm, the nearest first.
        unvouched_mm: of the way that nothing vouches for.
        known_mm: of the way where organs were looked for.
        looked_for: which were; empty where nobody looked for any.
        vessel_behind_mm: from the tip along the needle to the first great vessel; infinite where there is none within
            60 mm, None where vessels were not looked for there.
    """

    layers: tuple[Layer, ...]
    near: tuple[OrganNear, ...]
    unvouched_mm: float
    known_mm: float
    looked_for: tuple[Organ, ...] = ()
    vessel_behind_mm: float | None = None

    def gap_mm(self, rule: Rule) -> float:
        """To the nearest of the organs that a rule keeps a needle from; infinite where there is none within 60 mm."""
        found = self.nearest(rule)
        return float("inf") if found is None else found.gap_mm

    def nearest(self, rule: Rule) -> OrganNear | None:
        """The nearest of the organs that a rule keeps a needle from; None where there is none within 60 mm."""
        names = names_of(rule)
        return next((each for each in self.near if each.name in names), None)


@dataclass(frozen=True, eq=False)
class Back:
    """Where nothing but muscle of the back lies: behind the pedicles and near the midline.

    Attributes:
        midline: of the level.
        front: LPS y in mm of the front of that part.
    """

    midline: Midline
    front: float

    def holds(self, points: FloatArray) -> BoolArray:
        """Whether LPS mm points (n, 3) lie there."""
        across, _ = self.midline.places(points)
        return np.asarray((points[:, 1] >= self.front) & (np.abs(across) <= BACK_MM))


@dataclass(frozen=True, eq=False)
class SoftTissue:
    """What is soft round the labels, as plain arrays that pass from process to process.

    Attributes:
        grid: of the next three, about 2 mm.
        values: HU [z, y, x].
        gas: [z, y, x] gas within the body that is no fold of the skin and no vacuum of a joint.
        shown: [z, y, x] what the scanner has computed.
        organs: what somebody named, near the labels; None where nobody did.
    """

    grid: Geometry
    values: npt.NDArray[np.int16]
    gas: BoolArray
    shown: BoolArray
    organs: Organs | None = None

    @classmethod
    def of(
        cls, copy: BodyCopy, labels: Labels, organs: Organs | None = None, cancel: Cancel | None = None
    ) -> SoftTissue:
        """What a CT shows round the labels.

        Args:
            copy: of the CT, with the body in it.
            labels: 0 background, 1 bone, 2 nerve.
            organs: of the same CT.
            cancel: asked between the steps.

        Raises:
            Cancelled: the user stopped it.
        """
        box = _box_round(copy.grid, labels.geometry)
        grid = _part(copy.grid, box)
        values = copy.values[box]
        check(cancel)
        gas = _gas(values, copy.body[box], grid, labels)
        check(cancel)
        near = None if organs is None else near_labels(organs, labels.geometry)
        check(cancel)
        shown = ~copy.not_shown[box]
        return cls(grid, np.clip(values, NO_DATA_HU, 3071).astype(np.int16), gas, shown, near)

    # ------------------------------------------------------------------------------------------------------- a needle

    def way(self, needle: Needle, back: Back | None = None) -> Way:
        """The soft tissue along a needle, from the skin to the target.

        Args:
            needle: the plan.
            back: where nothing but muscle lies; None where that is not known.
        """
        depths = np.arange(STEP_MM / 2, needle.depth_mm, STEP_MM)
        points = needle.at(depths)
        known = self._looked_at(points)
        sure = self.organs is not None and self.organs.vouches
        kinds, organs, vouched = self._kinds(points, known & sure, back)
        layers = _layers(kinds, organs, vouched)
        unvouched = float(np.count_nonzero(~vouched)) * STEP_MM
        return Way(
            layers,
            self._near(needle, depths, points),
            unvouched,
            float(np.count_nonzero(known)) * STEP_MM,
            () if self.organs is None else self.organs.looked_for,
            self._vessel_behind(needle),
        )

    def _looked_at(self, points: FloatArray) -> BoolArray:
        """Whether what a needle must not meet was looked for at points (n, 3)."""
        if self.organs is None or not set(LOOKED_FOR) <= set(self.organs.looked_for):
            return np.zeros(len(points), dtype=bool)
        return self.organs.known(points)

    def _kinds(
        self, points: FloatArray, known: BoolArray, back: Back | None
    ) -> tuple[list[LayerKind], npt.NDArray[np.uint8], BoolArray]:
        """What lies at each place, the number of its organ, and whether something vouches for it."""
        plain, shown = self._plain(points)
        organ = np.zeros(len(points), np.uint8) if self.organs is None else self.organs.at(points)
        skin = _skin_end(plain)
        deep = _first_run(plain[skin:] == _SOFT, SEPTUM_MM) + skin
        wall = _wall_end(plain, deep)
        behind = np.zeros(len(points), bool) if back is None else back.holds(points)
        names = np.full(len(points), LayerKind.SOFT, dtype=object)
        soft = _closed(plain == _SOFT, PLANE_MM)
        names[(plain == _FAT) & ~soft] = LayerKind.FAT
        place = np.arange(len(points))
        muscle = (place >= deep) & (place < wall)
        names[muscle | (behind & soft)] = LayerKind.MUSCLE
        names[(place >= skin) & (place < deep)] = LayerKind.SUBCUTANEOUS
        names[:skin] = LayerKind.SKIN
        names[plain == _DENSE] = LayerKind.DENSE
        gas = self._gas_at(points)
        names[gas] = LayerKind.GAS
        named = (organ > 0) & ~gas & (place >= skin)
        muscles = np.isin(organ, [NUMBERS[each] for each in MUSCLES])
        names[named] = np.where(muscles[named], LayerKind.MUSCLE, LayerKind.ORGAN)
        names[~shown] = LayerKind.UNSEEN
        organ = np.where(named & shown, organ, 0).astype(np.uint8)
        sure = self.organs is not None and self.organs.vouches
        harmless = known | (place < wall) | behind | (named & muscles & sure)
        spared = np.isin(organ, [NUMBERS[each] for each in SPARED])
        vouched = harmless & shown & ~gas & ~spared & ((plain != _DENSE) | known | behind)
        return names.tolist(), organ, np.asarray(vouched)

    def _plain(self, points: FloatArray) -> tuple[npt.NDArray[np.uint8], BoolArray]:
        """Fat, soft or dense by the numbers at points (n, 3), and whether the CT shows them."""
        index = self.grid.to_index(points)
        values = ndimage.map_coordinates(
            self.values, index.T, output=np.float32, order=1, mode="nearest", prefilter=False
        )
        values = ndimage.median_filter(values, size=5, mode="nearest")
        shown = self.grid.holds(points) & self.shown[self._nearest(index)]
        return np.select([values < FAT_HU, values < DENSE_HU], [_FAT, _SOFT], _DENSE).astype(np.uint8), shown

    def _gas_at(self, points: FloatArray) -> BoolArray:
        return np.asarray(self.grid.holds(points) & self.gas[self._nearest(self.grid.to_index(points))])

    def _nearest(self, index: FloatArray) -> tuple[npt.NDArray[np.intp], ...]:
        return tuple(np.rint(index).astype(np.intp).clip(0, np.array(self.grid.shape) - 1).T)

    def _near(self, needle: Needle, depths: FloatArray, points: FloatArray) -> tuple[OrganNear, ...]:
        found = []
        for name, tree in self._trees.items():
            away = tree.query(points, distance_upper_bound=NEAR_MM + 2 * FINEST_MM)[0]
            best = int(away.argmin())
            gap = float(away[best]) - self._half[name] - needle.radius_mm
            if self._within(name, points).any():
                gap = min(gap, -needle.radius_mm)
            if gap <= NEAR_MM:
                found.append(OrganNear(name, gap, float(depths[best])))
        return tuple(sorted(found, key=lambda each: each.gap_mm))

    def _within(self, name: str, points: FloatArray) -> BoolArray:
        """Whether points (n, 3) lie in something of a name."""
        if name == GAS:
            return self._gas_at(points)
        assert self.organs is not None  # it has a name
        return np.asarray(self.organs.at(points) == NUMBERS[Organ(name)])

    def _vessel_behind(self, needle: Needle) -> float | None:
        if self.organs is None or not any(each in self.organs.looked_for for each in VESSELS):
            return None
        behind = np.arange(STEP_MM / 2, NEAR_MM, STEP_MM)
        points = needle.at(needle.depth_mm + behind)
        if not self.organs.known(points).all():
            return None
        met = np.isin(self.organs.at(points), [NUMBERS[each] for each in VESSELS])
        if not met.any():
            return float("inf") if self.organs.vouches else None
        return float(behind[met][0]) - STEP_MM / 2

    # ---------------------------------------------------------------------------------------------------------- views

    def met(
        self, entries: FloatArray, targets: FloatArray, limits: Mapping[Rule, float], radius_mm: float
    ) -> dict[Rule, tuple[FloatArray, list[str]]]:
        """How near many needles come to what rules keep them from.

        Args:
            entries: LPS mm (n, 3) on the skin.
            targets: LPS mm (n, 3).
            limits: mm from the needle's surface that each rule asks for; no more is looked for.
            radius_mm: of the needles.

        Returns:
            By rule the gap in mm (n,), infinite beyond the limit, and the name of what is nearest (n,), empty there.
            A rule that asks for nothing that is known is missing.
        """
        count = len(entries)
        coarse = _along(entries, targets, COARSE_STEP_MM)
        found: dict[Rule, tuple[FloatArray, list[str]]] = {}
        for rule, limit in limits.items():
            names = [name for name in names_of(rule) if count and name in self._trees]
            if not names:
                continue
            gaps = np.full(count, np.inf)
            nearest = np.zeros(count, dtype=np.intp)
            for number, name in enumerate(names, start=1):
                reach = max(limit, 0.0) + radius_mm + self._half[name] + VIEW_STEP_MM
                # Whoever comes so near anywhere has a place within half a step of that.
                there = np.flatnonzero(self._least(name, coarse, reach + COARSE_STEP_MM) < np.inf)
                if not len(there):
                    continue
                points = _along(entries[there], targets[there], VIEW_STEP_MM)
                gap = self._least(name, points, reach) - self._half[name] - radius_mm
                inside = self._within(name, points.reshape(-1, 3)).reshape(points.shape[:2]).any(axis=1)
                gap = np.where(inside, np.minimum(gap, -radius_mm), gap)
                closer = there[gap < gaps[there]]
                nearest[closer] = number
                gaps[there] = np.minimum(gaps[there], gap)
            found[rule] = gaps, [names[number - 1] if number else "" for number in nearest]
        return found

    def _least(self, name: str, points: FloatArray, reach: float) -> FloatArray:
        """The least distance (n,) of points (n, m, 3) to the surface of what has a name; infinite beyond reach."""
        tree = self._trees[name]
        low, high = tree.mins - reach, tree.maxes + reach
        away = np.full(points.shape[:2], np.inf)
        near = ((points >= low) & (points <= high)).all(axis=2)
        if near.any():
            away[near] = tree.query(points[near], distance_upper_bound=reach)[0]
        return np.asarray(away.min(axis=1, initial=np.inf))

    @cached_property
    def _trees(self) -> dict[str, cKDTree]:
        """LPS mm of the voxels at the surface of everything that has a name, ready to be asked for the nearest."""
        trees: dict[str, cKDTree] = {}
        if self.gas.any():
            trees[GAS] = _surface_tree(self.gas, self.grid)
        if self.organs is not None:
            boxes = ndimage.find_objects(self.organs.array, max_label=max(NUMBERS.values()))
            for organ, box in zip(NUMBERS, boxes, strict=True):
                if box is not None and organ in SPARED:
                    mask = self.organs.array[box] == NUMBERS[organ]
                    trees[organ] = _surface_tree(mask, _part(self.organs.geometry, box))
        return trees

    @cached_property
    def _half(self) -> dict[str, float]:
        """Mm that an organ may reach beyond the middles of its outermost voxels, by what has a name."""
        mm = {GAS: _reaching(self.grid)}
        if self.organs is not None:
            mm |= dict.fromkeys(map(str, SPARED), _reaching(self.organs.geometry))
        return mm


def _along(entries: FloatArray, targets: FloatArray, step_mm: float) -> FloatArray:
    """LPS mm (n, m, 3) of places along ways (n, 3) to (n, 3), the ends among them, no farther apart than a step."""
    way = targets - entries
    steps = max(int(np.ceil(np.linalg.norm(way, axis=1).max(initial=0.0) / step_mm)), 1)
    return np.asarray(entries[:, None] + np.linspace(0.0, 1.0, steps + 1)[None, :, None] * way[:, None])


def names_of(rule: Rule) -> tuple[str, ...]:
    """The names of what a rule keeps a needle from."""
    named = tuple(str(organ) for organ in BARRED[rule])
    return (GAS, *named) if rule == Rule.BOWEL_MET else named


def near_labels(organs: Organs, labels: Geometry) -> Organs:
    """The organs within reach of the labels, on a grid no finer than it need be."""
    box = _box_round(organs.geometry, labels)
    every = [2 if spacing < FINEST_MM else 1 for spacing in organs.geometry.spacing[::-1]]
    taken = tuple(slice(part.start, part.stop, step) for part, step in zip(box, every, strict=True))
    grid = _part(organs.geometry, taken)
    seen = None if organs.seen is None else organs.seen[taken]
    return Organs(
        organs.array[taken],
        grid,
        organs.looked_for,
        seen,
        organs.origin,
        organs.source,
        organs.checksum,
        organs.warnings,
    )


_FAT, _SOFT, _DENSE = 1, 2, 3


def _box_round(grid: Geometry, region: Geometry) -> tuple[slice, ...]:
    """The part of a grid that lies within reach of a region."""
    index = grid.to_index(region.corners())
    reach = REACH_MM / np.array(grid.spacing[::-1])
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, np.array(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + reach) + 1, low + 1, np.array(grid.shape)).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _part(grid: Geometry, box: Sequence[slice]) -> Geometry:
    """The grid of a part of an array."""
    steps = [part.step or 1 for part in box]
    x, y, z = (float(value) for value in grid.to_patient([part.start for part in box]))
    shape = tuple(-(-(part.stop - part.start) // step) for part, step in zip(box, steps, strict=True))
    spacing = tuple(mm * step for mm, step in zip(grid.spacing, steps[::-1], strict=True))
    return Geometry(
        (shape[0], shape[1], shape[2]), (spacing[0], spacing[1], spacing[2]), (x, y, z), grid.direction
    )


def _gas(values: npt.NDArray[np.float32], body: BoolArray, grid: Geometry, labels: Labels) -> BoolArray:
    """Gas within the body: no fold of the skin, no vacuum of a disc or joint, no streak of metal."""
    air = values < GAS_HU
    if not (air & body).any():
        return np.zeros(body.shape, dtype=bool)
    pieces, sizes = connected_pieces(air, corners=False)
    open_air = np.bincount(pieces[air & ~body], minlength=len(sizes)) > 0
    ml = sizes * grid.voxel_volume / 1000
    good = (ml >= LEAST_GAS_ML) & ~open_air
    good[0] = False
    small = good & (ml < VACUUM_ML)
    if small.any():
        inside = pieces[small[pieces]]
        beside = np.bincount(
            inside[_near_bone(np.argwhere(small[pieces]), grid, labels)], minlength=len(sizes)
        )
        good &= ~(small & (beside >= VACUUM_PART * sizes))
    gas = good[pieces] & body
    metal = (values > METAL_HU) & body
    if metal.any():
        gas &= ndimage.distance_transform_edt(~metal, sampling=grid.spacing[::-1]) > METAL_MM
    return np.asarray(gas)


def _near_bone(where: npt.NDArray[np.intp], grid: Geometry, labels: Labels) -> BoolArray:
    """Whether voxels (n, 3) of a grid lie near labelled bone."""
    bone = labels.geometry.to_patient(np.argwhere((labels.array == BONE)[::2, ::2, ::2]) * 2)
    if not len(bone):
        return np.zeros(len(where), dtype=bool)
    away = cKDTree(bone).query(grid.to_patient(where), distance_upper_bound=VACUUM_MM + 2.0)[0]
    return np.asarray(away <= VACUUM_MM)


def _reaching(grid: Geometry) -> float:
    """Half a voxel where it is longest, and a quarter more across its corners: no gap is told larger than it is."""
    return max(grid.spacing) / 2 + min(grid.spacing) / 4


def _surface_tree(mask: BoolArray, grid: Geometry) -> cKDTree:
    edge = mask & ~ndimage.binary_erosion(mask)
    return cKDTree(grid.to_patient(np.argwhere(edge)))


def _skin_end(plain: npt.NDArray[np.uint8]) -> int:
    """How many places at the beginning of a way are skin."""
    first = plain[: round(SKIN_MOST_MM / STEP_MM)]
    soft = np.flatnonzero(first == _SOFT)
    if not len(soft):
        return min(round(SKIN_MM / STEP_MM), len(plain))
    after = np.flatnonzero(first[soft[0] :] != _SOFT)
    # Where no fat follows, muscle begins under the skin.
    return int(soft[0] + after[0]) if len(after) else min(round(SKIN_MM / STEP_MM), len(plain))


def _first_run(mask: BoolArray, mm: float) -> int:
    """Where the first run of so many mm begins; the length of the mask where there is none."""
    count = max(round(mm / STEP_MM), 1)
    if len(mask) < count:
        return len(mask)
    runs = np.convolve(mask.astype(np.int32), np.ones(count, np.int32), "valid") == count
    return int(runs.argmax()) if runs.any() else len(mask)


def _wall_end(plain: npt.NDArray[np.uint8], deep: int) -> int:
    """Where the muscle ends that begins under the fat of the skin."""
    end = deep + _first_run(plain[deep:] == _FAT, PLANE_MM)
    return int(min(end, deep + round(WALL_MM / STEP_MM)))


def _closed(mask: BoolArray, mm: float) -> BoolArray:
    """A mask along a way with its gaps of less than so many mm filled."""
    count = max(round(mm / STEP_MM), 1)
    return np.asarray(ndimage.binary_closing(np.pad(mask, count), np.ones(count))[count:-count] | mask)


def _layers(
    kinds: Sequence[LayerKind], organs: npt.NDArray[np.uint8], vouched: BoolArray
) -> tuple[Layer, ...]:
    """The runs of equal places; those of a millimetre or less go with the one before."""
    named = {number: organ for organ, number in NUMBERS.items()}
    keys = list(zip(kinds, organs.tolist(), vouched.tolist(), strict=True))
    runs: list[list[int]] = []
    for place, key in enumerate(keys):
        if runs and keys[runs[-1][0]] == key:
            runs[-1][1] = place + 1
        else:
            runs.append([place, place + 1])
    kept: list[tuple[tuple[LayerKind, int, bool], int, int]] = []
    for start, stop in runs:
        key = keys[start]
        thin = (stop - start) * STEP_MM <= 1.0 and key[0] not in (LayerKind.GAS, LayerKind.ORGAN)
        if kept and (thin or kept[-1][0] == key):
            kept[-1] = kept[-1][0], kept[-1][1], stop
        else:
            kept.append((key, start, stop))
    return tuple(
        Layer(kind, named.get(organ), start * STEP_MM, stop * STEP_MM, sure)
        for (kind, organ, sure), start, stop in kept
    )
