"""From a CT to labels on its own grid, with engines that do as told."""

from __future__ import annotations

import hashlib
import threading
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.base.errors import Cancelled, SegmentationError, UsageError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.preprocessing import Region
from spinect_core.segmentation import choice, run, segment
from spinect_core.segmentation.choice import MODES

REGION = Region((10, 20, 30), (55, 75, 95))


@pytest.fixture(autouse=True)
def _fakes_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(choice, "gpu_present", lambda: True)


def use(monkeypatch: pytest.MonkeyPatch, tensorflow: str, openvino: str) -> None:
    """Put fake engines in the place of the real ones, in the order auto tries them on a machine with a GPU."""
    monkeypatch.setattr(
        run, "ENGINES", {"tensorflow": f"fake_engines:{tensorflow}", "openvino": f"fake_engines:{openvino}"}
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"of no matter")
    return path


@pytest.fixture(scope="module")
def volume() -> Volume:
    """Soft tissue with one bright block inside the region, at its left, back, upper corner, and one outside."""
    hounsfield = np.random.default_rng(0).normal(40, 10, (60, 80, 70)).astype(np.int16)
    geometry = Geometry(hounsfield.shape, (0.9, 1.1, 2.0), (3.0, 4.0, 5.0))
    hounsfield[38:42, 50:60, 45:55] = 900
    hounsfield[2:5, 5:10, 5:10] = 900
    return Volume(hounsfield, geometry)


@pytest.mark.parametrize("mode", MODES)
def test_labels_lie_where_the_anatomy_lies(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    use(monkeypatch, "Missing", "Threshold")
    seen: list[float] = []
    done = segment(
        volume,
        region=REGION,
        engine="openvino",
        mode=mode,
        weights=weights,
        progress=lambda part, _: seen.append(part),
    )
    inside = np.zeros(volume.array.shape, bool)
    inside[38:42, 50:60, 45:55] = True
    found = done.labels.array == 1
    assert done.labels.geometry is volume.geometry
    # To 1 mm and back a border moves by one voxel at most.
    assert np.all(found[ndimage.binary_erosion(inside)])
    assert not np.any(found & ~ndimage.binary_dilation(inside))
    assert done.labels_1mm.geometry is done.prepared.geometry
    assert done.region == REGION
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


@pytest.mark.parametrize("mode", MODES)
def test_stray_nerve_is_on_neither_grid(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    use(monkeypatch, "Missing", "Threshold")
    hounsfield = volume.array.copy()
    # The engine calls nerve what is brighter than 103 HU: not far from half-way up the edge of these blocks, so that
    # an edge that is interpolated between slices stays about in its place.
    hounsfield[16:24, 30:40, 20:30] = 130
    hounsfield[34:37, 30:34, 20:24] = 130  # 20 mm above it
    done = segment(
        Volume(hounsfield, volume.geometry), region=REGION, engine="openvino", mode=mode, weights=weights
    )
    nerve = done.labels.array == 2
    assert nerve[17:23, 31:39, 21:29].all()
    assert not nerve[34:37].any()
    assert done.run.strays_ml == pytest.approx(3 * 4 * 4 * 0.9 * 1.1 * 2.0 / 1000, rel=0.25)
    assert np.count_nonzero(done.labels_1mm.array == 2) == pytest.approx(8 * 10 * 10 * 1.98, rel=0.1)


def test_what_ran_is_told(volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "Missing", "Threshold")
    info = segment(volume, region=REGION, engine="openvino", mode="fast", weights=weights).run
    assert (info.engine, info.device, info.mode) == ("openvino", "cpu", "fast")
    assert info.stride == MODES["fast"].tiling.stride
    assert (info.voxels, info.readings) == ("mean", 1)
    assert info.fallbacks == ()
    assert info.weights_sha256 == hashlib.sha256(b"of no matter").hexdigest()
    assert {"spinect", "python", "numpy", "threshold"} <= set(info.versions)
    assert list(info.seconds) == ["prepare", "start", "load", "predict", "restore", "total"]
    assert sum(info.seconds.values()) <= 2 * info.seconds["total"]


@pytest.mark.parametrize(
    ("gpu_engine", "said"),
    [
        ("NoMemory", "does not hold even one tile"),
        ("Missing", "cannot be loaded"),
        ("Crash", "stopped unexpectedly"),
    ],
)
def test_a_gpu_that_fails_hands_over_to_the_cpu_and_says_so(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch, gpu_engine: str, said: str
) -> None:
    use(monkeypatch, gpu_engine, "Threshold")
    done = segment(volume, region=REGION, weights=weights)
    assert (done.run.engine, done.run.device) == ("openvino", "cpu")
    assert "tensorflow on the GPU" in done.run.fallbacks[0]
    assert any(said in text for text in done.run.fallbacks)
    assert np.any(done.labels.array == 1)


def test_a_gpu_with_little_memory_runs_smaller_batches(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "ThreeAtOnce", "Crash")
    large = Region((3, 4, 5), (70, 90, 120))
    done = segment(volume, region=large, weights=weights)
    assert (done.run.engine, done.run.device, done.run.batch) == ("tensorflow", "gpu", 2)
    assert "memory exhausted" in done.run.fallbacks[0]


def test_memory_that_does_not_suffice_on_the_cpu_is_an_error_with_a_remedy(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "NoMemory", "NoMemory")
    with pytest.raises(SegmentationError, match="smaller region"):
        segment(volume, region=REGION, weights=weights)


def test_no_engine_at_all_is_an_error_that_names_each(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "Missing", "Missing")
    with pytest.raises(
        SegmentationError, match=r"tensorflow on the GPU.*openvino on the CPU.*tensorflow on the CPU"
    ):
        segment(volume, region=REGION, weights=weights)


@pytest.mark.parametrize(
    "bad", [{"mode": "quick"}, {"engine": "torch"}, {"region": Region((-90,) * 3, (-80,) * 3)}]
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch, bad: dict[str, object]
) -> None:
    use(monkeypatch, "Crash", "Crash")
    with pytest.raises(UsageError):
        segment(volume, weights=weights, **bad)


def test_missing_weights_are_named(volume: Volume, tmp_path: Path) -> None:
    with pytest.raises(SegmentationError, match=r"nowhere\.weights"):
        segment(volume, region=REGION, weights=tmp_path / "nowhere.weights")


def test_cancel_from_another_thread(volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "Slow", "Slow")
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    with pytest.raises(Cancelled):
        segment(volume, region=REGION, weights=weights, cancel=cancel)


def test_the_order_of_storage_changes_no_label(
    volume: Volume, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "Missing", "Threshold")
    reference = segment(volume, region=REGION, engine="openvino", weights=weights)
    for axes in list(permutations(range(3)))[3:5]:
        array = np.ascontiguousarray(volume.array.transpose(axes)[::-1])
        columns = [2 - axes[2 - column] for column in range(3)]
        first = np.zeros(3)
        first[axes[0]] = volume.array.shape[axes[0]] - 1
        direction = np.eye(3)[:, columns] * (1, 1, -1)
        spacing = tuple(np.asarray(volume.geometry.spacing)[columns])
        origin = tuple(volume.geometry.to_patient(first))
        stored = Volume(array, Geometry(array.shape, spacing, origin, direction))
        labels = segment(stored, region=REGION, engine="openvino", weights=weights).labels.array
        assert np.array_equal(labels, reference.labels.array.transpose(axes)[::-1])
