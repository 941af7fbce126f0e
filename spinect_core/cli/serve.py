"""``spinect serve``: CTs come in by C-STORE, their plans go to an archive."""

from __future__ import annotations

import argparse
import json
from functools import partial

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel
from spinect_core.base.words import DeviceName, EngineName, ModeName, values
from spinect_core.cli.archive_options import access_of, add_archive_options
from spinect_core.cli.dicom import USUAL, WHATS, kinds_of
from spinect_core.cli.parser import Commands, a_path, add_command

DESCRIPTION = """\
Listens for CTs (C-STORE), plans each series as `spinect plan` does, and sends the objects of the plan to an archive as
`spinect send` does, until it is stopped. Nobody has checked such a plan: its report says so.

Every picture is on the disk before it is acknowledged, and the spool folder says at any moment what is still to be
done: after a power cut or a kill the next start goes on, loses nothing and sends nothing twice. What is no CT, and what
finds no room, is refused with a status of DICOM; pictures of which no plan can be made are put aside in failed/.

It listens at this computer alone unless an address is given. DICOM has no passwords: whoever reaches the port can send,
so give an address only in a network that you trust, name the senders, and keep the port behind a firewall."""

EXAMPLES = """\
  spinect serve --spool spool --archive PACS
  spinect serve --spool spool --archive PACS --address 10.1.2.3 --from CT1 --from PACS"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "serve", "plan what arrives by C-STORE", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "--spool",
        metavar="DIR",
        type=a_path,
        required=True,
        help="folder of what is still to be done; names patients",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="where to listen (default: this computer alone)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=int,
        help="where to listen; default: the own port of the archive's settings",
    )
    parser.add_argument(
        "--from",
        metavar="TITLE",
        dest="senders",
        action="append",
        default=[],
        help="a title that may send; may be given several times; needed with --address",
    )
    parser.add_argument(
        "--settle-s",
        metavar="S",
        type=float,
        default=15.0,
        help="a series counts as whole after so many seconds without another picture (default: 15); 20 times as many "
        "where it was broken off",
    )
    parser.add_argument(
        "--most-series", metavar="N", type=int, default=50, help="that wait at once (default: 50)"
    )
    parser.add_argument(
        "--quota-mb", metavar="N", type=int, default=20_000, help="size of the spool (default: 20000)"
    )
    parser.add_argument(
        "--what", metavar="LIST", default=USUAL, help=f"any of {', '.join(WHATS[:-1])} (default: {USUAL})"
    )
    parser.add_argument(
        "--engine", choices=values(EngineName), default=EngineName.AUTO.value, help="as of plan"
    )
    parser.add_argument(
        "--device", choices=values(DeviceName), default=DeviceName.AUTO.value, help="as of plan"
    )
    parser.add_argument(
        "--mode", choices=values(ModeName), default=ModeName.THOROUGH.value, help="as of plan"
    )
    add_archive_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Serve until it is stopped."""
    from spinect_core.io.pacs.spool import Limits, Spool
    from spinect_core.pipeline.serving import HERE, Service, Station, make_apart

    what = kinds_of(options.what)
    if not what or "ct" in what:
        raise UsageError("That cannot be sent", f"Use {', '.join(WHATS[:-1])}", parameter="what")
    if options.address != HERE and not options.senders:
        raise UsageError(
            "Whoever reaches this address could send", "Name the titles that may", parameter="senders"
        )
    if options.settle_s < 0 or options.most_series < 1 or options.quota_mb < 1:
        raise UsageError("A limit is not positive", "Give a larger one", parameter="most_series")
    access = access_of(options)
    archive = access.archive
    station = Station(
        archive.own_title, options.port or archive.own_port, options.address, tuple(options.senders)
    )
    planning = {"engine": options.engine, "device": options.device, "mode": options.mode, "what": what}
    spool = Spool(options.spool, Limits(options.most_series, options.quota_mb))
    try:
        make = partial(make_apart, options=json.dumps(planning))
        service = Service(spool, access, make, options.settle_s, partial(print, flush=True))
        with service.listening(station):
            print(f"listening {station.title} at {station.address}:{station.port}", flush=True)
            service.run(cancel)
    finally:
        spool.close()
    return 0
