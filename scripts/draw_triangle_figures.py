"""Draw the figures of docs/triangles.md: ``python scripts/draw_triangle_figures.py [FOLDER]``.

The first two are drawings. The others are measured by the program on a scene of simple shapes over a zone: a bent
process, a root and the wing of the sacrum. So every number in them follows from the definitions on that page.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyvista as pv
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch, Polygon
from matplotlib.path import Path as Outline
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import ROLES, Kind, Role, Side, Version
from spinect_core.geometry.contours import grid, pieces
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.zones.closers import what_closes
from spinect_core.planning.zones.fitted import fit_triangle
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

BONE, BONE_EDGE = "#e4dccd", "#9a8d78"
NERVE, NERVE_EDGE = "#f5d061", "#b98d12"
DISC = "#cfdde6"
COLOURS = {"base": "#0072b2", "height": "#00795a", "hypotenuse": "#c8501e"}
OPEN = "#8fd0b5"
INK = "#30343a"
DPI = 110
VIEW = View(30.0)
NEEDLE_MM = 0.36
BASE = np.array([(3.2, -5.6), (-3.0, -5.2), (-13.0, -4.2)])
HEIGHT = np.array([(3.0, 9.2), (2.6, 5.0), (2.6, 0.0), (3.2, -5.6)])
HYPOTENUSE = np.array([(-13.0, -4.2), (-10.0, -1.4), (-6.0, 2.4), (-2.0, 6.0), (3.0, 9.2)])
"""Borders of the zone in the picture, mm."""


def main() -> None:
    """Write the four figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/images"))
    folder = parser.parse_args().folder
    for name, figure in (
        ("triangle-borders.png", borders()),
        ("triangle-sight.png", lines_of_sight()),
        ("triangle-window.png", window()),
        ("triangle-closers.png", closers()),
    ):
        FigureCanvasAgg(figure)
        figure.savefig(
            folder / name,
            dpi=DPI,
            metadata={"Software": None},
            facecolor="white",
            bbox_inches="tight",
            pad_inches=0.12,
        )
        print(folder / name, (folder / name).stat().st_size)


# --------------------------------------------------------------------------------------------- figure 1: the borders


def smooth(
    points: Sequence[Sequence[float]] | FloatArray, closed: bool = True, count: int = 160
) -> FloatArray:
    """A smooth line (n, 2) through points."""
    given = np.array([*points, points[0]] if closed else points, dtype=np.float64)
    along = np.concatenate([[0.0], np.linalg.norm(np.diff(given, axis=0), axis=1).cumsum()])
    line = CubicSpline(along, given, bc_type="periodic" if closed else "natural")
    return np.asarray(line(np.linspace(0, along[-1], count)))


ROOT = smooth(
    [(13, 19.0), (8, 15.4), (3.0, 12.2), (-3, 7.8), (-9, 2.0), (-15, -4.4), (-18, -9)], closed=False
)
LOWER = np.asarray(shapely.LineString(ROOT).offset_curve(2.5).coords)
UPPER = np.asarray(shapely.LineString(ROOT).offset_curve(-2.5).coords)
"""The root's middle line and its two edges, from the dura outwards."""
BONY_X, NEURAL_X, LATERAL_X, MEDIAL_X, FAR_X = 2.7, 8.7, -12.4, 0.8, -12.1


def _between(line: FloatArray, low: float, high: float) -> FloatArray:
    """The part of a line between two abscissas, from left to right."""
    line = line[np.argsort(line[:, 0])]
    inner = line[(line[:, 0] > low) & (line[:, 0] < high)]
    ends = [(x, np.interp(x, *line.T)) for x in (low, high)]
    return np.concatenate([ends[:1], inner, ends[1:]])


