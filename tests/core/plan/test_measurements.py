"""What was measured by hand is kept in a plan, and told as a table."""

import csv
import io
from dataclasses import replace

import pytest
from plan_maker import full_plan

from spinect_core.base.errors import PlanError
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.figure import PLANE_VIEWS, Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.warning import ReadingWarning
from spinect_core.plan.measurement_csv import measurement_csv
from spinect_core.plan.plan import Plan, RepeatsRecord
from spinect_core.plan.records import FigureRecord
from spinect_core.plan.repeats import Measured, agreement_of, icc_words, same_thing

VIEW = View(27, -12)
LENGTH = Figure("distance", VIEW.unproject([(0, 0), (3, 4)], [0, 12]), VIEW, on_surface=True)
ANGLE = Figure("angle", [(5, 0, -3.5), (0, 0, -3.5), (0, 5, -3.5)], PLANE_VIEWS["axial"], "axial")


def test_figures_are_read_back_equal_and_plans_without_them_still_open() -> None:
    plan = full_plan().replaced(
        figures=(FigureRecord(name="Pedicle", figure=LENGTH), FigureRecord(name="Lordosis", figure=ANGLE))
    )
    data = plan.to_dict()
    back = Plan.from_dict(data)
    assert back == plan
    assert back.figures[0].figure.value == LENGTH.value
    del data["figures"]
    assert Plan.from_dict(data).figures == ()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (
            lambda each: each["figure"].update(value=7.0),
            "figures: entry 1: figure: The stored 7.0 mm are not those",
        ),
        (lambda each: each["figure"].update(vertices_lps_mm=[[0, 0, 0], [2e5, 0, 0]]), "100000 or less"),
        (lambda each: each["figure"].update(created="=HYPERLINK(1)"), "a time that is none"),
        (
            lambda each: each["figure"].update(created="2026-01-01T00:00:00." + "0" * 1000),
            "a time that is none",
        ),
        (lambda each: each["figure"]["view"].update(azimuth_deg=1e9), "360 or less"),
        (lambda each: each.update(name=" "), "name: it is empty"),
        (lambda each: each.update(name="x" * 201), "too long"),
        (lambda each: each.update(name="  lordosis "), "two of the measurement 'lordosis'"),
        (lambda each: each.update(figure=[1, 2]), "is no figure"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_with_its_place(spoil, fault: str) -> None:
    figures = (FigureRecord(name="Pedicle", figure=LENGTH), FigureRecord(name="Lordosis", figure=ANGLE))
    data = full_plan().replaced(figures=figures).to_dict()
    spoil(data["figures"][0])
    with pytest.raises(PlanError, match=fault):
        Plan.from_dict(data)


def test_the_table_has_a_line_a_number_with_unit_and_place() -> None:
    triangle = Triangle.from_clicks(VIEW, [(0, 0), (12, 0), (0, 5)], 20, kind="kambin", side="right")
    rows = [
        Measured("Right Kambin triangle", triangle),
        Measured("=1+1", LENGTH),
        Measured("Lordosis", ANGLE),
    ]
    text = measurement_csv(rows, [ReadingWarning("The slices are thick")])
    lines = text.splitlines()
    assert lines[0].startswith(f"# {NOTICE}")
    assert "The slices are thick" in lines[1]
    table = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("# ")))))
    assert [(each["kind"], each["value"], each["unit"], each["in_space"]) for each in table] == [
        ("kambin", "30.000", "mm2", ""),
        ("distance", "5.000", "mm", "13.000"),
        ("angle", "90.000", "deg", ""),
    ]
    assert table[1]["name"] == "'=1+1", "no spreadsheet takes a name for a formula"
    assert (table[0]["side"], table[0]["level"], table[0]["author"]) == ("right", "L5/S1", "user")
    assert (table[1]["seen"], table[1]["azimuth_deg"]) == ("left oblique 27.0°, caudal 12.0°", "27.000")
    assert (table[2]["plane"], table[2]["position_lps_mm"]) == ("axial", "-3.500")
    assert table[2]["points_lps_mm"] == "5.000 0.000 -3.500; 0.000 0.000 -3.500; 0.000 5.000 -3.500"


def test_no_text_of_a_triangle_is_taken_for_a_formula() -> None:
    triangle = replace(area(30), level="@SUM(1)", created="=1+1")
    row = next(csv.DictReader(measurement_csv([Measured("-1", triangle)]).splitlines()[1:]))
    assert (row["name"], row["level"], row["created"]) == ("'-1", "'@SUM(1)", "'=1+1")
    data = full_plan().to_dict()
    data["triangles"][0]["created"] = "=1+1"
    with pytest.raises(PlanError, match="a time that is none"):
        Plan.from_dict(data)
    data = full_plan().to_dict()
    data["triangles"][0]["level"] = "x" * 30_000
    with pytest.raises(PlanError, match="too long"):
        Plan.from_dict(data)


