"""``spinect fluoroscopy``: pictures of a CT as a C-arm would show it, with the needle of a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plan_maker import full_document, recommended_planning

from spinect_core import cli
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.writing import write_volume
from spinect_core.pictures.fluoroscopy.picture import ABREAST, ALONE, FOOT, GAP, HEAD, LINE
from spinect_core.pictures.palette import TRIANGLES, WARNING
from spinect_core.plan.document import write_document


def block() -> Volume:
    """A block of bone in water, air before and behind."""
    array = np.full((40, 44, 48), 40, np.int16)
    array[:, :4] = array[:, -6:] = -1000
    array[8:32, 12:30, 10:26] = 700
    return Volume(array, Geometry(array.shape, (1.5, 1.5, 1.5), (-36.0, -33.0, -30.0)))


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    path = tmp_path / "ct.nii.gz"
    write_volume(block(), path)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "case.spinect"
    write_document(full_document(block()), path)
    return path


def picture_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.info["Disclaimer"] == NOTICE
        return np.asarray(image)


def test_views_in_words_stand_side_by_side(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drr.png"
    views = ["--view", "left oblique 27, caudal 12", "--view", "from behind"]
    assert cli.main(["fluoroscopy", str(ct), *views, "--out", str(out), "-q"]) == 0
    assert picture_of(out).shape == (HEAD + ABREAST + FOOT, 2 * ABREAST + GAP, 3)
    said = capsys.readouterr().out
    assert "left oblique 27.0°, caudal 12.0°; C-arm 153°" in said
    assert said.strip().endswith(NOTICE)
    words = ["--view", "from behind", "--detector", "opposite", "--bright-bone", "--field", "30"]
    assert cli.main(["fluoroscopy", str(ct), *words, "--out", str(out), "-q"]) == 0
    assert picture_of(out).shape == (HEAD + ALONE + FOOT, ALONE, 3)
    assert "C-arm 0° / 0°" in capsys.readouterr().out


def test_the_needle_of_a_plan_is_in_the_middle_of_three_views(
    ct: Path, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drr.png"
    assert cli.main(["fluoroscopy", str(ct), "--plan", str(plan), "--out", str(out), "-q"]) == 0
    picture = picture_of(out)
    head = HEAD + LINE  # the plan recommends nothing
    assert picture.shape == (head + ABREAST + FOOT, 3 * ABREAST + 2 * GAP, 3)
    along = picture[head : head + ABREAST, :ABREAST]
    kind = full_document().plan.planning.needles[0].needle.kind
    rows, columns = np.nonzero((along == TRIANGLES[kind]).all(axis=2))
    middle = np.abs(np.stack([rows, columns]) - ABREAST / 2).max(axis=0)
    assert (middle < 12).sum() > 20  # tip and hub are one point there
    said = capsys.readouterr().out
    assert "needle    " in said
    assert said.count("view      ") == 3


def test_the_preferred_needle_is_shown_and_another_says_that_it_is_not_recommended(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, planning = full_document(block()), recommended_planning()
    left, search, record = planning.zones[0], planning.searches[0], planning.needles[0]
    right = left.replaced(side="right")
    # The one that nothing recommends stands first.
    two = planning.replaced(
        zones=(right, left),
        searches=(search.replaced(zone=right.key, withheld=("Nerve is not labelled here.",), map=""), search),
        needles=(record.replaced(needle=replace(record.needle, side="right")), record),
    )
    plan, out = tmp_path / "two.spinect", tmp_path / "drr.png"
    write_document(replace(document, plan=document.plan.replaced(planning=two)), plan)
    words = ["fluoroscopy", str(ct), "--plan", str(plan), "--view", "from behind", "--out", str(out), "-q"]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert "needle    Left" in said
    assert "light     amber: " in said
    assert "not recommended" not in said
    assert not (picture_of(out)[:HEAD] == WARNING).all(axis=2).any()
    assert cli.main([*words, "--needle", "right"]) == 0
    said = capsys.readouterr().out
    assert "needle    Right" in said
    assert "not recommended: nerve is not labelled here" in said
    assert "light     amber: " in said
    assert (picture_of(out)[: HEAD + LINE] == WARNING).all(axis=2).any()


def test_what_cannot_be_made_is_refused_before_the_work(
    ct: Path, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "drr.png")

    def said(code: int, *words: str) -> str:
        assert cli.main(["fluoroscopy", *words, "-q"]) == code
        return capsys.readouterr().err

    assert "Use .png" in said(7, str(ct), "--out", str(tmp_path / "drr.jpg"))
    assert "describe no view" in said(5, str(ct), "--view", "sideways", "--out", out)
    assert "no C-arm" in said(5, str(ct), "--source-target", "1200", "--out", out)
    assert "field is nan mm" in said(5, str(ct), "--field", "nan", "--out", out)
    assert "oblique 400" in said(5, str(ct), "--view", "left oblique 400", "--out", out)
    assert "--plan" in said(2, str(ct), "--needle", "left safe", "--out", out)
    told = said(2, str(ct), "--plan", str(plan), "--needle", "the other", "--out", out)
    assert "--needle" in told
    assert "Choose one of these" in told
    other = tmp_path / "other.nii.gz"
    volume = block()
    volume.array[0, 0, 0] += 1
    write_volume(volume, other)
    assert "another CT" in said(6, str(other), "--plan", str(plan), "--out", out)
    assert not (tmp_path / "drr.png").exists()
