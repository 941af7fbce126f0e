"""The writing on a picture is drawn from geometry and leaves the picture readable."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import SIDES
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.gap_line import GapLine
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.image.warning import ReadingWarning, warning_headline
from spinect_core.pictures import Frame, annotate, save_picture
from spinect_core.pictures.annotate import _entries, triangle_lines
from spinect_core.pictures.lettering import in_lines, shortened, text_width
from spinect_core.pictures.palette import FIGURE, TRIANGLES, WARNING
from spinect_core.pictures.scale import bar_length_mm

GREY = np.full((320, 400, 3), 90, dtype=np.uint8)
VIEW = View(27, -12)


def triangle(kind: str = "safe", view: View = VIEW) -> Triangle:
    return Triangle.from_clicks(view, [[0, 0], [40, 0], [0, 40]], 0, kind=kind, side="left")


def test_frame_places_points_as_parallel_projection_does() -> None:
    frame = Frame(PRESETS["from behind"], np.array([5.0, 7, 9]), 0.5, (400, 300))
    assert frame.to_pixels([5, 123, 9]).tolist() == [200, 150]
    # 10 mm to the patient's left and 10 mm up: left and up in the picture, seen from behind.
    assert frame.to_pixels([15, 0, 19]).tolist() == [180, 130]
    assert frame.to_picture_mm([180, 130]) == pytest.approx(frame.view.project([15, 0, 19]))
    assert frame.height_mm == 150


def test_frame_around_points_holds_them_with_a_margin() -> None:
    points = np.random.default_rng(2).normal(size=(50, 3)) * [60, 40, 30]
    frame = Frame.around(VIEW, points, (400, 300), margin=0.1)
    pixels = frame.to_pixels(points)
    assert pixels.min(axis=0) == pytest.approx(np.maximum(pixels.min(axis=0), [40, 30]))
    assert (pixels.max(axis=0) <= [360.001, 270.001]).all()
    assert Frame.around(VIEW, [[1, 2, 3]], (400, 300)).mm_per_pixel == pytest.approx(30 / 0.76 / 300)


@pytest.mark.parametrize("kind", ["safe", "kambin"])
def test_triangle_is_painted_where_it_is_and_only_there(kind: str) -> None:
    measured = triangle(kind)
    centre = VIEW.unproject([[10, 10]], 0)[0]
    drawn = annotate(GREY, VIEW, 0.5, [measured], centre=centre).astype(int)
    listed = annotate(GREY, VIEW, 0.5, [measured]).astype(int)
    changed = np.abs(drawn - listed).sum(axis=2) > 12
    area_mm2 = changed.sum() * 0.25
    assert measured.area_mm2 == pytest.approx(800)
    assert area_mm2 == pytest.approx(800, rel=0.2)
    row, column = np.round(Frame(VIEW, centre, 0.5, (400, 320)).to_pixels(measured.centroid)).astype(int)[
        ::-1
    ]
    tint = drawn[row, column] - listed[row, column]
    assert np.dot(tint, np.array(TRIANGLES[kind]) - 90) > 0


def test_input_stays_as_it_was_and_size_is_kept() -> None:
    before = GREY.copy()
    after = annotate(GREY, VIEW, 0.5, [triangle()], centre=[0, 0, 0], title="demo")
    np.testing.assert_array_equal(GREY, before)
    assert after.shape == GREY.shape
    assert after.dtype == np.uint8


def test_twice_the_pixels_look_the_same() -> None:
    """The writing follows the picture's height: reduced again it is the same picture."""
    small = annotate(np.full((400, 500, 3), 60, dtype=np.uint8), VIEW, 0.4, [triangle()], centre=[0, 0, 0])
    large = annotate(np.full((800, 1000, 3), 60, dtype=np.uint8), VIEW, 0.2, [triangle()], centre=[0, 0, 0])
    reduced = np.array(Image.fromarray(large).resize((500, 400), Image.Resampling.BOX))
    assert np.abs(reduced.astype(int) - small).mean() < 3


@pytest.mark.parametrize(("width", "bar"), [(100, 20), (260, 50), (49, 5), (3, 1), (5000, 200)])
def test_scale_bar_is_round(width: float, bar: int) -> None:
    assert bar_length_mm(width) == bar


