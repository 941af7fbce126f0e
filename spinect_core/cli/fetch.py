"""``spinect fetch``: a series of CT out of an archive into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import ArchiveError, OutputError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.cli.archive_options import access_of, add_archive_options, study_and_series
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting

if TYPE_CHECKING:
    from spinect_core.io.pacs.archive import Access
    from spinect_core.io.pacs.retrieve import Retrieved
    from spinect_core.io.pacs.ways import Done

DESCRIPTION = """\
Fetches the pictures of one series of CT into a folder, whole or not at all. Ways: WADO, else C-GET, else C-MOVE, for
which this program listens until all has arrived; it says which ran and why the others did not. Files have names that
tell nothing, but they name the patient within."""

EXAMPLES = """\
  spinect fetch 1.2.840.113619.2.55/1.2.840.113619.2.55.1 --out scans/case1
  spinect fetch 1.2.840.113619.2.55 --out scans/case1"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "fetch", "a CT out of an archive", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "series",
        metavar="STUDY/SERIES",
        type=study_and_series,
        help="as `spinect find` lists it; the study alone where it has one CT",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=a_path, required=True, help="an empty folder, or one to be made"
    )
    add_archive_options(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Fetch the series and say how."""
    from spinect_core.base.files import make_folder
    from spinect_core.base.scratch import scratch_folder

    access = access_of(options)
    out: Path = options.out
    try:
        make_folder(out)
        if any(out.iterdir()):
            raise OutputError("The folder is not empty", "Choose another name for it", out)
    except OSError as error:
        raise OutputError(
            f"The folder cannot be made ({error.strerror or error})", "Choose another one", out
        ) from error
    with reporting("fetch", quiet=options.quiet) as progress, scratch_folder() as folder:
        done = fetch(access, options.series, folder, progress, cancel)
        _hand_over(done.result.files, out)
    print(f"fetched   {out}: {told(done)}")
    return 0


def _hand_over(files: tuple[Path, ...], out: Path) -> None:
    """Put what was fetched into the user's folder, once all of it is here."""
    from spinect_core.base.files import write_whole

    written: list[Path] = []
    try:
        for file in files:
            write_whole(out / file.name, file.read_bytes())
            written.append(out / file.name)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def told(done: Done[Retrieved]) -> str:
    """What was fetched and how, in a line."""
    left_out = f", {done.result.left_out} objects that are no CT left out" if done.result.left_out else ""
    return f"{len(done.result.files)} pictures {done.words}{left_out}"


def fetch(
    access: Access,
    wanted: tuple[str, str | None],
    folder: Path,
    progress: Progress,
    cancel: Cancel,
) -> Done[Retrieved]:
    """Fetch a series, or the only CT of a study.

    Args:
        access: the archive.
        wanted: the study, and the series if it is named.
        folder: empty, and nobody else's.
        progress: receives the part done.
        cancel: stops it.

    Raises:
        ArchiveError: as of retrieving; or the study has no CT, or several.
    """
    from spinect_core.io.pacs.query import find_series
    from spinect_core.io.pacs.retrieve import retrieve_series

    study, series = wanted
    if series is None:
        found = [each for each in find_series(access, study, cancel=cancel).result if each.is_ct]
        if len(found) != 1:
            told = "several series of CT" if found else "no series of CT"
            raise ArchiveError(
                f"The study has {told}", "List them with `spinect find`, and name one as STUDY/SERIES"
            )
        series = found[0].uid
    return retrieve_series(access, study, series, folder, progress=progress, cancel=cancel)
