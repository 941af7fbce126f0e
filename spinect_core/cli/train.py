"""``spinect train``: weights of one's own, by the paper's recipe or an improved one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.cli.parser import Commands, Parser, a_path, add_assume_hu, add_command, add_quiet
from spinect_core.cli.reporting import reporting

if TYPE_CHECKING:
    from spinect_core.research.training.cases import Cases
    from spinect_core.research.training.loop import Best
    from spinect_core.research.training.recipe import TrainingConfig
    from spinect_core.research.training.validation import Scores

DESCRIPTION = """\
Trains the network on your own labelled CTs, on computed phantoms, or both, and writes into RUN:

  best.weights.safetensors   for `spinect plan CT --weights ...`; the best of all validations
  last.weights.safetensors   of the last validation
  config.json                recipe, seed, cases and who of them validates, versions
  losses.csv validation.csv  the course; curve.png draws it
  checkpoint.npz             the same command again goes on from here, to the step (also after Ctrl-C)

CASES are folders with a CT and its labels for each patient, as in
  cases/p01/ct.nii.gz + cases/p01/labels.nii.gz          0 background, 1 bone, 2 nerve
  cases/p02/scan.nrrd + cases/p02/scan.seg.nrrd          3D Slicer, segments named as bone or nerve
or with a cases.csv (columns ct, labels, patient). Every CT is prepared as it is for planning.

The recipe "paper" is that of Fan and others (AJNR 2019): patches of 32x64x64, batch 4, Adam 5e-4, weighted softmax
cross-entropy, He initialisation, noise and left-right flips, every 100 iterations the combined algorithm (stride
20x40x40) on 6 random validation cases, the best mean Dice kept. "improved" adds, each by itself with --with and
--without:

