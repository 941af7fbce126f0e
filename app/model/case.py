"""The open case: one patient's CT and all that was made of it. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinect_core.base.words import Author
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.plan.label_wording import correction_words, labels_words, with_corrections
from spinect_core.plan.repeats import Measured

if TYPE_CHECKING:
    from pyvista import PolyData

    from app.model.picking import SurfacePicker
    from spinect_core.base.arrays import LabelArray
    from spinect_core.image.organs import Organ, Organs
    from spinect_core.image.probabilities import Probabilities
    from spinect_core.image.region import Region
    from spinect_core.image.volume import Geometry, Labels, Volume
    from spinect_core.image.warning import ReadingWarning
    from spinect_core.pipeline.loaded_labels import LoadedLabels
    from spinect_core.plan.document import Crop
    from spinect_core.plan.kept_corrections import NamedCorrection
    from spinect_core.plan.plan import Case as Facts
    from spinect_core.plan.plan import Plan, PlanView
    from spinect_core.plan.records import Planning
    from spinect_core.planning.intervals import Uncertainty
    from spinect_core.report.content import Stored
    from spinect_core.segmentation.run import RunInfo, Segmentation
    from spinect_core.surfaces import Surfaces


Drawn = Triangle | Figure
"""What can be measured."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """A row in the table of the measurements.

    Attributes:
        key: number that stays the same through edits and undo.
        name: what the user calls it; no two have the same.
        drawn: the measured points.
        repeats: the same measured again, blind to it.
    """

    key: int
    name: str
    drawn: Drawn
    repeats: tuple[Drawn, ...] = ()

    @property
    def measured(self) -> Measured:
        """As tables tell it."""
        return Measured(self.name, self.drawn, self.repeats)

    @property
    def automatic(self) -> bool:
        """Whether it is the program's own."""
        return is_automatic(self.drawn)


def is_automatic(drawn: Drawn) -> bool:
    """Whether something measured is the program's own."""
    return isinstance(drawn, Triangle) and drawn.author == Author.AUTOMATIC


def triangles_of(measurements: Iterable[Measurement]) -> tuple[Triangle, ...]:
    """The triangles among them, in their order."""
    return tuple(each.drawn for each in measurements if isinstance(each.drawn, Triangle))


def figures_of(measurements: Iterable[Measurement]) -> tuple[Figure, ...]:
    """The others that are seen in the 3D view, in their order."""
    return tuple(
        each.drawn for each in measurements if isinstance(each.drawn, Figure) and each.drawn.plane is None
    )


@dataclass(frozen=True)
class Run:
    """What the window shows of a run of the segmentation.

    Attributes:
        record: all that the plan stores of it.
        engine: ``tensorflow`` or ``openvino``; empty for labels that were made elsewhere.
        device: ``gpu`` or ``cpu``.
        patches: tiles run.
        seconds: from start to end.
        fallbacks: what did not work and what was done instead, as sentences.
    """

    record: Mapping[str, Any]
    engine: str
    device: str = ""
    patches: int = 0
    seconds: float = 0.0
    fallbacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: RunInfo) -> Run:
        """Of a run that has just ended."""
        run = cls.stored(asdict(info))
        assert run is not None  # a run knows its engine
        return run

    @classmethod
    def stored(cls, record: Mapping[str, Any]) -> Run | None:
        """From a plan, which any program may have written; None if it says nothing of what made its labels."""
        engine, notes = record.get("engine"), record.get("notes")
        if not isinstance(engine, str):
            told = tuple(map(str, notes)) if isinstance(notes, list | tuple) else ()
            known = labels_words(record) or correction_words(record)
            return cls(record, "", fallbacks=told) if known else None
        seconds, fallbacks, patches = record.get("seconds"), record.get("fallbacks"), record.get("patches")
        spent = {
            str(stage): float(value)
            for stage, value in (seconds.items() if isinstance(seconds, Mapping) else ())
            if isinstance(value, int | float) and abs(value) < 1e9
        }
        return cls(
            record=record,
            engine=engine,
            device=str(record.get("device", "")),
            patches=patches if isinstance(patches, int) else 0,
            seconds=spent.get("total", sum(spent.values())),
            fallbacks=tuple(str(each) for each in fallbacks) if isinstance(fallbacks, list | tuple) else (),
        )


