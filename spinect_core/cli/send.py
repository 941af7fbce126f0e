"""``spinect send``: a plan as objects of DICOM into an archive."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.cli.archive_options import (
    access_for_waiting,
    access_of,
    add_archive_options,
    study_and_series,
)
from spinect_core.cli.dicom import add_objects, kinds_of
from spinect_core.cli.fetch import fetch
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.report.paper import Paper

DESCRIPTION = """\
Makes the objects that `spinect dicom` writes and sends them to an archive: by STOW, else by C-STORE. What the archive
has already is not sent again, and what was sent is looked for there. Before anything is sent it lies in the outbox, a
folder of your own (docs/guide/archive.md): what the archive did not take waits there, and goes with
spinect send --waiting, once and whole.

The objects go into the study of the CT and name the patient as it does. With --deidentified they form a study of their
own that names nobody."""

EXAMPLES = """\
  spinect send plans/case1 --ct scans/ct
  spinect send plans/case1 --from-pacs 1.2.840.113619.2.55/1.2.840.113619.2.55.1 --what pdf,seg
  spinect send --waiting"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "send", "a plan into an archive", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "plan", metavar="PLAN", type=a_path, nargs="?", help="folder of a plan, plan.json or a .spinect file"
    )
    parser.add_argument("--ct", metavar="CT", type=a_path, help="the plan's CT, as DICOM")
    parser.add_argument(
        "--from-pacs",
        metavar="STUDY/SERIES",
        type=study_and_series,
        help="fetch the plan's CT from the archive instead",
    )
    add_objects(parser)
    parser.add_argument(
        "--waiting",
        action="store_true",
        help="send what waits in the outbox, and no plan; with --archive what waits for that archive",
    )
    parser.add_argument(
        "--new-address",
        action="store_true",
        help="with --waiting and --archive: send also what was meant for another address of that archive",
    )
    add_archive_options(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Send the plan, or what waits."""
    if options.waiting:
        return _send_waiting(options, cancel)
    if options.new_address:
        raise UsageError("A new address matters to what waits", "Send what waits", parameter="waiting")
    if options.plan is None:
        raise UsageError("No plan is given", "Give a plan, or send what waits", parameter="waiting")
    if (options.ct is None) == (options.from_pacs is None):
        raise UsageError(
            "The plan's CT is needed, from one place",
            "Give its files, or its place in the archive",
            parameter="ct",
        )
    from spinect_core.base.scratch import scratch_folder
    from spinect_core.io.pacs.outbox import Outbox
    from spinect_core.pipeline.dicom_export import Kind, export_dicom
    from spinect_core.pipeline.report import read_source

    kinds = [Kind(each) for each in kinds_of(options.what)]
    access, outbox = access_of(options), Outbox()
    with reporting("send", quiet=options.quiet) as progress, scratch_folder() as folder:
        source = read_source(options.plan, labels=True, views=True)
        with _ct(options, progress, cancel) as ct:
            export_dicom(
                source,
                ct,
                folder / "objects",
                kinds,
                deidentified=options.deidentified,
                paper=Paper(options.paper),
                progress=part_of(progress, 0.4, 0.7),
                cancel=cancel,
            )
        files = sorted((folder / "objects").rglob("*.dcm"))
        parcel = outbox.put(files, access.archive)
        delivered = outbox.deliver(parcel, access, progress=part_of(progress, 0.7, 1.0), cancel=cancel)
    if delivered.done is not None:
        sent = delivered.done.result
        before = f", {sent.before} of them before" if sent.before else ""
        print(
            f"sent      {access.archive.name} has {len(sent.confirmed)} of {len(files)} objects{before}, "
            f"{delivered.done.words}"
        )
    if delivered.fault is not None:
        _say_waiting(1)
        raise delivered.fault
    return 0


@contextmanager
def _ct(options: argparse.Namespace, progress: Progress, cancel: Cancel) -> Iterator[Path]:
    from spinect_core.base.scratch import scratch_folder

    if options.ct is not None:
        yield options.ct
        return
    with scratch_folder() as folder:
        fetch(access_of(options), options.from_pacs, folder, part_of(progress, 0.0, 0.4), cancel)
        yield folder


def _send_waiting(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.io.pacs.outbox import Outbox
    from spinect_core.io.pacs.settings import chosen_archive, load_archives

    if options.new_address and options.archive is None:
        raise UsageError("It is not said which archive has a new address", "Name it", parameter="archive")
    if options.archive is not None:
        chosen_archive(load_archives(options.archives), options.archive)
    outbox = Outbox()
    with reporting("send", quiet=options.quiet) as progress:
        delivered = outbox.deliver_all(
            lambda name: access_for_waiting(options, name),
            wanted=lambda name: options.archive in (None, name),
            moved=lambda _name: options.new_address,
            progress=progress,
            cancel=cancel,
        )
    good = [each for each in delivered if each.fault is None]
    print(f"sent      {len(good)} of {len(delivered)} that waited")
    faults = [each.fault for each in delivered if each.fault is not None]
    if faults:
        _say_waiting(len(faults))
        for fault in faults[1:]:
            print(f"spinect: note: {fault}", file=sys.stderr, flush=True)
        raise faults[0]
    return 0


def _say_waiting(count: int) -> None:
    print(f"spinect: note: {count} in the outbox, for spinect send --waiting", file=sys.stderr, flush=True)
