"""The picture of an angle map: where the window opens, how wide, and which views to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.versions import NOTICE
from spinect_core.base.words import Rule, Side
from spinect_core.image.warning import ReadingWarning, any_grave, warning_lines
from spinect_core.pictures.annotate import RgbArray
from spinect_core.planning.rules import RULE_COLOURS, VIEW_RULES
from spinect_core.planning.search.angle_map import AngleMap
from spinect_core.planning.search.ridge import RIDGE_PART
from spinect_core.planning.search.search import Choice, SearchResult
from spinect_core.planning.search.weights import Reason

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

INK, GREY, PALE = "#1d2530", "#5a6470", "#eceff1"
BEST, RECOMMENDED, OTHER = "#d81b60", "#ff9f1c", "#ffffff"
WARNING = "#9a5200"
"""The amber of the other pictures, dark enough for a white ground."""
WARNING_COLUMNS = 118
"""Letters of a warning's line: as wide as the map and its scale."""
DPI = 130
LEFT = 0.095
MAP_INCHES, ABOVE_MAP_INCHES, UNDER_MAP_INCHES, LINE_INCHES = 4.8, 0.9, 1.02, 0.26
LEGEND_COLUMNS, LEGEND_LINES, LEGEND_LINE_INCHES = 3, 2, 0.19
"""The place under the map holds so many lines of the legend; each more needs so much."""
USUAL_DEGREES = (25.0, 30.0)
"""Oblique angles of the widest safe triangle in fluoroscopy, men and women (pubmed.ncbi.nlm.nih.gov/24690186)."""
GROUPS: tuple[tuple[str, tuple[Reason, ...], str, str], ...] = (
    ("blocked by bone", (Reason.BONE,), "////", "#b9ad93"),
    ("blocked by nerve", (Reason.NERVE,), "\\\\\\\\", "#d9a400"),
    ("blocked by bone and nerve", (Reason.BONE_AND_NERVE,), "xxxx", "#a8a294"),
    ("narrower than the needle", (Reason.NARROW,), "....", "#7d8a96"),
    ("no skin in the CT, or too deep", (Reason.NO_SKIN, Reason.TOO_DEEP), "||||", "#8c6bb1"),
    ("triangle seen edge-on", (Reason.NOT_SEEN,), "----", "#9aa5ae"),
)
"""How views that are not allowed are hatched: words, reasons, hatch, colour."""


def angle_map_picture(
    result: SearchResult,
    notes: Sequence[str] = (),
    warnings: Sequence[ReadingWarning] = (),
    titles: Mapping[Rule, str] = MappingProxyType({}),
) -> RgbArray:
    """The map of a search with its views marked, uint8 RGB.

    The picture is laid out as the patient is seen from behind: a view towards the patient's left lies to the left.
    Where reading had reservations about the CT, the recommended view is marked by an empty diamond.

    Args:
        result: of the search.
        notes: sentences to write below.
        warnings: what reading noticed about the CT; written above the notes.
        titles: of the rules, for the legend; a rule without one is called by its code.
    """
    # Not at the top: it takes half a second, and only charts need it. Figure alone opens no window.
    from matplotlib.figure import Figure

    rows, sure = _rows(result), not any_grave(warnings)
    lines = [part for each in warning_lines(warnings) for part in wrap(each, WARNING_COLUMNS)]
    notes = [part for each in notes for part in wrap(each, WARNING_COLUMNS)]
    foot = 0.3 + LINE_INCHES * (len(notes) + len(lines)) * 0.7
    table = LINE_INCHES * (len(rows) + 1.4) if rows else 0.0
    under = UNDER_MAP_INCHES + LEGEND_LINE_INCHES * max(_legend_lines(result.map) - LEGEND_LINES, 0)
    height = foot + table + under + MAP_INCHES + ABOVE_MAP_INCHES
    figure = Figure(figsize=(8.6, height), dpi=DPI, facecolor="white")
    axes = figure.add_axes((LEFT, (foot + table + under) / height, 0.76, MAP_INCHES / height), facecolor=PALE)
    _areas(figure, axes, result.map)
    handles: list[Artist] = [
        *_forbidden(axes, result.map),
        *_refused(axes, result.map, titles),
        *_ridge(axes, result),
    ]
    _usual(axes, result.map)
    _legend(axes, handles)
    _marks(axes, result, sure)
    _axes(axes, result.map.side)
    name = result.zone.name
    title = f"{name[0].upper()}{name[1:]}, {result.zone.level}"
    figure.text(LEFT, 1 - 0.36 / height, title, fontsize=15, color=INK, weight="bold")
    figure.text(LEFT, 1 - 0.64 / height, _headline(result), fontsize=10, color=INK)
    _table(figure, rows, (foot + table) / height, LINE_INCHES / height, sure)
    said = [
        *((each, GREY) for each in (NOTICE, *reversed(notes))),
        *((each, WARNING) for each in reversed(lines)),
    ]
    for k, (words, colour) in enumerate(said):
        figure.text(LEFT, (0.14 + 0.7 * LINE_INCHES * k) / height, words, fontsize=7.5, color=colour)
    return _drawn(figure)


