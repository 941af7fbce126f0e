"""The best ways in of scenes whose best way is known."""

import threading
import time

import numpy as np
import pytest
import pyvista as pv
from search_scenes import MIDDLE, bone, circle, mirrored, plate, square_zone, thicket, tunnels, turned_zone

from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.geometry.view import View
from spinect_core.image.volume import Geometry
from spinect_core.plan.wording import sentence
from spinect_core.planning.search.angle_map import Survey, angle_map
from spinect_core.planning.search.search import SearchResult, search
from spinect_core.planning.search.weights import Limits, Reason, Weights
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

pytestmark = pytest.mark.heavy

NORMAL = View.oblique("left", 30.0, 0.0)


class FlatSkin:
    """A plane across the back, seen only up to a border at the side."""

    def __init__(self, back: float = 90.0, shown_to: float = 1e9) -> None:
        self.back, self.shown_to = back, shown_to

    def depth(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        far = (self.back - points[:, 1]) / directions[:, 1]
        return np.where(points[:, 0] + far * directions[:, 0] < self.shown_to, far, np.nan)


def test_the_best_view_of_a_hole_in_a_plate_is_its_normal():
    normal = View.oblique("left", 33.0, -12.5)
    sight = Sight(square_zone(7.0, normal), bone(plate(normal, circle(3.0), low=6.0, high=8.0)))
    found = search(sight, None, step=4.0)
    assert found.best.view.angle_to(normal) <= 0.5
    assert found.best.window.area_mm2 == pytest.approx(np.pi * 9.0, rel=0.01)
    assert found.ridge.mask.any()
    assert not found.alternatives


def test_the_best_view_into_a_tunnel_is_along_it():
    along = View.oblique("right", 27.0, 14.0)
    normal = View.oblique("right", 20.0, 5.0)
    sight = Sight(square_zone(7.0, normal, side="right"), tunnels(normal, (2.5, (1.0, -1.0), along)))
    found = search(sight, None)
    assert found.best.view.angle_to(along) <= 0.5
    cross_section = np.pi * 2.5**2 * np.cos(np.radians(normal.angle_to(along)))
    assert found.best.window.area_mm2 == pytest.approx(cross_section, rel=0.015)
    assert found.candidate == found.best.view


def test_two_tunnels_are_two_ways():
    first, second = View.oblique("left", 18.0, -18.0), View.oblique("left", 42.0, 18.0)
    # In the picture the first leads to the lower right and the second to the upper left.
    sight = Sight(
        square_zone(8.0, NORMAL), tunnels(NORMAL, (2.5, (3.0, -4.0), first), (2.0, (-3.0, 4.0), second))
    )
    found = search(sight, None)
    assert found.best.view.angle_to(first) <= 0.5
    assert len(found.alternatives) == 1
    other = found.alternatives[0]
    assert other.view.angle_to(second) <= 0.75
    assert other.window.area_mm2 == pytest.approx(np.pi * 4.0 * np.cos(np.radians(21.5)), rel=0.03)
    assert "24° more oblique" in other.words
    assert "36° more cranial" in other.words
    assert "mm² smaller" in other.words
    # The ridge is round the first and does not reach the second.
    angles = np.column_stack([found.map.looks.oblique, found.map.looks.tilt])[found.ridge.mask.ravel()]
    assert np.abs(angles - (18.0, -18.0)).max() < 8.0


@pytest.fixture(scope="module")
def wild() -> Sight:
    return Sight(square_zone(6.0, View.oblique("left", 35.0, 5.0)), thicket()[0])


def test_the_result_is_the_same_every_time_and_for_any_number_of_threads(wild):
    one, two, again = (search(wild, FlatSkin(), step=6.0, threads=count) for count in (1, 2, 2))
    for other in (two, again):
        for name in ("area_mm2", "radius_mm", "target", "depth_mm", "bone_mm", "nerve_mm", "reason"):
            assert getattr(one.map.looks, name).tobytes() == getattr(other.map.looks, name).tobytes()
        assert one.score.tobytes() == other.score.tobytes()
        assert one.best.view == other.best.view
        assert [a.view for a in one.alternatives] == [a.view for a in other.alternatives]


def test_a_mirrored_scene_has_the_mirrored_map(wild):
    _, solid, cord = thicket()
    other = Sight(turned_zone(wild.zone, "right"), Obstacles(mirrored(solid), mirrored(cord)))
    left, right = (angle_map(Survey(sight), step=5.0).looks for sight in (wild, other))
    assert np.abs(left.area_mm2 - right.area_mm2).max() < 0.02
    assert np.abs(left.radius_mm - right.radius_mm).max() < 0.02
    assert (left.reason == right.reason).all()


@pytest.fixture(scope="module")
def found(wild) -> SearchResult:
    return search(wild, FlatSkin(), step=4.0)


def test_no_view_is_better_than_the_best(wild, found):
    every = [
        wild.window(View.oblique("left", turn, lean)).area_mm2
        for turn in np.arange(0.0, 61.0, 5.0)
        for lean in np.arange(-40.0, 41.0, 5.0)
    ]
    near = [
        wild.window(found.best.view.turned(turn, lean)).area_mm2
        for turn in (-1.0, 0.0, 1.0)
        for lean in (-1.0, 0.0, 1.0)
    ]
    assert found.best.window.area_mm2 >= 0.99 * max(*every, *near)
    assert found.allowed_count == found.map.looks.allowed.sum() > 0


def test_views_are_scored_to_compare_them_and_the_search_recommends_none(found):
    assert found.recommended is None
    assert np.isnan(found.score[~found.map.looks.allowed]).all()
    assert found.best.score == pytest.approx(
        found.weights.score({name: np.array([value]) for name, value in found.best.terms.items()})[0]
    )
    assert set(found.best.terms) == {"area", "tolerance", "nerve", "bone", "depth", "usual"}
    assert 0 <= found.best.score <= 1


def test_alternatives_lie_apart(found):
    views = [found.best.view, *(one.view for one in found.alternatives)]
    assert len(views) > 1
    assert min(a.angle_to(b) for k, a in enumerate(views) for b in views[:k]) >= 8.0
    assert min(one.window.area_mm2 for one in found.alternatives) >= 0.25 * found.best.window.area_mm2


def test_hard_limits_name_their_reason():
    sight = Sight(square_zone(7.0, NORMAL), bone(plate(NORMAL, circle(2.0), low=3.0, high=3.5)))

    def reasons(skin: FlatSkin | None, limits: Limits | None = None) -> set[Reason]:
        looks = Survey(sight, skin, limits=limits).look([30.0], [0.0])
        return {Reason(int(number)) for number in looks.reason}

    assert reasons(None) == {Reason.ALLOWED}
    assert reasons(FlatSkin()) == {Reason.ALLOWED}
    assert reasons(FlatSkin(shown_to=40.0)) == {Reason.NO_SKIN}
    assert reasons(FlatSkin(back=200.0)) == {Reason.TOO_DEEP}
    assert reasons(None, Limits(needle_radius_mm=2.1)) == {Reason.NARROW}
    shut = Sight(square_zone(7.0, NORMAL), bone(plate(NORMAL, circle(0.5, (40.0, 40.0)))))
    looks = Survey(shut).look([30.0], [0.0])
    assert looks.reason[0] == Reason.BONE
    assert np.isnan(looks.bone_mm[0])


def test_depth_and_clearance_are_those_of_the_way_through_the_middle():
    sight = Sight(square_zone(7.0, NORMAL), bone(plate(NORMAL, circle(2.0), low=3.0, high=3.5)))
    looks = Survey(sight, FlatSkin(90.0)).look([30.0], [0.0])
    assert np.allclose(looks.target[0], MIDDLE, atol=0.05)
    assert looks.depth_mm[0] == pytest.approx(75.0 / np.cos(np.radians(30)), abs=0.05)
    assert looks.bone_mm[0] == pytest.approx(2.0, abs=0.03)
    assert looks.nerve_mm[0] == np.inf


def test_a_way_that_leaves_what_was_segmented_is_told():
    sight = Sight(square_zone(7.0, NORMAL), bone(plate(NORMAL, circle(2.0), low=3.0, high=3.5)))
    for size, expected in ((40, True), (400, False)):
        grid = Geometry((size,) * 3, (1.0,) * 3, tuple(MIDDLE - size / 2))
        looks = Survey(sight, FlatSkin(), segmented=grid).look([30.0], [0.0])
        assert looks.ends_before_skin[0] == expected
        assert looks.segmented_mm[0] == pytest.approx(size / 2 / np.cos(np.radians(30)), abs=1.0)
        shorter = search(sight, FlatSkin(), step=10.0, segmented=grid)
        codes = {note.code: note.values for note in shorter.notes}
        assert (NoteCode.WAY_UNKNOWN in codes) == expected
        assert NoteCode.ENDS_BEFORE_SKIN not in codes, "no CT shows what is dense there"
        best = shorter.best
        assert best.unknown_mm == pytest.approx(max(best.depth_mm - best.segmented_mm, 0.0))
        if expected:
            assert codes[NoteCode.WAY_UNKNOWN]["mm"] == pytest.approx(best.unknown_mm)
            assert best.unknown_mm > 20.0


def test_where_the_ct_goes_on_beyond_the_labels_the_way_is_known_by_density():
    sight = Sight(square_zone(7.0, NORMAL), bone(plate(NORMAL, circle(2.0), low=3.0, high=3.5)))
    grids = [Geometry((size,) * 3, (1.0,) * 3, tuple(MIDDLE - size / 2)) for size in (40, 60, 400)]
    for shown, unknown in ((grids[1], True), (grids[2], False)):
        looks = Survey(sight, FlatSkin(), segmented=grids[0], shown=shown).look([30.0], [0.0])
        assert looks.ends_before_skin[0]
        inside = min(looks.depth_mm[0], shown.shape[0] / 2 / np.cos(np.radians(30)))
        assert min(looks.known_mm[0], looks.depth_mm[0]) == pytest.approx(inside, abs=1.0)
        assert looks.unknown_mm[0] == pytest.approx(looks.depth_mm[0] - inside, abs=1.0)
        found = search(sight, FlatSkin(), step=10.0, segmented=grids[0], shown=shown)
        codes = {note.code: note.values["mm"] for note in found.notes if "mm" in note.values}
        assert (NoteCode.WAY_UNKNOWN in codes) == unknown
        best = found.best
        by_density = min(best.known_mm, best.depth_mm) - best.segmented_mm
        assert codes[NoteCode.ENDS_BEFORE_SKIN] == pytest.approx(by_density)
    # Without a skin nobody knows how far it is: what is known is told.
    (note,) = [
        note for note in search(sight, None, step=10.0, segmented=grids[0]).notes if "mm" in note.values
    ]
    assert note.code == NoteCode.WAY_KNOWN
    assert 20.0 <= note.values["mm"] <= 35.0
    assert "first" in sentence(note)


def test_where_nothing_opens_the_answer_is_that():
    sight = Sight(square_zone(4.0, NORMAL), bone(plate(NORMAL, circle(0.5, (50.0, 50.0)))))
    found = search(sight, None, step=10.0)
    assert found.best is None
    assert found.recommended is None
    assert found.ridge is None
    assert found.alternatives == ()
    assert found.allowed_count == 0
    assert Note.of(NoteCode.NO_VIEW, reason=Reason.BONE) in found.notes
    assert found.candidate.angle_to(NORMAL) < 15.0


def test_it_stops_within_a_second_and_tells_how_far_it_is(wild):
    stop = threading.Event()
    told: list[tuple[float, float]] = []

    def progress(part: float, words: str) -> None:
        assert words
        told.append((part, time.monotonic()))
        if part > 0.2:
            stop.set()

    with pytest.raises(Cancelled):
        search(wild, None, step=1.0, progress=progress, cancel=stop)
    assert time.monotonic() - told[-1][1] < 1.0
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    whole: list[float] = []
    search(wild, None, step=10.0, progress=lambda part, _: whole.append(part))
    assert whole[-1] == 1.0


def test_a_step_that_makes_no_map_is_refused(wild):
    with pytest.raises(MeasurementError, match="Choose"):
        search(wild, None, step=0.0)


def test_without_obstacles_the_zone_itself_decides():
    sight = Sight(square_zone(5.0, NORMAL), Obstacles(pv.PolyData(), pv.PolyData()))
    found = search(sight, None, step=10.0)
    assert found.best.view.angle_to(NORMAL) < 3.0
    assert found.best.bone_mm == np.inf
    assert found.best.terms["nerve"] == 1.0
    assert found.best.terms["depth"] is None


def test_a_best_view_at_the_edge_of_the_angles_is_told():
    beyond = View.oblique("left", 70.0, 0.0)
    found = search(Sight(square_zone(5.0, beyond), Obstacles(pv.PolyData(), pv.PolyData())), None, step=10.0)
    assert found.best.oblique == 60.0
    assert Note(NoteCode.AT_THE_EDGE) in found.notes


def test_a_result_keeps_the_weights_of_its_score():
    sight = Sight(square_zone(6.0, NORMAL), Obstacles(pv.PolyData(), pv.PolyData()))
    weights = Weights(area=0.9, usual=0.02)
    assert search(sight, None, step=20.0, weights=weights).weights is weights
    assert search(sight, None, step=20.0).weights == Weights()
