"""Corrections by hand as a document keeps them: its last steps, so that they can be undone after it was opened again.

A member of the document's files, JSON: the labels before each step are in no other place. What does not lead to the
labels of the document is left out, and so is everything before it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.plain import parse_json
from spinect_core.base.progress import Cancel, check
from spinect_core.image.editing import Correction, Edit
from spinect_core.image.volume import NERVE, Labels

MEMBER = "labels/corrections.json"
MOST = 50
"""Steps that a document keeps."""
LONGEST_TEXT = 80
MOST_BOXES = 3
"""So many times the labels' own voxels the boxes of all steps together may hold: each is unpacked and compared."""
FORMAT = "spinect-corrections"
_ACROSS = ((0, (1, 2)), (1, (0, 2)), (2, (0, 1)))


@dataclass(frozen=True, eq=False)
class NamedCorrection:
    """A step of a correction, and what it was.

    Attributes:
        text: such as ``paint nerve``.
        step: on both grids.
    """

    text: str
    step: Correction


def pack_corrections(steps: Sequence[NamedCorrection]) -> bytes:
    """The last steps as the document holds them."""
    data = {
        "format": FORMAT,
        "schema": 1,
        "steps": [
            {"text": each.text, "on_ct": _plain(each.step.on_ct), "on_1mm": _plain(each.step.on_1mm)}
            for each in steps[-MOST:]
        ],
    }
    return json.dumps(data, separators=(",", ":")).encode("utf-8")


def unpack_corrections(
    content: bytes, labels: Labels, labels_1mm: Labels, *, cancel: Cancel | None = None
) -> tuple[NamedCorrection, ...]:
    """The steps that led to labels; those that did not, and all before them, are left out.

    Args:
        content: what any program may have written.
        labels: on the CT's own grid.
        labels_1mm: on the grid that is planned on.
        cancel: asked before each step.

    Raises:
        Cancelled: the user stopped it.
    """
    try:
        data = parse_json(content.decode("utf-8"))
        steps = data["steps"] if data["format"] == FORMAT else []
        found = [(str(each["text"])[:LONGEST_TEXT], _edits(each)) for each in steps[-MOST:]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ()
    on_ct, on_1mm = labels.array.copy(), labels_1mm.array.copy()
    kept: list[NamedCorrection] = []
    room = MOST_BOXES * (on_ct.size + on_1mm.size)
    for text, (ct, mm) in reversed(found):
        check(cancel)
        room -= sum(math.prod(each.shape) for each in (ct, mm) if each is not None)
        if room < 0:
            break
        try:
            if (ct is None and mm is None) or not (_taken_back(ct, on_ct) and _taken_back(mm, on_1mm)):
                break
        except (SpinectError, zlib.error):
            break
        kept.append(NamedCorrection(text, Correction(ct, mm)))
    return tuple(reversed(kept))


def _plain(edit: Edit | None) -> dict[str, Any] | None:
    if edit is None:
        return None
    return {
        "first_zyx": edit.first,
        "shape_zyx": edit.shape,
        "voxels": edit.voxels,
        "before": base64.b64encode(edit.before).decode("ascii"),
        "after": base64.b64encode(edit.after).decode("ascii"),
    }


def _edits(step: Mapping[str, Any]) -> tuple[Edit | None, Edit | None]:
    return _edit(step["on_ct"]), _edit(step["on_1mm"])


def _edit(data: Mapping[str, Any] | None) -> Edit | None:
    """An edit of plain data.

    Raises:
        ValueError: numbers that are none, more voxels than the box holds or none at all, or no base64.
    """
    if data is None:
        return None
    numbers = [*data["first_zyx"], *data["shape_zyx"], data["voxels"]]
    if len(numbers) != 7 or not all(type(each) is int and 0 <= each <= 10**9 for each in numbers):
        raise ValueError("no box")
    z, y, x, depth, height, width, voxels = numbers
    if not 0 < voxels <= depth * height * width:
        raise ValueError("no voxels")
    before, after = (base64.b64decode(data[key], validate=True) for key in ("before", "after"))
    return Edit((z, y, x), (depth, height, width), before, after, voxels)


def _taken_back(edit: Edit | None, array: LabelArray) -> bool:
    """Take an edit back in an array; False where it does not lead to it."""
    if edit is None:
        return True
    if not edit.follows(array):
        return False
    before = edit.old
    differing = before != array[edit.box]
    if before.max(initial=0) > NERVE or int(np.count_nonzero(differing)) != edit.voxels:
        return False
    # As the program writes it, a box ends where the last voxel differs.
    if not all(differing.take((0, -1), axis).any(axis=others).all() for axis, others in _ACROSS):
        return False
    array[edit.box] = before
    return True
