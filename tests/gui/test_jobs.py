"""Work beside the window: what arrives, and that nothing stays behind."""

import itertools
import threading
import time
import weakref

import pytest
from PySide6.QtCore import QTimer

from app.model.jobs import Job, JobRunner
from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import check


@pytest.fixture
def jobs(qapp):
    runner = JobRunner()
    yield runner
    runner.shut_down()
    assert not [job for job in runner.findChildren(Job) if job.isRunning()]


def finished(qtbot, jobs):
    qtbot.waitUntil(lambda: not jobs.busy, timeout=5000)


def test_results_come_to_the_windows_thread(jobs, qtbot):
    seen = []
    jobs.start("work", lambda progress, cancel: threading.get_ident(), lambda value: seen.append(value))
    finished(qtbot, jobs)
    assert seen
    assert seen[0] != threading.get_ident()


def test_a_job_frees_nothing_of_the_window(jobs, qtbot):
    """A widget that nobody reaches is destroyed by the window's thread, whichever one allocates meanwhile."""

    class Ring:
        pass

    threads = []
    ring = Ring()
    ring.itself = ring
    weakref.finalize(ring, lambda: threads.append(threading.get_ident()))
    del ring
    allocated = []
    jobs.start("work", lambda progress, cancel: allocated.extend([] for _ in range(100_000)), lambda _: None)
    finished(qtbot, jobs)
    qtbot.waitUntil(lambda: bool(threads), timeout=5000)
    assert threads == [threading.get_ident()]


def test_errors_arrive_as_they_were_raised(jobs, qtbot):
    def work(progress, cancel):
        raise ReadingError("The file is empty", "Choose another", "a.nii")

    with qtbot.waitSignal(jobs.failed) as failed:
        jobs.start("work", work, lambda _: None)
    assert failed.args[0].fault == "The file is empty"
    assert not jobs.busy


def test_any_other_fault_becomes_a_sentence_and_the_next_job_runs(jobs, qtbot, caplog):
    with qtbot.waitSignal(jobs.failed) as failed:
        jobs.start("work", lambda progress, cancel: 1 / 0, lambda _: None)
    assert "ZeroDivisionError" in failed.args[0].fault
    seen = []
    assert jobs.start("work", lambda progress, cancel: 7, seen.append)
    finished(qtbot, jobs)
    assert seen == [7]


def test_reports_that_are_slow_to_show_leave_time_for_all_else(jobs, qtbot):
    """Painting may take longer than a report is apart from the next; the window still deals with other things."""
    events = []

    def show(part, _text):
        events.append(part)
        time.sleep(0.06)

    def work(progress, _cancel):
        for step in range(100):
            progress(step / 100, "working")
            time.sleep(0.005)

    timer = QTimer()
    timer.timeout.connect(lambda: events.append("beat"))
    timer.start(10)
    jobs.progressed.connect(show)
    jobs.start("work", work, lambda _: events.append("done"))
    finished(qtbot, jobs)
    timer.stop()
    while_working = events[: events.index("done") - 1]
    shown = [each for each in while_working if each != "beat"]
    assert len(shown) > 1
    assert shown == sorted(shown)
    assert all("beat" in (one, next_one) for one, next_one in itertools.pairwise(while_working))
    assert 0.99 in events, "the last report is shown before the result"


def test_one_job_at_a_time(jobs, qtbot):
    said = []
    jobs.refused.connect(said.append)
    assert jobs.start("first", lambda progress, cancel: cancel.wait(5), lambda _: None)
    assert not said
    assert not jobs.start("second", lambda progress, cancel: None, lambda _: None)
    assert said == ["first is still going on. Wait for it or cancel it first."]
    jobs.cancel()
    finished(qtbot, jobs)


def test_cancel_frees_the_window_within_a_second_even_if_the_work_does_not_listen(jobs, qtbot):
    seen, release = [], threading.Event()
    jobs.start("deaf", lambda progress, cancel: release.wait(10), seen.append)
    began = time.monotonic()
    with qtbot.waitSignal(jobs.ended, timeout=3000) as ended:
        jobs.cancel()
    assert time.monotonic() - began < 1.2
    assert ended.args == ["deaf", "cancelled"]
    release.set()
    qtbot.wait(50)
    assert seen == []


def test_a_new_job_takes_the_place_of_the_old_one(jobs, qtbot):
    def patient(progress, cancel):
        while True:
            check(cancel)
            time.sleep(0.01)

    seen = []
    jobs.start("old", patient, seen.append)
    jobs.start_instead("new", lambda progress, cancel: "new", seen.append)
    qtbot.waitUntil(lambda: seen == ["new"], timeout=5000)
    finished(qtbot, jobs)


def test_reports_do_not_flood_the_window(jobs, qtbot):
    reports = []
    jobs.progressed.connect(lambda fraction, text: reports.append(fraction))

    def chatter(progress, cancel):
        for step in range(20000):
            progress(step / 20000, "step")

    jobs.start("chatter", chatter, lambda _: None)
    finished(qtbot, jobs)
    assert len(reports) < 200


def test_nothing_starts_once_all_is_shut_down(jobs, qtbot):
    ran = []
    jobs.shut_down()
    assert not jobs.start("late", lambda progress, cancel: ran.append(1), ran.append)
    jobs.start_instead("later", lambda progress, cancel: ran.append(2), ran.append)
    qtbot.wait(50)
    assert not jobs.busy
    assert ran == []
