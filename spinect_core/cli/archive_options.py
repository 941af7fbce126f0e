"""How the commands that speak to an archive are told which, and where its password comes from: never a command line."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import TYPE_CHECKING

from spinect_core.base.errors import UsageError
from spinect_core.cli.parser import Parser, a_path

if TYPE_CHECKING:
    from spinect_core.io.pacs.archive import Access, Archive

VARIABLE = "SPINECT_ARCHIVE_PASSWORD"
LONGEST = 4096


def add_archives_file(parser: Parser) -> None:
    """The option by which another list of archives is given."""
    parser.add_argument(
        "--archives",
        metavar="FILE",
        type=a_path,
        help="another list of archives than your own (JSON); it holds no passwords",
    )


def add_password(parser: Parser) -> None:
    """The option by which a password is given."""
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=f"read the archive's password from the first line of standard input; else it is taken from the variable "
        f"{VARIABLE}, the system's keyring, or asked for in a terminal",
    )


def add_archive_options(parser: Parser) -> None:
    """Which archive, and its password."""
    parser.add_argument(
        "--archive", metavar="NAME", help="which archive; needed where several have been entered"
    )
    add_archives_file(parser)
    add_password(parser)


def access_of(options: argparse.Namespace, name: str | None = None) -> Access:
    """The archive that is asked for, with its password.

    Args:
        options: of the command.
        name: of the archive; the one that the options name if None.

    Raises:
        UsageError: there is no such archive, or no password.
        ReadingError: the list of archives cannot be read.
    """
    from spinect_core.io.pacs.archive import Access
    from spinect_core.io.pacs.credentials import access_to, needs_password
    from spinect_core.io.pacs.settings import chosen_archive, load_archives

    archive = chosen_archive(load_archives(options.archives), name or options.archive)
    if not needs_password(archive):
        return Access(archive)
    given = given_password(options)
    return access_to(archive, _ask) if given is None else Access(archive, given)


def access_for_waiting(options: argparse.Namespace, name: str) -> Access:
    """The archive that something waits for, with its password.

    A password that is given belongs to one archive: the one that is named, or the only one.

    Args:
        options: of the command.
        name: of the archive.

    Raises:
        UsageError: there is no such archive, or no password, or it is not said whose the given one is.
        ReadingError: the list of archives cannot be read.
    """
    from spinect_core.io.pacs.credentials import needs_password
    from spinect_core.io.pacs.settings import chosen_archive, load_archives

    archives = load_archives(options.archives)
    bound = options.archive == name or len(archives) == 1
    if not bound and needs_password(chosen_archive(archives, name)) and given_password(options) is not None:
        raise UsageError(
            f"A password is given, and not whether it is that of {name}",
            "Name the archive that it belongs to, and send to the others without it",
            parameter="archive",
        )
    return access_of(options, name)


def given_password(options: argparse.Namespace) -> str | None:
    """The password on standard input or in the environment; None if there is none.

    Raises:
        UsageError: standard input holds none.
    """
    if options.password_stdin:
        if not hasattr(options, "read_password"):
            # Once, however many archives are spoken to.
            options.read_password = sys.stdin.readline(LONGEST).rstrip("\r\n")
        if not options.read_password:
            raise UsageError("There is no password on standard input", "Give it on its first line")
        return str(options.read_password)
    return os.environ.get(VARIABLE) or None


def _ask(archive: Archive) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"No password is known for {archive.user} at {archive.name}",
            "Keep it in the keyring with `spinect archive`, or give it by the variable "
            f"{VARIABLE} or on standard input",
        )
    return getpass.getpass(f"Password of {archive.user} for {archive.name}: ")


def study_and_series(text: str) -> tuple[str, str | None]:
    """What is meant by STUDY or STUDY/SERIES.

    Raises:
        ArgumentTypeError: it is neither.
    """
    from spinect_core.io.pacs.wanted import check_uid

    study, _, series = text.partition("/")
    try:
        check_uid(study)
        if series:
            check_uid(series)
    except UsageError as error:
        raise argparse.ArgumentTypeError(error.fault) from error
    return study, series or None
