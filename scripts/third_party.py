"""Write THIRD_PARTY.md: the software of others, with versions and licences, from what is installed.

Run it again whenever constraints.txt changes: ``.venv/bin/python scripts/third_party.py``.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# Software of others

SPINECT Planner contains none of the software below; `pip` installs it beside the program, each part under its own
licence. Versions are those of `constraints.txt`. Written by `scripts/third_party.py`.

pylibjpeg-libjpeg (decodes JPEG-compressed DICOM) is under the GPL, version 3. Whoever passes on a bundle that contains
it, such as an installer or a disk image, must follow that licence for the bundle. Qt (PySide6_Essentials, shiboken6) is
used under the LGPL, version 3, unchanged and exchangeable.
"""

# What the packages' own metadata leaves out or puts as a whole text.
KNOWN = {"namex": "Apache-2.0"}

# Comes with every environment and is pinned by none.
ASSUMED = {"setuptools"}


def closure(name: str, *, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """All installed distributions that ``name`` needs, itself left out, by canonical name."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        wanted, active = waiting.pop()
        for line in distribution(wanted).requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in active | {""}):
                continue
            key = canonicalize_name(requirement.name)
            try:
                entry = distribution(requirement.name)
            except PackageNotFoundError:
                continue
            if key not in found and key not in ASSUMED:
                found[key] = entry
                waiting.append((key, frozenset(requirement.extras)))
    return found


def licence(entry: Distribution) -> str:
    """The licence in a few words, from the newest field that names one."""
    data = entry.metadata.json
    if known := KNOWN.get(canonicalize_name(entry.name)):
        return known
    if expression := data.get("license_expression"):
        return str(expression)
    classified = [
        value.rpartition(" :: ")[2]
        for value in entry.metadata.get_all("Classifier") or []
        if value.startswith("License :: ") and not value.endswith(("OSI Approved", "Proprietary License"))
    ]
    if classified:
        return ", ".join(classified)
    text = str(data.get("license", "")).strip()
    if text and "\n" not in text and len(text) < 80:
        return text
    return "see the package"


def home(entry: Distribution) -> str:
    """The project's own address, or nothing."""
    links: dict[str, str] = {}
    for value in entry.metadata.get_all("Project-URL") or []:
        label, _, address = value.partition(",")
        links[label.strip().lower()] = address.strip()
    for label in ("homepage", "home", "source", "source code", "repository", "github", "documentation"):
        if label in links:
            return links[label]
    return next(iter(links.values()), str(entry.metadata.json.get("home_page", "")))


def table(entries: dict[str, Distribution]) -> str:
    """A Markdown table of distributions, sorted by name."""
    lines = ["| software | version | licence | address |", "|---|---|---|---|"]
    for _, entry in sorted(entries.items()):
        words = re.sub(r"\s+", " ", licence(entry)).replace("|", "/")
        lines.append(f"| {entry.name} | {entry.version} | {words} | {home(entry)} |")
    return "\n".join(lines)


def text() -> str:
    """The whole file."""
    runtime = closure("spinect-planner")
    development = closure("spinect-planner", extras=frozenset({"dev"}))
    only_dev = {key: entry for key, entry in development.items() if key not in runtime}
    return (
        f"{HEADER}\n## Used by the program\n\n{table(runtime)}\n\n"
        f"## Used to build and test it only\n\n{table(only_dev)}\n"
    )


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY.md").write_text(text(), encoding="utf-8")
