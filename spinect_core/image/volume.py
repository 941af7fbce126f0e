"""Volumes: an array indexed [z, y, x] and the geometry that places it in the patient.

One frame is used everywhere: patient millimetres, LPS (x grows to the patient's left, y to the back, z to the head).
Nothing outside this module multiplies spacings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import SpatialError
from spinect_core.base.reasons import listed, times
from spinect_core.image.warning import ReadingWarning

BACKGROUND, BONE, NERVE = 0, 1, 2
CLASS_NAMES = ("background", "bone", "nerve")


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the voxels of an array lie in the patient.

    Follows ITK: ``point = origin + direction @ (spacing * (i, j, k))`` with i, j, k along x, y, z of the array
    indexed [z, y, x] = [k, j, i]. Voxel positions are voxel centres.

    Attributes:
        shape: voxels along (z, y, x).
        spacing: mm between voxel centres along (x, y, z).
        origin: LPS mm of the centre of voxel [0, 0, 0].
        direction: 3x3, column c is the unit LPS vector of array axis c (x, y, z).
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: FloatArray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        direction = np.asarray(self.direction, dtype=np.float64).reshape(3, 3)
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "spacing", tuple(float(s) for s in self.spacing))
        object.__setattr__(self, "origin", tuple(float(o) for o in self.origin))
        if min(self.shape) < 1:
            raise SpatialError(f"The volume has no voxels ({times(self.shape)})", "Choose another file")
        numbers = np.concatenate([self.spacing, self.origin, direction.ravel()])
        if not np.all(np.isfinite(numbers)) or min(self.spacing) <= 0:
            raise SpatialError(
                f"The voxel spacing {times(self.spacing)} mm or the place {listed(self.origin)} mm is no such thing",
                "Export the series again from its source",
            )
        if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
            raise SpatialError(
                "The axes of the volume are not at right angles",
                "Resample the volume onto a regular grid first",
            )

    @property
    def index_to_patient(self) -> FloatArray:
        """4x4 matrix from homogeneous (i, j, k) along x, y, z to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def voxel_volume(self) -> float:
        """mm³ of one voxel."""
        return float(np.prod(self.spacing))

    @property
    def centre(self) -> FloatArray:
        """LPS mm of the middle of the grid."""
        return self.to_patient((np.asarray(self.shape) - 1) / 2)

    def to_patient(self, index: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) of array indices [z, y, x] (..., 3), whole or fractional."""
        ijk = np.asarray(index, dtype=np.float64)[..., ::-1]
        matrix = self.index_to_patient
        return np.asarray(ijk @ matrix[:3, :3].T + matrix[:3, 3], dtype=np.float64)

    def to_index(self, point: npt.ArrayLike) -> FloatArray:
        """Fractional array indices [z, y, x] (..., 3) of LPS mm points (..., 3)."""
        matrix = self.index_to_patient
        offset = np.asarray(point, dtype=np.float64) - matrix[:3, 3]
        ijk = offset @ np.linalg.inv(matrix[:3, :3]).T
        return np.asarray(ijk[..., ::-1], dtype=np.float64)

    def corners(self) -> FloatArray:
        """LPS mm (8, 3) of the outer corners of the grid, half a voxel beyond the outermost centres."""
        z, y, x = self.shape
        index = np.array(
            [(k, j, i) for k in (-0.5, z - 0.5) for j in (-0.5, y - 0.5) for i in (-0.5, x - 0.5)]
        )
        return self.to_patient(index)

    def holds(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether LPS mm points (..., 3) lie in one of the voxels (...)."""
        index = self.to_index(points)
        return np.asarray(((index >= -0.5) & (index <= np.array(self.shape) - 0.5)).all(axis=-1))

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids put every voxel in the same place."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners() - other.corners()).max() <= tolerance_mm)


@dataclass(frozen=True)
class DicomOrigin:
    """Which series a CT is, for telling whether an object refers to it; neither is an identifier itself.

    Attributes:
        frame: hash of the FrameOfReferenceUID; empty where the files give none.
        series: hash of the SeriesInstanceUID; empty where it is of several, or the files give none.
    """

    frame: str = ""
    series: str = ""


@dataclass(frozen=True, eq=False)
class Volume:
    """A CT: Hounsfield units on a grid.

    Attributes:
        array: HU [z, y, x], int16 or float32.
        geometry: where the voxels are.
        name: what the window's title shows: a file or series name without patient data.
        details: facts about the series worth showing or storing (kernel, slice thickness), no patient data.
        warnings: what reading noticed; a volume made from this one keeps them.
        dicom: which series it is; None where it was not read from DICOM.
    """

    array: npt.NDArray[Any]
    geometry: Geometry
    name: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[ReadingWarning, ...] = ()
    dicom: DicomOrigin | None = None

    def __post_init__(self) -> None:
        if tuple(self.array.shape) != self.geometry.shape:
            raise SpatialError(
                f"The array of {times(self.array.shape)} voxels does not fit its grid of {times(self.geometry.shape)}",
                "Give the grid that belongs to the array",
            )


@dataclass(frozen=True, eq=False)
class Labels:
    """A label for every voxel of a grid: 0 background, 1 bone, 2 nerve.

    Attributes:
        array: uint8 [z, y, x].
        geometry: where the voxels are.
        warnings: what reading noticed about their file.
    """

    array: LabelArray
    geometry: Geometry
    warnings: tuple[ReadingWarning, ...] = ()

    def __post_init__(self) -> None:
        if tuple(self.array.shape) != self.geometry.shape:
            raise SpatialError(
                f"The labels of {times(self.array.shape)} voxels do not fit their grid of {times(self.geometry.shape)}",
                "Give the grid that belongs to the labels",
            )


def geometry_from_sitk(image: sitk.Image) -> Geometry:
    """The grid of a three-dimensional SimpleITK image (which is LPS as well)."""
    return Geometry(
        shape=image.GetSize()[::-1],
        spacing=image.GetSpacing(),
        origin=image.GetOrigin(),
        direction=np.asarray(image.GetDirection()).reshape(3, 3),
    )


def to_sitk(array: npt.NDArray[Any], geometry: Geometry) -> sitk.Image:
    """A SimpleITK image of an array [z, y, x] on a grid."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction.ravel().tolist())
    return image
