"""Bones, discs and muscles of one skeleton as signed distances, the places that nerves are laid by, and bending."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from benchmarks.other_family.fields import Array, Grid, Mask, Points, solid
from spinect_core.base.errors import ReadingError

BONES = ("L3", "L4", "L5", "sacrum", "hip left", "hip right")
DISCS = ("disc L3/4", "disc L4/5", "disc L5/S1")
FILES = {
    "L3": "Third_lumbar_vertebra", "L4": "Fourth_lumbar_vertebra", "L5": "Fifth_lumbar_vertebra", "sacrum": "Sacrum",
    "hip left": "Left_hip_bone", "hip right": "Right_hip_bone",
    "disc L3/4": "disk_of_third_lumbar", "disc L4/5": "disk_of_fourth_lumbar", "disc L5/S1": "disk_of_fifth_lumbar",
    "psoas left": "Left_psoas", "psoas right": "Right_psoas",
    "iliacus left": "Left_iliacus", "iliacus right": "Right_iliacus",
}  # fmt: skip
"""What the file of each structure is called (BodyParts3D)."""

GRID = Grid((-105.0, -150.0, 848.0), (156, 178, 210))
"""From the lower half of L3 to S3, in the millimetres of BodyParts3D, which has x to the left and y to the back."""

SACRUM_SCALE, SACRUM_FROM, SACRUM_TO = 26.34, (0.0678, -1.4514, 31.7366), (0.22, -39.5, 879.24)
"""The sacrum has a unit of its own. Found by fitting it between the hips with 1.5 mm of joint and under the disc."""

CANAL = (
    (0.0, -73.0, 1012.0), (0.0, -72.0, 1000.0), (0.0, -73.0, 985.0), (0.0, -71.3, 973.0), (0.0, -68.0, 958.0),
    (0.0, -64.0, 943.0), (0.0, -60.5, 928.0), (0.0, -56.5, 916.0), (0.0, -48.0, 904.0), (0.0, -38.5, 894.0),
    (0.0, -29.0, 882.0), (0.0, -22.0, 870.0), (0.0, -19.0, 856.0),
)  # fmt: skip
"""Its middle, read off the slices; the sacrum of the model is solid and is bored along it."""

PEDICLES = {"L3": (19.5, -75.0, 998.0), "L4": (20.5, -73.0, 970.0), "L5": (21.5, -69.0, 940.5)}
"""Middle of the lower margin of the left pedicle."""

ROUTES = {
    "L3": ((34, -86, 972), (42, -92, 945), (48, -98, 915), (54, -104, 880)),
    "L4": ((33, -83, 946), (38, -87, 927), (41, -86, 908), (43, -80, 888), (42, -68, 864)),
    "L5": ((33.5, -80, 921), (36.5, -82, 908), (39, -79, 895), (41, -72, 880), (40, -62, 862)),
    "S1": ((9, -58, 921), (11.5, -51.5, 909), (15, -48, 898), (17.5, -46.5, 888), (22, -50, 876),
           (29, -52, 864), (34, -50, 850)),
    "S2": ((5.5, -43, 900), (8, -35, 889), (13, -32.5, 879), (17, -35, 870), (23, -38, 860), (29, -40, 850)),
}  # fmt: skip
"""Left roots: of the lumbar ones the way beyond the foramen, of the sacral ones the whole way from the sac."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What a case is drawn on.

    Attributes:
        grid: of all distances.
        distances: mm by structure, negative inside, [z, y, x].
        marks: LPS mm (n, 3) by name: ``canal`` from above downwards, ``pedicle L5 left``, ``route L5 left``, ...
    """

    grid: Grid
    distances: dict[str, Array]
    marks: dict[str, Points]


def read_skeleton(folder: Path) -> Skeleton:
    """The skeleton in a folder of BodyParts3D surfaces (GLB); about a minute.

    Raises:
        ReadingError: a structure is not there, or there are two of it.
    """
    distances = {}
    for name, word in FILES.items():
        found = sorted(folder.glob(f"*{word}*.glb"))
        if len(found) != 1:
            raise ReadingError(
                f"{len(found)} files are called *{word}*.glb where one is needed for {name}",
                "Give the folder of the BodyParts3D lumbosacral surfaces",
                folder,
            )
        distances[name] = _distance(_solid(found[0], name == "sacrum"))
    return Skeleton(GRID, distances, marks())


def marks() -> dict[str, Points]:
    """The named places on both sides."""
    found = {"canal": np.array(CANAL)}
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        flip = np.array([sign, 1.0, 1.0])
        for name, place in PEDICLES.items():
            found[f"pedicle {name} {side}"] = np.array([place]) * flip
        for name, way in ROUTES.items():
            found[f"route {name} {side}"] = np.array(way, dtype=np.float64) * flip
    return found


def _solid(path: Path, own_unit: bool) -> Mask:
    import pyvista

    scene: Any = pyvista.GLTFReader(str(path)).read()
    surface = scene.combine().extract_surface(algorithm="dataset_surface").triangulate().clean()
    points = np.asarray(surface.points, dtype=np.float64)
    if own_unit:
        points = (points - np.array(SACRUM_FROM)) * SACRUM_SCALE + np.array(SACRUM_TO)
    return solid(points, surface.faces.reshape(-1, 4)[:, 1:].astype(np.int64), GRID)


def _distance(inside: Mask) -> Array:
    """Signed distance of a solid, its steps of a voxel smoothed."""
    apart = distance_transform_edt(~inside) - distance_transform_edt(inside)
    apart += np.where(inside, 0.5, -0.5)
    return np.asarray(gaussian_filter(apart.astype(np.float32), 0.7), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Bend:
    """A smooth change of place: where a point of the bent case lies in the skeleton that was read.

    Attributes:
        middle: (3,) LPS mm that stays.
        matrix: (3, 3) turn and stretch.
        vectors: (k, 3), wave vectors in radians a mm.
        pushes: (k, 3) mm.
        phases: (k,) radians.
    """

    middle: Points
    matrix: Points
    vectors: Points
    pushes: Points
    phases: Points

    def back(self, points: Points) -> Points:
        """Where points (n, 3) of the bent case come from."""
        off = points - self.middle
        return np.asarray(
            self.middle + off @ self.matrix.T + np.sin(off @ self.vectors.T + self.phases) @ self.pushes
        )

    def forth(self, points: Points) -> Points:
        """Where points (n, 3) go to: the inverse of :meth:`back`, to 0.01 mm."""
        found = points.copy()
        turned = np.linalg.inv(self.matrix)
        for _ in range(40):
            found = found - (self.back(found) - points) @ turned.T
        return found


def draw_bend(rng: np.random.Generator, most_mm: float, middle: Points) -> Bend:
    """Turn, stretch and bend.

    Args:
        rng: numbers from it.
        most_mm: the largest way of a point by bending alone.
        middle: (3,) LPS mm that stays.
    """
    tilt, roll, turn = np.deg2rad(rng.uniform([-6, -4, -5], [6, 4, 5]))
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_y = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    stretch = np.diag(rng.uniform(0.9, 1.1) * rng.uniform(0.95, 1.05, 3))
    directions = rng.standard_normal((5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(120, 260, (5, 1))
    pushes = rng.standard_normal((5, 3))
    pushes *= most_mm / np.linalg.norm(np.abs(pushes).sum(axis=0))
    vectors = directions * 2 * np.pi / lengths
    return Bend(middle, about_x @ about_y @ about_z @ stretch, vectors, pushes, rng.uniform(0, 2 * np.pi, 5))


def bent(skeleton: Skeleton, bend: Bend, grow_mm: float, joint_mm: float) -> Skeleton:
    """The skeleton bent, its bones grown (or shrunken) and kept apart at their joints.

    Args:
        skeleton: as read.
        bend: where everything goes.
        grow_mm: added all round the bones.
        joint_mm: between any two bones.
    """
    grid = skeleton.grid
    whole = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    places = grid.index(bend.back(grid.places(whole))).T.astype(np.float32)
    scale = float(np.cbrt(abs(np.linalg.det(bend.matrix))))
    distances = {
        name: np.asarray(
            map_coordinates(array, places, order=1, mode="nearest").reshape(grid.shape) / scale, np.float32
        )
        for name, array in skeleton.distances.items()
    }
    bones = [name for name in BONES if name in distances]
    grown = {name: distances[name] - np.float32(grow_mm) for name in bones}
    for name in bones:
        others = np.min([grown[other] for other in bones if other != name], axis=0)
        distances[name] = np.maximum(grown[name], (grown[name] - others + np.float32(joint_mm)) / 2)
    return Skeleton(grid, distances, {name: bend.forth(points) for name, points in skeleton.marks.items()})
