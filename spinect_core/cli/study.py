"""``spinect study``: the tables and figures of a whole study over a list of cases."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel
from spinect_core.base.versions import NOTICE
from spinect_core.cli.parser import (
    Commands,
    a_path,
    add_assume_hu,
    add_command,
    add_network_options,
    add_quiet,
)
from spinect_core.cli.reporting import reporting
from spinect_core.image.warning import warning_lines

if TYPE_CHECKING:
    from spinect_core.research.study.run import StudyResult

DESCRIPTION = """\
Evaluates the segmentation over a list of cases as Fan and others (AJNR 2019) did, and writes into a folder:

  study.html   everything on one page that needs no other file
  *.csv        agreement of bone and nerve (Tables 2 and 3), roots, areas on true against predicted labels (Table 4),
               test-retest and between observers (Table 5), Dice against noise and slices
  *.png        random slices, the four renderings, Bland-Altman plots, curves
  cases/       finished results of each case, reused the next time

CASES is a folder of case folders as `spinect phantom` writes them (ct, labels; where there are any: prediction,
structures, truth.json, measurements), or a CSV or JSON list; docs/study.md describes it. Labels that are not given are
made by the network. A case that fails is left out and named; the exit code is then that of its error."""

EXAMPLES = """\
  spinect study phantoms/ --out study --mode fast
  spinect study cases.csv --out study --noise 0,15,30,60,90 --slices 0.6,1,2,3
  spinect study cases.json --out study --measurements areas.csv"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "study", "evaluate the segmentation over a list of cases", DESCRIPTION, EXAMPLES
    )
    parser.add_argument("cases", metavar="CASES", type=a_path, help="folder, .csv or .json list of cases")
    parser.add_argument("--out", metavar="DIR", type=a_path, required=True, help="folder for the results")
    add_network_options(parser)
    parser.add_argument(
        "--measurements",
        metavar="PATH",
        type=a_path,
        action="append",
        default=[],
        help="areas of observers: a CSV file, or a folder of plans OBSERVER/SESSION/*.json; may be given again",
    )
    parser.add_argument(
        "--noise", metavar="HU,...", type=_numbers, default=(), help="noise to add, for a curve of Dice"
    )
    parser.add_argument(
        "--slices", metavar="MM,...", type=_numbers, default=(), help="slices to make, for a curve of Dice"
    )
    parser.add_argument(
        "--pictures", metavar="N", type=int, default=6, help="random slices in the figure (default: 6)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="of the noise and the random slices (default: 0)"
    )
    add_assume_hu(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(part) for part in text.split(",") if part.strip()))
    except ValueError as error:
        raise UsageError(f"{text!r} is no list of numbers", "Write for example 0,15,30") from error


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Do the study and print where it is and what it says."""
    with reporting("study", quiet=options.quiet) as progress:
        from spinect_core.research.study.cases import read_cases
        from spinect_core.research.study.examine import Settings
        from spinect_core.research.study.run import run_study

        settings = Settings(
            engine=options.engine,
            device=options.device,
            mode=options.mode,
            weights=options.weights,
            noise=options.noise,
            slices=options.slices,
            seed=options.seed,
            assume_hu=options.assume_hu,
        )
        result = run_study(
            read_cases(options.cases),
            options.out,
            settings,
            measurements=options.measurements,
            pictures=options.pictures,
            progress=progress,
            cancel=cancel,
        )
    print("\n".join(summary(result)))
    return next((error.exit_code for error in result.faults.values()), 0)


def summary(result: StudyResult) -> list[str]:
    """The study in a few lines: where it is, Dice, areas, what is missing."""
    from spinect_core.base.words import KINDS, SIDES
    from spinect_core.geometry.triangle import KIND_NAMES
    from spinect_core.research.study.area_tables import compared
    from spinect_core.research.study.paired import Summary
    from spinect_core.research.study.tables import p_words

    lines = [f"report    {result.report}", f"cases     {len(result.examined)}"]
    for name in ("bone", "nerve"):
        dice = Summary.of([one.overlap[name]["dice"] for one in result.examined])
        lines.append(f"Dice      {name} {dice.words(3)}")
    for kind in KINDS:
        areas = compared(result.examined, kind, SIDES)
        error = areas.mean_absolute_error
        if error is None:
            lines.append(f"area      {KIND_NAMES[kind]}: not computable, n = 0")
            continue
        test = f"{areas.test} P {p_words(areas.p)}" if areas.test else areas.reason
        lines.append(
            f"area      {KIND_NAMES[kind]}: mean absolute error {error:.1f} mm², n = {areas.n}, {test}"
        )
    lines += [
        f"warning   {one.case.name}: {line}"
        for one in result.examined
        for line in warning_lines(one.warnings)
    ]
    lines += [f"left out  {name}: {error}" for name, error in result.faults.items()]
    lines.append(NOTICE)
    return lines
