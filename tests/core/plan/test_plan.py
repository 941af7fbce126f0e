"""Plans: read back equal, whole or not at all, no patient, and clear words when something is wrong with one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plan_maker import full_plan, full_planning

from spinect_core.base.errors import PlanError
from spinect_core.base.plain import plain
from spinect_core.base.words import Author
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.image.volume import Geometry, Volume
from spinect_core.plan.plan import SCHEMA, Case, Plan, PlanView, read_plan, volume_hash, write_plan
from spinect_core.plan.records import Planning
from spinect_core.preprocessing import Region

VIEW = View(27.123456789, -12.1)


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(5).integers(-1000, 2000, (4, 5, 6)).astype(np.int16)
    return Volume(array, Geometry((4, 5, 6), (0.7, 0.7, 1.25), (-10.1, 20, 30)), name="Müller^Hans")


@pytest.fixture
def plan(volume: Volume) -> Plan:
    triangle = Triangle.from_clicks(VIEW, [[0.1, 0], [9.3, 1], [2, 7.7]], 33.3, kind="kambin", side="right")
    return Plan(
        case=Case.of(volume),
        region=Region((-60.5, -40, -70), (60, 50.25, 80), found=False, note="supposed"),
        run={
            "engine": "openvino",
            "stride": (20, 40, 40),
            "seconds": {"predict": np.float32(1.5)},
            "batch": np.int64(4),
        },
        timings={"reading": 1.0, "segmentation": 22.5},
        views=(
            PlanView(
                name="from behind",
                view=PRESETS["from behind"],
                picture="views/from-behind.png",
                centre=(1.5, 2, 3),
                mm_per_pixel=0.25,
            ),
            PlanView(name="right Kambin triangle", view=VIEW),
        ),
        triangles=(triangle,),
        notes=("No safe triangle on the left: the nerve was not found.",),
        files={"labels": "labels.nii.gz"},
        versions={"spinect-planner": "0.1.0", "numpy": "2"},
    )


def test_a_plan_is_read_back_equal(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "Pläne 計画" / "plan.json"
    write_plan(plan, path)
    back = read_plan(path)
    assert back == plan
    assert back.triangles[0].area_mm2 == plan.triangles[0].area_mm2
    np.testing.assert_array_equal(back.triangles[0].vertices, plan.triangles[0].vertices)
    assert back.case.geometry.same_grid(plan.case.geometry)
    assert back.region == plan.region
    write_plan(back, path.with_name("again.json"))
    assert path.read_bytes() == path.with_name("again.json").read_bytes()


def test_a_plan_of_schema_1_is_still_read() -> None:
    """Written by version 0.1.0 and never to be written again: later programs must read it."""
    old = read_plan(Path(__file__).parents[1] / "data" / "plan_schema_1.json")
    (triangle,) = old.triangles
    assert triangle.area_mm2 == pytest.approx(30)
    assert triangle.view == View(27, -12)
    assert old.region == Region((-60, -40, -70), (60, 50, 80))
    assert old.views[0].picture == "views/from-behind.png"
    assert old.case.spacing == (0.7, 0.7, 1.25)


def test_a_real_plan_of_schema_1_is_still_read(tmp_path: Path) -> None:
    """What `spinect plan` of schema 1 made of the demo case; it has nothing of the planning."""
    old = read_plan(Path(__file__).parents[2] / "data" / "plan-schema-1.json")
    assert [triangle.name for triangle in old.triangles] == [
        "left Kambin triangle L5/S1",
        "left safe triangle L5/S1",
        "right Kambin triangle L5/S1",
        "right safe triangle L5/S1",
    ]
    assert old.triangles[0].area_mm2 == pytest.approx(41.0, abs=0.05)
    assert len(old.views) == 10
    assert old.files["labels"] == "labels.nii.gz"
    assert old.planning == Planning()
    write_plan(old, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == old
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["schema"] == SCHEMA == 2


def test_the_planning_comes_back_with_everything_in_it(tmp_path: Path) -> None:
    whole = full_plan()
    write_plan(whole, tmp_path / "plan.json")
    back = read_plan(tmp_path / "plan.json")
    assert back == whole
    assert back.planning == full_planning()
    assert back.planning.needles[0].needle == full_planning().needles[0].needle
    data = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert data["level"]["shift_by_user"] == -1
    assert data["windows"][0]["zone"] == "L5/S1 left kambin bony"
    assert data["windows"][0]["closed_by"][0]["gives_mm"] == 1.25
    assert data["searches"][0]["axial"]["reachable"] is True
    assert data["needles"][0]["safety"]["clearance_nerve"]["mm"] == 2.25


def test_what_a_later_program_added_is_written_again(tmp_path: Path) -> None:
    data = full_plan().to_dict() | {"approval": {"by": "Dr. X", "on": [1, None, 2.5]}}
    data["searches"][0]["axial"]["gantry_tilt_deg"] = 12.5
    data["landmarks"][1] |= {"colour": "red", "point": "a name that the program uses inside"}
    data["case"]["scanner"] = {"kernel": "B30"}
    data["views"][1]["zoom"] = 1.5
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    write_plan(read_plan(path), path)
    assert json.loads(path.read_text(encoding="utf-8")) == data
    landmark = read_plan(path).planning.landmarks[1].replaced(confidence=0.25)
    assert landmark.to_dict()["colour"] == "red"
    assert landmark.point == full_planning().landmarks[1].point


def test_a_key_that_is_also_the_name_of_a_field_is_not_taken_for_it(tmp_path: Path) -> None:
    """A later program may call a part of its file as this one calls an attribute, or a part that has no key here."""
    plain_plan = full_plan()
    data = plain_plan.to_dict()
    for held, record in (
        (data, plain_plan),
        (data["case"], plain_plan.case),
        *zip(data["views"], plain_plan.views, strict=True),
        *zip(data["landmarks"], plain_plan.planning.landmarks, strict=True),
        *zip(data["windows"], plain_plan.planning.windows, strict=True),
        *zip(data["needles"], plain_plan.planning.needles, strict=True),
    ):
        names = set(type(record).model_fields) - set(held)
        held |= {name: {"level": {"name": "L1/2"}, "of": name} for name in names} | {"\0planning": 1}
    assert {"planning", "schema_version", "timings"} <= set(data)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    opened = read_plan(path)
    assert opened.planning.zones == plain_plan.planning.zones
    assert [each.view for each in opened.views] == [each.view for each in plain_plan.views]
    write_plan(opened, path)
    assert json.loads(path.read_text(encoding="utf-8")) == data
    level = opened.planning.level
    assert level is not None
    moved = opened.replaced(planning=opened.planning.replaced(level=level.replaced(name="L4/5")))
    assert moved.to_dict()["level"]["name"] == "L4/5"
    assert moved.to_dict()["planning"] == data["planning"]


@pytest.mark.parametrize("key", ["run", "added later"])
def test_what_no_file_can_hold_is_refused_in_words(plan: Plan, tmp_path: Path, key: str) -> None:
    path = tmp_path / "plan.json"
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    for value in (json.dumps(deep), '"\\ud800"', '{"\\ud800": 1}'):
        data = json.dumps(plan.to_dict() | {key: {"x": "HERE"}}).replace('"HERE"', value)
        path.write_text(data, encoding="utf-8")
        with pytest.raises(PlanError, match="not sound JSON"):
            read_plan(path)
    before = path.read_bytes()
    for value in ("\ud800", deep):
        with pytest.raises(PlanError, match=r"cannot be stored .* Measure again and save"):
            write_plan(plan.replaced(run={"x": value}), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("schema", [10**400, -(10**400), 3, 0, 2.0, True, "2", None])
def test_a_schema_that_there_is_not_is_named(plan: Plan, schema: object) -> None:
    with pytest.raises(PlanError, match="schema"):
        Plan.from_dict(plan.to_dict() | {"schema": schema})


def test_whoever_else_placed_a_triangle_or_a_needle_was_a_user() -> None:
    data = full_plan().to_dict()
    for held in (data["triangles"][0], data["needles"][0]["needle"]):
        held["author"] = "surgeon"
    opened = Plan.from_dict(data)
    assert opened.triangles[0].author == opened.planning.needles[0].needle.author == Author.USER
    assert opened.planning.by_hand


def test_the_file_says_what_it_is_and_names_nobody(plan: Plan, tmp_path: Path) -> None:
    write_plan(plan, tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text(encoding="utf-8")
    data = json.loads(text)
    assert data["format"] == "spinect-plan"
    assert data["schema"] == SCHEMA
    assert data["frame"] == "LPS, mm"
    assert "Not cleared for clinical use" in data["notice"]
    assert data["triangles"][0]["area_mm2"] == pytest.approx(plan.triangles[0].area_mm2)
    assert data["views"][0]["words"] == "from behind"
    assert "Müller" not in text
    assert str(tmp_path) not in text


def test_the_checksum_follows_voxels_and_grid_alone(volume: Volume) -> None:
    same = Volume(volume.array.astype(np.float32), volume.geometry, name="other", details={"kernel": "B30"})
    assert volume_hash(same) == volume_hash(volume)
    changed = volume.array.copy()
    changed[0, 0, 0] += 1
    assert volume_hash(Volume(changed, volume.geometry)) != volume_hash(volume)
    moved = replace(volume.geometry, origin=(-10.1, 20, 30.001))
    assert volume_hash(Volume(volume.array, moved)) != volume_hash(volume)


def edited(plan: Plan, **changes: object) -> str:
    return json.dumps({**plan.to_dict(), **changes})


def test_a_newer_plan_names_the_remedy(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(edited(plan, schema=SCHEMA + 1, extra="things"))
    with pytest.raises(PlanError, match="Update SPINECT Planner") as caught:
        read_plan(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"schema": 0},
        {"schema": "1"},
        {"schema": True},
        {"schema": None},
        {"case": {}},
        {"views": 7},
        {"triangles": [{}]},
        {"region": {"minimum_lps_mm": [0, 0, 0], "maximum_lps_mm": [1, 1]}},
        {"region": {"minimum_lps_mm": [0, 0, 0], "maximum_lps_mm": [0, 1, 1], "found": True, "note": ""}},
        {"files": {"labels": "../../etc/passwd"}},
        {"files": {"labels": "C:\\Windows"}},
    ],
)
def test_a_wrong_plan_is_refused(plan: Plan, tmp_path: Path, changes: dict[str, object]) -> None:
    path = tmp_path / "plan.json"
    path.write_text(edited(plan, **changes))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert caught.value.remedy
    assert caught.value.source == str(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"null", b"\xff\xfe\x00", b'{"format": NaN}', b"[" * 100_000]
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(PlanError):
        read_plan(path)


def test_a_changed_vertex_is_noticed(plan: Plan, tmp_path: Path) -> None:
    data = plan.to_dict()
    data["triangles"][0]["vertices_lps_mm"][0][2] += 3
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data))
    with pytest.raises(PlanError, match="edited"):
        read_plan(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(PlanError, match="cannot be read"):
            read_plan(path)


def test_a_failed_write_keeps_the_old_plan(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(plan, path)
    before = path.read_bytes()
    with pytest.raises(PlanError):
        write_plan(plan.replaced(timings={"reading": float("nan")}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_the_file_is_one_to_read(tmp_path: Path) -> None:
    text = 'a text with\n[\n1,\n2\n] and "quotes"'
    write_plan(full_plan().replaced(notes=(text,)), tmp_path / "plan.json")
    lines = (tmp_path / "plan.json").read_text(encoding="utf-8").splitlines()
    assert any(line.strip() == '"entry_lps_mm": [45.0, 95.0, -12.0],' for line in lines)
    assert any(
        line.strip() == '"clearance_nerve_mm_90_percent": {"low": 1.5, "high": 3.0},' for line in lines
    )
    assert max(map(len, lines)) < 200
    assert len(lines) < 1000
    assert read_plan(tmp_path / "plan.json").notes == (text,)


def test_plain_values() -> None:
    assert plain({"a": (1, np.float64(2.5)), 3: np.arange(2), "p": Path("x")}) == {
        "a": [1, 2.5],
        "3": [0, 1],
        "p": "x",
    }
    assert plain(float("inf")) is None
