"""DICOM slices sorted into series, and each series into sets of slices that can be one volume."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading.dicom_elements import BadSliceError
from spinect_core.io.reading.dicom_geometry import (
    SAME_PLACE_MM,
    in_order,
    same_axes,
    slice_normal,
    stack_geometry,
)
from spinect_core.io.reading.dicom_headers import COLOUR, Header, Slice, read_header
from spinect_core.io.reading.dicom_pixels import raw_pixels, read_pixels
from spinect_core.io.reading.hounsfield import to_hounsfield
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.series import SMALLEST_SIDE, Finding, Series, orientation_name, short_hash
from spinect_core.io.reading.sizes import check_sizes

SPLIT_BY: tuple[tuple[str, Callable[[Slice], str]], ...] = (
    ("acquisition", lambda s: s.acquisition),
    ("kernel", lambda s: s.kernel),
    ("kind of picture", lambda s: "/".join(s.image_type)),
    ("file", lambda s: str(s.file)),
)
"""What may distinguish sets of pictures within a series, tried in this order."""
_ANOTHER = "Choose another series of the study"


def read_headers(
    files: Sequence[Path], *, progress: Progress, cancel: Cancel | None
) -> tuple[list[Header], list[tuple[Path, str]]]:
    """The headers of the DICOM files among these files, and the damaged ones with what is wrong."""
    headers: list[Header] = []
    damaged: list[tuple[Path, str]] = []
    for number, file in enumerate(files, 1):
        check(cancel)
        try:
            header = read_header(file)
        except BadSliceError as error:
            damaged.append((file, str(error)))
            continue
        except OSError as error:
            damaged.append((file, error.strerror or "cannot be opened"))
            continue
        if header is not None:
            headers.append(header)
        progress(number / len(files), f"Reading header {number} of {len(files)}")
    return headers, damaged


def dicom_entries(headers: Iterable[Header], source: str | Path, keep: object = None) -> list[Series]:
    """The entries of all series among these headers.

    Args:
        headers: of all files.
        source: the folder, archive or file that the user chose, for messages.
        keep: holds what the files need to stay.
    """
    groups: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        groups.setdefault((header.series, header.modality), []).append(header)
    entries: list[Series] = []
    for (_, modality), group in groups.items():
        if modality == "CT":
            entries += _ct_entries(group, source, keep)
        else:
            fault = ReadingError(
                f"The series is of the modality {modality or 'unknown'}, not CT", "Choose a CT series", source
            )
            entries.append(_unloadable(group, fault, source, keep))
    return entries


def _ct_entries(group: list[Header], source: str | Path, keep: object) -> list[Series]:
    bad = [(h.file.name, fault) for h in group for fault in h.faults]
    findings = _findings_of(bad)
    slices = [s for h in group for s in h.slices]
    if not slices:
        text = "; ".join(str(f) for f in findings) or "it holds no pictures"
        error = SpatialError(f"No picture of the series can be used: {text}", _ANOTHER, source)
        return [_unloadable(group, error, source, keep)]
    findings += _scale_findings(group)
    by_kind = _by_kind(slices)
    mixture = ""
    if len(by_kind) > 1:
        counts = ", ".join(f"{len(c)} {_kind(c[0])}" for c in by_kind[:4])
        more = f" and {len(by_kind) - 4} more" if len(by_kind) > 4 else ""
        mixture = f"its pictures are of {len(by_kind)} orientations ({counts}{more}), each of them an entry of its own"
        findings.append(Finding(f"The series is mixed: {mixture}"))
    left_out = [name for name, _ in bad]
    entries = []
    for cluster in by_kind:
        for part, extra in _sets(cluster):
            entries.append(_entry(group[0], part, [*findings, *extra], mixture, left_out, source, keep))
    return entries


def _findings_of(bad: list[tuple[str, BadSliceError]]) -> list[Finding]:
    """Which pictures are left out, by what is wrong with them."""
    findings = []
    for kind in dict.fromkeys(fault.kind for _, fault in bad):
        same = [(name, fault) for name, fault in bad if fault.kind == kind]
        names = tuple(name for name, _ in same)
        # A colour picture among slices is a report; any other picture may be a slice that the volume lacks.
        findings.append(
            Finding(f"{len(names)} picture(s) left out: {same[0][1]}", names, grave=kind != COLOUR)
        )
    return findings


def _scale_findings(group: list[Header]) -> list[Finding]:
    """What makes the values of a series less than sure."""
    findings = []
    if not all(h.rescaled for h in group):
        findings.append(
            Finding(
                "The scale to Hounsfield units is missing in some files; it was taken as 1 and 0", grave=True
            )
        )
    if any(h.lossy for h in group):
        findings.append(
            Finding("The pictures were compressed with loss: fine detail may be gone", grave=True)
        )
    return findings


def _by_kind(slices: list[Slice]) -> list[list[Slice]]:
    """Slices of one orientation together, localizers apart."""
    by_kind: list[list[Slice]] = []
    for piece in slices:
        for cluster in by_kind:
            if same_axes(cluster[0], piece) and _is_localizer(cluster[0]) == _is_localizer(piece):
                cluster.append(piece)
                break
        else:
            by_kind.append([piece])
    return by_kind


def _sets(cluster: list[Slice]) -> Iterator[tuple[list[Slice], list[Finding]]]:
    """The sets of pictures of one orientation, without copies, and what there is to say of each."""
    unique, copies = _without_copies(in_order(cluster))
    findings = []
    if copies:
        findings.append(
            Finding(f"{len(copies)} file(s) are copies of others and were left out", tuple(copies))
        )
    parts = _split(unique)
    for what, part in parts:
        if len(parts) > 1:
            extra = Finding(
                f"The series holds {len(parts)} sets of pictures, distinguished by {what}; each is its own entry"
            )
            yield part, [*findings, extra]
        else:
            yield part, findings


def _is_localizer(piece: Slice) -> bool:
    return "LOCALIZER" in piece.image_type


def _kind(piece: Slice) -> str:
    return "localizer" if _is_localizer(piece) else orientation_name(slice_normal(piece))


def _without_copies(slices: list[Slice]) -> tuple[list[Slice], list[str]]:
    """Sorted slices without those that show the same place with the same pixels."""
    kept: list[Slice] = []
    copies: list[str] = []
    for piece in slices:
        here = takewhile(partial(_close, piece), reversed(kept))
        if any(_same_place(other, piece) and _same_picture(other, piece) for other in here):
            copies.append(piece.name)
        else:
            kept.append(piece)
    return kept, copies


def _close(a: Slice, b: Slice) -> bool:
    """Whether two slices of one orientation lie in the same plane."""
    return abs(float(np.dot(np.subtract(a.position, b.position), slice_normal(a)))) < SAME_PLACE_MM


def _same_place(a: Slice, b: Slice) -> bool:
    return bool(np.allclose(a.position, b.position, atol=SAME_PLACE_MM, rtol=0))


def _same_picture(a: Slice, b: Slice) -> bool:
    if a.file == b.file or (a.slope, a.intercept, a.rows, a.columns) != (
        b.slope,
        b.intercept,
        b.rows,
        b.columns,
    ):
        return False
    pixels = raw_pixels(a)
    return bool(pixels) and pixels == raw_pixels(b)


def _split(slices: list[Slice]) -> list[tuple[str, list[Slice]]]:
    """One set of slices, or several: where they make no volume together, but something distinguishes parts that do."""
    if _regular(slices):
        return [("", slices)]
    for what, key in SPLIT_BY:
        parts: dict[str, list[Slice]] = {}
        for piece in slices:
            parts.setdefault(key(piece), []).append(piece)
        if len(parts) > 1 and all(_regular(part) for part in parts.values()):
            return [(what, part) for part in parts.values()]
    return [("", slices)]


def _regular(slices: list[Slice]) -> bool:
    try:
        stack_geometry(slices, "")
    except SpatialError:
        return False
    return True


def _entry(
    header: Header,
    slices: list[Slice],
    findings: list[Finding],
    mixture: str,
    left_out: list[str],
    source: str | Path,
    keep: object,
) -> Series:
    """The entry of slices that may be one volume."""
    fault: ReadingError | None = None
    geometry: Geometry | None = None
    try:
        if _is_localizer(slices[0]):
            raise SpatialError("The series is a localizer (scout), not a volume", _ANOTHER, source)
        geometry = stack_geometry(slices, source, left_out)
        check_sizes(geometry.shape[::-1], geometry.spacing, geometry.origin, source)
    except SpatialError as error:
        because = f"; {mixture}" if mixture and len(slices) < SMALLEST_SIDE else ""
        fault, geometry = SpatialError(f"{error.fault}{because}", error.remedy, source), None
    normal = slice_normal(slices[0])
    along = [float(np.dot(s.position, normal)) for s in slices]

    def load(options: ReadOptions, progress: Progress, cancel: Cancel | None) -> Volume:
        assert geometry is not None  # only loadable entries are loaded
        check_memory(geometry.shape, 4, source)
        array = read_pixels(slices, source, progress=progress, cancel=cancel)
        hounsfield, more = to_hounsfield(array, geometry, source, cancel, options)
        details = {
            "modality": "CT",
            "format": "DICOM",
            "kernel": slices[0].kernel,
            "orientation": orientation_name(normal),
            "pictures": len(slices),
            "slice_thickness_mm": header.slice_thickness,
            "patient_position": header.patient_position,
        }
        return Volume(
            hounsfield, geometry, header.description or "CT", details, tuple(f.warning for f in more)
        )

    return Series(
        key=short_hash(
            header.series,
            header.modality,
            np.round([*slices[0].across, *slices[0].down], 2).tolist(),
            *(slices[0].acquisition, slices[0].kernel, slices[0].image_type),
        ),
        description=header.description,
        modality="CT",
        pictures=len(slices),
        shape=geometry.shape if geometry else None,
        spacing=geometry.spacing if geometry else None,
        kernel=slices[0].kernel,
        orientation=_kind(slices[0]),
        warnings=((fault.fault,) if fault else ()) + tuple(str(f) for f in findings),
        loadable=fault is None,
        files=tuple(dict.fromkeys(s.file for s in slices)),
        fault=fault,
        findings=tuple(findings),
        extent=max(along) - min(along),
        original="DERIVED" not in slices[0].image_type,
        frame=short_hash(header.frame_of_reference) if header.frame_of_reference else "",
        load=load,
        keep=keep,
    )


def _unloadable(group: list[Header], fault: ReadingError, source: str | Path, keep: object) -> Series:
    """The entry of a series that is no CT or has no usable slice."""
    return Series(
        key=short_hash(group[0].series, group[0].modality),
        description=group[0].description,
        modality=group[0].modality or "?",
        pictures=sum(h.pictures for h in group),
        shape=None,
        spacing=None,
        kernel="",
        orientation="",
        warnings=(fault.fault,),
        loadable=False,
        files=tuple(h.file for h in group),
        fault=fault,
        keep=keep,
    )
