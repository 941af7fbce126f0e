"""No patient is on two sides, and the same seed splits the same."""

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.research.training.split import folds, hold_back

PATIENTS = [f"p{n // 2:02d}" for n in range(100)]  # fifty patients of two cases each


def test_a_fifth_is_held_back_by_patient():
    split = hold_back(PATIENTS, 0.2, seed=0)
    assert len(split.validation) == 20
    assert sorted(split.training + split.validation) == list(range(100))
    assert not {PATIENTS[n] for n in split.training} & {PATIENTS[n] for n in split.validation}
    assert hold_back(PATIENTS, 0.2, seed=0) == split
    assert hold_back(PATIENTS, 0.2, seed=1) != split
    assert hold_back(["a"], 0.0, seed=0).training == (0,)


def test_five_folds_of_fifty_patients_are_thirty_ten_and_ten():
    splits = folds(PATIENTS, 5, seed=0)
    assert sorted(n for split in splits for n in split.test) == list(range(100))
    for split in splits:
        groups = [{PATIENTS[n] for n in part} for part in (split.training, split.validation, split.test)]
        assert [len(group) for group in groups] == [30, 10, 10]
        assert len(set.union(*groups)) == 50
    assert folds(PATIENTS, 5, seed=0) == splits


def test_too_few_are_refused():
    with pytest.raises(UsageError, match="too few"):
        hold_back(["a", "a"], 0.2, seed=0)
    with pytest.raises(UsageError, match="4 patient"):
        folds(["a", "b", "c", "d"], 5, seed=0)
    with pytest.raises(UsageError, match="folds"):
        folds(PATIENTS, 2, seed=0)
