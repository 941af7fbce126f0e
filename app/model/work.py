"""What the window has done in its worker thread. No Qt here, and the heavy imports only when they are needed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.model import libraries
from app.model.case import Case, CaseLabels, organs_missing
from app.model.looked import Looked, looked_at
from spinect_core.base.errors import ReadingError, SegmentationError, SpinectError, UsageError
from spinect_core.base.progress import Cancel, Progress, check, part_of
from spinect_core.image.organs import OrganOrigin

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pyvista import PolyData

    from app.model.comparing import Comparison
    from app.model.picking import SurfacePicker
    from spinect_core.anatomy.landmarks import Landmarks
    from spinect_core.base.arrays import FloatArray
    from spinect_core.base.words import Guidance
    from spinect_core.geometry.view import View
    from spinect_core.geometry.zone import Zone
    from spinect_core.image.organs import Organ, Organs
    from spinect_core.image.region import Region
    from spinect_core.image.volume import Labels
    from spinect_core.io.reading.label_layers import LabelSet
    from spinect_core.io.reading.label_names import Meaning
    from spinect_core.io.reading.series import Series
    from spinect_core.pipeline.loaded_labels import LoadedLabels
    from spinect_core.pipeline.planner import Planner
    from spinect_core.pipeline.replanning import Planned
    from spinect_core.pipeline.seen import Seen
    from spinect_core.plan.records import NeedleRecord, Planning, RootRecord
    from spinect_core.planning.needle.needle import Needle
    from spinect_core.planning.needle.safety import Clearance
    from spinect_core.planning.results import CasePlan, NeedlePlan
    from spinect_core.planning.rules import Rules
    from spinect_core.planning.zones.window import Sight
    from spinect_core.surfaces import SurfaceProcess, Surfaces, SurfacesHere


@dataclass(frozen=True)
class Found:
    """Several series to choose from.

    Attributes:
        path: where they were found.
        series: all of them, loadable or not.
        best: key of the one that is plainly the best CT; empty if several are as good.
    """

    path: Path
    series: list[Series]
    best: str = ""


@dataclass(frozen=True)
class Doubtful:
    """A CT whose numbers do not look like Hounsfield units: the user has to say whether to take them for such.

    Attributes:
        fault: why they do not.
        series: the one to open if so; None for the best one under the path.
    """

    fault: ReadingError
    series: Series | None = None


@dataclass(frozen=True)
class Options:
    """How to segment.

    Attributes:
        engine: auto, tensorflow or openvino.
        device: auto, gpu or cpu.
        mode: paper, fast or thorough.
    """

    engine: str = "auto"
    device: str = "auto"
    mode: str = "thorough"


@dataclass(frozen=True, eq=False)
class NamedOrgans:
    """What the organ network found, with what the views need of it.

    Attributes:
        organs: None where it failed.
        meshes: their surfaces.
        fault: why it failed, as a sentence; empty otherwise.
    """

    organs: Organs | None
    meshes: Mapping[Organ, PolyData] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, eq=False)
class Segmented:
    """A finished segmentation with all that the views need.

    Attributes:
        case: the case it was made from.
        segmentation: its labels and what ran.
        surfaces: bone and nerve.
        picker: search trees over the surfaces.
        seconds: of the surfaces.
        named: what the organ network found; None where it was not asked.
    """

    case: Case
    segmentation: CaseLabels
    surfaces: Surfaces
    picker: SurfacePicker
    seconds: float
    named: NamedOrgans | None = None


def open_path(
    path: Path,
    progress: Progress,
    cancel: Cancel,
    plan: Case | None = None,
    assume_hu: bool = False,
) -> Case | Found | Doubtful:
    """Read a CT, or return the series to choose from if the choice is not plain.

    Args:
        path: file or folder.
        progress: receives the part done.
        cancel: looked at between the stages.
        plan: the case that is open without its CT, if there is one.
        assume_hu: take the numbers for Hounsfield units whatever they look like.
    """
    libraries.load()
    from spinect_core.io.reading import ReadOptions, list_series, read_ct
    from spinect_core.io.reading.choosing import choose

    options = ReadOptions(assume_hu=assume_hu)
    series = list_series(path, options=options, progress=part_of(progress, 0.0, 0.4), cancel=cancel)
    check(cancel)
    possible = [each for each in series if each.loadable or each.offered]
    if len(possible) == 1 and possible[0].loadable:
        return open_series(path, possible[0], part_of(progress, 0.4, 1.0), cancel, plan, assume_hu)
    if not possible:
        rest = part_of(progress, 0.4, 1.0)
        try:
            read_ct(path, options=options, progress=rest, cancel=cancel)  # raises, and says of what and why
        except ReadingError as error:
            return _doubtful(error)
    try:
        best = choose(series, None, path).key
    except ReadingError:
        best = ""
    return Found(path, series, best)


def _doubtful(error: ReadingError, series: Series | None = None) -> Doubtful:
    """The question whether to read a CT all the same.

    Raises:
        ReadingError: there is no such question, the CT cannot be read.
    """
    from spinect_core.io.reading.options import ASSUME_HU

    if error.parameter != ASSUME_HU:
        raise error
    return Doubtful(error, series)


def open_series(
    path: Path,
    series: Series,
    progress: Progress,
    cancel: Cancel,
    plan: Case | None = None,
    assume_hu: bool = False,
) -> Case | Doubtful:
    """Read one series and find the lumbosacral region in it.

    If it is the CT of the plan that is open without it, the plan's labels come with it instead. Several series that
    make one volume are joined: choosing that line of the list asks for it.
    """
    from app.model.plan_files import with_ct
    from spinect_core.io.reading import ReadOptions, read_series
    from spinect_core.plan.plan import Case as Facts
    from spinect_core.preprocessing import find_lumbosacral_region

    started = time.monotonic()
    options = ReadOptions(assume_hu=assume_hu, join_series=series.offered)
    try:
        volume = read_series(series, options=options, progress=part_of(progress, 0.0, 0.85), cancel=cancel)
    except ReadingError as error:
        return _doubtful(error, series)
    seconds = time.monotonic() - started
    check(cancel)
    facts = None
    if plan is not None and plan.facts is not None:
        progress(0.86, "comparing with the plan")
        facts = Facts.of(volume)
        if facts.same_ct(plan.facts):
            return Case(volume, path, segmentation=with_ct(plan, volume), facts=plan.facts)
    progress(0.88, "finding the lumbosacral region")
    region: Region | None
    try:
        region = find_lumbosacral_region(volume)
    except SpinectError:
        region = None  # a CT is worth looking at even if L5/S1 is not in it; segmenting will say so
    check(cancel)
    progress(1.0, "CT read")
    return Case(volume, path, region, facts=facts, timings={"reading": seconds})


def ct_of_plan(path: Path, plan: Case, progress: Progress, cancel: Cancel) -> Case | str:
    """The CT of a plan that is open without it, known by its content among all that lies where it was.

    Args:
        path: file or folder, which may hold several CTs.
        plan: the case.
        progress: receives the part done.
        cancel: looked at between the CTs.

    Returns:
        The case with its CT; a sentence that says why there is none, and what to do.
    """
    libraries.load()
    from app.model.plan_files import with_ct
    from spinect_core.io.reading import ReadOptions, list_series, read_series
    from spinect_core.plan.plan import Case as Facts

    assert plan.facts is not None  # a plan knows its CT
    try:
        every = list_series(path, progress=part_of(progress, 0.0, 0.3), cancel=cancel)
    except ReadingError as error:
        return f"{error.fault}. {error.remedy}."
    shapes = (None, plan.facts.shape)
    possible = [each for each in every if (each.loadable or each.offered) and each.shape in shapes]
    faults = []
    for number, each in enumerate(possible):
        share = part_of(
            progress, 0.3 + 0.7 * number / len(possible), 0.3 + 0.7 * (number + 1) / len(possible)
        )
        try:
            options = ReadOptions(join_series=each.offered)
            volume = read_series(each, options=options, progress=share, cancel=cancel)
        except ReadingError as error:
            faults.append(error)
            continue
        if Facts.of(volume).same_ct(plan.facts):
            return Case(volume, path, segmentation=with_ct(plan, volume), facts=plan.facts)
    if faults and len(faults) == len(possible):
        return f"{faults[0].fault}. {faults[0].remedy}."
    if len(every) > 1:
        return f"None of the {len(every)} series there is the CT of this plan any more."
    return "It is not the CT of this plan any more."


def segment_case(case: Case, options: Options, progress: Progress, cancel: Cancel) -> Segmented:
    """Segment the case's region, name its organs unless masks did, each in a child process, and build the surfaces."""
    from spinect_core.segmentation import segment
    from spinect_core.surfaces import surface_maker

    assert case.volume is not None  # nothing is segmented without its CT
    # A process's libraries are loaded by the time the labels are there.
    with surface_maker(case.volume.array.size) as maker:
        segmentation = segment(
            case.volume,
            region=case.region,
            engine=options.engine,
            device=options.device,
            mode=options.mode,
            progress=part_of(progress, 0.0, 0.82),
            cancel=cancel,
        )
        check(cancel)
        named = None
        if case.organs is None or case.organs.origin != OrganOrigin.MASKS:
            named = organs_of(case, options, part_of(progress, 0.82, 0.88), cancel)
        made = surfaces_of(case, CaseLabels.of(segmentation), maker, part_of(progress, 0.88, 1.0), cancel)
        return replace(made, named=named)


