"""What `spinect_core` exports: that it is there, costs nothing until asked for, and that its examples run."""

import ast
import doctest
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import spinect_core

ROOT = Path(__file__).resolve().parents[2]
WHOLE_JOBS = ("plan_case", "plan_labels")
FUNCTIONS = [
    pytest.param(name, marks=pytest.mark.slow) if name in WHOLE_JOBS else name
    for name in sorted(spinect_core.__all__)
    if inspect.isfunction(getattr(spinect_core, name))
]
PARSER = doctest.DocTestParser()


def test_every_exported_name_leads_somewhere() -> None:
    for name in spinect_core.__all__:
        assert getattr(spinect_core, name) is not None
    assert set(spinect_core.__all__) <= set(dir(spinect_core))
    with pytest.raises(AttributeError, match="no_such_name"):
        spinect_core.no_such_name  # noqa: B018


def test_type_checkers_see_what_a_running_program_gets() -> None:
    tree = ast.parse((ROOT / "spinect_core" / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("spinect_core.")
        for alias in node.names
    }
    assert set(seen) == set(spinect_core.__all__)
    for name, module in seen.items():
        __import__(module)
        assert getattr(sys.modules[module], name) is getattr(spinect_core, name)


def test_importing_it_loads_nothing_else() -> None:
    code = "import sys, spinect_core; print(*(set(sys.modules) & {'numpy', 'scipy', 'SimpleITK', 'vtk', 'pyvista'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place where the demo case lies as in the source folder, and where examples may write."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "assets" / "demo", folder / "assets" / "demo")
    return folder


@pytest.mark.heavy
@pytest.mark.usefixtures("registered_once")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_function_runs(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    function = getattr(spinect_core, name)
    names = {each: getattr(spinect_core, each) for each in spinect_core.__all__}
    test = PARSER.get_doctest(inspect.getdoc(function), names, name, inspect.getsourcefile(function), None)
    assert test.examples, f"{name} has no example"
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, clear_globs=True)
    assert result.failed == 0, capsys.readouterr().out
