"""The trainer's window, driven as a student would, on a small case whose score is made up."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from gui_help import click, small_volume
from PySide6.QtCore import QEvent

from spinect_core.base.errors import Cancelled, PlanError
from spinect_core.base.words import Kind, Side
from spinect_core.geometry.view import View
from spinect_core.image.volume import Labels
from spinect_core.surfaces import build_surfaces
from spinect_core.teaching.drawing import Pictures
from spinect_core.teaching.pack import Pack
from spinect_core.teaching.process import Drawn
from spinect_core.teaching.records import (
    AdviceRecord,
    BestRecord,
    CaseRecord,
    LimitsRecord,
    PartRecord,
    ScoreRecord,
    TaskRecord,
    TouchedRecord,
)
from spinect_core.teaching.session import (
    DoneRecord,
    ResultRecord,
    new_class,
    read_result,
    session_for,
    write_record,
)

BEST = BestRecord(
    indicated=True,
    view=View(30.0, 12.0),
    entry=(20.0, 30.0, 10.0),
    target=(4.0, 2.0, -2.0),
    area_mm2=40.0,
    tolerance_deg=2.0,
)
SCORE = ScoreRecord(
    points=62,
    parts=(
        PartRecord(name="side", role="gate", value=1.0, measured=12.0),
        PartRecord(name="tolerance", role="quality", value=0.62, measured=1.1, full=1.8, best=2.4),
    ),
    touched=(TouchedRecord(name="left S1 facet", tissue="bone", from_mm=40.0, to_mm=43.0),),
    advice=(AdviceRecord(part="tolerance", lost=20.0, values={"value": 1.1, "best": 2.4}),),
    best=BEST,
)


def task(name, aids, **more):
    return TaskRecord(task=name, aids=aids, limits=LimitsRecord(seconds=360), **more)


CASE = CaseRecord(
    name="small",
    title="Case 1",
    about="The secret of this case.",
    seed=1,
    tasks=(
        task("level", "slices"),
        task("needle", "slices"),
        task("needle", "fluoroscopy"),
        task("view", "everything"),
        task("corners", "everything", view=View(30.0, 15.0)),
    ),
)
OTHER = CaseRecord(name="other", title="Case 2", seed=2, tasks=(task("view", "everything"),))
PACK = Pack("Small pack", (CASE, OTHER))


class FakeProcess:
    """Draws the small case at once and gives every attempt the same score."""

    asked: ClassVar[list] = []
    cancelling: ClassVar[set] = set()
    """Cases whose preparation ends as if it was cancelled."""

    def __init__(self):
        volume = small_volume()
        labels = np.zeros(volume.array.shape, np.uint8)
        labels[volume.array > 200] = 2
        labels[volume.array > 500] = 1
        made = Labels(labels, volume.geometry)
        self._drawn = Drawn.of(Pictures(volume, made), build_surfaces(made))
        self.alive = True

    def open(self, pack, case, *, progress, cancel):
        progress(0.5, "drawing")
        if case in FakeProcess.cancelling:
            raise Cancelled
        return self._drawn

    def score(self, task, attempt, *, progress, cancel):
        FakeProcess.asked.append((task, attempt))
        return SCORE

    def close(self):
        self.alive = False


@pytest.fixture(scope="module")
def fake():
    made = FakeProcess()
    return lambda: made


@pytest.fixture
def trainer(qtbot, qapp, settings, monkeypatch, fake, tmp_path):
    from app.widgets import theme
    from app.window.trainer import TrainerWindow

    monkeypatch.setattr("app.controllers.teach.TeachingProcess", fake)
    FakeProcess.asked.clear()
    FakeProcess.cancelling.clear()
    fake().alive = True
    theme.apply(qapp)
    teacher = new_class(PACK, ("s01",), key="cd" * 32)
    results = tmp_path / "s01.spinect-result"
    shown = TrainerWindow(settings, PACK, session_for(teacher, PACK, "s01"), results=results)
    shown.show()
    qtbot.waitExposed(shown)
    qtbot.waitUntil(lambda: shown.model.case is not None, timeout=30000)
    qtbot.waitUntil(lambda: not shown.jobs.busy, timeout=30000)
    yield shown
    shown.close()
    shown.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


def go(trainer, qtbot, number):
    trainer._go(number)
    qtbot.waitUntil(lambda: not trainer.jobs.busy, timeout=30000)
    assert trainer.trainer.number == number


def hand_in(trainer, qtbot):
    with qtbot.waitSignal(trainer.trainer.scored, timeout=30000):
        trainer.answer_section.hand_in.click()
    qtbot.waitUntil(lambda: not trainer.jobs.busy, timeout=30000)
    return FakeProcess.asked[-1][1]


def shown_texts(window):
    from PySide6.QtWidgets import QAbstractButton, QLabel

    return [
        each.text()
        for kind in (QLabel, QAbstractButton)
        for each in window.findChildren(kind)
        if each.isVisible()
    ]


def test_nothing_that_gives_the_answer_is_shown_until_it_is_handed_in(trainer, qtbot):
    model = trainer.model
    assert not trainer.frames["3d"].isVisible()
    assert model.labels_1mm is None
    assert model.case.surfaces is None
    assert not trainer.score_section.isVisible()
    told = " ".join(shown_texts(trainer))
    assert "left foramen of L5/S1" in told
    assert "secret" not in told
    assert "mm²" not in told
    view = trainer.slices["axial"]
    click(view, view.to_screen(np.array([4.0, 2.0, -2.0])))
    trainer.answer_section.tip.click()
    attempt = hand_in(trainer, qtbot)
    np.testing.assert_allclose(attempt.point[:2], (4.0, 2.0), atol=1.0)
    assert trainer.score_section.isVisible()
    assert not trainer.answer_section.isVisible()
    qtbot.waitUntil(lambda: "Angular tolerance" in shown_texts(trainer))
    told = " ".join(shown_texts(trainer))
    for text in ("62 of 100", "Angular tolerance", "left S1 facet touched from 40 to 43 mm", "The secret"):
        assert text in told
    assert "keep to the middle of the opening" in told
    assert model.labels_1mm is not None
    assert trainer.trainer.best_needle().target == BEST.target


def test_what_is_missing_is_asked_for_instead_of_scored(trainer, qtbot):
    trainer.answer_section.hand_in.click()
    assert "cross-hair" in trainer.statusBar().currentMessage()
    go(trainer, qtbot, 1)
    trainer.answer_section.entry.click()
    assert "tip first" in trainer.statusBar().currentMessage()
    assert not FakeProcess.asked


def test_a_needle_is_placed_on_slices_alone(trainer, qtbot):
    go(trainer, qtbot, 1)
    assert trainer.right.isVisible()
    assert not trainer.frames["3d"].isVisible()
    assert not trainer.answer_section.along.isVisible()
    model = trainer.model
    model.set_cursor((4.0, 2.0, -2.0))
    trainer.answer_section.tip.click()
    model.set_cursor((20.0, 26.0, 10.0))
    trainer.answer_section.entry.click()
    trainer.slices["axial"].grab()
    attempt = hand_in(trainer, qtbot)
    way = np.subtract(attempt.entry, attempt.target)
    np.testing.assert_allclose(np.cross(way, (16.0, 24.0, 12.0)), 0, atol=1e-6)
    assert attempt.seconds >= 0
    assert not attempt.declined
    trainer.slices["axial"].grab()


def test_a_picture_is_taken_on_a_press_and_only_then(trainer, qtbot):
    go(trainer, qtbot, 2)
    fluoroscopy, model = trainer.fluoroscopy, trainer.model
    assert not trainer.right.isVisible()
    assert not trainer.frames["3d"].isVisible()
    assert trainer.view_panel.isVisible()
    model.set_view(View(30.0, 10.0))
    qtbot.wait(120)
    assert fluoroscopy.picture is None
    assert "Shoot" in trainer.picture.message
    with qtbot.waitSignal(fluoroscopy.taken, timeout=60000):
        trainer.answer_section.shoot.click()
    first = fluoroscopy.picture
    assert first.exposure.view == View(30.0, 10.0)
    model.set_view(View(90.0, 0.0))
    qtbot.wait(120)
    assert fluoroscopy.picture is first
    assert trainer.trainer.shots == 1
    middle = trainer.picture.box().center()
    click(trainer.picture, middle)
    np.testing.assert_allclose(trainer.trainer.answer.tip, first.exposure.target, atol=1e-6)
    trainer.picture.grab()
    model.set_view(View(30.0, 10.0))
    trainer.answer_section.along.click()
    with qtbot.waitSignal(fluoroscopy.taken, timeout=60000):
        trainer.answer_section.shoot.click()
    assert fluoroscopy.needle is not None
    attempt = hand_in(trainer, qtbot)
    assert attempt.shots == 2
    assert [each.view for each in attempt.events if each.kind == "shot"] == [View(30.0, 10.0)] * 2
    np.testing.assert_allclose(
        np.subtract(attempt.entry, attempt.target) / 120.0, View(30.0, 10.0).vector, atol=1e-9
    )
    assert trainer.right.isVisible()


def test_no_needle_is_an_answer(trainer, qtbot):
    go(trainer, qtbot, 1)
    with qtbot.waitSignal(trainer.trainer.scored, timeout=30000):
        trainer.answer_section.decline.click()
    assert FakeProcess.asked[-1][1].declined


def test_a_view_is_found_in_3d_and_the_next_task_begins_without_labels(trainer, qtbot):
    go(trainer, qtbot, 3)
    model = trainer.model
    assert trainer.frames["3d"].isVisible()
    assert model.case.surfaces is not None
    assert model.labels_1mm is None
    model.set_view(View(28.0, 9.0))
    assert hand_in(trainer, qtbot).view == View(28.0, 9.0)
    trainer.score_section.look.click()
    assert model.view == BEST.view
    go(trainer, qtbot, 0)
    assert model.labels_1mm is None
    assert not trainer.frames["3d"].isVisible()


def test_corners_are_placed_in_the_view_of_the_task_without_numbers(trainer, qtbot):
    go(trainer, qtbot, 4)
    model, viewport = trainer.model, trainer.stage.viewport
    assert model.view == View(30.0, 15.0)
    trainer.answer_section.corners.click()
    middle = np.array([viewport.width() / 2, viewport.height() / 2])
    for step in ((0, 0), (40, 0), (0, 40)):
        click(viewport, middle + step)
    assert len(model.measurements) == 1
    triangle = model.measurements[0].drawn
    assert (triangle.kind, triangle.side) == (Kind.KAMBIN, Side.LEFT)
    attempt = hand_in(trainer, qtbot)
    np.testing.assert_allclose(attempt.corners, triangle.vertices)
    assert attempt.view == View(30.0, 15.0)


def test_results_are_kept_signed_after_every_score(trainer, qtbot, tmp_path):
    go(trainer, qtbot, 3)
    hand_in(trainer, qtbot)
    result = read_result(tmp_path / "s01.spinect-result")
    assert result.code == "s01"
    assert result.is_signed(trainer.trainer.session.key)
    assert result.done[0].score == SCORE


def test_the_menu_opens_a_window_of_its_own_that_goes_with_the_planner(
    window, qtbot, monkeypatch, fake, tmp_path
):
    from app.model.teach_files import open_practice
    from spinect_core.teaching.pack import write_pack

    monkeypatch.setattr("app.controllers.teach.TeachingProcess", fake)
    fake().alive = True
    teacher = new_class(PACK, ("s01",), key="cd" * 32)
    write_pack(PACK, tmp_path / "small.spinect-pack")
    write_record(session_for(teacher, PACK, "s01"), tmp_path / "s01.spinect-session")
    titles = [each.text() for each in window.menuBar().actions()]
    assert titles[-2:] == ["&Teach", "&Help"]
    monkeypatch.setattr(window.dialogs, "file_to_open", lambda *_: tmp_path / "s01.spinect-session")
    window.teach.pack.trigger()
    qtbot.waitUntil(lambda: window.teach.trainer is not None, timeout=30000)
    trainer = window.teach.trainer
    assert trainer.trainer.session.code == "s01"
    qtbot.waitUntil(lambda: trainer.model.case is not None and not trainer.jobs.busy, timeout=30000)
    assert window.model.case is None
    window.teach.close()
    assert window.teach.trainer is None
    assert open_practice(tmp_path / "small.spinect-pack").session is None
    (tmp_path / "small.spinect-pack").unlink()
    with pytest.raises(PlanError, match="not beside it"):
        open_practice(tmp_path / "s01.spinect-session")


SESSION = session_for(new_class(PACK, ("s01",), key="cd" * 32), PACK, "s01")


def handed_in(number):
    from app.model.teach import Trainer

    made = Trainer(PACK, SESSION)
    made.go(number)
    return DoneRecord(attempt=made.attempt(view=View(1.0, 2.0)), score=SCORE)


def in_a_folder(tmp_path):
    from spinect_core.teaching.pack import write_pack

    write_pack(PACK, tmp_path / "small.spinect-pack")
    write_record(SESSION, tmp_path / "s01.spinect-session")
    return tmp_path / "s01.spinect-session", tmp_path / "s01.spinect-result"


def test_a_session_that_is_opened_again_goes_on_behind_what_was_handed_in(
    qtbot, settings, fake, tmp_path, monkeypatch
):
    from app.model.teach_files import open_practice
    from app.window.trainer import TrainerWindow

    monkeypatch.setattr("app.controllers.teach.TeachingProcess", fake)
    FakeProcess.cancelling.clear()
    fake().alive = True
    session, kept = in_a_folder(tmp_path)
    assert open_practice(session).before is None
    first = tuple(handed_in(number) for number in (0, 1, 2))
    write_record(ResultRecord(pack=PACK.checksum, code="s01", done=first).signed(SESSION.key), kept)
    practice = open_practice(session)
    window = TrainerWindow(
        settings, practice.pack, practice.session, False, results=practice.results, before=practice.before
    )
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: window.model.case is not None and not window.jobs.busy, timeout=30000)
    assert window.trainer.number == 3
    with qtbot.waitSignal(window.trainer.scored, timeout=30000):
        window.controller.hand_in()
    result = read_result(kept)
    assert result.done[:3] == first
    assert [each.attempt.task for each in result.done] == [0, 1, 2, 3]
    assert result.is_signed(SESSION.key)
    # What came there from elsewhere meanwhile is not written over.
    elsewhere = ResultRecord(pack=PACK.checksum, code="s01", done=(*first, first[0])).signed(SESSION.key)
    write_record(elsewhere, kept)
    with pytest.raises(PlanError, match="elsewhere"):
        window.controller.keep(kept)
    assert read_result(kept) == elsewhere
    window.close()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (ResultRecord(pack=PACK.checksum, code="s02").signed(SESSION.key), "result of s02"),
        (ResultRecord(pack="0" * 64, code="s01").signed(SESSION.key), "another pack"),
        (ResultRecord(pack=PACK.checksum, code="s01").signed("ab" * 32), "signature does not hold"),
        (None, "cannot be kept in it"),
    ],
    ids=["student", "pack", "signature", "damaged"],
)
def test_a_result_that_is_not_of_the_session_is_refused_and_left_as_it_is(tmp_path, made, told):
    from app.model.teach_files import open_practice

    session, kept = in_a_folder(tmp_path)
    if made is None:
        kept.write_text('{"format": "spinect-teach')
    else:
        write_record(made, kept)
    content = kept.read_bytes()
    with pytest.raises(PlanError, match=told) as caught:
        open_practice(session)
    assert "Move this file" in caught.value.remedy
    assert kept.read_bytes() == content


def test_nothing_is_handed_in_while_another_case_is_on_the_screen(trainer, qtbot):
    FakeProcess.cancelling.add("other")
    go(trainer, qtbot, 5)
    assert trainer.trainer.step.case == "other"
    assert not trainer.answer_section.isEnabled()
    assert not trainer.views.isEnabled()
    trainer.controller.hand_in(declined=True)
    assert "not prepared yet" in trainer.statusBar().currentMessage()
    assert not trainer.jobs.busy
    assert not FakeProcess.asked
    FakeProcess.cancelling.clear()
    assert trainer.task_section.prepare.isVisible()
    trainer.task_section.prepare.click()
    qtbot.waitUntil(lambda: trainer.answer_section.isEnabled(), timeout=30000)
    assert not trainer.task_section.prepare.isVisible()
    assert trainer.model.case.volume.name == small_volume().name
    assert hand_in(trainer, qtbot).case == "other"


def test_every_picture_counts_however_much_one_has_turned(qapp):
    from app.model.teach import Trainer
    from spinect_core.teaching.records import MOST_EVENTS
    from spinect_core.teaching.words import EventKind

    trainer = Trainer(PACK)
    for degrees in range(90):
        trainer.note(EventKind.VIEW, view=View(degrees, 0.0))
    trainer.note(EventKind.SHOT, view=View(89.0, 0.0))
    attempt = trainer.attempt(view=View(0.0, 0.0))
    assert [(each.kind, each.view) for each in attempt.events] == [
        (EventKind.VIEW, View(89.0, 0.0)),
        (EventKind.SHOT, View(89.0, 0.0)),
    ]
    for _ in range(MOST_EVENTS + 10):
        trainer.set_tip(np.zeros(3))
    for _ in range(7):
        trainer.note(EventKind.SHOT, view=View(0.0, 0.0))
    attempt = trainer.attempt(view=View(0.0, 0.0), declined=True)
    assert attempt.shots == trainer.shots == 8
    assert len(attempt.events) == MOST_EVENTS
    times = [each.at_s for each in attempt.events]
    assert times == sorted(times)


def test_after_the_time_of_a_session_nothing_more_is_handed_in(qtbot, settings, fake, tmp_path, monkeypatch):
    from app.window.trainer import TrainerWindow

    monkeypatch.setattr("app.controllers.teach.TeachingProcess", fake)
    FakeProcess.cancelling.clear()
    FakeProcess.asked.clear()
    fake().alive = True
    kept, limited = tmp_path / "s01.spinect-result", SESSION.replaced(seconds=1800.0)

    def opened(before):
        window = TrainerWindow(settings, PACK, limited, False, results=kept, before=before)
        qtbot.addWidget(window)
        qtbot.waitUntil(lambda: window.model.case is not None and not window.jobs.busy, timeout=30000)
        return window

    first = opened(None)
    began = read_result(kept).opened_s
    assert 1790 < first.trainer.seconds_left <= 1800
    assert "30 min left" in first.task_section.spent.text()
    first.close()
    earlier = read_result(kept).replaced(opened_s=began - 1900).signed(limited.key)
    write_record(earlier, kept)
    again = opened(earlier)
    assert "is over" in again.task_section.spent.text()
    again.controller.hand_in(declined=True)
    assert "time of the session is over" in again.statusBar().currentMessage()
    assert not FakeProcess.asked
    assert not again.jobs.busy
    again.close()
