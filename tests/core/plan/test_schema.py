"""docs/plan-schema.json is what the records say, and a whole plan has no key that it does not know."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from plan_maker import full_plan

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs" / "plan-schema.json").read_text(encoding="utf-8"))
FREE = ("run", "timings_s", "files", "versions")
"""Objects whose keys are the user's or the segmentation's."""


def test_the_schema_is_that_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from plan_schema import schema_text

    assert (ROOT / "docs" / "plan-schema.json").read_text(encoding="utf-8") == schema_text(), (
        "run scripts/plan_schema.py"
    )
    sys.modules.pop("plan_schema")


def faults(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    """Where a value is not what the schema says: types, words, keys that are unknown or missing."""
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], place)
    if "anyOf" in schema:
        tried = [faults(value, each, place) for each in schema["anyOf"]]
        return [] if [] in tried else max(tried, key=len)
    kinds = {"object": dict, "array": list, "string": str, "number": int | float, "integer": int,
             "boolean": bool, "null": type(None)}  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{place} is no {schema['type']}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return [f"{place} may not be {value!r}"]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [each for n, item in enumerate(value) for each in faults(item, inner, f"{place}[{n}]")]
    if isinstance(value, dict) and place.strip(".") not in FREE:
        known = schema["properties"]
        found = [f"{place}.{key} is missing" for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            found += faults(item, known[key], f"{place}.{key}") if key in known else [f"{place}.{key}?"]
        return found
    return []


def test_a_whole_plan_is_what_the_schema_says() -> None:
    data = full_plan().to_dict()
    assert faults(data, SCHEMA, "") == []
    assert set(data) == set(SCHEMA["properties"])
    data["zones"][0]["side"] = "middle"
    data["needles"][0]["safety"]["risks"][0].pop("nerve")
    data["level"]["colour"] = 1
    assert len(faults(data, SCHEMA, "")) == 3
