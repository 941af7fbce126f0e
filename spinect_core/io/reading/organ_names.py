"""What other programs call organs: names, numbers and codes, and what each means here.

TotalSegmentator names its classes in the files that it writes, and has numbered them in two ways: version 1 has 104
classes, version 2 has 117 with other numbers. DICOM has codes of SNOMED CT instead. Names are of
https://github.com/wasserth/TotalSegmentator (``map_to_binary.py``, ``totalsegmentator_snomed_mapping.csv``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spinect_core.base.words import SIDES, Side
from spinect_core.image.organs import MUSCLES, VESSELS, WALL, Organ

_SIDED: Mapping[str, tuple[Organ, Organ]] = {
    "kidney": (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT),
    "kidney_cyst": (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT),
    "iliac_artery": (Organ.ILIAC_ARTERY_LEFT, Organ.ILIAC_ARTERY_RIGHT),
    "common_iliac_artery": (Organ.ILIAC_ARTERY_LEFT, Organ.ILIAC_ARTERY_RIGHT),
    "iliac_vena": (Organ.ILIAC_VEIN_LEFT, Organ.ILIAC_VEIN_RIGHT),
    "iliac_vein": (Organ.ILIAC_VEIN_LEFT, Organ.ILIAC_VEIN_RIGHT),
    "common_iliac_vein": (Organ.ILIAC_VEIN_LEFT, Organ.ILIAC_VEIN_RIGHT),
    "psoas": (Organ.PSOAS_LEFT, Organ.PSOAS_RIGHT),
    "psoas_major": (Organ.PSOAS_LEFT, Organ.PSOAS_RIGHT),
    "iliacus": (Organ.ILIACUS_LEFT, Organ.ILIACUS_RIGHT),
    "iliopsoas": (Organ.ILIOPSOAS_LEFT, Organ.ILIOPSOAS_RIGHT),
    "quadratus_lumborum": (Organ.QUADRATUS_LEFT, Organ.QUADRATUS_RIGHT),
    "autochthon": (Organ.BACK_LEFT, Organ.BACK_RIGHT),
    "erector_spinae": (Organ.BACK_LEFT, Organ.BACK_RIGHT),
    "multifidus": (Organ.BACK_LEFT, Organ.BACK_RIGHT),
    "gluteus_maximus": (Organ.GLUTEAL_LEFT, Organ.GLUTEAL_RIGHT),
    "gluteus_medius": (Organ.GLUTEAL_LEFT, Organ.GLUTEAL_RIGHT),
    "gluteus_minimus": (Organ.GLUTEAL_LEFT, Organ.GLUTEAL_RIGHT),
    "abdominal_wall": (Organ.WALL_LEFT, Organ.WALL_RIGHT),
    "ureter": (Organ.URETER, Organ.URETER),
    "adrenal_gland": (Organ.OTHER, Organ.OTHER),
}
_PLAIN: Mapping[str, Organ] = {
    "bowel": Organ.BOWEL,
    "small_bowel": Organ.BOWEL,
    "small_intestine": Organ.BOWEL,
    "duodenum": Organ.BOWEL,
    "colon": Organ.BOWEL,
    "rectum": Organ.BOWEL,
    "large_bowel": Organ.BOWEL,
    "large_intestine": Organ.BOWEL,
    "aorta": Organ.AORTA,
    "abdominal_aorta": Organ.AORTA,
    "inferior_vena_cava": Organ.VENA_CAVA,
    "vena_cava": Organ.VENA_CAVA,
    "iliac_vessels": Organ.ILIAC_VESSELS,
    "urinary_bladder": Organ.BLADDER,
    "bladder": Organ.BLADDER,
    "uterus": Organ.UTERUS,
    "prostate": Organ.PROSTATE,
    "stomach": Organ.OTHER,
    "liver": Organ.OTHER,
    "spleen": Organ.OTHER,
    "pancreas": Organ.OTHER,
    "gallbladder": Organ.OTHER,
    "esophagus": Organ.OTHER,
    "portal_vein_and_splenic_vein": Organ.OTHER,
    "intervertebral_disc": Organ.DISC,
    "intervertebral_discs": Organ.DISC,
    "disc": Organ.DISC,
}
ORGANS: Mapping[str, Organ] = {
    **_PLAIN,
    **{f"{name}_{side}": pair[SIDES.index(side)] for name, pair in _SIDED.items() for side in SIDES},
}
"""By the name of a class."""
_BONE = re.compile(r"vertebrae?(_.*)?|sacrum|hip(_left|_right)?|femur_.*")

SCT: Mapping[str, str] = {
    "64033007": "kidney",
    "30315005": "small_bowel",
    "71854001": "colon",
    "38848004": "duodenum",
    "34402009": "rectum",
    "113276009": "bowel",
    "14742008": "large_bowel",
    "15825003": "aorta",
    "7832008": "abdominal_aorta",
    "64131007": "inferior_vena_cava",
    "73634005": "common_iliac_artery",
    "46027005": "common_iliac_vein",
    "89837001": "urinary_bladder",
    "35039007": "uterus",
    "41216001": "prostate",
    "87953007": "ureter",
    "69695003": "stomach",
    "10200004": "liver",
    "78961009": "spleen",
    "15776009": "pancreas",
    "28231008": "gallbladder",
    "23451007": "adrenal_gland",
    "244849004": "autochthon",
    "68455001": "iliopsoas",
    "181674001": "gluteus_maximus",
    "78333006": "gluteus_medius",
    "75297007": "gluteus_minimus",
    "54735007": "sacrum",
    "29836001": "hip",
    "65985001": "vertebrae_S1",
    "49668003": "vertebrae_L5",
    "11994002": "vertebrae_L4",
    "36470004": "vertebrae_L3",
    "14293000": "vertebrae_L2",
    "66794005": "vertebrae_L1",
}
"""Names by the codes of SNOMED CT."""
LATERALITY: Mapping[str, Side] = {"7771000": Side.LEFT, "24028007": Side.RIGHT}

LAST_V1, LAST_V2 = 104, 117
"""The highest numbers of the two versions of TotalSegmentator's task 'total'."""
V2: Mapping[int, str] = {
    1: "spleen",
    2: "kidney_right",
    3: "kidney_left",
    4: "gallbladder",
    5: "liver",
    6: "stomach",
    7: "pancreas",
    8: "adrenal_gland_right",
    9: "adrenal_gland_left",
    15: "esophagus",
    18: "small_bowel",
    19: "duodenum",
    20: "colon",
    21: "urinary_bladder",
    22: "prostate",
    23: "kidney_cyst_left",
    24: "kidney_cyst_right",
    25: "sacrum",
    26: "vertebrae_S1",
    27: "vertebrae_L5",
    28: "vertebrae_L4",
    29: "vertebrae_L3",
    30: "vertebrae_L2",
    31: "vertebrae_L1",
    52: "aorta",
    63: "inferior_vena_cava",
    64: "portal_vein_and_splenic_vein",
    65: "iliac_artery_left",
    66: "iliac_artery_right",
    67: "iliac_vena_left",
    68: "iliac_vena_right",
    77: "hip_left",
    78: "hip_right",
    80: "gluteus_maximus_left",
    81: "gluteus_maximus_right",
    82: "gluteus_medius_left",
    83: "gluteus_medius_right",
    84: "gluteus_minimus_left",
    85: "gluteus_minimus_right",
    86: "autochthon_left",
    87: "autochthon_right",
    88: "iliopsoas_left",
    89: "iliopsoas_right",
}
"""What of version 2 has a meaning here; the other numbers up to 117 are bones, lungs, heart and head."""


