"""Organs from what the network answers: caution, gas, sides; and what it finds in a trunk that it has never seen."""

import threading

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.image.organs import NUMBERS, SPARED, Organ, OrganOrigin, Organs
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Volume
from spinect_core.research.phantom.organs import OrganPhantom, draw_trunk
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, organ_weight_shapes
from spinect_core.segmentation.organs import (
    LOOKED_FOR,
    about,
    cautious_classes,
    find_organs,
    gas_in_body,
    midline,
    named,
    on_ct,
)
from spinect_core.segmentation.weights import (
    ORGAN_ARCHITECTURE,
    ORGAN_FILE_NAME,
    check_fit,
    read_tensors,
    weights_hash,
    weights_path,
)

SHAPE = (20, 30, 40)
GRID = Geometry(SHAPE, (3.0, 3.0, 3.0), (-58.5, -40.0, 0.0))
MUSCLE_HU = np.full(SHAPE, 50.0, np.float32)


def number(name: str) -> int:
    return ORGAN_CLASSES.index(name)


def certain(classes: np.ndarray) -> np.ndarray:
    """Probabilities of a network that has no doubt."""
    return np.eye(len(ORGAN_CLASSES), dtype=np.float32)[classes]


def test_a_small_probability_of_bowel_is_taken_for_bowel() -> None:
    probabilities = certain(np.full(SHAPE, number("psoas and iliacus")))
    doubtful, unlikely = (
        (slice(5, 10), slice(5, 12), slice(5, 12)),
        (slice(5, 10), slice(5, 12), slice(20, 27)),
    )
    for where, share in ((doubtful, 0.45), (unlikely, 0.05)):
        probabilities[where][..., number("psoas and iliacus")] = 1 - share
        probabilities[where][..., number("bowel")] = share
    classes = cautious_classes(probabilities, MUSCLE_HU)
    assert (classes[doubtful] == number("bowel")).all()
    assert (classes[unlikely] == number("psoas and iliacus")).all()


def test_pieces_too_small_for_an_organ_are_what_else_they_are_likeliest() -> None:
    probabilities = certain(np.full(SHAPE, number("back muscles")))
    probabilities[10, 10, 10:13] = 0
    probabilities[10, 10, 10:13, number("great vessels")] = 0.8
    probabilities[10, 10, 10:13, number("back muscles")] = 0.2
    assert (cautious_classes(probabilities, MUSCLE_HU) == number("back muscles")).all()


def test_nothing_is_marked_far_outside_of_the_body_or_where_the_scanner_saw_nothing() -> None:
    hu = np.full(SHAPE, -1000.0, np.float32)
    hu[:, 8:22, 8:40] = 40.0
    hu[:, :, :6] = -1024.0
    classes = cautious_classes(certain(np.full(SHAPE, number("bowel"))), hu)
    assert (classes[:, 8:22, 8:40] == number("bowel")).all()
    assert (classes[:, 7, 12:36] == number("bowel")).all(), "a bubble at its border may be bowel's"
    assert not classes[:, :4].any()
    assert not classes[:, :, :5].any()


def test_gas_in_the_body_is_bowel_whatever_the_network_says() -> None:
    hu = np.full(SHAPE, -1000.0, np.float32)
    hu[:, 3:27, 3:37] = 40.0
    hu[5:12, 10:16, 10:16] = -900.0
    classes = cautious_classes(certain(np.zeros(SHAPE, np.uint8)), hu)
    np.testing.assert_array_equal(gas_in_body(hu), classes == number("bowel"))
    assert (classes[5:12, 10:16, 10:16] == number("bowel")).all()
    assert not classes[:, :3].any(), "air outside of the body is none"


def test_left_is_left_of_a_spine_that_leans() -> None:
    classes = np.zeros(SHAPE, np.uint8)
    lean = np.linspace(12, 26, SHAPE[0]).round().astype(int)
    for z, x in enumerate(lean):
        classes[z, 10:20, x - 2 : x + 3] = number("bone")
        classes[z, 20:25, x - 8 : x] = number("back muscles")
        classes[z, 20:25, x + 1 : x + 9] = number("back muscles")
        classes[z, 2:6, x - 9 : x - 3] = number("kidney")
    middle = midline(classes, GRID, np.array([0.0, 0.0, 30.0]))
    organs = named(classes, GRID, middle)
    x = GRID.to_patient([(0, 0, k) for k in range(SHAPE[2])])[:, 0]
    right = [
        (organs[z, 22, k], x[k] < x[lean[z]]) for z in range(3, 17) for k in range(lean[z] - 8, lean[z] + 9)
    ]
    assert {value for value, on_right in right if on_right and value} == {NUMBERS[Organ.BACK_RIGHT]}
    assert {value for value, on_right in right if not on_right and value} == {NUMBERS[Organ.BACK_LEFT]}
    assert set(np.unique(organs[3:17, 4])) == {0, NUMBERS[Organ.KIDNEY_RIGHT]}


def test_everything_the_network_tells_apart_has_a_name() -> None:
    classes = np.zeros(SHAPE, np.uint8)
    classes.reshape(-1)[:] = np.arange(classes.size) % len(ORGAN_CLASSES)
    organs = Organs(named(classes, GRID, np.zeros(SHAPE[0])), GRID, LOOKED_FOR, origin=OrganOrigin.NETWORK)
    assert set(organs.found) == set(LOOKED_FOR)
    spared = np.isin(classes, [number(name) for name in ("bowel", "kidney", "great vessels")])
    np.testing.assert_array_equal(organs.mask(SPARED), spared)


