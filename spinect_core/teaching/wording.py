"""What tasks, scores and advice say, in words for a student who has never planned a needle. No code reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spinect_core.base.words import Kind, Rule, Side
from spinect_core.plan.rule_wording import RULES
from spinect_core.teaching.records import (
    AdviceRecord,
    AttemptRecord,
    PartRecord,
    ScoreRecord,
    TaskRecord,
    TouchedRecord,
)
from spinect_core.teaching.words import Aids, Grade, PartName, PartRole, Story, Task

TASKS: Mapping[Task, str] = {
    Task.LEVEL: "Find the level",
    Task.CORNERS: "Place the corners of the triangle",
    Task.VIEW: "Find the view",
    Task.NEEDLE: "Place the needle",
}
AIDS: Mapping[Aids, str] = {
    Aids.FLUOROSCOPY: "simulated fluoroscopy alone",
    Aids.SLICES: "slices alone",
    Aids.EVERYTHING: "slices and 3D",
}
GRADES: Mapping[Grade, str] = {Grade.EASY: "easy", Grade.MEDIUM: "medium", Grade.HARD: "hard"}
STORIES: Mapping[Story, str] = {
    Story.TRAJECTORY: "There is a trajectory within the rules.",
    Story.AXIAL: "A needle within an axial slice reaches the triangle.",
    Story.OBLIQUE_ONLY: "No needle within an axial slice reaches the triangle within the rules; a tilted one does.",
    Story.DOUBT: "Something of the case is not certain, such as the level: no needle should be placed before it is.",
    Story.NOTHING: "No trajectory keeps the rules: no needle should be placed here.",
}
PARTS: Mapping[PartName, str] = {
    PartName.INDICATED: "Whether a needle should be placed",
    PartName.SIDE: "Side",
    PartName.LEVEL: "Level",
    PartName.DISTANCE: "Distance to the foramen",
    PartName.AIM: "Tip at the triangle",
    PartName.TOUCHED: "Bone and nerve spared",
    PartName.RULES: "Rules kept",
    PartName.AREA: "Open area in this view",
    PartName.CIRCLE: "Largest circle in the open area",
    PartName.TOLERANCE: "Angular tolerance",
    PartName.BONE: "Clearance to bone",
    PartName.NERVE: "Clearance to nerve",
    PartName.TIP: "Place of the tip",
    PartName.OVERLAP: "Triangle covers the right area",
    PartName.CORNERS: "Corners in place",
    PartName.TIME: "Time",
    PartName.SHOTS: "Simulated pictures",
}
UNITS: Mapping[PartName, tuple[str, int]] = {
    PartName.DISTANCE: ("mm", 1),
    PartName.AIM: ("mm", 1),
    PartName.TOUCHED: ("mm deep", 1),
    PartName.RULES: ("rules passed", 0),
    PartName.AREA: ("mm²", 0),
    PartName.CIRCLE: ("mm radius", 1),
    PartName.TOLERANCE: ("°", 1),
    PartName.BONE: ("mm", 1),
    PartName.NERVE: ("mm", 1),
    PartName.TIP: ("remarks", 0),
    PartName.CORNERS: ("mm", 1),
    PartName.TIME: ("s", 0),
    PartName.SHOTS: ("pictures", 0),
}
ROLES: Mapping[PartRole, str] = {
    PartRole.GATE: "must be right: it multiplies the rest",
    PartRole.QUALITY: "counts with its weight",
    PartRole.ECONOMY: "counts a little, and only in proportion to the rest",
}
TRIANGLES: Mapping[Kind, str] = {Kind.KAMBIN: "Kambin triangle", Kind.SAFE: "safe triangle"}
BORDERS: Mapping[Kind, str] = {
    Kind.KAMBIN: "between the exiting L5 root, the upper edge of S1, and the upper articular process of S1",
    Kind.SAFE: "between the lower edge of the L5 pedicle, the side of the vertebral body, and the exiting L5 root",
}


def task_text(task: TaskRecord) -> str:
    """What the student reads: the teacher's own words, or these."""
    if task.text:
        return task.text
    triangle = f"the {task.side} {TRIANGLES[task.kind]} at L5/S1 ({BORDERS[task.kind]})"
    texts = {
        Task.LEVEL: (
            f"Find the {task.side} foramen of L5/S1, the opening through which the L5 nerve root leaves the spine. Put "
            "the cross-hair into its middle and hand in."
        ),
        Task.CORNERS: f"Place the three corners of {triangle}, as you see it in the view shown.",
        Task.VIEW: (
            f"Turn the view until you look into {triangle} and most of it is open: nothing of bone or nerve in the way "
            "between you and it. The needle will come along your line of sight."
        ),
        Task.NEEDLE: (
            f"Plan a needle to {triangle}. It must not touch bone or nerve on the way, and the more it may deviate "
            "without touching them the better."
        ),
    }
    last = (
        "" if task.task in (Task.LEVEL, Task.CORNERS) else " If no needle should be placed, say so instead."
    )
    return texts[task.task] + last + _limits(task)


