"""A class: what each student gets, what each hands in, and how it is signed.

The teacher keeps ``teacher.json`` with the key of the class. Each student gets a session file of his own with a key
that is derived from it and his code, and hands in one small result file, signed with that key (HMAC-SHA256). The
signature shows that a result was not changed or damaged on its way, and that it was made with this student's session
file: none can hand in under the code of another. It does not stop a student who takes the key out of his own file from
signing a result that he has written himself; a score that counts is scored again from the attempts (``spinect teach
score``).
"""

from __future__ import annotations

import hmac
import random
import secrets
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from spinect_core.base.errors import PlanError, SpinectError, UsageError
from spinect_core.base.files import NotPlain, read_bounded, write_whole
from spinect_core.base.plain import json_text, parse_json
from spinect_core.base.reasons import reason
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.plan.plan import check_schema
from spinect_core.plan.records import NotNegative, Record, Text, Whole
from spinect_core.teaching.pack import Pack
from spinect_core.teaching.records import (
    MOST_TASKS,
    AttemptRecord,
    Key,
    ScoreRecord,
    Seconds,
    Title,
)
from spinect_core.teaching.words import Grade

SESSION, CLASS, RESULT = "spinect-teaching-session", "spinect-teaching-class", "spinect-teaching-result"
SCHEMA = 1
SESSION_SUFFIX, RESULT_SUFFIX = ".spinect-session", ".spinect-result"
MOST_STUDENTS, MOST_STEPS, MOST_RESULTS = 500, 2000, 4000
LARGEST = 50_000_000
"""Bytes of one of these files."""
_KEY = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]
_Read = TypeVar("_Read", bound=Record)


class Order(StrEnum):
    """In which the tasks come."""

    GIVEN = "given"
    EASY_FIRST = "easy-first"
    SHUFFLED = "shuffled"


class StepRecord(Record):
    """A task of a session.

    Attributes:
        case: name of it.
        task: number of the task in the case.
    """

    case: Key
    task: Annotated[Whole, Field(ge=0, lt=MOST_TASKS)]


class SessionRecord(Record):
    """What one student gets.

    Attributes:
        format: what the file is.
        schema_number: of the file.
        notice: that every file of the program carries.
        title: of the session.
        pack: SHA-256 of the pack's content.
        code: that stands for the student.
        key: to sign with.
        steps: what to do, in order.
        seconds: for all of it; 0 for no limit.
    """

    format: Text = SESSION
    schema_number: Annotated[int, Field(alias="schema")] = SCHEMA
    notice: Text = NOTICE
    title: Title
    pack: _KEY
    code: Key
    key: _KEY
    steps: Annotated[tuple[StepRecord, ...], Field(min_length=1, max_length=MOST_STEPS)]
    seconds: Seconds = 0.0


class ClassRecord(Record):
    """What the teacher keeps.

    Attributes:
        format: what the file is.
        schema_number: of the file.
        notice: that every file of the program carries.
        title: of the session.
        pack: SHA-256 of the pack's content.
        key: of the class.
        seed: of the order.
        order: in which the tasks come.
        codes: of the students.
        steps: in the order of the pack.
        seconds: for all of it; 0 for no limit.
    """

    format: Text = CLASS
    schema_number: Annotated[int, Field(alias="schema")] = SCHEMA
    notice: Text = NOTICE
    title: Title
    pack: _KEY
    key: _KEY
    seed: Annotated[Whole, Field(ge=0, le=2**32)] = 0
    order: Order = Order.GIVEN
    codes: Annotated[tuple[Key, ...], Field(min_length=1, max_length=MOST_STUDENTS)]
    steps: Annotated[tuple[StepRecord, ...], Field(min_length=1, max_length=MOST_STEPS)]
    seconds: Seconds = 0.0

    def key_of(self, code: str) -> str:
        """The key of a student."""
        return hmac.new(bytes.fromhex(self.key), code.encode("utf-8"), sha256).hexdigest()


class DoneRecord(Record):
    """An attempt with its score.

    Attributes:
        attempt: what was handed in.
        score: what it was worth.
    """

    attempt: AttemptRecord
    score: ScoreRecord


class ResultRecord(Record):
    """What one student hands in.

    Attributes:
        format: what the file is.
        schema_number: of the file.
        notice: that every file of the program carries.
        program: version that scored it.
        pack: SHA-256 of the pack's content.
        code: that stands for the student.
        opened_s: when the session was first opened, seconds since 1970; 0 where that is not known.
        done: attempts in the order in which they were handed in.
        signature: of all the rest, in hexadecimal digits.
    """

    format: Text = RESULT
    schema_number: Annotated[int, Field(alias="schema")] = SCHEMA
    notice: Text = NOTICE
    program: Text = __version__
    pack: _KEY
    code: Key
    opened_s: Annotated[NotNegative, Field(le=1e11)] = 0.0
    done: Annotated[tuple[DoneRecord, ...], Field(max_length=MOST_RESULTS)] = ()
    signature: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")] = ""

    def signed(self, key: str) -> ResultRecord:
        """A copy that is signed."""
        return self.replaced(signature=self._sign(key))

    def is_signed(self, key: str) -> bool:
        """Whether it is as it was when it was signed with a key."""
        return hmac.compare_digest(self.signature, self._sign(key))

    def _sign(self, key: str) -> str:
        facts = {name: value for name, value in self.to_dict().items() if name != "signature"}
        return hmac.new(bytes.fromhex(key), json_text(facts).encode("utf-8"), sha256).hexdigest()


