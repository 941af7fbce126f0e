"""Where the thecal sac and the roots run: points laid through the canal and the foramina of a skeleton."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.research.phantom.ilium import DRAWN_SLOPE
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.pathology import sides_of
from spinect_core.research.phantom.sacrum import arched
from spinect_core.research.phantom.sdf import Coordinates, Frame, block_around, part_of_grid
from spinect_core.research.phantom.skeleton import FAR, Skeleton
from spinect_core.research.phantom.vertebra import VertebraShape, rear_wall

Route = tuple[FloatArray, int, float, float]
"""Waypoints (n, 3) of a left root in the specimen, index of its ganglion, radius of the root and of the
ganglion in mm."""


def sac_path(skeleton: Skeleton) -> FloatArray:
    """Points (n, 3) of the specimen along the middle of the canal, from L3 down to S3."""
    knots: list[FloatArray] = []
    for name in ("L3", "L4", "L5"):
        shape, frame = skeleton.shapes[name], skeleton.frames[name]
        back = shape.depth / 2 + 0.6 + shape.canal_depth / 2
        half = shape.height / 2
        if name == "L3":
            knots.append(frame.outer((0.0, back, half + 22.0)))
        # The arch of a slipped vertebra stays behind, and the sac with it.
        behind = skeleton.slip if name == "L5" else 0.0
        knots.append(frame.outer((0.0, back + 0.4 + 0.25 * behind, half * 0.5)))
        knots.append(frame.outer((0.0, back + 0.65 * behind, -half * 0.6)))
    base = skeleton.sacrum
    frame = skeleton.frames["sacrum"]
    for z in (-4.0, -16.0, -28.0, -40.0, -52.0, -64.0):
        b = np.interp(-z, [0.0, 30.0, 55.0, 80.0], [7.4, 6.2, 4.6, 3.5]) * base.canal_depth / 15.0
        knots.append(frame.outer(arched((0.0, base.back + 0.6 + b, z))))
    return np.array(knots)


def sac_distance(
    p: Coordinates, specimen: Specimen, skeleton: Skeleton, path: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Signed distance of the thecal sac on the grid, and its centreline (n, 3), both in the specimen."""
    frame = skeleton.frames["sacrum"]
    chord = along(path)
    s = np.arange(0.0, chord[-1], 0.7)
    line = np.stack([np.interp(s, chord, path[:, axis]) for axis in range(3)], axis=1)
    line = gaussian_filter(line, (6.0, 0.0), mode="nearest")
    depth_below = -np.asarray(frame.local((line[:, 0], line[:, 1], line[:, 2]))[2])
    end = max(-specimen.sac_end, 14.0)
    part = np.interp(
        depth_below, [-60.0, -25.0, -10.0, 2.0, end * 0.6, end], [1.04, 0.96, 0.95, 0.9, 0.65, 0.12]
    )
    # A stenosis narrows the sac where discs and ligaments meet, at L5/S1 and at L4/5.
    upper = skeleton.shapes["L5"].height + skeleton.disc_heights["disc L5/S1"]
    narrow = sum(np.exp(-(((depth_below + level) / 10.0) ** 2)) for level in (4.0, upper + 6.0))
    part = part * (1.0 - (1.0 - specimen.finding("stenosis", "sac_left", 1.0)) * np.minimum(narrow, 1.0))
    keep = depth_below <= end
    line, part = line[keep], part[keep]
    tree = cKDTree(line)
    block = block_around(p, line.mean(axis=0), (16.0, 60.0, 110.0))
    x, y, z = part_of_grid(p, block)
    points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    distance, index = tree.query(points, distance_upper_bound=14.0)
    out = np.full(len(points), FAR)
    near = np.isfinite(distance)
    offset = points[near] - line[index[near]]
    a = specimen.sac_width / 2 * part[index[near]]
    b = specimen.sac_depth / 2 * part[index[near]]
    lengthwise = np.sqrt(np.maximum((offset**2).sum(axis=1) - offset[:, 0] ** 2, 0.0))
    radius = np.sqrt((offset[:, 0] / a) ** 2 + (lengthwise / b) ** 2)
    out[near] = (radius - 1.0) * np.minimum(a, b)
    whole = np.full(p[0].shape, FAR)
    whole[block] = out.reshape(x.shape)
    return whole, line


