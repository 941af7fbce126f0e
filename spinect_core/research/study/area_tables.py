"""The tables of areas: true against predicted (the paper's Table 4) and observers (its Table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from spinect_core.base.agreement import Icc, icc_2_1
from spinect_core.base.words import KINDS, SIDES
from spinect_core.geometry.triangle import KIND_NAMES
from spinect_core.research.study.examine import Examined
from spinect_core.research.study.measurements import Measurement, Ratings, between, retest
from spinect_core.research.study.paired import ALPHA, Paired, compare_pairs
from spinect_core.research.study.tables import NOT_COMPUTABLE, Cell, Column, Table, p_words

BOTH = ("both", SIDES)
SIDE_GROUPS = (("left", ("left",)), ("right", ("right",)), BOTH)
SAME_VIEW, OWN_VIEWS = "predicted_mm2", "predicted_best_mm2"
VIEWS = {SAME_VIEW: "best on the true labels", OWN_VIEWS: "best on each"}
"""In which view the predicted labels were measured, by the name of the area."""


def pairs_of(
    examined: Sequence[Examined], kind: str, sides: Sequence[str]
) -> list[tuple[Examined, dict[str, Any]]]:
    """All areas of a kind on these sides, with their case."""
    return [
        (one, pair)
        for one in examined
        for pair in one.areas["pairs"]
        if pair["kind"] == kind and pair["side"] in sides
    ]


def compared(examined: Sequence[Examined], kind: str, sides: Sequence[str], view: str = SAME_VIEW) -> Paired:
    """True against predicted areas, in one of :data:`VIEWS`."""
    pairs = pairs_of(examined, kind, sides)
    return compare_pairs([p["true_mm2"] for _, p in pairs], [p[view] for _, p in pairs])


def tables_of_areas(examined: Sequence[Examined]) -> list[Table]:
    """Table 4, every area, and those that are missing with the reason."""
    return [_table_4(examined), _each(examined), _missing(examined)]


def _table_4(examined: Sequence[Examined]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    for kind, view in product(KINDS, VIEWS):
        for words, sides in SIDE_GROUPS:
            result = compared(examined, kind, sides, view)
            if result.reason:
                reasons.append(f"{KIND_NAMES[kind]}, {words}, view {VIEWS[view]}: {result.reason}.")
            limits = result.limits
            rows.append(
                (
                    KIND_NAMES[kind],
                    VIEWS[view],
                    words,
                    result.n,
                    len(examined) * len(sides) - result.n,
                    result.first.words(1),
                    result.second.words(1),
                    result.difference.mean,
                    f"{limits[0]:.1f} to {limits[1]:.1f}" if limits else NOT_COMPUTABLE,
                    p_words(result.shapiro_p),
                    result.test or "none",
                    p_words(result.p),
                    result.mean_absolute_error,
                    result.percent_of_mean,
                    result.percent_each,
                )
            )
    columns = (
        *(Column("Triangle"), Column("View"), Column("Side"), Column("n"), Column("Missing")),
        *(Column("True labels, mm²"), Column("Predicted labels, mm²"), Column("Mean difference, mm²", 1)),
        *(Column("Limits of agreement, mm²"), Column("Shapiro-Wilk P"), Column("Test"), Column("P")),
        *(Column("Mean absolute error, mm²", 1), Column("in % of the true mean", 1)),
        Column("mean of each in %", 1),
    )
    notes = (
        "Mean ± SD (range). Corners proposed on either label set. View: both measured in the view that is best on "
        "the true labels, which are favoured by it, or each in the view that is best on it. Difference: predicted "
        "minus true. Shapiro-Wilk tests whether the differences may be normal; paired "
        f"t test where its P is at least {ALPHA}, else Wilcoxon's signed-rank test; two-sided. Limits of "
        "agreement: mean "
        "difference ± 1.96 SD. Left and right of one patient are not independent: P of both sides "
        "together is too small rather "
        "than too large.",
        *reasons,
    )
    return Table(
        "table4-areas", "Table 4. Areas on true and on predicted labels", columns, tuple(rows), notes
    )


def _each(examined: Sequence[Examined]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        for one, pair in pairs_of(examined, kind, SIDES):
            true, predicted = float(pair["true_mm2"]), float(pair[SAME_VIEW])
            rows.append(
                (
                    *(one.case.name, KIND_NAMES[kind], pair["side"], pair["view"]),
                    *(true, predicted, predicted - true, float(pair[OWN_VIEWS])),
                )
            )
    columns = (
        *(Column("Case"), Column("Triangle"), Column("Side"), Column("View of both")),
        *(Column("True, mm²", 1), Column("Predicted, mm²", 1), Column("Difference, mm²", 1)),
        Column("Predicted in its own best view, mm²", 1),
    )
    return Table("areas", "Every area", columns, tuple(rows))


def _missing(examined: Sequence[Examined]) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (one.case.name, KIND_NAMES[entry["kind"]], entry["side"], entry["reason"])
        for one in examined
        for entry in one.areas["missing"]
    )
    columns = (Column("Case"), Column("Triangle"), Column("Side"), Column("Reason"))
    notes = () if rows else ("None is missing.",)
    return Table("missing-areas", "Areas that are missing from Table 4", columns, rows, notes)


def table_of_observers(measurements: Sequence[Measurement]) -> Table:
    """Table 5: test and retest of each observer, and between observers."""
    chosen = list(measurements)
    rows: list[tuple[Cell, ...]] = []
    notes = [
        "ICC(2,1): two-way random effects, absolute agreement, single measures (Shrout and Fleiss "
        "1979), with its 95 % "
        "confidence interval (McGraw and Wong 1996). Test-retest: the sessions of one observer. Between "
        "observers: the "
        "first session of each. A row of ratings is one side of one case; incomplete rows are left out.",
    ]
    for kind in KINDS:
        for words, sides in SIDE_GROUPS:
            tables = [
                (f"test-retest, {observer}", ratings)
                for observer, ratings in retest(chosen, kind, sides).items()
            ]
            across = between(chosen, kind, sides)
            if across is not None:
                tables.append(("between observers", across))
            for what, ratings in tables:
                row, reason = _icc_row(what, kind, words, ratings)
                rows.append(row)
                if reason:
                    notes.append(f"{what}, {KIND_NAMES[kind]}, {words}: {reason}.")
    if not rows:
        notes.append("No observer measured twice, and there are no two observers.")
    columns = (
        *(Column("Comparison"), Column("Triangle"), Column("Side"), Column("n"), Column("Incomplete")),
        *(Column("Ratings of each"), Column("ICC(2,1)"), Column("95 % from"), Column("95 % to")),
    )
    return Table("table5-observers", "Table 5. Agreement of observers", columns, tuple(rows), tuple(notes))


def _icc_row(what: str, kind: str, side: str, ratings: Ratings) -> tuple[tuple[Cell, ...], str]:
    icc: Icc = icc_2_1(ratings.areas)
    row = (
        *(what, KIND_NAMES[kind], side, icc.subjects, len(ratings.incomplete), icc.raters),
        *(icc.value, icc.low, icc.high),
    )
    return row, icc.reason