def _limits(task: TaskRecord) -> str:
    asked = []
    if task.limits.seconds:
        asked.append(f"{task.limits.seconds / 120:g} minutes")
    if task.limits.shots:
        asked.append(f"{task.limits.shots // 2} pictures")
    return f" Full marks within {' and '.join(asked)}." if asked else ""


def part_line(part: PartRecord) -> str:
    """A part of a score, such as ``Angular tolerance: 62 % (1.1 °; full marks from 1.8, the most there is 2.4)``."""
    return f"{PARTS[part.name]}: {100 * part.value:.0f} %{_numbers(part)}"


def _numbers(part: PartRecord) -> str:
    if part.measured is None or part.name not in UNITS:
        return ""
    unit, digits = UNITS[part.name]
    reached = f"{part.measured:.{digits}f} {unit}"
    if part.name in (PartName.DISTANCE, PartName.AIM, PartName.CORNERS) and part.full is not None:
        return f" ({reached}; full marks up to {part.full:.{digits}f})"
    if part.full is None or part.name not in (PartName.AREA, PartName.CIRCLE, PartName.TOLERANCE):
        return f" ({reached})"
    most = "" if part.best is None else f", the most there is {part.best:.{digits}f}"
    return f" ({reached}; full marks from {part.full:.{digits}f}{most})"


def touched_line(touched: TouchedRecord) -> str:
    """A structure that the needle met, with the depth."""
    depth = f"at {touched.from_mm:.0f} mm"
    if touched.to_mm - touched.from_mm >= 0.5:
        depth = f"from {touched.from_mm:.0f} to {touched.to_mm:.0f} mm"
    return f"{touched.name} touched {depth} below the skin"


def dose_line(attempt: AttemptRecord) -> str:
    """What an attempt would have cost, in plain units."""
    pictures = f"{attempt.shots} simulated picture{'' if attempt.shots == 1 else 's'}"
    return f"{pictures} in {attempt.seconds:.0f} seconds"


def advice_sentences(score: ScoreRecord, task: TaskRecord) -> list[str]:
    """What to do better, the costliest first; one sentence of praise where nothing costs much."""
    found = [_ADVICE[each.part](each, task) for each in score.advice]
    if found:
        return found
    if not score.best.indicated and task.task in (Task.VIEW, Task.NEEDLE):
        return ["Right: no trajectory keeps the rules here."]
    return ["Nothing to add: this is as good as the best that the program found."]


def _indicated(advice: AdviceRecord, task: TaskRecord) -> str:
    return (
        "Look again whether a needle should be placed at all: the program's search under its own rules says otherwise "
        "than you did."
    )


def _side(advice: AdviceRecord, task: TaskRecord) -> str:
    wrong = "right" if task.side == Side.LEFT else "left"
    return (
        f"You worked on the {wrong} side; the task was on the {task.side}. In an axial slice the patient's left is on "
        "the right of the picture."
    )


def _level(advice: AdviceRecord, task: TaskRecord) -> str:
    up = advice.values.get("mm", 0.0)
    where = "above" if up > 0 else "below"
    return (
        f"You are at another level, {abs(up):.0f} mm {where} the foramen of L5/S1. Find the sacrum first: the last "
        "disc above it is L5/S1."
    )


def _distance(advice: AdviceRecord, task: TaskRecord) -> str:
    return f"Go nearer to the middle of the foramen: you were {advice.values.get('mm', 0.0):.0f} mm away."


