"""One specimen, many CTs: pose, side, bone, kernel, slices and noise are varied, then standardised.

What a real CT does to a specimen is done in the order in which it happens: the anatomy, then the scanner's
blur and slabs, then its noise at the resolution of the acquired slices, then nearest-neighbour resampling to
1 mm as in :mod:`spinect_core.preprocessing`, and last the standardisation of the whole crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spinect_core.image.volume import BACKGROUND, BONE, NERVE
from spinect_core.preprocessing.standardise import standardise
from spinect_core.research.training.cases import Case, LabelArray

FloatArray = npt.NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Augmentation:
    """How far a training crop is varied. Chances are 0 to 1, lengths mm, intensities HU.

    Attributes:
        smallest: least extent of a crop along (z, y, x).
        largest: greatest extent; the case's own where it is smaller.
        mirror: chance of a flip along each of ``flips``.
        flips: array axes that may be flipped. Left and right (2) alone gives a body that exists, the mirror image of
            the patient; the labels know no sides and stay right. Upside down (0) or back to front (1) does not.
        pose: chance of a turn and a change of size.
        turn: greatest turn about each axis, degrees.
        stretch: greatest relative change of size along an axis.
        bend: chance of a smooth displacement of up to ``bend_mm`` standard deviation: no two have bones of one shape.
        full: chance that the sac fills its canal: the fat within up to ``full_mm`` of it becomes sac as well.
        bone: chance of another bone density.
        cancellous: greatest lowering and raising of cancellous bone.
        soft: greatest smooth deviation of soft tissue.
        blur: chance of a softer kernel, up to ``blur_mm`` standard deviation.
        sharpen: chance of a bone kernel's overshoot.
        slabs: chance of slices thicker than 1 mm, up to ``thickest``.
        coarse: chance that the voxels are as coarse in the slice as across it, where there are slabs.
        table: chance of a mattress or table behind the patient, where the crop shows air there.
        noise: greatest standard deviation of the noise.
        quiet: exponent of its draw from 0 to 1; above 1, quiet scans are more frequent than noisy ones.
        correlated: chance that neighbouring voxels share their noise.
        shift: greatest change of the standardised mean.
        gain: greatest relative change of the standardised deviation.
    """

    smallest: tuple[int, int, int] = (72, 80, 96)
    largest: tuple[int, int, int] = (150, 136, 170)
    mirror: float = 0.5
    flips: tuple[int, ...] = (2,)
    pose: float = 0.6
    turn: float = 9.0
    stretch: float = 0.1
    bend: float = 0.0
    bend_mm: float = 2.5
    full: float = 0.0
    full_mm: float = 4.5
    bone: float = 0.7
    cancellous: tuple[float, float] = (170.0, 120.0)
    soft: float = 14.0
    blur: float = 0.4
    blur_mm: float = 1.1
    sharpen: float = 0.2
    slabs: float = 0.4
    thickest: float = 3.2
    coarse: float = 0.3
    table: float = 0.5
    noise: float = 90.0
    quiet: float = 2.0
    correlated: float = 0.4
    shift: float = 0.12
    gain: float = 0.1


CHANCES = (
    "mirror",
    "pose",
    "bend",
    "full",
    "bone",
    "blur",
    "sharpen",
    "slabs",
    "coarse",
    "table",
    "correlated",
)
"""Those of an :class:`Augmentation`'s values that are chances."""
SIZES = (
    "turn",
    "stretch",
    "bend_mm",
    "full_mm",
    "soft",
    "blur_mm",
    "thickest",
    "noise",
    "quiet",
    "shift",
    "gain",
)
"""Those that are sizes: degrees, shares, mm or HU."""

PLAIN = Augmentation(
    mirror=0, pose=0, bone=0, soft=0, blur=0, sharpen=0, slabs=0, table=0, noise=0, shift=0, gain=0
)
"""Nothing varied but the crop."""

_BEND_CELL = 32
"""Voxels from node to node of the displacement: about half the width of a vertebral body."""

_SAC_DEPTH_MM = 3.6
"""Nerve deeper than this below its surface is sac: no root is so thick, and the sac is at most places."""
_FAT_BELOW_HU = -15.0

