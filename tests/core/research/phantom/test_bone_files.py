from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv
import SimpleITK as sitk
from scipy.ndimage import label, map_coordinates
from skimage.measure import marching_cubes

from spinect_core.base.errors import ReadingError
from spinect_core.image.volume import Geometry, to_sitk
from spinect_core.research.phantom import STRUCTURES, Phantom
from spinect_core.research.phantom.bone_files import bone_named, read_bones
from spinect_core.research.phantom.bone_surfaces import field_from_surface, triangles_of
from spinect_core.research.phantom.build import Anatomy, procedural
from spinect_core.research.phantom.from_bones import BoneSet, draw_on_bones
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.sdf import Lattice, dense

pytestmark = pytest.mark.heavy

STEP = 2.0
LOW, HIGH = (-140.0, -92.0, -112.0), (140.0, 100.0, 128.0)
BOX = ((-62.0, 62.0), (-46.0, 76.0), (-66.0, 52.0))
NAMES = {"L3": 3, "L4": 4, "L5": 5, "sacrum": 6, "hip left": 7, "hip right": 8}
REAL = Path(__file__).parents[5] / "shared" / "data"


@pytest.fixture(scope="module")
def drawn() -> tuple[Anatomy, dict[str, np.ndarray], Geometry]:
    """The bones of a procedural specimen on a grid."""
    anatomy = procedural(draw_specimen(7))
    axes = [np.arange(low, high + STEP / 2, STEP) for low, high in zip(LOW, HIGH, strict=True)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    solids = anatomy.solids((x, y, z), Lattice.every(x.shape, (1, 1, 1)))
    return anatomy, solids, Geometry(x.shape, (STEP, STEP, STEP), LOW)


@pytest.fixture(scope="module")
def surfaces(drawn) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Closed surfaces of the bones: corners in LPS mm and triangles."""
    _anatomy, solids, geometry = drawn
    out = {}
    for name, solid in solids.items():
        corners, faces, _normals, _values = marching_cubes(np.pad(solid, 1, constant_values=20.0), 0.0)
        out[name] = (geometry.to_patient(corners - 1.0), faces[:, ::-1])
    return out


def write(folder: Path, surfaces, endings: dict[str, str], turn: np.ndarray) -> None:
    for name, (corners, faces) in surfaces.items():
        ending = endings.get(name, ".ply")
        mesh = pv.PolyData.from_regular_faces(
            corners @ turn.T + np.array([30.0, -50.0, 900.0]) * turn.max(), faces
        )
        mesh.save(folder / f"{name}{ending}")


@pytest.fixture(scope="module")
def from_surfaces(surfaces, tmp_path_factory) -> BoneSet:
    """Read back from files in metres whose axes run forward, left and up."""
    folder = tmp_path_factory.mktemp("metres")
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) / 1000.0
    write(folder, surfaces, {"L4": ".stl", "L5": ".vtp", "sacrum": ".obj"}, turn)
    return read_bones(folder)


@pytest.fixture(scope="module")
def from_labels(drawn, tmp_path_factory) -> BoneSet:
    """Read back from a label map that lies turned in its file."""
    _anatomy, solids, geometry = drawn
    folder = tmp_path_factory.mktemp("labels")
    array = np.zeros(geometry.shape, np.uint8)
    for name, number in NAMES.items():
        array[solids[name] < 0] = number
    # Stored from left to right and from back to front, as many files are.
    flipped = sitk.Flip(to_sitk(array, geometry), [True, True, False])
    sitk.WriteImage(flipped, str(folder / "map.nii.gz"))
    lines = [f"{number} {name}" for name, number in NAMES.items()]
    (folder / "names.txt").write_text("\n".join(lines), "utf-8")
    return read_bones(folder)


@pytest.fixture(scope="module", params=[pytest.param("surfaces", marks=pytest.mark.slow), "labels"])
def bones(request: pytest.FixtureRequest) -> BoneSet:
    found: BoneSet = request.getfixturevalue(f"from_{request.param}")
    return found


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1.0, 1.0))))


def test_frames_are_found_where_they_are(bones: BoneSet, drawn) -> None:
    known = drawn[0].skeleton
    for name in ("L3", "L4", "L5", "sacrum"):
        found, true = bones.skeleton.frames[name], known.frames[name]
        # The column is straightened sideways on purpose; back and up it keeps its place.
        assert np.linalg.norm((found.origin - true.origin)[1:]) < 3.0, name
        for axis in range(3):
            assert degrees(found.axes[axis], true.axes[axis]) < 5.0, (name, "xyz"[axis])


def test_measures_are_those_of_the_bones(bones: BoneSet, drawn) -> None:
    known = drawn[0].skeleton
    for name in ("L4", "L5"):
        found, true = bones.skeleton.shapes[name], known.shapes[name]
        for measure in (
            "height_anterior",
            "height_posterior",
            "depth",
            "width",
            "canal_width",
            "canal_depth",
        ):
            assert getattr(found, measure) == pytest.approx(getattr(true, measure), abs=3.0), (name, measure)
        lower = [shape.pedicle_z - shape.pedicle_height / 2 for shape in (found, true)]
        assert lower[0] == pytest.approx(lower[1], abs=3.0)
        assert found.pedicle_x == pytest.approx(true.pedicle_x, abs=3.0)
    assert bones.skeleton.sacrum.depth == pytest.approx(known.sacrum.depth, abs=3.0)
    assert bones.skeleton.sacrum.facet_x == pytest.approx(known.sacrum.facet_x, abs=3.0)
    for disc, height in known.disc_heights.items():
        assert bones.skeleton.disc_heights[disc] == pytest.approx(height, abs=3.0)


def test_the_bones_themselves_come_back(bones: BoneSet, drawn) -> None:
    _anatomy, solids, _geometry = drawn
    for name in ("L5", "sacrum"):
        field = bones.fields[name]
        volume = (field.distance < 0).sum() * field.geometry.voxel_volume
        assert volume == pytest.approx((solids[name] < 0).sum() * STEP**3, rel=0.06)


def test_roots_leave_through_free_foramina(bones: BoneSet, drawn) -> None:
    assert set(bones.routes) == {"L3", "L4", "L5", "S1", "S2"}
    assert max(bones.through_bone.values()) <= 1.0
    known = drawn[0].routes
    for level in ("L4", "L5", "S1", "S2"):
        waypoints, ganglion, *_radii = bones.routes[level]
        true, at, *_radii = known[f"{level} left"]
        # A root lies anywhere in the fat of its foramen; what counts is that it is this foramen.
        assert np.linalg.norm(dense(waypoints, 0.5) - true[at], axis=1).min() < 6.0, level
        assert np.linalg.norm(waypoints[ganglion] - true[at]) < 8.0, level
        assert waypoints[:, 0].min() > 1.0


@pytest.fixture(scope="module")
def built(from_surfaces: BoneSet) -> Phantom:
    return draw_on_bones(4, from_surfaces, (1.5, 1.5, 1.5), box=BOX)


def test_nerves_run_unbroken_and_outside_bone(built: Phantom) -> None:
    geometry = built.volume.geometry
    bone = (built.labels.array == 1).astype(np.float64)
    pieces, _count = label(built.labels.array == 2, np.ones((3, 3, 3)))
    sac = built.structures == STRUCTURES["thecal sac"]
    assert sac.sum() * geometry.voxel_volume > 3000.0
    of_sac = np.bincount(pieces[sac]).argmax()
    for name, nerve in built.truth["nerves"].items():
        index = geometry.to_index(np.array(nerve["points"])).T
        inside = np.all((index >= 0) & (index <= np.array(geometry.shape)[:, None] - 1), axis=0)
        assert map_coordinates(bone, index[:, inside], order=1).max(initial=0.0) < 0.5, name
        root = built.structures == STRUCTURES[name]
        if name[:2] != "L3":
            assert root.sum() > 40, name
            assert (pieces[root] == of_sac).mean() > 0.95, name


def test_left_is_left(built: Phantom) -> None:
    geometry = built.volume.geometry
    for name, number in STRUCTURES.items():
        if name.endswith("left"):
            sides = [built.structures == n for n in (number, STRUCTURES[name.replace("left", "right")])]
            if all(side.any() for side in sides):
                left, right = (geometry.to_patient(np.argwhere(side)).mean(axis=0)[0] for side in sides)
                assert left > right, name


def test_a_hole_in_a_surface_is_closed(surfaces, tmp_path: Path) -> None:
    corners, faces = surfaces["L5"]
    pv.PolyData.from_regular_faces(corners, faces).save(tmp_path / "whole.ply")
    middles = corners[faces].mean(axis=1)
    hole = np.linalg.norm(middles - middles[len(middles) // 3], axis=1) < 7.0
    assert hole.sum() > 30
    pv.PolyData.from_regular_faces(corners, faces[~hole]).save(tmp_path / "open.ply")
    volumes = []
    for name in ("whole.ply", "open.ply"):
        field = field_from_surface(triangles_of(tmp_path / name), 1.5, 8.0, name)
        volumes.append((field.distance < 0).sum() * field.geometry.voxel_volume)
    assert volumes[1] == pytest.approx(volumes[0], rel=0.03)


def test_half_a_surface_is_refused(surfaces, tmp_path: Path) -> None:
    corners, faces = surfaces["L5"]
    middles = corners[faces].mean(axis=1)
    half = middles[:, 1] < np.median(middles[:, 1]) - 6.0
    pv.PolyData.from_regular_faces(corners, faces[half]).save(tmp_path / "L5.ply")
    with pytest.raises(ReadingError, match=r"L5\.ply: .*too large to repair"):
        field_from_surface(triangles_of(tmp_path / "L5.ply"), 1.5, 8.0, tmp_path / "L5.ply")


def test_faults_are_named(surfaces, tmp_path: Path) -> None:
    swapped = dict(surfaces)
    swapped["hip left"], swapped["hip right"] = surfaces["hip right"], surfaces["hip left"]
    some = {name: surfaces[name] for name in ("L3", "L4", "sacrum", "hip left")}
    small = {name: (corners * 0.07, faces) for name, (corners, faces) in surfaces.items()}
    for folder, given, fault in (
        ("swapped", swapped, "Left and right are swapped"),
        ("some", some, "Bones are missing: L5, hip right"),
        ("small", small, "no bone in mm, cm or m"),
    ):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, given, {}, np.eye(3))
        with pytest.raises(ReadingError, match=fault):
            read_bones(tmp_path / folder)
    with pytest.raises(ReadingError, match="points to the front"):
        read_bones(tmp_path / "swapped", frame="RAS")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadingError, match="no surfaces and no label map"):
        read_bones(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "bone"),
    [
        ("L5_wrapped", "L5"),
        ("FJ739_BP62508_FMA13076_Fifth_lumbar_vertebra", "L5"),
        ("FJ750_Intervertebral_disk_of_fifth_lumbar_vertebra", None),
        ("S1", "sacrum"),
        ("Pelvis", "hips"),
        ("FJ30_Left_hip_bone", "hip left"),
        ("hip_right", "hip right"),
        ("L1", None),
        ("Left_iliacus", None),
    ],
)
def test_bones_are_known_by_many_names(text: str, bone: str | None) -> None:
    assert bone_named(text) == bone


def test_automatic_masks_of_a_patient_are_enough() -> None:
    folder = REAL / "totalsegmentator_example_ct"
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    bones = read_bones(folder / "labels_totalseg_total_fast.nii.gz")
    assert max(bones.through_bone.values()) < 3.0
    l5 = bones.skeleton.frames["L5"]
    assert 25.0 < np.linalg.norm(l5.origin - bones.skeleton.frames["L4"].origin) < 48.0
    phantom = draw_on_bones(1, bones, (3.0, 3.0, 3.0), box=BOX)
    assert (phantom.labels.array == 2).sum() > 300
