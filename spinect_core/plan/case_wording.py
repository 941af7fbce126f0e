"""What the light of a whole case says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinect_core.base.words import CaseCause, Light
from spinect_core.image.warning import ReadingWarning
from spinect_core.plan.records import CaseLightRecord, CaseReasonRecord

if TYPE_CHECKING:
    from spinect_core.planning.plausibility.light import CaseLight
    from spinect_core.planning.traffic_light import LightReason


@dataclass(frozen=True)
class _Told:
    """How a cause is told.

    Attributes:
        called: what was looked at, where it is not known.
        low: said of a value below its limit; None where values cannot be too small.
        high: said of one above it.
    """

    called: str
    low: str | None = None
    high: str | None = None


_TOLD: Mapping[CaseCause, _Told] = {
    CaseCause.PICTURE: _Told("the CT of the labels"),
    CaseCause.NOISE: _Told(
        "the noise of the CT", high="the CT has a noise of {value:.0f} HU, more than {limit:.0f}"
    ),
    CaseCause.CONTRAST: _Told(
        "how much denser muscle is than fat",
        low="muscle is only {value:.0f} HU denser than fat, less than {limit:.0f}: the numbers may be no HU",
        high="muscle is {value:.0f} HU denser than fat, more than {limit:.0f}: the numbers may be no HU",
    ),
    CaseCause.BLUR: _Told(
        "the sharpness of the CT",
        low="the CT is blurred: at the edge of labelled bone {value:.0%} of the rise lie within a voxel, usual are "
        "{limit:.0%} or more",
    ),
    CaseCause.SLICE_ORDER: _Told(
        "the order of the slices",
        high="{value:.0%} of the slices are less like the next than like the one behind it, more than {limit:.0%}: "
        "they may be out of order",
    ),
    CaseCause.SLICE_TWICE: _Told(
        "whether slices are repeated", high="{value:.0%} of the slices are the same as the next"
    ),
    CaseCause.JUMP: _Told(
        "whether slices follow each other",
        high="two neighbouring slices differ {value:.1f} times as much as those about them (more than {limit:g}): a "
        "part may be missing, or the patient has moved",
    ),
    CaseCause.METAL: _Told(
        "metal near the level", high="{value:.1f} ml of metal lie near the level, more than {limit:g}"
    ),
    CaseCause.BONE_HU: _Told(
        "how dense the labelled bone is",
        low="the labelled bone has {value:.0f} HU in the middle, less than {limit:.0f}",
        high="the labelled bone has {value:.0f} HU in the middle, more than {limit:.0f}",
    ),
    CaseCause.BONE_EDGE: _Told(
        "how much brighter labelled bone is than what lies beside it",
        low="the labelled bone is only {value:.0f} HU brighter than what lies beside it, less than {limit:.0f}",
    ),
    CaseCause.BONE_MISSED: _Told(
        "bone that is not labelled",
        high="{value:.0%} of what is as dense as bone beside the labelled bone is not labelled, more than {limit:.0%}",
    ),
    CaseCause.NERVE_HU: _Told(
        "how dense the labelled nerve is",
        low="the labelled nerve has {value:.0f} HU in the middle, less than {limit:.0f}",
        high="the labelled nerve has {value:.0f} HU in the middle, more than {limit:.0f}",
    ),
    CaseCause.NERVE_OFF: _Told(
        "labelled nerve that is fat or bone",
        high="{value:.0%} of the labelled nerve are as dark as fat or as bright as bone, more than {limit:.0%}",
    ),
    CaseCause.IN_AIR: _Told(
        "labels in air", high="{value:.1%} of what is labelled lie in air, more than {limit:.1%}"
    ),
    CaseCause.SHIFT: _Told(
        "whether the labels lie on their CT",
        high="the labelled bone lies {value:.0f} mm beside the bone of the CT, more than {limit:g} mm",
    ),
    CaseCause.UNSURE: _Told(
        "how sure the labels are",
        high="{value:.0%} of the voxels near the level may be bone or nerve and may be not, more than {limit:.0%}",
    ),
    CaseCause.BONE_SHARE: _Told(
        "how much bone lies near the level",
        low="only {value:.0%} of what lies near the level are bone, less than {limit:.0%}",
        high="{value:.0%} of what lies near the level are bone, more than {limit:.0%}",
    ),
    CaseCause.BONE_SIDES: _Told(
        "bone on both sides", high="left and right differ by {value:.0%} of their bone, more than {limit:.0%}"
    ),
    CaseCause.BONE_PIECES: _Told(
        "pieces of bone", high="the labelled bone is in {value:.0f} pieces, more than {limit:.0f}"
    ),
    CaseCause.NERVE_SHARE: _Told(
        "how much nerve lies near the level",
        low="only {value:.1%} of what lies near the level are nerve, less than {limit:.1%}",
        high="{value:.1%} of what lies near the level are nerve, more than {limit:.1%}",
    ),
    CaseCause.NERVE_SIDES: _Told(
        "nerve on both sides",
        high="left and right differ by {value:.0%} of their nerve, more than {limit:.0%}",
    ),
    CaseCause.NERVE_PIECES: _Told(
        "pieces of nerve", high="the labelled nerve is in {value:.0f} pieces, more than {limit:.0f}"
    ),
    CaseCause.MIRROR: _Told(
        "whether left and right are alike",
        low="only {value:.0%} of the bone near the level has bone opposite, less than {limit:.0%}",
    ),
    CaseCause.ROOT_PAIRS: _Told(
        "roots in pairs",
        high="of a root {value:.0%} more are labelled than of its partner, more than {limit:.0%}",
    ),
    CaseCause.SAC_FOUND: _Told(
        "the thecal sac above the level",
        low="the thecal sac is labelled in only {value:.0%} of its course above the level, less than {limit:.0%}",
    ),
    CaseCause.FACING: _Told(
        "whether the bodies lie before the canal",
        low="only {value:.0%} of the bone lie before the canal, less than {limit:.0%}: front and back may be exchanged",
        high="{value:.0%} of the bone lie before the canal, more than {limit:.0%}: the arches are missing",
    ),
    CaseCause.UPRIGHT: _Told(
        "whether the sacrum lies below",
        low="below the level there is no more bone at the sides than above it: head and feet may be exchanged",
    ),
    CaseCause.LEAST_SIZE: _Told(
        "the size of the vertebrae",
        low="in one direction the level has {value:.2f} times the usual size, less than {limit:g}",
    ),
    CaseCause.MOST_SIZE: _Told(
        "the size of the vertebrae",
        high="in one direction the level has {value:.2f} times the usual size, more than {limit:g}",
    ),
    CaseCause.UNEVEN: _Told(
        "the proportions of the vertebrae",
        high="in one direction the level is {value:.2f} times as large as in another, more than {limit:g}: a spacing "
        "may be wrong",
    ),
    CaseCause.NEAR_DISCS: _Told(
        "the distance of the discs",
        low="two discs lie {value:.0f} mm apart, less than {limit:.0f} mm",
    ),
    CaseCause.FAR_DISCS: _Told(
        "the distance of the discs",
        high="two discs lie {value:.0f} mm apart, more than {limit:.0f} mm",
    ),
    CaseCause.WITHHELD: _Told(
        "whether anything is recommended",
        high="nothing is recommended for another reason than the case itself",
    ),
}
"""What is said of what stands against a case."""


def reason_text(cause: CaseCause, value: float | None, limit: float | None) -> str:
    """A reason without a full stop, to stand after a colon."""
    told = _TOLD[cause]
    if value is None or limit is None:
        return f"{told.called} was not looked at"
    text = told.low if value < limit else told.high
    # A plan of another program may hold a value on the side on which this one knows no limit.
    return f"{told.called} is unusual" if text is None else text.format(value=value, limit=limit)


CASE_RED = "The light of this case is red"
"""Where a plan does not say for what."""


def case_light_text(light: CaseLightRecord) -> str:
    """The light of a case and what is told of it; what makes it red stands among the reasons to recommend nothing."""
    amber = [each for each in light.reasons if each.light != Light.RED]
    if light.light == Light.RED:
        told = ["see why nothing is recommended", *map(_text, amber)]
    else:
        told = [*map(_text, amber)] or [
            "CT, labels and level look plausible; each trajectory has a light of its own"
        ]
    return f"{light.light}: {'; '.join(told)}"


def case_warnings(light: CaseLight | CaseLightRecord | None) -> tuple[ReadingWarning, ...]:
    """What has to stand on every picture of a case whose light is red."""
    reasons = () if light is None else light.reasons
    red = [each for each in reasons if each.light == Light.RED and each.cause != CaseCause.WITHHELD]
    if not red:
        return ()
    return (ReadingWarning(f"Nothing is recommended here: {'; '.join(map(_text, red))}", grave=True),)


def _text(reason: LightReason[CaseCause] | CaseReasonRecord) -> str:
    return reason_text(reason.cause, reason.value, reason.limit)
