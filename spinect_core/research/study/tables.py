"""The tables of a study as plain rows, each with what it was made from, and their CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from spinect_core.base.versions import NOTICE, __version__
from spinect_core.image.warning import warning_lines
from spinect_core.research.study.examine import Examined

Cell = str | float | int | None
NOT_COMPUTABLE = "not computable"


@dataclass(frozen=True)
class Column:
    """A column: its heading, and the digits after the point of its numbers."""

    name: str
    digits: int = 3


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        file: name of its CSV file without the ending.
        title: its heading.
        columns: one for each cell of a row.
        rows: text as it is, numbers as they were computed, None for what is not computable.
        notes: how to read it, as sentences.
        summary: numbers of the rows that sum up others.
    """

    file: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    summary: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Origin:
    """What a study was made from, as lines that stand under every table and figure.

    Attributes:
        data: the cases with families and seeds.
        labels: what made the predicted labels.
        settings: seed and the rest.
        reading: what reading noticed about the CTs; empty where that was nothing.
    """

    data: str
    labels: str
    settings: str
    reading: str = ""

    @classmethod
    def of(cls, examined: Sequence[Examined], seed: int) -> Origin:
        """Of cases that were examined."""
        families: dict[str, list[str]] = {}
        for one in examined:
            words = one.case.name + (f" (seed {one.case.seed})" if one.case.seed else "")
            families.setdefault(one.case.group, []).append(words)
        data = "; ".join(f"{family}: {', '.join(names)}" for family, names in families.items())
        made: dict[str, list[str]] = {}
        for one in examined:
            made.setdefault(_maker(one), []).append(one.case.name)
        labels = "; ".join(
            words if len(made) == 1 else f"{words}: {', '.join(names)}" for words, names in made.items()
        )
        return cls(
            f"Data: {data or 'no case'}.",
            f"Labels: {labels or 'none'}.",
            f"SPINECT Planner {__version__}, random seed {seed}.",
            " ".join(
                f"{one.case.name}: {' '.join(warning_lines(one.warnings))}"
                for one in examined
                if one.warnings
            ),
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, and the notice."""
        noticed = (self.reading,) if self.reading else ()
        return (self.data, self.labels, *noticed, self.settings, NOTICE)


def _maker(one: Examined) -> str:
    run = one.run
    if not run:
        return "given as files"
    return (
        f"network with weights {str(run.get('weights_sha256', '?'))[:16]}, {run.get('mode', '?')} mode, "
        f"{run.get('engine', '?')} on the {str(run.get('device', '?')).upper()}"
    )


def shown(cell: Cell, digits: int) -> str:
    """A cell as people read it."""
    if cell is None:
        return NOT_COMPUTABLE
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)


def p_words(p: float | None) -> str:
    """A P value as papers print it."""
    if p is None:
        return NOT_COMPUTABLE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def csv_text(table: Table, origin: Origin) -> str:
    """The table as CSV: what it is and was made from in lines that begin with #, then a heading and the rows.

    Numbers are written in full; what is not computable says so.
    """
    stream = io.StringIO()
    for line in (table.title, *table.notes, *origin.lines):
        stream.write(f"# {' '.join(line.split())}\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    for row in table.rows:
        writer.writerow(NOT_COMPUTABLE if cell is None else cell for cell in row)
    return stream.getvalue()
