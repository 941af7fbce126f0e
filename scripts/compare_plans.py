"""Compares two results of ``spinect plan`` of one CT to the last digit: labels, surfaces, maps, the plan's numbers.

    python scripts/compare_plans.py OLD NEW

OLD and NEW are folders, or two files plan.json. Left out is what differs from run to run: times, memory, versions.
Sentences are compared too, but a change of wording is reported and is no difference. The exit code is 1 where anything
else differs.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

FROM_RUN_TO_RUN = {"created", "seconds", "timings_s", "peak_memory_mb", "versions"}
SENTENCES = {"notes", "note", "words", "doubts", "definition", "reason"}
SHOWN = 12


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a plan with its place, such as ``needles[0].safety.tip_to_nerve_mm``."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in FROM_RUN_TO_RUN:
                yield from leaves(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        yield f"{place}.length", len(value)
        for number, item in enumerate(value):
            yield from leaves(item, f"{place}[{number}]")
    else:
        yield place, value


def is_sentence(place: str) -> bool:
    """Whether a place of a plan holds words for people and no data."""
    return bool(SENTENCES & {part.partition("[")[0] for part in place.split(".")})


def compare_plans(old: Path, new: Path) -> tuple[int, list[str], list[str]]:
    """How many values of two files plan.json were compared, what differs, and which sentences read otherwise."""
    before, after = (dict(leaves(json.loads(path.read_text(encoding="utf-8")))) for path in (old, new))
    differences: list[str] = []
    reworded: list[str] = []
    for place in sorted(before.keys() | after.keys()):
        one, other = before.get(place, "nothing"), after.get(place, "nothing")
        if one != other or type(one) is not type(other):
            (reworded if is_sentence(place) else differences).append(f"{place}: {one!r} -> {other!r}")
    return len(before), differences, reworded


def compare_folders(old: Path, new: Path) -> list[str]:
    """What differs between the files beside two plans."""
    differences = []
    labels = [nibabel.load(folder / "labels.nii.gz") for folder in (old, new)]
    arrays = [np.asarray(each.dataobj) for each in labels]
    if arrays[0].shape != arrays[1].shape or not np.array_equal(labels[0].affine, labels[1].affine):
        differences.append("labels.nii.gz: another grid")
    elif changed := int((arrays[0] != arrays[1]).sum()):
        differences.append(f"labels.nii.gz: {changed} voxels differ")
    differences += [
        f"{name}: other points or triangles"
        for name in ("bone.ply", "nerve.ply")
        if mesh_bytes(old / name) != mesh_bytes(new / name)
    ]
    names = {path.relative_to(folder).as_posix() for folder in (old, new) for path in folder.rglob("*")}
    for name in sorted(names):
        there = [(folder / name).exists() for folder in (old, new)]
        if not all(there):
            differences.append(f"{name}: only in {old if there[0] else new}")
        elif name.endswith(".csv") and (wrong := maps_differ(old / name, new / name)):
            differences.append(f"{name}: {wrong}")
    return differences


def mesh_bytes(path: Path) -> bytes:
    """A PLY file from its elements on; the comments before them name the program's version."""
    content = path.read_bytes()
    return content[content.index(b"element vertex") :]


def maps_differ(old: Path, new: Path) -> str:
    """What is different in two angle maps, their sentences aside; empty where nothing is."""
    tables = []
    for path in (old, new):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            tables.append([{k: v for k, v in row.items() if k not in SENTENCES} for row in rows])
    if len(tables[0]) != len(tables[1]):
        return f"{len(tables[0])} and {len(tables[1])} views"
    wrong = sum(one != other for one, other in zip(*tables, strict=True))
    return f"{wrong} of {len(tables[0])} views differ" if wrong else ""


def main() -> int:
    """Compare, print, and report by the exit code whether anything but wording differs."""
    parser = argparse.ArgumentParser(description="Compare two results of spinect plan to the last digit.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    asked = parser.parse_args()
    folders = asked.old.is_dir() and asked.new.is_dir()
    plans = [path / "plan.json" if path.is_dir() else path for path in (asked.old, asked.new)]
    count, differences, reworded = compare_plans(plans[0], plans[1])
    if folders:
        differences += compare_folders(asked.old, asked.new)
    print(f"{count} values compared: {len(differences)} differ; {len(reworded)} sentences read otherwise")
    for title, found in (("differs", differences), ("reworded", reworded)):
        for line in found[:SHOWN]:
            print(f"  {title}: {line}")
        if len(found) > SHOWN:
            print(f"  {title}: and {len(found) - SHOWN} more")
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
