"""Lay the atlas over a case: coarse search for the level, affine, then a smooth deformation, all on labels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.signal import fftconvolve

from spinect_core.anatomy.atlas import Atlas
from spinect_core.errors import PlanError
from spinect_core.progress import Cancel, Progress, check, silent
from spinect_core.volume import BONE, NERVE, FloatArray, Labels, to_sitk

NERVE_WEIGHT = -1.5
"""Nerve is drawn against bone, so that the canal pulls as well as the walls; heavier, for there is less of it."""

COARSE_MM = 4.0
FINE_MM = 3.0
STAGES = ((20, 3.0), (30, 1.5))
"""Iterations and smoothing (voxels) of the deformation, stiff first, then supple."""

TURN = 5
"""Iterations between two looks at whether to stop; a filter's own callbacks are not safe to leave behind."""

OUTSIDE = -1000.0
"""Marks voxels outside the case while resampling; no smoothed label reaches it."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How points of the atlas go over into the case.

    Attributes:
        transform: SimpleITK transform, atlas LPS mm to case LPS mm.
        bone_overlap: Dice of bone near L5/S1 after it, 0 to 1.
        nerve_volume: labelled nerve near L5/S1 as a multiple of the atlas's.
        margin: how much better the best level fits than the next level up or down (difference of correlation).
    """

    transform: sitk.Transform
    bone_overlap: float
    nerve_volume: float
    margin: float

    def points(self, points: FloatArray) -> FloatArray:
        """Case LPS mm (n, 3) of atlas points (n, 3)."""
        flat = np.atleast_2d(points)
        return np.array([self.transform.TransformPoint([float(v) for v in point]) for point in flat])


def _picture(labels: Labels, spacing: float, sigma: float) -> sitk.Image:
    """Bone as 1, nerve as a negative value, smoothed, on an LPS-aligned grid of ``spacing`` mm."""
    value = np.zeros(labels.array.shape, np.float32)
    value[labels.array == BONE] = 1.0
    value[labels.array == NERVE] = NERVE_WEIGHT
    image = sitk.SmoothingRecursiveGaussian(to_sitk(value, labels.geometry), sigma)
    corners = labels.geometry.corners()
    low, high = corners.min(axis=0) + spacing / 2, corners.max(axis=0) - spacing / 2
    size = [max(int((h - lo) / spacing) + 1, 4) for lo, h in zip(low, high, strict=True)]
    return sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        low.tolist(),
        [spacing] * 3,
        np.eye(3).ravel().tolist(),
        0.0,
    )


def _shift(fixed: sitk.Image, moving: sitk.Image) -> tuple[FloatArray, float]:
    """The translation (LPS mm, atlas to case) of highest correlation, and its margin over other levels."""
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
    score = np.where(enough, cross / np.sqrt(np.maximum(atlas_energy * case_energy, 1e-6)), -1.0)
    best = np.unravel_index(int(np.argmax(score)), score.shape)
    voxels = np.array(best) - (np.array(a.shape) - 1)
    shift = voxels[::-1] * COARSE_MM + np.array(moving.GetOrigin()) - np.array(fixed.GetOrigin())
    # Another level lies about 35 mm away; how much worse the best place 20 mm off fits tells how sure this one is.
    profile = score.max(axis=(1, 2))
    away = np.abs(np.arange(len(profile)) - best[0]) * COARSE_MM >= 20.0
    rival = float(profile[away].max()) if away.any() else -1.0
    return shift, float(score[best] - rival)


def register(
    atlas: Atlas, labels: Labels, *, progress: Progress = silent, cancel: Cancel | None = None
) -> Registration:
    """Lay the atlas over the labels of a case.

    Args:
        atlas: the specimen with landmarks.
        labels: 0 background, 1 bone, 2 nerve of the case; the 1 mm labels are best.
        progress: told how far it is.
        cancel: asked between iterations.

    Raises:
        PlanError: the labels hold too little bone to compare.
    """
    if int((labels.array == BONE).sum()) * labels.geometry.voxel_volume < 20_000.0:
        raise PlanError(
            "The labels hold less than 20 ml of bone, so no level can be found",
            "Check the region and segment again",
        )
    progress(0.0, "looking for the level")
    fixed4, moving4 = _picture(atlas.labels, COARSE_MM, 4.0), _picture(labels, COARSE_MM, 4.0)
    shift, margin = _shift(fixed4, moving4)
    check(cancel)

    fixed, moving = _picture(atlas.labels, FINE_MM, 2.0), _picture(labels, FINE_MM, 2.0)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()]))
    affine.SetTranslation(shift.tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.2)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-2, 100, 0.6, 1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([3.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    progress(0.2, "aligning the atlas")
    method.SetInitialTransform(affine, inPlace=True)
    method.Execute(fixed, moving)
    check(cancel)

    progress(0.3, "fitting the atlas")
    warped = sitk.Resample(moving, fixed, affine, sitk.sitkLinear, OUTSIDE)
    # Where the case shows nothing, the atlas stands for it: a cut field of view must not pull the atlas together.
    warped = sitk.Mask(warped, warped > OUTSIDE + 1, 0.0) + sitk.Mask(fixed, warped <= OUTSIDE + 1, 0.0)
    field: sitk.Image | None = None
    for number, (iterations, smoothing) in enumerate(STAGES):
        field = _deform(fixed, warped, field, iterations, smoothing, cancel)
        progress(0.3 + 0.3 * (number + 1), "fitting the atlas")
    # ITK applies the last of a composite first: the deformation inside the atlas, then the affine into the case.
    both = sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(field)])
    overlap, nerve = _agreement(atlas, labels, both)
    return Registration(both, overlap, nerve, margin)


def _deform(
    fixed: sitk.Image,
    moving: sitk.Image,
    start: sitk.Image | None,
    iterations: int,
    smoothing: float,
    cancel: Cancel | None,
) -> sitk.Image:
    """A smooth displacement field (mm) on the grid of ``fixed``; ``smoothing`` is its SD in voxels."""
    field = start
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


def _agreement(atlas: Atlas, labels: Labels, transform: sitk.Transform) -> tuple[float, float]:
    """Dice of bone, and volume of nerve as a multiple of the atlas's, within 45 mm of the middle of L5/S1."""
    grid = atlas.labels.geometry
    case = sitk.GetArrayFromImage(
        sitk.Resample(
            to_sitk(labels.array, labels.geometry),
            to_sitk(atlas.labels.array, grid),
            transform,
            sitk.sitkNearestNeighbor,
            0,
        )
    )
    points = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    near = np.linalg.norm(points - atlas.landmarks["S1 upper end plate centre"], axis=-1) < 45.0
    a, b = (atlas.labels.array == BONE) & near, (case == BONE) & near
    overlap = float(2 * (a & b).sum() / max(int(a.sum() + b.sum()), 1))
    expected = int(((atlas.labels.array == NERVE) & near).sum())
    return overlap, float(((case == NERVE) & near).sum() / max(expected, 1))
