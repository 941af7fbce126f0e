"""Passwords for archives: in the keyring of the system, or in memory where it has none. Never in a file.

What a keyring's backend says when it fails may quote what it was given, so it is shown nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from spinect_core.io.pacs.archive import Access, Archive

SERVICE = "SPINECT Planner"
_remembered: dict[str, str] = {}


def _account(archive: Archive) -> str:
    """A password belongs to a user at an address: a changed address does not get the password of the one before."""
    return f"{archive.user} at {archive.web}"


def _keyring() -> Any:
    """The library, or None where the system has no keyring that can be written to."""
    try:
        import keyring
        from keyring.backends import fail, null

        backend = keyring.get_keyring()
        return None if isinstance(backend, fail.Keyring | null.Keyring) else keyring
    except Exception:  # backends raise of many kinds when they are looked for
        return None


def has_keyring() -> bool:
    """Whether passwords outlast this program."""
    return _keyring() is not None


def needs_password(archive: Archive) -> bool:
    """Whether an archive asks for one."""
    return bool(archive.web and archive.user)


def password_of(archive: Archive) -> str | None:
    """The password that is known for an archive, None if none is."""
    if not needs_password(archive):
        return ""
    if (known := _remembered.get(_account(archive))) is not None:
        return known
    found, keyring = None, _keyring()
    if keyring is not None:
        with contextlib.suppress(Exception):  # locked, or the user declined
            found = keyring.get_password(SERVICE, _account(archive))
    return found if isinstance(found, str) else None


def remember_password(archive: Archive, password: str, *, keep: bool = True) -> bool:
    """Take note of a password.

    Args:
        archive: whose user it belongs to.
        password: in memory until the program ends.
        keep: whether it goes into the system's keyring as well.

    Returns:
        Whether the keyring holds it.
    """
    _remembered[_account(archive)] = password
    keyring = _keyring() if keep else None
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, _account(archive), password)
    except Exception:  # locked, or the user declined
        return False
    return True


def forget_password(archive: Archive) -> None:
    """Remove a password from memory and keyring."""
    _remembered.pop(_account(archive), None)
    keyring = _keyring()
    if keyring is not None:
        with contextlib.suppress(Exception):  # there was none
            keyring.delete_password(SERVICE, _account(archive))


def access_to(archive: Archive, ask: Callable[[Archive], str] | None = None) -> Access:
    """An archive with its password.

    Args:
        archive: the archive.
        ask: gives the password where none is known; None to go without, which the archive then refuses.
    """
    known = password_of(archive)
    if known is None and ask is not None:
        known = ask(archive)
        _remembered[_account(archive)] = known
    return Access(archive, known or "")
