"""Results of the planning become records that a file can hold."""

import json
import math
from types import SimpleNamespace as Made
from typing import Any

import numpy as np
import pytest

from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Guidance
from spinect_core.geometry.view import View
from spinect_core.plan.build import (
    axial_record,
    needle_records,
    planning_record,
    safety_record,
    search_record,
    window_record,
)
from spinect_core.plan.records import IntervalRecord, Record
from spinect_core.plan.wording import sentences
from spinect_core.planning.intervals import Interval, WindowInterval
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.rules import Rules

ZONE = Made(kind="kambin", version="bony", side="right", level="L5/S1")


def stored(record: Record) -> Record:
    """The record after writing and reading."""
    return type(record).from_dict(json.loads(json.dumps(record.to_dict(), allow_nan=False)))


def window(view: View, area: float = 20.0) -> Made:
    outline = np.array([[0.0, 1, 2], [3, 4, 5], [6, 7, 9]])
    return Made(
        zone=ZONE,
        view=view,
        area_mm2=area,
        total_area_mm2=area,
        zone_area_mm2=60.0,
        centre=outline.mean(axis=0),
        radius_mm=2.0,
        outline_lps=outline,
    )


def choice(view: View, words: str = "") -> Made:
    return Made(
        view=view,
        window=window(view),
        depth_mm=None,
        bone_mm=math.inf,
        nerve_mm=3.5,
        ends_before_skin=False,
        unknown_mm=None,
        score=0.5,
        terms={"area": 1.0, "depth": None},
        words=words,
    )


def result(**changes: Any) -> Made:
    best = choice(View(-30.0, 5.0))
    return Made(
        **{
            "zone": ZONE,
            "map": Made(tilts=np.array([-40.0, -38.0, -36.0])),
            "best": best,
            "recommended": best,
            "ridge": Made(mask=np.array([[True, True], [False, False]]), crest=np.array([[28.0, 4.0], [30.0, 5.0]])),
            "alternatives": (choice(View(-12.0, 0.0), "18° less oblique"),),
            "allowed_count": 8,
            "candidate": best.view,
            "weights": WEIGHTS,
            "notes": (Note.of(NoteCode.ENDS_BEFORE_SKIN, mm=12.0),),
        }
        | changes
    )  # fmt: skip


WEIGHTS = Made(area=0.3, depth=0.1)


def test_a_search_becomes_a_record() -> None:
    record = search_record(
        result(),
        seconds=1.5,
        axial=axial_record(Made(possible=True, area_mm2=12.0, oblique=33.0, kept=True)),
        map_path="m.csv",
    )
    assert stored(record) == record
    assert record.zone == "L5/S1 right kambin bony"
    assert record.best is not None
    assert (record.best.bone_mm, record.best.nerve_mm, record.best.depth_mm) == (None, 3.5, None)
    assert [(term.name, term.value, term.weight) for term in record.best.terms] == [
        ("area", 1.0, 0.3),
        ("depth", None, 0.1),
    ]
    assert record.ridge == (View(-28.0, 4.0), View(-30.0, 5.0))
    assert (record.ridge_part, record.step, record.allowed) == (0.25, 2.0, 8)
    assert record.candidate is None
    assert record.axial is not None
    assert record.axial.oblique == 33.0


def test_the_weights_stored_are_those_of_the_search() -> None:
    record = search_record(result(weights=Made(area=0.75, depth=0.25)), seconds=1.0)
    assert record.best is not None
    assert [term.weight for term in record.best.terms] == [0.75, 0.25]


def test_a_search_that_found_nothing_keeps_the_nearest_view() -> None:
    nothing = result(best=None, recommended=None, ridge=None, alternatives=(), allowed_count=0)
    record = search_record(nothing, seconds=0.5, axial=axial_record(Made(possible=False)))
    assert stored(record) == record
    assert record.candidate == View(-30.0, 5.0)
    assert (record.ridge_part, record.ridge, record.map) == (0.0, (), "")
    assert record.axial is not None
    assert not record.axial.reachable


