"""What closes a window, by name and by how much it would have to give."""

from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from window_scenes import NOTHING, bone, moved, moved_zone, placed, sheet, square, tube, zone_of

from spinect_core.base.errors import Cancelled
from spinect_core.geometry.view import View
from spinect_core.plan.wording import closing_words
from spinect_core.planning.zones.closers import Closing, what_closes
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

VIEW, AT = View(27, -12), np.array([31.7, 180.4, -912.3])
ZONE = [(-5.0, -3.0), (5.0, -3.0), (5.0, 3.0), (-5.0, 3.0)]
"""60 mm²."""
NEEDLE = 0.36


def slab(low: tuple[float, float], high: tuple[float, float], depth: float) -> object:
    """A thin plate over a box of the picture."""
    (x0, y0), (x1, y1) = low, high
    return sheet(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float), [], VIEW, AT, depth)


def by_depth(**depths: float):
    """Names by how far before the zone a point lies; nerve is called so."""

    def parts_of(points: np.ndarray, tissue: np.ndarray) -> list[str]:
        before = VIEW.depth(points - AT)
        names = np.array(list(depths))[np.abs(before[:, None] - list(depths.values())).argmin(axis=1)]
        return ["nerve" if kind == 2 else str(name) for kind, name in zip(tissue, names, strict=True)]

    return parts_of


def closing(bones: list, names: dict, nerve: object = NOTHING, **options: float) -> Closing:
    sight = Sight(zone_of(ZONE, VIEW, AT), Obstacles(bone(*bones).meshes[1] if bones else NOTHING, nerve))
    return what_closes(sight, VIEW, by_depth(**names), **options)


def test_one_plate_that_covers_all_gives_from_its_own_edge() -> None:
    """Its edge lies 2 mm beyond the zone's at the left: 2 mm, and then the width of the needle."""
    found = closing([slab((-7, -9), (20, 9), 5)], {"facet": 5})
    assert found.closed
    assert found.radius_mm == 0
    assert found.zone_radius_mm == pytest.approx(3, abs=0.01)
    (only,) = found.closers
    assert (only.name, only.covered, only.alone) == (
        "facet",
        pytest.approx(1, abs=1e-3),
        pytest.approx(1, abs=1e-3),
    )
    assert only.required_mm == pytest.approx(2 + 2 * NEEDLE, abs=0.05)
    assert found.pair is None
    assert closing_words(found) == "blocked by the facet: required clearance 2.7 mm"


def test_a_gap_too_narrow_for_the_needle() -> None:
    """Two plates leave 0.3 mm between them: either alone has to give the rest of the needle's width."""
    left, right = slab((-30, -20), (-1.0, 20), 5), slab((-0.7, -20), (30, 20), 9)
    found = closing([left, right], {"facet": 5, "ala": 9})
    assert found.radius_mm == pytest.approx(0.15, abs=0.02)
    assert {one.name: one.required_mm for one in found.closers} == pytest.approx(
        {"facet": 2 * NEEDLE - 0.3, "ala": 2 * NEEDLE - 0.3}, abs=0.05
    )
    assert {one.name: one.alone for one in found.closers} == pytest.approx(
        {"facet": 0.4, "ala": 0.57}, abs=0.005
    )


def test_what_stands_behind_another_part_counts_too() -> None:
    """Seen first is the crest alone; the facet behind it would close the zone just as well."""
    found = closing([slab((-6, -4), (6, 4), 5), slab((-7, -9), (7, 9), 30)], {"facet": 5, "crest": 30})
    assert [one.required_mm for one in found.closers] == [None, None]
    assert [one.covered for one in found.closers] == pytest.approx([1, 1], abs=1e-3)
    assert [one.alone for one in found.closers] == pytest.approx([0, 0], abs=1e-3)
    assert found.pair == ("crest", "facet")
    # At the left the crest reaches 2 mm beyond the zone and the facet 1 mm; above, 6 mm and 1 mm.
    assert found.pair_required_mm == pytest.approx(2 + 2 * NEEDLE, abs=0.05)
    assert "together: required clearance" in closing_words(found)


def test_parts_that_cover_different_places() -> None:
    """The facet covers the left three fifths, the nerve the right three fifths: 2 mm are covered by both."""
    found = closing([slab((-20, -20), (1, 20), 5)], {"facet": 5}, slab((-1, -20), (20, 20), 3))
    shares = {one.name: (one.covered, one.alone) for one in found.closers}
    assert shares["facet"] == pytest.approx((0.6, 0.4), abs=0.005)
    assert shares["nerve"] == pytest.approx((0.6, 0.4), abs=0.005)
    assert {one.name: one.required_mm for one in found.closers} == pytest.approx(
        {"facet": 2 + 2 * NEEDLE, "nerve": 2 + 2 * NEEDLE}, abs=0.05
    )


