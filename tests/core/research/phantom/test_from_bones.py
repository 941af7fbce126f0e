from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, map_coordinates

from spinect_core.image.volume import Geometry
from spinect_core.research.phantom import STRUCTURES, Phantom
from spinect_core.research.phantom.build import procedural
from spinect_core.research.phantom.from_bones import BoneField, BoneSet, draw_on_bones
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.sdf import Lattice
from spinect_core.research.phantom.structures import BESIDE_NERVES

pytestmark = pytest.mark.heavy

STEP = 2.0
LOW, HIGH = (-90.0, -60.0, -100.0), (90.0, 110.0, 90.0)
BOX = ((-60.0, 60.0), (-40.0, 76.0), (-62.0, 48.0))


@pytest.fixture(scope="module")
def bones() -> BoneSet:
    """Bones as if they came from outside, grown so far that their joints and foramina have closed."""
    specimen = draw_specimen(31)
    anatomy = procedural(specimen)
    axes = [np.arange(low, high + STEP / 2, STEP) for low, high in zip(LOW, HIGH, strict=True)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    solids = anatomy.solids((x, y, z), Lattice.every(x.shape, (1, 1, 1)))
    solids["hips"] = np.minimum(solids.pop("hip left"), solids.pop("hip right"))
    geometry = Geometry(x.shape, (STEP, STEP, STEP), LOW)
    fields = {name: BoneField(solid - 1.5, geometry) for name, solid in solids.items()}
    canal = [(anatomy.sac[8:], 7.0)]
    return BoneSet("swollen", fields, anatomy.skeleton, anatomy.routes, anatomy.sac, canal)


@pytest.fixture(scope="module")
def built(bones: BoneSet) -> Phantom:
    return draw_on_bones(4, bones, (1.5, 1.5, 1.5), box=BOX)


def test_the_family_is_named(built: Phantom) -> None:
    assert built.truth["family"] == "swollen"
    assert "swollen" in built.volume.name


def test_closed_joints_are_opened(built: Phantom) -> None:
    for first, second in (("L4", "L5"), ("L5", "sacrum"), ("sacrum", "hip left"), ("sacrum", "hip right")):
        one, other = (built.structures == STRUCTURES[name] for name in (first, second))
        assert one.any()
        assert other.any()
        # A gap of 1.5 mm can fall between two voxels of 1.5 mm in a few places, never along a joint.
        assert (binary_dilation(one) & other).sum() < 0.03 * binary_dilation(one).sum()


def test_nerves_keep_out_of_the_given_bone(built: Phantom) -> None:
    geometry = built.volume.geometry
    bone = (built.labels.array == 1).astype(np.float64)
    checked = 0
    for name, nerve in built.truth["nerves"].items():
        index = geometry.to_index(np.array(nerve["points"])).T
        inside = np.all((index >= 0) & (index <= np.array(geometry.shape)[:, None] - 1), axis=0)
        through = map_coordinates(bone, index[:, inside], order=1) > 0.5
        checked += len(through)
        assert through.sum() <= 0.01 * len(through), name
    assert checked > 300


@pytest.mark.slow
def test_the_varied_family_is_laid_on_given_bones(bones: BoneSet) -> None:
    case = draw_on_bones(5, bones, (3.0, 3.0, 3.0), box=BOX, varied=True)
    assert case.truth["family"] == "swollen varied"
    assert case.truth["variety"]["bend_mm"] > 0.0
    nodes = case.structures == BESIDE_NERVES["lymph nodes"]
    assert nodes.any()
    assert np.all(case.labels.array[nodes] == 0)
    usual = draw_on_bones(5, bones, (3.0, 3.0, 3.0), box=BOX)
    assert usual.truth["family"] == "swollen"
    assert not np.array_equal(usual.labels.array, case.labels.array)


def test_another_seed_deforms_the_same_bones(bones: BoneSet, built: Phantom) -> None:
    other = draw_on_bones(5, bones, (3.0, 3.0, 3.0), box=BOX)
    again = draw_on_bones(5, bones, (3.0, 3.0, 3.0), box=BOX)
    assert np.array_equal(other.volume.array, again.volume.array)
    centres = [np.array(case.truth["landmarks"]["L5 body centre"]) for case in (built, other)]
    assert np.linalg.norm(centres[0] - centres[1]) > 0.5
