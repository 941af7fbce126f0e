"""``spinect phantom``: a synthetic CT of which everything is known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spinect_core.cli.parser import Commands, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.errors import UsageError
from spinect_core.progress import Cancel, check

DESCRIPTION = """\
Draws a lumbosacral phantom (L4 to S2, nerves, fat, muscle, skin) and its CT, blurred and noisy as a scanner's. The same
seed gives the same CT everywhere. Writes:

  ct.nii.gz          the CT in HU
  labels.nii.gz      0 background, 1 bone, 2 nerve
  structures.nii.gz  every structure by number; truth.json names them
  truth.json         landmarks, courses of the nerves, measures, in LPS mm
  dicom/             with --dicom: the same CT as a DICOM series"""

EXAMPLES = """\
  spinect phantom --seed 7 --out phantom7
  spinect phantom --seed 7 --out phantom7 --dicom --spacing 0.7 0.7 1.5
  spinect phantom --seed 7 --out phantom7 --kernel bone --noise 40"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "phantom", "draw a synthetic CT with known truth", DESCRIPTION, EXAMPLES)
    parser.add_argument("--seed", type=int, required=True, metavar="N", help="whole number from 0")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder for the files")
    parser.add_argument("--dicom", action="store_true", help="write a DICOM series as well")
    parser.add_argument(
        "--spacing",
        nargs="+",
        type=float,
        default=[1.0],
        metavar="MM",
        help="mm between voxels: one number, or x y z (default: 1)",
    )
    parser.add_argument(
        "--kernel", choices=("soft", "standard", "bone"), help="of the scanner (default: drawn)"
    )
    parser.add_argument(
        "--noise", type=float, metavar="HU", help="its noise, as a standard deviation (default: drawn)"
    )
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Draw, write, and print the paths."""
    if options.seed < 0:
        raise UsageError(f"The seed {options.seed} is negative", "Give a whole number from 0", "--seed")
    if len(options.spacing) not in (1, 3):
        raise UsageError(f"{len(options.spacing)} numbers are no spacing", "Give one, or x y z", "--spacing")
    x, y, z = options.spacing * (3 if len(options.spacing) == 1 else 1)
    if not all(0.25 <= step <= 10 for step in (x, y, z)):
        raise UsageError(f"A spacing of {x} x {y} x {z} mm is not drawn", "Give 0.25 to 10 mm", "--spacing")
    out: Path = options.out
    written: list[Path] = []
    with reporting("phantom", quiet=options.quiet) as progress:
        progress(0.0, "drawing")
        from spinect_core.files import write_whole
        from spinect_core.phantom import draw_case, scan_setting
        from spinect_core.plan import plain
        from spinect_core.volume import Labels
        from spinect_core.writing import write_dicom_series, write_labels, write_volume

        setting = None
        if options.kernel is not None or options.noise is not None:
            noise = 18.0 if options.noise is None else options.noise
            setting = scan_setting(options.kernel or "standard", noise_hu=noise)
        case = draw_case(options.seed, (x, y, z), setting=setting)
        check(cancel)
        progress(0.8, "writing")
        written.append(write_volume(case.volume, out / "ct.nii.gz"))
        written.append(write_labels(case.labels, out / "labels.nii.gz"))
        structures = Labels(case.structures, case.labels.geometry)
        written.append(write_labels(structures, out / "structures.nii.gz"))
        check(cancel)
        if options.dicom:
            progress(0.9, "writing the DICOM series")
            write_dicom_series(case.volume, out / "dicom")
            written.append(out / "dicom")
        # The truth comes last: where it is, the others are complete.
        truth = json.dumps(plain(case.truth), indent=2, ensure_ascii=False)
        write_whole(out / "truth.json", (truth + "\n").encode("utf-8"))
        written.append(out / "truth.json")
        progress(1.0, "written")
    print("\n".join(str(path) for path in written))
    return 0
