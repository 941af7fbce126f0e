"""Write docs/reference/command-line.md from the parsers of ``spinect`` and ``spinect-planner``.

Run it again whenever an option changes: ``.venv/bin/python scripts/document_cli.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.main import parser as window_parser
from spinect_core.base.versions import NOTICE
from spinect_core.cli import whole_parser
from spinect_core.cli.parser import EPILOG

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "command-line.md"

HEADER = f"""\
# Command line

**{NOTICE}**

`spinect` does without a window what the planner does in one, and also draws phantoms, trains and evaluates. In the
source folder it is `.venv/bin/spinect`. Results go to standard output, progress and errors to standard error. An error
is one line that says what is wrong and what to do ([exit codes](errors.md)). [`spinect-planner`](#spinect-planner)
starts the window.

This page is written by `scripts/document_cli.py` from the program itself.
"""


def text() -> str:
    """The whole page."""
    commands = dict(_commands(whole_parser()))
    lines = [HEADER, "| command | what it does |", "|---|---|"]
    lines += [f"| [`spinect {name}`](#spinect-{name}) | {_help(whole_parser(), name)} |" for name in commands]
    lines += ["", "```", *_indented(EPILOG, "examples:"), "```", "", "`--version` prints the version."]
    for name, command in commands.items():
        lines += ["", *_section(f"spinect {name}", command)]
    lines += ["", *_section("spinect-planner", window_parser())]
    return "\n".join(lines) + "\n"


def _commands(whole: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in whole._actions:  # argparse lists its sub-commands nowhere else
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _help(whole: argparse.ArgumentParser, name: str) -> str:
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action._choices_actions:
                if each.dest == name:
                    return str(each.help)
    raise KeyError(name)


def _section(program: str, command: argparse.ArgumentParser) -> list[str]:
    """A command: what it does, how it is called, its options, examples."""
    needed: list[argparse.Action] = []
    optional: list[argparse.Action] = []
    for action in command._actions:
        if not isinstance(action, argparse._HelpAction):
            (needed if _is_needed(action) else optional).append(action)
    optional.sort(key=lambda action: action.dest in ("quiet", "debug"))
    call = " ".join([program, *(_typed(action, action.option_strings[-1:]) for action in needed)])
    lines = [
        f"## `{program}`",
        "",
        *_text(str(command.description)),
        "",
        "```",
        f"{call} [options]",
        "```",
        "",
    ]
    lines += ["| option | |", "|---|---|"]
    lines += [
        f"| `{_typed(action, action.option_strings)}` | {_meaning(action)} |"
        for action in (*needed, *optional)
    ]
    examples = _indented(str(command.epilog), "examples:")
    return [*lines, "", "```", *examples, "```"] if examples else lines


def _is_needed(action: argparse.Action) -> bool:
    return action.required or (not action.option_strings and action.nargs not in ("?", "*"))


def _typed(action: argparse.Action, names: Sequence[str]) -> str:
    """An argument as it is typed: ``-q, --quiet`` or ``--out DIR``."""
    value = action.metavar or action.dest.upper()
    if action.nargs == 0:
        value = ""
    elif isinstance(value, tuple):
        value = " ".join(value)
    elif action.nargs == "+":
        value = f"{value} [{value} ...]"
    return f"{', '.join(names)} {value}".strip()


def _meaning(action: argparse.Action) -> str:
    """What an argument does and what it may be."""
    parts = ["required" if _is_needed(action) and action.option_strings else ""]
    if action.choices is not None:
        parts.append(" or ".join(f"`{choice}`" for choice in action.choices))
    parts.append(" ".join((action.help or "").replace("%%", "%").split()).replace("*", r"\*"))
    return "; ".join(part for part in parts if part)


def _text(description: str) -> list[str]:
    """A description as Markdown: what is indented in it is a listing."""
    lines: list[str] = []
    inside = False
    for line in description.splitlines():
        if line.startswith("  ") != inside:
            inside = not inside
            lines.append("```")
        lines.append(line.removeprefix("  ") if inside else line)
    return [*lines, "```"] if inside else lines


def _indented(epilog: str, heading: str) -> list[str]:
    """The examples of a help text, without its heading, its indentation and what follows."""
    body = epilog.partition(f"{heading}\n")[2].partition("\n\n")[0]
    return [line.removeprefix("  ") for line in body.splitlines()]


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