WHOLE = (4096, 4096, 4096)
"""An extent larger than any case: no crop at all."""

PAPER = replace(
    PLAIN, smallest=WHOLE, largest=WHOLE, mirror=0.5, noise=30.0, quiet=1.0, correlated=0.0, coarse=0.0
)
"""The paper's noise and flips, on the whole region; it does not state how strong its noise is."""


def training_crop(case: Case, settings: Augmentation, rng: Rng) -> tuple[FloatArray, LabelArray]:
    """A random crop of about a lumbosacral region, varied and standardised.

    Returns:
        float32 standardised intensity and uint8 labels, both [z, y, x] of 1 mm and of one shape.
    """
    hu, labels = _cut(case, settings, rng)
    if settings.full > 0 and rng.random() < settings.full:
        hu, labels = _with_full_canal(hu, labels, rng.uniform(1.0, settings.full_mm), rng)
    if rng.random() < settings.table:
        hu = _on_a_table(hu, rng)
    for axis in settings.flips:
        if rng.random() < settings.mirror:
            hu, labels = np.flip(hu, axis), np.flip(labels, axis)
    hu, labels = scanned(*reshaded(hu, labels, settings, rng), settings, rng)
    image = standardise(hu)
    image *= np.float32(1 + rng.uniform(-settings.gain, settings.gain))
    image += np.float32(rng.uniform(-settings.shift, settings.shift))
    return image, np.ascontiguousarray(labels)


def _on_a_table(hu: FloatArray, rng: Rng) -> FloatArray:
    """The crop with what patients lie on: cloth and mattress, then a shell, in the air behind the back."""
    body = np.flatnonzero((hu > -400.0).mean(axis=(0, 2)) > 0.02)
    if not len(body) or body[-1] >= hu.shape[1] - 3:
        return hu
    start = int(body[-1]) - int(rng.integers(-6, 10))
    out = hu.copy()
    for thickness, value in (
        (int(rng.integers(2, 16)), float(rng.uniform(-200.0, 60.0))),
        (int(rng.integers(5, 30)), float(rng.uniform(-990.0, -850.0))),
        (int(rng.integers(1, 5)), float(rng.uniform(-100.0, 250.0))),
    ):
        layer = out[:, max(start, 0) : max(start + thickness, 0)]
        layer[layer < -700.0] = value
        start += thickness
    return out


def _with_full_canal(
    hu: FloatArray, labels: LabelArray, reach: float, rng: Rng
) -> tuple[FloatArray, LabelArray]:
    """The crop with sac in place of the fat within ``reach`` mm of it.

    Around the sac of a phantom there is fat at every level. A slim patient's lies on the bone at the height of the
    pedicles, and on thick slices the ring of bone around it looks like the shell of a bone with dark marrow.
    """
    deep = ndimage.distance_transform_edt(labels == NERVE) > _SAC_DEPTH_MM
    found = ndimage.find_objects(deep.astype(np.uint8))
    if not found or found[0] is None:
        return hu, labels
    margin = int(np.ceil(_SAC_DEPTH_MM + reach)) + 1
    box = tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in found[0])
    near = ndimage.distance_transform_edt(~deep[box]) <= _SAC_DEPTH_MM + reach
    # Of noise the median knows little, and unlike a mean it keeps the borders.
    fat = ndimage.median_filter(hu[box], 3) < _FAT_BELOW_HU
    filled = near & fat & (labels[box] == BACKGROUND)
    hu, labels = hu.copy(), labels.copy()
    hu[box][filled] = rng.choice(hu[deep], int(filled.sum()))
    labels[box][filled] = NERVE
    return hu, labels


