"""How the words of a command line are understood, and the help that teaches them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from spinect_core.base.errors import OutputError, UsageError
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import DeviceName, EngineName, Guidance, ModeName, Numbering, values

DESCRIPTION = f"""\
Plans transforaminal injections at L5/S1 from a CT: labels bone and nerve, measures the Kambin and safe triangles, plans
needle trajectories.
{NOTICE}"""

EPILOG = """\
examples:
  spinect plan scans/ct --out plans/case1             the whole job: labels, surfaces, triangles, pictures, plan.json
  spinect plan ct.nii.gz --out o --side left --mode fast
  spinect measure --labels o/labels.nii.gz --oblique 27 --tilt -12 --side left --triangle kambin
  spinect fluoroscopy scans/ct --plan plans/case1 --out drr.png   what a C-arm would show of a planned needle
  spinect find --id 4711                              whose CTs an archive (PACS) has, and their series
  spinect send plans/case1 --ct scans/ct              the plan's report, pictures and labels into the archive
  spinect export plans/case1 --ct scans/ct --out case1.mrb   a scene for 3D Slicer; .glb for other viewers
  spinect series scans/                               which CTs are in a folder or zip
  spinect phantom --seed 7 --out phantom7             a synthetic CT with known truth
  spinect segment phantom7/ct.nii.gz --out seg.nii.gz
  spinect evaluate --prediction seg.nii.gz --truth phantom7/labels.nii.gz
  spinect train --cases cases --out run               your own weights, from labelled CTs
  spinect study cases/ --out study                    the tables and figures of a whole study, as one page
  spinect info                                        versions and devices: send it with a question

Help for a command: spinect plan --help

exit codes: 0 done, 1 damaged installation, 2 wrong usage, 3 the CT cannot be read, 4 segmentation, 5 measurement,
            6 anatomy or plan, 7 a file cannot be written, 8 no picture can be rendered, 9 a process ended by itself,
            10 an archive, 70 a fault of the program, 130 stopped with Ctrl-C