def _legend_lines(chart: AngleMap) -> int:
    """Of the legend, at most."""
    refused = () if chart.refused is None else np.unique(chart.refused[chart.refused > 0])
    blocked = sum(bool(np.isin(chart.looks.reason, reasons).any()) for _, reasons, _, _ in GROUPS)
    return -(-(len(refused) + blocked + 2) // LEGEND_COLUMNS)


def _headline(result: SearchResult) -> str:
    count, every = result.allowed_count, len(result.map.looks.reason)
    if result.best is None:
        return f"No trajectory: none of {every} lines of sight is open to the needle."
    return (
        f"Largest free window {result.best.window.area_mm2:.1f} mm², {result.best.view.format()}. "
        f"{count} of {every} views are open to the needle."
    )


def _areas(figure: Figure, axes: Axes, chart: AngleMap) -> None:
    area = np.where(chart.allowed, chart.area_mm2, np.nan)
    top = float(np.nanmax(area)) if chart.allowed.any() else 1.0
    mesh = axes.pcolormesh(
        _edges(chart.obliques), _edges(chart.tilts), area.T, cmap="viridis", vmin=0.0, vmax=top, zorder=1
    )
    if chart.allowed.any():
        levels = _round_levels(top)
        lines = axes.contour(
            chart.obliques,
            chart.tilts,
            chart.area_mm2.T,
            levels=levels,
            colors="white",
            linewidths=0.8,
            zorder=2,
        )
        axes.clabel(lines, fontsize=8, fmt=lambda value: f"{value:g}")
        bar = figure.colorbar(
            mesh, cax=figure.add_axes((0.875, axes.get_position().y0, 0.02, axes.get_position().height))
        )
        bar.set_label("free window, mm²", color=INK)
        bar.outline.set_visible(False)


def _round_levels(top: float) -> FloatArray:
    step = next(size for size in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e9) if top / size <= 7)
    return np.arange(step, top, step) if top > step else np.array([top / 2])


def _forbidden(axes: Axes, chart: AngleMap) -> list[Patch]:
    from matplotlib.patches import Patch

    reason = chart.grid(chart.looks.reason)
    handles = []
    for words, reasons, hatch, colour in GROUPS:
        mask = np.isin(reason, reasons)
        if not mask.any():
            continue
        style: dict[str, Any] = {"facecolor": PALE, "edgecolor": colour, "hatch": hatch, "linewidth": 0.0}
        _outline(axes, chart, mask, zorder=3, **style)
        handles.append(Patch(label=words, **style))
    return handles


def _refused(axes: Axes, chart: AngleMap, titles: Mapping[Rule, str]) -> list[Patch]:
    """Views that are open but not recommended, in the colour of the rule that refuses them."""
    from matplotlib.patches import Patch

    handles = []
    for number, rule in enumerate(VIEW_RULES, start=1):
        mask = np.zeros(chart.allowed.shape, dtype=bool)
        if chart.refused is not None:
            mask = np.asarray(chart.grid(chart.refused)) == number
        if not mask.any():
            continue
        colour = tuple(part / 255 for part in RULE_COLOURS[rule])
        style: dict[str, Any] = {"facecolor": (*colour, 0.62), "edgecolor": colour, "linewidth": 0.6}
        _outline(axes, chart, mask, zorder=2.5, **style)
        named = ", ".join(chart.organs_of(rule))
        label = f"rule: {titles.get(rule, rule)}" + (f" ({named})" if named else "")
        handles.append(Patch(label=label, **style))
    return handles


def _legend(axes: Axes, handles: list[Artist]) -> None:
    if handles:
        axes.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.095), ncols=LEGEND_COLUMNS, fontsize=8,
            frameon=False, handlelength=2.2, handleheight=1.1,
        )  # fmt: skip


