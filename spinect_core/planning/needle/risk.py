"""What becomes of a needle's first pass: a Monte Carlo simulation of the errors of the hand and of the needle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

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
CHORDS = 4
"""A bent needle is looked at as so many straight pieces: each is off its arc by at most D / 64, 0.14 mm for 8.9 mm."""
BENT_OVER_MM = 80.0
"""The length over which bending was measured."""


@dataclass(frozen=True)
class HandError:
    """The errors of a technique.

    Attributes:
        name: of the technique.
        mean_deg: of the normal distribution whose part above 0 the angular errors are drawn from.
        sd_deg: its standard deviation, more than 0.
        source: where the numbers are from.
        entry_mean_mm: the same of the error of the entry; None where the source gives none, and none is drawn.
        entry_sd_mm: its standard deviation.
        tip_mm: mean and standard deviation of the tip's distance from the target in the same source; for comparison,
            nothing is drawn from it.
    """

    name: str
    mean_deg: float
    sd_deg: float
    source: str = ""
    entry_mean_mm: float | None = None
    entry_sd_mm: float | None = None
    tip_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for mean, sd, unit in (
            (self.mean_deg, self.sd_deg, "°"),
            (self.entry_mean_mm, self.entry_sd_mm, " mm"),
        ):
            if mean is None and sd is None:
                continue
            if mean is None or sd is None or not (np.isfinite(mean) and 0 < sd < np.inf):
                raise MeasurementError(
                    f"An error of {mean} ± {sd}{unit} cannot be drawn", "Give a mean and a spread above 0"
                )

    @property
    def of_angle_alone(self) -> HandError:
        """The same with the entry where it was planned."""
        return replace(self, entry_mean_mm=None, entry_sd_mm=None)

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Angular errors (count,) in degrees, none below 0."""
        return _above_zero(self.mean_deg, self.sd_deg, count, rng)

    def draw_entries(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Errors (count,) of the entry in mm, none below 0; all 0 where the source gives none."""
        if self.entry_mean_mm is None or self.entry_sd_mm is None:
            return np.zeros(count)
        return _above_zero(self.entry_mean_mm, self.entry_sd_mm, count, rng)


def _above_zero(mean: float, sd: float, count: int, rng: np.random.Generator) -> FloatArray:
    least = float(ndtr(-mean / sd))
    part = least + (1.0 - least) * rng.random(count)
    return np.asarray(np.maximum(mean + sd * ndtri(part), 0.0))


_CT = "Gruber-Rouh et al., Korean J Radiol 2015;16:729 (phantom, 60 punctures)"
_TRANSFORAMINAL = "Margalit et al., Global Spine J 2024;14:138 (phantom, 10 transforaminal injections each)"
LASER = HandError("laser-guided CT", 1.3, 0.9, _CT, 0.8, 0.6, (4.0, 2.7))
FREE_HAND_CT = HandError("free-hand CT", 3.4, 3.1, _CT, 6.1, 4.7, (6.3, 3.6))
FREE_HAND = HandError("free-hand transforaminal", 12.0, 4.8, _TRANSFORAMINAL, tip_mm=(20.1, 5.0))
ROBOT = HandError("robot, transforaminal", 5.6, 3.3, _TRANSFORAMINAL, tip_mm=(11.4, 3.9))
HAND_ERRORS = (FREE_HAND, FREE_HAND_CT, LASER, ROBOT)
"""The techniques that are reported, that of this very injection first."""


@dataclass(frozen=True)
class Bending:
    """How far a type of needle drifts sideways.

    Attributes:
        name: of the type.
        mm: at the tip after 80 mm.
        source: where the number is from.
    """

    name: str
    mm: float
    source: str = "gel, 22 G over 80 mm (Anesth Pain Med, brieflands aapm-17572)"

    def at(self, depth_mm: FloatArray | float) -> FloatArray:
        """The drift in mm at depths in mm: an even curve, so it grows with the square of the depth."""
        return np.asarray(self.mm * (np.asarray(depth_mm) / BENT_OVER_MM) ** 2)


QUINCKE = Bending("Quincke", 8.9)
SHORT_BEVEL = Bending("short bevel", 10.0)
CHIBA = Bending("Chiba", 7.7)
WHITACRE = Bending("Whitacre", 0.7)
BENDINGS = (QUINCKE, SHORT_BEVEL, CHIBA, WHITACRE)


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
    """What happens to first passes that no picture corrects.

    It leaves out: corrections under imaging, movement and breathing, errors of the segmentation, and everything that is
    neither bone nor nerve; the entry's error where the source gives none; bending unless it was asked for. It says how
    plans compare, not how often a patient is harmed.

    Attributes:
        error: of the hand.
        needles: how many were drawn.
        nerve: part that touches nerve.
        nerve_on_the_way: part that touches it more than 3 mm before the needle's end.
        bone: part that touches bone.
        either: part that touches one or the other.
        miss_mean_mm: mean distance of the tip from the target.
        miss_95_mm: 95 of 100 tips are nearer.
        drawn_mean_deg: mean of the angular errors drawn; larger than that of the whole normal distribution.
        seed: of the random numbers.
        bending: of the needle; None for straight needles.
    """

    error: HandError
    needles: int
    nerve: Part
    nerve_on_the_way: Part
    bone: Part
    either: Part
    miss_mean_mm: float
    miss_95_mm: float
    drawn_mean_deg: float
    seed: int
    bending: Bending | None = None


def risk(
    needle: Needle,
    aim: Aim,
    error: HandError = FREE_HAND,
    *,
    bending: Bending | None = None,
    drift_clock: float | None = None,
    needles: int = NEEDLES,
    seed: int = SEED,
    cancel: Cancel | None = None,
) -> Risk:
    """What happens to needles that go in as deep as planned, with errors of the angle and of the entry.

    The sizes of the errors are drawn from the parts above 0 of normal distributions, their directions evenly and apart
    from each other; the entry moves across the needle. The needles have the thickness of the planned one.

    Args:
        needle: the plan.
        aim: bone and nerve.
        error: of the hand.
        bending: of the needle; straight without.
        drift_clock: hours, seen from the hub with the picture of its view upright, towards which the bevel makes the
            needle drift; evenly drawn where the bevel's side is not known. Without bending it means nothing.
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
    shifts = error.draw_entries(needles, rng)
    aside = circle(rng.random(needles) * 2 * np.pi) @ axes
    entries = np.asarray(needle.entry) + shifts[:, None] * aside
    drifts = rng.random(needles) * 2 * np.pi
    if drift_clock is not None:
        drifts[:] = np.radians(90.0 - 30.0 * drift_clock)
    bent = _Bent(entries, directions, circle(drifts) @ axes, needle.depth_mm, bending)
    end = needle.depth_mm
    bone, nerve = (bent.contact(aim, tissue, needle.radius_mm, cancel) for tissue in (BONE, NERVE))
    misses = np.linalg.norm(bent.at(end) - np.asarray(needle.target), axis=1)
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
        bending=bending,
    )


