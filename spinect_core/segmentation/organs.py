"""Organs about the way of a needle, found by the organ network.

Bowel, kidneys and great vessels are to be avoided, so the network's answer is read with caution: a voxel that is one of
them with a small probability is taken for it, and gas within the body for bowel. Left and right are told from geometry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import DeviceName, EngineName
from spinect_core.image.nearest import on_grid
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin, Organs
from spinect_core.image.pieces import largest_piece
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.preprocessing.find_region import recognised_region
from spinect_core.preprocessing.grid import canonical_order, cube_means, regular_grid
from spinect_core.segmentation.choice import ORGAN_ENGINES, Candidate, candidates
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, PATCH_SHAPE, SPACING_MM, shown
from spinect_core.segmentation.process import Job
from spinect_core.segmentation.run import first_that_runs
from spinect_core.segmentation.tiling import Tiling
from spinect_core.segmentation.weights import ORGAN_FILE_NAME, weights_hash, weights_path

SOURCE = "the organ network"
LEARNED = ReadingWarning(
    "Organs were named by a network that has learned from drawn phantoms alone: check on the slices whether bowel, "
    "kidneys and great vessels are outlined. What it finds bars needles; what it does not find may be there",
    code="organs-by-network",
)
ABOVE_MM, BELOW_MM = 110.0, 90.0
"""How far above and below the middle of L5/S1 organs are looked for: farther than needles of 30 degrees tilt come."""

TILING = Tiling("organs", PATCH_SHAPE, (36, 48, 48), tapered=True, even=True)

SPARED_CLASSES = ("bowel", "kidney", "great vessels")
CAUTION = 0.2
"""From this probability of bowel, kidney and great vessels together a voxel is taken for the likeliest of the three. It
is the largest of 0.1, 0.15, 0.2 and 0.3 by which, on eight drawn trunks, 95 % of the three near the ways of needles lie
in what is marked or beside it."""
LEAST_ML = 0.4
"""Smaller pieces of them, gas excepted, are left out."""

PADDED_HU = -1015.0
"""Below air: where the scanner has reconstructed nothing."""
_BODY_HU, _GAS_HU = -300.0, -500.0
_LEAST_GAS_ML = 0.25
_NEAR_MIDLINE_MM = 40.0
_BESIDE_VOXELS = 3

_PAIRED = {
    "kidney": (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT),
    "psoas and iliacus": (Organ.ILIOPSOAS_LEFT, Organ.ILIOPSOAS_RIGHT),
    "quadratus lumborum": (Organ.QUADRATUS_LEFT, Organ.QUADRATUS_RIGHT),
    "back muscles": (Organ.BACK_LEFT, Organ.BACK_RIGHT),
    "gluteal muscles": (Organ.GLUTEAL_LEFT, Organ.GLUTEAL_RIGHT),
}
_SINGLE = {"bowel": Organ.BOWEL, "great vessels": Organ.GREAT_VESSELS}
LOOKED_FOR = (*_SINGLE.values(), *(organ for pair in _PAIRED.values() for organ in pair))
"""What the network tells apart; it knows of no ureters, and of no organ of the pelvis."""


def find_organs(
    volume: Volume,
    *,
    region: Region | None = None,
    engine: str = EngineName.AUTO,
    device: str = DeviceName.AUTO,
    weights: Path | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Organs:
    """Name the organs and muscles about the lower lumbar spine of a CT.

    The network runs in a process of its own, so this may be called from any thread, and again after any failure.

    Args:
        volume: a CT in HU.
        region: the part whose bone and nerve are segmented; its middle says where L5/S1 is. Found if not given.
        engine: ``auto``, ``tensorflow`` or ``openvino``.
        device: ``auto``, ``gpu`` or ``cpu``.
        weights: weights of an organ network instead of the program's own.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops the work within a tenth of a second.

    Returns:
        Organs on voxels of 3 mm along the CT's axes, over its whole width and depth.

    Raises:
        Cancelled: if the user stopped it.
        UsageError: for an unknown engine or device, or a region outside the CT.
        AnatomyError: no region was given, and no lumbosacral spine is recognised.
        SegmentationError: if no engine could do it, or the weights cannot be read.

    Examples:
        >>> volume = read_ct("assets/demo")
        >>> organs = find_organs(volume)
        >>> organs.geometry.spacing
        (3.0, 3.0, 3.0)
    """
    to_try = candidates(engine, device)
    path = weights_path(ORGAN_FILE_NAME) if weights is None else weights
    checksum = weights_hash(path)
    check(cancel)
    progress(0.0, "preparing the region for the organs")
    if region is None:
        region = recognised_region(volume)
    check(cancel)
    hu, geometry = about(volume, region)
    image = shown(hu)
    there = hu > _BODY_HU

    def job(candidate: Candidate) -> Job:
        factory = ORGAN_ENGINES[candidate.engine]
        batch = candidate.batch(TILING)
        return Job(factory, candidate.device, path, TILING, batch, classes=len(ORGAN_CLASSES))

    # Read twice, as it lies and mirrored: what differs between the two is chance.
    _, outcome, _ = first_that_runs(
        to_try,
        job,
        np.stack([image, image[..., ::-1]]),
        np.stack([there, there[..., ::-1]]),
        part_of(progress, 0.05, 0.97),
        cancel,
    )
    probabilities = (outcome.probabilities[0] + outcome.probabilities[1][:, :, ::-1]) / 2
    check(cancel)
    progress(0.98, "naming the organs")
    classes = cautious_classes(probabilities, hu)
    middle = midline(classes, geometry, region.centre)
    progress(1.0, "organs named")
    return Organs(
        named(classes, geometry, middle),
        geometry,
        LOOKED_FOR,
        seen=_seen(hu),
        origin=OrganOrigin.NETWORK,
        source=SOURCE,
        checksum=checksum,
        warnings=(LEARNED,),
    )


def about(volume: Volume, region: Region) -> tuple[npt.NDArray[np.float32], Geometry]:
    """The slab of a CT about a region, as means of voxels of 3 mm [z, y, x], with its grid.

    Raises:
        UsageError: the region lies outside the CT.
    """
    order, canonical = canonical_order(volume.geometry)
    grid = regular_grid(canonical, SPACING_MM)
    region.cubes(grid)  # refuses a region outside of the CT
    level = float(grid.to_index(region.centre)[0])
    first = int(np.clip(math.floor(level - BELOW_MM / SPACING_MM), 0, grid.shape[0] - 1))
    stop = int(np.clip(math.ceil(level + ABOVE_MM / SPACING_MM) + 1, first + 1, grid.shape[0]))
    hu = cube_means(
        volume.array, order, canonical, SPACING_MM, (first, 0, 0), (stop, *grid.shape[1:]), interpolated=True
    )
    x, y, z = (float(value) for value in grid.to_patient((first, 0, 0)))
    return hu, Geometry((stop - first, *grid.shape[1:]), grid.spacing, (x, y, z), grid.direction)


def cautious_classes(
    probabilities: npt.NDArray[np.float32], hu: npt.NDArray[np.float32], caution: float = CAUTION
) -> LabelArray:
    """Classes uint8 [z, y, x] by :data:`~spinect_core.segmentation.organ_network.ORGAN_CLASSES`.

    Args:
        probabilities: [z, y, x, class].
        hu: of the same voxels.
        caution: the least probability of bowel, kidney and vessels together that is taken for one of them.
    """
    classes: LabelArray = probabilities.argmax(axis=-1).astype(np.uint8)
    spared = [ORGAN_CLASSES.index(name) for name in SPARED_CLASSES]
    chosen = probabilities[..., spared]
    likely = chosen.sum(axis=-1) >= caution
    classes[likely] = np.asarray(spared, np.uint8)[chosen[likely].argmax(axis=-1)]
    bone = ORGAN_CLASSES.index("bone")
    sure = np.isin(classes, spared) & ~_of_size(np.isin(classes, spared), LEAST_ML)
    if sure.any():
        rest = probabilities[sure].copy()
        rest[:, spared] = 0
        classes[sure] = rest.argmax(axis=-1)
    inside = _inside(hu)
    gas = gas_in_body(hu, inside) & (classes != bone)
    classes[_of_size(gas, _LEAST_GAS_ML)] = ORGAN_CLASSES.index("bowel")
    # Gas at the border of the picture is not enclosed by the body, but lies beside it.
    classes[~ndimage.binary_dilation(inside, iterations=_BESIDE_VOXELS) | ~_seen(hu)] = 0
    return classes


def gas_in_body(hu: npt.NDArray[np.float32], inside: BoolArray | None = None) -> BoolArray:
    """Where there is gas within the body, [z, y, x]."""
    return np.asarray((hu < _GAS_HU) & (_inside(hu) if inside is None else inside) & _seen(hu))


def _inside(hu: npt.NDArray[np.float32]) -> BoolArray:
    """The body with what it encloses in each slice."""
    body = largest_piece(ndimage.binary_opening(hu > _BODY_HU, iterations=1))
    return np.array([ndimage.binary_fill_holes(each) for each in body])


def _of_size(mask: BoolArray, least_ml: float) -> BoolArray:
    """The pieces of a mask that have at least some volume."""
    numbered, _ = ndimage.label(mask)
    large = np.bincount(numbered.ravel()) * SPACING_MM**3 / 1000 >= least_ml
    large[0] = False
    return np.asarray(large[numbered])


def midline(classes: LabelArray, geometry: Geometry, centre: FloatArray) -> FloatArray:
    """X of the body's middle in each slice, LPS mm (z,): that of the bone about the spine, smoothed.

    Args:
        classes: [z, y, x].
        geometry: of them.
        centre: LPS mm (3,) of a point in the spine.
    """
    x = geometry.to_patient([(0, 0, k) for k in range(geometry.shape[2])])[:, 0]
    near = np.abs(x - centre[0]) < _NEAR_MIDLINE_MM
    bone = classes == ORGAN_CLASSES.index("bone")
    found = np.full(geometry.shape[0], float(centre[0]))
    for number, each in enumerate(bone):
        counts = each[:, near].sum(axis=0)
        if counts.sum() > 20:
            found[number] = float(np.average(x[near], weights=counts))
    return np.asarray(ndimage.gaussian_filter1d(found, 5.0, mode="nearest"))


def named(classes: LabelArray, geometry: Geometry, middle: Sequence[float] | FloatArray) -> LabelArray:
    """Organs uint8 [z, y, x], by :data:`~spinect_core.image.organs.NUMBERS`, of the network's classes.

    A kidney lies on one side whole; of the muscles, every voxel belongs to the side that it is on.
    """
    x = geometry.to_patient([(0, 0, k) for k in range(geometry.shape[2])])[:, 0]
    left = (x[None, :] > np.asarray(middle)[:, None])[:, None, :]
    out: LabelArray = np.zeros(classes.shape, np.uint8)
    for name, organ in _SINGLE.items():
        out[classes == ORGAN_CLASSES.index(name)] = NUMBERS[organ]
    for name, (on_left, on_right) in _PAIRED.items():
        mask = classes == ORGAN_CLASSES.index(name)
        out[mask & left] = NUMBERS[on_left]
        out[mask & ~left] = NUMBERS[on_right]
    return out


def _seen(hu: npt.NDArray[np.float32]) -> BoolArray:
    """Where the scanner has reconstructed something."""
    return np.asarray(~ndimage.binary_opening(hu < PADDED_HU, iterations=2))


def on_ct(organs: Organs, geometry: Geometry) -> Labels:
    """Organ numbers on the grid of a CT, of the nearest voxel."""
    return Labels(on_grid(organs.array, organs.geometry, geometry), geometry)
