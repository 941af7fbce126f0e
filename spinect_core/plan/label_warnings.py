"""What reading noticed about the CT that labels were made of, kept beside the labels' file.

No format of labels has a place for it that every program keeps. So ``labels.nii.gz`` has beside it, where there is
something to know, ``labels.nii.gz.warnings.json`` or the ``plan.json`` that names it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from spinect_core.base.errors import OutputError, PlanError
from spinect_core.base.files import write_whole
from spinect_core.base.plain import parse_json
from spinect_core.base.reasons import reason
from spinect_core.base.versions import NOTICE
from spinect_core.image.warning import ReadingWarning, joined
from spinect_core.plan.plan import read_plan, stored
from spinect_core.plan.records import Record, StoredWarnings, Text, WarningRecord

SUFFIX = ".warnings.json"
LARGEST_FILE = 1_000_000
PLAN_FILE = "plan.json"


class LabelWarnings(Record):
    """What the file beside labels holds.

    Attributes:
        format: what kind of file it is.
        schema_version: of the format.
        notice: the sentence every export carries.
        warnings: what reading noticed about the CT.
    """

    format: Literal["spinect-label-warnings"] = "spinect-label-warnings"
    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    notice: Text = NOTICE
    warnings: StoredWarnings = ()


def warnings_path(labels: Path) -> Path:
    """The file beside a file of labels."""
    return labels.with_name(f"{labels.name}{SUFFIX}")


def keep_warnings(warnings: tuple[ReadingWarning, ...], labels: Path) -> Path | None:
    """Write beside labels what reading noticed about their CT.

    Without anything to know, a file of an earlier run is taken away; a file that is none of this program's stays.

    Args:
        warnings: of the CT.
        labels: the file of the labels, which need not be there yet.

    Returns:
        The file written, None without anything to know.

    Raises:
        OutputError: the file cannot be written, or that of an earlier run not be taken away.
    """
    path = warnings_path(labels)
    if warnings:
        records = tuple(map(WarningRecord.taken_from, joined(warnings)))
        write_whole(path, stored(LabelWarnings(warnings=records).to_dict, path))
        return path
    try:
        _read(path)
        path.unlink()
    except (OSError, PlanError):
        if path.exists():
            raise OutputError(
                "Beside the labels lies a file that would be taken for warnings about their CT",
                "Move it away",
                path,
            ) from None
    return None


def warnings_of_labels(labels: Path) -> tuple[ReadingWarning, ...]:
    """What is known of the CT that labels were made of: from the file beside them, and from the plan that names them.

    What cannot be read there is a warning itself.
    """
    found: tuple[ReadingWarning, ...] = ()
    path, plan_path = warnings_path(labels), labels.with_name(PLAN_FILE)
    if path.exists():
        try:
            found = tuple(each.warning for each in _read(path).warnings)
        except (OSError, PlanError):
            text = (
                "What was noticed on reading the CT of these labels is kept beside them, but cannot be read"
            )
            found = (ReadingWarning(text, grave=True),)
    if plan_path.exists():
        try:
            plan = read_plan(plan_path)
        except PlanError:
            return found  # it may be any program's file: nothing says that it is of these labels
        if plan.files.get("labels") == labels.name:
            found = joined(found, plan.case.reading_warnings)
    return found


def _read(path: Path) -> LabelWarnings:
    if not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise PlanError("This is no file of warnings", "Move it away", path)
    try:
        return LabelWarnings.from_dict(parse_json(path.read_bytes().decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        raise PlanError(f"The file is no sound JSON ({reason(error)})", "Move it away", path) from error
