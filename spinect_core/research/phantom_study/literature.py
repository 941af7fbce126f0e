"""What is published about each measure, as data.

Numbers stand as their source prints them. Where only a range or a class is printed, or the SD is missing, this is said
in the note, and nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A published value.

    Attributes:
        mean: as printed; None if no source was found.
        sd: standard deviation as printed; None where none is printed.
        unit: mm, mm², deg or %.
        n: people or specimens; 0 where unknown.
        modality: how it was measured.
        source: address.
        note: what to mind when comparing.
    """

    mean: float | None
    sd: float | None
    unit: str
    n: int = 0
    modality: str = ""
    source: str = ""
    note: str = ""


_L5_TABLE = "http://ijssurgery.com/highwire/markup/11003/expansion?height=500&iframe=true&width=1000"
_NEUROGRAPHY = (
    "https://discovery.researcher.life/article/lumbosacral-plexus-root-thickening-establishing-normal-root-"
    "dimensions-using-magnetic-resonance-neurography/79aaa9d55cbf33ff9ea5b73eae76f1c6"
)
_S1_BODY = (
    "https://discovery.researcher.life/article/space-available-for-sacroiliac-screws-in-the-s1-vertebral-body/"
    "c292c2c7223838d691d7cb48bf055e18"
)
_KAMBIN_ANGLE = "https://discovery.researcher.life/topic/medial-aspect/21306673"
_FORAMEN_1000 = "https://aans2025.eventscribe.net/ajaxcalls/PosterInfo.asp?PosterID=725393"
_FORAMEN_CT = "https://pmc.ncbi.nlm.nih.gov/articles/PMC6362883"
_GANGLION = "https://pmc.ncbi.nlm.nih.gov/articles/PMC4337191"
_FACET_GAP = "http://synapse.koreamed.org/articles/1160731"
_DISC_MR = "https://doaj.org/article/67279946f7be48f5a145054ee84c856d"
_DISC_HEIGHT = "https://pmc.ncbi.nlm.nih.gov/articles/PMC5809838"
_DISC_14 = "http://anatomyjournal.ir/web2export.php?a_code=A-10-159-1&slc_lang=en&type=Reference_Manager"
_ALL_LEVELS = "mean of L1 to S1, not of L5/S1 alone"
NO_SOURCE = "no source found"


def _l5(mean: float, sd: float) -> Published:
    return Published(mean, sd, "mm", 196, "CT", _L5_TABLE)


def _none(unit: str, note: str = "") -> Published:
    return Published(None, None, unit, source=NO_SOURCE, note=note)


