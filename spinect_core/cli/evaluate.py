"""``spinect evaluate``: how well labels agree with a truth."""

from __future__ import annotations

import argparse

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, check
from spinect_core.cli.parser import Commands, a_path, add_command
from spinect_core.cli.speaking import print_json, say_warnings

DESCRIPTION = """\
Compares labels with the truth and prints JSON, class by class: Dice, IoU and pixel accuracy as the paper defines them,
the 95th percentile of the Hausdorff distance and the mean surface distance in mm. What is not defined is null."""

EXAMPLES = """\
  spinect evaluate --prediction seg.nii.gz --truth labels.nii.gz
  spinect evaluate --prediction o/labels.nii.gz --truth masks.nii.gz --region-of o/plan.json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "evaluate", "compare labels with the truth", DESCRIPTION, EXAMPLES)
    parser.add_argument("--prediction", metavar="P", type=a_path, required=True, help="labels to evaluate")
    parser.add_argument("--truth", metavar="T", type=a_path, required=True, help="the true labels")
    parser.add_argument(
        "--region-of",
        metavar="PLAN",
        type=a_path,
        help="count only voxels in the region that this plan.json segmented",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Compare and print."""
    from spinect_core.image.evaluation import cropped, evaluate
    from spinect_core.image.warning import joined
    from spinect_core.io.reading import read_labels
    from spinect_core.plan.label_warnings import warnings_of_labels
    from spinect_core.plan.plan import read_plan

    prediction, truth = read_labels(options.prediction), read_labels(options.truth)
    say_warnings(joined((*prediction.warnings, *truth.warnings), warnings_of_labels(options.prediction)))
    check(cancel)
    if options.region_of is not None:
        region = read_plan(options.region_of).region
        if region is None:
            raise UsageError("The plan names no region", "Leave --region-of out", options.region_of)
        prediction, truth = cropped(prediction, region), cropped(truth, region)
    print_json(evaluate(prediction, truth))
    return 0