"""

EXAMPLES = """\
  spinect train --cases cases --out run1                                     the paper's recipe
  spinect train --cases cases --init built-in --recipe improved --rate 1e-4 --out run2   fine-tuning
  spinect train --phantoms 100 --out run3 --recipe improved --without averaging
  spinect train --cases cases --folds 5 --out run4                           five-fold validation and its report
  spinect train --cases cases --out run5 --validation patches --devices cpu  quicker to validate without a GPU
  spinect train --phantoms 100 --out run6 --backend jax --devices 4          four GPUs"""

AXES = {"none": (), "left-right": (2,), "all": (0, 1, 2)}
IMPROVEMENTS = (
    ("focus", "patches centred on nerve (50 %) and bone (18 %): towards L5/S1"),
    ("mean-voxels", "1 mm voxels take the mean of the CT within them, not the value of its nearest voxel"),
    ("dice", "a soft Dice loss beside the cross-entropy, weight 0.5"),
    ("clip", "gradients limited to a norm of 5"),
    ("warmup", "the rate rises during the first 40 steps"),
    ("cosine", "the rate falls along a cosine in the second half, to 3e-5"),
    ("averaging", "a running average of the weights (0.99 kept a step) is validated and stored"),
    ("crops", "standardised on random crops, as regions found in patients vary"),
    ("pose", "turned by up to 9 degrees, stretched by up to 10 %"),
    ("bend", "bent smoothly by up to 2.5 mm; not in the improved recipe, not shown to help"),
    ("full-canal", "the sac fills its canal in three of ten crops; not in the improved recipe"),
    ("intensity", "bone from fatty marrow to sclerosis, soft tissue, offset and gain"),
    ("resolution", "softer and sharper kernels, slices up to 3.2 mm"),
    ("strong-noise", "noise up to 90 HU instead of 30, sometimes shared by neighbours"),
    ("table", "mattress and table in the air behind the back"),
)
"""Names as in :data:`spinect_core.research.training.recipe.IMPROVEMENTS`, here for a help that answers at once."""

# Option, field of the recipe, type, names of its values, meaning.
VALUES: tuple[tuple[str, str, Any, Any, str], ...] = (
    ("--steps", "steps", int, "N", "iterations (5000)"),
    ("--batch", "batch", int, "N", "patches of an iteration (4)"),
    ("--rate", "rate", float, "R", "Adam's learning rate (5e-4)"),
    ("--class-weights", "class_weights", float, ("BG", "BONE", "NERVE"), "in the cross-entropy (1 2 6)"),
    ("--patch", "patch_shape", int, ("Z", "Y", "X"), "voxels of 1 mm, multiples of 16 (32 64 64)"),
    ("--stride", "stride", int, ("Z", "Y", "X"), "between tiles of the full validation (20 40 40)"),
    ("--validate-every", "validate_every", int, "N", "iterations between validations (100)"),
    ("--validation-cases", "validation_cases", int, "N", "drawn for each validation; 0 for all (6)"),
    ("--save-every", "save_every", int, "N", "iterations between checkpoints of 360 MB (100)"),
    ("--seed", "seed", int, "N", "decides first weights, split, crops and patches (0)"),
    ("--dice", "dice", float, "W", "weight of the Dice loss (paper 0, improved 0.5)"),
    ("--clip", "clip", float, "NORM", "greatest norm of a gradient, 0 for none (paper 0, improved 5)"),
    ("--warmup", "warmup", int, "N", "iterations of rising rate (paper 0, improved 40)"),
    ("--decay-from", "decay_from", float, "PART", "of the run, then the rate falls (paper 1, improved 0.5)"),
    ("--last-rate", "last_rate", float, "R", "where it falls to (3e-5)"),
    ("--averaging", "averaging", float, "A", "kept of the average a step (paper 0, improved 0.99)"),
    ("--nerve-share", "nerve_share", float, "P", "patches centred on nerve (paper 0, improved 0.5)"),
    ("--bone-share", "bone_share", float, "P", "patches centred on bone (paper 0, improved 0.18)"),
)


def add(commands: Commands) -> None:
    """Add the command."""
    listed = "\n".join(f"  {name:<13} {meaning}" for name, meaning in IMPROVEMENTS)
    parser = add_command(
        commands, "train", "train the network on labelled CTs or phantoms", DESCRIPTION + listed, EXAMPLES
    )
    _add_cases(parser)
    recipe = parser.add_argument_group("the recipe (defaults in brackets)")
    recipe.add_argument("--recipe", choices=("paper", "improved"), default="paper", help="(paper)")
    names = [name for name, _ in IMPROVEMENTS]
    for option, words in (("--with", "switch these on"), ("--without", "switch these off, as in the paper")):
        recipe.add_argument(
            option, dest=option[2:], nargs="+", default=[], choices=names, metavar="NAME", help=words
        )
    for option, field, kind, metavar, words in VALUES:
        count = len(metavar) if isinstance(metavar, tuple) else None
        recipe.add_argument(option, dest=field, type=kind, nargs=count, metavar=metavar, help=words)
    recipe.add_argument(
        "--validation",
        choices=("full", "patches"),
        help="full: the combined algorithm on whole cases (default); patches: 12 patches around the nerves of each, a "
        "tenth of the work, for CPUs",
    )
    recipe.add_argument(
        "--voxels",
        choices=("nearest", "mean"),
        help="what the 1 mm voxels of a CT take: the value of its nearest voxel, or its mean within them (paper "
        "nearest, improved mean)",
    )
    recipe.add_argument("--noise", type=float, metavar="HU", help="greatest SD of the noise (30, strong 90)")
    recipe.add_argument(
        "--flip",
        choices=tuple(AXES),
        help="left-right (default): the mirror image of a patient, whose labels know no sides; all: upside down and "
        "back to front as well, which no patient is",
    )
    recipe.add_argument(
        "--vary",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="how far crops are varied, as in pose=0.3 bend_mm=2: any single number of "
        "spinect_core.research.training.augmentation.Augmentation, on top of all else",
    )
    _add_run(parser)
    add_assume_hu(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def _add_cases(parser: Parser) -> None:
    group = parser.add_argument_group("the cases (at least one of the first two)")
    group.add_argument(
        "--cases", nargs="+", type=a_path, default=[], metavar="DIR", help="folders of CTs with labels"
    )
    group.add_argument("--phantoms", type=int, default=0, metavar="N", help="draw N phantoms (1 min each)")
    group.add_argument(
        "--first-seed",
        type=int,
        default=1000,
        metavar="N",
        help="of the phantoms (1000); 1 to 99 are for tests",
    )
    group.add_argument(
        "--family", default="procedural", help="of the phantoms: procedural or varied (procedural)"
    )
    group.add_argument(
        "--phantom-spacing",
        type=float,
        default=1.0,
        metavar="MM",
        help="of the phantoms' CT (1); more only to try things out",
    )
    group.add_argument(
        "--segment",
        action="append",
        default=[],
        metavar="NAME=CLASS",
        help="a segment's name or a label's number is bone, nerve or ignore; may be repeated",
    )
    group.add_argument(
        "--region",
        choices=("found", "labels"),
        default="found",
        help="found: what planning would segment (default; all bone and nerve in it must be labelled); labels: the "
        "labelled part and 10 mm around it",
    )
    group.add_argument(
        "--validation-share",
        type=float,
        default=0.2,
        metavar="P",
        help="of the patients, never trained on (0.2)",
    )
    group.add_argument(
        "--cache", type=a_path, metavar="DIR", help="for prepared cases; runs may share it (RUN/cases)"
    )


def _add_run(parser: Parser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument("--out", type=a_path, required=True, metavar="RUN", help="folder, new or to go on in")
    group.add_argument("--folds", type=int, metavar="N", help="cross-validation in N folds (the paper's: 5)")
    group.add_argument(
        "--init",
        metavar="FILE",
        help="weights to start from; built-in for those of the program (He initialisation)",
    )
    group.add_argument(
        "--backend", choices=("tensorflow", "torch", "jax"), help="of Keras (KERAS_BACKEND, or tensorflow)"
    )
    group.add_argument(
        "--precision",
        choices=("single", "half"),
        help="half: bfloat16 where that is safe, a third of the time with torch on a CPU that knows it; slow with "
        "TensorFlow on a CPU (single)",
    )
    group.add_argument(
        "--devices",
        default="auto",
        metavar="N",
        help="auto: a GPU if there is one (default); cpu; or how many GPUs share each batch (jax only)",
    )
    group.add_argument(
        "--workers",
        type=int,
        default=min(8, os.cpu_count() or 1),
        metavar="N",
        help="processes that draw phantoms, threads that vary crops (as many as CPUs, at most 8)",
    )


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Prepare the cases, train, and print where the weights are and how good."""
    if not options.cases and options.phantoms < 1:
        raise UsageError("There is nothing to train on", "Give --cases DIR or --phantoms N")
    if options.workers < 1 or options.first_seed < 0:
        raise UsageError(
            f"--workers is {options.workers} and --first-seed {options.first_seed}",
            "Give --workers from 1, --first-seed from 0",
        )
    config = config_of(options)
    out: Path = options.out
    with reporting("train", quiet=options.quiet) as progress:
        from spinect_core.research.training.backend import choose_backend, versions
        from spinect_core.research.training.memory import keep_freed_memory

        keep_freed_memory()
        computes = choose_backend(options.backend, options.devices)
        progress(0.0, "looking at the cases")
        cases = _cases(options, config.voxels, part_of(progress, 0.0, 0.1), cancel)
        from spinect_core.segmentation.weights import weights_path

        init = options.init and (weights_path() if options.init == "built-in" else Path(options.init))
        common = {
            "init": init or None,
            "workers": options.workers,
            "facts": {"computed on": computes, "versions": versions()},
            "progress": part_of(progress, 0.1, 1.0),
            "cancel": cancel,
        }
        if options.folds is not None:
            from spinect_core.research.training.cross_validation import cross_validate
            from spinect_core.research.training.split import folds

            splits = folds(cases.patients, options.folds, config.seed)
            scores = cross_validate(config, cases, splits, out, **common)
        else:
            from spinect_core.research.training.loop import train
            from spinect_core.research.training.split import hold_back

            split = hold_back(cases.patients, options.validation_share, config.seed)
            best = train(config, cases, split, out, **common)
        progress(1.0, "done")
    print(_folds_summary(out, scores) if options.folds is not None else _summary(out, best))
    return 0


