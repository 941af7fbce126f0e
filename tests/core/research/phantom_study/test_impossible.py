from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, label

from spinect_core.image.volume import Labels
from spinect_core.research.phantom import STRUCTURES, Phantom, draw_case
from spinect_core.research.phantom_study.impossible import find_violations
from spinect_core.research.phantom_study.run import normal_case

pytestmark = pytest.mark.heavy

GRAVE = {
    "labels against structures",
    "structure without a name",
    "structure missing",
    "sides swapped",
    "floating bone",
    "foramen closed",
    "foramen not found",
    "sac outside the canal",
    "bone outside the skin",
}


@pytest.fixture(scope="module")
def phantom(draw_once: Callable[..., Phantom]) -> Phantom:
    return draw_once(3, (2.0, 2.0, 2.0))


def changed(phantom: Phantom, structures: np.ndarray, labels: np.ndarray) -> Phantom:
    return replace(phantom, structures=structures, labels=Labels(labels, phantom.labels.geometry))


def copies(phantom: Phantom) -> tuple[np.ndarray, np.ndarray]:
    return phantom.structures.copy(), phantom.labels.array.copy()


def found(phantom: Phantom) -> set[tuple[str, str]]:
    return {(violation.name, violation.where) for violation in find_violations(phantom)}


@pytest.mark.parametrize("seed", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_sample_of_seeds_has_nothing_gravely_impossible(seed) -> None:
    assert {name for name, _where in found(normal_case(seed, 3.0))} & GRAVE == set()


def test_a_cut_nerve_is_found(phantom) -> None:
    structures, labels = copies(phantom)
    course = np.array(phantom.truth["nerves"]["L5 left"]["points"])
    middle = phantom.labels.geometry.to_index(course[len(course) // 3])
    index = np.indices(structures.shape)
    near = ((index - middle[:, None, None, None]) ** 2).sum(axis=0) < 5.0**2
    cut = near & (structures == STRUCTURES["L5 left"])
    structures[cut] = 0
    labels[cut] = 0
    assert ("nerve broken", "L5 left") in found(changed(phantom, structures, labels)) - found(phantom)


def test_an_island_of_bone_is_found(phantom) -> None:
    structures, labels = copies(phantom)
    far = distance_transform_edt(structures == 0)
    far[:4] = far[-4:] = 0
    far[:, :4] = far[:, -4:] = 0
    far[:, :, :4] = far[:, :, -4:] = 0
    z, y, x = np.unravel_index(int(np.argmax(far)), far.shape)
    structures[z : z + 2, y : y + 2, x : x + 2] = STRUCTURES["L5"]
    labels[z : z + 2, y : y + 2, x : x + 2] = 1
    assert ("floating bone", "L5") in found(changed(phantom, structures, labels))


def test_the_arch_behind_an_isthmic_slip_is_loose_and_nothing_else_is() -> None:
    box = ((-60.0, 60.0), (-62.0, 66.0), (-30.0, 62.0))
    slip = draw_case(23, (1.25, 1.25, 1.25), box=box, pathologies=("spondylolisthesis",))
    assert slip.truth["pathologies"]["spondylolisthesis"]["kind"] == "isthmic"
    assert {"floating bone", "arch not loose"} & {name for name, _where in found(slip)} == set()

    pieces, count = label(slip.structures == STRUCTURES["L5"], np.ones((3, 3, 3)))
    assert count == 2
    arch = pieces == 1 + int(np.argmin(np.bincount(pieces.ravel())[1:]))
    structures, labels = copies(slip)
    middle = int(np.argwhere(arch)[:, 2].mean())
    split = arch.copy()
    split[:, :, : middle - 1] = split[:, :, middle + 2 :] = False
    structures[split] = labels[split] = 0
    assert ("floating bone", "L5") in found(changed(slip, structures, labels))

    structures, labels = copies(slip)
    structures[arch] = labels[arch] = 0
    assert ("arch not loose", "L5") in found(changed(slip, structures, labels))

    truth = {**slip.truth, "pathologies": {}}
    assert ("floating bone", "L5") in found(replace(slip, truth=truth))


def test_a_sac_outside_the_canal_is_found(phantom) -> None:
    assert "sac outside the canal" not in {name for name, _where in found(phantom)}
    structures, labels = copies(phantom)
    sac = structures == STRUCTURES["thecal sac"]
    moved = np.roll(sac, 12, axis=1)
    structures[sac] = labels[sac] = 0
    structures[moved], labels[moved] = STRUCTURES["thecal sac"], 2
    assert ("sac outside the canal", "thecal sac") in found(changed(phantom, structures, labels))


def test_swapped_sides_are_found(phantom) -> None:
    structures, labels = copies(phantom)
    left, right = (phantom.structures == STRUCTURES[f"S1 {side}"] for side in ("left", "right"))
    structures[left], structures[right] = STRUCTURES["S1 right"], STRUCTURES["S1 left"]
    assert ("sides swapped", "S1 left") in found(changed(phantom, structures, labels))


def test_a_filled_foramen_is_found_on_its_side_only(phantom) -> None:
    structures, labels = copies(phantom)
    centre = phantom.labels.geometry.to_index(phantom.truth["landmarks"]["foramen L5/S1 centre left"])
    index = np.indices(structures.shape)
    plug = (
        np.abs((index - centre[:, None, None, None]) * 2.0) < np.array([16.0, 20.0, 4.0])[:, None, None, None]
    ).all(axis=0)
    # Through the nerve as well: a small ball would roll along it.
    structures[plug] = STRUCTURES["L5"]
    labels[plug] = 1
    closed = {
        where for name, where in found(changed(phantom, structures, labels)) if name == "foramen closed"
    }
    assert closed == {"L5/S1 left"}


def test_what_only_some_have_or_few_pictures_show_may_be_missing(phantom) -> None:
    structures, labels = copies(phantom)
    for name in ("metal", "skin", "L3", "bowel"):
        labels[structures == STRUCTURES[name]] = 0
        structures[structures == STRUCTURES[name]] = 0
    missing = {where for name, where in found(changed(phantom, structures, labels)) if "missing" in name}
    assert missing == set()


def test_l3_leaves_the_picture(phantom) -> None:
    assert {where for name, where in found(phantom) if name == "nerve ends inside"} == set()


def test_labels_that_contradict_structures_and_missing_sides_are_found(phantom) -> None:
    structures, labels = copies(phantom)
    labels[structures == STRUCTURES["L4"]] = 2
    structures[structures == STRUCTURES["S2 right"]] = 0
    names = found(changed(phantom, structures, labels))
    assert any(name == "labels against structures" for name, _where in names)
    assert ("structure missing", "S2 right") in names


def test_fused_neighbours_are_found(phantom) -> None:
    structures, labels = copies(phantom)
    disc = structures == STRUCTURES["disc L4/5"]
    structures[disc] = STRUCTURES["L4"]
    labels[disc] = 1
    assert ("bones touch", "L4 and L5") in found(changed(phantom, structures, labels))
