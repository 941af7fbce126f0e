"""Case files, and the lists of cases that are trained on."""

import numpy as np
import pytest

from spinect_core.base.errors import OutputError, ReadingError
from spinect_core.research.training.cases import Case, CaseFiles, Together, load_case, save_case


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


def test_a_disk_that_refuses_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        save_case(tiny(), tmp_path / "file" / "case_1.npz")


def test_lists_are_joined_in_order_and_memory_is_bounded(tmp_path):
    paths = [tmp_path / f"case_{number}.npz" for number in range(5)]
    for number, path in enumerate(paths):
        save_case(tiny(number), path)
    first, second = CaseFiles(paths[:3], ["a", "a", "b"], kept=2), CaseFiles(paths[3:])
    both = Together([first, second])
    assert [int(both.load(n).hu[0, 0, 0]) for n in range(5)] == [0, 1, 2, 3, 4]
    assert both.patients == ("a", "a", "b", "case_3", "case_4")
    assert len(first._memory) == 2
    paths[2].unlink()
    assert first.load(2).hu[0, 0, 0] == 2  # from memory