def organs_of(case: Case, options: Options, progress: Progress, cancel: Cancel) -> NamedOrgans:
    """What the organ network finds about the case's region; or why it finds nothing."""
    libraries.load()
    from spinect_core.pictures.organ_meshes import organ_meshes
    from spinect_core.segmentation import organs

    assert case.volume is not None  # organs are looked for in a CT
    try:
        found = organs.find_organs(
            case.volume,
            region=case.region,
            engine=options.engine,
            device=options.device,
            progress=part_of(progress, 0.0, 0.9),
            cancel=cancel,
        )
    except SegmentationError as error:
        return NamedOrgans(
            None, fault=f"The organ network found no organs, which are therefore not known: {error}"
        )
    progress(0.9, "surfaces of the organs")
    return NamedOrgans(found, organ_meshes(found, cancel))


def surfaces_of(
    case: Case,
    segmentation: CaseLabels,
    maker: SurfaceProcess | SurfacesHere,
    progress: Progress,
    cancel: Cancel,
) -> Segmented:
    """Surfaces and search trees of a segmentation."""
    from app.model.picking import SurfacePicker

    started = time.monotonic()
    surfaces = maker.build(segmentation.labels_1mm, progress=progress, cancel=cancel)
    picker = SurfacePicker({"bone": surfaces.bone, "nerve": surfaces.nerve})
    check(cancel)
    return Segmented(case, segmentation, surfaces, picker, time.monotonic() - started)


