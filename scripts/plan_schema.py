"""Write docs/plan-schema.json: the JSON Schema of a plan, from its records.

Run it again whenever the records change: ``python scripts/plan_schema.py``.
"""

from __future__ import annotations

import inspect
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from spinect_core.base.words import CutPlane, FigureKind, Kind, Side, Version
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.region import Region
from spinect_core.plan import plan, records
from spinect_core.plan.plan import ADDED, Plan, write_region
from spinect_core.plan.records import Record, SpreadRecord
from spinect_core.planning.needle.needle import Needle

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "docs" / "plan-schema.json"
VIEW = View(27.0, -12.0)
CORNERS = VIEW.unproject([[0.0, 0.0], [9.0, 0.0], [0.0, 7.0]], 0.0)
NEEDLE = Needle("", Kind.KAMBIN, Side.LEFT, "L5/S1", Version.BONY, (45.0, 95.0, 0.0), (6.0, 19.0, 3.0))
EXAMPLES = {
    "View": VIEW.to_dict(),
    "Needle": NEEDLE.to_dict(),
    "Figure": Figure(FigureKind.DISTANCE, CORNERS[:2], VIEW, on_surface=True).to_dict(),
    "Triangle": Triangle(Kind.KAMBIN, Side.LEFT, CORNERS, VIEW).to_dict(),
    "Region": write_region(Region.around((0.0, 0.0, 0.0), (10.0, 10.0, 10.0))),
}
"""Objects of the program that are no records."""
NULLABLE: dict[str, dict[str, Any]] = {
    "Figure": {
        "plane": {"enum": [*CutPlane, None]},
        "in_space": {"anyOf": [{"type": "number"}, {"type": "null"}]},
    }
}
"""Parts of these objects that are null in some of them."""
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
    for part in (schema, kinds):
        _refer(part)
    kinds |= {kind: {"title": kind, **_shape(example)} for kind, example in EXAMPLES.items()}
    for name, parts in NULLABLE.items():
        kinds[name]["properties"] |= parts
    for name, part in {"Plan": schema, **kinds}.items():
        if name in KINDS:
            _describe(KINDS[name], part)
            part["additionalProperties"] = True
    for name, part in {"Plan": schema, **kinds}.items():
        kind = KINDS.get(name)
        if kind is not None and issubclass(kind, SpreadRecord):
            _spread(kind, part, kinds)
    del kinds["Planning"]
    schema["required"] = [key for key in Plan.file_keys() if key not in (Plan.spread, "frame", *ADDED)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: value for key, value in schema.items() if key != "description"},
        "title": "SPINECT plan",
        "description": "A planned case; docs/plan-format.md says what the parts mean. All points are LPS mm.",
        "$defs": kinds,
    }


def _refer(schema: Any) -> None:
    """Let every object of the program refer to the one shape of its kind."""
    for key, part in list(schema.items() if isinstance(schema, dict) else enumerate(schema)):
        if isinstance(part, dict) and set(part) == {"type", "title"} and part["title"] in EXAMPLES:
            schema[key] = {"$ref": f"#/$defs/{part['title']}"}
        elif isinstance(part, dict | list):
            _refer(part)


def _shape(example: Any) -> dict[str, Any]:
    """The schema of plain data like an example."""
    if isinstance(example, dict):
        parts = {key: _shape(value) for key, value in example.items()}
        return {"type": "object", "properties": parts, "required": list(parts)}
    if example is None:
        return {"type": "null"}
    if isinstance(example, list):
        return {"type": "array", "items": _shape(example[0])}
    if isinstance(example, StrEnum):
        return {"enum": list(type(example))}
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": names[type(example)]}


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
