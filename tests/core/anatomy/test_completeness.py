"""Gaps of known place and length in roots whose course is known: the atlas's own specimen, laid over itself."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.completeness import gaps_beside, roots_found, ways_of
from spinect_core.anatomy.levels import level_of
from spinect_core.base.words import RootPart, RootPlace, Side
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import NERVE, Labels

LEVEL = level_of("L5/S1")
NAMES = ("L4 left", "L4 right", "L5 left", "L5 right", "S1 left", "S1 right")


@pytest.fixture(scope="module")
def atlas():
    return load_atlas()


@pytest.fixture(scope="module")
def lines(atlas):
    return {name: atlas.courses[name] for name in NAMES}


@pytest.fixture(scope="module")
def ways(atlas):
    return ways_of(atlas, LEVEL)


def cut(atlas, name, start, length):
    """The labels without a stretch of a root, from ``start`` mm after the beginning of its course in the sac."""
    line = atlas.courses[name]
    index = np.argwhere(atlas.labels.array == NERVE)
    away, nearest = cKDTree(line).query(atlas.labels.geometry.to_patient(index))
    at = along(line)[nearest]
    gone = index[(away < 5.5) & (at >= start) & (at <= start + length)]
    array = atlas.labels.array.copy()
    array[tuple(gone.T)] = 0
    return Labels(array, atlas.labels.geometry)


def middle(line, start, length):
    arc = along(line)
    return np.array([np.interp(start + length / 2, arc, line[:, axis]) for axis in range(3)])


def test_whole_roots_have_no_gaps_and_all_their_parts(atlas, lines, ways):
    found = roots_found(lines, ways, atlas.labels)
    assert set(found) == set(NAMES)
    for each in found.values():
        assert each.gaps == ()
        assert not each.cut
        assert [each.part_labelled(part) for part in RootPart] == [1.0, 1.0, 1.0]
        assert along(each.points)[-1] > 55.0
        assert each.share == 1.0
        # the parts follow each other, and the last is as long as a needle may need it
        order = [list(RootPart).index(part) for part in each.parts]
        assert order == sorted(order)
        beyond = each.points[[part == RootPart.BEYOND for part in each.parts]]
        assert along(beyond)[-1] == pytest.approx(25.0, abs=3.0)


def test_l5_passes_its_foramen_under_its_pedicle_and_s1_in_the_sacrum(atlas, lines, ways):
    found = roots_found(lines, ways, atlas.labels)
    plate = atlas.landmarks["S1 upper end plate centre"]
    for side in Side:
        in_foramen = {
            root: found[f"{root} {side}"].points[
                [part == RootPart.FORAMEN for part in found[f"{root} {side}"].parts]
            ]
            for root in ("L5", "S1")
        }
        margin = atlas.landmarks[f"L5 pedicle lower margin {side}"]
        assert (in_foramen["L5"][:, 2] < margin[2]).all()
        assert np.abs(in_foramen["L5"][:, 0] - margin[0]).max() < 8.0
        assert (
            np.linalg.norm(in_foramen["L5"] - atlas.landmarks[f"foramen L5/S1 centre {side}"], axis=1).min()
            < 6
        )
        # the end plate falls forwards by some 40 degrees
        assert (in_foramen["S1"][:, 2] < plate[2]).all()
        assert in_foramen["S1"][-1, 2] < plate[2] - 20.0


@pytest.mark.parametrize(
    ("name", "start", "length", "place"),
    [
        ("L4 left", 35.0, 9.0, RootPlace.FORAMEN),
        ("L4 right", 45.0, 9.0, RootPlace.DISC),
        ("L5 left", 18.0, 9.0, RootPlace.RECESS),
        ("L5 right", 34.0, 9.0, RootPlace.FORAMEN),
        ("L5 left", 50.0, 7.0, RootPlace.DISC),
        ("L5 right", 50.0, 15.0, RootPlace.DISC),
        ("S1 left", 48.0, 9.0, RootPlace.FORAMEN),
        ("S1 right", 72.0, 12.0, RootPlace.BEYOND),
    ],
)
def test_a_gap_is_found_where_it_is_and_as_long_as_it_is(atlas, lines, ways, name, start, length, place):
    found = roots_found(lines, ways, cut(atlas, name, start, length))
    (gap,) = found[name].gaps
    assert gap.length_mm == pytest.approx(length, abs=2.0)
    arc = along(gap.points)
    halfway = gap.points[np.argmin(np.abs(arc - arc[-1] / 2))]
    assert np.linalg.norm(halfway - middle(lines[name], start, length)) < 2.0
    assert gap.place == place
    others = [each for each in NAMES if each != name]
    assert all(found[other].gaps == () for other in others), "left is not right, and L5 is not S1"
    share = {part: found[name].part_labelled(part) for part in RootPart}
    assert min(share.values()) < 0.8
    # of its whole way as much is missing as was taken, and what lies before it has left the sac
    assert found[name].share < 1.0 - 0.7 * length / along(found[name].points)[-1]


def test_a_root_that_is_lost_for_good_is_missing_to_the_end(atlas, lines, ways):
    root = roots_found(lines, ways, cut(atlas, "L5 left", 50.0, 100.0))["L5 left"]
    (gap,) = root.gaps
    # but for its very end, where L4 comes down to it
    assert gap.stop_mm > along(root.points)[-1] - 10.0
    assert gap.length_mm > 12.0
    assert root.part_labelled(RootPart.BEYOND) < 0.5
    assert root.part_labelled(RootPart.FORAMEN) == 1.0


def test_labels_that_end_early_are_no_gap_but_told(atlas, lines, ways):
    geometry = atlas.labels.geometry
    plate = round(geometry.to_index(atlas.landmarks["S1 upper end plate centre"])[0]) + 4
    array = atlas.labels.array[plate:]
    origin = geometry.to_patient(np.array([plate, 0, 0]))
    labels = Labels(array, type(geometry)(array.shape, geometry.spacing, tuple(origin), geometry.direction))
    found = roots_found(lines, ways, labels)["L5 right"]
    assert found.cut
    assert found.gaps == ()
    assert found.part_labelled(RootPart.FORAMEN) == 1.0


def test_without_nerve_everything_is_a_gap(atlas, lines, ways):
    empty = Labels(np.where(atlas.labels.array == NERVE, 0, atlas.labels.array), atlas.labels.geometry)
    for each in roots_found(lines, ways, empty).values():
        assert not each.labelled.any()
        assert len(each.gaps) == 1


def test_a_border_is_drawn_on_a_gap_only_where_it_shares_its_course(atlas, lines, ways):
    root = roots_found(lines, ways, cut(atlas, "L5 left", 50.0, 9.0))["L5 left"]
    arc = along(root.points)
    (gap,) = root.gaps
    on_it = root.points[(arc > gap.start_mm - 5.0) & (arc < gap.start_mm + 3.0)] + np.array([0.0, 0.0, -3.0])
    before = root.points[arc < gap.start_mm - 1.0] + np.array([0.0, 0.0, 3.0])
    assert gaps_beside(root, on_it) == (gap,)
    assert gaps_beside(root, before) == ()
    assert gaps_beside(root, on_it + np.array([30.0, 0.0, 0.0])) == (), "the border of something else"


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_course_of_which_the_picture_holds_a_point_or_two_stops_nothing(atlas, lines, ways, count):
    """As of labels that lie upside down."""
    line = lines["L5 left"].copy()
    line[count:] += 1000.0
    found = roots_found({**lines, "L5 left": line}, ways, atlas.labels)
    assert ("L5 left" in found) == (count > 1)
    assert {"L5 right", "S1 left"} <= set(found)
