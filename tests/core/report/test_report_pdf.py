"""The PDF of a report, read back: its text, one page for each side, on both papers, whatever the plan holds."""

import io
from dataclasses import replace

import numpy as np
import pypdf
import pytest
from PIL import Image
from plan_maker import both_sides, full_plan, recommended_planning

from spinect_core.base.versions import NOTICE
from spinect_core.image.patient import Patient
from spinect_core.plan.plan import Plan
from spinect_core.plan.records import LevelRecord, WarningRecord
from spinect_core.report.content import CHECKLIST, Stored, Wish, pages
from spinect_core.report.page import can_be_printed, pdf
from spinect_core.report.paper import Paper
from spinect_core.report.pictures import (
    NERVE_ALONE,
    NERVE_AND_ORGANS,
    OUTLINED_KEY,
    WITHOUT_ORGANS,
    Shown,
)

SIZES = {Paper.A4: (595.3, 841.9), Paper.LETTER: (612.0, 792.0)}


def plan() -> Plan:
    return full_plan().replaced(planning=recommended_planning())


def pictures() -> dict[Shown, Image.Image]:
    noise = np.random.default_rng(1).integers(0, 255, (3, 52, 52, 3), dtype=np.uint8)
    every = (Shown.HUB, Shown.AXIAL, Shown.UPRIGHT)
    return {shown: Image.fromarray(each) for shown, each in zip(every, noise, strict=True)}


