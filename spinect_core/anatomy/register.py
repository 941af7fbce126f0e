"""Fit the atlas to a case: search for the level, affine, then a smooth deformation, all on labels alone.

The same labels give the same transform, bit for bit, on one machine: the samples of the affine are drawn from a fixed
seed and summed in one thread, and what runs in several threads works voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import SimpleITK as sitk
from scipy.signal import fftconvolve

from spinect_core.anatomy.atlas import Atlas
from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.errors import AnatomyError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, to_sitk

NERVE_WEIGHT = -1.5
"""Value of nerve in the picture that is registered, opposite in sign to bone, so that the canal guides the fit as well
as its walls; larger in size, because there is less nerve."""

COARSE_MM = 4.0
MIDDLE_MM = 4.0
FINE_MM = 2.0
STAGES = ((20, 2.2), (25, 1.2))
"""Iterations and smoothing (voxels) of the deformation of the whole, first stiff, then flexible."""

FINE_STAGES = ((20, 1.6), (15, 1.0))
"""The same round the level."""

FINE_HALF = (51.0, 45.0, 42.0)
"""Half the size (x, y, z), mm, of the box round the level that is fitted finely; its outermost part fades out."""

FADE_MM = 9.0
TURN = 5
"""Iterations between two looks at whether to stop; a filter's own callbacks are not safe to leave behind."""

OUTSIDE, UNSEEN = -1000.0, 255
"""Mark voxels outside the case while resampling pictures and labels; neither reaches such a value."""

NEAR_MM = 16.0
"""A search near a place looks so far."""

COMPARED_MM, COMPARED_LEAST = 70.0, 0.3
"""How far round a level alignments are compared, and the part of that which has to be seen."""

SEED = 12345
VERTEBRAE_HALF = (42.0, 62.0, 36.0)
"""Half the size (x, y, z), mm, of the box that holds the two vertebrae of a level without the pelvis."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How points of the atlas go over into the case.

    Attributes:
        transform: SimpleITK transform, atlas LPS mm to case LPS mm.
        bone_overlap: Dice of bone near the level after it, 0 to 1.
        nerve_volume: labelled nerve near the level as a multiple of the atlas's.
        seen: part of the level's neighbourhood, 0 to 1, that the case's labels cover at all.
    """

    transform: sitk.Transform
    bone_overlap: float
    nerve_volume: float
    seen: float = 1.0

    def points(self, points: FloatArray) -> FloatArray:
        """Case LPS mm (n, 3) of atlas points (n, 3)."""
        flat = np.atleast_2d(points)
        return np.array([self.transform.TransformPoint(point) for point in flat.tolist()]).reshape(-1, 3)


def picture(labels: Labels, spacing: float, sigma: float) -> sitk.Image:
    """Bone as 1, nerve as a negative value, smoothed by ``sigma`` mm, on an LPS-aligned grid of ``spacing`` mm."""
    image = sitk.SmoothingRecursiveGaussian(_drawn(labels), sigma)
    corners = labels.geometry.corners()
    low, high = corners.min(axis=0) + spacing / 2, corners.max(axis=0) - spacing / 2
    size = [max(int((h - lo) / spacing) + 1, 4) for lo, h in zip(low, high, strict=True)]
    return _resampled(image, size, low.tolist(), spacing, sitk.Transform(), 0.0)


def _drawn(labels: Labels) -> sitk.Image:
    value = np.zeros(labels.array.shape, np.float32)
    value[labels.array == BONE] = 1.0
    value[labels.array == NERVE] = NERVE_WEIGHT
    return to_sitk(value, labels.geometry)


def _resampled(
    image: sitk.Image,
    size: list[int],
    origin: list[float],
    spacing: float,
    transform: sitk.Transform,
    outside: float,
) -> sitk.Image:
    axes = np.eye(3).ravel().tolist()
    return sitk.Resample(image, size, transform, sitk.sitkLinear, origin, [spacing] * 3, axes, outside)