@dataclass(frozen=True, eq=False)
class CaseLabels:
    """Bone and nerve of a case, from a run of the segmentation or from a document.

    Attributes:
        labels: on the CT's own grid; None while the CT is not open.
        labels_1mm: on the network's grid.
        labels_on_ct: the part of the labels on the CT's grid that holds any; None if there is none, or if the document
            has none.
        run: what ran; None if the plan does not say.
        probabilities: on the network's grid; None if they were not kept.
        steps: of the corrections by hand that led to these labels, as far as they are known.
        unread: the same as the document has them, while the CT is not open.
    """

    labels: Labels | None
    labels_1mm: Labels
    labels_on_ct: Crop | None
    run: Run | None
    probabilities: Probabilities | None = None
    steps: tuple[NamedCorrection, ...] = ()
    unread: bytes = b""

    @classmethod
    def of(cls, segmentation: Segmentation) -> CaseLabels:
        """Of a run that has just ended."""
        from spinect_core.plan.document import Crop

        labels = segmentation.labels
        return cls(
            labels,
            segmentation.labels_1mm,
            Crop.of(labels),
            Run.of(segmentation.run),
            segmentation.probabilities,
        )

    @classmethod
    def loaded(cls, found: LoadedLabels) -> CaseLabels:
        """Labels that were made elsewhere."""
        from spinect_core.base.plain import plain
        from spinect_core.plan.document import Crop

        run = Run.stored(plain(asdict(found.run)))
        return cls(found.labels, found.labels_1mm, Crop.of(found.labels), run)

    def corrected(
        self, named: NamedCorrection, *, back: bool = False, ready: LabelArray | None = None
    ) -> CaseLabels:
        """With a step of a correction by hand, or without it again.

        Args:
            named: on both grids.
            back: whether it is taken back.
            ready: the labels on the CT's grid with it, where they are there already: those of a large CT take a tenth
                of a second to copy. Nobody changes them from here on.

        Raises:
            UsageError: these are not the labels that it was made of.
        """
        import numpy as np

        from spinect_core.plan.document import Crop

        assert self.labels is not None  # only with the CT are labels corrected
        step = named.step
        ct, mm = self.labels, self.labels_1mm
        if ready is not None and step.on_ct is not None and step.on_ct.follows(ready):
            ct = replace(ct, array=ready)
        elif step.on_ct is not None:
            ct = replace(ct, array=step.on_ct.undone(ct.array) if back else step.on_ct.done(ct.array))
        if step.on_1mm is not None:
            mm = replace(mm, array=step.on_1mm.undone(mm.array) if back else step.on_1mm.done(mm.array))
        crop = self.labels_on_ct
        if step.on_ct is not None:
            first, stop = np.array(step.on_ct.first), np.add(step.on_ct.first, step.on_ct.shape)
            if crop is not None:
                first, stop = (
                    np.minimum(first, crop.first),
                    np.maximum(stop, np.add(crop.first, crop.array.shape)),
                )
            z, y, x = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
            # Labels do not change once they are made, so a part of them need not be copied.
            crop = Crop((z.start, y.start, x.start), ct.array[z, y, x])
        record = {} if self.run is None else self.run.record
        sign = -1 if back else 1
        told = with_corrections(record, sign, sign * step.voxels)
        run = Run.stored(told) if self.run is None else replace(self.run, record=told)
        steps = self.steps[:-1] if back else (*self.steps, named)
        return replace(self, labels=ct, labels_1mm=mm, labels_on_ct=crop, run=run, steps=steps)

    def uncertainty(self, source: Geometry | None) -> Uncertainty | None:
        """How sure the labels are; None where that is not known.

        Args:
            source: the CT's own grid; None where not even the plan knows it.
        """
        from spinect_core.planning.intervals import Uncertainty
        from spinect_core.segmentation.calibration import calibration_for

        if self.run is None or source is None:
            return None
        return Uncertainty.of(self.probabilities, calibration_for(self.run.record), source)


