"""The list of cases a study is made of: a folder of case folders, a CSV file or a JSON file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.base.files import NotPlain, is_there, read_bounded
from spinect_core.base.reasons import reason

LARGEST_LIST = 10_000_000
IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
PATH_KEYS = ("ct", "labels", "prediction", "structures", "truth", "measurements")
KEYS = ("case", *PATH_KEYS, "family", "seed", "series")
"""What a list may say of a case; ``ct`` and ``labels`` it must."""


@dataclass(frozen=True)
class StudyCase:
    """A case as the list names it.

    Attributes:
        name: unlike any other in the study; it appears in tables, so it must not be a patient's.
        ct: CT, anything that can be opened.
        labels: true labels on the CT's grid.
        prediction: labels to be judged, on the CT's grid; the network makes them if there are none.
        structures: every structure by number, on the CT's grid.
        truth: ``truth.json``, which names the structures and holds the courses of the nerves.
        measurements: CSV file or folder of plans of observers.
        family: what collection the case comes from.
        seed: of a phantom, else empty.
        series: key of the series, where the CT's path holds several.
    """

    name: str
    ct: Path
    labels: Path
    prediction: Path | None = None
    structures: Path | None = None
    truth: Path | None = None
    measurements: Path | None = None
    family: str = ""
    seed: str = ""
    series: str | None = None

    @property
    def group(self) -> str:
        """The family, or words for its absence."""
        return self.family or "family not stated"


def read_cases(path: Path) -> tuple[StudyCase, ...]:
    """The cases of a list; every file they name is there.

    Args:
        path: a folder with one folder a case (or a case's own folder), holding ``ct.nii.gz`` (or another image, or a
            folder ``dicom``), ``labels.*`` and, where there are any, ``prediction.*``, ``structures.*``,
            ``truth.json`` and ``measurements``; or a CSV file with a heading of :data:`KEYS`; or a JSON list of objects
            with these keys (or an object with the list as ``cases``). Paths in a list count from the list's folder.

    Raises:
        ReadingError: the list or a file it names is missing or not readable.
        UsageError: the list holds no case, an unknown key, or two cases of one name.
    """
    if path.is_dir():
        entries = _entries_of_folder(path.absolute())
    elif path.suffix.lower() == ".csv":
        entries = _entries_of_csv(path)
    elif path.suffix.lower() == ".json":
        entries = _entries_of_json(path)
    elif path.exists():
        raise UsageError("This is no list of cases", "Give a folder of cases, a .csv or a .json file", path)
    else:
        raise ReadingError("There is no such file or folder", "Correct the path of the cases", path)
    if not entries:
        raise UsageError("There is no case in it", "Each case needs a CT and its true labels", path)
    folder = path if path.is_dir() else path.parent
    cases = tuple(_case(entry, number, folder, path) for number, entry in enumerate(entries, 1))
    names = [slug(case.name) for case in cases]
    for case, name in zip(cases, names, strict=True):
        if names.count(name) > 1:
            raise UsageError(f"Two cases are called {case.name!r}", "Give each case a name of its own", path)
    return cases


def slug(name: str) -> str:
    """A case's name as a folder's name: plain letters, digits and hyphens."""
    return (
        "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()) or "case"
    )


def _entries_of_folder(folder: Path) -> list[dict[str, Any]]:
    own = _entry_of_case(folder)
    if own is not None:
        return [own]
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    return [entry for entry in map(_entry_of_case, inner) if entry is not None]


def _entry_of_case(folder: Path) -> dict[str, Any] | None:
    ct, labels = _image(folder, "ct"), _image(folder, "labels")
    if ct is None and (folder / "dicom").is_dir():
        ct = folder / "dicom"
    if ct is None or labels is None:
        return None
    found: dict[str, Any] = {"case": folder.resolve().name, "ct": ct, "labels": labels}
    found["prediction"] = _image(folder, "prediction")
    found["structures"] = _image(folder, "structures")
    for key, file in (("truth", "truth.json"), ("measurements", "measurements")):
        found[key] = folder / file if (folder / file).exists() else None
    if found["measurements"] is None and (folder / "measurements.csv").exists():
        found["measurements"] = folder / "measurements.csv"
    return found


def _image(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / (stem + suffix) for suffix in IMAGE_SUFFIXES) if p.exists()), None)


def read_text(path: Path) -> str:
    """A small text file.

    Raises:
        ReadingError: it cannot be read, is no text or is too large to be a list.
    """
    try:
        return read_bounded(path, LARGEST_LIST).decode("utf-8-sig")
    except NotPlain as error:
        raise ReadingError(
            f"This is no list of cases or measurements: {reason(error)}", "Choose the right file", path
        ) from error
    except OSError as error:
        raise ReadingError(f"The file cannot be read ({reason(error)})", "Correct the path", path) from error
    except UnicodeDecodeError as error:
        raise ReadingError("The file is no UTF-8 text", "Save it as UTF-8", path) from error


def rows_of_csv(path: Path, needed: Sequence[str], known: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file with a heading, commas or semicolons between; lines that begin with # are passed over.

    Raises:
        ReadingError: the file cannot be read, or a row has more fields than the heading.
        UsageError: the heading lacks what is needed, or holds what is not known.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=separator)
    heading = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in needed if name not in heading]
    if missing:
        raise UsageError(
            f"The heading lacks {', '.join(missing)}",
            f"Begin the file with a line of {', '.join(known)}",
            path,
        )
    unknown = [name for name in heading if name not in known]
    if unknown:
        raise UsageError(f"Unknown column {unknown[0]!r}", f"Use {', '.join(known)}", path)
    rows = []
    for number, row in enumerate(reader, 2):
        if None in row:
            raise ReadingError(
                f"Row {number} has more fields than the heading",
                "Put a field that holds a comma into quotation marks, or remove what is too much",
                path,
            )
        rows.append({(key or "").strip().lower(): (value or "").strip() for key, value in row.items()})
    return rows


def _entries_of_csv(path: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in rows_of_csv(path, ("ct", "labels"), KEYS)]


def read_json(path: Path) -> Any:
    """What a small JSON file holds.

    Raises:
        ReadingError: it cannot be read or is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ReadingError(
            f"The file is no JSON ({reason(error)})", "Correct it at that place, or write it again", path
        ) from error


