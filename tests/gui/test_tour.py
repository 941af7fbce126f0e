"""The guided tour in the real window: each step is recognised by what was done, and it can be left and taken up."""

from __future__ import annotations

import fake_planning
import pytest

import spinect_core.pipeline.replanning
from app.model.flow import Step
from app.model.tour import KEY, STOPS, Tour
from spinect_core.base.words import Kind
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)


def at(window, number):
    """The tour shows this step, and nothing of it is done yet."""
    tour = window.teach.tour
    assert tour.number == number
    assert window.teach.panel.count.text() == f"TOUR, {number + 1} OF {len(STOPS)}"
    assert window.teach.panel.title.text() == STOPS[number].title
    return tour


def done(window):
    """The step was recognised; on to the next one with the button."""
    panel = window.teach.panel
    assert window.teach.tour.done
    assert panel.mark.text() == "✓ done"
    assert panel.next.text() in ("Next", "Finish")
    panel.next.click()


def row(window, kind):
    return next(each for each in window.state.trajectories.rows if each.kind == kind)


def test_each_step_is_done_by_hand_and_recognised(window, qtbot, ct_file):
    state, model = window.state, window.model
    assert not window.teach.panel.isVisible()
    window.teach.tour_action.trigger()
    assert window.teach.panel.isVisible()
    at(window, 0)
    assert window.teach.panel.next.text() == "Skip"
    with qtbot.waitSignal(model.case_opened, timeout=90000):
        window.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=60000)
    done(window)
    at(window, 1)
    for _ in range(14):
        window.slices["axial"].scroll_by(1)
    done(window)
    at(window, 2)
    with qtbot.waitSignal(model.surfaces_changed, timeout=90000):
        window.segment_panel.button.click()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=60000)
    done(window)
    at(window, 3)
    window.actions_.named["trajectories"].trigger()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=120000)
    done(window)
    tour = at(window, 4)
    start = model.view
    model.set_view(View(start.azimuth + 5.0, start.elevation))
    assert not tour.done
    model.set_view(View(start.azimuth + 40.0, start.elevation))
    done(window)
    tour = at(window, 5)
    kambin = row(window, Kind.KAMBIN)
    state.trajectories.choose(kambin.key)
    model.set_view(View(30.0, 12.0))
    assert not tour.done
    model.set_view(View(30.0, 0.0))
    done(window)
    at(window, 6)
    model.set_view(View(0.0, 9.0))
    qtbot.waitUntil(lambda: window.teach.tour.done, timeout=60000)
    done(window)
    at(window, 7)
    state.trajectories.choose(row(window, Kind.SAFE).key)
    done(window)
    tour = at(window, 8)
    assert not tour.done
    model.add(Triangle.from_clicks(View(0.0), [(0, 0), (9, 0), (0, 9)], 0.0, kind=Kind.SAFE, side="left"))
    done(window)
    at(window, 9)
    state.trajectories.choose(kambin.key)
    window.actions_.named["down"].trigger()
    done(window)
    at(window, 10)
    state.flow.go(Step.CHECK)
    assert window.teach.panel.next.text() == "Finish"
    done(window)
    assert not window.teach.panel.isVisible()
    assert window.teach.tour.kept == 0


def test_the_tour_is_left_and_taken_up_where_it_was(window, settings):
    window.teach.tour_action.trigger()
    for _ in range(6):
        window.teach.panel.next.click()
    at(window, 6)
    window.teach.panel.leave.click()
    assert not window.teach.panel.isVisible()
    assert settings.value(KEY) == "6"
    again = Tour(window.state, settings, window)
    again.start()
    # What the step needs is not there in a window without a case: that is done first, and the place is kept.
    assert again.number == 0
    again.next()
    assert again.number == 1
    assert again.kept == 6
    again.back()
    assert again.number == 0


def test_what_is_kept_of_a_tour_is_not_trusted(window, settings):
    for odd in ("99", "-1", "x", ""):
        settings.setValue(KEY, odd)
        assert window.teach.tour.kept == 0
