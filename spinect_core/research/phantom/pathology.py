"""What a spine may have beyond its measures: named findings with their prevalence and the numbers each draws.

:data:`PATHOLOGIES` is data alone; the builders read what was drawn through
:meth:`spinect_core.research.phantom.parameters.Specimen.finding`. Prevalences are those of adults with back pain who
are imaged, as far as a source gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.errors import UsageError

WORKING = "working value without a published source"
BRINJIKJI = "ajnr 36/4/811: review of imaging without symptoms, 33 studies"
KALICHMAN = "Spine 2009 34(2):199 (Framingham CT, n=188)"

Finding = dict[str, float | str]
"""What one pathology drew: numbers in the unit of its :class:`Draw`, words of its :class:`Choice`."""


@dataclass(frozen=True)
class Draw:
    """A number from a normal distribution, cut to a range."""

    mean: float
    sd: float
    low: float
    high: float
    unit: str
    source: str = WORKING


@dataclass(frozen=True)
class Choice:
    """One of several words, with the share of each."""

    shares: dict[str, float]
    source: str = WORKING


SIDE = Choice({"left": 0.5, "right": 0.5})
SIDES = Choice({"left": 0.3, "right": 0.3, "both": 0.4})


@dataclass(frozen=True)
class Pathology:
    """One finding.

    Attributes:
        summary: one line on what is drawn.
        prevalence: share of adults with back pain who have it, 0 to 1.
        source: of the prevalence.
        draws: what is drawn, by name.
        excludes: findings that cannot be there at the same time.
    """

    summary: str
    prevalence: float
    source: str
    draws: dict[str, Draw | Choice]
    excludes: tuple[str, ...] = ()


PATHOLOGIES: dict[str, Pathology] = {
    "scoliosis": Pathology(
        "the lumbar spine leans to one side and turns towards the other",
        0.13,
        "Eur Spine J 2020 29:2960: 13 % under 60 years, pooled 37.6 %",
        {
            "lean": Draw(4.5, 1.5, 2.5, 7.5, "deg a segment"),
            "turn": Draw(3.5, 1.2, 1.5, 6.0, "deg a segment"),
            "side": SIDE,
        },
    ),
    "disc-height-loss": Pathology(
        "degenerated L5/S1 disc: low, with sclerotic end plates, in some with gas",
        0.3,
        BRINJIKJI + ": degeneration 37 % at 20 to 96 % at 80 years, at any level",
        {
            "height_left": Draw(0.52, 0.1, 0.35, 0.7, "of the height"),
            "sclerosis": Draw(170.0, 80.0, 30.0, 350.0, "HU"),
            "gas": Choice({"no": 0.6, "yes": 0.4}),
        },
    ),
    "facet-arthrosis": Pathology(
        "L5/S1 facets enlarged by irregular sclerotic bone, joint space narrow",
        0.25,
        BRINJIKJI + ": facet degeneration rises with age",
        {
            "growth_left": Draw(3.2, 0.9, 1.5, 5.0, "mm"),
            "growth_right": Draw(3.2, 0.9, 1.5, 5.0, "mm"),
            "joint_space": Draw(1.5, 0.15, 1.3, 1.9, "mm"),
            "sclerosis": Draw(300.0, 80.0, 120.0, 450.0, "HU"),
        },
    ),
    "osteophytes": Pathology(
        "bony lips on the rims of the end plates, largest in front and at the sides",
        0.25,
        WORKING,
        {
            "length": Draw(5.0, 1.5, 2.5, 9.0, "mm"),
            "angle": Draw(0.0, 25.0, -60.0, 60.0, "deg from the front, positive to the left"),
        },
    ),
    "disc-bulge": Pathology(
        "the L5/S1 disc stands out all round beyond the end plates",
        0.3,
        BRINJIKJI + ": bulge 30 % at 20 to 84 % at 80 years, at any level",
        {"bulge": Draw(2.6, 0.6, 1.5, 4.0, "mm")},
    ),
    "herniation-l5": Pathology(
        "foraminal herniation of the L5/S1 disc that reaches the L5 root",
        0.04,
        WORKING,
        {
            "depth": Draw(6.0, 1.2, 4.0, 8.5, "mm"),
            "width": Draw(10.0, 1.5, 7.0, 13.0, "mm"),
            "rise": Draw(4.0, 1.5, 1.0, 7.0, "mm towards the head"),
            "side": SIDE,
        },
    ),
    "herniation-s1": Pathology(
        "paracentral herniation of the L5/S1 disc that reaches the S1 root",
        0.12,
        BRINJIKJI + ": protrusion at any level 29 to 43 %; the share here is a working value",
        {
            "depth": Draw(6.0, 1.2, 4.0, 8.5, "mm"),
            "width": Draw(13.0, 2.0, 9.0, 17.0, "mm"),
            "drop": Draw(3.5, 2.0, 0.0, 8.0, "mm towards the feet"),
            "side": SIDE,
        },
    ),
    "stenosis": Pathology(
        "narrow canal, thick ligamenta flava, compressed sac at L4/5 and L5/S1",
        0.10,
        WORKING,
        {
            "canal_depth": Draw(11.4, 0.7, 10.0, 12.6, "mm", "readbyqxmd 28904831: lower limit about 10 mm"),
            "canal_narrowing": Draw(4.0, 1.0, 2.0, 6.0, "mm of its width"),
            "flavum": Draw(5.6, 0.7, 4.5, 7.0, "mm"),
            "sac_left": Draw(0.62, 0.07, 0.48, 0.75, "of the diameters of the sac"),
        },
    ),
    "spondylolisthesis": Pathology(
        "L5 slipped forwards on S1; isthmic with its arch left behind, or degenerative and small",
        0.08,
        KALICHMAN + ": spondylolysis in 21; half to four fifths of them slip",
        {
            "kind": Choice({"isthmic": 0.75, "degenerative": 0.25}),
            "slip": Draw(0.22, 0.06, 0.12, 0.38, "of the depth of S1, if isthmic"),
            "small_slip": Draw(0.10, 0.02, 0.06, 0.14, "of the depth of S1, if degenerative"),
            "defect": Draw(2.8, 0.5, 1.8, 4.0, "mm between arch and body"),
        },
        ("transitional",),
    ),
    "high-crest": Pathology(
        "iliac crest above the upper pedicle line of L5",
        0.066,
        "spandidos etm.2021.10298: 5 of 76 above the line between L4 and L5",
        {"crest_height": Draw(60.0, 4.0, 52.0, 70.0, "mm above the upper end plate of S1")},
    ),
    "transitional": Pathology(
        "large transverse process of L5 that meets the sacral ala, with a joint or fused",
        0.249,
        "Eur Spine J 2022 31:3647: 24.9 % of 571 CTs, Castellvi II to IV",
        {
            "side": Choice(
                {"left": 0.23, "right": 0.23, "both": 0.54},
                "Eur Spine J 2022 31:3647: both sides in IIb, IIIb, IV",
            ),
            "joint": Choice({"articulating": 0.75, "fused": 0.25}, "Eur Spine J 2022 31:3647: II before III"),
            "thickness": Draw(21.0, 1.5, 19.0, 25.0, "mm", "Castellvi: 19 mm and more is abnormal"),
        },
        ("spondylolisthesis",),
    ),
    "conjoined-roots": Pathology(
        "L5 and S1 of one side leave the sac together and part in the lateral recess",
        0.04,
        "Eur Spine J 2004 13:147: 4 % on CT and myelography, 14 % of cadavers",
        {"side": SIDE, "common": Draw(9.0, 2.0, 5.0, 13.0, "mm of common sleeve")},
    ),
    "osteoporosis": Pathology(
        "thin cortex, dark cancellous bone, hollow end plates",
        0.15,
        WORKING,
        {
            "cancellous": Draw(70.0, 18.0, 30.0, 105.0, "HU"),
            "cortex_left": Draw(0.6, 0.08, 0.45, 0.75, "of thickness and of HU"),
            "dish": Draw(3.6, 0.7, 2.4, 5.5, "mm at the middle of the end plate"),
        },
    ),
    "obesity": Pathology(
        "thick subcutaneous fat, muscles with much fat in them",
        0.3,
        WORKING,
        {
            "skin_depth": Draw(
                108.0, 12.0, 92.0, 135.0, "mm", "rapm 34/2/100: skin to foramen 100 to 122 mm in obesity"
            ),
            "subcutaneous": Draw(52.0, 11.0, 34.0, 76.0, "mm of fat behind the fascia"),
            "muscle_fat": Draw(0.25, 0.08, 0.1, 0.45, "share of fat in the back muscles"),
        },
    ),
    "pedicle-screws": Pathology(
        "titanium screws in the pedicles of L5 and S1 with a rod on each side",
        0.04,
        WORKING,
        {
            "diameter": Draw(6.5, 0.4, 5.5, 7.5, "mm"),
            "length": Draw(44.0, 3.0, 38.0, 50.0, "mm"),
            "metal": Draw(8000.0, 800.0, 6000.0, 10000.0, "HU before saturation"),
        },
    ),
    "hip-prosthesis": Pathology(
        "metal cup, head and stem of an artificial hip at the lower edge of the picture",
        0.03,
        WORKING,
        {
            "side": SIDES,
            "cup": Draw(54.0, 3.0, 48.0, 60.0, "mm diameter"),
            "metal": Draw(14000.0, 1500.0, 10000.0, 18000.0, "HU before saturation"),
        },
    ),
}


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The names asked for, in the order of the table; ``normal`` alone means none.

    Raises:
        UsageError: a name is unknown, or two of them cannot be there together.
    """
    wanted = set(names) - ({"normal"} if len(names) == 1 else set())
    unknown = sorted(wanted - set(PATHOLOGIES))
    if unknown:
        known = ", ".join(("normal", *PATHOLOGIES))
        raise UsageError(
            f"There is no pathology {unknown[0]!r} to combine", f"Choose among {known}", "pathology"
        )
    for name in wanted:
        for other in PATHOLOGIES[name].excludes:
            if other in wanted:
                raise UsageError(
                    f"{name} and {other} cannot be in one specimen", "Ask for one of them", "pathology"
                )
    return tuple(name for name in PATHOLOGIES if name in wanted)


def draw_finding(name: str, rng: np.random.Generator) -> tuple[bool, Finding]:
    """Whether the stream of a pathology has it, and what is drawn if it has."""
    entry = PATHOLOGIES[name]
    present = bool(rng.random() < entry.prevalence)
    found: Finding = {}
    for key, draw in entry.draws.items():
        if isinstance(draw, Draw):
            found[key] = float(np.clip(rng.normal(draw.mean, draw.sd), draw.low, draw.high))
        else:
            words = list(draw.shares)
            found[key] = words[int(rng.choice(len(words), p=list(draw.shares.values())))]
    return present, found


def sides_of(finding: Finding) -> tuple[tuple[str, float], ...]:
    """The sides a finding is on, as names and signs of x."""
    both = (("left", 1.0), ("right", -1.0))
    return tuple(entry for entry in both if finding.get("side", "both") in (entry[0], "both"))
