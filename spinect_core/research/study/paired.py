"""Numbers of one kind summed up, and pairs of them compared: normality, a test, limits of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

ALPHA = 0.05
LIMITS = 1.96
"""Limits of agreement: mean difference and this many SD (Bland and Altman, Lancet 1986;1:307)."""
_EQUAL = 1e-9


@dataclass(frozen=True)
class Summary:
    """Mean, SD (n - 1) and range; None where n is too small."""

    n: int
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Sequence[float | None] | npt.NDArray[np.float64]) -> Summary:
        """Of all values that are not None."""
        known = np.array([value for value in values if value is not None], dtype=np.float64)
        if not len(known):
            return cls(0)
        sd = float(known.std(ddof=1)) if len(known) > 1 else None
        return cls(len(known), float(known.mean()), sd, float(known.min()), float(known.max()))

    def words(self, digits: int) -> str:
        """For example ``37.8 ± 20.9 (10.0 to 84.0)``."""
        if self.mean is None or self.low is None or self.high is None:
            return "not computable (n = 0)"
        sd = "SD not computable" if self.sd is None else f"± {self.sd:.{digits}f}"
        return f"{self.mean:.{digits}f} {sd} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True)
class Paired:
    """Two measurements of the same things, second minus first.

    Attributes:
        n: pairs.
        first: the first of each pair.
        second: the second.
        difference: second minus first.
        limits: limits of agreement, or None.
        shapiro_p: P of Shapiro and Wilk's test of the differences, or None.
        test: "paired t" where the differences may be normal (P at least 0.05), "Wilcoxon" where not; empty for none.
        p: two-sided, or None.
        mean_absolute_error: mean of the absolute differences, or None.
        percent_of_mean: the same in percent of the mean of the first, or None.
        percent_each: mean of the absolute differences each in percent of its first, those of 0 left out, or None.
        reason: why something is None, in words; else empty.
    """

    n: int
    first: Summary
    second: Summary
    difference: Summary
    limits: tuple[float, float] | None = None
    shapiro_p: float | None = None
    test: str = ""
    p: float | None = None
    mean_absolute_error: float | None = None
    percent_of_mean: float | None = None
    percent_each: float | None = None
    reason: str = ""


def compare_pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> Paired:
    """Compare measurements (n,) with measurements (n,) of the same things; degenerate input gives None and a reason."""
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    d = two - one
    n = len(d)
    difference = Summary.of(d)
    if n == 0:
        return Paired(0, Summary(0), Summary(0), difference, reason="not computable: n = 0")
    error = float(np.abs(d).mean())
    mean = float(one.mean())
    nonzero = one > 0
    each = float(np.abs(d[nonzero] / one[nonzero]).mean()) * 100 if nonzero.any() else None
    limits = None
    if difference.mean is not None and difference.sd is not None:
        reach = LIMITS * difference.sd
        limits = (difference.mean - reach, difference.mean + reach)
    shapiro_p, test, p, reason = _tested(d, float(np.abs(np.concatenate([one, two])).max()))
    return Paired(
        n=n,
        first=Summary.of(one),
        second=Summary.of(two),
        difference=difference,
        limits=limits,
        shapiro_p=shapiro_p,
        test=test,
        p=p,
        mean_absolute_error=error,
        percent_of_mean=error / mean * 100 if mean > 0 else None,
        percent_each=each,
        reason=reason,
    )


def _tested(d: npt.NDArray[np.float64], scale: float) -> tuple[float | None, str, float | None, str]:
    """P of normality, the test, its P, and the reason for what is None, of differences of numbers up to ``scale``."""
    if len(d) < 3:
        return None, "", None, f"tests not computable: n = {len(d)}"
    if float(np.ptp(d)) <= _EQUAL * max(scale, 1.0):
        return None, "", None, "tests not computable: all differences are equal"
    shapiro_p = float(stats.shapiro(d).pvalue)
    if shapiro_p >= ALPHA:
        return shapiro_p, "paired t", float(stats.ttest_1samp(d, 0.0).pvalue), ""
    return shapiro_p, "Wilcoxon", wilcoxon_p(d), ""


def wilcoxon_p(d: npt.NDArray[np.float64]) -> float:
    """Two-sided P of Wilcoxon's signed-rank test of differences (n,), those of 0 left out; not all may be 0."""
    return float(stats.wilcoxon(d[d != 0], zero_method="wilcox", correction=False).pvalue)
