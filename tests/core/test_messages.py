"""Every message of the program is made of words: what is wrong, with what, and a remedy that exists."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spinect_core.base.reasons import listed, reason, times
from spinect_core.cli import whole_parser

ROOT = Path(__file__).parents[2]
MODULES = sorted([*(ROOT / "spinect_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")])
OURS = re.compile(
    r"^(Spinect|Installation|Usage|Reading|Spatial|Segmentation|Measurement|Anatomy|Plan|Output|Render|Worker|Archive|Hounsfield)Error$"
)
UNEXPECTED = {"app/model/jobs.py", "app/widgets/boxes.py"}
"""What nobody foresaw is reported by its name there, and nowhere else."""


class Site:
    """One place where an error is made."""

    def __init__(self, module: Path, call: ast.Call) -> None:
        self.module, self.call = module.relative_to(ROOT).as_posix(), call
        self.where = f"{self.module}:{call.lineno}"
        given = dict(zip(("fault", "remedy", "source", "parameter"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        self.given = given

    def words(self, name: str) -> str:
        """The literal words of an argument, with what is filled in as {}."""
        return _words(self.given[name]) if name in self.given else ""


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return "{}"


def _sites() -> Iterator[Site]:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and OURS.match(node.func.id):
                yield Site(module, node)


SITES = list(_sites())


def test_the_places_are_found() -> None:
    assert len(SITES) > 300


def test_each_says_what_is_wrong_and_what_to_do() -> None:
    silent = [
        s.where for s in SITES if not s.words("fault").strip() or not (s.words("remedy") or "{}").strip()
    ]
    assert not silent
    lacking = [
        s.where
        for s in SITES
        if "remedy" not in s.given and getattr(s.call.func, "id", "") != "HounsfieldError"
    ]
    assert not lacking
    stopped = [s.where for s in SITES if s.words("fault").endswith(".") or s.words("remedy").endswith(".")]
    assert not stopped, "the full stops are added"


def test_none_shows_what_only_a_programmer_reads() -> None:
    """Neither the class of an exception, nor Python's notation of an array, a list or an exception."""
    shown = []
    for site in SITES:
        for name in ("fault", "remedy"):
            for node in ast.walk(site.given.get(name, ast.Constant(""))):
                if not isinstance(node, ast.FormattedValue):
                    continue
                text = ast.unparse(node.value)
                bad = text.endswith((".shape", ".tolist()", ".__name__")) or "list(" in text or "np." in text
                if bad or (node.conversion == ord("r") and text in ("error", "path", "self", "known")):
                    shown.append(f"{site.where} {text}")
    assert not [s for s in shown if s.split(":")[0] not in UNEXPECTED]


def test_none_says_nothing_in_particular() -> None:
    vague = ("unknown error", "an error occurred", "makes no sense", "no such value", "invalid")
    found = [
        f"{s.where} {s.words('fault')}" for s in SITES if any(w in s.words("fault").lower() for w in vague)
    ]
    assert not found


def _flags(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {
        name: {o for a in sub._actions for o in a.option_strings} for name, sub in commands.choices.items()
    }


def test_options_and_commands_that_are_named_exist() -> None:
    flags = _flags(whole_parser())
    missing = []
    for site in SITES:
        told = f"{site.words('fault')} {site.words('remedy')} {site.words('source')}"
        known = (
            flags.get(Path(site.module).stem.replace("_", "-"), set()) if "/cli/" in site.module else set()
        )
        if "/cli/" in site.module:
            missing += [
                f"{site.where} {o}"
                for o in re.findall(r"--[a-z][a-z-]+", told)
                if o not in known | {"--help"}
            ]
        missing += [f"{site.where} {c}" for c in re.findall(r"`spinect ([a-z-]+)`", told) if c not in flags]
    assert not missing


def test_nothing_is_installed_from_where_it_is_not() -> None:
    assert not [s.where for s in SITES if "spinect-planner" in s.words("remedy")]


def test_a_setting_that_is_named_is_one_of_some_command() -> None:
    """Where an error names a setting, a command has an option for it, or the words of it stand in the message."""
    parser = whole_parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    settings = {action.dest for sub in commands.choices.values() for action in sub._actions}
    named = {
        s.where: s.words("parameter") for s in SITES if isinstance(s.given.get("parameter"), ast.Constant)
    }
    assert named
    assert {where: name for where, name in named.items() if name not in settings | {"frame", "backend"}} == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("plan"), "'plan' is missing"),
        (KeyError(), "a part is missing"),
        (EOFError(), "it breaks off"),
        (MemoryError(), "the memory does not suffice"),
        (OSError(28, "No space left on device", "x"), "No space left on device"),
        (OSError(), "no reason was given"),
        (RuntimeError("first:\n  Second.\nthird"), "Second"),
        (ValueError(""), "no reason was given"),
        (NotImplementedError(), "it is made in a way that is not supported"),
        (NotImplementedError("compression type 99"), "compression type 99"),
        (
            AttributeError("'str' object has no attribute 'get'"),
            "a part of it is of another kind than it should be",
        ),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "it holds bytes that are no text"),
    ],
)
def test_a_library_s_exception_becomes_words(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_a_long_reason_is_cut() -> None:
    assert len(reason(ValueError("x" * 10_000))) <= 160


def test_numbers_are_shown_as_people_write_them() -> None:
    assert times((512, 512, 60)) == "512 x 512 x 60"
    assert times((0.703125, 0.5)) == "0.703125 x 0.5"
    assert listed((-10.0, 12.25)) == "-10, 12.25"
