"""DIMSE: C-ECHO, C-FIND, C-GET, C-MOVE to a listener of our own, C-STORE; by pynetdicom."""

from __future__ import annotations

import logging
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from spinect_core.base.errors import ArchiveError
from spinect_core.io.pacs import faults
from spinect_core.io.pacs.archive import Archive
from spinect_core.io.pacs.arriving import CTS, SYNTAXES, Arriving
from spinect_core.io.pacs.encryption import tls_context
from spinect_core.io.pacs.level import Level
from spinect_core.io.pacs.line import Line
from spinect_core.io.reading.quiet import quiet_dicom

CONNECT_S = 10.0
ECHO = "1.2.840.10008.1.1"
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
"""Study Root Query/Retrieve (DICOM PS3.4 C.6.2)."""
_AGAIN = "Search again, or ask the administrator of the archive"
PENDING = (0xFF00, 0xFF01)
MESSAGE = 1


def _quiet() -> None:
    """The library logs what it sends and receives: names of patients too."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


def application(title: str, patience_s: float) -> Any:
    """This program on a network of DICOM.

    Args:
        title: its own.
        patience_s: how long an answer may take.
    """
    from pynetdicom.ae import ApplicationEntity

    _quiet()
    found = ApplicationEntity(ae_title=title)
    found.connection_timeout = found.acse_timeout = min(CONNECT_S, patience_s)
    found.dimse_timeout = patience_s
    found.network_timeout = 2 * patience_s
    return found


class _Heard:
    """What the archive answered before there was an association."""

    def __init__(self) -> None:
        self.rejection: tuple[int, int] | None = None
        self.accepted = False

    def __call__(self, event: Any) -> None:
        from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ

        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            self.rejection = (int(event.pdu.source or 0), int(event.pdu.reason_diagnostic or 0))
        self.accepted |= isinstance(event.pdu, A_ASSOCIATE_AC)


@contextmanager
def association(
    archive: Archive,
    contexts: Sequence[tuple[str, Sequence[str]]],
    line: Line,
    *,
    receives: Arriving | None = None,
    what: str,
) -> Iterator[Any]:
    """An association with an archive, released at the end.

    Args:
        archive: whose host, port and title are set.
        contexts: what is asked for: service and its transfer syntaxes.
        line: who waits.
        receives: takes what the archive delivers within the association.
        what: is asked for, in words.

    Raises:
        ArchiveError: it cannot be reached, or refuses.
        Cancelled: nobody waits any more.
    """
    from pynetdicom import evt
    from pynetdicom.presentation import build_context, build_role

    heard = _Heard()
    entity = application(archive.own_title, archive.patience_s)
    handlers: list[Any] = [(evt.EVT_PDU_RECV, heard)]
    asked = [build_context(service, list(syntaxes)) for service, syntaxes in contexts]
    roles = []
    if receives is not None:
        handlers.append((evt.EVT_C_STORE, receives.handle))
        asked += [build_context(kind, syntax) for kind in CTS for syntax in SYNTAXES]
        roles = [build_role(kind, scp_role=True) for kind in CTS]
    line.check()
    encryption = (tls_context(archive), archive.host) if archive.tls else None
    began = time.monotonic()
    with warnings.catch_warnings():
        # The library lets go of its socket without closing it where nothing listens.
        warnings.filterwarnings("ignore", "unclosed", ResourceWarning)
        try:
            opened = entity.associate(
                archive.host,
                archive.port,
                contexts=asked,
                ae_title=archive.title,
                ext_neg=roles,
                evt_handlers=handlers,
                tls_args=encryption,
            )
        except OSError as error:  # of the name; what follows it the library keeps to itself
            raise faults.not_reached(archive, archive.computer, error) from error
    line.closed_by(lambda: opened.abort(block=False))
    if not opened.is_established:
        line.check()
        if heard.rejection is not None:
            raise faults.rejected(archive, *heard.rejection)
        if heard.accepted:
            raise not_offered(archive, what)
        reach(archive, line)
        if time.monotonic() - began > 0.9 * entity.acse_timeout:
            raise faults.slow(archive, archive.computer)
        raise ArchiveError(
            f"{archive.computer} takes the connection and does not answer as a DICOM archive does",
            "Check the port in the settings of the archive, and whether it is encrypted",
            archive.name,
        )
    try:
        yield opened
    except RuntimeError as error:  # the library's, where the association ended meanwhile
        line.check()
        raise ArchiveError(f"The archive broke off during {what}", faults.WAIT, archive.name) from error
    except BaseException:
        opened.abort(block=False)
        raise
    if opened.is_established:
        opened.release()


def not_offered(archive: Archive, what: str) -> ArchiveError:
    """The archive does not know a service."""
    return ArchiveError(
        f"The archive does not offer {what} to {archive.own_title}",
        f"Ask its administrator to allow it, and to {faults.told_administrator(archive)}",
        archive.name,
    )


def reach(archive: Archive, line: Line) -> str:
    """Make sure, once in a piece of work, that an archive can be reached: the library does not say why it cannot.

    Not before it has failed: to an archive a connection that says nothing is one of the few that it allows.

    Returns:
        The address of this computer by which it is reached.

    Raises:
        ArchiveError: it cannot.
    """
    if archive.computer not in line.reached:
        try:
            with closing(socket.create_connection((archive.host, archive.port), CONNECT_S)) as plain:
                own = str(plain.getsockname()[0])
                if archive.tls:
                    with tls_context(archive).wrap_socket(plain, server_hostname=archive.host):
                        pass
        except OSError as error:
            raise faults.not_reached(archive, archive.computer, error) from error
        line.reached[archive.computer] = own
    return archive.own_address or line.reached[archive.computer]


def broken(archive: Archive, waited_s: float, what: str) -> ArchiveError:
    """The archive gave no answer: it is slow, or gone."""
    if waited_s > 0.9 * archive.patience_s:
        return faults.slow(archive, archive.computer)
    return ArchiveError(f"The archive broke off during {what}", faults.WAIT, archive.name)


def _timed(answers: Iterator[Any]) -> Iterator[tuple[float, Any, Any]]:
    """Answers, each with the seconds that it took."""
    while True:
        began = time.monotonic()
        try:
            status, entry = next(answers)
        except StopIteration:
            return
        yield time.monotonic() - began, status, entry


def echo(archive: Archive, line: Line) -> None:
    """Ask an archive whether it hears (C-ECHO).

    Raises:
        ArchiveError: it does not, or refuses.
        Cancelled: nobody waits any more.
    """
    with association(archive, [(ECHO, SYNTAXES[:2])], line, what="C-ECHO") as opened:
        began = time.monotonic()
        status = opened.send_c_echo().get("Status")
        line.check()
        if status is None:
            raise broken(archive, time.monotonic() - began, "C-ECHO")
        if status:
            raise faults.status_fault(archive, status, "C-ECHO")


def find(
    archive: Archive, level: Level, filters: dict[str, str], fields: Sequence[str], most: int, line: Line
) -> tuple[list[Dataset], bool]:
    """What an archive has (C-FIND).

    Args:
        archive: the archive.
        level: of what is asked for.
        filters: values by keyword.
        fields: keywords of what is wanted back.
        most: results.
        line: who waits.

    Returns:
        The results, and whether there are more of them.

    Raises:
        ArchiveError: it cannot be reached, refuses, or does not answer.
        Cancelled: nobody waits any more.
    """
    wanted = Dataset()
    if not all(value.isascii() for value in filters.values()):
        wanted.SpecificCharacterSet = "ISO_IR 192"
    wanted.QueryRetrieveLevel = level.value
    for keyword in (*fields, *filters):
        setattr(wanted, keyword, filters.get(keyword, ""))
    found: list[Dataset] = []
    with association(archive, [(FIND, SYNTAXES[:2])], line, what="C-FIND") as opened, quiet_dicom():
        for waited, status, entry in _timed(opened.send_c_find(wanted, FIND, msg_id=MESSAGE)):
            line.check()
            code = status.get("Status")
            if code is None:
                raise broken(archive, waited, "C-FIND")
            if code in PENDING and entry is not None:
                if len(found) == most:
                    # Whatever the archive makes of a C-CANCEL, it is not listened to any longer.
                    opened.abort(block=False)
                    return found, True
                found.append(entry)
            elif code and code not in PENDING:
                raise faults.status_fault(archive, code, "C-FIND")
    return found, False


def _one_series(study: str, series: str) -> Dataset:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = Level.SERIES.value
    wanted.StudyInstanceUID, wanted.SeriesInstanceUID = study, series
    return wanted


def get(archive: Archive, study: str, series: str, arriving: Arriving, line: Line) -> None:
    """Have a series delivered within the association (C-GET).

    Raises:
        ArchiveError: it cannot be reached, refuses, or does not answer.
        ReadingError: the series is too large.
        OutputError: the disk refused.
        Cancelled: nobody waits any more.
    """
    with association(archive, [(GET, SYNTAXES[:2])], line, receives=arriving, what="C-GET") as opened:
        if not any(context.abstract_syntax == GET for context in opened.accepted_contexts):
            raise not_offered(archive, "C-GET")
        answers = opened.send_c_get(_one_series(study, series), GET, msg_id=MESSAGE)
        _until_done(archive, answers, "C-GET", arriving, line)


def move(archive: Archive, study: str, series: str, arriving: Arriving, line: Line) -> None:
    """Have a series delivered to a listener of our own (C-MOVE), which listens as long as this runs.

    It listens at the address by which the archive is reached, takes only what is called by its title, and keeps only
    pictures of the series.

    Raises:
        ArchiveError: it cannot be reached, refuses, does not know this program, or does not answer.
        ReadingError: the series is too large.
        OutputError: the disk refused.
        Cancelled: nobody waits any more.
    """
    if archive.tls:
        raise ArchiveError(
            "C-MOVE delivers to this program, which has no certificate of its own to encrypt that",
            "Have the archive offer DICOMweb or C-GET",
            archive.name,
        )
    with (
        _listening(archive, arriving, line),
        association(archive, [(MOVE, SYNTAXES[:2])], line, what="C-MOVE") as opened,
    ):
        answers = opened.send_c_move(_one_series(study, series), archive.own_title, MOVE, msg_id=MESSAGE)
        _until_done(archive, answers, "C-MOVE", arriving, line)


def _until_done(archive: Archive, answers: Iterator[Any], what: str, arriving: Arriving, line: Line) -> None:
    for waited, status, _ in _timed(answers):
        arriving.raise_fault()
        line.check()
        code = status.get("Status")
        if code is None:
            raise broken(archive, waited, what)
        if code in PENDING or code == 0:
            continue
        if code == 0xB000:  # some were not taken: what is missing is counted afterwards
            return
        raise faults.status_fault(archive, code, what)
    arriving.raise_fault()


@contextmanager
def _listening(archive: Archive, arriving: Arriving, line: Line) -> Iterator[None]:
    from pynetdicom import evt

    entity = application(archive.own_title, archive.patience_s)
    entity.require_called_aet = True
    for kind in CTS:
        entity.add_supported_context(kind, list(SYNTAXES))
    address = reach(archive, line)
    try:
        server = entity.start_server(
            (address, archive.own_port), block=False, evt_handlers=[(evt.EVT_C_STORE, arriving.handle)]
        )
    except OSError as error:
        raise ArchiveError(
            f"This program cannot listen at {address}:{archive.own_port} ({error.strerror or 'refused'})",
            "Enter another port in the settings of the archive, and tell its administrator",
            archive.name,
        ) from error
    try:
        yield
    finally:
        server.shutdown()


Told = Callable[[int, ArchiveError | None], None]
"""Called with the number of a file from 0 and why it was not taken, if it was not."""


def store(archive: Archive, files: Sequence[tuple[Path, str, str]], told: Told, line: Line) -> None:
    """Send objects (C-STORE), each as the bytes that are in its file.

    Args:
        archive: the archive.
        files: each with its kind (SOP class) and transfer syntax.
        told: hears of each file.
        line: who waits.

    Raises:
        ArchiveError: it cannot be reached, refuses all, is full, or does not answer; what was sent before, was.
        Cancelled: nobody waits any more.
    """
    from pynetdicom import _config

    _config.STORE_SEND_CHUNKED_DATASET = True
    kinds = sorted({(kind, syntax) for _, kind, syntax in files})
    with association(archive, [(kind, [syntax]) for kind, syntax in kinds], line, what="C-STORE") as opened:
        taken = {
            (str(each.abstract_syntax), str(each.transfer_syntax[0])) for each in opened.accepted_contexts
        }
        for number, (path, kind, syntax) in enumerate(files):
            line.check()
            if (kind, syntax) not in taken:
                told(number, not_taken(archive, kind))
                continue
            began = time.monotonic()
            code = opened.send_c_store(path).get("Status")
            line.check()
            if code is None:
                raise broken(archive, time.monotonic() - began, "C-STORE")
            if code in faults.FULL_STATUSES:
                raise faults.status_fault(archive, code, "C-STORE")
            good = code == 0 or code in faults.TAKEN
            told(number, None if good else faults.status_fault(archive, code, "C-STORE"))


def not_taken(archive: Archive, kind: str) -> ArchiveError:
    """An archive does not take objects of a kind."""
    from pydicom.uid import UID

    return ArchiveError(
        f"The archive takes no {UID(kind).name}", "Ask its administrator to allow it", archive.name
    )
