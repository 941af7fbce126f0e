"""CTs of what is not a lumbosacral spine, drawn with a few shapes: head, chest, legs, arm, resin, metal, water, noise.

Each is [z, y, x] in HU of voxels of 4 mm in a patient who lies as usual, unless stated. They look like the part of the
body only as far as the search for the lumbosacral region looks: outline, lungs, and where there is how much bone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spinect_core.image.volume import Geometry, Volume

STEP_MM = 4.0
AIR, FAT, MUSCLE, BRAIN, LUNG, MARROW, CORTEX = -1000.0, -100.0, 50.0, 35.0, -850.0, 180.0, 900.0
Array = npt.NDArray[np.float32]


class Body:
    """A box of air to draw in.

    Args:
        size: mm along x, y, z.
        seed: of the noise.
    """

    def __init__(self, size: tuple[float, float, float], seed: int = 0) -> None:
        counts = [round(length / STEP_MM) for length in size]
        self.x, self.y, self.z = (
            (np.arange(count, dtype=np.float32) - (count - 1) / 2) * STEP_MM for count in counts
        )
        self.grid = np.meshgrid(self.z, self.y, self.x, indexing="ij")
        self.hounsfield: Array = np.full(self.grid[0].shape, AIR, np.float32)
        self._random = np.random.default_rng(seed)

    def ellipsoid(
        self, middle: tuple[float, float, float], half: tuple[float, float, float], value: float
    ) -> None:
        """Fill one; ``middle`` and ``half`` axes in mm along x, y, z, an infinite half makes a cylinder."""
        z, y, x = self.grid
        inside = sum(
            ((axis - centre) / reach) ** 2
            for axis, centre, reach in zip((x, y, z), middle, half, strict=True)
        )
        self.hounsfield[np.asarray(inside < 1) & (np.abs(z - middle[2]) <= half[2])] = value

    def bone(
        self,
        middle: tuple[float, float, float],
        half: tuple[float, float, float],
        wall: float = 5.0,
        inside: float = MARROW,
    ) -> None:
        """The same with a cortex."""
        self.ellipsoid(middle, half, CORTEX)
        thinner = (max(half[0] - wall, 1.0), max(half[1] - wall, 1.0), half[2] - wall)
        self.ellipsoid(middle, thinner, inside)

    def vertebrae(self, behind: float, low: float, high: float, width: float, height: float) -> None:
        """A straight column of bodies, arches and spinous processes whose canal lies at y = ``behind``."""
        for middle in np.arange(low, high, height):
            self.bone((0, behind - 0.7 * width, middle), (width / 2, 0.4 * width, 0.42 * height), 4)
            self.bone((0, behind, middle), (0.5 * width, 0.45 * width, 0.3 * height), 4)
            self.bone((0, behind + 0.7 * width, middle), (5, 0.4 * width, 0.3 * height))
            for side in (-1, 1):
                self.bone((side * 0.8 * width, behind, middle), (0.4 * width, 6, 6))
        self.ellipsoid((0, behind, (low + high) / 2), (8, 8, (high - low) / 2), BRAIN)

    def volume(self, noise: float = 12.0, name: str = "") -> Volume:
        """What was drawn, as the scanner measures it."""
        noisy = self.hounsfield + self._random.normal(0, noise, self.hounsfield.shape)
        shape = (len(self.z), len(self.y), len(self.x))
        first = (float(self.x[0]), float(self.y[0]), float(self.z[0]))
        return Volume(
            np.clip(noisy, -1024, 3071).astype(np.int16), Geometry(shape, (STEP_MM,) * 3, first), name
        )


def draw_head(body: Body, base: float) -> None:
    """A head whose skull base lies at z = ``base``, on a neck that reaches the lower end of the box."""
    body.ellipsoid((0, 20, base - 60), (60, 62, 60), FAT)
    body.ellipsoid((0, 20, base - 60), (54, 56, 60), MUSCLE)
    body.vertebrae(30, base - 130, base - 5, 22, 18)
    body.ellipsoid((0, 0, base + 45), (80, 100, 90), FAT)
    body.bone((0, 0, base + 45), (75, 95, 85), 8, BRAIN)
    body.bone((0, -50, base - 20), (58, 40, 45), 8, MUSCLE)  # the face
    body.ellipsoid((0, -60, base - 20), (18, 30, 30), AIR)
    for side in (-1, 1):
        body.bone((side * 50, 15, base), (25, 14, 14), 4)  # petrous bones
        body.bone((side * 25, -20, base - 5), (30, 25, 8), 3)
    body.bone((0, 40, base - 5), (40, 45, 8), 3)


def draw_chest(body: Body, middle: float) -> None:
    """A chest of 300 mm about z = ``middle``: lungs, heart, ribs, sternum, spine, scapulae, arms at its sides."""
    body.ellipsoid((0, 0, middle), (175, 120, 150), FAT)
    body.ellipsoid((0, 0, middle), (160, 106, 150), MUSCLE)
    for side in (-1, 1):
        body.ellipsoid((side * 75, 0, middle), (62, 88, 140), LUNG)
        body.bone((side * 100, 88, middle + 70), (38, 6, 60), 3)
        body.ellipsoid((side * 205, 0, middle), (38, 42, 150), MUSCLE)
        body.bone((side * 205, 0, middle), (12, 12, 150), 5)
    body.ellipsoid((20, -20, middle - 30), (55, 50, 60), MUSCLE)
    z, y, x = body.grid
    ring = (x / 148) ** 2 + (y / 98) ** 2
    # Ribs fall towards the front.
    along = (z - middle - 0.3 * y) % 26 < 9
    body.hounsfield[(ring > 0.86) & (ring < 1.0) & along & (np.abs(z - middle) < 145)] = 450
    body.bone((0, -95, middle + 40), (22, 6, 90), 3)
    body.vertebrae(70, middle - 140, middle + 140, 32, 25)


def draw_legs(body: Body, low: float, high: float) -> None:
    """Two thighs with femora, knees at ``low``."""
    for side in (-1, 1):
        middle = (low + high) / 2
        body.ellipsoid((side * 95, 0, middle), (85, 85, (high - low) / 2), FAT)
        body.ellipsoid((side * 95, 0, middle), (70, 70, (high - low) / 2), MUSCLE)
        body.bone((side * 90, 0, middle), (15, 15, (high - low) / 2), 7)
        for condyle in (-22, 22):
            body.bone((side * 90 + condyle, 5, low + 25), (24, 32, 28), 4)
        body.bone((side * 90, -48, low + 35), (20, 9, 20), 4)


def head() -> Volume:
    """A head and neck."""
    body = Body((260, 280, 320))
    draw_head(body, -10)
    return body.volume(name="head")


def skull_base() -> Volume:
    """A few centimetres of a head, the outline cut at the sides."""
    body = Body((150, 180, 160))
    draw_head(body, 0)
    return body.volume(name="skull base")


def neck() -> Volume:
    """The cervical spine alone."""
    body = Body((200, 200, 140))
    draw_head(body, 70)
    return body.volume(name="neck")


def chest() -> Volume:
    """A chest, arms down."""
    body = Body((520, 300, 320))
    draw_chest(body, 0)
    return body.volume(name="chest")


def thoracic_spine() -> Volume:
    """The chest's spine in a small field of view."""
    body = Body((160, 180, 280))
    draw_chest(body, 0)
    return body.volume(name="thoracic spine")


