"""A case whose CT or labels cannot be right is told from a sound one, by measures whose values are known here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.base.errors import PlanError
from spinect_core.base.notes import NoteCode
from spinect_core.base.words import CaseCause, Light
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.plan.build import case_light, planning_record
from spinect_core.plan.case_wording import case_light_text, case_warnings
from spinect_core.plan.records import MOST_REASONS, CaseLightRecord, Planning
from spinect_core.plan.wording import sentences
from spinect_core.planning.level import Approaches, plan_level
from spinect_core.planning.plausibility.light import RANGES, CaseLight, Range, light_of_case
from spinect_core.planning.plausibility.picture import look_at
from spinect_core.planning.plausibility.shape import Frame, case_values, metal_near, shape_of, unsure_near
from spinect_core.planning.room import Room
from spinect_core.planning.traffic_light import LightReason
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.surfaces import build_surfaces

BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
CENTRE = "S1 upper end plate centre"

# --------------------------------------------------------------------------------------------------- limits and words


@pytest.mark.parametrize("cause", list(RANGES))
def test_each_cause_turns_at_its_limits_and_is_told(cause: CaseCause) -> None:
    limits, small = RANGES[cause], 1e-6
    assert limits.source
    usual = [
        each for each in (limits.least, limits.least_red, limits.most, limits.most_red) if each is not None
    ]
    for limit, way, light in (
        (limits.least, -1, Light.AMBER),
        (limits.least_red, -1, Light.RED),
        (limits.most, 1, Light.AMBER),
        (limits.most_red, 1, Light.RED),
    ):
        if limit is None:
            continue
        at, past = (light_of_case({cause: limit + way * step}) for step in (0.0, small))
        assert at.light != light  # what lies at a limit has not passed it
        assert past.light == light
        (reason,) = past.reasons
        assert (reason.cause, reason.limit) == (cause, limit)
        told = case_light_text(
            case_light(replace(past, light=Light.AMBER, reasons=(replace(reason, light=Light.AMBER),)))
        )
        assert told.startswith("amber: ")
        assert "unusual" not in told
    (unknown,) = light_of_case({cause: None}).reasons
    assert (unknown.light, unknown.value) == (Light.AMBER, None)
    assert case_light_text(case_light(light_of_case({cause: None}))).endswith("was not looked at")
    assert usual or cause == CaseCause.PICTURE


def test_red_lies_beyond_amber_and_the_worst_comes_first() -> None:
    for limits in RANGES.values():
        if limits.least is not None and limits.least_red is not None:
            assert limits.least_red < limits.least
        if limits.most is not None and limits.most_red is not None:
            assert limits.most_red > limits.most
    ranges = {CaseCause.NOISE: Range(most=10.0), CaseCause.SHIFT: Range(most_red=4.0)}
    found = light_of_case({CaseCause.NOISE: 11.0, CaseCause.SHIFT: 6.0, CaseCause.METAL: 900.0}, ranges)
    assert found.light == Light.RED
    assert [each.cause for each in found.reasons] == [CaseCause.SHIFT, CaseCause.NOISE]
    assert light_of_case({}, ranges) == CaseLight(Light.GREEN)


def test_every_cause_has_a_range_and_words() -> None:
    assert set(RANGES) == set(CaseCause)


def test_a_reason_is_told_once() -> None:
    """What makes a case red stands among the reasons to recommend nothing, and what is amber with the light."""
    found = CaseLight(
        Light.RED,
        (
            LightReason(CaseCause.SHIFT, Light.RED, 12.0, 4.5),
            LightReason(CaseCause.NOISE, Light.AMBER, 80.0, 70.0),
        ),
    )
    record = case_light(found)
    assert CaseLightRecord.from_dict(record.to_dict()) == record
    told = case_light_text(record)
    assert told == ("red: see why nothing is recommended; the CT has a noise of 80 HU, more than 70")
    (warning,) = case_warnings(found)
    assert "the labelled bone lies 12 mm beside the bone of the CT, more than 4.5 mm" in warning.text
    assert warning.grave
    assert case_warnings(None) == case_warnings(CaseLight(Light.AMBER, found.reasons[1:])) == ()


def test_what_no_light_has_is_refused_in_words() -> None:
    reason = {"cause": "noise", "light": "red", "value": 120.0, "limit": 100.0}
    assert CaseLightRecord.from_dict({"light": "red", "reasons": [reason] * MOST_REASONS})
    for data, said in (
        ({"light": "red", "reasons": [reason] * (MOST_REASONS + 1)}, "at most 100 are allowed"),
        ({"light": "blue", "reasons": []}, "is none of"),
        ({"light": "green", "reasons": [reason]}, "a light that is green with a reason that makes it red"),
        ({"light": "amber", "reasons": [reason]}, "a light that is amber with a reason that makes it red"),
        ({"light": "red", "reasons": [reason | {"cause": "taste"}]}, "is none of"),
        ({"light": "red", "reasons": [reason | {"value": 1e300}]}, "or less"),
    ):
        with pytest.raises(PlanError, match=said):
            CaseLightRecord.from_dict(data)
    assert Planning.from_dict({}).light is None


# -------------------------------------------------------------------------------------------------- measures on a case


@pytest.fixture(scope="module")
def case(draw_once):
    return draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())


@pytest.fixture(scope="module")
def landmarks(case):
    return find_landmarks(case.labels)


@pytest.fixture(scope="module")
def sound(case, landmarks):
    return case_values(case.labels, landmarks, look_at(case.volume, case.labels))


def with_labels(case, array) -> Labels:
    return Labels(np.ascontiguousarray(array, dtype=np.uint8), case.labels.geometry)


def with_picture(case, array) -> Volume:
    return Volume(np.clip(array, -1024, 3071).astype(np.int16), case.volume.geometry)


@pytest.mark.heavy
def test_a_sound_case_is_not_red(sound) -> None:
    light = light_of_case(sound)
    assert light.of(Light.RED) == ()
    assert set(sound) == set(CaseCause) - {CaseCause.PICTURE, CaseCause.UNSURE, CaseCause.WITHHELD}
    assert sound[CaseCause.SHIFT] == 0.0
    assert sound[CaseCause.METAL] == 0.0
    assert sound[CaseCause.NEAR_DISCS] > 25.0


@pytest.mark.heavy
@pytest.mark.parametrize("mm", [(0, 0, 10), (0, -8, 0), (12, 0, 0)])
def test_labels_beside_their_ct_are_measured_in_mm(case, mm) -> None:
    moved = np.roll(case.labels.array, tuple(round(each / 2.0) for each in mm), (0, 1, 2))
    found = look_at(case.volume, with_labels(case, moved))
    assert found.values[CaseCause.SHIFT] == pytest.approx(np.linalg.norm(mm), abs=2.1)
    assert light_of_case(found.values).light == Light.RED


@pytest.mark.heavy
def test_other_densities_are_measured_in_hu(case, sound) -> None:
    found = look_at(with_picture(case, case.volume.array + 200.0), case.labels).values
    for cause in (CaseCause.BONE_HU, CaseCause.NERVE_HU):
        assert found[cause] == pytest.approx(sound[cause] + 200.0, abs=2.0)
    assert CaseCause.NERVE_HU in {each.cause for each in light_of_case(found).of(Light.RED)}


@pytest.mark.heavy
def test_noise_is_measured_in_hu(case, sound) -> None:
    noise = np.random.default_rng(1).normal(0.0, 150.0, case.volume.array.shape)
    found = look_at(with_picture(case, case.volume.array + noise), case.labels).values
    assert found[CaseCause.NOISE] > 90.0 > sound[CaseCause.NOISE]


@pytest.mark.heavy
def test_slices_that_do_not_follow_each_other_are_told(case, sound) -> None:
    array, middle = case.volume.array, case.volume.array.shape[0] // 2
    repeated = array.copy()
    repeated[middle - 6 : middle + 6] = array[middle - 6]
    assert look_at(with_picture(case, repeated), case.labels).values[CaseCause.SLICE_TWICE] > 0.1
    assert sound[CaseCause.SLICE_TWICE] == sound[CaseCause.SLICE_ORDER] == 0.0
    order = np.random.default_rng(1).permutation(len(array))
    shuffled = look_at(with_picture(case, array[order]), with_labels(case, case.labels.array[order])).values
    assert shuffled[CaseCause.SLICE_ORDER] > 0.3
    gone = np.r_[0 : middle - 6, middle + 6 : len(array)]
    grid = case.volume.geometry
    shorter = Geometry((len(gone), *grid.shape[1:]), grid.spacing, grid.origin)
    cut = look_at(Volume(array[gone], shorter), Labels(case.labels.array[gone], shorter)).values
    assert cut[CaseCause.JUMP] > 1.5 * sound[CaseCause.JUMP]


@pytest.mark.heavy
def test_bone_that_is_not_labelled_and_labels_in_air_are_told(case, sound) -> None:
    bone = case.labels.array == BONE
    thinner = ndimage.binary_erosion(bone, iterations=2)
    found = look_at(case.volume, with_labels(case, np.where(bone & ~thinner, 0, case.labels.array))).values
    assert found[CaseCause.BONE_MISSED] > sound[CaseCause.BONE_MISSED] + 0.2
    empty = case.volume.array.copy()
    empty[: len(empty) // 2] = -1000
    labelled = case.labels.array > 0
    found = look_at(with_picture(case, empty), case.labels).values
    box = slice(len(empty) // 2)
    assert found[CaseCause.IN_AIR] == pytest.approx(labelled[box].sum() / labelled.sum(), abs=0.12)


@pytest.mark.heavy
def test_metal_near_the_level_is_measured_in_ml(case, landmarks) -> None:
    metal = case.volume.array.copy()
    z, y, x = np.rint(case.volume.geometry.to_index(landmarks.points[CENTRE])).astype(int)
    metal[z : z + 5, y : y + 5, x + 5 : x + 10] = 3000
    metal[z - 25, y, x] = 3000  # 50 mm below
    found = look_at(with_picture(case, metal), case.labels)
    assert metal_near(found.metal, found.metal_ml, landmarks) == pytest.approx(1.0, abs=0.01)


@pytest.mark.heavy
def test_what_one_side_lacks_is_told(case, landmarks, sound) -> None:
    frame = Frame.of(landmarks)
    places = case.labels.geometry.to_patient(np.indices(case.labels.array.shape).transpose(1, 2, 3, 0))
    left = frame.along(places.reshape(-1, 3))[:, 0].reshape(case.labels.array.shape)
    for tissue, cause in ((NERVE, CaseCause.NERVE_SIDES), (BONE, CaseCause.BONE_SIDES)):
        gone = (case.labels.array == tissue) & (left > 8.0)
        found = shape_of(with_labels(case, np.where(gone, 0, case.labels.array)), landmarks)
        assert found[cause] == pytest.approx(1.0, abs=0.02)
        assert sound[cause] < 0.3
    both = shape_of(with_labels(case, np.where(abs(left) > 8.0, 0, case.labels.array)), landmarks)
    assert CaseCause.NERVE_SIDES not in both  # nothing is left to compare


@pytest.mark.heavy
def test_back_to_front_and_upside_down_are_told(case, landmarks, sound) -> None:
    """The labels mirrored about the level along its own axes, its landmarks where they were."""
    grid, frame = case.labels.geometry, Frame.of(landmarks)
    assert sound[CaseCause.FACING] > 0.55
    assert sound[CaseCause.UPRIGHT] > 0.1
    places = grid.to_patient(np.indices(grid.shape).transpose(1, 2, 3, 0))
    for axis, way, cause in (
        (1, frame.back, CaseCause.FACING),
        (2, frame.up, CaseCause.UPRIGHT),
    ):
        height = frame.along(places.reshape(-1, 3))[:, axis].reshape(grid.shape)
        index = np.rint(grid.to_index(places - 2 * height[..., None] * way)).astype(int)
        inside = np.all((index >= 0) & (index < grid.shape), axis=-1)
        index = np.where(inside[..., None], index, 0)
        mirrored = case.labels.array[tuple(np.moveaxis(index, -1, 0))] * inside
        found = shape_of(with_labels(case, mirrored), landmarks)
        assert cause in {each.cause for each in light_of_case(found).of(Light.RED)}


@pytest.mark.heavy
def test_a_level_that_is_stretched_one_way_is_uneven(landmarks, sound) -> None:
    longer = {name: point * (1.0, 1.0, 2.0) for name, point in landmarks.points.items()}
    found = shape_of(
        Labels(np.zeros((8, 8, 8), np.uint8), Geometry((8, 8, 8), (1.0,) * 3)),
        replace(landmarks, points=longer),
    )
    assert found[CaseCause.UNEVEN] == pytest.approx(2.0 * sound[CaseCause.UNEVEN], rel=0.25)
    assert {CaseCause.UNEVEN, CaseCause.MOST_SIZE} <= {
        each.cause for each in light_of_case(found).of(Light.RED)
    }


@pytest.mark.heavy
def test_roots_that_lack_their_partner_and_a_sac_with_gaps(case, landmarks, sound) -> None:
    lost = {
        name: replace(root, labelled=np.zeros_like(root.labelled)) if name == "L5 left" else root
        for name, root in landmarks.roots.items()
    }
    found = shape_of(case.labels, replace(landmarks, roots=lost))
    assert found[CaseCause.ROOT_PAIRS] > 0.8
    gone = np.where(case.labels.array == NERVE, 0, case.labels.array)
    assert shape_of(with_labels(case, gone), landmarks)[CaseCause.SAC_FOUND] == 0.0
    assert sound[CaseCause.SAC_FOUND] == 1.0


def test_unsure_voxels_are_counted_near_the_level() -> None:
    marks = Landmarks({CENTRE: np.array([45.0, 45.0, 45.0])}, {}, 1.0)
    grid = Geometry((120, 100, 100), (1.0, 1.0, 1.0))
    bone = np.zeros(grid.shape, np.uint8)
    bone[40:50, 40:50, 40:50] = 100
    bone[40:50, 40:50, 50:55] = 50
    bone[100:, 40:50, 40:50] = 50  # too far
    found = unsure_near(Probabilities(bone, np.zeros_like(bone), grid), marks)
    assert found == pytest.approx(500 / 1500)
    assert unsure_near(Probabilities(0 * bone, 0 * bone, grid), marks) is None


# ------------------------------------------------------------------------------------------------ what follows from it


@pytest.mark.heavy
def test_nothing_is_recommended_where_the_light_is_red(case, landmarks) -> None:
    moved = Volume(np.roll(case.volume.array, 5, 2), case.volume.geometry)
    plan = plan_level(
        Room(case.labels, build_surfaces(case.labels), moved), landmarks=landmarks, sides=("left",), step=20.0
    )
    red = [note for note in plan.withheld if note.code == NoteCode.IMPLAUSIBLE]
    assert CaseCause.SHIFT in {note.values["cause"] for note in red}
    assert plan.light.light == Light.RED
    assert [each.needle for each in plan.approaches] == [None] * len(plan.approaches)
    told = " ".join(sentences(plan.withheld))
    assert "The labelled bone lies 10 mm beside the bone of the CT" in told
    record, left_out = planning_record(plan)
    assert not left_out
    again = Planning.from_dict(record.to_dict())
    assert again.light == record.light
    assert again.light.light == Light.RED
    assert "beside the bone" not in case_light_text(again.light)


@pytest.mark.heavy
def test_without_a_ct_the_case_is_amber_and_something_is_recommended(case, landmarks) -> None:
    work = Approaches(Room(case.labels, build_surfaces(case.labels)), landmarks)
    assert work.withheld == ()
    (reason,) = [each for each in work.light.reasons if each.value is None]
    assert (reason.cause, reason.light) == (CaseCause.PICTURE, Light.AMBER)
    assert work.light.light == Light.AMBER


# ------------------------------------------------------------------------------------------------------------ its page


def test_the_page_has_the_limits_of_the_program() -> None:
    def words(least: float | None, most: float | None) -> str:
        found = [] if least is None else [f"under {least:g}"]
        return " or ".join(found if most is None else [*found, f"over {most:g}"]) or "–"

    page = Path(__file__).parents[3] / "docs" / "plausibility.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = {row.split("|")[1].strip(" `"): [cell.strip() for cell in row.split("|")[3:5]] for row in rows}
    assert list(told) == [str(cause) for cause in RANGES]
    for cause, limits in RANGES.items():
        amber = "not known" if cause == CaseCause.PICTURE else words(limits.least, limits.most)
        assert told[cause] == [amber, words(limits.least_red, limits.most_red)]
