"""Which of the views that the rules leave is recommended: not the widest window, but an ordinary one nearly as good.

A careful operator takes the most ordinary direction that keeps most of the tolerance to be had: for CT the axial plane
first, then a usual oblique angle; for fluoroscopy the usual views of a C-arm; and the shorter way of two. Candidates
are found on the map with a tolerance that is only about right; each is then measured as it is, until one keeps every
rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Guidance, Rule
from spinect_core.geometry.view import View
from spinect_core.planning.judging import USUAL_OBLIQUE, USUAL_TILT, Refusals
from spinect_core.planning.needle.needles import SPARE_MM, STANDARD
from spinect_core.planning.rules import TABLE, Finding
from spinect_core.planning.search.angle_map import AngleMap
from spinect_core.planning.search.many_views import Frames

KEPT_PART = 2 / 3
"""Of the largest tolerance within the rules that a more ordinary view has to keep: it costs less than a third of it."""
AXIAL_OBLIQUE = (25.0, 40.0)
"""Oblique angles that are ordinary for CT: 27 to 52° enter at 55 to 85 mm (MR, n = 102), texts say 30 to 45°."""
OUT_OF_PLANE = 2.0
"""A degree out of the axial plane counts as so many of obliquity: one slice no longer shows the whole needle."""
LATERAL_MM, MM_PER_DEGREE = 85.0, 2.0
"""An entry farther from the midline counts as a degree for every so many mm: skin at 8.3 cm is the usual, n = 200."""
LONGER_DEGREES = 5.0
"""What a needle longer than the usual 3.5 in counts."""
TOLD_DEGREES = 1.0
"""Views that are equally ordinary to this are told apart by their tolerance."""
APART_DEGREES = 5.0
"""Views nearer than this to one that was measured and passed over are not tried after it."""
FIXED = 10
"""Passing a rule that no setting changes is as far from passing as failing so many of the others."""
TRIES = 8
"""Needles that are measured at most for one zone."""


MOST_TRADES = 8
"""Views that are told at most of those that trade tolerance against how ordinary they are."""


@dataclass(frozen=True)
class Trade:
    """A view within the rules that no other beats both in tolerance and in how ordinary it is.

    Attributes:
        view: the line of sight.
        tolerance_deg: about that of a needle along it, as the map estimates it: up to a third more than is measured.
        away_deg: by how much it is out of the ordinary, see :func:`unusual`.
    """

    view: View
    tolerance_deg: float
    away_deg: float


@dataclass(frozen=True, eq=False)
class Chosen:
    """Why a view is recommended.

    Attributes:
        guidance: what the needle is placed under.
        view: the line of sight.
        tolerance_deg: least angular tolerance of its needle.
        best_deg: the largest tolerance that was measured within the rules.
        best_view: where that is.
        area_mm2: of its window.
        largest_view: the view of the largest window.
        largest_mm2: of that.
        trades: the front of tolerance against how ordinary a view is, the most ordinary first.
    """

    guidance: Guidance
    view: View
    tolerance_deg: float
    best_deg: float
    best_view: View
    area_mm2: float
    largest_view: View
    largest_mm2: float
    trades: tuple[Trade, ...] = ()


@dataclass(frozen=True, eq=False)
class Refusal:
    """Why no view of a zone that is open to a needle is recommended.

    Attributes:
        open_views: of the map, to a needle.
        counts: how many of them each rule refuses, the most frequent first; a view may pass several.
        tried: needles that were measured because their views kept the rules on the map.
        nearest: the view that comes nearest to keeping the rules; None where no needle could be measured.
        findings: the rules that bar the needle along it.
        others: titles of the triangles of the same side in which a needle is recommended.
    """

    open_views: int
    counts: Mapping[Rule, int]
    tried: int
    nearest: View | None
    findings: tuple[Finding, ...]
    others: tuple[str, ...] = ()


def unusual(
    guidance: Guidance,
    *,
    oblique: FloatArray,
    tilt: FloatArray,
    lateral_mm: FloatArray,
    depth_mm: FloatArray,
) -> FloatArray:
    """By how many degrees views are out of the ordinary (n,); each other thing that is asked counts as degrees.

    Args:
        guidance: what the needle is placed under.
        oblique: ipsilateral degrees (n,).
        tilt: degrees (n,), cranial positive.
        lateral_mm: of the entry from the midline (n,); not a number where that is not known.
        depth_mm: from the skin to the target (n,).
    """
    if guidance == Guidance.CT:
        away = _beyond(oblique, AXIAL_OBLIQUE) + OUT_OF_PLANE * np.abs(tilt)
    else:
        away = _beyond(oblique, USUAL_OBLIQUE) + _beyond(tilt, USUAL_TILT)
    away = away + np.nan_to_num(np.maximum(lateral_mm - LATERAL_MM, 0.0)) / MM_PER_DEGREE
    usual_mm = min(each.length_mm for each in STANDARD) - SPARE_MM
    return np.asarray(away + LONGER_DEGREES * (depth_mm > usual_mm))


def order_of(tolerance_deg: FloatArray, away_deg: FloatArray, left: Sequence[int]) -> list[int]:
    """The views in the order to try them: the ordinary ones of those that keep most of the tolerance, then the others.

    Args:
        tolerance_deg: about that of a needle along each view (n,).
        away_deg: by how much each is out of the ordinary (n,).
        left: numbers of the views that the rules leave.
    """
    every = np.array([number for number in left if np.isfinite(tolerance_deg[number])], dtype=np.int64)
    if not len(every):
        return []
    tolerance = tolerance_deg[every]
    short = tolerance < KEPT_PART * tolerance.max()
    ordinary = np.round(away_deg[every] / TOLD_DEGREES)
    return [int(each) for each in every[np.lexsort((-tolerance, ordinary, short))]]


def front_of(tolerance_deg: FloatArray, away_deg: FloatArray, left: Sequence[int]) -> list[int]:
    """The views that no other beats both in tolerance and in how ordinary it is, the most ordinary first.

    Args:
        tolerance_deg: about that of a needle along each view (n,).
        away_deg: by how much each is out of the ordinary (n,).
        left: numbers of the views that the rules leave.

    Returns:
        At most :data:`MOST_TRADES`, spread evenly, both ends among them.
    """
    every = np.array([number for number in left if np.isfinite(tolerance_deg[number])], dtype=np.int64)
    if not len(every):
        return []
    ordered = every[np.lexsort((-tolerance_deg[every], away_deg[every]))]
    before = np.maximum.accumulate(np.concatenate([[-np.inf], tolerance_deg[ordered][:-1]]))
    front = ordered[tolerance_deg[ordered] > before]
    kept = np.unique(np.linspace(0, len(front) - 1, min(len(front), MOST_TRADES)).round().astype(int))
    return [int(each) for each in front[kept]]


def entries_of(chart: AngleMap) -> FloatArray:
    """LPS mm (n, 3) where needles along the views of a map enter; not a number where that is not known."""
    looks = chart.looks
    frames = Frames.of(chart.side, looks.oblique, looks.tilt)
    return np.asarray(looks.target + looks.depth_mm[:, None] * frames.vector)


def counts_of(refusals: Refusals, more: Sequence[Sequence[Finding]] = ()) -> dict[Rule, int]:
    """How many views each rule refuses, on the map and of those that were measured, the most frequent first."""
    found = Counter({rule: int(passed.sum()) for rule, passed in refusals.by_rule.items() if passed.any()})
    for findings in more:
        found.update(each.rule for each in findings if each.bars)
    return dict(sorted(found.items(), key=lambda each: (-each[1], tuple(Rule).index(each[0]))))


def fewest(refusals: Refusals, tolerance_deg: FloatArray, open_to: Sequence[int]) -> int | None:
    """The view that passes the fewest limits, of several the one of the largest tolerance; None without one.

    A limit that is no judgement, such as bone, counts for many.
    """
    every = np.array([number for number in open_to if np.isfinite(tolerance_deg[number])], dtype=np.int64)
    if not len(every):
        return None
    fixed = {each.rule for each in TABLE if not each.editable}
    weighed = [each[every] * (FIXED if rule in fixed else 1) for rule, each in refusals.by_rule.items()]
    passed = np.sum(weighed, axis=0, initial=0)
    return int(every[np.lexsort((-tolerance_deg[every], np.broadcast_to(passed, every.shape)))[0]])


def _beyond(values: FloatArray, band: tuple[float, float]) -> FloatArray:
    """How far values (n,) lie outside of a band."""
    return np.asarray(np.maximum(np.maximum(band[0] - values, values - band[1]), 0.0))