"""

LABEL_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".seg.nrrd", ".mha")
"""Files that hold numbers on the grid of a CT."""

Commands = Any  # argparse names the type of its sub-commands privately


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error of the program."""

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` instead of printing the usage."""
        raise UsageError(message[:1].upper() + message[1:], f"See `{self.prog} --help`")

    def flag_of(self, parameter: str) -> str | None:
        """The option that sets a parameter, such as ``--validation-share``; None if this command has none for it."""
        return next(
            (
                action.option_strings[-1]
                for action in self._actions
                if action.dest == parameter and action.option_strings
            ),
            None,
        )


def a_path(text: str) -> Path:
    """A path as it was typed.

    Raises:
        ArgumentTypeError: it is empty, as that of a variable that is not set, or holds what no path can hold.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"the path {text!r} holds a null character")
    return Path(text)


def command_parser() -> tuple[Parser, Commands]:
    """The parser of ``spinect`` and the place its commands are added to."""
    parser = Parser(
        prog="spinect",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"SPINECT Planner {__version__}. {NOTICE}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    return parser, commands


def add_command(commands: Commands, name: str, help_text: str, description: str, examples: str) -> Parser:
    """A command with its help: what it does, examples, the notice."""
    parser: Parser = commands.add_parser(
        name,
        help=help_text,
        description=description,
        epilog=f"examples:\n{examples}\n\n{NOTICE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser)
    parser.add_argument("--debug", action="store_true", help="show where in the code an error arises")
    return parser


def add_quiet(parser: Parser) -> None:
    """The option that silences progress."""
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")


def add_ct_options(parser: Parser, *, optional: bool = False) -> None:
    """The CT and the choice of its series."""
    parser.add_argument(
        "ct",
        metavar="CT",
        type=a_path,
        nargs="?" if optional else None,
        help="DICOM folder (with any folders in it), zip, DICOM file, NIfTI, NRRD or MetaImage",
    )
    parser.add_argument(
        "--series",
        metavar="KEY",
        help="which CT, where there are several; `spinect series CT` lists the keys",
    )
    add_decisions(parser)


def add_assume_hu(parser: Parser) -> None:
    """The way past a CT whose numbers do not look like Hounsfield units."""
    parser.add_argument(
        "--assume-hu",
        action="store_true",
        help="take the numbers for Hounsfield units although the file says otherwise or they do not look like them; "
        "the result says so",
    )


def add_decisions(parser: Parser) -> None:
    """What the user decides where reading would rather refuse."""
    add_assume_hu(parser)
    parser.add_argument(
        "--join-series",
        action="store_true",
        help="read files as one series that lie as one scan does but say that they are of several; the result says so",
    )


def read_options(options: argparse.Namespace) -> Any:
    """How the CT is to be read, from the options of a command."""
    from spinect_core.io.reading.options import ReadOptions

    return ReadOptions(assume_hu=options.assume_hu, join_series=options.join_series)


def add_engine_options(parser: Parser) -> None:
    """What runs a network, where, with which weights."""
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


def add_network_options(parser: Parser) -> None:
    """What runs the network, where, how thoroughly, with which weights."""
    add_engine_options(parser)
    parser.add_argument(
        "--mode",
        choices=values(ModeName),
        default=ModeName.THOROUGH.value,
        help="thorough: 1 mm voxels take the CT's mean within them, what is in doubt about L5/S1 is read twice "
        "(default); fast: read once, somewhat sooner; paper: voxels and overlap of the tiles as published, the slowest",
    )


def check_labels_path(out: Path, ct: Path, what: str) -> None:
    """Refuse, before minutes of work, a file that numbers on the CT's grid cannot be written to.

    Args:
        out: where they are to go.
        ct: that they are made of.
        what: they are called at the beginning of a sentence, such as "Labels".

    Raises:
        UsageError: a name that says no format.
        OutputError: the CT itself.
    """
    if not out.name.lower().endswith(LABEL_SUFFIXES):
        raise UsageError(
            f"{what} are not written under such a name", f"Use one of {', '.join(LABEL_SUFFIXES)}", out
        )
    if out.exists() and ct.exists() and out.samefile(ct):
        raise OutputError(f"The {what.lower()} would replace the CT itself", "Choose another file", out)


def add_segmentation_options(parser: Parser) -> None:
    """The options of the network, and on which part of the CT it runs."""
    add_network_options(parser)
    add_region(parser)


def add_region(parser: Parser) -> None:
    """On which part of the CT the network runs."""
    parser.add_argument(
        "--region",
        nargs=6,
        type=float,
        metavar=("X0", "X1", "Y0", "Y1", "Z0", "Z1"),
        help="the part to segment, LPS mm (x to the left, y to the back, z to the head); default: found automatically",
    )


def add_shift(parser: Parser) -> None:
    """The option by which the user says how the vertebrae are counted."""
    parser.add_argument(
        "--shift",
        metavar="N",
        type=int,
        choices=(-1, 0, 1),
        help="what you counted: 0: the program counts right; 1: what it calls L5/S1 is L4/5; -1: what it calls L4/5 is "
        "L5/S1; lifts doubts about the level",
    )


def add_rules(parser: Parser) -> None:
    """What needles are placed under, and which rules do not bar what is recommended."""
    parser.add_argument(
        "--guidance",
        choices=values(Guidance),
        default=Guidance.CT.value,
        help="what needles are placed under: ct: the axial plane first (default); fluoroscopy: the usual views of a "
        "C-arm first",
    )
    parser.add_argument(
        "--override",
        metavar="RULE=REASON",
        action="append",
        default=[],
        help="do not bar what passes this rule (docs/rules.md has the codes); the plan keeps the reason; may be given "
        "several times",
    )


def add_organs(parser: Parser) -> None:
    """The option by which masks of organs are given."""
    parser.add_argument(
        "--organs",
        metavar="MASKS",
        type=a_path,
        help="masks of organs on this CT, which needles are then kept from: a multi-label NIfTI of TotalSegmentator, a "
        "folder of its masks, or a DICOM segmentation; without it the organ network names them, less surely",
    )
    parser.add_argument(
        "--no-organ-network",
        action="store_true",
        help="let no network name organs: without masks only gas in the body is then known",
    )


def add_elsewhere(parser: Parser) -> None:
    """The options by which labels are given that were made elsewhere."""
    parser.add_argument(
        "--labels",
        metavar="LABELS",
        type=a_path,
        help="labels of this CT that were made elsewhere, in place of the network's: NIfTI, NRRD, .seg.nrrd, "
        "MetaImage, a folder of masks, a DICOM segmentation or an RTSTRUCT",
    )
    parser.add_argument(
        "--map",
        metavar="SEGMENT=MEANING",
        action="append",
        default=[],
        help="what a segment of the labels is: its name, or # and its number, and bone, nerve, an organ or out (not "
        "taken), such as 'L5 vertebra=bone'; needed for each whose name is not known; may be given several times",
    )
    parser.add_argument(
        "--numbers",
        choices=values(Numbering),
        help="whose numbers a file of labels without names has",
    )
    parser.add_argument(
        "--fraction",
        metavar="F",
        type=float,
        help="of a fractional DICOM segmentation: what counts as labelled, above 0 up to 1 (default: 0.5)",
    )


def elsewhere_of(options: argparse.Namespace) -> Any:
    """The labels that were made elsewhere; None without any.

    Raises:
        UsageError: what is said of labels contradicts itself, or there are none.
    """
    said = {"map": options.map, "numbers": options.numbers, "fraction": options.fraction}
    if options.labels is None:
        for name, value in said.items():
            if value not in (None, []):
                raise UsageError(
                    "There are no labels that this could be said of", "Give labels", parameter=name
                )
        return None
    from spinect_core.io.reading.label_names import meaning_of
    from spinect_core.io.reading.label_sets import FRACTION, LabelOptions
    from spinect_core.pipeline.loaded_labels import Elsewhere

    meanings = {}
    for each in options.map:
        name, equals, word = each.rpartition("=")
        if not (equals and name.strip()):
            raise UsageError(
                f"{each!r:.80} names no segment and its meaning", "Write SEGMENT=MEANING", parameter="map"
            )
        if name.strip() in meanings:
            raise UsageError(
                f"The segment {name.strip()!r:.70} is given twice", "Give each segment once", parameter="map"
            )
        meanings[name.strip()] = meaning_of(word)
    fraction = FRACTION if options.fraction is None else options.fraction
    if not 0 < fraction <= 1:
        raise UsageError(
            f"{fraction:g} is no part above 0 up to 1", "Give such a number", parameter="fraction"
        )
    numbering = None if options.numbers is None else Numbering(options.numbers)
    return Elsewhere(options.labels, meanings, LabelOptions(numbering, fraction))


def overrides_of(options: argparse.Namespace) -> dict[str, str]:
    """The reasons for which rules are overridden, by their codes.

    Raises:
        UsageError: two reasons for one rule.
    """
    found: dict[str, str] = {}
    for each in options.override:
        code, _, reason = each.partition("=")
        if code.strip() in found:
            raise UsageError(
                f"A reason for the rule {code.strip()!r:.60} is given twice",
                "Give one reason for each rule",
                parameter="override",
            )
        found[code.strip()] = reason
    return found


def add_lumbar(parser: Parser) -> None:
    """The option by which the user says how many lumbar vertebrae there are."""
    parser.add_argument(
        "--lumbar",
        metavar="N",
        type=int,
        choices=(4, 5, 6),
        help="how many lumbar vertebrae you counted: all levels, vertebrae and roots are named by it, so that the "
        "lumbosacral level is L4/S1, L5/S1 or L6/S1; without it they are named as if there were five, and that is said",
    )


def add_level(parser: Parser) -> None:
    """The option by which the user says which level is meant."""
    parser.add_argument(
        "--level",
        metavar="NAME",
        default="L5/S1",
        help="L5/S1 (default): the lumbosacral level, whatever its name; or a level above it: L4/5 or L3/4, with "
        "--lumbar 4 L3/4 or L2/3, with --lumbar 6 L5/6 or L4/5",
    )


def region_of(options: argparse.Namespace) -> Any:
    """The region asked for, or None.

    Raises:
        UsageError: the box is empty.
    """
    if options.region is None:
        return None
    from spinect_core.image.region import Region

    x0, x1, y0, y1, z0, z1 = options.region
    return Region((x0, y0, z0), (x1, y1, z1), note="given on the command line")
