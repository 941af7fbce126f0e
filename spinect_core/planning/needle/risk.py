"""How often a needle with an angular error touches bone or nerve: a Monte Carlo simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import AT_TARGET_MM
from spinect_core.planning.needle.tolerance import END_MM, Aim, circle

NEEDLES = 20_000
SEED = 20_190_401


@dataclass(frozen=True)
class AngularError:
    """The distribution of the angular errors of a technique.

    Attributes:
        name: of the technique.
        mean_deg: of the normal distribution whose part above 0 the errors are drawn from.
        sd_deg: its standard deviation, more than 0.
        source: where the numbers are from.
    """

    name: str
    mean_deg: float
    sd_deg: float
    source: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean_deg) and 0 < self.sd_deg < np.inf):
            raise MeasurementError(
                f"An error of {self.mean_deg} ± {self.sd_deg}° cannot be drawn", "Give a spread above 0"
            )

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Errors (count,) in degrees, none below 0."""
        least = float(ndtr(-self.mean_deg / self.sd_deg))
        part = least + (1.0 - least) * rng.random(count)
        return np.asarray(np.maximum(self.mean_deg + self.sd_deg * ndtri(part), 0.0))


_STUDY = "Gruber-Rouh et al., Korean J Radiol 2015;16:729 (phantom, 60 punctures)"
FREE_HAND = AngularError("free hand", 3.4, 3.1, _STUDY)
LASER = AngularError("laser", 1.3, 0.9, _STUDY)


@dataclass(frozen=True)
class Part:
    """A part of the needles drawn.

    Attributes:
        value: 0 to 1.
        standard_error: of the simulation alone; 0 where none or all touched, where the value may still be off by up to
            3 / needles (95 %).
    """

    value: float
    standard_error: float


@dataclass(frozen=True)
class Risk:
    """What happens to needles that deviate from the planned angle.

    It leaves out: errors of the entry point (6.1 ± 4.7 mm free hand in the same study), bending, corrections under
    imaging, movement and breathing, errors of the segmentation, and everything that is neither bone nor nerve. It says
    how plans compare, not how often a patient is harmed.

    Attributes:
        error: the distribution.
        needles: how many were drawn.
        nerve: part that touches nerve.
        nerve_on_the_way: part that touches it more than 3 mm before the needle's end.
        bone: part that touches bone.
        either: part that touches one or the other.
        miss_mean_mm: mean distance of the tip from the target.
        miss_95_mm: 95 of 100 tips are nearer.
        drawn_mean_deg: mean of the errors drawn; larger than that of the whole normal distribution.
        seed: of the random numbers.
    """

    error: AngularError
    needles: int
    nerve: Part
    nerve_on_the_way: Part
    bone: Part
    either: Part
    miss_mean_mm: float
    miss_95_mm: float
    drawn_mean_deg: float
    seed: int


def risk(
    needle: Needle,
    aim: Aim,
    error: AngularError = FREE_HAND,
    *,
    needles: int = NEEDLES,
    seed: int = SEED,
    cancel: Cancel | None = None,
) -> Risk:
    """What happens to needles that go in at the planned entry, as deep as planned, with an angular error.

    The size of the error is drawn from the part above 0 of a normal distribution, its direction evenly. The needles
    have the thickness of the planned one.

    Args:
        needle: the plan.
        aim: bone and nerve.
        error: the distribution of the angular errors.
        needles: how many are drawn.
        seed: of the random numbers; the same seed gives the same result.
        cancel: looked at every 4,096 needles.

    Raises:
        MeasurementError: no needle to draw.
    """
    if needles < 1:
        raise MeasurementError(f"A simulation of {needles} needles has no result", "Draw at least one")
    rng = np.random.default_rng(seed)
    degrees = error.draw(needles, rng)
    azimuths = rng.random(needles) * 2 * np.pi
    angle = np.radians(degrees)[:, None]
    axes = np.stack([needle.view.right, needle.view.up])
    directions = -np.cos(angle) * needle.towards_entry + np.sin(angle) * (circle(azimuths) @ axes)
    entries = np.broadcast_to(np.asarray(needle.entry), directions.shape)
    end = needle.depth_mm
    bone, nerve = (
        aim.contact(tissue, entries, directions, needle.radius_mm, cancel) for tissue in (BONE, NERVE)
    )
    misses = 2 * end * np.sin(angle[:, 0] / 2)
    return Risk(
        error=error,
        needles=needles,
        nerve=_part(nerve < end - END_MM),
        nerve_on_the_way=_part(nerve < end - AT_TARGET_MM),
        bone=_part(bone < end - END_MM),
        either=_part(np.minimum(bone, nerve) < end - END_MM),
        miss_mean_mm=float(misses.mean()),
        miss_95_mm=float(np.percentile(misses, 95)),
        drawn_mean_deg=float(degrees.mean()),
        seed=seed,
    )


def _part(met: BoolArray) -> Part:
    value = float(met.mean())
    return Part(value, float(np.sqrt(value * (1 - value) / len(met))))