def test_scale_bar_is_as_long_as_it_says() -> None:
    mm_per_pixel = 0.25
    dark = np.zeros((800, 1000, 3), dtype=np.uint8)
    drawn = annotate(dark, VIEW, mm_per_pixel)
    row = drawn[750, 700:, 0] > 200
    assert row.sum() * mm_per_pixel == pytest.approx(bar_length_mm(250), rel=0.02)


def test_the_lines_about_gaps_and_the_list_of_triangles_do_not_run_into_each_other() -> None:
    """Each alone and both together: what is written of one stays where it is, and nothing is written over it."""
    dark = np.zeros((640, 800, 3), dtype=np.uint8)
    several = [triangle("kambin"), triangle("safe"), triangle("kambin")]
    course = np.array([(0.0, 0.0, float(z)) for z in range(12)])
    gaps = [
        GapLine(course, f"{root} {side}", 12.0, side, course + 1.0)
        for root in ("L4", "L5", "S1")
        for side in SIDES
    ]
    bare = annotate(dark, View(0), 0.3)
    listed = annotate(dark, View(0), 0.3, several)
    gapped = annotate(dark, View(0), 0.3, gaps=gaps)
    both = annotate(dark, View(0), 0.3, several, gaps=gaps)
    ink = [np.any(np.abs(each.astype(int) - bare) > 90, axis=2) for each in (listed, both)]
    assert ink[0].sum() > 500
    assert np.any(np.abs(gapped.astype(int) - bare) > 90)
    # the list stands as it stood, and what came with the gaps stands beside or below it
    assert not (ink[0] & ~ink[1]).any()
    added = ink[1] & ~ink[0]
    rows, columns = np.nonzero(ink[0])
    shared = added[rows.min() : rows.max() + 1]
    assert not shared[:, columns.min() - 4 :].any()


def test_legend_says_how_an_area_was_measured() -> None:
    headline, detail = triangle_lines(triangle(), VIEW)
    assert headline == "Left safe triangle L5/S1   800.0 mm²"
    assert "measured" not in detail
    assert "measured left oblique 27°, caudal 12°" in triangle_lines(triangle(), View(0))[1]


def test_a_distance_is_drawn_with_its_number_and_no_name_stands_for_two() -> None:
    dark = np.zeros((800, 1000, 3), dtype=np.uint8)
    length = Figure("distance", VIEW.unproject([(-40, 0), (40, 0)], 0), VIEW)
    drawn = annotate(dark, VIEW, 0.25, figures=[length], centre=np.zeros(3)).astype(int)
    assert (np.abs(drawn[400, 360:640] - FIGURE).max(axis=1) < 8).mean() > 0.8, "80 mm are 320 pixels"
    assert (np.abs(drawn[385:415, 680:780] - FIGURE).max(axis=2) < 60).sum() > 60, (
        "the number stands beside it"
    )
    other = replace(length, vertices=length.vertices / 2)
    names = [each.headline for each in _entries([triangle(), triangle(), length, other], VIEW)]
    assert names == [
        "Left safe triangle L5/S1   800.0 mm²",
        "Left safe triangle L5/S1 2   800.0 mm²",
        "Distance   80.0 mm",
        "Distance 2   40.0 mm",
    ]


@pytest.mark.parametrize("entries", [2, 4, 6])
def test_a_list_reads_on_bright_bone(entries: int) -> None:
    """Between its lines the picture is dark, down to the last one; beside and below it stays as bright as it was."""
    bone = np.full((800, 1000, 3), 215, dtype=np.uint8)
    kinds = ("kambin", "safe") * 3
    drawn = annotate(bone, VIEW, 0.25, [triangle(kind, View(0)) for kind in kinds[:entries]])
    last = 60 + 26 * (entries - 1)
    beside_letters = drawn[[last - 17, last + 6], 640:950].max(axis=2)
    assert (beside_letters < 80).all()
    assert (drawn[max(last + 60, 165) : 600, 100:950] == 215).all()
    assert (drawn[165, 100:400] == 215).all()


def test_raised_two_is_narrower_than_a_letter() -> None:
    assert text_width("mm", 20) < text_width("mm²", 20) < text_width("mm2", 20)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(MeasurementError):
        annotate(image, VIEW, 0.5)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_what_is_no_scale_is_refused(scale: float) -> None:
    with pytest.raises(MeasurementError):
        annotate(GREY, VIEW, scale)


