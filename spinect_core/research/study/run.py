"""The study as one job: examine every case, sum up, draw, write the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spinect_core.base.errors import Cancelled, OutputError, ReadingError, SpinectError, UsageError
from spinect_core.base.opengl import probe_opengl
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.research.study.area_tables import table_of_observers, tables_of_areas
from spinect_core.research.study.cases import StudyCase
from spinect_core.research.study.charts import bland_altman, dice_curves
from spinect_core.research.study.examine import Examined, Settings, examine
from spinect_core.research.study.measurements import Measurement, read_measurements
from spinect_core.research.study.overlap_tables import tables_of_agreement
from spinect_core.research.study.renderings import four_renderings
from spinect_core.research.study.report import REPORT_FILE, Figure, write_report
from spinect_core.research.study.slices import choose_slices, slice_figure
from spinect_core.research.study.tables import Origin, Table

CASES_SHARE = 0.9
"""Part of the progress that goes to the cases; the rest to figures and report."""


@dataclass(frozen=True)
class StudyResult:
    """What a study came to.

    Attributes:
        report: the page.
        files: everything that was written, without the folders of the cases.
        examined: the cases in it.
        faults: what is wrong with the others, by their names.
        tables: as in the report.
    """

    report: Path
    files: tuple[Path, ...]
    examined: tuple[Examined, ...]
    faults: dict[str, SpinectError]
    tables: tuple[Table, ...]


def run_study(
    cases: Sequence[StudyCase],
    out: Path,
    settings: Settings | None = None,
    *,
    measurements: Sequence[Path] = (),
    pictures: int = 6,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> StudyResult:
    """Examine cases and write ``study.html``, CSV files and figures.

    A case that cannot be read, segmented or compared is left out and named in the report. What a case has finished is
    kept in ``out/cases`` and used again as long as its files and the settings are the same.

    Args:
        cases: at least one.
        out: folder for everything; made if need be.
        settings: how to segment and what to add.
        measurements: CSV files and folders of observers, besides those that belong to cases.
        pictures: random slices in the figure.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it; finished parts stay.

    Raises:
        UsageError: there is no case, or a value makes no sense.
        SpinectError: not one case could be examined; or a file of measurements is wrong; or nothing can be written.
        Cancelled: the user stopped it.
    """
    settings = _checked(cases, settings or Settings(), pictures)
    if out.exists() and not out.is_dir():
        raise OutputError("This is a file, not a folder", "Choose another name for the results", out)
    for path in _measurement_paths(cases, measurements):
        read_measurements(path, {})  # a slip in them is reported before the hours of work, not after
    examined, faults = _examine_all(cases, out, settings, part_of(progress, 0.0, CASES_SHARE), cancel)
    if not examined:
        raise next(iter(faults.values()))
    origin = Origin.of(examined, settings.seed)
    observed = _observed(examined, measurements)
    tables = [*tables_of_agreement(examined), *tables_of_areas(examined), table_of_observers(observed)]
    figures = _figures(examined, settings, pictures, part_of(progress, CASES_SHARE, 0.99), cancel)
    check(cancel)
    written = write_report(out, tables, figures, origin, [f"{n}: {e}" for n, e in faults.items()])
    progress(1.0, "report written")
    return StudyResult(out / REPORT_FILE, tuple(written), tuple(examined), faults, tuple(tables))


def _checked(cases: Sequence[StudyCase], settings: Settings, pictures: int) -> Settings:
    if not cases:
        raise UsageError("There is no case to study", "Name at least one")
    for name, values in (("noise", settings.noise), ("slices", settings.slices)):
        wrong = [value for value in values if not np.isfinite(value) or value < 0]
        if wrong or (name == "slices" and 0 in values):
            raise UsageError(
                f"The value is {wrong[0] if wrong else 0:g}",
                "Give numbers above 0" if name == "slices" else "Give finite numbers from 0",
                parameter=name,
            )
    for name, number in (("pictures", pictures), ("seed", settings.seed)):
        if number < 0:
            raise UsageError(f"The value is {number}", "Give 0 or more", parameter=name)
    if settings.weights_sha256 or all(case.prediction is not None for case in cases):
        return settings
    from spinect_core.segmentation.weights import weights_hash, weights_path

    return replace(settings, weights_sha256=weights_hash(settings.weights or weights_path()))


def _examine_all(
    cases: Sequence[StudyCase], out: Path, settings: Settings, progress: Progress, cancel: Cancel | None
) -> tuple[list[Examined], dict[str, SpinectError]]:
    examined: list[Examined] = []
    faults: dict[str, SpinectError] = {}
    for number, case in enumerate(cases):
        check(cancel)
        part = part_of(progress, number / len(cases), (number + 1) / len(cases))
        try:
            examined.append(examine(case, out, settings, progress=part, cancel=cancel))
        except (Cancelled, OutputError):
            raise  # a disk that takes nothing would only fail again
        except SpinectError as error:
            check(cancel)
            faults[case.name] = error
    return examined, faults


def _measurement_paths(cases: Sequence[StudyCase], more: Sequence[Path]) -> list[Path]:
    return [case.measurements for case in cases if case.measurements is not None] + list(more)


def _observed(examined: Sequence[Examined], more: Sequence[Path]) -> list[Measurement]:
    case_of = {one.volume_sha256: one.case.name for one in examined}
    paths = _measurement_paths([one.case for one in examined], more)
    found: dict[tuple[str, ...], Measurement] = {}
    for path in paths:
        for measurement in read_measurements(path, case_of):
            if measurement.what in found:
                raise ReadingError(
                    f"{', '.join(measurement.what)} is measured in another file too",
                    "Keep one, or name another session",
                    path,
                )
            found[measurement.what] = measurement
    return list(found.values())


def _figures(
    examined: Sequence[Examined], settings: Settings, pictures: int, progress: Progress, cancel: Cancel | None
) -> list[Figure]:
    progress(0.0, "figures")
    figures = [
        Figure(
            "bland-altman",
            "Areas: difference against mean",
            "Bland and Altman's plot of Table 4: predicted minus true area against the mean of both, with the mean "
            "difference and the limits of agreement (± 1.96 SD).",
            bland_altman(examined),
            "No area was measured on both label sets.",
        )
    ]
    if settings.noise or settings.slices:
        figures.append(
            Figure(
                "curves",
                "Dice against noise and slice thickness",
                "Thick lines: means; thin lines: each case.",
                dice_curves(examined),
                "Not computable: see the notes of the table.",
            )
        )
    choices = choose_slices(examined, pictures, settings.seed)
    figures.append(
        Figure(
            "slices",
            "Random slices",
            f"Slices with true nerve, drawn with seed {settings.seed}: CT, truth, prediction. Bone ivory, nerve "
            "yellow.",
            slice_figure(choices, cancel) if choices else None,
            "No slice was asked for, or none holds nerve in the truth.",
        )
    )
    check(cancel)
    return [*figures, _rendered(examined[0], part_of(progress, 0.4, 1.0), cancel)]


def _rendered(one: Examined, progress: Progress, cancel: Cancel | None) -> Figure:
    figure = Figure(
        "renderings",
        "Four renderings",
        f"Case {one.case.name}: true labels on the CT's own grid, the same at 1 mm as the network is shown them, the "
        "automatic labels at 1 mm, and their smoothed surfaces as the planner shows them.",
    )
    opengl = probe_opengl()
    if not opengl.works:
        return replace(figure, reason=f"This computer does not render ({opengl.fault}).")
    return replace(figure, picture=four_renderings(one, progress=progress, cancel=cancel))
