"""``spinect segment``: labels of bone and nerve alone."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from spinect_core.base.progress import Cancel, part_of
from spinect_core.cli.parser import (
    LABEL_SUFFIXES,
    Commands,
    a_path,
    add_command,
    add_ct_options,
    add_quiet,
    add_segmentation_options,
    check_labels_path,
    read_options,
    region_of,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json, say_warnings

DESCRIPTION = """\
Labels bone and nerve in the lumbosacral region of a CT and writes the labels (0 background, 1 bone, 2 nerve) on the
CT's own grid; under a name that ends in .seg.nrrd as a segmentation of 3D Slicer. Prints what ran, as JSON. What
reading noticed about the CT is printed too and kept beside the labels, in FILE.warnings.json; `spinect measure` and
`spinect evaluate` say it again."""

EXAMPLES = """\
  spinect segment ct.nii.gz --out labels.nii.gz
  spinect segment dicom/ --out labels.nrrd --engine tensorflow --device gpu"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "segment", "label bone and nerve in a CT", DESCRIPTION, EXAMPLES)
    add_ct_options(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=a_path, required=True, help=f"the labels: {', '.join(LABEL_SUFFIXES)}"
    )
    add_segmentation_options(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Segment and print what ran."""
    out: Path = options.out
    # Before the minutes of work, not after them.
    check_labels_path(out, options.ct, "Labels")
    region = region_of(options)
    with reporting("segment", quiet=options.quiet) as progress:
        from spinect_core.base.plain import plain
        from spinect_core.io.reading import read_ct
        from spinect_core.io.writing import write_labels
        from spinect_core.plan.label_warnings import keep_warnings
        from spinect_core.segmentation import segment

        volume = read_ct(
            options.ct,
            series=options.series,
            options=read_options(options),
            progress=part_of(progress, 0, 0.1),
            cancel=cancel,
        )
        segmentation = segment(
            volume,
            region=region,
            engine=options.engine,
            device=options.device,
            mode=options.mode,
            weights=options.weights,
            progress=part_of(progress, 0.1, 0.98),
            cancel=cancel,
        )
        # A warning that has lost its labels does no harm; labels that have lost their warning would.
        beside = keep_warnings(volume.warnings, out)
        write_labels(segmentation.labels, out)
        progress(1.0, "labels written")
    used = segmentation.region
    facts = {
        "labels": str(out),
        "warnings": [dataclasses.asdict(each) for each in volume.warnings],
        "warnings_file": None if beside is None else str(beside),
        "region": {"minimum_lps_mm": used.minimum, "maximum_lps_mm": used.maximum, "found": used.found},
        **dataclasses.asdict(segmentation.run),
    }
    say_warnings(volume.warnings)
    print_json(plain(facts))
    return 0