def test_a_slab_about_the_region_covers_the_ct_from_side_to_side() -> None:
    fine = Geometry((400, 60, 50), (2.0, 2.0, 1.0), (-50.0, -60.0, 100.0))
    z = np.broadcast_to(np.arange(400.0)[:, None, None], fine.shape)
    volume = Volume(z.astype(np.int16), fine, "ramp")
    hu, grid = about(volume, Region.around((0.0, 0.0, 300.0), (60.0, 60.0, 60.0)))
    assert grid.shape[1:] == (40, 34)
    low, high = grid.to_patient([(0, 0, 0), (grid.shape[0] - 1, 0, 0)])[:, 2]
    assert 300 - 96 < low < 300 - 84
    assert 300 + 104 < high < 300 + 118
    # Each voxel holds the mean of the CT within it: of three slices, the middle one.
    at = grid.to_patient([(k, 5, 5) for k in range(grid.shape[0])])[:, 2]
    np.testing.assert_allclose(hu[:, 5, 5], at - 100.0, atol=0.01)


def test_organs_are_brought_to_the_ct_s_own_grid() -> None:
    array = np.zeros(SHAPE, np.uint8)
    array[:, :, 20:] = NUMBERS[Organ.PSOAS_LEFT]  # x from 0 to the left
    organs = Organs(array, GRID, (Organ.PSOAS_LEFT,))
    ct = Geometry((10, 40, 50), (1.5, 1.5, 4.0), (-37.0, -20.0, 5.0))
    labels = on_ct(organs, ct)
    x = ct.to_patient([(0, 0, k) for k in range(50)])[:, 0]
    np.testing.assert_array_equal(labels.array[3, 3], np.where(x > 0, NUMBERS[Organ.PSOAS_LEFT], 0))
    assert labels.geometry is ct


# ------------------------------------------------------------------------------------------- a trunk it has never seen

UNSEEN = 2003
"""Neither trained on nor chosen by: see :mod:`spinect_core.research.training.organs`."""
LOW_BACK = ((-144.0, 144.0), (-110.0, 80.0), (0.0, 141.0))
L5_S1 = Region.around((0.0, 8.0, 0.0), (120.0, 100.0, 90.0))


@pytest.fixture(scope="module")
def unseen() -> OrganPhantom:
    return draw_trunk(UNSEEN, box=LOW_BACK)


@pytest.fixture(scope="module")
def found(unseen: OrganPhantom) -> Organs:
    return find_organs(unseen.volume, region=L5_S1, engine="openvino")


def overlap(found: Organs, unseen: OrganPhantom, organs: tuple[Organ, ...], name: str) -> tuple[float, float]:
    """Dice and recall of organs against a class of the phantom."""
    where = found.mask(organs)
    true = unseen.classes[: where.shape[0]] == number(name)
    both = np.count_nonzero(where & true)
    return 2 * both / (where.sum() + true.sum()), both / true.sum()


def test_organs_of_an_unseen_trunk_are_found(unseen: OrganPhantom, found: Organs) -> None:
    assert found.geometry.spacing == (3.0, 3.0, 3.0)
    assert found.origin == OrganOrigin.NETWORK
    assert len(found.checksum) == 64
    for organs, name, least in (
        ((Organ.ILIOPSOAS_LEFT, Organ.ILIOPSOAS_RIGHT), "psoas and iliacus", 0.80),
        ((Organ.BACK_LEFT, Organ.BACK_RIGHT), "back muscles", 0.82),
        ((Organ.BOWEL,), "bowel", 0.72),
    ):
        dice, _ = overlap(found, unseen, organs, name)
        assert dice > least, f"{name}: {dice:.3f}"
    true = np.isin(unseen.classes[: found.array.shape[0]], [1, 2, 3])
    marked = found.mask(SPARED)
    assert (marked & true).sum() / true.sum() > 0.95, "rather too much than too little"
    assert (marked & true).sum() / marked.sum() > 0.5, "but not everything"


def test_what_lies_on_the_left_is_called_left(found: Organs) -> None:
    x = found.geometry.to_patient([(0, 0, k) for k in range(found.geometry.shape[2])])[:, 0]
    for left, right in (
        (Organ.ILIOPSOAS_LEFT, Organ.ILIOPSOAS_RIGHT),
        (Organ.BACK_LEFT, Organ.BACK_RIGHT),
        (Organ.QUADRATUS_LEFT, Organ.QUADRATUS_RIGHT),
    ):
        on_left, on_right = (
            np.average(x, weights=found.mask([organ]).sum(axis=(0, 1))) for organ in (left, right)
        )
        assert on_left > 15 > -15 > on_right


def test_it_can_be_stopped_and_says_how_far_it_is(unseen: OrganPhantom) -> None:
    stop, seen = threading.Event(), []

    def progress(part: float, stage: str) -> None:
        seen.append(part)
        if part > 0.1:
            stop.set()

    with pytest.raises(Cancelled):
        find_organs(unseen.volume, region=L5_S1, engine="openvino", progress=progress, cancel=stop)
    assert seen == sorted(seen)
    assert seen[-1] < 0.9


def test_the_weights_that_come_with_the_program_are_whole() -> None:
    path = weights_path(ORGAN_FILE_NAME)
    assert path.stat().st_size < 10e6
    assert len(weights_hash(path)) == 64  # compared with the record beside it
    tensors, facts = read_tensors(path, architecture=ORGAN_ARCHITECTURE)
    check_fit(tensors, organ_weight_shapes(), path)
    assert int(facts["step"]) > 0
