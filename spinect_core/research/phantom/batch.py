"""Cases drawn to disk, many at a time, each folder whole or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spinect_core.base.errors import OutputError
from spinect_core.base.files import make_folder, write_whole
from spinect_core.base.plain import plain
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.base.scratch import part_name, sweep_once
from spinect_core.image.volume import Labels, Volume
from spinect_core.io.writing import write_dicom_series, write_labels, write_volume
from spinect_core.research.phantom.order import Order
from spinect_core.research.phantom.tilt import write_tilted_series
from spinect_core.research.phantom.workers import Workers, jobs_for

CT, LABELS, STRUCTURES, DICOM, TRUTH = (
    "ct.nii.gz",
    "labels.nii.gz",
    "structures.nii.gz",
    "dicom",
    "truth.json",
)


@dataclass(frozen=True)
class Writing:
    """A case and where it goes.

    Attributes:
        order: the case.
        number: which of the cases it is, from 0.
        part: new folder for its files.
        dicom: write the CT as a DICOM series as well.
        tilt_deg: lean of the gantry; such a CT is written as DICOM alone, and the labels lie on an upright grid.
    """

    order: Order
    number: int
    part: Path
    dicom: bool
    tilt_deg: float


def draw_and_write(writing: Writing) -> tuple[int, list[str]]:
    """Draw a case and write its files; its number and their names, the truth last."""
    part = writing.part
    if writing.tilt_deg:
        phantom, tilted = writing.order.draw_tilted(writing.tilt_deg)
        write_tilted_series(tilted, part / DICOM, f"{phantom.volume.name} tilted")
        names = [LABELS, STRUCTURES, DICOM]
    else:
        phantom = writing.order.draw()
        scan = phantom.truth["scan"]
        facts = {"kernel": scan["kernel"], "slice_mm": scan["slice_mm"] or phantom.volume.geometry.spacing[2]}
        volume: Volume = replace(phantom.volume, details=phantom.volume.details | facts)
        write_volume(volume, part / CT)
        names = [CT, LABELS, STRUCTURES]
        if writing.dicom:
            write_dicom_series(volume, part / DICOM)
            names.append(DICOM)
    write_labels(phantom.labels, part / LABELS)
    write_labels(Labels(phantom.structures, phantom.labels.geometry), part / STRUCTURES)
    truth = json.dumps(plain(phantom.truth), indent=2, ensure_ascii=False)
    write_whole(part / TRUTH, (truth + "\n").encode("utf-8"))
    return writing.number, [*names, TRUTH]


def _move(part: Path, folder: Path, names: Sequence[str]) -> list[Path]:
    """Put the finished files in place of those of an older case, the truth last."""
    try:
        make_folder(folder)
        # Without its truth a folder counts as no case.
        (folder / TRUTH).unlink(missing_ok=True)
        for name in (CT, LABELS, STRUCTURES):
            (folder / name).unlink(missing_ok=True)
        if (folder / DICOM).is_dir():
            shutil.rmtree(folder / DICOM)
        for name in names:
            (part / name).replace(folder / name)
        shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"The case cannot be written ({error.strerror or error})",
            "Choose another folder, and check that there is space and that you may write there",
            folder,
        ) from error
    return [folder / name for name in names]


def write_cases(
    orders: Sequence[Order],
    out: Path,
    *,
    dicom: bool = False,
    tilt_deg: float = 0.0,
    jobs: int | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[Path]:
    """Draw cases in processes of their own and write them.

    Args:
        orders: the cases. One goes into ``out`` itself, several into ``out/seed-N``.
        out: a folder, made if need be.
        dicom: write DICOM series as well.
        tilt_deg: lean of the gantry; see :class:`Writing`.
        jobs: processes at once; as many as processors and memory allow if None.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at ten times a second; the processes are killed and what they had begun is removed.

    Returns:
        The files, case by case.

    Raises:
        Cancelled: if the user stopped it; finished cases stay.
        UsageError: an order makes no sense.
        OutputError: a process died, or the disk refused.
    """
    for order in orders:
        order.check()
    sweep_once(out)
    folders = [out / f"seed-{order.seed}" for order in orders] if len(orders) > 1 else [out]
    tasks = [
        Writing(order, number, out / part_name(), dicom, tilt_deg) for number, order in enumerate(orders)
    ]
    count = jobs_for(len(tasks), max(order.bytes_needed() for order in orders), jobs)
    noun = "case" if len(orders) == 1 else "cases"
    progress(0.0, f"drawing {len(tasks)} {noun} in {count} process{'es' if count > 1 else ''}")
    files: dict[int, list[Path]] = {}
    existed = out.exists()
    workers: Workers[Writing, tuple[int, list[str]]] = Workers(draw_and_write, count)
    try:
        with workers:
            for number, names in workers.run(tasks, cancel=cancel, ordered=False):
                # Here and not in the process that drew it: that one may be killed at any moment.
                files[number] = _move(tasks[number].part, folders[number], names)
                progress(len(files) / len(tasks), f"{len(files)} of {len(tasks)} {noun}")
    finally:
        for task in tasks:
            shutil.rmtree(task.part, ignore_errors=True)
        if not existed and out.is_dir() and not any(out.iterdir()):
            out.rmdir()
    return [path for number in range(len(tasks)) for path in files[number]]
