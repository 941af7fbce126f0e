"""Write docs/plan-schema.json: the JSON Schema of a plan, from its records.

Run it again whenever the records change: ``python scripts/plan_schema.py``.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from spinect_core.plan import plan, records
from spinect_core.plan.plan import REQUIRED, Plan
from spinect_core.plan.records import Record, SpreadRecord

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "docs" / "plan-schema.json"
KINDS = {
    kind.__name__: kind
    for module in (records, plan)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Record)
}


def plan_schema() -> dict[str, Any]:
    """The schema of ``plan.json``, with what the docstrings say of each field."""
    schema = Plan.model_json_schema(by_alias=True)
    kinds = schema.pop("$defs")
    for name, part in {"Plan": schema, **kinds}.items():
        if name in KINDS:
            _describe(KINDS[name], part)
            part["additionalProperties"] = True
    for name, part in {"Plan": schema, **kinds}.items():
        kind = KINDS.get(name)
        if kind is not None and issubclass(kind, SpreadRecord):
            _spread(kind, part, kinds)
    del kinds["Planning"]
    schema["required"] = ["format", "schema", *REQUIRED]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: value for key, value in schema.items() if key != "description"},
        "title": "SPINECT plan",
        "description": "A planned case; docs/plan-format.md says what the parts mean. All points are LPS mm.",
        "$defs": kinds,
    }


def _describe(kind: type[Record], schema: dict[str, Any]) -> None:
    """Put the sentences of a record's docstring beside its fields."""
    summary, _, attributes = (inspect.getdoc(kind) or "").partition("Attributes:")
    schema["description"] = " ".join(summary.split())
    sentences: dict[str, str] = {}
    name = ""
    for line in attributes.splitlines():
        words = line.strip()
        if line.startswith("    ") and not line.startswith("     ") and ":" in words:
            name, _, words = words.partition(":")
        if name and words:
            sentences[name] = f"{sentences.get(name, '')} {words.strip()}".strip()
    for name, field in kind.model_fields.items():
        part = schema["properties"][field.alias or name]
        part.pop("title", None)
        if name in sentences:
            part["description"] = sentences[name]


def _spread(kind: type[SpreadRecord], schema: dict[str, Any], kinds: dict[str, Any]) -> None:
    """Put the parts of a field without a key of its own among the others, as the file has them."""
    given: dict[str, Any] = {}
    for key, part in schema["properties"].items():
        if key == kind.spread:
            inner = kinds[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            given.update(inner["properties"])
        else:
            given[key] = part
    schema["properties"] = given
    schema["required"] = [key for key in schema.get("required", ()) if key != kind.spread]


def schema_text() -> str:
    """What the file holds."""
    return json.dumps(plan_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"{SCHEMA_FILE} written")
