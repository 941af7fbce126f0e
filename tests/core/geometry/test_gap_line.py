"""A gap as a dashed line: its pieces lie on it, and it is named on its own side alone."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from spinect_core.base.words import Side
from spinect_core.geometry.gap_line import DASH_MM, SPACE_MM, GapLine
from spinect_core.geometry.view import PRESETS, View


def line(length: float, side: Side = Side.LEFT) -> GapLine:
    arc = np.linspace(0.0, length, max(round(length), 1) + 1)
    return GapLine(np.stack([20.0 + 0.6 * arc, 0.8 * arc, 0.0 * arc], axis=1), f"L5 {side}", length, side)


@pytest.mark.parametrize("length", [4.0, 8.4, 13.0, 40.0])
def test_dashes_cover_a_gap_from_end_to_end_with_equal_spaces(length: float) -> None:
    gap = line(length)
    dashes = gap.dashes()
    along = [
        [float(np.linalg.norm(point - gap.points[0])) for point in (piece[0], piece[-1])] for piece in dashes
    ]
    assert along[0][0] == pytest.approx(0.0, abs=1e-9)
    assert along[-1][1] == pytest.approx(length)
    lengths = [stop - start for start, stop in along]
    spaces = [after[0] - before[1] for before, after in pairwise(along)]
    assert lengths == pytest.approx([lengths[0]] * len(lengths))
    assert spaces == pytest.approx([lengths[0] * SPACE_MM / DASH_MM] * len(spaces))
    assert 0.6 * DASH_MM < lengths[0] < 1.6 * DASH_MM


def test_only_what_is_supposed_is_dotted() -> None:
    gap = line(13.0)
    assert gap.dots() == ()
    bent = gap.points + np.array([0.0, 0.0, 2.0])
    dots = replace(gap, supposed=bent).dots()
    assert len(dots) > len(gap.dashes())
    assert all((piece[:, 2] == 2.0).all() for piece in dots)
    assert dots[0][0] == pytest.approx(bent[0])
    assert dots[-1][-1] == pytest.approx(bent[-1])


def test_a_gap_is_named_where_the_viewer_looks_on_its_side_or_from_the_middle() -> None:
    left, right = line(8.0), line(8.0, Side.RIGHT)
    assert (left.words, right.words) == ("L5 left, gap of 8 mm", "L5 right, gap of 8 mm")
    assert left.faces(PRESETS["left lateral"])
    assert left.faces(View.oblique("left", 40, 30))
    assert not left.faces(View.oblique("right", 40, 30))
    assert right.faces(View.oblique("right", 40, 30))
    assert not right.faces(PRESETS["left lateral"])
    assert left.faces(PRESETS["from behind"])
    assert right.faces(PRESETS["from behind"])
