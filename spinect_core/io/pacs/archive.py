"""Where an archive is, how it is spoken to, and under which name this program does."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from spinect_core.base.errors import UsageError

OWN_TITLE, OWN_PORT = "SPINECT", 11112
PATIENCE_S = 30.0
_TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
"""DICOM PS3.5 6.2, AE: at most 16 letters of ASCII, no backslash, spaces only within."""
_NAMED = re.compile(r"[A-Za-z0-9._-]{1,253}")
_HOST = re.compile(rf"{_NAMED.pattern}|[0-9A-Fa-f:.]{{2,45}}")


def _title(text: str) -> str:
    if text and not _TITLE.fullmatch(text):
        raise ValueError("a title has 1 to 16 letters of ASCII and no backslash")
    return text


def _host(text: str) -> str:
    if text and not _HOST.fullmatch(text):
        raise ValueError("it is no name or address of a computer")
    return text


def _web(text: str) -> str:
    if not text:
        return text
    if any(each.isspace() or not each.isprintable() for each in text):
        raise ValueError("an address has no spaces")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _NAMED.fullmatch(parts.hostname):
        raise ValueError("it does not begin with http:// or https:// and a computer's name")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name and a password do not belong into an address")
    if parts.query or parts.fragment:
        raise ValueError("an address of DICOMweb has no ? and no #")
    if parts.port == 0:
        raise ValueError("0 is no port")
    # HTTP:// is the same scheme (RFC 3986 3.1), and whether it encrypts is read from these letters.
    return f"{parts.scheme}{text[len(parts.scheme) :]}".rstrip("/")


def _own(text: str) -> str:
    try:
        everywhere = ipaddress.ip_address(text).is_unspecified
    except ValueError:
        everywhere = re.fullmatch(r"0[0x.]*", text.lower()) is not None  # other ways to write 0.0.0.0
    if everywhere:
        raise ValueError(
            "it stands for every address of this computer; give the one that the archive sends to"
        )
    return text


Title = Annotated[str, AfterValidator(_title)]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Archive(BaseModel):
    """An archive that the user has entered. It holds no password.

    Attributes:
        name: the user's word for it, at most 60 letters.
        web: address of its DICOMweb service, empty if it has none.
        host: its computer for DIMSE, empty if it is not spoken to that way.
        port: for DIMSE.
        title: its own title (AE title) for DIMSE.
        tls: whether DIMSE is encrypted. DICOMweb is, if its address begins with https.
        certificates: file with the certificates (PEM) that vouch for the archive; empty for those of the system.
        user: name for DICOMweb, empty if it asks for none; its password is in the system's keyring.
        own_title: of this program, which the archive has to know.
        own_port: on which this program listens while the archive delivers by C-MOVE.
        own_address: address of this computer for that; empty for the one by which the archive is reached.
        patience_s: how long an answer may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]
    web: Annotated[str, Field(max_length=500), AfterValidator(_web)] = ""
    host: Host = ""
    port: Port = 0
    title: Title = ""
    tls: bool = False
    certificates: Annotated[str, Field(max_length=4000)] = ""
    user: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f:]*$")] = ""
    own_title: Annotated[Title, Field(min_length=1)] = OWN_TITLE
    own_port: Annotated[Port, Field(ge=1)] = OWN_PORT
    own_address: Annotated[Host, AfterValidator(_own)] = ""
    patience_s: Annotated[float, Field(ge=1, le=600)] = PATIENCE_S

    @model_validator(mode="after")
    def _reachable(self) -> Archive:
        given = [bool(self.host), bool(self.port), bool(self.title)]
        if any(given) and not all(given):
            raise ValueError("host, port and title belong together")
        if not self.web and not self.host:
            raise ValueError("it has neither an address of DICOMweb nor host, port and title")
        return self

    @property
    def has_dimse(self) -> bool:
        """Whether it is spoken to by DIMSE."""
        return bool(self.host)

    @property
    def computer(self) -> str:
        """Host and port for DIMSE, as people write them."""
        return f"{self.host}:{self.port}"

    @property
    def address(self) -> str:
        """Where it is, by each way to speak to it."""
        dimse = [f"{self.title} at {self.computer}"] if self.has_dimse else []
        return ", ".join([*([self.web] if self.web else []), *dimse])

    @property
    def unencrypted(self) -> tuple[str, ...]:
        """Which of its connections anybody on the network can read."""
        web = self.web.startswith("http://")
        return (*(["DICOMweb"] if web else []), *(["DIMSE"] if self.has_dimse and not self.tls else []))


@dataclass(frozen=True)
class Access:
    """An archive with the password for it, which is in memory only and shown nowhere.

    Attributes:
        archive: where and how.
        password: for the archive's user.
    """

    archive: Archive
    password: str = field(default="", repr=False, compare=False)


def archive_of(**values: object) -> Archive:
    """An archive of what somebody entered.

    Raises:
        UsageError: a value is not right; it names the value.
    """
    try:
        return Archive.model_validate(values)
    except ValidationError as error:
        raise UsageError(fault_of(error), "Correct it in the settings of the archive", "archive") from None


def fault_of(error: ValidationError) -> str:
    """The first fault of a record, in words, without the value: it may be a password in the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = " ".join(str(each) for each in first["loc"]).replace("_", " ")
    told = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {told}" if place else told[:1].upper() + told[1:]


def certificates_of(archive: Archive) -> Path | None:
    """The file that vouches for an archive, None for what the system trusts.

    Raises:
        UsageError: it is not there.
    """
    if not archive.certificates:
        return None
    path = Path(archive.certificates)
    if not path.is_file():
        raise UsageError(
            "The file of certificates is not there",
            "Enter another one, or none for the certificates of the system",
            path,
        )
    return path
