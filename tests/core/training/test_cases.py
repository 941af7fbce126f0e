"""Case files, and the folders they are drawn from while they grow."""

import numpy as np
import pytest

from spinect_core.errors import ReadingError, UsageError
from spinect_core.training.cases import Case, CaseFolders, load_case, number_of, save_case


def tiny(value=0):
    return Case(np.full((2, 3, 4), value, np.int16), np.zeros((2, 3, 4), np.uint8))


def test_a_case_comes_back_as_it_was(tmp_path):
    case = Case(np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 1000, np.full((2, 3, 4), 2, np.uint8))
    save_case(case, tmp_path / "new ü" / "case_7.npz")
    again = load_case(tmp_path / "new ü" / "case_7.npz")
    np.testing.assert_array_equal(again.hu, case.hu)
    np.testing.assert_array_equal(again.labels, case.labels)
    assert again.name == "case_7"


def test_ct_and_labels_must_share_a_grid():
    with pytest.raises(ReadingError, match="not on one grid"):
        Case(np.zeros((2, 3, 4), np.int16), np.zeros((2, 3, 5), np.uint8))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x80\x04]."])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "case_1.npz"
    path.write_bytes(content)
    with pytest.raises(ReadingError, match=r"case_1\.npz"):
        load_case(path)


def test_numbers_decide_who_is_kept_for_validation(tmp_path):
    for number in (499, 500, 509, 510):
        save_case(tiny(number), tmp_path / f"case_{number}.npz")
    folders = CaseFolders({tmp_path: 1.0})
    assert [number_of(p) for p in folders.validation_files()] == [500, 509]
    drawn = {int(folders.draw(np.random.default_rng(seed)).hu[0, 0, 0]) for seed in range(40)}
    assert drawn == {499, 510}


def test_folders_count_by_weight_and_may_be_filled_later(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    folders = CaseFolders({a: 3.0, b: 1.0})
    with pytest.raises(UsageError, match="no training cases"):
        folders.draw(np.random.default_rng(0))
    save_case(tiny(1), a / "case_1001.npz")
    assert folders.refresh() == 1
    assert folders.draw(np.random.default_rng(0)).hu[0, 0, 0] == 1
    save_case(tiny(2), b / "case_1001.npz")
    assert folders.refresh() == 2
    rng = np.random.default_rng(1)
    drawn = [int(folders.draw(rng).hu[0, 0, 0]) for _ in range(400)]
    assert drawn.count(1) == pytest.approx(300, abs=40)


def test_memory_is_bounded(tmp_path):
    for number in range(5):
        save_case(tiny(number), tmp_path / f"case_{number}.npz")
    folders = CaseFolders({tmp_path: 1.0}, kept=2)
    for path in sorted(tmp_path.glob("*.npz")):
        folders.load(path)
    assert len(folders._memory) == 2


def test_weights_must_not_be_negative(tmp_path):
    with pytest.raises(UsageError):
        CaseFolders({tmp_path: -1.0})
