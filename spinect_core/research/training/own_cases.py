"""A user's own CTs with labels: which file belongs to which, and each pair prepared as for planning."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpinectError, UsageError
from spinect_core.base.files import is_there, read_bounded
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.reasons import reason
from spinect_core.image.region import Region
from spinect_core.image.volume import NERVE, Labels, Volume
from spinect_core.io.reading import ReadOptions, read_ct
from spinect_core.io.reading.images import bare_name, is_image_name
from spinect_core.preprocessing.find_region import find_lumbosacral_region
from spinect_core.preprocessing.prepare import NEAREST, prepare
from spinect_core.research.training.cases import Case, CaseFiles, load_case, save_case
from spinect_core.research.training.label_files import read_case_labels

TABLE = "cases.csv"
LARGEST_TABLE = 10_000_000
REGIONS = ("found", "labels")
MARGIN_MM = 10.0
PREPARATION = "2"
"""Counted up when cases are prepared in another way, so that those prepared before are not taken from a cache."""
_LABEL_WORD = re.compile(r"(?i)(^|[._ -])(labels?|seg|segmentation|masks?)$")
_CT_WORD = re.compile(r"(?i)(^|[._ -])(ct|image|volume|0000)$")


@dataclass(frozen=True)
class Pair:
    """A CT and its labels, not read yet.

    Attributes:
        name: of the case, once in a list.
        patient: whose it is.
        ct: file or DICOM folder.
        labels: file.
    """

    name: str
    patient: str
    ct: Path
    labels: Path


def find_pairs(folder: Path) -> list[Pair]:
    """The pairs in a folder.

    With a table ``cases.csv`` in it, those of the table: columns ``ct``, ``labels`` and, if wanted, ``patient``, paths
    counted from the folder. Without: in the folder and all folders in it, a label file (``labels``, ``NAME_labels``,
    ``NAME_seg``, ``NAME.seg.nrrd``, ...) with the CT of the same name (``ct``, ``NAME``, ``NAME_ct``), or with the only
    folder beside it, read as DICOM. The first folder on the way is the patient.

    Raises:
        ReadingError: nothing there, or labels without a CT.
        UsageError: the table lacks a column or names a file that is not there.
    """
    if not folder.is_dir():
        raise ReadingError("There is no such folder", "Give the folder that holds CTs and labels", folder)
    if (folder / TABLE).exists():
        return _from_table(folder)
    pairs = []
    for labels in sorted(path for path in folder.rglob("*") if path.is_file() and is_labels(path)):
        ct = _ct_beside(labels)
        inside = labels.relative_to(folder).parts
        key = _key(labels, _LABEL_WORD)
        name = "_".join([*inside[:-1], *([key] if key else [])]) or folder.name
        pairs.append(Pair(name, inside[0] if len(inside) > 1 else name, ct, labels))
    if not pairs:
        raise ReadingError(
            "No file is called like labels",
            "Name them as in ct.nii.gz and labels.nii.gz, or NAME.nrrd and NAME.seg.nrrd, or list them in cases.csv",
            folder,
        )
    return pairs


def is_labels(path: Path) -> bool:
    """Whether a file is called like labels."""
    return is_image_name(path.name) and bool(_LABEL_WORD.search(bare_name(path)))


def _key(path: Path, word: re.Pattern[str]) -> str:
    """A file's name without the word that says what it is."""
    return word.sub("", bare_name(path)).lower()


def _ct_beside(labels: Path) -> Path:
    key = _key(labels, _LABEL_WORD)
    others = [
        p
        for p in sorted(labels.parent.iterdir())
        if p.is_file() and is_image_name(p.name) and not is_labels(p)
    ]
    named = [p for p in others if _key(p, _CT_WORD) == key]
    folders = [p for p in labels.parent.iterdir() if p.is_dir()]
    if len(named) == 1:
        return named[0]
    if not named and not others and len(folders) == 1:
        return folders[0]
    found = ", ".join(p.name for p in named or others) or "no other image"
    raise ReadingError(
        f"Which CT these labels belong to is not clear (beside them: {found})",
        f"Name the CT {key or 'ct'}.nii.gz or {key + '_ct' if key else 'ct'}.nrrd, or list the pairs in {TABLE}",
        labels,
    )


def _from_table(folder: Path) -> list[Pair]:
    table = folder / TABLE
    try:
        text = read_bounded(table, LARGEST_TABLE).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(
            f"The table cannot be read ({reason(error)})", "Save it as CSV in UTF-8", table
        ) from error
    pairs = []
    for number, row in enumerate(rows, start=2):
        ct, labels = (row.get("ct") or "").strip(), (row.get("labels") or "").strip()
        if not ct or not labels:
            raise UsageError(f"Line {number} lacks a CT or labels", "Fill the columns ct and labels", table)
        for path in (ct, labels):
            if not is_there(folder / path):
                raise UsageError(
                    f"Line {number} names {path}, and there is no such file or folder",
                    "Correct the path",
                    table,
                )
        name = f"{Path(labels).parent.as_posix()}/{bare_name(Path(labels))}"
        name = re.sub(r"[^\w-]+", "_", name).strip("_")
        pairs.append(Pair(name, (row.get("patient") or "").strip() or name, folder / ct, folder / labels))
    if not pairs:
        raise UsageError("The table lists no case", "Add a line for each CT", table)
    return pairs


