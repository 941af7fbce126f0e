"""What is not a lumbosacral spine is told apart from what is, however it was scanned, cut or stored.

Right is: a head, chest, limb, metal, noise or nothing, resin, an animal, a part of a trunk without L5/S1 and values
that are no Hounsfield units are not found, and the note says why; the demo case is, whole, cut, thick, noisy or turned
in the file, with its disc within 25 mm of the middle of the box.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks import bodies
from spinect_core.base.assets import asset
from spinect_core.base.errors import AnatomyError
from spinect_core.image.volume import Geometry, Volume, geometry_from_sitk
from spinect_core.preprocessing import find_lumbosacral_region, recognised_region
from spinect_core.preprocessing.find_region import SIZE_MM, region_about
from spinect_core.segmentation import segment

pytestmark = pytest.mark.heavy

DISC = np.array([-4.4, 1.0, -3.0])
"""LPS mm of the demo case's L5/S1 disc, from its truth."""

RIGHT_MM = 25.0


def demo() -> Volume:
    image = sitk.ReadImage(str(asset("demo/ct.nii.gz")))
    image = sitk.DICOMOrient(image, "LPS")
    return Volume(sitk.GetArrayFromImage(image), geometry_from_sitk(image), "demo")


def box(volume: Volume, low: tuple[float, ...], high: tuple[float, ...]) -> Volume:
    """The part of a CT between two corners in LPS mm."""
    grid = volume.geometry
    first = np.maximum(np.ceil(grid.to_index(np.array(low))).astype(int), 0)
    last = np.floor(grid.to_index(np.array(high))).astype(int) + 1
    array = np.ascontiguousarray(volume.array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))])
    origin = tuple(float(value) for value in grid.to_patient(first))
    return Volume(array, Geometry(array.shape, grid.spacing, origin, grid.direction))


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Volume:
    volume = demo()
    return Volume(np.ascontiguousarray(change(volume.array)), volume.geometry)


def thick() -> Volume:
    """Slices of 5 mm, as near as whole slices of the demo allow."""
    volume = demo()
    count = len(volume.array) // 3
    slices = volume.array[: 3 * count].reshape(count, 3, *volume.array.shape[1:]).mean(axis=1)
    x, y, z = volume.geometry.spacing
    origin = tuple(float(value) for value in volume.geometry.to_patient((1, 0, 0)))
    return Volume(slices.astype(np.int16), Geometry(slices.shape, (x, y, 3 * z), origin))


def prone_as_stored() -> Volume:
    """Both axes within the slice run the other way, as scanners store prone patients, and the table lies in front."""
    volume = demo()
    array = volume.array.copy()
    array[:, :2, 20:-20] = 300
    y, x = array.shape[1] - 1, array.shape[2] - 1
    origin = tuple(float(value) for value in volume.geometry.to_patient((0, y, x)))
    turned = Geometry(array.shape, volume.geometry.spacing, origin, np.diag([-1.0, -1.0, 1.0]))
    return Volume(np.ascontiguousarray(array[:, ::-1, ::-1]), turned)


def on_the_side_as_stored() -> Volume:
    """The rows run from front to back, as scanners store patients that lie on their side."""
    volume = demo()
    x, y, z = volume.geometry.spacing
    array = np.ascontiguousarray(volume.array.transpose(0, 2, 1)[:, ::-1])
    origin = volume.geometry.to_patient((0, 0, volume.array.shape[2] - 1))
    axes = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return Volume(array, Geometry(array.shape, (y, x, z), tuple(map(float, origin)), axes))


def whole_body() -> Volume:
    """Legs, the demo case, a chest and a head above one another, in voxels of 4 mm."""
    body = bodies.Body((520, 300, 1240))
    bodies.draw_legs(body, -610, -190)
    bodies.draw_chest(body, 130)
    bodies.draw_head(body, 420)
    volume = body.volume()
    whole, pelvis = volume.array.copy(), demo()
    where = [np.arange(n) * 4.0 + low for n, low in zip((42, 54, 74), (-86.0, -108.0, -148.0), strict=True)]
    places = np.stack(np.meshgrid(*where, indexing="ij"), axis=-1)
    index = np.round(pelvis.geometry.to_index(places.reshape(-1, 3)[:, ::-1])).astype(int)
    index = np.clip(index, 0, np.array(pelvis.array.shape) - 1)
    cut = pelvis.array[tuple(index.T)].reshape(42, 54, 74)
    whole[104:146, 10:64, 28:102] = cut
    x, y, z = (low - 4.0 * start for low, start in ((-148.0, 28), (-108.0, 10), (-86.0, 104)))
    return Volume(whole, Geometry(whole.shape, (4.0, 4.0, 4.0), (x, y, z)))


