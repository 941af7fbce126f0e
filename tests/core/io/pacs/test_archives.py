"""Archives as they are entered, tested and kept, and their passwords, which are kept nowhere but in the keyring."""

from __future__ import annotations

import datetime
import http.server
import json
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faulty_archive import faulty_archive
from orthanc import PASSWORD, USER, Orthanc, free_port
from pydicom.dataset import Dataset

from spinect_core.base.errors import ArchiveError, ReadingError, UsageError
from spinect_core.io.pacs import credentials, query
from spinect_core.io.pacs.archive import Access, Archive, archive_of
from spinect_core.io.pacs.dimse import ECHO, FIND
from spinect_core.io.pacs.examine import examine
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.query import find_studies
from spinect_core.io.pacs.settings import chosen_archive, load_archives, save_archives
from spinect_core.io.pacs.wanted import Query

MARKER = "Kennwort-Zitronenfalter"
GOOD = {"name": "A", "host": "pacs.example", "port": 104, "title": "PACS"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": "A TITLE THAT IS TOO LONG"}, "title"),
        ({"title": "A\\B"}, "title"),
        ({"port": 70000}, "port"),
        ({"host": "pacs example"}, "host"),
        ({"host": ""}, "belong together"),
        ({"host": "", "port": 0, "title": ""}, "neither"),
        ({"web": "ftp://pacs.example"}, "http"),
        ({"web": f"http://user:{MARKER}@pacs.example"}, "password"),
        ({"password": MARKER}, "password"),
        ({"name": ""}, "name"),
        ({"own_title": ""}, "own title"),
        ({"own_address": "0.0.0.0"}, "every address"),
        ({"own_address": "0"}, "every address"),
        ({"own_address": "::"}, "every address"),
        ({"web": " http://pacs.example"}, "spaces"),
    ],
)
def test_what_cannot_be_an_archive_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        archive_of(**(GOOD | change))
    assert words in str(caught.value)
    assert MARKER not in str(caught.value)


def test_capital_letters_do_not_hide_what_is_not_encrypted() -> None:
    assert archive_of(name="A", web="HTTP://pacs.example/Dicom").unencrypted == ("DICOMweb",)
    kept = archive_of(name="A", web="HTTPS://pacs.example/Dicom")
    assert (kept.web, kept.unencrypted) == ("https://pacs.example/Dicom", ())


@pytest.mark.parametrize("identity", ["*", "47?1", "4711*"])
def test_an_identifier_that_stands_for_others_is_not_asked_for(identity: str) -> None:
    with pytest.raises(UsageError, match="stand for anything"):
        Query(patient_id=identity).filters()


def test_a_number_is_of_plain_digits() -> None:
    answer = Dataset()
    answer.StudyInstanceUID, answer.StudyDescription = "1.2.3", "x"
    for text, number in (("12", 12), ("²", None), ("١٢", None), ("-1", None)):
        answer.StudyDescription = text
        assert query._number(answer, "StudyDescription") == number


def test_archives_are_kept_without_their_passwords(tmp_path: Path) -> None:
    path = tmp_path / "settings" / "archives.json"
    assert load_archives(path) == ()
    first = archive_of(**GOOD)
    second = archive_of(name="B", web="https://pacs.example/dicom-web/", user=USER, patience_s=5)
    credentials.remember_password(second, MARKER)
    save_archives([first, second], path)
    assert load_archives(path) == (first, second)
    assert second.web == "https://pacs.example/dicom-web"
    assert MARKER not in path.read_text()
    assert MARKER not in repr(credentials.access_to(second))
    assert chosen_archive([first, second], "B") is second
    with pytest.raises(UsageError, match="several archives"):
        chosen_archive([first, second], None)
    with pytest.raises(UsageError, match="No archive is called"):
        chosen_archive([first], "C")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"archives": [{"name": "A"}]}',
        json.dumps({"archives": [GOOD, GOOD]}),
        json.dumps({"archives": [GOOD | {"password": MARKER}]}),
        json.dumps({"archives": [GOOD]})[:-3] + MARKER,
    ],
)
def test_a_damaged_list_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "archives.json"
    path.write_text(text)
    with pytest.raises(ReadingError) as caught:
        load_archives(path)
    assert MARKER not in str(caught.value)


