"""Packs and the library: what is in the file is what comes out, and nothing of it is trusted."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import PlanError, SpinectError, UsageError
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.research.phantom.pathology import PATHOLOGIES
from spinect_core.teaching.library import LIBRARY, MODES, further, named
from spinect_core.teaching.pack import HEAD, Pack, own_case, read_pack, write_pack
from spinect_core.teaching.records import CaseRecord, TaskRecord
from spinect_core.teaching.wording import STORIES, task_text


def own():
    """A teacher's case with a patient in its details, larger than its labels along z."""
    rng = np.random.default_rng(4)
    hu = rng.integers(-1000, 1500, (12, 9, 10)).astype(np.int16)
    volume = Volume(
        hu, Geometry((12, 9, 10), (5.0, 5.0, 5.0), (-20.0, -15.0, 100.0)), "DOE^JANE", {"id": "4711"}
    )
    array = np.zeros((30, 20, 20), np.uint8)
    array[5:25, 4:16, 4:16] = 1
    array[8:20, 8:12, 8:12] = 2
    return volume, Labels(array, Geometry((30, 20, 20), (1.0, 1.0, 1.0), (-10.0, -8.0, 115.0)))


def own_pack():
    volume, labels = own()
    record = CaseRecord(name="own-1", title="Case 1", seed=1, tasks=(TaskRecord(task="needle"),))
    case, files = own_case(record, volume, labels)
    return Pack("Own", (case,), "Read this.", files), volume, labels


def test_names_titles_and_texts_of_the_library_are_right():
    assert len({each.name for each in LIBRARY}) == len(LIBRARY)
    for each in LIBRARY:
        assert set(each.pathologies) <= set(PATHOLOGIES)
        record = each.record("Case 1")
        assert len(record.tasks) == len(MODES)
        assert each.name.replace("-", " ") not in record.title.lower()
        assert STORIES[each.story]
        for task in record.tasks:
            assert each.about not in task_text(task)


def test_further_cases_are_named_by_seed_and_pathology():
    case = further(41, ("stenosis",))
    assert case.name == "seed-41-stenosis"
    assert case.record("Case 1").pathologies == ("stenosis",)
    assert further(7, ()).pathologies == ()
    with pytest.raises(UsageError, match="no pathology"):
        further(1, ("gout",))
    with pytest.raises(UsageError, match="no case"):
        named("nobody")


def test_a_pack_of_drawn_cases_is_small_and_comes_back_as_it_was(tmp_path):
    pack = Pack("First", tuple(each.record(f"Case {k}") for k, each in enumerate(LIBRARY, 1)), "Hello.")
    write_pack(pack, tmp_path / "a.spinect-pack")
    assert (tmp_path / "a.spinect-pack").stat().st_size < 100_000
    again = read_pack(tmp_path / "a.spinect-pack")
    assert again.cases == pack.cases
    assert (again.title, again.text, again.checksum) == ("First", "Hello.", pack.checksum)
    write_pack(again, tmp_path / "b.spinect-pack")
    assert (tmp_path / "a.spinect-pack").read_bytes() == (tmp_path / "b.spinect-pack").read_bytes()


def test_a_teachers_own_case_keeps_its_slices_and_nothing_of_the_patient(tmp_path):
    pack, volume, labels = own_pack()
    write_pack(pack, tmp_path / "own.spinect-pack")
    with zipfile.ZipFile(tmp_path / "own.spinect-pack") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"DOE" not in everything
    assert b"4711" not in everything
    pictures = read_pack(tmp_path / "own.spinect-pack").pictures("own-1")
    assert pictures.volume.name == "Case 1"
    assert not pictures.volume.details
    # The labels reach from 114.5 to 144.5 mm, the slices lie at 100, 105, ... 155.
    z = [
        float(pictures.volume.geometry.to_patient([k, 0, 0])[2]) for k in (0, -1 + len(pictures.volume.array))
    ]
    assert z[0] <= 114.5
    assert z[1] >= 144.5
    assert len(pictures.volume.array) < len(volume.array)
    first = round((z[0] - 100.0) / 5.0)
    np.testing.assert_array_equal(
        pictures.volume.array, volume.array[first : first + len(pictures.volume.array)]
    )
    for index in ((10, 10, 10), (6, 5, 5)):
        at = np.rint(pictures.labels.geometry.to_index(labels.geometry.to_patient(index))).astype(int)
        assert pictures.labels.array[tuple(at)] == labels.array[index]


