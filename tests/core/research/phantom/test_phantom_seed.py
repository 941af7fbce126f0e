from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.research.phantom import KERNELS, LUMBOSACRAL, STRUCTURES, Scan, draw_case, scan_setting

pytestmark = pytest.mark.heavy

SPACING = (4.0, 4.0, 4.0)
LABELS_SHA = "b7e22e87e08178b4f4977777aafc8aa69b0ae2a2b582e277e7c0acc9fc32f18c"

PRINT_HASHES = """
import hashlib
from spinect_core.research.phantom import draw_case
phantom = draw_case(5, (4.0, 4.0, 4.0))
print(hashlib.sha256(phantom.labels.array.tobytes()).hexdigest())
print(hashlib.sha256(phantom.volume.array.tobytes()).hexdigest())
"""


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_a_seed_gives_the_same_bytes_in_this_and_in_another_process() -> None:
    phantom = draw_case(5, SPACING)
    assert phantom.volume.array.dtype == np.int16
    other = subprocess.run([sys.executable, "-c", PRINT_HASHES], capture_output=True, text=True, check=True)
    assert other.stdout.split() == [sha(phantom.labels.array), sha(phantom.volume.array)]
    assert sha(phantom.labels.array) == LABELS_SHA


@pytest.mark.slow
def test_another_seed_is_another_specimen() -> None:
    first, second = draw_case(5, SPACING), draw_case(6, SPACING)
    assert np.mean(first.labels.array != second.labels.array) > 0.01
    assert first.truth["specimen"] != second.truth["specimen"]


@pytest.mark.slow
def test_the_specimen_does_not_depend_on_grid_or_scanner() -> None:
    coarse = draw_case(5, SPACING)
    noisy = draw_case(5, SPACING, setting=Scan(noise_hu=60.0))
    finer = draw_case(5, (3.0, 3.0, 4.0))
    assert np.array_equal(coarse.labels.array, noisy.labels.array)
    assert coarse.truth["specimen"] == finer.truth["specimen"]
    assert coarse.truth["landmarks"] == finer.truth["landmarks"]


def test_grid_is_what_was_asked_for() -> None:
    phantom = draw_case(5, (3.0, 4.0, 5.0))
    geometry = phantom.volume.geometry
    assert geometry.spacing == (3.0, 4.0, 5.0)
    assert geometry.origin == tuple(low for low, _high in LUMBOSACRAL)
    last = geometry.to_patient(np.asarray(geometry.shape) - 1)
    assert np.all(last <= [high for _low, high in LUMBOSACRAL])
    assert np.all(last > [high - 5.0 for _low, high in LUMBOSACRAL])


def test_labels_are_three_classes_and_agree_with_the_structures(whole) -> None:
    labels, structures = whole.labels.array, whole.structures
    assert sorted(np.unique(labels)) == [0, 1, 2]
    assert np.all(labels[(structures >= 1) & (structures <= 6)] == 1)
    assert np.all(labels[(structures >= 20) & (structures <= 30)] == 2)
    assert np.all(labels[(structures >= 11) & (structures <= 13)] == 0)
    assert np.all(labels[(structures >= 40) & (structures < 60)] == 0)
    assert set(np.unique(structures)) - {0} <= set(STRUCTURES.values())


def test_noise_is_what_was_asked_for() -> None:
    quiet = draw_case(5, SPACING, setting=Scan(noise_hu=0.0)).volume.array.astype(float)
    noisy = draw_case(5, SPACING, setting=Scan(noise_hu=30.0)).volume.array.astype(float)
    inside = (quiet > -900) & (quiet < 2900)
    assert (noisy - quiet)[inside].std() == pytest.approx(30.0, rel=0.05)


def test_kernels_go_from_soft_to_sharp() -> None:
    blurs = [scan_setting(name).fwhm_mm for name in ("soft", "standard", "bone")]
    assert blurs == sorted(blurs, reverse=True)
    assert set(KERNELS) == {"soft", "standard", "bone"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: draw_case(-1),
        lambda: draw_case(0, (0.0, 1.0, 1.0)),
        lambda: draw_case(0, box=((0.0, 1.0), (0.0, 50.0), (0.0, 50.0))),
        lambda: draw_case(0, family="dragon"),
        lambda: draw_case(0, pathologies=("gout",)),
        lambda: draw_case(0, pathologies=("transitional", "spondylolisthesis")),
        lambda: scan_setting("velvet"),
        lambda: scan_setting("bone", -1.0),
    ],
)
def test_senseless_orders_are_refused_with_a_remedy(call) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert error.value.remedy
