"""What the physics of the beam adds to a picture: hardening by bone, streaks of metal, cupping.

All three are errors of line integrals. They are computed on small slices with a parallel-beam projector and
reconstructed by filtered back projection, so that bands and streaks lie where they lie in a real CT: dark between
dense bones, and along the rays that pass through two pieces of metal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, sparse

from spinect_core.base.arrays import FloatArray

WATER_PER_MM = 0.02
"""Attenuation of water at the mean energy of 120 kV (NIST, 65 keV: 0.20 per cm)."""
METAL_PER_MM = 0.22
"""Attenuation of titanium behind a trunk (NIST, 70 to 75 keV: 2.2 to 2.4 per cm)."""
METAL_SPECTRUM = ((0.8, 0.5), (1.2, 0.5))
"""Attenuation of metal relative to its mean, and share of the beam: its hard and its soft half."""
TRUNK_HALF_AXES_MM = (170.0, 115.0)
"""The trunk whose paths decide how few photons arrive (x, y); most of it lies outside the field of view."""
SCATTER = 3e-5
"""What arrives beside the straight rays, as a part of the beam."""
PHOTONS = 8e5
"""Photons of a ray before the patient."""
HARDENING = 0.5
"""Missing part of a line integral for each unit of attenuation by bone in it; darkens what lies between dense bones
by up to 40 HU (working value, chosen by eye on a CT of an anthropomorphic phantom)."""
LARGEST_ERROR = 0.35
"""Scanners replace line integrals that cannot be right by those of their neighbours; what error is left at most."""
BONE_STEP_MM = 4.0
METAL_STEP_MM = 1.25


class Projector:
    """Parallel projections of slices (ny, nx) of square pixels, and their filtered back projection.

    Args:
        shape: (ny, nx).
        step_mm: size of a pixel and of a detector bin.
        angles: how many directions over half a turn.
    """

    def __init__(self, shape: tuple[int, int], step_mm: float, angles: int) -> None:
        self.step_mm, self.angles = step_mm, angles
        ny, nx = shape
        y, x = np.meshgrid(
            (np.arange(ny) - (ny - 1) / 2) * step_mm, (np.arange(nx) - (nx - 1) / 2) * step_mm, indexing="ij"
        )
        self.bins = int(np.ceil(np.hypot(ny, nx))) + 4
        self.theta = np.pi * np.arange(angles) / angles
        self.s_mm = (np.arange(self.bins) - (self.bins - 1) / 2) * step_mm
        at = np.outer(np.cos(self.theta), x.ravel()) + np.outer(np.sin(self.theta), y.ravel())
        at = at / step_mm + (self.bins - 1) / 2
        low = np.floor(at).astype(np.int32)
        part = (at - low).astype(np.float32)
        row = low + (np.arange(angles, dtype=np.int32) * self.bins)[:, None]
        column = np.broadcast_to(np.arange(ny * nx, dtype=np.int32), at.shape)
        self._matrix = sparse.csr_matrix(
            (
                np.concatenate([(1.0 - part).ravel(), part.ravel()]),
                (
                    np.concatenate([row.ravel(), row.ravel() + 1]),
                    np.concatenate([column.ravel(), column.ravel()]),
                ),
            ),
            shape=(angles * self.bins, ny * nx),
        )
        self.shape = shape

    def project(self, slices: npt.NDArray[np.floating]) -> FloatArray:
        """Line integrals [angle, bin, slice], in mm times the unit of the slices [n, ny, nx]."""
        flat = slices.reshape(len(slices), -1).T
        return np.asarray(self._matrix @ flat * self.step_mm).reshape(self.angles, self.bins, -1)

    def reconstruct(self, lines: FloatArray) -> FloatArray:
        """Slices [n, ny, nx] in units per mm of line integrals [angle, bin, n]."""
        size = fft.next_fast_len(2 * self.bins, real=True)
        ramp = np.abs(fft.rfftfreq(size, self.step_mm))[None, :, None]
        filtered = fft.irfft(fft.rfft(lines, size, axis=1) * ramp, size, axis=1)[:, : self.bins]
        flat = self._matrix.T @ filtered.reshape(self.angles * self.bins, -1)
        return np.asarray(flat.T * (np.pi / self.angles)).reshape(-1, *self.shape)

    def trunk_paths(self) -> FloatArray:
        """Path in mm [angle, bin, 1] through the elliptic trunk, centred on the field of view."""
        a, b = TRUNK_HALF_AXES_MM
        across = np.square(a * np.cos(self.theta)) + np.square(b * np.sin(self.theta))
        inside = np.maximum(across[:, None] - np.square(self.s_mm)[None, :], 0.0)
        return np.asarray(2.0 * a * b * np.sqrt(inside) / across[:, None])[:, :, None]

    def rod_paths(self, centre: tuple[float, float], radius: float) -> FloatArray:
        """Path in mm [angle, bin, 1] through a rod along z at (x, y) from the middle, anywhere."""
        at = centre[0] * np.cos(self.theta) + centre[1] * np.sin(self.theta)
        inside = np.maximum(radius**2 - np.square(self.s_mm[None, :] - at[:, None]), 0.0)
        return np.asarray(2.0 * np.sqrt(inside))[:, :, None]


def coarser(n: int, step: float, wanted: float) -> tuple[npt.NDArray[np.float32], int]:
    """Linear interpolation (n, few) from samples ``wanted`` apart to ``n`` samples ``step`` apart."""
    few = max(round((n - 1) * step / wanted) + 1, 2)
    at = (np.arange(n) - (n - 1) / 2) * step / wanted + (few - 1) / 2
    at = np.clip(at, 0.0, few - 1.0)
    low = np.minimum(np.floor(at).astype(int), few - 2)
    weights = np.zeros((n, few), np.float32)
    weights[np.arange(n), low] = 1.0 - (at - low)
    weights[np.arange(n), low + 1] = at - low
    return weights, few


def _reduced(picture: npt.NDArray[np.float32], *weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A picture averaged onto the few samples of each axis' interpolation."""
    z, y, x = ((w / np.maximum(w.sum(axis=0), 1e-6)).T for w in weights)
    return np.asarray(np.tensordot(z, y @ (picture @ x.T), axes=1))


