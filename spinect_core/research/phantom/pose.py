"""How a specimen lies in the scanner, and the smooth warp that makes every specimen its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import Coordinates


@dataclass(frozen=True, eq=False)
class Pose:
    """How the specimen lies in the scanner: rotation, offset, size and warp.

    ``specimen = p / (size stretch) + warp(p)`` with ``p = rotation.T @ (patient - offset)``; then its back is
    bent by ``y += bow z |z|``.
    """

    rotation: FloatArray
    offset: FloatArray
    size: float
    waves: FloatArray
    phases: FloatArray
    amplitudes: FloatArray
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bow: float = 0.0

    @classmethod
    def draw(cls, specimen: Specimen, rng: np.random.Generator) -> Pose:
        """A pose as patients lie: turned by a few degrees, off the centre by some millimetres."""
        a, b, c = np.radians(rng.normal(0.0, [2.5, 2.0, 2.5]))
        rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        directions = rng.standard_normal((9, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        waves = directions * (2 * np.pi / rng.uniform(75.0, 190.0, (9, 1)))
        amplitudes = rng.standard_normal((9, 3))
        amplitudes *= specimen.asymmetry / np.sqrt((amplitudes**2).sum(axis=0) / 2)
        return cls(
            rz @ ry @ rx, rng.uniform(-6.0, 6.0, 3), specimen.size, waves, rng.uniform(0, 6.28, 9), amplitudes
        )

    def to_specimen(self, patient: Coordinates) -> Coordinates:
        """Coordinates in the frame of the specimen of points in patient mm."""
        d = [patient[axis] - self.offset[axis] for axis in range(3)]
        r = self.rotation
        p = [r[0, axis] * d[0] + r[1, axis] * d[1] + r[2, axis] * d[2] for axis in range(3)]
        out = [component / (self.size * part) for component, part in zip(p, self.stretch, strict=True)]
        for wave, phase, amplitude in zip(self.waves, self.phases, self.amplitudes, strict=True):
            swing = np.sin(wave[0] * p[0] + wave[1] * p[1] + wave[2] * p[2] + phase)
            for axis in range(3):
                out[axis] = out[axis] + amplitude[axis] * swing
        if self.bow:
            out[1] = out[1] + self.bow * out[2] * np.abs(out[2])
        return out[0], out[1], out[2]

    def to_patient(self, points: FloatArray) -> FloatArray:
        """Patient mm (n, 3) of specimen points (n, 3): the inverse, exact to a thousandth of a mm."""
        target = np.atleast_2d(np.asarray(points, dtype=np.float64))
        scale = self.size * np.asarray(self.stretch)
        guess = (target * scale) @ self.rotation.T + self.offset
        for _ in range(60):
            found = np.stack(self.to_specimen((guess[:, 0], guess[:, 1], guess[:, 2])), axis=1)
            step = ((target - found) * scale) @ self.rotation.T
            guess = guess + step
            if np.abs(step).max() < 1e-4:
                break
        return guess