class Keyring:
    """One that remembers, and one that fails and quotes what it was given."""

    def __init__(self, broken: bool) -> None:
        self.broken, self.kept = broken, {}

    def set_password(self, service: str, account: str, password: str) -> None:
        if self.broken:
            raise RuntimeError(f"cannot keep {password}")
        self.kept[service, account] = password

    def get_password(self, service: str, account: str) -> str | None:
        if self.broken:
            raise RuntimeError("locked")
        return self.kept.get((service, account))

    def delete_password(self, service: str, account: str) -> None:
        del self.kept[service, account]


@pytest.mark.parametrize("broken", [False, True])
def test_a_password_is_in_the_keyring_or_in_memory(monkeypatch: pytest.MonkeyPatch, broken: bool) -> None:
    keyring = Keyring(broken)
    monkeypatch.setattr(credentials, "_keyring", lambda: keyring)
    archive = archive_of(name="B", web="https://pacs.example", user=USER)
    asked: list[str] = []

    def ask(archive: Archive) -> str:
        asked.append(archive.name)
        return MARKER

    assert credentials.remember_password(archive, MARKER) is not broken
    assert credentials.access_to(archive, ask).password == MARKER
    monkeypatch.setattr(credentials, "_remembered", {})  # the program is started again
    assert credentials.access_to(archive, ask).password == MARKER
    assert asked == (["B"] if broken else [])
    elsewhere = archive.model_copy(update={"web": "https://other.example"})
    assert credentials.password_of(elsewhere) is None, "another address does not get it"
    credentials.forget_password(archive)
    assert credentials.password_of(archive) is None


def test_a_test_says_what_works_and_what_to_tell_the_administrator(orthanc: Orthanc) -> None:
    found = examine(Access(orthanc.archive(), PASSWORD))
    assert {check.way: check.fault for check in found.checks} == dict.fromkeys(
        (Way.QIDO, Way.ECHO, Way.FIND, Way.GET, Way.MOVE, Way.STORE)
    )
    assert found.works
    assert f"Title SPINECT, host 127.0.0.1, port {orthanc.own_port}" in found.for_administrator
    wrong = examine(Access(orthanc.archive(title="WRONG"), "nonsense"))
    words = {check.way: check.words for check in wrong.checks}
    assert "lets nobody in with this name and password (HTTP 401)" in words[Way.QIDO]
    assert "does not answer to the title WRONG" in words[Way.ECHO]
    assert not wrong.works


def test_what_an_archive_does_not_offer_is_named() -> None:
    with faulty_archive(services=(ECHO, FIND)) as faulty:
        found = examine(Access(faulty.archive()))
    assert [check.way for check in found.checks if check.fault is not None] == [Way.GET, Way.MOVE]
    assert all("does not offer" in check.words for check in found.checks if check.fault is not None)


@contextmanager
def web_server(answer: Any, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Any]]]:
    """A server that answers to everything in one way; gives its port and what it heard."""
    heard: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, dict(self.headers)))
            answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answering(code: int, body: bytes = b"", **headers: str) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("code", "body", "words"),
    [
        (401, b"", "lets nobody in with this name and password"),
        (403, b"", "does not allow it"),
        (404, b"", "no such service"),
        (507, b"", "full or out of resources"),
        (500, b"", "could not do it (HTTP 500)"),
        (302, b"", "sends on to another address"),
        (200, b"<html>hello</html>", "not as DICOMweb does"),
    ],
)
def test_faults_of_dicomweb_are_said_in_words(code: int, body: bytes, words: str) -> None:
    with (
        web_server(answering(200, b"[]", Content_Type="application/dicom+json")) as (other, elsewhere),
        web_server(
            answering(code, body, Content_Type="text/html", Location=f"http://127.0.0.1:{other}/")
        ) as (port, heard),
    ):
        archive = archive_of(name="B", web=f"http://127.0.0.1:{port}", user=USER)
        with pytest.raises(ArchiveError) as caught:
            find_studies(Access(archive, MARKER), Query(patient_id="4711"))
    assert words in str(caught.value)
    assert MARKER not in str(caught.value)
    assert len(heard) == 1, "asked once"
    assert elsewhere == [], "nobody is followed to another address"


