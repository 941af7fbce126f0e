"""``spinect export``: what 3D Slicer and viewers of glTF are given lies where the plan has it, left on the left."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import pyvista as pv
import SimpleITK as sitk
from marked_ct import drawn, labels_of, marked_series, told
from plan_maker import full_plan, recommended_planning
from vtkmodules.vtkCommonComputationalGeometry import vtkCardinalSpline, vtkParametricSpline
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkIOGeometry import vtkGLTFReader

from spinect_core import cli
from spinect_core.base.versions import NOTICE
from spinect_core.base.words import CutPlane, FigureKind, NeedleColour
from spinect_core.geometry.figure import PLANE_VIEWS, Figure
from spinect_core.io.reading import read_ct
from spinect_core.io.slicer_out.markups import Markup, MarkupKind
from spinect_core.pictures.palette import BONE, NEEDLES
from spinect_core.pipeline.exchange import form_of
from spinect_core.plan.document import Document, write_document
from spinect_core.plan.plan import Case, Plan, read_plan, write_plan
from spinect_core.plan.records import FigureRecord
from spinect_core.planning.needle.needles import outer_mm
from spinect_core.surfaces import build_surfaces

VIEW = PLANE_VIEWS[CutPlane.AXIAL]


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_series(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def folder(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan as plan.json, and with its labels as plan.spinect."""
    made, volume = tmp_path_factory.mktemp("plan"), read_ct(ct)
    planning = recommended_planning()
    searches = tuple(each.replaced(map="") for each in planning.searches)
    points = [(0.0, 5.0, 8.0), (12.0, 5.0, 8.0), (12.0, 14.0, 8.0)]
    figures = tuple(
        FigureRecord(name=name, figure=Figure(kind, np.array(points[:count]), VIEW, CutPlane.AXIAL))
        for name, kind, count in (("Wide", FigureKind.DISTANCE, 2), ("Bend", FigureKind.ANGLE, 3))
    )
    plan = full_plan().replaced(
        case=Case.of(volume),
        planning=planning.replaced(searches=searches),
        views=(),
        files={},
        figures=figures,
    )
    write_plan(plan, made / "plan.json")
    write_document(Document(plan, labels_of(volume)), made / "plan.spinect")
    return made


@pytest.fixture(scope="module")
def plan(folder: Path) -> Plan:
    return read_plan(folder / "plan.json")