def length(mm: float) -> Figure:
    """In an axial slice."""
    return Figure("distance", [(0, 0, 5), (mm, 0, 5)], PLANE_VIEWS["axial"], "axial")


def area(mm2: float, side: str = "left") -> Triangle:
    return Triangle.from_clicks(VIEW, [(0, 0), (10, 0), (0, mm2 / 5)], 0, kind="safe", side=side)


def test_repeats_have_mean_and_sd_of_their_own_and_agree_kind_by_kind() -> None:
    """Judges 1 to 4 of Shrout and Fleiss 1979, Table 2, whose ICC(2,1) is 0.29, as lengths."""
    ratings = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
    rows = [
        Measured(f"Distance {number}", length(99), tuple(map(length, row)))
        for number, row in enumerate(ratings)
    ]
    assert rows[0].mean == pytest.approx(6)
    assert rows[0].sd == pytest.approx((30 / 3) ** 0.5)
    [found] = agreement_of(
        [*rows, Measured("Safe", area(30), (area(31), area(35))), Measured("Once", length(7))]
    )
    assert (found.kind, found.icc.subjects, found.icc.raters) == ("distance", 6, 4)
    assert found.icc.value == pytest.approx(0.29, abs=0.005)
    assert icc_words(found.icc) == "0.29 (95 % interval 0.02 to 0.76), 6 measured 4 times each"
    # each with as many as the one that has the fewest
    shorter = [Measured("Short", length(9), (length(9), length(2))), *rows[1:]]
    assert agreement_of(shorter)[0].icc.raters == 2


def test_only_the_same_thing_is_a_repeat() -> None:
    assert same_thing(area(30), area(99))
    assert not same_thing(area(30), area(30, "right"))
    assert not same_thing(area(30), replace(area(30), level="L4/5"))
    assert not same_thing(area(30), length(3))
    assert same_thing(length(3), length(4))
    assert not same_thing(LENGTH, length(5)), "one is seen in the 3D view, one lies in a slice"


def test_repeats_are_kept_in_the_plan_and_refused_where_they_measure_something_else() -> None:
    plan = full_plan()
    first = plan.triangles[0]
    plan = plan.replaced(
        repeats=(RepeatsRecord(triangle=0, repeats=(first.moved(0, first.vertices[0] + 1), first)),),
        figures=(FigureRecord(name="Width", figure=length(9), repeats=(length(8), length(10))),),
    )
    data = plan.to_dict()
    assert Plan.from_dict(data) == plan
    other = area(30, first.side.other).to_dict()
    for change, fault in (
        ({"repeats": [*data["repeats"], *data["repeats"]]}, "repeats twice"),
        ({"repeats": [{**data["repeats"][0], "triangle": 99}]}, "no triangle 99"),
        ({"repeats": [{"triangle": 0, "repeats": [other]}]}, "another triangle"),
        ({"repeats": [{"triangle": 0, "repeats": [first.to_dict()] * 11}]}, "at most 10"),
        (
            {"figures": [{**data["figures"][0], "repeats": [LENGTH.to_dict()]}]},
            "no distance in the same place",
        ),
    ):
        with pytest.raises(PlanError, match=fault):
            Plan.from_dict({**data, **change})


def test_the_table_tells_repeats_mean_sd_and_agreement() -> None:
    rows = [
        Measured("One", length(9), (length(8), length(10))),
        Measured("Two", length(29), (length(30), length(32))),
        Measured("Alone", area(30), (area(31), area(35))),
    ]
    lines = [line for line in measurement_csv(rows).splitlines() if not line.startswith("# ")]
    table = [(each["name"], each["number"], each["value"], each["unit"]) for each in csv.DictReader(lines)]
    assert table[:5] == [
        ("One", "measured", "9.000", "mm"),
        ("One", "repeat 1", "8.000", "mm"),
        ("One", "repeat 2", "10.000", "mm"),
        ("One", "mean", "9.000", "mm"),
        ("One", "sd", "1.414", "mm"),
    ]
    [last] = agreement_of(rows)
    assert table[-1] == ("", "icc(2,1)", f"{last.icc.value:.3f}", "")
    assert len(table) == 3 * 5 + 1