@dataclass(frozen=True)
class Range:
    """The HU that most of a structure has on a CT with or without contrast, however noisy."""

    low: float
    high: float


BONE_RANGE = Range(90.0, 3071.0)
RANGES: Mapping[Organ, Range] = {
    **dict.fromkeys((Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT), Range(-10.0, 350.0)),
    **dict.fromkeys(VESSELS, Range(-20.0, 600.0)),
    **dict.fromkeys(set(MUSCLES) - set(WALL), Range(-60.0, 130.0)),
    Organ.OTHER: Range(-30.0, 350.0),
    Organ.BLADDER: Range(-30.0, 3071.0),
}
"""Of organs whose density says something; bowel holds anything."""


def plain_class(name: str) -> str:
    """A name of a class in small letters, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def is_bone(name: str) -> bool:
    """Whether a class is bone of the spine or pelvis."""
    return bool(_BONE.fullmatch(plain_class(name)))


def organ_of(name: str) -> Organ | None:
    """The organ that a class is; None where it is none that is known here."""
    return ORGANS.get(plain_class(name))


def fully_looked_for(names: Collection[str]) -> tuple[Organ, ...]:
    """The organs that were looked for wholly by a program that told these classes apart, in their order.

    Bowel is small and large bowel: who looked for the colon alone does not know where bowel is.
    """
    classes = {plain_class(name) for name in names}
    found = {ORGANS[name] for name in classes if name in ORGANS}
    small = {"small_bowel", "small_intestine", "bowel"} & classes
    large = {"colon", "large_bowel", "large_intestine", "bowel"} & classes
    if not (small and large):
        found.discard(Organ.BOWEL)
    return tuple(organ for organ in Organ if organ in found)
