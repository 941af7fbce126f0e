"""The layers of a needle's way and the organs near it, as a reader is told of them."""

from __future__ import annotations

from spinect_core.base.words import Kind, LayerKind, Side
from spinect_core.image.organs import KIDNEYS, MUSCLES, VESSELS, Organ, OrganOrigin
from spinect_core.image.warning import ReadingWarning
from spinect_core.plan.build import organs_record, way_record
from spinect_core.plan.records import NeedleRecord, OrgansRecord, WayRecord
from spinect_core.plan.way_wording import organ_lines, organ_list, way_facts
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.soft_tissue import Layer, OrganNear, Way
from spinect_core.planning.results import OrgansSeen

LAYERS = (
    Layer(LayerKind.SKIN, None, 0.0, 2.0, True),
    Layer(LayerKind.SUBCUTANEOUS, None, 2.0, 20.0, True),
    Layer(LayerKind.SUBCUTANEOUS, None, 20.0, 29.5, False),
    Layer(LayerKind.MUSCLE, Organ.BACK_LEFT, 29.5, 70.0, True),
    Layer(LayerKind.FAT, None, 70.0, 74.0, False),
    Layer(LayerKind.SOFT, None, 74.0, 80.0, False),
)
NEEDLE = Needle("one", Kind.SAFE, Side.LEFT, "L5/S1", "", (60.0, 70.0, 0.0), (20.0, 0.0, 0.0))


def told(way: Way) -> dict[str, str]:
    record = way_record(way)
    assert WayRecord.from_dict(record.to_dict()) == record
    return dict(way_facts(NeedleRecord(needle=NEEDLE, way=record)))


def test_layers_are_told_in_order_with_what_may_be_something_else() -> None:
    facts = told(Way(LAYERS, (), 10.0, 0.0))
    assert facts["Layers"] == (
        "skin 2 mm, subcutaneous fat 28 mm, left back muscles 40 mm, fat 4 mm, soft tissue of unknown kind 6 mm; "
        "10 mm of it could also be an organ"
    )
    assert facts["Organs near"] == "no gas (bowel) within 60 mm"
    assert facts["Organs known"].startswith("organs were not looked for")


def test_great_vessels_are_told_as_one_whether_a_source_tells_them_apart_or_not() -> None:
    apart = [each for each in VESSELS if each not in (Organ.GREAT_VESSELS, Organ.ILIAC_VESSELS)]
    assert organ_list([Organ.BOWEL, *apart]) == organ_list([Organ.BOWEL, Organ.GREAT_VESSELS])
    assert organ_list([Organ.BOWEL, Organ.GREAT_VESSELS]) == "bowel, great vessels"
    assert organ_list([Organ.AORTA]) == "aorta"


def test_organs_are_told_with_their_distance_and_where_nobody_looked() -> None:
    near = (OrganNear("bowel", -0.35, 60.0), OrganNear("left kidney", 31.6, 80.0))
    facts = told(Way(LAYERS, near, 0.0, 50.0, (Organ.BOWEL, *KIDNEYS, *VESSELS), float("inf")))
    assert facts["Organs near"] == "through the bowel, left kidney 32 mm"
    assert facts["Organs known"] == (
        "looked for: bowel, both kidneys, great vessels; not on 30 of 80 mm of the way"
    )
    assert told(Way(LAYERS, (), 0.0, 80.0, (Organ.BOWEL,)))["Organs known"] == "looked for: bowel"


def test_a_plan_without_a_way_tells_none() -> None:
    assert way_facts(NeedleRecord(needle=NEEDLE)) == ()


def test_where_organs_were_looked_for_is_said_for_the_case() -> None:
    (line,) = organ_lines(None)
    assert "not looked for" in line
    seen = OrgansSeen(
        OrganOrigin.MASKS,
        "masks in 3 files",
        "0" * 64,
        (Organ.BOWEL, Organ.KIDNEY_LEFT),
        (Organ.BOWEL,),
        (-100.0, -80.0, 0.0),
        (100.0, 80.0, 240.0),
        (ReadingWarning("The masks fit poorly", grave=True),),
    )
    record = organs_record(seen)
    assert OrgansRecord.from_dict(record.to_dict()) == record
    line, warning = organ_lines(record)
    assert line == (
        "masks in 3 files, in a box of 200 by 160 by 240 mm: looked for bowel, left kidney; found bowel"
    )
    assert warning == "Read with reservations: The masks fit poorly."


def test_lists_of_organs_are_short() -> None:
    assert organ_list(MUSCLES[:2]) == "psoas"
    assert organ_list([Organ.BACK_RIGHT, Organ.BOWEL]) == "bowel, right back muscles"
    assert organ_list(()) == ""
