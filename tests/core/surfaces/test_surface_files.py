"""PLY and STL: what is written is read back by others, under any name."""

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from spinect_core.base.errors import OutputError
from spinect_core.surfaces import write_surface


@pytest.fixture
def mesh() -> pv.PolyData:
    return pv.Sphere(radius=7, center=(40, -3, 12)).compute_normals()


@pytest.mark.parametrize("suffix", [".ply", ".stl"])
@pytest.mark.parametrize("folder", ["plain", "Über größe 脊椎 with spaces"])
def test_a_surface_is_read_back(mesh: pv.PolyData, tmp_path: Path, suffix: str, folder: str) -> None:
    path = tmp_path / folder / f"bone{suffix}"
    write_surface(mesh, path)
    plain = tmp_path / f"plain{suffix}"
    plain.write_bytes(path.read_bytes())
    back = pv.read(plain)
    assert back.n_cells == mesh.n_cells
    assert back.volume == pytest.approx(mesh.volume, rel=1e-5)
    np.testing.assert_allclose(back.bounds, mesh.bounds, atol=1e-4)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_ply_is_binary_and_says_what_it_is(mesh: pv.PolyData, tmp_path: Path) -> None:
    write_surface(mesh, tmp_path / "nerve.ply")
    head = (tmp_path / "nerve.ply").read_bytes().partition(b"end_header")[0].decode("ascii")
    assert "binary_little_endian" in head
    assert "LPS" in head
    assert "Not cleared for clinical use" in head


@pytest.mark.parametrize("suffix", [".ply", ".stl"])
def test_an_empty_surface_is_a_valid_file(tmp_path: Path, suffix: str) -> None:
    write_surface(pv.PolyData(), tmp_path / f"empty{suffix}")
    assert (tmp_path / f"empty{suffix}").stat().st_size >= 84


def test_errors_leave_nothing_behind(mesh: pv.PolyData, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="stl"):
        write_surface(mesh, tmp_path / "bone.obj")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_surface(mesh, tmp_path / "file" / "bone.ply")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
