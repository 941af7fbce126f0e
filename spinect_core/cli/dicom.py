"""``spinect dicom``: a plan as objects of DICOM, for an archive and for other viewers."""

from __future__ import annotations

import argparse

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.report.paper import Paper

WHATS = ("sc", "pdf", "seg", "rtstruct", "sr", "stl", "ct")
USUAL = "sc,pdf,seg"
DESCRIPTION = """\
Writes a plan as DICOM files, to be sent to an archive or opened in another viewer:

  sc        the pages of the report, the pictures of its needles and the views of the plan as secondary captures
  pdf       the report as an encapsulated PDF
  seg       bone and nerve as a segmentation on the pictures of the CT; needs a .spinect file, as a plan's folder has
  rtstruct  bone and nerve as outlines on the pictures of the CT, needles as lines; needs a .spinect file as well
  sr        depth, angles, clearances and areas as a structured report (TID 1500)
  stl       the surfaces of bone and nerve as encapsulated STL; needs a .spinect file as well
  ct        a copy of the CT that names nobody, with --deidentified only

They go into the study of the CT: patient and study are taken from its headers, once it is known by its voxels as the
plan's own, and the report then names the patient. With --deidentified nothing of these headers is taken: the objects,
and the copy of the CT, form a study of their own under new identifiers, the same for every plan of this CT.

FOLDER has to be empty or not there; no file that is there already is ever touched. Names of files tell nothing."""

EXAMPLES = """\
  spinect dicom plans/case1 --ct scans/ct --out to-archive
  spinect dicom case1.spinect --ct scans/ct --out to-archive --what pdf
  spinect dicom case1.spinect --ct scans/ct --out to-share --what seg,ct --deidentified"""


def add_objects(parser: argparse.ArgumentParser) -> None:
    """Which objects, and what is in them."""
    parser.add_argument(
        "--what", metavar="LIST", default=USUAL, help=f"any of {', '.join(WHATS)} (default: {USUAL})"
    )
    parser.add_argument(
        "--deidentified", action="store_true", help="name nobody: new identifiers, no patient data"
    )
    parser.add_argument(
        "--paper",
        choices=[each.value for each in Paper],
        default=Paper.A4.value,
        help="size of the report's pages (default: a4)",
    )


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "dicom", "a plan as DICOM files", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "plan", metavar="PLAN", type=a_path, help="folder of a plan, plan.json or a .spinect file"
    )
    parser.add_argument(
        "--ct",
        metavar="CT",
        type=a_path,
        required=True,
        help="the plan's CT; as DICOM, unless --deidentified is given",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=a_path, required=True, help="an empty folder, or one to be made"
    )
    add_objects(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Write the objects and print what was written."""
    from spinect_core.pipeline.dicom_export import Kind, check_wish, export_dicom
    from spinect_core.pipeline.report import read_source

    kinds = kinds_of(options.what)
    wished = [Kind(each) for each in kinds]
    check_wish(wished, options.out, deidentified=options.deidentified)
    with reporting("dicom", quiet=options.quiet) as progress:
        # Of a folder always the same file, whatever is asked for: its checksum is what identifiers follow from.
        source = read_source(options.plan, labels=True, views=True)
        exported = export_dicom(
            source,
            options.ct,
            options.out,
            wished,
            deidentified=options.deidentified,
            paper=Paper(options.paper),
            progress=progress,
            cancel=cancel,
        )
    told = ", ".join(f"{kind} {count}" for kind, count in exported.counts.items())
    print(f"dicom     {exported.folder}: {told}")
    return 0


def kinds_of(text: str) -> list[str]:
    """The words of a list, each once.

    Raises:
        UsageError: one that is none of them.
    """
    words = list(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    if wrong := [word for word in words if word not in WHATS]:
        raise UsageError(
            f"{wrong[0]!r} is nothing that can be written", f"Use {', '.join(WHATS)}", parameter="what"
        )
    return words