def legs() -> Volume:
    """Both thighs and knees."""
    body = Body((400, 220, 400))
    draw_legs(body, -200, 210)
    return body.volume(name="legs")


def knee() -> Volume:
    """One knee in a small field of view."""
    body = Body((400, 200, 180))
    draw_legs(body, -60, 150)
    whole = body.volume(name="knee")
    half = np.ascontiguousarray(whole.array[:, :, 50:])
    first = whole.geometry.to_patient((0, 0, 50))
    return Volume(half, Geometry(half.shape, whole.geometry.spacing, tuple(first)), "knee")


def arm() -> Volume:
    """An arm with humerus and elbow."""
    body = Body((160, 160, 300))
    body.ellipsoid((0, 0, 0), (50, 50, 150), FAT)
    body.ellipsoid((0, 0, 0), (42, 42, 150), MUSCLE)
    body.bone((0, 0, 40), (13, 13, 150), 5)
    body.bone((0, 0, -60), (32, 16, 20), 4)
    for side in (-14, 14):
        body.bone((side, 0, -120), (9, 9, 60), 4)
    return body.volume(name="arm")


def body_without_pelvis() -> Volume:
    """Head and chest down to the diaphragm."""
    body = Body((520, 300, 640))
    draw_chest(body, -150)
    draw_head(body, 160)
    return body.volume(name="head and chest")


