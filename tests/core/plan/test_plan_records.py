"""Records of a plan: what they hold, what they refuse, and the objects they stand for."""

import dataclasses
import json
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import pyvista as pv
from plan_maker import KEY, VIEW, full_plan, full_planning

from spinect_core.base.errors import PlanError
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import ROLES, Border, Zone
from spinect_core.plan import records as plan_records
from spinect_core.plan.anatomy_records import BORDER_ROLES
from spinect_core.plan.fields import Record, stored_fields
from spinect_core.plan.plan import Plan
from spinect_core.plan.records import (
    AxialRecord,
    ChoiceRecord,
    CourseRecord,
    LandmarkRecord,
    LevelRecord,
    NeedleRecord,
    Planning,
    RiskRecord,
    SafetyRecord,
    SearchRecord,
    StructureRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import FreeWindow, Sight

RECORDS = [
    kind
    for kind in (getattr(plan_records, name) for name in plan_records.__all__)
    if isinstance(kind, type) and issubclass(kind, Record)
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
        fields = stored_fields(kind)
        assert {*fields, "extras"} == {field.name for field in dataclasses.fields(kind)}, kind
        assert len({stored.key for stored in fields.values()}) == len(fields)


def test_records_are_equal_by_value_and_take_arrays() -> None:
    one = LandmarkRecord("S1", np.array([1, 2, 3]), np.float32(0.5), np.bool_(True))  # type: ignore[arg-type]
    assert one == LandmarkRecord("S1", (1.0, 2.0, 3.0), 0.5, True)
    assert hash(one) == hash(LandmarkRecord("S1", (1.0, 2.0, 3.0), 0.5, True))
    assert type(one.moved) is bool
    json.dumps(one.to_dict())
    assert hash(full_planning()) == hash(full_planning())


def test_a_zone_comes_back_from_its_record() -> None:
    zone = square_zone()
    record = ZoneRecord.of(zone)
    assert record.key == zone_key("kambin", "neural", "right", "L4/5") == "L4/5 right kambin neural"
    back = record.zone()
    np.testing.assert_array_equal(back.outline, zone.outline)
    assert [(each.name, each.role, each.confidence) for each in back.borders] == [
        (each.name, each.role, each.confidence) for each in zone.borders
    ]
    assert (back.kind, back.version, back.side, back.level, back.confidence) == (
        ("kambin", "neural", "right", "L4/5", 0.6)
    )
    assert BORDER_ROLES == ROLES
    assert zone_key("safe", "", "left", "L5/S1") == "L5/S1 left safe"


def test_the_record_of_a_free_window() -> None:
    far = pv.Cube(center=(500, 500, 500)).triangulate()
    window = Sight(square_zone(), Obstacles(far, far)).window(View(0.0))
    assert isinstance(window, FreeWindow)
    record = WindowRecord.of(window, window.zone.outline, "user")
    assert record.zone == "L4/5 right kambin neural"
    assert record.area_mm2 == pytest.approx(54, rel=0.01)
    assert record.radius_mm == pytest.approx(3, rel=0.02)  # (12 + 9 - 15) / 2
    assert record.centre is not None
    assert record.centre[1] == pytest.approx(20)
    assert len(record.outline) == 3
    assert WindowRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LevelRecord("", 0), "name: it is empty"),
        (lambda: LevelRecord("L5/S1", 9), "between -5 and 5"),
        (lambda: LevelRecord("L5/S1", 0.5), "no whole number"),
        (lambda: LevelRecord("L5/S1", True), "no whole number"),
        (lambda: LevelRecord("L5/S1", 0, 1.01), "between 0 and 1"),
        (lambda: LevelRecord("L5/S1", 0, 1, "a doubt"), "no list"),
        (lambda: LandmarkRecord("S1", (1, 2)), "three numbers, not 2"),
        (lambda: LandmarkRecord("S1", (1, 2, float("nan"))), "entry 3"),
        (lambda: LandmarkRecord("S1", (1, 2, 1e9)), "between -100000 and 100000"),
        (lambda: LandmarkRecord("S1", (1, 2, "3")), "no number"),
        (lambda: LandmarkRecord("S1", (1, 2, 3), moved=1), "neither true nor false"),
        (lambda: CourseRecord("L5 left", ((0, 0, 0), (1, 1, 1)), (2.0,), (True, True)), "do not belong"),
        (lambda: CourseRecord("L5 left", ((0, 0, 0),), (2.0,), (True,)), "at least 2"),
        (lambda: WindowRecord(KEY, VIEW, 5, 4, 10, (0, 0, 0), 1), "more than the 4"),
        (lambda: WindowRecord(KEY, VIEW, 5, 5, 10, None, 1), "both a centre and a radius"),
        (lambda: WindowRecord(KEY, VIEW, 5, 5, 10, (0, 0, 0), 1, ((0, 0, 0),)), "bounds nothing"),
        (lambda: WindowRecord(KEY, VIEW, 0, 0, 10, pair=("ala",)), "a pair is two"),
        (lambda: WindowRecord(KEY, VIEW, 5, 5, 10, (0, 0, 0), 1, author="robot"), "none of 'user'"),
        (lambda: WindowRecord(KEY, "from behind", 5, 5, 10), "no view"),
        (lambda: ChoiceRecord(VIEW, -1), "0 or more"),
        (lambda: SearchRecord(KEY, None, None, 0, 0, 0), "step_deg"),
        (lambda: SearchRecord(KEY, None, None, 0, 0, 2, map="../map.csv"), "leads out"),
        (lambda: AxialRecord(True, oblique=float("inf")), "best_oblique_deg"),
        (lambda: RiskRecord("free hand", 3.4, 3.1, 20000, 0.2, 0.1, 0.15), "do not go together"),
        (lambda: NeedleRecord("a needle"), "no needle"),
        (
            lambda: SafetyRecord(
                structures=(
                    StructureRecord("ala", "bone", "near", 70),
                    StructureRecord("skin", "bone", "crossed", 0),
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
        dataclasses.replace(planning, landmarks=planning.landmarks * 2)
    with pytest.raises(PlanError, match="two of the zone"):
        dataclasses.replace(planning, zones=planning.zones * 2)
    with pytest.raises(PlanError, match="window belongs to the zone"):
        dataclasses.replace(planning, zones=())
    with pytest.raises(PlanError, match="search belongs to the zone"):
        dataclasses.replace(planning, zones=(), windows=())
    assert planning.zone(KEY) == planning.zones[0]
    assert planning.zone("L5/S1 right safe") is None


def test_the_work_of_the_user_is_known() -> None:
    assert full_planning().by_hand
    assert not Planning().by_hand
    assert not Planning(landmarks=(LandmarkRecord("S1", (1, 2, 3)),)).by_hand
    assert Planning(landmarks=(LandmarkRecord("S1", (1, 2, 3), moved=True),)).by_hand
    assert Planning(level=LevelRecord("L4/5", 1)).by_hand
    assert Planning(needles=full_planning().needles).by_hand


@pytest.mark.parametrize(
    ("way", "value", "says"),
    [
        (("level",), 7, "no JSON object"),
        (("landmarks", 0, "point_lps_mm"), [1, 2, None], "landmarks: entry 1: point_lps_mm: entry 3: None is no"),
        (("zones", 0, "borders", 1, "role"), "leg", "zones: entry 1: borders: entry 2: role: 'leg'"),
        (("windows", 0, "view"), {}, "has no 'azimuth_deg'"),
        (("windows", 0, "view", "elevation_deg"), 120, "does not exist"),
        (("searches", 0, "map"), "/etc/passwd", "leads out"),
        (("needles", 0, "needle", "gauge"), 1, "needle"),
        (("needles", 0, "needle", "target_lps_mm"), [0, 0], "three numbers"),
        (("needles", 0, "safety", "risks", 0, "needles"), 0, "needles"),
    ],
)  # fmt: skip
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
    if origin is tuple:
        if parts[-1] is not Ellipsis:
            return type(value) is tuple and all(map(fits, value, parts)) and len(value) == len(parts)
        return type(value) is tuple and all(fits(each, parts[0]) for each in value)
    return type(value) is hint


def test_records_hold_what_their_annotations_promise() -> None:
    """Made in the program or read from a file, a type checker may rely on them."""
    seen = set()
    waiting: list[Any] = [full_planning(), full_plan().from_dict(full_plan().to_dict()).planning]
    while waiting:
        each = waiting.pop()
        seen.add(type(each))
        hints = get_type_hints(type(each))
        for name in stored_fields(type(each)):
            value = getattr(each, name)
            assert fits(value, hints[name]), (type(each), name, value)
            waiting += [
                one for one in (value if type(value) is tuple else (value,)) if isinstance(one, Record)
            ]
    assert seen == set(RECORDS)
