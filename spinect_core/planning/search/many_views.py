"""Free windows of one zone along very many lines of sight at once, for maps over all angles.

The same question as :meth:`spinect_core.planning.zones.window.Sight.window` asks, in arrays: the rays of many views
go into few calls, and the area is summed up along the border instead of building polygons. Distances are exact to the
border's chords.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import Side
from spinect_core.geometry.circles import IntArray, largest_circles
from spinect_core.geometry.zone import Zone
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import LIFT_MM

FINEST_MM, COARSEST_MM = 0.25, 0.5
NODES_ACROSS = 18
"""The first grid is as fine as the zone needs: this many places cross the square root of its area.

Near the border the grid is then halved. At most 0.5 mm: every circle of a radius of 0.354 mm or more holds a place of
such a grid, so that no opening for a needle of 0.36 mm is missed.
"""
HALVINGS = 4
_SEGMENTS = {
    1: ((3, 0, 0),), 2: ((0, 1, 1),), 3: ((3, 1, 0),), 4: ((1, 2, 2),), 6: ((0, 2, 1),), 7: ((3, 2, 0),),
    5: ((3, 0, 0), (1, 2, 2)), 10: ((0, 1, 1), (2, 3, 3)), 8: ((2, 3, 3),), 9: ((2, 0, 0),), 11: ((2, 1, 0),),
    12: ((1, 3, 2),), 13: ((1, 0, 0),), 14: ((0, 3, 1),), 16: ((1, 0, 0), (3, 2, 0)), 17: ((0, 3, 1), (2, 1, 1)),
}  # fmt: skip
"""Border pieces of a cell by its open corners: from edge, to edge (0 below, 1 right, 2 above, 3 left), an open corner.

