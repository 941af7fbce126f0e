"""The main job: everything arrives together, or the folder is as it was."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import pyvista as pv
from PIL import Image

import spinect_core.planning.level
import spinect_core.segmentation
import spinect_core.segmentation.organs
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.levels import level_of, side_of
from spinect_core.base.errors import (
    AnatomyError,
    Cancelled,
    OutputError,
    SegmentationError,
    SpatialError,
    UsageError,
)
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.opengl import OpenGl
from spinect_core.base.words import Side
from spinect_core.geometry.zone import Border, Zone
from spinect_core.image.organs import Organ, OrganOrigin, Organs
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading import read_labels
from spinect_core.io.writing import write_volume
from spinect_core.pipeline import plan_case as job
from spinect_core.plan.document import read_document
from spinect_core.plan.label_warnings import warnings_of_labels
from spinect_core.plan.plan import read_plan
from spinect_core.plan.wording import sentence
from spinect_core.planning.level import Approaches
from spinect_core.planning.results import CasePlan, OrgansSeen
from spinect_core.planning.room import Room
from spinect_core.preprocessing import Region, prepare

pytestmark = pytest.mark.heavy

REGION = Region((-18, -18, -18), (18, 18, 18))
OURS = {
    ".spinect-manifest.json",
    "labels.nii.gz",
    "bone.ply",
    "nerve.ply",
    "plan.json",
    "plan.spinect",
    "views",
}
LEFT_MAP = {"angle-map-left-kambin-triangle-bony.csv", "angle-map-left-kambin-triangle-bony.png"}
MAPS = LEFT_MAP | {name.replace("left", "right") for name in LEFT_MAP}


@dataclass(frozen=True)
class FakeRun:
    engine: str = "openvino"
    device: str = "cpu"
    stride: tuple[int, int, int] = (20, 40, 40)
    seconds: dict[str, float] = field(default_factory=lambda: {"predict": 0.5})
    fallbacks: tuple[str, ...] = ("tensorflow on the GPU: no GPU was found",)


@dataclass(frozen=True, eq=False)
class FakeSegmentation:
    labels: Labels
    labels_1mm: Labels
    region: Region
    probabilities: Probabilities
    run: FakeRun = FakeRun()


def fake_segment(
    volume: Volume, *, region: Region | None, progress: Any, cancel: Any, **_: Any
) -> FakeSegmentation:
    """Bone where it is bright, nerve where it is less so: what the network would do, without it."""
    prepared = prepare(volume, region)
    hounsfield = prepared.sample(volume.array.astype(np.float32))
    labels = np.where(hounsfield > 600, 1, np.where(hounsfield > 200, 2, 0)).astype(np.uint8)
    progress(1.0, "segmented")
    certain = np.eye(3, dtype=np.float32)[labels]
    grid = prepared.geometry
    likely = Probabilities.of(certain, grid)
    return FakeSegmentation(prepared.restore(certain), Labels(labels, grid), prepared.region, likely)


def fake_find_organs(volume: Volume, *, region: Region, **_: Any) -> Organs:
    """No organ anywhere, but they were looked for."""
    assert region is not None
    nothing = np.zeros(volume.array.shape, np.uint8)
    looked_for = (Organ.BOWEL, Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT)
    return Organs(
        nothing, volume.geometry, looked_for, origin=OrganOrigin.NETWORK, source="the organ network"
    )


def places_of_landmarks() -> dict[str, np.ndarray[Any, Any]]:
    """Between the balls, those of the left to the left: what the rules ask of a needle is asked from them."""
    heights = {
        "S1 upper end plate centre": -4.0,
        "L5 body centre": 8.0,
        "L5 upper end plate centre": 16.0,
        "L5 pedicle lower margin": 8.0,
        "L5 body lateral border": 7.0,
        "S1 posterolateral corner": -4.0,
        "S1 superior articular tip": 2.0,
        "S1 superior articular base": -5.0,
        "foramen L5/S1 centre": 1.0,
    }
    found = {}
    for name in level_of("L5/S1").landmark_names():
        side = side_of(name)
        x = {Side.LEFT: 5.0, Side.RIGHT: -5.0, None: 0.0}[side]
        y = 4.0 if side is not None else -4.0
        found[name] = np.array([x, y, heights[name.removesuffix(f" {side}")]])
    return found


def fake_plan_level(room: Room, *, sides: tuple[str, ...], cancel: Any = None, **_: Any) -> CasePlan:
    """A zone of 36 mm² behind the balls on each side, searched in earnest but coarsely."""
    room.measured = lambda _landmarks: {}  # type: ignore[method-assign]  # balls are no body
    work = Approaches(room, Landmarks(places_of_landmarks(), {}, 0.9))
    wanted = []
    for side in sides:
        corners = np.array([[4.0, 14, -4], [12, 14, -4], [4, 14, 5]]) * [1 if side == "left" else -1, 1, 1]
        roles = zip(("base", "hypotenuse", "height"), corners, np.roll(corners, -1, axis=0), strict=True)
        borders = tuple(Border(role, role, np.array([a, b])) for role, a, b in roles)
        wanted.append(Zone("kambin", "bony", side, "L5/S1", borders))
    found = [work.approach(each, cancel=cancel) for each in work.search(wanted, step=20.0, cancel=cancel)]
    return CasePlan(
        work.landmarks,
        tuple(found),
        (Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1"),),
        room.warnings,
        organs=None if room.organs is None else OrgansSeen.of(room.organs),
    )


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """A bright ball at the patient's left, a dimmer one at the right."""
    grid = Geometry((40, 40, 40), (1, 1, 1), (-19.5, -19.5, -19.5))
    index = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1)
    points = grid.to_patient(index)
    array = np.full((40, 40, 40), -100, dtype=np.int16)
    array[np.linalg.norm(points - [8, 0, 0], axis=-1) < 7] = 900
    array[np.linalg.norm(points - [-9, 2, 3], axis=-1) < 5] = 400
    path = tmp_path / "Müller Ä" / "ct.nii.gz"
    write_volume(Volume(array, grid), path)
    return path


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spinect_core.segmentation, "segment", fake_segment, raising=False)
    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", fake_find_organs)
    monkeypatch.setattr(spinect_core.planning.level, "plan_level", fake_plan_level)
    monkeypatch.setattr(job, "probe_opengl", lambda: OpenGl(False, fault="not now"))


