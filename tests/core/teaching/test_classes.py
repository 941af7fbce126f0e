"""Classes: who gets what, whose result counts, and what the teacher's table says."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from spinect_core.base.errors import PlanError, UsageError
from spinect_core.teaching.library import LIBRARY, further
from spinect_core.teaching.pack import Pack
from spinect_core.teaching.records import AttemptRecord, BestRecord, PartRecord, ScoreRecord
from spinect_core.teaching.session import (
    DoneRecord,
    Order,
    ResultRecord,
    check_pack,
    new_class,
    read_class,
    read_result,
    read_session,
    session_for,
    write_record,
)
from spinect_core.teaching.table import (
    agreement_of,
    csv_of,
    icc_of,
    learning_curve,
    progress_of,
    rows_of,
    text_of,
)
from spinect_core.teaching.words import Grade

PACK = Pack(
    "Class", (LIBRARY[0].record("Case 1"), *(further(seed, ()).record(f"Case {seed}") for seed in (2, 3, 4)))
)
KEY = "ab" * 32
CODES = ("s01", "s02", "s03")


@pytest.fixture
def made():
    return new_class(PACK, CODES, order=Order.SHUFFLED, seed=3, seconds=1800, key=KEY)


def done(case, task, points, seconds=30.0):
    part = PartRecord(name="area", role="quality", value=points / 100, measured=points / 2)
    score = ScoreRecord(points=points, parts=(part,), best=BestRecord(indicated=True))
    return DoneRecord(attempt=AttemptRecord(case=case, task=task, seconds=seconds), score=score)


def result(made, code, points):
    """A signed result of these points, task by task in the order of the pack."""
    steps = made.steps[: len(points)]
    every = tuple(done(step.case, step.task, each) for step, each in zip(steps, points, strict=True))
    return ResultRecord(pack=made.pack, code=code, done=every).signed(made.key_of(code))


def test_each_student_gets_all_tasks_in_an_order_of_his_own_that_stays(made):
    orders = {code: session_for(made, PACK, code).steps for code in CODES}
    assert len({orders[code] for code in CODES}) > 1
    for code, steps in orders.items():
        assert sorted((step.case, step.task) for step in steps) == sorted(
            (step.case, step.task) for step in made.steps
        )
        assert session_for(made, PACK, code).steps == steps
        # The tasks of a case stay together and in their order.
        names = list(dict.fromkeys(step.case for step in steps))
        assert steps == tuple(sorted(steps, key=lambda step: (names.index(step.case), step.task)))
    easy = session_for(made.replaced(order=Order.EASY_FIRST), PACK, "s01").steps
    grades = [tuple(Grade).index(PACK.case(step.case).grade) for step in easy]
    assert grades == sorted(grades)
    with pytest.raises(UsageError, match="no student"):
        session_for(made, PACK, "s99")
    with pytest.raises(UsageError, match="one code"):
        new_class(PACK, ("a", "a"))


def test_keys_differ_from_student_to_student_and_none_tells_that_of_the_class(made):
    keys = {session_for(made, PACK, code).key for code in CODES}
    assert len(keys) == len(CODES)
    assert KEY not in keys


def test_files_come_back_as_they_were(made, tmp_path):
    for record, read in (
        (made, read_class),
        (session_for(made, PACK, "s02"), read_session),
        (result(made, "s02", (10, 90)), read_result),
    ):
        path = tmp_path / f"{read.__name__}.json"
        write_record(record, path)
        assert read(path) == record
        others = {read_class, read_session, read_result} - {read}
        for other in others:
            with pytest.raises(PlanError, match="This is no"):
                other(path)
    assert read_result(tmp_path / "read_result.json").is_signed(made.key_of("s02"))


def test_a_changed_result_is_no_longer_signed(made):
    whole = result(made, "s01", (10, 20))
    assert whole.is_signed(made.key_of("s01"))
    assert not whole.is_signed(made.key_of("s02"))
    better = whole.done[0].replaced(score=whole.done[0].score.replaced(points=11))
    assert not whole.replaced(done=(better, *whole.done[1:])).is_signed(made.key_of("s01"))
    assert not whole.replaced(code="s02").is_signed(made.key_of("s02"))
    assert not whole.replaced(signature="").is_signed(made.key_of("s01"))


def test_another_pack_is_refused(made):
    check_pack(made, PACK)
    with pytest.raises(PlanError, match="another pack"):
        check_pack(made, Pack("Class", PACK.cases[:1]))


def test_only_what_a_student_of_the_class_has_signed_counts(made):
    good = result(made, "s02", (40, 60))
    stolen = result(made, "s02", (100, 100)).replaced(code="s01")
    foreign = ResultRecord(pack=made.pack, code="x9").signed(KEY)
    elsewhere = ResultRecord(pack="0" * 64, code="s03").signed(made.key_of("s03"))
    rows, refused = rows_of(made, [good, stolen, foreign, elsewhere, good])
    assert [(row.code, row.points) for row in rows] == [("s02", 40), ("s02", 60)]
    assert [each.code for each in refused] == ["s01", "x9", "s03", "s02"]
    assert "signature" in refused[0].reason
    assert "no student" in refused[1].reason
    assert "another pack" in refused[2].reason
    assert "two results" in refused[3].reason


def test_the_table_tells_progress_learning_and_agreement(made):
    points = {"s01": (10, 30, 50, 70, 90, 90), "s02": (20, 40, 60, 80, 90, 100)}
    rows, refused = rows_of(made, [result(made, code, each) for code, each in points.items()])
    progress = {each.code: each for each in progress_of(made, rows)}
    assert progress["s03"].done == 0
    assert progress["s03"].mean is None
    assert (progress["s01"].done, progress["s01"].tasks) == (6, 24)
    assert progress["s01"].mean == pytest.approx(np.mean(points["s01"]))
    assert (progress["s01"].first, progress["s01"].last) == (20, 90)
    assert progress["s01"].seconds == 180
    curve = learning_curve(rows)
    assert [(number, count, middle) for number, count, _, middle, _ in curve][:2] == [(1, 2, 15), (2, 2, 35)]
    icc = icc_of(rows)
    assert (icc.subjects, icc.raters) == (6, 2)
    assert icc.value is not None
    assert 0.9 < icc.value < 1.0
    both = {each.code: each.paired for each in agreement_of(rows)}
    apart = float(np.mean(np.subtract(points["s02"], points["s01"])))
    assert both["s02"].difference.mean == pytest.approx(apart)
    assert both["s01"].difference.mean == pytest.approx(-apart)
    text = text_of(made, rows, refused)
    for told in ("s03 | 0 of 24", "ICC(2,1)", "Learning curve", "Open area in this view"):
        assert told in text
    table = list(csv.reader(io.StringIO(csv_of(rows))))
    assert table[0][:5] == ["code", "attempt", "case", "task", "points"]
    assert table[1][:6] == ["s01", "1", "normal", "0", "10", "30.0"]
    assert len(table) == 13


def test_a_table_of_nobody_says_so(made):
    text = text_of(made, [], [])
    assert "not computable" in text
