"""Steps of a correction in a document: they come back, and what leads nowhere is left out."""

import base64
import json
import threading
import zlib

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.image.editing import Correction, Edit, Stroke, brushed, correction, over_labels
from spinect_core.image.volume import NERVE, Geometry, Labels
from spinect_core.plan.kept_corrections import (
    MOST,
    MOST_BOXES,
    NamedCorrection,
    pack_corrections,
    unpack_corrections,
)

GRID = Geometry((20, 30, 30), (0.8, 0.8, 2.0))
MM = Geometry((40, 24, 24), (1.0, 1.0, 1.0))


def corrected(count):
    """Empty labels with so many strokes, the steps, and the arrays before each."""
    labels, labels_1mm = (
        Labels(np.zeros(GRID.shape, np.uint8), GRID),
        Labels(np.zeros(MM.shape, np.uint8), MM),
    )
    steps, before = [], []
    for number in range(count):
        point = (4.0 + number % 15, 6.0 + number % 7, 10.0 + number % 9)
        value = NERVE if number % 3 else 1
        made = correction(
            labels, labels_1mm, [Stroke(*brushed(GRID, point, point, 2.5), value, over_labels(value))]
        )
        if made is None:
            continue
        before.append(labels.array)
        steps.append(NamedCorrection(f"step {number}", made))
        labels = Labels(made.on_ct.done(labels.array), GRID)
        labels_1mm = Labels(made.on_1mm.done(labels_1mm.array), MM)
    return labels, labels_1mm, steps, before


def test_many_steps_of_the_whole_ct_are_not_all_unpacked_and_reading_can_be_stopped():
    grid = Geometry((9, 9, 9), (1.0, 1.0, 1.0))
    before, after = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)
    after[0, 0, 0] = after[-1, -1, -1] = 1
    there, back = Edit.between(before, after, (0, 0, 0)), Edit.between(after, before, (0, 0, 0))
    steps = [NamedCorrection("all", Correction(each, None)) for each in (there, back) * 20]
    labels = Labels(before, grid)
    found = unpack_corrections(pack_corrections(steps), labels, labels)
    assert len(found) == 2 * MOST_BOXES
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        unpack_corrections(pack_corrections(steps), labels, labels, cancel=stop)


def test_the_last_fifty_steps_come_back_in_their_order():
    labels, labels_1mm, steps, before = corrected(60)
    packed = pack_corrections(steps)
    assert len(packed) < 200_000
    found = unpack_corrections(packed, labels, labels_1mm)
    assert [each.text for each in found] == [each.text for each in steps[-MOST:]]
    array = labels.array
    for step, old in zip(reversed(found), reversed(before), strict=False):
        array = step.step.on_ct.undone(array)
        np.testing.assert_array_equal(array, old)
    assert np.count_nonzero(labels.array), "the labels themselves stay"


def test_what_does_not_lead_to_the_labels_is_left_out():
    labels, labels_1mm, steps, _ = corrected(6)
    good = json.loads(pack_corrections(steps))

    def left(change):
        data = json.loads(json.dumps(good))
        change(data)
        return len(unpack_corrections(json.dumps(data).encode(), labels, labels_1mm))

    assert left(lambda _: None) == 6
    assert left(lambda data: data["steps"].pop()) == 0
    assert left(lambda data: data["steps"][2].update(on_ct=None, on_1mm=None)) == 3
    assert left(lambda data: data["steps"][1]["on_ct"].update(before="AAAA")) == 4
    assert left(lambda data: data["steps"][0]["on_ct"].update(shape_zyx=[10**9] * 3)) == 5
    assert left(lambda data: data["steps"][5]["on_1mm"].update(voxels=3)) == 0
    assert left(lambda data: data["steps"][4].pop("text")) == 0
    for content in (
        b"",
        b"\xff",
        b"[]",
        b'{"format": "spinect-corrections"}',
        b'{"format": 1, "steps": [1]}',
    ):
        assert unpack_corrections(content, labels, labels_1mm) == ()
    edit = good["steps"][5]["on_ct"]
    z, y, x = edit["first_zyx"]
    assert left(lambda data: data["steps"][5]["on_ct"].update(voxels=0)) == 0
    wide = Edit((z, y, x - 1), (*edit["shape_zyx"][:2], edit["shape_zyx"][2] + 1), b"", b"", edit["voxels"])
    after = labels.array[wide.box]
    before = steps[5].step.on_ct.undone(labels.array)[wide.box]
    packed = {
        key: base64.b64encode(zlib.compress(each.tobytes())).decode()
        for key, each in (("before", before), ("after", after))
    }
    assert (
        left(
            lambda data: data["steps"][5]["on_ct"].update(
                first_zyx=wide.first, shape_zyx=wide.shape, **packed
            )
        )
        == 0
    ), "a box that is wider than what differs is not the program's"
    other = Labels(labels.array[:5], Geometry((5, 30, 30), GRID.spacing))
    assert unpack_corrections(pack_corrections(steps), other, labels_1mm) == ()


@pytest.mark.parametrize("value", [3, 255])
def test_labels_that_there_are_not_are_refused(value):
    labels, labels_1mm, _, _ = corrected(1)
    odd = Labels(np.where(labels.array > 0, value, 0).astype(np.uint8), GRID)
    step = correction(
        odd, labels_1mm, [Stroke(*brushed(GRID, (12, 9, 20), (12, 9, 20), 9.0), 1, frozenset({0, value}))]
    )
    after = Labels(step.on_ct.done(odd.array), GRID)
    mm = labels_1mm if step.on_1mm is None else Labels(step.on_1mm.done(labels_1mm.array), MM)
    packed = pack_corrections([NamedCorrection("odd", step)])
    assert unpack_corrections(packed, after, mm) == () or step.on_ct.old.max() <= NERVE
