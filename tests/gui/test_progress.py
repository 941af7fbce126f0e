"""How far a job is, and how long it still takes, stands where one waits for it; hints follow what goes on."""

import threading
import time

import pytest
from PySide6.QtWidgets import QPushButton

from app.model import hints
from app.model.ongoing import FINDING, SEGMENTING, Ongoing, TimeLeft
from app.panels.progress import ProgressCard
from app.widgets.parts import ProgressBar
from spinect_core.base.progress import check


class Clock:
    """A clock that a test turns."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def reported(*reports):
    """What is left after reports of (seconds, part)."""
    clock = Clock()
    left = TimeLeft(clock)
    for seconds, part in reports:
        clock.seconds = 100.0 + seconds
        left.report(part)
    return left


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        ([], ""),
        ([(1, 0.5)], ""),
        ([(10, 0.01)], ""),
        ([(10, 0.5)], "about 10 s left"),
        ([(20, 0.25)], "about 1 min left"),
        ([(20, 0.1)], "about 3 min left"),
        ([(30, 0.9)], "a few seconds left"),
    ],
)
def test_the_time_left_is_said_in_round_numbers(reports, words):
    assert reported(*reports).words == words


def test_the_last_half_minute_counts_for_the_time_left():
    fast = [(second, second / 20) for second in range(11)]
    slow = [(10 + second, 0.5 + second / 100) for second in range(45)]
    assert reported(*fast, *slow).seconds == pytest.approx((1 - 0.94) * 100, rel=0.1)


class Held:
    """A job that waits until it is told to go on."""

    def __init__(self):
        self.go_on = threading.Event()

    def __call__(self, progress, cancel):
        progress(0.25, "patch 21 of 84")
        while not self.go_on.is_set():
            check(cancel)
            time.sleep(0.02)


def cards(window):
    """The cards that can be seen."""
    return [card for card in window.findChildren(ProgressCard) if card.isVisible()]


def end(window, held, qtbot):
    held.go_on.set()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=90000)
    assert not cards(window)


def test_opening_shows_its_progress_in_the_middle_of_an_empty_window(window, qtbot):
    held = Held()
    window.jobs.start_instead("Opening ct.nii", held, lambda _: None)
    qtbot.waitUntil(lambda: window.state.ongoing.part == 0.25)
    assert cards(window) == [window.welcome.progress]
    assert window.welcome.progress.title.text() == "Opening ct.nii"
    assert window.welcome.progress.how_far.text().startswith("25 %")
    assert window.welcome.progress.stage.text() == "patch 21 of 84"
    assert window.welcome.progress.bar.value() == 250
    end(window, held, qtbot)


@pytest.mark.parametrize(
    ("title", "opens", "where"),
    [
        (SEGMENTING, False, "segment_panel"),
        (FINDING, False, "trajectories_panel"),
        ("Measuring the needle", False, "trajectories_panel"),
        ("Opening another", True, "case_panel"),
    ],
)
def test_a_job_shows_its_progress_where_it_was_asked_for(opened, qtbot, title, opens, where):
    held = Held()
    opened.dock.setCurrentWidget(opened.trajectories_panel)
    (opened.jobs.start_instead if opens else opened.jobs.start)(title, held, lambda _: None)
    qtbot.waitUntil(lambda: opened.state.ongoing.part == 0.25)
    [card] = cards(opened)
    assert card is getattr(opened, where).progress
    assert card.title.text() == title
    assert "25 %" in card.how_far.text()
    assert "25 %" in opened.status.text.text()
    end(opened, held, qtbot)


@pytest.mark.parametrize("where", ["card", "panel", "status"])
def test_every_cancel_works_within_a_second(opened, qtbot, where):
    held = Held()
    title = SEGMENTING if where == "panel" else FINDING
    opened.jobs.start(title, held, lambda _: pytest.fail("cancelled"))
    qtbot.waitUntil(lambda: opened.state.ongoing.part == 0.25)
    [card] = cards(opened)
    button = {"card": card.cancel, "panel": opened.segment_panel.button, "status": opened.status.cancel}[
        where
    ]
    assert isinstance(button, QPushButton)
    assert button.isEnabled()
    began = time.monotonic()
    button.click()
    assert "cancelling" in card.how_far.text()
    qtbot.waitUntil(lambda: not opened.jobs.busy, timeout=5000)
    assert time.monotonic() - began < 1.0
    assert not cards(opened)


def test_finding_brings_its_progress_to_the_front(opened, qtbot):
    held = Held()
    opened.dock.setCurrentWidget(opened.measurements_panel)
    opened.jobs.start(FINDING, held, lambda _: None)
    qtbot.waitUntil(lambda: opened.state.ongoing.part == 0.25)
    assert opened.trajectories_panel.progress.isVisible()
    end(opened, held, qtbot)


def test_the_time_left_is_shown_as_it_passes(opened, qtbot, monkeypatch):
    monkeypatch.setattr("app.model.ongoing.SURE_AFTER_S", 0.2)
    held = Held()
    opened.jobs.start(SEGMENTING, held, lambda _: None)
    qtbot.waitUntil(lambda: "left" in opened.segment_panel.progress.how_far.text(), timeout=5000)
    assert "left" in opened.status.text.text()
    end(opened, held, qtbot)


def test_the_hint_in_the_picture_follows_the_segmentation(opened, qtbot):
    overlay, held = opened.stage.overlay, Held()
    assert overlay.hint[0] == "Not segmented yet"
    opened.jobs.start(SEGMENTING, held, lambda _: None)
    qtbot.waitUntil(lambda: opened.state.ongoing.part == 0.25)
    assert overlay.hint[0] == "Segmenting bone and nerve"
    assert "25 %" in overlay.hint[1]
    assert "press" not in " ".join(overlay.hint)
    overlay.grab()
    opened.jobs.cancel()
    assert overlay.hint[1] == "cancelling …"
    end(opened, held, qtbot)
    assert overlay.hint[0] == "Not segmented yet"


def test_the_hint_asks_for_nothing_that_would_be_refused(opened):
    case = opened.model.case
    case.region = None
    title, text = opened.stage.overlay.hint
    assert "No lumbosacral region" in title
    assert "Segment" not in text


def test_the_hint_of_the_map_follows_the_case(segmented, qtbot):
    panel, held = segmented.trajectories_panel.map, Held()
    assert "Find trajectories" in panel.hint
    segmented.jobs.start(FINDING, held, lambda _: None)
    qtbot.waitUntil(lambda: segmented.state.ongoing.part == 0.25)
    assert panel.hint.startswith("Finding trajectories …")
    panel.grab()
    end(segmented, held, qtbot)
    assert "Find trajectories" in panel.hint


def test_what_comes_next_is_said_at_every_step(opened):
    ongoing, case = Ongoing(opened.jobs), opened.model.case
    assert hints.no_trajectory(None, 0, False, ongoing) == "Open a CT first"
    assert "Segment" in hints.no_trajectory(case, 0, False, ongoing)
    assert "Choose" in hints.no_trajectory(case, 2, False, ongoing)
    assert "again" in hints.no_trajectory(case, 2, True, ongoing)
    ongoing.title = SEGMENTING
    assert hints.no_trajectory(case, 0, False, ongoing) == "Bone and nerve are being segmented"


def test_a_bar_is_painted_with_the_rest_of_the_window_and_not_at_every_step(qtbot):
    class Bar(ProgressBar):
        painted = 0

        def paintEvent(self, event):
            self.painted += 1
            super().paintEvent(event)

    bar = Bar()
    qtbot.addWidget(bar)
    bar.show()
    qtbot.waitExposed(bar)
    qtbot.waitUntil(lambda: bar.painted > 0)
    before = bar.painted
    for step in range(50):
        bar.show_part(step / 50)
    assert bar.painted == before
    qtbot.waitUntil(lambda: bar.painted > before)
    assert bar.value() == 980