def _cut(case: Case, settings: Augmentation, rng: Rng) -> tuple[FloatArray, LabelArray]:
    """A crop around some labelled voxel, turned and stretched if the dice say so."""
    whole = np.array(case.hu.shape)
    shape = np.array(
        [rng.integers(a, b + 1) for a, b in zip(settings.smallest, settings.largest, strict=True)]
    )
    shape = np.minimum(shape, whole)
    # The labelled structures lie in the middle of any sensible crop, but never exactly.
    inside = np.argwhere(case.labels[::4, ::4, ::4] > BONE)
    target = inside[rng.integers(len(inside))] * 4.0 if len(inside) else (whole - 1) / 2
    centre = target + rng.uniform(-25, 25, 3)
    posed = rng.random() < settings.pose
    bent = settings.bend > 0 and rng.random() < settings.bend
    if not (posed or bent):
        start = np.clip(np.round(centre - shape / 2), 0, whole - shape).astype(int)
        box = tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))
        return case.hu[box].astype(np.float32), case.labels[box]
    matrix = _pose(settings, rng) if posed else np.eye(3)
    centre = np.clip(centre, shape / 2, whole - shape / 2)
    places = _places(matrix, centre - matrix @ ((shape - 1) / 2), shape)
    if bent:
        deviation = np.float32(rng.uniform(0, settings.bend_mm))
        for axis in range(3):
            places[axis] += deviation * smooth_field(places.shape[1:], rng, _BEND_CELL)
    return _resampled(case, places)


def _pose(settings: Augmentation, rng: Rng) -> npt.NDArray[np.float64]:
    """3x3: a step in the crop as a step in the case, which is turned and of another size."""
    angles = np.radians(rng.uniform(-settings.turn, settings.turn, 3))
    size = 1 + rng.uniform(-settings.stretch, settings.stretch) + rng.uniform(-0.04, 0.04, 3)
    return rotation(angles) @ np.diag(1 / size)


def _places(
    matrix: npt.NDArray[np.float64], offset: npt.NDArray[np.float64], shape: npt.NDArray[np.int_]
) -> FloatArray:
    """Where in the case each voxel of the crop lies: index (z, y, x) along axis 0 of (3, *shape)."""
    places = np.empty((3, *shape), np.float32)
    for axis in range(3):
        places[axis] = np.float32(offset[axis])
        for other, n in enumerate(shape):
            step = np.arange(n, dtype=np.float32) * np.float32(matrix[axis, other])
            places[axis] += step.reshape([-1 if a == other else 1 for a in range(3)])
    return places


def _resampled(case: Case, places: FloatArray) -> tuple[FloatArray, LabelArray]:
    """Intensity and labels at places between the voxels; a label is the class with the greatest share.

    The nearest voxel's label would fray the borders, and a root is only three to five voxels wide.
    """

    def at(values: npt.NDArray[Any]) -> FloatArray:
        out = np.empty(places.shape[1:], np.float32)
        ndimage.map_coordinates(values.astype(np.float32), places, out, order=1, mode="nearest")
        return out

    bone, nerve = at(case.labels == BONE), at(case.labels == NERVE)
    rest = 1.0 - bone - nerve
    labels = np.where(nerve > np.maximum(bone, rest), NERVE, np.where(bone >= rest, BONE, BACKGROUND))
    return at(case.hu), labels.astype(np.uint8)


def reshaded(
    hu: FloatArray, labels: LabelArray, settings: Augmentation, rng: Rng
) -> tuple[FloatArray, LabelArray]:
    """Vary the density of bone, from fatty marrow to sclerosis, and the soft tissues a little."""
    if rng.random() < settings.bone:
        bone = labels == BONE
        field = smooth_field(hu.shape, rng)
        values = hu[bone]
        # Cancellous bone lies below some 350 HU; between 350 and 700 the change fades out towards the cortex.
        marrow = np.clip((700 - values) / 350, 0, 1)
        lowest, highest = settings.cancellous
        change = rng.uniform(-lowest, highest) + 50 * field[bone]
        cortex = np.clip((values - 250) / 300, 0, 1) * (values - 250) * rng.uniform(-0.35, 0.3)
        hu = hu.copy()
        # Marrow is never darker than fat.
        hu[bone] = np.maximum(values + marrow * change + cortex, np.minimum(values, -60))
    if settings.soft > 0:
        soft = np.clip((hu + 150) / 60, 0, 1) * np.clip((200 - hu) / 80, 0, 1)
        change = soft * smooth_field(hu.shape, rng) * np.float32(rng.uniform(0, settings.soft))
        hu = np.asarray(hu + change, dtype=np.float32)
    return hu, labels


