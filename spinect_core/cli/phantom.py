"""``spinect phantom``: synthetic CTs of which everything is known."""

from __future__ import annotations

import argparse
import re

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting

DESCRIPTION = """\
Draws lumbosacral phantoms (L4 to S2, nerves, fat, muscle, skin) and their CTs as a scanner would show them. The same
seed gives the same CT everywhere. Anatomy, findings, position and scanner are drawn from the seed; what you name is
taken as you say, and everything else stays as it was drawn. Writes:

  ct.nii.gz          the CT in HU
  labels.nii.gz      0 background, 1 bone, 2 nerve
  structures.nii.gz  every structure by number; truth.json names them
  truth.json         landmarks, courses of the nerves, measures, the scanner, in LPS mm
  dicom/             with --dicom: the same CT as a DICOM series

One seed goes into DIR itself, several into DIR/seed-N, drawn side by side. A case appears when all of it is written;
Ctrl-C ends the drawing at once and keeps the finished cases."""

EXAMPLES = """\
  spinect phantom --list                                  families and findings that can be asked for
  spinect phantom --seed 7 --out phantom7
  spinect phantom --seed 1-20 --out cases --jobs 2        twenty cases in cases/seed-1 to cases/seed-20
  spinect phantom --seed 7 --out p --pathology disc-bulge
  spinect phantom --seed 7 --out p --pathology none       the same person, healthy
  spinect phantom --seed 7 --out p --dicom --spacing 0.7 0.7 1.5 --slice-thickness 2
  spinect phantom --seed 7 --out p --bones my_bones       on bones from outside
  spinect phantom --seed 7 --out p --kernel bone --noise 40
  spinect phantom --seed 7 --out p --dicom --tilt 18      slices parallel to the sacral end plate"""

