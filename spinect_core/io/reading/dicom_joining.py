"""Files that belong together by all but the names of their series, as some anonymisers and archives leave them.

They are never joined by themselves: an offer is made, and the user decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.io.reading.dicom_geometry import depths, in_order
from spinect_core.io.reading.dicom_headers import Header, Slice
from spinect_core.io.reading.dicom_sets import PictureSet, passes, regular
from spinect_core.io.reading.dicom_traits import TRAITS, Weight
from spinect_core.io.reading.options import JOIN_SERIES
from spinect_core.io.reading.series import SMALLEST_SIDE, Finding, name_some, short_hash

_MAY_DIFFER = ("AcquisitionNumber", "SeriesNumber")
"""Elements of a pass that blocks following each other may differ in."""
_DRAWN_ANEW = ("StudyInstanceUID", "FrameOfReferenceUID")
"""Identifiers that an anonymiser may have drawn for every file as well."""


@dataclass(frozen=True)
class Found:
    """A set of pictures with what is known of it.

    Attributes:
        header: of its first file.
        pictures: the set.
        findings: what the user should know.
        why: why the series has several sets, empty if it has one.
        left_out: names of files of the series that cannot be used.
    """

    header: Header
    pictures: PictureSet
    findings: tuple[Finding, ...]
    why: str
    left_out: tuple[str, ...]


def joinable(found: Sequence[Found]) -> list[list[Found]]:
    """Sets of several series, or single pictures, that follow each other as one regular volume.

    Patient, study, frame of reference, kind, settings and size have to be the same. Only where every single picture has
    a study or a frame of reference of its own these count for nothing: they were drawn for every file.
    """
    joins: list[list[Found]] = []
    for group in _alike([piece for each in found for piece in _singles(each)]):
        for run in _runs(group):
            joins.append(run)
    return joins


def as_one(join: Sequence[Found], source: str | Path) -> tuple[ReadingError, Found]:
    """The sets as one, and what to say as long as the user has not asked for it."""
    slices = in_order([s for each in join for s in each.pictures.slices])
    series = {each.header.series for each in join}
    what = "series" if len(series) > 1 else "frames of reference or studies"
    count = len(series) if len(series) > 1 else len(join)
    sizes = " and ".join(f"{len(each.pictures.slices)} from {each.pictures.slices[0].name}" for each in join)
    told = f" ({sizes})" if len(join) <= 3 else f" ({name_some([s.name for s in slices])})"
    fault = SpatialError(
        f"{len(slices)} pictures{told} make one regular volume, but say that they are of {count} {what}",
        "Join them if they are one scan, or export the series again as one",
        source,
        JOIN_SERIES,
    )
    findings = dict.fromkeys(finding for each in join for finding in each.findings)
    left_out = dict.fromkeys(name for each in join for name in each.left_out)
    key = short_hash(*sorted(series))
    union = replace(
        join[0],
        header=replace(join[0].header, series=f"joined {key}"),
        pictures=PictureSet(tuple(slices)),
        findings=tuple(findings),
        why="",
        left_out=tuple(left_out),
    )
    return fault, union


def joined_as_asked(fault: ReadingError) -> Finding:
    """What to say of pictures that the user had joined."""
    return Finding(f"Series were joined as asked for: {fault.fault}", grave=True, code=JOIN_SERIES)


def _singles(found: Found) -> list[Found]:
    """Pictures that fell apart into sets of their own are looked at one by one."""
    if not found.pictures.rest:
        return [found]
    return [replace(found, pictures=PictureSet((piece,))) for piece in found.pictures.slices]


def _alike(found: Sequence[Found]) -> list[list[Found]]:
    """Those that differ in nothing but the names of their series."""
    groups: dict[tuple[object, ...], list[Found]] = {}
    for each in found:
        groups.setdefault(_likeness(each.pictures.slices[0], strict=False), []).append(each)
    alike = []
    for group in groups.values():
        single = all(len(each.pictures.slices) == 1 for each in group)
        if single and all(_drawn_anew(group, keyword) for keyword in _DRAWN_ANEW):
            alike.append(group)
            continue
        parts: dict[tuple[object, ...], list[Found]] = {}
        for each in group:
            parts.setdefault(_likeness(each.pictures.slices[0], strict=True), []).append(each)
        alike += parts.values()
    return [group for group in alike if len(group) > 1]


def _likeness(piece: Slice, *, strict: bool) -> tuple[object, ...]:
    """What has to be the same in pictures of one volume, besides their places."""
    values = [
        value
        for value, trait in zip(piece.traits, TRAITS, strict=True)
        if trait.weight is not Weight.HINT
        and trait.keywords[-1] not in _MAY_DIFFER
        and (strict or trait.keywords[-1] not in _DRAWN_ANEW)
    ]
    axes = np.round([*piece.across, *piece.down], 2).tolist()
    size = (piece.rows, piece.columns, *np.round(piece.spacing, 3).tolist())
    return (*values, *size, *axes)


def _drawn_anew(group: Sequence[Found], keyword: str) -> bool:
    """Whether all share one value, or every one has its own."""
    index = next(i for i, trait in enumerate(TRAITS) if trait.keywords[-1] == keyword)
    values = {each.pictures.slices[0].traits[index] for each in group}
    return len(values) in (1, len(group))


def _runs(group: list[Found]) -> list[list[Found]]:
    """Those of a group that follow each other in one regular volume."""
    normal = np.cross(group[0].pictures.slices[0].across, group[0].pictures.slices[0].down)
    group = sorted(group, key=lambda each: float(np.dot(each.pictures.slices[0].position, normal)))
    if _one_volume(group):
        return [group]
    runs: list[list[Found]] = []
    run = [group[0]]
    for each in group[1:]:
        if _one_volume([*run, each]):
            run.append(each)
        else:
            runs.append(run)
            run = [each]
    return [run for run in (*runs, run) if len(run) > 1 and _one_volume(run, finished=True)]


def _one_volume(run: Sequence[Found], *, finished: bool = False) -> bool:
    """Whether they follow each other without a gap, without lying among each other."""
    slices = [s for each in run for s in each.pictures.slices]
    if len(slices) < SMALLEST_SIDE:
        return not finished
    ends = [depths([slices[0], *each.pictures.slices])[1:] for each in run]
    if any(float(after.min()) <= float(before.max()) for before, after in pairwise(ends)):
        return False
    slices = in_order(slices)
    return regular(slices) and len(passes(PictureSet(tuple(slices)))) == 1
