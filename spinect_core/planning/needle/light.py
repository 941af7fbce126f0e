"""One traffic light for a trajectory, with its reasons.

It sums up what is measured along the needle and what that rests on. It is no rule: rules refuse, the light tells how
much care a trajectory needs. Green says only that nothing of what is looked at stands against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spinect_core.base.words import Light, LightCause
from spinect_core.planning.traffic_light import LightFound, LightReason


@dataclass(frozen=True)
class Grade:
    """From where on a quantity makes the light amber, and from where on red.

    Attributes:
        amber: the first value that is no longer green.
        red: the first that is red; None for a quantity that alone never makes it red.
        falling: whether smaller values are worse.
        source: of the two.
    """

    amber: float
    red: float | None
    falling: bool
    source: str

    def light(self, value: float) -> Light:
        """The light of a value."""
        sign = -1.0 if self.falling else 1.0
        if self.red is not None and sign * (value - self.red) > 0:
            return Light.RED
        return Light.AMBER if sign * (value - self.amber) > 0 else Light.GREEN

    def limit(self, light: Light) -> float:
        """The limit that a value of this light has passed."""
        return self.amber if light == Light.AMBER or self.red is None else self.red


_VOXEL = "the labels' voxels are 1 mm: what is nearer is not known to be free"
GRADES: Mapping[LightCause, Grade] = MappingProxyType(
    {
        LightCause.TOLERANCE: Grade(
            1.3,
            0.5,
            True,
            "mean error of laser-guided CT, the most exact technique; 1 mm over 100 mm is 0.6°",
        ),
        LightCause.BONE_GAP: Grade(1.0, 0.0, True, _VOXEL),
        LightCause.NERVE_GAP: Grade(1.0, 0.0, True, _VOXEL),
        LightCause.BORDER: Grade(0.5, None, True, "landmarks and borders below 50 % are marked as doubtful"),
        LightCause.GAP: Grade(0.0, 0.0, False, "a border drawn where no root is labelled may lie elsewhere"),
        LightCause.SLICES: Grade(2.0, 5.0, False, "a root is 4 to 6 mm thick; inferred"),
        LightCause.WAY: Grade(0.0, None, False, "what neither labels nor CT show is not known to be free"),
        LightCause.NERVE_WAY: Grade(
            0.0, None, False, "outside of the labels nerve is not known; where a root may run it is likely"
        ),
        LightCause.ORGAN_GAP: Grade(
            20.0, 5.0, True, "bowel moves 3 to 14 mm between supine and prone; 5 mm is its margin"
        ),
        LightCause.ORGANS_WAY: Grade(
            5.0, None, False, "bowel and kidney have the density of muscle; the CT's voxels resolve no less"
        ),
        LightCause.WARNED: Grade(0.0, None, False, "what a rule warns of is worth a look"),
        LightCause.CASE: Grade(0.0, None, False, "a needle is no surer than the case that it is planned in"),
        LightCause.WITHHELD: Grade(0.0, 0.0, False, "what is not recommended is not green"),
    }
)
"""What the light looks at, in the order of its reasons."""


def light_of(values: Mapping[LightCause, float | None]) -> LightFound[LightCause]:
    """The light of what was measured.

    Args:
        values: of each cause: degrees of the least tolerance, mm to bone and to nerve before the last 3 mm, the least
            confidence of the triangle's borders (0 to 1), mm of border drawn on a gap of a root, mm of the CT's slices,
            mm of the way from skin to target that neither labels nor CT show, mm of it outside of the labels near where
            a root may run, mm to bowel or kidney, mm of the way on which organs are not known, limits of other rules
            that warn, what makes the light of the whole case amber, reasons for which nothing is recommended there.
            One that is None or missing is not known, which is amber; infinite is as far as there is anything.
    """
    return LightFound.made_by(_reason(cause, values.get(cause)) for cause in GRADES)


def _reason(cause: LightCause, value: float | None) -> LightReason[LightCause]:
    if value is None:
        return LightReason(cause, Light.AMBER)
    light = GRADES[cause].light(value)
    return LightReason(cause, light, value, GRADES[cause].limit(light))
