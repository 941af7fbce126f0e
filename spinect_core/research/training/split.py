"""Which patients train the network, select the best weights and test them: the same seed gives the same split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.errors import UsageError


@dataclass(frozen=True)
class Split:
    """Numbers of cases; no patient is in two of the groups.

    Attributes:
        training: the network learns from these.
        validation: these select the best weights.
        test: the selected weights are tested on these, once, at the end.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...] = ()


def hold_back(patients: Sequence[str], share: float, seed: int) -> Split:
    """Set aside a part of the patients for validation.

    Args:
        patients: the patient of each case.
        share: part of the patients, rounded, at least one; 0 for none.
        seed: of the random choice.

    Raises:
        UsageError: nobody would be left to train on.
    """
    if not 0 <= share < 1:
        raise UsageError(
            f"A share of {share} cannot be held back", "Give 0 to below 1", parameter="validation_share"
        )
    order = _shuffled(patients, seed)
    count = max(1, round(share * len(order))) if share else 0
    if count >= len(order):
        raise UsageError(
            f"{len(order)} patient(s) are too few to hold {count} back for validation",
            "Give more cases, or a share of 0 to keep the last weights unjudged",
            parameter="validation_share",
        )
    held, kept = set(order[:count]), set(order[count:])
    return Split(_numbers(patients, kept), _numbers(patients, held))


def folds(patients: Sequence[str], count: int, seed: int) -> list[Split]:
    """Cross-validation: the patients in ``count`` parts; each part is the test of one fold.

    The next part selects that fold's best weights, so that the test cases take no part in any selection: of 50
    patients in five folds, 30 are for training, 10 for validation and 10 for testing.

    Raises:
        UsageError: fewer than 3 folds, or fewer patients than folds.
    """
    if count < 3:
        raise UsageError(
            f"{count} fold(s) leave nothing to train on beside test and validation",
            "Ask for at least 3; the paper has 5",
            parameter="folds",
        )
    order = _shuffled(patients, seed)
    if len(order) < count:
        raise UsageError(
            f"{len(order)} patient(s) cannot be split into {count} folds",
            "Give more cases or ask for fewer folds",
            parameter="folds",
        )
    parts = [set(order[part::count]) for part in range(count)]
    splits = []
    for part in range(count):
        choosing = (part + 1) % count
        training = set().union(*(p for i, p in enumerate(parts) if i not in (part, choosing)))
        splits.append(
            Split(
                _numbers(patients, training),
                _numbers(patients, parts[choosing]),
                _numbers(patients, parts[part]),
            )
        )
    return splits


def _shuffled(patients: Sequence[str], seed: int) -> list[str]:
    """Each patient once, in an order that only the names and the seed decide."""
    once = sorted(set(patients))
    return [once[i] for i in np.random.default_rng([seed, 3]).permutation(len(once))]


def _numbers(patients: Sequence[str], chosen: set[str]) -> tuple[int, ...]:
    return tuple(number for number, patient in enumerate(patients) if patient in chosen)
