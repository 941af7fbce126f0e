from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt, label

from spinect_core.research.phantom import STRUCTURES, TRUNK, Phantom, Scan, draw_case
from spinect_core.research.phantom.parameters import draw_specimen

pytestmark = pytest.mark.heavy

QUIET = Scan(0.2, 0.2, 0.0, 0.5)
MUSCLES = ("psoas", "multifidus", "erector spinae", "iliacus", "gluteus")
BACK = ((-40.0, 40.0), (40.0, 118.0), (-20.0, 20.0))


@pytest.fixture(scope="module")
def trunk(draw_once: Callable[..., Phantom]) -> Phantom:
    return draw_once(3, (3.0, 3.0, 3.0), box=TRUNK, setting=QUIET)


def part(phantom: Phantom, name: str) -> np.ndarray:
    return phantom.structures == STRUCTURES[name]


def core(mask: np.ndarray) -> np.ndarray:
    return binary_erosion(mask)


@pytest.mark.parametrize("name", MUSCLES)
def test_muscles_have_the_hu_of_muscle_with_fat_in_those_of_the_back(trunk: Phantom, name: str) -> None:
    ct, drawn = trunk.volume.array.astype(float), trunk.truth["specimen"]["values"]
    for side in ("left", "right"):
        inside = ct[core(part(trunk, f"{name} {side}"))]
        assert inside.size > 100
        assert np.median(inside) == pytest.approx(drawn["muscle"], abs=8.0)
        assert drawn["fat"] < inside.mean() <= drawn["muscle"] + 5.0
        if name in ("psoas", "iliacus"):
            assert inside.mean() > drawn["muscle"] - 5.0


@pytest.mark.parametrize("name", MUSCLES)
def test_muscles_lie_on_their_side(trunk: Phantom, name: str) -> None:
    geometry = trunk.volume.geometry
    left, right = (
        geometry.to_patient(np.argwhere(part(trunk, f"{name} {side}")))[:, 0].mean()
        for side in ("left", "right")
    )
    middle = trunk.truth["landmarks"]["L5 body centre"][0]
    assert left > middle + 8.0
    assert right < middle - 8.0
    # A warp of 3 mm and a turned patient leave both of about the same size.
    sizes = [part(trunk, f"{name} {side}").sum() for side in ("left", "right")]
    assert 0.6 < sizes[0] / sizes[1] < 1.6


def test_muscles_lie_in_the_order_of_anatomy(trunk: Phantom) -> None:
    geometry = trunk.volume.geometry

    def middle(name: str) -> np.ndarray:
        return geometry.to_patient(np.argwhere(part(trunk, name))).mean(axis=0)

    assert abs(middle("multifidus left")[0]) < abs(middle("erector spinae left")[0])
    assert middle("psoas left")[1] < middle("multifidus left")[1] - 30.0
    assert middle("psoas left")[0] < middle("iliacus left")[0] < middle("gluteus left")[0] + 25.0
    assert middle("gluteus left")[1] > middle("iliacus left")[1]


@pytest.mark.slow
def test_fat_planes_part_multifidus_and_longissimus() -> None:
    phantom = draw_case(7, (1.0, 1.0, 3.0), box=((-70.0, 70.0), (20.0, 90.0), (10.0, 40.0)), setting=QUIET)
    ct = phantom.volume.array
    multifidus, erector = part(phantom, "multifidus left"), part(phantom, "erector spinae left")
    between = binary_dilation(multifidus, iterations=3) & binary_dilation(erector, iterations=3)
    between &= ~multifidus & ~erector & (phantom.structures == 0)
    assert between.sum() > 100
    assert np.median(ct[between]) < 0.0


def test_fat_is_fat_and_skin_is_closed() -> None:
    phantom = draw_case(3, (1.0, 1.0, 1.0), box=BACK, setting=QUIET)
    ct = phantom.volume.array.astype(float)
    fat, skin = part(phantom, "subcutaneous fat"), part(phantom, "skin")
    drawn = phantom.truth["specimen"]["values"]["fat"]
    assert drawn - 10.0 < np.median(ct[core(fat)]) < drawn + 20.0
    pieces, _count = label(ct < -700.0)
    behind = np.unique(pieces[:, -1, :])
    air = np.isin(pieces, behind[behind > 0])
    assert air.any()
    touched = binary_dilation(air) & ~air
    # The voxels cut by the surface are between air and skin; behind them comes skin, never fat.
    assert not np.any(touched & fat)
    thickness = skin.sum(axis=1)
    assert 1.4 < np.median(thickness) < 3.0
    assert thickness.min() >= 1


