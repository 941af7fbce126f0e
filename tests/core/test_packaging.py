"""What a package, a desktop and a code host need: pins for every system, licences, entries, forms, citation."""

import functools
import json
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from spinect_core import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DESKTOP = ROOT / "assets" / "desktop"
ID = "org.spinect.planner"
PLAN_TYPE = "application/x-spinect-plan"

SYSTEMS = {
    "linux": ("Linux", "posix", "x86_64"),
    "win32": ("Windows", "nt", "AMD64"),
    "darwin": ("Darwin", "posix", "arm64"),
}
PYTHONS = ("3.11", "3.12", "3.13")
# Under a package that is installed on another system or with another extra only: its own metadata is not here to ask.
OUT_OF_SIGHT = {
    *("altgraph", "macholib", "pefile", "pyinstaller-hooks-contrib", "pywin32-ctypes"),  # pyinstaller
    "pyobjc-core",  # pyobjc-framework-cocoa
}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def all_requirements() -> list[Requirement]:
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def environments() -> Iterator[dict[str, str]]:
    for system, (name, kind, machine) in SYSTEMS.items():
        for python in PYTHONS:
            yield {
                **{"sys_platform": system, "platform_system": name, "os_name": kind},
                **{
                    "platform_machine": machine,
                    "python_version": python,
                    "python_full_version": f"{python}.9",
                },
                **{"implementation_name": "cpython", "platform_python_implementation": "CPython"},
            }


@functools.cache
def requirements_of(name: str) -> tuple[Requirement, ...]:
    try:
        return tuple(map(Requirement, distribution(name).requires or []))
    except PackageNotFoundError:
        return ()


def reached(environment: dict[str, str]) -> dict[str, Requirement]:
    """What pip would take there, by name, as far as the packages installed here tell."""
    found: dict[str, Requirement] = {}
    asked: set[str] = set()
    waiting = all_requirements()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in asked:
            continue
        asked.add(str(wanted))
        found.setdefault(canonicalize_name(wanted.name), wanted)
        for line in requirements_of(wanted.name):
            here = [{**environment, "extra": extra} for extra in {"", *wanted.extras}]
            if line.marker is None or any(map(line.marker.evaluate, here)):
                waiting.append(line)
    return found


def test_every_package_of_every_system_is_pinned() -> None:
    pinned = pins()
    for environment in environments():
        missing = {name: str(line) for name, line in reached(environment).items() if name not in pinned}
        assert not missing, (environment["sys_platform"], environment["python_version"])


def test_the_walk_sees_other_systems_and_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    # What PyInstaller itself requires is known here only where it is installed, which the tests do not ask for.
    known = requirements_of
    frozen = (Requirement("pywin32-ctypes; sys_platform == 'win32'"),)
    monkeypatch.setitem(
        globals(), "requirements_of", lambda name: frozen if name == "pyinstaller" else known(name)
    )
    by_system = {environment["sys_platform"]: set(reached(environment)) for environment in environments()}
    assert {"nvidia-cudnn-cu12", "setuptools", "pyinstaller"} <= by_system["linux"]
    assert "pywin32-ctypes" in by_system["win32"] - by_system["linux"]
    assert "pyobjc-framework-cocoa" in by_system["darwin"] - by_system["linux"]


def test_no_pin_is_left_over() -> None:
    needed = set().union(*map(reached, environments()))
    assert not set(pins()) - needed - OUT_OF_SIGHT


def test_pins_keep_every_bound_on_them() -> None:
    pinned = pins()
    for environment in environments():
        for name in reached(environment):
            for line in requirements_of(name):
                version = pinned.get(canonicalize_name(line.name))
                if version and (line.marker is None or line.marker.evaluate({**environment, "extra": ""})):
                    assert line.specifier.contains(version, prereleases=True), f"{name} needs {line}"


@pytest.mark.parametrize(
    "python", ["3.11.2", "3.12.3", "3.13.5"], ids=["Debian 12", "Ubuntu 24.04", "Debian 13"]
)
def test_pins_suit_the_pythons_that_systems_bring(python: str) -> None:
    refused = {}
    for name in pins():
        try:
            wanted = distribution(name).metadata["Requires-Python"]
        except PackageNotFoundError:
            continue
        if wanted and not SpecifierSet(wanted).contains(python):
            refused[name] = wanted
    assert not refused


def test_every_pin_has_its_licence_in_the_list() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[^ ]*) \| (.+?) \|", text, re.MULTILINE)
    assert {canonicalize_name(name): version for name, version, _ in rows} == pins(), (
        "run scripts/third_party.py"
    )
    assert all(words.strip() for _, _, words in rows)


# ------------------------------------------------------------------------------------------------------------ the wheel


def test_licences_are_whole() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "licenses").iterdir()}
    apache = (ROOT / "LICENSE").read_text(encoding="utf-8")
    terms = apache[apache.index("TERMS AND CONDITIONS") : apache.index("END OF TERMS")].split()
    for name in ("embree", "onetbb"):
        assert " ".join(terms) in " ".join(texts[name].split()), name
        assert "Intel Corporation" in texts[name]
    surfaces = texts["visible-human-surfaces"]
    assert "Copyright (c) 2021, Robin Remus" in surfaces
    assert "ARISING IN ANY WAY OUT OF THE USE\nOF THIS SOFTWARE, EVEN IF ADVISED" in surfaces


def test_the_wheel_puts_the_desktop_files_where_a_desktop_looks() -> None:
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert set(shared.values()) == {
        f"share/applications/{ID}.desktop",
        f"share/applications/{ID}.link.desktop",
        f"share/metainfo/{ID}.metainfo.xml",
        f"share/mime/packages/{ID}.xml",
        f"share/icons/hicolor/scalable/apps/{ID}.svg",
        f"share/icons/hicolor/scalable/mimetypes/{PLAN_TYPE.replace('/', '-')}.svg",
    }
    assert all((ROOT / path).is_file() for path in shared)


