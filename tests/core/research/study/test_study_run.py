"""The whole study on small specimens with a known prediction: numbers, figures, and what is not computed again."""

import csv
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spinect_core.base.errors import Cancelled, ReadingError, SegmentationError, UsageError
from spinect_core.base.opengl import OpenGl
from spinect_core.base.versions import NOTICE
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.io.writing import write_labels
from spinect_core.plan.plan import Case, Plan, write_plan
from spinect_core.preprocessing import Region
from spinect_core.research.study.cases import StudyCase, read_cases
from spinect_core.research.study.examine import Settings
from spinect_core.research.study.run import StudyResult, run_study

pytestmark = pytest.mark.heavy

SETTINGS = Settings(mode="fast", weights_sha256="ab" * 32, seed=5)


@pytest.fixture(autouse=True)
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rendering where it is not what is tested."""
    monkeypatch.setattr(
        "spinect_core.research.study.run.probe_opengl", lambda: OpenGl(False, fault="none here")
    )


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figures where tables are what is tested: charts take a second each."""
    monkeypatch.setattr("spinect_core.research.study.run._figures", lambda *_: [])


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few views where it is not their areas that are tested: the search takes most of a case's seconds."""
    monkeypatch.setattr("spinect_core.research.study.areas.STEP_DEGREES", 12.0)


@pytest.fixture
def cases(tmp_path: Path, write_case: Callable[..., Path]) -> tuple[StudyCase, ...]:
    for number, name in enumerate(("alpha", "beta", "gamma")):
        write_case(tmp_path / "cases" / name, seed=number, offset=number)
    return read_cases(tmp_path / "cases")


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def study(cases: Any, out: Path, segmenter: Any, **options: Any) -> StudyResult:
    settings = replace(options.pop("settings", SETTINGS), segmenter=segmenter)
    return run_study(cases, out, settings, **options)


@pytest.mark.slow
@pytest.mark.usefixtures("corners", "bare")
def test_tables_say_what_is_known_of_the_specimen(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    out = tmp_path / "out"
    result = study(cases, out, segmenter)
    bone = rows_of(out / "table2-bone.csv")
    assert [row["Case"] for row in bone[:3]] == ["alpha", "beta", "gamma"]
    assert all(float(row["Dice"]) == 1.0 for row in bone[:3])
    assert [row["Case"] for row in bone[3:]] == ["mean, n = 3", "SD", "lowest", "highest"]
    nerve = rows_of(out / "table3-nerve.csv")
    true, found = read_labels(cases[0].labels), read_labels(out / "cases" / "alpha" / "labels.nii.gz")
    common = np.count_nonzero((true.array == 2) & (found.array == 2))
    assert float(nerve[0]["Dice"]) == pytest.approx(
        2 * common / (2 * np.count_nonzero(true.array == 2)), abs=1e-6
    )

    roots = {(row["Case"], row["Root"]): row for row in rows_of(out / "roots.csv")}
    assert float(roots["beta", "L5 left"]["Part found"]) == 1.0
    assert float(roots["beta", "L5 left"]["Middle off by, mm"]) == 0.0
    assert float(roots["beta", "L5 right"]["Middle off by, mm"]) == pytest.approx(2.0, abs=0.02)

    # The right root lies 2 mm too far at the back, which moves a corner of the zone and must not change the view.
    areas = {(row["Case"], row["Triangle"], row["Side"]): row for row in rows_of(out / "areas.csv")}
    left = areas["alpha", "Kambin triangle", "left"]
    assert float(left["Difference, mm²"]) == pytest.approx(0.0, abs=1e-9)
    [pair] = [p for p in result.examined[0].areas["pairs"] if (p["kind"], p["side"]) == ("kambin", "right")]
    sight = np.deg2rad(pair["azimuth_deg"])
    tilt = np.deg2rad(pair["elevation_deg"])
    u = np.array([np.sin(sight) * np.cos(tilt), np.cos(sight) * np.cos(tilt), np.sin(tilt)])
    for name, back in (("true_mm2", 4), ("predicted_mm2", 6)):
        a, b, c = np.array([[-12, 30 + back, 8], [-12, 30, -8], [-4, 30, 8]], dtype=float)
        assert pair[name] == pytest.approx(abs(np.cross(b - a, c - a) @ u) / 2, rel=0.005)
    # Its own best view shows the prediction no smaller than any other view does.
    assert pair["predicted_best_mm2"] > pair["predicted_mm2"]
    assert float(left["Predicted in its own best view, mm²"]) == pytest.approx(
        float(left["Predicted, mm²"]), abs=1e-6
    )
    missing = rows_of(out / "missing-areas.csv")
    assert {(row["Triangle"], row["Side"]) for row in missing} == {("safe triangle", "right")}
    assert "right pedicle was not found" in missing[0]["Reason"]
    every = rows_of(out / "table4-areas.csv")
    assert {row["View"] for row in every} == {"best on the true labels", "best on each"}
    table = {(row["Triangle"], row["Side"]): row for row in every if row["View"] == "best on the true labels"}
    assert table["Kambin triangle", "both"]["n"] == "6"
    assert table["safe triangle", "right"]["Missing"] == "3"
    assert table["safe triangle", "right"]["P"] == "not computable"
    assert table["Kambin triangle", "left"]["Test"] == "none"


@pytest.mark.usefixtures("corners", "coarse")
def test_everything_says_what_it_was_made_from(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    out = tmp_path / "out"
    result = study(cases, out, segmenter, pictures=4)
    page = result.report.read_text(encoding="utf-8")
    assert "src=" in page
    assert 'src="http' not in page
    assert (
        page.count('src="data:image/png;base64,') == 2
    )  # Bland-Altman and slices; this computer does not render
    assert "none here" in page
    for path in out.glob("*.csv"):
        head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        words = " ".join(head)
        assert NOTICE in words
        assert "blocks: alpha (seed 0), beta (seed 1), gamma (seed 2)" in words
        assert "weights abababababababab, fast mode, openvino on the CPU" in words
        assert "seed 5" in words
    assert page.count(NOTICE) > len(result.tables)
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors)) == page.count('href="#')
    with Image.open(out / "slices.png") as picture:
        assert picture.info["Disclaimer"] == NOTICE
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    # Nerve yellow and bone ivory are in it: both lie over the CT.
    assert ((colours[:, 0] - colours[:, 2]) > 70).any()


