"""What a view must fulfil to be allowed, and how allowed views are weighed against each other.

The limits are hard. The score is a weighted mean of six terms, each 0 (bad) to 1 (good); docs/planning-search.md gives
the reason for every number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from spinect_core.base.arrays import FloatArray


class Reason(IntEnum):
    """Why a view is not allowed; 0 if it is."""

    ALLOWED = 0
    NOT_SEEN = 1
    BONE = 2
    NERVE = 3
    BONE_AND_NERVE = 4
    NARROW = 5
    NO_SKIN = 6
    TOO_DEEP = 7


@dataclass(frozen=True)
class Limits:
    """What every allowed view keeps.

    Attributes:
        needle_radius_mm: the window's largest circle is at least this; half of 22 G (0.72 mm).
        longest_needle_mm: 7 in.
        spare_mm: of the needle that stays outside the skin.
    """

    needle_radius_mm: float = 0.36
    longest_needle_mm: float = 178.0
    spare_mm: float = 10.0

    @property
    def deepest_mm(self) -> float:
        """From the skin to the target."""
        return self.longest_needle_mm - self.spare_mm


TERMS = ("area", "tolerance", "nerve", "bone", "depth", "usual")
"""Names of the terms of the score."""


@dataclass(frozen=True)
class Weights:
    """How much each term counts, and where it is 1 or 0.

    Attributes:
        area: weight of the window's area as a part of the largest of the zone.
        tolerance: of the largest circle's radius: 0 at the needle's radius, 1 from ``wide_mm``.
        nerve: of the trajectory's clearance to nerve: 0 at the needle's radius, 1 from ``clear_of_nerve_mm``.
        bone: of the trajectory's clearance to bone: 0 at the needle's radius, 1 from ``clear_of_bone_mm``.
        depth: 1 up to ``shallow_mm``, 0 at the longest reach. Left out where the skin is not known.
        usual: 1 where the view is as oblique as usual, 0 from ``unusual_by_degrees`` away.
        wide_mm: half of the 6.1 mm circle that fits the bony corridor of L5/S1 (synapse.koreamed.org/articles/1160731),
            rounded down.
        clear_of_nerve_mm: the gap between root and facet at L5/S1, 4.6 mm (the same source), less the needle's radius,
            rounded down.
        clear_of_bone_mm: as wide_mm.
        shallow_mm: where the 3.5 in needle (89 mm) reaches with room to spare.
        usual_degrees: oblique angles that are in use.
        unusual_by_degrees: beyond them.
    """

    area: float = 0.30
    tolerance: float = 0.20
    nerve: float = 0.20
    bone: float = 0.10
    depth: float = 0.10
    usual: float = 0.10
    wide_mm: float = 3.0
    clear_of_nerve_mm: float = 4.0
    clear_of_bone_mm: float = 3.0
    shallow_mm: float = 79.0
    usual_degrees: tuple[float, float] = (20.0, 40.0)
    unusual_by_degrees: float = 20.0

    def terms(
        self,
        *,
        oblique: FloatArray,
        area_mm2: FloatArray,
        radius_mm: FloatArray,
        nerve_mm: FloatArray,
        bone_mm: FloatArray,
        depth_mm: FloatArray,
        largest_mm2: float,
        limits: Limits,
    ) -> dict[str, FloatArray]:
        """Each term (n,), 0 to 1, by its name in :data:`TERMS`; not a number where what it rests on is not known.

        Args:
            oblique: ipsilateral degrees (n,).
            area_mm2: of the windows (n,).
            radius_mm: of their largest circles (n,).
            nerve_mm: clearances to nerve (n,), may be infinite.
            bone_mm: clearances to bone (n,), may be infinite.
            depth_mm: from skin to target (n,).
            largest_mm2: the zone's largest window.
            limits: the hard ones.
        """
        thin = limits.needle_radius_mm
        low, high = self.usual_degrees
        away = np.maximum(np.maximum(low - oblique, oblique - high), 0.0)
        return {
            "area": np.clip(area_mm2 / max(largest_mm2, 1e-9), 0.0, 1.0),
            "tolerance": _rising(radius_mm, thin, self.wide_mm),
            "nerve": _rising(nerve_mm, thin, self.clear_of_nerve_mm),
            "bone": _rising(bone_mm, thin, self.clear_of_bone_mm),
            "depth": 1.0 - _rising(depth_mm, self.shallow_mm, limits.deepest_mm),
            "usual": 1.0 - _rising(away, 0.0, self.unusual_by_degrees),
        }

    def score(self, terms: Mapping[str, FloatArray]) -> FloatArray:
        """The weighted mean (n,) of those terms that are known, 0 to 1."""
        total, weight = np.zeros_like(terms["area"]), np.zeros_like(terms["area"])
        for name in TERMS:
            known = np.isfinite(terms[name])
            total += np.where(known, terms[name], 0.0) * getattr(self, name)
            weight += known * getattr(self, name)
        return np.asarray(total / np.maximum(weight, 1e-12))


def _rising(values: FloatArray, low: float, high: float) -> FloatArray:
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))