def config_of(options: argparse.Namespace) -> TrainingConfig:
    """The recipe asked for: the preset, then what is switched, then single values.

    Raises:
        UsageError: a value makes no sense, or something is switched on and off at once.
    """
    from spinect_core.research.training.recipe import RECIPES, switched

    switches = vars(options)
    if both := set(switches["with"]) & set(switches["without"]):
        raise UsageError(f"{min(both)} is switched on and off", "Name it once", "--with")
    config = switched(RECIPES[options.recipe], switches["with"], on=True)
    config = switched(config, switches["without"], on=False)
    values = {field: switches[field] for _, field, _, _, _ in VALUES if switches[field] is not None}
    words = ("validation", "precision", "voxels")
    values |= {name: switches[name] for name in words if switches[name] is not None}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    varied = config.augmentation
    if options.noise is not None:
        if not 0 <= options.noise <= 1000:
            raise UsageError(f"Noise of {options.noise} HU is not added", "Give 0 to 1000", "--noise")
        varied = replace(varied, noise=options.noise)
    if options.flip is not None:
        varied = replace(varied, flips=AXES[options.flip])
    varied = replace(varied, **_variations(options.vary))
    return replace(config, **values, augmentation=varied)


def _variations(words: Sequence[str]) -> dict[str, Any]:
    """Values of :class:`~spinect_core.research.training.augmentation.Augmentation` from NAME=VALUE.

    Raises:
        UsageError: there is no such value, or it is no number from 0 (a chance: to 1).
    """
    from spinect_core.research.training.augmentation import CHANCES, SIZES

    values: dict[str, Any] = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in (*CHANCES, *SIZES):
            raise UsageError(
                f"Crops are not varied by {name!r}", f"Choose of {', '.join((*CHANCES, *SIZES))}", "--vary"
            )
        try:
            value = float(number)
        except ValueError:
            raise UsageError(f"{word!r} is not a number", f"Write {name}=0.3", "--vary") from None
        if not 0 <= value <= (1 if name in CHANCES else 1000):
            raise UsageError(
                f"'{word}' is out of range", f"Give 0 to {1 if name in CHANCES else 1000}", "--vary"
            )
        values[name] = value
    return values


