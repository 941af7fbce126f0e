"""Records of a plan: what they hold, what they refuse, and the objects they stand for."""

import json
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import numpy as np
import pytest
import pyvista as pv
from plan_maker import KEY, VIEW, full_plan, full_planning

from spinect_core.base.errors import PlanError
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Border, Zone
from spinect_core.plan import records as plan_records
from spinect_core.plan.build import window_record
from spinect_core.plan.plan import Plan
from spinect_core.plan.records import (
    AxialRecord,
    CaseLightRecord,
    CaseReasonRecord,
    ChoiceRecord,
    CourseRecord,
    FindingRecord,
    LandmarkRecord,
    LevelRecord,
    LightRecord,
    LimitRecord,
    NeedleRecord,
    Planning,
    Record,
    RefusalRecord,
    RiskRecord,
    SafetyRecord,
    SearchRecord,
    StructureRecord,
    WarningRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import FreeWindow, Sight

RECORDS = [
    kind
    for kind in vars(plan_records).values()
    if isinstance(kind, type) and issubclass(kind, Record) and kind.model_fields
]


def square_zone() -> Zone:
    """A right-angled triangle of 12 x 9 mm in the plane y = 20."""
    a, b, c = np.array([[0.0, 20, 0], [12, 20, 0], [0, 20, 9]])
    return Zone(
        "kambin",
        "neural",
        "right",
        "L4/5",
        (
            Border("superior border of L5", "base", np.array([a, b])),
            Border("exiting L4 root", "hypotenuse", np.array([b, c]), 0.5),
            Border("traversing L5 root and dura", "height", np.array([c, a]), 0.75),
        ),
        0.6,
    )


def test_every_field_of_every_record_is_stored_under_a_name_of_its_own() -> None:
    assert Planning in RECORDS
    for kind in RECORDS:
        assert len(set(kind.file_keys())) == len(kind.model_fields), kind


def test_records_are_equal_by_value_and_take_arrays() -> None:
    one = LandmarkRecord(
        name="S1", point=np.array([1, 2, 3]), confidence=np.float32(0.5), moved=np.bool_(True)
    )  # type: ignore[arg-type]
    assert one == LandmarkRecord(name="S1", point=(1.0, 2.0, 3.0), confidence=0.5, moved=True)
    assert hash(one) == hash(LandmarkRecord(name="S1", point=(1.0, 2.0, 3.0), confidence=0.5, moved=True))
    assert type(one.moved) is bool
    json.dumps(one.to_dict())
    assert hash(full_planning()) == hash(full_planning())


def test_the_record_of_a_zone() -> None:
    zone = square_zone()
    record = ZoneRecord.taken_from(zone)
    assert record.key == zone_key("kambin", "neural", "right", "L4/5") == "L4/5 right kambin neural"
    for border, each in zip(record.borders, zone.borders, strict=True):
        np.testing.assert_array_equal(border.points, each.points)
        assert (border.name, border.role, border.confidence) == (each.name, each.role, each.confidence)
    assert (record.kind, record.version, record.side, record.level, record.confidence) == (
        ("kambin", "neural", "right", "L4/5", 0.6)
    )
    assert type(record).from_dict(json.loads(json.dumps(record.to_dict()))) == record
    assert zone_key("safe", "", "left", "L5/S1") == "L5/S1 left safe"


def test_the_record_of_a_free_window() -> None:
    far = pv.Cube(center=(500, 500, 500)).triangulate()
    window = Sight(square_zone(), Obstacles(far, far)).window(View(0.0))
    assert isinstance(window, FreeWindow)
    record = window_record(window, author="user")
    assert record.zone == "L4/5 right kambin neural"
    assert record.area_mm2 == pytest.approx(54, rel=0.01)
    assert record.radius_mm == pytest.approx(3, rel=0.02)  # (12 + 9 - 15) / 2
    assert record.centre is not None
    assert record.centre[1] == pytest.approx(20)
    assert len(record.outline) >= 3
    assert WindowRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LevelRecord(name="", shift=0), "name: it is empty"),
        (lambda: LevelRecord(name="L5/S1", shift=9), "9 is not 5 or less"),
        (lambda: LevelRecord(name="L5/S1", shift=0.5), "no whole number"),
        (lambda: LevelRecord(name="L5/S1", shift=True), "no whole number"),
        (lambda: LevelRecord(name="L5/S1", shift=0, confidence=1.01), "1.01 is not 1 or less"),
        (lambda: LevelRecord(name="L5/S1", shift=0, confidence=1, warnings="a warning"), "no list"),
        (lambda: LevelRecord(name="L6/S1", lumbar=7), "7 is not 6 or less"),
        (lambda: LevelRecord(name="L5/S1", lumbar=-1), "-1 is not 4 or more"),
        (lambda: LevelRecord(name="L6/S1", lumbar="6"), "no whole number"),
        (lambda: LevelRecord(name="L5/S1", lumbar=True), "no whole number"),
        (
            lambda: LevelRecord(name="L5/S1", lumbar=6),
            "'L5/S1' is no level of a spine with 6 lumbar vertebrae",
        ),
        (lambda: LevelRecord(name="L4/5", lumbar=4), "L4/S1, L3/4, L2/3"),
        (lambda: LevelRecord(name="L6/S1", shift=-1, lumbar=6), "a count of 6"),
        (lambda: LevelRecord(name="L4/S1", shift=1, lumbar=4), "a count of 4"),
        (lambda: LandmarkRecord(name="S1", point=(1, 2)), "three numbers, not 2"),
        (lambda: LandmarkRecord(name="S1", point=(1, 2, float("nan"))), "entry 3"),
        (lambda: LandmarkRecord(name="S1", point=(1, 2, 1e9)), "entry 3: 1000000000.0 is not 100000 or less"),
        (lambda: LandmarkRecord(name="S1", point=(1, 2, "3")), "no number"),
        (lambda: LandmarkRecord(name="S1", point=(1, 2, 3), moved=1), "neither true nor false"),
        (
            lambda: CourseRecord(
                name="L5 left", points=((0, 0, 0), (1, 1, 1)), radii=(2.0,), found=(True, True)
            ),
            "do not belong",
        ),
        (
            lambda: CourseRecord(name="L5 left", points=((0, 0, 0),), radii=(2.0,), found=(True,)),
            "at least 2",
        ),
        (
            lambda: WindowRecord(
                zone=KEY,
                view=VIEW,
                area_mm2=5,
                total_area_mm2=4,
                zone_area_mm2=10,
                centre=(0, 0, 0),
                radius_mm=1,
            ),
            "more than the 4",
        ),
        (
            lambda: WindowRecord(
                zone=KEY, view=VIEW, area_mm2=5, total_area_mm2=5, zone_area_mm2=10, centre=None, radius_mm=1
            ),
            "both a centre and a radius",
        ),
        (
            lambda: WindowRecord(
                zone=KEY,
                view=VIEW,
                area_mm2=5,
                total_area_mm2=5,
                zone_area_mm2=10,
                centre=(0, 0, 0),
                radius_mm=1,
                outline=((0, 0, 0),),
            ),
            "bounds nothing",
        ),
        (
            lambda: WindowRecord(
                zone=KEY, view=VIEW, area_mm2=0, total_area_mm2=0, zone_area_mm2=10, pair=("ala",)
            ),
            "a pair is two",
        ),
        (
            lambda: WindowRecord(
                zone=KEY,
                view=VIEW,
                area_mm2=5,
                total_area_mm2=5,
                zone_area_mm2=10,
                centre=(0, 0, 0),
                radius_mm=1,
                author="robot",
            ),
            "none of 'user'",
        ),
        (
            lambda: WindowRecord(
                zone=KEY, view="from behind", area_mm2=5, total_area_mm2=5, zone_area_mm2=10
            ),
            "no view",
        ),
        (lambda: ChoiceRecord(view=VIEW, area_mm2=-1), "0 or more"),
        (
            lambda: SearchRecord(zone=KEY, best=None, recommended=None, ridge_part=0, allowed=0, step=0),
            "step: 0 is not 0.001 or more",
        ),
        (
            lambda: SearchRecord(
                zone=KEY, best=None, recommended=None, ridge_part=0, allowed=0, step=2, map="../map.csv"
            ),
            "leads out",
        ),
        (lambda: AxialRecord(reachable=True, oblique=float("inf")), "oblique: inf is no finite number"),
        (
            lambda: RiskRecord(
                method="free hand",
                mean_deg=3.4,
                spread_deg=3.1,
                needles=20000,
                nerve=0.2,
                bone=0.1,
                either=0.15,
            ),
            "do not agree",
        ),
        (lambda: NeedleRecord(needle="a needle"), "no needle"),
        (
            lambda: SafetyRecord(
                structures=(
                    StructureRecord(name="ala", tissue="bone", relation="near", depth_mm=70),
                    StructureRecord(name="skin", tissue="bone", relation="crossed", depth_mm=0),
                )
            ),
            "not in the order",
        ),
    ],
)
def test_a_record_refuses_what_it_cannot_hold(make, says: str) -> None:
    with pytest.raises(PlanError, match=says) as caught:
        make()
    assert caught.value.remedy


