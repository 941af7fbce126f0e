"""The number of every single structure of the phantom, as structures.nii.gz holds it; 0 is what has no number."""

from __future__ import annotations

STRUCTURES: dict[str, int] = {
    "L3": 1, "L4": 2, "L5": 3, "sacrum": 4, "hip left": 5, "hip right": 6,
    "disc L3/4": 11, "disc L4/5": 12, "disc L5/S1": 13,
    "thecal sac": 20,
    "L3 left": 21, "L3 right": 22, "L4 left": 23, "L4 right": 24, "L5 left": 25, "L5 right": 26,
    "S1 left": 27, "S1 right": 28, "S2 left": 29, "S2 right": 30,
    "ligamentum flavum": 40,
    "psoas left": 41, "psoas right": 42, "multifidus left": 43, "multifidus right": 44,
    "erector spinae left": 45, "erector spinae right": 46, "iliacus left": 47, "iliacus right": 48,
    "gluteus left": 49, "gluteus right": 50,
    "arteries": 51, "veins": 52, "bowel": 53, "subcutaneous fat": 54, "skin": 55,
    "epidural and foraminal fat": 56,
    "metal": 60,
}  # fmt: skip

BESIDE_NERVES: dict[str, int] = {
    "lymph nodes": 57, "ureters": 58, "sympathetic trunk": 59, "strands in the fat": 61,
}  # fmt: skip
"""Further numbers of the varied family."""
