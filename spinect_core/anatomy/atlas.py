"""The specimen with known landmarks that a case is compared with.

It is the phantom whose measures lie nearest to the means of the literature, kept in assets/ as a 1 mm label map and
tables of landmarks, courses and parts, so that finding the level never has to build a phantom first.
``python -m spinect_core.research.atlas.make_atlas FOLDER`` makes it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from spinect_core.anatomy.parts import Parts, read_parts
from spinect_core.base.arrays import FloatArray
from spinect_core.base.assets import asset
from spinect_core.base.decimal_point import keep_decimal_point
from spinect_core.base.errors import InstallationError
from spinect_core.image.volume import Labels, geometry_from_sitk

SEED = 145185
"""Of 100,000 draws the one whose measures, asymmetry and turns lie nearest to the means."""

SAC = "sac"
"""Name of the course along the middle of the thecal sac."""


@dataclass(frozen=True, eq=False)
class Trust:
    """How well a landmark is found on specimens whose truth is known.

    Attributes:
        correction: LPS mm (3,) from where it is found to where it truly is, on the mean.
        spread: mm, root mean square distance that is left.
        misfit: mm, usual distance of the atlas's bone round it from the case's.
    """

    correction: FloatArray
    spread: float
    misfit: float


@dataclass(frozen=True, eq=False)
class Atlas:
    """A labelled specimen.

    Attributes:
        labels: 0 background, 1 bone, 2 nerve.
        landmarks: LPS mm (3,) by name.
        courses: LPS mm (n, 3) centrelines by name, from the sac outwards, 1 mm apart; ``sac`` from above downwards.
        parts: points of known name on its surfaces.
        bridge: LPS mm (n, 3) by side: where a transitional L5 has bone and a usual one has none.
        trust: by :func:`trust_key`; empty while the atlas is being made.
        bridge_usual: share of the bridge that is bone in usual specimens, the highest that was seen.
    """

    labels: Labels
    landmarks: Mapping[str, FloatArray]
    courses: Mapping[str, FloatArray]
    parts: Parts
    bridge: Mapping[str, FloatArray]
    trust: Mapping[str, Trust] = field(default_factory=dict)
    bridge_usual: float = 0.2

    @property
    def step_up(self) -> FloatArray:
        """LPS mm (3,) from the middle of the end plate of S1 to that of L5."""
        return self.landmarks["L5 upper end plate centre"] - self.landmarks["S1 upper end plate centre"]


def sideless(name: str) -> str:
    """A landmark's name without its side."""
    return name.removesuffix(" left").removesuffix(" right")


def trust_key(level: str, name: str) -> str:
    """Under which a landmark's trust is kept: the level it was found for, and its name.

    Each side has its own, for the atlas's specimen, like any, is not quite the same on both.
    """
    return f"{level}: {name}"


def from_table(labels: Labels, table: Mapping[str, Any], parts: Parts) -> Atlas:
    """The atlas of a label map, and the tables beside it."""

    def points(values: Any) -> FloatArray:
        return np.asarray(values, dtype=np.float64)

    return Atlas(
        labels,
        {name: points(point) for name, point in table["landmarks"].items()},
        {name: points(line) for name, line in table["courses"].items()},
        parts,
        {side: points(places) for side, places in table["bridge"].items()},
        {
            name: Trust(points(entry["correction"]), float(entry["spread"]), float(entry["misfit"]))
            for name, entry in table["trust"].items()
        },
        float(table["bridge_usual"]),
    )


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """The atlas of the assets.

    Raises:
        InstallationError: the installation lacks it.
    """
    folder = Path(asset("atlas"))
    keep_decimal_point()
    try:
        image = sitk.ReadImage(str(folder / "labels.nii.gz"))
        table = json.loads((folder / "landmarks.json").read_text(encoding="utf-8"))
        parts = read_parts(folder / "parts.npz", tuple(table["parts"]))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise InstallationError(
            "The anatomical atlas cannot be read", "Install the program again", folder
        ) from error
    labels = Labels(sitk.GetArrayFromImage(image).astype(np.uint8), geometry_from_sitk(image))
    return from_table(labels, table, parts)
