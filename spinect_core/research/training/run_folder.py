"""The folder of a run: what it was made with, how it went, and the files to go on from.

``config.json``, ``losses.csv``, ``validation.csv``, ``curve.png``, ``checkpoint.npz``, ``best.weights.safetensors`` and
``last.weights.safetensors``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spinect_core.base.errors import OutputError, UsageError
from spinect_core.base.files import read_bounded, write_whole
from spinect_core.research.training.recipe import TrainingConfig

BEST, LAST = "best.weights.safetensors", "last.weights.safetensors"
CHECKPOINT, CONFIG, CURVE = "checkpoint.npz", "config.json", "curve.png"
LOSSES, VALIDATION = "losses.csv", "validation.csv"

LARGEST_CONFIG = 50_000_000
"""Bytes; a run of ten thousand cases has 2 MB."""

COLUMNS: Mapping[str, Sequence[str]] = {
    LOSSES: ("step", "loss", "rate", "seconds"),
    VALIDATION: ("step", "dice_bone", "dice_nerve", "mean", "best", "cases"),
}

MAY_CHANGE = ("steps", "save_every")
"""Values of the recipe that may differ when a run goes on."""


def keep_config(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``config.json``, or check that a run that goes on is the one that was begun.

    Args:
        folder: of the run; made if need be.
        facts: ``recipe`` and ``cases`` must be those of the first time, but for :data:`MAY_CHANGE`; the rest (versions,
            device) is written anew.

    Raises:
        UsageError: a value differs; the message names it.
        OutputError: the folder cannot be written to.
    """
    path = folder / CONFIG
    if path.exists():
        before = _read_json(path)
        old_recipe, old_cases = before.get("recipe", {}), before.get("cases", {})
        # What an older program did not know, it did as the paper does.
        old_recipe = _filled(old_recipe, TrainingConfig().to_dict())
        for old, new, kind in (
            (old_recipe, facts["recipe"], "recipe"),
            (old_cases, facts["cases"], "cases"),
        ):
            for name, value in new.items():
                if name not in MAY_CHANGE and old.get(name) != value:
                    raise UsageError(
                        f"The folder holds a run with other {kind}: {_change(name, old.get(name), value)}",
                        "Give what the run was begun with, or another folder",
                        folder,
                        parameter="out",
                    )
    text = json.dumps(dict(facts), indent=2, ensure_ascii=False, sort_keys=False)
    write_whole(path, (text + "\n").encode("utf-8"))


def _filled(kept: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Values with the defaults for those that are missing, one level deep."""
    whole = {**defaults, **kept}
    for name, value in defaults.items():
        if isinstance(value, dict) and isinstance(whole[name], dict):
            whole[name] = {**value, **whole[name]}
    return whole


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bounded(path, LARGEST_CONFIG).decode("utf-8"))
        if isinstance(content, dict):
            return content
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    raise _unreadable(path)


def _unreadable(path: Path) -> UsageError:
    return UsageError(
        "The run's configuration cannot be read", "Give another folder for the run", path, parameter="out"
    )


def _change(name: str, old: object, new: object) -> str:
    """What is not as it was, so that it can be found: of many values or cases those alone that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next((key for key, value in new.items() if old.get(key) != value), None)
        if inner is not None:
            return _change(inner, old.get(inner), new[inner])
    if isinstance(old, list) and isinstance(new, list) and all(isinstance(v, str) for v in (*old, *new)):
        gone, more = (
            [value for value in one if value not in other] for one, other in ((old, new), (new, old))
        )
        told = [f"{word} {', '.join(some[:3])}{f' and {len(some) - 3} more' if len(some) > 3 else ''}"
                for word, some in (("lacks", gone), ("has besides", more)) if some]  # fmt: skip
        if told:
            return f"{name} now {' and '.join(told)}"
    return f"{name} was {_short(old)} and is now {_short(new)}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def append(folder: Path, name: str, row: Mapping[str, object]) -> None:
    """Add a row to ``losses.csv`` or ``validation.csv``.

    Raises:
        OutputError: the disk is full or refuses.
    """
    path = folder / name
    try:
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS[name], lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
    except OSError as error:
        raise OutputError(
            f"The log cannot be written ({error.strerror or error})",
            "Make room and start the same command again",
            path,
        ) from error


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a log; none if it does not exist yet."""
    path = folder / name
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if (row.get("step") or "").isdigit()]


def rewind(folder: Path, step: int, judged: int) -> None:
    """Forget what was logged after the checkpoint a run goes on from; it will be logged again.

    Raises:
        OutputError: the folder cannot be written to.
    """
    for name, last in ((LOSSES, step), (VALIDATION, judged)):
        path = folder / name
        if not path.exists():
            continue
        kept = [row for row in rows_of(folder, name) if int(row["step"]) <= last]
        lines = [",".join(COLUMNS[name])]
        lines += [",".join(row[column] or "" for column in COLUMNS[name]) for row in kept]
        write_whole(path, ("\n".join(lines) + "\n").encode("utf-8"))