@dataclass(frozen=True, eq=False)
class FoundTrajectories:
    """What was found in a case.

    Attributes:
        planner: the case, ready to be planned again.
        seen: the planning, and what was seen of it.
        looked: at its zones, by the identity of what was computed for each.
    """

    planner: Planner
    seen: Seen
    looked: dict[int, Looked]

    @classmethod
    def by(cls, planner: Planner, seen: Seen) -> FoundTrajectories:
        """By this planner."""
        return cls(planner, seen, looked_at(planner, seen))

    @property
    def planned(self) -> Planned:
        """The planning."""
        return self.seen.planned


def load_organs(
    case: Case, path: Path, progress: Progress, cancel: Cancel
) -> tuple[Organs, Mapping[Organ, PolyData]]:
    """The organs of a case's CT, from masks of another program, and their surfaces; those of another CT are refused."""
    libraries.load()
    from spinect_core.io.reading import read_organs
    from spinect_core.pictures.organ_meshes import organ_meshes

    assert case.volume is not None  # masks are compared with the CT
    organs = read_organs(path, case.volume, progress=part_of(progress, 0.0, 0.8), cancel=cancel)
    progress(0.8, "surfaces of the organs")
    return organs, organ_meshes(organs, cancel)


def read_elsewhere(case: Case, path: Path, progress: Progress, cancel: Cancel) -> LabelSet:
    """The segments of a file of labels that were made elsewhere; those of another CT are refused."""
    libraries.load()
    from spinect_core.io.reading.label_sets import read_label_set

    assert case.volume is not None  # labels are put on the CT
    return read_label_set(path, case.volume, progress=progress, cancel=cancel)


