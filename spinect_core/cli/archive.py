"""``spinect archive``: the archives that this program speaks to, and whether they answer."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from spinect_core.base.errors import ArchiveError, UsageError
from spinect_core.base.progress import Cancel
from spinect_core.cli.archive_options import access_of, add_archives_file, add_password, given_password
from spinect_core.cli.parser import Commands, Parser, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting

if TYPE_CHECKING:
    from spinect_core.io.pacs.archive import Archive

DESCRIPTION = """\
Enters, lists, tests and removes archives (PACS). They are kept in archives.json beside the window's settings, without
passwords: these go into the system's keyring.

  list      the archives that have been entered, and what waits to be sent
  add       enter one, or change it: with --web, or with --host, --port and --title, or with both
  test      say what works and what its administrator has to enter; no patient's data are transferred
  password  put the password of its user into the system's keyring
  remove    forget it and its password

Nothing connects to an archive but test and the commands find, fetch, send, serve and plan with an archive."""

EXAMPLES = """\
  spinect archive add PACS --web https://pacs.example/dicom-web --user planner
  spinect archive add PACS --host pacs.example --port 104 --title PACS
  spinect archive test PACS
  spinect archive list"""

FIELDS = (
    "web",
    "host",
    "port",
    "title",
    "tls",
    "certificates",
    "user",
    "own_title",
    "own_port",
    "own_address",
)


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "archive", "the archives (PACS) to speak to", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=("list", "add", "test", "password", "remove"),
        help="list, add, test, password or remove",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="your word for the archive")
    _add_fields(parser)
    add_archives_file(parser)
    add_password(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def _add_fields(parser: Parser) -> None:
    parser.add_argument("--web", metavar="URL", help="address of its DICOMweb")
    parser.add_argument("--host", metavar="HOST", help="its computer, for DIMSE")
    parser.add_argument("--port", metavar="N", type=int, help="its port, for DIMSE")
    parser.add_argument("--title", metavar="TITLE", help="its title (AE title), for DIMSE")
    parser.add_argument(
        "--tls", action=argparse.BooleanOptionalAction, default=None, help="DIMSE with encryption"
    )
    parser.add_argument(
        "--certificates",
        metavar="FILE",
        type=a_path,
        help="certificates (PEM) that vouch for the archive; default: those that the system trusts",
    )
    parser.add_argument("--user", metavar="USER", help="name for DICOMweb")
    parser.add_argument(
        "--own-title", metavar="TITLE", help="title of this program, which the archive has to know"
    )
    parser.add_argument(
        "--own-port", metavar="N", type=int, help="port of this program while the archive delivers by C-MOVE"
    )
    parser.add_argument(
        "--own-address",
        metavar="ADDRESS",
        help="address of this computer for C-MOVE; default: the one by which the archive is reached",
    )
    parser.add_argument("--patience-s", metavar="S", type=float, help="how long an answer may take")


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Do what is asked for."""
    if options.action != "list" and not options.name:
        raise UsageError("No name is given", "Give the name of the archive")
    return {"list": _list, "add": _enter, "test": _test, "password": _password, "remove": _remove}[
        options.action
    ](options, cancel)


def _list(options: argparse.Namespace, _cancel: Cancel) -> int:
    from spinect_core.io.pacs.outbox import Outbox
    from spinect_core.io.pacs.settings import load_archives

    for archive in load_archives(options.archives):
        print("\n".join(_lines(archive)))
    waiting = len(Outbox().keys)
    if waiting:
        print(f"waiting   {waiting} to be sent: spinect send --waiting")
    return 0


def _lines(archive: Archive) -> list[str]:
    lines = [f"archive   {archive.name}"]
    if archive.web:
        lines.append(f"  DICOMweb  {archive.web}" + (f", user {archive.user}" if archive.user else ""))
    if archive.has_dimse:
        encrypted = " with encryption" if archive.tls else ""
        lines.append(f"  DIMSE     {archive.title} at {archive.computer}{encrypted}")
    lines.append(f"  own       {archive.own_title}, port {archive.own_port}")
    return lines


def _enter(options: argparse.Namespace, _cancel: Cancel) -> int:
    from spinect_core.io.pacs.archive import archive_of
    from spinect_core.io.pacs.settings import load_archives, save_archives

    archives = {each.name: each for each in load_archives(options.archives)}
    before = archives[options.name].model_dump() if options.name in archives else {"name": options.name}
    given = {key: getattr(options, key) for key in (*FIELDS, "patience_s")}
    if given["certificates"] is not None:
        given["certificates"] = str(given["certificates"].resolve())
    archive = archive_of(**before | {key: value for key, value in given.items() if value is not None})
    save_archives(list((archives | {archive.name: archive}).values()), options.archives)
    print("\n".join(_lines(archive)))
    for what in archive.unencrypted:
        print(f"warning   {what} is not encrypted: whoever reads the network reads patients' data")
    return 0


def _test(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.io.pacs.examine import examine

    access = access_of(options, options.name)
    with reporting("archive", quiet=options.quiet) as progress:
        found = examine(access, progress=progress, cancel=cancel)
    for check in found.checks:
        print(check.words)
    for remedy in dict.fromkeys(check.fault.remedy for check in found.checks if check.fault is not None):
        print(f"do        {remedy}.")
    print(f"enter in the archive: {found.for_administrator}")
    if not found.works:
        raise ArchiveError("Nothing can be searched for", "See what the test says", access.archive.name)
    return 0


def _password(options: argparse.Namespace, _cancel: Cancel) -> int:
    from spinect_core.io.pacs.credentials import needs_password, remember_password
    from spinect_core.io.pacs.settings import chosen_archive, load_archives

    archive = chosen_archive(load_archives(options.archives), options.name)
    if not needs_password(archive):
        raise UsageError(f"{archive.name} has no user", "Enter it first", parameter="user")
    password = given_password(options)
    if password is None and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {archive.user} for {archive.name}: ")
    if not password:
        raise UsageError("No password is given", "Give it on standard input", parameter="password_stdin")
    if not remember_password(archive, password):
        raise UsageError(
            "This system has no keyring that can be written to, so the password is kept nowhere",
            "Give it each time on standard input or by a variable",
            parameter="password_stdin",
        )
    print(f"password  kept in the keyring for {archive.name}")
    return 0


def _remove(options: argparse.Namespace, _cancel: Cancel) -> int:
    from spinect_core.io.pacs.credentials import forget_password
    from spinect_core.io.pacs.settings import chosen_archive, load_archives, save_archives

    archives = load_archives(options.archives)
    archive = chosen_archive(archives, options.name)
    save_archives([each for each in archives if each != archive], options.archives)
    forget_password(archive)
    return 0