def test_names_are_unique_and_no_window_is_without_its_zone() -> None:
    planning = full_planning()
    with pytest.raises(PlanError, match="two of the landmark"):
        planning.replaced(landmarks=planning.landmarks * 2)
    with pytest.raises(PlanError, match="two of the zone"):
        planning.replaced(zones=planning.zones * 2)
    with pytest.raises(PlanError, match="two of the check 'level'"):
        planning.replaced(checked=("level", "level"))
    with pytest.raises(PlanError, match="window belongs to the zone"):
        planning.replaced(zones=())
    with pytest.raises(PlanError, match="search belongs to the zone"):
        planning.replaced(zones=(), windows=())
    assert planning.zone(KEY) == planning.zones[0]
    assert planning.zone("L5/S1 right safe") is None


def test_the_work_of_the_user_is_known() -> None:
    assert full_planning().by_hand
    assert not Planning().by_hand
    assert not Planning(landmarks=(LandmarkRecord(name="S1", point=(1, 2, 3)),)).by_hand
    assert Planning(landmarks=(LandmarkRecord(name="S1", point=(1, 2, 3), moved=True),)).by_hand
    assert Planning(level=LevelRecord(name="L4/5", shift=1)).by_hand
    assert Planning(level=LevelRecord(name="L5/S1", lumbar=5)).by_hand
    assert Planning(needles=full_planning().needles).by_hand