Corners are counted anticlockwise from below left; the open side lies to the right of the direction of travel. 16 and
17 are 5 and 10 whose middle is open.
"""
_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])


@dataclass(frozen=True, eq=False)
class Frames:
    """Lines of sight as arrays.

    Attributes:
        vector: unit LPS vectors (n, 3) from the target to the viewer.
        right: to the right of the pictures (n, 3).
        up: up in the pictures (n, 3).
    """

    vector: FloatArray
    right: FloatArray
    up: FloatArray

    @classmethod
    def of(cls, side: str, oblique: npt.ArrayLike, tilt: npt.ArrayLike) -> Frames:
        """As :meth:`spinect_core.geometry.view.View.oblique`, for angles in degrees (n,)."""
        azimuth = np.radians(np.atleast_1d(np.asarray(oblique, dtype=np.float64)))
        azimuth = azimuth if side == Side.LEFT else -azimuth
        elevation = np.radians(np.atleast_1d(np.asarray(tilt, dtype=np.float64)))
        zero = np.zeros_like(azimuth)
        across = np.cos(elevation)
        vector = np.stack([np.sin(azimuth) * across, np.cos(azimuth) * across, np.sin(elevation)], axis=1)
        right = np.stack([-np.cos(azimuth), np.sin(azimuth), zero], axis=1)
        return cls(vector, right, np.cross(vector, right))

    def take(self, which: slice | IntArray) -> Frames:
        """Some of the views."""
        return Frames(self.vector[which], self.right[which], self.up[which])


@dataclass(frozen=True, eq=False)
class Openings:
    """What is open in each of n views.

    Attributes:
        area_mm2: of the largest open piece (n,).
        total_mm2: of all open pieces (n,); pieces thinner than the first grid may be missing.
        radius_mm: of the largest circle in the largest piece (n,).
        target: LPS mm (n, 3) on the membrane, that circle's middle; not a number where nothing is open.
        met_first: number of grid places (n, 3) that are seen: free, with bone first, with nerve first. The last two
            are counted only where nothing is open.
    """

    area_mm2: FloatArray
    total_mm2: FloatArray
    radius_mm: FloatArray
    target: FloatArray
    met_first: IntArray


class ManyViews:
    """A zone among obstacles, ready to be looked at along many lines of sight at once.

    Args:
        zone: with its membrane.
        obstacles: bone and nerve.
        grid_mm: distance of the places that are asked first; by the size of the zone when absent.
    """

    def __init__(self, zone: Zone, obstacles: Obstacles, grid_mm: float | None = None) -> None:
        self.zone = zone
        self.obstacles = obstacles
        points, corners = zone.membrane
        self._middle = points.mean(axis=0)
        self._points = points - self._middle
        self._reach = float(np.linalg.norm(self._points, axis=1).max()) + 1.0
        self._scene = EmbreeScene(robust=True)
        self._film = TriangleMesh(
            self._scene, self._points.astype(np.float32), np.ascontiguousarray(corners, dtype=np.int32)
        )
        # The first ray builds a scene's tree, which threads must not do at the same time.
        self._scene.run(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32), query="OCCLUDED")
        obstacles.blocked(self._middle[None], np.ones(3))
        a, b, c = (self._points[corners[:, i]] for i in range(3))
        self._dots = np.concatenate([self._points, (a + b) / 2, (b + c) / 2, (c + a) / 2])
        longest = max(float(np.linalg.norm(side, axis=1).max()) for side in (b - a, c - b, a - c))
        # Halved, no triangle has a place farther from its corners than this.
        self._dots_mm = 0.6 * longest / 2
        if grid_mm is None:
            area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
            grid_mm = float(np.clip(np.sqrt(area) / NODES_ACROSS, FINEST_MM, COARSEST_MM))
        self.grid_mm = grid_mm

    def openings(self, frames: Frames) -> Openings:
        """The free window in each view, for as many views as fit the memory (about 100)."""
        return _Look(self, frames).openings()

    def on_membrane(
        self, views: IntArray, places: FloatArray, frames: Frames
    ) -> tuple[BoolArray, FloatArray]:
        """Where lines of sight first meet the zone.

        Args:
            views: of ``frames`` (k,).
            places: picture coordinates (k, 2) in mm, from the middle of the membrane's points.
            frames: the lines of sight.

        Returns:
            Whether they do (k,), and LPS mm (k, 3) of no meaning where they do not; right to about 1e-5 mm.
        """
        # Single precision is what the rays are cast in; near the middle it is fine enough, and twice as fast.
        vector = frames.vector.astype(np.float32)[views]
        flat = places.astype(np.float32)
        # No point of the membrane lies farther from its middle than this.
        origins = np.float32(self._reach) * vector
        origins += flat[:, :1] * frames.right.astype(np.float32)[views]
        origins += flat[:, 1:] * frames.up.astype(np.float32)[views]
        distance = self._scene.run(origins, -vector, query="DISTANCE")
        met = distance < 1e30
        return met, origins - np.where(met, distance, np.float32(0))[:, None] * vector + self._middle

    def near_zone(self, frames: Frames, first: FloatArray, step: float, shape: tuple[int, ...]) -> BoolArray:
        """Places of grids [view, nx, ny] that may lie on the zone; all that do are among them.

        Args:
            frames: the lines of sight (n,).
            first: picture coordinates (n, 2) of the places [:, 0, 0], from the middle of the membrane's points.
            step: mm between places.
            shape: of the answer.
        """
        x = np.rint((frames.right @ self._dots.T - first[:, :1]) / step).astype(np.int64)
        y = np.rint((frames.up @ self._dots.T - first[:, 1:]) / step).astype(np.int64)
        near = np.zeros(shape, dtype=bool)
        near[np.arange(len(x))[:, None], x, y] = True
        wider = 1 + 2 * int(np.ceil(self._dots_mm / step + 0.5))
        return np.asarray(ndimage.maximum_filter(near, size=(1, wider, wider), mode="constant"))

    def extent(self, frames: Frames) -> tuple[FloatArray, FloatArray]:
        """Lower and upper picture corners (n, 2) of the zone in each view, from the middle of its points."""
        x, y = frames.right @ self._points.T, frames.up @ self._points.T
        return np.stack([x.min(axis=1), y.min(axis=1)], axis=1), np.stack(
            [x.max(axis=1), y.max(axis=1)], axis=1
        )


class _Look:
    """One batch of views at work."""

    def __init__(self, many: ManyViews, frames: Frames) -> None:
        self.many, self.frames = many, frames
        self.step = many.grid_mm
        low, high = many.extent(frames)
        self.count = np.ceil((high - low) / self.step).astype(np.int64) + 3
        self.first = (low + high) / 2 - (self.count - 1) * self.step / 2

    def free(self, views: IntArray, places: FloatArray) -> BoolArray:
        """Whether the lines from the zone to the viewer are free at picture places (k, 2) of views (k,)."""
        free, points = self.many.on_membrane(views, places, self.frames)
        free[free] = ~self.blocked(views[free], points[free])
        return free

    def blocked(self, views: IntArray, points: FloatArray) -> BoolArray:
        vector = self.frames.vector[views]
        return self.many.obstacles.blocked(points + LIFT_MM * vector, vector)

    def places(self, views: IntArray, i: IntArray, j: IntArray) -> FloatArray:
        return self.first[views] + self.step * np.stack([i, j], axis=1)

    def openings(self) -> Openings:
        n = len(self.frames.vector)
        shape = (n, *self.count.max(axis=0))
        used = self.many.near_zone(self.frames, self.first, self.step, shape)
        views, i, j = _where(used)
        seen, points = self.many.on_membrane(views, self.places(views, i, j), self.frames)
        of, points = views[seen], points[seen]
        free = ~self.blocked(of, points)
        seen[seen] = free
        inside = np.zeros(shape, dtype=bool)
        inside[used] = seen
        met = self._met_first(of, points, free)
        shut = met[:, 0] == 0
        zeros = np.zeros(n)
        if shut.all():
            return Openings(zeros, zeros.copy(), zeros.copy(), np.full((n, 3), np.nan), met)
        inside = self._finer(inside)
        pieces, start, stop, owner = self._border(inside)
        area = -np.bincount(
            owner, (start[:, 0] * stop[:, 1] - start[:, 1] * stop[:, 0]) / 2, pieces.max() + 1
        )
        home = np.zeros(len(area), dtype=np.int64)
        home[pieces[inside]] = _where(inside)[0]
        total = np.asarray(np.bincount(home[1:], area[1:], n), dtype=np.float64)
        # The largest piece of each view; of equal ones the first.
        order = np.lexsort((np.arange(1, len(area)), -area[1:], home[1:])) + 1
        of_view, at = np.unique(home[order], return_index=True)
        largest = np.zeros(n, dtype=np.int64)
        largest[of_view] = order[at]
        keep = largest[home[owner]] == owner
        opened = np.flatnonzero(largest > 0)
        node_views, i, j = _where(_deep_places(inside & (pieces == largest[:, None, None])))
        middle, radius = largest_circles(
            opened,
            (node_views, np.asarray(self.step * np.stack([i, j], axis=1))),
            (home[owner[keep]], start[keep], stop[keep]),
            self.step,
        )
        result = Openings(zeros, total, zeros.copy(), np.full((n, 3), np.nan), met)
        result.area_mm2[opened] = area[largest[opened]]
        result.radius_mm[opened] = radius
        result.target[opened] = self.many.on_membrane(opened, middle + self.first[opened], self.frames)[1]
        return result

    def _finer(self, inside: BoolArray) -> BoolArray:
        """The open places on a grid of half the step; asked only near the border, the rest lies between equals."""
        mixed = np.zeros((len(inside), *(size - 1 for size in inside.shape[1:])), dtype=bool)
        for di, dj in _CORNERS[1:]:
            mixed |= inside[:, di : di + mixed.shape[1], dj : dj + mixed.shape[2]] != inside[:, :-1, :-1]
        mixed = ndimage.binary_dilation(mixed, structure=_AROUND)
        halves = np.pad(mixed.repeat(2, axis=1).repeat(2, axis=2), ((0, 0), (1, 1), (1, 1)))
        asked = halves[:, :-1, :-1] | halves[:, 1:, :-1] | halves[:, :-1, 1:] | halves[:, 1:, 1:]
        asked[:, ::2, ::2] = False
        fine = inside.repeat(2, axis=1).repeat(2, axis=2)[:, :-1, :-1]
        self.step /= 2
        views, i, j = _where(asked)
        fine[asked] = self.free(views, self.places(views, i, j))
        return np.ascontiguousarray(fine)

    def _met_first(self, of: IntArray, points: FloatArray, free: BoolArray) -> IntArray:
        """See :attr:`Openings.met_first`, for points (k, 3) of views (k,)."""
        n = len(self.frames.vector)
        met = np.zeros((n, 3), dtype=np.int64)
        met[:, 0] = np.bincount(of[free], minlength=n)
        shut = met[of, 0] == 0
        vector = self.frames.vector[of[shut]]
        tissue = self.many.obstacles.first(points[shut] + LIFT_MM * vector, vector)[0]
        for number in (1, 2):
            met[:, number] = np.bincount(of[shut][tissue == number], minlength=n)
        return met

    def _border(self, inside: BoolArray) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
        """Open pieces [n, nx, ny] (0 closed), and the border's chords: start, stop (k, 2) and their piece (k,).

        Places count from the first node of each view.
        """
        pieces = ndimage.label(inside, structure=_IN_PICTURE)[0].astype(np.int64)
        crossings = self._crossings(inside)
        corner = inside.astype(np.int8)
        every = corner[:, :-1, :-1] + 2 * corner[:, 1:, :-1] + 4 * corner[:, 1:, 1:] + 8 * corner[:, :-1, 1:]
        cells = np.stack(_where((every > 0) & (every < 15)))
        code = every[tuple(cells)]
        saddle = np.flatnonzero((code == 5) | (code == 10))
        if len(saddle):
            middle = self.places(*cells[:, saddle]) + self.step / 2
            joined = saddle[self.free(cells[0, saddle], middle)]
            pieces = _joined(pieces, code[joined] == 5, cells[:, joined])
            code[joined] = np.where(code[joined] == 5, 16, 17)
        starts, stops, owners = [], [], []
        for value, segments in _SEGMENTS.items():
            view, i, j = cells[:, code == value]
            for begin, end, open_corner in segments:
                starts.append(_on_edge(crossings, begin, view, i, j))
                stops.append(_on_edge(crossings, end, view, i, j))
                di, dj = _CORNERS[open_corner]
                owners.append(pieces[view, i + di, j + dj])
        ends = (np.concatenate(part) * self.step for part in (starts, stops))
        return pieces, *ends, np.concatenate(owners)

    def _crossings(self, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Where the border crosses edges along x and along y, as a part of the edge, [n, nx, ny] each."""
        found = (np.zeros(inside.shape), np.zeros(inside.shape))
        across = _where(inside[:, :-1] != inside[:, 1:])
        up = _where(inside[:, :, :-1] != inside[:, :, 1:])
        views, i, j = (np.concatenate([a, b]) for a, b in zip(across, up, strict=True))
        way = np.zeros((len(views), 2))
        way[: len(across[0]), 0] = self.step
        way[len(across[0]) :, 1] = self.step
        start = self.places(views, i, j)
        first = inside[views, i, j]
        low = np.zeros(len(views))
        size = 1.0
        for _ in range(HALVINGS):
            size /= 2
            same = self.free(views, start + (low + size)[:, None] * way) == first
            low[same] += size
        low += size / 2
        found[0][across] = low[: len(across[0])]
        found[1][up] = low[len(across[0]) :]
        return found


