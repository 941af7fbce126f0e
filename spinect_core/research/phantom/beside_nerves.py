"""What lies round in the fat beside the nerves and is none: vessels, sympathetic trunk, ureters, nodes and bowel.

Of the calibre and the density of roots, on their anatomical courses: the iliac vessels on disc and ala, the
iliolumbar ones between psoas, ala and L5 root, the ascending lumbar vein before the transverse processes, lumbar
vessels round the bodies, intervertebral veins through the foramina, lateral and median sacral vessels and the plexus
between them before the sacrum, the superior gluteal ones between trunk and S1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import STEP_MM, Course, clear_of
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.settle import settled, spread_gaps
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.small_vessels import ARTERY, VEIN, SmallVessels, Way, four_radii
from spinect_core.research.phantom.strands import Strand, StrandLayer
from spinect_core.research.phantom.structures import BESIDE_NERVES, STRUCTURES
from spinect_core.research.phantom.variety import Variety
from spinect_core.research.phantom.vessels import Knots, courses

BOWEL = STRUCTURES["bowel"]
NODE, URETER, STRAND = (BESIDE_NERVES[name] for name in ("lymph nodes", "ureters", "strands in the fat"))
GAS_HU = -900.0


class Surroundings:
    """Lays what surrounds the nerves of a specimen.

    Args:
        specimen: its measures.
        variety: what the varied family drew for it.
        skeleton: frames of its bones.
        pose: how it lies.
        geometry: the grid.
        obstacle: signed distance, mm in the patient, of bone, disc and metal.
        rng: random stream.
    """

    def __init__(
        self,
        specimen: Specimen,
        variety: Variety,
        skeleton: Skeleton,
        pose: Pose,
        geometry: Geometry,
        obstacle: FloatArray,
        rng: np.random.Generator,
    ) -> None:
        self._specimen, self._variety = specimen, variety
        self._vessels = SmallVessels(skeleton, rng)
        self._pose, self._geometry, self._obstacle, self._rng = pose, geometry, obstacle, rng

    def lay(
        self, layer: StrandLayer, front: tuple[FloatArray, FloatArray], roots: list[Course]
    ) -> dict[str, int]:
        """Lay everything.

        Args:
            layer: takes it.
            front: heights and foremost bone, for the great vessels.
            roots: the courses of the nerves, beside which strands in the fat lie.

        Returns:
            How many of each kind there are.
        """
        large = list(self._large(front))
        strands = [*self._bowel(), *self._fat_strands(roots), *self._companions(roots)]
        strands += [self._strand(way, side) for side in (1.0, -1.0) for way in self._vessels.of_a_side()]
        strands += large
        strands += self._nodes([strand.course for strand in large if strand.course.name == "iliac"])
        counts: dict[str, int] = {}
        for strand in strands:
            layer.add(strand)
            counts[strand.course.name] = counts.get(strand.course.name, 0) + 1
        return counts

    # ------------------------------------------------------------------------------------------- from path to strand

    def _strand(self, way: Way, side: float, name: str = "small") -> Strand:
        """A path on a side, with its own jitter, laid on what it runs along and out of bone and disc."""
        rng = self._rng
        points = way.points + rng.normal(0.0, way.jitter, way.points.shape)
        points = points * np.array([side, 1.0, 1.0])
        line, radii = _smooth(self._pose.to_patient(points), way.radii, self._pose.size)
        course = Course(name, line, radii)
        if way.gap is not None:
            gaps = spread_gaps(tuple(rng.uniform(*way.gap, 4)), len(line), 0)
            course = settled(course, self._obstacle, self._geometry, gaps)
        course = clear_of(course, self._obstacle, self._geometry, 0.05, held=0)
        return Strand(course, self._hu(way.number), way.number)

    def _hu(self, number: int) -> float:
        arterial, venous = self._variety.blood
        if number == ARTERY:
            return arterial + float(self._rng.normal(0.0, 3.0))
        if number == VEIN:
            return venous + float(self._rng.normal(0.0, 3.0))
        return float(np.clip(self._rng.normal(self._specimen.root + 2.0, 7.0), 14.0, 58.0))

    # ----------------------------------------------------------------------------------------------- great vessels

    def _large(self, front: tuple[FloatArray, FloatArray]) -> Iterator[Strand]:
        """Aorta, cava and iliac vessels; the iliac ones lie on disc and ala, veins nearer than arteries."""
        arteries, veins = courses(front, self._rng)
        near = float(self._rng.uniform(0.2, 4.0))
        for tubes, number, gap in ((veins, VEIN, near), (arteries, ARTERY, near + 6.0)):
            for place, knots in enumerate(tubes):
                name = "great" if place == 0 else "iliac"
                line, radii = _along(knots, self._pose)
                course = Course(name, line, radii)
                if place > 0:
                    gaps = gap + self._rng.uniform(-0.2, 3.0, 5).cumsum()
                    course = settled(
                        course,
                        self._obstacle,
                        self._geometry,
                        spread_gaps(tuple(gaps), len(line), 0),
                        start=20,
                        reach=26.0,
                    )
                course = clear_of(course, self._obstacle, self._geometry, 0.2, held=0)
                yield Strand(course, self._hu(number), number)
        for side in (1.0, -1.0):
            at = np.array(
                [
                    [34, -34, 130],
                    [38, -42, 50],
                    [37, -44, 10],
                    [40, -38, -20],
                    [48, -34, -50],
                    [58, -22, -100],
                ],
                dtype=np.float64,
            )
            at += self._rng.normal(0.0, [5.0, 5.0, 3.0], at.shape)
            yield self._strand(Way(at, four_radii(self._rng, 1.4, 3.0), URETER, jitter=0.0), side, "ureter")

    # ------------------------------------------------------------------------------------------ nodes, strands, bowel

    def _nodes(self, vessels: list[Course]) -> Iterator[Strand]:
        """Lymph nodes beside the iliac vessels, 4 to 9 mm thick and up to twice as long, in some with fat within."""
        rng = self._rng
        fatty = float(self._specimen.fat) + 15.0
        for _ in range(int(rng.integers(4, 22))):
            course = vessels[int(rng.integers(len(vessels)))]
            at = int(rng.integers(5, len(course.points)))
            radius = float(rng.uniform(1.8, 4.4))
            aside = rng.standard_normal(3)
            aside *= (course.radii[at] + radius + float(rng.uniform(0.3, 5.0))) / np.linalg.norm(aside)
            way = rng.standard_normal(3)
            way *= float(rng.uniform(0.3, 2.0)) * radius / np.linalg.norm(way)
            line = course.points[at] + aside + np.linspace(-0.5, 0.5, 9)[:, None] * way
            node = clear_of(
                Course("node", line, np.full(9, radius)), self._obstacle, self._geometry, 0.3, held=0
            )
            wall = float(rng.uniform(1.2, 2.0)) if radius > 2.8 and rng.random() < 0.4 else 0.0
            yield Strand(node, self._hu(NODE), NODE, wall, fatty)

    def _fat_strands(self, roots: list[Course]) -> Iterator[Strand]:
        """Twigs in the fat beside the roots outside of the canal, thinner than these."""
        rng = self._rng
        along = [course for course in roots if course.name[:2] in ("L4", "L5", "S1", "S2")]
        for _ in range(int(rng.integers(15, 70))):
            course = along[int(rng.integers(len(along)))]
            first = min(max(course.ganglion, 0) + 4, len(course.points) - 2)
            at = int(rng.integers(first, len(course.points)))
            aside = rng.standard_normal(3)
            aside *= float(rng.uniform(4.0, 16.0)) / np.linalg.norm(aside)
            steps = rng.standard_normal(3) + 0.8 * rng.standard_normal((4, 3))
            steps *= float(rng.uniform(3.0, 7.0)) / np.linalg.norm(steps, axis=1, keepdims=True)
            points = course.points[at] + aside + np.vstack([np.zeros(3), steps.cumsum(axis=0)])
            line, radii = _smooth(points, (float(rng.uniform(0.4, 1.1)),), 1.0)
            twig = clear_of(Course("twig", line, radii), self._obstacle, self._geometry, 0.2, held=0)
            yield Strand(twig, float(rng.uniform(-25.0, 45.0)), STRAND)

    def _companions(self, roots: list[Course]) -> Iterator[Strand]:
        """Veins along a root for some centimetres beyond its ganglion, thinner than it, touching it or not."""
        rng = self._rng
        for course in roots:
            if course.name[:2] not in ("L4", "L5", "S1"):
                continue
            for _ in range(int(rng.integers(0, 3))):
                first = max(course.ganglion, 0) + int(rng.integers(6, 40))
                line = course.points[first : first + int(rng.integers(24, 90))]
                if len(line) < 16:
                    continue
                radius = float(rng.uniform(0.35, 0.75)) * float(np.median(course.radii))
                aside = (
                    rng.standard_normal(3) + 0.5 * rng.standard_normal((len(line), 3)).cumsum(axis=0) / 6.0
                )
                aside /= np.linalg.norm(aside, axis=1, keepdims=True)
                apart = np.interp(np.linspace(0, 3, len(line)), range(4), rng.uniform(0.0, 6.0, 4))
                line = line + aside * (course.radii.max() + radius + apart)[:, None]
                line, radii = _smooth(
                    line[:: max(len(line) // 6, 1)], (radius, radius * float(rng.uniform(0.7, 1.3))), 1.0
                )
                vein = clear_of(Course("companion", line, radii), self._obstacle, self._geometry, 0.1, held=0)
                yield Strand(vein, self._hu(VEIN), VEIN)

    def _bowel(self) -> Iterator[Strand]:
        """Loops of bowel down in the pelvis, before promontory and sacrum."""
        rng = self._rng
        for _ in range(int(rng.integers(1, 6))):
            start = self._vessels.below(
                (
                    float(rng.uniform(-45.0, 45.0)),
                    -float(rng.uniform(30.0, 48.0)),
                    -float(rng.uniform(-8.0, 70.0)),
                )
            )[0]
            steps = rng.standard_normal((3, 3)) * np.array([14.0, 6.0, 12.0])
            line, radii = _smooth(
                self._pose.to_patient(start + np.vstack([np.zeros(3), steps.cumsum(axis=0)])),
                tuple(float(r) for r in rng.uniform(4.5, 12.0) * rng.uniform(0.85, 1.15, 3)),
                1.0,
            )
            loop = clear_of(
                Course("bowel", line, radii),
                self._obstacle,
                self._geometry,
                float(rng.uniform(8.0, 16.0)),
                held=0,
            )
            content = float(
                rng.choice([GAS_HU, rng.uniform(-5.0, 40.0), rng.uniform(-140.0, 10.0)], p=(0.2, 0.6, 0.2))
            )
            yield Strand(loop, float(rng.uniform(28.0, 50.0)), BOWEL, float(rng.uniform(1.8, 3.0)), content)


def _smooth(
    points: FloatArray, radii: tuple[float, ...], size: float
) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """A line (n, 3) with a point each half millimetre through points (m, 3), and its radii from those given."""
    chord = along(points)
    chord += np.arange(len(chord)) * 1e-6
    s = np.linspace(0.0, chord[-1], max(int(chord[-1] / STEP_MM), 8))
    line = PchipInterpolator(chord, points)(s)
    at = np.linspace(0.0, chord[-1], len(radii))
    return line, size * (np.interp(s, at, radii) if len(radii) > 1 else np.full(len(s), radii[0]))


def _along(knots: Knots, pose: Pose) -> tuple[FloatArray, FloatArray]:
    """Points and radii of a great vessel in the patient."""
    table = np.array(knots)
    return _smooth(pose.to_patient(table[:, :3]), tuple(float(r) for r in table[:, 3]), pose.size)
