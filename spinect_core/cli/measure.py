"""``spinect measure``: the free window of a triangle in a view of one's own."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spinect_core.base.progress import Cancel
from spinect_core.base.versions import NOTICE
from spinect_core.cli.parser import Commands, a_path, add_command, add_level, add_lumbar, add_quiet, add_shift
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json, say_warnings
from spinect_core.image.warning import joined, warning_lines

if TYPE_CHECKING:
    from spinect_core.pipeline.from_labels import Measurement

DESCRIPTION = """\
Measures a triangle at L5/S1 (or another level that the labels hold) along a line of sight: what bone and nerve leave
free of it (the free window, mm²), the largest circle and the largest triangle in that window; where a needle does not
fit, what blocks it. The labels are those of `spinect segment` or `spinect plan`: 0 background, 1 bone, 2 nerve."""

EXAMPLES = """\
  spinect measure --labels o/labels.nii.gz --oblique 27 --tilt -12 --side left --triangle kambin
  spinect measure --labels seg.nii.gz --oblique 35 --side right --triangle safe --json
  spinect measure --labels seg.nii.gz --oblique 40 --tilt 20 --side left --triangle kambin --version neural"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "measure", "a triangle's free window in any view", DESCRIPTION, EXAMPLES)
    parser.add_argument("--labels", metavar="F", type=a_path, required=True, help="labels of bone and nerve")
    parser.add_argument("--side", choices=("left", "right"), required=True, help="the patient's side")
    parser.add_argument("--triangle", choices=("kambin", "safe"), required=True, help="which triangle")
    parser.add_argument(
        "--version",
        choices=("bony", "neural"),
        default="bony",
        help="Kambin's height: the articular process (bony, default) or the dura (neural)",
    )
    parser.add_argument(
        "--oblique", metavar="DEG", type=float, required=True, help="towards the triangle's own side"
    )
    parser.add_argument(
        "--tilt", metavar="DEG", type=float, default=0.0, help="positive towards the head, negative the feet"
    )
    add_level(parser)
    add_shift(parser)
    add_lumbar(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Measure and print."""
    with reporting("measure", quiet=options.quiet) as progress:
        from spinect_core.base.errors import MeasurementError
        from spinect_core.geometry.view import View
        from spinect_core.io.reading import read_labels
        from spinect_core.pipeline.from_labels import measure
        from spinect_core.plan.label_warnings import warnings_of_labels

        labels = read_labels(options.labels)
        warnings = joined(labels.warnings, warnings_of_labels(options.labels))
        try:
            found = measure(
                labels,
                View.oblique(options.side, options.oblique, options.tilt),
                side=options.side,
                kind=options.triangle,
                version=options.version,
                level=options.level,
                shift=options.shift,
                lumbar=options.lumbar,
                progress=progress,
                cancel=cancel,
            )
        except MeasurementError as error:
            raise MeasurementError(error.fault, error.remedy, options.labels) from error
    result = {**_result(found), "warnings": [asdict(each) for each in warnings]}
    if options.json:
        say_warnings(warnings)
        print_json(result)
    else:
        print("\n".join(_sentences(result, warning_lines(warnings))))
    return 0


def _result(found: Measurement) -> dict[str, Any]:
    from spinect_core.base.words import Author
    from spinect_core.plan.build import window_record
    from spinect_core.plan.wording import closing_words, sentences

    fitted = found.fitted
    return {
        "notice": NOTICE,
        "triangle": found.zone.name,
        "level": found.landmarks.level,
        "lumbar_vertebrae_by_user": found.landmarks.lumbar,
        "confidence": found.zone.confidence,
        "window": window_record(found.window, author=Author.USER).to_dict(),
        "fitted": None
        if fitted is None
        else {
            "area_mm2": fitted.triangle.area_mm2,
            "edges_mm": dict(fitted.edges_mm),
            "right_angle_deg": fitted.right_angle_deg,
            "vertices_lps_mm": fitted.triangle.vertices.tolist(),
        },
        "closed_by": None if found.closing is None else closing_words(found.closing),
        "notes": list(sentences(found.notes)),
    }


def _sentences(result: dict[str, Any], warnings: tuple[str, ...] = ()) -> list[str]:
    from spinect_core.plan.wording import count_words, place_words

    window, fitted, lumbar = result["window"], result["fitted"], result["lumbar_vertebrae_by_user"]
    lines = [
        f"triangle  {result['triangle']}, {result['level']}, confidence {result['confidence']:.2f}",
        f"level     {place_words(result['level'], lumbar)}; {count_words(lumbar)}",
        f"view      {window['view']['words']}",
        f"window    {window['area_mm2']:.1f} mm² open of {window['zone_area_mm2']:.1f} mm²",
        f"circle    diameter {2 * window['circle_radius_mm']:.1f} mm",
    ]
    if fitted is not None:
        edges = ", ".join(f"{name} {mm:.1f} mm" for name, mm in fitted["edges_mm"].items())
        lines.append(f"fitted    {fitted['area_mm2']:.1f} mm² ({edges})")
    if result["closed_by"] is not None:
        lines.append(f"needle    {result['closed_by']}")
    lines += [f"warning   {line}" for line in warnings]
    lines += [f"note      {note}" for note in result["notes"]]
    return [*lines, result["notice"]]
