"""The documents: links and anchors that hold, no page left out, the generated ones up to date, a site that builds."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import spinect_core
from spinect_core.base import errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


def script(name: str) -> ModuleType:
    """A module of scripts/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_the_command_line_is_what_the_parsers_say() -> None:
    module = script("document_cli")
    assert module.PAGE.read_text(encoding="utf-8") == module.text(), "run scripts/document_cli.py"


def test_the_table_of_rules_is_that_of_the_program() -> None:
    module = script("rules_table")
    text = module.PAGE.read_text(encoding="utf-8")
    assert module.page(text) == text, "run scripts/rules_table.py"


@pytest.mark.heavy
def test_the_page_on_the_command_line_names_every_option() -> None:
    text = script("document_cli").text()
    help_text = subprocess.run(
        [sys.executable, "-m", "spinect_core", "train", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", help_text, re.MULTILINE)) - {"--help"}
    assert len(options) > 30
    section = text.partition("## `spinect train`")[2].partition("\n## ")[0]
    assert not [option for option in options if f"{option} " not in section and f"{option}`" not in section]


def test_the_page_on_errors_names_every_exit_code() -> None:
    rows = re.findall(
        r"^\| (\d+) \| (.*?) \|", (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8"), re.MULTILINE
    )
    on_page = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
    in_program = {
        kind.__name__: kind.exit_code
        for kind in kinds
        if issubclass(kind, errors.SpinectError) and kind is not errors.SpinectError
    }
    assert on_page == in_program


def test_the_page_on_python_names_all_that_is_exported() -> None:
    text = (ROOT / "docs" / "reference" / "python.md").read_text("utf-8")
    in_table = "".join(line for line in text.splitlines() if line.startswith("|"))
    assert set(spinect_core.__all__) == set(re.findall(r"`(\w+)(?:\(.*?\))?`", in_table))


def leaves(nav: object) -> list[str]:
    """The pages of a navigation, however deep."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in leaves(part)]


@pytest.fixture(scope="module")
def config() -> dict[str, object]:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def test_every_page_has_its_place_in_the_site(config: dict[str, object]) -> None:
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    on_top = {name for name in script("document_root").PAGES.values() if name.endswith(".md")}
    assert sorted(leaves(config["nav"])) == sorted(there | on_top)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_headings_that_are_there(page: Path) -> None:
    for target, anchor in re.findall(
        r"\]\((?!https?://|mailto:)([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8")
    ):
        text = ((page.parent / target) if target else page).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        slugs = {
            re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).strip().replace(" ", "-")
            for heading in headings
        }
        assert anchor in slugs, f"{target or page.name}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_of_the_project_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"`((?:app|spinect_core|scripts|tests|benchmarks|assets)/[\w./-]+)`", text))
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.heavy
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert not built.stderr.strip()
    pages = list(tmp_path.rglob("*.html"))
    assert (tmp_path / "index.html") in pages
    for page in pages:
        html = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=\"?([^\" >]+)", html)
        loaded += re.findall(r"<link[^>]*\bhref=\"?([^\" >]+)", html)
        assert loaded
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)]
    for sheet in tmp_path.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8"))