def _usual(axes: Axes, chart: AngleMap) -> None:
    low, high = USUAL_DEGREES
    axes.axvspan(low, high, facecolor="none", edgecolor=INK, linewidth=1.0, linestyle=(0, (2, 2)), zorder=4)
    axes.annotate(
        "usual in fluoroscopy, 25 to 30°", ((low + high) / 2, chart.tilts[0] + 1.5), ha="center", va="bottom",
        rotation=90, fontsize=8, color=INK, zorder=6,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip


def _ridge(axes: Axes, result: SearchResult) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if result.ridge is None or not result.ridge.mask.any():
        return []
    _outline(
        axes, result.map, result.ridge.mask, facecolor="none", edgecolor="white", linewidth=3.6, zorder=5
    )
    _outline(axes, result.map, result.ridge.mask, facecolor="none", edgecolor=BEST, linewidth=1.8, zorder=5)
    axes.plot(*result.ridge.crest.T, color=BEST, linewidth=1.0, linestyle=(0, (4, 2)), zorder=5)
    words = f"at least {RIDGE_PART:.0%} of the best area"
    line = Line2D([], [], color=BEST, linewidth=1.0, linestyle=(0, (4, 2)), label="the line along its crest")
    return [Patch(facecolor="none", edgecolor=BEST, linewidth=1.8, label=words), line]


def _marks(axes: Axes, result: SearchResult, sure: bool) -> None:
    for number, other in enumerate(result.alternatives, start=1):
        at = (other.oblique, other.view.elevation)
        axes.plot(*at, marker="o", markersize=15, color=OTHER, markeredgecolor=INK, zorder=7, clip_on=False)
        axes.annotate(str(number), at, ha="center", va="center", fontsize=9, color=INK, zorder=8)
    for choice, mark, size, colour in (
        (result.recommended, "D", 10, RECOMMENDED),
        (result.best, "*", 20, BEST),
    ):
        if choice is not None:
            empty = mark == "D" and not sure
            axes.plot(
                choice.oblique, choice.view.elevation, marker=mark, markersize=size,
                color="none" if empty else colour, markeredgecolor=WARNING if empty else "white",
                markeredgewidth=1.2, zorder=9, clip_on=False,
            )  # fmt: skip


def _axes(axes: Axes, side: str) -> None:
    axes.set_xlim((60.0, 0.0) if side == Side.LEFT else (0.0, 60.0))
    axes.set_ylim(-40.0, 40.0)
    axes.set_xticks(range(0, 61, 10), [f"{angle}°" if angle else "from behind" for angle in range(0, 61, 10)])
    axes.set_yticks(range(-40, 41, 10), [f"{abs(angle)}°" for angle in range(-40, 41, 10)])
    words = f"oblique, towards the patient's {side}"
    axes.set_xlabel(
        f"\N{LEFTWARDS ARROW} {words}" if side == Side.LEFT else f"{words} \N{RIGHTWARDS ARROW}", color=INK
    )
    axes.set_ylabel(
        "\N{LEFTWARDS ARROW} caudal (towards the feet)      tilt      cranial (towards the head) \N{RIGHTWARDS ARROW}",
        color=INK,
    )
    axes.tick_params(colors=INK, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(GREY)


def _rows(result: SearchResult) -> list[tuple[str, str, Choice]]:
    rows = []
    if result.best is not None and result.recommended is not None:
        if result.recommended is result.best:
            rows.append(("\N{BLACK STAR}", "best, recommended", result.best))
        else:
            rows.append(("\N{BLACK STAR}", "best", result.best))
            rows.append(("\N{BLACK DIAMOND}", "recommended", result.recommended))
    rows += [(str(number), "alternative", one) for number, one in enumerate(result.alternatives, start=1)]
    return rows


COLUMNS = (0.095, 0.125, 0.32, 0.56, 0.65, 0.735, 0.825, 0.91)
HEADS = ("", "", "line of sight", "window", "circle", "depth", "axis\N{EN DASH}nerve", "score")


def _table(
    figure: Figure, rows: Sequence[tuple[str, str, Choice]], top: float, line: float, sure: bool
) -> None:
    """Lines of words from ``top`` downwards, both in parts of the figure's height."""
    if not rows:
        return
    top -= line
    for x, head in zip(COLUMNS, HEADS, strict=True):
        figure.text(x, top, head, fontsize=8.5, color=GREY)
    colours = {"\N{BLACK STAR}": BEST, "\N{BLACK DIAMOND}": RECOMMENDED if sure else WARNING}
    for k, (mark, what, choice) in enumerate(rows, start=1):
        nerve = "none" if np.isinf(choice.nerve_mm) else f"{choice.nerve_mm:.1f} mm"
        cells = (
            mark,
            what,
            choice.view.format(),
            f"{choice.window.area_mm2:.1f} mm²",
            f"⌀ {2 * choice.window.radius_mm:.1f} mm",
            "unknown" if choice.depth_mm is None else f"{choice.depth_mm:.0f} mm",
            nerve,
            f"{choice.score:.2f}",
        )
        for x, cell in zip(COLUMNS, cells, strict=True):
            figure.text(x, top - k * line, cell, fontsize=9.5, color=colours.get(cell, INK))


def _outline(axes: Axes, chart: AngleMap, mask: BoolArray, *, zorder: float, **style: Any) -> None:
    """Draw the cells of a mask [oblique, tilt] as one shape."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x, y = _edges(chart.obliques), _edges(chart.tilts)
    i, j = np.nonzero(mask)
    shape = shapely.union_all(shapely.box(x[i], y[j], x[i + 1], y[j + 1]))
    paths = []
    for part in shapely.get_parts(shape):
        paths += [Path(np.asarray(ring.coords), closed=True) for ring in (part.exterior, *part.interiors)]
    axes.add_patch(PathPatch(Path.make_compound_path(*paths), zorder=zorder, **style))


def _edges(angles: FloatArray) -> FloatArray:
    """Borders (n + 1,) of the cells round angles (n,); the outer ones end at the outer angles."""
    return np.concatenate([angles[:1], (angles[:-1] + angles[1:]) / 2, angles[-1:]])


def _drawn(figure: Figure) -> RgbArray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)  # its methods carry no types
    canvas.draw()
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)[..., :3].copy()
