"""``spinect find``: studies and series in an archive."""

from __future__ import annotations

import argparse
import datetime
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spinect_core.base.progress import Cancel
from spinect_core.cli.archive_options import access_of, add_archive_options
from spinect_core.cli.parser import Commands, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json

if TYPE_CHECKING:
    from spinect_core.io.pacs.archive import Access

DESCRIPTION = """\
Asks an archive for studies of a patient, or with --study for the series of one. What it prints names the patient. The
last column is what `spinect plan` and `spinect fetch` take. Ways: QIDO, else C-FIND."""

EXAMPLES = """\
  spinect find --id 4711
  spinect find --name "DOE, JANE" --since 2026-01-01
  spinect find --study 1.2.840.113619.2.55"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "find", "studies and series in an archive", DESCRIPTION, EXAMPLES)
    parser.add_argument("--id", metavar="ID", default="", help="the patient's identifier")
    parser.add_argument(
        "--name", metavar="NAME", default="", help="beginning of the family name, or of FAMILY, GIVEN"
    )
    parser.add_argument("--since", metavar="DAY", type=_day, help="first day of the study: 2026-01-31")
    parser.add_argument("--until", metavar="DAY", type=_day, help="last day of the study")
    parser.add_argument("--modality", metavar="CODE", default="CT", help='default: CT; "" for all')
    parser.add_argument("--study", metavar="UID", default="", help="list the series of this study")
    parser.add_argument("--json", action="store_true", help="everything known, as JSON")
    add_archive_options(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.30} is no day such as 2026-01-31") from None


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """List what the archive has."""
    access = access_of(options)
    with reporting("find", quiet=options.quiet):
        way, facts, rows = (_series if options.study else _studies)(access, options, cancel)
    if options.json:
        print_json(facts)
        return 0
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(way)
    return 0


Listed = tuple[str, list[dict[str, Any]], list[tuple[str, ...]]]


def _studies(access: Access, options: argparse.Namespace, cancel: Cancel) -> Listed:
    from spinect_core.io.pacs.query import find_studies
    from spinect_core.io.pacs.wanted import Query

    query = Query(options.id, options.name, options.since, options.until, options.modality)
    done = find_studies(access, query, cancel=cancel)
    rows: list[tuple[str, ...]] = [
        ("DATE", "PATIENT", "ID", "BORN", "MODALITIES", "PICTURES", "DESCRIPTION", "STUDY")
    ]
    for each in done.result.studies:
        rows.append(
            (
                f"{each.date} {each.time}".strip() or "-",
                each.name or "-",
                each.patient_id or "-",
                each.born or "-",
                "/".join(each.modalities) or "-",
                _count(each.pictures),
                each.description or "-",
                each.uid,
            )
        )
    more = "; the archive has more: narrow the search" if done.result.cut else ""
    return (
        f"found     {len(rows) - 1} {done.words}{more}",
        [asdict(each) for each in done.result.studies],
        rows,
    )


def _series(access: Access, options: argparse.Namespace, cancel: Cancel) -> Listed:
    from spinect_core.io.pacs.query import find_series

    done = find_series(access, options.study, cancel=cancel)
    rows: list[tuple[str, ...]] = [("NUMBER", "MODALITY", "PICTURES", "PART", "DESCRIPTION", "STUDY/SERIES")]
    rows += [
        (
            each.number or "-",
            each.modality or "-",
            _count(each.pictures),
            each.part or "-",
            each.description or "-",
            f"{each.study}/{each.uid}",
        )
        for each in done.result
    ]
    return f"found     {len(rows) - 1} {done.words}", [asdict(each) for each in done.result], rows


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
