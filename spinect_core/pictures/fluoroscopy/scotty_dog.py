"""The Scotty dog: parts of a lumbar vertebra that an oblique view shows as one, outlined where the labels show them.

Transverse process (nose), pedicle (eye), superior articular process (ear), pars interarticularis (neck), inferior
articular process (front leg) and lamina (body) of the side that the view comes from. The outline is that of labelled
bone, as it projects; its parts are named by :mod:`spinect_core.anatomy.parts`. A part of which the labels show too
little is left out, and named as missing, and nothing is outlined while the level is in doubt: better nothing than a
guess. Hind leg and tail, which are parts of the other side, are not outlined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Side, word
from spinect_core.geometry.exposure import Exposure
from spinect_core.geometry.view import View
from spinect_core.image.volume import BONE, Labels

NEAR_MM = 4.0
"""Labelled bone this near to where the atlas has a part shows that place of it."""
LEAST_SHOWN = 0.8
"""Of the places of a part that the atlas has; with fewer the part is left out."""
ROUND_MM = 75.0
"""No part of a vertebra lies farther from its pedicle."""
LEAST_OBLIQUE, MOST_OBLIQUE, MOST_TILT = 12.0, 65.0, 35.0
"""Degrees: in other views there is no dog."""
SPREAD_MM = 1.6
"""Half the gap between points of the surface that the outline closes."""
GRID = 2.0
"""Pixels of the picture that one of the mask has."""


class DogPart(StrEnum):
    """What each part of the vertebra is of the dog."""

    EYE = "pedicle"
    NOSE = "transverse process"
    EAR = "superior articular process"
    NECK = "pars"
    FRONT_LEG = "inferior articular process"
    BODY = "lamina"

    @property
    def words(self) -> str:
        """Such as ``front leg``."""
        return self.name.replace("_", " ").lower()


@dataclass(frozen=True, eq=False)
class ScottyDog:
    """Labelled bone of one half of a vertebra's arch.

    Attributes:
        vertebra: such as "L5".
        side: of the patient.
        parts: LPS mm (n, 3) of the surface of each part that the labels show.
        missing: the parts that they do not.
        doubted: whether nothing is outlined because the level is in doubt, or not held by its landmarks.
    """

    vertebra: str
    side: Side
    parts: Mapping[DogPart, FloatArray]
    missing: tuple[DogPart, ...]
    doubted: bool = False

    @classmethod
    def of(cls, landmarks: Landmarks, bone: FloatArray, side: Side | str) -> ScottyDog:
        """The dog of the upper vertebra of a level.

        Args:
            landmarks: of the level, with the names of its parts.
            bone: LPS mm (n, 3), the vertices of the bone's surface.
            side: of the patient.
        """
        side, vertebra = word(Side, side, "side"), landmarks.names.upper
        if landmarks.level_doubts:
            return cls(vertebra, side, {}, tuple(DogPart), doubted=True)
        atlas = landmarks.parts
        if atlas is None or not len(bone):
            return cls(vertebra, side, {}, tuple(DogPart))
        names = {part: f"{vertebra} {part} {side}" for part in DogPart}
        places = {
            part: atlas.points[atlas.kinds == atlas.names.index(name)]
            for part, name in names.items()
            if name in atlas.names
        }
        eye = places.get(DogPart.EYE)
        if eye is None or not len(eye):
            return cls(vertebra, side, {}, tuple(DogPart))
        about = bone[np.linalg.norm(bone - eye.mean(axis=0), axis=1) < ROUND_MM]
        shown: dict[DogPart, FloatArray] = {}
        if len(about):
            kinds, tree = atlas.nearest(about, BONE), cKDTree(about)
            for part, expected in places.items():
                if len(expected) and (tree.query(expected)[0] < NEAR_MM).mean() >= LEAST_SHOWN:
                    mine = atlas.piece(names[part], about, kinds)
                    near = cKDTree(expected).query(mine)[0] < NEAR_MM if len(mine) else []
                    if np.any(near):
                        shown[part] = mine[near]
        return cls(vertebra, side, shown, tuple(part for part in DogPart if part not in shown))

    @property
    def told(self) -> str:
        """What is not outlined, and why; empty where all is."""
        if self.doubted:
            return "no Scotty dog is outlined: the level is in doubt"
        if DogPart.EYE in self.missing:
            return "no Scotty dog is outlined: the labels do not show its eye, the pedicle"
        missing = ", ".join(f"{part.words} ({part})" for part in self.missing)
        return f"not shown by the labels, and not outlined: {missing}" if missing else ""

    def is_seen_in(self, view: View) -> bool:
        """Whether the view is one in which this side's dog is looked for."""
        towards = view.azimuth if self.side == Side.LEFT else -view.azimuth
        return LEAST_OBLIQUE <= towards <= MOST_OBLIQUE and abs(view.elevation) <= MOST_TILT

    def names(self, exposure: Exposure) -> dict[DogPart, FloatArray]:
        """The middle (2,) of each part in pixels of an exposure."""
        return {part: exposure.to_pixels(points).mean(axis=0) for part, points in self.parts.items()}

    def outline(self, exposure: Exposure) -> list[FloatArray]:
        """Closed lines (n, 2) round all parts together, in pixels of an exposure, the first point again at the end.

        None where the dog would have no eye.
        """
        if DogPart.EYE not in self.parts:
            return []
        return _silhouette(np.concatenate(list(self.parts.values())), exposure)


def bone_surface(labels: Labels) -> FloatArray:
    """LPS mm (n, 3) of the bone voxels that have a neighbour which is none: its surface where no mesh is at hand."""
    bone = labels.array == BONE
    inner = ndimage.binary_erosion(bone, border_value=1)
    return labels.geometry.to_patient(np.argwhere(bone & ~inner))


def _silhouette(points: FloatArray, exposure: Exposure) -> list[FloatArray]:
    """Lines round what points of a surface cover, in pixels; small holes and specks are left out."""
    pixels = exposure.to_pixels(points) / GRID
    reach = SPREAD_MM * float(exposure.magnification_at(points.mean(axis=0))) / exposure.pixel_mm / GRID
    low = np.floor(pixels.min(axis=0) - 3 * reach - 2)
    size = np.ceil(pixels.max(axis=0) + 3 * reach + 2 - low).astype(int)
    if size.max() > 4 * exposure.fluoroscope.pixels:
        return []
    marked = np.zeros((int(size[1]), int(size[0])), dtype=bool)
    column, row = np.floor(pixels - low).astype(int).T
    marked[row, column] = True
    away = ndimage.distance_transform_edt(~marked)
    covered = ndimage.binary_fill_holes(away <= reach)
    # The rim that the points were widened by comes off again; what is smaller than that is no part.
    inner = ndimage.distance_transform_edt(covered) - reach
    smooth = ndimage.gaussian_filter(inner, max(reach / 2, 0.5))
    lines = find_contours(smooth, 0.0)
    if not lines:
        return []
    longest = max(len(line) for line in lines)
    return [
        (line[:, ::-1] + 0.5 + low) * GRID
        for line in lines
        if len(line) >= longest / 4 and np.allclose(line[0], line[-1])
    ]
