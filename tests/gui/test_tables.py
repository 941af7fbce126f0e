"""The tables' item models on plain data: no window, no case."""

from dataclasses import replace

import numpy as np
import pytest
from plan_maker import VIEW, full_planning
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QStyleOptionViewItem, QTableView

from app.model.case import Measurement
from app.model.landmark_table import LandmarkTable
from app.model.measurement_table import MeasurementTable
from app.model.rows import KEY_ROLE, MISSING, SORT_ROLE, Column, RowsModel, Sorted
from app.model.series_table import REMARKS, SeriesTable
from app.model.trajectory_table import AREA, LIGHT, TrajectoryTable
from app.model.trajectory_table import VIEW as BEST_VIEW
from app.widgets import palette
from app.widgets.parts import OwnColours
from spinect_core.base.errors import ReadingError
from spinect_core.base.words import Author
from spinect_core.geometry.triangle import Triangle
from spinect_core.io.reading.series import Series
from spinect_core.plan.records import LandmarkRecord

RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
COLUMNS = (
    Column("Name", lambda row: row[0]),
    Column("Size", lambda row: f"{row[1]:g} mm", lambda row: row[1]),
)


@pytest.fixture
def sizes():
    """Three rows whose sizes sort otherwise as texts than as numbers."""
    model = RowsModel(COLUMNS, lambda row: row[0])
    model.show([("b", 9.5), ("C", 100.0), ("a", 20.0)])
    return model


def column(model, number, role=Qt.ItemDataRole.DisplayRole):
    return [model.index(row, number).data(role) for row in range(model.rowCount())]


def triangle(size, **changes):
    corners = np.array([(0.0, 0, 0), (size, 0, 0), (0, 0, size)])
    return replace(Triangle("kambin", "left", corners, VIEW, author="user"), **changes)


def series(key, pictures, **changes):
    facts = {
        "key": key,
        "description": key.capitalize(),
        "modality": "CT",
        "pictures": pictures,
        "shape": (pictures, 512, 512),
        "spacing": (0.4, 0.4, 1.0),
        "kernel": "B30",
        "orientation": "axial",
        "warnings": (),
        "loadable": True,
        "files": (),
    }
    return Series(**{**facts, **changes})


def test_rows_show_their_texts_and_know_their_keys(sizes):
    assert [sizes.headerData(place, Qt.Orientation.Horizontal) for place in (0, 1)] == ["Name", "Size"]
    assert column(sizes, 1) == ["9.5 mm", "100 mm", "20 mm"]
    assert column(sizes, 0, KEY_ROLE) == ["b", "C", "a"]
    assert sizes.row_of("a") == 2
    assert sizes.row_of("d") is None
    assert sizes.index(0, 1).data(Qt.ItemDataRole.TextAlignmentRole) == RIGHT
    assert sizes.index(0, 0).data(Qt.ItemDataRole.TextAlignmentRole) != RIGHT


def test_numbers_sort_by_their_size_and_texts_by_their_letters(sizes):
    view = Sorted(sizes)
    assert column(view, 0) == ["b", "C", "a"], "its own order until it is sorted"
    view.sort(1)
    assert column(view, 1) == ["9.5 mm", "20 mm", "100 mm"]
    view.sort(1, Qt.SortOrder.DescendingOrder)
    assert column(view, 1) == ["100 mm", "20 mm", "9.5 mm"]
    view.sort(0)
    assert column(view, 0) == ["a", "b", "C"]
    assert view.at(sizes.row_of("C")).row() == 2
    assert not view.at(None).isValid()
    view.sort(-1)
    assert column(view, 0) == ["b", "C", "a"]


def test_other_rows_replace_the_old_ones(sizes):
    resets = []
    sizes.modelReset.connect(lambda: resets.append(sizes.rowCount()))
    sizes.show([])
    assert resets == [0]
    assert not sizes.index(0, 0).isValid()


