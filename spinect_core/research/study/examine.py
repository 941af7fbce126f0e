"""One case of a study: labels, agreement, roots, areas, and the same on its CT made worse. Finished parts are kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import Cancelled, PlanError, ReadingError, SpinectError
from spinect_core.base.plain import plain
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.versions import __version__
from spinect_core.image.evaluation import cropped, evaluate
from spinect_core.image.planes import AXIAL, Reformatter
from spinect_core.image.volume import CLASS_NAMES, NERVE, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading import ReadOptions, read_ct, read_labels, read_structures
from spinect_core.io.writing import write_labels
from spinect_core.plan.plan import read_plan, volume_hash
from spinect_core.preprocessing import Prepared, Region, find_lumbosacral_region, prepare
from spinect_core.research.study.areas import compare_areas
from spinect_core.research.study.cases import StudyCase, read_json, slug
from spinect_core.research.study.degrade import add_noise, onto, slice_distance, thicken
from spinect_core.research.study.roots import root_results
from spinect_core.research.study.store import Store, content_hash, key_of

if TYPE_CHECKING:
    from spinect_core.segmentation import Segmentation

METHOD = 3
"""Raised when the way something is measured changes, so that what was kept is measured again."""
LABELS_FILE = "labels.nii.gz"
Segmenter = Callable[..., "Segmentation"]


@dataclass(frozen=True)
class Settings:
    """How the study segments and what it adds.

    Attributes:
        engine: "auto", "tensorflow" or "openvino".
        device: "auto", "gpu" or "cpu".
        mode: "paper", "fast" or "thorough".
        weights: a weights file instead of the program's own.
        weights_sha256: of the weights that are used.
        noise: HU of noise to add.
        slices: mm of slices to make.
        seed: of the noise and of the choice of slices.
        assume_hu: take the numbers of all CTs for Hounsfield units, whatever they look like.
        segmenter: what labels a CT, with the arguments of :func:`spinect_core.segmentation.segment`.
    """

    engine: str = "auto"
    device: str = "auto"
    mode: str = "thorough"
    weights: Path | None = None
    weights_sha256: str = ""
    noise: tuple[float, ...] = ()
    slices: tuple[float, ...] = ()
    seed: int = 0
    assume_hu: bool = False
    segmenter: Segmenter | None = field(default=None, compare=False)

    @property
    def key(self) -> dict[str, Any]:
        """What the labels of a CT depend on."""
        return {
            "method": METHOD,
            "program": __version__,
            "weights": self.weights_sha256,
            "engine": self.engine,
            "device": self.device,
            "mode": self.mode,
            **({"assume_hu": True} if self.assume_hu else {}),
        }


@dataclass(frozen=True)
class Examined:
    """What came out of one case, as plain data.

    Attributes:
        case: the case.
        volume_sha256: checksum of its CT, as a plan has it.
        labels: where the predicted labels lie.
        run: engine, device, mode, weights and more; empty for labels that were given.
        region: the box that was compared, ``minimum`` and ``maximum`` LPS mm, or None for the whole CT.
        overlap: measures by class.
        roots: measures by root.
        areas: ``pairs`` and ``missing``.
        nerve_slices: LPS mm of the axial slices with true nerve.
        curves: by "noise" and "slices": level as text, then Dice by class or ``reason``.
        warnings: what reading noticed about its CT.
    """

    case: StudyCase
    volume_sha256: str
    labels: Path
    run: dict[str, Any]
    region: dict[str, Any] | None
    overlap: dict[str, Any]
    roots: dict[str, Any]
    areas: dict[str, Any]
    nerve_slices: list[float]
    curves: dict[str, dict[str, Any]]
    warnings: tuple[ReadingWarning, ...] = ()


def examine(
    case: StudyCase,
    folder: Path,
    settings: Settings,
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Examined:
    """Everything about one case; parts finished before, with the same files and settings, are not computed again.

    Args:
        case: the case.
        folder: of the study; the case's parts lie in ``cases/NAME``.
        settings: how to segment and what to add.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it; what was finished stays.

    Raises:
        SpinectError: the case cannot be read, segmented or compared.
    """
    return _Case(case, folder / "cases" / slug(case.name), settings, cancel).run(progress)


class _Case:
    """One case at work. The CT is read when a part needs it, and not where all are finished."""

    def __init__(self, case: StudyCase, folder: Path, settings: Settings, cancel: Cancel | None) -> None:
        self.case, self.folder, self.settings, self.cancel = case, folder, settings, cancel
        self.store = Store(folder)

    def run(self, progress: Progress) -> Examined:
        case, settings = self.case, self.settings
        levels = [("noise", level) for level in settings.noise] + [
            ("slices", level) for level in settings.slices
        ]
        share = 1.0 / (2 + len(levels))
        progress(0.0, f"{case.name}: reading")
        sources = {
            "ct": content_hash(case.ct, self.cancel),
            "series": case.series,
            "truth": content_hash(case.labels, self.cancel),
        }
        found = self._labels(sources, part_of(progress, 0.0, share))
        read = key_of({"ct": sources["ct"], "series": case.series, "program": __version__})
        noticed = self.store.part(
            "reading", read, lambda: {"warnings": [dataclasses.asdict(each) for each in self.volume.warnings]}
        )
        extras = {
            name: content_hash(path, self.cancel)
            for name, path in (("structures", case.structures), ("facts", case.truth))
            if path is not None
        }
        base = {**sources, **extras, "method": METHOD, "program": __version__}
        # What was measured belongs to these very labels, however they came about.
        base["prediction"] = content_hash(self._labels_path)
        measured = self.store.part(
            "measures",
            key_of({**base, "region": found["region"]}),
            lambda: self._measures(found, part_of(progress, share, 2 * share)),
        )
        curves: dict[str, dict[str, Any]] = {"noise": {}, "slices": {}}
        for number, (kind, level) in enumerate(levels):
            check(self.cancel)
            part = part_of(progress, (2 + number) * share, (3 + number) * share)
            key = key_of({**sources, **settings.key, "region": found["region"], "seed": settings.seed})
            curves[kind][f"{level:g}"] = self._level(kind, level, key, found, measured, part)
        progress(1.0, f"{case.name}: examined")
        return Examined(
            case=case,
            volume_sha256=found["volume_sha256"],
            labels=self._labels_path,
            run=found["run"],
            region=found["region"],
            overlap=measured["overlap"],
            roots=measured["roots"],
            areas=measured["areas"],
            nerve_slices=measured["nerve_slices"],
            curves=curves,
            warnings=tuple(ReadingWarning(**each) for each in noticed["warnings"]),
        )

    # ------------------------------------------------------------------------------------------------------ the files

    @cached_property
    def volume(self) -> Volume:
        options = ReadOptions(assume_hu=self.settings.assume_hu)
        return read_ct(self.case.ct, series=self.case.series, options=options, cancel=self.cancel)

    @cached_property
    def truth(self) -> Labels:
        return self._on_the_ct(read_labels(self.case.labels), self.case.labels)

    @property
    def _labels_path(self) -> Path:
        return self.case.prediction or self.folder / LABELS_FILE

    def _on_the_ct(self, labels: Labels, path: Path) -> Labels:
        if not labels.geometry.same_grid(self.volume.geometry, 0.01):
            raise ReadingError(
                "The labels are not on the grid of their CT", "Use labels of the same CT", path
            )
        return labels

    # ----------------------------------------------------------------------------------------------------- the labels

    def _labels(self, sources: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """``run``, ``region`` and ``volume_sha256``; the labels themselves lie at :attr:`_labels_path`."""
        if self.case.prediction is not None:
            key = key_of({**sources, "given": content_hash(self.case.prediction, self.cancel)})
            region = _region_beside(self.case.prediction)
            facts: dict[str, Any] = {"run": {}, "region": _box(region)}
            return self.store.part(
                "labels", key, lambda: {**facts, "volume_sha256": volume_hash(self.volume)}
            ) | {"region": _box(region)}
        key = key_of({"ct": sources["ct"], "series": sources["series"], **self.settings.key})
        kept = self.store.kept("labels", key)
        if kept is not None and self._labels_path.exists():
            return kept
        # What is compared with a truth is segmented in any case, and its report says if the region was not recognised.
        segmentation = self._segment(self.volume, find_lumbosacral_region(self.volume), progress)
        # The labels first: where their facts are, they are whole.
        write_labels(segmentation.labels, self._labels_path)
        made = {
            "run": plain(dataclasses.asdict(segmentation.run)),
            "region": _box(segmentation.region),
            "volume_sha256": volume_hash(self.volume),
        }
        return self.store.keep("labels", key, made)

    def _segment(self, volume: Volume, region: Region | None, progress: Progress) -> Segmentation:
        segmenter = self.settings.segmenter
        if segmenter is None:
            from spinect_core.segmentation import segment

            segmenter = segment
        name = self.case.name
        return segmenter(
            volume,
            region=region,
            engine=self.settings.engine,
            device=self.settings.device,
            mode=self.settings.mode,
            weights=self.settings.weights,
            progress=lambda fraction, message: progress(fraction, f"{name}: {message}"),
            cancel=self.cancel,
        )

    # ----------------------------------------------------------------------------------------------- what is measured

    def _measures(self, found: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        prediction = self._on_the_ct(read_labels(self._labels_path), self._labels_path)
        region = _region(found["region"])
        progress(0.0, f"{self.case.name}: comparing labels")
        here, there = _within(prediction, region), _within(self.truth, region)
        overlap = evaluate(here, there)
        check(self.cancel)
        progress(0.2, f"{self.case.name}: roots")
        roots = self._roots(here, region)
        check(self.cancel)
        prepared = prepare(self.volume, region)
        areas = compare_areas(
            _sampled(prepared, self.truth),
            _sampled(prepared, prediction),
            progress=lambda fraction, message: progress(
                0.4 + 0.6 * fraction, f"{self.case.name}: triangles, {message}"
            ),
            cancel=self.cancel,
        )
        return {"overlap": overlap, "roots": roots, "areas": areas, "nerve_slices": nerve_slices(there)}

    def _roots(self, prediction: Labels, region: Region | None) -> dict[str, Any]:
        case = self.case
        if case.structures is None or case.truth is None:
            return {}
        facts = read_json(case.truth)
        try:
            numbers = {str(name): int(number) for name, number in facts["structures"].items()}
            courses: dict[str, FloatArray] = {
                str(name): np.asarray(course["points"], dtype=np.float64).reshape(-1, 3)
                for name, course in facts.get("nerves", {}).items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReadingError(
                "The file does not name the structures as truth.json does",
                "Use the file that belongs to the structures",
                case.truth,
            ) from error
        structures = _within(self._on_the_ct(read_structures(case.structures), case.structures), region)
        return root_results(
            prediction.array, structures.array, numbers, courses, prediction.geometry, self.cancel
        )

    # ---------------------------------------------------------------------------------------------- the CT made worse

    def _level(
        self,
        kind: str,
        level: float,
        key: str,
        found: Mapping[str, Any],
        measured: Mapping[str, Any],
        progress: Progress,
    ) -> dict[str, Any]:
        if self.case.prediction is not None:
            return {"reason": "not computable: the labels of the case were given, not made"}
        if kind == "noise" and level == 0:
            return {name: measured["overlap"][name]["dice"] for name in CLASS_NAMES}
        return self.store.part(
            f"{kind}-{level:g}",
            key_of({"base": key, "kind": kind, "level": level}),
            lambda: self._degraded(kind, level, found, measured, progress),
        )

    def _degraded(
        self,
        kind: str,
        level: float,
        found: Mapping[str, Any],
        measured: Mapping[str, Any],
        progress: Progress,
    ) -> dict[str, Any]:
        if kind == "noise":
            worse = add_noise(self.volume, level, self.settings.seed)
        else:
            distance = slice_distance(self.volume.geometry)
            if abs(level - distance) < 1e-3:
                return {name: measured["overlap"][name]["dice"] for name in CLASS_NAMES}
            if level < distance:
                return {"reason": f"not computable: the CT's own slices lie {distance:g} mm apart"}
            worse = thicken(self.volume, level)
        region = _region(found["region"])
        try:
            segmentation = self._segment(worse, region, progress)
        except Cancelled:
            raise
        except SpinectError as error:
            raise type(error)(error.fault, error.remedy, f"{self.case.name}, {kind} {level:g}") from error
        prediction = onto(segmentation.labels, self.truth.geometry)
        measures = evaluate(_within(prediction, region), _within(self.truth, region))
        return {name: measures[name]["dice"] for name in CLASS_NAMES}


def nerve_slices(truth: Labels) -> list[float]:
    """LPS mm of the axial slices with nerve in them."""
    where = np.argwhere(truth.array == NERVE)
    if not len(where):
        return []
    first, step, count = Reformatter(truth.geometry).positions(AXIAL)
    heights = truth.geometry.to_patient(where)[:, 2]
    numbers = np.unique(np.clip(np.rint((heights - first) / step), 0, count - 1))
    return [float(first + step * number) for number in numbers]


def _sampled(prepared: Prepared, labels: Labels) -> Labels:
    return Labels(prepared.sample(labels.array), prepared.geometry)


def _within(labels: Labels, region: Region | None) -> Labels:
    return labels if region is None else cropped(labels, region)


def _box(region: Region | None) -> dict[str, Any] | None:
    if region is None:
        return None
    return {"minimum": list(region.minimum), "maximum": list(region.maximum), "found": region.found}


def _region(box: Mapping[str, Any] | None) -> Region | None:
    if box is None:
        return None
    return Region(tuple(box["minimum"]), tuple(box["maximum"]), bool(box["found"]))


def _region_beside(prediction: Path) -> Region | None:
    """The region of the plan that ``spinect plan`` wrote together with the labels; None without one."""
    path = prediction.parent / "plan.json"
    if not path.exists():
        return None
    try:
        plan = read_plan(path)
    except PlanError:
        return None
    return plan.region if plan.files.get("labels") == prediction.name else None
