"""What the study of hard levels does to a specimen, and how it counts."""

import csv

import numpy as np
import pytest

from spinect_core.image.volume import BONE, Geometry, Labels
from spinect_core.research.study import hard_levels
from spinect_core.research.study.hard_levels import LOWER, UPPER, Specimen, Verdict

CENTRES = {LOWER: (0.0, 0.0, -18.0), UPPER: (0.0, -6.0, 18.0)}


@pytest.fixture
def beads():
    """Two balls of bone, each with a landmark in its middle."""
    grid = Geometry((60, 50, 50), (2.0, 2.0, 2.0), (-49.0, -49.0, -59.0))
    places = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    array = np.zeros(grid.shape, np.uint8)
    for centre in CENTRES.values():
        array[np.linalg.norm(places - centre, axis=-1) < 9.0] = BONE
    return Specimen("beads", Labels(array, grid), {name: np.array(place) for name, place in CENTRES.items()})


def mass_near(specimen, name, reach):
    index = np.argwhere(specimen.labels.array == BONE)
    points = specimen.labels.geometry.to_patient(index)
    near = np.linalg.norm(points - specimen.points[name], axis=1) < reach
    return points[near].mean(axis=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_landmarks_go_with_their_bone_when_it_is_bent_scaled_and_turned(beads, seed):
    changed = hard_levels.bent(beads, seed)
    assert 0.8 <= changed.scale <= 1.25
    for name, centre in CENTRES.items():
        assert np.linalg.norm(mass_near(changed, name, 14.0 * changed.scale) - changed.points[name]) < 1.5
        assert np.linalg.norm(changed.points[name] - centre) > 0.1
    apart = np.linalg.norm(changed.points[UPPER] - changed.points[LOWER])
    assert apart / np.linalg.norm(np.subtract(CENTRES[UPPER], CENTRES[LOWER])) == pytest.approx(
        changed.scale, rel=0.3
    )


def test_a_field_of_view_is_cut_without_moving_what_is_in_it(beads):
    cut = hard_levels.cut(beads, 5)
    assert all(
        after <= before
        for after, before in zip(cut.labels.array.shape, beads.labels.array.shape, strict=True)
    )
    for place in np.argwhere(cut.labels.array == BONE)[::40]:
        point = cut.labels.geometry.to_patient(place)
        whole = np.rint(beads.labels.geometry.to_index(point)).astype(int)
        assert beads.labels.array[tuple(whole)] == BONE


@pytest.mark.parametrize(("how", "more"), [("six", 1), ("four", -1)])
def test_a_vertebra_more_or_less_changes_the_number_of_beads(beads, how, more):
    changed = hard_levels.counted(beads, how)
    ratio = (changed.labels.array == BONE).sum() / (beads.labels.array == BONE).sum()
    # The upper bead comes twice, or takes the place of nothing: the lower one stays where it is.
    assert ratio == pytest.approx(1.0 + 0.5 * max(more, 0) - 0.5 * max(-more, 0), abs=0.3)


def test_wrong_in_silence_is_counted_and_is_the_exit_code(beads, tmp_path, monkeypatch):
    def verdict(kind, specimen, quick=False):
        return Verdict(kind, specimen.name, False, (), 36.0, (0.9, 0.3), {"wings": 1.0}, 1.0)

    monkeypatch.setattr(hard_levels, "specimens", lambda *_: iter([("bent", beads)]))
    monkeypatch.setattr(hard_levels, "judge", verdict)
    assert hard_levels.main(["--out", str(tmp_path), "--plain", "1"]) == 1
    assert "| bent | 1 | 0 | 0 | 0 | 1 |" in (tmp_path / "hard-levels.md").read_text(encoding="utf-8")
    with (tmp_path / "hard-levels.csv").open(encoding="utf-8") as stream:
        assert [row["off_mm"] for row in csv.DictReader(stream)] == ["36.0"]
