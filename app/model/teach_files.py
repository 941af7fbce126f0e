"""Packs and sessions on the disk: what a student opens to practise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import PlanError, SpinectError

if TYPE_CHECKING:
    from spinect_core.teaching.pack import Pack
    from spinect_core.teaching.session import ResultRecord, SessionRecord

ENDINGS = "Packs and sessions (*.spinect-pack *.spinect-session)"


@dataclass(frozen=True, eq=False)
class Practice:
    """What was opened.

    Attributes:
        pack: of cases.
        session: of a class; None where one practises alone.
        results: where scores are kept at once; None where one practises alone.
        before: what lies there already; None where nothing does.
    """

    pack: Pack
    session: SessionRecord | None = None
    results: Path | None = None
    before: ResultRecord | None = None


def library() -> Practice:
    """All cases of the library."""
    from spinect_core.teaching.library import LIBRARY
    from spinect_core.teaching.pack import Pack

    cases = tuple(each.record(f"Case {number}") for number, each in enumerate(LIBRARY, 1))
    return Practice(Pack("The library", cases))


def open_practice(path: Path) -> Practice:
    """A pack, or the session of a class with the pack that lies beside it.

    Raises:
        PlanError: it is neither, the session's pack is not beside it, or the result beside it is not of this session.
    """
    from spinect_core.teaching.pack import SUFFIX, read_pack
    from spinect_core.teaching.session import RESULT_SUFFIX, SESSION_SUFFIX, read_session

    if path.suffix != SESSION_SUFFIX:
        return Practice(read_pack(path))
    session = read_session(path)
    for folder in (path.parent, path.parent.parent):
        for other in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                pack = read_pack(other)
            except SpinectError:
                continue  # another one may be the right one
            if pack.checksum == session.pack:
                results = path.with_name(f"{session.code}{RESULT_SUFFIX}")
                return Practice(pack, session, results, result_before(results, session))
    raise PlanError(
        "The pack of this session is not beside it",
        "Put both into one folder and open the session again",
        path,
    )


def result_before(path: Path, session: SessionRecord) -> ResultRecord | None:
    """What was handed in already in a session; None where no file is.

    Raises:
        PlanError: the file is damaged, or the result of another session: it is not to be written over.
    """
    from spinect_core.teaching.session import read_result

    if not path.exists() and not path.is_symlink():
        return None
    remedy = "Move this file elsewhere and open the session again"
    try:
        found = read_result(path)
    except SpinectError as error:
        raise PlanError(f"{error.fault}, so scores cannot be kept in it", remedy, path) from error
    if found.code != session.code:
        raise PlanError(f"This is the result of {found.code}, not of {session.code}", remedy, path)
    if found.pack != session.pack:
        raise PlanError("This result is of another pack than the session", remedy, path)
    if not found.is_signed(session.key):
        raise PlanError(
            "This result was changed, or made with another session file: its signature does not hold",
            remedy,
            path,
        )
    return found