def test_vessels_run_before_the_spine_and_divide_downwards(trunk: Phantom) -> None:
    geometry, marks = trunk.volume.geometry, trunk.truth["landmarks"]
    arteries = part(trunk, "arteries")

    def trees(z_mm: float) -> int:
        plane = round(float(geometry.to_index(np.array([0.0, 0.0, z_mm]))[0]))
        _pieces, count = label(arteries[plane], np.ones((3, 3)))
        return count

    top = marks["L5 body centre"][2] + 65.0
    assert trees(min(top, 85.0)) == 1
    assert trees(marks["S1 upper end plate centre"][2] - 40.0) >= 2
    places = geometry.to_patient(np.argwhere(arteries | part(trunk, "veins")))
    assert places[:, 1].mean() < marks["L5 body centre"][1] - 15.0
    assert not np.any(part(trunk, "arteries") & (trunk.labels.array == 1))


@pytest.mark.slow
def test_blood_and_contrast_differ_from_seed_to_seed() -> None:
    box = ((-60.0, 60.0), (-72.0, 0.0), (-30.0, 60.0))
    values = []
    for seed in range(4):
        phantom = draw_case(seed, (3.0, 3.0, 3.0), box=box, setting=QUIET)
        inside = core(part(phantom, "veins"))
        values.append(float(np.median(phantom.volume.array[inside])))
    assert min(values) > 25.0
    assert min(values) < 55.0
    assert max(values) > 80.0


def test_bowel_has_wall_content_and_gas_and_keeps_out_of_muscle(trunk: Phantom) -> None:
    ct, bowel = trunk.volume.array, part(trunk, "bowel")
    assert (ct[bowel] < -700).mean() > 0.005
    assert ((ct[bowel] > -10) & (ct[bowel] < 110)).mean() > 0.4
    places = trunk.volume.geometry.to_patient(np.argwhere(bowel))
    assert places[:, 1].max() < trunk.truth["landmarks"]["L5 body centre"][1]
    gas = bowel & (ct < -700)
    assert not np.any(binary_dilation(gas) & part(trunk, "psoas left"))


@pytest.mark.slow
def test_lean_and_obese_differ_in_fat_not_in_back_muscle() -> None:
    box = ((-60.0, 60.0), (10.0, 118.0), (0.0, 20.0))
    drawn = []
    by_depth = sorted(range(40), key=lambda seed: draw_specimen(seed).skin_depth)
    for seed in (by_depth[1], by_depth[20], by_depth[-2]):
        phantom = draw_case(seed, (4.0, 2.0, 4.0), box=box, setting=QUIET)
        fat = part(phantom, "subcutaneous fat").sum(axis=1)
        muscle = part(phantom, "multifidus left").sum(axis=1)
        drawn.append(
            (phantom.truth["specimen"]["values"]["skin_depth"], 2.0 * np.median(fat), 2.0 * muscle.max())
        )
    depth, fat_mm, muscle_mm = np.array(drawn).T
    assert np.all(np.diff(depth) > 0)
    assert np.all(np.diff(fat_mm) > 4.0)
    assert fat_mm.max() > 2.0 * fat_mm.min()
    assert np.all((muscle_mm > 20.0) & (muscle_mm < 70.0))


def test_the_same_seed_gives_the_same_structures_on_any_grid() -> None:
    box = ((-90.0, 90.0), (-60.0, 84.0), (-60.0, 60.0))
    once = draw_case(9, (6.0, 6.0, 6.0), box=box)
    again = draw_case(9, (6.0, 6.0, 6.0), box=box)
    assert np.array_equal(once.structures, again.structures)
    finer = draw_case(9, (3.0, 3.0, 3.0), box=box)
    same = finer.structures[::2, ::2, ::2][tuple(slice(n) for n in once.structures.shape)]
    soft = once.structures >= 41
    assert np.mean(once.structures[soft] == same[soft]) > 0.85


@pytest.mark.parametrize("root", ["L4", "L5", "S1"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_fat_beside_a_root_is_fat_like_that_farther_off(fine: Phantom, root: str, side: str) -> None:
    number = STRUCTURES[f"{root} {side}"]
    places = np.argwhere(fine.structures == number)
    around = tuple(
        slice(max(low - 8, 0), high + 9)
        for low, high in zip(places.min(axis=0), places.max(axis=0), strict=True)
    )
    ct, structures, labels = (
        array[around] for array in (fine.volume.array, fine.structures, fine.labels.array)
    )
    others = (labels > 0) & (structures != number)
    for name in ("disc L4/5", "disc L5/S1", "ligamentum flavum"):
        others |= structures == STRUCTURES[name]
    fat = (structures == STRUCTURES["epidural and foraminal fat"]) & ~binary_dilation(others, iterations=3)
    away = distance_transform_edt(structures != number)
    # Nearer than 1.5 mm the scanner's blur mixes both.
    near, far = ct[fat & (away > 1.5) & (away < 2.4)], ct[fat & (away > 3.5)]
    assert min(near.size, far.size) > 50
    assert np.median(near) == pytest.approx(np.median(far), abs=4.0)
