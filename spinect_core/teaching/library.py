"""The case library: named cases drawn from a seed, and endless further ones.

Nothing of a case is stored but its seed and pathologies: it is drawn when it is opened. What each is there to show
holds under the program's own planning on its true labels; ``tests/core/teaching`` checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Kind, Side, Version
from spinect_core.geometry.view import View
from spinect_core.research.phantom.pathology import PATHOLOGIES, chosen
from spinect_core.teaching.records import CaseRecord, LimitsRecord, TaskRecord
from spinect_core.teaching.words import Aids, Grade, Story, Task

Mode = tuple[Task, Aids]
MODES: tuple[Mode, ...] = (
    (Task.LEVEL, Aids.SLICES),
    (Task.CORNERS, Aids.EVERYTHING),
    (Task.VIEW, Aids.EVERYTHING),
    (Task.NEEDLE, Aids.SLICES),
    (Task.NEEDLE, Aids.FLUOROSCOPY),
    (Task.NEEDLE, Aids.EVERYTHING),
)
"""What there is to do, the easiest first."""
SECONDS: Mapping[Task, float] = {Task.LEVEL: 120.0, Task.CORNERS: 240.0, Task.VIEW: 240.0, Task.NEEDLE: 360.0}
SHOTS = 20
"""Limits that a teacher may change. Residents took 9 pictures without and 4 with a trained view in a trial of 28."""


CORNERS_VIEW = (30.0, 15.0)
"""Ipsilateral oblique and cranial tilt in degrees: the usual view, in which both triangles face the viewer."""


@dataclass(frozen=True)
class LibraryCase:
    """A case of the library.

    Attributes:
        name: plain letters.
        grade: how difficult it is.
        seed: of the specimen.
        pathologies: of it, exactly these.
        story: what it is there to show.
        about: told when an attempt was handed in, and to teachers.
        side: of the tasks.
        kind: of the triangle that is meant.
        version: of a Kambin triangle.
    """

    name: str
    grade: Grade
    seed: int
    pathologies: tuple[str, ...]
    story: Story
    about: str
    side: Side = Side.LEFT
    kind: Kind = Kind.KAMBIN
    version: Version = Version.BONY

    def record(self, title: str, modes: Sequence[Mode] = MODES) -> CaseRecord:
        """The case with its tasks, under a title that does not give the answer."""
        wanted = TaskRecord(task=Task.NEEDLE, side=self.side, kind=self.kind, version=self.version)
        return CaseRecord(
            name=self.name,
            title=title,
            about=self.about,
            grade=self.grade,
            story=self.story,
            seed=self.seed,
            pathologies=self.pathologies,
            tasks=tuple(task_of(mode, wanted) for mode in modes),
        )


def task_of(mode: Mode, like: TaskRecord) -> TaskRecord:
    """A task of a mode with its usual limits, in the zone of another."""
    task, aids = mode
    shots = SHOTS if aids == Aids.FLUOROSCOPY else 0
    view = View.oblique(like.side, *CORNERS_VIEW) if task == Task.CORNERS else None
    limits = LimitsRecord(seconds=SECONDS[task], shots=shots)
    return like.replaced(task=task, aids=aids, limits=limits, view=view)


LIBRARY: tuple[LibraryCase, ...] = (
    LibraryCase(
        "normal",
        Grade.EASY,
        301,
        (),
        Story.OBLIQUE_ONLY,
        "A spine without findings. Even here the Kambin triangle is closed in the axial plane and opens from above.",
    ),
    LibraryCase(
        "slipped-l5",
        Grade.EASY,
        301,
        ("spondylolisthesis",),
        Story.OBLIQUE_ONLY,
        "L5 has slipped forwards on S1. The Kambin triangle behind it is larger than in a normal spine.",
    ),
    LibraryCase(
        "slipped-l5-axial",
        Grade.MEDIUM,
        301,
        ("spondylolisthesis",),
        Story.AXIAL,
        "The same slip, with root and dura as borders: here, of all cases, a needle within an axial slice reaches the "
        "triangle, 48° oblique. A tilted one leaves more room.",
        version=Version.NEURAL,
    ),
    LibraryCase(
        "compressed-sac",
        Grade.MEDIUM,
        301,
        ("stenosis",),
        Story.OBLIQUE_ONLY,
        "A narrow canal with a compressed sac. Bone leaves nearly as much room as in a normal spine, nerve less.",
    ),
    LibraryCase(
        "large-process",
        Grade.MEDIUM,
        21,
        (),
        Story.OBLIQUE_ONLY,
        "Long transverse processes of L5: half as many views of the triangle are open as in a normal spine.",
    ),
    LibraryCase(
        "low-disc",
        Grade.HARD,
        301,
        ("disc-height-loss",),
        Story.OBLIQUE_ONLY,
        "The disc is low, so L5 and S1 lie close to each other: the triangle opens only for steep, very oblique views.",
    ),
    LibraryCase(
        "high-crest",
        Grade.HARD,
        301,
        ("high-crest",),
        Story.OBLIQUE_ONLY,
        "The iliac crest reaches above the pedicle of L5 and closes the oblique views: the way is steep and less "
        "oblique, and leaves little tolerance.",
    ),
    LibraryCase(
        "narrow-foramen",
        Grade.HARD,
        301,
        ("disc-height-loss", "facet-arthrosis"),
        Story.OBLIQUE_ONLY,
        "A low disc and large facets narrow the foramen: what is left of the Kambin triangle forgives half a degree.",
    ),
    LibraryCase(
        "scoliosis",
        Grade.MEDIUM,
        301,
        ("scoliosis",),
        Story.OBLIQUE_ONLY,
        "The spine leans to one side and turns towards the other: left and right need different angles.",
    ),
    LibraryCase(
        "nothing-to-do",
        Grade.HARD,
        301,
        ("disc-height-loss", "facet-arthrosis", "high-crest", "stenosis"),
        Story.NOTHING,
        "A low disc, large facets, a high crest and a narrow canal together: a few views are open, but each forgives "
        "less than half a degree or is too steep. The right answer is not to place a needle here.",
    ),
    LibraryCase(
        "transitional",
        Grade.HARD,
        301,
        ("transitional",),
        Story.DOUBT,
        "The last vertebra is joined to the sacrum: is it L5 or S1? The window is as wide as in a normal spine, and "
        "yet nothing is recommended before the vertebrae were counted.",
    ),
)
NAMES = tuple(each.name for each in LIBRARY)


def named(name: str) -> LibraryCase:
    """A case by its name.

    Raises:
        UsageError: there is none of that name.
    """
    for each in LIBRARY:
        if each.name == name:
            return each
    raise UsageError(
        f"The library has no case {name!r}", f"Choose from {', '.join(NAMES)}", parameter="cases"
    )


def further(seed: int, pathologies: Iterable[str], side: Side = Side.LEFT) -> LibraryCase:
    """One of the endless cases beyond the named ones. What it shows is found out when it is planned.

    Args:
        seed: any whole number from 0.
        pathologies: of :data:`spinect_core.research.phantom.pathology.PATHOLOGIES`; none for a normal spine.
        side: of the tasks.

    Raises:
        UsageError: there is no such pathology, or two exclude each other.
    """
    names = chosen(tuple(pathologies) or ("normal",))
    told = "; ".join(PATHOLOGIES[each].summary for each in names) or "a spine without findings"
    name = "-".join((f"seed-{seed}", *names))[:60].rstrip("-")
    about = f"{told[0].upper()}{told[1:]}."
    return LibraryCase(name, Grade.MEDIUM, seed, names, Story.TRAJECTORY, about, side)