def _aim(advice: AdviceRecord, task: TaskRecord) -> str:
    words = {
        "outwards": ("outwards", "inwards"),
        "back": ("to the back", "to the front"),
        "head": ("up", "down"),
    }
    moves = [
        f"{abs(value):.0f} mm {words[key][0 if value > 0 else 1]}"
        for key, value in advice.values.items()
        if key in words and abs(value) >= 1
    ]
    where = f": move it {', '.join(moves)}" if moves else ""
    return f"The tip is {advice.values.get('mm', 0.0):.0f} mm from the triangle{where}."


def _touched(advice: AdviceRecord, task: TaskRecord) -> str:
    deep, depth = advice.values.get("mm", 0.0), advice.values.get("depth", 0.0)
    return (
        f"The needle runs {deep:.1f} mm into {advice.what or 'bone or nerve'}, {depth:.0f} mm below the skin: turn the "
        "view until the way is free from skin to tip."
    )


def _rule(advice: AdviceRecord, task: TaskRecord) -> str:
    try:
        told = RULES[Rule(advice.what)].title
    except ValueError:
        return "Keep to 50° oblique and 30° of tilt: views beyond that are not recommended."
    return f"A rule was passed: {told}."


def _area(advice: AdviceRecord, task: TaskRecord) -> str:
    if advice.values.get("beside", 0.0) >= 1.0:
        return (
            f"The needle passes {advice.values['beside']:.0f} mm beside the open part of the triangle in its own view: "
            "look along the needle and move its tip into the opening."
        )
    turn, lean = advice.values.get("oblique", 0.0), advice.values.get("tilt", 0.0)
    moves = []
    if abs(turn) >= 1:
        moves.append(f"{abs(turn):.0f}° {'more' if turn > 0 else 'less'} oblique")
    if abs(lean) >= 1:
        moves.append(f"{abs(lean):.0f}° more {'towards the head' if lean > 0 else 'towards the feet'}")
    area, best = advice.values.get("area", 0.0), advice.values.get("best", 0.0)
    return f"In your view {area:.0f} mm² are open, at best {best:.0f} mm²: turn {' and '.join(moves) or 'a little'}."


def _margin(name: str) -> Callable[[AdviceRecord, TaskRecord], str]:
    def told(advice: AdviceRecord, task: TaskRecord) -> str:
        value, best = advice.values.get("value", 0.0), advice.values.get("best", 0.0)
        unit = "°" if name == "angular tolerance" else " mm"
        return f"The {name} is {value:.1f}{unit}, where {best:.1f}{unit} can be had: keep to the middle of the opening."

    return told


def _overlap(advice: AdviceRecord, task: TaskRecord) -> str:
    part = advice.values.get("part", 0.0)
    size = (
        "too large"
        if advice.values.get("area", 0.0) > advice.values.get("best", 0.0)
        else "too small or beside it"
    )
    return f"Your triangle covers {100 * part:.0f} % of the right one; it is {size}. It lies {BORDERS[task.kind]}."


def _corners(advice: AdviceRecord, task: TaskRecord) -> str:
    return f"The corners are {advice.values.get('mm', 0.0):.0f} mm off on average: put each where two borders meet."


def _time(advice: AdviceRecord, task: TaskRecord) -> str:
    return "Be quicker: decide on the view first, then on the point."


def _shots(advice: AdviceRecord, task: TaskRecord) -> str:
    return "Take fewer pictures: think what the next one will show before you take it."


_ADVICE: Mapping[PartName, Callable[[AdviceRecord, TaskRecord], str]] = {
    PartName.INDICATED: _indicated,
    PartName.SIDE: _side,
    PartName.LEVEL: _level,
    PartName.DISTANCE: _distance,
    PartName.AIM: _aim,
    PartName.TOUCHED: _touched,
    PartName.RULES: _rule,
    PartName.AREA: _area,
    PartName.CIRCLE: _area,
    PartName.TOLERANCE: _margin("angular tolerance"),
    PartName.BONE: _margin("clearance to bone"),
    PartName.NERVE: _margin("clearance to nerve"),
    PartName.TIP: _rule,
    PartName.OVERLAP: _overlap,
    PartName.CORNERS: _corners,
    PartName.TIME: _time,
    PartName.SHOTS: _shots,
}
