"""The courses of sac and roots through given bones.

A root follows the course of the procedural family, scaled to the measurements of these bones, as far as the bones
allow: the cheapest path through free space near that course is taken, so that a root leaves through the foramen
that is there. Where no free path exists, as in a coarse label map whose foramen is filled, the path leads through
the thinnest bone, and its length in bone is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates
from scipy.spatial import cKDTree
from skimage.graph import MCP_Geometric

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.bone_frames import mean_specimen, probe, sacral_canal_line
from spinect_core.research.phantom.courses import Route, left_waypoints, sac_path
from spinect_core.research.phantom.from_bones import BoneField
from spinect_core.research.phantom.sacrum import arched
from spinect_core.research.phantom.sdf import dense
from spinect_core.research.phantom.skeleton import FAR, Skeleton

STEP = 1.5
"""mm between the points of the grid on which paths are searched."""
CORRIDOR = 5.0
"""mm from the expected course at which a step costs twice as much as on it."""
CANAL_ENDS = -45.0
"""mm below the end plate of S1 down to which the sacral canal, which holds S1 and S2, has to be open."""
ON_ALA = 2.5
"""mm of fat between the trunk and the ala it crosses."""


@dataclass(frozen=True, eq=False)
class Ways:
    """The paths of sac and roots through the bones, in the frame of the specimen.

    Attributes:
        routes: waypoints of the left roots by level.
        sac: (n, 3) middle of the canal.
        sacral_fat: lines and radii of the fat in the sacral canal and its foramina.
        through_bone: mm by level, and for ``sacral canal``, that lead through bone; 0 where a free path was found.
    """

    routes: dict[str, Route]
    sac: FloatArray
    sacral_fat: list[tuple[FloatArray, float]]
    through_bone: dict[str, float]


def lay_ways(fields: dict[str, BoneField], skeleton: Skeleton) -> Ways:
    """Find the paths of sac and roots.

    Args:
        fields: the bones in the frame of the specimen, their midline on x = 0.
        skeleton: their frames and measures in that frame.
    """
    below = skeleton.frames["sacrum"]
    canal = sacral_canal_line(fields["sacrum"], below, skeleton.sacrum)
    outline = sac_path(skeleton)
    height = np.asarray(below.local((outline[:, 0], outline[:, 1], outline[:, 2]))[2])
    sac = np.vstack([outline[height > 4.0], below.outer(canal[1::4])])
    sac = gaussian_filter1d(dense(sac, 3.0), 1.2, axis=0, mode="nearest")
    sac[:, 0] = 0.0
    expected = {
        name: _on_canal(route, skeleton, canal)
        for name, route in left_waypoints(skeleton, mean_specimen()).items()
    }
    for name in ("L4", "L5"):
        expected[name] = _onto_ala(expected[name], fields["sacrum"], skeleton)
    everything = np.vstack([route[0] for route in expected.values()])
    low, high = everything.min(axis=0) - 14.0, everything.max(axis=0) + 14.0
    low[0] = -3.0
    count = np.ceil((high - low) / STEP).astype(int) + 1
    grid = Geometry((count[2], count[1], count[0]), (STEP,) * 3, (low[0], low[1], low[2]))
    points = grid.to_patient(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1))
    distance = np.full(grid.shape, FAR)
    for field in fields.values():
        # One path serves both sides: what is bone on either side is bone.
        distance = np.minimum(distance, probe(field, points))
        distance = np.minimum(distance, probe(field, points * np.array([-1.0, 1.0, 1.0])))
    distance = np.minimum(distance, _discs(points, skeleton))
    behind = _behind_canal(points, skeleton, canal)
    routes, through = {}, {}
    for name, (waypoints, ganglion, radius, swollen) in expected.items():
        around = distance if name not in ("S1", "S2") else np.minimum(distance, behind)
        found = _way(waypoints, around, points, grid)
        line = dense(found, 0.5)
        depth = map_coordinates(distance, grid.to_index(line).T, order=1, mode="nearest")
        through[name] = float((depth < -0.5).sum() * 0.5)
        routes[name] = (found, 2 * ganglion, radius, swollen)
    upper = dense(below.outer(canal[canal[:, 2] > CANAL_ENDS]), 0.5)
    through["sacral canal"] = float((probe(fields["sacrum"], upper) < -0.5).sum() * 0.5)
    fat = [(below.outer(canal), 6.5)]
    for name, radius in (("S1", 6.0), ("S2", 5.0)):
        waypoints, ganglion, _radius, _swollen = routes[name]
        fat.append((waypoints[max(ganglion - 3, 0) : ganglion + 5], radius))
    return Ways(routes, sac, fat, through)


def _on_canal(route: Route, skeleton: Skeleton, canal: FloatArray) -> Route:
    """A route of the drawn sacrum moved to where the canal of this one runs."""
    frame, shape = skeleton.frames["sacrum"], skeleton.sacrum
    waypoints, ganglion, radius, swollen = route
    local = np.stack(frame.local((waypoints[:, 0], waypoints[:, 1], waypoints[:, 2])), axis=1)
    levels = canal[::-1, 2]
    drawn = np.array(
        [
            arched(
                (
                    0.0,
                    shape.back
                    + 0.6
                    + np.interp(-z, [0, 30, 55, 80], [7.4, 6.2, 4.6, 3.5]) * shape.canal_depth / 15.0,
                    z,
                )
            )[1]
            for z in levels
        ]
    )
    shift = np.interp(local[:, 2], levels, canal[::-1, 1] - drawn)
    # The canal's bend shows where the front of the bone is; near its top nothing moves.
    local[:, 1] += shift * np.clip((-local[:, 2] - 2.0) / 8.0, 0.0, 1.0)
    return frame.outer(local), ganglion, radius, swollen


def _onto_ala(route: Route, sacrum: BoneField, skeleton: Skeleton) -> Route:
    """A route whose part below the end plate of S1 is moved back until it lies on the ala."""
    waypoints, ganglion, radius, swollen = route
    local = skeleton.frames["sacrum"].local((waypoints[:, 0], waypoints[:, 1], waypoints[:, 2]))
    low = np.asarray(local[2]) < 3.0
    low[: ganglion + 1] = False
    steps = np.arange(0.0, 24.0, 0.5)
    out = waypoints.copy()
    for k in np.flatnonzero(low):
        line = waypoints[k] + steps[:, None] * np.array([0.0, 1.0, 0.0])
        near = probe(sacrum, line) < radius + ON_ALA
        if near.any():
            out[k] = line[near.argmax()]
    return out, ganglion, radius, swollen


def _behind_canal(points: FloatArray, skeleton: Skeleton, canal: FloatArray) -> FloatArray:
    """Signed distance of what lies behind the sacral canal: sacral roots do not leave through its back."""
    x, y, z = skeleton.frames["sacrum"].local((points[..., 0], points[..., 1], points[..., 2]))
    wall = np.interp(z, canal[::-1, 2], canal[::-1, 1]) + skeleton.sacrum.canal_depth / 2 + 1.0
    return np.asarray(np.maximum(np.maximum(wall - y, z), np.abs(x) - 45.0))


def _discs(points: FloatArray, skeleton: Skeleton) -> FloatArray:
    """Signed distance of the discs, as upright cylinders between two end plates."""
    out = np.full(points.shape[:-1], FAR)
    for name, lower in (("disc L5/S1", "sacrum"), ("disc L4/5", "L5"), ("disc L3/4", "L4")):
        shape = skeleton.sacrum if lower == "sacrum" else skeleton.shapes[lower]
        level = 0.0 if lower == "sacrum" else skeleton.shapes[lower].height / 2
        x, y, z = skeleton.frames[lower].local((points[..., 0], points[..., 1], points[..., 2]))
        side = (np.hypot(x / (shape.width / 2), y / (shape.depth / 2)) - 1.0) * shape.depth / 2
        height = skeleton.disc_heights[name]
        out = np.minimum(out, np.maximum(side, np.abs(z - level - height / 2) - height / 2))
    return out


def _way(waypoints: FloatArray, distance: FloatArray, points: FloatArray, grid: Geometry) -> FloatArray:
    """The cheapest path along expected waypoints (n, 3): (2 n - 1, 3), the middles between them included."""
    tree = cKDTree(dense(waypoints, 1.5))
    off = tree.query(points.reshape(-1, 3), distance_upper_bound=40.0)[0].reshape(grid.shape)
    off = np.minimum(off, 40.0)
    tight = np.clip((4.5 - distance) / 4.5, 0.0, 1.0)
    cost = (1.0 + 5.0 * tight**2) * (1.0 + (off / CORRIDOR) ** 2)
    inside = distance < 0.3
    cost[inside] *= 8.0 + 6.0 * np.clip(-distance[inside], 0.0, 6.0)
    # No root crosses the midline.
    cost[..., : int(np.ceil((1.5 - grid.origin[0]) / STEP))] = -1.0
    ends = [_free_near(waypoints[k], distance, points, grid) for k in (0, -1)]
    search = MCP_Geometric(cost, fully_connected=True)
    search.find_costs([ends[0]], [ends[1]])
    line = grid.to_patient(np.array(search.traceback(ends[1]), dtype=np.float64))
    line = gaussian_filter1d(dense(line, 0.75), 4.0, axis=0, mode="nearest")
    # Each waypoint goes to its place on the path; those before it stay before it.
    stations = [0]
    for k, place in enumerate(waypoints[1:-1], 1):
        left = len(waypoints) - 1 - k
        window = line[stations[-1] + 2 : len(line) - 2 * left]
        stations.append(
            stations[-1] + 2 + int(np.linalg.norm(window - place, axis=1).argmin())
            if len(window)
            else stations[-1] + 1
        )
    stations.append(len(line) - 1)
    middles = [(a + b) // 2 for a, b in pairwise(stations)]
    order = np.empty(len(stations) + len(middles), dtype=int)
    order[::2], order[1::2] = stations, middles
    return np.asarray(line[np.clip(order, 0, len(line) - 1)])


def _free_near(
    place: FloatArray, distance: FloatArray, points: FloatArray, grid: Geometry
) -> tuple[int, int, int]:
    """The voxel within a centimetre of a place that is free and nearest to it."""
    off = np.linalg.norm(points - place, axis=-1)
    worth = off + 3.0 * np.clip(3.0 - distance, 0.0, 8.0) + np.where(points[..., 0] < 2.5, 100.0, 0.0)
    k, j, i = np.unravel_index(int(np.argmin(worth)), grid.shape)
    return int(k), int(j), int(i)
