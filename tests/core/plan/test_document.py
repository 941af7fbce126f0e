"""Documents: one file that comes back as it was, with or without its CT, and that no damage turns into a traceback."""

import hashlib
import io
import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plan_maker import MAP, PICTURE, full_document, small_ct

from spinect_core.base.errors import PlanError
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.plan.document import (
    FILE,
    HEAD,
    PROBABILITY_MEMBERS,
    Crop,
    Document,
    naming_only,
    paths_of,
    read_document,
    write_document,
)
from spinect_core.plan.plan import Plan

OLD = Path(__file__).parents[2] / "data" / "document-schema-1.spinect"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "Pläne 計画" / "case.spinect"
    write_document(full_document(), path)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repack(path: Path, contents: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def with_head(path: Path, edit) -> None:
    """Change ``document.json`` of a document by a function of its data."""
    contents = members(path)
    head = json.loads(contents[HEAD])
    edit(head)
    repack(path, contents | {HEAD: json.dumps(head).encode()})


def assert_same(first: Document, second: Document) -> None:
    assert first.plan == second.plan
    assert first.files == second.files
    assert first.extras == second.extras
    for one, other in ((first.labels, second.labels), (first.labels_on_ct, second.labels_on_ct)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one.array, other.array)
    if first.labels is not None and second.labels is not None:
        assert first.labels.geometry.same_grid(second.labels.geometry, 1e-9)
    if first.labels_on_ct is not None and second.labels_on_ct is not None:
        assert first.labels_on_ct.first == second.labels_on_ct.first


def test_a_document_comes_back_whole_and_saves_to_the_same_bytes(path: Path) -> None:
    back = read_document(path)
    assert_same(back, full_document())
    again = path.with_name("again.spinect")
    write_document(back, again)
    assert again.read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["again.spinect", "case.spinect"]


def test_a_document_without_labels_and_pictures_is_one_too(tmp_path: Path) -> None:
    plan = naming_only(full_document().plan, ())
    assert paths_of(plan) == set()
    write_document(Document(plan), tmp_path / "bare.spinect")
    back = read_document(tmp_path / "bare.spinect")
    assert back.labels is None
    assert back.plan == plan
    assert [view.name for view in back.plan.views] == ["from behind", "Above the root"]


def with_probabilities() -> Document:
    document = full_document()
    assert document.labels is not None
    bone, nerve = (np.where(document.labels.array == tissue, 93, 4).astype(np.uint8) for tissue in (1, 2))
    return replace(document, probabilities=Probabilities(bone, nerve, document.labels.geometry))


def test_probabilities_come_back_with_the_labels(tmp_path: Path) -> None:
    before, path = with_probabilities(), tmp_path / "sure.spinect"
    write_document(before, path)
    back = read_document(path)
    assert_same(back, before)
    assert before.probabilities is not None
    assert back.probabilities is not None
    assert np.array_equal(back.probabilities.bone, before.probabilities.bone)
    assert np.array_equal(back.probabilities.nerve, before.probabilities.nerve)
    assert back.labels is not None
    assert back.probabilities.geometry is back.labels.geometry
    assert not [name for name in back.files if name.startswith("labels/")]


@pytest.mark.parametrize(
    "change",
    [
        {"probabilities": ["labels/other.u8", "labels/nerve-percent.u8"]},
        {"probabilities": 3},
        {"labels": None},
    ],
)
def test_probabilities_that_belong_to_no_labels_are_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "sure.spinect"
    write_document(with_probabilities(), path)
    with_head(path, lambda head: head.update(change))
    with pytest.raises(PlanError):
        read_document(path)


def test_probabilities_above_certainty_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sure.spinect"
    write_document(with_probabilities(), path)
    contents = members(path)
    name = PROBABILITY_MEMBERS[2]
    contents[name] = b"\xff" * len(contents[name])
    head = json.loads(contents[HEAD])
    head["members"][name]["sha256"] = hashlib.sha256(contents[name]).hexdigest()
    repack(path, contents | {HEAD: json.dumps(head).encode()})
    with pytest.raises(PlanError, match="percent"):
        read_document(path)


def test_a_document_of_schema_1_is_still_read() -> None:
    """Written when the format was new and never to be written again: later programs must read it, on any system."""
    old = read_document(OLD)
    assert old.plan.case.shape == (12, 10, 8)
    assert old.matches(small_ct())
    (triangle,) = old.plan.triangles
    assert triangle.area_mm2 == pytest.approx(33.15625)
    planning = old.plan.planning
    assert planning.level is not None
    assert (planning.level.name, planning.level.shift) == ("L5/S1", -1)
    assert planning.landmarks[1].moved
    assert planning.zones[0].key == planning.windows[0].zone == planning.searches[0].zone
    assert planning.windows[0].radius_mm == 1.75
    assert planning.searches[0].best is not None
    assert planning.searches[0].best.area_mm2 == 41.5
    assert planning.needles[0].needle.target == (6.0, 19.0, 3.5)
    assert planning.needles[0].safety is not None
    assert planning.needles[0].safety.nerve is not None
    assert planning.needles[0].safety.nerve.gap_mm == 2.25
    assert old.labels is not None
    assert np.bincount(old.labels.array.ravel()).tolist() == [1434, 210, 36]
    np.testing.assert_allclose(old.labels.geometry.to_patient((2, 3, 2)), (-4.5, 24.0, 35.0))
    assert old.labels_on_ct is not None
    assert old.labels_on_ct.on(small_ct().geometry).array[2, 3, 4] == 2
    assert old.files[MAP].startswith(b"oblique")
    content = OLD.read_bytes()
    assert len(content) < 100_000
    for word in (b"Mueller", "Müller".encode(), b"/work", b"/tmp", b"/root", b"linux"):
        assert all(word not in member for member in members(OLD).values())


def test_a_document_knows_its_ct() -> None:
    document, ct = full_document(), small_ct()
    assert document.matches(Volume(ct.array.astype(np.float32), ct.geometry, name="another name"))
    changed = ct.array.copy()
    changed[0, 0, 0] += 1
    assert not document.matches(Volume(changed, ct.geometry))
    for shift, same in ((1e-9, True), (0.1, False)):  # another computer's last digit, and another place
        moved = replace(ct.geometry, origin=(ct.geometry.origin[0] + shift, *ct.geometry.origin[1:]))
        assert document.matches(Volume(ct.array, moved)) is same
        old = document.plan.replaced(case=document.plan.case.replaced(voxels_sha256=""))
        assert not replace(document, plan=old).matches(Volume(ct.array, moved))
    assert not document.matches(Volume(ct.array[:-1], replace(ct.geometry, shape=(11, 10, 8))))


def test_the_crop_gives_the_labels_of_the_whole_ct_back() -> None:
    geometry = Geometry((9, 8, 7), (1.0, 1.0, 1.0))
    array = np.zeros(geometry.shape, np.uint8)
    array[3:5, 0, 6] = 2
    array[8, 7, 2] = 1
    crop = Crop.of(Labels(array, geometry))
    assert crop is not None
    assert (crop.first, crop.array.shape) == ((3, 0, 2), (6, 8, 5))
    np.testing.assert_array_equal(crop.on(geometry).array, array)
    assert Crop.of(Labels(np.zeros_like(array), geometry)) is None
    with pytest.raises(PlanError, match="do not fit"):
        crop.on(Geometry((8, 8, 7), (1.0, 1.0, 1.0)))


def test_what_a_later_program_added_is_kept(path: Path) -> None:
    def add(head) -> None:
        head["mood"] = {"colour": "blue"}
        head["plan"]["approval"] = ["Dr. X"]
        head["plan"]["zones"][0]["texture"] = 7
        head["plan"]["needles"][0]["safety"]["tolerance"]["angle_deg"]["breathing"] = 0.5
        head["members"]["notes/a.txt"] = {
            "bytes": 2,
            "sha256": "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
        }

    contents = members(path)
    head = json.loads(contents[HEAD])
    add(head)
    repack(path, contents | {HEAD: json.dumps(head).encode(), "notes/a.txt": b"hi"})
    again = path.with_name("again.spinect")
    write_document(read_document(path), again)
    kept = json.loads(members(again)[HEAD])
    assert kept == head
    assert members(again)["notes/a.txt"] == b"hi"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda head: head.update(format="spinect-plan"), "not a SPINECT document"),
        (lambda head: head.update(schema=2), "Update SPINECT Planner"),
        (lambda head: head.update(schema=True), "no document schema"),
        (lambda head: head.update(schema="1"), "no document schema"),
        (lambda head: head.pop("plan"), "missing or wrong"),
        (lambda head: head.pop("members"), "no table"),
        (lambda head: head["plan"].update(schema=99), "Update SPINECT Planner"),
        (lambda head: head["plan"]["case"].update(shape_zyx=[1e308, 1, 1]), "no whole number"),
        (lambda head: head["plan"]["triangles"][0].update(area_mm2=1), "edited"),
        (lambda head: head["plan"]["windows"][0].update(zone="L4/5 left kambin bony"), "which is not there"),
        (lambda head: head["plan"]["views"][0].update(picture="views/gone.png"), "not in the document"),
        (lambda head: head["plan"]["views"][0].update(picture="../../etc/passwd"), "leads out"),
        (lambda head: head["labels"].update(shape_zyx=[14, 12, 11]), "no labels of"),
        (lambda head: head["labels"].update(shape_zyx=[99999, 99999, 99999]), "no labels of"),
        (
            lambda head: head["labels"].update(shape_zyx=[14, -12, -10]),
            "shape_zyx: entry 2: -12 is not 1 or more",
        ),
        (lambda head: head["labels"].update(spacing_xyz_mm=[1, 1, 0]), "spacing"),
        (lambda head: head["labels"].update(spacing_xyz_mm=[1e-300, 1, 1]), "0.08 to 20 mm wide"),
        (lambda head: head["labels"].update(spacing_xyz_mm=[1e6, 1e6, 1e6]), "0.08 to 20 mm wide"),
        (lambda head: head["labels"].update(origin_lps_mm=[1e6, 0, 0]), "1000 m from the origin"),
        (lambda head: head["labels"].update(direction=[1, 0, 0, 1, 0, 0, 0, 0, 1]), "right angles"),
        (lambda head: head["labels"].update(member="labels/gone.u8"), "missing or wrong"),
        (lambda head: head["labels_on_ct"].update(first_zyx=[10, 2, 1]), "beyond the CT"),
        (lambda head: head["members"].pop(MAP), "not in its table"),
        (lambda head: head["members"].update(gone={"bytes": 0, "sha256": ""}), "has lost"),
        (lambda head: head["members"][PICTURE].update(sha256="0" * 64), "was changed"),
        (lambda head: head["members"][PICTURE].update(bytes=1), "was changed"),
    ],
)
def test_a_wrong_document_is_refused(path: Path, edit, says: str) -> None:
    with_head(path, edit)
    with pytest.raises(PlanError, match=says) as caught:
        read_document(path)
    assert caught.value.remedy
    assert caught.value.source == str(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil", "leads out"),
        ("/etc/passwd", "leads out"),
        ("a/../../b", "leads out"),
        ("C:evil", "leads out"),
        ("a\\b", "leads out"),
        ("folder/", "leads out"),
    ],
)
def test_a_member_that_leads_out_is_refused(path: Path, name: str, says: str) -> None:
    repack(path, members(path) | {name: b""})
    with pytest.raises(PlanError, match=says):
        read_document(path)