def take_elsewhere(
    case: Case,
    found: LabelSet,
    meanings: Sequence[Meaning],
    path: Path,
    progress: Progress,
    cancel: Cancel,
) -> Segmented:
    """Labels that were made elsewhere on a case's CT, once it is said what they are, and all that the views need.

    Args:
        case: whose CT they are of.
        found: what their file holds.
        meanings: of each segment.
        path: of the file, for messages.
        progress: receives the part done.
        cancel: looked at between the steps.
    """
    libraries.load()
    from spinect_core.pictures.organ_meshes import organ_meshes
    from spinect_core.surfaces import surface_maker

    assert case.volume is not None  # as above
    with surface_maker(case.volume.array.size) as maker:
        loaded = _put_on(case, found, meanings, path, part_of(progress, 0.0, 0.5), cancel)
        named = None
        if loaded.organs is not None:
            progress(0.5, "surfaces of the organs")
            named = NamedOrgans(loaded.organs, organ_meshes(loaded.organs, cancel))
        made = surfaces_of(case, CaseLabels.loaded(loaded), maker, part_of(progress, 0.6, 1.0), cancel)
        return replace(made, named=named)


def _put_on(
    case: Case,
    found: LabelSet,
    meanings: Sequence[Meaning],
    path: Path,
    progress: Progress,
    cancel: Cancel,
) -> LoadedLabels:
    """Segments as labels of the case's CT, within its region where that was recognised."""
    from spinect_core.pipeline.loaded_labels import put_on

    assert case.volume is not None  # labels are put on the CT
    region = case.region if case.region is not None and case.region.found else None
    return put_on(found, meanings, case.volume, path, region=region, progress=progress, cancel=cancel)


def compare_with(
    case: Case,
    found: LabelSet,
    meanings: Sequence[Meaning],
    path: Path,
    moment: int,
    progress: Progress,
    cancel: Cancel,
) -> Comparison:
    """Compare a case's labels with others of its CT.

    Args:
        case: with labels and surfaces.
        found: what the file of the others holds.
        meanings: of each segment.
        path: of the file, for messages.
        moment: of the case's labels.
        progress: receives the part done.
        cancel: looked at between the steps.
    """
    libraries.load()
    from spinect_core.surfaces import surface_maker

    assert case.volume is not None  # labels are put on the CT
    with surface_maker(case.volume.array.size) as maker:
        loaded = _put_on(case, found, meanings, path, part_of(progress, 0.0, 0.4), cancel)
        surfaces = maker.build(loaded.labels_1mm, progress=part_of(progress, 0.4, 0.7), cancel=cancel)
    return _compared(case, loaded.labels, surfaces, moment, part_of(progress, 0.7, 1.0), cancel)


def compare_again(
    case: Case, before: Comparison, moment: int, progress: Progress, cancel: Cancel
) -> Comparison:
    """Compare a case's labels with the same others as before."""
    return _compared(case, before.labels, before.surfaces, moment, progress, cancel)


def _compared(
    case: Case, other: Labels, surfaces: Surfaces, moment: int, progress: Progress, cancel: Cancel
) -> Comparison:
    from app.model.comparing import Comparison
    from spinect_core.pipeline.comparing import compared

    # nothing is compared without labels and surfaces
    assert case.labels is not None
    assert case.surfaces is not None
    found = compared(case.labels, case.surfaces, other, surfaces, progress=progress, cancel=cancel)
    return Comparison(other, surfaces, found, moment)


