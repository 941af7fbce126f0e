from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label, map_coordinates

from spinect_core.research.phantom import STRUCTURES
from spinect_core.research.phantom.courses import root_waypoints
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.skeleton import articulate

pytestmark = pytest.mark.heavy

BONES = ("L4", "L5", "sacrum", "hip left", "hip right")
NEIGHBOURS = (("L4", "L5"), ("L5", "sacrum"), ("sacrum", "hip left"), ("sacrum", "hip right"))
ROUND = np.ones((3, 3, 3), dtype=bool)


def part(phantom, name: str) -> np.ndarray:
    return phantom.structures == STRUCTURES[name]


def test_left_lies_left_and_right_lies_right(fine, whole) -> None:
    for phantom in (fine, whole):
        marks = phantom.truth["landmarks"]
        for name, place in marks.items():
            if name.endswith("left"):
                twin = marks[name.removesuffix("left") + "right"]
                assert place[0] > marks["L5 body centre"][0] > twin[0]
        geometry = phantom.volume.geometry
        for name in STRUCTURES:
            if not name.endswith("left"):
                continue
            left, right = part(phantom, name), part(phantom, name.removesuffix("left") + "right")
            if left.any() and right.any():
                middle = [geometry.to_patient(np.argwhere(side)).mean(axis=0)[0] for side in (left, right)]
                assert middle[0] > middle[1]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("level", ["L4", "L5", "S1", "S2"])
def test_every_root_runs_unbroken_from_the_sac_to_its_end(fine, level: str, side: str) -> None:
    structures = fine.structures
    root = structures == STRUCTURES[f"{level} {side}"]
    assert root.sum() > 200
    # Roots meet in the trunk, so a root may run on through another one's voxels.
    nerve = fine.labels.array == 2
    pieces, _count = label(nerve, ROUND)
    of_sac = np.bincount(pieces[part(fine, "thecal sac")]).argmax()
    reached = pieces[root] == of_sac
    assert reached.mean() > 0.98


def test_the_s2_root_leaves_even_a_short_sac() -> None:
    ends = []
    for seed in range(60):
        specimen = draw_specimen(seed, ())
        skeleton = articulate(specimen)
        first = root_waypoints(skeleton, specimen)["S2 left"][0][0]
        height = skeleton.frames["sacrum"].local((first[0], first[1], first[2]))[2]
        ends.append(specimen.sac_end)
        assert height > min(specimen.sac_end, -14.0) + 4.0
    assert max(ends) > -20.0
    assert min(ends) < -45.0


def test_the_centreline_of_no_nerve_runs_through_bone_or_disc(fine) -> None:
    geometry = fine.volume.geometry
    bone = (fine.labels.array == 1).astype(np.float64)
    for name, nerve in fine.truth["nerves"].items():
        index = geometry.to_index(np.array(nerve["points"])).T
        inside = np.all((index >= 0) & (index <= np.array(geometry.shape)[:, None] - 1), axis=0)
        values = map_coordinates(bone, index[:, inside], order=1)
        assert values.max(initial=0.0) < 0.5, name


def test_every_bone_is_one_piece(fine) -> None:
    for name in BONES:
        pieces, count = label(part(fine, name), ROUND)
        sizes = np.bincount(pieces.ravel())[1:]
        assert count >= 1, name
        # A bone cut by the edge of the picture may leave a corner; inside, nothing floats.
        inner = [
            k
            for k in range(1, count + 1)
            if sizes[k - 1] < sizes.max()
            and not np.isin(k, np.concatenate([f.ravel() for f in faces(pieces)]))
        ]
        assert not inner, f"{name}: floating pieces of {[int(sizes[k - 1]) for k in inner]} voxels"


def faces(array: np.ndarray) -> list[np.ndarray]:
    return [array[0], array[-1], array[:, 0], array[:, -1], array[:, :, 0], array[:, :, -1]]


