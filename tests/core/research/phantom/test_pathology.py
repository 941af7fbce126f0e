from __future__ import annotations

import numpy as np
import pytest
from soundness import faults

from spinect_core.base.errors import UsageError
from spinect_core.research.phantom import STRUCTURES, Phantom, Scan, draw_case
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.pathology import PATHOLOGIES, Choice, Draw

pytestmark = pytest.mark.heavy

BOX = ((-54.0, 54.0), (-32.0, 66.0), (-56.0, 44.0))
QUIET = Scan(0.4, 0.4, 0.0, 0.5)
BOLDEST = {"spondylolisthesis", "transitional", "stenosis", "herniation-s1", "pedicle-screws"}
"""What changes most of bone and nerve."""
_drawn: dict[tuple[str, ...], Phantom] = {}


def case(*names: str) -> Phantom:
    """Seed 12 with pathologies, drawn once."""
    if names not in _drawn:
        _drawn[names] = draw_case(12, (1.5, 1.5, 1.5), box=BOX, setting=QUIET, pathologies=names)
    return _drawn[names]


def volume(phantom: Phantom, name: str) -> float:
    """Volume in mm³ of a structure."""
    return float((phantom.structures == STRUCTURES[name]).sum()) * 1.5**3


def test_an_unknown_name_is_answered_with_all_names() -> None:
    with pytest.raises(UsageError) as error:
        draw_specimen(1, ("gout",))
    assert all(name in error.value.remedy for name in ("normal", *PATHOLOGIES))


def test_asking_for_one_changes_nothing_else() -> None:
    plain = draw_specimen(9, ())
    assert draw_specimen(9, ("normal",)) == plain
    assert plain.pathologies == ()
    bulging = draw_specimen(9, ("disc-bulge",))
    assert bulging.has("disc-bulge")
    assert bulging.values == plain.values
    both = draw_specimen(9, ("herniation-s1", "disc-bulge"))
    assert both.findings["disc-bulge"] == bulging.findings["disc-bulge"]
    assert both.pathologies == ("disc-bulge", "herniation-s1")


def test_a_population_has_each_as_often_as_the_table_says() -> None:
    many = [draw_specimen(seed).pathologies for seed in range(500)]
    for name, entry in PATHOLOGIES.items():
        share = np.mean([name in names for names in many])
        error = 3.5 * np.sqrt(entry.prevalence * (1 - entry.prevalence) / len(many))
        # What another one excludes is a little rarer than the table has it.
        assert entry.prevalence * (0.9 if entry.excludes else 1.0) - error < share < entry.prevalence + error
    assert not any({"transitional", "spondylolisthesis"} <= set(names) for names in many)


def test_every_number_is_drawn_within_its_range() -> None:
    for name, entry in PATHOLOGIES.items():
        assert 0.0 < entry.prevalence < 0.6
        assert entry.source
        found = [draw_specimen(seed, (name,)).findings[name] for seed in range(40)]
        for key, draw in entry.draws.items():
            values = [one[key] for one in found]
            if isinstance(draw, Choice):
                assert set(values) == set(draw.shares)
            if isinstance(draw, Draw):
                assert draw.low <= min(values) < draw.mean < max(values) <= draw.high


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in BOLDEST else pytest.mark.slow)
        for name in PATHOLOGIES
        if name not in {"high-crest", "obesity", "hip-prosthesis"}
    ],
)
def test_no_pathology_makes_impossible_anatomy(name: str) -> None:
    phantom = case(name)
    assert list(phantom.truth["pathologies"]) == [name]
    joints = [fault for fault in faults(phantom) if "touches" in fault]
    # Voxels of 1.5 mm are as wide as a narrow joint, so a few neighbours meet across it.
    assert sum(int(fault.split()[-2]) for fault in joints) < 40
    assert [fault for fault in faults(phantom) if fault not in joints] == []


def test_a_low_disc_is_lower_and_a_bulging_one_larger() -> None:
    normal = volume(case("normal"), "disc L5/S1")
    assert volume(case("disc-height-loss"), "disc L5/S1") < 0.85 * normal
    assert volume(case("disc-bulge"), "disc L5/S1") > 1.1 * normal
    assert volume(case("herniation-s1"), "disc L5/S1") > normal + 150.0


@pytest.mark.parametrize(("name", "root"), [("herniation-s1", "S1"), ("herniation-l5", "L5")])
def test_a_herniation_comes_near_its_root_on_its_side(name: str, root: str) -> None:
    normal, phantom = case("normal"), case(name)
    side = phantom.truth["pathologies"][name]["side"]
    geometry = phantom.volume.geometry
    disc = (phantom.structures == STRUCTURES["disc L5/S1"]) & (normal.structures != STRUCTURES["disc L5/S1"])
    lump = geometry.to_patient(np.argwhere(disc))
    nerve = geometry.to_patient(np.argwhere(phantom.structures == STRUCTURES[f"{root} {side}"]))
    gaps = np.sqrt(((lump[:, None, :] - nerve[None, :, :]) ** 2).sum(axis=2))
    assert gaps.min() < 3.2


def test_stenosis_compresses_the_sac() -> None:
    normal, tight = case("normal"), case("stenosis")
    plate = normal.truth["landmarks"]["S1 upper end plate centre"]
    k = round(normal.volume.geometry.to_index(np.array(plate))[0])
    areas = [(phantom.structures[k : k + 6] == STRUCTURES["thecal sac"]).sum() for phantom in (normal, tight)]
    assert areas[1] < 0.75 * areas[0]
    # Six slices of 1.5 mm, voxels of 2.25 mm²: absolute stenosis begins below 75 mm².
    assert areas[1] * 2.25 / 6 < 75.0
    assert volume(tight, "ligamentum flavum") > 1.2 * volume(normal, "ligamentum flavum")


def test_spondylolisthesis_slips_as_far_as_its_truth_says() -> None:
    specimen = draw_specimen(12, ("spondylolisthesis",))
    normal, slipped = (
        case(name).truth["landmarks"]["L5 body centre"] for name in ("normal", "spondylolisthesis")
    )
    isthmic = specimen.findings["spondylolisthesis"]["kind"] == "isthmic"
    slip = specimen.finding("spondylolisthesis", "slip" if isthmic else "small_slip") * specimen.s1_body_depth
    moved = np.linalg.norm(np.array(normal) - np.array(slipped))
    assert moved == pytest.approx(slip * specimen.size, rel=0.15)
    assert slipped[1] < normal[1]


def test_osteoporotic_bone_is_dark_and_metal_is_bright() -> None:
    normal, thin = case("normal"), case("osteoporosis")
    bone = normal.labels.array == 1
    assert thin.volume.array[bone].mean() < 0.7 * normal.volume.array[bone].mean()
    screwed = case("pedicle-screws")
    metal = screwed.structures == STRUCTURES["metal"]
    assert metal.sum() * 1.5**3 > 4000.0
    assert np.median(screwed.volume.array[metal]) == 3071
    assert np.all(screwed.labels.array[metal] == 1)


def test_a_conjoined_s1_leaves_where_l5_leaves() -> None:
    phantom = case("conjoined-roots")
    side = phantom.truth["pathologies"]["conjoined-roots"]["side"]
    starts = {
        s: [np.array(phantom.truth["nerves"][f"{level} {s}"]["points"][:12]) for level in ("L5", "S1")]
        for s in ("left", "right")
    }
    apart = {s: float(np.linalg.norm(five - one, axis=1).max()) for s, (five, one) in starts.items()}
    other = "right" if side == "left" else "left"
    assert apart[side] < 4.0 < 12.0 < apart[other]