def find_trajectories(
    case: Case,
    planner: Planner | None,
    before: Planning,
    level: tuple[str, int | None],
    progress: Progress,
    cancel: Cancel,
    *,
    rules: Rules,
    guidance: Guidance,
) -> FoundTrajectories:
    """The trajectories of a level, the case made ready for planning, and what was seen of its zones.

    Args:
        case: segmented.
        planner: the case made ready, if it was before.
        before: the planning so far.
        level: its name, and the shift of the numbering by the user (None where the user has not said).
        progress: receives the part done.
        cancel: asked often.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.

    Raises:
        UsageError: those before were kept from organs that are not known now.
    """
    from spinect_core.pipeline.planner import planner_for

    if before.organs is not None and organs_missing(case, before):
        first = "Open the CT, then choose" if case.volume is None else "Choose"
        raise UsageError(
            f"The trajectories so far were kept from organs, named by {before.organs.source}, which are not known now",
            f"{first} File > Find organs, or load the masks again; File > Remove organs plans without them",
        )

    name, shift = level
    rest = part_of(progress, 0.05, 1.0)
    if planner is not None and (planner.rules, planner.guidance) == (rules, guidance):
        return FoundTrajectories.by(
            planner, planner.plan_again(before, name, shift, progress=rest, cancel=cancel)
        )
    progress(0.0, "preparing bone and nerve")
    # no trajectories are looked for without labels and surfaces
    assert case.segmentation is not None
    assert case.surfaces is not None
    grid = case.facts.geometry if case.volume is None and case.facts is not None else None
    known = case.segmentation.uncertainty(grid if case.volume is None else case.volume.geometry)
    made = planner_for(
        case.segmentation.labels_1mm,
        case.surfaces,
        case.volume,
        uncertainty=known,
        rules=rules,
        guidance=guidance,
        organs=case.organs,
    )
    try:
        made.make_ready(part_of(progress, 0.0, 0.05), cancel)
        return FoundTrajectories.by(made, made.plan_again(before, name, shift, progress=rest, cancel=cancel))
    except BaseException:
        made.close()  # nobody else knows it
        raise


def place_needle(
    planner: Planner,
    landmarks: Landmarks,
    sight: Sight,
    view: View,
    planning: Planning,
    target: FloatArray | None,
    progress: Progress,
    cancel: Cancel,
) -> NeedlePlan:
    """One more needle of the user's for a planning."""
    progress(0.1, "distances, tolerance and risk")
    return planner.own_needle(landmarks, sight, view, planning, target, cancel=cancel)


def measure_needle(
    planner: Planner,
    landmarks: Landmarks,
    zone: Zone | None,
    needle: Needle,
    progress: Progress,
    cancel: Cancel,
) -> tuple[NeedleRecord, Clearance]:
    """The record of a needle with all that is measured along it, and the distances along it."""
    from spinect_core.plan.build import needle_record

    progress(0.1, "distances, tolerance and risk")
    made = planner.measured(landmarks, zone, needle, cancel=cancel)
    return needle_record(made), made.clearance


def cut_along(
    case: Case,
    needle: Needle,
    roots: tuple[RootRecord, ...],
    lumbar: int | None,
    progress: Progress,
    cancel: Cancel,
) -> npt.NDArray[np.uint8]:
    """The picture of the CT in the oblique plane of a needle with the gaps of the roots, uint8 RGB."""
    from spinect_core.pictures.needle_plane import needle_plane_picture
    from spinect_core.plan.gap_lines import gap_lines
    from spinect_core.plan.wording import count_caption

    progress(0.1, "the oblique plane")
    assert case.volume is not None  # nothing is cut without its CT
    assert case.segmentation is not None
    # The labels the needle was planned on: those of thick slices show steps that are not there.
    labels = case.segmentation.labels_1mm
    picture = needle_plane_picture(
        case.volume, labels, needle, case.warnings, gap_lines(roots), count_caption(lumbar), case.organs
    )
    check(cancel)
    return picture


def move_landmark(
    planner: Planner,
    plan: CasePlan,
    before: Planning,
    name: str,
    point: FloatArray,
    progress: Progress,
    cancel: Cancel,
) -> FoundTrajectories:
    """The planning with a landmark at another place, and what was seen of its zones."""
    seen = planner.plan_with_landmark(plan, before, name, point, progress=progress, cancel=cancel)
    return FoundTrajectories.by(planner, seen)