FOUND: dict[str, Callable[[], Volume]] = {
    "as it is": demo,
    "thick slices": thick,
    "noisy": lambda: changed(
        lambda a: (a + np.random.default_rng(0).normal(0, 60, a.shape)).astype(np.int16)
    ),
    "grey values cut off": lambda: changed(lambda a: np.clip(a, -160, 240)),
    "prone": prone_as_stored,
    "on its side": on_the_side_as_stored,
    "whole body": whole_body,
    "small field of view": lambda: box(demo(), (-60, -50, -60), (60, 80, 70)),
    "left side cut": lambda: box(demo(), (-150, -120, -90), (50, 120, 90)),
    "cut above": lambda: box(demo(), (-150, -120, -90), (150, 120, 25)),
    "cut below": lambda: box(demo(), (-150, -120, -35), (150, 120, 90)),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_lumbosacral_spine_is_found_where_it_is(name: str) -> None:
    region = find_lumbosacral_region(FOUND[name]())
    assert region.found, region.note
    assert np.linalg.norm(region.centre - DISC) < RIGHT_MM
    assert region.note.startswith("Found by the shape of the pelvis")


def scaled(factor: float | tuple[float, float, float]) -> Volume:
    """The demo case of another size."""
    volume = demo()
    spacing = tuple(float(value) for value in np.multiply(volume.geometry.spacing, factor))
    return Volume(volume.array, Geometry(volume.array.shape, spacing, volume.geometry.origin))


REFUSED: dict[str, tuple[Callable[[], Volume], str]] = {
    "spine above L5": (lambda: box(demo(), (-150, -120, 20), (150, 120, 90)), ""),
    "sacrum alone": (lambda: box(demo(), (-150, -120, -90), (150, 120, -20)), ""),
    "one flank": (lambda: box(demo(), (50, -120, -90), (150, 120, 90)), ""),
    "belly": (lambda: box(demo(), (-150, -120, -90), (150, -30, 90)), ""),
    "dog": (lambda: scaled(0.45), "Nothing looks like"),
    "slices three times as far apart": (lambda: scaled((1, 1, 3)), "times as tall"),
    "resin": (lambda: bodies.cast(demo()), "phantom of resin or water"),
    "values 1024 too high": (lambda: changed(lambda a: a + 1024), "no Hounsfield units"),
    "values cut to 8 bits": (
        lambda: changed(lambda a: ((np.clip(a, -160, 240) + 160) * 0.6375).astype(np.int16)),
        "no Hounsfield",
    ),
    "upside down": (lambda: changed(lambda a: a[::-1]), "upside down"),
    "back to front": (lambda: changed(lambda a: a[:, ::-1]), "back to front"),
    "air": (bodies.nothing, "no body"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_lumbosacral_spine_or_is_not_as_it_says_is_not_found(name: str) -> None:
    make, why = REFUSED[name]
    region = find_lumbosacral_region(make())
    assert not region.found
    assert why in region.note


@pytest.mark.parametrize("make", bodies.OTHERS, ids=lambda make: make.__name__)
def test_other_parts_of_a_body_and_other_things_are_not_found(make: Callable[[], Volume]) -> None:
    region = find_lumbosacral_region(make())
    assert not region.found
    assert region.note


def test_lungs_and_legs_are_told_where_they_are_seen_instead() -> None:
    assert "lungs" in find_lumbosacral_region(bodies.chest()).note
    assert "two legs" in find_lumbosacral_region(bodies.legs()).note


def test_without_a_region_nothing_is_segmented_where_none_is_recognised() -> None:
    with pytest.raises(AnatomyError, match=r"No lumbosacral spine was recognised.*name the region") as caught:
        segment(bodies.legs())
    assert caught.value.exit_code == 6
    assert caught.value.parameter == "region"


def test_a_region_that_is_recognised_is_the_one_found() -> None:
    assert recognised_region(demo()) == find_lumbosacral_region(demo())


def test_the_region_about_a_disc_holds_it_and_what_lies_behind() -> None:
    region = region_about(np.array([5.0, -20.0, 300.0]), "set by hand")
    assert (region.found, region.note) == (True, "set by hand")
    assert region.size.tolist() == list(SIZE_MM)
    assert region.centre[[0, 2]].tolist() == [5.0, 300.0]
    assert region.minimum[1] < -20 - 50
    assert region.maximum[1] > -20 + 80
