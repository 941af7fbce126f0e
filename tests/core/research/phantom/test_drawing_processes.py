"""Drawing in other processes: in order, the same whatever their number, ended at once."""

import itertools
import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled, UsageError, WorkerError
from spinect_core.research.phantom import CaseStream, Order
from spinect_core.research.phantom.workers import Workers, jobs_for

pytestmark = pytest.mark.heavy

SMALL = ((-24.0, 24.0), (-24.0, 30.0), (-24.0, 24.0))


def slow_square(number: int) -> int:
    time.sleep(0.05 * (number % 3))
    return number * number


def refuse(number: int) -> int:
    raise UsageError(f"The number {number} is refused", "Give another")


def die(_number: int) -> int:
    os._exit(7)


def sleep(_number: int) -> int:
    time.sleep(60)
    return 0


def test_results_keep_the_order_of_endless_tasks_and_nothing_runs_far_ahead() -> None:
    asked = []

    def tasks():
        for number in itertools.count():
            asked.append(number)
            yield number

    with Workers(slow_square, 2, ahead=2) as workers:
        results = workers.run(tasks())
        assert [next(results) for _ in range(7)] == [n * n for n in range(7)]
        assert len(asked) <= 7 + 2 + 2
        results.close()


def test_results_may_come_as_they_are_ready() -> None:
    with Workers(slow_square, 2, ahead=3) as workers:
        assert sorted(workers.run(range(6), ordered=False)) == [n * n for n in range(6)]


def test_an_error_of_the_function_arrives_as_it_was_raised() -> None:
    with pytest.raises(UsageError, match="The number 4 is refused"), Workers(refuse, 1) as workers:
        list(workers.run([4]))


def test_the_death_of_a_process_is_a_message() -> None:
    with pytest.raises(WorkerError, match="exit code 7"), Workers(die, 1) as workers:
        list(workers.run([1, 2]))


def test_a_stop_ends_the_processes_within_a_second() -> None:
    cancel = threading.Event()
    with Workers(sleep, 2) as workers:
        threading.Timer(1.5, cancel.set).start()
        with pytest.raises(Cancelled):
            list(workers.run([1, 2], cancel=cancel))
        cancel.wait()
        began = time.monotonic()
    assert time.monotonic() - began < 1.0


def test_processes_are_as_many_as_memory_allows() -> None:
    assert jobs_for(100, 10**15) == 1
    assert jobs_for(3, 1, asked=8) == 3
    assert jobs_for(100, 1, asked=5) == 5


@pytest.mark.slow
def test_a_stream_gives_the_same_cases_whatever_the_number_of_processes() -> None:
    def first(jobs: int, count: int = 3) -> list:
        orders = (Order(seed, (6.0, 6.0, 6.0), box=SMALL) for seed in itertools.count(11))
        with CaseStream(orders, jobs=jobs) as stream:
            return list(itertools.islice(stream, count))

    alone, together = first(1), first(2)
    direct = Order(12, (6.0, 6.0, 6.0), box=SMALL).draw()
    assert [case.seed for case in alone] == [11, 12, 13]
    for one, other in zip(alone, together, strict=True):
        assert one.hu.dtype == np.float32
        assert one.labels.dtype == np.uint8
        assert np.array_equal(one.hu, other.hu)
        assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(alone[1].hu, direct.volume.array)
    assert np.array_equal(alone[1].labels, direct.labels.array)
    assert alone[1].spacing == (6.0, 6.0, 6.0)


def test_a_stream_refuses_a_senseless_order() -> None:
    with pytest.raises(UsageError), CaseStream([Order(1, family="dragon")]) as stream:
        next(iter(stream))


def test_an_order_draws_what_it_does_not_name() -> None:
    order = Order(3, None)
    spacing, box = order.grid()
    assert spacing == order.grid()[0]
    assert spacing != Order(4, None).grid()[0]
    assert box != order.box
    assert Order(3, kernel="bone", noise_hu=12.0).setting().noise_hu == 12.0
    thin, thick = Order(3, (1.0, 1.0, 0.5)).setting(), Order(3, (1.0, 1.0, 5.0)).setting()
    assert 0.6 <= thin.slice_mm <= 3.0
    assert replace(thin, slice_mm=5.0) == thick
