"""The shape of the project itself: what lies where, what may import what, what is declared, shipped and pinned."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "spinect_core")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

TOP_LEVEL = {
    *(".ci", ".editorconfig", ".gitattributes", ".github", ".gitignore", ".pre-commit-config.yaml"),
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE", "README.md"),
    *("SECURITY.md", "THIRD_PARTY.md"),
    *("app", "assets", "benchmarks", "constraints.txt", "docs", "licenses", "main.py", "mkdocs.yml"),
    *("pyproject.toml", "scripts"),
    *("spinect_core", "tests"),
}
POSIX_ONLY = {"crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
WINDOWS_ONLY = {"msvcrt", "winreg", "winsound"}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Top-level names of all that a module imports, inside functions as well."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listing.stdout.split("\0") if line and (ROOT / line).is_file()]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


# ------------------------------------------------------------------------------------------------------ what lies where


def test_top_level_holds_only_what_it_should() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert found <= TOP_LEVEL, f"new at the top level: {sorted(found - TOP_LEVEL)}"


def test_modules_are_named_by_what_lives_there() -> None:
    vague = {"utils", "util", "helpers", "misc", "common", "tools"}
    assert not [name_of(path) for path in sources() if path.stem in vague or path.parent.name in vague]


def test_tests_mirror_the_packages() -> None:
    core = ROOT / "tests" / "core"
    folders = {path.parent.relative_to(core) for path in core.rglob("test_*.py")} - {Path()}
    package = ROOT / "spinect_core"
    rooms = {path.parent.relative_to(package) for path in package.rglob("__init__.py")}
    assert folders <= rooms, f"tests of no package: {sorted(map(str, folders - rooms))}"


def test_test_modules_have_unique_names_and_no_packages() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert not [name_of(path) for path in tests if path.name == "__init__.py"]
    names = [path.name for path in tests if path.name.startswith("test_")]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


def test_licence_is_the_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_version_is_in_the_changelog() -> None:
    from spinect_core import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_readme_carries_the_notice_and_every_make_target() -> None:
    from spinect_core.base.versions import NOTICE

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert NOTICE in readme
    for target in ("run", "test", "lint", "docs", "bench", "clean"):
        assert f"make {target}" in readme


def test_readme_links_only_to_files_that_are_there() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        text = document.read_text(encoding="utf-8")
        targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)", text)
        gone = [target for target in targets if not (document.parent / target).exists()]
        assert not gone, f"{name_of(document)} links to {gone}"


# ---------------------------------------------------------------------------------------------------- what may be there


def test_the_core_names_no_option_of_a_command_line() -> None:
    """Only the command line knows its options; everything else names a setting, which it puts its option for."""
    found = []
    for path in sorted((ROOT / "spinect_core").rglob("*.py")):
        tree = tree_of(path)
        # A module that is a program of its own has a command line of its own, and so has the program as its own child.
        own = "argparse" in imports(path) or name_of(path) == "spinect_core/base/child.py"
        if own or path.parent.name == "cli":
            continue
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        texts = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and _docstring(node)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in texts:
                continue
            # What a frozen program says to itself, and nobody types.
            if (path.name, node.value) == ("child.py", "--child"):
                continue
            words = node.value.replace("pip install --upgrade", "")
            if re.search(r"(?<![\w-])--[a-z]", words):
                found.append(f"{name_of(path)}:{node.lineno} {node.value!r}")
    assert not found


def test_files_are_written_by_the_one_writer() -> None:
    others = {
        # logs that grow line by line
        "spinect_core/base/log.py",
        "spinect_core/research/training/run_folder.py",
        # folders of their own that nobody else sees and that go when the work is done
        "spinect_core/io/pacs/arriving.py",
        "spinect_core/io/reading/archives.py",
        "spinect_core/io/reading/images.py",
        "spinect_core/segmentation/process.py",
        "spinect_core/segmentation/worker.py",
        "spinect_core/base/files.py",
        # members of a zip that the one writer writes
        "spinect_core/io/slicer_out/scene.py",
        # a pipe to the program that started it
        "spinect_core/io/native_worker.py",
        "spinect_core/base/piped.py",
    }
    found = set()
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            modes = [word.value for word in [*node.args, *node.keywords] if isinstance(word, ast.Constant)]
            modes += [word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)]
            opened = name in ("open", "fdopen") and any(
                isinstance(mode, str) and re.fullmatch(r"[wax]b?\+?|[wax]\+?b?", mode) for mode in modes
            )
            if opened or name in ("write_text", "write_bytes", "mkstemp", "NamedTemporaryFile"):
                found.add(name_of(path))
    assert found - others == set()
    assert others <= found, "no longer written by itself"


def test_every_setting_that_an_error_names_is_an_option() -> None:
    from spinect_core import cli

    commands = next(
        action for action in cli.whole_parser()._actions if isinstance(action.choices, dict)
    ).choices
    known = {action.dest for parser in commands.values() for action in parser._actions}
    named = set()
    for path in sorted((ROOT / "spinect_core").rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                named |= {
                    word.value.value
                    for word in node.keywords
                    if word.arg == "parameter" and isinstance(word.value, ast.Constant)
                }
    assert named
    assert named <= known


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Put together here, so that this file does not name them either.
    forbidden = [
        *("/" + word + "/" for word in ("work", "root", "opt/pypi", "opt/wheels")),
        "/home/" + "user",
        "pypi.org/" + "simple",
        "files.python" + "hosted.org",
        "--index" + "-url",
        "deb.debian" + ".org",
    ]
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name_of(path)}: {word}"
            for word in forbidden
            if re.search(rf"(?<![\w.]){re.escape(word)}", text)
        ]
    assert not found


def test_code_runs_on_windows_and_macos_too() -> None:
    faults = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        asks_first = any(
            word in text for word in ("sys.platform", "os.name", "ModuleNotFoundError", "ImportError")
        )
        bound = sorted((POSIX_ONLY | WINDOWS_ONLY) & imports(path))
        if re.search(r"""["']/(tmp|dev|proc|etc|usr)/""", text):
            bound.append("a fixed path")
        if bound and not asks_first:
            faults.append(f"{name_of(path)}: {bound} is not everywhere")
        if "os.fork(" in text or re.search(r"""get_context\(\s*["']fork""", text):
            faults.append(f"{name_of(path)}: processes are spawned")
    assert not faults


