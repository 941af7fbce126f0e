"""The rules in the window: shown with their limits, changed within their range, kept, and taken to the next search."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox

from app.model.planning_options import PlanningOptions
from app.panels.rules_box import DIRECTION, NAME, SOURCE, RulesBox
from spinect_core.base.errors import UsageError
from spinect_core.base.words import Guidance, Rule
from spinect_core.planning.rules import TABLE, Rules


@pytest.fixture
def settings(tmp_path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def options(qapp, settings) -> PlanningOptions:
    return PlanningOptions(settings)


def all_limits() -> dict[Rule, float]:
    return {each.rule: each.value for each in TABLE if each.editable}


def test_every_rule_stands_there_with_its_source_and_only_judgements_can_be_changed(qtbot, options):
    box = RulesBox(options)
    qtbot.addWidget(box)
    assert box.table.rowCount() == len(TABLE)
    for row, limit in enumerate(TABLE):
        assert box.table.item(row, NAME).text()
        assert limit.source in box.table.item(row, SOURCE).text()
        assert (limit.rule in box.limits) == limit.editable
    wide = list(Rule).index(Rule.OBLIQUE_WIDE)
    assert box.table.item(wide, DIRECTION).text() == "more than"
    assert box.limits[Rule.OBLIQUE_WIDE].value() == 50.0


def test_a_change_is_kept_for_the_next_start_and_the_rest_follows_the_table(qtbot, options, settings):
    heard = []
    options.changed.connect(lambda: heard.append(True))
    box = RulesBox(options)
    qtbot.addWidget(box)
    box.limits[Rule.OBLIQUE_WIDE].setValue(45.0)
    box.limits[Rule.TIP_MEDIAL].setValue(-2.0)
    box.guidance.setCurrentIndex(box.guidance.findData("fluoroscopy"))
    assert options.rules == Rules(), "nothing holds before the box is accepted"
    box.accept()
    assert heard == [True]
    assert {each.rule: each.value for each in options.rules.changed} == {
        Rule.TIP_MEDIAL: -2.0,
        Rule.OBLIQUE_WIDE: 45.0,
    }
    settings.sync()
    again = PlanningOptions(settings)
    assert (again.rules, again.guidance) == (options.rules, Guidance.FLUOROSCOPY)
    second = RulesBox(again)
    qtbot.addWidget(second)
    second.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults).click()
    assert again.rules != Rules()
    second.accept()
    assert again.rules == Rules()
    assert PlanningOptions(settings).rules == Rules()
    assert not [key for key in settings.allKeys() if key.startswith("plan/limit")]


def test_the_wheel_scrolls_the_table_and_changes_no_limit(qtbot, options):
    box = RulesBox(options)
    qtbot.addWidget(box)
    box.show()
    for widget in (box.limits[Rule.TIP_MEDIAL], box.guidance):
        middle = QPointF(widget.rect().center())
        turn = QWheelEvent(
            middle,
            QPointF(widget.mapToGlobal(middle.toPoint())),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, turn)
    assert {rule: spin.value() for rule, spin in box.limits.items()} == all_limits()
    assert box.guidance.currentData() == Guidance.CT.value


def test_settings_that_make_no_sense_are_passed_over(qapp, settings):
    for rule, value in ((Rule.OBLIQUE_WIDE, "wide"), (Rule.TILT_STEEP, "400"), (Rule.BONE_MET, "-3")):
        settings.setValue(f"plan/limit/{rule.value}", value)
    settings.setValue("plan/limit/entry-lateral", "100")
    settings.setValue("plan/guidance", "sonography")
    options = PlanningOptions(settings)
    assert [each.rule for each in options.rules.changed] == [Rule.ENTRY_LATERAL]
    assert options.guidance == Guidance.CT
    with pytest.raises(UsageError):
        options.choose(Guidance.CT, all_limits() | {Rule.TILT_STEEP: 400.0})


def test_the_box_is_in_the_menu_and_the_next_search_keeps_what_was_chosen(window):
    window.actions_.named["rules"].trigger()
    box = window.boxes._help
    assert isinstance(box, RulesBox)
    box.limits[Rule.TILT_STEEP].setValue(20.0)
    box.accept()
    assert window.state.planning.rules[Rule.TILT_STEEP].value == 20.0