ROOT_RISE = 1.42
"""mm that a lumbar root comes down for each that it goes sideways, from the sac to its ganglion (working value: the
angle to the disc was measured at 50.9 ± 4.3 degrees in MR, and the pedicle leaves no room for a flatter course)."""


def foraminal_course(shape: VertebraShape, frame: Frame, sac_width: float) -> list[FloatArray]:
    """Waypoints of a left lumbar root from the sac through the foramen under its pedicle.

    It leaves the front of the sac's side, goes down along the medial face of the pedicle and turns out under it. In
    the foramen it keeps to the body, before the articular process of the vertebra below; its ganglion lies under
    the middle of the pedicle, half way down the foramen.
    """
    b, px = shape.depth / 2, shape.pedicle_x
    under = shape.pedicle_z - shape.pedicle_height / 2
    middle = b + shape.canal_depth / 2
    ganglion = px + 1.5, max(rear_wall(shape, px + 1.5) + 4.2, b - 1.5), under - 11.0
    beside = sac_width / 2 + 1.6
    leaves = ganglion[2] + ROOT_RISE * (ganglion[0] - beside)
    return [
        frame.outer((0.12 * sac_width, middle - 1.0, leaves + 9.0)),
        frame.outer((beside, b + 3.9, leaves)),
        frame.outer((px - 8.3, b + 3.4, under - 4.6)),
        frame.outer(ganglion),
        frame.outer((px + 9.5, ganglion[1] - 3.5, under - 16.5)),
    ]


_FEMORAL = np.array(
    [
        [50.0, -15.0, 22.0],
        [60.0, -17.0, 2.0],
        [70.0, -22.0, -16.0],
        [75.0, -29.0, -32.0],
        [79.0, -41.0, -50.0],
        [82.0, -52.0, -70.0],
        [83.0, -58.0, -92.0],
        [83.0, -60.0, -112.0],
    ]
)
"""The left femoral nerve in the specimen, mm: through the back of the psoas to its lateral border at the level of
the crest, then in the groove between psoas and iliacus. Working values, laid along the drawn muscles."""


def femoral_course(tilt: float) -> FloatArray:
    """Waypoints (n, 3) of the left femoral nerve, which carries L3 on, beyond the psoas.

    Args:
        tilt: degrees by which the pelvis leans forwards of the drawn one; the iliacus goes with it, the psoas
            does not, and the groove between them by half.
    """
    points = _FEMORAL.copy()
    points[:, 1] -= np.tan(np.radians(0.5 * tilt)) * np.minimum(points[:, 2], 0.0)
    return points


def root_waypoints(skeleton: Skeleton, specimen: Specimen) -> dict[str, Route]:
    """The path of every root by level and side, such as ``L5 right``; right ones are given as their mirror image.

    The vertebrae lean and turn, so that the right root is not the mirror image of the left one.
    """
    routes: dict[str, Route] = {}
    for side, seen in (("left", skeleton), ("right", mirrored(skeleton))):
        ways = left_waypoints(seen, specimen)
        ways.update(unlike_routes(ways, specimen, side))
        routes |= {f"{level} {side}": way for level, way in ways.items()}
    return routes


def mirrored(skeleton: Skeleton) -> Skeleton:
    """The skeleton seen in a mirror: what leans to the left leans to the right."""
    flip = np.array([-1.0, 1.0, 1.0])
    frames = {
        name: Frame(frame.origin * flip, frame.axes * flip * flip[:, None])
        for name, frame in skeleton.frames.items()
    }
    return replace(skeleton, frames=frames)


