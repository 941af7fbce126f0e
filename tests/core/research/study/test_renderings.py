"""The four renderings: the stages stand side by side at one scale, the raw ones show their voxels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinect_core.base.opengl import probe_opengl
from spinect_core.image.volume import Geometry, Labels
from spinect_core.research.study import renderings
from spinect_core.research.study.cases import read_cases
from spinect_core.research.study.examine import Settings, examine
from spinect_core.research.study.renderings import four_renderings, stepped_surfaces
from spinect_core.surfaces.build import signed_volume

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, 1.0, 1.0])])
def test_stepped_surfaces_lie_on_the_voxels_and_look_outwards(direction: np.ndarray) -> None:
    array = np.zeros((12, 14, 16), np.uint8)
    array[2:10, 3:11, 4:12] = 1
    surfaces = stepped_surfaces(Labels(array, Geometry(array.shape, (2, 1, 1), (5, 6, 7), direction)))
    # The surface at one half cuts the corners of the block a little.
    assert 0.9 * 16 * 8 * 8 < signed_volume(surfaces.bone) < 16 * 8 * 8
    assert surfaces.nerve.n_cells == 0
    middle = surfaces.bone.center
    assert middle == pytest.approx((5 + direction[0, 0] * 15, 6 + 6.5, 7 + 5.5))


@pytest.mark.slow
@pytest.mark.usefixtures("corners")
def test_the_sheet_shows_all_four(
    tmp_path: Path, write_case: Callable[..., Path], segmenter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not probe_opengl().works:
        pytest.skip("this computer does not render")
    write_case(tmp_path / "c")
    [case] = read_cases(tmp_path / "c")
    settings = replace(Settings(weights_sha256="ab"), segmenter=segmenter)
    monkeypatch.setattr(renderings, "PANEL", (150, 160))
    sheet = four_renderings(examine(case, tmp_path / "out", settings))
    for column in range(4):
        panel = sheet[60:190, column * 156 + 10 : (column + 1) * 156].astype(int)
        nerve = (panel[..., 0] > 120) & (panel[..., 0] - panel[..., 2] > 90)
        assert np.count_nonzero(nerve) > 40, f"no nerve in column {column}"