def test_a_member_without_a_name_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"x")
    with pytest.raises(PlanError, match="leads out"):
        read_document(path)


def test_labels_of_other_values_are_refused(path: Path) -> None:
    contents = members(path)
    labels = bytearray(contents["labels/region.u8"])
    labels[5] = 3
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (contents | {"labels/region.u8": bytes(labels)}).items():
            archive.writestr(name, content)
    with pytest.raises(PlanError, match="was changed"):
        read_document(path)
    document = full_document()
    assert document.labels is not None
    with pytest.raises(PlanError, match="more than background"):
        replace(document, labels=Labels(document.labels.array + np.uint8(1), document.labels.geometry))


def test_a_bomb_is_refused_before_it_bursts(path: Path) -> None:
    contents = members(path)
    bomb = zipfile.ZipInfo("bomb")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        bomb.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(bomb, "w") as stream:
            block = bytes(1 << 24)
            for _ in range(FILE.largest // len(block) + 1):
                stream.write(block)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(PlanError, match="claims to hold"):
        read_document(path)


def test_a_locked_a_doubled_and_a_differently_packed_document_are_refused(path: Path) -> None:
    good, contents = path.read_bytes(), members(path)
    repack(path, contents, zipfile.ZIP_LZMA)
    with pytest.raises(PlanError, match="packed in a way"):
        read_document(path)
    locked = bytearray(good)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1
    path.write_bytes(locked)
    with pytest.raises(PlanError, match="password"):
        read_document(path)
    path.write_bytes(good.replace(MAP.encode(), PICTURE.encode().ljust(len(MAP), b"g")))
    with pytest.raises(PlanError):
        read_document(path)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(HEAD, b"{}")
    with pytest.raises(PlanError, match="twice"):
        read_document(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04", b"{}", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "case.spinect"
    path.write_bytes(content)
    with pytest.raises(PlanError):
        read_document(path)
    for other in (tmp_path / "none.spinect", tmp_path):
        with pytest.raises(PlanError, match="cannot be read"):
            read_document(other)


def test_another_zip_is_no_document(tmp_path: Path) -> None:
    path = tmp_path / "slices.spinect"
    repack(path, {"slice.dcm": b"DICM"})
    with pytest.raises(PlanError, match="not a SPINECT document"):
        read_document(path)
    repack(path, {HEAD: b"[1]"})
    with pytest.raises(PlanError, match="not a SPINECT document"):
        read_document(path)
    for text in (b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000):
        repack(path, {HEAD: text})
        with pytest.raises(PlanError, match="is damaged"):
            read_document(path)


def test_a_failed_write_keeps_the_old_document(path: Path) -> None:
    before = path.read_bytes()
    document = full_document()
    with pytest.raises(PlanError, match="nan is no finite number"):
        write_document(replace(document, plan=document.plan.replaced(timings={"a": float("nan")})), path)
    huge = np.zeros(FILE.largest + 1, np.uint8)
    with pytest.raises(PlanError, match="more than a document holds"):
        write_document(replace(document, files={**document.files, "huge": memoryview(huge)}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["case.spinect"]


def test_the_plan_names_only_what_is_inside() -> None:
    document = full_document()
    with pytest.raises(PlanError, match="not in the document"):
        Document(document.plan)
    with pytest.raises(PlanError, match="cannot be called"):
        replace(document, files={**document.files, HEAD: b""})
    assert paths_of(naming_only(document.plan, [MAP])) == {MAP}
    assert naming_only(document.plan, document.files) == document.plan


# ------------------------------------------------------------------------------------------------------ random damage


def survive(path: Path) -> Document | None:
    """The document, None if it was refused in our own words; any other exception fails the test."""
    try:
        return read_document(path)
    except PlanError as error:
        refusal = error
    assert refusal.remedy
    assert "\n" not in str(refusal)
    assert refusal.source == str(path)
    return None


@pytest.mark.parametrize("seed", range(100))
def test_flipped_bits_and_cuts_anywhere(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    if rng.random() < 0.3:
        content = content[: int(rng.integers(len(content)))]
    for _ in range(int(rng.choice([1, 1, 3, 30]))):
        if content:
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    found = survive(path)
    if found is not None:
        assert_same(found, full_document())


JUNK = [
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    "",
    "nan",
    "../x",
    [],
    {},
    [None],
    {"a": 1},
    [1, 2, 3],
    "x" * 30_000,
]


def places(data, path=()):
    """Every place in JSON data, as keys from the top."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("seed", range(8))
def test_any_value_of_the_head_deleted_or_replaced(path: Path, seed: int) -> None:
    """Well-packed, so that the parts themselves have to be distrusted; many changes to one document a seed."""
    rng = np.random.default_rng(100 + seed)
    contents = members(path)
    original = contents[HEAD].decode()
    every = list(places(json.loads(original)))
    refused = 0
    for _ in range(60):
        head = json.loads(original)
        *way, last = every[int(rng.integers(len(every)))]
        parent = head
        for key in way:
            parent = parent[key]
        if rng.random() < 0.3:
            del parent[last]
        else:
            parent[last] = JUNK[int(rng.integers(len(JUNK)))]
        repack(path, contents | {HEAD: json.dumps(head).encode()}, zipfile.ZIP_STORED)
        found = survive(path)
        refused += found is None
        if found is not None:  # and then it can be written, and read again as it is
            write_document(found, path)
            assert_same(read_document(path), found)
    assert refused > 20


def test_damage_to_the_plan_alone_never_gets_through_as_a_traceback() -> None:
    rng = np.random.default_rng(7)
    original = json.dumps(full_document().plan.to_dict())
    every = list(places(json.loads(original)))
    for _ in range(700):
        data = json.loads(original)
        *way, last = every[int(rng.integers(len(every)))]
        parent = data
        for key in way:
            parent = parent[key]
        parent[last] = JUNK[int(rng.integers(len(JUNK)))]
        with suppress(PlanError):
            plan = Plan.from_dict(data)
            assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_the_zip_tells_nothing_of_when_and_where_it_was_written(path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.create_system for info in archive.infolist()} == {3}
        assert archive.namelist()[0] == HEAD