def _entries_of_json(path: Path) -> list[dict[str, Any]]:
    data = read_json(path)
    if isinstance(data, Mapping):
        data = data.get("cases")
    if not isinstance(data, list) or not all(isinstance(entry, Mapping) for entry in data):
        raise ReadingError(
            "The file holds no list of cases", 'Write [{"case": ..., "ct": ..., "labels": ...}, ...]', path
        )
    return [dict(entry) for entry in data]


def _case(entry: Mapping[str, Any], number: int, folder: Path, source: Path) -> StudyCase:
    unknown = [key for key in entry if key not in KEYS]
    if unknown:
        raise UsageError(f"Case {number} has an unknown key {unknown[0]!r}", f"Use {', '.join(KEYS)}", source)
    paths: dict[str, Path | None] = {}
    for key in PATH_KEYS:
        value = entry.get(key)
        paths[key] = None if value in (None, "") else folder / str(value)
    ct, labels = paths["ct"], paths["labels"]
    if ct is None or labels is None:
        lacking = "CT" if ct is None else "true labels"
        raise UsageError(
            f"Case {number} has no {lacking}", "Each case needs a CT and its true labels", source
        )
    for key, path in paths.items():
        if path is not None and not is_there(path):
            raise ReadingError(
                f"Case {number} names this as its {key}, and there is no such file or folder",
                "Correct the list",
                path,
            )
    truth = paths["truth"]
    facts = read_json(truth) if truth is not None else {}
    if not isinstance(facts, Mapping):
        raise ReadingError(
            "This is no truth.json", "Use the one that `spinect phantom` wrote, or leave it out", truth
        )
    return StudyCase(
        name=str(entry.get("case") or f"case {number}"),
        ct=ct,
        labels=labels,
        prediction=paths["prediction"],
        structures=paths["structures"],
        truth=truth,
        measurements=paths["measurements"],
        family=_text(entry.get("family")) or _text(facts.get("family")),
        seed=_text(entry.get("seed")) or _text(facts.get("seed")),
        series=_text(entry.get("series")) or None,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