@dataclass
class Case:
    """One patient's CT and all that was made of it.

    Attributes:
        volume: the CT; None while a plan is open without it.
        source: the file or folder the CT was read from, or that of the plan.
        region: the part to segment.
        segmentation: labels of the last run, or those of the opened document.
        surfaces: bone and nerve in LPS mm.
        picker: search trees over the surfaces.
        facts: what a plan says about the CT, with its checksum; None until a plan needs it.
        timings: seconds of each stage.
        notes: what there is to say about proposed triangles.
        plan: the plan that was opened; what the window does not know of is saved again from it.
        other_views: views of that plan that belong to no triangle.
        files: pictures and maps that came with it, by path.
        report_files: pictures drawn for its report, which are among these: their paths by what a plan calls them.
        extras: what a later program had added to the document.
        document: where the plan was opened or saved last.
        stored: what that file was when it was read or written; None where that is not known.
        organs: of the CT, from masks that were loaded or by the organ network; None without any.
        organ_meshes: their surfaces for the 3D view.
        missed: why the CT is not open although it is known where it was, as sentences; "" where nothing is known.
        without_organs: whether the user took the organs away, so that trajectories are to be found without any.
    """

    volume: Volume | None
    source: Path
    region: Region | None = None
    segmentation: CaseLabels | None = None
    surfaces: Surfaces | None = None
    picker: SurfacePicker | None = None
    facts: Facts | None = None
    timings: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    other_views: tuple[PlanView, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    report_files: dict[str, str] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    document: Path | None = None
    stored: Stored | None = None
    organs: Organs | None = None
    organ_meshes: Mapping[Organ, PolyData] = field(default_factory=dict)
    missed: str = ""
    without_organs: bool = False

    @property
    def warnings(self) -> tuple[ReadingWarning, ...]:
        """What reading noticed about the CT and its labels, now or when the plan was made, each once."""
        from spinect_core.image.warning import joined

        stored = () if self.facts is None else self.facts.reading_warnings
        labels = None if self.segmentation is None else self.segmentation.labels
        own = () if self.volume is None else self.volume.warnings
        return joined((*own, *(() if labels is None else labels.warnings)), stored)

    @property
    def labels(self) -> Labels | None:
        """Labels on the grid of the slices: the CT's own, or without it the 1 mm grid."""
        if self.segmentation is None:
            return None
        return self.segmentation.labels_1mm if self.volume is None else self.segmentation.labels

    @property
    def ct_geometry(self) -> Geometry:
        """The grid of the CT; without it, what the plan says of it."""
        if self.volume is not None:
            return self.volume.geometry
        assert self.facts is not None  # a case without its CT comes from a plan
        return self.facts.geometry

    @property
    def geometry(self) -> Geometry:
        """The grid of the CT; without it that of the labels, or what the plan says of the CT."""
        if self.volume is not None or self.labels is None:
            return self.ct_geometry
        return self.labels.geometry

    @property
    def title(self) -> str:
        """What to call it where others see it, as on a shared screen: names and descriptions may be a patient's."""
        voxels = " × ".join(str(count) for count in self.ct_geometry.shape[::-1])
        return f"CT of {voxels}" if self.volume is not None else f"Plan of a CT of {voxels}"

    @property
    def name(self) -> str:
        """What to call it within the window."""
        return (self.volume.name if self.volume is not None else "") or self.source.name


def organs_missing(case: Case, planning: Planning) -> bool:
    """Whether trajectories were kept from organs that are not known now, and nobody said to go on without them."""
    return planning.organs is not None and case.organs is None and not case.without_organs
