"""``spinect series``: what there is to read."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spinect_core.base.progress import Cancel
from spinect_core.cli.parser import Commands, a_path, add_command, add_decisions, add_quiet, read_options
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json

if TYPE_CHECKING:
    from spinect_core.io.reading import Series

DESCRIPTION = """\
Lists the series under a path, loadable CTs first, with what is wrong with them. The key in the first column chooses
one: spinect plan CT --series KEY"""

EXAMPLES = """\
  spinect series scans/
  spinect series study.zip --json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "series", "list the CTs in a folder or zip", DESCRIPTION, EXAMPLES)
    parser.add_argument("path", metavar="PATH", type=a_path, help="folder, zip or file")
    parser.add_argument("--json", action="store_true", help="everything known, as JSON")
    add_decisions(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """List the series."""
    with reporting("series", quiet=options.quiet) as progress:
        from spinect_core.io.reading import list_series

        found = list_series(options.path, options=read_options(options), progress=progress, cancel=cancel)
    if options.json:
        print_json([_facts(entry) for entry in found])
    else:
        print("\n".join(table(found)))
    return 0


def table(found: list[Series]) -> list[str]:
    """One line for each series, its warnings below it."""
    head = ("KEY", "PICTURES", "SPACING MM", "KERNEL", "PLANE", "DESCRIPTION")
    rows = [head]
    for entry in found:
        spacing = " x ".join(f"{step:.3g}" for step in entry.spacing) if entry.spacing else "-"
        plane = entry.orientation or "-"
        rows.append((entry.key, str(entry.pictures), spacing, entry.kernel or "-", plane, entry.title or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
        if number:
            entry = found[number - 1]
            fault = "" if entry.loadable else str(entry.fault or "This is no CT.")
            if fault:
                lines.append(f"    cannot be loaded: {fault}")
            grave = {str(finding) for finding in entry.findings if finding.grave}
            lines += [
                f"    {'warning' if warning in grave else 'note'}: {warning}"
                for warning in entry.warnings
                if warning not in fault
            ]
    return lines


def _facts(entry: Series) -> dict[str, Any]:
    return {
        "key": entry.key,
        "description": entry.description,
        "part": entry.part,
        "modality": entry.modality,
        "pictures": entry.pictures,
        "shape_zyx": entry.shape,
        "spacing_xyz_mm": entry.spacing,
        "kernel": entry.kernel,
        "orientation": entry.orientation,
        "loadable": entry.loadable,
        "warnings": list(entry.warnings),
        "findings": [asdict(finding) for finding in entry.findings],
        "files": [str(file) for file in entry.files],
    }