def test_no_module_imports_in_a_circle() -> None:
    script = ROOT / "scripts" / "architecture.py"
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_core_starts_without_qt_and_without_an_engine() -> None:
    heavy = ("tensorflow", "keras", "openvino", "torch", "PySide6", "qtpy", "pyvistaqt", "app")
    code = f"import sys, spinect_core.cli; print(*(set(sys.modules) & set({heavy!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# ------------------------------------------------------------------------------------ what is declared, shipped, pinned


def test_every_import_is_a_declared_dependency() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    providers = packages_distributions()
    # torch is one of Keras's backends for training; nobody who only plans needs it.
    optional = {"torch"}
    undeclared = {}
    for path in [*sources(), ROOT / "main.py"]:
        for name in imports(path) - set(sys.stdlib_module_names) - set(PACKAGES) - optional:
            if not {canonicalize_name(provider) for provider in providers.get(name, [])} & declared:
                undeclared.setdefault(name, name_of(path))
    assert not undeclared


def test_every_declared_dependency_is_imported() -> None:
    providers = packages_distributions()
    used = {
        canonicalize_name(provider)
        for path in [*sources(), ROOT / "main.py"]
        for name in imports(path)
        for provider in providers.get(name, [])
    }
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    assert declared <= used


def test_nothing_that_the_program_uses_is_under_the_gpl_alone() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    lines = text.partition("## Used by the program")[2].partition("\n## ")[0].splitlines()
    assert any("LGPL" in line for line in lines), "the list says which licences there are"
    assert not [line for line in lines if re.search(r"GPL|GNU", line) and "LGPL" not in line]


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pinned = pins()
    lines = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    for requirement in map(Requirement, lines):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement} but {version} is pinned"
        )


def test_constraints_name_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.!+-]+", line)]
    assert not wrong
    assert not {"pip", "spinect-planner"} & set(pins())


def test_third_party_list_shows_the_pinned_versions() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    listed = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^\| ([\w.-]+) \| ([^ ]+) \|", text, re.MULTILINE)
        if name != "software"
    }
    stale = {name: version for name, version in listed.items() if pins().get(name) != version}
    assert not stale, "run scripts/third_party.py"
    direct = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    assert direct <= set(listed), "run scripts/third_party.py"


@pytest.mark.parametrize(
    ("group", "name"), [("console_scripts", "spinect"), ("gui_scripts", "spinect-planner")]
)
def test_scripts_lead_to_a_function(group: str, name: str) -> None:
    [script] = entry_points(group=group, name=name)
    assert callable(script.load())


def test_wheel_holds_the_packages_and_the_assets(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == set(PACKAGES)
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        if parts[0] == "assets":
            assert "/".join(("spinect_core", "_assets", *parts[1:])) in names
        elif parts[0] in PACKAGES:
            assert "/".join(parts) in names
    licences = {name.partition(".dist-info/licenses/")[2] for name in names} - {""}
    in_full = {path.relative_to(ROOT).as_posix() for path in (ROOT / "licenses").iterdir()}
    assert licences == {"LICENSE", "NOTICE"} | in_full
    for_desktops = {name.partition(".data/data/")[2] for name in names} - {""}
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert for_desktops == set(shared.values())

    # What was unpacked must run on its own, from a folder that knows nothing of the source tree.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = "import sys, spinect_core.cli as cli; print(cli.__file__); sys.exit(cli.main(['info']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(tmp_path / "site")
    assert str(ROOT) not in done.stdout
