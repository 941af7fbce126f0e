"""``spinect teach``: cases to practise on, packs and classes of them, scores, and the teacher's table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, check, part_of
from spinect_core.cli.parser import Commands, Parser, a_path, add_command, add_quiet
from spinect_core.cli.reporting import reporting
from spinect_core.cli.speaking import print_json

if TYPE_CHECKING:
    from spinect_core.base.words import Side
    from spinect_core.teaching.library import Mode
    from spinect_core.teaching.pack import Pack
    from spinect_core.teaching.records import AttemptRecord, CaseRecord, ScoreRecord, TaskRecord
    from spinect_core.teaching.session import ClassRecord, ResultRecord

DESCRIPTION = """\
Cases to practise on, drawn from a seed when they are opened, and what attempts at them are worth.

  list    the library: cases, what they show, what there is to do
  make    a pack of cases as one file, and a class with a session file for each student
  score   attempts at the tasks of a pack
  table   what a class has handed in: progress, learning curve, agreement, CSV"""

EXAMPLES = """\
  spinect teach list
  spinect teach make first.spinect-pack --case normal --case high-crest --title "First steps"
  spinect teach make more.spinect-pack --seed 41-44 --pathology stenosis --task needle:slices
  spinect teach make own.spinect-pack --own case.spinect --ct scans/ct --about "The crest is in the way."
  spinect teach make first.spinect-pack --all --students 20 --class-out class1 --order shuffled
  spinect teach score first.spinect-pack attempts.json
  spinect teach table class1/teacher.json results/*.spinect-result --out table"""


def add(commands: Commands) -> None:
    """Add the command with its parts."""
    parser = add_command(commands, "teach", "cases to practise on, scores, classes", DESCRIPTION, EXAMPLES)
    parser.add_argument("what", choices=("list", "make", "score", "table"), help="what to do")
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=a_path,
        help="make: the pack to write; score: a pack and attempts; table: teacher.json and results",
    )
    _add_make(parser)
    parser.add_argument(
        "--out",
        metavar="PATH",
        type=a_path,
        help="score: a file for the scores; table: a folder for table.md and table.csv",
    )
    parser.add_argument(
        "--teacher",
        metavar="FILE",
        type=a_path,
        help="score: teacher.json of the class, to check the signature",
    )
    parser.add_argument("--json", action="store_true", help="list, score: print JSON")
    add_quiet(parser)
    parser.set_defaults(run=run)


def _add_make(parser: Parser) -> None:
    parser.add_argument("--case", dest="cases", metavar="NAME", action="append", help="make: a case by name")
    parser.add_argument("--all", action="store_true", help="make: every case of the library")
    parser.add_argument("--seed", metavar="SEEDS", help="make: further cases, such as 41 or 41-44")
    parser.add_argument(
        "--pathology", metavar="NAME", action="append", help="make: of the further cases; none without it"
    )
    parser.add_argument("--own", metavar="FILE", type=a_path, help="make: your own case, a .spinect file")
    parser.add_argument("--ct", metavar="CT", type=a_path, help="make: the CT of your own case")
    parser.add_argument("--about", metavar="TEXT", default="", help="make: told of your own case afterwards")
    parser.add_argument(
        "--task",
        dest="tasks",
        metavar="TASK",
        action="append",
        help="make: level, corners, view or needle, with :slices, :fluoroscopy or :everything; all without it",
    )
    parser.add_argument(
        "--side", choices=("left", "right"), default="left", help="make: of further and own cases"
    )
    parser.add_argument("--title", metavar="TEXT", default="", help="make: of the pack")
    parser.add_argument("--text", metavar="TEXT", default="", help="make: what students read first")
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="make: draw nothing; other versions of the program are then not recognised",
    )
    parser.add_argument("--students", metavar="N", type=int, help="make: a class of so many, s01, s02, ...")
    parser.add_argument("--class-out", metavar="FOLDER", type=a_path, help="make: where the class goes")
    parser.add_argument(
        "--order",
        choices=("given", "easy-first", "shuffled"),
        default="given",
        help="make: in which a class does the tasks (default: given)",
    )
    parser.add_argument("--order-seed", metavar="N", type=int, default=0, help="make: of the shuffled order")
    parser.add_argument("--minutes", metavar="N", type=float, default=0.0, help="make: for a whole session")


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Do one of the parts."""
    parts = {"list": _list, "make": _make, "score": _score, "table": _table}
    return parts[options.what](options, cancel)


# ------------------------------------------------------------------------------------------------------------ list


def _list(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.teaching.library import LIBRARY, MODES
    from spinect_core.teaching.wording import AIDS, STORIES, TASKS

    if options.files:
        raise UsageError("The list of cases takes no file", "Leave it out")
    if options.json:
        print_json(
            [
                {
                    "name": each.name,
                    "grade": each.grade,
                    "seed": each.seed,
                    "pathologies": list(each.pathologies),
                    "story": each.story,
                    "side": each.side,
                    "about": each.about,
                }
                for each in LIBRARY
            ]
        )
        return 0
    for each in LIBRARY:
        print(f"{each.name:<26}{each.grade:<8}{each.about} {STORIES[each.story]}")
    print()
    for task, aids in MODES:
        print(f"--task {f'{task}:{aids}':<20}{TASKS[task]}, {AIDS[aids]}")
    return 0


# ------------------------------------------------------------------------------------------------------------ make


def _make(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.teaching.pack import write_pack

    if len(options.files) != 1:
        raise UsageError("One file is to be made", "Name the pack to write")
    out: Path = options.files[0]
    codes = _codes(options)
    with reporting("teach", quiet=options.quiet) as progress:
        pack = _pack_of(options, progress, cancel)
        write_pack(pack, out)
        made = _write_class(options, pack, codes)
    print(f"pack      {out}: {len(pack.cases)} cases, {out.stat().st_size / 1e6:.1f} MB")
    if made is not None:
        print(f"class     {options.class_out}: teacher.json to keep, {len(codes)} session files to give out")
    return 0


def _codes(options: argparse.Namespace) -> list[str]:
    from spinect_core.teaching.session import MOST_STUDENTS

    count = options.students
    if (count is None) != (options.class_out is None):
        raise UsageError("A class needs a number of students and a folder", "Give --students and --class-out")
    if count is None:
        return []
    if not 1 <= count <= MOST_STUDENTS:
        raise UsageError(f"A class of {count} is none", f"Give 1 to {MOST_STUDENTS}", parameter="students")
    return [f"s{number:02d}" for number in range(1, count + 1)]


def _modes(options: argparse.Namespace) -> tuple[Mode, ...]:
    from spinect_core.teaching.library import MODES
    from spinect_core.teaching.words import Aids, Task

    if not options.tasks:
        return MODES
    found = []
    for text in options.tasks:
        task, _, aids = text.partition(":")
        try:
            found.append((Task(task), Aids(aids or "everything")))
        except ValueError:
            raise UsageError(
                f"There is no task {text!r}",
                "Give level, corners, view or needle, with :slices, :fluoroscopy or :everything",
                parameter="tasks",
            ) from None
    return tuple(found)


def _pack_of(options: argparse.Namespace, progress: Progress, cancel: Cancel) -> Pack:
    from spinect_core.base.words import Side
    from spinect_core.research.phantom_study.run import parse_seeds
    from spinect_core.teaching.library import LIBRARY, further, named
    from spinect_core.teaching.pack import Pack

    modes, side = _modes(options), Side(options.side)
    wanted = [*LIBRARY] if options.all else [named(name) for name in options.cases or ()]
    if options.seed:
        wanted += [further(seed, options.pathology or (), side) for seed in parse_seeds(options.seed)]
    elif options.pathology:
        raise UsageError("A pathology belongs to further cases", "Give --seed too", parameter="pathology")
    cases = [each.record(f"Case {number}", modes) for number, each in enumerate(wanted, 1)]
    files: dict[str, bytes] = {}
    if options.own is not None or options.ct is not None:
        case, files = _own(options, len(cases) + 1, modes, side, cancel)
        cases.append(case)
    if not cases:
        raise UsageError("Nothing is to go into the pack", "Give --case, --all, --seed or --own")
    if not options.unchecked:
        cases = [
            _checked(case, part_of(progress, k / len(cases), (k + 1) / len(cases)), cancel)
            for k, case in enumerate(cases)
        ]
    return Pack(options.title or "Cases to practise on", tuple(cases), options.text, files)


def _checked(case: CaseRecord, progress: Progress, cancel: Cancel) -> CaseRecord:
    """The case with the checksum of what it is drawn as, and its corners' tasks with a view to place them in."""
    from spinect_core.teaching.drawing import draw

    if case.seed is None:
        return case
    progress(0.0, f"drawing {case.name}")
    made = case.replaced(checksum=draw(case, cancel=cancel).checksum)
    progress(1.0, f"{case.name} drawn")
    return made


def _own(
    options: argparse.Namespace, number: int, modes: tuple[Mode, ...], side: Side, cancel: Cancel
) -> tuple[CaseRecord, dict[str, bytes]]:
    from spinect_core.io.reading import read_ct
    from spinect_core.plan.document import read_document
    from spinect_core.teaching.library import task_of
    from spinect_core.teaching.pack import own_case
    from spinect_core.teaching.records import CaseRecord, TaskRecord
    from spinect_core.teaching.words import Task

    if options.own is None or options.ct is None:
        raise UsageError("Your own case is a .spinect file with its CT", "Give --own and --ct")
    document, volume = read_document(options.own), read_ct(options.ct, cancel=cancel)
    check(cancel)
    if document.labels is None or not document.matches(volume):
        raise UsageError(
            "The case has no labels, or this is another CT", "Give the CT of the case", options.ct
        )
    like = TaskRecord(task=Task.NEEDLE, side=side)
    record = CaseRecord(
        name=f"own-{number}",
        title=f"Case {number}",
        about=options.about,
        seed=0,
        tasks=tuple(task_of(mode, like) for mode in modes),
    )
    return own_case(record, volume, document.labels)


def _write_class(options: argparse.Namespace, pack: Pack, codes: list[str]) -> ClassRecord | None:
    from spinect_core.teaching.session import SESSION_SUFFIX, Order, new_class, session_for, write_record

    if not codes:
        return None
    made = new_class(
        pack,
        codes,
        order=Order(options.order),
        seed=options.order_seed,
        seconds=60.0 * options.minutes,
    )
    write_record(made, options.class_out / "teacher.json")
    for code in codes:
        write_record(session_for(made, pack, code), options.class_out / f"{code}{SESSION_SUFFIX}")
    return made


# ------------------------------------------------------------------------------------------------------------ score


def _score(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.base.files import write_whole
    from spinect_core.teaching.pack import read_pack

    if len(options.files) != 2:
        raise UsageError("A pack and a file of attempts are scored", "Give both")
    pack = read_pack(options.files[0])
    attempts, signature = _attempts(options.files[1], pack, options.teacher)
    with reporting("teach", quiet=options.quiet) as progress:
        scored = _scored(pack, attempts, progress, cancel)
    data = [{"attempt": one.to_dict(), "score": found.to_dict()} for one, found in scored]
    if options.out is not None:
        write_whole(options.out, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    if options.json:
        print(signature, file=sys.stderr)
        print_json(data)
        return 0
    print(signature)
    for one, found in scored:
        print("\n".join(_lines(pack.case(one.case).tasks[one.task], one, found)))
    return 0


def _attempts(path: Path, pack: Pack, teacher: Path | None) -> tuple[list[AttemptRecord], str]:
    """Those of a JSON list, or of a result that a student handed in; and what its signature says.

    Raises:
        PlanError: the result is of another pack, or a file is none of its kind.
    """
    from spinect_core.teaching.records import AttemptRecord
    from spinect_core.teaching.session import RESULT, check_pack, read_json, read_result

    data = read_json(path, "file of attempts")
    if isinstance(data, dict) and data.get("format") == RESULT:
        result = read_result(path)
        check_pack(result, pack)
        return [each.attempt for each in result.done], _signature(result, pack, teacher)
    if not isinstance(data, list):
        raise UsageError("This is neither a list of attempts nor a result", "Choose another file", path)
    return [AttemptRecord.from_dict(each) for each in data], "signature none: a list of attempts has none"


def _signature(result: ResultRecord, pack: Pack, teacher: Path | None) -> str:
    """Whether a result is as the student's session left it, in words."""
    from spinect_core.teaching.session import check_pack, read_class

    if teacher is None:
        return "signature not checked: give --teacher teacher.json"
    made = read_class(teacher)
    check_pack(made, pack)
    if result.code not in made.codes:
        return f"signature does not hold: the class has no student {result.code}"
    if not result.is_signed(made.key_of(result.code)):
        return f"signature of {result.code} does not hold: changed, or made with another session file"
    return f"signature of {result.code} holds"


def _scored(
    pack: Pack, attempts: list[AttemptRecord], progress: Progress, cancel: Cancel
) -> list[tuple[AttemptRecord, ScoreRecord]]:
    """The attempts with their scores in their order; each case is drawn and planned once."""
    from spinect_core.teaching.ground import Ground
    from spinect_core.teaching.scoring import score

    names = list(dict.fromkeys(each.case for each in attempts))
    found: dict[int, ScoreRecord] = {}
    for k, name in enumerate(names):
        part = part_of(progress, k / len(names), (k + 1) / len(names))
        part(0.0, f"preparing {name}")
        ground = Ground(pack.pictures(name, cancel=cancel), progress=part_of(part, 0.2, 0.5), cancel=cancel)
        for number, each in enumerate(attempts):
            if each.case == name:
                check(cancel)
                found[number] = score(ground, _task(pack, each), each)
        part(1.0, f"{name} scored")
    return [(each, found[number]) for number, each in enumerate(attempts)]


def _task(pack: Pack, attempt: AttemptRecord) -> TaskRecord:
    tasks = pack.case(attempt.case).tasks
    if attempt.task >= len(tasks):
        raise UsageError(
            f"The case {attempt.case!r} has no task {attempt.task}", f"It has {len(tasks)}, from 0"
        )
    return tasks[attempt.task]


def _lines(task: TaskRecord, attempt: AttemptRecord, found: ScoreRecord) -> list[str]:
    from spinect_core.teaching.wording import TASKS, advice_sentences, dose_line, part_line, touched_line

    lines = [
        f"{attempt.case} {attempt.task} · {TASKS[task.task]}: {found.points} of 100, {dose_line(attempt)}"
    ]
    lines += [f"  {part_line(part)}" for part in found.parts]
    lines += [f"  {touched_line(each)}" for each in found.touched]
    return lines + [f"  > {sentence}" for sentence in advice_sentences(found, task)]


# ------------------------------------------------------------------------------------------------------------ table


def _table(options: argparse.Namespace, cancel: Cancel) -> int:
    from spinect_core.base.files import write_whole
    from spinect_core.teaching.session import read_class, read_result
    from spinect_core.teaching.table import csv_of, rows_of, text_of

    if len(options.files) < 2:
        raise UsageError("A class and results make a table", "Give teacher.json and the result files")
    made = read_class(options.files[0])
    rows, refused = rows_of(made, [read_result(path) for path in options.files[1:]])
    text = text_of(made, rows, refused)
    if options.out is not None:
        write_whole(options.out / "table.md", text.encode("utf-8"))
        write_whole(options.out / "table.csv", csv_of(rows).encode("utf-8"))
    print(text, end="")
    return 0