def borders() -> Figure:
    """Both triangles on the left side, seen from behind and from the left."""
    figure = Figure(figsize=(10.4, 4.9), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 3), ("bony", "neural", "safe"), strict=True):
        _anatomy(axes)
        if kind == "safe":
            root = _between(UPPER, LATERAL_X, MEDIAL_X)
            top = smooth(
                [tuple(root[-1]), (-2.5, 13.9), (-6.0, 14.8), (-9.0, 16.6), (-12.2, 17.6)], closed=False
            )
            side = smooth([(-12.2, 17.6), (-11.9, 12.0), (-12.1, 6.0), tuple(root[0])], closed=False)
            _borders(axes, {"base": top, "height": side, "hypotenuse": root})
            axes.set_title("safe triangle", color=INK, fontsize=12)
            continue
        root = _between(LOWER, FAR_X, BONY_X if kind == "bony" else NEURAL_X)
        if kind == "bony":
            edge = smooth([tuple(root[-1]), (2.5, 4.5), (2.6, 0.0), (3.2, -5.4)], closed=False)
        else:
            edge = smooth([tuple(root[-1]), (8.6, 7.0), (8.8, 1.0), (9.6, -5.9)], closed=False)
        end = [tuple(edge[-1])] if kind == "bony" else [tuple(edge[-1]), (3.2, -5.4)]
        base = smooth([*end, (-4.0, -4.9), tuple(root[0])], closed=False)
        _borders(axes, {"base": base, "height": edge, "hypotenuse": root})
        axes.set_title(f"Kambin’s triangle, {kind}", color=INK, fontsize=12)
    return figure


def _anatomy(axes: Axes) -> None:
    def shape(points: FloatArray, face: str, edge: str, z: float, alpha: float = 1.0) -> None:
        axes.add_patch(
            Polygon(points, closed=True, facecolor=face, edgecolor=edge, lw=1.1, zorder=z, alpha=alpha)
        )

    body = smooth([(-14, 25), (-11.9, 14), (-13.6, 3.2), (-4, 2.2), (14, 3.0), (16, 15), (16, 26)])
    edge = smooth([(16, -6.0), (3.2, -5.4), (-4.0, -4.9), (-13, -4.2), (-20, -4.8)], closed=False)
    shape(np.concatenate([edge[::-1][30:], [(16, 4.0), (-13.2, 4.0)]]), DISC, "none", 0.8)
    shape(body, "#f3eee5", BONE_EDGE, 1)
    shape(np.concatenate([edge, [(-23, -9), (-23, -18), (16, -18)]]), "#f3eee5", BONE_EDGE, 1.1)
    dura = smooth([(9.2, 27), (9.0, 14), (8.6, 6), (9.2, -3), (11.0, -16), (20, -20), (20, 30), (12, 31)])
    ribbon = shapely.LineString(ROOT).buffer(2.5, cap_style="flat")
    shape(np.asarray(ribbon.union(shapely.Polygon(dura)).exterior.coords), NERVE, NERVE_EDGE, 2)
    pedicle = smooth([(7.5, 20), (3.5, 25), (-4.5, 25.2), (-9, 20.5), (-6, 15.0), (-2, 13.9), (4.0, 15.0)])
    shape(pedicle, BONE, BONE_EDGE, 3)
    process = smooth(
        [
            (2.8, 9.2),
            (4.6, 13.0),
            (7.6, 13.2),
            (10.2, 8),
            (10.4, 0),
            (11.6, -7),
            (6.0, -9),
            (3.2, -5.4),
            (2.6, 0),
            (2.5, 4.5),
        ]
    )
    shape(process, BONE, BONE_EDGE, 3, alpha=0.8)
    for words, (x, y) in (
        ("L5 pedicle", (-0.8, 20)),
        ("L5 root", (-15.4, -7.0)),
        ("S1", (-6, -9.5)),
        ("disc", (-4.2, -1.6)),
        ("dura", (11.9, 22)),
        ("articular\nprocess\nof S1", (5.7, 3.4)),
    ):
        axes.text(x, y, words, ha="center", va="center", fontsize=8, color=INK, zorder=9)
    axes.text(
        -19.6, -13.0, "lateral", fontsize=8, style="italic", color=INK, ha="left", va="bottom", zorder=9
    )
    axes.text(13.6, -13.0, "medial", fontsize=8, style="italic", color=INK, ha="right", va="bottom", zorder=9)
    axes.set(xlim=(-20, 14), ylim=(-13.5, 27), aspect="equal", xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color="#c9c4ba")


