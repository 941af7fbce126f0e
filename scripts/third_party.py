"""Write THIRD_PARTY.md: the software of others, with versions and licences, from what is installed.

Run it again whenever constraints.txt changes: ``.venv/bin/python scripts/third_party.py``.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# Software of others

SPINECT Planner contains none of the software below; `pip` installs it beside the program, each part under its own
licence. Versions are those of `constraints.txt`. Written by `scripts/third_party.py`. `licenses/` holds in full the
licences of Embree and oneTBB, which come inside embreex, and of the surfaces that parts of the program derive from.

Qt (PySide6_Essentials, shiboken6) is used under the LGPL, version 3, and GEOS (inside shapely) under the LGPL, version
2.1, both unchanged and exchangeable. The Fortran runtime inside NumPy and SciPy is under the GPL with the exception for
programs that use it. Nothing else that the program uses is under the GPL or the LGPL.
"""

# What the packages' own metadata leaves out or puts as a whole text.
KNOWN = {"namex": "Apache-2.0"}

_NVIDIA = ("NVIDIA Software License Agreement", "https://developer.nvidia.com/cuda-zone", "extra cuda")

# Licence, address and place of what this script does not find installed on Linux with the extra dev alone.
ELSEWHERE = {
    "altgraph": ("MIT", "https://altgraph.readthedocs.io", "extra freeze"),
    "macholib": ("MIT", "https://github.com/ronaldoussoren/macholib", "extra freeze on macOS"),
    "nvidia-cublas-cu12": _NVIDIA,
    "nvidia-cuda-cupti-cu12": _NVIDIA,
    "nvidia-cuda-nvcc-cu12": _NVIDIA,
    "nvidia-cuda-nvrtc-cu12": _NVIDIA,
    "nvidia-cuda-runtime-cu12": _NVIDIA,
    "nvidia-cudnn-cu12": _NVIDIA,
    "nvidia-cufft-cu12": _NVIDIA,
    "nvidia-curand-cu12": _NVIDIA,
    "nvidia-cusolver-cu12": _NVIDIA,
    "nvidia-cusparse-cu12": _NVIDIA,
    "nvidia-nccl-cu12": _NVIDIA,
    "nvidia-nvjitlink-cu12": _NVIDIA,
    "pefile": ("MIT", "https://github.com/erocarrera/pefile", "extra freeze on Windows"),
    "pyinstaller": (
        "GPL-2.0-or-later, with an exception for the bundles it makes",
        "https://pyinstaller.org",
        "extra freeze",
    ),
    "pyinstaller-hooks-contrib": (
        "Apache-2.0 (what runs in a bundle), GPL-2.0-or-later (the rest)",
        "https://github.com/pyinstaller/pyinstaller-hooks-contrib",
        "extra freeze",
    ),
    "pyobjc-core": ("MIT", "https://github.com/ronaldoussoren/pyobjc", "macOS"),
    "pyobjc-framework-Cocoa": ("MIT", "https://github.com/ronaldoussoren/pyobjc", "macOS"),
    "pywin32-ctypes": (
        "BSD-3-Clause",
        "https://github.com/enthought/pywin32-ctypes",
        "Windows",
    ),
}


def closure(lines: list[str]) -> dict[str, Distribution]:
    """All installed distributions that requirements lead to on this system, by canonical name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(line) for line in lines]
    while waiting:
        wanted = waiting.pop()
        key = canonicalize_name(wanted.name)
        if key in found:
            continue
        try:
            found[key] = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, found[key].requires or []):
            marker = requirement.marker
            if not marker or any(marker.evaluate({"extra": extra}) for extra in {"", *wanted.extras}):
                waiting.append(requirement)
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


def elsewhere() -> str:
    """A Markdown table of what other systems and extras add."""
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    lines = ["| software | version | licence | address | where |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {pinned[name]} | {words} | {address} | {where} |"
        for name, (words, address, where) in ELSEWHERE.items()
    ]
    return "\n".join(lines)


def text() -> str:
    """The whole file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = closure(project["dependencies"])
    development = closure(project["optional-dependencies"]["dev"])
    only_dev = {key: entry for key, entry in development.items() if key not in runtime}
    return (
        f"{HEADER}\n## Used by the program\n\n{table(runtime)}\n\n"
        f"## Used to build and test it only\n\n{table(only_dev)}\n\n"
        f"## Added by other systems and extras\n\n{elsewhere()}\n"
    )


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY.md").write_text(text(), encoding="utf-8")
