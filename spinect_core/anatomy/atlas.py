"""The specimen with known landmarks that a case is compared with.

It is the phantom whose measures lie nearest to the means of the literature, kept in assets/ as a 2 mm label map and
a table of landmarks, so that finding the level never has to build a phantom first.
``python -m spinect_core.anatomy.make_atlas FOLDER`` makes it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from spinect_core.assets import asset
from spinect_core.errors import PlanError
from spinect_core.volume import FloatArray, Labels, geometry_from_sitk

SEED = 145185
"""Of 100,000 draws the one whose measures, asymmetry and turns lie nearest to the means."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """A labelled specimen.

    Attributes:
        labels: 0 background, 1 bone, 2 nerve on a 2 mm grid.
        landmarks: LPS mm (3,) by name.
        courses: LPS mm (n, 3) centrelines by name, from the sac outwards, 1 mm apart.
    """

    labels: Labels
    landmarks: dict[str, FloatArray]
    courses: dict[str, FloatArray]


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """The atlas of the assets.

    Raises:
        PlanError: the installation lacks it.
    """
    folder = Path(asset("atlas"))
    try:
        image = sitk.ReadImage(str(folder / "labels.nii.gz"))
        table = json.loads((folder / "landmarks.json").read_text(encoding="utf-8"))
    except (OSError, RuntimeError, json.JSONDecodeError) as error:
        raise PlanError("The anatomical atlas cannot be read", "Install the program again", folder) from error
    labels = Labels(sitk.GetArrayFromImage(image).astype(np.uint8), geometry_from_sitk(image))
    return Atlas(
        labels,
        {name: np.asarray(point, dtype=np.float64) for name, point in table["landmarks"].items()},
        {name: np.asarray(points, dtype=np.float64) for name, points in table["courses"].items()},
    )
