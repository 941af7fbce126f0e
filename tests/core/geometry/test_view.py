"""The line of sight: words, vectors, the C-arm's pair, projection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.view import PRESETS, View, direction_letters

views = st.builds(View, st.floats(-180, 180), st.floats(-90, 90))


@pytest.mark.parametrize(
    ("azimuth", "elevation", "words"),
    [
        (0, 0, "from behind"),
        (27, -12, "left oblique 27°, caudal 12°"),
        (-30, 0, "right oblique 30°"),
        (90, 0, "left lateral"),
        (-90, 5, "right lateral, cranial 5°"),
        (180, 0, "from the front"),
        (0, -90, "from the feet"),
        (40, 90, "from the head"),
        (0, -11, "from behind, caudal 11°"),
        (359.8, 0.2, "from behind"),
        (207, 0, "right oblique 153°"),
    ],
)
def test_words_name_the_view(azimuth: float, elevation: float, words: str) -> None:
    assert View(azimuth, elevation).words == words


@given(st.integers(-1799, 1800), st.integers(-899, 899))
def test_words_are_read_back(azimuth: int, elevation: int) -> None:
    view = View(azimuth / 10, elevation / 10)
    assert View.parse(view.format(1)).angle_to(view) < 1e-5


@pytest.mark.parametrize(
    "text", ["left 27 caudal 12", "LEFT OBLIQUE 27°; caudal 12°", " left oblique 27.0 , caudal 12 "]
)
def test_words_are_read_generously(text: str) -> None:
    assert View.parse(text) == View(27, -12)


@pytest.mark.parametrize(
    "text", ["", "left", "oblique 27", "from above", "left 27 caudal", "left 27 cranial 91"]
)
def test_words_that_name_no_view_are_refused(text: str) -> None:
    with pytest.raises(MeasurementError):
        View.parse(text)


@pytest.mark.parametrize(
    "text",
    ["left oblique 400", "right 181", "left oblique 360, caudal 12", "left 1" + "0" * 400, "cranial 200"],
)
def test_an_angle_out_of_range_is_never_read_as_another(text: str) -> None:
    with pytest.raises(MeasurementError, match="does not exist"):
        View.parse(text)


@pytest.mark.parametrize("oblique", [180.5, -181.0, 400.0, float("nan"), float("inf")])
def test_no_view_is_oblique_by_more_than_half_a_turn(oblique: float) -> None:
    with pytest.raises(MeasurementError, match="up to 180"):
        View.oblique("left", oblique)
    assert View.oblique("left", 180.0).words == "from the front"


@pytest.mark.parametrize("angles", [(float("nan"), 0), (0, 91), (float("inf"), 0)])
def test_angles_that_do_not_exist_are_refused(angles: tuple[float, float]) -> None:
    with pytest.raises(MeasurementError):
        View(*angles)


@given(st.floats(1, 89), st.floats(-60, 60))
def test_c_arm_pair_on_both_detector_sides(oblique: float, tilt: float) -> None:
    """Left oblique with the detector above a prone patient reads 180° - oblique; below the table it reads RAO."""
    above = View.oblique("left", oblique, tilt).c_arm
    assert above == pytest.approx((180 - oblique, tilt), abs=1e-9)
    below = View.oblique("left", oblique, tilt).c_arm_pair(detector_at_viewer=False)
    assert below == pytest.approx((-oblique, -tilt), abs=1e-9)
    assert View.oblique("right", oblique, tilt).c_arm == pytest.approx((oblique - 180, tilt), abs=1e-9)


def test_c_arm_pair_agrees_with_the_standard() -> None:
    """DICOM PS3.3 C.8.7.5.1.2: 0/0 faces the detector, primary +90 is the patient's left, secondary +90 the head."""
    assert View.from_vector([0, -1, 0]).c_arm == pytest.approx((0, 0))
    assert View.from_vector([1, 0, 0]).c_arm == pytest.approx((90, 0))
    assert View.from_vector([-1, 0, 0]).c_arm == pytest.approx((-90, 0))
    assert View.from_vector([0, 1, 0]).c_arm == (180, 0)
    assert View(0, 90).c_arm == (180, 90)
    assert str(View(27, -12).c_arm) == "153° / \N{MINUS SIGN}12°"


@given(views)
def test_vector_and_angles_agree(view: View) -> None:
    assert View.from_vector(view.vector * 37).angle_to(view) < 1e-5


@given(views)
def test_picture_axes_are_right_handed_unit_vectors(view: View) -> None:
    axes = np.stack([view.right, view.up, view.vector])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


@given(st.floats(-180, 180), st.sampled_from([-1.0, 1.0]))
def test_up_does_not_jump_at_the_poles(azimuth: float, pole: float) -> None:
    near, at = View(azimuth, pole * 89.99), View(azimuth, pole * 90)
    assert np.linalg.norm(near.up - at.up) < 1e-3
    assert np.linalg.norm(near.right - at.right) < 1e-3


def test_left_and_right_in_the_picture() -> None:
    """Seen from behind the patient's left is on the left; from the feet, the patient prone, the back is up."""
    left = [50.0, 0, 0]
    assert PRESETS["from behind"].project(left)[0] == -50
    assert PRESETS["from the feet"].project(left)[0] == -50
    assert PRESETS["from the head"].project(left)[0] == -50
    assert PRESETS["from the feet"].up == pytest.approx([0, 1, 0])
    assert PRESETS["left lateral"].vector == pytest.approx([1, 0, 0])
    assert PRESETS["left lateral"].right == pytest.approx([0, 1, 0])


@given(views, st.lists(st.tuples(*[st.floats(-2000, 2000)] * 3), min_size=1, max_size=5))
def test_project_and_unproject_are_inverse(view: View, points: list[tuple[float, float, float]]) -> None:
    array = np.asarray(points)
    np.testing.assert_allclose(view.unproject(view.project(array), view.depth(array)), array, atol=1e-8)


def test_depth_grows_towards_the_viewer() -> None:
    view = View(30, -10)
    assert view.depth(view.vector * 12) == pytest.approx(12)
    assert view.unproject([[0, 0], [1, 0]], 5).shape == (2, 3)


@given(views)
def test_stored_view_is_the_view(view: View) -> None:
    assert View.from_dict(view.to_dict()) == view


def test_presets_are_called_what_they_are() -> None:
    for name, view in PRESETS.items():
        assert view.words == name
        assert View.parse(name) == view


def test_turning_wraps_and_stops_at_the_poles() -> None:
    assert View(170, 80).turned(20, 20) == View(-170, 90)
    # Turning about one axis leaves the other angle alone.
    assert View(10, 5).turned(azimuth=3) == View(13, 5)
    assert View(10, 5).turned(elevation=-7) == View(10, -2)


@pytest.mark.parametrize(
    ("direction", "letters"), [((0, 0, 1), "S"), ((-0.87, 0.5, 0), "RP"), ((0.1, -1, 0.1), "A")]
)
def test_letters_name_the_direction(direction: tuple[float, float, float], letters: str) -> None:
    assert direction_letters(direction) == letters


def test_unknown_side_is_refused() -> None:
    with pytest.raises(MeasurementError):
        View.oblique("port", 30)


def test_a_zero_vector_is_no_view() -> None:
    with pytest.raises(MeasurementError):
        View.from_vector([0, 0, 0])
