"""What a case of the varied family draws beyond the procedural one: anatomy that the network has to distinguish.

In the procedural family every round thing of a root's calibre in the fat before the spine is a root, and the roots run
clear of all that is round them. In life the L5 root lies on body, disc and ala, flattened, among vessels, nodes and
ureter of its own density and calibre; the sac may fill the canal; and no two skeletons have one shape.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from spinect_core.research.phantom.parameters import Specimen, stream
from spinect_core.research.phantom.pose import Pose

PROCEDURAL, VARIED = "procedural", "varied"
FAMILIES = (PROCEDURAL, VARIED)
"""What cases are drawn by without files from outside; :data:`VARIED` is laid on bones from files as well."""

AS_SCANNED, THICK, FUSED = "as scanned", "thick slices", "fused reformats"
READINGS = {AS_SCANNED: 0.5, THICK: 0.25, FUSED: 0.25}
"""How the CT reaches the reader, and how often."""

BEYOND = ("touching", "on the ala", "on the disc", "free")
"""Where the L5 root lies beyond its ganglion: on body, disc and ala all along; on one of them; in the fat between."""

FREE_MM = 99.0
"""A gap that draws a root nowhere."""
LARGEST_BEND_MM = 8.0


@dataclass(frozen=True)
class RootVariety:
    """How a root runs beyond its ganglion.

    Attributes:
        lies: one of :data:`BEYOND`.
        gaps: mm of fat between its surface and the nearest bone or disc, at equal parts of its length beyond the
            ganglion; :data:`FREE_MM` leaves it where it was laid.
        broad: how many times as broad as thick it is there.
        ganglion_mm: by how much its ganglion lies farther out (negative: in the canal) than under the pedicle's middle.
        aside: mm (x to the side, y, z) by which its path lies beside the usual one.
    """

    lies: str
    gaps: tuple[float, ...]
    broad: float
    ganglion_mm: float
    aside: tuple[float, float, float]


@dataclass(frozen=True)
class Flank:
    """How the psoas lies beside the spine.

    Attributes:
        aside: mm by which it lies farther from the midline than usual.
        back: mm by which it lies farther back.
        stout: how stout it is, about 1.
        behind: mm of fat left between it and the spine, less than usual if negative.
        marbled: how much fat lies between its bundles and those of the iliacus, 0 (none is seen) to 1.
    """

    aside: float
    back: float
    stout: float
    behind: float
    marbled: float = 0.0


@dataclass(frozen=True)
class Variety:
    """What the varied family draws for a seed.

    Attributes:
        bend_mm: largest displacement of the smooth field that bends the specimen.
        reading: one of :data:`READINGS`.
        contact_mm: least fat between a root and what it runs along.
        canal_left: mm of fat left beside (and, by half, before and behind) the sac; None where it is as wide as drawn.
        flank: the psoas.
        blood: HU of arteries and veins.
        roots: by level and side.
    """

    bend_mm: float
    reading: str
    contact_mm: float
    canal_left: float | None
    flank: Flank
    blood: tuple[float, float]
    roots: dict[str, RootVariety]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``truth.json``."""
        return asdict(self)


def draw_variety(seed: int, specimen: Specimen) -> Variety:
    """The variety of a seed; random streams of its own, so that the person stays who it was."""
    rng = stream(seed, "variety")
    bend = float(rng.uniform(2.0, LARGEST_BEND_MM))
    reading = str(rng.choice(list(READINGS), p=list(READINGS.values())))
    contact = float(rng.uniform(0.0, 0.45))
    crowded = float(rng.uniform(0.6, 5.0)) if rng.random() < 0.6 else None
    flank = Flank(
        aside=float(rng.uniform(-9.0, 3.0)),
        back=float(rng.uniform(-3.0, 7.0)),
        stout=float(rng.uniform(0.8, 1.35)),
        behind=float(rng.uniform(-7.0, 1.0)),
        marbled=float(np.clip(stream(seed, "variety marbled").uniform(-0.25, 1.0), 0.0, 1.0)),
    )
    plain = float(np.clip(rng.normal(specimen.root + 3.0, 6.0), 22.0, 55.0))
    arterial, venous = plain, plain - float(rng.uniform(0.0, 4.0))
    if rng.random() < 0.25:
        arterial = float(rng.uniform(90.0, 240.0))
        venous = arterial * float(rng.uniform(0.4, 0.95))
    roots = {
        f"{level} {side}": draw_root(level, stream(seed, f"variety {level} {side}"))
        for level in ("L3", "L4", "L5", "S1", "S2")
        for side in ("left", "right")
    }
    return Variety(bend, reading, contact, crowded, flank, (arterial, venous), roots)


