"""From labels to ways in, on a specimen whose truth is known."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from spinect_core.anatomy.courses import dense
from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import Cancelled
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Guidance, Light, LightCause, RootPart, RootPlace, Rule, TipFact
from spinect_core.geometry.view import View
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.plan.build import key_of, planning_record
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import approach_sentence, result_sentences, sentence, sentences, trajectories
from spinect_core.planning.intervals import Uncertainty
from spinect_core.planning.level import Approaches, plan_level
from spinect_core.planning.needle.surroundings import Surroundings, unknown_mm
from spinect_core.planning.results import CasePlan
from spinect_core.planning.room import Room, obstacles_of
from spinect_core.planning.rules import Rules, barring
from spinect_core.planning.search.angle_map import Survey
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.segmentation.calibration import Calibration, Widening
from spinect_core.surfaces import build_surfaces

pytestmark = pytest.mark.heavy

BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))


@pytest.fixture(scope="module")
def case(draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())
    return phantom, build_surfaces(phantom.labels)


@pytest.fixture(scope="module")
def planned(case):
    phantom, surfaces = case
    seen = []
    room = Room(phantom.labels, surfaces, phantom.volume)
    plan = plan_level(room, step=10.0, progress=lambda part, words: seen.append((part, words)))
    return room, plan, seen


def test_both_triangles_are_found_on_both_sides(case, planned):
    truth = case[0].truth["landmarks"]
    _room, plan, seen = planned
    zones = {(each.zone.side, each.zone.kind, each.zone.version): each.zone for each in plan.approaches}
    assert set(zones) == {
        (side, kind, version)
        for side in ("left", "right")
        for kind, version in (("kambin", "bony"), ("kambin", "neural"), ("safe", ""))
    }
    for (side, kind, _), zone in zones.items():
        foramen = np.array(truth[f"foramen L5/S1 centre {side}"])
        away = np.linalg.norm(zone.centre - foramen)
        assert away < 20.0
        other = np.array(truth[f"foramen L5/S1 centre {'right' if side == 'left' else 'left'}"])
        assert np.linalg.norm(zone.centre - other) > away + 15.0
        margin = np.array(truth[f"L5 pedicle lower margin {side}"])
        # The safe triangle hangs from the pedicle, Kambin's stands on S1.
        assert (zone.centre[2] > margin[2] - 9.0) == (kind == "safe")
    parts = [part for part, _ in seen]
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1.0)


def test_a_way_in_is_free_of_bone_and_nerve_and_begins_at_the_skin(case, planned):
    phantom, _surfaces = case
    room, plan, _seen = planned
    needles = [each for each in plan.approaches if each.needle is not None]
    assert len(needles) >= 3
    for each in needles:
        needle = each.needle.needle
        assert needle.side == each.zone.side
        assert np.sign(needle.view.azimuth) in (0, 1 if needle.side == "left" else -1)
        # Label by label, without the surfaces: from just before the target to the skin there is neither.
        depths = np.arange(0.0, needle.depth_mm - 3.0, 0.5)
        index = np.rint(phantom.labels.geometry.to_index(needle.at(depths))).astype(int)
        inside = np.all((index >= 0) & (index < phantom.labels.array.shape), axis=1)
        met = phantom.labels.array[tuple(index[inside].T)]
        assert not np.isin(met, (BONE, NERVE)).any()
        hounsfield = phantom.volume.array[tuple(index[inside].T)]
        assert (hounsfield[6:] > -300).all()
        assert each.needle.clearance.bone.gap_mm > 0
        assert each.needle.clearance.nerve.gap_mm > 0
        assert 0 < each.needle.tolerance.angle.amount <= 30
        assert np.sign(each.needle.readouts.midline.midline_mm) == (1 if needle.side == "left" else -1)
        assert each.needle.tip.stop.depth_mm >= needle.depth_mm
        assert TipFact.VESSELS in each.needle.tip.missing
        # The light is worse than green exactly where something that it looks at is, here the tolerance on 2 mm.
        causes = {reason.cause for reason in each.needle.light.reasons}
        assert (LightCause.TOLERANCE in causes) == (each.needle.tolerance.angle.amount < 1.3)
        assert not causes & {LightCause.SLICES, LightCause.GAP}
        best = each.search.best
        again = Sight(each.zone, room.obstacles).window(best.view)
        assert again.area_mm2 == pytest.approx(best.window.area_mm2)
        assert f"{best.window.area_mm2:.1f} mm²" in approach_sentence(each)


def test_what_is_recommended_keeps_the_rules_and_the_measured_map_stays_as_it_is(planned):
    room, plan, _seen = planned
    work = Approaches(room, plan.landmarks)
    free = 0
    for each in plan.approaches:
        chart = each.search.map
        assert chart.refused is not None
        assert not chart.refused[~chart.looks.allowed].any(), "a view that is not open needs no rule"
        if each.needle is None:
            assert each.refusal is not None or each.withheld or plan.withheld or each.search.best is None
            assert each.search.recommended is None
            continue
        free += 1
        assert barring(each.needle.findings) == ()
        chosen, view = each.chosen, each.search.recommended.view
        assert view.angle_to(each.needle.needle.view) < 1e-6
        assert view.angle_to(chosen.view) < 1e-6
        assert chosen.tolerance_deg == each.needle.tolerance.angle.amount >= 0.5
        assert chosen.best_deg >= chosen.tolerance_deg
        assert chosen.largest_mm2 == each.search.best.window.area_mm2 >= chosen.area_mm2 - 0.5
        assert abs(view.elevation) <= 30
        assert 2 <= abs(view.azimuth) <= 50
    assert free
    # areas and circles of every view are those of the search alone
    zone = next(each for each in plan.approaches if each.needle is not None).zone
    [searched] = work.search([zone], step=10.0)
    again = work.approach(searched)
    for name in ("area_mm2", "radius_mm", "target", "reason"):
        one, other = (getattr(each.map.looks, name) for each in (searched.result, again.search))
        np.testing.assert_allclose(one, other, atol=1e-6, equal_nan=True)
    assert again.search.best.window.area_mm2 == pytest.approx(searched.result.best.window.area_mm2, abs=1e-6)


def test_a_rule_that_nothing_keeps_leaves_no_needle_and_says_so(case, planned):
    phantom, surfaces = case
    strict = Rules().edited({Rule.TOLERANCE_FLOOR: 10.0})
    zone = next(each for each in planned[1].approaches if each.needle is not None).zone
    found = []
    for rules in (strict, strict.overridden({Rule.TOLERANCE_FLOOR: "a thick phantom"})):
        work = Approaches(Room(phantom.labels, surfaces, phantom.volume, rules=rules), planned[1].landmarks)
        found.append(work.approach(work.search([zone], step=10.0)[0]))
    held, free = found
    assert (held.needle, held.search.recommended, held.chosen) == (None, None, None)
    assert held.refusal.counts[Rule.TOLERANCE_FLOOR] == held.refusal.open_views == held.search.allowed_count
    assert Rule.TOLERANCE_FLOOR in {each.rule for each in held.refusal.findings}
    assert "Not recommended: the rules leave none of" in approach_sentence(held)
    assert free.refusal is None
    overridden = {each.rule: each.override for each in free.needle.findings}
    assert overridden[Rule.TOLERANCE_FLOOR] == "a thick phantom"
    assert "recommended: " in approach_sentence(free)


def test_under_fluoroscopy_the_usual_views_of_a_c_arm_come_first(case, planned):
    phantom, surfaces = case
    ct = next(each for each in planned[1].approaches if each.needle is not None)
    room = Room(phantom.labels, surfaces, phantom.volume, guidance=Guidance.FLUOROSCOPY)
    work = Approaches(room, planned[1].landmarks)
    other = work.approach(work.search([ct.zone], step=10.0)[0])
    assert (ct.chosen.guidance, other.chosen.guidance) == (Guidance.CT, Guidance.FLUOROSCOPY)
    tilts = ct.search.recommended.view.elevation, other.search.recommended.view.elevation
    assert abs(tilts[0]) <= abs(tilts[1])
    assert abs(tilts[1] - 12.5) <= abs(tilts[0] - 12.5)
    assert planning_record(replace(planned[1], guidance=Guidance.FLUOROSCOPY))[0].guidance == "fluoroscopy"


def test_one_triangle_of_each_kind_and_side_is_proposed(planned):
    plan = planned[1]
    kinds = [(triangle.side, triangle.kind) for triangle in plan.triangles]
    assert len(kinds) == len(set(kinds)) >= 2
    assert all(triangle.author == "automatic" for triangle in plan.triangles)


def test_a_plan_keeps_all_of_it(planned):
    _room, plan, _seen = planned
    record, left_out = planning_record(plan)
    assert not left_out
    again = Planning.from_dict(record.to_dict())
    assert again == record
    assert len(again.zones) == len(again.windows) == len(again.searches) == 6
    best = {search.zone: search.best for search in again.searches}
    for window in again.windows:
        if best[window.zone] is not None:
            assert window.area_mm2 == pytest.approx(best[window.zone].area_mm2)
        else:
            assert window.closers
    assert [each.needle for each in again.needles] == [
        each.needle.needle for each in plan.approaches if each.needle is not None
    ]


def test_what_is_withheld_has_its_windows_but_no_needle_and_no_view_to_take(case, planned):
    phantom, surfaces = case
    why = Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1")
    room = Room(phantom.labels, surfaces, phantom.volume, withheld=(why,))
    held, free = plan_level(room, step=10.0, landmarks=planned[1].landmarks), planned[1]
    assert held.withheld == (why,)
    assert any(each.needle is not None for each in free.approaches)
    for with_needle, without in zip(free.approaches, held.approaches, strict=True):
        assert (without.needle, without.search.recommended) == (None, None)
        assert without.window.area_mm2 == with_needle.window.area_mm2
        assert (without.search.best is None) == (with_needle.search.best is None)
    assert len(held.triangles) == len(free.triangles)
    record, left_out = planning_record(held)
    assert not left_out
    again = Planning.from_dict(record.to_dict())
    assert again.withheld == sentences([why])
    assert again.needles == ()
    assert all(each.recommended is None for each in again.searches)
    told = result_sentences(held)
    assert told[0].startswith("A needle is not recommended: another level fits almost as well")


def test_without_a_labelled_sac_nothing_is_recommended(case, planned):
    """Nerve near the midline is gone, the roots beside it are whole: a needle through the sac would count as free."""
    phantom, _surfaces = case
    array = phantom.labels.array.copy()
    middle = np.array(phantom.truth["landmarks"]["S1 upper end plate centre"])
    index = np.argwhere(array == NERVE)
    near = np.abs(phantom.labels.geometry.to_patient(index)[:, 0] - middle[0]) < 10.0
    array[tuple(index[near].T)] = 0
    labels = Labels(array, phantom.labels.geometry)
    plan = plan_level(Room(labels, build_surfaces(labels), phantom.volume), shift=0, step=20.0)
    codes = [note.code for note in plan.withheld]
    assert (codes[0], codes.count(NoteCode.SAC_MISSING)) == (NoteCode.SAC_MISSING, 1)
    # so much nerve is gone that the case itself cannot be right, which does not say of the sac what was said
    assert "sac" not in " ".join(sentences(plan.withheld[1:]))
    assert all(each.needle is None for each in plan.approaches)
    assert "thecal sac is not labelled at L5/S1" in " ".join(sentences(plan.withheld))
    assert not any(note.code == NoteCode.SAC_MISSING for note in planned[1].withheld)


def test_a_root_that_the_picture_ends_before_is_no_whole_root(case, planned):
    """The picture ends in the right L5 root's foramen: its triangles are not recommended, and it is not whole."""
    phantom, _surfaces = case
    grid, line = phantom.labels.geometry, planned[1].landmarks.roots["L5 right"]
    last = line.points[[part == RootPart.FORAMEN for part in line.parts]][-1]
    at = round(float(grid.to_index(last)[2]))
    first = tuple(float(value) for value in grid.to_patient((0, 0, at)))
    shape = (*grid.shape[:2], grid.shape[2] - at)
    labels = Labels(
        phantom.labels.array[:, :, at:].copy(), Geometry(shape, grid.spacing, first, grid.direction)
    )
    plan = plan_level(Room(labels, build_surfaces(labels), phantom.volume), shift=0, step=20.0)
    for each in plan.approaches:
        if each.zone.side == "right":
            assert each.needle is None
            assert NoteCode.ROOT_CUT in {note.code for note in each.withheld} or plan.withheld
            assert "The labels end before L5 right has left its foramen" in " ".join(sentences(each.withheld))