def test_saved_picture_carries_notice_and_no_more(tmp_path) -> None:
    path = tmp_path / "Ü ber 脊椎" / "view.png"
    save_picture(GREY, path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.array(image), GREY)
        assert set(image.info) == {"Software", "Disclaimer"}
        assert "Not cleared for clinical use" in image.info["Disclaimer"]


AXES = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
"""LPS vectors that the letters stand for."""


@pytest.mark.parametrize("view", [*PRESETS.values(), VIEW, View(-60, 28)], ids=str)
def test_every_letter_stands_at_the_edge_where_that_side_of_the_patient_is(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[float, float, str]] = []
    module = sys.modules["spinect_core.pictures.annotate"]
    monkeypatch.setattr(module, "write", lambda _, at, text, *args, **more: written.append((*at, text)))
    annotate(GREY, view, 0.5, [], centre=[5, 7, 9])
    frame = Frame(view, np.array([5.0, 7, 9]), 0.5, (400, 320))
    edges = 0
    for x, y, text in written:
        if not set(text) <= set(AXES):
            continue
        edges += 1
        towards = frame.to_pixels(frame.centre + 40.0 * np.array(AXES[text[0]], float)) - [200, 160]
        # The strongest letter's side lies in the picture more towards this edge than towards any other.
        place = np.array([x - 200, y - 160])
        assert towards @ place > 0.7 * np.linalg.norm(towards) * np.linalg.norm(place), (text, x, y)
    assert edges == 4


WARNINGS = (
    ReadingWarning("8 voxels were taken as air"),
    ReadingWarning("The scale to Hounsfield units is missing in some files", grave=True),
)


@pytest.mark.parametrize("size", [(1000, 800), (400, 320), (1600, 900)])
def test_what_reading_noticed_stands_above_the_notice_and_nowhere_else(size: tuple[int, int]) -> None:
    bone = np.full((size[1], size[0], 3), 215, dtype=np.uint8)
    bare = annotate(bone, VIEW, 0.25, [triangle()], centre=[0, 0, 0])
    warned = annotate(bone, VIEW, 0.25, [triangle()], centre=[0, 0, 0], warnings=WARNINGS)
    rows, columns = np.nonzero((bare != warned).any(axis=2))
    unit = min(size[1], size[0] * 0.8) / 800
    written = warned[rows, columns].astype(int)
    assert (written[:, 0] - written[:, 2] > 60).any(), "it is amber"
    assert rows.max() <= size[1] - 28 * unit
    if unit < 0.8:  # in two lines that can be read, beside the letters of the direction
        assert rows.min() >= size[1] - 34 * unit - 27
        assert 100 < columns.max() < size[0] / 2 - 20 * unit
    else:
        assert rows.min() >= size[1] - 50 * unit - 1
        assert columns.max() > 350 * unit
        assert (np.abs(written - WARNING).sum(axis=1) < 60).any()


def test_a_text_is_broken_between_words_and_cut_off_after_the_last_line() -> None:
    text = "The scale to Hounsfield units is missing in some files of the series"
    lines = in_lines(text, 11, 150, 9)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(text_width(line, 11) <= 150 for line in lines)
    two = in_lines(text, 11, 150, 2)
    assert two[0] == lines[0]
    assert len(two) == 2
    assert two[1].endswith("...")
    assert in_lines("short", 11, 150, 2) == ["short"]


def test_a_long_warning_ends_within_the_picture_and_says_that_it_goes_on() -> None:
    long = ReadingWarning("The slices differ from each other in many ways " * 9, grave=True)
    bare, warned = annotate(GREY, VIEW, 0.5), annotate(GREY, VIEW, 0.5, warnings=[long])
    columns = np.nonzero((bare != warned).any(axis=(0, 2)))[0]
    assert columns.max() < 400 - 8
    line = shortened(warning_headline([long]), 13, 700)
    assert line.startswith("Read with reservations, 1 warning: The slices differ")
    assert line.endswith("...")
    assert text_width(line, 13) <= 700
    assert shortened("short", 13, 700) == "short"
