"""Grey values, the Scotty dog and the finished picture of simulated fluoroscopy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.parts import Parts
from spinect_core.base.errors import MeasurementError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Side
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.volume import BONE, Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.pictures.fluoroscopy import (
    Attenuation,
    DogPart,
    Exposure,
    Fluoroscope,
    Marks,
    ScottyDog,
    cut_off,
    displayed,
    fluoroscopy_picture,
    line_integrals,
    tip_views,
)
from spinect_core.pictures.fluoroscopy.picture import ABREAST, ALONE, DOG, FOOT, GAP, HEAD, LINE, hatched
from spinect_core.pictures.palette import TRIANGLES, WARNING
from spinect_core.planning.needle.needle import Needle

TARGET = np.array([20.0, 0.0, 0.0])
DEVICE = Fluoroscope(detector_mm=200, pixels=128)
PLACES = {
    DogPart.EYE: (20.0, 0.0, 0.0),
    DogPart.NOSE: (38.0, 4.0, 0.0),
    DogPart.EAR: (20.0, 14.0, 12.0),
    DogPart.NECK: (16.0, 16.0, -2.0),
    DogPart.FRONT_LEG: (12.0, 24.0, -14.0),
    DogPart.BODY: (6.0, 22.0, 0.0),
}


@cache
def body(cut_above: bool = False) -> Attenuation:
    """Water about a rod of bone along the patient, air round it; the water goes on above the CT, or ends before it."""
    grid = Geometry((50, 60, 70), (2.0, 2.0, 2.0), (-69.0, -59.0, -49.0))
    at = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1).astype(float))
    array = np.full(grid.shape, -1000, np.int16)
    array[(np.hypot(at[..., 0], at[..., 1]) < 50) & ((at[..., 2] < 30) | cut_above) & (at[..., 2] > -30)] = 0
    array[np.hypot(at[..., 0] - 20, at[..., 1]) < 6] += 1500
    array[at[..., 2] > (50 if cut_above else 30)] = -1000
    return Attenuation.of(Volume(array, grid))


def shell(middle: tuple[float, float, float], radius: float = 8.0, count: int = 400) -> np.ndarray:
    """Points all over a ball."""
    number = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * number / count), np.pi * (1 + 5**0.5) * number
    flat = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    return np.array(middle) + radius * flat


def landmarks(places: dict[DogPart, tuple[float, float, float]] = PLACES) -> Landmarks:
    points = [shell(middle, count=60) for middle in places.values()]
    names = tuple(f"L5 {part} left" for part in places)
    kinds = np.repeat(np.arange(len(names)), 60)
    parts = Parts(np.concatenate(points), kinds, names, np.full(len(kinds), BONE))
    return Landmarks({}, {}, 1.0, parts=parts)


def bone(*without: DogPart) -> np.ndarray:
    return np.concatenate([shell(at) for part, at in PLACES.items() if part not in without])


# ---------------------------------------------------------------------------------------------------------- display


def test_what_attenuates_is_dark_as_on_a_fluoroscope_and_bright_as_on_a_film() -> None:
    exposure = Exposure(View(0), TARGET, DEVICE)
    integrals = line_integrals(body(), exposure)
    dark = displayed(integrals, cut_off(body(), exposure), harmonised=0.3)
    bright = displayed(integrals, cut_off(body(), exposure), bright_bone=True, harmonised=0.3)
    x, y = exposure.to_pixels(TARGET).astype(int)
    beside = exposure.to_pixels(np.zeros(3)).astype(int)[0]
    assert int(dark[y, x]) < int(dark[y, beside]) - 15
    assert int(bright[y, x]) > int(bright[y, beside]) + 15
    assert dark.dtype == np.uint8
    assert dark.max() - dark.min() > 200


def test_less_of_the_slow_changes_leaves_more_contrast_for_what_is_small() -> None:
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    slope = 1 + x / 16 + 0.2 * (np.hypot(x - 64, y - 64) < 4)
    plain, evened = displayed(slope, harmonised=0.0), displayed(slope, harmonised=0.9)

    def contrast(picture: np.ndarray) -> float:
        return abs(float(picture[64, 64]) - float(picture[64, [57, 71]].mean()))

    assert contrast(evened) > 2 * contrast(plain)


def test_what_is_no_picture_is_refused_and_air_is_bright() -> None:
    assert (displayed(np.zeros((32, 32), np.float32)) == 255).all()
    with pytest.raises(MeasurementError, match="no picture"):
        displayed(np.full((8, 8), np.nan, np.float32))
    with pytest.raises(MeasurementError, match="slow changes"):
        displayed(np.ones((8, 8), np.float32), harmonised=1.5)


def test_only_where_the_ct_ends_within_the_patient_rays_are_cut_off() -> None:
    exposure = Exposure(View(0), np.zeros(3), Fluoroscope(detector_mm=298, pixels=128))
    assert not cut_off(body(), exposure).any()
    cut = cut_off(body(cut_above=True), exposure)
    # Rays that leave through the top before they are through, and none in the middle.
    assert cut[:64].any()
    assert not cut[40:].any()
    high = exposure.to_pixels(np.array([0.0, 0, 50]))[1]
    assert abs(np.flatnonzero(cut.any(axis=1)).max() - high) < 12


# ------------------------------------------------------------------------------------------------------- Scotty dog


def test_the_dog_has_every_part_that_the_labels_show() -> None:
    dog = ScottyDog.of(landmarks(), bone(), "left")
    assert set(dog.parts) == set(DogPart)
    assert dog.missing == ()
    assert dog.vertebra == "L5"
    for part, points in dog.parts.items():
        assert points.mean(axis=0) == pytest.approx(PLACES[part], abs=2.0)


def test_its_outline_goes_round_all_of_its_parts() -> None:
    from skimage.measure import points_in_poly

    dog = ScottyDog.of(landmarks(), bone(), "left")
    exposure = Exposure(View.oblique("left", 30), TARGET, Fluoroscope(detector_mm=200))
    [outline] = dog.outline(exposure)
    assert outline[0] == pytest.approx(outline[-1])
    projected = exposure.to_pixels(bone())
    assert points_in_poly(exposure.to_pixels(np.array(list(PLACES.values()))), outline).all()
    # No farther out than the bone itself, within a millimetre or so of it.
    assert outline.min(axis=0) == pytest.approx(projected.min(axis=0), abs=6)
    assert outline.max(axis=0) == pytest.approx(projected.max(axis=0), abs=6)
    assert dog.names(exposure)[DogPart.NOSE][0] < dog.names(exposure)[DogPart.EYE][0]  # it looks to the left


def test_a_part_that_the_labels_do_not_show_is_missing_and_not_guessed() -> None:
    dog = ScottyDog.of(landmarks(), bone(DogPart.NOSE), "left")
    assert dog.missing == (DogPart.NOSE,)
    assert dog.told == "not shown by the labels, and not outlined: nose (transverse process)"
    exposure = Exposure(View.oblique("left", 30), TARGET, Fluoroscope(detector_mm=200))
    nose = exposure.to_pixels(PLACES[DogPart.NOSE])
    assert dog.outline(exposure)[0][:, 0].min() > nose[0]
    eyeless = ScottyDog.of(landmarks(), bone(DogPart.EYE), "left")
    assert "pedicle" in eyeless.told
    assert eyeless.outline(exposure) == []
    nothing = ScottyDog.of(landmarks(), np.empty((0, 3)), "left")
    assert nothing.missing == tuple(DogPart)
    assert ScottyDog.of(landmarks(), bone(), "right").parts == {}


def test_nothing_is_outlined_while_the_level_is_in_doubt() -> None:
    doubted = replace(landmarks(), notes=(Note(NoteCode.LANDMARKS_UNSURE),))
    assert doubted.level_doubts
    dog = ScottyDog.of(doubted, bone(), "left")
    assert dog.parts == {}
    assert dog.told == "no Scotty dog is outlined: the level is in doubt"
    assert ScottyDog.of(landmarks(), bone(), "left").told == ""


def test_the_dog_is_seen_in_oblique_views_from_its_own_side() -> None:
    dog = ScottyDog("L5", Side.LEFT, {}, ())
    assert dog.is_seen_in(View.oblique("left", 30, -10))
    for view in (View(0), View.oblique("right", 30), View(90), View.oblique("left", 30, 60), View(180)):
        assert not dog.is_seen_in(view)


# ---------------------------------------------------------------------------------------------------------- picture


def marks() -> Marks:
    view = View.oblique("left", 30)
    entry = TARGET + 90 * view.vector
    needle = Needle("", "safe", "left", "L5/S1", "", tuple(entry), tuple(TARGET))
    corners = TARGET + np.array([[-9.0, 0, 12], [12.0, 0, 9], [0.0, 0, -12]])
    return Marks(
        needle, (Triangle("kambin", "left", corners, view),), ScottyDog.of(landmarks(), bone(), "left")
    )


def pixels_of(
    picture: np.ndarray, colour: tuple[int, int, int], panel: int = 0, edge: int = ALONE
) -> np.ndarray:
    """Places (n, 2) of a colour in a panel, right and down from its corner."""
    left = panel * (edge + GAP)
    rows, columns = np.nonzero((picture[HEAD : HEAD + edge, left : left + edge] == colour).all(axis=2))
    return np.stack([columns, rows], axis=1)


def test_needle_triangle_and_dog_lie_where_they_project() -> None:
    exposure = Exposure(View.oblique("left", 40, 5), TARGET, DEVICE)
    picture = fluoroscopy_picture(body(), [exposure], marks(), title="Left safe")
    assert picture.shape == (HEAD + ALONE + FOOT, ALONE, 3)
    scale = ALONE / DEVICE.pixels
    needle = pixels_of(picture, TRIANGLES["safe"])
    ends = exposure.to_pixels(np.array([marks().needle.entry, marks().needle.target])) * scale
    assert needle.min(axis=0) == pytest.approx(ends.min(axis=0), abs=12)
    assert needle.max(axis=0) == pytest.approx(ends.max(axis=0), abs=12)
    corners = exposure.to_pixels(marks().triangles[0].vertices) * scale
    triangle = pixels_of(picture, TRIANGLES["kambin"])
    assert triangle.min(axis=0) == pytest.approx(corners.min(axis=0), abs=6)
    assert triangle.max(axis=0) == pytest.approx(corners.max(axis=0), abs=6)
    assert len(pixels_of(picture, DOG)) > 500


def test_lines_are_seen_on_bright_and_on_dark_and_only_where_the_ct_ends() -> None:
    for value in (0, 60, 120, 255):
        grey = np.full((40, 40), value, np.uint8)
        cut = np.zeros((40, 40), bool)
        cut[:20] = True
        lines = hatched(grey, cut)
        assert np.abs(lines[:20].astype(int) - value).max() >= 50
        assert 0.1 < (lines[:20] != value).mean() < 0.4
        assert (lines[20:] == value).all()


def test_a_needle_is_followed_along_it_from_behind_and_from_its_side() -> None:
    needle = marks().needle
    exposures = tip_views(needle.view, "left", TARGET, DEVICE)
    assert [each.view.words for each in exposures] == ["left oblique 30°", "from behind", "left lateral"]
    picture = fluoroscopy_picture(body(), exposures, marks())
    assert picture.shape == (HEAD + ABREAST + FOOT, 3 * ABREAST + 2 * GAP, 3)
    along, behind, side = (pixels_of(picture, TRIANGLES["safe"], number, ABREAST) for number in range(3))
    assert np.abs(along - ABREAST / 2).max() < 12  # a point down the needle
    assert behind[:, 0].min() < ABREAST / 2 - 100  # its hub lies to the left of the tip
    assert side[:, 0].max() > ABREAST / 2 + 100  # and behind it, which is on the right seen from the left
    assert len(pixels_of(picture, DOG, 0, ABREAST)) > 200
    assert len(pixels_of(picture, DOG, 1, ABREAST)) == len(pixels_of(picture, DOG, 2, ABREAST)) == 0


def test_warnings_stand_on_the_picture_and_no_view_is_refused() -> None:
    exposure = Exposure(View(0), TARGET, DEVICE)
    plain = fluoroscopy_picture(body(), [exposure])
    told = fluoroscopy_picture(body(), [exposure], warnings=[ReadingWarning("Slices are missing", True)])
    assert not (plain[:HEAD] == WARNING).all(axis=2).any()
    assert (told[:HEAD] == WARNING).all(axis=2).any()
    held = fluoroscopy_picture(body(), [exposure], withheld="not recommended: a nerve is near")
    assert (held[: HEAD + LINE] == WARNING).all(axis=2).any()
    np.testing.assert_array_equal(held[HEAD + LINE :], plain[HEAD:])
    both = fluoroscopy_picture(
        body(),
        [exposure],
        withheld="not recommended: a nerve is near",
        warnings=[ReadingWarning("Slices are missing", True)],
    )
    assert (both == WARNING).all(axis=2).sum() > (held == WARNING).all(axis=2).sum()
    with pytest.raises(MeasurementError, match="no view to take"):
        fluoroscopy_picture(body(), [])
