"""What the labels of a case say of themselves, once a level is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.completeness import RootFound, sac_sections
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.levels import Level
from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import SIDES, CaseCause, Side
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Labels
from spinect_core.planning.plausibility.picture import PictureSeen

STEP_MM = 2.0
NEAR_MM = 40.0
"""What lies so near to the level decides."""

BESIDE_MM = 12.0
"""What lies farther from the middle is that of a side."""

SLAB_MM = 4.0
PIECE_ML = 0.5
LEAST_SECTION_MM2 = 30.0
"""A thinner section is of roots, not of the sac."""
UNSURE = (20, 80)
"""Percent between which a voxel is neither a tissue nor not."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The axes of a level.

    Attributes:
        middle: LPS mm (3,) of the upper end plate of the lower vertebra.
        left, back, up: unit vectors.
    """

    middle: FloatArray
    left: FloatArray
    back: FloatArray
    up: FloatArray

    @classmethod
    def of(cls, landmarks: Landmarks) -> Frame:
        """From the landmarks in the middle and the corners of a level."""
        names, points = landmarks.names, landmarks.points
        middle = points[names.focus]
        left, right = (points[f"{names.lower} posterolateral corner {side}"] for side in SIDES)
        across = (left - right) / np.linalg.norm(left - right)
        up = points[f"{names.upper} upper end plate centre"] - middle
        up = up - (up @ across) * across
        up = up / np.linalg.norm(up)
        return cls(middle, across, np.cross(up, across), up)

    def places(
        self, left: tuple[float, float], back: tuple[float, float], up: tuple[float, float]
    ) -> FloatArray:
        """LPS mm (n_up, n_back, n_left, 3) of places 2 mm apart in a box of the axes."""
        axes = [np.arange(low, high + 0.1, STEP_MM) for low, high in (up, back, left)]
        u, b, a = np.meshgrid(*axes, indexing="ij")
        return np.asarray(
            self.middle + a[..., None] * self.left + b[..., None] * self.back + u[..., None] * self.up
        )

    def along(self, points: FloatArray) -> FloatArray:
        """Mm (n, 3) to the left, to the back and upwards of LPS mm points (n, 3)."""
        return np.asarray((points - self.middle) @ np.stack([self.left, self.back, self.up], axis=1))


def shape_of(labels: Labels, landmarks: Landmarks) -> dict[CaseCause, float]:
    """What the labels say of themselves.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        landmarks: of the level.
    """
    frame = Frame.of(landmarks)
    found = _sizes(landmarks)
    found |= _volumes(labels, frame)
    found |= _facing(labels, landmarks, frame)
    found |= _roots(landmarks.roots)
    found |= _pieces(labels)
    found |= _sac(labels, landmarks, frame)
    return found


def metal_near(metal: FloatArray, each_ml: float, landmarks: Landmarks) -> float:
    """Ml of metal near the level."""
    away = np.linalg.norm(metal - landmarks.points[landmarks.names.focus], axis=1)
    return float((away <= NEAR_MM).sum()) * each_ml


def unsure_near(probabilities: Probabilities, landmarks: Landmarks) -> float | None:
    """Part of the voxels near the level that may be a tissue which may as well not be it; None without any."""
    grid = probabilities.geometry
    reach = NEAR_MM / np.array(grid.spacing[::-1])
    middle = grid.to_index(landmarks.points[landmarks.names.focus])
    low = np.maximum(np.floor(middle - reach), 0).astype(int)
    high = np.minimum(np.ceil(middle + reach) + 1, grid.shape).astype(int)
    box = tuple(slice(a, max(b, a)) for a, b in zip(low, high, strict=True))
    unsure = able = 0
    for tissue in (BONE, NERVE):
        percent = probabilities.of_tissue(tissue)[box]
        unsure += int(((percent > UNSURE[0]) & (percent < UNSURE[1])).sum())
        able += int((percent > UNSURE[0]).sum())
    return unsure / able if able else None


def _looked_up(labels: Labels, places: FloatArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Whether places (..., 3) are bone, nerve, and in the picture."""
    index = np.rint(labels.geometry.to_index(places)).astype(int)
    inside = np.all((index >= 0) & (index < labels.array.shape), axis=-1)
    index = np.clip(index, 0, np.array(labels.array.shape) - 1)
    value = labels.array[tuple(np.moveaxis(index, -1, 0))]
    return (value == BONE) & inside, (value == NERVE) & inside, inside


def _sizes(landmarks: Landmarks) -> dict[CaseCause, float]:
    """How large the level is, as a multiple of the atlas's, and how unevenly; and how far its discs lie apart."""
    names = landmarks.names
    source = Level(min(names.above_the_sacrum, 1))
    marks = load_atlas().landmarks
    pairs = [
        (marks[of_atlas], landmarks.points[of_case])
        for of_atlas, of_case in zip(source.landmark_names(), names.landmark_names(), strict=True)
        if of_atlas in marks and of_case in landmarks.points
    ]
    atlas, case = (np.array(each) for each in zip(*pairs, strict=True))
    matrix = np.linalg.lstsq(atlas - atlas.mean(axis=0), case - case.mean(axis=0), rcond=None)[0]
    scales = np.linalg.svd(matrix, compute_uv=False)
    found = {
        CaseCause.LEAST_SIZE: float(scales[-1]),
        CaseCause.MOST_SIZE: float(scales[0]),
        CaseCause.UNEVEN: float(scales[0] / max(float(scales[-1]), 1e-3)),
    }
    plates = sorted(landmarks.hypotheses, key=lambda one: one.shift)
    apart = [
        float(np.linalg.norm(np.subtract(one.point, two.point)))
        for one, two in pairwise(plates)
        if abs(one.shift - two.shift) == 1
    ]
    if apart:
        found[CaseCause.NEAR_DISCS] = min(apart)
        found[CaseCause.FAR_DISCS] = max(apart)
    return found


