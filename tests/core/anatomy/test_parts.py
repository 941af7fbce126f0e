"""Places get the name of the part they lie on."""

import time
from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from spinect_core.anatomy.levels import LEVELS, level_of, renamed
from spinect_core.image.volume import BONE, NERVE
from spinect_core.research.phantom.structures import STRUCTURES

pytestmark = pytest.mark.heavy


def rim_of(phantom, name):
    mask = phantom.structures == STRUCTURES[name]
    places = phantom.labels.geometry.to_patient(np.argwhere(mask & ~binary_erosion(mask)))
    middle = np.array(phantom.truth["landmarks"]["S1 upper end plate centre"])
    return places[np.linalg.norm(places - middle, axis=1) < 60.0]


def test_bones_are_told_apart(phantom, found):
    first_words = {
        "L5": ("L5",),
        "L4": ("L4",),
        "sacrum": ("S1", "sacral", "sacrum"),
        "hip left": ("iliac",),
        "hip right": ("iliac",),
    }
    for bone, words in first_words.items():
        names = found.parts.of(rim_of(phantom, bone))
        right = np.mean([name.split()[0] in words for name in names])
        assert right > 0.93, (bone, Counter(names).most_common(4))


def test_landmarks_lie_on_the_parts_they_belong_to(phantom, found):
    truth = phantom.truth["landmarks"]
    expected = {
        "L5 pedicle lower margin": "L5 pedicle",
        "S1 superior articular base": "S1 superior articular process",
    }
    for mark, part in expected.items():
        for side in ("left", "right"):
            assert found.parts.of(np.array([truth[f"{mark} {side}"]])) == [f"{part} {side}"]


def test_the_two_bones_of_a_facet_are_told_apart(phantom, found):
    tips = np.array(
        [phantom.truth["landmarks"][f"S1 superior articular tip {side}"] for side in ("left", "right")]
    )
    for bone, words in (("L5", ("L5",)), ("sacrum", ("S1", "sacral", "sacrum"))):
        places = rim_of(phantom, bone)
        near = places[np.linalg.norm(places[:, None] - tips, axis=2).min(axis=1) < 14.0]
        assert len(near) > 100
        assert np.mean([name.split()[0] in words for name in found.parts.of(near)]) > 0.95


def test_roots_are_called_by_what_they_do_here(phantom, found):
    for root, word in (("L5", "exiting L5 root"), ("S1", "traversing S1 root")):
        for side in ("left", "right"):
            course = np.array(phantom.truth["nerves"][f"{root} {side}"]["points"])[12:30]
            names = found.parts.of(course, NERVE)
            assert np.mean([name == f"{word} {side}" for name in names]) > 0.8
    assert "thecal sac" in found.parts.of(rim_of(phantom, "thecal sac"), NERVE)


def test_thousands_of_places_in_a_moment(phantom, found):
    places = rim_of(phantom, "sacrum")
    many = np.tile(places, (10_000 // len(places) + 1, 1))[:10_000]
    found.parts.of(places[:5])
    start = time.process_time()
    assert len(found.parts.of(many, BONE)) == 10_000
    assert time.process_time() - start < 0.5


def test_names_move_with_the_level():
    low, high = level_of("L5/S1"), level_of("L4/5")
    assert renamed("L5 pedicle lower margin left", low, high) == "L4 pedicle lower margin left"
    assert renamed("S1 superior articular tip right", low, high) == "L5 superior articular tip right"
    assert renamed("foramen L5/S1 centre left", low, high) == "foramen L4/5 centre left"
    assert renamed("L4 left", high, level_of("L3/4")) == "L3 left"
    assert renamed("thecal sac", low, high) == "thecal sac"
    for name in LEVELS:
        level = level_of(name)
        for mark in low.landmark_names():
            assert renamed(mark, low, level) in level.landmark_names()
