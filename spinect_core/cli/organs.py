"""``spinect organs``: bowel, kidneys, great vessels and muscles about the lower lumbar spine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinect_core.base.errors import OutputError, UsageError
from spinect_core.base.progress import Cancel, part_of
from spinect_core.base.versions import NOTICE
from spinect_core.base.words import DeviceName, EngineName, values
from spinect_core.cli.parser import (
    Commands,
    a_path,
    add_command,
    add_ct_options,
    add_quiet,
    add_region,
    read_options,
    region_of,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.segment import SUFFIXES
from spinect_core.cli.speaking import print_json, say_warnings

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs

DESCRIPTION = """\
Names bowel, kidneys, great vessels and the muscles of back, flank and buttock about the lower lumbar spine, on voxels
of 3 mm, and writes them on the CT's own grid, with the names of the numbers beside them in FILE.json. The network has
learned from drawn phantoms alone and errs: docs/model-card.md says by how much, and what it does not know. Bowel,
kidneys and vessels are marked rather too widely than too narrowly."""

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
        "--out", metavar="FILE", type=a_path, required=True, help=f"the organs: {', '.join(SUFFIXES)}"
    )
    parser.add_argument(
        "--engine",
        choices=values(EngineName),
        default=EngineName.AUTO.value,
        help="auto: TensorFlow on a GPU, OpenVINO on the CPU (default)",
    )
    parser.add_argument(
        "--device",
        choices=values(DeviceName),
        default=DeviceName.AUTO.value,
        help="auto: the GPU if there is one (default)",
    )
    parser.add_argument(
        "--weights", type=a_path, metavar="FILE", help="your own weights instead of the built-in ones"
    )
    add_region(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Name the organs and print what was found."""
    out: Path = options.out
    # Before the work, not after it.
    if not out.name.lower().endswith(SUFFIXES):
        raise UsageError("Organs are not written under such a name", f"Use one of {', '.join(SUFFIXES)}", out)
    if out.exists() and options.ct.exists() and out.samefile(options.ct):
        raise OutputError("The organs would replace the CT itself", "Choose another file", out)
    region = region_of(options)
    with reporting("organs", quiet=options.quiet) as progress:
        from spinect_core.base.files import write_whole
        from spinect_core.io.reading import read_ct
        from spinect_core.io.writing import write_labels
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
        write_labels(on_ct(organs, volume.geometry), out)
        progress(1.0, "organs written")
    say_warnings(volume.warnings)
    print_json({"organs": str(out), "names": str(beside), **facts})
    return 0


def names_path(out: Path) -> Path:
    """Where the names of the numbers in a file of organs are kept: beside it, its ending replaced by ``.json``."""
    lower = out.name.lower()
    ending = next(each for each in sorted(SUFFIXES, key=len, reverse=True) if lower.endswith(each))
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
