"""The charts of a study: Bland and Altman's plot of areas, Dice against noise and slice thickness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spinect_core.base.versions import NOTICE
from spinect_core.base.words import KINDS, SIDES
from spinect_core.geometry.triangle import KIND_NAMES
from spinect_core.pictures.annotate import RgbArray
from spinect_core.research.study.area_tables import compared, pairs_of
from spinect_core.research.study.examine import Examined
from spinect_core.research.study.overlap_tables import PAPER_DICE, UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0b6aa8", "#c75b12", "#5a6470"
COLOURS = {"bone": BLUE, "nerve": ORANGE}
DPI = 130


def bland_altman(examined: Sequence[Examined]) -> RgbArray | None:
    """Difference against mean of the areas, a panel a triangle, uint8 RGB; None if there is no area."""
    if not any(one.areas["pairs"] for one in examined):
        return None
    figure, panels = _figure(2, 4.6)
    for axes, kind in zip(panels, KINDS, strict=True):
        result = compared(examined, kind, SIDES)
        for side, colour, mark in (("left", BLUE, "o"), ("right", ORANGE, "^")):
            pairs = [pair for _, pair in pairs_of(examined, kind, (side,))]
            true = np.array([pair["true_mm2"] for pair in pairs])
            other = np.array([pair["predicted_mm2"] for pair in pairs])
            axes.scatter(
                (true + other) / 2, other - true, s=34, c=colour, marker=mark, label=side, alpha=0.85
            )
        axes.axhline(0, color="#c4cad0", linewidth=0.8)
        if result.difference.mean is not None:
            _line(axes, result.difference.mean, "mean", "-")
        if result.limits is not None:
            _line(axes, result.limits[0], "mean − 1.96 SD", "--")
            _line(axes, result.limits[1], "mean + 1.96 SD", "--")
        axes.margins(x=0.12, y=0.18)
        axes.set_title(f"{KIND_NAMES[kind][0].upper()}{KIND_NAMES[kind][1:]}, n = {result.n}", fontsize=11)
        axes.set_xlabel("mean of true and predicted, mm²")
        axes.set_ylabel("predicted minus true, mm²")
        if result.n:
            axes.legend(frameon=False, fontsize=9, loc="best")
    return _drawn(figure)


def _line(axes: Axes, height: float, words: str, style: str) -> None:
    axes.axhline(height, color=GREY, linewidth=1.1, linestyle=style)
    axes.annotate(
        f"{words}: {height:.1f}".replace("-", "\N{MINUS SIGN}"),
        (1.0, height),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=GREY,
    )


def dice_curves(examined: Sequence[Examined]) -> RgbArray | None:
    """Dice against noise and slice thickness, a panel each, uint8 RGB; None if neither was asked for."""
    kinds = [kind for kind in UNITS if any(_points(one, kind) for one in examined)]
    if not kinds:
        return None
    figure, panels = _figure(len(kinds), 4.4)
    titles = {"noise": "added noise, SD in HU", "slices": "slice thickness and distance, mm"}
    for axes, kind in zip(panels, kinds, strict=True):
        for name, colour in COLOURS.items():
            _curve(axes, examined, kind, name, colour)
        axes.set_xlabel(titles[kind])
        axes.set_ylabel("Dice")
        axes.set_xticks(sorted({level for one in examined for level in _points(one, kind)}))
        axes.set_ylim(top=1.0)
        axes.grid(axis="y", color="#e3e7ea", linewidth=0.7)
        axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return _drawn(figure)


def _points(one: Examined, kind: str) -> dict[float, dict[str, Any]]:
    return {float(level): point for level, point in one.curves[kind].items() if "reason" not in point}


def _curve(axes: Axes, examined: Sequence[Examined], kind: str, name: str, colour: str) -> None:
    series = [_points(one, kind) for one in examined]
    levels = sorted({level for points in series for level in points})
    known: dict[float, list[float]] = {level: [] for level in levels}
    for points in series:
        own = [(level, points[level][name]) for level in sorted(points) if points[level][name] is not None]
        if own:
            axes.plot(*zip(*own, strict=True), color=colour, alpha=0.3, linewidth=0.9)
        for level, value in own:
            known[level].append(value)
    means = [(level, float(np.mean(values))) for level, values in known.items() if values]
    if means:
        # Dots without errors: a mean over few cases does not carry them; the thin lines are the cases.
        label = f"{name}, mean of {max(len(values) for values in known.values())}"
        axes.plot(*zip(*means, strict=True), color=colour, marker="o", linewidth=2, label=label)
        axes.axhline(
            PAPER_DICE[name],
            color=colour,
            linestyle=":",
            linewidth=1,
            label=f"{name}, publication (undegraded)",
        )


def _figure(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    # Not at the top: it takes half a second, and only charts need it. Figure alone opens no window.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4 * panels, height), dpi=DPI, layout="constrained")
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(NOTICE, fontsize=7, color=GREY, x=0.01, ha="left")
    return figure, axes


def _drawn(figure: Figure) -> RgbArray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)  # its methods carry no types
    canvas.draw()
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)[..., :3].copy()