def read(content: bytes) -> list[str]:
    """The words of each page on one line: lines are broken where there is no more room."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def overlap(content: bytes) -> float:
    """Points by which the text above reaches into the foot of the first page, which begins with the software."""
    heights: list[tuple[float, str]] = []

    def see(text: str, page: list[float], line: list[float], *_: object) -> None:
        if text.strip():
            heights.append((line[4] * page[1] + line[5] * page[3] + page[5], text))

    pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text(visitor_text=see)
    checklist = min(
        height for height, text in heights if "Tip seen in two views" in text or "At most two" in text
    )
    software = max(height for height, text in heights if "SPINECT Planner" in text and height < 200)
    return software - checklist


def bottom_of_text(content: bytes) -> float:
    """Points from the foot of the first page to the lowest letter."""
    lowest = []

    def see(text: str, page: list[float], line: list[float], *_: object) -> None:
        if text.strip():
            lowest.append(line[4] * page[1] + line[5] * page[3] + page[5])

    pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text(visitor_text=see)
    return min(lowest)


def test_organs_are_said_to_be_outlined_only_where_they_are() -> None:
    made = pages(plan())
    shown = pictures()
    for words in (NERVE_ALONE, NERVE_AND_ORGANS, WITHOUT_ORGANS):
        shown[Shown.UPRIGHT].info[OUTLINED_KEY] = words
        (page,) = read(pdf(made, [shown]))
        assert f"head above; {words}" in page
        assert (NERVE_AND_ORGANS in page) == (words == NERVE_AND_ORGANS)
    (page,) = read(pdf(made, [{}]))
    assert "outlined" not in page


@pytest.mark.parametrize(("number", "told"), [("4711", "; see the patient's ID · ID 4711"), ("", "")])
def test_a_name_that_the_typeface_lacks_is_said_to_be_unprintable(number: str, told: str) -> None:
    patient = Patient("山田, 太郎", number)
    (page,) = read(pdf(pages(plan(), Wish(patient=patient)), [pictures()]))
    assert f"Patient: name cannot be printed{told}" in page
    assert "□" not in page
    assert not can_be_printed(patient.name)
    assert can_be_printed("Müller, Änne")


@pytest.mark.parametrize("paper", list(Paper))
def test_one_page_for_each_side_with_all_that_the_plan_says(paper: Paper) -> None:
    made = pages(plan().replaced(planning=both_sides(recommended_planning())))
    content = pdf(made, [pictures(), {}], paper, plan().created)
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 2
    size = reader.pages[0].mediabox
    assert (float(size.width), float(size.height)) == pytest.approx(SIZES[paper], abs=0.1)
    first, second = read(content)
    page = made[0]
    told = [page.title, page.approach, page.count, *page.warnings, *page.others, *CHECKLIST, NOTICE]
    told += [each.text for section in page.sections for each in section.facts if not each.rank]
    told += [each.text for each in (*page.glance, *page.identity)]
    assert [text for text in told if " ".join(text.split()) not in first] == []
    assert "Light AMBER: angular tolerance 1.2°, less than 1.3°" in first
    assert "NO NEEDLE IS RECOMMENDED" in second
    assert "the rules leave none of 210 views" in second
    assert len(reader.pages[0].images) == 3
    assert len(reader.pages[1].images) == 0


def test_minus_and_plus_minus_are_letters_that_can_be_read_back() -> None:
    (first,) = read(pdf(pages(plan()), [{}]))
    assert "152.8° / −10.3°" in first
    assert "± 5 mm" in first
    assert "□" not in first


def test_pictures_that_are_not_there_are_said_to_be_missing() -> None:
    (first,) = read(pdf(pages(plan()), [{Shown.HUB: pictures()[Shown.HUB]}]))
    assert first.count("no picture of this needle is in the plan") == 2
    assert "simulated fluoroscopy" not in first
    (first,) = read(pdf(pages(plan()), [{Shown.FLUOROSCOPY: pictures()[Shown.HUB], **pictures()}]))
    assert "no picture of this needle" not in first
    assert "Simulated fluoroscopy" in first


@pytest.mark.parametrize("paper", list(Paper))
def test_a_plan_that_says_too_much_stays_on_its_page_and_says_what_is_gone(paper: Paper) -> None:
    many = tuple(
        WarningRecord(text=f"Warning {number} " + "of the CT " * 30, grave=True) for number in range(40)
    )
    case = plan().case.replaced(warnings=many)
    level = LevelRecord(name="L5/S1", warnings=tuple(f"Doubt {number} " * 100 for number in range(30)))
    made = pages(plan().replaced(case=case, planning=recommended_planning().replaced(level=level)))
    content = pdf(made, [pictures()], paper)
    (first,) = read(content)
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 1
    assert bottom_of_text(content) > 25
    assert overlap(content) < 0
    assert "more in the plan and in the plain text of this report" in first
    assert "Left out for want of room" in first
    assert NOTICE in first
    assert "At most two levels in this session" in first


def endless() -> Plan:
    """A plan of another program, with endless texts wherever a text may be."""
    planning = recommended_planning()
    record = planning.needles[0]
    assert record.readouts is not None
    assert planning.organs is not None
    assert record.way is not None
    name = "L5/S1 " + "level" * 900
    felt = tuple(each.replaced(words="felt " * 2000) for each in record.readouts.felt)
    passed = tuple(each.replaced(override="overridden " * 20) for each in record.findings if each.override)
    zone = planning.zones[0].replaced(level=name)
    needle = replace(record.needle, level=name, name="needle " * 900)
    record = record.replaced(
        needle=needle, readouts=record.readouts.replaced(felt=felt), findings=passed, safety=None
    )
    planning = planning.replaced(
        level=LevelRecord(name=name, warnings=("doubt" * 900,)),
        zones=(zone,),
        windows=(),
        searches=tuple(
            each.replaced(zone=zone.key, notes=("note " * 2000,) * 5) for each in planning.searches
        ),
        needles=(record,),
        organs=planning.organs.replaced(checksum="ab" * 5000, source="source " * 1000),
    )
    noticed = tuple(WarningRecord(text=f"{number} " + "noticed " * 120) for number in range(50))
    case = plan().case.replaced(sha256="cd" * 5000, warnings=noticed)
    return plan().replaced(
        planning=planning, case=case, run={"engine": "e" * 9000, "weights_sha256": "f" * 9000}
    )


@pytest.mark.parametrize("paper", list(Paper))
def test_endless_texts_of_another_program_leave_the_page_whole(paper: Paper) -> None:
    content = pdf(pages(endless()), [pictures()], paper)
    (first,) = read(content)
    assert bottom_of_text(content) > 25
    for part in ("Light AMBER", "Warnings", "STOP DEPTH", "At most two levels in this session", NOTICE):
        assert part in first
    assert "the ends of long lines" in first
    assert overlap(content) < 0


def test_letters_that_the_typeface_lacks_are_shown_as_such() -> None:
    level = LevelRecord(name="L5/S1", warnings=("Zählung unsicher, Δ–Ω, 脊椎 & <b>",))
    (first,) = read(pdf(pages(plan().replaced(planning=recommended_planning().replaced(level=level))), [{}]))
    assert "Zählung unsicher, Δ–Ω, □□ & <b>" in first
    assert "Letters that this page's typeface lacks" in first


def test_the_file_says_what_it_is_and_names_nobody_and_is_the_same_each_time() -> None:
    content = pdf(pages(plan()), [pictures()], Paper.A4, plan().created)
    facts = pypdf.PdfReader(io.BytesIO(content)).metadata
    assert facts is not None
    assert facts.title == "SPINECT Planner: report of a plan"
    assert facts.subject == NOTICE
    assert facts.creation_date is not None
    assert facts.creation_date.isoformat() == plan().created
    assert content == pdf(pages(plan()), [pictures()], Paper.A4, plan().created)
    assert pdf(pages(plan()), [{}], Paper.A4, "no time").startswith(b"%PDF")


def test_all_letters_are_in_the_file() -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf(pages(plan()), [{}])))
    fonts = [each.get_object() for each in reader.pages[0]["/Resources"]["/Font"].values()]  # type: ignore[index]
    drawn = [each for each in fonts if "/FontDescriptor" in each]
    assert len(drawn) >= 2
    assert all("/FontFile2" in each["/FontDescriptor"] for each in drawn)


def test_a_patient_stands_on_the_page_when_given() -> None:
    wish = Wish(patient=Patient("Fuchs, Erika", "4711"), stored=Stored("ab" * 32, "plan.json"))
    (named,) = read(pdf(pages(plan(), wish), [{}]))
    (nobody,) = read(pdf(pages(plan()), [{}]))
    assert "Patient: Fuchs, Erika · ID 4711" in named
    assert "space for a label" in nobody
