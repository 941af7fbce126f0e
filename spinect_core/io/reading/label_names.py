"""What segments of other programs are: bone, nerve, an organ, or nothing that a plan knows.

A name or a code means something here only if it is one of those below, to the letter but for capitals and what joins
its words. Nothing is guessed of others: who loads them says what they are. Left to the user are on purpose the spinal
cord and the spinal canal, which programs for MR and CT draw to their liking, with or without the sac below the cord.

Sources: TotalSegmentator, https://github.com/wasserth/TotalSegmentator (``map_to_binary.py``: ``total`` and
``total_v1``); TotalSpineSeg, https://github.com/neuropoly/totalspineseg (README, "List of Classes"); SPINEPS,
https://github.com/Hendrik-code/spineps (README, "Labels"); SNOMED CT by way of DICOM PS3.16.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from spinect_core.base.errors import UsageError
from spinect_core.base.words import SIDES, Numbering, Tissue
from spinect_core.image.organs import Organ
from spinect_core.io.reading.organ_names import ORGANS, plain_class


class Left(StrEnum):
    """A segment that is not taken."""

    OUT = "leave out"


Meaning = Tissue | Organ | Left
MEANINGS: tuple[Meaning, ...] = (Tissue.BONE, Tissue.NERVE, Left.OUT, *Organ)
"""What a segment can be, in the order in which it is offered."""

_CERVICAL = tuple(f"C{number}" for number in range(1, 8))
_THORACIC = tuple(f"T{number}" for number in range(1, 13))
_LUMBAR = tuple(f"L{number}" for number in range(1, 6))
_SPINE = (*_CERVICAL, *_THORACIC, *_LUMBAR)
"""From the head to the feet."""
_PAIRED = ("hip", "femur", "humerus", "scapula", "clavicula")
_RIBS = tuple(f"rib_{side}_{number}" for side in SIDES for number in range(1, 13))
_DISCS = tuple(f"disc_{above}_{below}" for above, below in zip(_SPINE[1:], (*_SPINE[2:], "S"), strict=True))
_SUBREGIONS = {
    26: "Sacrum",
    41: "Arcus_Vertebrae",
    42: "Spinosus_Process",
    43: "Costal_Process_Left",
    44: "Costal_Process_Right",
    45: "Superior_Articular_Left",
    46: "Superior_Articular_Right",
    47: "Inferior_Articular_Left",
    48: "Inferior_Articular_Right",
    49: "Vertebra_Corpus_border",
    60: "Spinal_Cord",
    61: "Spinal_Canal",
    62: "Endplate",
    100: "Vertebra_Disc",
}
_BONES = (
    "bone",  # as this program names it
    *(f"vertebrae_{name}" for name in (*_SPINE, "L6", "S1")),
    "vertebrae",
    "vertebrae_body",
    "sacrum",
    "skull",
    "sternum",
    *(f"{name}_{side}" for name in _PAIRED for side in SIDES),
    *_RIBS,
    *(name for number, name in _SUBREGIONS.items() if number < 60),
)
_ELSEWHERE = (
    *("lung_left", "lung_right", "trachea", "thyroid_gland", "heart", "brain", "face", "pulmonary_vein"),
    *("lung_upper_lobe_left", "lung_lower_lobe_left"),
    *("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
    *("heart_myocardium", "pulmonary_artery", "superior_vena_cava", "atrial_appendage_left"),
    *("heart_atrium_left", "heart_ventricle_left", "heart_atrium_right", "heart_ventricle_right"),
    *("brachiocephalic_trunk", "brachiocephalic_vein_left", "brachiocephalic_vein_right"),
    *("subclavian_artery_left", "subclavian_artery_right"),
    *("common_carotid_artery_left", "common_carotid_artery_right", "costal_cartilages"),
)
"""Classes of these programs that lie far from the lumbar spine, or stop no needle."""

KNOWN: Mapping[str, Meaning] = {
    **{name: Left.OUT for name in _ELSEWHERE},
    **ORGANS,
    **dict.fromkeys((*map(plain_class, _DISCS), "vertebra_disc"), Organ.DISC),
    **{plain_class(name): Tissue.BONE for name in _BONES},
    "nerve": Tissue.NERVE,  # as this program names it
}
"""By name, as :func:`~spinect_core.io.reading.organ_names.plain_class` writes it."""

SNOMED: Mapping[str, str] = {"272673000": "bone", "91728009": "nerve"}
"""Names by codes of SNOMED CT, beside those of organs and single bones."""


def _words(text: str) -> list[str]:
    return text.split()


def _total_2() -> dict[int, str]:
    trunk = _words(
        "spleen kidney_right kidney_left gallbladder liver stomach pancreas adrenal_gland_right adrenal_gland_left "
        "lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right lung_middle_lobe_right "
        "lung_lower_lobe_right esophagus trachea thyroid_gland small_bowel duodenum colon urinary_bladder prostate "
        "kidney_cyst_left kidney_cyst_right sacrum vertebrae_S1"
    )
    vessels = _words(
        "heart aorta pulmonary_vein brachiocephalic_trunk subclavian_artery_right subclavian_artery_left "
        "common_carotid_artery_right common_carotid_artery_left brachiocephalic_vein_left "
        "brachiocephalic_vein_right atrial_appendage_left superior_vena_cava inferior_vena_cava "
        "portal_vein_and_splenic_vein iliac_artery_left iliac_artery_right iliac_vena_left iliac_vena_right "
        "humerus_left humerus_right scapula_left scapula_right clavicula_left clavicula_right femur_left femur_right "
        "hip_left hip_right spinal_cord gluteus_maximus_left gluteus_maximus_right gluteus_medius_left "
        "gluteus_medius_right gluteus_minimus_left gluteus_minimus_right autochthon_left autochthon_right "
        "iliopsoas_left iliopsoas_right brain skull"
    )
    spine = [f"vertebrae_{name}" for name in reversed(_SPINE)]
    return dict(enumerate((*trunk, *spine, *vessels, *_RIBS, "sternum", "costal_cartilages"), start=1))


def _total_1() -> dict[int, str]:
    trunk = _words(
        "spleen kidney_right kidney_left gallbladder liver stomach aorta inferior_vena_cava "
        "portal_vein_and_splenic_vein pancreas adrenal_gland_right adrenal_gland_left lung_upper_lobe_left "
        "lung_lower_lobe_left lung_upper_lobe_right lung_middle_lobe_right lung_lower_lobe_right"
    )
    middle = _words(
        "esophagus trachea heart_myocardium heart_atrium_left heart_ventricle_left heart_atrium_right "
        "heart_ventricle_right pulmonary_artery brain iliac_artery_left iliac_artery_right iliac_vena_left "
        "iliac_vena_right small_bowel duodenum colon"
    )
    last = _words(
        "humerus_left humerus_right scapula_left scapula_right clavicula_left clavicula_right femur_left femur_right "
        "hip_left hip_right sacrum face gluteus_maximus_left gluteus_maximus_right gluteus_medius_left "
        "gluteus_medius_right gluteus_minimus_left gluteus_minimus_right autochthon_left autochthon_right "
        "iliopsoas_left iliopsoas_right urinary_bladder"
    )
    spine = [f"vertebrae_{name}" for name in reversed(_SPINE)]
    return dict(enumerate((*trunk, *spine, *middle, *_RIBS, *last), start=1))


def _totalspineseg() -> dict[int, str]:
    numbers = [*range(11, 18), *range(21, 33), *range(41, 46)]
    discs = [*range(63, 68), *range(71, 83), *range(91, 96), 100]
    return {
        1: "spinal_cord",
        2: "spinal_canal",
        **{number: f"vertebrae_{name}" for number, name in zip(numbers, _SPINE, strict=True)},
        50: "sacrum",
        **dict(zip(discs, _DISCS, strict=True)),
    }


def _spineps_vertebrae() -> dict[int, str]:
    bones = {number: f"vertebrae_{name}" for number, name in enumerate((*_SPINE, "L6"), start=1)}
    discs = {100 + number: "Vertebra_Disc" for number in bones}
    return {**bones, 26: "Sacrum", **discs, **{200 + number: "Endplate" for number in bones}}


NUMBERED: Mapping[Numbering, Mapping[int, str]] = {
    Numbering.OWN: {1: "bone", 2: "nerve"},
    Numbering.TOTALSEGMENTATOR_2: _total_2(),
    Numbering.TOTALSEGMENTATOR_1: _total_1(),
    Numbering.TOTALSPINESEG: _totalspineseg(),
    Numbering.SPINEPS_SPINE: _SUBREGIONS,
    Numbering.SPINEPS_VERTEBRAE: _spineps_vertebrae(),
}
"""What each program calls its numbers. Which program wrote a file is for the user to say: the numbers overlap."""


def known_meaning(name: str, coded: str = "") -> Meaning | None:
    """What a segment is by its name and its code; None where neither is known, or they contradict each other.

    Args:
        name: as the file writes it.
        coded: the name that its code stands for; empty without a known one.
    """
    by_name, by_code = KNOWN.get(plain_class(name)), KNOWN.get(plain_class(coded))
    if by_code is None or by_name in (None, by_code):
        return by_code if by_code is not None else by_name
    return None


def meaning_of(word: str) -> Meaning:
    """The meaning that a user writes: bone, nerve, leave out (or out), or an organ by its name here or elsewhere.

    Raises:
        UsageError: it is none of them.
    """
    plain = plain_class(word)
    if plain in ("out", "leave_out"):
        return Left.OUT
    for each in MEANINGS:
        if plain_class(each) == plain:
            return each
    organ = ORGANS.get(plain)
    if organ is None:
        raise UsageError(
            f"There is nothing called {word.strip()!r:.60} that a segment could be",
            f"Write bone, nerve, out, or an organ: {', '.join(Organ)}",
            parameter="map",
        )
    return organ
