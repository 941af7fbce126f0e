"""Whether slices form one regular volume, from their positions and orientations alone.

SliceThickness, SliceLocation, SpacingBetweenSlices and the gantry tilt's own tag are never looked at: scanners write
them from the protocol, and they do not follow what happened to the series afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpatialError
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.dicom_headers import Slice
from spinect_core.io.reading.series import SMALLEST_SIDE, name_some

SPACING_TOLERANCE = 0.01
"""Part of the spacing by which a gap may differ from it."""
ROUNDING_MM = 0.06
"""Some programs write positions with one decimal: up to 0.05 mm from where the slice is."""
DRIFT_MM = 0.1
"""How far slices may lie beside the normal through the first without a word: no program writes places more exactly."""
MOST_DRIFT = 0.002
"""Mm that slices may slide sideways for each mm along the stack, up to a pixel in all: 0.11 degrees. A table that
creeps and direction cosines that were rounded to three decimals stay below; no gantry is tilted by so little."""
SLIGHT_DEGREES = 0.3
"""Up to here slices slide because of the table or of rounding, and no scanner calls it a tilt."""
SAME_PLACE_MM = 0.01
SAME_AXES = 2e-3
_ANOTHER = "Choose another series of the study, or export this one again complete"


def slice_normal(piece: Slice) -> FloatArray:
    """Unit LPS vector (3,), rows times columns."""
    return np.cross(piece.across, piece.down)


def same_axes(a: Slice, b: Slice) -> bool:
    """Whether two slices are turned the same way."""
    return bool(np.allclose([*a.across, *a.down], [*b.across, *b.down], atol=SAME_AXES, rtol=0))


def depths(slices: Sequence[Slice]) -> FloatArray:
    """Distance in mm of each slice along the normal of the first, (n,)."""
    normal = slice_normal(slices[0])
    return np.array([np.dot(s.position, normal) for s in slices])


def in_order(slices: Sequence[Slice]) -> list[Slice]:
    """The slices sorted along their normal."""
    order = np.argsort(depths(slices), kind="stable")
    return [slices[int(i)] for i in order]


def coincident(slices: Sequence[Slice]) -> list[tuple[Slice, Slice]]:
    """Neighbours, in sorted slices, that lie in the same place."""
    gaps = np.diff(depths(slices))
    return [(slices[int(i)], slices[int(i) + 1]) for i in np.flatnonzero(gaps < SAME_PLACE_MM)]


def stack_geometry(slices: Sequence[Slice], source: str | Path, left_out: Sequence[str] = ()) -> Geometry:
    """The grid of slices of one orientation, sorted along their normal.

    Args:
        slices: from :func:`in_order`.
        source: the folder or file, for messages.
        left_out: names of files that could not be used; they may explain a gap.

    Raises:
        SpatialError: too few, different sizes or pixel spacings, in the same place, missing, unevenly spaced, tilted;
            it names the files and the numbers.
    """
    if len(slices) < SMALLEST_SIDE:
        names = name_some([s.name for s in slices])
        count = "only one slice" if len(slices) == 1 else f"only {len(slices)} slices"
        raise SpatialError(
            f"The series has {count} ({names}), a volume needs at least {SMALLEST_SIDE}",
            "Choose the whole series",
            source,
        )
    _check_same_pixels(slices, source)
    _check_places(slices, source, left_out)
    first = slices[0]
    normal = slice_normal(first)
    along = depths(slices)
    spacing = float((along[-1] - along[0]) / (len(slices) - 1))
    _check_tilt(slices, normal, source)
    origin = np.add(first.position, _middle(_beside(slices)) if drift(slices) else 0.0)
    return Geometry(
        shape=(len(slices), first.rows, first.columns),
        spacing=(*first.spacing, spacing),
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=np.column_stack([first.across, first.down, normal]),
    )


def _check_same_pixels(slices: Sequence[Slice], source: str | Path) -> None:
    kinds: dict[tuple[float, ...], list[Slice]] = {}
    for piece in slices:
        kinds.setdefault((piece.columns, piece.rows, *(round(s, 4) for s in piece.spacing)), []).append(piece)
    if len(kinds) == 1:
        return
    common, rare = sorted(kinds.items(), key=lambda item: -len(item[1]))[:2]
    if common[0][:2] != rare[0][:2]:
        what = "sizes"
        told = [f"{k[0]:g} x {k[1]:g} pixels" for k in (common[0], rare[0])]
    else:
        what = "pixel spacings"
        told = [f"{k[2]:g} x {k[3]:g} mm" for k in (common[0], rare[0])]
    raise SpatialError(
        f"The slices have different {what}: {told[0]} in {len(common[1])} files such as {common[1][0].name}, "
        f"{told[1]} in {name_some([s.name for s in rare[1]])}",
        _ANOTHER,
        source,
    )


def _check_places(slices: Sequence[Slice], source: str | Path, left_out: Sequence[str]) -> None:
    """Even distances, nothing missing, nothing twice."""
    double = coincident(slices)
    if double:
        names = name_some([f"{a.name} and {b.name}" for a, b in double], 2)
        raise SpatialError(
            f"{len(double)} pair(s) of different slices lie in the same place ({names})",
            "Choose another series of the study, or remove one of each pair",
            source,
        )
    along = depths(slices)
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    if np.all(np.abs(gaps - usual) <= SPACING_TOLERANCE * usual):
        even = along[0] + np.arange(len(along)) * (along[-1] - along[0]) / (len(along) - 1)
        if np.abs(along - even).max() <= max(ROUNDING_MM, SPACING_TOLERANCE * usual):
            return
    even = np.polyval(np.polyfit(np.arange(len(along)), along, 1), np.arange(len(along)))
    if np.abs(along - even).max() <= min(ROUNDING_MM, 0.2 * usual):
        return
    explained = f"; left out as unusable: {name_some(left_out)}" if left_out else ""
    wide = np.flatnonzero(gaps > 1.5 * usual)
    steps = gaps / usual
    if len(wide) and np.all(np.abs(steps - np.rint(steps)) <= 0.1):
        missing = int(np.sum(np.rint(steps[wide]) - 1))
        at = int(wide[np.argmax(gaps[wide])])
        raise SpatialError(
            f"{missing} slice(s) are missing: between {slices[at].name} and {slices[at + 1].name} lie "
            f"{gaps[at]:.2f} mm, elsewhere {usual:.2f} mm{explained}",
            _ANOTHER,
            source,
        )
    at = int(np.argmax(np.abs(gaps - usual)))
    near = int(np.argmin(np.abs(gaps - usual)))
    raise SpatialError(
        f"The slices are unevenly spaced: {gaps[near]:.2f} mm between {slices[near].name} and {slices[near + 1].name}, "
        f"but {gaps[at]:.2f} mm between {slices[at].name} and {slices[at + 1].name}{explained}",
        _ANOTHER,
        source,
    )


def drift(slices: Sequence[Slice]) -> float:
    """Mm that slices of one volume slide sideways; 0 if it is not worth a word.

    The volume then lies in the middle between those farthest apart, so that none is off by more than half of it.
    """
    beside = _beside(slices)
    return _breadth(beside) if float(np.linalg.norm(beside, axis=1).max()) > DRIFT_MM else 0.0


def _beside(slices: Sequence[Slice]) -> FloatArray:
    """How far each slice lies beside the normal through the first, LPS mm (n, 3)."""
    normal = slice_normal(slices[0])
    offset = np.subtract([s.position for s in slices], slices[0].position)
    return np.asarray(offset - np.outer(offset @ normal, normal))


def _middle(beside: FloatArray) -> FloatArray:
    return np.asarray((beside.min(axis=0) + beside.max(axis=0)) / 2)


def _breadth(beside: FloatArray) -> float:
    """Twice the largest distance from the middle."""
    return 2 * float(np.linalg.norm(beside - _middle(beside), axis=1).max())


def _check_tilt(slices: Sequence[Slice], normal: FloatArray, source: str | Path) -> None:
    """Whether every slice lies on the normal through the first, by less than a pixel in proportion to the length."""
    vectors = _beside(slices)
    beside = np.linalg.norm(vectors, axis=1)
    worst = int(np.argmax(beside))
    line = np.subtract(slices[-1].position, slices[0].position)
    most = max(DRIFT_MM, min(MOST_DRIFT * float(np.linalg.norm(line)), min(slices[0].spacing)))
    if beside[worst] <= DRIFT_MM or _breadth(vectors) <= most:
        return
    angle = float(np.degrees(np.arccos(np.clip(line @ normal / np.linalg.norm(line), -1, 1))))
    straight = np.outer(np.linspace(0, 1, len(slices)), line)
    offset = np.subtract([s.position for s in slices], slices[0].position)
    if np.linalg.norm(offset - straight, axis=1).max() > max(2 * DRIFT_MM, most):
        raise SpatialError(
            f"The slice {slices[worst].name} lies {beside[worst]:.1f} mm beside the line of the others",
            _ANOTHER,
            source,
        )
    slid = f"from {slices[0].name} to {slices[-1].name} the slices slide sideways by {beside[-1]:.2g} mm"
    if angle <= SLIGHT_DEGREES:
        raise SpatialError(
            f"The slices do not lie straight above each other: {slid} ({angle:.2g} degrees), more than the "
            f"{most:.2g} mm that a creeping table or a rounded orientation (ImageOrientationPatient) may come to",
            "Have the scanner's software reformat the series, or export it with all decimals",
            source,
        )
    raise SpatialError(
        f"The gantry was tilted: {slid}, {angle:.1f} degrees from their normal",
        "Choose a series without tilt, or have the scanner's software reformat this one to upright slices",
        source,
    )
