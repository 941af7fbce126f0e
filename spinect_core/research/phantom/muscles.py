"""The muscles of back and pelvis: multifidus, erector spinae, psoas, iliacus and the gluteal muscles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.ilium import outward
from spinect_core.research.phantom.parameters import Specimen, stream
from spinect_core.research.phantom.sdf import smooth_max, smooth_min
from spinect_core.research.phantom.trunk_wall import Wall
from spinect_core.research.phantom.variety import Flank

USUAL_FLANK = Flank(aside=0.0, back=0.0, stout=1.0, behind=0.0)
"""The psoas of the procedural family."""


@dataclass(frozen=True, eq=False)
class Flesh:
    """What the muscles of a specimen are like, on the lattice.

    Attributes:
        plain: HU of a sound muscle.
        streaky: HU of the muscles of the back, with fat between their bundles.
        bulk: how stout the muscles are, about 1.
        planes: half width in mm of the fat between neighbouring muscles.
        wave: smooth random field of unit SD that makes their borders uneven.
    """

    plain: FloatArray
    streaky: FloatArray
    bulk: float
    planes: FloatArray
    wave: FloatArray


def draw_flesh(canvas: Canvas, specimen: Specimen, rng: np.random.Generator) -> Flesh:
    """From firm muscle with hairline planes to wasted muscle shot through with fat."""
    fatty = min(float(rng.beta(1.3, 2.0)) + specimen.finding("obesity", "muscle_fat"), 1.1)
    bulk = float(np.clip(rng.normal(1.0, 0.09) - 0.12 * fatty, 0.78, 1.2))
    fine = Marble.draw((2.4, 2.8, 9.0), rng).at(canvas.p)
    coarse = Marble.draw((5.0, 6.0, 22.0), rng).at(canvas.p)
    wave = Marble.draw((14.0, 14.0, 24.0), rng).at(canvas.p)
    plain = specimen.muscle + 2.5 * fine + 2.0 * coarse
    # Fat gathers deep and towards the sacrum, as in the ageing multifidus.
    _x, y, z = canvas.p
    deep = np.clip((58.0 - y) / 40.0, 0.0, 1.0) * np.clip((60.0 - z) / 80.0, 0.3, 1.0)
    amount = np.clip(0.75 * fine + 0.75 * coarse + 2.3 * fatty * (0.35 + deep) - 1.45, 0.0, 1.0)
    # Between the bundles even of a sound muscle run faint lines of fat.
    lines = np.exp(-((np.abs(fine) / 0.16) ** 2)) * (14.0 + 26.0 * fatty)
    streaky = plain - lines + amount * (specimen.fat + 8.0 - plain) * 0.85
    planes = np.maximum(0.25 + 1.5 * fatty + 0.55 * wave, 0.0)
    return Flesh(plain, streaky, bulk, planes, wave)


def _marbled(canvas: Canvas, flesh: Flesh, share: float, specimen: Specimen) -> FloatArray:
    """HU of muscle that runs down and forwards, with sheets of fat between its bundles, on the lattice.

    Cut across, a bundle is a round spot of the density of nerve in a ring of fat.

    Args:
        canvas: the picture.
        flesh: the muscles.
        share: how much fat there is, 0 to 1.
        specimen: whose fat it is.
    """
    if share == 0:
        return flesh.plain
    rng = stream(specimen.seed, "marbled muscle")
    x, y, z = canvas.p
    along = (x, y + 0.45 * z, z)
    first, second = (np.abs(Marble.draw((4.5, 4.5, 26.0), rng).at(along)) for _ in range(2))
    amount = Marble.draw((11.0, 11.0, 30.0), rng).at(canvas.p)
    sheets = np.exp(-((np.minimum(first, second) / np.clip(0.16 + 0.12 * amount, 0.03, 0.5)) ** 2))
    return flesh.plain + 0.8 * share * sheets * (specimen.fat - flesh.plain)


def paint_back(canvas: Canvas, wall: Wall, flesh: Flesh) -> None:
    """Multifidus, longissimus and iliocostalis in the sheath of the thoracolumbar fascia."""
    x, y, z = canvas.p
    ax = np.abs(x)
    floor = np.interp(z, [-90.0, -60.0, -20.0, 0.0, 90.0], [70.0, 52.0, 27.0, 19.0, 17.0])
    width = np.interp(
        z,
        [-90.0, -60.0, -40.0, -10.0, 10.0, 30.0, 60.0, 90.0],
        [12.0, 20.0, 30.0, 42.0, 50.0, 62.0, 70.0, 71.0],
    )
    width = width * (0.5 + 0.5 * flesh.bulk)
    # Highest beside the midline and falling away to the side, with an uneven floor on laminae and processes.
    rounded = wall.fascia + 1.6 + 0.0032 * ax**2
    sheath = smooth_max(smooth_max(rounded, floor + 2.5 * flesh.wave - y, 8.0), ax - width, 18.0)
    # The bulge of the muscle beside the spinous processes.
    sheath = smooth_max(sheath, 1.2 - ax, 1.5)
    gap = flesh.planes
    edge = np.interp(z, [-60.0, -25.0, 0.0, 30.0, 90.0], [46.0, 38.0, 29.0, 22.0, 17.0])
    first = (ax - edge - 3.0 * flesh.wave) * 0.94 + 0.34 * (y - 50.0)
    second = (ax - 46.0 - 2.5 * flesh.wave) * 0.97 - 0.22 * (y - 45.0)
    # The cleft between multifidus and longissimus opens forwards, towards the facets.
    wedge = gap + 0.05 * np.clip(52.0 - y, 0.0, 30.0) * gap
    canvas.lay(np.maximum(sheath, first + wedge), flesh.streaky, "multifidus", sided=True)
    longissimus = np.maximum(np.maximum(sheath, wedge - first), second + gap)
    canvas.lay(longissimus, flesh.streaky, "erector spinae", sided=True)
    iliocostalis = np.maximum(np.maximum(sheath, wedge - first), gap - second)
    canvas.lay(iliocostalis, flesh.streaky, "erector spinae", sided=True)


# By height in mm: middle (x, y), half axes along and across, and the turn of the long axis in degrees, of the left
# psoas; working values set by eye beside the example CT of TotalSegmentator (3 mm slices), without a published source.
_PSOAS = np.array(
    [
        [-95.0, 77.0, -68.0, 20.0, 15.0, 20.0],
        [-60.0, 68.0, -52.0, 21.0, 16.0, 25.0],
        [-30.0, 60.0, -36.0, 22.0, 17.0, 30.0],
        [-5.0, 53.0, -25.0, 24.0, 19.0, 28.0],
        [20.0, 47.0, -18.0, 23.0, 19.0, 10.0],
        [45.0, 43.0, -12.0, 21.0, 18.0, -25.0],
        [75.0, 40.0, -5.0, 18.0, 14.0, -50.0],
        [110.0, 33.0, 0.0, 15.0, 10.0, -65.0],
    ]
)


def psoas(canvas: Canvas, flesh: Flesh, shift: float, beside: Flank = USUAL_FLANK) -> FloatArray:
    """Signed distance of both psoas: an oval cut off where spine and roots lie behind it.

    Args:
        canvas: the picture.
        flesh: the muscles.
        shift: mm by which it lies off the bodies.
        beside: how it lies beside the spine.
    """
    x, y, z = canvas.p
    ax = np.abs(x)
    cx, cy, a, b, turn = (np.interp(z, _PSOAS[:, 0], _PSOAS[:, column]) for column in range(1, 6))
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    dx, dy = ax - cx - (shift + beside.aside), y - cy - beside.back
    bulk = flesh.bulk * beside.stout
    u, v = np.abs(c * dx - s * dy) / (a * bulk), np.abs(s * dx + c * dy) / (b * bulk)
    r = (u**2.3 + v**2.3) ** (1 / 2.3)
    belly = (r - 1.0) * b * bulk + 1.1 * flesh.wave
    # Behind and towards the midline the roots go down in fat between the muscle and the spine.
    behind = 0.62 * (dy + 6.0) - 0.78 * (dx + 8.0) - 7.5 + beside.behind
    return smooth_max(belly, np.asarray(behind), 7.0)


def paint_flank(
    canvas: Canvas,
    hip: FloatArray,
    wall: Wall,
    flesh: Flesh,
    rng: np.random.Generator,
    specimen: Specimen,
    beside: Flank = USUAL_FLANK,
) -> FloatArray:
    """Iliacus and psoas; returns the distance of the two together on the lattice.

    Args:
        canvas: the picture.
        hip: signed distance of the hip bones on the lattice.
        wall: the surfaces of the trunk.
        flesh: the muscles.
        rng: random stream.
        specimen: whose muscles they are.
        beside: how the psoas lies beside the spine.
    """
    x, _y, z = canvas.p
    ax = np.abs(x)
    side = outward(canvas.p)
    thick = np.interp(z, [-95.0, -50.0, -20.0, 8.0, 28.0], [24.0, 22.0, 17.0, 10.0, 2.0]) * flesh.bulk
    # Thickest in the middle of the fossa, thin towards the joint and the crest.
    thick = thick * np.clip((ax - 56.0) / 22.0, 0.15, 1.0) * np.clip((142.0 - ax) / 35.0, 0.3, 1.0)
    iliacus = smooth_max(hip - thick - 1.2 * flesh.wave, side + 2.0, 4.0)
    iliacus = smooth_max(iliacus, 60.0 - ax, 5.0)
    iliacus = smooth_max(iliacus, wall.fascia + 18.0, 4.0)
    major = psoas(canvas, flesh, float(rng.uniform(-4.0, 2.0)), beside)
    # A groove of fat with the femoral nerve parts the two, and closes downwards.
    groove = np.interp(z, [-95.0, -40.0, 20.0], [0.3, 1.2, 3.0])
    inside = _marbled(canvas, flesh, beside.marbled, specimen)
    canvas.lay(np.maximum(iliacus, groove - major), inside, "iliacus", sided=True)
    canvas.lay(major, inside, "psoas", sided=True)
    return smooth_min(iliacus, major, 3.0)


def paint_gluteal(canvas: Canvas, hip: FloatArray, wall: Wall, flesh: Flesh) -> None:
    """Gluteus maximus behind, medius and minimus on the outer face of the wing, with fat between them."""
    x, y, z = canvas.p
    ax = np.abs(x)
    side = outward(canvas.p)
    reach = np.interp(z, [-90.0, -45.0, -10.0, 12.0, 34.0], [56.0, 40.0, 24.0, 15.0, 3.0]) * flesh.bulk
    mass = smooth_max(hip - reach, -side - 2.0, 4.0)
    mass = smooth_max(mass, wall.fascia + 1.5, 4.0)
    mass = smooth_max(mass, z - 31.0, 6.0)
    bundles = 0.45 * flesh.streaky + 0.55 * flesh.plain
    gap = flesh.planes + 0.4
    # The maximus begins behind the posterior gluteal line and at the sacrum and lies over the medius.
    line = 0.55 * (y - 34.0) + 0.83 * (hip - 8.0 - 0.25 * np.clip(-z, 0.0, 60.0)) + 1.5 * flesh.wave
    line = np.minimum(line, 22.0 - z)
    sacral = smooth_max(wall.fascia + 1.5, np.maximum(30.0 - ax, ax - 90.0), 6.0)
    sacral = smooth_max(np.maximum(sacral, z + 22.0), 58.0 + 0.25 * z - y + 0.35 * (ax - 40.0), 6.0)
    maximus = np.maximum(mass, gap - line)
    canvas.lay(smooth_min(maximus, sacral, 5.0), bundles, "gluteus", sided=True)
    medius = np.maximum(mass, line + gap)
    small = hip - 11.0 * flesh.bulk
    canvas.lay(np.maximum(medius, gap - small), bundles, "gluteus", sided=True)
    minimus = smooth_max(np.maximum(medius, small + gap), z + 12.0, 4.0)
    canvas.lay(minimus, flesh.plain, "gluteus", sided=True)
