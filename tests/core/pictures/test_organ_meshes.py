import numpy as np

from spinect_core.image.organs import NUMBERS, Organ, Organs
from spinect_core.image.volume import Geometry
from spinect_core.pictures.organ_meshes import organ_meshes
from spinect_core.surfaces.build import signed_volume


def test_surfaces_lie_where_the_organs_do_on_any_grid() -> None:
    for spacing, direction in (((1.0, 1.0, 1.5), np.eye(3)), ((3.0, 3.0, 3.0), np.diag([-1.0, 1.0, 1.0]))):
        shape = tuple(int(120 / mm) for mm in spacing[::-1])
        grid = Geometry(shape, spacing, (40.0, -60.0, 10.0), direction)
        places = grid.to_patient(np.moveaxis(np.indices(shape), 0, -1))
        centre = grid.centre
        array = np.zeros(shape, np.uint8)
        array[np.linalg.norm(places - centre, axis=-1) < 25.0] = NUMBERS[Organ.KIDNEY_LEFT]
        array[:2] = NUMBERS[Organ.PSOAS_LEFT]
        meshes = organ_meshes(Organs(array, grid, tuple(Organ)))
        assert list(meshes) == [Organ.KIDNEY_LEFT]  # muscles hide everything
        mesh = meshes[Organ.KIDNEY_LEFT]
        away = np.linalg.norm(np.asarray(mesh.points) - centre, axis=1)
        assert abs(away.mean() - 25.0) < 1.5
        assert np.ptp(away) < 4.0
        assert mesh.n_open_edges == 0
        assert 0.9 < signed_volume(mesh) / (4 / 3 * np.pi * 25.0**3) < 1.05
