from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt, map_coordinates
from soundness import faults

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom import STRUCTURES, VARIED, Phantom, Scan, draw_case
from spinect_core.research.phantom.parameters import draw_specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.structures import BESIDE_NERVES
from spinect_core.research.phantom.variety import (
    BEYOND,
    FUSED,
    LARGEST_BEND_MM,
    READINGS,
    bent,
    draw_variety,
    varied_specimen,
)

pytestmark = pytest.mark.heavy

SEED = 1349
"""On its left the L5 root lies on body, disc and ala, on its right it runs free."""
BOX = ((-62.0, 62.0), (-48.0, 62.0), (-58.0, 80.0))
QUIET = Scan(fwhm_mm=0.9, slice_mm=0.9, noise_hu=0.0)
NEGATIVES = [STRUCTURES[name] for name in ("arteries", "veins")] + [
    BESIDE_NERVES[name] for name in ("lymph nodes", "sympathetic trunk", "strands in the fat", "ureters")
]


@pytest.fixture(scope="module")
def varied(draw_once: Callable[..., Phantom]) -> Phantom:
    return draw_once(SEED, box=BOX, setting=QUIET, family=VARIED, pathologies=())


@pytest.fixture(scope="module")
def usual(draw_once: Callable[..., Phantom]) -> Phantom:
    return draw_once(SEED, box=BOX, setting=QUIET, pathologies=())


def ml(phantom: Phantom, mask: np.ndarray) -> float:
    return float(mask.sum() * np.prod(phantom.volume.geometry.spacing)) / 1000.0


def beyond_foramen(phantom: Phantom, name: str) -> tuple[FloatArray, FloatArray]:
    """Points and radii in the picture of a root from 8 mm beyond the middle of its ganglion on, to 40 mm beyond it."""
    nerve = phantom.truth["nerves"][name]
    points, radii = np.array(nerve["points"]), np.array(nerve["radii"])
    start = int(np.linalg.norm(points - nerve["ganglion"], axis=1).argmin())
    points, radii = points[start + 8 : start + 40], radii[start + 8 : start + 40]
    index = phantom.volume.geometry.to_index(points)
    inside = np.all((index >= 0) & (index <= np.array(phantom.labels.array.shape) - 1), axis=1)
    return points[inside], radii[inside]


def gaps_to_bone_and_disc(phantom: Phantom, name: str) -> FloatArray:
    """mm between the surface of a root beyond the foramen and the nearest bone or disc."""
    discs = [STRUCTURES[disc] for disc in ("disc L3/4", "disc L4/5", "disc L5/S1")]
    solid = (phantom.labels.array == 1) | np.isin(phantom.structures, discs)
    away = distance_transform_edt(~solid, phantom.volume.geometry.spacing[::-1]) - 0.5
    points, radii = beyond_foramen(phantom, name)
    index = phantom.volume.geometry.to_index(points).T
    return map_coordinates(away, index, order=1) - radii


@pytest.mark.slow
def test_nerves_bones_and_joints_are_as_sound_as_ever(varied: Phantom) -> None:
    assert faults(varied) == []


@pytest.mark.slow
def test_what_lies_beside_the_nerves_is_background(varied: Phantom) -> None:
    beside = np.isin(varied.structures, NEGATIVES)
    assert ml(varied, beside) > 8.0
    assert np.all(varied.labels.array[beside] == 0)


@pytest.mark.slow
def test_unenhanced_vessels_have_the_density_of_nerve(varied: Phantom) -> None:
    ct, root = varied.volume.array, varied.truth["specimen"]["values"]["root"]
    assert varied.truth["variety"]["blood"][0] < 80.0
    for number in NEGATIVES[:2]:
        inside = binary_erosion(varied.structures == number, iterations=2)
        assert inside.sum() > 100
        assert np.median(ct[inside]) == pytest.approx(root, abs=16.0)


@pytest.mark.slow
def test_round_the_roots_lies_what_was_not_there_before(varied: Phantom, usual: Phantom) -> None:
    """Within a centimetre of the roots outside of canal and foramen: no nerve, but as dense, with fat round it."""

    def dense_and_no_nerve(phantom: Phantom) -> float:
        nerve = phantom.labels.array == 2
        near = np.zeros_like(nerve)
        for level in ("L4", "L5"):
            for side in ("left", "right"):
                points, _radii = beyond_foramen(phantom, f"{level} {side}")
                where = np.rint(phantom.volume.geometry.to_index(points)).astype(int)
                near[tuple(where.T)] = True
        near = distance_transform_edt(~near, phantom.volume.geometry.spacing[::-1]) < 10.0
        named = np.isin(phantom.structures, NEGATIVES)
        hu = phantom.volume.array
        return ml(phantom, near & named & (hu > 5) & (hu < 80) & ~binary_dilation(nerve))

    assert dense_and_no_nerve(varied) > 0.4
    assert dense_and_no_nerve(varied) > dense_and_no_nerve(usual) + 0.3


@pytest.mark.slow
def test_a_touching_l5_root_lies_on_body_disc_and_ala(varied: Phantom, usual: Phantom) -> None:
    assert varied.truth["variety"]["roots"]["L5 left"]["lies"] == "touching"
    assert varied.truth["variety"]["roots"]["L5 right"]["lies"] == "free"
    touching = gaps_to_bone_and_disc(varied, "L5 left")
    assert np.median(touching) < 1.0
    assert touching.max() < 2.0
    for phantom, name in ((usual, "L5 left"), (varied, "L5 right")):
        free = gaps_to_bone_and_disc(phantom, name)
        assert np.mean(free > 2.0) > 0.25
        assert free.max() > 5.0