@pytest.fixture(scope="module")
def out(folder: Path, ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("out")
    assert cli.main(["export", str(folder), "--ct", str(ct), "--out", str(made / "a.mrb"), "-q"]) == 0
    for name in ("a.mrk.json", "a.glb"):
        assert cli.main(["export", str(folder), "--out", str(made / name), "-q"]) == 0
    return made


@pytest.fixture(scope="module")
def scene(out: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(out / "a.mrb") as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def needle_of(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    needle = plan.planning.needles[0].needle
    return np.array(needle.entry), np.array(needle.target)


# ------------------------------------------------------------------------------------------------------------- markups


def test_markups_are_the_needle_the_triangle_and_the_landmarks_in_lps(out: Path, plan: Plan) -> None:
    content = json.loads((out / "a.mrk.json").read_text(encoding="utf-8"))
    assert content["@schema"].endswith("markups-schema-v1.0.3.json#")
    line, closed, distance, angle, points = content["markups"]
    assert [each["type"] for each in (line, closed, distance)] == ["Line", "ClosedCurve", "Line"]
    assert (angle["type"], points["type"]) == ("Angle", "Fiducial")
    assert distance["name"] == "Wide: 12.0 mm, axial slice at 8.0 mm"
    assert angle["name"] == "Bend: 90.0°, axial slice at 8.0 mm"
    assert [point["position"] for point in angle["controlPoints"]] == [[0, 5, 8], [12, 5, 8], [12, 14, 8]]
    for each in content["markups"]:
        assert (each["coordinateSystem"], each["coordinateUnits"]) == ("LPS", "mm")
        assert each["locked"]
        assert each["description"] == NOTICE
        assert {point["description"] for point in each["controlPoints"]} == {NOTICE}
    assert line["name"] == "Needle: Left Kambin, bony, L5/S1"
    ends = [point["position"] for point in line["controlPoints"]]
    np.testing.assert_allclose(ends, needle_of(plan), atol=1e-6)
    assert [point["label"] for point in line["controlPoints"]] == ["Skin", "Tip"]
    corners = [point["position"] for point in closed["controlPoints"] if point["visibility"]]
    np.testing.assert_allclose(corners, plan.triangles[0].vertices, atol=1e-6)
    landmarks = plan.planning.landmarks
    named = {point["label"].removesuffix(" (moved)"): point["position"] for point in points["controlPoints"]}
    assert named.keys() == {each.name for each in landmarks}
    for each in landmarks:
        np.testing.assert_allclose(named[each.name], each.point, atol=1e-6)


def test_a_triangle_stays_one_where_slicer_draws_a_spline_through_its_points() -> None:
    corners = np.array([[0.0, 0.0, 0.0], [30.0, 5.0, 2.0], [10.0, 28.0, -6.0]])
    curve = Markup(MarkupKind.CLOSED, "t", corners, ("1", "2", "3"), (1, 2, 3)).with_straight_edges
    spline, points = vtkParametricSpline(), vtkPoints()
    for each in curve.points:
        points.InsertNextPoint(*each)
    for name in "XYZ":
        getattr(spline, f"Set{name}Spline")(vtkCardinalSpline())
    spline.SetPoints(points)
    spline.ClosedOn()
    spline.ParameterizeByLengthOff()
    found = []
    for part in np.linspace(0, 1, 2000):
        place = [0.0, 0.0, 0.0]
        spline.Evaluate([part, 0, 0], place, [0.0] * 9)
        found.append(place)
    edges = [pv.Line(a, b) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    away = []
    for edge in edges:
        start, stop = edge.points[0], edge.points[-1]
        along = np.clip((np.array(found) - start) @ (stop - start) / ((stop - start) @ (stop - start)), 0, 1)
        away.append(np.linalg.norm(start + along[:, None] * (stop - start) - found, axis=1))
    assert np.min(away, axis=0).max() < 0.15, "mm"


# --------------------------------------------------------------------------------------------------------------- scene


def node(root: ET.Element, tag: str, name: str = "") -> ET.Element:
    (found,) = (each for each in root.iter(tag) if not name or each.get("name") == name)
    return found


def test_every_file_of_the_scene_is_there_and_every_reference_leads_to_a_node(
    scene: dict[str, bytes],
) -> None:
    root = ET.fromstring(scene["scene/scene.mrml"])
    assert root.tag == "MRML"
    named = {each.get("fileName") for each in root if each.get("fileName")}
    assert {f"scene/{name}" for name in named} | {"scene/scene.mrml"} == set(scene)
    ids = [each.get("id") for each in root]
    assert len(set(ids)) == len(ids)
    for each in root:
        for reference in filter(None, (each.get("references") or "").split(";")):
            assert reference.split(":")[1] in ids
    markups = {f"Markups{kind}" for kind in ("Line", "Angle", "ClosedCurve", "Fiducial")}
    kinds = {"Volume", "Segmentation", "Model", *markups}
    data = [each for each in root if each.tag in kinds]
    assert {each.tag for each in data} == kinds
    assert {each.get("description") for each in data} == {NOTICE}
    assert node(root, "Text").get("text") == NOTICE
    assert node(root, "MarkupsClosedCurve").get("curveType") == "linear"
    assert len(json.loads(scene["scene/Data/markup-2.mrk.json"])["markups"][0]["controlPoints"]) == 3


def test_slicer_takes_the_surfaces_for_lps(scene: dict[str, bytes], tmp_path: Path) -> None:
    root = ET.fromstring(scene["scene/scene.mrml"])
    # else it would take them for RAS: a scene of a version without a revision is of times that knew nothing else
    assert len(root.get("version", "").split()) == 3
    assert {each.get("coordinateSystem") for each in root.iter("ModelStorage")} == {"LPS"}
    built = build_surfaces(labels_of(drawn()))
    for name, mesh in (("bone", built.bone), ("nerve", built.nerve)):
        content = scene[f"scene/Data/{name}.ply"]
        assert b"comment SPACE=LPS\n" in content
        (tmp_path / "a.ply").write_bytes(content)
        np.testing.assert_allclose(pv.read(tmp_path / "a.ply").bounds, mesh.bounds, atol=1e-3)


def test_ct_and_labels_of_the_scene_lie_on_one_grid(scene: dict[str, bytes], tmp_path: Path) -> None:
    images = {}
    for name in ("ct.nrrd", "labels.seg.nrrd"):
        (tmp_path / name).write_bytes(scene[f"scene/Data/{name}"])
        images[name] = sitk.ReadImage(str(tmp_path / name))
    ct, labels = images.values()
    volume = drawn()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(ct), volume.array)
    np.testing.assert_allclose(ct.GetOrigin(), volume.geometry.origin)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), labels_of(volume).array)
    assert labels.GetOrigin() == ct.GetOrigin()
    assert {labels.GetMetaData(f"Segment{n}_Name") for n in (0, 1)} == {"bone", "nerve"}


def test_nothing_of_the_header_gets_out_and_the_same_plan_is_the_same_file(
    scene: dict[str, bytes], out: Path, folder: Path, ct: Path, tmp_path: Path
) -> None:
    for name, content in scene.items():
        assert told(name.encode() + content) == []
    for name in ("a.glb", "a.mrk.json"):
        assert told((out / name).read_bytes()) == []
    for name in ("a.mrb", "a.glb", "a.mrk.json"):
        words = ["--ct", str(ct), "--out", str(tmp_path / name), "-q"]
        assert cli.main(["export", str(folder), *words]) == 0
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


# --------------------------------------------------------------------------------------------------------------- model


def chunks(path: Path) -> tuple[dict, bytes]:  # type: ignore[type-arg]
    stream = io.BytesIO(path.read_bytes())
    magic, version, length = np.frombuffer(stream.read(12), "<u4")
    assert (magic.tobytes(), version, length) == (b"glTF", 2, path.stat().st_size)
    size, kind = np.frombuffer(stream.read(8), "<u4")
    assert kind.tobytes() == b"JSON"
    head = json.loads(stream.read(size))
    size, kind = np.frombuffer(stream.read(8), "<u4")
    assert kind.tobytes() == b"BIN\0"
    return head, stream.read(size)


def test_a_model_is_in_metres_with_y_up_and_names_its_parts(out: Path, plan: Plan, tmp_path: Path) -> None:
    head, content = chunks(out / "a.glb")
    assert len(content) == head["buffers"][0]["byteLength"]
    assert head["asset"]["extras"]["notice"] == NOTICE
    assert head["asset"]["copyright"] == NOTICE
    names = [each["name"] for each in head["nodes"]]
    assert names == ["Bone", "Nerve", "Needle: Left Kambin, bony, L5/S1", "SPINECT plan"]
    built = build_surfaces(labels_of(drawn()))
    reader = vtkGLTFReader()
    reader.SetFileName(str(out / "a.glb"))
    reader.Update()
    blocks = pv.wrap(reader.GetOutput())
    meshes = [each for each in blocks.recursive_iterator() if each.n_points]
    assert len(meshes) == 3
    for mesh, wanted in zip(meshes, (built.bone, built.nerve), strict=False):
        back = np.column_stack([mesh.points[:, 0], -mesh.points[:, 2], mesh.points[:, 1]]) * 1000
        np.testing.assert_allclose(back.min(axis=0), wanted.bounds[::2], atol=1e-3)
        np.testing.assert_allclose(back.max(axis=0), wanted.bounds[1::2], atol=1e-3)
        assert mesh.n_cells == wanted.n_cells
    entry, target = needle_of(plan)
    points = np.asarray(meshes[2].points, np.float64)
    back = np.column_stack([points[:, 0], -points[:, 2], points[:, 1]]) * 1000
    along = (back - entry) @ (target - entry) / np.linalg.norm(target - entry)
    assert along.min() == pytest.approx(0, abs=1e-2)
    assert along.max() == pytest.approx(np.linalg.norm(target - entry), abs=1e-2)
    axis = (target - entry) / np.linalg.norm(target - entry)
    off = np.linalg.norm(np.cross(back - entry, axis), axis=1)
    gauge = plan.planning.needles[0].needle.gauge
    assert off.max() == pytest.approx(outer_mm(gauge) / 2, rel=0.01)
    extras = head["nodes"][2]["extras"]
    assert (extras["skin_lps_mm"], extras["tip_lps_mm"]) == (entry.tolist(), target.tolist())


def test_normals_look_outwards_and_colours_are_those_of_the_window(out: Path) -> None:
    head, content = chunks(out / "a.glb")

    def values(number: int) -> np.ndarray:
        accessor = head["accessors"][number]
        view = head["bufferViews"][accessor["bufferView"]]
        kind = "<u4" if accessor["componentType"] == 5125 else "<f4"
        data = content[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        return np.frombuffer(data, kind).reshape(accessor["count"], -1)

    for mesh in head["meshes"]:
        (primitive,) = mesh["primitives"]
        points, normals = (values(primitive["attributes"][name]) for name in ("POSITION", "NORMAL"))
        faces = points[values(primitive["indices"]).reshape(-1, 3)]
        across = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
        mean = normals[values(primitive["indices"]).reshape(-1, 3)].mean(axis=1)
        assert ((across * mean).sum(axis=1) >= -1e-12).mean() > 0.99, mesh["name"]
        volume = np.einsum("ij,ij->", faces[:, 0], np.cross(faces[:, 1], faces[:, 2])) / 6
        assert volume > 0, "the right way round"
    for material, colour in zip(head["materials"], (BONE,), strict=False):
        linear = np.array(material["pbrMetallicRoughness"]["baseColorFactor"][:3])
        shown = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        np.testing.assert_allclose(shown * 255, colour, atol=0.01)
    assert NEEDLES.keys() == set(NeedleColour)


# ------------------------------------------------------------------------------------------------------------- refused


def test_what_is_not_recommended_is_not_told(folder: Path, plan: Plan, tmp_path: Path) -> None:
    withheld = plan.planning.replaced(withheld=("The level is not sure.",))
    write_plan(plan.replaced(planning=withheld, files={}, views=()), tmp_path / "plan.json")
    assert cli.main(["export", str(tmp_path), "--out", str(tmp_path / "a.mrk.json"), "-q"]) == 0
    content = json.loads((tmp_path / "a.mrk.json").read_text(encoding="utf-8"))
    assert not [each["name"] for each in content["markups"] if each["name"].startswith("Needle")]


def test_what_cannot_be_written_is_refused_with_the_reason(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(plan: Path, name: str, *words: str, says: str) -> int:
        code = cli.main(["export", str(plan), "--out", str(tmp_path / name), *words, "-q"])
        assert says in capsys.readouterr().err
        assert not (tmp_path / name).exists()
        return code

    assert refused(folder, "a.stl", says=".mrb, .mrk.json, .glb") == 2
    assert refused(folder / "plan.json", "a.glb", says="no labels") == 6
    other = drawn()
    other.array[0, 0, 0] += 1
    from spinect_core.io.writing import write_dicom_series

    write_dicom_series(other, tmp_path / "other")
    words = ("--ct", str(tmp_path / "other"))
    assert refused(folder, "a.mrb", *words, says="not the CT that the plan was made on") == 6
    assert form_of(Path("x.MRK.JSON")) == ".mrk.json"