@pytest.mark.slow
@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_finished_cases_are_not_computed_again(
    tmp_path: Path, cases: Any, segmenter: Any, write_case: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    settings = replace(SETTINGS, noise=(0.0, 20.0))
    first = study(cases, out, segmenter, settings=settings)
    assert len(segmenter.calls) == 6  # three cases, and each with 20 HU; 0 HU is the case itself
    again = study(cases, out, segmenter, settings=settings)
    assert len(segmenter.calls) == 6
    assert again.tables == first.tables
    study(cases, out, segmenter, settings=replace(settings, noise=(0.0, 20.0, 40.0)))
    assert len(segmenter.calls) == 9
    write_case(Path(cases[1].ct).parent, seed=1, offset=9)  # another CT of the same name
    study(cases, out, segmenter, settings=settings)
    assert len(segmenter.calls) == 11
    study(cases, out, segmenter, settings=replace(settings, mode="paper"))
    assert len(segmenter.calls) == 17


@pytest.mark.slow
@pytest.mark.usefixtures("corners", "coarse")
def test_curves_fall_with_noise_and_thickness(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    settings = replace(SETTINGS, noise=(0.0, 150.0), slices=(0.6, 1.0, 3.0))
    result = study(cases[:1], tmp_path / "out", segmenter, settings=settings)
    noise, slices = (result.examined[0].curves[kind] for kind in ("noise", "slices"))
    assert noise["0"]["bone"] == 1.0
    assert noise["150"]["bone"] < 0.99
    assert slices["1"] == noise["0"]
    assert slices["3"]["bone"] < 1.0
    assert "1 mm apart" in slices["0.6"]["reason"]
    assert segmenter.calls[1][0] == segmenter.calls[2][0] is not None  # the region of the untouched CT
    with Image.open(tmp_path / "out" / "curves.png") as picture:
        assert picture.width > 1000


@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_given_labels_need_no_network(tmp_path: Path, cases: Any) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the labels were given")

    truth = read_labels(cases[0].labels)
    write_labels(truth, tmp_path / "given.nii.gz")
    case = replace(cases[0], prediction=tmp_path / "given.nii.gz", structures=None)
    result = run_study([case], tmp_path / "out", Settings(noise=(30.0,), segmenter=never))
    assert result.examined[0].overlap["nerve"]["dice"] == 1.0
    assert "were given" in result.examined[0].curves["noise"]["30"]["reason"]
    assert "given as files" in (tmp_path / "out" / "table3-nerve.csv").read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "roots.csv").exists()


@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_labels_of_a_plan_are_compared_in_its_region(tmp_path: Path, cases: Any) -> None:
    truth = read_labels(cases[0].labels)
    volume = read_ct(cases[0].ct)
    write_labels(truth, tmp_path / "plan" / "labels.nii.gz")
    half = Region((-30, -30, 0), (30, 30, 30))
    write_plan(
        Plan(case=Case.of(volume), region=half, files={"labels": "labels.nii.gz"}),
        tmp_path / "plan" / "plan.json",
    )
    case = replace(cases[0], prediction=tmp_path / "plan" / "labels.nii.gz")
    result = run_study([case], tmp_path / "out")
    heights = truth.geometry.to_patient(np.argwhere(truth.array == 1))[:, 2]
    assert result.examined[0].overlap["bone"]["true_voxels"] == np.count_nonzero(heights >= 0) < len(heights)


@pytest.mark.slow
@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_observers_meet_their_cases(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    lines = ["case,side,kind,observer,session,area"]
    for case, area in (("alpha", 40), ("beta", 60), ("gamma", 90)):
        lines += [
            f"{case},left,kambin,{who},{n},{area + n + len(who)}" for who in ("anna", "jo") for n in (1, 2)
        ]
    (tmp_path / "m.csv").write_text("\n".join(lines), encoding="utf-8")
    study(cases, tmp_path / "out", segmenter, measurements=[tmp_path / "m.csv"])
    rows = {(r["Comparison"], r["Side"]): r for r in rows_of(tmp_path / "out" / "table5-observers.csv")}
    assert 0.99 < float(rows["test-retest, anna", "left"]["ICC(2,1)"]) < 1
    assert rows["between observers", "both"]["n"] == "3"
    (tmp_path / "again.csv").write_text("\n".join(lines[:2]), encoding="utf-8")
    with pytest.raises(ReadingError, match="in another file too"):
        study(cases, tmp_path / "out", segmenter, measurements=[tmp_path / "m.csv", tmp_path / "again.csv"])


@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_a_case_that_fails_is_named_and_the_others_go_on(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    segmenter.fails, segmenter.where = SegmentationError("The engine broke", "Repair it", "openvino"), 901
    result = study(cases, tmp_path / "out", segmenter)
    assert [one.case.name for one in result.examined] == ["alpha", "gamma"]
    assert list(result.faults) == ["beta"]
    assert "beta: openvino: The engine broke" in result.report.read_text(encoding="utf-8")
    segmenter.fails = None
    before = len(segmenter.calls)
    assert not study(cases, tmp_path / "out", segmenter).faults
    assert len(segmenter.calls) == before + 1


def test_a_study_of_failures_ends_with_the_first(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    segmenter.fails, segmenter.where = SegmentationError("The engine broke", "Repair it"), 0
    with pytest.raises(SegmentationError, match="engine broke"):
        study(cases[:1], tmp_path / "out", segmenter)
    assert not (tmp_path / "out" / "study.html").exists()
    wrong = replace(cases[0], prediction=tmp_path / "small.nii.gz")
    small = read_labels(cases[0].labels)
    write_labels(type(small)(small.array[:-1], replace(small.geometry, shape=(39, 44, 48))), wrong.prediction)
    with pytest.raises(ReadingError, match="not on the grid"):
        study([wrong], tmp_path / "out", segmenter)


@pytest.mark.usefixtures("corners", "bare", "coarse")
def test_a_stop_keeps_what_is_finished(tmp_path: Path, cases: Any, segmenter: Any) -> None:
    cancel = threading.Event()
    said: list[float] = []

    def progress(fraction: float, message: str) -> None:
        said.append(fraction)
        if message.startswith("beta: reading"):
            cancel.set()

    with pytest.raises(Cancelled):
        study(cases, tmp_path / "out", segmenter, progress=progress, cancel=cancel)
    assert said == sorted(said)
    assert len(segmenter.calls) == 1
    cancel.clear()
    study(cases, tmp_path / "out", segmenter, cancel=cancel)
    assert len(segmenter.calls) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"noise": (-5.0,)}, "-5"),
        ({"slices": (0.0,)}, "slices: The value is 0"),
        ({"noise": (float("nan"),)}, "nan"),
        ({"seed": -1}, "seed: The value is -1"),
    ],
)
def test_values_without_sense_are_refused_first(
    tmp_path: Path, cases: Any, segmenter: Any, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        study(cases, tmp_path / "out", segmenter, settings=replace(SETTINGS, **change))
    assert not segmenter.calls
