"""``spinect info``: what is installed and what will run."""

from __future__ import annotations

import argparse
import os
from typing import Any

from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel
from spinect_core.base.versions import NOTICE
from spinect_core.cli.parser import Commands, add_command
from spinect_core.cli.speaking import print_json

DESCRIPTION = """\
Prints versions, processor, memory, GPU, weights, and whether this computer renders. Send it with a question."""

EXAMPLES = """\
  spinect info
  spinect info --json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "info", "versions, devices, weights, rendering", DESCRIPTION, EXAMPLES)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, cancel: Cancel) -> int:
    """Collect and print."""
    facts = collect()
    if options.json:
        print_json(facts)
        return 0
    width = max(len(name) for part in facts.values() for name in part)
    for title, part in facts.items():
        print(title)
        for name, value in part.items():
            print(f"  {name.ljust(width)}  {value}")
    print(NOTICE)
    return 0


def collect() -> dict[str, dict[str, Any]]:
    """All facts by heading, found without importing an engine."""
    from spinect_core.base.log import log_folder
    from spinect_core.base.versions import installed_versions

    return {
        "versions": dict(installed_versions()),
        "computer": _computer(),
        "segmentation": _segmentation(),
        "rendering": _rendering(),
        "folders": {"logs": str(log_folder())},
    }


def _computer() -> dict[str, Any]:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "processor cores": os.cpu_count() or 1,
        "memory": f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free",
    }


def _segmentation() -> dict[str, Any]:
    from spinect_core.segmentation.choice import candidates, gpu_present
    from spinect_core.segmentation.weights import (
        FILE_NAME,
        ORGAN_FILE_NAME,
        weights_hash,
        weights_path,
    )

    facts: dict[str, Any] = {"GPU": "found" if gpu_present() else "none that TensorFlow could use"}
    facts["will run"] = ", else ".join(f"{c.engine} on the {c.device.upper()}" for c in candidates())
    for title, name in (("weights", FILE_NAME), ("organ weights", ORGAN_FILE_NAME)):
        try:
            path = weights_path(name)
            facts[title] = f"{name}, {path.stat().st_size / 1e6:.0f} MB, sha256 {weights_hash(path)[:16]}"
        except (SpinectError, OSError) as error:
            facts[title] = f"not usable ({error})"
    return facts


def _rendering() -> dict[str, Any]:
    from spinect_core.base.opengl import probe_opengl

    opengl = probe_opengl()
    if not opengl.works:
        return {"OpenGL": f"not usable: {opengl.fault}"}
    return {"OpenGL": opengl.version or "works", "renderer": opengl.renderer or "unknown"}