@pytest.mark.slow
def test_a_root_on_bone_is_a_band_of_its_old_cross_section(varied: Phantom) -> None:
    """Across its way a flattened root is longer than thick, and its volume that of the round one."""
    broad = varied.truth["variety"]["roots"]["L5 left"]["broad"]
    assert broad > 1.4
    mask = varied.structures == STRUCTURES["L5 left"]
    points, radii = beyond_foramen(varied, "L5 left")
    voxels = varied.volume.geometry.to_patient(np.argwhere(mask))
    nearest = np.linalg.norm(voxels[:, None] - points[None, 10:], axis=2)
    ratios = []
    for at in range(12, len(points) - 2, 4):
        along = points[at + 1] - points[at - 1]
        along /= np.linalg.norm(along)
        slab = np.abs((voxels - points[at]) @ along) < 1.5
        slab &= np.linalg.norm(voxels - points[at], axis=1) < 9.0
        cut = voxels[slab] - points[at]
        cut -= np.outer(cut @ along, along)
        spread = np.linalg.svd(cut - cut.mean(axis=0), compute_uv=False)
        ratios.append(spread[0] / spread[1])
    assert np.median(ratios) > 1.3
    length = np.linalg.norm(np.diff(points[10:], axis=0), axis=1).sum()
    held = (
        (nearest.argmin(axis=1) > 0)
        & (nearest.min(axis=1) < 8.0)
        & (nearest.argmin(axis=1) < len(points) - 11)
    )
    assert held.sum() == pytest.approx(length * np.pi * np.median(radii) ** 2, rel=0.3)


@pytest.mark.slow
def test_the_person_is_the_one_of_the_seed(varied: Phantom, usual: Phantom) -> None:
    one, other = (case.truth["specimen"]["values"] for case in (varied, usual))
    unlike = {name for name, value in one.items() if value != other[name]}
    assert unlike <= {"size", "fat", "root", "sac", "sac_width", "sac_depth"}
    assert varied.truth["family"] == VARIED
    assert varied.truth["structures"] == STRUCTURES | BESIDE_NERVES
    assert usual.truth["structures"] == STRUCTURES
    assert "variety" not in usual.truth


def test_every_course_reading_and_bend_is_drawn() -> None:
    drawn = [draw_variety(seed, draw_specimen(seed, ())) for seed in range(400)]
    courses = Counter(variety.roots["L5 left"].lies for variety in drawn)
    assert all(courses[name] > 40 for name in BEYOND)
    readings = Counter(variety.reading for variety in drawn)
    assert all(abs(readings[name] / 400 - share) < 0.08 for name, share in READINGS.items())
    bends = np.array([variety.bend_mm for variety in drawn])
    assert bends.max() <= LARGEST_BEND_MM
    assert bends.max() > LARGEST_BEND_MM - 0.5
    full = [variety for variety in drawn if variety.canal_left is not None and variety.canal_left < 1.5]
    assert len(full) > 20
    enhanced = sum(variety.blood[0] > 80.0 for variety in drawn)
    assert 60 < enhanced < 140


def test_a_full_canal_leaves_little_fat_beside_the_sac() -> None:
    for seed in range(60):
        specimen = draw_specimen(seed, ())
        variety = draw_variety(seed, specimen)
        values = varied_specimen(specimen, variety).values
        assert values["sac_width"] >= specimen.values["sac_width"]
        if variety.canal_left is not None:
            beside = (values["l5_canal_width"] - values["sac_width"]) / 2
            assert beside <= variety.canal_left + 0.5 + 1e-9
        assert values["sac_width"] < values["l5_canal_width"]
        assert values["sac_depth"] < values["canal_depth"]


def test_the_bend_is_as_large_as_told_and_folds_nothing() -> None:
    axis = np.linspace(-90.0, 90.0, 13)
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    for seed in range(40):
        specimen = draw_specimen(seed, ())
        plain = Pose.draw(specimen, stream(seed, "pose"))
        pose = bent(plain, LARGEST_BEND_MM, seed)

        def mapped(points: FloatArray, by: Pose = pose) -> FloatArray:
            return np.stack(by.to_specimen((points[:, 0], points[:, 1], points[:, 2])), axis=1)

        moved = np.linalg.norm(mapped(places) - mapped(places, plain), axis=1)
        assert moved.max() == pytest.approx(LARGEST_BEND_MM, rel=0.15)
        columns = [(mapped(places + e) - mapped(places - e)) / 2.0 for e in np.eye(3)]
        assert np.linalg.det(np.stack(columns, axis=2)).min() > 0.25
        back = pose.to_patient(mapped(places[::50]))
        assert np.abs(back - places[::50]).max() < 0.01


@pytest.mark.slow
def test_the_reading_is_that_of_the_seed() -> None:
    seed = next(s for s in range(100) if draw_variety(s, draw_specimen(s, ())).reading == FUSED)
    case = draw_case(seed, (3.0, 3.0, 3.0), box=BOX, setting=QUIET, family=VARIED, pathologies=())
    assert case.truth["variety"]["reading"] == FUSED
    assert case.truth["variety"]["bend_mm"] <= LARGEST_BEND_MM