def new_class(
    pack: Pack,
    codes: Sequence[str],
    *,
    title: str = "",
    order: Order = Order.GIVEN,
    seed: int = 0,
    seconds: float = 0.0,
    key: str | None = None,
) -> ClassRecord:
    """A class over all tasks of a pack.

    Args:
        pack: of cases.
        codes: that stand for the students; no names.
        title: of the session; that of the pack if empty.
        order: in which the tasks come.
        seed: of a shuffled order.
        seconds: for all of it; 0 for no limit.
        key: of the class, 64 hexadecimal digits; drawn by the system if absent.

    Raises:
        UsageError: a code twice.
        PlanError: what no file can hold.
    """
    if len(set(codes)) != len(codes):
        raise UsageError("Two students have one code", "Give each student a different code")
    steps = [StepRecord(case=case.name, task=k) for case in pack.cases for k in range(len(case.tasks))]
    return ClassRecord(
        title=title or pack.title,
        pack=pack.checksum,
        key=key or secrets.token_hex(32),
        seed=seed,
        order=order,
        codes=tuple(codes),
        steps=tuple(steps),
        seconds=seconds,
    )


def session_for(made: ClassRecord, pack: Pack, code: str) -> SessionRecord:
    """What the student of a code gets.

    Raises:
        UsageError: the class has no such student.
    """
    if code not in made.codes:
        raise UsageError(f"The class has no student {code!r}", f"Choose from {', '.join(made.codes[:20])}")
    steps = list(made.steps)
    if made.order == Order.EASY_FIRST:
        steps.sort(key=lambda step: tuple(Grade).index(pack.case(step.case).grade))
    elif made.order == Order.SHUFFLED:
        # Whole cases change places: a case is drawn once, and its tasks build on each other.
        names = list(dict.fromkeys(step.case for step in steps))
        random.Random(f"{made.seed} {code}").shuffle(names)
        steps.sort(key=lambda step: names.index(step.case))
    return SessionRecord(
        title=made.title,
        pack=made.pack,
        code=code,
        key=made.key_of(code),
        steps=tuple(steps),
        seconds=made.seconds,
    )


def check_pack(record: SessionRecord | ClassRecord | ResultRecord, pack: Pack) -> None:
    """Refuse a pack that a session was not made with.

    Raises:
        PlanError: it is another one.
    """
    if record.pack != pack.checksum:
        raise PlanError("The session was made with another pack", "Take the pack that came with it")


# ------------------------------------------------------------------------------------------------------------ files


def write_record(record: Record, path: Path | str) -> None:
    """Write a session, class or result, in one move.

    Raises:
        PlanError: it holds what no file can.
        OutputError: the file cannot be written.
    """
    try:
        content = json_text(record.to_dict()).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise PlanError(f"It cannot be stored ({reason(error)})", "Mend its texts", path) from error
    write_whole(path, content)


def read_session(path: Path | str) -> SessionRecord:
    """Read what a student got.

    Raises:
        PlanError: no such file, or none of that kind.
    """
    return _read(SessionRecord, SESSION, "session of a student", path)


def read_class(path: Path | str) -> ClassRecord:
    """Read what a teacher keeps.

    Raises:
        PlanError: no such file, or none of that kind.
    """
    return _read(ClassRecord, CLASS, "file of a class", path)


def read_result(path: Path | str) -> ResultRecord:
    """Read what a student handed in; whether it is signed is asked of the record.

    Raises:
        PlanError: no such file, or none of that kind.
    """
    return _read(ResultRecord, RESULT, "result of a student", path)


def read_json(path: Path | str, what: str) -> Any:
    """The data of a JSON file that somebody chose.

    Raises:
        PlanError: no such file, too large, or no JSON.
    """
    try:
        return parse_json(read_bounded(path, LARGEST).decode("utf-8"))
    except NotPlain as error:
        raise PlanError(
            f"The {what} cannot be read: {error.strerror or error}", "Choose another file", path
        ) from error
    except OSError as error:
        raise PlanError(
            f"The {what} cannot be read ({error.strerror or error})", "Choose a file that is there", path
        ) from error
    except (ValueError, RecursionError) as error:
        raise PlanError(f"This is no {what} ({reason(error)})", "Choose another file", path) from error


def _read(kind: type[_Read], name: str, what: str, path: Path | str) -> _Read:
    data = read_json(path, what)
    if not isinstance(data, dict) or data.get("format") != name:
        raise PlanError(f"This is no {what}", "Choose another file", path)
    check_schema(what, data.get("schema"), 1, SCHEMA, path)
    try:
        return kind.from_dict(data)
    except SpinectError as error:
        raise PlanError(error.fault, error.remedy, path) from error
