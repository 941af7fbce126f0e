"""Objects into an archive: bit-equal, once, and kept until it has them."""

from __future__ import annotations

import io
import shutil
import threading
import time
from pathlib import Path

import pydicom
import pytest
from dicom_maker import example_volume, make_series
from faulty_archive import faulty_archive
from marked_ct import MARKERS, marked_series, told
from orthanc import PASSWORD, Orthanc

from spinect_core.base.errors import ArchiveError, Cancelled, ReadingError, UsageError
from spinect_core.io.pacs.archive import Access, Archive, archive_of
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.outbox import LIST, OBJECTS, Outbox
from spinect_core.io.pacs.send import send_objects

ECHO, FIND = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture
def objects(tmp_path: Path) -> list[Path]:
    """Four objects of one series, of two kinds."""

    def edit(data: pydicom.Dataset, z: int) -> None:
        data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3", "1.2.3.4"
        if z == 3:
            data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"

    return sorted(make_series(tmp_path / "objects", example_volume((4, 12, 10)), edit).iterdir())


def meant(name: str, port: int = 104) -> Archive:
    """An archive that nothing is sent to."""
    return archive_of(name=name, host="127.0.0.1", port=port, title="PACS")


def uids(files: list[Path]) -> list[str]:
    return [str(pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]


def body(content: bytes) -> bytes:
    """What follows the file's own header, which says who wrote it."""
    stream = io.BytesIO(content)
    pydicom.filereader.read_preamble(stream, force=False)
    pydicom.filereader._read_file_meta_info(stream)
    return stream.read()


@pytest.mark.parametrize("protocol", ["web", "dimse"])
def test_what_was_sent_is_there_bit_for_bit_and_is_not_sent_again(
    orthanc: Orthanc, objects: list[Path], protocol: str
) -> None:
    archive = orthanc.by_web() if protocol == "web" else orthanc.by_dimse()
    access = Access(archive, PASSWORD)
    done = send_objects(access, objects[:3])
    assert done.way is (Way.STOW if protocol == "web" else Way.STORE)
    assert [item.uid for item in done.result.confirmed] == uids(objects[:3])
    assert (done.result.refused, done.result.before) == ({}, 0)
    again = send_objects(access, objects).result
    assert (len(again.confirmed), again.before) == (4, 3)
    there = orthanc.objects()
    assert {uid: body(content) for uid, content in there.items()} == {
        uid: body(file.read_bytes()) for uid, file in zip(uids(objects), objects, strict=True)
    }


def test_a_file_that_is_none_is_not_sent(objects: list[Path]) -> None:
    objects[1].write_bytes(b"DICM no")
    with faulty_archive() as faulty:
        with pytest.raises(ReadingError, match="no DICOM file"):
            send_objects(Access(faulty.archive()), objects)
        assert faulty.stored == []


@pytest.mark.parametrize("how", ["killed", "slow", "full", "refusing", "title", "closing"])
def test_nothing_is_lost_whatever_the_archive_does(objects: list[Path], tmp_path: Path, how: str) -> None:
    outbox = Outbox(tmp_path / "outbox")
    behaviour = {
        "full": {"store_status": 0xA700, "only": 2},
        "refusing": {"store_status": 0x0124, "only": 2},
        "slow": {"delay_s": 20.0},
        "closing": {"closes": True},
    }.get(how, {})
    words = {
        "killed": "Nothing listens at 127.0.0.1",
        "slow": "did not answer within 1 s",
        "full": "full or out of resources",
        "refusing": "2 of 4 objects were not taken (The archive does not allow it",
        "title": "does not answer to the title WRONG",
        "closing": "broke off",
    }[how]
    with faulty_archive(**behaviour) as faulty:
        archive = faulty.archive(patience_s=1 if how == "slow" else 15)
        wrong = archive.model_copy(update={"title": "WRONG"})
        dead = archive.model_copy(update={"port": faulty.own_port})
        asked = {"title": wrong, "killed": dead}.get(how, archive)
        parcel = outbox.put(objects, archive)
        shutil.rmtree(objects[0].parent)
        began = time.monotonic()
        delivered = outbox.deliver(parcel, Access(asked))
        assert time.monotonic() - began < 15
        assert delivered.fault is not None
        assert words in str(delivered.fault)
        assert delivered.fault.remedy
        assert outbox.keys == (parcel.key,)
        # It is mended: all of it arrives, and nothing twice.
        faulty.store_status, faulty.delay_s, faulty.closes = 0, 0.0, False
        [sent] = outbox.deliver_all(lambda name: {archive.name: Access(archive)}[name])
        assert sent.fault is None
        assert outbox.keys == ()
        assert len(faulty.stored) == len(set(faulty.stored)) == 4


def test_an_archive_that_takes_no_segmentation_says_so_and_has_the_rest(
    objects: list[Path], tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "outbox")
    parcel = outbox.put(objects, meant("Orthanc"))
    with faulty_archive() as faulty:
        context = "1.2.840.10008.5.1.4.1.1.66.4"
        import pynetdicom.presentation

        assert any(
            each.abstract_syntax == context for each in pynetdicom.presentation.AllStoragePresentationContexts
        )
        delivered = outbox.deliver(parcel, Access(faulty.archive()))
        assert delivered.fault is None
        assert len(faulty.stored) == 4


def test_the_same_objects_wait_once_and_are_whole(objects: list[Path], tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    first, again = outbox.put(objects, meant("A")), outbox.put(objects[::-1], meant("A"))
    other = outbox.put(objects, meant("B"))
    assert first.key == again.key != other.key
    assert set(outbox.keys) == {first.key, other.key}
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in objects]
    assert outbox.folder.stat().st_mode & 0o77 == 0
    (first.folder / OBJECTS / "000002.dcm").write_bytes(b"damaged")
    with pytest.raises(ReadingError, match="damaged"):
        outbox.parcel(first.key)
    (other.folder / LIST).write_text("{}")
    with pytest.raises(ReadingError, match="damaged"):
        outbox.parcel(other.key)


def test_a_parcel_that_was_being_written_is_none(
    objects: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "outbox")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        outbox.put(objects, meant("A"))
    assert outbox.keys == ()
    assert list(outbox.folder.iterdir()) == []


def test_what_cannot_be_sent_keeps_nothing_else_from_being_sent(objects: list[Path], tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    with faulty_archive() as faulty:
        good = faulty.archive()
        damaged = outbox.put(objects[:1], good)
        (damaged.folder / OBJECTS / "000001.dcm").write_bytes(b"damaged")
        nameless = outbox.put(objects[:1], meant("Gone"))
        (nameless.folder / LIST).write_text("{}")
        unknown = outbox.put(objects[:2], meant("Unknown"))
        dead = outbox.put(objects[:2], good.model_copy(update={"name": "Dead", "port": faulty.own_port}))
        last = outbox.put(objects, good)

        def access(name: str) -> Access:
            known = {
                good.name: good,
                "Dead": good.model_copy(update={"name": "Dead", "port": faulty.own_port}),
            }
            if name not in known:
                raise UsageError("No archive is called so", "Enter it")
            return Access(known[name])

        delivered = {each.parcel.key: each.fault for each in outbox.deliver_all(access)}
        assert delivered[last.key] is None
        assert sorted(faulty.stored) == sorted(uids(objects))
    for bad, words in (
        (damaged, "damaged"),
        (nameless, "damaged"),
        (unknown, "No archive"),
        (dead, "Nothing listens"),
    ):
        assert words in str(delivered[bad.key])
    assert set(outbox.keys) == {damaged.key, nameless.key, unknown.key, dead.key}


def test_what_waits_goes_nowhere_else_without_being_confirmed(objects: list[Path], tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    with faulty_archive() as faulty:
        there = faulty.archive()
        before = meant(there.name)
        outbox.put(objects, before)
        assert [(each.archive, each.address) for each in outbox.heads] == [(there.name, before.address)]
        [kept] = outbox.deliver_all(lambda _: Access(there))
        assert "meant for PACS at 127.0.0.1:104" in str(kept.fault)
        assert faulty.calls == []
        assert outbox.deliver_all(lambda _: Access(there), wanted=lambda name: name != there.name) == []
        [sent] = outbox.deliver_all(lambda _: Access(there), moved=lambda name: name == there.name)
        assert sent.fault is None
        outbox.put(objects, before)
        assert len(outbox.keys) == 1
        again = outbox.put(objects, there)
        assert outbox.keys == (again.key,), "whoever sends it again means where the archive is"
        assert again.address == there.address


def test_two_do_not_send_at_once(objects: list[Path], tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    parcel = outbox.put(objects, meant("A"))
    with faulty_archive(delay_s=1.0) as faulty:
        access = Access(faulty.archive(patience_s=10))
        results: list[object] = []
        thread = threading.Thread(target=lambda: results.append(outbox.deliver(parcel, access)))
        thread.start()
        time.sleep(0.5)
        with pytest.raises(ArchiveError, match="Another window"):
            Outbox(tmp_path / "outbox").deliver(parcel, access)
        faulty.delay_s = 0.0
        thread.join(20)
    assert len(results) == 1
    assert len(faulty.stored) == 4


def test_sending_stops_within_a_second_and_goes_on_later(objects: list[Path], tmp_path: Path) -> None:
    outbox, cancel = Outbox(tmp_path / "outbox"), threading.Event()
    parcel = outbox.put(objects, meant("A"))
    with faulty_archive(delay_s=0.6) as faulty:
        access = Access(faulty.archive(patience_s=30))
        threading.Timer(1.5, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            outbox.deliver(parcel, access, cancel=cancel)
        assert time.monotonic() - began < 2.5
        assert outbox.keys == (parcel.key,)
        faulty.delay_s = 0.0
        time.sleep(0.7)  # what was under way is done with
        assert outbox.deliver(parcel, access).fault is None
    assert sorted(set(faulty.stored)) == sorted(uids(objects))


@pytest.mark.parametrize("protocol", ["web", "dimse"])
def test_an_archive_that_is_killed_gets_the_rest_after_its_restart(
    orthanc: Orthanc, objects: list[Path], tmp_path: Path, protocol: str
) -> None:
    archive = orthanc.by_web() if protocol == "web" else orthanc.by_dimse()
    outbox = Outbox(tmp_path / "outbox")
    parcel = outbox.put(objects, archive)
    orthanc.kill()
    fault = outbox.deliver(parcel, Access(archive, PASSWORD)).fault
    assert fault is not None
    assert "Nothing listens at" in str(fault)
    orthanc.start()
    assert outbox.deliver(parcel, Access(archive, PASSWORD)).fault is None
    assert sorted(orthanc.objects()) == sorted(uids(objects))


def test_what_waits_tells_of_the_patient_in_the_objects_alone(tmp_path: Path) -> None:
    files = sorted(marked_series(tmp_path).iterdir())[:3]
    outbox = Outbox(tmp_path / "outbox")
    parcel = outbox.put(files, meant("A"))
    with faulty_archive(store_status=0xA700) as faulty:
        fault = outbox.deliver(parcel, Access(faulty.archive())).fault
    assert told((parcel.folder / LIST).read_bytes() + str(fault).encode()) == []
    names = "".join(str(path.relative_to(outbox.folder)) for path in outbox.folder.rglob("*"))
    assert told(names.encode()) == []
    assert MARKERS["PatientID"].encode() in parcel.files[0].read_bytes()
