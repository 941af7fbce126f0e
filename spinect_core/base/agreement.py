"""Agreement of observers: the intraclass correlation ICC(2,1) with its confidence interval.

Two-way random effects, absolute agreement, single measures: Shrout and Fleiss, Psychological Bulletin 1979;86:420,
called ICC(A,1) by McGraw and Wong, Psychological Methods 1996;1:30, from whose Table 7 the interval is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import fdtri

from spinect_core.base.arrays import FloatArray

LEVEL = 0.95
_NOTHING = 1e-12
"""A mean square below this part of all squares is rounding."""


@dataclass(frozen=True)
class Icc:
    """An intraclass correlation.

    Attributes:
        subjects: rows of the table.
        raters: its columns.
        value: ICC(2,1), or None.
        low: lower limit of the 95 % interval, or None.
        high: upper limit, or None.
        reason: why something is None, in words; else empty.
    """

    subjects: int
    raters: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def icc_2_1(ratings: FloatArray) -> Icc:
    """ICC(2,1) of complete ratings (subjects, raters); what cannot be computed is None, with the reason."""
    n, k = ratings.shape
    if n < 2:
        return Icc(n, k, reason=f"not computable: n = {n}")
    if k < 2:
        return Icc(n, k, reason=f"not computable: {k} rating of each")
    mean = float(ratings.mean())
    rows, columns = ratings.mean(axis=1) - mean, ratings.mean(axis=0) - mean
    rest = ratings - mean - rows[:, None] - columns[None, :]
    between_rows = k * float(rows @ rows) / (n - 1)
    between_columns = n * float(columns @ columns) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    tiny = _NOTHING * float((ratings**2).sum())
    between_rows, between_columns, error = (
        0.0 if square <= tiny else square for square in (between_rows, between_columns, error)
    )
    whole = between_rows + (k - 1) * error + k * (between_columns - error) / n
    if whole <= 0:
        return Icc(n, k, reason="not computable: all values are equal")
    value = (between_rows - error) / whole
    if error == 0 and between_columns == 0:
        return Icc(n, k, value, reason="interval not computable: the ratings agree exactly")
    low, high = _interval(n, k, value, (between_rows, between_columns, error))
    return Icc(n, k, value, low, high)


def _interval(n: int, k: int, value: float, squares: tuple[float, float, float]) -> tuple[float, float]:
    """McGraw and Wong's limits; ``squares`` are the mean squares of rows, columns and error."""
    rows, columns, error = squares
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 1 - (1 - LEVEL) / 2
    below = float(fdtri(n - 1, freedom, tail))
    above = float(fdtri(freedom, n - 1, tail))
    rest = k * columns + (k * n - k - n) * error
    low = n * (rows - below * error) / (below * rest + n * rows)
    high = n * (above * rows - error) / (rest + n * above * rows)
    return low, high