def _volumes(labels: Labels, frame: Frame) -> dict[CaseCause, float]:
    """How much bone and nerve lie near the level, and whether as much on either side."""
    places = frame.places((-NEAR_MM, NEAR_MM), (-NEAR_MM, NEAR_MM), (-NEAR_MM, NEAR_MM))
    bone, nerve, inside = _looked_up(labels, places)
    ball = np.linalg.norm(places - frame.middle, axis=-1) <= NEAR_MM
    seen = max(int((inside & ball).sum()), 1)
    both = inside & inside[:, :, ::-1]
    middle = places.shape[2] // 2
    beside = round(BESIDE_MM / STEP_MM)
    left, right = slice(middle + beside, None), slice(None, middle - beside + 1)
    found = {
        CaseCause.BONE_SHARE: float((bone & ball).sum() / seen),
        CaseCause.NERVE_SHARE: float((nerve & ball).sum() / seen),
    }
    for cause, tissue in ((CaseCause.BONE_SIDES, bone), (CaseCause.NERVE_SIDES, nerve)):
        of_left, of_right = (int((tissue & both)[:, :, side].sum()) for side in (left, right))
        if of_left + of_right >= 50:
            found[cause] = abs(of_left - of_right) / (of_left + of_right)
    mirrored = bone & both & bone[:, :, ::-1]
    found[CaseCause.MIRROR] = float(mirrored.sum() / max(int((bone & both).sum()), 1))
    return found


def _facing(labels: Labels, landmarks: Landmarks, frame: Frame) -> dict[CaseCause, float]:
    """Whether the bodies lie before the canal, and the sacrum with the ilia below."""
    found: dict[CaseCause, float] = {}
    bone, nerve, _inside = _looked_up(labels, frame.places((-12.0, 12.0), (-60.0, 70.0), (-20.0, 50.0)))
    rows = np.arange(bone.shape[1])
    shares = []
    for first in range(0, bone.shape[0] - 1, round(SLAB_MM / STEP_MM)):
        slab = slice(first, first + round(SLAB_MM / STEP_MM))
        canal = np.flatnonzero(nerve[slab].any(axis=(0, 2)))
        of_bone = bone[slab].sum(axis=(0, 2))
        if len(canal) and of_bone.sum() >= 30:
            middle = np.median(np.repeat(rows, nerve[slab].sum(axis=(0, 2))))
            shares.append(float(of_bone[rows < middle].sum() / of_bone.sum()))
    if len(shares) >= 4:
        found[CaseCause.FACING] = float(np.median(shares))
    if landmarks.names.above_the_sacrum == 0:
        parts = []
        for up in ((15.0, 45.0), (-45.0, -12.0)):
            beside = [
                _looked_up(labels, frame.places(left, (-25.0, 15.0), up))
                for left in ((26.0, 42.0), (-42.0, -26.0))
            ]
            seen = sum(int(each[2].sum()) for each in beside)
            if seen < FEWEST_SEEN:
                return found
            parts.append(sum(int(each[0].sum()) for each in beside) / seen)
        found[CaseCause.UPRIGHT] = parts[1] - parts[0]
    return found


FEWEST_SEEN = 500


def _roots(roots: Mapping[str, RootFound]) -> dict[CaseCause, float]:
    """By how much more of a root is labelled than of its partner."""
    pairs = [
        abs(each.share - roots[f"{each.root} right"].share)
        for each in roots.values()
        if each.side == Side.LEFT and f"{each.root} right" in roots
    ]
    return {CaseCause.ROOT_PAIRS: max(pairs)} if pairs else {}


def _pieces(labels: Labels) -> dict[CaseCause, float]:
    """How many pieces of bone and of nerve there are that are larger than a crumb."""
    found = {}
    for cause, tissue in ((CaseCause.BONE_PIECES, BONE), (CaseCause.NERVE_PIECES, NERVE)):
        _numbered, sizes = connected_pieces(labels.array == tissue, corners=True)
        found[cause] = float((sizes * labels.geometry.voxel_volume >= PIECE_ML * 1000).sum())
    return found


def _sac(labels: Labels, landmarks: Landmarks, frame: Frame) -> dict[CaseCause, float]:
    """In how much of its course above the end plate the sac is labelled."""
    sac = landmarks.sac
    if sac is None or len(sac.points) < 7:
        return {}
    above = frame.along(sac.points)[1:-1, 2] > 0.0
    if above.sum() < 5:
        return {}
    areas = sac_sections(sac, labels)
    if not len(areas):  # no nerve at all
        return {CaseCause.SAC_FOUND: 0.0}
    areas = ndimage.median_filter(areas, 3)
    return {CaseCause.SAC_FOUND: float((areas[above] >= LEAST_SECTION_MM2).mean())}


def case_values(
    labels: Labels,
    landmarks: Landmarks,
    seen: PictureSeen | None,
    probabilities: Probabilities | None = None,
) -> dict[CaseCause, float | None]:
    """All that the light of a case looks at, but for what is withheld for other reasons.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        landmarks: of the level.
        seen: what the CT says of the labels; None where it was not at hand.
        probabilities: of the labels; None where they are not known.
    """
    values: dict[CaseCause, float | None] = {**shape_of(labels, landmarks)}
    if seen is None:
        return {CaseCause.PICTURE: None, **values}
    values |= seen.values
    values[CaseCause.METAL] = metal_near(seen.metal, seen.metal_ml, landmarks)
    if probabilities is not None:
        values[CaseCause.UNSURE] = unsure_near(probabilities, landmarks)
    return values