MOST_SEEDS = 100_000


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "phantom", "draw synthetic CTs with known truth", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "--seed",
        nargs="+",
        metavar="N",
        help="whole numbers from 0, or ranges such as 1-20: one case for each",
    )
    parser.add_argument("--out", metavar="DIR", type=a_path, help="folder for the files")
    parser.add_argument("--list", action="store_true", help="list families and pathologies, and exit")
    what = parser.add_argument_group("what is drawn")
    what.add_argument(
        "--family",
        metavar="NAME",
        default="procedural",
        help="procedural (default), or varied: roots on bone and disc among vessels of their calibre, bent skeletons, "
        "fused reformats; may stand with --bones",
    )
    what.add_argument(
        "--bones",
        metavar="PATH",
        type=a_path,
        help="draw on these bones: a folder of surfaces named by bone (L3, L4, L5, sacrum, hip left, hip right), or a "
        "label map (see docs/phantom.md)",
    )
    what.add_argument(
        "--pathology",
        nargs="+",
        metavar="NAME",
        help="these pathologies and no others; none for a healthy spine (default: drawn from the seed)",
    )
    scanner = parser.add_argument_group("the scanner (what is not given is drawn from the seed)")
    scanner.add_argument(
        "--spacing",
        nargs="+",
        default=["1"],
        metavar="MM",
        help="mm between voxels: one number, or x y z (default: 1), or 'drawn', with the field of view",
    )
    scanner.add_argument(
        "--box",
        nargs=6,
        type=float,
        metavar=("X0", "X1", "Y0", "Y1", "Z0", "Z1"),
        help="what the CT shows, LPS mm from about the middle of the upper end plate of S1 (default: L4 to S2)",
    )
    scanner.add_argument(
        "--kernel", choices=("soft", "standard", "bone"), help="from smooth and calm to sharp and grainy"
    )
    scanner.add_argument(
        "--noise", type=float, metavar="HU", help="standard deviation of the noise, 0 to 200"
    )
    scanner.add_argument(
        "--slice-thickness", type=float, metavar="MM", help="thickness, which may differ from the spacing"
    )
    scanner.add_argument(
        "--tilt",
        type=float,
        default=0.0,
        metavar="DEG",
        help="gantry tilt in degrees, -30 to 30, positive with its front to the feet; needs --dicom, and no "
        "ct.nii.gz is written, for no upright grid holds such slices",
    )
    parser.add_argument("--dicom", action="store_true", help="write DICOM series as well")
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="cases drawn at once (default: what processors and memory allow)",
    )
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Draw, write, and print the paths."""
    if options.list:
        print("\n".join(catalogue()))
        return 0
    if not options.seed or options.out is None:
        raise UsageError("--seed and --out are needed", "See `spinect phantom --help`")
    seeds, spacing = seeds_of(options.seed), spacing_of(options.spacing)
    if options.tilt and not options.dicom:
        raise UsageError("A tilted CT is written as DICOM alone", "Add --dicom", "--tilt")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError(f"{options.jobs} processes draw nothing", "Give 1 or more", "--jobs")
    with reporting("phantom", quiet=options.quiet) as progress:
        progress(0.0, "starting")
        from spinect_core.research.phantom.batch import write_cases
        from spinect_core.research.phantom.build import LUMBOSACRAL
        from spinect_core.research.phantom.order import Order
        from spinect_core.research.phantom.tilt import check_tilt

        check_tilt(options.tilt)
        named = None if options.pathology is None else pathologies_of(options.pathology)
        box = tuple(zip(*[iter(options.box)] * 2, strict=True)) if options.box else LUMBOSACRAL
        orders = [
            Order(
                seed,
                spacing,
                box=box,
                family=options.family,
                kernel=options.kernel,
                noise_hu=options.noise,
                slice_mm=options.slice_thickness,
                pathologies=named,
                bones=options.bones,
            )
            for seed in seeds
        ]
        files = write_cases(
            orders,
            options.out,
            dicom=options.dicom,
            tilt_deg=options.tilt,
            jobs=options.jobs,
            progress=progress,
            cancel=cancel,
        )
    print("\n".join(str(path) for path in files))
    return 0


def catalogue() -> list[str]:
    """Families and findings, a line each."""
    from spinect_core.research.phantom import FAMILIES
    from spinect_core.research.phantom.pathology import PATHOLOGIES

    width = max(len(name) for name in PATHOLOGIES)
    return [
        "families (--family):",
        *(f"  {name}" for name in FAMILIES),
        "findings (--pathology):",
        f"  {'none':{width}}  a healthy spine",
        *(f"  {name:{width}}  {entry.summary}" for name, entry in PATHOLOGIES.items()),
    ]


def seeds_of(words: list[str]) -> list[int]:
    """The seeds of words such as ``7`` and ``1-20``, each once, in the order given.

    Raises:
        UsageError: a word is no seed and no range.
    """
    seeds: dict[int, None] = {}
    for word in words:
        match = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MOST_SEEDS:
            raise UsageError(
                f"{word!r} is no seed", f"Give whole numbers from 0, or ranges up to {MOST_SEEDS}", "--seed"
            )
        seeds.update(dict.fromkeys(range(first, last + 1)))
    return list(seeds)


def spacing_of(words: list[str]) -> tuple[float, float, float] | None:
    """Spacing (x, y, z) in mm, or None if it is to be drawn.

    Raises:
        UsageError: the words are no spacing.
    """
    if words == ["drawn"]:
        return None
    try:
        steps = [float(word) for word in words]
    except ValueError:
        raise UsageError(f"{' '.join(words)!r} is no spacing", "Give mm, or 'drawn'", "--spacing") from None
    if len(steps) not in (1, 3):
        raise UsageError(f"{len(steps)} numbers are no spacing", "Give one, or x y z", "--spacing")
    x, y, z = steps * (3 if len(steps) == 1 else 1)
    return x, y, z


def pathologies_of(words: list[str]) -> tuple[str, ...]:
    """The findings asked for; no words if ``none`` was.

    Raises:
        UsageError: ``none`` stands beside others.
    """
    if words == ["none"]:
        return ()
    if "none" in words:
        raise UsageError(
            "No findings and some findings contradict each other", "Leave out none", "--pathology"
        )
    return tuple(words)