@pytest.mark.parametrize("pair", NEIGHBOURS)
def test_joints_are_open(fine, pair: tuple[str, str]) -> None:
    first, second = part(fine, pair[0]), part(fine, pair[1])
    cross = binary_dilation(first)
    assert not np.any(cross & second), f"{pair[0]} touches {pair[1]}"


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_l5_foramen_is_open(fine, side: str) -> None:
    geometry = fine.volume.geometry
    centre = np.array(fine.truth["landmarks"][f"foramen L5/S1 centre {side}"])
    k, j, i = np.rint(geometry.to_index(centre)).astype(int)
    assert fine.labels.array[k, j, i] != 1
    # From the canal to the side of the foramen a finger's breadth of free voxels leads through.
    free = fine.labels.array != 1
    box = free[k - 12 : k + 12, j - 14 : j + 14, min(i, i) - 22 : i + 22]
    pieces, _count = label(box)
    through = pieces[12, 14, 22]
    assert through > 0
    assert np.any(pieces[:, :, 0] == through)
    assert np.any(pieces[:, :, -1] == through)


def test_hounsfield_units_are_those_drawn(fine) -> None:
    drawn = fine.truth["specimen"]["values"]
    ct = fine.volume.array.astype(float)
    inner_sac = ~binary_dilation(~part(fine, "thecal sac"), iterations=2)
    assert ct[inner_sac].mean() == pytest.approx(drawn["sac"], abs=6.0)
    inner_disc = ~binary_dilation(~part(fine, "disc L4/5"), iterations=2)
    assert drawn["disc"] - 6.0 < ct[inner_disc].mean() < drawn["disc"] + 16.0
    body = np.rint(fine.volume.geometry.to_index(np.array(fine.truth["landmarks"]["L5 body centre"]))).astype(
        int
    )
    core = ct[tuple(slice(n - 5, n + 6) for n in body)]
    assert core.mean() == pytest.approx(drawn["cancellous"], rel=0.5)
    assert np.percentile(ct[fine.labels.array == 1], 90) > 1.3 * core.mean()


def test_the_back_is_skin_fat_muscle_bone(whole) -> None:
    ct, geometry = whole.volume.array.astype(float), whole.volume.geometry
    place = np.rint(geometry.to_index(np.array(whole.truth["landmarks"]["L5 body centre"]))).astype(int)
    beside = place[2] + 12
    column = ct[place[0] - 1 : place[0] + 2, place[1] :, beside - 1 : beside + 2].mean(axis=(0, 2))
    bone, muscle, fat = column > 180, (column > 20) & (column < 110), (column < -60) & (column > -160)
    assert bone.any()
    assert muscle.any()
    assert fat.any()
    assert np.flatnonzero(bone)[0] < np.median(np.flatnonzero(muscle)) < np.flatnonzero(fat)[-1]


def test_no_bone_stands_out_of_the_skin(whole) -> None:
    air = whole.volume.array < -600
    pieces, _count = label(air)
    outside = np.zeros_like(air)
    behind = np.unique(pieces[:, -1, :])
    outside |= np.isin(pieces, behind[behind > 0])
    assert not np.any(binary_dilation(outside) & (whole.labels.array == 1))


def test_truth_is_json_and_its_points_lie_in_their_nerves(fine) -> None:
    truth = json.loads(json.dumps(fine.truth))
    assert truth["schema"] == 2
    assert truth["frame"] == "LPS, mm"
    assert truth["notice"]
    assert set(truth["nerves"]) == {
        f"{n} {s}" for n in ("L3", "L4", "L5", "S1", "S2") for s in ("left", "right")
    }
    geometry = fine.volume.geometry
    for name in ("L5 left", "L5 right", "S1 left", "S1 right"):
        ganglion = np.rint(geometry.to_index(np.array(truth["nerves"][name]["ganglion"]))).astype(int)
        assert fine.labels.array[tuple(ganglion)] == 2, name