@pytest.mark.parametrize("pair", [("L5 lamina", "S1 lamina"), None])
def test_a_window_becomes_a_record(pair: tuple[str, str] | None) -> None:
    closing = Made(
        closers=(Made(name="L5 lamina", covered=0.75, alone=0.5, required_mm=None),),
        pair=pair,
        pair_required_mm=2.5 if pair else None,
    )
    record = window_record(window(View(-20.0)), closing, author="user")
    assert stored(record) == record
    assert len(record.outline) == 3
    assert record.closers[0].required_mm is None
    assert record.pair == (pair or ())
    assert window_record(window(View(-20.0))).closers == ()
    assert record.area_90 is record.radius_90 is None, "nothing was calibrated"


def test_the_safety_of_a_needle_becomes_a_record() -> None:
    def near(gap: float) -> Made:
        return Made(gap_mm=gap, place=(1.0, 2.0, 3.0), depth_mm=40.0)

    def margin(amount: float, tissue: str) -> Made:
        return Made(amount=amount, unlimited=amount == 15, tissue=tissue, words="cranial")

    clearance = Made(
        nerve=near(1.5), bone=near(math.inf), nerve_at_target=near(-0.25), nerve_at_tip=near(0.5)
    )
    tolerance = Made(
        angle=margin(2.0, "nerve"),
        angle_to_bone=margin(15.0, "bone"),
        angle_to_nerve=margin(2.0, "nerve"),
        shift=margin(1.0, "bone"),
        shift_to_bone=margin(1.0, "bone"),
        shift_to_nerve=margin(3.0, "nerve"),
    )
    parts = {
        name: Made(value=value, standard_error=0.01)
        for name, value in {"nerve": 0.2, "bone": 0.1, "either": 0.25, "nerve_on_the_way": 0.125}.items()
    }
    risk = Made(
        error=Made(
            name="free-hand CT",
            mean_deg=3.4,
            sd_deg=3.1,
            entry_mean_mm=6.1,
            entry_sd_mm=4.7,
            source="a study",
        ),
        bending=None,
        needles=20000,
        miss_mean_mm=4.5,
        miss_95_mm=9.0,
        **parts,
    )
    crossings = (
        Made(name="L5 root", tissue="nerve", from_mm=85.0, to_mm=90.0, behind_tip=True),
        Made(name="iliac crest", tissue="bone", from_mm=20.0, to_mm=30.0, behind_tip=False),
    )
    neighbours = (Made(name="facet", tissue="bone", gap_mm=-0.25, depth_mm=60.0),)
    record = safety_record(clearance, tolerance, (risk,), crossings, neighbours)
    assert stored(record) == record
    assert record.bone is None
    assert record.nerve is not None
    assert record.nerve.gap_mm == 1.5
    assert record.tip_to_nerve_mm == 0.5
    assert record.tolerance is not None
    assert record.tolerance.angle_to_bone is not None
    assert record.tolerance.angle_to_bone.unlimited
    assert [(each.name, each.relation) for each in record.structures] == [
        ("iliac crest", "crossed"),
        ("facet", "near"),
        ("L5 root", "beyond"),
    ]
    assert (record.risks[0].entry_mean_mm, record.risks[0].source, record.risks[0].bending) == (
        6.1,
        "a study",
        "",
    )
    assert (record.risks[0].nerve, record.risks[0].nerve_on_the_way) == (0.2, 0.125)
    bare = safety_record(clearance)
    assert (bare.tolerance, bare.risks, bare.structures) == (None, (), ())


# ------------------------------------------------------------------------------- a part that is not right is left out


def course(count: int) -> Made:
    points = np.arange(3.0 * count).reshape(count, 3)
    return Made(points=points.tolist(), radii=np.full(count, 2.0).tolist(), found=[True] * count)


def landmarks(**changes: Any) -> Made:
    return Made(
        **{
            "level": "L5/S1",
            "bone_overlap": 0.9,
            "notes": (),
            "points": {"S1 centre": np.array([0.5, 2.0, -3.0]), "L5 centre": np.array([1.0, 2.0, 30.0])},
            "placed": frozenset(),
            "shift": None,
            "lumbar": None,
            "confirmed": False,
            "confidence": lambda name: 0.9,
            "courses": {"L5 left": course(3), "S1 left": course(4)},
            "sac": course(5),
            "roots": {},
        }
        | changes
    )


