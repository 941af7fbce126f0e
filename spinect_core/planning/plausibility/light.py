"""One traffic light for a whole case, with its reasons.

Red says that something of the CT, its labels or the level in them cannot be, or is too poor to plan on: then nothing is
recommended. Amber is told. Green says only that nothing of what is looked at stands against the case. How the limits
were chosen and what they catch is described in docs/plausibility.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spinect_core.base.words import CaseCause, Light
from spinect_core.planning.traffic_light import LightFound, LightReason


@dataclass(frozen=True)
class Range:
    """Where a measure of a case is usual, and where it is told.

    Attributes:
        least: the smallest usual value; None where it cannot be too small.
        least_red: the smallest that is not red; None where being small alone is never red.
        most: the largest usual value; None where it cannot be too large.
        most_red: the largest that is not red; None as above.
        source: of the limits.
    """

    least: float | None = None
    least_red: float | None = None
    most: float | None = None
    most_red: float | None = None
    source: str = ""

    def judged(self, value: float) -> tuple[Light, float | None]:
        """The light of a value, and the limit that it has passed."""
        for light, least, most in (
            (Light.RED, self.least_red, self.most_red),
            (Light.AMBER, self.least, self.most),
        ):
            if least is not None and value < least:
                return light, least
            if most is not None and value > most:
                return light, most
        return Light.GREEN, None


CaseLight = LightFound[CaseCause]


def light_of_case(
    values: Mapping[CaseCause, float | None], ranges: Mapping[CaseCause, Range] | None = None
) -> CaseLight:
    """The light of what was measured of a case.

    Args:
        values: by cause; None is not known, which is amber. What is missing was not asked.
        ranges: what is usual; :data:`RANGES` when absent.
    """
    usual = RANGES if ranges is None else ranges
    return CaseLight.made_by(
        _reason(cause, limits, values[cause]) for cause, limits in usual.items() if cause in values
    )


def _reason(cause: CaseCause, limits: Range, value: float | None) -> LightReason[CaseCause]:
    if value is None:
        return LightReason(cause, Light.AMBER)
    light, limit = limits.judged(value)
    return LightReason(cause, light, value, limit)


_MEASURED = "sound and broken phantoms and two patients, docs/plausibility.md"
_HU = "fat at -120 to -60 HU and muscle at 30 to 80 on every scanner"
_PARTIAL = "sound phantoms, and a patient in slices of 3 mm whose fat and muscle share voxels"
RANGES: Mapping[CaseCause, Range] = MappingProxyType(
    {
        CaseCause.PICTURE: Range(source="what is not looked at is not green"),
        CaseCause.NOISE: Range(most=60.0, most_red=110.0, source=_MEASURED),
        CaseCause.CONTRAST: Range(95.0, 80.0, 190.0, 230.0, source=_HU),
        CaseCause.BLUR: Range(least=0.33, source=_PARTIAL),
        CaseCause.SLICE_ORDER: Range(most=0.05, most_red=0.2, source=_MEASURED),
        CaseCause.SLICE_TWICE: Range(most=0.03, most_red=0.08, source=_MEASURED),
        CaseCause.JUMP: Range(most=2.0, most_red=2.6, source=_MEASURED),
        CaseCause.METAL: Range(
            most=0.3, most_red=25.0, source="four screws and two rods are some 15 ml; inferred"
        ),
        CaseCause.BONE_HU: Range(40.0, 0.0, 700.0, 1100.0, source=_MEASURED),
        CaseCause.BONE_EDGE: Range(least=85.0, least_red=50.0, source=_PARTIAL),
        CaseCause.BONE_MISSED: Range(most=0.15, most_red=0.35, source=_MEASURED),
        CaseCause.NERVE_HU: Range(
            -10.0, -35.0, 60.0, 80.0, source="nerve lies between fat and muscle; inferred"
        ),
        CaseCause.NERVE_OFF: Range(most=0.25, most_red=0.45, source=_MEASURED),
        CaseCause.IN_AIR: Range(most=0.005, most_red=0.03, source=_MEASURED),
        CaseCause.SHIFT: Range(
            most=2.5, most_red=3.9, source="labels are compared with the CT in steps of 2 mm"
        ),
        CaseCause.UNSURE: Range(most=0.25, most_red=0.45, source="0.06 to 0.17 on three CTs; inferred"),
        CaseCause.BONE_SHARE: Range(0.28, 0.2, 0.5, 0.58, source=_MEASURED),
        CaseCause.BONE_SIDES: Range(most=0.15, most_red=0.35, source=_MEASURED),
        CaseCause.BONE_PIECES: Range(most=12.0, most_red=25.0, source=_MEASURED),
        CaseCause.NERVE_SHARE: Range(0.025, 0.015, 0.09, 0.12, source=_MEASURED),
        CaseCause.NERVE_SIDES: Range(most=0.35, most_red=0.6, source=_MEASURED),
        CaseCause.NERVE_PIECES: Range(most=10.0, most_red=20.0, source=_MEASURED),
        CaseCause.MIRROR: Range(least=0.62, least_red=0.5, source=_MEASURED),
        CaseCause.ROOT_PAIRS: Range(most=0.5, most_red=0.85, source=_MEASURED),
        CaseCause.SAC_FOUND: Range(least=0.9, least_red=0.6, source=_MEASURED),
        CaseCause.FACING: Range(0.55, 0.45, 0.92, 0.97, source=_MEASURED),
        CaseCause.UPRIGHT: Range(least=0.05, least_red=-0.05, source=_MEASURED),
        CaseCause.LEAST_SIZE: Range(least=0.6, least_red=0.5, source=_MEASURED),
        CaseCause.MOST_SIZE: Range(most=1.4, most_red=1.6, source=_MEASURED),
        CaseCause.UNEVEN: Range(most=1.8, most_red=2.2, source=_MEASURED),
        CaseCause.NEAR_DISCS: Range(least=26.0, least_red=20.0, source=_MEASURED),
        CaseCause.FAR_DISCS: Range(most=60.0, most_red=95.0, source="two levels, where a disc was not seen"),
        CaseCause.WITHHELD: Range(most_red=0.0, source="what is not recommended is not green"),
    }
)
"""What the light looks at, in the order of its reasons."""
