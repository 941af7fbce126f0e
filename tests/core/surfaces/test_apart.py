"""Surfaces from another process are those of this one, and its end is noticed."""

import threading
import time

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled, WorkerError
from spinect_core.image.volume import Geometry, Labels
from spinect_core.surfaces import SurfaceProcess, SurfacesHere, build_surfaces, surface_maker
from spinect_core.surfaces.mesh_arrays import MeshArrays


@pytest.fixture(scope="module")
def labels() -> Labels:
    """A block of bone with a rod of nerve through it, on a slanted grid."""
    array = np.zeros((30, 36, 40), np.uint8)
    array[6:24, 8:28, 8:32] = 1
    array[2:28, 14:20, 16:22] = 2
    turned = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    return Labels(array, Geometry(array.shape, (0.8, 0.9, 1.25), (-20.0, 31.5, 400.0), turned))


def test_they_are_the_same_to_the_last_bit(labels: Labels) -> None:
    heard: list[tuple[float, str]] = []
    with SurfaceProcess() as process:
        apart = process.build(labels, progress=lambda part, text: heard.append((part, text)))
    here = build_surfaces(labels)
    for name in ("bone", "nerve", "bone_lod", "nerve_lod"):
        ours, theirs = getattr(here, name), getattr(apart, name)
        assert np.array_equal(ours.points, theirs.points)
        assert np.array_equal(ours.regular_faces, theirs.regular_faces)
        assert np.array_equal(ours.point_data["Normals"], theirs.point_data["Normals"])
        assert theirs.GetPointData().GetNormals() is not None
    assert heard[-1] == (1.0, "surfaces ready")
    assert any("nerve" in text for _, text in heard)


def test_labels_without_a_nerve_have_an_empty_surface(labels: Labels) -> None:
    bone = Labels(np.where(labels.array == 1, 1, 0).astype(np.uint8), labels.geometry)
    with SurfaceProcess() as process:
        surfaces = process.build(bone)
    assert surfaces.bone.n_cells > 100
    assert surfaces.nerve.n_cells == surfaces.nerve_lod.n_cells == 0


def test_it_is_cancelled_at_once(labels: Labels) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with SurfaceProcess() as process, pytest.raises(Cancelled):
        process.build(labels, progress=lambda *_: time.sleep(0.02), cancel=stop)
    assert time.monotonic() - began < 5
    assert process._child._process.poll() is not None


def test_a_process_that_ends_is_told(labels: Labels) -> None:
    with SurfaceProcess() as process:
        process._child._process.kill()
        began = time.monotonic()
        with pytest.raises(WorkerError, match="ended before it was done") as caught:
            process.build(labels)
    assert "memory" in caught.value.remedy
    assert time.monotonic() - began < 2


def test_one_that_is_not_needed_leaves_nothing_running() -> None:
    with SurfaceProcess() as process:
        pass
    assert process._child._process.poll() is not None


def test_pieces_hold_the_same_triangles_in_the_same_order(labels: Labels) -> None:
    whole = MeshArrays.of(build_surfaces(labels).bone)
    pieces = whole.pieces(100)
    assert len(pieces) == -(-len(whole.corners) // 100)
    assert all(len(piece.corners) <= 100 for piece in pieces)
    corners = np.concatenate([piece.points[piece.corners] for piece in pieces])
    normals = np.concatenate([piece.normals[piece.corners] for piece in pieces])
    assert np.array_equal(corners, whole.points[whole.corners])
    assert np.array_equal(normals, whole.normals[whole.corners])
    assert all(len(np.unique(piece.corners)) == len(piece.points) for piece in pieces)


def test_only_many_voxels_get_a_process(labels: Labels) -> None:
    with surface_maker(labels.array.size) as few:
        assert isinstance(few, SurfacesHere)
        assert np.array_equal(few.build(labels).bone.points, build_surfaces(labels).bone.points)
    with surface_maker(300**3) as many:
        assert isinstance(many, SurfaceProcess)
