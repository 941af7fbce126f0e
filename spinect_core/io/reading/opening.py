"""From a path to the series it offers, and from there to a volume."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.scratch import ScratchFolder
from spinect_core.image.volume import Labels, Volume
from spinect_core.image.warning import joined
from spinect_core.io.reading.archives import is_zip, unpack
from spinect_core.io.reading.choosing import choose
from spinect_core.io.reading.dicom_headers import looks_like_dicom
from spinect_core.io.reading.dicom_joining import joined_as_asked
from spinect_core.io.reading.dicom_series import CANNOT_OPEN, dicom_entries, read_headers
from spinect_core.io.reading.folders import files_under
from spinect_core.io.reading.hounsfield import assumed
from spinect_core.io.reading.images import image_series, is_image_name, read_label_file, read_map_file
from spinect_core.io.reading.options import ASSUME_HU, JOIN_SERIES, NO_OPTIONS, ReadOptions
from spinect_core.io.reading.series import Finding, Series, name_some

_FORMATS = "Choose a CT as DICOM folder or file, zip of one, NIfTI, NRRD or MetaImage"


def list_series(
    path: str | Path,
    *,
    options: ReadOptions = NO_OPTIONS,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[Series]:
    """Every set of pictures under a path, the loadable CTs first.

    Args:
        path: a folder (looked through with all folders in it), a zip archive of one, a DICOM file (stands for its whole
            series in the same folder), or a NIfTI, NRRD or MetaImage file.
        options: what the user decided where reading would rather refuse.
        progress: called with the part done.
        cancel: asked often whether to stop.

    Returns:
        At least one entry. What cannot be loaded is listed with the reason.

    Raises:
        ReadingError: nothing there that could be an image.
        Cancelled: the user stopped it.

    Examples:
        >>> [(series.key, series.loadable) for series in list_series("assets/demo")]
        [('ct.nii.gz', True), ('labels.nii.gz', False)]
    """
    return [_as_wished(entry, options) for entry in _entries(Path(path), options, progress, cancel)]


def _entries(path: Path, options: ReadOptions, progress: Progress, cancel: Cancel | None) -> list[Series]:
    check(cancel)
    kind = _kind(path)
    if kind == "image":
        return [image_series(path, path.name, path)]
    if kind == "zip":
        folder = unpack(path, progress=part_of(progress, 0, 0.5), cancel=cancel)
        try:
            return _list_folder(folder.path, path, folder, options, part_of(progress, 0.5, 1), cancel)
        except BaseException:
            folder.remove()
            raise
    if kind == "dicom":
        return _list_neighbours(path, options, progress, cancel)
    return _list_folder(path, path, None, options, progress, cancel)


def _as_wished(entry: Series, options: ReadOptions) -> Series:
    """The entry without a fault that the user decided to pass over; it stands among the findings instead."""
    fault = entry.fault
    if fault is not None and fault.parameter == ASSUME_HU and options.assume_hu:
        finding = assumed(fault)
    elif fault is not None and fault.parameter == JOIN_SERIES and options.join_series:
        finding = joined_as_asked(fault)
    else:
        return entry
    findings = (*entry.findings, finding)
    warnings = tuple(finding.text if text == fault.fault else text for text in entry.warnings)
    return replace(entry, fault=None, loadable=True, findings=findings, warnings=warnings)


def read_series(
    series: Series,
    *,
    options: ReadOptions = NO_OPTIONS,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Volume:
    """The volume of one entry.

    Args:
        series: from :func:`list_series`.
        options: what the user decided where reading would rather refuse.
        progress: called with the part done.
        cancel: asked often whether to stop.

    Raises:
        SpatialError: its slices form no regular volume; the message names the files and the numbers.
        ReadingError: it is no CT, damaged, or too large.
        Cancelled: the user stopped it.
    """
    check(cancel)
    series = _as_wished(series, options)
    if (fault := series.fault) is not None:
        raise type(fault)(fault.fault, fault.remedy, fault.source, fault.parameter)
    if series.load is None:
        raise ReadingError("There is no CT behind this entry", "Choose a CT series", series.description)
    volume = series.load(options, progress, cancel)
    warnings = joined([*(finding.warning for finding in series.findings), *volume.warnings])
    return replace(volume, warnings=warnings)


def read_ct(
    path: str | Path,
    *,
    series: str | None = None,
    options: ReadOptions = NO_OPTIONS,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Volume:
    """The CT under a path.

    Args:
        path: as for :func:`list_series`.
        series: the key of the series to read; without it the only or the plainly best one is taken.
        options: what the user decided where reading would rather refuse.
        progress: called with the part done.
        cancel: asked often whether to stop.

    Raises:
        ReadingError: no CT there, or several that are equally good (the message lists their keys).
        SpatialError: the slices form no regular volume.
        Cancelled: the user stopped it.

    Examples:
        >>> volume = read_ct("assets/demo")
        >>> volume.array.shape  # z, y, x
        (114, 245, 334)
        >>> [round(mm, 2) for mm in volume.geometry.spacing]  # x, y, z
        [0.9, 0.9, 1.5]
    """
    entries = list_series(path, options=options, progress=part_of(progress, 0, 0.3), cancel=cancel)
    entry = choose(entries, series, path)
    return read_series(entry, options=options, progress=part_of(progress, 0.3, 1), cancel=cancel)


def read_labels(path: str | Path) -> Labels:
    """Labels (0 background, 1 bone, 2 nerve) from a NIfTI, NRRD or MetaImage file.

    Raises:
        ReadingError: no such file, or other values in it.
        SpatialError: its axes do not say where the voxels are.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> sorted(set(labels.array.ravel().tolist()))  # background, bone, nerve
        [0, 1, 2]
    """
    path = Path(path)
    if _kind(path) != "image":
        raise ReadingError("This is no label file", "Choose labels as NIfTI, NRRD or MetaImage", path)
    return read_label_file(path)


def read_structures(path: str | Path) -> Labels:
    """A map of structures by number (0 to 255) from a NIfTI, NRRD or MetaImage file.

    Raises:
        ReadingError: no such file, or other values in it.
        SpatialError: its axes do not say where the voxels are.
    """
    path = Path(path)
    if _kind(path) != "image":
        raise ReadingError("This is no map of structures", "Choose a NIfTI, NRRD or MetaImage file", path)
    return read_map_file(path)


def _kind(path: Path) -> str:
    """What a path is: "folder", "zip", "dicom" or "image"."""
    try:
        path.lstat()
        if path.is_dir():
            return "folder"
        if not path.is_file():
            raise ReadingError("This is neither a file nor a folder", _FORMATS, path)
        if path.stat().st_size == 0:
            raise ReadingError("The file is empty (0 bytes)", "Copy it again from its source", path)
        if is_image_name(path.name):
            with path.open("rb"):
                return "image"
        if is_zip(path):
            return "zip"
        if looks_like_dicom(path):
            return "dicom"
    except FileNotFoundError as error:
        raise ReadingError("There is no such file or folder", "Check the path", path) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        shown = str(path) if len(str(path)) < 300 else f"{str(path)[:120]}..."
        raise ReadingError(
            f"The path cannot be opened ({reason})", "Check the path and that you may read it", shown
        ) from error
    raise ReadingError("The file is neither a DICOM file nor another CT format", _FORMATS, path)


def _list_neighbours(
    file: Path, options: ReadOptions, progress: Progress, cancel: Cancel | None
) -> list[Series]:
    """The entries that a DICOM file belongs to; all of its folder if it is a directory of a medium (DICOMDIR)."""
    headers, damaged = read_headers([file], progress=silent, cancel=cancel)
    if damaged:
        raise ReadingError(f"The file cannot be used: {damaged[0][1]}", _remedy(damaged), file)
    if not headers:
        return _list_folder(file.parent, file.parent, None, options, progress, cancel)
    files, _ = files_under(file.parent, recursive=False, cancel=cancel)
    others, broken = read_headers(files, progress=progress, cancel=cancel)
    entries = dicom_entries(others, file, options=options, cancel=cancel)
    real = os.path.realpath(file)
    holding = [e for e in entries if file in e.files or real in map(os.path.realpath, e.files)]
    if not holding:  # the file itself was left out, as a copy or as unusable
        same = [h for h in others if h.series == headers[0].series]
        holding = dicom_entries(same, file, options=options, cancel=cancel)
    return _sorted(_with_damaged(holding, broken))


def _list_folder(
    folder: Path,
    source: Path,
    keep: ScratchFolder | None,
    options: ReadOptions,
    progress: Progress,
    cancel: Cancel | None,
) -> list[Series]:
    files, locked = files_under(folder, recursive=True, cancel=cancel)
    images = [f for f in files if is_image_name(f.name)]
    others = [f for f in files if not is_image_name(f.name)]
    headers, damaged = read_headers(others, progress=progress, cancel=cancel)
    entries = dicom_entries(headers, source, keep, options=options, cancel=cancel)
    for image in images:
        check(cancel)
        key = image.relative_to(folder).as_posix() if keep is None else image.name
        entries.append(image_series(image, key, image if keep is None else source, keep))
    if not entries:
        if damaged:
            names = name_some([f"{file.name} ({why})" for file, why in damaged])
            raise ReadingError(f"No file can be used: {names}", _remedy(damaged), source)
        what = (
            "The folder is empty"
            if not files
            else f"None of the {len(files)} file(s) is a DICOM file or another CT format"
        )
        if locked:
            what += f"; {len(locked)} folder(s) in it may not be read ({name_some([f.name for f in locked])})"
        raise ReadingError(what, _FORMATS, source)
    if locked:
        note = Finding(f"{len(locked)} folder(s) may not be read", tuple(f.name for f in locked))
        entries = [_with_finding(e, note) for e in entries]
    return _sorted(_with_damaged(entries, damaged))


def _remedy(damaged: list[tuple[Path, str]]) -> str:
    """What helps against DICOM files none of which can be used."""
    if all(why.startswith(CANNOT_OPEN) for _, why in damaged):
        return "Check that you may read it, or copy it to a disk of this computer"
    return (
        "Copy it again from its source; if nothing changes, have the scanner or the archive export it again"
    )


def _with_damaged(entries: list[Series], damaged: list[tuple[Path, str]]) -> list[Series]:
    """A damaged file belongs to no series any more, so each DICOM series of the folder mentions it."""
    if not damaged:
        return entries
    reasons = ", ".join(dict.fromkeys(why for _, why in damaged))
    note = Finding(
        f"{len(damaged)} file(s) of the folder cannot be used: {reasons}", tuple(f.name for f, _ in damaged)
    )
    return [_with_finding(e, note) if e.modality == "CT" else e for e in entries]


def _with_finding(entry: Series, finding: Finding) -> Series:
    fault = entry.fault
    if isinstance(fault, SpatialError) and fault.source is not None:
        fault = SpatialError(f"{fault.fault}; {finding}", fault.remedy, fault.source, fault.parameter)
    return replace(
        entry, warnings=(*entry.warnings, str(finding)), findings=(*entry.findings, finding), fault=fault
    )


def _sorted(entries: list[Series]) -> list[Series]:
    """The loadable ones first, the large ones before the small, every key once."""
    ordered = sorted(entries, key=lambda e: (not e.loadable, -e.pictures, e.description, e.part, e.key))
    used: dict[str, int] = {}
    for number, entry in enumerate(ordered):
        used[entry.key] = used.get(entry.key, 0) + 1
        if used[entry.key] > 1:
            ordered[number] = replace(entry, key=f"{entry.key}-{used[entry.key]}")
    return ordered