def prepare_case(
    volume: Volume, labels: Labels, name: str = "", region: str = "found", voxels: str = NEAREST
) -> Case:
    """A CT and its labels as the network will be shown them: 1 mm, cropped, by :func:`prepare` as for planning.

    Args:
        volume: the CT.
        labels: on its grid.
        name: of the case.
        region: ``found`` for the region the program would choose when planning, enlarged where nerve lies outside it;
            ``labels`` for the labelled part with a margin of 10 mm, where bone was not labelled beyond.
        voxels: of 1 mm: ``nearest`` or ``mean``, see :func:`prepare`.

    Raises:
        UsageError: another word for the region or the voxels.
    """
    if region not in REGIONS:
        raise UsageError(f"There is no region {region!r}", f"Use {' or '.join(REGIONS)}", parameter="region")
    if region == "labels":
        low, high = _bounds(labels, labels.array > 0)
    else:
        found = find_lumbosacral_region(volume)
        low, high = _bounds(labels, labels.array == NERVE)
        low, high = np.minimum(low, found.minimum), np.maximum(high, found.maximum)
    prepared = prepare(volume, Region(tuple(low), tuple(high), note="for training"), voxels)
    values = np.nan_to_num(volume.array, nan=-1024)
    hu = np.clip(np.rint(prepared.intensity(values)), -1024, 4095)
    return Case(hu.astype(np.int16), prepared.sample_labels(labels.array), name)


def _bounds(
    labels: Labels, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[FloatArray, FloatArray]:
    """LPS mm of the corners of what a mask holds, 10 mm further out."""
    indices = np.array(
        [
            [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))[end] for axis in range(3)]
            for end in (0, -1)
        ]
    )
    corners = labels.geometry.to_patient(
        [(indices[a, 0], indices[b, 1], indices[c, 2]) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    )
    return corners.min(axis=0) - MARGIN_MM, corners.max(axis=0) + MARGIN_MM


def own_cases(
    folders: Sequence[Path],
    cache: Path,
    *,
    classes: Mapping[str, str] | None = None,
    region: str = "found",
    voxels: str = NEAREST,
    assume_hu: bool = False,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CaseFiles:
    """Find, read and prepare all cases; what was prepared before and has not changed is taken from the cache.

    Args:
        folders: each looked through by :func:`find_pairs`.
        cache: folder for the prepared cases.
        classes: as for :func:`read_case_labels`.
        region: as for :func:`prepare_case`.
        voxels: likewise.
        assume_hu: take the numbers of all CTs for Hounsfield units, whatever they look like.
        progress: called for each case.
        cancel: asked before each case and while its CT is read.

    Raises:
        ReadingError: cases that cannot be used; the message names all of them.
        UsageError: two cases of one name.
        Cancelled: the user stopped it.
    """
    pairs = [pair for folder in folders for pair in find_pairs(folder)]
    names = [pair.name for pair in pairs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"Two cases are called {min(twice)}", "Rename a folder or a file", folders[0])
    paths: list[Path] = []
    faults: list[SpinectError] = []
    for place, pair in enumerate(pairs):
        check(cancel)
        progress(place / len(pairs), f"preparing {pair.name} ({place + 1} of {len(pairs)})")
        path = cache / f"{pair.name}.{_fingerprint(pair, classes, region, voxels)}.npz"
        paths.append(path)
        try:
            if path.exists():
                load_case(path)
                continue
            volume = read_ct(pair.ct, options=ReadOptions(assume_hu=assume_hu), cancel=cancel)
            labels = read_case_labels(pair.labels, volume.geometry, classes)
            save_case(prepare_case(volume, labels, pair.name, region, voxels), path)
        except (ReadingError, UsageError) as error:
            faults.append(error)
    if faults:
        more = f" (and {len(faults) - 1} more: {'; '.join(map(str, faults[1:4]))})" if len(faults) > 1 else ""
        first = faults[0]
        raise ReadingError(
            f"{first.fault}{more}", f"{first.remedy}; or take the case out of the folder", first.source
        ) from first
    return CaseFiles(paths, [pair.patient for pair in pairs])


def _fingerprint(pair: Pair, classes: Mapping[str, str] | None, region: str, voxels: str) -> str:
    """Changes when the files or the way they are prepared do."""
    ct = sorted(pair.ct.rglob("*")) if pair.ct.is_dir() else [pair.ct]
    parts = [region, voxels, PREPARATION, repr(sorted((classes or {}).items()))]
    for path in [*ct, pair.labels]:
        stat = path.stat()
        parts.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]
