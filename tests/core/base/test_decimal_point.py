"""Numbers have a point in every file that is read or written, in a process whose C library writes a comma."""

from __future__ import annotations

import ast
import hashlib
import locale
from pathlib import Path

import numpy as np
import pytest
from comma_locale import ROOT, run_with_comma

from spinect_core.base.decimal_point import keep_decimal_point

COMMA = (
    "import locale\nlocale.setlocale(locale.LC_ALL, '')\nassert locale.localeconv()['decimal_point'] == ','\n"
)
ENDINGS = ("nii", "nii.gz", "nrrd", "mha")
NATIVE = {("sitk", "ReadImage"), ("sitk", "WriteImage"), ("pv", "read"), ("sitk", "ImageFileReader")}
GUARDS = {"keep_decimal_point", "quiet_itk", "quiet_vtk"}


def tilted():
    """The example CT in a place and pose whose numbers all have decimals."""
    from dicom_maker import example_volume
    from scipy.spatial.transform import Rotation

    return example_volume(direction=Rotation.from_euler("xyz", (12.5, -7.25, 3.75), degrees=True).as_matrix())


def write_all(folder: Path) -> dict[str, str]:
    """Every kind of file that the program writes numbers into, and the checksum of each."""
    import SimpleITK as sitk
    from plan_maker import full_document, full_plan

    from spinect_core.image.volume import Labels, to_sitk
    from spinect_core.io.writing import write_dicom_series, write_labels, write_volume
    from spinect_core.plan.document import write_document
    from spinect_core.plan.plan import write_plan
    from spinect_core.surfaces.files import write_surface

    folder.mkdir(parents=True)
    volume = tilted()
    for ending in ENDINGS:
        write_volume(volume, folder / f"ct.{ending}")
        write_labels(
            Labels((volume.array % 3).astype(np.uint8), volume.geometry), folder / f"labels.{ending}"
        )
    write_dicom_series(volume, folder / "dicom")
    sitk.WriteImage(to_sitk(volume.array, volume.geometry), str(folder / "other.nii"))
    write_plan(full_plan(), folder / "plan.json")
    write_document(full_document(), folder / "plan.spinect")
    import pyvista as pv

    for ending in ("ply", "stl"):
        write_surface(pv.Cube(center=(1.5, 2.25, -3.125)).triangulate(), folder / f"bone.{ending}")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def read_all(folder: Path) -> str:
    """Whether every file that `write_all` wrote is read to the same numbers; says which are not."""
    from plan_maker import full_document, full_plan

    from spinect_core.io.reading import read_ct, read_labels
    from spinect_core.plan.document import read_document
    from spinect_core.plan.plan import read_plan

    truth = tilted()
    wrong = []
    for name in (*(f"ct.{ending}" for ending in ENDINGS), "dicom"):
        found = read_ct(folder / name)
        if not found.geometry.same_grid(truth.geometry, 1e-3) or not np.array_equal(found.array, truth.array):
            wrong.append(name)
    wrong += [
        f"labels.{ending}"
        for ending in ENDINGS
        if not read_labels(folder / f"labels.{ending}").geometry.same_grid(truth.geometry, 1e-3)
    ]
    if read_plan(folder / "plan.json") != full_plan():
        wrong.append("plan.json")
    if read_document(folder / "plan.spinect").plan != full_document().plan:
        wrong.append("plan.spinect")
    return " ".join(wrong)


def test_files_written_under_a_comma_are_the_same_to_the_byte(tmp_path: Path) -> None:
    expected = write_all(tmp_path / "point")
    code = COMMA + (
        "import sys\nfrom pathlib import Path\nfrom core.base.test_decimal_point import write_all\n"
        "for name, checksum in write_all(Path(sys.argv[1])).items(): print(name, checksum)\n"
    )
    found = dict(line.split() for line in run_with_comma(code, tmp_path, tmp_path / "comma").splitlines())
    assert found == expected


def test_files_read_under_a_comma_have_the_same_numbers(tmp_path: Path) -> None:
    write_all(tmp_path / "point")
    assert read_all(tmp_path / "point") == ""
    code = COMMA + (
        "import sys\nfrom pathlib import Path\nfrom core.base.test_decimal_point import read_all\n"
        "print(read_all(Path(sys.argv[1])))\n"
    )
    assert run_with_comma(code, tmp_path, tmp_path / "point").strip() == ""


def test_the_fault_is_there_without_the_guard_and_gone_with_it(tmp_path: Path) -> None:
    """Else the tests above could pass in a locale that harms nothing."""
    write_all(tmp_path / "point")
    code = COMMA + (
        "import sys, SimpleITK as sitk\n"
        "from spinect_core.base.decimal_point import keep_decimal_point\n"
        "print(sitk.ReadImage(sys.argv[1]).GetOrigin()[0])\n"
        "keep_decimal_point()\n"
        "print(sitk.ReadImage(sys.argv[1]).GetOrigin()[0])\n"
    )
    without, with_guard = run_with_comma(code, tmp_path, tmp_path / "point" / "ct.nrrd").split()
    assert float(without) == -31
    assert float(with_guard) == pytest.approx(-31.5)


def test_it_leaves_everything_else_of_the_locale_alone() -> None:
    before = locale.setlocale(locale.LC_CTYPE)
    keep_decimal_point()
    assert locale.setlocale(locale.LC_NUMERIC) == "C"
    assert locale.setlocale(locale.LC_CTYPE) == before


def called_names(tree: ast.AST) -> set[tuple[str, str]]:
    return {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    }


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def test_every_function_that_calls_a_native_reader_or_writer_keeps_the_point() -> None:
    guarded, open_ones = 0, []
    for package in ("spinect_core", "app"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for function in functions(path):
                if not called_names(function) & NATIVE:
                    continue
                names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                guarded += 1
                if not names & GUARDS:
                    open_ones.append(f"{path.relative_to(ROOT)}: {function.name}")
    assert open_ones == []
    assert guarded >= 5


def test_every_application_object_is_followed_by_the_point() -> None:
    """Qt takes the number format of the user when it is made."""
    made = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for function in functions(path):
            calls = [
                node.func.id
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            ]
            if {"QApplication", "QGuiApplication", "QCoreApplication"} & set(calls):
                made.append(path.name)
                assert "keep_decimal_point" in calls, path
    assert sorted(made) == ["gl_probe.py", "main.py"]
