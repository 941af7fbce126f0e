"""DICOMweb: QIDO, WADO, STOW; by dicomweb-client."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from spinect_core.base.errors import ArchiveError, SpinectError
from spinect_core.io.pacs import faults
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.arriving import Arriving
from spinect_core.io.pacs.encryption import tls_context
from spinect_core.io.pacs.level import Level
from spinect_core.io.pacs.line import Line
from spinect_core.io.reading.quiet import quiet_dicom

CONNECT_S = 10.0
CHUNK = 1 << 18
"""Bytes at a time: after each it is seen whether somebody waits."""
ANY_SYNTAX = (("application/dicom", "*"),)
"""As it is stored, without being packed again."""

REFUSES_ONE = (400, 409, 415, 422)
"""Statuses of HTTP by which an object is not taken, while others may be (DICOM PS3.18 10.5.3)."""


@contextmanager
def client(access: Access, line: Line) -> Iterator[Any]:
    """A client for an archive's DICOMweb; what goes wrong with it becomes an ArchiveError.

    Raises:
        ArchiveError: it cannot be reached, or refuses.
        Cancelled: nobody waits any more.
    """
    from dicomweb_client.web import DICOMwebClient

    # They log addresses with identifiers in them.
    for name in ("dicomweb_client", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    line.check()
    archive = access.archive
    with _session() as session:
        # No proxy, no names and passwords of other files, and no following to another address.
        session.trust_env = False
        session.max_redirects = 0
        if archive.user:
            session.auth = (archive.user.encode("utf-8"), access.password.encode("utf-8"))
        if archive.web.startswith("https:"):
            session.mount("https://", _trusting(tls_context(archive)))
        line.closed_by(session.close)
        found = DICOMwebClient(
            archive.web,
            session=session,
            chunk_size=CHUNK,
            timeout=(min(CONNECT_S, archive.patience_s), archive.patience_s),
            permissive_uid=True,
        )
        found.set_http_retry_params(retry=False)
        try:
            with quiet_dicom():
                yield found
        except SpinectError:
            raise
        except Exception as error:
            line.check()
            raise _fault(access, error) from None


def _fault(access: Access, error: Exception) -> ArchiveError:
    """What went wrong, without what the libraries say of it, which may quote anything."""
    import requests

    archive = access.archive
    if isinstance(error, requests.HTTPError):
        return _answered(access, error.response.status_code)
    if isinstance(error, requests.TooManyRedirects):
        return ArchiveError(
            "Its DICOMweb sends on to another address, which is not followed",
            "Enter the address that it sends to, if it is the archive's",
            archive.name,
        )
    network = isinstance(error, requests.RequestException | OSError)
    if network and not isinstance(error, requests.exceptions.InvalidJSONError):
        return faults.not_reached(archive, archive.web, error)
    return ArchiveError(
        "It answers, but not as DICOMweb does",
        "Check the address of DICOMweb in the settings of the archive",
        archive.name,
    )


def _session() -> Any:
    import requests

    class Session(requests.Session):
        def prepare_request(self, request: Any) -> Any:
            prepared = super().prepare_request(request)
            # The same address (RFC 3986 3.4), and the only one in which Orthanc takes it for a wildcard.
            prepared.url = str(prepared.url).replace("%2A", "*")
            return prepared

    return Session()


def _trusting(context: Any) -> Any:
    """What connects with encryption, and trusts whom a context trusts."""
    from requests.adapters import HTTPAdapter

    class Trusting(HTTPAdapter):
        def init_poolmanager(self, *words: Any, **options: Any) -> None:
            super().init_poolmanager(*words, **options, ssl_context=context)

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, verify, cert)
            conn.ca_certs = conn.ca_cert_dir = None  # nobody else

    return Trusting()


def _answered(access: Access, status: int) -> ArchiveError:
    """What a status of HTTP other than success means."""
    archive = access.archive
    number = f"HTTP {status}"
    if status == 401:
        told = "without a name and password" if not archive.user else "with this name and password"
        return ArchiveError(
            f"The archive lets nobody in {told} ({number})",
            "Enter user and password in the settings of the archive",
            archive.name,
            "user",
        )
    if status == 403:
        return ArchiveError(
            f"The archive does not allow it ({number})",
            "Ask its administrator to allow it",
            archive.name,
        )
    if status in (404, 405, 501):
        return ArchiveError(
            f"There is no such service at {archive.web} ({number})",
            "Check the address of DICOMweb in the settings of the archive",
            archive.name,
        )
    if status in (413, 507):
        return ArchiveError(f"The archive is full or out of resources ({number})", faults.FULL, archive.name)
    return ArchiveError(f"The archive could not do it ({number})", faults.WAIT, archive.name)


def find(
    access: Access, level: Level, filters: dict[str, str], fields: Sequence[str], most: int, line: Line
) -> tuple[list[Dataset], bool]:
    """What an archive has (QIDO); as :func:`spinect_core.io.pacs.dimse.find`."""
    where = {key: filters[key] for key in ("StudyInstanceUID", "SeriesInstanceUID") if key in filters}
    others = {key: value for key, value in filters.items() if key not in where}
    options: dict[str, Any] = {"fields": list(fields), "search_filters": others, "limit": most + 1}
    study, series = where.get("StudyInstanceUID"), where.get("SeriesInstanceUID")
    with client(access, line) as web:
        if level is Level.STUDY:
            if study is not None:
                options["search_filters"] = {**others, "StudyInstanceUID": study}
            answers = web.search_for_studies(**options)
        elif level is Level.SERIES:
            if series is not None:
                options["search_filters"] = {**others, "SeriesInstanceUID": series}
            answers = web.search_for_series(study, **options)
        else:
            answers = web.search_for_instances(study, series, **options)
        found = [Dataset.from_json(each) for each in answers]
    line.check()
    return found[:most], len(found) > most


def get(access: Access, study: str, series: str, arriving: Arriving, line: Line) -> None:
    """Fetch a series (WADO).

    Raises:
        ArchiveError: it cannot be reached, refuses, or does not answer.
        ReadingError: the series is too large.
        OutputError: the disk refused.
        Cancelled: nobody waits any more.
    """
    with client(access, line) as web:
        for each in web.iter_series(study, series, media_types=ANY_SYNTAX):
            line.check()
            packed = io.BytesIO()
            pydicom.dcmwrite(packed, each)
            arriving.take(packed.getvalue())
            arriving.raise_fault()


def store(
    access: Access, files: Sequence[Path], told: Callable[[int, ArchiveError | None], None], line: Line
) -> None:
    """Send objects (STOW), one by one; as :func:`spinect_core.io.pacs.dimse.store`."""
    with client(access, line) as web:
        for number, path in enumerate(files):
            line.check()
            told(number, _store_one(access, web, path))


def _store_one(access: Access, web: Any, path: Path) -> ArchiveError | None:
    """Send an object; why it was not taken, if it was not.

    Raises:
        ArchiveError: the archive is full.
    """
    import requests

    try:
        answer = web.store_instances([pydicom.dcmread(path)])
    except requests.HTTPError as error:
        if error.response.status_code in REFUSES_ONE:
            return _answered(access, error.response.status_code)
        raise
    failed = answer.get("FailedSOPSequence") or []
    code = int(failed[0].get("FailureReason") or 0xC000) if failed else 0
    fault = faults.status_fault(access.archive, code, "STOW") if code else None
    if fault is not None and code in faults.FULL_STATUSES:
        raise fault
    return fault