def bone_hardening(
    tissue: npt.NDArray[np.float32], spacing: tuple[float, float, float], strength: float, *, arms: bool
) -> npt.NDArray[np.float32]:
    """HU [z, y, x] that bone's hardening of the beam adds: dark bands between dense bones.

    Args:
        tissue: HU [z, y, x].
        spacing: (x, y, z) mm.
        strength: 1 for an uncorrected scan at 120 kV.
        arms: whether both arms lie beside the trunk, outside the field of view.
    """
    wz, _nz = coarser(tissue.shape[0], spacing[2], BONE_STEP_MM)
    wy, ny = coarser(tissue.shape[1], spacing[1], BONE_STEP_MM)
    wx, nx = coarser(tissue.shape[2], spacing[0], BONE_STEP_MM)
    bone = _reduced(np.clip((tissue - 120.0) / 1000.0, 0.0, 3.0), wz, wy, wx)
    projector = Projector((ny, nx), BONE_STEP_MM, 96)
    attenuation = WATER_PER_MM * projector.project(bone)
    if arms:
        for side in (-1.0, 1.0):
            attenuation = attenuation + WATER_PER_MM * 1.2 * projector.rod_paths((side * 225.0, -10.0), 11.0)
    error = -HARDENING * strength * np.square(attenuation)
    field = projector.reconstruct(error) * (1000.0 / WATER_PER_MM)
    return np.asarray(np.tensordot(wz, wy @ (field.astype(np.float32) @ wx.T), axes=1))


def metal_streaks(
    metal: npt.NDArray[np.bool_],
    spacing: tuple[float, float, float],
    strength: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """HU [z, y, x] of the streaks that metal makes, zero in slices without it.

    The beam hardens in it, little comes through it besides scatter, and what comes is noise.

    Args:
        metal: where it is [z, y, x].
        spacing: (x, y, z) mm.
        strength: 1 without, less with the vendor's reduction of metal artefacts.
        rng: stream of the photon noise.
    """
    out = np.zeros(metal.shape, np.float32)
    hit = np.flatnonzero(metal.any(axis=(1, 2)))
    if not len(hit):
        return out
    side = max(metal.shape[1] * spacing[1], metal.shape[2] * spacing[0])
    step = max(METAL_STEP_MM, side / 180.0)
    wy, ny = coarser(metal.shape[1], spacing[1], step)
    wx, nx = coarser(metal.shape[2], spacing[0], step)
    part = _reduced(metal[hit].astype(np.float32), np.eye(len(hit), dtype=np.float32), wy, wx)
    projector = Projector((ny, nx), step, 240)
    true = METAL_PER_MM * projector.project(part)
    free = np.exp(-WATER_PER_MM * projector.trunk_paths())
    through = sum(share * np.exp(-factor * true) for factor, share in METAL_SPECTRUM) * free
    seen = np.log((free + SCATTER) / (through + SCATTER))
    spread = np.sqrt(np.maximum(1.0 / (through + SCATTER) - 1.0 / (free + SCATTER), 0.0) / PHOTONS)
    error = seen + spread * rng.standard_normal(seen.shape) - true
    # What amounts to metal of less density is no streak; it would only darken the rim of the metal.
    error -= true * (np.sum(error * true) / np.sum(true * true))
    error = LARGEST_ERROR * np.tanh(np.where(true > 1e-4, error, 0.0) / LARGEST_ERROR)
    field = projector.reconstruct(error) * (1000.0 / WATER_PER_MM * strength)
    out[hit] = wy @ (field.astype(np.float32) @ wx.T)
    return out


def cupping(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], depth_hu: float
) -> npt.NDArray[np.float32]:
    """HU [1, y, x] by which the middle of the trunk is darker than its rim."""
    y = (np.arange(shape[1]) - (shape[1] - 1) / 2) * spacing[1] / TRUNK_HALF_AXES_MM[1]
    x = (np.arange(shape[2]) - (shape[2] - 1) / 2) * spacing[0] / TRUNK_HALF_AXES_MM[0]
    inward = np.clip(1.0 - y[:, None] ** 2 - x[None, :] ** 2, 0.0, 1.0)
    return np.asarray(-depth_hu * inward, dtype=np.float32)[None]
