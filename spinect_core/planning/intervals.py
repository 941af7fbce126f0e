"""How far areas, circles and clearances can be trusted: intervals that hold 90 of 100 true values.

A border that the network is unsure of is a shell. Everything is measured again between its inner borders, where
bone and nerve are as small as they may well be, and its outer ones; what phantoms showed to be missing to 90 of 100 is
added on both sides (see :class:`spinect_core.segmentation.calibration.Widening`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyvista as pv

from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import FreeWindow, Sight
from spinect_core.segmentation.calibration import Calibration, Widening
from spinect_core.surfaces.levels import level_surface

COARSE_MM = 1.5
"""A CT with longer voxels along any axis is coarse."""
UNLIKELY, LIKELY = 0.05, 0.95
"""Frequencies at which the outer and the inner border of a tissue lie."""


@dataclass(frozen=True)
class Interval:
    """Two values that hold the true one in 90 of 100 cases like those it was measured on.

    Attributes:
        low: the smaller one.
        high: the larger one.
    """

    low: float
    high: float

    @classmethod
    def around(
        cls, value: float, others: tuple[float, float], widening: float, least: float = -float("inf")
    ) -> Interval:
        """The interval of a value and those measured between outer and inner borders.

        Args:
            value: as measured on the labels, which always lies within.
            others: measured between the other borders.
            widening: added on both sides.
            least: no value can be less.
        """
        return cls(max(min(value, *others) - widening, least), max(value, *others) + widening)


@dataclass(frozen=True)
class WindowInterval:
    """Of a free window.

    Attributes:
        area_mm2: of the largest open piece.
        radius_mm: of the largest circle in it.
    """

    area_mm2: Interval
    radius_mm: Interval


@dataclass(frozen=True)
class NeedleInterval:
    """Of a needle; None where there is no such tissue.

    Attributes:
        bone_mm: clearance to bone along the whole needle.
        nerve_mm: clearance to nerve up to 3 mm before the target.
    """

    bone_mm: Interval | None
    nerve_mm: Interval | None


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What is known of how sure the labels are.

    Attributes:
        probabilities: on the grid of the labels.
        calibration: what they mean.
        widening: what phantoms like this CT needed.
    """

    probabilities: Probabilities
    calibration: Calibration
    widening: Widening

    @classmethod
    def of(
        cls, probabilities: Probabilities | None, calibration: Calibration | None, source: Geometry
    ) -> Uncertainty | None:
        """None where either is missing, or was not measured on CTs like this one.

        The probabilities are those of the labels that are planned on: their grids are the same.

        Args:
            probabilities: of the segmentation.
            calibration: that holds for its run.
            source: the CT's own grid.
        """
        if probabilities is None or calibration is None:
            return None
        widening = calibration.coarse if is_coarse(source) else calibration.fine
        return None if widening is None else cls(probabilities, calibration, widening)


def is_coarse(grid: Geometry) -> bool:
    """Whether a CT's voxels are longer than :data:`COARSE_MM` along any axis."""
    return max(grid.spacing) > COARSE_MM


class Shell:
    """Bone and nerve as large, and as small, as they may well be.

    Args:
        labels: as they were given.
        uncertainty: of them.
        beyond: bone round the labels, which is as large as it was found; None without any.
    """

    def __init__(self, labels: Labels, uncertainty: Uncertainty, beyond: pv.PolyData | None = None) -> None:
        self._labels, self._uncertainty = labels, uncertainty
        self._beyond = beyond

    @cached_property
    def outer(self) -> Obstacles:
        """As large as they may be; what no label touches does not count."""
        return self._obstacles(UNLIKELY)

    @cached_property
    def inner(self) -> Obstacles:
        """As small as they may be."""
        return self._obstacles(LIKELY)

    def _obstacles(self, level: float) -> Obstacles:
        bone, nerve = self._surface(BONE, level), self._surface(NERVE, level)
        return Obstacles(bone, nerve, beyond=self._beyond)

    def window(self, window: FreeWindow) -> WindowInterval:
        """Of a free window."""
        outer, inner = (
            Sight(window.zone, obstacles).window(window.view) for obstacles in (self.outer, self.inner)
        )
        more = self._uncertainty.widening
        return WindowInterval(
            Interval.around(window.area_mm2, (outer.area_mm2, inner.area_mm2), more.area_mm2, 0.0),
            Interval.around(window.radius_mm, (outer.radius_mm, inner.radius_mm), more.radius_mm, 0.0),
        )

    def needle(self, needle: Needle, bone_mm: float, nerve_mm: float) -> NeedleInterval:
        """Of a needle.

        Args:
            needle: the needle.
            bone_mm: its clearance to bone, infinite where there is none.
            nerve_mm: likewise to nerve.
        """
        outer, inner = (clearance(needle, obstacles) for obstacles in (self.outer, self.inner))
        more = self._uncertainty.widening.clearance_mm
        bone = (outer.bone.gap_mm, inner.bone.gap_mm)
        nerve = (outer.nerve.gap_mm, inner.nerve.gap_mm)
        return NeedleInterval(_finite(bone_mm, bone, more), _finite(nerve_mm, nerve, more))

    def _surface(self, tissue: int, level: float) -> pv.PolyData:
        known = self._uncertainty
        field = known.calibration.frequencies(known.probabilities.of_tissue(tissue), tissue)
        return level_surface(field, known.probabilities.geometry, level, self._labels.array == tissue)


def _finite(value: float, others: tuple[float, float], widening: float) -> Interval | None:
    """None where the labels, or one of the borders, hold none of the tissue: that end of the interval is not known."""
    if float("inf") in (value, *others):
        return None
    return Interval.around(value, others, widening)
