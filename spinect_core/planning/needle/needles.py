"""Spinal needles as they are sold, and which of them is long enough.

Lengths are 3.5, 5 and 7 inches. Outer diameters are those of the needle gauge, 0.7176 and 0.5144 mm, each to 0.0064 mm
(https://en.wikipedia.org/wiki/Needle_gauge_comparison_chart). What a package holds may differ by brand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spinect_core.base.errors import MeasurementError

OUTER_MM: Mapping[int, float] = MappingProxyType({22: 0.7176, 25: 0.5144})
"""Outer diameter by gauge."""
INCHES = (3.5, 5.0, 7.0)
MM_PER_INCH = 25.4
SPARE_MM = 10.0
"""Of the shaft left outside the skin: a hub pressed against the skin neither shows the depth nor can be turned."""


@dataclass(frozen=True)
class StandardNeedle:
    """A spinal needle one can buy.

    Attributes:
        inches: length of the shaft.
        gauge: 22 or 25.
    """

    inches: float
    gauge: int

    @property
    def length_mm(self) -> float:
        """Of the shaft, from hub to tip, whole millimetres as sellers give it."""
        return float(round(self.inches * MM_PER_INCH))

    @property
    def outer_mm(self) -> float:
        """Outer diameter."""
        return OUTER_MM[self.gauge]

    @property
    def words(self) -> str:
        """For example ``22 G, 3.5 in (89 mm)``."""
        return f"{self.gauge} G, {self.inches:g} in ({self.length_mm:.0f} mm)"


STANDARD: tuple[StandardNeedle, ...] = tuple(StandardNeedle(i, g) for g in OUTER_MM for i in INCHES)


@dataclass(frozen=True)
class Fit:
    """The answer to which needle fits.

    Attributes:
        depth_mm: from the skin to the target.
        needle: the shortest that fits, or None.
        longest: the longest there is of this gauge.
    """

    depth_mm: float
    needle: StandardNeedle | None
    longest: StandardNeedle

    @property
    def spare_mm(self) -> float:
        """Shaft left outside the skin, of the needle that fits or else of the longest; negative where it ends short."""
        return (self.needle or self.longest).length_mm - self.depth_mm

    @property
    def words(self) -> str:
        """Which needle fits, or that none does, and why."""
        if self.needle is not None:
            return f"{self.needle.words}, {self.spare_mm:.0f} mm of it outside the skin"
        if self.spare_mm < 0:
            fault = f"ends {-self.spare_mm:.0f} mm short of the target"
        else:
            fault = f"leaves {self.spare_mm:.0f} mm outside the skin, less than {SPARE_MM:.0f} mm"
        return f"no standard needle fits: the longest, {self.longest.words}, {fault}"


def outer_mm(gauge: int) -> float:
    """Outer diameter in mm of a gauge.

    Raises:
        MeasurementError: no needle of that gauge is known.
    """
    if gauge not in OUTER_MM:
        raise MeasurementError(
            f"There is no {gauge} G needle here", f"Use {' or '.join(map(str, OUTER_MM))}", "gauge"
        )
    return OUTER_MM[gauge]


def fitting(depth_mm: float, gauge: int = 22) -> Fit:
    """The shortest standard needle that reaches a target and leaves 10 mm outside the skin.

    Args:
        depth_mm: from the skin to the target along the needle, more than 0.
        gauge: 22 or 25.

    Raises:
        MeasurementError: no such gauge, or a depth that is none.
    """
    outer_mm(gauge)
    if not 0 < depth_mm < float("inf"):
        raise MeasurementError(f"A depth of {depth_mm} mm does not exist", "Choose two different points")
    kinds = sorted((n for n in STANDARD if n.gauge == gauge), key=lambda n: n.length_mm)
    long_enough = [n for n in kinds if n.length_mm >= depth_mm + SPARE_MM]
    return Fit(float(depth_mm), long_enough[0] if long_enough else None, kinds[-1])
