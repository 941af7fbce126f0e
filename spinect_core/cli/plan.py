"""``spinect plan``: from a CT to measured triangles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.cli.archive_options import access_of, add_archive_options, study_and_series
from spinect_core.cli.fetch import fetch, told
from spinect_core.cli.parser import (
    Commands,
    a_path,
    add_command,
    add_ct_options,
    add_elsewhere,
    add_lumbar,
    add_organs,
    add_quiet,
    add_rules,
    add_segmentation_options,
    add_shift,
    elsewhere_of,
    overrides_of,
    read_options,
    region_of,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json, say_warnings
from spinect_core.image.warning import warning_lines

if TYPE_CHECKING:
    from spinect_core.plan.plan import Plan

DESCRIPTION = """\
Runs the whole job: reads the CT, segments bone and nerve, builds surfaces, finds L5/S1 with the Kambin and the safe
triangle on both sides, searches all lines of sight for the best trajectory to each, places needles along them, draws
pictures, and writes it all into a folder:

  labels.nii.gz       0 background, 1 bone, 2 nerve, on the CT's own grid
  bone.ply nerve.ply  surfaces in LPS mm
  views/*.png         pictures with angles, areas and scale; no patient data
  angle-map-*         for each triangle the free window from every direction, as CSV and as a picture
  needle-*.png        the CT in the oblique plane of each needle, and the pictures of its report
  plan.json           landmarks, borders, windows, needles and their safety, views, triangles, engine, timings, versions
  plan.spinect        all of it in one file

The folder changes only when everything is ready; files in it that this program did not write stay. In the window:
open plan.spinect."""

EXAMPLES = """\
  spinect plan scans/ct --out plans/case1
  spinect plan --from-pacs 1.2.840.113619.2.55 --out plans/case1
  spinect plan study.zip --out o --series 3f2a --side left
  spinect plan ct.nii.gz --out o --mode fast --device cpu
  spinect plan ct.nii.gz --out o --region -70 70 -60 90 -80 60
  spinect plan scans/ct --out o --lumbar 6
  spinect plan scans/ct --out o --labels slicer.seg.nrrd --map 'L5 vertebra=bone' --map 'roots=nerve'"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "plan", "the whole job: CT in, measured triangles out", DESCRIPTION, EXAMPLES
    )
    add_ct_options(parser, optional=True)
    parser.add_argument(
        "--from-pacs",
        metavar="STUDY/SERIES",
        type=study_and_series,
        help="fetch the CT from an archive instead, into a folder that is removed at the end; the study alone where it "
        "has one CT; `spinect find` lists them",
    )
    add_archive_options(parser)
    parser.add_argument("--out", metavar="DIR", type=a_path, required=True, help="folder for the results")
    parser.add_argument(
        "--side",
        choices=("left", "right", "both"),
        default="both",
        help="where triangles are wanted (default: both)",
    )
    add_shift(parser)
    add_rules(parser)
    add_lumbar(parser)
    add_organs(parser)
    add_elsewhere(parser)
    add_segmentation_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan itself instead of a summary")
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Plan the case and print what came out."""
    region, labels = region_of(options), elsewhere_of(options)
    if (options.ct is None) == (options.from_pacs is None):
        raise UsageError(
            "A CT is needed, from one place",
            "Give its path, or its place in an archive",
            parameter="from_pacs",
        )
    with reporting("plan", quiet=options.quiet) as progress, _ct(options, progress, cancel) as (ct, progress):
        from spinect_core.pipeline.plan_case import plan_case

        plan = plan_case(
            ct,
            options.out,
            sides=options.side,
            series=options.series,
            options=read_options(options),
            region=region,
            engine=options.engine,
            device=options.device,
            mode=options.mode,
            weights=options.weights,
            shift=options.shift,
            guidance=options.guidance,
            overrides=overrides_of(options),
            organs=options.organs,
            organ_network=not options.no_organ_network,
            labels=labels,
            lumbar=options.lumbar,
            progress=progress,
            cancel=cancel,
            told=lambda sentence: print(f"spinect: note: {sentence}", file=sys.stderr, flush=True),
        )
    if options.json:
        say_warnings(plan.case.reading_warnings)
        print_json(plan.to_dict())
    else:
        print("\n".join(summary(plan, options.out)))
    return 0


@contextmanager
def _ct(options: argparse.Namespace, progress: Progress, cancel: Cancel) -> Iterator[tuple[Path, Progress]]:
    """Where the CT is, and what is left of the progress."""
    if options.from_pacs is None:
        yield options.ct, progress
        return
    from spinect_core.base.scratch import scratch_folder

    access = access_of(options)
    with scratch_folder() as folder:
        done = fetch(access, options.from_pacs, folder, part_of(progress, 0.0, 0.1), cancel)
        print(f"spinect: note: {told(done)}", file=sys.stderr, flush=True)
        yield folder, part_of(progress, 0.1, 1.0)


def summary(plan: Plan, out: Path) -> list[str]:
    """The plan in a few lines: where it is, the triangles, what ran, what to know."""
    from spinect_core.plan.label_wording import labels_words
    from spinect_core.plan.way_wording import organ_lines
    from spinect_core.plan.wording import (
        case_light_line,
        level_words,
        needle_lines,
        root_text,
        withheld_lines,
    )

    lines = [f"plan      {out / 'plan.json'}"]
    if plan.planning.level is not None:
        lines.append(f"level     {level_words(plan.planning.level)}")
    lines += [f"warning   {line}" for line in warning_lines(plan.case.reading_warnings)]
    light = case_light_line(plan.planning)
    lines += [f"case      {light}"] if light else []
    lines += [f"organs    {line}" for line in organ_lines(plan.planning.organs)]
    lines += [f"withheld  {line}" for line in withheld_lines(plan.planning)]
    for triangle in plan.triangles:
        lines.append(f"triangle  {triangle.name}: {triangle.area_mm2:.1f} mm², {triangle.view.words}")
    lines += [f"needle    {line}" for line in needle_lines(plan.planning)]
    lines += [f"root      {root_text(root)}" for root in plan.planning.roots]
    run_facts, spent = plan.run, f"{plan.timings.get('total', 0):.0f} s in all"
    engine = f"{run_facts.get('engine', '?')} on the {str(run_facts.get('device', '?')).upper()}"
    made = labels_words(run_facts)
    lines.append(
        f"ran       {made}, {spent}"
        if made
        else f"ran       {engine}, {run_facts.get('mode', '?')} mode, {spent}"
    )
    lines.append(f"pictures  {sum(bool(view.picture) for view in plan.views)} in {out / 'views'}")
    lines += [f"note      {note}" for note in plan.notes]
    lines.append(plan.notice)
    return lines