@pytest.fixture
def rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "probe_opengl", lambda: OpenGl(True))
    monkeypatch.setattr(job, "STANDARD_VIEWS", ("from behind", "left oblique 30°"))
    monkeypatch.setattr(job, "PICTURE_SIZE", (250, 200))


@pytest.mark.usefixtures("rendering")
def test_the_whole_job(ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "Ergebnis 結果" / "o"
    seen: list[float] = []
    plan = job.plan_case(ct, out, region=REGION, progress=lambda part, _: seen.append(part))
    assert {path.name for path in out.iterdir()} == OURS | MAPS
    assert read_plan(out / "plan.json") == plan
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    labels = read_labels(out / "labels.nii.gz")
    assert labels.geometry.same_grid(plan.case.geometry)
    where = labels.geometry.to_patient(np.argwhere(labels.array == 1)).mean(axis=0)
    np.testing.assert_allclose(where, [8, 0, 0], atol=0.2)

    copy = tmp_path / "bone.ply"
    copy.write_bytes((out / "bone.ply").read_bytes())
    np.testing.assert_allclose(pv.read(copy).center, [8, 0, 0], atol=0.3)

    names = [view.name for view in plan.views]
    assert names == [
        "from behind",
        "left oblique 30°",
        "left Kambin triangle L5/S1",
        "right Kambin triangle L5/S1",
    ]
    for view in plan.views:
        with Image.open(out / view.picture) as picture:
            assert picture.size == (250, 200)
            assert np.asarray(picture).std() > 10
    assert {path.name for path in (out / "views").iterdir()} == {
        Path(view.picture).name for view in plan.views
    }

    assert [triangle.area_mm2 for triangle in plan.triangles] == pytest.approx([36, 36], rel=0.01)
    assert [search.best.view.elevation for search in plan.planning.searches] == pytest.approx([0, 0], abs=1)
    assert [zone.side for zone in plan.planning.zones] == ["left", "right"]
    table = (out / plan.planning.searches[0].map).read_text(encoding="utf-8").splitlines()
    assert len([line for line in table if not line.startswith("#")]) == 1 + 4 * 5
    document = read_document(out / "plan.spinect")
    assert document.plan.planning == plan.planning
    assert document.files["views/from-behind.png"] == (out / "views" / "from-behind.png").read_bytes()
    assert set(document.files) == {view.picture for view in plan.views} | {
        search.map for search in plan.planning.searches
    }
    assert plan.run["engine"] == "openvino"
    assert set(plan.timings) == {
        "reading",
        "segmentation",
        "organ network",
        "surfaces",
        "planning",
        "pictures",
        "maps",
        "total",
    }
    assert plan.region == REGION
    assert any("no GPU" in note for note in plan.notes)
    assert any("Left Kambin triangle (bony): 36.0 mm² open from behind" in note for note in plan.notes)
    assert sentence(Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1")) in plan.notes
    assert "Müller" not in (out / "plan.json").read_text(encoding="utf-8")


def masks(folder: Path, origin: float) -> Path:
    """Small and large bowel, as TotalSegmentator names their files, on a grid that begins there."""
    folder.mkdir()
    grid = Geometry((40, 40, 40), (1, 1, 1), (origin,) * 3)
    mask = np.zeros(grid.shape, dtype=np.int16)
    mask[:, :6, :6] = 1
    for name in ("colon", "small_bowel"):
        write_volume(Volume(mask, grid), folder / f"{name}.nii.gz")
    return folder


@pytest.mark.usefixtures("rendering")
def test_masks_of_organs_arrive_in_the_plan_with_their_checksum(ct: Path, tmp_path: Path) -> None:
    found = job.plan_case(ct, tmp_path / "out", region=REGION, organs=masks(tmp_path / "masks", -19.5))
    organs = found.planning.organs
    assert organs is not None
    assert (organs.origin, organs.looked_for, organs.found) == ("masks", ("bowel",), ("bowel",))
    assert len(organs.checksum) == 64
    assert organs.minimum == (-20.0, -20.0, -20.0)
    assert "organs" in found.timings
    assert read_plan(tmp_path / "out" / "plan.json") == found


def test_masks_of_another_ct_are_refused_before_anything_is_segmented(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spinect_core.segmentation, "segment", lambda *_, **__: pytest.fail("segmented"))
    with pytest.raises(SpatialError, match="do not lie over this CT"):
        job.plan_case(ct, tmp_path / "out", region=REGION, organs=masks(tmp_path / "far", 500.0))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("rendering")
def test_what_reading_noticed_arrives_in_every_result(ct: Path, tmp_path: Path) -> None:
    """The second orientation of the header lies 25 mm from the first: places may be wrong by that much."""
    quiet = job.plan_case(ct, tmp_path / "quiet", region=REGION)
    image = nib.load(ct)
    moved = image.affine.copy()
    moved[0, 3] += 25
    image.set_sform(image.affine, code=1)
    image.set_qform(moved, code=1)
    nib.save(image, tmp_path / "doubtful.nii.gz")
    out = tmp_path / "o"
    plan = job.plan_case(tmp_path / "doubtful.nii.gz", out, region=REGION)
    every = plan.case.reading_warnings
    (warning,) = set(every) - set(quiet.case.reading_warnings)
    assert warning.grave
    assert "differ by up to 25.0 mm" in warning.text
    assert plan.case.same_ct(quiet.case)
    assert read_plan(out / "plan.json").case.reading_warnings == every
    assert read_document(out / "plan.spinect").plan.case.reading_warnings == every
    for search in plan.planning.searches:
        table = (out / search.map).read_text(encoding="utf-8").splitlines()
        assert f"# {warning.line}" in table
        assert len(table) == len(every) + 1 + 4 * 5
    same = [each.relative_to(out) for each in out.rglob("*.png")]
    assert {each.name for each in same} > {
        "from-behind.png",
        *(name for name in MAPS if name.endswith(".png")),
    }
    for each in same:
        foot = np.asarray(Image.open(out / each)).astype(int)
        foot = foot[len(foot) * 3 // 4 :]
        assert ((foot[..., 0] - foot[..., 2] > 60) & (foot[..., 1] > 50)).sum() > 20, (
            f"no amber line on {each}"
        )
    assert warnings_of_labels(out / "labels.nii.gz") == every


def test_without_masks_the_network_names_organs(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Organs | None] = []
    plan_approaches = job.plan_approaches

    def remember(*given: Any, organs: Organs | None, **rest: Any) -> Any:
        known.append(organs)
        return plan_approaches(*given, organs=organs, **rest)

    monkeypatch.setattr(job, "plan_approaches", remember)
    plan = job.plan_case(ct, tmp_path / "o", sides="left", region=REGION)
    assert "organ network" in plan.timings
    job.plan_case(ct, tmp_path / "without", sides="left", region=REGION, organ_network=False)
    named, unnamed = known
    assert named is not None
    assert named.origin == OrganOrigin.NETWORK
    assert unnamed is None


def test_a_network_that_fails_leaves_organs_unknown_and_the_plan_says_so(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Organs:
        raise SegmentationError("No engine could run the network", "Install it again")

    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", fail)
    plan = job.plan_case(ct, tmp_path / "o", sides="left", region=REGION)
    assert plan.triangles
    assert any("organs, which are therefore not known: No engine could run" in note for note in plan.notes)


def test_one_side_alone(ct: Path, tmp_path: Path) -> None:
    plan = job.plan_case(ct, tmp_path / "o", sides="right", region=REGION)
    assert [triangle.side for triangle in plan.triangles] == ["right"]
    assert not any("left" in note for note in plan.notes)
    assert all(view.name != "left Kambin triangle L5/S1" for view in plan.views)


def test_a_computer_that_cannot_render_gets_its_plan(ct: Path, tmp_path: Path) -> None:
    plan = job.plan_case(ct, tmp_path / "o", region=REGION)
    assert any("not now" in note for note in plan.notes)
    assert all(view.picture == "" for view in plan.views)
    assert plan.triangles


def test_a_plan_without_triangles_says_why(ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise AnatomyError("The sacrum was not found", "Check the region")

    monkeypatch.setattr(spinect_core.planning.level, "plan_level", lost)
    plan = job.plan_case(ct, tmp_path / "o", region=REGION)
    assert plan.triangles == ()
    assert any("sacrum was not found" in note for note in plan.notes)


@pytest.mark.usefixtures("rendering")
def test_a_second_plan_replaces_the_first_and_nothing_else(ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    job.plan_case(ct, out, region=REGION)
    (out / "my notes.txt").write_text("keep")
    (out / "views" / "mine.png").write_bytes(b"keep")
    first = (out / "plan.json").read_bytes()
    job.plan_case(ct, out, region=REGION, sides="left")
    assert (out / "plan.json").read_bytes() != first
    assert {path.name for path in out.iterdir()} == OURS | LEFT_MAP | {"my notes.txt"}
    assert {path.name for path in (out / "views").iterdir()} == {
        "from-behind.png",
        "left-oblique-30.png",
        "left-kambin-triangle-l5-s1.png",
        "mine.png",
    }


def test_a_failure_leaves_the_folder_as_it_was(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "o"
    job.plan_case(ct, out, region=REGION)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    for failure in (SegmentationError("No engine", "Install one"), Cancelled(), KeyboardInterrupt()):

        def failing(*_: Any, raised: BaseException = failure, **__: Any) -> None:
            raise raised

        monkeypatch.setattr(job, "draw_pictures", failing)
        with pytest.raises(type(failure)):
            job.plan_case(ct, out, region=REGION, sides="left")
        assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    with pytest.raises(KeyboardInterrupt):
        job.plan_case(ct, tmp_path / "new", region=REGION)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Müller Ä", "o"]


def test_a_stop_while_proposing_is_a_stop(ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise Cancelled

    monkeypatch.setattr(spinect_core.planning.level, "plan_level", stopped)
    with pytest.raises(Cancelled):
        job.plan_case(ct, tmp_path / "o", region=REGION)
    assert not (tmp_path / "o").exists()


def test_it_can_be_stopped(ct: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        job.plan_case(ct, tmp_path / "o", cancel=stop)
    assert not (tmp_path / "o").exists()


def test_what_cannot_be_done_is_refused_at_once(ct: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="middle"):
        job.plan_case(ct, tmp_path / "o", sides="middle")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        job.plan_case(ct, tmp_path / "file")
    own = ct.with_name("labels.nii.gz")
    ct.rename(own)
    with pytest.raises(OutputError, match="replace the CT itself"):
        job.plan_case(own, own.parent)


def test_picture_names_are_plain_and_different() -> None:
    taken: set[str] = set()
    names = [job._file_name(name, taken) for name in ("left oblique 30°", "Left oblique 30", "from behind")]
    assert names == ["left-oblique-30.png", "left-oblique-30-2.png", "from-behind.png"]