def planned(**changes: Any) -> Made:
    return Made(
        landmarks=landmarks(**changes),
        approaches=(),
        withheld=(),
        rules=Rules(),
        guidance=Guidance.CT,
        light=None,
        organs=None,
    )


@pytest.mark.parametrize("points", [0, 1])
def test_a_course_of_too_few_points_does_not_cost_the_plan(points: int) -> None:
    record, left_out = planning_record(planned(courses={"L5 left": course(points), "S1 left": course(4)}))
    assert [each.name for each in record.courses] == ["S1 left", "thecal sac"]
    assert len(record.landmarks) == 2
    assert record.level is not None
    (said,) = sentences(left_out)
    assert said == (
        f"The course 'L5 left' is not in the plan: points: it holds {points} entries, at least 2 are needed."
    )
    assert stored(record) == record


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_a_landmark_that_no_file_can_hold_does_not_cost_the_plan(bad: float) -> None:
    points = {"S1 centre": np.array([0.5, bad, -3.0]), "L5 centre": np.array([1.0, 2.0, 30.0])}
    record, left_out = planning_record(planned(points=points))
    assert [each.name for each in record.landmarks] == ["L5 centre"]
    assert [(note.values["what"], note.values["name"]) for note in left_out] == [("landmark", "S1 centre")]


def test_neither_does_a_level_of_no_known_confidence_or_a_sac_without_a_point() -> None:
    record, left_out = planning_record(planned(bone_overlap=math.nan, sac=course(0)))
    assert record.level is None
    assert [each.name for each in record.courses] == ["L5 left", "S1 left"]
    assert [note.values["what"] for note in left_out] == ["level", "course"]


def test_a_zone_that_is_left_out_takes_window_and_search_with_it() -> None:
    faulty, sound = (
        Made(
            zone=Made(**{**vars(ZONE), "side": side, "name": f"{side} Kambin", "borders": borders, "confidence": 0.9}),
            window=window(View(0.0)),
            closing=None,
            search=result(),
            seconds=1.0,
            axial=Made(possible=False),
            notes=(),
            withheld=(),
            chosen=None,
            refusal=None,
            needle=None,
            interval=WindowInterval(Interval(15.0, 22.0), Interval(1.5, 2.5)),
        )
        for side, borders in (("left", ()), ("right", (BORDER,)))
    )  # fmt: skip
    record, left_out = planning_record(
        Made(
            landmarks=landmarks(),
            approaches=(faulty, sound),
            withheld=(),
            rules=Rules(),
            guidance=Guidance.CT,
            light=None,
            organs=None,
        )
    )
    assert [each.key for each in record.zones] == ["L5/S1 right kambin bony"]
    assert len(record.windows) == len(record.searches) == 1
    assert stored(record.windows[0]) == record.windows[0]
    assert record.windows[0].area_90 == IntervalRecord(low=15.0, high=22.0)
    assert record.windows[0].radius_90 == IntervalRecord(low=1.5, high=2.5)
    assert [note.values["name"] for note in left_out] == ["left Kambin"]


def test_a_needle_whose_safety_no_plan_can_hold_stays_without_it() -> None:
    faulty = Made(needle=NEEDLE, clearance=None, tolerance=None, risks=(), crossings=(), neighbours=())
    (record,), left_out = needle_records([faulty])
    assert record.needle == NEEDLE
    assert record.safety is None
    assert [note.values["what"] for note in left_out] == ["safety of the needle"]


BORDER = Made(
    name="superior border of S1", role="base", points=((0.0, 1.0, 2.0), (3.0, 1.0, 2.0)), confidence=0.9
)
NEEDLE = Needle("way", "kambin", "left", "L5/S1", "bony", (45.0, 95.0, 0.0), (6.0, 19.0, 3.0))
