"""``spinect report``: one page of a plan to print, or as text to paste."""

from __future__ import annotations

import argparse
import sys

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, part_of
from spinect_core.base.words import Side, values
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.report.paper import Paper

DESCRIPTION = """\
Writes the report of a plan: for each side one page with patient position, root, level and count of the lumbar
vertebrae, entry, needle, angles for C-arm and CT, clearances, what lies behind the tip, warnings, the view from the
hub, two planes along the needle, a checklist to tick by hand, and checksums. It tells the recommended needle; where
none is recommended it says why, and tells no needle. It holds no dose, and nothing of the patient unless asked for.

--text prints the same as plain text, for pasting into a dictation."""

EXAMPLES = """\
  spinect report plans/case1 --out case1.pdf
  spinect report case1.spinect --out case1.pdf --paper letter --side left
  spinect report plans/case1 --out case1.pdf --zone "left safe"
  spinect report plans/case1 --text
  spinect report plans/case1 --out named.pdf --with-patient scans/ct"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "report", "a plan as one page to print", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "plan", metavar="PLAN", type=a_path, help="folder of a plan, plan.json or a .spinect file"
    )
    parser.add_argument("--out", metavar="FILE", type=a_path, help="the PDF to write")
    parser.add_argument(
        "--paper", choices=values(Paper), default=Paper.A4.value, help="size of the page (default: a4)"
    )
    parser.add_argument(
        "--side",
        choices=("left", "right", "both"),
        default="both",
        help="which side (default: a page for each)",
    )
    parser.add_argument(
        "--zone",
        metavar="NAME",
        default="",
        help='which trajectory, such as "left safe" or "Own needle 1"; default: the first that is recommended',
    )
    parser.add_argument("--text", action="store_true", help="print the report as plain text")
    at_hand = parser.add_mutually_exclusive_group()
    at_hand.add_argument(
        "--ct", metavar="CT", type=a_path, help="the plan's CT, to draw pictures that the plan does not hold"
    )
    at_hand.add_argument(
        "--with-patient",
        metavar="CT",
        type=a_path,
        help="the plan's CT as DICOM, to name the patient as its headers do; refused if it is another CT",
    )
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Make the report, write and print it."""
    from spinect_core.pipeline.report import (
        Anatomy,
        check_report_path,
        find_ct,
        make_report,
        patient_of,
        read_source,
    )

    if options.out is None and not options.text:
        raise UsageError("Nothing is asked for", "Give --out FILE.pdf, or --text")
    if options.out is not None:
        check_report_path(options.out)
    named, drawn = options.with_patient, options.ct
    with reporting("report", quiet=options.quiet or (named or drawn) is None) as progress:
        source = read_source(options.plan, labels=drawn is not None)
        patient = anatomy = None
        reading = part_of(progress, 0.0, 0.7)
        if named is not None:
            patient = patient_of(named, source.plan, progress=reading, cancel=cancel)
        elif drawn is not None:
            if source.labels is None:
                raise UsageError(
                    "Pictures are drawn from labels, which are in a .spinect file", "Give that", options.plan
                )
            _, volume = find_ct(drawn, source.plan, progress=reading, cancel=cancel)
            anatomy = Anatomy(volume, source.labels)
        report = make_report(
            source,
            side=None if options.side == "both" else Side(options.side),
            zone=options.zone,
            patient=patient,
            anatomy=anatomy,
            progress=part_of(progress, 0.7, 1.0),
            cancel=cancel,
        )
        if options.out is not None:
            report.write_pdf(options.out, Paper(options.paper))
            if patient is not None and not report.names_fit:
                print(
                    "spinect: warning: the patient's name has letters that the page's typeface lacks; "
                    "the page says so in its place",
                    file=sys.stderr,
                    flush=True,
                )
    if options.text:
        print(report.text)
    else:
        count = len(report.pages)
        print(f"report    {options.out}: {count} page{'s' if count != 1 else ''}")
    return 0
