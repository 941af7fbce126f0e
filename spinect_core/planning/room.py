"""A case made ready for planning: its obstacles, its skin and what lies round its labels, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.supposed import with_suppositions
from spinect_core.base.errors import MeasurementError
from spinect_core.base.notes import Note
from spinect_core.base.progress import Cancel, check
from spinect_core.base.words import (
    CaseCause,
    Guidance,
)
from spinect_core.image.organs import Organs
from spinect_core.image.scan import Scan
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.planning.intervals import Shell, Uncertainty
from spinect_core.planning.needle.about_entry import AboutEntry
from spinect_core.planning.needle.clearance import Clearance as ClearanceField
from spinect_core.planning.needle.live import Live
from spinect_core.planning.needle.skin import BodyCopy, Skin
from spinect_core.planning.needle.soft_tissue import SoftTissue
from spinect_core.planning.needle.surroundings import Surroundings
from spinect_core.planning.needle.tolerance import Aim
from spinect_core.planning.plausibility.picture import PictureSeen, look_at
from spinect_core.planning.plausibility.shape import case_values
from spinect_core.planning.rules import Rules
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.surfaces import Surfaces


class Room:
    """A case made ready for planning: obstacles, skin, names of places.

    Attributes:
        named: the organs that it was given; None without any.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        surfaces: of these labels.
        volume: the CT, for the skin; without it depths are not known.
        skin: where the CT itself is not at hand, but was.
        surroundings: the same.
        warnings: the same.
        scan: the same.
        withheld: why nothing of this case is to be recommended, as far as that is known before its level is found.
        uncertainty: how sure the labels are; None where that is not known.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.
        seen: what the CT says of the labels, where the CT itself is not at hand, but was.
        organs: of the CT; None where nobody named any.
        soft: the soft tissue, where the CT itself is not at hand, but was.
    """

    def __init__(
        self,
        labels: Labels,
        surfaces: Surfaces,
        volume: Volume | None = None,
        *,
        skin: Skin | None = None,
        surroundings: Surroundings | None = None,
        scan: Scan | None = None,
        warnings: tuple[ReadingWarning, ...] = (),
        withheld: tuple[Note, ...] = (),
        uncertainty: Uncertainty | None = None,
        rules: Rules | None = None,
        guidance: Guidance = Guidance.CT,
        seen: PictureSeen | None = None,
        organs: Organs | None = None,
        soft: SoftTissue | None = None,
    ) -> None:
        self.rules, self.guidance = rules or Rules(), guidance
        self.labels = labels
        self.withheld = withheld
        self.uncertainty = uncertainty
        self.surfaces = surfaces
        self._volume, self._skin, self._warnings = volume, skin, warnings
        self._scan, self._seen = scan, seen
        self.named, self._soft = organs, soft
        self._surroundings = surroundings
        self._measured: tuple[Landmarks, Mapping[CaseCause, float | None]] | None = None

    @property
    def warnings(self) -> tuple[ReadingWarning, ...]:
        """What reading noticed about the CT; none where there is no CT."""
        return self._warnings if self._volume is None else self._volume.warnings

    @cached_property
    def skin(self) -> Skin | None:
        """The patient's skin; None without a CT or where it shows none."""
        return self._skin if self._volume is None else self._outside.skin

    @cached_property
    def surroundings(self) -> Surroundings:
        """What lies round the labels; nothing is known of it without a CT."""
        return (self._surroundings or Surroundings()) if self._volume is None else self._outside.surroundings

    @cached_property
    def soft(self) -> SoftTissue | None:
        """The soft tissue round the labels, with the organs that are known; None without a CT."""
        return self._soft if self._volume is None else self._outside.soft

    @property
    def organs(self) -> Organs | None:
        """What is known of organs near the labels; None where nobody looked for any."""
        return self.named if self.soft is None else self.soft.organs

    @property
    def labelled(self) -> Geometry:
        """The box within which bone and nerve were looked for and found."""
        return self.surroundings.region or self.labels.geometry

    @cached_property
    def _outside(self) -> Outside:
        assert self._volume is not None
        return outside_of(self._volume, self.labels, self.surfaces, organs=self.named)

    @cached_property
    def obstacles(self) -> Obstacles:
        """Labelled bone and nerve, and what is dense round the labels."""
        return obstacles_of(self.surfaces, self.surroundings)

    def with_suppositions(self, landmarks: Landmarks, cancel: Cancel | None = None) -> Landmarks:
        """The landmarks, with what the CT lets one suppose in the gaps of the roots; the same without a CT."""
        if self._volume is None:
            return landmarks
        roots = with_suppositions(landmarks.roots, self.labels, self._volume, cancel)
        return replace(landmarks, roots=roots)

    @cached_property
    def scan(self) -> Scan | None:
        """The slices of the CT as the scanner counts them; None without a CT."""
        return self._scan if self._volume is None else Scan.of(self._volume)

    @cached_property
    def seen(self) -> PictureSeen | None:
        """What the CT says of the labels; None without a CT."""
        return self._seen if self._volume is None else look_at(self._volume, self.labels)

    def measured(self, landmarks: Landmarks) -> Mapping[CaseCause, float | None]:
        """What the light of the case looks at, with the level at these landmarks; the same is not measured twice."""
        if self._measured is None or self._measured[0] is not landmarks:
            likely = None if self.uncertainty is None else self.uncertainty.probabilities
            self._measured = landmarks, case_values(self.labels, landmarks, self.seen, likely)
        return self._measured[1]

    @cached_property
    def shell(self) -> Shell | None:
        """Within which the true borders lie; None where that is not known."""
        if self.uncertainty is None:
            return None
        return Shell(self.labels, self.uncertainty, self.surroundings.mesh.mesh())

    def make_ready(self, cancel: Cancel | None = None) -> None:
        """Make all that the approaches share, so that several threads may plan them; it needs no landmarks.

        Args:
            cancel: asked between the steps.

        Raises:
            Cancelled: the user stopped it.
        """
        shell = self.shell
        steps: tuple[Callable[[], object], ...] = (
            lambda: (self.skin, self.soft),
            lambda: self.seen,
            lambda: self.obstacles.make_ready(),
            lambda: self.field,
            lambda: self.about_entry,
            lambda: self.aim.make_ready(),
            lambda: None if shell is None else shell.outer.make_ready(),
            lambda: None if shell is None else shell.inner.make_ready(),
        )
        for step in steps:
            check(cancel)
            step()

    @cached_property
    def aim(self) -> Aim:
        """For tolerances."""
        return Aim(self.obstacles)

    @cached_property
    def about_entry(self) -> AboutEntry:
        """For about how far many needles may turn."""
        return AboutEntry(self.obstacles)

    @cached_property
    def field(self) -> ClearanceField:
        """For distances along many trajectories."""
        return ClearanceField(self.obstacles)

    @cached_property
    def live(self) -> Live:
        """For needles that are moved."""
        return Live(self.field)