# ---------------------------------------------------------------------------------------------------------- the desktop


def entry(name: str = ID) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(DESKTOP / f"{name}.desktop", encoding="utf-8")
    return dict(parser["Desktop Entry"])


def test_the_desktop_entry_starts_the_window_with_a_plan() -> None:
    known = entry()
    program, argument = known["Exec"].split()
    assert program in PROJECT["project"]["gui-scripts"]
    assert argument == "%f"
    assert known["MimeType"].split(";") == [PLAN_TYPE, ""]
    assert known["Icon"] == ID


def test_the_desktop_hands_links_to_the_window() -> None:
    known = entry(f"{ID}.link")
    assert known["Exec"] == f"{entry()['Exec'].split()[0]} %u"
    assert known["MimeType"] == "x-scheme-handler/spinect;"
    assert known["NoDisplay"] == "true"


def test_a_plan_is_known_by_its_name_and_its_first_bytes() -> None:
    from spinect_core.plan.document import FORMAT, HEAD, SUFFIX, pack

    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    kind = ET.parse(DESKTOP / f"{ID}.mime.xml").getroot().find("m:mime-type", space)
    assert kind is not None
    assert kind.get("type") == PLAN_TYPE
    assert [glob.get("pattern") for glob in kind.findall("m:glob", space)] == [f"*{SUFFIX}"]
    inner = kind.find("m:magic/m:match/m:match", space)
    assert inner is not None
    offset = int(inner.get("offset", ""))
    start = pack(json.dumps({"format": FORMAT}).encode(), {"labels/region.u8": b"\0"}, "any.spinect")[
        : offset + len(HEAD)
    ]
    assert start.startswith(b"PK\3\4")
    assert start[offset:].decode() == inner.get("value") == HEAD


@pytest.mark.parametrize(
    ("tool", "file"),
    [
        (["desktop-file-validate"], f"{ID}.desktop"),
        (["desktop-file-validate"], f"{ID}.link.desktop"),
        (["appstreamcli", "validate", "--no-net"], f"{ID}.metainfo.xml"),
    ],
)
def test_the_desktop_s_own_tools_find_no_fault(tool: list[str], file: str) -> None:
    if shutil.which(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    done = subprocess.run([*tool, str(DESKTOP / file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_software_centre_is_told_of_the_same_program() -> None:
    root = ET.parse(DESKTOP / f"{ID}.metainfo.xml").getroot()
    assert root.findtext("id") == ID
    assert root.findtext("launchable") == f"{ID}.desktop"
    assert root.findtext("project_license") == PROJECT["project"]["license"]
    assert root.findtext("provides/mediatype") == PLAN_TYPE
    scripts = {*PROJECT["project"]["scripts"], *PROJECT["project"]["gui-scripts"]}
    assert {binary.text for binary in root.iterfind("provides/binary")} == scripts
    words = " ".join("".join(root.itertext()).split())
    assert "Not cleared for clinical use" in words


# ------------------------------------------------------------------------------ citation, checks and forms of the host


def read_yaml(*parts: str) -> Any:
    return yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8"))


def test_the_citation_names_this_version_and_the_paper() -> None:
    citation = read_yaml("CITATION.cff")
    assert citation["version"] == __version__
    assert citation["license"] == PROJECT["project"]["license"]
    paper = citation["preferred-citation"]
    assert (paper["volume"], paper["start"], paper["end"], paper["year"]) == (40, 1074, 1081, 2019)
    notice = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").lower().split())
    assert paper["title"].lower() in notice


def test_the_matrix_holds_every_system_and_python_that_is_promised() -> None:
    matrix = read_yaml(".github", "workflows", "checks.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["system"]} == {"ubuntu", "windows", "macos"}
    promised = [
        line.rpartition(" :: ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    ]
    assert matrix["python"] == promised == list(PYTHONS)


def test_hooks_run_tools_that_are_installed() -> None:
    hooks = [
        hook for repository in read_yaml(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]
    ]
    assert {"ruff", "ruff-format", "mypy", "lint-imports"} <= {hook["id"] for hook in hooks}
    scripts = {
        script.name
        for name in ("ruff", "mypy", "import-linter", "pre-commit-hooks")
        for script in distribution(name).entry_points
    }
    for hook in hooks:
        runner, tool = hook["entry"].split()[:2]
        assert runner == "scripts/in-venv.sh"
        assert tool in scripts | {"ruff"}, tool


def test_forms_ask_for_what_a_report_needs() -> None:
    forms = ROOT / ".github" / "ISSUE_TEMPLATE"
    names = {path.stem for path in forms.glob("*.yml")} - {"config"}
    assert names == {"bug", "wrong-plan", "feature"}
    for name in names:
        form = read_yaml(".github", "ISSUE_TEMPLATE", f"{name}.yml")
        assert {"name", "description", "body"} <= set(form)
        fields = [part for part in form["body"] if part["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields)
        assert all(field["attributes"]["label"] for field in fields)
        if name != "feature":
            [info] = [field for field in fields if field["id"] == "info"]
            assert "spinect info" in info["attributes"]["label"]
            assert info["validations"]["required"]
            assert "o patient data" in form["body"][0]["attributes"]["value"]


def test_setup_lists_debian_packages() -> None:
    if sys.platform == "win32":
        pytest.skip("setup.sh is for bash")
    command = ["bash", "scripts/setup.sh", "--list-system-packages"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"libgl1", "libegl1", "xvfb", "xauth", "dicom3tools"} <= set(done.stdout.split())