def test_a_trajectory_has_numbers_in_its_cells_and_their_units_above(qapp, qtmodeltester):
    rows = RowsOf(full_planning())
    table = TrajectoryTable()
    table.show([rows.opened, *(each for each in rows.all if each.key != rows.opened.key)])
    qtmodeltester.check(table)
    found = table.row_of(rows.opened.key)
    shown, safety = rows.opened.search.recommended, rows.opened.needle.safety
    numbers = {
        "Window\nmm²": shown.area_mm2,
        "Circle\nmm": 2 * shown.radius_mm,
        "Angular\ntolerance": safety.tolerance.angle.amount,
        "Nerve\nmm": min(safety.nerve.gap_mm, safety.nerve_at_target.gap_mm),
    }
    titles = [each.title for each in table.columns]
    for title, number in numbers.items():
        cell = table.index(found, titles.index(title))
        assert cell.data(SORT_ROLE) == number
        assert cell.data().startswith(f"{number:.1f}")
        assert cell.data(Qt.ItemDataRole.TextAlignmentRole) == RIGHT
    assert "mm" not in table.index(found, AREA).data()


def test_the_light_of_a_trajectory_is_a_word_a_colour_and_its_reasons(qapp):
    rows = RowsOf(full_planning())
    lit = rows.opened
    shown = {"red": lit} | {
        light: replace(
            lit,
            key=light,
            needle=lit.needle.replaced(light=lit.needle.light.replaced(light=light, reasons=())),
        )
        for light in ("amber", "green")
    }
    unlit = replace(lit, key="older", needle=lit.needle.replaced(light=None))
    table = TrajectoryTable()
    table.show([*shown.values(), unlit])
    cells = [table.index(row, LIGHT) for row in range(4)]
    assert [cell.data() for cell in cells] == ["red", "amber", "green", ""]
    assert "angular tolerance 0.2°" in cells[0].data(Qt.ItemDataRole.ToolTipRole)
    colours = [cell.data(Qt.ItemDataRole.ForegroundRole) for cell in cells]
    assert colours == [*map(QColor, (palette.DARK.error, palette.DARK.warning, palette.DARK.good)), None]
    view = Sorted(table)
    view.sort(LIGHT)
    assert column(view, LIGHT) == ["", "green", "amber", "red"]


def test_what_blocks_a_zone_takes_its_row(qapp):
    rows = RowsOf(full_planning())
    blocked = replace(rows.opened, key="blocked", search=rows.opened.search.replaced(best=None), needle=None)
    table = TrajectoryTable()
    table.show([rows.opened, blocked])
    assert blocked.blocked_text
    assert [table.index(1, place).data() for place in range(1, table.columnCount())] == [
        blocked.blocked_text,
        *[""] * (table.columnCount() - 2),
    ]
    assert table.index(1, AREA).data(SORT_ROLE) == MISSING
    assert table.index(1, AREA).data(Qt.ItemDataRole.ForegroundRole) == QColor(palette.DARK.muted)
    assert table.index(1, BEST_VIEW).data(Qt.ItemDataRole.ToolTipRole) == blocked.blocked_text
    view = Sorted(table)
    view.sort(AREA)
    assert column(view, 0, KEY_ROLE) == ["blocked", rows.opened.key]


def test_measurements_sort_by_their_area_and_are_renamed(qapp, qtmodeltester):
    table = MeasurementTable()
    table.show([Measurement(4, "Wide", triangle(16)), Measurement(7, "Narrow", triangle(4, kind="safe"))])
    qtmodeltester.check(table)
    areas = [each.drawn.area_mm2 for each in table.rows]
    assert column(table, 4) == [f"{area:.1f} mm²" for area in areas]
    view = Sorted(table)
    view.sort(4)
    assert column(view, 0) == ["Narrow", "Wide"]
    assert column(table, 1) == ["Kambin", "Safe"]
    renamed = []
    table.renamed.connect(lambda key, name: renamed.append((key, name)))
    assert view.setData(view.index(0, 0), "Above the root")
    assert renamed == [(7, "Above the root")]
    assert not table.setData(table.index(0, 4), "12")
    assert not table.flags(table.index(0, 4)) & Qt.ItemFlag.ItemIsEditable


