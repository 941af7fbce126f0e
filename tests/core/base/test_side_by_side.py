"""Work in several threads with one progress and one cancel."""

import threading
import time

import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.base.progress import check, silent
from spinect_core.base.side_by_side import beside, side_by_side


def test_results_come_in_order_and_progress_in_the_calling_thread() -> None:
    told: list[tuple[float, str, int]] = []

    def work(number: int, note) -> int:
        note(0.5, "half")
        time.sleep(0.05 * (3 - number))
        note(1.0, "done")
        return number * number

    def progress(part: float, words: str) -> None:
        told.append((part, words, threading.get_ident()))

    found = side_by_side(work, 3, "squares made", progress=progress, cancel=None)
    assert found == [0, 1, 4]
    assert {each for _, _, each in told} == {threading.get_ident()}
    assert [part for part, _, _ in told] == sorted(part for part, _, _ in told)
    assert told[-1][:2] == (1.0, "3 of 3 squares made")


def test_two_are_at_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    assert side_by_side(lambda *_: both.wait() >= 0, 2, "met", progress=silent, cancel=None) == [True, True]


def test_a_cancel_ends_them_within_a_second() -> None:
    cancel = threading.Event()

    def work(_number: int, _note) -> None:
        while True:
            check(cancel)
            time.sleep(0.01)

    threading.Timer(0.2, cancel.set).start()
    started = time.perf_counter()
    with pytest.raises(Cancelled):
        side_by_side(work, 5, "done", progress=silent, cancel=cancel)
    assert time.perf_counter() - started < 1.2


def test_a_fault_is_raised_once_nothing_is_at_work_any_more() -> None:
    ended = []
    both = threading.Barrier(2, timeout=10)

    def work(number: int, _note) -> None:
        both.wait()
        if number == 0:
            raise ValueError("no such zone")
        time.sleep(0.2)
        ended.append(number)

    with pytest.raises(ValueError, match="no such zone"):
        side_by_side(work, 2, "done", progress=silent, cancel=None)
    assert ended == [1]


def test_work_beside_gives_its_result_or_its_fault_to_the_calling_thread() -> None:
    both = threading.Barrier(2, timeout=10)
    with beside(lambda _: both.wait() >= 0, None) as found:
        both.wait()
        assert found.result()

    def failing(_stop) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), beside(failing, None) as found:
        found.result()


@pytest.mark.parametrize("by_user", [False, True])
def test_work_beside_ends_soon_after_a_cancel_or_a_fault_of_the_other(by_user: bool) -> None:
    cancel = threading.Event()
    stopped: list[bool] = []

    def work(stop) -> None:
        try:
            while True:
                check(stop)
                time.sleep(0.01)
        except Cancelled:
            stopped.append(True)
            raise

    def meanwhile() -> None:
        with beside(work, cancel) as found:
            if by_user:
                cancel.set()
                found.result()
            raise ZeroDivisionError

    began = time.monotonic()
    with pytest.raises(Cancelled if by_user else ZeroDivisionError):
        meanwhile()
    assert stopped == [True]
    assert time.monotonic() - began < 1.0
