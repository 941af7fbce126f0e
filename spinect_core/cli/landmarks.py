"""``spinect landmarks``: which level is which, how sure that is, and where its landmarks are."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.base.versions import NOTICE
from spinect_core.cli.parser import (
    Commands,
    a_path,
    add_command,
    add_ct_options,
    add_level,
    add_lumbar,
    add_quiet,
    add_segmentation_options,
    add_shift,
    read_options,
    region_of,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import say_warnings
from spinect_core.image.warning import joined

if TYPE_CHECKING:
    from spinect_core.anatomy.landmarks import Landmarks
    from spinect_core.image.volume import Labels
    from spinect_core.image.warning import ReadingWarning

SUFFIX = ".json"

DESCRIPTION = """\
Finds a level and its landmarks and writes them as JSON: the discs that may be L5/S1, each with what speaks for and
against it; the doubts in words; the landmarks in LPS mm, each with the chance that it lies within 3 mm of its place.
From labels of bone and nerve (0 background, 1 bone, 2 nerve) at once, from a CT after segmenting it."""

EXAMPLES = """\
  spinect landmarks o/labels.nii.gz --out landmarks.json
  spinect landmarks scans/ct --out landmarks.json --mode fast
  spinect landmarks o/labels.nii.gz --out landmarks.json --shift 0
  spinect landmarks o/labels.nii.gz --out landmarks.json --lumbar 6"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "landmarks", "the level and its landmarks", DESCRIPTION, EXAMPLES)
    add_ct_options(parser)
    parser.add_argument("--out", metavar="FILE", type=a_path, required=True, help="the landmarks: .json")
    add_level(parser)
    add_shift(parser)
    add_lumbar(parser)
    add_segmentation_options(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Find the landmarks, write them, and say what was found."""
    out: Path = options.out
    # Before the minutes of work, not after them.
    if out.suffix.lower() != SUFFIX:
        raise UsageError("Landmarks are not written under such a name", f"Use one that ends in {SUFFIX}", out)
    with reporting("landmarks", quiet=options.quiet) as progress:
        from spinect_core.anatomy.landmarks import find_landmarks
        from spinect_core.anatomy.levels import check_count, level_of
        from spinect_core.base.files import write_whole

        level_of(options.level, options.lumbar)
        check_count(options.lumbar, options.shift)
        labels, warnings = _labels(options, part_of(progress, 0.0, 0.7), cancel)
        found = find_landmarks(
            labels,
            level=options.level,
            shift=options.shift,
            lumbar=options.lumbar,
            progress=part_of(progress, 0.7, 1.0),
            cancel=cancel,
        )
        text = json.dumps(record(found), indent=2, ensure_ascii=False)
        write_whole(out, (text + "\n").encode("utf-8"))
    say_warnings(warnings)
    print("\n".join(_sentences(found, out)))
    return 0


def _labels(
    options: argparse.Namespace, progress: Progress, cancel: Cancel
) -> tuple[Labels, tuple[ReadingWarning, ...]]:
    """The labels on a grid of 1 mm: those of the file, or those of the CT that it is."""
    from spinect_core.io.reading import read_ct, read_labels
    from spinect_core.plan.label_warnings import warnings_of_labels
    from spinect_core.preprocessing.grid import GRID_MM, on_regular_grid

    try:
        labels = read_labels(options.ct)
    except ReadingError:
        # It is no label file; if it is no CT either, reading says what is wrong with it.
        pass
    else:
        return on_regular_grid(labels, GRID_MM), joined(labels.warnings, warnings_of_labels(options.ct))
    from spinect_core.segmentation import segment

    volume = read_ct(
        options.ct,
        series=options.series,
        options=read_options(options),
        progress=part_of(progress, 0.0, 0.1),
        cancel=cancel,
    )
    segmentation = segment(
        volume,
        region=region_of(options),
        engine=options.engine,
        device=options.device,
        mode=options.mode,
        weights=options.weights,
        progress=part_of(progress, 0.1, 1.0),
        cancel=cancel,
    )
    return segmentation.labels_1mm, volume.warnings


def record(found: Landmarks) -> dict[str, Any]:
    """What the file holds."""
    from spinect_core.plan.wording import count_words, place_words, sentences

    doubts = found.level_doubts
    return {
        "notice": NOTICE,
        "frame": "LPS, mm",
        "level": found.level,
        "certain": not doubts,
        "confirmed_by_user": found.confirmed,
        "shift_by_user": found.shift or 0,
        "lumbar_vertebrae_by_user": found.lumbar,
        "called": f"{place_words(found.level, found.lumbar)}; {count_words(found.lumbar)}",
        "doubts": list(sentences(doubts)),
        "notes": list(sentences(tuple(note for note in found.notes if note not in doubts))),
        "bone_overlap": round(found.bone_overlap, 4),
        "hypotheses": [
            {
                "level": one.level,
                "shift_if_this_is_l5_s1": one.shift,
                "point_lps_mm": [round(value, 2) for value in one.point],
                "score": round(one.score, 3),
                "cues": {name: round(value, 3) for name, value in one.cues.items()},
            }
            for one in found.hypotheses
        ],
        "landmarks": [
            {
                "name": name,
                "point_lps_mm": [round(float(value), 2) for value in point],
                "confidence": round(found.confidence(name), 3),
            }
            for name, point in found.points.items()
        ],
    }


def _sentences(found: Landmarks, out: Path) -> list[str]:
    from spinect_core.plan.wording import count_words, place_words, sentences

    named = f"{place_words(found.level, found.lumbar)}; {count_words(found.lumbar)}"
    lines = [f"landmarks {out}", f"level     {named}"]
    for one in found.hypotheses:
        cues = ", ".join(f"{name} {value:.2f}" for name, value in one.cues.items())
        lines.append(f"disc      {one.level}: score {one.score:.2f} as the lumbosacral level ({cues})")
    lines += [f"doubt     {each}" for each in sentences(found.level_doubts)]
    lines += [
        f"note      {each}" for each in sentences(found.notes) if each not in sentences(found.level_doubts)
    ]
    return [*lines, NOTICE]
