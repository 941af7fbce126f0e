"""Landmarks and root courses of one case: the atlas's, laid over the case and snapped to what is really there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter1d
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import Atlas, load_atlas
from spinect_core.anatomy.register import Registration, register
from spinect_core.progress import Cancel, Progress, check, part_of, silent
from spinect_core.volume import BONE, NERVE, FloatArray, Labels

SNAP_BONE_MM = 4.0
"""Farther than this a landmark is not drawn to a bone surface: it would be another bone's."""

SNAP_NERVE_MM = 6.0
ON_BONE = (
    "L5 pedicle lower margin",
    "L5 body lateral border",
    "S1 posterolateral corner",
    "S1 superior articular",
)
OVERLAP_DOUBTFUL = 0.72
"""Below this agreement of bone the level is reported as doubtful."""

MARGIN_DOUBTFUL = 0.015
NERVE_USUAL = (0.45, 2.0)
"""Labelled nerve near L5/S1 as a multiple of the atlas's: from a narrow sac to a wide one."""


@dataclass(frozen=True, eq=False)
class Course:
    """The centreline of a root in a case.

    Attributes:
        points: (n, 3) LPS mm from the sac outwards.
        radii: (n,) mm, from the labels where the root was found, else 2.5.
        found: (n,) whether labelled nerve lies at the point.
    """

    points: FloatArray
    radii: FloatArray
    found: np.ndarray

    @property
    def part_found(self) -> float:
        """Part of the course where labelled nerve lies, 0 to 1."""
        return float(self.found.mean())


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What was found at L5/S1.

    Attributes:
        points: LPS mm (3,) by name; paired ones end in " left" or " right".
        courses: roots by name, such as "L5 left".
        bone_overlap: Dice of bone round L5/S1 between the atlas and the case, 0 to 1.
        notes: what is doubtful, in words.
    """

    points: dict[str, FloatArray]
    courses: dict[str, Course]
    bone_overlap: float
    notes: tuple[str, ...] = field(default=())

    @property
    def doubtful(self) -> bool:
        """Whether the level itself is in doubt."""
        return bool(self.notes)


def surface_points(labels: Labels) -> FloatArray:
    """LPS mm (n, 3) of the faces between bone and what is not bone (the middles of the voxel faces)."""
    bone = labels.array == BONE
    found = []
    for axis in range(3):
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        index = np.argwhere(bone[tuple(low)] != bone[tuple(high)]).astype(np.float64)
        index[:, axis] += 0.5
        found.append(index)
    return labels.geometry.to_patient(np.concatenate(found))


def snap_course(points: FloatArray, tree: cKDTree | None, nerve: FloatArray, depth: FloatArray) -> Course:
    """Draw a course to the middle of the labelled nerve near it.

    Args:
        points: (n, 3) LPS mm, where the atlas expects it.
        tree: of the labelled nerve voxels, None when there are none.
        nerve: (m, 3) LPS mm of these voxels.
        depth: (m,) mm from each voxel to the border of the nerve.
    """
    spread = np.full(len(points), 2.5)
    found = np.zeros(len(points), dtype=bool)
    if tree is None:
        return Course(points, spread, found)
    current = points.copy()
    for reach in (SNAP_NERVE_MM, 4.5, 3.5):
        direction = np.gradient(current, axis=0)
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
        target = current.copy()
        for i, near in enumerate(tree.query_ball_point(current, reach)):
            found[i] = len(near) >= 4
            if not found[i]:
                continue
            offset = nerve[near] - current[i]
            offset -= (offset @ direction[i])[:, None] * direction[i]
            # The sac is thicker than any root: voxels deep inside it must not draw the beginning of a root inwards.
            weight = np.exp(-((offset**2).sum(axis=1)) / (reach**2)) * np.where(depth[near] > 3.9, 0.05, 1.0)
            target[i] = current[i] + (offset * weight[:, None]).sum(axis=0) / weight.sum()
            spread[i] = float(np.clip(depth[near].max(), 1.2, 3.6))
        current = gaussian_filter1d(target, 2.0, axis=0, mode="nearest")
    return Course(current, gaussian_filter1d(spread, 2.0, mode="nearest"), found)


def find_landmarks(
    labels: Labels,
    *,
    atlas: Atlas | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Landmarks:
    """The landmarks of L5/S1 on both sides.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        atlas: the specimen to compare with; the embedded one when absent.
        progress: told how far it is.
        cancel: asked often.

    Raises:
        PlanError: too little bone to look at.
    """
    atlas = atlas or load_atlas()
    registration = register(atlas, labels, progress=part_of(progress, 0.0, 0.9), cancel=cancel)
    check(cancel)
    progress(0.9, "placing the landmarks")
    bone = cKDTree(surface_points(labels))
    points = {}
    for name, place in atlas.landmarks.items():
        point = registration.points(place)[0]
        if name.startswith(ON_BONE):
            distance, index = bone.query(point, distance_upper_bound=SNAP_BONE_MM)
            if np.isfinite(distance):
                point = np.asarray(bone.data[index])
        points[name] = point
    mask = labels.array == NERVE
    index = np.argwhere(mask)
    tree = nerve = depth = None
    if len(index) >= 20:
        edt = distance_transform_edt(mask, sampling=labels.geometry.spacing[::-1])
        nerve, depth = labels.geometry.to_patient(index), edt[tuple(index.T)]
        tree = cKDTree(nerve)
    courses = {}
    for name, line in atlas.courses.items():
        if name.startswith(("L5", "S1")):
            empty = np.zeros((0, 3))
            courses[name] = snap_course(
                registration.points(line),
                tree,
                nerve if nerve is not None else empty,
                depth if depth is not None else np.zeros(0),
            )
    return Landmarks(points, courses, registration.bone_overlap, _doubts(registration, courses))


def _doubts(registration: Registration, courses: dict[str, Course]) -> tuple[str, ...]:
    notes = []
    if registration.bone_overlap < OVERLAP_DOUBTFUL:
        notes.append(
            f"The bone round L5/S1 agrees with the usual anatomy by only {registration.bone_overlap:.2f}: "
            "check the level (transitional vertebra, operated spine, cut field of view)"
        )
    if registration.margin < MARGIN_DOUBTFUL:
        notes.append("Another level fits almost as well: check that this is L5/S1")
    if not NERVE_USUAL[0] <= registration.nerve_volume <= NERVE_USUAL[1]:
        notes.append(
            f"The labelled nerve near L5/S1 has {registration.nerve_volume:.1f} times the usual volume: "
            "check the nerve on the slices before using a triangle"
        )
    for side in ("left", "right"):
        part = courses[f"L5 {side}"].part_found
        if part < 0.5:
            notes.append(f"The {side} L5 root was found along only {100 * part:.0f} % of its expected course")
    return tuple(notes)