def test_a_refused_password_is_known_as_such_beside_another_fault() -> None:
    with web_server(answering(401, b"", Content_Type="text/html")) as (port, _):
        web = f"http://127.0.0.1:{port}"
        archive = archive_of(name="B", host="127.0.0.1", port=free_port(), title="NOBODY", web=web, user=USER)
        with pytest.raises(ArchiveError) as caught:
            find_studies(Access(archive, MARKER), Query(patient_id="4711"))
    assert caught.value.parameter == "user"
    assert ";" in str(caught.value), "both ways are told of"


def test_no_proxy_and_no_other_file_s_password_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login somebody password {MARKER}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with (
        web_server(answering(200, b"[]", Content_Type="application/dicom+json")) as (proxy, by_proxy),
        web_server(answering(200, b"[]", Content_Type="application/dicom+json")) as (port, heard),
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        archive = archive_of(name="B", web=f"http://127.0.0.1:{port}")
        find_studies(Access(archive), Query(patient_id="4711"))
    assert by_proxy == []
    assert [headers.get("Authorization") for _, headers in heard] == [None]


def test_names_and_passwords_are_in_no_log(
    orthanc: Orthanc, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        find_studies(Access(orthanc.by_web(), PASSWORD), Query(name="Quastenflosser"))
        find_studies(Access(orthanc.by_dimse()), Query(name="Quastenflosser"))
        with pytest.raises(ArchiveError):
            find_studies(Access(orthanc.by_web(), MARKER + "x"), Query(name="Quastenflosser"))
    said = caplog.text + "".join(capfd.readouterr())
    assert "uastenflosser" not in said
    assert MARKER not in said


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this computer's own, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_only_a_certificate_that_is_vouched_for_is_trusted(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = answering(200, b"[]", Content_Type="application/dicom+json")
    with web_server(answer, context) as (port, heard):
        web = archive_of(name="B", web=f"https://localhost:{port}", user=USER, patience_s=5)
        dimse = archive_of(name="B", host="localhost", port=port, title="X", tls=True, patience_s=2)
        for archive in (web, dimse):
            with pytest.raises(ArchiveError, match=r"certificate of .* is not trusted"):
                find_studies(Access(archive, MARKER), Query(patient_id="4711"))
        assert heard == [], "no password goes to a stranger"
        trusted = web.model_copy(update={"certificates": str(certificate)})
        find_studies(Access(trusted, MARKER), Query(patient_id="4711"))
        assert len(heard) == 1
        missing = web.model_copy(update={"certificates": str(certificate.with_name("none.pem"))})
        with pytest.raises(UsageError, match="not there"):
            find_studies(Access(missing, MARKER), Query(patient_id="4711"))
    with faulty_archive() as plain:
        encrypted = plain.archive(host="localhost", tls=True)
        with pytest.raises(ArchiveError, match=r"TLS|did not answer"):
            find_studies(Access(encrypted), Query(patient_id="4711"))


def test_a_computer_that_is_none_is_said_to_be() -> None:
    nowhere = archive_of(name="B", host="no-such-computer.invalid", port=104, title="X", patience_s=5)
    with pytest.raises(ArchiveError, match="No computer is known under the name"):
        find_studies(Access(nowhere), Query(patient_id="4711"))
    closed = archive_of(name="B", web=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ArchiveError, match="Nothing listens at"):
        find_studies(Access(closed), Query(patient_id="4711"))


def test_importing_the_room_connects_to_nothing() -> None:
    code = (
        "import sys\n"
        "def note(event, _):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(event)\n"
        "sys.addaudithook(note)\n"
        "import spinect_core.io.pacs.outbox, spinect_core.io.pacs.retrieve, spinect_core.io.pacs.examine\n"
        "print([name for name in ('pynetdicom', 'dicomweb_client', 'keyring') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
