"""A link that opens a study of an archive: ``spinect://open?archive=NAME&study=UID``.

Whoever can show a user a link can make one, so a link says no more than which study of which of the user's own archives
is meant. It can name no address and no file, and whatever does not look like that is refused as a whole.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from spinect_core.base.errors import UsageError
from spinect_core.io.pacs.wanted import is_uid

SCHEME = "spinect"
OPEN = "open"
LONGEST = 1000
LONGEST_NAME = 60
"""As in :class:`~spinect_core.io.pacs.archive.Archive`."""
FIELDS = ("archive", "study")
REMEDY = (
    "Ask who made the link for one like spinect://open?archive=NAME&study=UID, or search the archive yourself"
)


@dataclass(frozen=True)
class Link:
    """What a link asks for.

    Attributes:
        archive: name under which the user has entered an archive.
        study: StudyInstanceUID.
    """

    archive: str
    study: str


def is_link(text: str) -> bool:
    """Whether a word of the command line is meant as a link, be it right or not."""
    return text[: len(SCHEME) + 1].lower() == f"{SCHEME}:"


def link_of(text: str) -> Link:
    """What a link asks for.

    Messages repeat nothing of the link: what it says is somebody else's words.

    Raises:
        UsageError: it is not such a link to the letter.
    """
    if len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise _refused("is longer than any, or holds letters that no link has")
    try:
        parts = urlsplit(text)
        fields = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise _refused("is damaged") from None
    if parts.scheme != SCHEME or parts.netloc != OPEN or parts.path not in ("", "/") or "#" in text:
        raise _refused("asks for something else than to open a study")
    if sorted(name for name, _ in fields) != sorted(FIELDS):
        raise _refused("does not say exactly which archive and which study it means")
    told = dict(fields)
    name, study = told["archive"], told["study"]
    if not 1 <= len(name) <= LONGEST_NAME or any(unicodedata.category(each)[0] == "C" for each in name):
        raise _refused("names no archive")
    if not is_uid(study):
        raise _refused("names no study by its identifier (UID)")
    return Link(name, study)


def _refused(why: str) -> UsageError:
    return UsageError(f"This link cannot be followed: it {why}", REMEDY)
