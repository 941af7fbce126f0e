"""``spinect phantom-study``: measures of many phantoms beside the literature, and impossible anatomy."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting

DESCRIPTION = """\
Draws one normal phantom per seed, measures it from its labels alone and compares the measures with published ones.
Looks in every phantom for what cannot be: broken nerves, floating bone, closed foramina. Writes:

  measures.csv      one line per seed
  table.md, .html   every measure: ours, published, difference, verdict
  impossible.csv    every impossible thing found; only its heading if there is none"""

EXAMPLES = """\
  spinect phantom-study --seeds 1-100 --out study --jobs 2
  spinect phantom-study --seeds 1-500 --out check --check-only --spacing 2 --jobs 2"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "phantom-study", "measure many phantoms beside the literature", DESCRIPTION, EXAMPLES
    )
    parser.add_argument("--seeds", required=True, metavar="SEEDS", help="such as 1-100 or 3,7,20-29")
    parser.add_argument("--out", metavar="DIR", type=a_path, required=True, help="folder for the files")
    parser.add_argument("--spacing", type=float, default=1.0, metavar="MM", help="voxels (default: 1)")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="processes, about 3 GB each at 1 mm (default: 1)"
    )
    parser.add_argument(
        "--check-only",
        action="store_true",
        help="look for impossible anatomy only, in the cases as the seeds draw them; writes impossible.csv",
    )
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Study, write, and print the paths and what was found."""
    if not 0.5 <= options.spacing <= 3.0:
        raise UsageError(f"A spacing of {options.spacing} mm is not studied", "Give 0.5 to 3 mm", "--spacing")
    if options.jobs < 1:
        raise UsageError(f"{options.jobs} processes cannot work", "Give 1 or more", "--jobs")
    from spinect_core.base.files import write_whole
    from spinect_core.research.phantom_study import report
    from spinect_core.research.phantom_study.run import columns, counts, parse_seeds, study

    seeds = parse_seeds(options.seeds)
    with reporting("phantom-study", quiet=options.quiet) as progress:
        findings = study(
            seeds,
            options.spacing,
            check_only=options.check_only,
            jobs=options.jobs,
            progress=progress,
            cancel=cancel,
        )
    lines = [{"seed": f.seed, **asdict(violation)} for f in findings for violation in f.violations]
    files = {"impossible.csv": report.csv_bytes(("seed", "name", "where", "size", "detail"), lines)}
    if not options.check_only:
        names = columns(findings)
        measured = [{name: f.measures.get(name, float("nan")) for name in names} for f in findings]
        tagged = [
            {"seed": f.seed, **values, "not measured": "; ".join(f.faults)}
            for f, values in zip(findings, measured, strict=True)
        ]
        files["measures.csv"] = report.csv_bytes(("seed", *names, "not measured"), tagged)
        files["table.md"] = report.markdown(measured, options.seeds, options.spacing).encode("utf-8")
        files["table.html"] = report.page(measured, options.seeds, options.spacing).encode("utf-8")
    for name, data in files.items():
        write_whole(options.out / name, data)
        print(options.out / name)
    kinds = counts(findings)
    print(f"{sum(bool(f.violations) for f in findings)} of {len(findings)} seeds with something impossible")
    for kind, number in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"  {kind}: {number} seeds")
    return 0