def halved(labels: Labels, about_mm: float = 2.0) -> Labels:
    """The labels on every second or third voxel, so that no axis is finer than ``about_mm`` needs."""
    steps = [max(int(about_mm / step + 0.01), 1) for step in labels.geometry.spacing[::-1]]
    if max(steps) == 1:
        return labels
    sz, sy, sx = steps
    array = np.ascontiguousarray(labels.array[sz // 2 :: sz, sy // 2 :: sy, sx // 2 :: sx])
    grid = labels.geometry
    origin = grid.to_patient([sz // 2, sy // 2, sx // 2])
    spacing = (grid.spacing[0] * sx, grid.spacing[1] * sy, grid.spacing[2] * sz)
    return Labels(array, Geometry(array.shape, spacing, tuple(origin), grid.direction))


def cropped(labels: Labels, low: FloatArray, high: FloatArray) -> Labels | None:
    """The part of the labels that holds the box from ``low`` to ``high`` (LPS mm); None if they do not meet."""
    corners = np.array([[(low, high)[(n >> axis) & 1][axis] for axis in range(3)] for n in range(8)])
    index = labels.geometry.to_index(corners)
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, labels.array.shape)
    if np.any(last - first < 4):
        return None
    array = np.ascontiguousarray(labels.array[first[0] : last[0], first[1] : last[1], first[2] : last[2]])
    grid = labels.geometry
    return Labels(array, Geometry(array.shape, grid.spacing, tuple(grid.to_patient(first)), grid.direction))


def _scores(fixed: sitk.Image, moving: sitk.Image) -> FloatArray:
    """Normalised correlation [z, y, x] of the atlas with the case at every whole shift."""
    a = sitk.GetArrayFromImage(fixed).astype(np.float64)
    b = sitk.GetArrayFromImage(moving).astype(np.float64)
    # Normalised by what the case holds under the shifted atlas, so that a cut field of view does not repel it.
    ones = np.ones_like(b)
    flipped = a[::-1, ::-1, ::-1]
    cross = fftconvolve(b, flipped, mode="full")
    atlas_energy = fftconvolve(ones, flipped**2, mode="full")
    case_energy = fftconvolve(b**2, np.ones_like(a), mode="full")
    overlap = fftconvolve(ones, np.ones_like(a), mode="full")
    enough = overlap > 0.45 * min(a.size, b.size)
    return np.where(enough, cross / np.sqrt(np.maximum(atlas_energy * case_energy, 1e-6)), -1.0)


@dataclass(frozen=True, eq=False)
class Correlation:
    """How well the atlas fits a case at every whole shift.

    Attributes:
        score: normalised correlation [z, y, x].
        base: LPS mm (3,), atlas to case, of the shift at ``middle``.
        middle: index (z, y, x).
    """

    score: FloatArray
    base: FloatArray
    middle: FloatArray

    @classmethod
    def of(cls, fixed: sitk.Image, moving: sitk.Image) -> Correlation:
        """Of a picture of the atlas with one of the case, both of ``COARSE_MM``."""
        return cls(
            _scores(fixed, moving),
            np.array(moving.GetOrigin()) - np.array(fixed.GetOrigin()),
            np.array(sitk.GetArrayViewFromImage(fixed).shape) - 1,
        )

    def best(self, near: FloatArray | None = None) -> tuple[FloatArray, float]:
        """The translation (LPS mm, atlas to case) of highest correlation, and its score.

        Args:
            near: keeps the search within 16 mm of a translation.

        Raises:
            AnatomyError: nothing of the case lies there.
        """
        score = self.score
        if near is not None:
            close = self._around(near)
            if not (close & (score > -1.0)).any():
                raise AnatomyError(
                    "The labels do not reach the level that was asked for",
                    "Choose another level, or segment a larger region",
                )
            score = np.where(close, score, -2.0)
        place = np.unravel_index(int(np.argmax(score)), score.shape)
        shift = (np.array(place) - self.middle)[::-1] * COARSE_MM + self.base
        return shift, float(score[place])

    def at(self, near: FloatArray) -> float:
        """The highest score within 16 mm of a translation; -1 where nothing of the case lies there."""
        close = self._around(near)
        return float(self.score[close].max()) if close.any() else -1.0

    def _around(self, near: FloatArray) -> BoolArray:
        middle = ((near - self.base) / COARSE_MM)[::-1] + self.middle
        z, y, x = (np.arange(count) - place for count, place in zip(self.score.shape, middle, strict=True))
        distance = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2
        return np.asarray(distance < (NEAR_MM / COARSE_MM) ** 2)


@lru_cache(maxsize=2)
def _vertebrae_alone(atlas: Atlas, focus: tuple[float, ...]) -> Atlas:
    middle, half = np.array(focus), np.array(VERTEBRAE_HALF)
    piece = cropped(atlas.labels, middle - half, middle + half)
    assert piece is not None
    return replace(atlas, labels=piece)


@lru_cache(maxsize=4)
def _atlas_pictures(atlas: Atlas) -> tuple[sitk.Image, sitk.Image]:
    small = halved(atlas.labels)
    return picture(small, COARSE_MM, 4.0), picture(small, MIDDLE_MM, 2.0)


def check_bone(labels: Labels) -> None:
    """Make sure that there is bone to compare.

    Raises:
        AnatomyError: the labels hold too little.
    """
    if int((labels.array == BONE).sum()) * labels.geometry.voxel_volume < 20_000.0:
        raise AnatomyError(
            "The labels hold less than 20 ml of bone, so no level can be found",
            "Check the region and segment again",
        )


def correlate(atlas: Atlas, labels: Labels) -> Correlation:
    """How well the atlas fits a case wherever it is put."""
    return Correlation.of(_atlas_pictures(atlas)[0], picture(halved(labels), COARSE_MM, 4.0))


@dataclass(frozen=True, eq=False)
class Alignment:
    """The atlas aligned with a case from one start, without any deformation.

    Attributes:
        place: LPS mm (3,) in the case, of the focus.
        agreement: normalised correlation round it, -1 to 1; NaN where the case shows too little of it.
    """

    place: FloatArray
    agreement: float


def alignments(
    atlas: Atlas, labels: Labels, starts: Sequence[FloatArray], focus: FloatArray
) -> list[Alignment]:
    """Align the atlas with a case from several starts.

    Args:
        atlas: the specimen.
        labels: of the case.
        starts: LPS mm (3,), atlas to case.
        focus: LPS mm (3,) in the atlas, round which they are compared.
    """
    moving, fixed = picture(halved(labels), MIDDLE_MM, 2.0), _atlas_pictures(atlas)[1]
    usual = sitk.GetArrayViewFromImage(fixed)
    index = np.moveaxis(np.indices(usual.shape), 0, -1)[..., ::-1]
    places = index * np.array(fixed.GetSpacing()) + np.array(fixed.GetOrigin())
    near = np.linalg.norm(places - focus, axis=-1) < COMPARED_MM
    found = []
    for start in starts:
        affine = _affine(fixed, moving, start)
        laid = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, affine, sitk.sitkLinear, OUTSIDE))
        shown = near & (laid > OUTSIDE + 1)
        a, b = usual[shown].astype(np.float64), laid[shown].astype(np.float64)
        energy = float((a * a).sum() * (b * b).sum())
        enough = shown.sum() > COMPARED_LEAST * near.sum() and energy > 0.0
        agreement = float((a * b).sum() / np.sqrt(energy)) if enough else float("nan")
        found.append(Alignment(np.array(affine.TransformPoint(focus.tolist())), agreement))
    return found


def register(
    atlas: Atlas,
    labels: Labels,
    *,
    focus: FloatArray,
    steps_up: int = 0,
    start: FloatArray | None = None,
    correlation: Correlation | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Registration:
    """Lay the atlas over the labels of a case.

    Args:
        atlas: the specimen with landmarks.
        labels: 0 background, 1 bone, 2 nerve of the case; the 1 mm labels are best.
        focus: LPS mm (3,) in the atlas: the middle of the level that has to fit best.
        steps_up: place it this many levels above (or below, if negative) the start.
        start: LPS mm (3,), atlas to case: where to begin; where the labels correlate best when absent.
        correlation: of the labels, where it is known already.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between iterations.

    Raises:
        AnatomyError: the labels hold too little bone to compare, or do not reach the level.
    """
    check_bone(labels)
    progress(0.0, "looking for the level")
    small = halved(labels)
    moving = picture(small, MIDDLE_MM, 2.0)
    fixed4, fixed = _atlas_pictures(atlas)
    correlation = correlation or correlate(atlas, labels)
    shift = correlation.best()[0] if start is None else start
    check(cancel)
    if steps_up:
        if steps_up > 0:
            # The pelvis has no place there: only the vertebrae of the level are laid over.
            atlas = _vertebrae_alone(atlas, tuple(focus))
            fixed4, fixed = _atlas_pictures(atlas)
            correlation = Correlation.of(fixed4, picture(small, COARSE_MM, 4.0))
        shift, _score = correlation.best(shift + steps_up * atlas.step_up)
    progress(0.15, "aligning the atlas")
    affine = _affine(fixed, moving, shift)
    check(cancel)

    progress(0.35, "fitting the atlas")
    warped = _where_seen(sitk.Resample(moving, fixed, affine, sitk.sitkLinear, OUTSIDE), fixed)
    whole = sitk.DisplacementFieldTransform(_deformed(fixed, warped, STAGES, cancel))
    so_far = sitk.CompositeTransform([affine, whole])
    progress(0.7, "fitting the atlas to the level")
    fine = _fine(atlas, labels, so_far, focus, cancel)
    # ITK applies the last of a composite first: the deformations inside the atlas, then the affine into the case.
    both = sitk.CompositeTransform([affine, whole, *fine])
    progress(0.95, "comparing with the atlas")
    overlap, nerve, seen = _agreement(atlas, labels, both, affine, focus)
    return Registration(both, overlap, nerve, seen)


def _affine(fixed: sitk.Image, moving: sitk.Image, shift: FloatArray) -> sitk.AffineTransform:
    affine = sitk.AffineTransform(3)
    affine.SetCenter(fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()]))
    affine.SetTranslation(shift.tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.2, SEED)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-2, 100, 0.6, 1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([3.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(affine, inPlace=True)
    method.Execute(fixed, moving)
    return affine


def _where_seen(warped: sitk.Image, fixed: sitk.Image) -> sitk.Image:
    """``warped``, and the atlas itself where the case shows nothing: a cut field of view must not pull."""
    return sitk.Mask(warped, warped > OUTSIDE + 1, 0.0) + sitk.Mask(fixed, warped <= OUTSIDE + 1, 0.0)


def _deformed(
    fixed: sitk.Image, moving: sitk.Image, stages: tuple[tuple[int, float], ...], cancel: Cancel | None
) -> sitk.Image:
    """A smooth displacement field (mm) on the grid of ``fixed``."""
    field: sitk.Image | None = None
    for iterations, smoothing in stages:
        for _ in range(iterations // TURN):
            check(cancel)
            demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
            demons.SetNumberOfIterations(TURN)
            demons.SetStandardDeviations(smoothing)
            demons.SetSmoothDisplacementField(True)
            demons.SetSmoothUpdateField(True)
            demons.SetUpdateFieldStandardDeviations(1.0)
            demons.SetMaximumUpdateStepLength(2.0)
            field = demons.Execute(fixed, moving) if field is None else demons.Execute(fixed, moving, field)
    assert field is not None
    return sitk.Cast(field, sitk.sitkVectorFloat64)


def _fine(
    atlas: Atlas, labels: Labels, so_far: sitk.Transform, focus: FloatArray, cancel: Cancel | None
) -> list[sitk.Transform]:
    """The deformation round the level, in the atlas; none where the case shows nothing of it."""
    half = np.array(FINE_HALF)
    size = [int(2 * h / FINE_MM) + 1 for h in half]
    low = focus - half
    around = cropped(atlas.labels, low - 6.0, focus + half + 6.0)
    corners = np.array([focus + half * [(n & 1) * 2 - 1, (n & 2) - 1, (n & 4) / 2 - 1] for n in range(8)])
    ends = np.array([so_far.TransformPoint(corner) for corner in corners.tolist()])
    part = cropped(labels, ends.min(axis=0) - 8.0, ends.max(axis=0) + 8.0)
    if around is None or part is None:
        return []
    pictures = []
    for piece, transform in ((around, sitk.Transform()), (part, so_far)):
        image = sitk.SmoothingRecursiveGaussian(_drawn(piece), 1.2)
        pictures.append(_resampled(image, size, low.tolist(), FINE_MM, transform, OUTSIDE))
    fixed = _where_seen(pictures[0], 0.0 * pictures[0])
    field = _deformed(fixed, _where_seen(pictures[1], fixed), FINE_STAGES, cancel)
    array = sitk.GetArrayFromImage(field)
    for axis, count in enumerate(array.shape[:3]):
        edge = np.minimum(np.arange(count), np.arange(count)[::-1]) * FINE_MM / FADE_MM
        fade = np.clip(edge, 0.0, 1.0) ** 2 * (3.0 - 2.0 * np.clip(edge, 0.0, 1.0))
        array *= fade.reshape([-1 if a == axis else 1 for a in range(3)] + [1])
    faded = sitk.GetImageFromArray(array, isVector=True)
    faded.CopyInformation(field)
    return [sitk.DisplacementFieldTransform(faded)]


def _agreement(
    atlas: Atlas, labels: Labels, transform: sitk.Transform, affine: sitk.Transform, focus: FloatArray
) -> tuple[float, float, float]:
    """Dice of bone, volume of nerve as a multiple of the atlas's, and part seen, within 45 mm of the level.

    Nerve is measured before the deformation, which would shrink a swollen one to its usual size.
    """
    grid = halved(atlas.labels)
    points = grid.geometry.to_patient(np.moveaxis(np.indices(grid.array.shape), 0, -1))
    near = np.linalg.norm(points - focus, axis=-1) < 45.0
    case, upright = _laid_back(labels, grid, transform), _laid_back(labels, grid, affine)
    seen = near & (case != UNSEEN)
    a, b = (grid.array == BONE) & seen, (case == BONE) & seen
    overlap = float(2 * (a & b).sum() / max(int(a.sum() + b.sum()), 1))
    expected = int(((grid.array == NERVE) & near & (upright != UNSEEN)).sum())
    volume = float(((upright == NERVE) & near).sum() / max(expected, 1))
    return overlap, volume, float(seen.sum() / max(int(near.sum()), 1))


def _laid_back(labels: Labels, grid: Labels, transform: sitk.Transform) -> LabelArray:
    """The case's labels on the grid of the atlas; UNSEEN where the case shows nothing."""
    image, reference = to_sitk(labels.array, labels.geometry), to_sitk(grid.array, grid.geometry)
    laid = sitk.Resample(image, reference, transform, sitk.sitkNearestNeighbor, UNSEEN)
    return np.asarray(sitk.GetArrayFromImage(laid), dtype=np.uint8)
