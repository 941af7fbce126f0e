"""The level, its landmarks and its roots on specimens whose truth is known."""

import threading

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import AnatomyError, Cancelled, UsageError
from spinect_core.base.notes import NoteCode
from spinect_core.image.volume import NERVE, Geometry, Labels
from spinect_core.research.study.hard_levels import Specimen, counted

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("registered_once")]


def errors_of(landmarks, truth):
    return {
        name: float(np.linalg.norm(point - np.array(truth["landmarks"][name])))
        for name, point in landmarks.points.items()
    }


def twin(name):
    return name.replace("left", "#").replace("right", "left").replace("#", "right")


def test_atlas_has_left_on_the_left():
    atlas = load_atlas()
    for name, point in atlas.landmarks.items():
        if name.endswith(" left"):
            assert point[0] > atlas.landmarks[twin(name)][0] + 15.0


def test_landmarks_of_an_unseen_specimen(phantom, found):
    errors = errors_of(found, phantom.truth)
    assert set(errors) == set(found.names.landmark_names())
    # Of voxels of 2 mm; the study of many specimens has the figures.
    assert np.median(list(errors.values())) < 1.8
    assert max(errors.values()) < 4.0
    assert not found.doubtful
    assert min(found.confidences.values()) > 0.3


def test_the_same_labels_give_the_same_points(phantom, found, registered_once):
    registered_once.clear()
    again = find_landmarks(phantom.labels)
    for name, point in found.points.items():
        assert np.array_equal(point, again.points[name])
    for name, course in found.courses.items():
        assert np.array_equal(course.points, again.courses[name].points)


def test_roots_and_sac_are_followed_each_on_its_own(phantom, found):
    assert set(found.courses) == {f"{root} {side}" for root in ("L5", "S1") for side in ("left", "right")}
    for name, course in found.courses.items():
        true = cKDTree(np.array(phantom.truth["nerves"][name]["points"]))
        distance = true.query(course.points)[0]
        assert course.part_found > 0.9
        assert np.median(distance) < 1.0
        radii = np.array(phantom.truth["nerves"][name]["radii"])
        assert np.median(course.radii) == pytest.approx(np.median(radii), abs=0.9)
    assert found.sac.part_found > 0.5


def test_the_level_above_has_landmarks_of_its_own(phantom):
    above = find_landmarks(phantom.labels, level="L4/5")
    errors = errors_of(above, phantom.truth)
    assert "L5 superior articular tip left" in errors
    assert set(above.courses) == {f"{root} {side}" for root in ("L4", "L5") for side in ("left", "right")}
    assert np.median(list(errors.values())) < 2.0


def test_a_user_who_counts_otherwise_moves_the_names(found, phantom):
    shifted = find_landmarks(phantom.labels, level="L4/5", shift=1)
    for name, point in shifted.points.items():
        other = name.replace("L4/5", "@").replace("L5", "S1").replace("L4", "L5").replace("@", "L5/S1")
        assert np.array_equal(point, found.points[other])
    assert set(shifted.courses) == {"L4 left", "L4 right", "L5 left", "L5 right"}
    assert shifted.level == "L4/5"


def test_no_level_is_planned_where_the_count_of_the_user_puts_none(phantom):
    """Below the lowest disc there is none; the atlas would slide back to it, and L4/5 would be planned as L5/S1."""
    with pytest.raises(
        AnatomyError, match=r"L5/S1 would be 1 level below .* no such level there .* L5/S1, L4/5"
    ):
        find_landmarks(phantom.labels, level="L5/S1", shift=1)
    assert find_landmarks(phantom.labels, level="L5/S1", shift=0).confirmed


def test_a_mirrored_patient_swaps_the_sides(phantom, found):
    grid = phantom.labels.geometry
    mirrored = Labels(np.ascontiguousarray(phantom.labels.array[:, :, ::-1]), grid)
    other = find_landmarks(mirrored)
    axis = grid.origin[0] + (grid.shape[2] - 1) * grid.spacing[0] / 2
    errors = []
    for name, point in found.points.items():
        expected = point * np.array([-1, 1, 1]) + np.array([2 * axis, 0, 0])
        errors.append(np.linalg.norm(other.points[twin(name)] - expected))
    assert np.median(errors) < 2.0
    assert max(errors) < 6.0


def test_a_moved_landmark_leaves_the_others_and_is_sure(found):
    name = "S1 posterolateral corner left"
    place = found.points[name] + np.array([1.0, -2.0, 3.0])
    moved = found.moved(name, place)
    assert np.array_equal(moved.points[name], place)
    assert moved.confidence(name) == 1.0
    assert moved.placed == {name}
    assert all(
        np.array_equal(moved.points[other], found.points[other]) for other in found.points if other != name
    )
    assert not np.array_equal(found.points[name], place)


@pytest.mark.parametrize(
    ("name", "point"), [("L9 body centre", [0, 0, 0]), ("L5 body centre", [0, np.nan, 0])]
)
def test_moving_nonsense_is_refused(found, name, point):
    with pytest.raises(UsageError, match="landmark"):
        found.moved(name, np.array(point, dtype=float))


