"""Cross-validation: a run for each fold, and the report over all of them."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, Progress, part_of, silent
from spinect_core.base.versions import NOTICE
from spinect_core.research.training.cases import Cases
from spinect_core.research.training.loop import judge_weights, train
from spinect_core.research.training.recipe import TrainingConfig
from spinect_core.research.training.run_folder import BEST
from spinect_core.research.training.split import Split
from spinect_core.research.training.validation import Scores

TABLE, REPORT, JUDGED = "folds.csv", "folds.md", "test.json"
MEASURES = {"dice": "Dice", "iou": "IoU", "pixel_accuracy": "pixel accuracy"}
CLASSES = ("bone", "nerve")


def cross_validate(
    config: TrainingConfig,
    cases: Cases,
    splits: Sequence[Split],
    folder: Path,
    *,
    init: Path | None = None,
    workers: int = 1,
    facts: dict[str, Any] | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[list[Scores]]:
    """Train each fold in ``fold1``, ``fold2``, ... and judge its best weights once, on its test cases.

    Interrupted, it goes on where it stopped. The test always takes the combined algorithm on whole cases.

    Args:
        config: the recipe of every fold; the seed grows by one from fold to fold.
        cases: labelled cases.
        splits: of :func:`spinect_core.research.training.split.folds`.
        folder: for the folds and the report.
        init: weights every fold starts from.
        workers: as for :func:`train`.
        facts: as for :func:`train`.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: as for :func:`train`.

    Returns:
        The scores of the test cases, fold by fold.

    Raises:
        SpinectError: whatever :func:`train` raises.
    """
    results: list[list[Scores]] = []
    for place, split in enumerate(splits):
        begin, end = place / len(splits), (place + 1) / len(splits)
        fold = TrainingConfig(**{**_shallow(config), "seed": config.seed + place})
        run = folder / f"fold{place + 1}"

        def say(fraction: float, words: str, number: int = place + 1) -> None:
            progress(fraction, f"fold {number} of {len(splits)}: {words}")

        made_of = {
            "recipe": fold.to_dict(),
            "cases": [
                [cases.names[i] for i in part] for part in (split.training, split.validation, split.test)
            ],
        }
        known = _judged(run, made_of)
        if known is None:
            middle = begin + 0.95 * (end - begin)
            told = part_of(say, begin, middle)
            train(
                fold, cases, split, run, init=init, workers=workers, facts=facts, progress=told, cancel=cancel
            )
            judged = TrainingConfig(**{**_shallow(fold), "validation": "full"})
            told = part_of(say, middle, end)
            known = judge_weights(judged, run / BEST, cases, split.test, progress=told, cancel=cancel)
            content = {**made_of, "scores": [asdict(score) for score in known]}
            write_whole(run / JUDGED, json.dumps(content, indent=2).encode("utf-8"))
        results.append(known)
        write_report(folder, results, len(splits))
    return results


def _judged(run: Path, made_of: Mapping[str, Any]) -> list[Scores] | None:
    """The scores of a fold that is done with this very recipe and these very cases."""
    try:
        content = json.loads((run / JUDGED).read_text(encoding="utf-8"))
        if all(content[name] == value for name, value in made_of.items()):
            return [Scores(**score) for score in content["scores"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # Not done yet, or cut off: train and judge.
    return None


def _shallow(config: TrainingConfig) -> dict[str, Any]:
    return {**asdict(config), "augmentation": config.augmentation}


def write_report(folder: Path, results: Sequence[Sequence[Scores]], folds: int) -> None:
    """Write ``folds.csv``, a line for each test case, and ``folds.md``, means and SD over folds and over cases.

    Args:
        folder: where to.
        results: scores of the folds that are done.
        folds: how many there are to be.

    Raises:
        OutputError: the files cannot be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["fold", "case", *(f"{m}_{c}" for c in CLASSES for m in MEASURES)])
    for number, fold in enumerate(results, start=1):
        for score in fold:
            values = (f"{getattr(score, m)[c]:.4f}" for c in CLASSES for m in MEASURES)
            writer.writerow([number, score.case, *values])
    write_whole(folder / TABLE, stream.getvalue().encode("utf-8"))
    write_whole(folder / REPORT, _markdown(results, folds).encode("utf-8"))


def _markdown(results: Sequence[Sequence[Scores]], folds: int) -> str:
    cases = [score for fold in results for score in fold]
    lines = [
        f"# Cross-validation in {folds} folds",
        "",
        f"{len(results)} of {folds} folds done, {len(cases)} test cases. Each was judged once, by the weights of the "
        "fold that neither trained on it nor chose by it, with the combined algorithm on the whole region.",
        "",
        f"| fold | cases | {' | '.join(f'{c} {words}' for c in CLASSES for words in MEASURES.values())} |",
        f"|---|---|{'---|' * (len(CLASSES) * len(MEASURES))}",
    ]
    for number, fold in enumerate(results, start=1):
        cells = [f"{_mean(_values(fold, m, c)):.3f}" for c in CLASSES for m in MEASURES]
        lines.append(f"| {number} | {len(fold)} | {' | '.join(cells)} |")
    over_folds = [
        _spread([_mean(_values(fold, m, c)) for fold in results]) for c in CLASSES for m in MEASURES
    ]
    over_cases = [_spread(_values(cases, m, c)) for c in CLASSES for m in MEASURES]
    lines.append(f"| mean ± SD of the folds | {len(cases)} | {' | '.join(over_folds)} |")
    lines.append(f"| mean ± SD of the cases | {len(cases)} | {' | '.join(over_cases)} |")
    return "\n".join([*lines, "", NOTICE, ""])


def _values(scores: Sequence[Scores], measure: str, name: str) -> list[float]:
    values = [float(getattr(score, measure)[name]) for score in scores]
    return [value for value in values if value == value]


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else float("nan")


def _spread(values: Sequence[float]) -> str:
    deviation = f"{statistics.stdev(values):.3f}" if len(values) > 1 else "–"
    return f"{_mean(values):.3f} ± {deviation}"
