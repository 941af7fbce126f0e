"""Measures the building: rooms, the depth of its layers, the pairs of rooms that import one another, cycles.

    python scripts/architecture.py              the summary
    python scripts/architecture.py --pairs      and every pair of rooms with the imports that make it
    python scripts/architecture.py --json F     the summary as JSON

A room is what lies directly in one of the two packages: a sub-package with all that is in it, or a loose module.
Imports inside functions count; those for the type checker alone (``TYPE_CHECKING``) count too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import grimp
import networkx as nx

PACKAGES = ("app", "spinect_core")
Pair = tuple[str, str]


def room_of(module: str) -> str:
    """The room that a module lies in: its first two names; a package's own ``__init__`` is its face."""
    return ".".join(module.split(".")[:2])


def pairs_of_rooms(graph: grimp.ImportGraph) -> dict[Pair, list[Pair]]:
    """For each pair of rooms (importing, imported) the imports that make it."""
    found: dict[Pair, list[Pair]] = defaultdict(list)
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            pair = room_of(importer), room_of(imported)
            if pair[0] != pair[1] and not set(pair) & set(PACKAGES):
                found[pair].append((importer, imported))
    return dict(found)


def knots(pairs: Iterable[Pair]) -> list[list[str]]:
    """Sets of nodes that reach one another, larger than one."""
    components = nx.strongly_connected_components(nx.DiGraph(sorted(pairs)))
    return sorted(sorted(component) for component in components if len(component) > 1)


def floors(rooms: set[str], pairs: set[Pair]) -> dict[int, list[str]]:
    """The rooms of each floor, from 1: one above the highest that a room imports. Rooms of a cycle share a floor."""
    graph = nx.DiGraph(sorted(pairs))
    graph.add_nodes_from(rooms)
    condensed = nx.condensation(graph)
    height: dict[int, int] = {}
    for component in reversed(list(nx.topological_sort(condensed))):
        height[component] = 1 + max((height[below] for below in condensed.successors(component)), default=0)
    found: dict[int, list[str]] = defaultdict(list)
    for component, floor in height.items():
        found[floor] += sorted(condensed.nodes[component]["members"])
    return dict(found)


def main() -> int:
    """Print the measures; the exit code says whether rooms or modules import one another in a circle."""
    parser = argparse.ArgumentParser(description="Measure rooms, layers and imports.")
    parser.add_argument("--pairs", action="store_true", help="list every pair with its imports")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the summary as JSON")
    asked = parser.parse_args()

    sys.path.insert(0, str(Path.cwd()))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    made_by = pairs_of_rooms(graph)
    rooms = {room_of(module) for module in graph.modules} - set(PACKAGES)
    by_floor = floors(rooms, set(made_by))
    modules = [(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)]
    summary = {
        "modules": len(graph.modules),
        "rooms": len(rooms),
        "layers": len(by_floor),
        "pairs of rooms": len(made_by),
        "cycles of rooms": knots(made_by),
        "cycles of modules": knots(modules),
    }
    for name, value in summary.items():
        print(f"{name:20s} {value}")
    for floor in sorted(by_floor, reverse=True):
        print(f"{floor:3d}  {', '.join(sorted(by_floor[floor]))}")
    if asked.pairs:
        for (importing, imported), imports in sorted(made_by.items()):
            print(f"{importing} -> {imported}: {len(imports)}")
            for importer, target in imports[:6]:
                print(f"    {importer} -> {target}")
    if asked.json:
        asked.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return 1 if summary["cycles of rooms"] or summary["cycles of modules"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
