"""Given bones turned into patient axes, and from there into the frame of a specimen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.bone_frames import LUMBAR, inner_points, probe
from spinect_core.research.phantom.bone_surfaces import Triangles
from spinect_core.research.phantom.from_bones import BoneField
from spinect_core.research.phantom.sdf import Frame
from spinect_core.research.phantom.skeleton import Skeleton

SLOPE = (28.0, 55.0)
"""Degrees of sacral slope round which the soft tissue is drawn; bones that lie otherwise are tilted into it."""
FITTING = 6.0
"""Misfit of a sacrum, about the sum of its mm too many or too few to hips and L5, up to which it is taken."""
REGION = (-125.0, 95.0)
"""mm below and above the end plate of S1 that a phantom shows of the hip bones."""


def to_lps(
    soups: dict[str, Triangles], frame: str | None, odd: list[str], folder: Path
) -> dict[str, Triangles]:
    """Surfaces with axes along those of the patient, x left, y back, z head.

    The axes are found on the bones: L3 is above L5, the hips lie side by side, the spinous process behind.

    Args:
        soups: triangles by bone, mm.
        frame: ``LPS`` or ``RAS`` when the axes are known.
        odd: bones whose place is not known yet.
        folder: for messages.
    """
    if frame is not None:
        signs = np.array([1.0, 1.0, 1.0] if frame == "LPS" else [-1.0, -1.0, 1.0])
        return {name: soup * signs for name, soup in soups.items()}
    points = {name: soup.reshape(-1, 3) for name, soup in soups.items() if name not in odd}
    rise = _middle(points["L3"]) - _middle(points["L5"])
    head = int(np.argmax(np.abs(rise)))
    hips = np.vstack([p for name, p in points.items() if name.startswith("hip")])
    spread = np.ptp(hips, axis=0) * np.where(np.arange(3) == head, 0.0, 1.0)
    side = int(np.argmax(spread))
    back = 3 - head - side
    # The body is bulky and the spinous process long: it reaches farthest from the centre of mass.
    behind = np.sign((_middle(points["L4"]) - centre_of_mass(soups["L4"]))[back])
    axes = np.zeros((3, 3))
    axes[2, head] = np.sign(rise[head])
    axes[1, back] = behind
    axes[0] = np.cross(axes[1], axes[2])
    if np.abs(rise[head]) < 40.0 or behind == 0:
        raise ReadingError(
            "The axes of the surfaces cannot be found on the bones", "Say whether they are LPS or RAS", folder
        )
    return {name: soup @ axes.T for name, soup in soups.items()}


def _middle(points: FloatArray) -> FloatArray:
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def centre_of_mass(soup: Triangles) -> FloatArray:
    """Of the solid that the triangles enclose."""
    inner = soup.reshape(-1, 3).mean(axis=0)
    a, b, c = (soup[:, k] - inner for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.asarray(inner + (volume[:, None] * (a + b + c) / 4).sum(axis=0) / volume.sum())


def meet_neighbours(
    soup: Triangles, fields: dict[str, BoneField], extent: tuple[int, int], source: Path
) -> Triangles:
    """A sacrum in a unit of its own, scaled and moved until it fits between the hips and under L5.

    Args:
        soup: its triangles, axes along the patient's.
        fields: the other bones, patient mm.
        extent: least and greatest length in mm.
        source: for messages.

    Raises:
        ReadingError: it fits nowhere.
    """
    points = soup.reshape(-1, 3)
    points = points[:: max(len(points) // 2500, 1)]
    middle, size = _middle(points), float(np.ptp(points, axis=0).max())
    hips = [field for name, field in fields.items() if name.startswith("hip")]
    goal = inner_points(fields["L5"], 2000)
    hip_middle = np.vstack([inner_points(field, 1500) for field in hips])
    sides = float(_middle(hip_middle)[0])

    def misfit(v: FloatArray) -> float:
        placed = (points - middle) * (v[3] / size) + v[:3]
        to_hips = np.minimum.reduce([probe(field, placed) for field in hips])
        to_l5 = probe(fields["L5"], placed)
        gaps = [np.sort(np.abs(to_hips[(placed[:, 0] - sides) * sign > 0]))[:100].mean() for sign in (1, -1)]
        sunk = np.clip(-to_hips, 0, 6).sum() + np.clip(-to_l5, 0, 6).sum()
        off = abs(v[0] - sides)
        reach = np.sort(to_l5)[:60].mean()
        return float(sunk / 15.0 + sum(abs(gap - 2.0) for gap in gaps) + abs(reach - 2.5) + 0.3 * off)

    # Files that differ in their unit alone share their origin.
    lengths = np.linspace(max(extent[0], 95), min(extent[1], 160), 131)
    shared = [np.array([*(middle * length / size), length]) for length in lengths]
    costs = [misfit(v) for v in shared]
    if min(costs) < FITTING:
        return np.asarray(soup * (shared[int(np.argmin(costs))][3] / size))
    best, cost = np.zeros(4), np.inf
    start = goal.mean(axis=0)
    for length in np.linspace(max(extent[0], 95), min(extent[1], 150), 6):
        for drop in (0.35, 0.5):
            for set_back in (0.0, 15.0, 30.0):
                v = np.array([sides, start[1] + set_back, goal[:, 2].min() + 8.0 - drop * length, length])
                found = misfit(v)
                if found < cost:
                    best, cost = v, found
    simplex = best + np.vstack([np.zeros(4), np.diag([4.0, 8.0, 8.0, 8.0])])
    result = minimize(
        misfit, best, method="Nelder-Mead", options={"initial_simplex": simplex, "maxiter": 400, "xatol": 0.1}
    )
    if result.fun > FITTING:
        raise ReadingError(
            f"Its size ({size:.3g} units) is no sacrum in the unit of the other bones, and scaled it fits nowhere",
            "Export all bones in millimetres, from one body",
            source,
        )
    v = result.x
    return np.asarray((soup - middle) * (v[3] / size) + v[:3])


def in_specimen(fields: dict[str, BoneField], skeleton: Skeleton) -> tuple[dict[str, BoneField], Skeleton]:
    """Bones and frames in the frame of the specimen: end plate of S1 in the origin, midline straight on x = 0.

    The bones are turned about the vertical and the sagittal axis until the sacrum faces forward, tilted where
    the sacrum lies flatter or steeper than :data:`SLOPE`, and the column is sheared to the midline.
    """
    base = skeleton.frames["sacrum"]
    x = base.axes[0]
    forward = np.cross(np.array([0.0, 0.0, 1.0]), x)
    forward /= np.linalg.norm(forward)
    axes = np.stack([x, forward, np.cross(x, forward)])
    normal = axes @ base.axes[2]
    slope = float(np.degrees(np.arctan2(-normal[1], normal[2])))
    t = np.radians(float(np.clip(slope, *SLOPE)) - slope)
    axes = np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]]) @ axes
    origin = base.origin
    frames = {
        name: Frame(axes @ (frame.origin - origin), frame.axes @ axes.T)
        for name, frame in skeleton.frames.items()
    }
    heights = np.array([0.0, *(frames[name].origin[2] for name in reversed(LUMBAR))])
    aside = np.array([0.0, *(frames[name].origin[0] for name in reversed(LUMBAR))])

    def midline(z: FloatArray) -> FloatArray:
        return np.asarray(np.interp(z, heights, aside))

    def to_patient(points: FloatArray) -> FloatArray:
        moved = points.copy()
        moved[..., 0] += midline(points[..., 2])
        return np.asarray(moved @ axes + origin)

    def to_specimen(points: FloatArray) -> FloatArray:
        moved = (points - origin) @ axes.T
        moved[..., 0] -= midline(moved[..., 2])
        return np.asarray(moved)

    frames = {
        name: Frame(np.array([0.0, frame.origin[1], frame.origin[2]]), frame.axes)
        for name, frame in frames.items()
    }
    moved = {name: _resampled(field, to_patient, to_specimen) for name, field in fields.items()}
    return moved, replace(skeleton, frames=frames)


def _resampled(
    field: BoneField,
    to_patient: Callable[[FloatArray], FloatArray],
    to_specimen: Callable[[FloatArray], FloatArray],
) -> BoneField:
    corners = to_specimen(field.geometry.corners())
    low, high = corners.min(axis=0), corners.max(axis=0)
    low[2], high[2] = max(low[2], REGION[0]), min(high[2], max(REGION[1], low[2] + 90.0))
    step = field.geometry.spacing[0]
    count = np.ceil((high - low) / step).astype(int) + 1
    geometry = Geometry((count[2], count[1], count[0]), (step,) * 3, (low[0], low[1], low[2]))
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    distance = probe(field, to_patient(geometry.to_patient(grid)))
    return BoneField(distance, geometry)