@pytest.mark.parametrize(
    ("way", "value", "says"),
    [
        (("level",), 7, "no JSON object"),
        (
            ("landmarks", 0, "point_lps_mm"),
            [1, 2, None],
            "landmarks: entry 1: point_lps_mm: entry 3: None is no",
        ),
        (("zones", 0, "borders", 1, "role"), "leg", "zones: entry 1: borders: entry 2: role: 'leg'"),
        (("windows", 0, "view"), {}, "has no 'azimuth_deg'"),
        (("windows", 0, "view", "elevation_deg"), 120, "does not exist"),
        (("searches", 0, "map"), "/etc/passwd", "leads out"),
        (("needles", 0, "needle", "gauge"), 1, "needle"),
        (("needles", 0, "needle", "target_lps_mm"), [0, 0], "three numbers"),
        (("needles", 0, "safety", "risks", 0, "needles"), 0, "needles"),
    ],
)
def test_a_wrong_record_in_a_file_is_named_by_its_place(way, value, says: str) -> None:
    data = full_plan().to_dict()
    *parents, last = way
    place = data
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(PlanError, match=says) as caught:
        Plan.from_dict(data, "plan.json")
    assert caught.value.source == "plan.json"


def fits(value: object, hint: Any) -> bool:
    """Whether a value is what an annotation promises."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Annotated:
        return fits(value, parts[0])
    if origin is tuple:
        if parts[-1] is not Ellipsis:
            return type(value) is tuple and all(map(fits, value, parts)) and len(value) == len(parts)
        return type(value) is tuple and all(fits(each, parts[0]) for each in value)
    return type(value) is hint


def test_records_hold_what_their_annotations_promise() -> None:
    """Made in the program or read from a file, a type checker may rely on them."""
    seen = set()
    plan = full_plan()
    read = plan.from_dict(plan.to_dict())
    waiting: list[Any] = [
        full_planning(),
        read.planning,
        *plan.figures,
        *read.figures,
        WarningRecord(text="8 voxels were taken as air"),
    ]
    while waiting:
        each = waiting.pop()
        seen.add(type(each))
        for name, field in type(each).model_fields.items():
            value = getattr(each, name)
            assert fits(value, field.annotation), (type(each), name, value)
            waiting += [
                one for one in (value if type(value) is tuple else (value,)) if isinstance(one, Record)
            ]
    assert seen == set(RECORDS)


def test_what_the_rules_say_is_bounded_and_missing_in_older_plans() -> None:
    data = full_planning().to_dict()
    assert Planning.from_dict(data) == full_planning()
    for hostile in (
        {"rules": [{"rule": "no such rule", "kind": "hard", "value": 1.0}]},
        {"rules": [{"rule": "bone-met", "kind": "never", "value": 1.0}]},
        {"rules": [{"rule": "bone-met", "kind": "hard", "value": float("nan")}]},
        {"rules": data["rules"] * 60},
        {"guidance": "sonography"},
    ):
        with pytest.raises(PlanError):
            Planning.from_dict(data | hostile)
    refused = data["searches"][0]["refused_by_rules"]
    for hostile in ({"views_refused_by_rule": [{"rule": "bone-met", "views": -1}]}, {"open_views": 1.5}):
        with pytest.raises(PlanError):
            RefusalRecord.from_dict(refused | hostile)
    for key in ("rules", "guidance"):
        del data[key]
    for each in data["needles"]:
        del each["rules"]
    del data["needles"][0]["tip"]["to_disc_mm"]
    for key in ("recommended_because", "refused_by_rules"):
        del data["searches"][0][key]
    older = Planning.from_dict(data)
    assert (older.rules, older.guidance, older.needles[0].findings) == ((), None, ())
    assert (older.searches[0].chosen, older.searches[0].refusal) == (None, None)


def test_a_plan_that_says_nothing_of_the_count_of_lumbar_vertebrae_opens_as_not_counted() -> None:
    stored = LevelRecord(name="L5/S1").to_dict()
    assert stored.pop("lumbar_vertebrae_by_user") is None
    assert LevelRecord.from_dict(stored) == LevelRecord(name="L5/S1")
    six = LevelRecord(name="L5/6", shift=1, confirmed=True, lumbar=6)
    assert LevelRecord.from_dict(json.loads(json.dumps(six.to_dict()))) == six


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": "bone-met", "kind": "warn", "limit": 0.0}, "is hard at 0, not warn at 0"),
        ({"rule": "bone-met", "kind": "hard", "limit": -5.0}, "is hard at 0, not hard at -5"),
        (
            {"rule": "bone-met", "kind": "hard", "limit": 0.0, "bars": False, "override": "why not"},
            "cannot be overridden",
        ),
        ({"rule": "tip-medial-of-pedicle", "kind": "hard", "limit": 0.0, "bars": False}, "for no reason"),
        (
            {"rule": "tip-medial-of-pedicle", "kind": "hard", "limit": 0.0, "override": "seen"},
            "bars and is overridden",
        ),
        ({"rule": "tip-medial-of-pedicle", "kind": "hard", "limit": 0.0, "override": "x" * 501}, "too long"),
    ],
)
def test_no_plan_says_of_a_rule_what_the_program_never_says(change: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        FindingRecord.from_dict({"bars": True, "value": -1.0} | change)


def test_a_limit_that_is_no_judgement_stands_in_a_plan_as_in_the_table_and_each_rule_once() -> None:
    LimitRecord(rule="oblique-too-wide", kind="warn", value=45.0, override="the crest is low")
    for wrong in (
        {"value": -1.0, "kind": "hard"},
        {"value": 0.0, "kind": "note"},
        {"value": 0.0, "kind": "hard", "override": "seen"},
    ):
        with pytest.raises(PlanError, match="bone-met"):
            LimitRecord(rule="bone-met", **wrong)
    planning = full_planning()
    with pytest.raises(PlanError, match="two of the rule"):
        planning.replaced(rules=(*planning.rules, planning.rules[0]))


@pytest.mark.parametrize(
    ("way", "value", "says"),
    [
        (("c_arm_detector_at_hub", "primary"), 3.0, "C-arm angle with the detector at the hub is 3.0"),
        (("c_arm_source_at_hub", "secondary"), 80.0, "C-arm tilt with the source at the hub is 80.0"),
        (("iec_61217_source_at_hub", "gantry_deg"), 1.0, "IEC 61217 angle with the source at the hub is 1.0"),
        (("gantry", "tilt_deg"), 5.0, "tilt of the gantry is 5.0"),
        (("gantry", "hub_above"), False, "gantry read-out has the hub on the wrong side"),
        (("axial_in_plane_deg",), 12.0, "angle in the axial slice is 12.0"),
        (("lasers", "sagittal_deg"), 40.0, "angle to the sagittal laser is 40.0"),
        (("entry_slice", "z_mm"), 700.0, "table position of its entry is 700.0 mm"),
    ],
)
def test_read_outs_that_lead_to_another_needle_are_refused(
    way: tuple[str, ...], value: object, says: str
) -> None:
    data = full_planning().needles[0].to_dict()
    assert NeedleRecord.from_dict(data).to_dict() == data
    *inner, last = ("readouts", *way)
    part = data
    for key in inner:
        part = part[key]
    assert part[last] != value
    part[last] = value
    with pytest.raises(PlanError, match=says):
        NeedleRecord.from_dict(data)


@pytest.mark.parametrize(("case", "cause"), [("amber", "case"), ("red", "withheld")])
def test_no_needle_of_a_plan_is_surer_than_its_case(case: str, cause: str) -> None:
    needle = full_planning().needles[0].replaced(light=LightRecord(light="green"))
    light = CaseLightRecord(light=case, reasons=(CaseReasonRecord(cause="noise", light=case),))
    shown = full_planning().replaced(light=light, needles=(needle,)).needles[0].light
    assert shown is not None
    assert (shown.light, [each.cause for each in shown.reasons]) == (case, [cause])
    green = full_planning().replaced(light=CaseLightRecord(light="green"), needles=(needle,))
    assert green.needles[0] == needle
    red = full_planning().needles[0]  # what is worse than its case stays as it is
    assert full_planning().replaced(light=light, needles=(red,)).needles[0] == red
