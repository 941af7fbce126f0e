"""A small planned case with every kind of record in it, made up and of no patient."""

from __future__ import annotations

import numpy as np

from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.plan.document import Crop, Document
from spinect_core.plan.plan import Case, Plan, PlanView
from spinect_core.plan.records import (
    AxialRecord,
    BorderRecord,
    ChoiceRecord,
    ClearanceRecord,
    CloserRecord,
    CourseRecord,
    LandmarkRecord,
    LevelRecord,
    MarginRecord,
    NeedleRecord,
    Planning,
    RiskRecord,
    SafetyRecord,
    SearchRecord,
    StructureRecord,
    TermRecord,
    ToleranceRecord,
    WindowRecord,
    ZoneRecord,
)
from spinect_core.planning.needle.needle import Needle
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
        BorderRecord(names[i], roles[i], (corners[i], corners[(i + 1) % 3]), 0.9 - 0.1 * i) for i in range(3)
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
    nerve = ClearanceRecord(2.25, (7.0, 21.0, 3.0), 84.0)
    safety = SafetyRecord(
        nerve=nerve,
        bone=ClearanceRecord(-0.5, (15.0, 36.0, 0.0), 67.5),
        tip_to_nerve_mm=1.5,
        nerve_at_target=ClearanceRecord(1.25, (6.0, 19.0, 3.5), 86.5),
        tolerance=ToleranceRecord(
            angle=MarginRecord(1.25, False, "bone", "cranial"),
            angle_to_bone=MarginRecord(1.25, False, "bone", "cranial"),
            angle_to_nerve=MarginRecord(15.0, True, "nerve"),
            shift=MarginRecord(1.75, False, "nerve", "caudal and medial"),
            shift_to_bone=MarginRecord(2.5, False, "bone", "lateral"),
            shift_to_nerve=MarginRecord(1.75, False, "nerve", "caudal and medial"),
        ),
        risks=(RiskRecord("free hand", 3.4, 3.1, 20000, 0.1, 0.25, 0.3, 0.003, 0.05, 5.5, 12.25),),
        structures=(
            StructureRecord("S1 superior articular process", "bone", "near", 67.5, gap_mm=-0.5),
            StructureRecord("exiting L5 root", "nerve", "beyond", 88.0, 92.5),
        ),
    )
    search = SearchRecord(
        zone=KEY,
        best=ChoiceRecord(View(31.0, 6.0), 41.5, 2.5, 81.0, 3.5, 4.5, True, 0.5),
        recommended=ChoiceRecord(
            View(28.0, 4.0),
            39.0,
            score=0.75,
            terms=(TermRecord("area", 0.9, 3.0), TermRecord("depth", None, 1.0)),
        ),
        ridge_part=0.125,
        allowed=210,
        step=2.0,
        seconds=1.5,
        ridge=(View(29.0, 5.0), View(31.0, 6.0)),
        alternatives=(ChoiceRecord(View(12.0, -20.0), 18.0, words="19° less oblique"),),
        axial=AxialRecord(True, 12.5, 33.0),
        candidate=View(10.0, 2.0),
        notes=("The CT ends before the skin.",),
        map=MAP,
    )
    return Planning(
        level=LevelRecord("L5/S1", -1, 0.7, ("Another level fits almost as well.",)),
        landmarks=(
            LandmarkRecord("S1 upper end plate centre", (0.5, 2.0, -3.0), 0.95),
            LandmarkRecord("L5 pedicle lower margin left", (14.0, 8.0, 22.0), 0.5, moved=True),
        ),
        courses=(CourseRecord("L5 left", corners, (2.5, 2.25, 2.0), (True, True, False)),),
        zones=(ZoneRecord("kambin", "bony", "left", "L5/S1", borders, 0.85),),
        windows=(
            WindowRecord(
                KEY, VIEW, 30.5, 33.0, 60.0, (6.0, 19.0, 3.5), 1.75, corners, "user",
                (CloserRecord("S1 superior articular process", 0.4, 0.3, 1.25),),
            ),
            WindowRecord(KEY, View(0.0), 0.0, 0.0, 55.0, closers=(CloserRecord("L5 lamina", 1.0, 0.9),),
                         pair=("L5 lamina", "S1 lamina"), pair_gives_mm=3.5),
        ),
        searches=(search,),
        needles=(NeedleRecord(needle, safety), NeedleRecord(needle)),
    )  # fmt: skip


def full_plan(volume: Volume | None = None) -> Plan:
    """A plan with something of everything."""
    points = [[0.5, 0.0], [9.25, 1.0], [2.0, 7.75]]
    triangle = Triangle("kambin", "left", VIEW.unproject(points, 33.5), VIEW, author="user", created=CREATED)
    return Plan(
        case=Case.of(volume or small_ct()),
        region=Region((-8, 20, 30), (4, 36, 50), found=False, note="supposed"),
        run={"engine": "openvino", "device": "cpu", "mode": "fast", "patches": 12, "seconds": {"total": 1.5}},
        timings={"reading": 1.0, "segmentation": 22.5},
        views=(
            PlanView("from behind", PRESETS["from behind"], PICTURE, (1.5, 2, 3), 0.25),
            PlanView("Above the root", VIEW),
        ),
        triangles=(triangle,),
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