_AROUND = np.zeros((3, 3, 3), dtype=bool)
_AROUND[1] = True
_IN_PICTURE = np.zeros((3, 3, 3), dtype=bool)
_IN_PICTURE[1] = [(False, True, False), (True, True, True), (False, True, False)]


def _where(mask: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """As np.nonzero of [n, nx, ny], several times as fast."""
    rest, j = np.divmod(np.flatnonzero(mask), mask.shape[2])
    view, i = np.divmod(rest, mask.shape[1])
    return view, i, j


def _on_edge(
    crossings: tuple[FloatArray, FloatArray], edge: int, view: IntArray, i: IntArray, j: IntArray
) -> FloatArray:
    """Places (k, 2), in grid steps, where the border crosses one edge of cells."""
    if edge in (0, 2):
        j = j + edge // 2
        return np.stack([i + crossings[0][view, i, j], j.astype(np.float64)], axis=1)
    i = i + (edge == 1)
    return np.stack([i.astype(np.float64), j + crossings[1][view, i, j]], axis=1)


def _joined(pieces: IntArray, main: BoolArray, cells: IntArray) -> IntArray:
    """Pieces after those have become one that meet in the open middle of cells (3, k): view, i, j.

    ``main`` (k,): whether the open corners lie below left and above right, or else on the other diagonal.
    """
    view, i, j = cells
    a = np.where(main, pieces[view, i, j], pieces[view, i + 1, j])
    b = np.where(main, pieces[view, i + 1, j + 1], pieces[view, i, j + 1])
    count = int(pieces.max()) + 1
    links = coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    names = csgraph.connected_components(links, directed=False)[1].astype(np.int64)
    # Piece 0 is what is closed: no link touches it, and it stays 0.
    names += 1
    names[0] = 0
    names = np.unique(names, return_inverse=True)[1]
    return np.asarray(names[pieces])


def _deep_places(inside: BoolArray) -> BoolArray:
    """Those places [n, nx, ny] of which one is the farthest from the border: a rough distance leaves few."""
    rough = ndimage.distance_transform_cdt(inside, metric=_AROUND)
    # Counted as a king moves on a chess board; the true distance is up to 1.42 times that.
    return np.asarray(inside & (rough >= 0.7 * rough.max(axis=(1, 2), keepdims=True) - 1))