def test_a_tube_gives_half_its_width_at_most() -> None:
    """A nerve along the only gap between two plates: it gives until the needle fits beside its axis."""
    gap = sheet(square(40), [np.array([(-1.0, -30), (1.0, -30), (1.0, 30), (-1.0, 30)])], VIEW, AT, 5)
    nerve = tube(placed([(0.0, 0.0)], VIEW, AT, 12.0)[0], VIEW.up, 1.5)
    found = closing([gap], {"facet": 5}, nerve)
    gives = {one.name: one.required_mm for one in found.closers}
    # 1 mm are open on each side of the axis once the nerve's half width is down to 1 mm less the needle's width.
    assert gives["nerve"] == pytest.approx(1.5 - (1 - 2 * NEEDLE), abs=0.05)
    assert gives["facet"] == pytest.approx(0.5 + 2 * NEEDLE, abs=0.05)


def test_three_parts_one_behind_another_are_told_apart_from_pairs() -> None:
    plates = [slab((-30, -30), (30, 30), depth) for depth in (5, 10, 15)]
    found = closing(plates, {"facet": 5, "ala": 10, "crest": 15})
    assert found.pair is None
    assert found.pair_required_mm is None
    assert closing_words(found) == (
        "blocked: a clearance of 8 mm from any one or two structures does not open it"
    )


def test_an_open_window_needs_nothing_to_give() -> None:
    found = closing([slab((-20, -20), (1, 20), 5)], {"facet": 5})
    assert not found.closed
    assert found.radius_mm == pytest.approx(2, abs=0.01)
    assert found.closers[0].required_mm == 0.0
    assert closing_words(found) == "open: a circle of radius 2.00 mm fits"
    assert closing([], {}).closers == ()


@pytest.mark.parametrize(
    ("free", "words"),
    [
        (0.74, "hardly open: a circle of radius 0.37 mm fits"),
        (0.70, "blocked by the facet: required clearance less than 0.1 mm"),
    ],
)
def test_next_to_nothing_is_not_told_as_nothing(free: float, words: str) -> None:
    """Of the zone a strip is left that is hardly wider or narrower than the needle's 0.72 mm."""
    assert closing_words(closing([slab((-20, -20), (5 - free, 20), 5)], {"facet": 5})) == words


def test_a_zone_too_narrow_for_the_needle_is_said_so() -> None:
    sight = Sight(
        zone_of([(-5, -0.2), (5, -0.2), (5, 0.2), (-5, 0.2)], VIEW, AT), bone(slab((-9, -9), (9, 9), 5))
    )
    found = what_closes(sight, VIEW, by_depth(facet=5))
    assert found.zone_radius_mm == pytest.approx(0.2, abs=0.01)
    assert found.closers[0].required_mm is None
    assert closing_words(found) == "the zone itself is too narrow in this view"


def test_a_thicker_needle_asks_for_more() -> None:
    plates = [slab((-30, -20), (-1.0, 20), 5), slab((-0.7, -20), (30, 20), 9)]
    gives = [
        closing(plates, {"a": 5, "b": 9}, needle_radius_mm=radius).closers[0].required_mm
        for radius in (0.3, 0.6)
    ]
    assert gives == pytest.approx([0.3, 0.9], abs=0.05)


@settings(max_examples=5)
@given(st.tuples(st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180)))
def test_moving_the_whole_scene_changes_nothing(turn: tuple) -> None:
    matrix = Rotation.from_euler("zyx", turn, degrees=True).as_matrix()
    shift = np.array([40.0, -300.0, 12.0])
    view = View.from_vector(matrix @ VIEW.vector)
    plates = [slab((-30, -20), (-1.0, 20), 5), slab((-0.7, -20), (30, 20), 9)]
    sight = Sight(
        moved_zone(zone_of(ZONE, VIEW, AT), matrix, shift),
        bone(*[moved(plate, matrix, shift) for plate in plates]),
    )
    names = by_depth(facet=5, ala=9)
    found = what_closes(sight, view, lambda points, tissue: names((points - shift) @ matrix, tissue))
    assert {one.name: one.required_mm for one in found.closers} == pytest.approx(
        {"facet": 0.42, "ala": 0.42}, abs=0.05
    )


def test_work_stops_when_it_is_cancelled() -> None:
    stop = Event()
    stop.set()
    sight = Sight(zone_of(ZONE, VIEW, AT), bone(slab((-9, -9), (9, 9), 5)))
    with pytest.raises(Cancelled):
        what_closes(sight, VIEW, by_depth(facet=5), cancel=stop)
