"""The vessels beside the nerves whose calibre is that of roots and less, on their anatomical courses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sacrum import arched
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.structures import BESIDE_NERVES, STRUCTURES

ARTERY, VEIN = STRUCTURES["arteries"], STRUCTURES["veins"]
SYMPATHETIC = BESIDE_NERVES["sympathetic trunk"]
SEEN = (0.4, 0.95)
"""Range of the share of its small vessels that is present and visible in a specimen."""


@dataclass(frozen=True)
class Way:
    """The path of something on the left, in the specimen.

    Attributes:
        points: (n, 3) mm.
        radii: mm, one for all points or one each.
        number: of its structure.
        gap: mm of fat between it and bone or disc, from and to; None where it runs freely.
        jitter: SD of its points, mm.
    """

    points: FloatArray
    radii: tuple[float, ...]
    number: int
    gap: tuple[float, float] | None = None
    jitter: float = 1.5


def four_radii(rng: np.random.Generator, low: float, high: float) -> tuple[float, ...]:
    """Four radii in mm about one that is drawn."""
    middle = float(rng.uniform(low, high))
    return tuple(float(r) for r in middle * rng.uniform(0.8, 1.2, 4))


class SmallVessels:
    """The paths of the small vessels of a specimen, and of its sympathetic trunk.

    Args:
        skeleton: frames and shapes of its bones.
        rng: random stream.
    """

    def __init__(self, skeleton: Skeleton, rng: np.random.Generator) -> None:
        self._skeleton, self._rng = skeleton, rng

    def of_a_side(self) -> Iterator[Way]:
        """Those of the left side that are seen, drawn anew at every call."""
        seen = float(self._rng.uniform(*SEEN))
        for way in (
            *self._iliolumbar(),
            *self._lumbar(),
            *self._foraminal(),
            *self._sacral(),
            *self._pelvic(),
        ):
            if self._rng.random() < seen:
                yield way

    def below(self, *points: tuple[float, float, float]) -> FloatArray:
        """Points in the frame of the sacrum, back in its arch, in the specimen."""
        return self._skeleton.frames["sacrum"].outer(np.array([arched(point) for point in points]))

    def _at(self, bone: str, *points: tuple[float, float, float]) -> FloatArray:
        return self._skeleton.frames[bone].outer(np.array(points))

    def _iliolumbar(self) -> Iterator[Way]:
        shape = self._skeleton.shapes["L5"]
        px, b = shape.pedicle_x, shape.depth / 2
        up = self._at("L5", (px + 16.0, b - 4.0, -7.0), (px + 14.0, b + 1.0, 8.0))
        trunk = self.below((33.0, -22.0, -32.0), (35.0, -15.0, -13.0), (36.0, -11.0, 1.0))
        for number, thin, thick in ((ARTERY, 0.8, 1.6), (VEIN, 1.1, 2.7)):
            yield Way(np.vstack([trunk, up]), four_radii(self._rng, thin, thick), number, (0.5, 7.0), 2.2)
            aside = self.below((47.0, -9.0, -4.0), (60.0, -6.0, 3.0))
            yield Way(
                np.vstack([trunk[:2], aside]),
                four_radii(self._rng, thin, 0.8 * thick),
                number,
                (0.4, 5.0),
                2.0,
            )

    def _lumbar(self) -> Iterator[Way]:
        shapes = self._skeleton.shapes
        rng = self._rng
        ascending = []
        for name in ("L5", "L4", "L3"):
            shape = shapes[name]
            for z in (-0.5, 0.4):
                at = (shape.pedicle_x + rng.uniform(7.0, 13.0), shape.depth / 2 - 2.0, z * shape.height)
                ascending.append(self._at(name, at)[0])
            half, b = shape.width / 2, shape.depth / 2
            for number, thin, thick in ((ARTERY, 0.7, 1.2), (VEIN, 0.8, 1.9)):
                z = float(rng.uniform(-5.0, 5.0))
                round_body = self._at(
                    name,
                    (5.0, -b - 3.0, z),
                    (0.75 * half, -0.6 * b, z),
                    (half + 2.0, 0.0, z - 1.0),
                    (shape.pedicle_x + 5.0, b - 1.0, z - 3.0),
                    (shape.pedicle_x + 13.0, b + 4.0, z - 5.0),
                )
                yield Way(round_body, four_radii(self._rng, thin, thick), number, (0.1, 1.5), 1.2)
        yield Way(np.array(ascending), four_radii(self._rng, 0.9, 2.3), VEIN, (0.5, 6.0), 1.5)
        chain = [
            self._at("L3", (20.0, -9.0, 0.0)),
            self._at("L4", (22.0, -10.0, 0.0)),
            self._at("L5", (20.0, -14.0, 0.0)),
            self.below((20.0, -18.0, -10.0), (16.0, -14.0, -45.0)),
        ]
        yield Way(np.vstack(chain), four_radii(self._rng, 0.8, 1.5), SYMPATHETIC, (0.1, 2.5), 2.0)

    def _foraminal(self) -> Iterator[Way]:
        """Intervertebral veins above and below the root, and the internal plexus in the lateral recess."""
        rng = self._rng
        for name in ("L5", "L4"):
            shape = self._skeleton.shapes[name]
            b, px, under = shape.depth / 2, shape.pedicle_x, shape.pedicle_z - shape.pedicle_height / 2
            for low in (2.0, 8.0, 14.0):
                start, middle, end = (under - low - float(rng.uniform(-2.0, 4.0)) for _ in range(3))
                through = self._at(
                    name,
                    (px - 9.0, b + 2.5, start),
                    (px, b + float(rng.uniform(0.0, 6.0)), middle),
                    (px + 8.0, b - 2.0, end),
                    (px + 12.0, b - 4.0, end - 5.0),
                )
                yield Way(through, four_radii(self._rng, 0.6, 1.6), VEIN, None, 0.8)
        shape = self._skeleton.shapes["L5"]
        back = self._skeleton.sacrum.back
        recess = np.vstack(
            [
                self._at("L5", (8.0, shape.depth / 2 + 2.0, 4.0), (8.5, shape.depth / 2 + 2.0, -10.0)),
                self.below((9.0, back + 2.5, 0.0), (10.5, back + 2.5, -12.0)),
            ]
        )
        yield Way(recess, four_radii(self._rng, 0.8, 1.9), VEIN, (0.0, 0.8), 1.0)

    def _sacral(self) -> Iterator[Way]:
        rng = self._rng
        scale = self._skeleton.sacrum.s1_height / 30.0
        for number, thin, thick in ((ARTERY, 0.7, 1.3), (VEIN, 0.9, 2.1)):
            x = float(rng.uniform(23.0, 30.0))
            lateral = self.below((x + 5.0, -20.0, -12.0), (x, -14.0, -34.0 * scale), (x - 4.0, -10.0, -62.0))
            yield Way(lateral, four_radii(self._rng, thin, thick), number, (0.1, 5.0), 1.8)
            foramen = self.below(
                (x, -13.0, -36.0 * scale), (21.0, -6.0, -33.0 * scale), (18.5, 2.0, -30.0 * scale)
            )
            yield Way(foramen, four_radii(self._rng, 0.6, 1.2), number, None, 0.8)
        for _ in range(int(rng.integers(1, 3))):
            x = float(rng.uniform(0.0, 4.0))
            median = self.below((x, -19.0, 3.0), (x, -18.0, -22.0), (x, -15.0, -58.0))
            number = VEIN if rng.random() < 0.6 else ARTERY
            yield Way(median, four_radii(self._rng, 0.7, 1.7), number, (0.1, 2.0), 1.5)
        for _ in range(int(rng.integers(1, 5))):
            z = -float(rng.uniform(2.0, 60.0))
            across = self.below((1.0, -18.0, z), (13.0, -16.0, z - 3.0), (25.0, -12.0, z + 4.0))
            yield Way(across, four_radii(self._rng, 0.7, 1.5), VEIN, (0.1, 3.0), 2.0)

    def _pelvic(self) -> Iterator[Way]:
        for number, thin, thick in ((ARTERY, 1.6, 2.8), (VEIN, 1.8, 3.6)):
            gluteal = self.below(
                (38.0, -24.0, -32.0), (41.0, -12.0, -46.0), (46.0, 4.0, -60.0), (55.0, 18.0, -72.0)
            )
            yield Way(gluteal, four_radii(self._rng, thin, thick), number, (0.5, 6.0), 2.5)
        for _ in range(int(self._rng.integers(1, 4))):
            x = float(self._rng.uniform(24.0, 36.0))
            branch = self.below((38.0, -24.0, -30.0), (x + 3.0, -18.0, -52.0), (x, -12.0, -78.0))
            yield Way(branch, four_radii(self._rng, 1.2, 2.9), VEIN, (0.5, 9.0), 2.5)
        at = np.array([[44, -32, 110], [50, -44, 40], [58, -56, 0], [68, -74, -60]], dtype=np.float64)
        yield Way(at, four_radii(self._rng, 0.9, 2.0), VEIN, None, 4.0)
