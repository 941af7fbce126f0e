"""Frames and measures found on given bones: midplanes, end plates, canal, pedicles, facets.

Bones are :class:`BoneField` in patient mm (x left, y back, z head). What cannot be measured on a bone, such as
its densities, keeps the mean of the procedural family.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import label, map_coordinates
from scipy.optimize import minimize

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.research.phantom.from_bones import BoneField
from spinect_core.research.phantom.parameters import MEASURES, Specimen
from spinect_core.research.phantom.sacrum import SacrumShape
from spinect_core.research.phantom.sdf import Frame
from spinect_core.research.phantom.skeleton import FAR, Skeleton, articulate
from spinect_core.research.phantom.vertebra import VertebraShape

LUMBAR = ("L3", "L4", "L5")
RIM = 0.7
"""mm by which the rim of an end plate stands above what is fitted inside it."""
WAIST = 0.95
"""Part of a body's full width and depth that is met at three quarters of its half height."""


def mean_specimen() -> Specimen:
    """The specimen that has the mean of every measure and neither leans nor turns."""
    values = {name: entry[0] for name, entry in MEASURES.items()}
    return Specimen(0, values, 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def probe(field: BoneField, points: FloatArray) -> FloatArray:
    """Signed distance (...) of a bone at points (..., 3) in mm; ``FAR`` where it is not sampled."""
    index = np.moveaxis(field.geometry.to_index(points), -1, 0)
    return np.asarray(map_coordinates(field.distance, index, order=1, mode="constant", cval=FAR))


def cut(field: BoneField, frame: Frame, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Signed distance [z, y, x] of a bone on a grid in a local frame."""
    grid = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    return probe(field, frame.outer(grid))


def inner_points(field: BoneField, most: int) -> FloatArray:
    """At most about ``most`` points (n, 3) inside a bone, evenly picked."""
    index = np.argwhere(field.distance < 0)
    return field.geometry.to_patient(index[:: max(len(index) // most, 1)])


def turned(frame: Frame, yaw: float, roll: float) -> Frame:
    """The frame with its x axis leant by small angles (radians) towards y and z."""
    x = frame.axes[0] + yaw * frame.axes[1] + roll * frame.axes[2]
    return _with_axes(frame.origin, x / np.linalg.norm(x), frame.axes[2])


def _with_axes(origin: FloatArray, x: FloatArray, z: FloatArray) -> Frame:
    z = z - (z @ x) * x
    z = z / np.linalg.norm(z)
    return Frame(np.asarray(origin, dtype=np.float64), np.stack([x, np.cross(z, x), z]))


def midplane(field: BoneField, guess: Frame) -> Frame:
    """The frame whose plane x = 0 mirrors the bone best onto itself."""
    points = inner_points(field, 2500)

    def mirrored(v: FloatArray) -> float:
        frame = turned(guess, v[0] / 50, v[1] / 50)
        local = (points - frame.origin) @ frame.axes.T
        local[:, 0] = 2 * v[2] - local[:, 0]
        return float(np.clip(probe(field, frame.outer(local)), 0.0, 8.0).mean())

    starts = [np.array([yaw, 0.0, 0.0]) for yaw in (-6.0, 0.0, 6.0)]
    best = min(starts, key=mirrored)
    simplex = best + np.vstack([np.zeros(3), 3.0 * np.eye(3)])
    found = minimize(
        mirrored,
        best,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.05, "fatol": 1e-4},
    ).x
    frame = turned(guess, found[0] / 50, found[1] / 50)
    return Frame(frame.outer((found[2], 0.0, 0.0)), frame.axes)


def run_around(solid: npt.NDArray[np.bool_], places: FloatArray, at: float) -> tuple[float, float] | None:
    """Ends of the run of true values round the place nearest to ``at``; None where that is not true."""
    k = int(np.argmin(np.abs(places - at)))
    if not solid[k]:
        return None
    before, after = np.flatnonzero(~solid[:k]), np.flatnonzero(~solid[k:])
    low = before[-1] + 1 if before.size else 0
    high = k + after[0] - 1 if after.size else len(places) - 1
    half = 0.5 * float(places[1] - places[0])
    return float(places[low]) - half, float(places[high]) + half


def fit_line(y: FloatArray, z: FloatArray, share: float) -> tuple[float, float]:
    """Level at y = 0 and slope of z over y, without outliers; ``share`` of the points lie below the level."""
    keep = np.abs(z - np.median(z)) < 7.0
    slope = level = 0.0
    for _ in range(4):
        slope, level = np.polyfit(y[keep], z[keep], 1)
        rest = z - level - slope * y
        keep = np.abs(rest) < max(2.0 * float(np.std(rest[keep])), 0.8)
    return float(level + np.quantile((z - level - slope * y)[keep], share)), float(slope)


def _body_in_profile(field: BoneField, frame: Frame, name: str) -> tuple[float, float, float, float]:
    """Y and z ends of the body in the midline."""
    y, z = np.arange(-60.0, 71.0), np.arange(-50.0, 51.0)
    profile = np.median(cut(field, frame, np.arange(-4.0, 5.0, 2.0), y, z), axis=2)
    pieces, count = label(profile < 0)
    sizes = [int((pieces == k).sum()) for k in range(1, count + 1)]
    large = [k for k, size in enumerate(sizes, 1) if size > 200]
    if not large:
        raise ReadingError(
            f"No vertebral body is found on {name}",
            "Check that the right bone carries this name and that it is whole",
            name,
        )
    body = min(large, key=lambda k: float(y[np.nonzero(pieces == k)[1]].mean()))
    rows, columns = np.nonzero(pieces == body)
    y0, y1 = np.quantile(y[columns], [0.03, 0.97])
    z0, z1 = np.quantile(z[rows], [0.03, 0.97])
    return float(y0), float(y1), float(z0), float(z1)


def _level_to_end_plates(field: BoneField, frame: Frame, name: str) -> tuple[Frame, float, float]:
    """The frame with z along the mean of the end plates' normals, in the middle of the body; height, wedge slope."""
    y0, y1, z0, z1 = _body_in_profile(field, frame, name)
    middle = (z0 + z1) / 2
    x = np.arange(-12.0, 13.0, 3.0)
    y = np.arange(y0 + 0.18 * (y1 - y0), y1 - 0.18 * (y1 - y0), 1.5)
    steps = np.arange(0.0, 28.0, 0.5)
    levels = []
    for sign, share in ((1.0, 0.8), (-1.0, 0.8)):
        outside = cut(field, frame, x, y, middle + sign * steps) > 0
        first = np.where(outside.any(axis=0), outside.argmax(axis=0), -1)
        hit = first > 8
        if hit.sum() < 20:
            raise ReadingError(
                f"No end plates are found on {name}", "Check that the bone is whole and filled", name
            )
        far = steps[np.maximum(first, 0)] - 0.25
        where = np.broadcast_to(y[:, None], hit.shape)
        levels.append(fit_line(where[hit], far[hit], share))
    (up, rise), (down, fall) = ((level + RIM, slope) for level, slope in levels)
    centre = (y0 + y1) / 2
    top, bottom = middle + up + rise * centre, middle - down - fall * centre
    tilt = (rise - fall) / 2
    z_axis = frame.axes[2] - tilt * frame.axes[1]
    origin = frame.outer((0.0, centre, (top + bottom) / 2))
    return _with_axes(origin, frame.axes[0], z_axis), top - bottom, (rise + fall)


def measure_vertebra(
    field: BoneField, guess: Frame, base: VertebraShape, name: str
) -> tuple[Frame, VertebraShape]:
    """Frame and measures of a lumbar vertebra.

    Args:
        field: the bone, patient mm.
        guess: a frame in the bone, right to some twenty degrees.
        base: gives what is not measured.
        name: of the bone, for messages.

    Raises:
        ReadingError: it has no body or no canal.
    """
    frame = midplane(field, guess)
    height = slope = 0.0
    for _ in range(3):
        frame, height, slope = _level_to_end_plates(field, frame, name)
    half = height / 2
    y = np.arange(-45.0, 60.0, 0.5)
    z = np.concatenate([np.arange(-0.85, -0.59, 0.08), np.arange(0.6, 0.86, 0.08)]) * half
    profile = np.median(cut(field, frame, np.arange(-3.0, 4.0), y, z), axis=2)
    runs = [run for run in (run_around(row < 0, y, 0.0) for row in profile) if run]
    if not runs:
        raise ReadingError(f"No vertebral body is found on {name}", "Check that it is whole", name)
    front, rear = (float(np.median([run[k] for run in runs])) for k in (0, 1))
    frame = Frame(frame.outer((0.0, (front + rear) / 2, 0.0)), frame.axes)
    depth = (rear - front) / WAIST
    x = np.arange(-45.0, 45.5, 0.5)
    across = cut(field, frame, x, np.arange(-6.0, 1.0, 2.0), z).reshape(-1, len(x))
    widths = [run[1] - run[0] for run in (run_around(row < 0, x, 0.0) for row in across) if run]
    canal_width, canal_depth = _canal(field, frame, depth, half, name)
    b = depth / 2
    measured = replace(
        base,
        height_anterior=height - slope * b,
        height_posterior=height + slope * b,
        depth=depth,
        width=float(np.clip(np.median(widths) / WAIST, 30.0, 75.0)),
        canal_width=canal_width,
        canal_depth=canal_depth,
    )
    return frame, _posterior(field, frame, measured)


def _canal(field: BoneField, frame: Frame, depth: float, half: float, name: str) -> tuple[float, float]:
    """Width and depth of the canal."""
    b = depth / 2
    y = np.arange(b - 6.0, b + 45.0, 0.5)
    z = np.arange(-half - 4.0, half * 0.8, 1.0)
    profile = np.median(cut(field, frame, np.arange(-3.0, 4.0, 1.5), y, z), axis=2)
    depths = []
    for row in profile:
        walls = np.flatnonzero((row < 0) & (y > b + 6.0))
        if walls.size:
            depths.append(float(y[walls[0]]) - b - 0.6)
    if len(depths) < 4:
        raise ReadingError(
            f"No canal is found on {name}: behind its body there is no arch", "Give the whole vertebra", name
        )
    canal_depth = float(np.clip(np.quantile(depths, 0.3), 9.0, 26.0))
    x = np.arange(-30.0, 30.5, 0.5)
    across = cut(
        field, frame, x, b + 0.6 + canal_depth * np.array([0.3, 0.45]), np.arange(0.0, 0.75, 0.1) * half
    )
    runs = [run_around(row > 0, x, 0.0) for row in across.reshape(-1, len(x))]
    widths = [run[1] - run[0] for run in runs if run and run[1] - run[0] < 50.0]
    return float(np.clip(np.quantile(widths, 0.25) if widths else 24.0, 15.0, 38.0)), canal_depth


def _posterior(field: BoneField, frame: Frame, shape: VertebraShape) -> VertebraShape:
    """Pedicles, articular, transverse and spinous processes."""
    b, half, edge = shape.depth / 2, shape.height / 2, shape.canal_width / 2
    x = np.arange(edge - 3.0, edge + 26.0, 0.5)
    z = np.arange(-half, half * 1.2, 0.5)
    widths, unders = [], []
    for sign in (1.0, -1.0):
        section = cut(field, frame, sign * x, b + np.array([0.0, 2.0, 4.0, 6.0]), z)
        column = section[:, 1:3, (x > edge + 2.0) & (x < edge + 9.0)].reshape(len(z), -1)
        ends = [run_around(line < 0, z, 0.4 * half) for line in column.T]
        unders += [end[0] for end in ends if end]
        # Round as it is, a pedicle is as wide as it is in its middle only; above it the articular process begins.
        low = float(np.median([end[0] for end in ends if end] or [0.0]))
        high = min(float(np.median([end[1] for end in ends if end] or [half])), 0.85 * half)
        middle = np.abs(z - (low + high) / 2) < max(0.2 * (high - low), 0.5)
        runs = [run_around(row < 0, x, edge + 4.0) for row in section[middle].reshape(-1, len(x))]
        widths += [run[1] - run[0] for run in runs if run]
    width = float(np.clip(np.quantile(widths, 0.1), 6.0, 20.0)) if widths else shape.pedicle_width
    under = float(np.median(unders)) if unders else shape.pedicle_z - shape.pedicle_height / 2
    points = (inner_points(field, 40000) - frame.origin) @ frame.axes.T
    ax = np.abs(points[:, 0])
    back = b + shape.canal_depth
    lower = (points[:, 2] < -half) & (points[:, 1] > back - 6.0) & (ax > 6.0)
    upper = (points[:, 2] > half + 1.0) & (points[:, 1] > b + 3.0) & (ax > 6.0)
    facet_x = float(np.median(ax[lower])) if lower.sum() > 30 else shape.facet_x
    facet_upper = float(np.median(ax[upper])) if upper.sum() > 30 else facet_x + shape.facet_spread
    return replace(
        shape,
        pedicle_width=width,
        # The shape derives the lower margin from the height; this height puts it where it was found.
        pedicle_height=float(np.clip(shape.height_posterior / 2 - 1.0 - under, 7.0, 22.0)),
        facet_x=float(np.clip(facet_x, 9.0, 26.0)),
        facet_spread=float(np.clip(facet_upper - facet_x, 1.0, 10.0)),
        spinous_length=float(np.clip(points[:, 1].max() - back - 8.0, 8.0, 45.0)),
        transverse_half_span=float(np.quantile(ax, 0.9995)),
    )


def measure_sacrum(
    field: BoneField, l5: Frame, l5_shape: VertebraShape, base: SacrumShape
) -> tuple[Frame, SacrumShape]:
    """Frame and measures of the sacrum below a measured L5.

    Raises:
        ReadingError: no end plate of S1 faces L5.
    """
    x_axis = midplane(field, Frame(inner_points(field, 500).mean(axis=0), np.eye(3))).axes[0]
    half = l5_shape.height / 2
    frame = _with_axes(l5.outer((0.0, 2.0, -half - 9.0)), x_axis, l5.axes[2])
    for reach in (26.0, 14.0, 10.0, 10.0):
        x, y = np.arange(-12.0, 13.0, 3.0), np.arange(-10.0, 8.0, 1.5)
        z = np.arange(reach, -reach, -0.5)
        inside = cut(field, frame, x, y, z) < 0
        hit = inside.any(axis=0) & (inside.argmax(axis=0) > 0)
        if hit.sum() < 20:
            raise ReadingError(
                "No end plate of S1 is found below L5",
                "Check that L5 and the sacrum come from the same body, in the same units and place",
                "sacrum",
            )
        level, slope = fit_line(
            np.broadcast_to(y[:, None], hit.shape)[hit], z[inside.argmax(axis=0)][hit] - 0.25, 0.8
        )
        frame = _with_axes(frame.outer((0.0, 0.0, level)), x_axis, frame.axes[2] - slope * frame.axes[1])
        run = _run_in_midline(field, frame, -4.0, 0.0)
        if run is not None and 18.0 < run[1] - run[0] < 50.0:
            frame = Frame(frame.outer((0.0, (run[0] + run[1]) / 2, 0.0)), frame.axes)
    runs = [_run_in_midline(field, frame, z, 0.0) for z in (-3.0, -5.0, -7.0)]
    depths = [run[1] - run[0] for run in runs if run]
    depth = float(np.clip(np.median(depths), 20.0, 48.0)) if depths else base.depth
    points = inner_points(field, 60000)
    # The midplane's offset comes from the sacrum as a whole.
    local = (points - frame.origin) @ frame.axes.T
    low = local[local[:, 2] < -5.0]
    frame = Frame(frame.outer((float(np.median(low[:, 0])), 0.0, 0.0)), frame.axes)
    local = (points - frame.origin) @ frame.axes.T
    ax, back = np.abs(local[:, 0]), depth / 2
    process = (local[:, 2] > 1.0) & (ax > 10.0) & (ax < 34.0) & (local[:, 1] > back - 1.0)
    facet = float(np.median(ax[process])) if process.sum() > 40 else base.facet_x + 5.0
    size = depth / base.depth
    wall = _run_in_midline(field, frame, -10.0, back + 6.0, free=True)
    canal_depth = wall[1] - wall[0] if wall and wall[1] - wall[0] < 30.0 else base.canal_depth * size
    return frame, replace(
        base,
        width=float(np.clip(l5_shape.width * 0.98, base.width * size * 0.85, base.width * size * 1.2)),
        depth=depth,
        s1_height=float(np.clip(base.s1_height * size, 22.0, 38.0)),
        canal_width=base.canal_width * size,
        canal_depth=float(np.clip(canal_depth, 9.0, 24.0)),
        facet_x=float(np.clip(facet - 5.0, 9.0, 26.0)),
    )


def _run_in_midline(
    field: BoneField, frame: Frame, z: float, at: float, free: bool = False
) -> tuple[float, float] | None:
    """Run of bone (or of free space) along y round ``at``, on the midline at height ``z``."""
    y = np.arange(-40.0, 70.0, 0.5)
    row = np.median(cut(field, frame, np.arange(-3.0, 4.0, 1.5), y, np.array([z]))[0], axis=1)
    return run_around(row > 0 if free else row < 0, y, at)


def sacral_canal_line(field: BoneField, frame: Frame, shape: SacrumShape) -> FloatArray:
    """Points (n, 3), in the frame of the sacrum, along the middle of its canal, from its top downwards."""
    y = shape.back + 0.6 + shape.canal_depth / 2
    line = []
    depth = shape.canal_depth
    for z in np.arange(-6.0, -72.0, -2.0):
        run = _run_in_midline(field, frame, float(z), y, free=True)
        if run is not None and 3.0 < run[1] - run[0] < 26.0 and abs(sum(run) / 2 - y) < 6.0:
            depth = 0.6 * depth + 0.4 * (run[1] - run[0])
            y = 0.4 * y + 0.6 * sum(run) / 2
        elif run is not None and run[0] > y - 14.0:
            y = 0.5 * y + 0.5 * (run[0] + depth / 2)
        line.append((0.0, y, float(z)))
    return np.array(line)


def measure(fields: dict[str, BoneField]) -> Skeleton:
    """Frames and measures of given bones, in patient mm.

    Args:
        fields: ``L3``, ``L4``, ``L5`` and ``sacrum``, LPS mm.

    Raises:
        ReadingError: a bone is not what its name says.
    """
    mean = articulate(mean_specimen())
    centres = {name: inner_points(fields[name], 1000).mean(axis=0) for name in (*LUMBAR, "sacrum")}
    frames: dict[str, Frame] = {}
    shapes: dict[str, VertebraShape] = {}
    for name, above, below in (("L3", "L3", "L4"), ("L4", "L3", "L5"), ("L5", "L4", "L5")):
        up = centres[above] - centres[below]
        guess = _with_axes(centres[name], np.array([1.0, 0.0, 0.0]), up / np.linalg.norm(up))
        frames[name], shapes[name] = measure_vertebra(fields[name], guess, mean.shapes[name], name)
    frames["sacrum"], sacrum = measure_sacrum(fields["sacrum"], frames["L5"], shapes["L5"], mean.sacrum)
    heights = {}
    for disc, upper, lower in (
        ("disc L5/S1", "L5", "sacrum"),
        ("disc L4/5", "L4", "L5"),
        ("disc L3/4", "L3", "L4"),
    ):
        foot = frames[upper].outer((0.0, 0.0, -shapes[upper].height / 2))
        level = 0.0 if lower == "sacrum" else shapes[lower].height / 2
        gap = float(frames[lower].local((foot[0], foot[1], foot[2]))[2]) - level
        if not -3.0 < gap < 30.0:
            raise ReadingError(
                f"Between {upper} and {lower} lie {gap:.0f} mm",
                "Check that all bones come from one body, in the same units and place",
                upper,
            )
        heights[disc] = max(gap, 2.5)
    return replace(mean, frames=frames, shapes=shapes, sacrum=sacrum, disc_heights=heights)
