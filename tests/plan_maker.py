"""A small planned case with every kind of record in it, made up and of no patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinect_core.geometry.figure import PLANE_VIEWS, Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.image.position import PatientPosition
from spinect_core.image.scan import Numbering
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.plan.build import readouts_record
from spinect_core.plan.document import Crop, Document
from spinect_core.plan.plan import Case, Plan, PlanView, RepeatsRecord
from spinect_core.plan.records import (
    AxialRecord,
    BehindRecord,
    BorderRecord,
    CaseLightRecord,
    CaseReasonRecord,
    ChoiceRecord,
    ChosenRecord,
    ClearanceRecord,
    CloserRecord,
    CountRecord,
    CourseRecord,
    FeltRecord,
    FigureRecord,
    FindingRecord,
    FrontPlaceRecord,
    GapRecord,
    IntervalRecord,
    LandmarkRecord,
    LayerRecord,
    LevelRecord,
    LightReasonRecord,
    LightRecord,
    LimitRecord,
    MarginRecord,
    NeedleRecord,
    OrganNearRecord,
    OrgansRecord,
    Planning,
    ReadoutsRecord,
    RefusalRecord,
    RiskRecord,
    RootRecord,
    SafetyRecord,
    SearchRecord,
    SidePlaceRecord,
    SlicePlaceRecord,
    StopRecord,
    StructureRecord,
    TermRecord,
    TipRecord,
    ToleranceRecord,
    TradeRecord,
    WarningRecord,
    WayRecord,
    WindowRecord,
    ZoneRecord,
)
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.readouts import read_out
from spinect_core.preprocessing import Region

CREATED = "2026-11-25T03:00:00+00:00"
VIEW = View(27.5, -12.25)
KEY = "L5/S1 left kambin bony"
MAP = "maps/angle-map-left-kambin-bony.csv"
PICTURE = "views/from-behind.png"


def small_ct() -> Volume:
    """A CT of 12 x 10 x 8 voxels."""
    array = np.random.default_rng(5).integers(-1000, 2000, (12, 10, 8)).astype(np.int16)
    return Volume(array, Geometry((12, 10, 8), (2.0, 2.0, 2.5), (-8.0, 20.0, 30.0)), name="Müller^Hans")


def full_planning() -> Planning:
    """Every kind of record, each field off its default."""
    corners = ((0.0, 20.0, 0.0), (12.5, 18.0, 1.0), (6.0, 19.5, 9.25))
    names = ("superior border of S1", "exiting L5 root", "S1 superior articular process")
    roles = ("base", "hypotenuse", "height")
    borders = tuple(
        BorderRecord(
            name=names[i], role=roles[i], points=(corners[i], corners[(i + 1) % 3]), confidence=0.9 - 0.1 * i
        )
        for i in range(3)
    )
    needle = Needle(
        name="first try",
        kind="kambin",
        side="left",
        level="L5/S1",
        version="bony",
        entry=(45.0, 95.0, -12.0),
        target=(6.0, 19.0, 3.5),
        gauge=25,
        length_mm=127.0,
        author="user",
        created=CREATED,
    )
    nerve = ClearanceRecord(gap_mm=2.25, place=(7.0, 21.0, 3.0), depth_mm=84.0)
    safety = SafetyRecord(
        nerve=nerve,
        bone=ClearanceRecord(gap_mm=-0.5, place=(15.0, 36.0, 0.0), depth_mm=67.5),
        nerve_90=IntervalRecord(low=1.5, high=3.0),
        bone_90=IntervalRecord(low=-1.25, high=0.25),
        tip_to_nerve_mm=1.5,
        nerve_at_target=ClearanceRecord(gap_mm=1.25, place=(6.0, 19.0, 3.5), depth_mm=86.5),
        tolerance=ToleranceRecord(
            angle=MarginRecord(amount=1.25, unlimited=False, tissue="bone", words="cranial"),
            angle_to_bone=MarginRecord(amount=1.25, unlimited=False, tissue="bone", words="cranial"),
            angle_to_nerve=MarginRecord(amount=15.0, unlimited=True, tissue="nerve"),
            shift=MarginRecord(amount=1.75, unlimited=False, tissue="nerve", words="caudal and medial"),
            shift_to_bone=MarginRecord(amount=2.5, unlimited=False, tissue="bone", words="lateral"),
            shift_to_nerve=MarginRecord(
                amount=1.75, unlimited=False, tissue="nerve", words="caudal and medial"
            ),
        ),
        risks=(
            RiskRecord(
                method="free hand",
                mean_deg=3.4,
                spread_deg=3.1,
                needles=20000,
                nerve=0.1,
                bone=0.25,
                either=0.3,
                standard_error=0.003,
                nerve_on_the_way=0.05,
                miss_mean_mm=5.5,
                miss_95_mm=12.25,
                source="a study",
            ),
        ),
        structures=(
            StructureRecord(
                name="S1 superior articular process",
                tissue="bone",
                relation="near",
                depth_mm=67.5,
                gap_mm=-0.5,
            ),
            StructureRecord(
                name="exiting L5 root", tissue="nerve", relation="beyond", depth_mm=88.0, until_mm=92.5
            ),
        ),
    )
    search = SearchRecord(
        zone=KEY,
        best=ChoiceRecord(
            view=View(31.0, 6.0),
            area_mm2=41.5,
            radius_mm=2.5,
            depth_mm=81.0,
            bone_mm=3.5,
            nerve_mm=4.5,
            ends_before_skin=True,
            unknown_mm=4.5,
            score=0.5,
        ),
        recommended=ChoiceRecord(
            view=View(28.0, 4.0),
            area_mm2=39.0,
            radius_mm=2.4,
            score=0.75,
            terms=(
                TermRecord(name="area", value=0.9, weight=3.0),
                TermRecord(name="depth", value=None, weight=1.0),
            ),
        ),
        ridge_part=0.125,
        allowed=210,
        step=2.0,
        seconds=1.5,
        ridge=(View(29.0, 5.0), View(31.0, 6.0)),
        alternatives=(ChoiceRecord(view=View(12.0, -20.0), area_mm2=18.0, words="19° less oblique"),),
        axial=AxialRecord(reachable=True, area_mm2=12.5, oblique=33.0),
        candidate=View(10.0, 2.0),
        notes=("The CT ends before the skin.",),
        withheld=("The L5 root is not labelled beside the disc.",),
        map=MAP,
        chosen=ChosenRecord(
            guidance="fluoroscopy",
            view=View(28.0, 4.0),
            tolerance_deg=1.25,
            best_deg=1.5,
            best_view=View(40.0, 8.0),
            area_mm2=39.0,
            largest_view=View(31.0, 6.0),
            largest_mm2=41.5,
            trades=(
                TradeRecord(azimuth_deg=28.0, elevation_deg=4.0, tolerance_deg=1.3, away_deg=2.0),
                TradeRecord(azimuth_deg=40.0, elevation_deg=8.0, tolerance_deg=1.6, away_deg=21.0),
            ),
        ),
        refusal=RefusalRecord(
            open_views=210,
            refused=(
                CountRecord(rule="tilt-too-steep", views=120),
                CountRecord(rule="angular-tolerance", views=90),
            ),
            tried=3,
            nearest=View(26.0, 2.0),
            findings=(
                FindingRecord(rule="angular-tolerance", kind="hard", bars=True, value=0.25, limit=0.5),
            ),
            others=("left safe triangle",),
        ),
    )
    return Planning(
        withheld=("The level is not sure.",),
        light=CaseLightRecord(
            light="amber",
            reasons=(
                CaseReasonRecord(cause="noise", light="amber", value=81.5, limit=70.0),
                CaseReasonRecord(cause="picture", light="amber"),
            ),
        ),
        level=LevelRecord(
            name="L5/S1", shift=-1, confidence=0.7, warnings=("Another level fits almost as well.",)
        ),
        landmarks=(
            LandmarkRecord(name="S1 upper end plate centre", point=(0.5, 2.0, -3.0), confidence=0.95),
            LandmarkRecord(
                name="L5 pedicle lower margin left", point=(14.0, 8.0, 22.0), confidence=0.5, moved=True
            ),
        ),
        courses=(
            CourseRecord(name="L5 left", points=corners, radii=(2.5, 2.25, 2.0), found=(True, True, False)),
        ),
        roots=(
            RootRecord(
                name="L5 left",
                whole=0.7,
                recess=1.0,
                foramen=0.75,
                beyond=0.5,
                cut=True,
                gaps=(
                    GapRecord(
                        place="disc", start_mm=31.5, length_mm=9.25, points=corners[:2], supposed=corners[1:3]
                    ),
                ),
            ),
        ),
        zones=(
            ZoneRecord(
                kind="kambin", version="bony", side="left", level="L5/S1", borders=borders, confidence=0.85
            ),
        ),
        windows=(
            WindowRecord(
                zone=KEY,
                view=VIEW,
                area_mm2=30.5,
                total_area_mm2=33.0,
                zone_area_mm2=60.0,
                centre=(6.0, 19.0, 3.5),
                radius_mm=1.75,
                outline=corners,
                author="user",
                area_90=IntervalRecord(low=24.5, high=35.25),
                radius_90=IntervalRecord(low=1.25, high=2.0),
                closers=(
                    CloserRecord(
                        name="S1 superior articular process", covered=0.4, alone=0.3, required_mm=1.25
                    ),
                ),
            ),
            WindowRecord(
                zone=KEY,
                view=View(0.0),
                area_mm2=0.0,
                total_area_mm2=0.0,
                zone_area_mm2=55.0,
                closers=(CloserRecord(name="L5 lamina", covered=1.0, alone=0.9),),
                pair=("L5 lamina", "S1 lamina"),
                pair_required_mm=3.5,
            ),
        ),
        searches=(search,),
        needles=(
            NeedleRecord(
                needle=needle,
                safety=safety,
                readouts=full_readouts(needle),
                tip=full_tip(),
                light=full_light(),
                way=full_way(),
                findings=(
                    FindingRecord(
                        rule="tip-medial-of-pedicle",
                        kind="hard",
                        bars=False,
                        value=-0.5,
                        limit=0.0,
                        override="seen on pictures",
                        what="bowel",
                    ),
                    FindingRecord(rule="tip-near-disc", kind="warn", bars=False, limit=2.0),
                ),
            ),
            NeedleRecord(needle=needle),
        ),
        organs=full_organs(),
        rules=(
            LimitRecord(rule="oblique-too-wide", kind="warn", value=52.0),
            LimitRecord(rule="tip-medial-of-pedicle", kind="hard", value=-1.0, override="seen on pictures"),
        ),
        guidance="fluoroscopy",
    )


def full_readouts(needle: Needle) -> ReadoutsRecord:
    """What is set in the room, each field off its default."""
    place = SlicePlaceRecord(
        number=57, numbering=Numbering.INSTANCE, offset_mm=-0.25, across=12.5, down=30.0, z_mm=needle.entry[2]
    )
    made = readouts_record(
        read_out(needle, {}, position=PatientPosition.FEET_FIRST_PRONE, gantry_limit_deg=25.0)
    )
    return made.replaced(
        entry_slice=place,
        target_slice=place.replaced(number=61, z_mm=needle.target[2]),
        scanned=PatientPosition.HEAD_FIRST_SUPINE,
        midline_mm=44.5,
        s1_mm=-9.0,
        felt=(FeltRecord(name="iliac crest line", above_mm=-35.5, words="of the left crest alone"),),
    )


def full_tip() -> TipRecord:
    """Where the tip lies, each field off its default."""
    return TipRecord(
        front=FrontPlaceRecord(clock=6.5, lateral_mm=2.25, below_mm=4.5, confidence=0.75),
        side=SidePlaceRecord(height=0.75, depth=0.875, height_mm=16.0, depth_mm=8.0, confidence=0.5),
        behind=(BehindRecord(what="disc", mm=9.5), BehindRecord(what="bone", mm=30.0)),
        sac_mm=12.5,
        missing=("vessels",),
        stop=StopRecord(depth_mm=94.5, before="disc", at_mm=96.5, planned=True),
        disc_mm=3.5,
    )


def full_way() -> WayRecord:
    """Soft tissue and organs along a needle, each field off its default."""
    return WayRecord(
        layers=(
            LayerRecord(kind="skin", from_mm=0.0, to_mm=2.0, vouched=True),
            LayerRecord(kind="muscle", organ="left back muscles", from_mm=2.0, to_mm=40.5, vouched=True),
            LayerRecord(kind="soft tissue", from_mm=40.5, to_mm=52.0),
        ),
        near=(OrganNearRecord(name="gas (bowel)", gap_mm=12.5, depth_mm=51.0),),
        unvouched_mm=11.5,
        known_mm=38.5,
        looked_for=("bowel", "left kidney"),
        vessel_behind_mm=27.0,
    )


def full_organs() -> OrgansRecord:
    """Which organs were known."""
    return OrgansRecord(
        origin="masks",
        source="masks in 3 files",
        checksum="0" * 64,
        looked_for=("bowel", "left kidney"),
        found=("bowel",),
        minimum=(-100.0, -90.0, -80.0),
        maximum=(100.0, 90.0, 80.0),
        warnings=(WarningRecord(text="The organ masks fit the CT poorly", grave=True),),
    )


def full_light() -> LightRecord:
    """A light with two reasons, one of them not known."""
    return LightRecord(
        light="red",
        reasons=(
            LightReasonRecord(cause="tolerance", light="red", value=0.25, limit=0.5),
            LightReasonRecord(cause="slices", light="amber"),
        ),
    )


def recommended_planning() -> Planning:
    """The same with a needle of the program's along the recommended view, and nothing against it."""
    planning = full_planning()
    old = planning.searches[0]
    assert old.recommended is not None
    assert old.chosen is not None
    needle = replace(planning.needles[0].needle, name="", author="automatic")
    record = planning.needles[0].replaced(
        needle=needle,
        light=LightRecord(
            light="amber",
            reasons=(LightReasonRecord(cause="tolerance", light="amber", value=1.25, limit=1.3),),
        ),
    )
    search = old.replaced(
        recommended=old.recommended.replaced(view=needle.view),
        chosen=old.chosen.replaced(view=needle.view),
        withheld=(),
        refusal=None,
    )
    return planning.replaced(withheld=(), searches=(search,), needles=(record,))


