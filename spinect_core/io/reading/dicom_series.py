"""DICOM slices sorted into series, and each series into sets of slices that can be one volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.reasons import reason
from spinect_core.image.scan import slice_numbers
from spinect_core.image.volume import DicomOrigin, Geometry, Volume
from spinect_core.io.reading.dicom_elements import BadSliceError
from spinect_core.io.reading.dicom_geometry import (
    ROUNDING_MM,
    drift,
    in_order,
    same_axes,
    slice_normal,
    stack_geometry,
)
from spinect_core.io.reading.dicom_headers import COLOUR, Header, Slice, read_header
from spinect_core.io.reading.dicom_joining import Found, as_one, joinable, joined_as_asked
from spinect_core.io.reading.dicom_pixels import Digest, picture_digests, read_pixels
from spinect_core.io.reading.dicom_sets import PictureSet, at_one_place, passes, regular, same_kind, with_rest
from spinect_core.io.reading.dicom_traits import person_of, trait_value
from spinect_core.io.reading.dicom_values import compare_scales, scale_fault, scale_findings, tops_of
from spinect_core.io.reading.hounsfield import to_hounsfield
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.options import NO_OPTIONS, ReadOptions
from spinect_core.io.reading.series import SMALLEST_SIDE, Finding, Series, orientation_name, short_hash
from spinect_core.io.reading.sizes import check_sizes

CANNOT_OPEN = "it cannot be opened"
COPY_MM = ROUNDING_MM
"""Two files of one picture may give its position with different numbers of decimals."""
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
            damaged.append((file, f"{CANNOT_OPEN} ({reason(error)})"))
            continue
        if header is not None:
            headers.append(header)
        progress(number / len(files), f"Reading header {number} of {len(files)}")
    return headers, damaged


def dicom_entries(
    headers: Iterable[Header],
    source: str | Path,
    keep: object = None,
    *,
    options: ReadOptions = NO_OPTIONS,
    cancel: Cancel | None = None,
) -> list[Series]:
    """The entries of all series among these headers.

    Args:
        headers: of all files.
        source: the folder, archive or file that the user chose, for messages.
        keep: holds what the files need to stay.
        options: what the user decided where reading would rather refuse.
        cancel: asked before each picture is looked at.
    """
    groups: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        groups.setdefault((header.series, header.modality), []).append(header)
    entries: list[Series] = []
    found: list[Found] = []
    for (_, modality), group in groups.items():
        if modality != "CT":
            fault = ReadingError(
                f"The series is of the modality {modality or 'unknown'}, not CT", "Choose a CT series", source
            )
            entries.append(_unloadable(group, fault, source, keep))
        elif not any(h.slices for h in group):
            text = "; ".join(str(f) for f in _left_out(group)) or "it holds no pictures"
            error = SpatialError(f"No picture of the series can be used: {text}", _ANOTHER, source)
            entries.append(_unloadable(group, error, source, keep))
        else:
            found += _found(group, cancel)
    joins = joinable(found)
    joined = {piece for join in joins for each in join for piece in each.pictures.slices}
    for each in found:
        in_part = joined.issuperset(each.pictures.slices)
        offered = not options.join_series and not each.pictures.rest and regular(each.pictures.slices)
        if offered or not in_part:
            entries.append(_entry(each, source, keep))
    for join in joins:
        fault, union = as_one(join, source)
        if options.join_series:
            told = (*union.findings, joined_as_asked(fault))
            entries.append(_entry(replace(union, findings=told), source, keep))
        else:
            entries.append(_entry(union, source, keep, fault))
    return entries


def _found(group: list[Header], cancel: Cancel | None) -> list[Found]:
    """The sets of pictures of one series."""
    findings = _left_out(group) + _scale_findings(group)
    left_out = tuple(h.file.name for h in group for _ in h.faults)
    by_kind = _by_kind([s for h in group for s in h.slices])
    mixture = ""
    if len(by_kind) > 1:
        counts = ", ".join(f"{len(c)} {_kind(c[0])}" for c in by_kind[:4])
        more = f" and {len(by_kind) - 4} more" if len(by_kind) > 4 else ""
        mixture = f"its pictures are of {len(by_kind)} orientations ({counts}{more}), each of them an entry of its own"
        findings.append(Finding(f"The series is mixed: {mixture}"))
    headers = {h.file: h for h in group}
    found: list[Found] = []
    for cluster in by_kind:
        sets, extra = _sets(cluster, cancel)
        why = mixture
        if len(sets) > 1 or sets[0].rest:
            by = dict.fromkeys(step.by for each in sets for step in each.steps)
            count = f"{len(sets)} sets of pictures" if len(sets) > 1 else "single pictures"
            why = f"the series holds {count}, distinguished by {' and '.join(by)}"
            person = any(step.person for each in sets for step in each.steps)
            if len(sets) > 1:
                extra.append(Finding(f"{why[0].upper()}{why[1:]}; each is its own entry", grave=person))
        found += [
            Found(headers[each.slices[0].file], each, (*findings, *extra, *_same_uid(each)), why, left_out)
            for each in sets
        ]
    return found


def _sets(cluster: list[Slice], cancel: Cancel | None) -> tuple[list[PictureSet], list[Finding]]:
    """The sets of pictures of one orientation, without copies, and what there is to say of them."""
    sets: list[PictureSet] = []
    copies: list[str] = []
    for kind in same_kind(in_order(cluster)):
        unique, more = _without_copies(kind.slices, cancel)
        copies += more
        sets += passes(PictureSet(tuple(unique), kind.steps))
    findings = []
    if copies:
        findings.append(
            Finding(f"{len(copies)} file(s) are copies of others and were left out", tuple(copies))
        )
    return with_rest(sets), findings


def _same_uid(pictures: PictureSet) -> list[Finding]:
    """Several files with the name of one picture: a fault of whoever made them anonymous."""
    files: dict[str, set[Path]] = {}
    for piece in pictures.slices:
        files.setdefault(piece.uid, set()).add(piece.file)
    names = sorted(file.name for same in files.values() if len(same) > 1 for file in same)
    if not names:
        return []
    text = (
        f"{len(names)} different pictures share a SOPInstanceUID; they were put in order by their positions"
    )
    return [Finding(text, tuple(names))]


def _left_out(group: list[Header]) -> list[Finding]:
    """Which pictures are left out, by what is wrong with them."""
    bad = [(h.file.name, fault) for h in group for fault in h.faults]
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


def _is_localizer(piece: Slice) -> bool:
    return "LOCALIZER" in piece.image_type


def _kind(piece: Slice) -> str:
    return "localizer" if _is_localizer(piece) else orientation_name(slice_normal(piece))


def _without_copies(slices: Sequence[Slice], cancel: Cancel | None) -> tuple[list[Slice], list[str]]:
    """Slices in order without those that show the same place with the same HU."""
    doubtful = _neighbours_in_place(slices)
    digests = dict(zip(doubtful, picture_digests([slices[i] for i in doubtful], cancel), strict=True))
    kept: list[int] = []
    copies: list[str] = []
    for i in range(len(slices)):
        here = takewhile(lambda k: _between(slices[kept[k]], slices[i]) < COPY_MM, reversed(range(len(kept))))  # noqa: B023
        same = next(
            (k for k in here if _is_copy(digests, kept[k], i) and _same_place(slices[kept[k]], slices[i])),
            None,
        )
        if same is None:
            kept.append(i)
            continue
        worse, better = sorted((kept[same], i), key=lambda n: -digests[n].highest)
        if digests[worse].highest == digests[better].highest:
            worse, better = i, kept[same]
        kept[same] = better
        copies.append(slices[worse].name)
    return [slices[i] for i in kept], copies


def _is_copy(digests: dict[int, Digest], a: int, b: int) -> bool:
    return a in digests and b in digests and digests[a].content == digests[b].content != ""


def _neighbours_in_place(slices: Sequence[Slice]) -> list[int]:
    """Which of the slices in order lie where a neighbour lies."""
    close = [_between(a, b) < COPY_MM for a, b in pairwise(slices)]
    return [i for i in range(len(slices)) if (i and close[i - 1]) or (i < len(close) and close[i])]


def _between(a: Slice, b: Slice) -> float:
    """Mm between the planes of two slices of one orientation."""
    return abs(float(np.dot(np.subtract(a.position, b.position), slice_normal(a))))


def _same_place(a: Slice, b: Slice) -> bool:
    return bool(np.allclose(a.position, b.position, atol=COPY_MM, rtol=0))


def _fault_of(found: Found, source: str | Path) -> ReadingError | None:
    """Why the pictures are no volume that could be loaded, before their places are looked at."""
    slices = found.pictures.slices
    if found.pictures.rest:
        return SpatialError(f"These {len(slices)} pictures are no volume: {found.why}", _ANOTHER, source)
    if _is_localizer(slices[0]):
        return SpatialError("The series is a localizer (scout), not a volume", _ANOTHER, source)
    if len(slices) >= SMALLEST_SIDE and at_one_place(slices):
        text = f"All {len(slices)} pictures lie in the same place, as in the monitoring of a bolus: no volume"
        return SpatialError(text, _ANOTHER, source)
    return None


def _drift_findings(slices: Sequence[Slice]) -> list[Finding]:
    """Slices that slide sideways by less than a pixel."""
    aside = drift(slices)
    if not aside:
        return []
    length = float(np.linalg.norm(np.subtract(slices[-1].position, slices[0].position)))
    return [
        Finding(
            f"The slices slide sideways by {aside:.2f} mm over {length:.0f} mm; they were taken as straight"
        )
    ]


def _entry(found: Found, source: str | Path, keep: object, unasked: ReadingError | None = None) -> Series:
    """The entry of slices that may be one volume.

    Args:
        found: the slices.
        source: what the user chose, for messages.
        keep: holds what the files need to stay.
        unasked: why they may not be loaded without having been asked for.
    """
    header, slices = found.header, found.pictures.slices
    fault = _fault_of(found, source)
    geometry: Geometry | None = None
    try:
        geometry = stack_geometry(slices, source, found.left_out)
        check_sizes(geometry.shape[::-1], geometry.spacing, geometry.origin, source)
    except SpatialError as error:
        told = found.pictures.steps or len(slices) < SMALLEST_SIDE
        because = f"; {found.why}" if found.why and told else ""
        fault, geometry = fault or SpatialError(f"{error.fault}{because}", error.remedy, source), None
    unfit: ReadingError | None = scale_fault(slices, source)
    if unfit and unasked:  # two questions at once: the first answer must not pass for the second
        unfit = ReadingError(unfit.fault, unfit.remedy, source)
    fault = fault or unfit or unasked
    apart = geometry.spacing[2] if geometry else 0.0
    findings = (
        *found.findings,
        *(_drift_findings(slices) if geometry else ()),
        *scale_findings(slices, header.description, header.slice_thickness, apart),
    )
    normal = slice_normal(slices[0])
    along = [float(np.dot(s.position, normal)) for s in slices]
    part = ", ".join(dict.fromkeys(step.label for step in found.pictures.steps))
    frame = trait_value(slices[0].traits, "FrameOfReferenceUID")
    name = header.description or "CT"

    def load(options: ReadOptions, progress: Progress, cancel: Cancel | None) -> Volume:
        assert geometry is not None  # only loadable entries are loaded
        check_memory(geometry.shape, 4, source)
        noticed: list[Finding] = []
        array = read_pixels(slices, source, progress=progress, cancel=cancel, findings=noticed)
        noticed += compare_scales(array, slices, source, options, cancel)
        names = [piece.name for piece in slices]
        hounsfield, more = to_hounsfield(array, geometry, source, cancel, options, names, tops_of(slices))
        numbers, numbering = slice_numbers(
            [trait_value(piece.traits, "InstanceNumber") for piece in slices],
            [piece.frame for piece in slices],
        )
        details = {
            "slice_numbers": numbers,
            "slice_numbering": numbering,
            "modality": "CT",
            "format": "DICOM",
            "kernel": slices[0].kernel,
            "orientation": orientation_name(normal),
            "pictures": len(slices),
            "slice_thickness_mm": header.slice_thickness,
            "patient_position": header.patient_position,
        }
        return Volume(
            hounsfield,
            geometry,
            f"{name}, {part}" if part else name,
            details,
            tuple(f.warning for f in (*noticed, *more)),
            DicomOrigin(frame, _hash_of(header.series)),
        )

    return Series(
        key=short_hash(
            header.series,
            header.modality,
            np.round([*slices[0].across, *slices[0].down], 2).tolist(),
            *(slices[0].kernel, slices[0].image_type),
            *(step.label for step in found.pictures.steps),
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
        findings=findings,
        extent=max(along) - min(along),
        original="DERIVED" not in slices[0].image_type,
        frame=frame,
        person=person_of(slices[0].traits),
        part=part,
        load=load,
        keep=keep,
    )


def _hash_of(series: str) -> str:
    """What tells one series from another, if the files say which it is."""
    return "" if " " in series else short_hash(series)


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