def test_a_triangle_through_which_nothing_is_recommended_is_amber_and_says_why(qapp):
    planning = full_planning()
    zone = next(each for each in RowsOf(planning).all if each.withheld_text and not each.own)
    own = triangle(16, kind=zone.kind, side=zone.side)
    found = replace(own, author=Author.AUTOMATIC)
    other = replace(found, side=zone.side.other)
    table = MeasurementTable()
    table.hold(planning)
    table.show([Measurement(1, "found", found), Measurement(2, "own", own), Measurement(3, "other", other)])
    colours = column(table, 0, Qt.ItemDataRole.ForegroundRole)
    assert colours == [QColor(palette.DARK.warning), None, None]
    tips = column(table, 0, Qt.ItemDataRole.ToolTipRole)
    assert [tip.lower().startswith(zone.withheld_text.lower()) for tip in tips] == [True, False, False]


def test_the_colour_of_a_cell_stays_where_its_row_is_selected(qapp):
    view = QTableView()
    table = TrajectoryTable(view)
    table.show([RowsOf(full_planning()).opened])
    view.setModel(table)
    delegate = OwnColours(view)
    for place, wanted in ((LIGHT, QColor(palette.DARK.error)), (BEST_VIEW, None)):
        option = QStyleOptionViewItem()
        before = option.palette.highlightedText().color()
        delegate.initStyleOption(option, table.index(0, place))
        assert option.palette.highlightedText().color() == (wanted or before)


def test_doubtful_landmarks_stand_out(qapp, qtmodeltester):
    table = LandmarkTable()
    table.show(
        [
            LandmarkRecord(name="sure", point=(0.0, 0.0, 0.0), confidence=0.93),
            LandmarkRecord(name="unsure", point=(0.0, 0.0, 0.0), confidence=0.2),
            LandmarkRecord(name="moved", point=(0.0, 0.0, 0.0), confidence=0.2, moved=True),
        ]
    )
    qtmodeltester.check(table)
    colours = column(table, 0, Qt.ItemDataRole.ForegroundRole)
    assert colours == [None, QColor(palette.DARK.warning), None]
    assert table.index(0, 0).data() == "93%  sure"
    assert "within 3 mm" in table.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_series_that_cannot_be_opened_come_last_and_say_why(qapp, qtmodeltester):
    fault = ReadingError("5 slices are missing", "Export the series again")
    table = SeriesTable(
        [
            series("broken", 900, loadable=False, fault=fault, spacing=None),
            series("scout", 2, modality="CR"),
            series("thin", 120),
            series("thick", 40, warnings=("Slices of 5 mm",)),
        ]
    )
    qtmodeltester.check(table)
    assert column(table, 0) == ["Thin", "Thick", "Scout", "Broken"]
    assert column(table, REMARKS) == [
        "",
        "Slices of 5 mm",
        "Modality CR",
        "5 slices are missing. Export the series again.",
    ]
    assert table.flags(table.index(3, 0)) == Qt.ItemFlag.NoItemFlags
    assert table.flags(table.index(2, 0)) & Qt.ItemFlag.ItemIsSelectable
    assert table.index(3, 3).data() == "–"
    view = Sorted(table)
    view.sort(1)
    assert column(view, 1) == ["2", "40", "120", "900"]


class RowsOf:
    """The trajectories of a planning, and one of them with a needle whose safety is known."""

    def __init__(self, planning):
        from app.model.trajectories import trajectories_of

        self.all = trajectories_of(planning)
        zone = next(each for each in self.all if each.search is not None and each.search.best is not None)
        measured = next(
            each for each in self.all if each.needle is not None and each.needle.safety is not None
        )
        self.opened = replace(zone, needle=measured.needle)