def _cases(options: argparse.Namespace, voxels: str, progress: Progress, cancel: Cancel) -> Cases:
    """The cases of all sources, in one list."""
    from spinect_core.research.training.cases import Together
    from spinect_core.research.training.drawn_cases import drawn_cases
    from spinect_core.research.training.own_cases import own_cases

    cache = options.cache or options.out / "cases"
    sources: list[Cases] = []
    if options.cases:
        classes = {}
        for words in options.segment:
            name, mark, kind = words.rpartition("=")
            if not mark or not name:
                raise UsageError(f"{words!r} names no class", 'Write it as "L5 left=nerve"', "--segment")
            classes[name] = kind.strip().lower()
        own = part_of(progress, 0.0, 0.5)
        sources.append(
            own_cases(
                options.cases,
                cache,
                classes=classes,
                region=options.region,
                voxels=voxels,
                assume_hu=options.assume_hu,
                progress=own,
                cancel=cancel,
            )
        )
    if options.phantoms:
        sources.append(
            drawn_cases(
                range(options.first_seed, options.first_seed + options.phantoms),
                cache,
                family=options.family,
                spacing=options.phantom_spacing,
                workers=options.workers,
                progress=part_of(progress, 0.5 if options.cases else 0.0, 1.0),
                cancel=cancel,
            )
        )
    return Together(sources)


def _summary(out: Path, best: Best) -> str:
    from spinect_core.research.training.run_folder import BEST

    dice = ", ".join(f"{name} {value:.3f}" for name, value in best.dice.items())
    return f"{out / BEST}\nbest validation, after step {best.step}: Dice {dice}"


def _folds_summary(out: Path, folds: Sequence[Sequence[Scores]]) -> str:
    from spinect_core.research.training.cross_validation import REPORT

    scores = [score for fold in folds for score in fold]
    dice = ", ".join(
        f"{name} {sum(score.dice[name] for score in scores) / len(scores):.3f}" for name in ("bone", "nerve")
    )
    return f"{out / REPORT}\n{len(scores)} test cases in {len(folds)} folds: mean Dice {dice}"
