"""``spinect evaluate``: how well labels agree with a truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.cli.parser import Commands, add_command
from spinect_core.errors import UsageError
from spinect_core.progress import Cancel, check

if TYPE_CHECKING:
    from spinect_core.preprocessing.region import Region
    from spinect_core.volume import Labels

DESCRIPTION = """\
Compares labels with the truth and prints JSON, class by class: Dice, IoU and pixel accuracy as the paper defines them,
the 95th percentile of the Hausdorff distance and the mean surface distance in mm. What is not defined is null."""

EXAMPLES = """\
  spinect evaluate --prediction seg.nii.gz --truth labels.nii.gz
  spinect evaluate --prediction o/labels.nii.gz --truth masks.nii.gz --region-of o/plan.json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "evaluate", "compare labels with a truth", DESCRIPTION, EXAMPLES)
    parser.add_argument("--prediction", metavar="P", type=Path, required=True, help="labels to be judged")
    parser.add_argument("--truth", metavar="T", type=Path, required=True, help="labels known to be right")
    parser.add_argument(
        "--region-of",
        metavar="PLAN",
        type=Path,
        help="count only voxels in the region that this plan.json segmented",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Compare and print."""
    from spinect_core.evaluation import evaluate
    from spinect_core.plan import read_plan
    from spinect_core.reading import read_labels

    prediction, truth = read_labels(options.prediction), read_labels(options.truth)
    check(cancel)
    if options.region_of is not None:
        region = read_plan(options.region_of).region
        if region is None:
            raise UsageError("The plan names no region", "Leave --region-of out", options.region_of)
        prediction, truth = cropped(prediction, region), cropped(truth, region)
    print(json.dumps(evaluate(prediction, truth), indent=2))
    return 0


def cropped(labels: Labels, region: Region) -> Labels:
    """The part of labels whose voxel centres lie in a region.

    Raises:
        UsageError: no voxel does.
    """
    import numpy as np

    from spinect_core.volume import Geometry, Labels

    grid = labels.geometry
    # On a tilted grid the box keeps its centre and size and turns with the grid, as it did when it was segmented.
    nearest = np.abs(grid.direction).argmax(axis=0)
    half = (region.size[nearest] / 2 / np.asarray(grid.spacing))[::-1]
    middle = grid.to_index(region.centre)
    first = np.maximum(np.ceil(middle - half - 1e-6), 0).astype(int)
    last = np.minimum(np.floor(middle + half + 1e-6), np.asarray(grid.shape) - 1).astype(int)
    if (last < first).any():
        raise UsageError("The region lies outside the labels", "Use the plan of the same CT", "--region-of")
    array = labels.array[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    x, y, z = (float(value) for value in grid.to_patient(first))
    shape = (int(array.shape[0]), int(array.shape[1]), int(array.shape[2]))
    return Labels(array, Geometry(shape, grid.spacing, (x, y, z), grid.direction))