def smooth_field(shape: tuple[int, ...], rng: Rng, cell: int = 24) -> FloatArray:
    """A field of deviation about 1 that varies over some ``cell`` voxels."""
    nodes: npt.NDArray[Any] = rng.normal(size=[n // cell + 3 for n in shape])
    field: npt.NDArray[Any] = nodes.astype(np.float32)
    for axis, n in enumerate(shape):
        position = np.linspace(0.5, 0.5 + n / cell, n, dtype=np.float32)
        low = np.floor(position).astype(int)
        part = position - low
        part = (part * part * (3 - 2 * part)).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        field = np.take(field, low, axis) * (1 - part) + np.take(field, low + 1, axis) * part
    return np.asarray(field, dtype=np.float32)


def scanned(
    hu: FloatArray, labels: LabelArray, settings: Augmentation, rng: Rng
) -> tuple[FloatArray, LabelArray]:
    """What kernel, slice thickness, noise and nearest-neighbour resampling make of the anatomy."""
    if rng.random() < settings.blur:
        across, within = rng.uniform(0.2, settings.blur_mm, 2)
        hu = ndimage.gaussian_filter(hu, (across, within, within), truncate=3)
    elif rng.random() < settings.sharpen:
        hu = hu + np.float32(rng.uniform(0.2, 0.9)) * (hu - ndimage.gaussian_filter(hu, 0.8, truncate=3))
    coarse: list[npt.NDArray[np.intp]] = []
    if rng.random() < settings.slabs:
        thickness = rng.uniform(1.2, settings.thickest)
        for axis in range(3 if rng.random() < settings.coarse else 1):
            hu, centres, back = slabs(hu, axis, thickness, rng.uniform(0, 1))
            labels = np.take(labels, centres, axis)
            coarse.append(back)
    if settings.noise > 0:
        deviation = settings.noise * rng.random() ** settings.quiet
        hu = hu + noise(hu.shape, deviation, rng.random() < settings.correlated, rng)
    for axis, back in enumerate(coarse):
        hu, labels = np.take(hu, back, axis), np.take(labels, back, axis)
    return hu, labels


def slabs(
    hu: FloatArray, axis: int, thickness: float, phase: float
) -> tuple[FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Average 1 mm voxels into slices of ``thickness`` mm.

    Returns:
        the slices; the 1 mm index at each slice's middle; for each 1 mm voxel the slice nearest to it.
    """
    n = hu.shape[axis]
    edges = np.arange((phase - 1) * thickness, n + thickness, thickness)
    low, high = np.clip(edges[:-1], 0, n), np.clip(edges[1:], 0, n)
    kept = high - low > 1e-3
    low, high = low[kept], high[kept]
    total = np.concatenate(
        [np.zeros_like(np.take(hu, [0], axis), dtype=np.float64), np.cumsum(hu, axis, dtype=np.float64)], axis
    )

    def upto(position: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        whole = np.minimum(position.astype(int), n - 1)
        part = (position - whole).reshape([-1 if a == axis else 1 for a in range(3)])
        return np.asarray(np.take(total, whole, axis) * (1 - part) + np.take(total, whole + 1, axis) * part)

    width = (high - low).reshape([-1 if a == axis else 1 for a in range(3)])
    averaged = ((upto(high) - upto(low)) / width).astype(np.float32)
    middle = (low + high) / 2
    centres = np.clip(middle.astype(int), 0, n - 1)
    voxels = np.arange(n) + 0.5
    back = np.clip(np.searchsorted(high, voxels), 0, len(high) - 1)
    return averaged, centres, back


def noise(shape: tuple[int, ...], deviation: float, correlated: bool, rng: Rng) -> FloatArray:
    """Gaussian noise (HU); shared by neighbours within the slice if ``correlated``."""
    field = rng.standard_normal(shape, dtype=np.float32)
    if correlated:
        field = ndimage.gaussian_filter(field, (0, 0.7, 0.7), truncate=3)
        field /= np.float32(max(float(field[::2, ::2, ::2].std()), 1e-6))
    return field * np.float32(deviation)


def rotation(angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """3x3 rotation by three angles (radians) about the axes of the array, one after the other."""
    return np.asarray(Rotation.from_euler("xyz", angles).as_matrix())
