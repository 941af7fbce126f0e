"""Pictures say which needle they show, and are put beside no other."""

from dataclasses import replace

import numpy as np
from PIL import Image
from plan_maker import KEY, full_plan, recommended_planning

from spinect_core.report.pictures import (
    Shown,
    as_png,
    file_key,
    file_name,
    needle_key,
    picture_of,
    stored_pictures,
)

NEEDLE = recommended_planning().needles[0].needle
PICTURE = np.random.default_rng(2).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def test_a_picture_is_that_of_its_needle_alone() -> None:
    content = as_png(PICTURE, NEEDLE)
    found = picture_of(content, NEEDLE)
    assert found is not None
    np.testing.assert_array_equal(np.asarray(found), PICTURE)
    moved = replace(NEEDLE, target=(6.0, 19.0, 3.6))
    assert picture_of(content, moved) is None
    assert picture_of(content[:200], NEEDLE) is None
    assert picture_of(b"no picture", NEEDLE) is None
    assert needle_key(replace(NEEDLE, entry=(45.0, 95.0, -0.0))) == "45.00 95.00 0.00 to 6.00 19.00 3.50"


def test_a_plan_gives_only_pictures_of_the_needle_asked_for() -> None:
    moved = replace(NEEDLE, entry=(46.0, 95.0, -12.0))
    files = {
        file_name(Shown.HUB, KEY): as_png(PICTURE, NEEDLE),
        file_name(Shown.AXIAL, KEY): as_png(PICTURE, moved),
    }
    named = {file_key(shown, KEY): file_name(shown, KEY) for shown in Shown}
    plan = full_plan().replaced(files=named)
    assert set(stored_pictures(plan, files, KEY, NEEDLE)) == {Shown.HUB}
    assert set(stored_pictures(plan, files, KEY, moved)) == {Shown.AXIAL}
    assert stored_pictures(plan, {}, KEY, NEEDLE) == {}
    assert stored_pictures(full_plan(), files, KEY, NEEDLE) == {}


def test_a_picture_too_large_to_unpack_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr("spinect_core.report.pictures.MOST_PIXELS", 100)
    assert picture_of(as_png(PICTURE, NEEDLE), NEEDLE) is None
    assert isinstance(picture_of(as_png(PICTURE[:5, :5], NEEDLE), NEEDLE), Image.Image)