def test_two_landmarks_are_never_one_place(found):
    name, other = "S1 posterolateral corner left", "S1 superior articular tip left"
    with pytest.raises(
        UsageError, match=rf"{name} cannot be moved to 0\.3 mm from {other}.*at least 0\.5 mm"
    ):
        found.moved(name, found.points[other] + np.array([0.0, 0.3, 0.0]))
    assert np.array_equal(found.moved(name, found.points[name]).points[name], found.points[name])


def test_too_little_bone_is_an_error_with_a_remedy():
    grid = Geometry((20, 20, 20), (2.0, 2.0, 2.0))
    with pytest.raises(AnatomyError, match=r"20 ml of bone.*segment again"):
        find_landmarks(Labels(np.zeros(grid.shape, np.uint8), grid))


def test_an_unknown_level_is_an_error(phantom):
    with pytest.raises(UsageError, match="L5/S1"):
        find_landmarks(phantom.labels, level="L2/3")


def test_cancel_stops_it(phantom):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        find_landmarks(phantom.labels, cancel=stop)


def test_nerve_of_unlikely_volume_is_said(phantom):
    array = phantom.labels.array.copy()
    swollen = binary_dilation(array == NERVE, iterations=5) & (array != 1)
    array[swollen] = NERVE
    found = find_landmarks(Labels(array, phantom.labels.geometry))
    assert any(note.code == NoteCode.NERVE_VOLUME for note in found.notes)


def test_a_missing_root_and_a_cut_picture_are_said(phantom):
    array = phantom.labels.array.copy()
    middle = np.array(phantom.truth["landmarks"]["S1 upper end plate centre"])
    index = np.argwhere(array == NERVE)
    left = phantom.labels.geometry.to_patient(index)[:, 0] > middle[0] + 10.0
    array[tuple(index[left].T)] = 0
    # What lies lower than 15 mm under the end plate of S1 is cut away.
    first = int(phantom.labels.geometry.to_index(middle)[0] - 15.0 / 2.0)
    grid = phantom.labels.geometry
    shape = (array.shape[0] - first, *array.shape[1:])
    part = Geometry(shape, grid.spacing, tuple(grid.to_patient([first, 0, 0])), grid.direction)
    found = find_landmarks(Labels(np.ascontiguousarray(array[first:]), part))
    assert any(
        (note.code, note.side, note.values["root"]) == (NoteCode.ROOT_SHORT, "left", "L5")
        for note in found.notes
        if "root" in note.values
    )
    assert any(note.code == NoteCode.LEVEL_CUT for note in found.notes)


@pytest.mark.parametrize(("lumbar", "lowest", "above"), [(4, "L4", "L3"), (6, "L6", "L5")])
def test_the_count_of_lumbar_vertebrae_changes_names_and_no_place(found, phantom, lumbar, lowest, above):
    named = find_landmarks(phantom.labels, lumbar=lumbar)
    assert (named.level, named.lumbar, found.lumbar) == (f"{lowest}/S1", lumbar, None)
    assert not named.confirmed  # which disc it is, the count does not say
    assert set(named.points) == set(named.names.landmark_names())
    for name, point in named.points.items():
        assert np.array_equal(point, found.points[name.replace(lowest, "L5")])
        if name.endswith("left"):
            assert point[0] > named.points[name.replace("left", "right")][0]
    assert set(named.courses) == {f"{root} {side}" for root in (lowest, "S1") for side in ("left", "right")}
    assert {name.split()[0] for name in named.roots} == {above, lowest, "S1"}
    assert [one.level for one in named.hypotheses][:1] == [f"{lowest}/S1"]
    assert f"{lowest} spinous process" in named.parts.names
    root = np.array(phantom.truth["nerves"]["L5 left"]["points"])[12:30]
    assert f"exiting {lowest} root left" in named.parts.of(root, NERVE)


def test_a_count_that_the_shift_contradicts_is_refused_before_anything_is_looked_for(phantom):
    with pytest.raises(UsageError, match="a count of 6"):
        find_landmarks(phantom.labels, level="L5/S1", shift=-1, lumbar=6)
    with pytest.raises(UsageError, match="with 4 lumbar vertebrae"):
        find_landmarks(phantom.labels, level="L4/5", lumbar=4)


@pytest.mark.parametrize(("how", "lumbar", "lowest"), [("four", 4, "L4"), ("six", 6, "L6")])
def test_on_a_spine_with_a_vertebra_less_or_more_the_count_names_the_true_level(phantom, how, lumbar, lowest):
    points = {name: np.array(point) for name, point in phantom.truth["landmarks"].items()}
    specimen = counted(Specimen("plain", phantom.labels, points), how)
    marks = find_landmarks(specimen.labels, lumbar=lumbar)
    assert marks.level == f"{lowest}/S1"
    for name in ("S1 upper end plate centre", "S1 posterolateral corner left"):
        assert np.linalg.norm(marks.points[name] - specimen.points[name]) < 8.0
    assert marks.points[f"{lowest} pedicle lower margin left"][0] > points["S1 upper end plate centre"][0]
