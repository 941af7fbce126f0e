"""What reading noticed stands in plan and document, once, and for as long as there is a plan."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from plan_maker import full_document, full_plan, small_ct

from spinect_core.base.errors import OutputError, PlanError
from spinect_core.image.warning import MOST_WARNINGS, ReadingWarning
from spinect_core.plan.document import read_document, write_document
from spinect_core.plan.label_warnings import keep_warnings, warnings_of_labels, warnings_path
from spinect_core.plan.plan import Case, Plan, read_plan, write_plan

GRAVE = ReadingWarning("The scale to Hounsfield units is missing", grave=True, code="no-scale")
MILD = ReadingWarning("2 files of the folder cannot be used")
CT = replace(small_ct(), warnings=(MILD, GRAVE))


def test_a_plan_holds_what_reading_noticed_and_no_name(tmp_path: Path) -> None:
    plan = full_plan(CT)
    write_plan(plan, tmp_path / "plan.json")
    stored = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert stored["case"]["warnings"] == [
        {"text": MILD.text, "grave": False, "code": ""},
        {"text": GRAVE.text, "grave": True, "code": "no-scale"},
    ]
    again = read_plan(tmp_path / "plan.json")
    assert again == plan
    assert again.case.reading_warnings == (MILD, GRAVE)


def test_a_document_keeps_them_however_often_it_is_saved(tmp_path: Path) -> None:
    document, path = full_document(CT), tmp_path / "case.spinect"
    for _ in range(3):
        write_document(document, path)
        document = read_document(path)
        document = replace(
            document, plan=document.plan.replaced(case=document.plan.case.with_warnings(CT.warnings))
        )
    assert document.plan.case.reading_warnings == (MILD, GRAVE)
    assert document.matches(small_ct()), "the same CT is known without its warnings"


def test_another_reading_of_the_ct_adds_and_takes_nothing_away() -> None:
    case = Case.of(CT)
    other = ReadingWarning("The pictures were compressed with loss", grave=True)
    assert case.with_warnings([]) == case
    assert case.with_warnings([other]).reading_warnings == (other, MILD, GRAVE)
    assert case.with_warnings([other]).same_ct(case)


def test_a_plan_without_warnings_is_still_read() -> None:
    data = full_plan(CT).to_dict()
    del data["case"]["warnings"]
    assert Plan.from_dict(data).case.warnings == ()


@pytest.mark.parametrize(
    "warnings",
    [
        None,
        "text",
        [{"grave": True}],
        [{"text": 5}],
        [{"text": " "}],
        [{"text": "a", "grave": "yes"}],
        [{"text": str(number)} for number in range(MOST_WARNINGS + 1)],
    ],
)
def test_what_are_no_warnings_is_refused_with_the_place(warnings: object) -> None:
    data = full_plan(CT).to_dict()
    data["case"]["warnings"] = warnings
    with pytest.raises(PlanError, match="case: warnings"):
        Plan.from_dict(data)


def test_a_plan_holds_any_text_that_reading_had() -> None:
    odd = replace(CT, warnings=(ReadingWarning("says \ud83d twice" + "x" * 30_000, grave=True),))
    assert Plan.from_dict(full_plan(odd).to_dict()).case.reading_warnings[0].text.startswith("says twicex")


# --------------------------------------------------------------------------------------------------- beside labels


def test_labels_have_them_beside_them(tmp_path: Path) -> None:
    labels = tmp_path / "labels.nii.gz"
    path = keep_warnings(CT.warnings, labels)
    assert path == tmp_path / "labels.nii.gz.warnings.json"
    assert "Not cleared for clinical use" in path.read_text(encoding="utf-8")
    assert warnings_of_labels(labels) == (MILD, GRAVE)
    assert warnings_of_labels(tmp_path / "other.nii.gz") == ()


def test_those_of_an_earlier_run_go_when_there_are_none(tmp_path: Path) -> None:
    labels = tmp_path / "labels.nrrd"
    keep_warnings(CT.warnings, labels)
    assert keep_warnings((), labels) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_program_is_not_taken_away(tmp_path: Path) -> None:
    labels = tmp_path / "labels.nrrd"
    warnings_path(labels).write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="Move it away"):
        keep_warnings((), labels)
    assert warnings_path(labels).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"format": "spinect-label-warnings", "schema": 2}', b"\xff"]
)
def test_what_cannot_be_read_there_is_a_grave_warning_itself(tmp_path: Path, content: bytes) -> None:
    labels = tmp_path / "labels.nii.gz"
    warnings_path(labels).write_bytes(content)
    (warning,) = warnings_of_labels(labels)
    assert warning.grave
    assert "cannot be read" in warning.text


def test_labels_of_a_plan_have_those_of_the_plan(tmp_path: Path) -> None:
    plan = full_plan(CT).replaced(files={"labels": "labels.nii.gz"})
    write_plan(plan, tmp_path / "plan.json")
    assert warnings_of_labels(tmp_path / "labels.nii.gz") == (MILD, GRAVE)
    assert warnings_of_labels(tmp_path / "mine.nii.gz") == ()
    keep_warnings((GRAVE,), tmp_path / "labels.nii.gz")
    assert warnings_of_labels(tmp_path / "labels.nii.gz") == (GRAVE, MILD)
