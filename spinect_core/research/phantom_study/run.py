"""Draws phantoms seed by seed in processes of their own, measures them and looks for impossible anatomy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from spinect_core.base.errors import SpinectError, UsageError
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.research.phantom import IDEAL, Phantom, draw_case
from spinect_core.research.phantom.workers import Workers
from spinect_core.research.phantom_study.cases import Violation
from spinect_core.research.phantom_study.impossible import AIR_HU, find_violations
from spinect_core.research.phantom_study.morphometry import measure

STUDY_BOX = ((-140.0, 140.0), (-72.0, 118.0), (-88.0, 92.0))
"""Shows what is measured: both crests and the skin of the back."""


@dataclass(frozen=True)
class Finding:
    """What was found on one seed.

    Attributes:
        seed: the seed.
        measures: values by name; empty where only impossible anatomy was looked for.
        faults: why measures are missing.
        violations: impossible anatomy.
    """

    seed: int
    measures: dict[str, float]
    faults: tuple[str, ...]
    violations: tuple[Violation, ...]


def parse_seeds(text: str) -> list[int]:
    """Seeds from words such as ``1-100`` or ``3,7,20-29``.

    Raises:
        UsageError: the words mean no seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"{part!r} names no seeds", "Write 1-100 or 3,7,20-29", parameter="seeds")
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    return list(dict.fromkeys(seeds))


def normal_case(seed: int, spacing: float) -> Phantom:
    """A specimen without disease, shown from crest to crest and back to the skin."""
    return draw_case(seed, (spacing,) * 3, box=STUDY_BOX, pathologies=())


def study_seed(seed: int, spacing: float, check_only: bool) -> Finding:
    """One seed: a normal case measured and checked; or, ``check_only``, the case as the seed draws it, checked.

    What is only checked is not scanned: streaks of metal would look like gas.
    """
    try:
        case = draw_case(seed, (spacing,) * 3, setting=IDEAL) if check_only else normal_case(seed, spacing)
    except SpinectError as error:
        return Finding(seed, {}, (), (Violation("not drawn", "", 0, str(error)),))
    violations = tuple(find_violations(case))
    if check_only:
        return Finding(seed, {}, (), violations)
    values, faults = measure(
        case.structures, case.labels.geometry, case.truth["structures"], case.volume.array > AIR_HU
    )
    return Finding(seed, values, tuple(faults), violations)


def study(
    seeds: Sequence[int],
    spacing: float,
    *,
    check_only: bool = False,
    jobs: int = 1,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[Finding]:
    """Study many seeds in parallel processes.

    Args:
        seeds: the seeds.
        spacing: mm of the cubic voxels.
        check_only: look for impossible anatomy only.
        jobs: processes.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: ends the processes within a second.

    Returns:
        The findings in the order of the seeds.

    Raises:
        Cancelled: the user asked to stop.
        WorkerError: a process ended by itself, as for want of memory.
    """
    found: list[Finding] = []
    work = partial(study_seed, spacing=spacing, check_only=check_only)
    progress(0.0, f"0 of {len(seeds)} seeds")
    with Workers(work, max(min(jobs, len(seeds)), 1)) as workers:
        for finding in workers.run(seeds, cancel=cancel, ordered=False):
            found.append(finding)
            progress(len(found) / len(seeds), f"{len(found)} of {len(seeds)} seeds")
    return sorted(found, key=lambda finding: seeds.index(finding.seed))


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """Number of seeds on which each kind of violation was found."""
    kinds: dict[str, int] = {}
    for finding in findings:
        for name in sorted({violation.name for violation in finding.violations}):
            kinds[name] = kinds.get(name, 0) + 1
    return kinds


def columns(findings: Sequence[Finding]) -> list[str]:
    """Names of all measures, in the order in which they were first found."""
    names = [name for finding in findings for name in finding.measures]
    return [
        name
        for name in dict.fromkeys(names)
        if np.isfinite([f.measures.get(name, np.nan) for f in findings]).any()
    ]
