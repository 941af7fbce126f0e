"""Texts from files, paths, errors and plans are shown as they are written: no markup, nothing hidden."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gui_help import small_region, small_volume
from plan_maker import full_planning
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtGui import Qt as Gui
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QMessageBox,
    QProgressDialog,
    QTabBar,
    QTextEdit,
    QToolTip,
    QWidget,
)

import app
from app.panels.chooser import SeriesChooser
from app.views.needle_slice import SliceWindow
from app.widgets import plain
from spinect_core.base.errors import ReadingError, SpinectError
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.io.reading.series import Series
from spinect_core.plan.document import Document, write_document
from spinect_core.plan.plan import Case, Plan, PlanView

pytestmark = pytest.mark.heavy

HOSTILE = {
    "picture": "<img src='file:///etc/hostname' width=4000 height=4000>",
    "bold": "<b>CT</b> of <i>today</i>",
    "entity": "&lt;b&gt; &amp; R&D",
    "comment": "<!-- hidden --> <?xml version='1.0'?><svg/>",
    "spaced": "< b >wide",
    "lines": "one\ntwo\r\nthree\u2028four",
    "turned": "ct \u202egnp.exe\u202c \u2066\u200f",
    "control": "a\x00b\x07c\x1b[31md\x7fe\x85f",
    "surrogate": "caf\udce9",
    "word": "W" * 10_000,
    "words": "long words " * 1000,
}
INVISIBLE = "\x00\x07\x1b\x7f\x85\u202e\u202c\u2066\u200f\u2028\u061c\ufeff"


def unmasked(text):
    """What a button or menu shows of its text."""
    return text.replace("&&", "\x01").replace("&", "").replace("\x01", "&")


def assert_plain(text, where):
    """Neither Qt nor the eye can be misled by it."""
    assert not any(sign in text for sign in INVISIBLE), f"{where}: {text[:80]!r}"
    assert not any("\ud800" <= sign <= "\udfff" for sign in text), f"{where}: {text[:80]!r}"


def assert_tip(text, where):
    assert not Gui.mightBeRichText(text), f"{where}: {text[:80]!r} would be HTML"
    assert_plain(text, where)
    assert len(text) < 2500, where


def assert_widget(widget):
    where = f"{type(widget).__name__} {widget.objectName()}"
    for text in (widget.toolTip(), widget.whatsThis(), widget.statusTip()):
        assert_tip(text, f"tip of {where}")
    assert_plain(widget.windowTitle(), f"title of {where}")
    assert_plain(widget.accessibleName(), f"name of {where}")
    if isinstance(widget, QLabel) and widget.metaObject().className() != "QTipLabel":
        assert widget.textFormat() == Qt.TextFormat.PlainText, f"{where}: {widget.text()[:80]!r}"
        assert_plain(widget.text(), where)
    elif isinstance(widget, QMessageBox):
        assert widget.textFormat() == Qt.TextFormat.PlainText
    elif isinstance(widget, QAbstractButton):
        assert_tip(unmasked(widget.text()), where)
    elif isinstance(widget, QComboBox):
        for place in range(widget.count()):
            assert_plain(widget.itemText(place), where)
    elif isinstance(widget, QTabBar):
        for place in range(widget.count()):
            assert_tip(unmasked(widget.tabText(place)), where)
            assert_tip(widget.tabToolTip(place), where)
    else:
        assert_texts(widget, where)


def assert_texts(widget, where):
    """The same for what holds many texts."""
    if isinstance(widget, QTextEdit):
        assert not any(each.isImageFormat() for each in widget.document().allFormats()), where
        assert_plain(widget.toPlainText().replace("\u2028", "\n"), where)
    elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
        assert_model(widget.model(), where)


def assert_model(model, where):
    """Every text of every role, in cells and titles."""
    role = Qt.ItemDataRole
    tips = (role.ToolTipRole, role.StatusTipRole, role.WhatsThisRole)
    shown = (role.DisplayRole, role.AccessibleTextRole, role.AccessibleDescriptionRole)
    for column in range(model.columnCount()):
        for each in (*tips, *shown):
            title = model.headerData(column, Qt.Orientation.Horizontal, each)
            assert title is None or not Gui.mightBeRichText(str(title)), where
        for row in range(min(model.rowCount(), 200)):
            for each in (*tips, *shown):
                text = model.data(model.index(row, column), each)
                if isinstance(text, str):
                    (assert_tip if each in tips else assert_plain)(text, f"{where} row {row} column {column}")


def assert_all_plain():
    """Everything that there is in the program now."""
    QApplication.processEvents()
    # PySide hands out widgets that are just going as what is left of them, of another class.
    seen = [each for each in QApplication.allWidgets() if isinstance(each, QWidget)]
    assert len(seen) > 50
    for widget in seen:
        assert_widget(widget)
        for action in (*widget.actions(), *widget.findChildren(QAction)):
            for text in (action.text(), action.iconText(), action.toolTip()):
                assert_tip(unmasked(text), f"action of {type(widget).__name__}")
            assert_tip(action.statusTip() + action.whatsThis(), "action")


@pytest.fixture
def steady(opened):
    """The window with a CT, and a check that nothing made it wider."""
    least = opened.minimumSizeHint().width()
    yield opened
    assert_all_plain()
    assert opened.minimumSizeHint().width() <= least + 2
    opened.boxes.close_all()


@pytest.mark.parametrize("kind", HOSTILE)
def test_errors_and_messages(steady, kind):
    text = HOSTILE[kind]
    steady.boxes.show_error(SpinectError(text, text, text))
    steady.boxes.show_unexpected(ValueError, ValueError(text), None)
    steady.status.say(text, more=text)
    for box in steady.boxes.shown:
        box.ensurePolished()
        assert box.sizeHint().width() <= steady.screen().size().width()
        assert box.sizeHint().height() <= steady.screen().size().height() * 3
    if kind in ("picture", "bold", "entity"):
        assert text in steady.boxes.shown[0].text()
        assert text in steady.boxes.shown[0].informativeText()
        assert text in steady.status.text.text()


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_names_of_a_document(window, qtbot, tmp_path, kind):
    text = HOSTILE[kind]
    written = text.encode("utf-8", "replace").decode()[:20_000]
    volume = small_volume()
    planning = full_planning()
    needle, landmark = planning.needles[0], planning.landmarks[0]
    structures = tuple(each.replaced(name=written) for each in needle.safety.structures)
    needle = needle.replaced(
        needle=replace(needle.needle, name=written), safety=needle.safety.replaced(structures=structures)
    )
    planning = planning.replaced(landmarks=(landmark.replaced(name=written),), needles=(needle,))
    view = View(-20, 5)
    corners = ((-12.0, 4.0, -3.0), (14.5, 9.0, 2.0), (3.0, -7.5, 11.0))
    plan = Plan(
        case=Case.of(volume),
        region=replace(small_region(volume), note=written),
        run={"engine": written, "device": written, "fallbacks": [written], "patches": 3},
        views=(PlanView(name=written, view=view),),
        triangles=(Triangle("kambin", "left", corners, view, definition=written, author="user"),),
        planning=planning,
        notes=(written,),
    )
    path = tmp_path / "plan.spinect"
    write_document(Document(plan, files={planning.searches[0].map: b"map"}), path)
    window.dock.setCurrentWidget(window.trajectories_panel)  # the page that is shown asks for its width
    QTest.qWait(50)
    least = window.minimumSizeHint().width()
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(path)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    trajectories = window.state.trajectories
    assert window.dock.currentWidget() is window.trajectories_panel
    for trajectory in trajectories.rows:
        trajectories.choose(trajectory.key)
        for page in range(window.trajectories_panel.pages.count()):
            window.trajectories_panel.pages.setCurrentIndex(page)
            assert_all_plain()
    [measurement] = window.model.measurements
    window.model.rename(measurement.key, text.strip()[:150] + "!")
    window.model.remove(measurement.key)
    window.stage.overlay.grab()
    assert_all_plain()
    assert window.minimumSizeHint().width() <= least + 2
    assert window.trajectories_panel.table.columnWidth(0) < 400


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_series_of_a_study(steady, kind):
    text = HOSTILE[kind]
    series = [
        Series("a", text, "CT", 40, (40, 40, 40), (1.0, 1.0, 1.0), text, "axial", (text,), True, ()),
        Series("b", text, text, 2, None, None, text, text, (), False, (), ReadingError(text, text, text)),
    ]
    chooser = SeriesChooser(series, text, "a", steady)
    chooser.open()
    assert_all_plain()
    assert chooser.list.columnWidth(0) <= 400
    assert chooser.minimumSizeHint().width() < 1000
    if kind == "bold":
        assert chooser.rows.data(chooser.rows.index(0, 0)) == text
    chooser.close()
    picture = np.zeros((40, 60, 3), np.uint8)
    cut = SliceWindow(picture, text, steady)
    cut.show()
    assert_all_plain()
    cut.close()
    cut = SliceWindow(np.zeros((4000, 5000, 3), np.uint8), text, steady)
    assert cut.width() <= steady.width()
    assert cut.height() <= steady.height()
    cut.close()


@pytest.mark.parametrize("name", ["<b>fall R&D", "a\u202egnp", "x\ny", "&amp;", "<s>" + "n" * 200])
def test_the_names_of_files(window, qtbot, tmp_path, name):
    from spinect_core.io.writing import write_volume

    folder = tmp_path / name
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    path = folder / f"{name[:180]}.nii.gz"
    write_volume(small_volume(), path)
    least = window.minimumSizeHint().width()
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(path)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    window.actions_._fill_recent()
    assert_all_plain()
    assert window.minimumSizeHint().width() <= least + 2
    if "R&D" in name:
        entry = window.actions_.recent_menu.actions()[0]
        assert "R&D" in unmasked(entry.text())
        assert "R&&D" in entry.text()


def test_the_steps_of_the_history_keep_their_ampersand(opened):
    opened.model.add(Triangle("safe", "left", ((0, 0, 0), (5, 0, 0), (5, 0, 5)), View(0.0)), "R&D <b>x</b>")
    undo = opened.actions_.named["undo"]
    assert "R&D" in unmasked(undo.text())
    assert not Gui.mightBeRichText(undo.toolTip())


def test_a_running_job_and_a_box_of_qts_own_are_plain_too(steady, qtbot):
    text = HOSTILE["picture"]
    steady.jobs.start(f"Opening {text}", lambda progress, _cancel: progress(0.5, text), lambda _: None)
    qtbot.waitUntil(lambda: not steady.jobs.busy)
    box = QMessageBox(QMessageBox.Icon.Warning, "t", text, QMessageBox.StandardButton.Ok, steady)
    box.setInformativeText(text)
    waiting = QProgressDialog(text, "Cancel", 0, 3, steady)
    for each in (box, waiting):
        each.open()
    for label in (*box.findChildren(QLabel), *waiting.findChildren(QLabel)):
        assert label.textFormat() == Qt.TextFormat.PlainText
    box.close()
    waiting.close()
    for each in (box, waiting):
        each.deleteLater()
    QApplication.sendPostedEvents(None, 52)


def test_a_tool_tip_shows_its_text_and_no_picture(steady, qtbot):
    text = HOSTILE["bold"]
    steady.status.say(text, more=text)
    QToolTip.showText(steady.mapToGlobal(QPoint(50, 50)), steady.status.text.toolTip(), steady)
    assert QToolTip.text().replace(plain.JOINER, "") == text
    assert not Gui.mightBeRichText(QToolTip.text())
    QToolTip.hideText()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L5/S1 é 王 27° − R&D", "L5/S1 é 王 27° − R&D"),
        ("a\x00b", "a␀b"),
        ("a\u202eb", "a\ufffdb"),
        ("caf\udce9", "caf\ufffd"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\r\nb\tc", "a\nb c"),
        ("a\u2028b", "a\u2424b"),
    ],
)
def test_what_can_be_read_stays_and_what_cannot_is_a_sign(text, expected):
    assert plain.shown(text) == expected


@pytest.mark.parametrize("form", [plain.shown, plain.line, plain.tip, plain.wrapped, plain.window_title])
def test_a_long_text_keeps_its_beginning_and_its_end(form):
    text = form("begin " + "x" * 50_000 + " end")
    assert len(text) <= plain.LONGEST + 200
    assert text.startswith("begin ")
    assert text.endswith(" end")


def test_long_words_may_break_where_the_label_is_narrow():
    words = plain.wrapped("w" * 100, 30).split(plain.BREAK)
    assert "".join(words) == "w" * 100
    assert max(map(len, words)) == 30


def test_labels_boxes_and_actions_are_made_where_their_texts_are_made_plain():
    """The one rule: no module makes a label or a box of Qt's own, or has a tool tip of a text that is not its own."""
    allowed = {
        "QLabel": {"parts.py"},
        "QMessageBox": {"messages.py"},
        "QInputDialog": set(),
        "QProgressDialog": set(),
    }
    for path in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            assert path.name in allowed.get(name, {path.name}), f"{path.name}:{node.lineno} makes a {name}"
            owner = (
                called.value.id
                if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
                else ""
            )
            asks = owner == "QMessageBox" and name[:1].islower()  # not the call of one of its enums
            assert not asks, f"{path.name}:{node.lineno} asks without plain_box"
