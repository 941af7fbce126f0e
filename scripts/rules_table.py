"""Write the table of rules into docs/rules.md, between its two marks. Run after changing a rule."""

from __future__ import annotations

from pathlib import Path

from spinect_core.plan.rule_wording import table_rows
from spinect_core.planning.rules import TABLE

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
BEGIN, END = "<!-- the table: written by scripts/rules_table.py -->", "<!-- end of the table -->"
HEADS = (
    "code",
    "rule",
    "passed by",
    "kind",
    "bars recommending",
    "may be set to",
    "source (G guideline, S study, T text, I inferred)",
)


def table() -> str:
    """The table as Markdown."""
    rows = [HEADS, ("---",) * len(HEADS)]
    rows += [(f"`{code}`", *rest) for code, *rest in table_rows(TABLE)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def page(text: str) -> str:
    """A page with the table in its place."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
