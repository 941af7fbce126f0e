"""``spinect measure``: the window of a triangle in a view of one's own."""

import json

import pytest

from spinect_core.base.versions import NOTICE
from spinect_core.cli import main
from spinect_core.io.writing import write_labels
from spinect_core.research.phantom.scanner import IDEAL

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("registered_once")]

BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))


@pytest.fixture(scope="module")
def labels(tmp_path_factory, draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())
    path = tmp_path_factory.mktemp("Müller 計測") / "labels.nii.gz"
    write_labels(phantom.labels, path)
    return path


def measured(capsys, labels, *words):
    assert main(["measure", "--labels", str(labels), "--json", "-q", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_window_in_a_view(capsys, labels):
    view = ["--oblique", "24", "--tilt", "38", "--side", "left", "--triangle", "kambin"]
    found = measured(capsys, labels, *view)
    window = found["window"]
    assert found["notice"] == NOTICE
    assert found["triangle"] == "left Kambin triangle (bony)"
    assert window["view"]["words"] == "left oblique 24.0°, cranial 38.0°"
    assert 0 < window["area_mm2"] <= window["zone_area_mm2"]
    assert found["fitted"]["area_mm2"] <= 1.02 * window["area_mm2"]
    assert set(found["fitted"]["edges_mm"]) == {"base", "height", "hypotenuse"}
    # Seen from the other side of the patient, bone closes it, and is named.
    closed = measured(
        capsys, labels, "--oblique", "-75", "--tilt", "-20", "--side", "left", "--triangle", "kambin"
    )
    assert closed["window"]["area_mm2"] < window["area_mm2"]
    assert "blocked" in closed["closed_by"]


def test_sentences_and_refusals(capsys, labels):
    words = ["--oblique", "30", "--side", "right", "--triangle", "safe", "-q"]
    assert main(["measure", "--labels", str(labels), *words]) == 0
    out = capsys.readouterr().out
    assert "right safe triangle, L5/S1" in out
    assert "right oblique 30.0°" in out
    assert out.strip().endswith(NOTICE)
    assert main(["measure", "--labels", str(labels.with_name("none.nii")), *words]) == 3
    assert "none.nii" in capsys.readouterr().err
    assert main(["measure", "--labels", str(labels), *words, "--level", "L1/2"]) == 2
