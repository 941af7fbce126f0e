"""The main job: from a CT on disk to measured triangles, surfaces, pictures and the plan."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from spinect_core.anatomy.levels import LUMBOSACRAL, check_count, level_of
from spinect_core.base.errors import Cancelled, OutputError, SegmentationError, SpinectError, UsageError
from spinect_core.base.files import plain_name
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.opengl import probe_opengl
from spinect_core.base.plain import plain
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.versions import installed_versions
from spinect_core.base.words import SIDES, Guidance, Rule, Side, Tissue, word
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS
from spinect_core.image.region import Region
from spinect_core.image.volume import BONE, NERVE, Labels, Volume
from spinect_core.image.warning import ReadingWarning, joined
from spinect_core.io.writing import write_labels
from spinect_core.plan.folder import (
    BONE_FILE,
    DOCUMENT_FILE,
    LABELS_FILE,
    NERVE_FILE,
    PICTURE_FOLDER,
    PLAN_FILE,
    put_in_place,
    workshop,
)
from spinect_core.plan.plan import Case, Plan, PlanView, write_plan
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import level_caption, result_sentences, sentence, sentences, shown_beside
from spinect_core.surfaces import Surfaces, build_surfaces, write_surface

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs
    from spinect_core.image.probabilities import Probabilities
    from spinect_core.io.reading.options import ReadOptions
    from spinect_core.pipeline.loaded_labels import Elsewhere
    from spinect_core.planning.intervals import Uncertainty
    from spinect_core.planning.results import CasePlan
    from spinect_core.planning.rules import Rules
    from spinect_core.segmentation.run import Segmentation

STANDARD_VIEWS = (
    "from behind",
    "left lateral",
    "right lateral",
    "left oblique 30°",
    "right oblique 30°",
    "from the feet",
)
PICTURE_SIZE = (1000, 800)
SIDE_CHOICES = ("left", "right", "both")
_Result = TypeVar("_Result")


def plan_case(
    path: str | Path,
    out: str | Path,
    *,
    sides: str = "both",
    series: str | None = None,
    options: ReadOptions | None = None,
    region: Region | None = None,
    engine: str = "auto",
    device: str = "auto",
    mode: str = "thorough",
    weights: Path | None = None,
    shift: int | None = None,
    lumbar: int | None = None,
    guidance: str = "ct",
    overrides: Mapping[str, str] | None = None,
    organs: str | Path | None = None,
    organ_network: bool = True,
    labels: Elsewhere | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
    told: Callable[[str], None] | None = None,
) -> Plan:
    """Read a CT, segment it, build surfaces, find the trajectories, draw pictures, and write it all down.

    The folder then holds ``labels.nii.gz`` (on the CT's own grid), ``bone.ply``, ``nerve.ply``, ``views/*.png``,
    ``angle-map-*.csv`` and ``.png``, ``needle-*.png``, ``plan.json``, and ``plan.spinect``, which holds it all in one
    file, and a manifest with their checksums. It changes only when everything is ready: after an error, a stop or a
    power cut it holds the plan from before, or this one.

    Args:
        path: DICOM folder, zip, DICOM, NIfTI, NRRD or MetaImage file.
        out: folder for the results; made if need be. Files of an earlier plan in it are replaced; all others, and
            those changed since, stay, under a new name if theirs is needed.
        sides: "left", "right" or "both": where triangles are wanted.
        series: key of the series, where the path holds several CTs.
        options: what the user decided where reading would rather refuse.
        region: the part to segment; found if not given.
        engine: "auto", "tensorflow" or "openvino".
        device: "auto", "gpu" or "cpu".
        mode: "paper", "fast" or "thorough".
        weights: a weights file instead of the program's own.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        lumbar: how many lumbar vertebrae the user has counted, see there.
        guidance: "ct" or "fluoroscopy": what needles are placed under.
        overrides: rules that do not bar what is recommended, by code, each with the reason; see docs/rules.md.
        organs: masks of organs on this CT, see :func:`spinect_core.io.reading.read_organs`; None without any.
        organ_network: whether the organ network names organs where no masks are given.
        labels: made elsewhere, which take the place of the network's; None to have the network label.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops the job.
        told: called with a sentence on each file in the folder that is not this program's and therefore stays.

    Returns:
        The plan as written.

    Raises:
        SpinectError: of the stage that failed; see there.
        Cancelled: the user stopped it.

    Examples:
        >>> region = Region.around((-4, 8, -4), (110, 90, 80))  # LPS mm; found when not given
        >>> plan = plan_case("assets/demo", "plans/demo", region=region, mode="fast", sides="left")
        >>> [triangle.name for triangle in plan.triangles]
        ['left Kambin triangle L5/S1', 'left safe triangle L5/S1']
        >>> read_plan("plans/demo/plan.json") == plan
        True
    """
    path, out = Path(path), Path(out)
    if sides not in SIDE_CHOICES:
        raise UsageError(f"There is no side {sides!r}", f"Choose {', '.join(SIDE_CHOICES)}", parameter="side")
    under, rules = word(Guidance, guidance, "guidance"), rules_of(overrides or {})
    _refuse_to_replace(path, out)
    # Before the minutes of work, not after them.
    level_of(LUMBOSACRAL, lumbar)
    check_count(lumbar, shift)
    with workshop(out) as folder:
        wish = _Wish(
            sides,
            series,
            options,
            region,
            engine,
            device,
            mode,
            weights,
            shift,
            lumbar,
            rules,
            under,
            None if organs is None else Path(organs),
            organ_network,
            labels,
        )
        plan = _Job(folder, progress, cancel).run(path, wish)
        check(cancel)
        kept = put_in_place(folder, out)
    if told is not None:
        for each in kept.sentences:
            told(each)
    progress(1.0, "plan ready")
    return plan


def rules_of(overrides: Mapping[str, str]) -> Rules:
    """The rules with some of them overridden.

    Args:
        overrides: reasons by the code of the rule.

    Raises:
        UsageError: there is no such rule, it may not be overridden, or there is no reason.
    """
    from spinect_core.planning.rules import Rules

    codes = set(Rule)
    unknown = [code for code in overrides if code not in codes]
    if unknown:
        raise UsageError(f"There is no rule {unknown[0]!r:.60}", "Take a code from docs/rules.md")
    return Rules().overridden({Rule(code): reason for code, reason in overrides.items()})


def plan_approaches(
    labels_1mm: Labels,
    surfaces: Surfaces,
    volume: Volume | None,
    sides: str = "both",
    *,
    shift: int | None = None,
    lumbar: int | None = None,
    uncertainty: Uncertainty | None = None,
    rules: Rules | None = None,
    guidance: Guidance = Guidance.CT,
    organs: Organs | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> tuple[CasePlan | None, tuple[str, ...]]:
    """The planning of L5/S1, and sentences on its worth and on what is missing; None where no level was found.

    Args:
        labels_1mm: on the 1 mm grid of the segmentation.
        surfaces: of these labels.
        volume: the CT, for the skin.
        sides: "left", "right" or "both".
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        lumbar: how many lumbar vertebrae the user has counted, see there.
        uncertainty: how sure the labels are; None where that is not known.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.
        organs: of the CT; None where nobody named any.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.
    """
    # Not at the top: it is heavy, and only this part of the job needs it.
    from spinect_core.planning.level import plan_level
    from spinect_core.planning.room import Room

    wanted = SIDES if sides == "both" else (Side(sides),)
    try:
        room = Room(
            labels_1mm,
            surfaces,
            volume,
            uncertainty=uncertainty,
            rules=rules,
            guidance=guidance,
            organs=organs,
        )
        found = plan_level(room, sides=wanted, shift=shift, lumbar=lumbar, progress=progress, cancel=cancel)
    except Cancelled:
        raise
    except SpinectError as error:
        return None, (sentence(Note.of(NoteCode.NOT_SEARCHED, error=error)),)
    return found, result_sentences(found)


def draw_pictures(
    surfaces: Surfaces,
    triangles: Sequence[Triangle],
    folder: Path,
    *,
    warnings: Sequence[ReadingWarning] = (),
    gaps: Sequence[GapLine] = (),
    title: str = "",
    told: Mapping[str, str] = MappingProxyType({}),
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> tuple[tuple[PlanView, ...], tuple[str, ...]]:
    """A picture of each standard view and of each triangle along its own view.

    Args:
        surfaces: bone and nerve.
        triangles: drawn in every picture of their view; standard views show all.
        folder: where the PNG files go; their paths in the result begin with this folder's name.
        warnings: what reading noticed about the CT; written on every picture.
        gaps: of the roots; drawn in every picture.
        title: under the heading of every picture.
        told: of each triangle, by its name, what is said of its view under the heading of its picture.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at between pictures.

    Returns:
        The views with their pictures, and why there are none on a computer that cannot render.
    """
    wanted = [(name, PRESETS[name], tuple(triangles)) for name in STANDARD_VIEWS]
    wanted += [(triangle.name, triangle.view, (triangle,)) for triangle in triangles]
    opengl = probe_opengl()
    if not opengl.works:
        views = tuple(PlanView(name=name, view=view) for name, view, _ in wanted)
        return views, (sentence(Note.of(NoteCode.NO_PICTURES, fault=opengl.fault)),)
    from spinect_core.pictures import Scene, save_picture

    views_done: list[PlanView] = []
    names: set[str] = set()
    with Scene(surfaces, PICTURE_SIZE, gaps) as scene:
        for number, (name, view, shown) in enumerate(wanted):
            check(cancel)
            progress(number / len(wanted), f"picture {number + 1} of {len(wanted)}")
            frame = scene.frame(view, shown if name not in PRESETS else ())
            file = _file_name(name, names)
            heading = " · ".join(each for each in (title, told.get(name, "")) if each)
            save_picture(scene.annotated(view, shown, frame, heading, warnings), folder / file)
            centre = (float(frame.centre[0]), float(frame.centre[1]), float(frame.centre[2]))
            views_done.append(
                PlanView(
                    name=name,
                    view=view,
                    picture=f"{folder.name}/{file}",
                    centre=centre,
                    mm_per_pixel=frame.mm_per_pixel,
                )
            )
    return tuple(views_done), ()


@dataclasses.dataclass(frozen=True)
class _Wish:
    """How the user wants the CT read and segmented."""

    sides: str
    series: str | None
    options: ReadOptions | None
    region: Region | None
    engine: str
    device: str
    mode: str
    weights: Path | None
    shift: int | None
    lumbar: int | None
    rules: Rules
    guidance: Guidance
    organs: Path | None
    organ_network: bool
    labels: Elsewhere | None


@dataclasses.dataclass(frozen=True, eq=False)
class _Labelled:
    """Bone and nerve, by the network or from elsewhere.

    Attributes:
        labels: on the CT's own grid.
        labels_1mm: on the grid that is planned on.
        region: the part of the CT that they are of.
        run: what made them, as the plan stores it.
        probabilities: None where labels came without.
        fallbacks: what did not work and what was done instead, or what became of labels that were loaded.
        organs: that came with them.
    """

    labels: Labels
    labels_1mm: Labels
    region: Region
    run: dict[str, Any]
    probabilities: Probabilities | None = None
    fallbacks: tuple[str, ...] = ()
    organs: Organs | None = None

    @classmethod
    def of(cls, segmentation: Segmentation) -> _Labelled:
        """By the network."""
        return cls(
            segmentation.labels,
            segmentation.labels_1mm,
            segmentation.region,
            plain(dataclasses.asdict(segmentation.run)),
            segmentation.probabilities,
            segmentation.run.fallbacks,
        )


class _Job:
    """One run of the main job, into a folder of its own."""

    def __init__(self, folder: Path, progress: Progress, cancel: Cancel | None) -> None:
        self._folder = folder
        self._progress = progress
        self._cancel = cancel
        self._seconds: dict[str, float] = {}

    def run(self, path: Path, wish: _Wish) -> Plan:
        began = time.perf_counter()
        volume = self._stage("reading", 0.0, 0.07, lambda p: self._read(path, wish, p))
        # Before the minutes of work: masks that are not of this CT are refused at once.
        masks, organs = wish.organs, None
        if masks is not None:
            organs = self._stage("organs", 0.07, 0.08, lambda p: self._organs(volume, masks, p))
        segmentation = self._stage("segmentation", 0.08, 0.75, lambda p: self._labelled(volume, wish, p))
        unnamed: tuple[str, ...] = ()
        if organs is not None and segmentation.organs is not None:
            unnamed = (f"The organs in the labels were not used: those of {organs.source} were.",)
        organs = organs or segmentation.organs
        if organs is None and wish.organ_network:
            organs, unnamed = self._stage(
                "organ network", 0.75, 0.8, lambda p: self._named_organs(volume, segmentation.region, wish, p)
            )
        labels = segmentation.labels_1mm
        noticed = joined(segmentation.labels.warnings, volume.warnings)
        surfaces = self._stage("surfaces", 0.8, 0.86, lambda p: self._surfaces(labels, p))
        found, worth = self._stage(
            "planning",
            0.86,
            0.94,
            lambda p: self._approaches(segmentation, surfaces, volume, wish, organs, p),
        )
        triangles = () if found is None else found.triangles
        gaps = _gaps(found)
        folder = self._folder / PICTURE_FOLDER
        views, blind = self._stage(
            "pictures",
            0.94,
            0.98,
            lambda p: draw_pictures(
                surfaces,
                triangles,
                folder,
                warnings=(*noticed, *_case_warnings(found)),
                gaps=gaps,
                title=_title(found),
                told=_told(found),
                progress=p,
                cancel=self._cancel,
            ),
        )
        planning = Planning()
        slices: dict[str, str] = {}
        left_out: tuple[str, ...] = ()
        if found is not None:
            planning, left_out, slices = self._stage(
                "maps", 0.98, 1.0, lambda _: self._record(found, volume, labels, surfaces, organs)
            )
        self._seconds["total"] = time.perf_counter() - began
        used = segmentation.region
        supposed = () if used.found else (used.note or sentence(Note(NoteCode.REGION_SUPPOSED)),)
        plan = Plan(
            case=Case.of(volume).with_warnings(noticed),
            region=used,
            run=segmentation.run,
            timings=self._seconds,
            views=views,
            triangles=triangles,
            planning=planning,
            notes=(
                *supposed,
                *_label_notes(labels),
                *segmentation.fallbacks,
                *unnamed,
                *worth,
                *left_out,
                *blind,
            ),
            files={"labels": LABELS_FILE, "bone": BONE_FILE, "nerve": NERVE_FILE, **slices},
            versions=installed_versions(),
        )
        write_plan(plan, self._folder / PLAN_FILE)
        self._write_document(plan, segmentation)
        return plan

    def _write_document(self, plan: Plan, segmentation: _Labelled) -> None:
        """All of it in one file, to keep or to pass on; surfaces are made again from the labels."""
        from spinect_core.plan.document import Crop, Document, naming_only, paths_of, write_document

        elsewhere = {LABELS_FILE, BONE_FILE, NERVE_FILE}
        files = {path: (self._folder / path).read_bytes() for path in sorted(paths_of(plan) - elsewhere)}
        document = Document(
            naming_only(plan, files),
            segmentation.labels_1mm,
            Crop.of(segmentation.labels),
            files,
            probabilities=segmentation.probabilities,
        )
        write_document(document, self._folder / DOCUMENT_FILE)

    def _approaches(
        self,
        segmentation: _Labelled,
        surfaces: Surfaces,
        volume: Volume,
        wish: _Wish,
        organs: Organs | None,
        progress: Progress,
    ) -> tuple[CasePlan | None, tuple[str, ...]]:
        from spinect_core.planning.intervals import Uncertainty
        from spinect_core.segmentation.calibration import calibration_for

        calibration = calibration_for(segmentation.run)
        uncertainty = Uncertainty.of(segmentation.probabilities, calibration, volume.geometry)
        return plan_approaches(
            segmentation.labels_1mm,
            surfaces,
            volume,
            wish.sides,
            shift=wish.shift,
            lumbar=wish.lumbar,
            uncertainty=uncertainty,
            rules=wish.rules,
            guidance=wish.guidance,
            organs=organs,
            progress=progress,
            cancel=self._cancel,
        )

    def _read(self, path: Path, wish: _Wish, progress: Progress) -> Volume:
        # Not at the top: reading and segmentation are heavy, and `spinect --help` passes here.
        from spinect_core.io.reading import ReadOptions, read_ct

        return read_ct(
            path,
            series=wish.series,
            options=wish.options or ReadOptions(),
            progress=progress,
            cancel=self._cancel,
        )

    def _organs(self, volume: Volume, masks: Path, progress: Progress) -> Organs:
        from spinect_core.io.reading import read_organs

        return read_organs(masks, volume, progress=progress, cancel=self._cancel)

    def _named_organs(
        self, volume: Volume, region: Region, wish: _Wish, progress: Progress
    ) -> tuple[Organs | None, tuple[str, ...]]:
        """The organs that the network finds, or why it found none: a plan without them says so, and goes on."""
        from spinect_core.segmentation import organs

        try:
            found = organs.find_organs(
                volume,
                region=region,
                engine=wish.engine,
                device=wish.device,
                progress=progress,
                cancel=self._cancel,
            )
        except SegmentationError as error:
            return None, (sentence(Note.of(NoteCode.ORGANS_NOT_FOUND, error=error)),)
        return found, ()

    def _labelled(self, volume: Volume, wish: _Wish, progress: Progress) -> _Labelled:
        """Labels of the network, or those that were made elsewhere."""
        made = self._segment(volume, wish, progress) if wish.labels is None else None
        labelled = made or self._loaded(volume, wish, progress)
        write_labels(labelled.labels, self._folder / LABELS_FILE)
        return labelled

    def _loaded(self, volume: Volume, wish: _Wish, progress: Progress) -> _Labelled:
        from spinect_core.pipeline.loaded_labels import load_labels, part_to_plan_in

        assert wish.labels is not None  # asked by the caller
        region = wish.region or part_to_plan_in(volume)
        loaded = load_labels(
            wish.labels.path,
            volume,
            wish.labels.meanings,
            wish.labels.options,
            region=region,
            progress=progress,
            cancel=self._cancel,
        )
        run = plain(dataclasses.asdict(loaded.run))
        return _Labelled(
            loaded.labels, loaded.labels_1mm, region, run, fallbacks=loaded.run.notes, organs=loaded.organs
        )

    def _segment(self, volume: Volume, wish: _Wish, progress: Progress) -> _Labelled:
        from spinect_core.segmentation import segment

        segmentation = segment(
            volume,
            region=wish.region,
            engine=wish.engine,
            device=wish.device,
            mode=wish.mode,
            weights=wish.weights,
            progress=progress,
            cancel=self._cancel,
        )
        return _Labelled.of(segmentation)

    def _surfaces(self, labels: Labels, progress: Progress) -> Surfaces:
        surfaces = build_surfaces(labels, progress=progress, cancel=self._cancel)
        write_surface(surfaces.bone, self._folder / BONE_FILE)
        write_surface(surfaces.nerve, self._folder / NERVE_FILE)
        return surfaces

    def _record(
        self, found: CasePlan, volume: Volume, labels: Labels, surfaces: Surfaces, organs: Organs | None
    ) -> tuple[Planning, tuple[str, ...], dict[str, str]]:
        """The planning as a plan keeps it, what of that no plan can hold, and the pictures of its needles."""
        from spinect_core.pipeline.export import write_maps, write_needle_planes
        from spinect_core.pipeline.report import write_report_pictures
        from spinect_core.plan.build import planning_record

        slices = write_needle_planes(found, volume, labels, self._folder, organs=organs, cancel=self._cancel)
        maps = write_maps(found, self._folder, cancel=self._cancel)
        planning, notes = planning_record(found, maps)
        named = {path for each in planning.searches for path in [each.map] if path}
        for name in set(maps.values()) - named:  # of a zone that the plan does not hold
            (self._folder / name).unlink(missing_ok=True)
            (self._folder / name).with_suffix(".png").unlink(missing_ok=True)
        printed = write_report_pictures(
            planning, volume, labels, surfaces, self._folder, organs=organs, cancel=self._cancel
        )
        return planning, sentences(notes), slices | printed

    def _stage(self, name: str, start: float, stop: float, work: Callable[[Progress], _Result]) -> _Result:
        check(self._cancel)
        progress = part_of(self._progress, start, stop)
        progress(0.0, name)
        began = time.perf_counter()
        result = work(progress)
        self._seconds[name] = time.perf_counter() - began
        return result


def _case_warnings(found: CasePlan | None) -> tuple[ReadingWarning, ...]:
    from spinect_core.plan.case_wording import case_warnings

    return () if found is None else case_warnings(found.light)


def _gaps(found: CasePlan | None) -> tuple[GapLine, ...]:
    from spinect_core.plan.gap_lines import gap_lines

    return () if found is None else gap_lines(found.landmarks.roots.values())


def _title(found: CasePlan | None) -> str:
    return "" if found is None else level_caption(found.landmarks.level, found.landmarks.lumbar)


def _told(found: CasePlan | None) -> dict[str, str]:
    """Of each triangle, by its name, whether it is seen along the view that is recommended."""
    told: dict[str, str] = {}
    for each in () if found is None else found.approaches:
        if each.triangle is not None:
            triangle = each.triangle.triangle
            recommended = None if found is None or found.withheld or each.chosen is None else each.chosen.view
            told.setdefault(triangle.name, shown_beside(triangle.view, recommended))
    return told


def _label_notes(labels: Labels) -> tuple[str, ...]:
    return tuple(
        sentence(Note.of(NoteCode.NOT_LABELLED, tissue=tissue))
        for tissue, value in ((Tissue.BONE, BONE), (Tissue.NERVE, NERVE))
        if not (labels.array == value).any()
    )


def _file_name(name: str, taken: set[str]) -> str:
    """A file name of plain letters for a view, unlike any in ``taken``, which it joins."""
    stem = plain_name(name)
    file, number = f"{stem}.png", 2
    while file in taken:
        file, number = f"{stem}-{number}.png", number + 1
    taken.add(file)
    return file


def _refuse_to_replace(path: Path, out: Path) -> None:
    """The CT itself is never written over."""
    for name in (LABELS_FILE, BONE_FILE, NERVE_FILE, PLAN_FILE, DOCUMENT_FILE):
        try:
            same = path.samefile(out / name)
        except OSError:  # one of them is not there, or cannot be looked at: the reader says so better
            continue
        if same:
            raise OutputError("The results would replace the CT itself", "Choose another folder", path)
