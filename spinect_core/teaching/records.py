"""What passes between teacher and student: cases, tasks, attempts, scores. Plain data, checked when they are read.

A point is LPS mm; a view is as :class:`spinect_core.geometry.view.View` has it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spinect_core.base.words import Kind, Rule, Side, Tissue, Version
from spinect_core.plan.container import VoxelsRecord
from spinect_core.plan.records import (
    Distance,
    Flag,
    NotNegative,
    Number,
    Part,
    Point,
    Points,
    Record,
    StoredView,
    Whole,
)
from spinect_core.teaching.words import Aids, EventKind, Grade, PartName, PartRole, Story, Task

MOST_TASKS, MOST_CASES, MOST_EVENTS, MOST_CORNERS = 20, 200, 5000, 12
LONGEST_TEXT = 4000
KEY = r"^[a-z0-9][a-z0-9-]{0,59}$"
Key = Annotated[str, Field(strict=True, pattern=KEY)]
"""A name of plain letters, such as that of a case or the code of a student."""
Title = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Words = Annotated[str, Field(strict=True, max_length=LONGEST_TEXT)]
Digest = Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")]
Seconds = Annotated[NotNegative, Field(le=1e6)]


class LimitsRecord(Record):
    """What an attempt should need at most.

    Attributes:
        seconds: full marks up to half of it, none from it on; 0 for no limit.
        shots: simulated pictures; the same.
    """

    seconds: Seconds = 0.0
    shots: Annotated[Whole, Field(ge=0, le=1000)] = 0


class TaskRecord(Record):
    """One thing to do in a case.

    Attributes:
        task: what.
        aids: what is seen meanwhile.
        side: of the patient.
        kind: of the triangle that is meant.
        version: of a Kambin triangle.
        text: what the student reads; the program's own words where it is empty.
        limits: of time and pictures.
        view: in which corners are placed; None for one of the student's own.
    """

    task: Task
    aids: Aids = Aids.EVERYTHING
    side: Side = Side.LEFT
    kind: Kind = Kind.KAMBIN
    version: Version = Version.BONY
    text: Words = ""
    limits: LimitsRecord = Field(default_factory=LimitsRecord)
    view: StoredView | None = None


class CaseRecord(Record):
    """A case of a pack: drawn from a seed, or a teacher's own.

    Attributes:
        name: plain letters, once in a pack.
        title: for the student; it must not give the answer.
        about: told when the attempt was handed in.
        grade: how difficult it is.
        story: what it is there to show; None for a teacher's own.
        seed: of the specimen; None for a teacher's own.
        pathologies: of the specimen.
        ct: of a teacher's own case.
        labels: of that.
        checksum: SHA-256 of the labels, so that every computer scores on the same; empty where it is not known.
        tasks: in their order.
    """

    name: Key
    title: Title
    about: Words = ""
    grade: Grade = Grade.MEDIUM
    story: Story | None = None
    seed: Annotated[Whole, Field(ge=0, le=2**32)] | None = None
    pathologies: Annotated[tuple[Key, ...], Field(max_length=30)] = ()
    ct: VoxelsRecord | None = None
    labels: VoxelsRecord | None = None
    checksum: Annotated[Digest, Field(alias="labels_sha256")] = ""
    tasks: Annotated[tuple[TaskRecord, ...], Field(min_length=1, max_length=MOST_TASKS)]


class EventRecord(Record):
    """One step of an attempt.

    Attributes:
        at_s: seconds since the task was shown.
        kind: what was done.
        view: of a shot or a turn.
        points: of a needle (entry, target), a corner, or the place of a slice, LPS mm.
    """

    at_s: Seconds
    kind: EventKind
    view: StoredView | None = None
    points: Annotated[Points, Field(max_length=MOST_CORNERS)] = ()


class AttemptRecord(Record):
    """What a student handed in for a task, by hand or by a program that acts for one.

    Attributes:
        case: name of it.
        task: number of the task in the case, from 0.
        declined: whether the student says that no needle should be placed here.
        side: that the student worked on; None where that was not asked.
        point: LPS mm in the foramen, where the level was to be found.
        corners: of the triangle, LPS mm in their order.
        view: that was found, or in which the corners were placed.
        entry: of the needle through the skin, LPS mm.
        target: of its tip.
        seconds: from the text to handing in.
        events: what was done, in order.
    """

    case: Key
    task: Annotated[Whole, Field(ge=0, lt=MOST_TASKS)] = 0
    declined: Flag = False
    side: Side | None = None
    point: Point | None = None
    corners: Annotated[Points, Field(max_length=MOST_CORNERS)] = ()
    view: StoredView | None = None
    entry: Point | None = None
    target: Point | None = None
    seconds: Seconds = 0.0
    events: Annotated[tuple[EventRecord, ...], Field(max_length=MOST_EVENTS)] = ()

    @property
    def shots(self) -> int:
        """Simulated pictures that were taken."""
        return sum(each.kind == EventKind.SHOT for each in self.events)


class PartRecord(Record):
    """One part of a score.

    Attributes:
        name: which.
        role: how it counts.
        value: 0 to 1, to three digits.
        weight: among those of its role; 1 for a gate.
        measured: the number behind it, in the unit of the part; None where there is none.
        full: the number from which on it is worth 1; None where there is none.
        best: the best that can be had; None where that is not another number.
    """

    name: PartName
    role: PartRole
    value: Part
    weight: Part = 1.0
    measured: Number | None = None
    full: Number | None = None
    best: Number | None = None


class TouchedRecord(Record):
    """A structure that a needle touched.

    Attributes:
        name: of it.
        tissue: bone or nerve; None for an organ.
        from_mm: depth from the skin at which the needle meets it.
        to_mm: at which it leaves it; the same for one that is only grazed.
    """

    name: Title
    tissue: Tissue | None
    from_mm: Distance
    to_mm: Distance


class BrokenRecord(Record):
    """A rule that was passed.

    Attributes:
        rule: which.
        value: what was measured; None where that is not known.
        limit: that it passed.
        hard: whether nothing beyond it is ever proposed.
    """

    rule: Rule
    value: Number | None
    limit: Number
    hard: Flag


class AdviceRecord(Record):
    """What costs most.

    Attributes:
        part: of the score.
        lost: points of the hundred that this part alone costs.
        values: numbers for the sentence, by name.
        what: the structure that it is about; empty where it is about none.
    """

    part: PartName
    lost: NotNegative
    values: dict[str, float] = Field(default_factory=dict)
    what: Annotated[str, Field(strict=True, max_length=200)] = ""


class BestRecord(Record):
    """The best there was to be done, told when an attempt was handed in.

    Attributes:
        indicated: whether any needle should be placed.
        view: of the best trajectory.
        entry: of its needle; None where no needle should be placed.
        target: the same.
        area_mm2: of the window in that view.
        tolerance_deg: angular tolerance of its needle.
        corners: of the triangle in the task's view.
        point: in the middle of the zone, LPS mm.
    """

    indicated: Flag
    view: StoredView | None = None
    entry: Point | None = None
    target: Point | None = None
    area_mm2: NotNegative | None = None
    tolerance_deg: NotNegative | None = None
    corners: Points = ()
    point: Point | None = None


class ScoreRecord(Record):
    """What an attempt is worth, with all that went into it.

    Attributes:
        points: 0 to 100.
        parts: in the order in which they are shown.
        touched: by the needle before its target, by depth.
        broken: rules that were passed, the gravest first.
        advice: what cost most, the costliest first.
        best: what would have been best.
        checksum: SHA-256 of the labels that it was scored on.
    """

    points: Annotated[Whole, Field(ge=0, le=100)]
    parts: tuple[PartRecord, ...]
    touched: tuple[TouchedRecord, ...] = ()
    broken: tuple[BrokenRecord, ...] = ()
    advice: tuple[AdviceRecord, ...] = ()
    best: BestRecord
    checksum: Annotated[Digest, Field(alias="labels_sha256")] = ""
