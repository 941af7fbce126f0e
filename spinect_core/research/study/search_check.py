"""Whether the search finds the best view: against every whole degree, looked at one by one.

``python -m spinect_core.research.study.search_check --seeds 1-10 --out DIR``
draws phantoms, searches the trajectories to their zones and compares the results. It takes about a minute a zone.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import SpinectError
from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, check
from spinect_core.geometry.view import View
from spinect_core.planning.level import Approaches
from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.room import Room
from spinect_core.planning.search.angle_map import OBLIQUE_DEGREES, TILT_DEGREES
from spinect_core.planning.search.search import search
from spinect_core.planning.search.weights import Limits
from spinect_core.planning.zones.window import Sight
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.workers import Workers
from spinect_core.research.phantom_study.run import parse_seeds
from spinect_core.surfaces.build import build_surfaces

ENOUGH = 0.99
"""Part of the largest area that the search has to find."""


@dataclass(frozen=True)
class Checked:
    """One zone, searched and looked at from every whole degree.

    Attributes:
        case: name of the case.
        zone: name of the zone.
        view: in words, of the search's best view; empty where none is open to the needle.
        area_mm2: there; 0 where none is open.
        exhaustive_view: the same from the exhaustive evaluation.
        exhaustive_mm2: largest area of its views that are open to the needle.
        part: area over exhaustive area; 1 where both found nothing.
        search_s: seconds of the search at 2°.
        exhaustive_s: seconds of the exhaustive evaluation.
    """

    case: str
    zone: str
    view: str
    area_mm2: float
    exhaustive_view: str
    exhaustive_mm2: float
    part: float
    search_s: float
    exhaustive_s: float

    @property
    def passed(self) -> bool:
        """Whether the search has found enough."""
        return self.part >= ENOUGH


def exhaustive(
    sight: Sight, *, step: float = 1.0, limits: Limits | None = None, cancel: Cancel | None = None
) -> tuple[View | None, float]:
    """The view of the largest window that a needle fits through, of all views of a grid, and its area in mm².

    Every view is looked at with :meth:`spinect_core.planning.zones.window.Sight.window`; at 1° that is 4941 views.

    Args:
        sight: the zone among its obstacles.
        step: degrees between views.
        limits: only the needle's radius counts here.
        cancel: asked before every view.
    """
    thin = (limits or Limits()).needle_radius_mm
    best: tuple[View | None, float] = (None, 0.0)
    for turn in np.arange(OBLIQUE_DEGREES[0], OBLIQUE_DEGREES[1] + step / 2, step):
        for lean in np.arange(TILT_DEGREES[0], TILT_DEGREES[1] + step / 2, step):
            check(cancel)
            view = View.oblique(sight.zone.side, float(turn), float(lean))
            window = sight.window(view)
            if window.radius_mm >= thin and window.area_mm2 > best[1]:
                best = view, window.area_mm2
    return best


def check_zone(
    case: str,
    sight: Sight,
    *,
    step: float = 1.0,
    clearance: Clearance | None = None,
    cancel: Cancel | None = None,
) -> Checked:
    """Search a zone without regard to the skin, and compare with the exhaustive evaluation.

    Args:
        case: name for the table.
        sight: the zone among its obstacles.
        step: degrees of the exhaustive evaluation.
        clearance: of the same obstacles.
        cancel: asked often.
    """
    start = time.perf_counter()
    found = search(sight, None, clearance=clearance, cancel=cancel)
    middle = time.perf_counter()
    view, area = exhaustive(sight, step=step, cancel=cancel)
    stop = time.perf_counter()
    own = found.best.window.area_mm2 if found.best is not None else 0.0
    return Checked(
        case,
        sight.zone.name,
        found.best.view.format(2) if found.best is not None else "",
        own,
        view.format() if view is not None else "",
        area,
        own / area if area > 0 else 1.0,
        middle - start,
        stop - middle,
    )


def check_seed(seed: int, spacing: float) -> list[Checked]:
    """All zones of the normal phantom of a seed, drawn with cubic voxels of ``spacing`` mm."""
    labels = draw_case(seed, (spacing,) * 3, pathologies=()).labels
    work = Approaches(Room(labels, build_surfaces(labels)), find_landmarks(labels))
    return [
        check_zone(f"phantom {seed}", Sight(zone, work.room.obstacles), clearance=work.room.field)
        for zone in work.zones()[0]
    ]


def table(checked: Sequence[Checked]) -> str:
    """CSV, a line a zone."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*(field.name for field in fields(Checked)), "passed"])
    for one in checked:
        row = [f"{value:.4f}" if isinstance(value, float) else value for value in asdict(one).values()]
        writer.writerow([*row, int(one.passed)])
    return stream.getvalue()


def summary(checked: Sequence[Checked]) -> str:
    """How many zones passed and the smallest part found, in a sentence."""
    if not checked:
        return "No zone was checked."
    worst = min(checked, key=lambda one: one.part)
    return (
        f"{sum(one.passed for one in checked)} of {len(checked)} zones passed; the least found was {worst.part:.2%} of "
        f"the exhaustive area ({worst.case}, {worst.zone})."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the zones of many phantoms; 0 if every one has passed."""
    parser = argparse.ArgumentParser(description="Compare the search's best view with every whole degree.")
    parser.add_argument("--seeds", required=True, help="such as 1-10 or 3,7")
    parser.add_argument("--out", required=True, type=Path, help="folder for search_check.csv")
    parser.add_argument("--spacing", type=float, default=1.0, help="mm of the voxels (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    options = parser.parse_args(arguments)
    checked: list[Checked] = []
    try:
        seeds = parse_seeds(options.seeds)
        with Workers(partial(check_seed, spacing=options.spacing), min(options.jobs, len(seeds))) as workers:
            for found in workers.run(seeds, cancel=None):
                checked += found
                write_whole(options.out / "search_check.csv", table(checked).encode())
                print(summary(checked), flush=True)
    except SpinectError as error:
        parser.exit(error.exit_code, f"{error}\n")
    return 0 if all(one.passed for one in checked) else 1


if __name__ == "__main__":
    raise SystemExit(main())
