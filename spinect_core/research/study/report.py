"""The report of a study: one HTML page that holds everything, beside it the tables as CSV and the figures as PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from spinect_core.base.files import write_whole
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.triangle import now
from spinect_core.pictures.annotate import RgbArray
from spinect_core.pictures.png import save_picture
from spinect_core.research.study.tables import Origin, Table, csv_text, shown

REPORT_FILE = "study.html"
STYLE = """\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1b2026; background: #fff;
       margin: 0 auto; padding: 1.5rem 2rem 4rem; max-width: 1240px; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.6rem 0 .6rem; }
.notice { background: #fff4d6; border-left: 4px solid #c98a00; padding: .5rem .8rem; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th { text-align: left; vertical-align: bottom; border-bottom: 2px solid #1b2026; padding: .3rem .7rem .3rem 0; }
td { padding: .22rem .9rem .22rem 0; border-bottom: 1px solid #e6e9ec; vertical-align: top; }
td.number, th.number { text-align: right; } tr.summary td { background: #f3f6f8; font-weight: 600; }
.note { color: #4c5560; font-size: .82rem; max-width: 95ch; margin: .35rem 0; }
img { max-width: 100%; height: auto; display: block; margin: .4rem 0; }
nav a { margin-right: 1rem; } li { margin: .15rem 0; }
@media print { h2 { break-after: avoid; } table, img { break-inside: avoid; } nav { display: none; } }
"""


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure, or why it is not there.

    Attributes:
        file: name of its PNG without the ending.
        title: its heading.
        caption: how to read it.
        picture: uint8 RGB, or None.
        reason: why there is no picture; else empty.
    """

    file: str
    title: str
    caption: str
    picture: RgbArray | None = None
    reason: str = ""


def write_report(
    out: Path, tables: Sequence[Table], figures: Sequence[Figure], origin: Origin, faults: Sequence[str]
) -> list[Path]:
    """Write CSV files, PNG files and, last, the page; figures of an earlier report that are gone are taken away.

    Args:
        out: the folder.
        tables: in the order of the page.
        figures: likewise, after the tables.
        origin: what it was made from.
        faults: sentences on cases that are not in it.

    Returns:
        The files written.

    Raises:
        OutputError: a file cannot be written.
    """
    written = []
    for table in tables:
        path = out / f"{table.file}.csv"
        write_whole(path, csv_text(table, origin).encode("utf-8"))
        written.append(path)
    for figure in figures:
        path = out / f"{figure.file}.png"
        if figure.picture is None:
            path.unlink(missing_ok=True)
            continue
        save_picture(figure.picture, path)
        written.append(path)
    page = out / REPORT_FILE
    write_whole(page, html_page(tables, figures, origin, faults).encode("utf-8"))
    return [*written, page]


def html_page(
    tables: Sequence[Table], figures: Sequence[Figure], origin: Origin, faults: Sequence[str]
) -> str:
    """The page: it needs no other file and no network."""
    anchors = [(f"table-{one.file}", one.title) for one in tables] + [
        (f"figure-{one.file}", one.title) for one in figures
    ]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>SPINECT Planner: study</title><style>{STYLE}</style></head><body>",
        f"<h1>Study of bone, nerve and triangle areas at L5/S1</h1><p>{escape(now())}</p>",
        f'<p class="notice">{escape(NOTICE)}</p>',
        *(f"<p>{escape(line)}</p>" for line in origin.lines[:-1]),
        "<p>Method after Fan and others, AJNR 2019;40:1074.</p>",
    ]
    if faults:
        parts.append("<h2>Cases that are not in it</h2><ul>")
        parts += [f"<li>{escape(fault)}</li>" for fault in faults]
        parts.append("</ul>")
    parts.append(
        "<nav>" + " ".join(f'<a href="#{file}">{escape(title)}</a>' for file, title in anchors) + "</nav>"
    )
    parts += [_table(table, origin) for table in tables]
    parts += [_figure(figure, origin) for figure in figures]
    return "\n".join([*parts, "</body></html>", ""])


def _table(table: Table, origin: Origin) -> str:
    numeric = [
        any(isinstance(row[column], int | float) for row in table.rows)
        for column in range(len(table.columns))
    ]
    classes = ['class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f"<th {kind}>{escape(column.name)}</th>" for kind, column in zip(classes, table.columns, strict=True)
    )
    lines = [
        f'<h2 id="table-{table.file}">{escape(table.title)}</h2><div class="scroll"><table>',
        f"<tr>{head}</tr>",
    ]
    for number, row in enumerate(table.rows):
        cells = "".join(
            f"<td {kind}>{escape(shown(cell, column.digits))}</td>"
            for kind, cell, column in zip(classes, row, table.columns, strict=True)
        )
        lines.append(f'<tr class="summary">{cells}</tr>' if number in table.summary else f"<tr>{cells}</tr>")
    lines.append("</table></div>")
    lines += [f'<p class="note">{escape(note)}</p>' for note in table.notes]
    return "\n".join([*lines, _below(origin)])


def _figure(figure: Figure, origin: Origin) -> str:
    lines = [f'<h2 id="figure-{figure.file}">{escape(figure.title)}</h2>']
    if figure.picture is None:
        lines.append(f"<p>{escape(figure.reason)}</p>")
    else:
        stream = io.BytesIO()
        Image.fromarray(figure.picture).save(stream, format="PNG")
        data = base64.b64encode(stream.getvalue()).decode("ascii")
        lines.append(f'<img alt="{escape(figure.title)}" src="data:image/png;base64,{data}">')
    lines.append(f'<p class="note">{escape(figure.caption)}</p>')
    return "\n".join([*lines, _below(origin)])


def _below(origin: Origin) -> str:
    return f'<p class="note">{escape(" ".join(origin.lines))}</p>'