PUBLISHED: dict[str, Published] = {
    "L5 body height anterior": _l5(30.3, 1.9),
    "L5 body height posterior": _l5(26.3, 1.9),
    "L5 body length superior": _l5(35.7, 3.5),
    "L5 body length inferior": _l5(35.3, 3.6),
    "L5 body width": Published(
        47.4, None, "mm", 50, "dry bone", "https://m.booksci.cn/literature/143686245.htm",
        "upper end plate, South India; the SD printed (13.9 mm) cannot be that of a width and is left out",
    ),
    "L5 pedicle height": _l5(12.9, 1.9),
    "L5 pedicle width": _l5(16.1, 2.3),
    "L5 canal AP": _l5(15.6, 2.1),
    "L5 canal width": _l5(28.2, 3.1),
    "L5 canal area": _none("mm²", "PMC5219964 (CT, n=1080) has it; its table could not be read"),
    "S1 body depth": Published(27.2, 3.7, "mm", 0, "CT", _S1_BODY, "depth for screws"),
    "S1 body height": Published(28.4, 2.2, "mm", 0, "CT", _S1_BODY, "ours ends at the S1 foramen"),
    "sacral slope": Published(
        44.5, 9.9, "deg", 0, "radiograph, supine",
        "https://amhsr.org/articles/measurement-of-lumbosacral-angle-in-normal-radiographs-a-retrospective-study-"
        "in-southeast-nigeria.html",
        "Ferguson's angle; standing 41 ± 8 (PMC6334400)",
    ),
    "disc L5/S1 height anterior": Published(
        12.41, None, "mm", 300, "MR", _DISC_MR, f"no SD printed; another MR study has 18.71 ± 1.61 (n=14, {_DISC_14})"
    ),
    "disc L5/S1 height middle": Published(
        10.1, 1.5, "mm", 169, "MR", _DISC_HEIGHT,
        "from the printed reference range 7.11 to 13.12 mm taken as 95 %; another has 12.99 ± 2.53 (n=14)",
    ),
    "disc L5/S1 height posterior": Published(
        8.51, 1.08, "mm", 14, "MR", _DISC_14, "radiographs: 7.95 (n=120); over 4 mm is normal"
    ),
    "foramen L5/S1 height": Published(17.7, 3.0, "mm", 1000, "CT", _FORAMEN_1000,
        _ALL_LEVELS + "; SD 2.74 and 3.26 printed",
    ),
    "foramen L5/S1 width upper": Published(
        6.01, None, "mm", 73, "CT", _FORAMEN_CT, "cranial width under L5; no SD read"
    ),
    "foramen L5/S1 width lower": _none("mm", "caudal width L1: 8.11 (PMC6362883); that of L5 was not read"),
    "foramen L5/S1 width": Published(8.7, 2.1, "mm", 1000, "CT", _FORAMEN_1000, _ALL_LEVELS + "; left 8.66 ± 2.1"),
    "L5 root diameter": Published(5.29, 0.9, "mm", 11, "MR neurography", _NEUROGRAPHY, "5 mm from the ganglion"),
    "S1 root diameter": Published(5.38, 0.7, "mm", 11, "MR neurography", _NEUROGRAPHY, "5 mm from the ganglion"),
    "L5 ganglion diameter": Published(6.5, None, "mm", 16, "cadaver", _GANGLION, "greatest width; SEM printed, not SD"),
    "S1 ganglion diameter": _none("mm", "volume only: S1 384 ± 145 mm³, L5 291 ± 91 mm³ (ajnr.org/content/43/5/769)"),
    "L5 take-off angle": Published(
        54.7, None, "deg", 16, "cadaver", _GANGLION,
        "middle of the printed range 50.5 to 58.8; intraspinal, on radiographs with wires in 15 cadavers, 25.8 ± 3.1 "
        "(PubMed 22744616)",
    ),
    "L5 root to disc angle": Published(50.9, 4.3, "deg", 67, "MR", _KAMBIN_ANGLE,
        "all lumbar levels; SD 4.43 and 4.08 printed",
    ),
    "L5 root height in foramen": Published(
        45.5, None, "%", 0, "CT", "http://ijssurgery.com/content/early/2025/04/01/8731", "middle of 42 to 49 %"
    ),
    "root to facet upper": Published(4.6, 2.5, "mm", 0, "3D MR", _FACET_GAP),
    "root to facet lower": Published(12.9, 2.8, "mm", 0, "3D MR", _FACET_GAP),
    "sac AP": _none("mm", "working value 11 to 13"),
    "sac width": _none("mm", "working value 14 to 16"),
    "sac area": Published(
        102.6, 43.3, "mm²", 0, "MR", "https://wjgnet.com/1949-8470/tables/v13/i1/29.htm",
        "patients with stenosis above, without redundant roots: the healthy will be larger",
    ),
    "sac end below S1": _none("mm"),
    "sac end in S1 heights": Published(
        1.17, None, "S1 heights", 743, "MR", "https://doi.org/10.1080/0284185060055715",
        "upper third of S2 printed; 1.17 is its middle, were S2 as high as S1; range L5/S1 to S3",
    ),
    "crest above S1": _none("mm", "classes only"),
    "skin to foramen": Published(
        84.0, None, "mm", 86, "fluoroscopy", "https://rapm.bmj.com/content/34/2/100-105",
        "median of the pre-obese; 63 underweight, 75 normal, 100 to 122 obese; L5/S1 in Korea 61 to 71",
    ),
}  # fmt: skip
"""Published value of every measure, by its name without the side."""

CREST_SHARES = (42 / 76, 29 / 76, 5 / 76)
"""Share of patients with the crest below the upper L5 pedicle line, between it and the lower L4 pedicle line, above."""
CREST_SOURCE = "http://www.spandidos-publications.com/10.3892/etm.2021.10298"
