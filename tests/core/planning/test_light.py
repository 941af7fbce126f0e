"""A trajectory's light is the worst of what is known of it, and what is not known is not green."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.base.words import Light, LightCause
from spinect_core.image.scan import Scan
from spinect_core.image.volume import Geometry, Volume
from spinect_core.plan.build import light_record
from spinect_core.plan.records import LightRecord
from spinect_core.plan.wording import light_text
from spinect_core.planning.needle.light import GRADES, light_of

WELL = {
    LightCause.TOLERANCE: 4.0,
    LightCause.BONE_GAP: 3.0,
    LightCause.NERVE_GAP: float("inf"),
    LightCause.BORDER: 0.9,
    LightCause.GAP: 0.0,
    LightCause.SLICES: 1.0,
    LightCause.WAY: 0.0,
    LightCause.NERVE_WAY: 0.0,
    LightCause.ORGAN_GAP: float("inf"),
    LightCause.ORGANS_WAY: 0.0,
    LightCause.CASE: 0.0,
    LightCause.WARNED: 0.0,
    LightCause.WITHHELD: 0.0,
}


def test_green_needs_everything_to_be_known_and_well() -> None:
    found = light_of(WELL)
    assert (found.light, found.reasons) == (Light.GREEN, ())
    assert light_text(light_record(found)) == "green: nothing that is looked at stands against it"
    assert set(WELL) == set(GRADES) == set(LightCause)
    for cause in WELL:
        for unknown in (WELL | {cause: None}, {key: value for key, value in WELL.items() if key != cause}):
            found = light_of(unknown)
            assert (found.light, [each.cause for each in found.reasons]) == (Light.AMBER, [cause])
            assert light_text(light_record(found)).endswith(" not known")


@pytest.mark.parametrize(
    ("cause", "values"),
    [  # the last that is green, the first amber, the last amber, the first red; None where there is no such value
        (LightCause.TOLERANCE, (1.3, 1.29, 0.5, 0.49)),
        (LightCause.BONE_GAP, (1.0, 0.99, 0.0, -0.01)),
        (LightCause.NERVE_GAP, (1.0, 0.99, 0.0, -0.01)),
        (LightCause.BORDER, (0.5, 0.49, 0.0, None)),
        (LightCause.GAP, (0.0, None, None, 0.1)),
        (LightCause.SLICES, (2.0, 2.01, 5.0, 5.01)),
        (LightCause.WAY, (0.0, 1.0, 90.0, None)),
        (LightCause.NERVE_WAY, (0.0, 1.0, 90.0, None)),
        (LightCause.ORGAN_GAP, (20.0, 19.9, 5.0, 4.9)),
        (LightCause.ORGANS_WAY, (5.0, 5.5, 90.0, None)),
        (LightCause.WARNED, (0.0, 1.0, 9.0, None)),
        (LightCause.CASE, (0.0, 1.0, 9.0, None)),
        (LightCause.WITHHELD, (0.0, None, None, 1.0)),
    ],
)
def test_each_cause_turns_at_its_limits(cause: LightCause, values) -> None:
    for value, light in zip(values, (Light.GREEN, Light.AMBER, Light.AMBER, Light.RED), strict=True):
        if value is None:
            continue
        found = light_of(WELL | {cause: value})
        assert (found.light, len(found.reasons)) == (light, light != Light.GREEN)
        if light != Light.GREEN:
            (reason,) = found.reasons
            assert (reason.cause, reason.value) == (cause, value)
            assert GRADES[cause].source
            record = light_record(found)
            assert LightRecord.from_dict(record.to_dict()) == record
            assert light_text(record).startswith(f"{light}: ")


def test_the_worst_decides_and_stands_first() -> None:
    found = light_of(WELL | {LightCause.TOLERANCE: 1.0, LightCause.BONE_GAP: -0.12, LightCause.SLICES: 3.0})
    assert found.light == Light.RED
    assert light_text(light_record(found)) == (
        "red: -0.1 mm to bone, less than 0 mm; angular tolerance 1.0°, less than 1.3°; slices of 3.0 mm, more than 2 mm"
    )


def test_slices_are_as_thick_as_they_say_and_no_closer_than_they_lie() -> None:
    grid = Geometry((4, 8, 8), (1.0, 1.0, 2.0))

    def slice_mm(**details: object) -> float:
        return Scan.of(Volume(np.zeros((4, 8, 8), np.int16), grid, details=details)).slice_mm

    assert slice_mm() == 2.0
    assert slice_mm(slice_thickness_mm=None) == 2.0
    assert slice_mm(slice_thickness_mm=3.0) == 3.0
    assert slice_mm(slice_thickness_mm=0.75) == 2.0


@pytest.mark.parametrize(
    ("cause", "value", "told"),
    [
        (LightCause.TOLERANCE, 1.299, "angular tolerance 1.2°, less than 1.3°"),
        (LightCause.BONE_GAP, 0.99, "0.9 mm to bone, less than 1 mm"),
        (LightCause.BORDER, 0.4999, "sure to 49% only, less than 50%"),
        (LightCause.SLICES, 2.01, "slices of 2.1 mm, more than 2 mm"),
    ],
)
def test_words_never_say_that_a_value_is_less_than_itself(cause: LightCause, value: float, told: str) -> None:
    assert told in light_text(light_record(light_of(WELL | {cause: value})))


def test_a_thickness_that_no_slice_has_is_not_known() -> None:
    grid = Geometry((20, 20, 20), (1.0, 1.0, 2.0))
    for thick, expected in ((3.0, 3.0), (1e300, 2.0), (-5.0, 2.0), (None, 2.0)):
        volume = Volume(np.zeros(grid.shape, np.int16), grid, details={"slice_thickness_mm": thick})
        assert Scan.of(volume).slice_mm == expected
