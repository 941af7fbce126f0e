"""Pictures say which needle they show and of what they are drawn, and are put beside nothing else."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from plan_maker import KEY, full_document, full_organs, full_plan, recommended_planning

from spinect_core.plan.plan import Plan
from spinect_core.plan.records import Planning
from spinect_core.planning.needle.needle import Needle
from spinect_core.report.pictures import (
    NERVE_ALONE,
    NERVE_AND_ORGANS,
    OUTLINED_KEY,
    Key,
    Shown,
    as_png,
    file_key,
    file_name,
    key_of,
    labels_checksum,
    needle_key,
    picture_of,
    stored_pictures,
)

PLANNING = recommended_planning()
NEEDLE = PLANNING.needles[0].needle
PICTURE = np.random.default_rng(2).integers(0, 255, (20, 30, 3), dtype=np.uint8)
LABELS = labels_checksum(full_document().labels)
EVERY = set(Shown)


def key(shown: Shown = Shown.HUB, needle: Needle = NEEDLE) -> Key:
    return key_of(shown, PLANNING, KEY, needle, PLANNING.organs, LABELS)


def with_pictures(planning: Planning) -> tuple[Plan, dict[str, bytes]]:
    """A plan that holds every picture, drawn of its own state, and their files."""
    files = {
        file_name(shown, KEY): as_png(PICTURE, key_of(shown, planning, KEY, NEEDLE, planning.organs, LABELS))
        for shown in Shown
    }
    named = {file_key(shown, KEY): file_name(shown, KEY) for shown in Shown}
    return full_plan().replaced(planning=planning, files=named), files


def test_a_picture_is_that_of_its_needle_alone() -> None:
    content = as_png(PICTURE, key())
    found = picture_of(content, key())
    assert found is not None
    np.testing.assert_array_equal(np.asarray(found), PICTURE)
    moved = replace(NEEDLE, target=(6.0, 19.0, 3.6))
    assert picture_of(content, key(needle=moved)) is None
    assert picture_of(content, key(Shown.AXIAL)) is None
    assert picture_of(content[:200], key()) is None
    assert picture_of(b"no picture", key()) is None
    assert needle_key(replace(NEEDLE, entry=(45.0, 95.0, -0.0))) == "45.00 95.00 0.00 to 6.00 19.00 3.50"


def test_a_plan_gives_only_pictures_of_the_needle_asked_for() -> None:
    moved = replace(NEEDLE, entry=(46.0, 95.0, -12.0))
    files = {
        file_name(Shown.HUB, KEY): as_png(PICTURE, key()),
        file_name(Shown.AXIAL, KEY): as_png(PICTURE, key(Shown.AXIAL, moved)),
    }
    named = {file_key(shown, KEY): file_name(shown, KEY) for shown in Shown}
    plan = full_plan().replaced(planning=PLANNING, files=named)
    assert set(stored_pictures(plan, files, KEY, NEEDLE)) == {Shown.HUB}
    assert set(stored_pictures(plan, files, KEY, moved)) == {Shown.AXIAL}
    assert stored_pictures(plan, {}, KEY, NEEDLE) == {}
    assert stored_pictures(full_plan(), files, KEY, NEEDLE) == {}


def test_pictures_with_organs_are_not_those_of_a_plan_without_and_the_reverse() -> None:
    without = PLANNING.replaced(organs=None)
    others = PLANNING.replaced(organs=full_organs().replaced(checksum="1" * 64))
    unseen = {Shown.HUB, Shown.FLUOROSCOPY}  # in which no organ is drawn
    for drawn in (PLANNING, without, others):
        plan, files = with_pictures(drawn)
        for now in (PLANNING, without, others):
            found = stored_pictures(plan.replaced(planning=now), files, KEY, NEEDLE, LABELS)
            assert set(found) == (EVERY if now is drawn else unseen)
            if now is drawn:
                words = NERVE_ALONE if now is without else NERVE_AND_ORGANS
                assert found[Shown.UPRIGHT].info[OUTLINED_KEY] == words


def test_pictures_are_those_of_the_borders_and_labels_that_the_plan_has() -> None:
    plan, files = with_pictures(PLANNING)
    again = Plan.from_dict(plan.to_dict())
    assert set(stored_pictures(again, files, KEY, NEEDLE, LABELS)) == EVERY
    assert set(stored_pictures(again, files, KEY, NEEDLE)) == EVERY  # where no labels are at hand
    zone, course = PLANNING.zones[0], PLANNING.courses[0]
    first, *rest = zone.borders
    moved = first.replaced(points=((0.0, 20.5, 0.0), *first.points[1:]))
    borders = PLANNING.replaced(zones=(zone.replaced(borders=(moved, *rest)),))
    courses = PLANNING.replaced(courses=(course.replaced(radii=(2.5, 2.25, 2.5)),))
    for changed in (borders, courses):
        found = stored_pictures(plan.replaced(planning=changed), files, KEY, NEEDLE, LABELS)
        assert set(found) == {Shown.FLUOROSCOPY}  # of the CT alone
    labels = full_document().labels
    assert labels is not None
    array = labels.array.copy()
    array[2, 3, 2] = 0
    other = labels_checksum(replace(labels, array=array))
    assert set(stored_pictures(plan, files, KEY, NEEDLE, other)) == {Shown.FLUOROSCOPY}


def test_pictures_of_programs_that_did_not_say_of_what_they_were_drawn_are_not_taken() -> None:
    plan, _ = with_pictures(PLANNING)
    facts = PngInfo()
    facts.add_text("Needle", needle_key(NEEDLE))
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, format="PNG", pnginfo=facts)
    files = {file_name(shown, KEY): stream.getvalue() for shown in Shown}
    assert stored_pictures(plan, files, KEY, NEEDLE) == {}


def test_a_picture_too_large_to_unpack_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr("spinect_core.report.pictures.MOST_PIXELS", 100)
    assert picture_of(as_png(PICTURE, key()), key()) is None
    assert isinstance(picture_of(as_png(PICTURE[:5, :5], key()), key()), Image.Image)
