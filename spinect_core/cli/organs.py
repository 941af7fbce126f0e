"""``spinect organs``: bowel, kidneys, great vessels and muscles about the lower lumbar spine."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinect_core.base.progress import Cancel, part_of
from spinect_core.base.versions import NOTICE
from spinect_core.cli.parser import (
    LABEL_SUFFIXES,
    Commands,
    a_path,
    add_command,
    add_ct_options,
    add_engine_options,
    add_quiet,
    add_region,
    check_labels_path,
    read_options,
    region_of,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json, say_warnings

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs

DESCRIPTION = """\
Names bowel, kidneys, great vessels and the muscles of back, flank and buttock about the lower lumbar spine, on voxels
of 3 mm, and writes them on the CT's own grid. Beside them FILE.json holds the names of the numbers, and
FILE.warnings.json what there is to know of CT and organs. The network has learned from drawn phantoms alone and errs:
docs/model-card.md says by how much, and what it does not know. Bowel, kidneys and vessels are marked rather too widely
than too narrowly."""

EXAMPLES = """\
  spinect organs ct.nii.gz --out organs.nii.gz
  spinect organs dicom/ --out organs.nrrd --engine openvino"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "organs", "name the organs about the lower lumbar spine", DESCRIPTION, EXAMPLES
    )
    add_ct_options(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=a_path, required=True, help=f"the organs: {', '.join(LABEL_SUFFIXES)}"
    )
    add_engine_options(parser)
    add_region(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Name the organs and print what was found."""
    out: Path = options.out
    # Before the work, not after it.
    check_labels_path(out, options.ct, "Organs")
    region = region_of(options)
    with reporting("organs", quiet=options.quiet) as progress:
        from spinect_core.base.files import write_whole
        from spinect_core.image.organs import NUMBERS
        from spinect_core.io.reading import read_ct
        from spinect_core.io.writing import write_labels
        from spinect_core.plan.label_warnings import keep_warnings
        from spinect_core.segmentation.organs import find_organs, on_ct

        volume = read_ct(
            options.ct,
            series=options.series,
            options=read_options(options),
            progress=part_of(progress, 0, 0.2),
            cancel=cancel,
        )
        organs = find_organs(
            volume,
            region=region,
            engine=options.engine,
            device=options.device,
            weights=options.weights,
            progress=part_of(progress, 0.2, 0.95),
            cancel=cancel,
        )
        facts = table(organs)
        beside = names_path(out)
        write_whole(beside, text_of(facts).encode())
        warnings = (*volume.warnings, *organs.warnings)
        kept = keep_warnings(warnings, out)
        write_labels(
            on_ct(organs, volume.geometry), out, {NUMBERS[each]: str(each) for each in organs.looked_for}
        )
        progress(1.0, "organs written")
    say_warnings(warnings)
    told = [dataclasses.asdict(each) for each in warnings]
    files = {"organs": str(out), "names": str(beside), "warnings_file": None if kept is None else str(kept)}
    print_json({**files, "warnings": told, **facts})
    return 0


def names_path(out: Path) -> Path:
    """Where the names of the numbers in a file of organs are kept: beside it, its ending replaced by ``.json``."""
    lower = out.name.lower()
    ending = next(each for each in sorted(LABEL_SUFFIXES, key=len, reverse=True) if lower.endswith(each))
    return out.with_name(out.name[: len(out.name) - len(ending)] + ".json")


def table(organs: Organs) -> dict[str, Any]:
    """What the numbers mean, how much of each there is, and who says so."""
    import numpy as np

    from spinect_core.image.organs import NUMBERS

    counts = np.bincount(organs.array.ravel(), minlength=max(NUMBERS.values()) + 1)
    voxel_ml = float(np.prod(organs.geometry.spacing)) / 1000
    return {
        "notice": NOTICE,
        "found_by": organs.source,
        "weights_sha256": organs.checksum,
        "looked_for": [
            {
                "number": NUMBERS[organ],
                "name": str(organ),
                "volume_ml": round(int(counts[NUMBERS[organ]]) * voxel_ml, 1),
            }
            for organ in organs.looked_for
        ],
    }


def text_of(facts: dict[str, Any]) -> str:
    """The table as a file holds it."""
    import json

    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
