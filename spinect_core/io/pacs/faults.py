"""What an archive's refusals mean, in words, and what its administrator has to be told.

Nothing that an archive or a library says is quoted: it may hold a patient's name or a password.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from spinect_core.base.errors import ArchiveError
from spinect_core.base.reasons import reason
from spinect_core.io.pacs.archive import Archive

WAIT = "Try again later, or ask the administrator of the archive whether it runs"
FULL = "Tell the administrator of the archive; what was not taken can be sent again"
TAKEN = range(0xB000, 0xC000)
"""Statuses of C-STORE with which an object was taken, though some of it changed (DICOM PS3.4 B.2.3)."""
FULL_STATUSES = range(0xA700, 0xA800)


def told_administrator(archive: Archive) -> str:
    """What the administrator of an archive has to enter there, as the end of a remedy."""
    return (
        f"enter this program there with the title {archive.own_title}, this computer's address and port "
        f"{archive.own_port}"
    )


def rejected(archive: Archive, source: int, why: int) -> ArchiveError:
    """Why an archive did not open an association (DICOM PS3.8 9.3.4).

    Args:
        archive: the archive.
        source: who rejected: 1 the user of the service, 2 and 3 its provider.
        why: the reason.
    """
    ask = f"Ask the administrator of the archive to {told_administrator(archive)}"
    check = "Check title, host and port in the settings of the archive"
    known = {
        (1, 3): (f"The archive does not know this program's title {archive.own_title}", ask),
        (1, 7): (f"The archive does not answer to the title {archive.title}", check),
        (1, 2): ("The archive offers another service at this port", check),
        (2, 2): ("The archive speaks another version of the protocol", check),
        (3, 1): ("The archive is too busy at the moment", WAIT),
        (3, 2): ("The archive has as many connections as it allows", WAIT),
    }
    fault, remedy = known.get((source, why), ("The archive rejects the connection without a reason", ask))
    return ArchiveError(fault, remedy, archive.name)


def status_fault(archive: Archive, status: int, what: str) -> ArchiveError:
    """What a status of DIMSE other than success means.

    Args:
        archive: the archive.
        status: that it answered with.
        what: was asked for, such as ``C-STORE``.
    """
    number = f"{what} ended with status {status:04X}"
    ask = f"Ask the administrator of the archive to {told_administrator(archive)}"
    if status == 0xA801:
        return ArchiveError(
            f"The archive does not know where {archive.own_title} is ({number})", ask, archive.name
        )
    if status in FULL_STATUSES:
        return ArchiveError(f"The archive is full or out of resources ({number})", FULL, archive.name)
    if status == 0x0124:
        return ArchiveError(f"The archive does not allow it ({number})", ask, archive.name)
    if status in (0x0122, 0x0211, 0xA800):
        return ArchiveError(
            f"The archive does not offer it ({number})",
            "Ask the administrator of the archive what it takes",
            archive.name,
        )
    return ArchiveError(
        f"The archive could not do it ({number})", "Ask the administrator of the archive", archive.name
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it came from, also where a library hands it on as a value."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        further = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [one for one in further if isinstance(one, BaseException)]


def not_reached(archive: Archive, address: str, error: BaseException) -> ArchiveError:
    """Why no connection came about.

    Args:
        archive: the archive.
        address: of its computer.
        error: what the system or a library raised.
    """
    causes = list(chain(error))
    if (
        bad := next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
    ) is not None:
        return ArchiveError(
            f"The certificate of {address} is not trusted ({bad.verify_message})",
            "Enter the file of certificates that vouches for it, from the administrator of the archive",
            archive.name,
        )
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return ArchiveError(
            f"{address} does not answer with encryption (TLS), or not in a way that this program speaks",
            "Check with the administrator of the archive whether this port is encrypted",
            archive.name,
        )
    if any(isinstance(each, socket.gaierror) for each in causes) or "NameResolution" in " ".join(
        type(each).__name__ for each in causes
    ):
        return ArchiveError(
            f"No computer is known under the name of {address}",
            "Check the host in the settings of the archive, and the network",
            archive.name,
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return ArchiveError(
            f"Nothing listens at {address}",
            "Check host and port in the settings of the archive, or ask its administrator whether it runs",
            archive.name,
        )
    if any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ for each in causes):
        return slow(archive, address)
    system = next((each for each in causes if isinstance(each, OSError) and each.strerror), None)
    told = f" ({reason(system)})" if system is not None else ""
    return ArchiveError(f"The connection to {address} broke off{told}", WAIT, archive.name)


def slow(archive: Archive, address: str) -> ArchiveError:
    """There was no answer in time."""
    return ArchiveError(f"{address} did not answer within {archive.patience_s:.0f} s", WAIT, archive.name)