def left_waypoints(skeleton: Skeleton, specimen: Specimen) -> dict[str, Route]:
    """The path of every left root in the specimen, by level."""
    base, below = skeleton.sacrum, skeleton.frames["sacrum"]
    scale = base.s1_height / 30.0
    routes: dict[str, Route] = {}
    trunk_low = below.outer(arched((37.0, -13.0, -26.0)))
    for name in ("L3", "L4", "L5"):
        shape, frame = skeleton.shapes[name], skeleton.frames[name]
        near = foraminal_course(shape, frame, specimen.sac_width)
        b, half, px = shape.depth / 2, shape.height / 2, shape.pedicle_x
        if name == "L5":
            rest = [
                below.outer(arched((33.0, -9.0, -6.0))),
                trunk_low,
                below.outer(arched((41.0, -10.0, -62.0))),
            ]
            radius, ganglion = specimen.root_l5 / 2, specimen.ganglion_l5 / 2
        else:
            low = skeleton.frames["L5" if name == "L4" else "L4"]
            rest = [
                frame.outer((px + 13.0, b - 9.0, -half - 6.0)),
                low.outer((36.0, 0.0, 6.0)),
                low.outer((38.0, -6.0, -14.0)),
            ]
            if name == "L4":
                rest += [below.outer(arched((37.0, -14.0, -4.0))), trunk_low]
            else:
                rest = [*rest[:2], *femoral_course(specimen.sacral_slope - DRAWN_SLOPE)]
            radius, ganglion = specimen.root_l5 / 2 - 0.25, specimen.ganglion_l5 / 2 - 0.35
        routes[name] = (np.array(near + rest), 3, radius, ganglion)
    shape5, frame5 = skeleton.shapes["L5"], skeleton.frames["L5"]
    back = base.back
    s1 = -32.0 * scale
    routes["S1"] = (
        np.array(
            [
                frame5.outer(
                    (
                        0.25 * specimen.sac_width,
                        shape5.depth / 2 + shape5.canal_depth / 2 + 0.5 + 0.65 * skeleton.slip,
                        -8.0,
                    )
                ),
                below.outer((8.5, back + 5.5, -1.0)),
                below.outer(arched((11.0, back + 4.8, -12.0))),
                below.outer(arched((14.0, back + 2.0, s1 + 9.5))),
                below.outer(arched((17.5, back - 6.5, s1 + 3.0))),
                below.outer(arched((20.5, 0.5, s1 - 2.0))),
                below.outer(arched((26.0, -10.0, s1 - 9.0))),
                below.outer(arched((36.0, -9.0, s1 - 34.0))),
            ]
        ),
        3,
        specimen.root_s1 / 2,
        specimen.ganglion_l5 / 2 + 0.1,
    )
    s2 = -55.0 * scale
    # Where the sac ends high, the root leaves it higher and runs on through the canal.
    start = max(-20.0, specimen.sac_end + 9.0)
    routes["S2"] = (
        np.array(
            [
                below.outer(arched((4.0, back + 6.0, start))),
                below.outer(arched((7.0, back + 4.5, -32.0))),
                below.outer(arched((10.0, back + 2.5, s2 + 8.0))),
                below.outer(arched((16.0, 6.0, s2))),
                below.outer(arched((21.0, -5.0, s2 - 6.0))),
                below.outer(arched((30.0, -7.0, s2 - 20.0))),
            ]
        ),
        2,
        1.9,
        2.5,
    )
    return routes


def unlike_routes(routes: dict[str, Route], specimen: Specimen, side: str) -> dict[str, Route]:
    """Roots that run otherwise on a side because of its pathologies, by level, as left ones."""
    unlike: dict[str, Route] = {}

    def has(name: str) -> bool:
        return specimen.has(name) and side in dict(sides_of(specimen.findings[name]))

    if has("conjoined-roots"):
        upper, (points, ganglion, radius, thick) = routes["L5"][0], routes["S1"]
        way = (upper[2] - upper[1]) / np.linalg.norm(upper[2] - upper[1])
        parting = upper[1] + specimen.finding("conjoined-roots", "common") * way
        below = 0.5 * (parting + points[1]) + np.array([2.0, 1.0, 0.0])
        start = np.array([upper[0], upper[1], parting, below])
        unlike["S1"] = (np.concatenate([start, points[2:]]), ganglion + 2, radius, thick)
    if has("transitional"):
        points, ganglion, radius, thick = routes["L5"]
        # In front of the joint between process and ala, close to the disc.
        inner = points.copy()
        inner[4] += np.array([-3.0, -7.0, 1.0])
        inner[5] += np.array([0.0, -3.0, 0.0])
        unlike["L5"] = (inner, ganglion, radius, thick)
    if has("hip-prosthesis"):
        points, ganglion, radius, thick = routes["L3"]
        # The femoral nerve crosses the joint in front of the cup.
        ahead = points.copy()
        ahead[-4:, 1] -= np.array([2.0, 8.0, 13.0, 14.0])
        unlike["L3"] = (ahead, ganglion, radius, thick)
    return unlike