@dataclass(frozen=True, eq=False)
class _Bent:
    """Needles on their way.

    Attributes:
        entries: LPS mm (n, 3).
        directions: unit vectors (n, 3) inwards, at the skin.
        drifts: unit vectors (n, 3) across, towards which each bends.
        depth_mm: of all.
        bending: of all; None where they are straight.
    """

    entries: FloatArray
    directions: FloatArray
    drifts: FloatArray
    depth_mm: float
    bending: Bending | None

    def at(self, depth: float) -> FloatArray:
        """LPS mm (n, 3) at a depth; a drift of a tenth of the depth lengthens the way by less than 1 %."""
        straight = self.entries + depth * self.directions
        return straight if self.bending is None else straight + self.bending.at(depth) * self.drifts

    def contact(self, aim: Aim, tissue: int, radius_mm: float, cancel: Cancel | None) -> FloatArray:
        """Depth in mm (n,) at which each meets a tissue; infinite where it does not, as far as it goes."""
        if self.bending is None:
            return aim.contact(tissue, self.entries, self.directions, radius_mm, cancel)
        met = np.full(len(self.entries), np.inf)
        depths = np.linspace(0.0, self.depth_mm, CHORDS + 1)
        for first, last in pairwise(depths):
            chord = self.at(last) - self.at(first)
            length = np.linalg.norm(chord, axis=1)
            along = aim.contact(tissue, self.at(first), chord / length[:, None], radius_mm, cancel)
            here = along < length
            depth = first + along / length * (last - first)
            met = np.where(here, np.minimum(met, depth), met)
        return met


def _part(met: BoolArray) -> Part:
    value = float(met.mean())
    return Part(value, float(np.sqrt(value * (1 - value) / len(met))))