def both_sides(planning: Planning) -> Planning:
    """The same with a safe triangle on the right as well, which the rules leave no view of."""
    left, search = planning.zones[0], planning.searches[0]
    right = left.replaced(kind="safe", version="", side="right")
    refused = (
        full_planning()
        .searches[0]
        .replaced(zone=right.key, recommended=None, chosen=None, withheld=(), map="")
    )
    return planning.replaced(zones=(left, right), searches=(search, refused))


def full_plan(volume: Volume | None = None) -> Plan:
    """A plan with something of everything."""
    points = [[0.5, 0.0], [9.25, 1.0], [2.0, 7.75]]
    triangle = Triangle("kambin", "left", VIEW.unproject(points, 33.5), VIEW, author="user", created=CREATED)
    again = replace(triangle, vertices=VIEW.unproject([[0.75, 0.25], [9.0, 1.0], [2.0, 7.5]], 33.0))
    length = Figure(
        "distance", VIEW.unproject(points[:2], [33.5, 31.0]), VIEW, on_surface=True, created=CREATED
    )
    corner = [(-3.5, 20.25, 40.0), (2.0, 20.25, 40.0), (2.0, 24.5, 40.0)]
    angle = Figure("angle", corner, PLANE_VIEWS["axial"], "axial", created=CREATED)
    return Plan(
        case=Case.of(volume or small_ct()),
        region=Region((-8, 20, 30), (4, 36, 50), found=False, note="supposed"),
        run={"engine": "openvino", "device": "cpu", "mode": "fast", "patches": 12, "seconds": {"total": 1.5}},
        timings={"reading": 1.0, "segmentation": 22.5},
        views=(
            PlanView(
                name="from behind",
                view=PRESETS["from behind"],
                picture=PICTURE,
                centre=(1.5, 2, 3),
                mm_per_pixel=0.25,
            ),
            PlanView(name="Above the root", view=VIEW),
        ),
        triangles=(triangle,),
        repeats=(RepeatsRecord(triangle=0, repeats=(again, triangle)),),
        figures=(
            FigureRecord(name="Pedicle", figure=length),
            FigureRecord(name="Lordosis", figure=angle, repeats=(angle, angle)),
        ),
        planning=full_planning(),
        notes=("No safe triangle on the left: the nerve was not found.",),
        versions={"spinect-planner": "0.1.0"},
        created=CREATED,
    )


def full_document(volume: Volume | None = None) -> Document:
    """A document with labels on both grids, a picture and an angle map."""
    volume = volume or small_ct()
    labels = np.zeros((14, 12, 10), np.uint8)
    labels[2:9, 3:9, 2:7] = 1
    labels[3:12, 4:6, 7:9] = 2
    on_ct = np.zeros(volume.geometry.shape, np.uint8)
    on_ct[1:5, 2:5, 1:4] = 1
    on_ct[2:6, 3, 4] = 2
    files = {PICTURE: b"\x89PNG of no patient", MAP: b"oblique,tilt,area_mm2\n0,0,1\n"}
    return Document(
        plan=full_plan(volume),
        labels=Labels(labels, Geometry((14, 12, 10), (1.0, 1.0, 1.0), (-6.5, 21.0, 33.0))),
        labels_on_ct=Crop.of(Labels(on_ct, volume.geometry)),
        files=files,
    )
