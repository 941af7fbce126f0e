"""A few changed files of every format: an answer in our own words, and no grid that no body has.

`python -m tests.fuzz` tries as many as you like.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.targets import TARGETS, Bench

COUNT = 25
SLOW = {"document": 10, "plan": 10}
"""Mutations of formats whose files take longer to read."""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_changed_file_gives_an_answer(tmp_path: Path, name: str) -> None:
    bench = Bench(name, tmp_path / "files")
    bench.check_good()
    assert [find for number in range(SLOW.get(name, COUNT)) for find in bench.try_one(number)] == []


def test_mutations_are_the_same_every_time(tmp_path: Path) -> None:
    first, second = (Bench("nrrd", tmp_path / name) for name in "ab")
    for number in range(20):
        first.write(number)
        second.write(number)
        assert first.path.read_bytes() == second.path.read_bytes()


def test_most_mutations_change_the_file(tmp_path: Path) -> None:
    bench = Bench("mha", tmp_path)
    changed = 0
    for number in range(40):
        bench.write(number)
        changed += bench.path.read_bytes() != bench.good[bench.path]
    assert changed >= 30
