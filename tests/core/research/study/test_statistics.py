"""Statistics against numbers that stand in books and papers; what has no answer says so."""

import numpy as np
import pytest

from spinect_core.base.agreement import icc_2_1
from spinect_core.research.study.paired import Summary, compare_pairs, wilcoxon_p

# Shrout and Fleiss 1979, Table 2: six targets, four judges.
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# The wines of pingouin's documentation: eight wines, four judges.
WINES = [
    *([1, 2, 0, 1], [1, 3, 3, 2], [3, 8, 1, 4], [6, 4, 3, 3]),
    *([6, 5, 5, 6], [7, 5, 6, 2], [8, 7, 7, 9], [9, 9, 9, 8]),
]
# Bland and Altman 1986: peak flow by the Wright and the mini Wright meter, l/min, first measurements.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
# Altman 1991: energy intake before and after menstruation, kJ.
BEFORE = [5260, 5470, 5640, 6180, 6390, 6515, 6805, 7515, 7515, 8230, 8770]
AFTER = [3910, 4220, 3885, 5160, 5645, 4680, 5265, 5975, 6790, 6900, 7335]
# Student 1908: hours of sleep gained with two drugs.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Darwin 1876: crossed minus self-fertilised plants, eighths of an inch.
DARWIN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


@pytest.mark.parametrize(
    ("ratings", "value", "low", "high"), [(SHROUT, 0.290, 0.019, 0.761), (WINES, 0.728, 0.43, 0.93)]
)
def test_icc_of_the_books(ratings: list[list[int]], value: float, low: float, high: float) -> None:
    icc = icc_2_1(np.array(ratings, dtype=float))
    assert icc.value == pytest.approx(value, abs=0.0005)
    assert icc.low == pytest.approx(low, abs=0.005)
    assert icc.high == pytest.approx(high, abs=0.005)
    assert icc.reason == ""


def test_icc_counts_a_constant_offset_as_disagreement() -> None:
    areas = np.array([10.0, 20.0, 30.0, 45.0])
    same = icc_2_1(np.stack([areas, areas], axis=1))
    off = icc_2_1(np.stack([areas, areas + 12.0], axis=1))
    assert same.value == pytest.approx(1.0)
    assert same.low is None
    assert "agree exactly" in same.reason
    assert off.value is not None
    assert off.value < 0.85
    assert off.low is not None
    assert off.high is not None
    assert off.low < off.value < off.high <= 1.0


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (np.zeros((0, 2)), "n = 0"),
        (np.array([[3.0, 4.0]]), "n = 1"),
        (np.array([[3.0], [4.0]]), "1 rating"),
        (np.full((5, 3), 7.1), "all values are equal"),
    ],
)
def test_icc_that_cannot_be_computed_says_why(ratings: np.ndarray, words: str) -> None:
    icc = icc_2_1(ratings)
    assert icc.value is icc.low is icc.high is None
    assert icc.reason.startswith("not computable")
    assert words in icc.reason


def test_limits_of_agreement_of_bland_and_altman() -> None:
    result = compare_pairs(MINI, WRIGHT)
    assert result.difference.mean == pytest.approx(-2.1, abs=0.05)
    assert result.difference.sd == pytest.approx(38.8, abs=0.05)
    assert result.limits is not None
    # The paper takes 2 SD, which gives -79.7 and 75.5; here it is 1.96 SD.
    assert result.limits[0] == pytest.approx(-79.7 + 0.04 * 38.77, abs=0.1)
    assert result.limits[1] == pytest.approx(75.5 - 0.04 * 38.77, abs=0.1)


def test_paired_t_where_differences_may_be_normal() -> None:
    result = compare_pairs(AFTER, BEFORE)
    assert result.test == "paired t"
    assert result.p == pytest.approx(3.059e-07, rel=1e-3)
    assert result.mean_absolute_error == pytest.approx(1320.45, abs=0.01)
    assert result.percent_of_mean == pytest.approx(100 * 1320.4545 / np.mean(AFTER))


def test_wilcoxon_where_they_are_not() -> None:
    result = compare_pairs(*SLEEP)
    assert result.shapiro_p == pytest.approx(0.03334, abs=1e-4)
    assert result.test == "Wilcoxon"
    assert result.p is not None
    assert 0.002 < result.p < 0.01
    assert wilcoxon_p(np.array(DARWIN, dtype=float)) == pytest.approx(0.04126, abs=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([], [], "n = 0"),
        ([5.0], [6.0], "n = 1"),
        ([5.0, 8.0], [6.0, 8.5], "n = 2"),
        ([5.0, 8.0, 11.0], [5.0, 8.0, 11.0], "all differences are equal"),
        ([0.1, 0.2, 0.3, 0.7], [0.4, 0.5, 0.6, 1.0], "all differences are equal"),
    ],
)
def test_pairs_without_a_test_say_why(first: list[float], second: list[float], words: str) -> None:
    result = compare_pairs(first, second)
    assert result.p is None
    assert result.shapiro_p is None
    assert result.test == ""
    assert words in result.reason


def test_a_true_area_of_nothing_has_no_percentage() -> None:
    result = compare_pairs([0.0, 0.0, 0.0], [1.0, 2.0, 4.0])
    assert result.percent_of_mean is None
    assert result.percent_each is None
    assert result.mean_absolute_error == pytest.approx(7 / 3)


def test_summaries_of_few_numbers() -> None:
    assert Summary.of([2.0, None, 4.0]) == Summary(2, 3.0, pytest.approx(2**0.5), 2.0, 4.0)
    assert Summary.of([None]).words(1) == "not computable (n = 0)"
    assert Summary.of([5.0]).words(1) == "5.0 SD not computable (5.0 to 5.0)"
    assert Summary.of([37.0, 39.0]).words(1) == "38.0 ± 1.4 (37.0 to 39.0)"
