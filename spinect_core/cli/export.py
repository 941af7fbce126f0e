"""``spinect export``: a plan for 3D Slicer, and as a model for any viewer."""

from __future__ import annotations

import argparse

from spinect_core.base.progress import Cancel, part_of
from spinect_core.cli.parser import Commands, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting

DESCRIPTION = """\
Writes a plan for other programs; the ending of FILE says as what:

  .mrb       a scene of 3D Slicer: labels, surfaces, needles, measurements and landmarks; with --ct the CT as well
  .mrk.json  needles, triangles and other measurements, and landmarks alone, as markups of 3D Slicer
  .glb       surfaces and needles as glTF, in metres with y up, for viewers, slides and web pages

Needles are those that the report tells: recommended ones, and your own. Scene and model need a .spinect file, as the
folder of a plan has. Nothing of the patient is written but anatomy, and the names that you gave to needles and to
measurements."""

EXAMPLES = """\
  spinect export plans/case1 --ct scans/ct --out case1.mrb
  spinect export case1.spinect --out case1.glb
  spinect export plans/case1 --out case1.mrk.json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "export", "a plan for 3D Slicer, or as a model (GLB)", DESCRIPTION, EXAMPLES
    )
    parser.add_argument(
        "plan", metavar="PLAN", type=a_path, help="folder of a plan, plan.json or a .spinect file"
    )
    parser.add_argument("--ct", metavar="CT", type=a_path, help="the plan's CT, for a scene")
    parser.add_argument(
        "--out", metavar="FILE", type=a_path, required=True, help="ends in .mrb, .mrk.json or .glb"
    )
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Write the file and print what it holds."""
    from spinect_core.pipeline.exchange import Form, export_plan, form_of
    from spinect_core.pipeline.report import find_ct, read_source

    wants_ct = form_of(options.out) == Form.SCENE and options.ct is not None
    with reporting("export", quiet=options.quiet) as progress:
        source = read_source(options.plan, labels=True)
        volume = None
        if wants_ct:
            reading = part_of(progress, 0.0, 0.5)
            _, volume = find_ct(
                options.ct,
                source.plan,
                otherwise="write a scene without it",
                progress=reading,
                cancel=cancel,
            )
        written = export_plan(
            source,
            options.out,
            volume=volume,
            progress=part_of(progress, 0.5 if wants_ct else 0.0, 1.0),
            cancel=cancel,
        )
    print(f"export    {written.path}: {written.words}")
    return 0