def _way_in(grid, point, way):
    """Mm from a point along a direction to where it leaves a grid."""
    steps = np.arange(0.0, 400.0, 0.1)[:, None] * way / np.linalg.norm(way)
    index = grid.to_index(np.asarray(point) + steps)
    return 0.1 * np.count_nonzero(((index >= -0.5) & (index <= np.array(grid.shape) - 0.5)).all(axis=1))


def test_a_needle_is_no_green_one_where_nothing_is_labelled_or_nothing_is_recommended(case, planned):
    phantom, surfaces = case
    work = Approaches(Room(phantom.labels, surfaces, phantom.volume), planned[1].landmarks)
    needle = next(each.needle.needle for each in planned[1].approaches if each.needle is not None)
    assert unknown_mm(needle, phantom.labels, work.room.surroundings) == 0.0
    out = np.asarray(needle.entry) - needle.target
    far = replace(needle, entry=tuple(np.asarray(needle.target) + 4.0 * out))
    causes = {each.cause: each.value for each in work.measured(far).light.reasons}
    beyond = np.asarray(needle.depth_mm * 4.0 - _way_in(phantom.labels.geometry, needle.target, out))
    assert causes[LightCause.WAY] == pytest.approx(float(beyond), abs=1.5)
    assert causes[LightCause.WAY] > 20.0
    away = replace(
        needle, entry=tuple(np.asarray(needle.entry) + 500), target=tuple(np.asarray(needle.target) + 500)
    )
    tip = work.measured(away).tip
    assert {TipFact.DISC, TipFact.SAC, TipFact.ROOT, TipFact.FRONT, TipFact.BONE} < set(tip.missing)
    doubted = replace(
        planned[1].landmarks, shift=None, notes=(Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1"),)
    )
    light = Approaches(Room(phantom.labels, surfaces, phantom.volume), doubted).measured(needle).light
    assert light.light == Light.RED
    assert LightCause.WITHHELD in {each.cause for each in light.reasons}


def test_no_view_and_no_needle_goes_through_bone_outside_of_the_labels(case, planned):
    """The labels end 48 mm beside the midline, behind the sacroiliac joints; the crests lie outside of them."""
    phantom, _surfaces = case
    grid, marks = phantom.labels.geometry, planned[1].landmarks
    middle = round(float(grid.to_index(marks.points["S1 upper end plate centre"])[2]))
    low, high = middle - 24, middle + 24
    first = tuple(float(value) for value in grid.to_patient((0, 0, low)))
    labels = Labels(
        phantom.labels.array[:, :, low:high].copy(),
        Geometry((*grid.shape[:2], high - low), grid.spacing, first, grid.direction),
    )
    room = Room(labels, build_surfaces(labels), phantom.volume)
    plan = plan_level(room, landmarks=marks, step=10.0)
    labelled = obstacles_of(room.surfaces, Surroundings())
    # Without its outermost voxel, 2 mm, which the interpolated surface may pass by.
    deep = ndimage.binary_erosion(phantom.labels.array == BONE)
    let_through = closed_now = 0
    for approach in plan.approaches:
        looks = approach.search.map.looks
        for number in np.flatnonzero(np.isfinite(looks.target[:, 0])):
            vector = approach.search.map.view(number).vector
            way = looks.target[number] + np.arange(5.0, 150.0, 0.5)[:, None] * vector
            index = np.rint(grid.to_index(way)).astype(int)
            index = index[np.all((index >= 0) & (index < grid.shape), axis=1)]
            through = bool(deep[tuple(index.T)].any())
            let_through += through and bool(looks.allowed[number])
        targets = np.array([approach.zone.centre])
        views = [approach.search.map.view(number).vector for number in range(len(looks.area_mm2))]
        ways = np.repeat(targets, len(views), axis=0)
        before, now = labelled.blocked(ways, np.array(views)), room.obstacles.blocked(ways, np.array(views))
        assert not (before & ~now).any()
        closed_now += int((now & ~before).sum())
    assert let_through == 0
    assert closed_now > 20, "the crests stand in the way of some"
    assert {note.code for each in plan.approaches for note in each.notes} >= {NoteCode.ENDS_BEFORE_SKIN}
    for each in plan.approaches:
        if each.needle is not None:
            assert LightCause.WAY not in {reason.cause for reason in each.needle.light.reasons}


def test_where_the_labels_reach_the_skin_every_area_is_as_without_the_ct(case, planned):
    room, plan, _seen = planned
    assert len(room.surroundings.kinds) == 0
    zone = plan.approaches[0].zone
    bare = Obstacles.of(case[1])
    turn, lean = np.meshgrid(np.arange(0.0, 61.0, 10.0), np.arange(-40.0, 41.0, 10.0))
    with_ct, without = (
        Survey(Sight(zone, each)).look(turn.ravel(), lean.ravel()) for each in (room.obstacles, bare)
    )
    np.testing.assert_allclose(with_ct.area_mm2, without.area_mm2, atol=1e-6)
    np.testing.assert_allclose(with_ct.radius_mm, without.radius_mm, atol=1e-6)
    np.testing.assert_allclose(with_ct.bone_mm, without.bone_mm, atol=1e-6)


def test_a_root_with_a_gap_withholds_the_needle_of_the_zone_it_borders(case, planned):
    """The L5 root of one side is taken out beside the disc: its Kambin triangles are marked, all else stays."""
    phantom, surfaces = case
    numbers, line = phantom.truth["structures"], np.array(phantom.truth["nerves"]["L5 left"]["points"])
    plate = np.array(phantom.truth["landmarks"]["S1 upper end plate centre"])
    assert numbers["L5 left"]
    index = np.argwhere(phantom.labels.array == NERVE)
    points = phantom.labels.geometry.to_patient(index)
    away, nearest = cKDTree(line).query(points)
    height = line[nearest, 2] - plate[2]
    beside = (np.abs(height - 4.0) < 6.0) & (line[nearest, 0] > plate[0] + 18.0) & (away < 6.0)
    array = phantom.labels.array.copy()
    array[tuple(index[beside].T)] = 0
    labels = Labels(array, phantom.labels.geometry)
    marks = find_landmarks(labels)
    (gap,) = marks.roots["L5 left"].gaps
    assert gap.place == RootPlace.DISC
    assert not any(marks.roots[name].gaps for name in ("L5 right", "S1 left", "S1 right"))
    plan = plan_level(Room(labels, surfaces, phantom.volume), landmarks=marks, step=20.0)
    assert plan.withheld == ()
    for each in plan.approaches:
        held = (each.zone.side, each.zone.kind) == ("left", "kambin")
        assert bool(each.withheld) == held
        if held:
            assert (each.needle, each.search.recommended) == (None, None)
            (told,) = sentences(each.withheld)
            assert told == f"L5 left is not labelled for {gap.length_mm:.0f} mm beside the disc"
    record = planning_record(plan)[0]
    assert [root.name for root in record.roots if root.gaps] == ["L5 left"]
    # the CT lets one suppose where it runs; the needle is withheld all the same, and the labels are as they were
    (supposed,) = plan.landmarks.roots["L5 left"].gaps
    assert supposed.supposed is not None
    assert cKDTree(dense(line, 0.2)).query(dense(supposed.supposed, 0.5))[0].mean() < 2.0
    stored = next(root for root in record.roots if root.gaps).gaps[0].supposed
    np.testing.assert_allclose(stored, supposed.supposed)
    assert not labels.array[tuple(index[beside].T)].any()
    # a whole specimen withholds nothing
    assert not any(each.withheld for each in planned[1].approaches)


def test_a_zone_that_is_withheld_says_why(planned):
    why = Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1")
    approach = next(each for each in planned[1].approaches if each.needle is not None)
    told = approach_sentence(replace(approach, needle=None, withheld=(why,)))
    assert ". Not recommended: another level fits almost as well: check that this is L5/S1." in told
    record = planning_record(replace(planned[1], approaches=(replace(approach, withheld=(why,)),)))[0]
    assert record.searches[0].withheld == sentences([why])


def test_how_sure_the_labels_are_reaches_the_record_of_each_window_and_needle(case):
    phantom, surfaces = case
    blurred = [
        ndimage.gaussian_filter((phantom.labels.array == tissue).astype(np.float32), 0.7) for tissue in (1, 2)
    ]
    percent = [np.rint(100 * each).astype(np.uint8) for each in blurred]
    as_said = tuple(value / 100 for value in range(101))
    more = Widening(1, 0.1, 0.2, 1)
    made = Calibration("", "", as_said, as_said, more, None)
    sure = Uncertainty(Probabilities(*percent, phantom.labels.geometry), made, more)
    # the middle of what is open lies 0.3 mm medial of the pedicle's middle here
    rules = Rules().edited({Rule.TIP_MEDIAL: -2.0})
    room = Room(phantom.labels, surfaces, phantom.volume, uncertainty=sure, rules=rules)
    work = Approaches(room, find_landmarks(phantom.labels))
    zone = next(each for each in work.zones(("left",))[0] if each.kind == "safe")
    found = work.approach(work.search([zone], step=10.0)[0])
    assert found.interval is not None
    assert found.needle is not None
    plan = CasePlan(work.landmarks, (found,), ())
    record, left_out = planning_record(plan)
    assert not left_out
    (window,), (needle,) = record.windows, record.needles
    assert window.area_90.low + 1 <= window.area_mm2 <= window.area_90.high - 1
    assert window.area_90.high - window.area_90.low > 5, "the borders are blurred over 2 mm"
    assert window.radius_90.low < window.radius_mm < window.radius_90.high
    for interval, clearance in (
        (needle.safety.bone_90, needle.safety.bone),
        (needle.safety.nerve_90, needle.safety.nerve),
    ):
        assert interval.low < clearance.gap_mm < interval.high
    said = approach_sentence(found)
    assert f"mm² ({window.area_90.low:.1f} to {window.area_90.high:.1f}) open" in said


def test_without_a_ct_the_window_is_found_and_the_needle_is_not(case, planned):
    phantom, surfaces = case
    found = plan_level(
        Room(phantom.labels, surfaces), sides=("left",), landmarks=planned[1].landmarks, step=20.0
    )
    assert any(each.search.best is not None for each in found.approaches)
    assert all(each.needle is None for each in found.approaches)


def test_a_picture_narrower_than_the_patient_still_shows_the_window(case, planned):
    phantom, surfaces = case
    # Muscle to the very edge: nowhere skin.
    filled = np.full(phantom.labels.array.shape, 50, dtype=np.int16)
    room = Room(phantom.labels, surfaces, Volume(filled, phantom.labels.geometry))
    found = plan_level(room, sides=("right",), landmarks=planned[1].landmarks, step=20.0)
    opened = [each for each in found.approaches if each.search.best is not None]
    assert opened
    assert all(each.needle is None for each in opened)
    told = {each.zone: each.notes for each in planning_record(found)[0].searches}
    for each in opened:
        assert set(sentences(each.notes)) <= set(told[key_of(each.zone)]), (
            "what there is to know reaches the plan"
        )
    assert any(sentence(Note(NoteCode.NO_SKIN)) in notes for notes in told.values())
    # The reason is that, and not what rules say of places without an entry.
    rows = [each for each in trajectories(planning_record(found)[0]) if each.search and each.search.best]
    assert rows
    assert all("the CT does not show the skin" in each.withheld_text for each in rows)
    assert not any(each.recommended or "rule" in each.withheld_text for each in rows)


def test_a_wall_behind_the_spine_closes_every_way_and_what_closes_it_is_named(case, planned):
    phantom, _surfaces = case
    labels = phantom.labels.array.copy()
    where = phantom.labels.geometry.to_index(np.array([0.0, 36.0, 0.0]))
    back = round(where[1])
    labels[:, back : back + 2, :] = BONE
    labels[-2:, back - 12 : back, :] = BONE  # no way over the top either
    walled = Labels(labels, phantom.labels.geometry)
    room = Room(walled, build_surfaces(walled))
    found = plan_level(room, sides=("left",), landmarks=planned[1].landmarks, step=20.0)
    assert len(found.approaches) == 3
    for each in found.approaches:
        assert each.search.best is None
        assert each.closing is not None
        assert each.closing.closers
        assert "no trajectory" in approach_sentence(each)
    assert found.triangles == ()


def test_a_needle_of_ones_own(case, planned):
    room, plan, _seen = planned
    work = Approaches(room, plan.landmarks)
    zone = next(each.zone for each in plan.approaches if each.zone.side == "left")
    mine = work.needle_along(zone, View.oblique("left", 20, -5), zone.centre, name="mine", author="user")
    assert mine is not None
    assert mine.needle.name == "mine"
    assert mine.needle.view.angle_to(View.oblique("left", 20, -5)) < 1e-6
    assert mine.needle.target == pytest.approx(tuple(zone.centre))


def test_it_can_be_stopped(case):
    phantom, surfaces = case
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        plan_level(Room(phantom.labels, surfaces), cancel=stop)