class Outside(NamedTuple):
    """What a CT shows beside what is labelled.

    Attributes:
        skin: the patient's; None where the CT shows none.
        surroundings: bone and metal round the labels.
        soft: the soft tissue; None where the CT shows no body.
    """

    skin: Skin | None
    surroundings: Surroundings
    soft: SoftTissue | None


def outside_of(
    volume: Volume,
    labels: Labels,
    surfaces: Surfaces,
    cancel: Cancel | None = None,
    *,
    organs: Organs | None = None,
) -> Outside:
    """What a CT shows beside what is labelled.

    Args:
        volume: the CT.
        labels: 0 background, 1 bone, 2 nerve.
        surfaces: of these labels.
        cancel: asked between the steps.
        organs: of the CT; None where nobody named any.

    Raises:
        Cancelled: the user stopped it.
    """
    try:
        copy = BodyCopy.of(volume, cancel)
    except MeasurementError:
        return Outside(None, Surroundings(), None)
    skin = Skin.of_copy(copy, cancel)
    around = Surroundings.of(copy, volume.geometry, labels, surfaces, cancel)
    return Outside(skin, around, SoftTissue.of(copy, labels, organs, cancel))


def obstacles_of(
    surfaces: Surfaces, around: Surroundings, at_once: int | None = None, pause_s: float = 0.0
) -> Obstacles:
    """What a needle must not touch: labelled bone and nerve within the body, and what is dense round the labels.

    Args:
        surfaces: of the labels.
        around: the labels.
        at_once: see :class:`spinect_core.planning.zones.obstacles.Obstacles`.
        pause_s: the same.
    """
    bone, nerve = around.kept(BONE, surfaces.bone), around.kept(NERVE, surfaces.nerve)
    return Obstacles(bone, nerve, at_once, pause_s, around.mesh.mesh())
