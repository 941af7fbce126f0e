"""The table: our measures beside the published ones, as Markdown and HTML; and the CSV files."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinect_core.base.versions import NOTICE
from spinect_core.research.phantom_study.literature import CREST_SHARES, CREST_SOURCE, NO_SOURCE, PUBLISHED
from spinect_core.research.phantom_study.morphometry import DEFINITIONS
from spinect_core.research.phantom_study.neighbours import CREST_CLASSES

SIDES = (" left", " right")
SPREAD = (0.5, 2.0)
"""Our SD in published SDs that is called a spread of the same order."""


@dataclass(frozen=True)
class Row:
    """A measure over all seeds, beside what is published.

    Attributes:
        name: the measure, without its side.
        mean, sd, low, high: ours; both sides of a seed count once each.
        n: values.
        off: difference of the means in published SDs; nan if none is published.
        spread: our SD in published SDs; nan if none is published.
    """

    name: str
    mean: float
    sd: float
    low: float
    high: float
    n: int
    off: float
    spread: float

    @property
    def verdict(self) -> str:
        """What the comparison says, in words."""
        published = PUBLISHED[self.name]
        if published.mean is None:
            return NO_SOURCE
        if published.sd is None:
            return f"no SD published; difference {self.mean - published.mean:+.1f}"
        parts = ["within one SD" if abs(self.off) <= 1.0 else "OFF by more than one SD"]
        if not SPREAD[0] <= self.spread <= SPREAD[1]:
            parts.append("spread too " + ("small" if self.spread < SPREAD[0] else "large"))
        return ", ".join(parts)


def rows(measures: Sequence[dict[str, float]]) -> list[Row]:
    """Summaries of every measure over specimens; those never measured are left out.

    Args:
        measures: values by name (with side) of each specimen.
    """
    found = []
    for name, published in PUBLISHED.items():
        keys = [name, *(name + side for side in SIDES)]
        values = np.array([case[key] for case in measures for key in keys if key in case])
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        mean = float(values.mean())
        sd = float(values.std(ddof=1)) if values.size > 1 else float("nan")
        off = spread = float("nan")
        if published.mean is not None and published.sd is not None:
            off, spread = (mean - published.mean) / published.sd, sd / published.sd
        found.append(
            Row(name, mean, sd, float(values.min()), float(values.max()), int(values.size), off, spread)
        )
    return found


HEADINGS = (
    "measure", "unit", "ours, mean ± SD (min to max), n", "published, mean ± SD, n", "off, SD", "spread ratio",
    "verdict",
)  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of :data:`HEADINGS`."""
    published = PUBLISHED[row.name]
    digits = 2 if published.unit == "S1 heights" else 1
    ours = f"{row.mean:.{digits}f} ± {row.sd:.{digits}f} ({row.low:.{digits}f} to {row.high:.{digits}f}), {row.n}"
    theirs = NO_SOURCE
    if published.mean is not None:
        theirs = f"{published.mean:g}" + (f" ± {published.sd:g}" if published.sd is not None else "")
        theirs += f", {published.n}" if published.n else ""
    numbers = [f"{value:+.2f}" if np.isfinite(value) else "" for value in (row.off,)]
    numbers += [f"{row.spread:.2f}" if np.isfinite(row.spread) else ""]
    return (row.name, published.unit, ours, theirs, *numbers, row.verdict)


def summary(table: Sequence[Row]) -> str:
    """One sentence: how many measures with a published SD lie within it, and how many spreads are of its order."""
    judged = [row for row in table if np.isfinite(row.off)]
    near = sum(abs(row.off) <= 1.0 for row in judged)
    alike = sum(SPREAD[0] <= row.spread <= SPREAD[1] for row in judged)
    return (
        f"Of {len(judged)} measures with a published SD, {near} lie within one SD of the published mean and {alike} "
        f"have a spread between half and twice the published one."
    )


def crest_line(measures: Sequence[dict[str, float]]) -> str:
    """The classes of the iliac crest, ours beside the published shares; empty if none was measured."""
    found = [int(case["crest class"]) for case in measures if np.isfinite(case.get("crest class", np.nan))]
    if not found:
        return ""
    parts = [
        f"{name} {found.count(i) / len(found):.0%} (published {share:.0%})"
        for i, (name, share) in enumerate(zip(CREST_CLASSES, CREST_SHARES, strict=True))
    ]
    return (
        f"Iliac crest, {len(found)} cases: "
        + ", ".join(parts)
        + f". Published: <{CREST_SOURCE}>, 76 patients."
    )


def markdown(measures: Sequence[dict[str, float]], seeds: str, spacing: float) -> str:
    """The whole report as Markdown: table, crest classes, definitions, sources."""
    table = rows(measures)
    lines = [
        f"Measured from the labels of {len(measures)} normal phantoms (seeds {seeds}, {spacing:g} mm), both sides.",
        summary(table), "",
        "| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cells(row)) + " |" for row in table), "",
        crest_line(measures), "", "How each was measured, and where the published value comes from:", "",
    ]  # fmt: skip
    for row in table:
        published = PUBLISHED[row.name]
        source = f"<{published.source}>" if published.source.startswith("http") else published.source
        details = "; ".join(part for part in (published.modality, source, published.note) if part)
        lines.append(f"- *{row.name}*: {DEFINITIONS[row.name]}. Published: {details}.")
    return "\n".join(lines) + f"\n\n{NOTICE}\n"


def page(measures: Sequence[dict[str, float]], seeds: str, spacing: float) -> str:
    """The table alone as an HTML page of its own."""
    table = rows(measures)
    head = "".join(f"<th>{html.escape(word)}</th>" for word in HEADINGS)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells(row)) + "</tr>" for row in table
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Measures of the phantom</title>'
        "<style>body{font:14px sans-serif}td,th{border:1px solid #bbb;padding:3px 7px;text-align:left}"
        "table{border-collapse:collapse}</style>"
        f"<p>{len(measures)} normal phantoms, seeds {html.escape(seeds)}, {spacing:g} mm. "
        f"{html.escape(summary(table))}</p>"
        f"<table><tr>{head}</tr>\n{body}</table><p>{html.escape(crest_line(measures))}</p>"
        f"<p>{html.escape(NOTICE)}</p></html>\n"
    )


def csv_bytes(columns: Sequence[str], lines: Iterable[dict[str, Any]]) -> bytes:
    """A CSV file; numbers with three decimals, missing ones empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for line in lines:
        writer.writerow({key: _text(value) for key, value in line.items()})
    return stream.getvalue().encode("utf-8")


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.3f}" if np.isfinite(value) else ""
    return value
