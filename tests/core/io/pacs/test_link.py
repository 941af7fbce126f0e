"""Links are somebody else's words: what is not to the letter one to a study is refused, and none of it is repeated."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.io.pacs.link import Link, is_link, link_of

UID = "1.2.840.113619.2.55"
GOOD = f"spinect://open?archive=PACS&study={UID}"


@pytest.mark.parametrize("name", ["PACS", "Our archive (north)", "Röntgen & Co=1", "a+b", "x" * 60])
def test_a_link_names_an_archive_and_a_study(name: str) -> None:
    for text in (
        f"spinect://open?archive={quote(name, safe='')}&study={UID}",
        f"SPINECT://open/?study={UID}&archive={quote(name, safe='')}",
    ):
        assert is_link(text)
        assert link_of(text) == Link(name, UID)


BAD = {
    "another scheme": GOOD.replace("spinect:", "http:"),
    "another command": GOOD.replace("//open", "//fetch"),
    "a host": GOOD.replace("//open", "//evil.example/open"),
    "a port": GOOD.replace("//open", "//open:104"),
    "a user": GOOD.replace("//open", "//me:secret@open"),
    "a path": GOOD.replace("open?", "open/etc/passwd?"),
    "a path up": GOOD.replace("open?", "open/../x?"),
    "no slashes": GOOD.replace("//", ""),
    "a fragment": GOOD + "#x",
    "an empty fragment": GOOD + "#",
    "no archive": f"spinect://open?study={UID}",
    "no study": "spinect://open?archive=PACS",
    "an empty archive": f"spinect://open?archive=&study={UID}",
    "an empty study": "spinect://open?archive=PACS&study=",
    "two studies": f"{GOOD}&study=1.2",
    "two archives": f"{GOOD}&archive=OTHER",
    "more than is known": f"{GOOD}&fetch=yes",
    "an address": f"{GOOD}&web=https://evil.example",
    "a word alone": f"{GOOD}&x",
    "a wildcard": "spinect://open?archive=PACS&study=*",
    "a backslash": "spinect://open?archive=PACS&study=1.2%5C1.3",
    "letters": "spinect://open?archive=PACS&study=1.2.x",
    "a UID too long": f"spinect://open?archive=PACS&study=1.{'2' * 63}",
    "digits of another script": "spinect://open?archive=PACS&study=1.%D9%A2",
    "a line break in the name": f"spinect://open?archive=PA%0ACS&study={UID}",
    "a mark that turns the direction": f"spinect://open?archive=%E2%80%AEPACS&study={UID}",
    "a name that is no UTF-8": f"spinect://open?archive=%FF&study={UID}",
    "a name too long": f"spinect://open?archive={'x' * 61}&study={UID}",
    "a space": GOOD.replace("PACS", "MY PACS"),
    "a null": GOOD + "\0",
    "letters that are not ASCII": GOOD.replace("PACS", "Röntgen"),
    "endless": GOOD + "&" * 2000,
    "nothing": "spinect:",
}


@pytest.mark.parametrize("what", BAD)
def test_whatever_else_it_says_is_refused_as_a_whole_and_not_repeated(what: str) -> None:
    with pytest.raises(UsageError) as caught:
        link_of(BAD[what])
    told = str(caught.value)
    assert "This link cannot be followed" in told
    for secret in ("evil", "secret", "passwd", "OTHER", "fetch", "PA\n"):
        assert secret not in told


def test_paths_are_no_links() -> None:
    for text in ("spinect", "spinect.nii.gz", "/data/spinect:1", "C:\\spinect", "", "file:///x"):
        assert not is_link(text)