def _borders(axes: Axes, parts: dict[str, FloatArray]) -> None:
    ring = np.concatenate(list(parts.values()))
    middle = shapely.Polygon(ring).buffer(0).centroid.coords[0]
    axes.add_patch(Polygon(ring, facecolor="white", alpha=0.5, lw=0, zorder=4))
    for role, part in parts.items():
        axes.plot(*part.T, color=COLOURS[role], lw=3.2, solid_capstyle="round", zorder=6)
        half = len(part) // 2
        way = part[half + 5] - part[half - 5]
        across = np.array([-way[1], way[0]]) / np.linalg.norm(way)
        # The neural height lies over the articular process and its name: its own name stands on the dura.
        towards = np.sign(across @ (middle - part[half])) * (-1 if part[half][0] > 6 else 1)
        angle = (np.degrees(np.arctan2(way[1], way[0])) + 90) % 180 - 90
        x, y = part[half] + 1.2 * towards * across
        axes.text(
            x, y, role, color=COLOURS[role], fontsize=9, weight="bold",
            rotation=angle, rotation_mode="anchor", ha="center", va="center", zorder=9,
        )  # fmt: skip


# --------------------------------------------------------------------------------------- figure 2: what counts as free


def lines_of_sight() -> Figure:
    """A cut through the zone along the view."""
    figure = Figure(figsize=(7.6, 3.9), layout="constrained")
    axes = figure.subplots()
    film = smooth([(-8, -0.6), (-4, 0.5), (0, 0.7), (4, 0.2), (8, -0.8)], closed=False)
    before = [((-7.0, 6.5), 2.6, BONE, BONE_EDGE), ((4.6, 4.2), 1.5, NERVE, NERVE_EDGE)]
    behind = [((0.0, -3.6), 2.3, BONE, BONE_EDGE)]
    for (x, y), radius, face, edge in before + behind:
        axes.add_patch(Circle((x, y), radius, facecolor=face, edgecolor=edge, lw=1.1, zorder=3))
    for x in np.linspace(-7.6, 7.6, 20):
        start = float(np.interp(x, *film.T))
        stops = [cy - np.sqrt(r * r - (x - cx) ** 2) for (cx, cy), r, *_ in before if abs(x - cx) < r]
        stop = min(stops, default=11.0)
        if stops:
            axes.plot([x, x], [start, stop], color="#a5a9ad", lw=1.2, zorder=2)
            continue
        arrow = {"arrowstyle": "-|>", "lw": 1.2, "color": COLOURS["height"], "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (x, stop), (x, start), arrowprops=arrow, zorder=2)
    axes.plot(*film.T, color=INK, lw=2.6, zorder=4)
    for end in (film[0], film[-1]):
        axes.plot(*end, "o", color=COLOURS["hypotenuse"], ms=8, zorder=5)
    left, right = -4.4, 3.1
    axes.plot([left, right], [-6.6, -6.6], color=COLOURS["height"], lw=6, solid_capstyle="butt")
    axes.plot([6.1, 8.0], [-6.6, -6.6], color=COLOURS["height"], lw=6, solid_capstyle="butt", alpha=0.45)
    for words, (x, y), colour in (
        ("towards the viewer, where the needle’s hub is", (0, 11.9), INK),
        ("bone in front of\nthe zone: blocked", (-13.1, 6.5), INK),
        ("nerve in front of\nthe zone: blocked", (11.4, 5.2), INK),
        ("bone behind the zone\ndoes not count", (7.2, -3.6), INK),
        ("membrane between\nthe borders", (-12.4, -1.0), INK),
        ("border", (10.2, -0.8), COLOURS["hypotenuse"]),
        ("largest free piece = the free window", (-0.7, -7.9), COLOURS["height"]),
    ):
        axes.text(x, y, words, ha="center", va="center", fontsize=9, color=colour)
    axes.set(xlim=(-17, 15), ylim=(-8.6, 12.6), aspect="equal")
    axes.set_axis_off()
    return figure


# ------------------------------------------------------------------------------------- figures 3 and 4: measured ones


def _zone() -> Zone:
    runs = {Role.BASE: BASE, Role.HYPOTENUSE: HYPOTENUSE, Role.HEIGHT: HEIGHT}
    lines = {role: VIEW.unproject(smooth(run, closed=False, count=40), 0.0) for role, run in runs.items()}
    return Zone(
        Kind.KAMBIN,
        Version.BONY,
        Side.LEFT,
        "L5/S1",
        tuple(Border(role, role, lines[role]) for role in lines),
    )


def _tube(points: Sequence[tuple[float, float]], depth: float, radius: float) -> pv.PolyData:
    line = pv.MultipleLines(VIEW.unproject(smooth(points, closed=False, count=60), depth))
    made: pv.PolyData = line.tube(radius=radius, n_sides=60, capping=True).triangulate()
    return made


def _process(points: Sequence[tuple[float, float]], radius: float) -> pv.PolyData:
    made: pv.PolyData = pv.merge([_tube(points, 12, radius), _ball(points[-1], 12, radius)])
    return made


def _ball(place: tuple[float, float], depth: float, radius: float) -> pv.PolyData:
    middle = VIEW.unproject(np.array([place]), depth)[0]
    return pv.Sphere(radius=radius, center=middle, theta_resolution=80, phi_resolution=80)


def _silhouette(obstacle: Obstacles) -> list[shapely.Polygon]:
    def covers(places: FloatArray) -> npt.NDArray[np.bool_]:
        return obstacle.blocked(VIEW.unproject(places, 0.05), VIEW.vector)

    return pieces(covers, grid(np.array([-24.0, -22.0]), np.array([22.0, 26.0]), 0.4))


def _fill(axes: Axes, shape: shapely.Geometry, **style: object) -> None:
    for part in shapely.get_parts(shape):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        rings = [np.asarray(ring.coords) for ring in (part.exterior, *part.interiors)]
        codes = [
            [Outline.MOVETO] + [Outline.LINETO] * (len(ring) - 2) + [Outline.CLOSEPOLY] for ring in rings
        ]
        path = Outline(np.concatenate(rings), np.concatenate(codes))
        axes.add_patch(PathPatch(path, **style))


def _frame(axes: Axes, title: str) -> None:
    axes.set(xlim=(-16.5, 10), ylim=(-9.5, 13.5), aspect="equal")
    axes.set_title(title, color=INK, fontsize=11)
    axes.set_axis_off()
    axes.plot([4.5, 9.5], [-8.6, -8.6], color=INK, lw=2, solid_capstyle="butt")
    axes.text(7.0, -8.1, "5 mm", ha="center", va="bottom", fontsize=8, color=INK)


def _zone_lines(axes: Axes, z: float = 6.0, width: float = 2.2) -> None:
    for role, run in (("base", BASE), ("height", HEIGHT), ("hypotenuse", HYPOTENUSE)):
        axes.plot(
            *smooth(run, closed=False).T, color=COLOURS[role], lw=width, zorder=z, solid_capstyle="round"
        )


def window() -> Figure:
    """Zone and obstacles in a view, the window, and what is measured in it."""
    process = _process([(6.5, -12), (4.6, -4), (3.4, 3), (4.6, 8.6)], 3.4)
    root = _tube([(12, 19.0), (2.0, 11.2), (-4, 7.2), (-9, 2.4), (-15, -4.2), (-18, -9)], 6, 2.6)
    wing = _ball((-13.5, -10.5), 9, 7.2)
    sight = Sight(_zone(), Obstacles(pv.merge([process, wing]), root))
    found = sight.window(VIEW)
    fitted = fit_triangle(sight, found)
    assert fitted is not None
    assert found.centre is not None
    figure = Figure(figsize=(11.2, 4.6), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    for axes in (first, second, third):
        strength = 1.0 if axes is first else 0.45
        for mesh, face, edge in (
            (root, NERVE, NERVE_EDGE),
            (wing, BONE, BONE_EDGE),
            (process, BONE, BONE_EDGE),
        ):
            for shape in _silhouette(Obstacles(mesh, pv.PolyData())):
                _fill(axes, shape, facecolor=face, edgecolor=edge, lw=1.0, zorder=2, alpha=strength)
    _frame(first, f"the zone in the view: {found.zone_area_mm2:.1f} mm²")
    _zone_lines(first)
    _frame(second, f"free window {found.area_mm2:.1f} mm²")
    _fill(second, found.polygon, facecolor=OPEN, edgecolor=COLOURS["height"], lw=1.6, zorder=4)
    x, y = VIEW.project(found.centre)
    for radius, style in ((found.radius_mm, "-"), (NEEDLE_MM, "-")):
        second.add_patch(
            Circle((x, y), radius, fill=radius == NEEDLE_MM, color=INK, lw=1.3, ls=style, zorder=7)
        )
    _fill(
        second, found.polygon.buffer(-NEEDLE_MM), facecolor="none", edgecolor=COLOURS["height"], lw=0.9, ls=(0, (3, 2)),
        zorder=5,
    )  # fmt: skip
    second.text(
        -16, 12.6,
        f"largest circle: radius {found.radius_mm:.2f} mm\n"
        "dashed: where the axis of\na 22 G needle (dot, to scale)\n"
        f"may pass, {found.needle_area_mm2(NEEDLE_MM):.1f} mm²",
        fontsize=8.5, va="top", color=INK, zorder=9,
    )  # fmt: skip
    _frame(third, f"fitted triangle {fitted.triangle.area_mm2:.1f} mm²")
    _fill(third, found.polygon, facecolor=OPEN, edgecolor="none", zorder=4)
    corners = fitted.triangle.projected
    for start, stop, role in zip(corners, np.roll(corners, -1, axis=0), ROLES, strict=True):
        third.plot(*np.stack([start, stop]).T, color=COLOURS[role], lw=2.6, zorder=7, solid_capstyle="round")
    words = "\n".join(f"{role} {fitted.edges_mm[role]:.1f} mm" for role in ROLES)
    third.text(
        -16, 12.6,
        f"{words}\nbase to height {fitted.right_angle_deg:.0f}°\nfills {100 * fitted.filled:.0f} % of\nthe window",
        fontsize=8.5, va="top", color=INK, zorder=9,
    )  # fmt: skip
    return figure


def closers() -> Figure:
    """A blocked window, and the clearance that each part would have to gain."""
    process = _process([(5.4, -12), (2.8, -5), (1.6, 2), (3.4, 7.0)], 4.8)
    root = _tube([(12, 19.0), (2.0, 10.8), (-4, 6.4), (-9, 1.8), (-14, -3.8), (-18, -9)], 6, 3.9)
    wing = _ball((-6.4, -7.4), 9, 10.2)
    sight = Sight(_zone(), Obstacles(pv.merge([process, wing]), root))
    meshes = {"articular process": process, "L5 root": root, "ala of the sacrum": wing}

    trees = [cKDTree(mesh.points) for mesh in meshes.values()]

    def parts_of(points: FloatArray, _tissue: npt.NDArray[np.uint8]) -> list[str]:
        nearest = np.argmin([tree.query(points)[0] for tree in trees], axis=0)
        return [list(meshes)[index] for index in nearest]

    answer = what_closes(sight, VIEW, parts_of)
    figure = Figure(figsize=(11.2, 4.6), layout="constrained")
    panels = figure.subplots(1, len(answer.closers))
    outlines = {
        name: shapely.union_all(_silhouette(Obstacles(mesh, pv.PolyData()))) for name, mesh in meshes.items()
    }
    zone = sight.zone_shape(VIEW)
    for axes, closer in zip(panels, answer.closers, strict=True):
        others = shapely.union_all([shape for name, shape in outlines.items() if name != closer.name])
        own = outlines[closer.name]
        for name, shape in outlines.items():
            face, edge = (NERVE, NERVE_EDGE) if "root" in name else (BONE, BONE_EDGE)
            _fill(
                axes,
                shape,
                facecolor=face,
                edgecolor=edge,
                lw=1.0,
                zorder=2,
                alpha=0.9 if name == closer.name else 0.4,
            )
        _fill(
            axes, own.intersection(zone).difference(others), facecolor="none", edgecolor=COLOURS["hypotenuse"], lw=0,
            hatch="////", zorder=5,
        )  # fmt: skip
        if closer.required_mm is not None:
            smaller = own.buffer(-closer.required_mm)
            _fill(axes, smaller, facecolor="none", edgecolor=INK, lw=1.2, ls=(0, (4, 2)), zorder=7)
            opened = zone.difference(shapely.union_all([others, smaller]))
            _fill(axes, opened, facecolor=OPEN, edgecolor="none", zorder=6)
            required = f"required clearance {closer.required_mm:.1f} mm"
        else:
            required = "does not open the window alone"
        _zone_lines(axes, z=8, width=1.4)
        shares = f"covers {100 * closer.covered:.0f} %, alone {100 * closer.alone:.0f} % (hatched)"
        _frame(axes, f"{closer.name}\n{shares}\n{required}")
    return figure


if __name__ == "__main__":
    main()
