"""Phantoms as training cases: drawn by seed in processes of their own, kept in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.image.region import Region
from spinect_core.image.volume import Volume
from spinect_core.preprocessing.prepare import prepare
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.workers import Workers
from spinect_core.research.training.cases import Case, CaseFiles, save_case


def phantom_case(seed: int, family: str = "procedural", spacing: float = 1.0) -> Case:
    """The phantom of a seed, the whole of it, prepared by the function that prepares a CT for planning."""
    phantom = draw_case(seed, (spacing, spacing, spacing), family=family)
    prepared = prepare(phantom.volume, whole_region(phantom.volume))
    hu = prepared.sample(phantom.volume.array)
    return Case(hu, prepared.sample(phantom.labels.array), f"phantom_{family}_{seed}")


def whole_region(volume: Volume) -> Region:
    """All that a CT shows."""
    corners = volume.geometry.corners()
    return Region(tuple(corners.min(axis=0)), tuple(corners.max(axis=0)), note="the whole CT")


def drawn_cases(
    seeds: Sequence[int],
    cache: Path,
    *,
    family: str = "procedural",
    spacing: float = 1.0,
    workers: int = 1,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CaseFiles:
    """Phantoms of the seeds; those that lie in the cache are not drawn again.

    Args:
        seeds: one case each.
        cache: folder for the cases.
        family: of the bones.
        spacing: mm of the CT that is drawn; 1 unless haste matters more than the picture.
        workers: processes that draw.
        progress: called for each case.
        cancel: asked ten times a second.

    Raises:
        WorkerError: a drawing process ended by itself, as for want of memory.
        OutputError: the disk is full or refuses.
        Cancelled: the user stopped it; what was drawn stays in the cache.
    """
    kind = family if spacing == 1.0 else f"{family}_{spacing:g}mm"
    paths = [cache / f"phantom_{kind}_{seed}.npz" for seed in seeds]
    missing = [
        _Task(seed, family, spacing, p) for seed, p in zip(seeds, paths, strict=True) if not p.exists()
    ]
    if missing:
        with Workers(_draw, min(workers, len(missing))) as drawing:
            for count, _ in enumerate(drawing.run(missing, cancel=cancel, ordered=False), start=1):
                progress(count / len(missing), f"drawn {count} of {len(missing)} phantoms")
    return CaseFiles(paths)


@dataclass(frozen=True)
class _Task:
    seed: int
    family: str
    spacing: float
    path: Path


def _draw(task: _Task) -> None:
    save_case(phantom_case(task.seed, task.family, task.spacing), task.path)