def draw_root(level: str, rng: np.random.Generator) -> RootVariety:
    """How a root runs beyond its ganglion."""
    lies = str(rng.choice(BEYOND, p=(0.35, 0.2, 0.25, 0.2)))
    near = rng.uniform(-0.2, 1.2, 6)
    far = rng.uniform(1.5, 8.0, 6)
    gaps = np.where(
        {
            "touching": np.ones(6, dtype=bool),
            "on the ala": np.array([0, 0, 0, 1, 1, 0], dtype=bool),
            "on the disc": np.array([1, 1, 1, 0, 0, 0], dtype=bool),
            "free": np.zeros(6, dtype=bool),
        }[lies],
        near,
        far,
    )
    if lies == "free" or level == "L3":
        gaps = np.full(6, FREE_MM)
    wide, high = (4.0, 3.0) if level in ("L4", "L5") else (2.0, 1.5)
    aside = np.clip(rng.standard_normal(3), -1.8, 1.8) * np.array([wide, 2.5, high])
    shift = rng.normal(0.0, 2.5) if level in ("L4", "L5", "S1") else 0.0
    return RootVariety(
        lies=lies,
        gaps=tuple(float(gap) for gap in gaps),
        broad=float(1.0 + 1.5 * rng.beta(1.2, 1.6)),
        ganglion_mm=float(np.clip(shift, -5.0, 5.0)),
        aside=(float(aside[0]), float(aside[1]), float(aside[2])),
    )


def varied_specimen(specimen: Specimen, variety: Variety) -> Specimen:
    """The specimen with its size, densities and canal as the varied family has them."""
    rng = stream(specimen.seed, "variety measures")
    values = dict(specimen.values)
    values["size"] = float(rng.uniform(0.88, 1.18))
    values["fat"] = float(rng.uniform(-116.0, -78.0))
    values["root"] = float(rng.uniform(22.0, 46.0))
    values["sac"] = float(np.clip(values["sac"] + rng.normal(0.0, 5.0), 4.0, values["root"] - 2.0))
    if variety.canal_left is not None:
        values["sac_width"] = max(
            values["sac_width"], values["l5_canal_width"] - 2.0 * variety.canal_left - 1.0
        )
        values["sac_depth"] = max(values["sac_depth"], values["canal_depth"] - 0.6 * variety.canal_left - 0.4)
    return replace(specimen, values=values)


def bent(pose: Pose, bend_mm: float, seed: int) -> Pose:
    """A pose whose warp holds a smooth free-form field as well, waves of 110 to 240 mm added to those that are there.

    Args:
        pose: how the specimen lies.
        bend_mm: largest length of the field's displacement anywhere in the lumbosacral region.
        seed: of the field.
    """
    rng = stream(seed, "bend")
    directions = rng.standard_normal((6, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = directions * (2 * np.pi / rng.uniform(110.0, 240.0, (6, 1)))
    phases = rng.uniform(0.0, 2 * np.pi, 6)
    amplitudes = rng.standard_normal((6, 3))
    axis = np.linspace(-95.0, 95.0, 20)
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    field = np.sin(places @ waves.T + phases) @ amplitudes
    amplitudes *= bend_mm / np.linalg.norm(field, axis=1).max()
    return replace(
        pose,
        waves=np.concatenate([pose.waves, waves]),
        phases=np.concatenate([pose.phases, phases]),
        amplitudes=np.concatenate([pose.amplitudes, amplitudes]),
    )