def cast(volume: Volume, resin: float = 20.0) -> Volume:
    """The bones of a CT in resin, with noise of 8 HU."""
    noise = np.random.default_rng(1).normal(0, 8, volume.array.shape)
    body = volume.array > -300
    values = np.where(volume.array > 180, volume.array, np.where(body, resin + noise, volume.array))
    return Volume(values.astype(np.int16), volume.geometry, "resin")


def block(value: float, name: str, noise: float = 10.0) -> Volume:
    """A cylinder of one value in air."""
    body = Body((320, 240, 300))
    body.ellipsoid((0, 0, 0), (140, 100, 120), value)
    return body.volume(noise, name)


def metal() -> Volume:
    """Plates and screws in water."""
    body = Body((320, 240, 300))
    body.ellipsoid((0, 0, 0), (140, 100, 140), 0)
    for side in (-1, 1):
        body.ellipsoid((side * 30, 20, 0), (6, 6, 100), 3000)
        for height in range(-80, 81, 40):
            body.ellipsoid((side * 30, -10, height), (5, 40, 5), 3000)
    return body.volume(40, "metal")


def quality_phantom() -> Volume:
    """Rods of several densities round the axis of a cylinder, as scanners are checked with."""
    body = Body((280, 280, 240))
    body.ellipsoid((0, 0, 0), (110, 110, 110), 90)
    for number, value in enumerate((-1000, -200, -100, -35, 120, 340, 990, 600)):
        angle = number * np.pi / 4
        body.ellipsoid((60 * float(np.cos(angle)), 60 * float(np.sin(angle)), 0), (12, 12, 100), value)
    return body.volume(8, "rods")


def noise(mean: float = 0.0, spread: float = 400.0) -> Volume:
    """No body at all."""
    values = np.random.default_rng(2).normal(mean, spread, (75, 60, 80))
    return Volume(values.astype(np.int16), Geometry((75, 60, 80), (STEP_MM,) * 3), "noise")


def blobs() -> Volume:
    """Smooth random clouds that reach from air to bone."""
    from scipy import ndimage

    values = ndimage.gaussian_filter(np.random.default_rng(3).normal(0, 1, (80, 60, 80)), 2.5)
    values = -100 + 500 * values / values.std()
    return Volume(values.astype(np.int16), Geometry(values.shape, (STEP_MM,) * 3), "blobs")


def nothing() -> Volume:
    """Air."""
    return Volume(np.full((60, 60, 60), -1000, np.int16), Geometry((60, 60, 60), (STEP_MM,) * 3), "air")


OTHERS: tuple[Callable[[], Volume], ...] = (
    head,
    skull_base,
    neck,
    chest,
    thoracic_spine,
    legs,
    knee,
    arm,
    body_without_pelvis,
    metal,
    quality_phantom,
    noise,
    blobs,
    nothing,
)
"""Each a CT in which there is no lumbosacral spine."""
