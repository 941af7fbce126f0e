"""``spinect fluoroscopy``: what a C-arm would show of a CT in some views, with a planned needle on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import OutputError, PlanError, UsageError
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.base.versions import NOTICE
from spinect_core.base.words import DetectorSide, values
from spinect_core.cli.parser import (
    Commands,
    Parser,
    a_path,
    add_command,
    add_ct_options,
    add_quiet,
    read_options,
)
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import say_warnings
from spinect_core.image.warning import joined

if TYPE_CHECKING:
    from spinect_core.geometry.view import View
    from spinect_core.image.volume import Volume
    from spinect_core.pictures.fluoroscopy import Exposure, Fluoroscope, Marks, ScottyDog
    from spinect_core.plan.document import Document
    from spinect_core.plan.wording import Trajectory

SUFFIX = ".png"

DESCRIPTION = """\
Computes what a C-arm would show of a CT (a digitally reconstructed radiograph) and writes it as one picture. With a
plan of that CT, a needle of it is in the middle: along the needle, from behind and from its side, with needle and
triangle drawn in, and with --outline the Scotty dog of the vertebra above. Beyond the CT nothing attenuates; where a
view misses much of the patient for that, the picture is hatched."""

EXAMPLES = """\
  spinect fluoroscopy scans/ct --plan plans/case1 --out drr.png
  spinect fluoroscopy scans/ct --plan case.spinect --needle "left safe" --outline --out drr.png
  spinect fluoroscopy ct.nii.gz --view "left oblique 30" --view "from behind" --target -4 8 -4 --out drr.png
  spinect fluoroscopy ct.nii.gz --view "left lateral" --detector opposite --field 150 --bright-bone --out drr.png"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "fluoroscopy", "what a C-arm would show", DESCRIPTION, EXAMPLES)
    add_ct_options(parser)
    parser.add_argument("--out", metavar="FILE", type=a_path, required=True, help="the picture: .png")
    parser.add_argument(
        "--plan",
        metavar="PLAN",
        type=a_path,
        help="a plan of this CT: its folder, plan.json or .spinect file",
    )
    parser.add_argument(
        "--needle",
        metavar="NAME",
        help='which of its needles, such as "left safe"; default: the recommended one to look at first, or where none '
        "is recommended the first",
    )
    parser.add_argument(
        "--outline",
        action="store_true",
        help="outline the Scotty dog in oblique views, from the plan's labels; takes some seconds",
    )
    parser.add_argument(
        "--view",
        metavar="WORDS",
        action="append",
        default=[],
        help='such as "left oblique 27, caudal 12"; may be given several times; default: along the needle, from behind '
        "and from its side",
    )
    parser.add_argument(
        "--target",
        nargs=3,
        type=float,
        metavar=("X", "Y", "Z"),
        help="the middle of the picture, LPS mm; default: the needle's target, or the middle of the CT",
    )
    _add_fluoroscope(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def _add_fluoroscope(parser: Parser) -> None:
    parser.add_argument(
        "--detector",
        choices=values(DetectorSide),
        default=DetectorSide.AT_VIEWER.value,
        help="at-viewer: above a prone patient (default); opposite: the X-ray source is above him",
    )
    parser.add_argument(
        "--source-target", metavar="MM", type=float, default=650.0, help="from source to target (default 650)"
    )
    parser.add_argument(
        "--source-detector",
        metavar="MM",
        type=float,
        default=1020.0,
        help="from source to detector (default 1020)",
    )
    parser.add_argument(
        "--field", metavar="MM", type=float, default=200.0, help="edge of the detector's field (default 200)"
    )
    parser.add_argument("--bright-bone", action="store_true", help="bone bright, as on a film")


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Compute the picture, write it, and say what it shows."""
    out: Path = options.out
    # Before the work, not after it.
    if out.suffix.lower() != SUFFIX:
        raise OutputError(f"Pictures are not written as {out.suffix or 'this'}", f"Use {SUFFIX}", out)
    with reporting("fluoroscopy", quiet=options.quiet) as progress:
        from spinect_core.geometry.view import View
        from spinect_core.io.reading import read_ct
        from spinect_core.pictures import save_picture
        from spinect_core.pictures.fluoroscopy import Attenuation, Fluoroscope, fluoroscopy_picture

        views = [View.parse(words) for words in options.view]
        device = Fluoroscope(
            options.source_target, options.source_detector, options.field, detector=options.detector
        )
        document = _document(options)
        current = None if document is None else _trajectory(document, options)
        volume = read_ct(
            options.ct,
            series=options.series,
            options=read_options(options),
            progress=part_of(progress, 0, 0.4),
            cancel=cancel,
        )
        if document is not None and not document.matches(volume):
            raise PlanError("The plan was made on another CT", "Give the CT it belongs to", options.plan)
        marks = _marks(document, current, options, part_of(progress, 0.4, 0.7), cancel)
        exposures = _exposures(views, device, current, volume, options)
        attenuation = Attenuation.of(volume, progress=part_of(progress, 0.7, 0.9), cancel=cancel)
        known = () if document is None else document.plan.case.reading_warnings
        warnings = joined(volume.warnings, known)
        picture = fluoroscopy_picture(
            attenuation,
            exposures,
            marks,
            title="" if current is None else current.called,
            withheld="" if current is None else current.withheld_text,
            warnings=warnings,
            bright_bone=options.bright_bone,
        )
        save_picture(picture, out)
        progress(1.0, "picture written")
    say_warnings(warnings)
    print("\n".join(_sentences(out, exposures, current, marks.dog)))
    return 0


def _document(options: argparse.Namespace) -> Document | None:
    """The plan, with its labels where it has any."""
    from spinect_core.plan.document import Document, naming_only, read_document
    from spinect_core.plan.folder import DOCUMENT_FILE, PLAN_FILE
    from spinect_core.plan.plan import read_plan

    path: Path | None = options.plan
    if path is None:
        if options.needle is not None or options.outline:
            raise UsageError(
                "There is no plan to take needle or outline from",
                "Give the plan of this CT",
                parameter="plan",
            )
        return None
    if path.is_dir():
        path = path / DOCUMENT_FILE if (path / DOCUMENT_FILE).exists() else path / PLAN_FILE
    if path.suffix.lower() == Path(DOCUMENT_FILE).suffix:
        return read_document(path)
    return Document(naming_only(read_plan(path), ()))


def _trajectory(document: Document, options: argparse.Namespace) -> Trajectory | None:
    """The trajectory of the needle that was asked for; None in a plan without any, where none was."""
    from spinect_core.plan.wording import preferred, trajectories

    able = [each for each in trajectories(document.plan.planning) if each.needle is not None]
    if options.needle is None:
        return preferred(able) or next(iter(able), None)
    wanted = options.needle.strip().casefold()
    found = [each for each in able if wanted and each.called.casefold().startswith(wanted)]
    exact = [each for each in found if wanted in (each.called.casefold(), each.title.casefold())]
    if len(exact) == 1 or len(found) == 1:
        return (exact if len(exact) == 1 else found)[0]
    names = "; ".join(each.called for each in (found or able)) or "the plan holds none"
    fault = "Several needles are called so" if found else "No needle of the plan is called so"
    raise UsageError(fault, f"Choose one of these: {names}", options.needle, parameter="needle")


def _marks(
    document: Document | None,
    current: Trajectory | None,
    options: argparse.Namespace,
    progress: Progress,
    cancel: Cancel,
) -> Marks:
    """Needle, triangle and, where it was asked for, the Scotty dog."""
    from spinect_core.pictures.fluoroscopy import Marks

    if document is None or current is None or current.needle is None:
        return Marks()
    triangles = tuple(
        each
        for each in document.plan.triangles
        if (each.kind, each.side, each.level) == (current.kind, current.side, current.level)
    )
    dog = _dog(document, current, options, progress, cancel) if options.outline else None
    return Marks(current.needle.needle, triangles, dog)


def _dog(
    document: Document,
    current: Trajectory,
    options: argparse.Namespace,
    progress: Progress,
    cancel: Cancel,
) -> ScottyDog:
    from spinect_core.anatomy.landmarks import find_landmarks
    from spinect_core.pictures.fluoroscopy import ScottyDog, bone_surface

    level = document.plan.planning.level
    if document.labels is None or level is None:
        raise PlanError(
            "The plan holds no labels of bone to outline",
            "Give the .spinect file or the folder that `spinect plan` wrote, or do without the outline",
            options.plan,
        )
    landmarks = find_landmarks(
        document.labels,
        level=level.name,
        shift=level.said,
        lumbar=level.lumbar,
        progress=progress,
        cancel=cancel,
    )
    return ScottyDog.of(landmarks, bone_surface(document.labels), current.side)


def _exposures(
    views: list[View],
    device: Fluoroscope,
    current: Trajectory | None,
    volume: Volume,
    options: argparse.Namespace,
) -> tuple[Exposure, ...]:
    import numpy as np

    from spinect_core.geometry.view import View
    from spinect_core.pictures.fluoroscopy import Exposure, tip_views

    needle = None if current is None or current.needle is None else current.needle.needle
    target = volume.geometry.centre if needle is None else np.asarray(needle.target)
    if options.target is not None:
        target = np.asarray(options.target)
    if not views and needle is not None:
        return tip_views(needle.view, needle.side, target, device)
    return tuple(Exposure(view, target, device) for view in views or [View(0.0), View(90.0)])


def _sentences(
    out: Path, exposures: tuple[Exposure, ...], current: Trajectory | None, dog: ScottyDog | None
) -> list[str]:
    from spinect_core.plan.wording import light_text

    lines = [f"picture   {out}"]
    if current is not None:
        lines.append(f"needle    {current.called}")
        if current.withheld_text:
            lines.append(f"          {current.withheld_text}")
        if current.light is not None:
            lines.append(f"light     {light_text(current.light)}")
    for each in exposures:
        lines.append(f"view      {each.view.format(1)}; C-arm {each.c_arm}")
    if dog is not None:
        lines.append(f"outline   {dog.vertebra} {dog.side}" + (f"; {dog.told}" if dog.told else ""))
    return [*lines, NOTICE]