def test_labels_beside_the_ct_are_refused():
    volume, labels = own()
    far = replace(labels, geometry=replace(labels.geometry, origin=(0.0, 0.0, 900.0)))
    record = CaseRecord(name="own-1", title="Case 1", seed=1, tasks=(TaskRecord(task="needle"),))
    with pytest.raises(UsageError, match="beside the CT"):
        own_case(record, volume, far)


def changed(tmp_path, change):
    """The own pack with its members changed."""
    write_pack(own_pack()[0], tmp_path / "own.spinect-pack")
    with zipfile.ZipFile(tmp_path / "own.spinect-pack") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path = tmp_path / "changed.spinect-pack"
    path.write_bytes(stream.getvalue())
    return path


def head_with(**values):
    def change(members):
        members[HEAD] = json.dumps({**json.loads(members[HEAD]), **values}).encode()

    return change


def member(name):
    return f"cases/own-1/{name}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda members: members.pop(member("ct.i16")), "changed or is missing"),
        (lambda members: members.update({member("ct.i16"): b"\0" * 10}), "changed or is missing"),
        (lambda members: members.update({"more.bin": b"1"}), "changed or is missing"),
        (lambda members: members.update({"../out.txt": b"1"}), "leads out of it"),
        (lambda members: members.pop(HEAD), "it has no pack.json"),
        (lambda members: members.update({HEAD: b"{"}), "damaged"),
        (lambda members: members.update({HEAD: b"[]"}), "not a pack"),
        (head_with(format="spinect-document"), "not a pack"),
        (head_with(schema=99), "reads up to"),
        (head_with(title=""), "title"),
        (head_with(cases=[]), "cases"),
        (
            head_with(cases=json.loads('[{"name": "../x", "title": "a", "tasks": [{"task": "needle"}]}]')),
            "name",
        ),
    ],
)
def test_a_pack_that_was_changed_is_refused_with_its_name(tmp_path, change, told):
    path = changed(tmp_path, change)
    with pytest.raises(PlanError, match=told) as caught:
        read_pack(path)
    assert caught.value.source == str(path)
    assert caught.value.remedy


def test_what_is_no_pack_is_refused(tmp_path):
    (tmp_path / "text.spinect-pack").write_text("hello")
    for path in (tmp_path / "text.spinect-pack", tmp_path / "none", tmp_path):
        with pytest.raises(PlanError):
            read_pack(path)


def test_two_cases_of_one_name_and_a_case_of_nothing_are_refused():
    case = named("normal").record("Case 1")
    with pytest.raises(PlanError, match="two cases"):
        Pack("Two", (case, case))
    with pytest.raises(PlanError, match="neither drawn nor"):
        Pack("None", (case.replaced(seed=None),))
    with pytest.raises(SpinectError):
        Pack("One", (case,)).case("other")


def test_another_drawing_than_the_pack_was_made_with_is_refused(monkeypatch):
    import spinect_core.teaching.drawing as drawing

    record = named("normal").record("Case 1").replaced(checksum="0" * 64)

    class Phantom:
        volume, labels = own()
        structures = np.zeros(labels.array.shape, np.uint8)

    monkeypatch.setattr(drawing, "draw_case", lambda *_args, **_named: Phantom)
    with pytest.raises(PlanError, match="another specimen"):
        drawing.draw(record)
    assert drawing.draw(record.replaced(checksum="")).checksum
