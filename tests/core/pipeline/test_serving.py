"""A service that is killed at any moment: nothing is lost, nothing is done twice, and only CTs come in."""

from __future__ import annotations

import io
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from dicom_maker import example_volume, make_series
from faulty_archive import Faulty, faulty_archive
from orthanc import free_port
from scanner_program import send, study
from serving_program import CAPTURE, OBJECTS, make

from spinect_core.base.errors import UsageError
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.spool import Full, Limits, Spool
from spinect_core.pipeline.serving import Service, Station

pytestmark = pytest.mark.heavy
PICTURES = 3
PROGRAM, SCANNER = (Path(__file__).parents[2] / f"{name}_program.py" for name in ("serving", "scanner"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[pydicom.Dataset]:
    folder = make_series(tmp_path_factory.mktemp("ct"), example_volume((PICTURES, 12, 10)))
    return [pydicom.dcmread(file) for file in sorted(folder.iterdir())]


class Killed:
    """The service as a process that is killed again and again."""

    def __init__(self, spool: Path, archive: Faulty) -> None:
        self.port, self._words = free_port(), [str(spool)]
        self._archive, self.process = archive, None
        self.said: list[str] = []

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *self._words, str(self.port), str(self._archive.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = threading.Event()

        def read(stream: object) -> None:
            for line in stream:
                self.said.append(line)
                if line == "listening\n":
                    ready.set()

        self.reader = threading.Thread(target=read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        assert ready.wait(60), self.said

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        self.reader.join(20)
        self.process.stdout.close()


def killed_again_and_again(
    tmp_path: Path, pictures: list[pydicom.Dataset], studies: int, kills: int, between: Callable[[], float]
) -> None:
    spool = tmp_path / "spool"
    with faulty_archive() as archive:
        service = Killed(spool, archive)
        service.start()

        # A process of its own: pynetdicom leaves sockets open where a service is killed while it connects.
        command = [sys.executable, str(SCANNER), str(service.port), str(studies), pictures[0].filename]
        scanner = subprocess.Popen(command)
        for _ in range(kills):
            time.sleep(between())
            service.kill()
            service.start()
        assert scanner.wait(60 + 4 * studies) == 0
        end = time.monotonic() + 60 + 2 * studies
        while len(archive.stored) < studies * OBJECTS and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(2)
        service.kill()
        made = [each for each in archive.objects if str(each.SOPInstanceUID) in archive.stored]
    assert Counter(str(each.StudyInstanceUID) for each in made) == {
        f"1.2.3.{number + 1}": OBJECTS for number in range(studies)
    }
    assert {each.ImageComments for each in made} == {f"{PICTURES} pictures"}
    left = [path for path in spool.rglob("*.dcm")]
    assert left == []
    assert len(list((spool / "done").iterdir())) == studies


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_service_that_is_killed_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, pictures: list[pydicom.Dataset]
) -> None:
    dice = random.Random(5)
    killed_again_and_again(tmp_path, pictures, 4, 4, lambda: dice.uniform(0.1, 1.2))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_fifty_studies_while_it_is_killed_every_few_seconds(
    tmp_path: Path, pictures: list[pydicom.Dataset]
) -> None:
    dice = random.Random(7)
    killed_again_and_again(tmp_path, pictures, 50, 25, lambda: dice.uniform(0.2, 4.0))


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def spool(tmp_path: Path, clock: list[float]) -> Iterator[Spool]:
    found = Spool(tmp_path / "spool", Limits(2, 100, 1), lambda: clock[0])
    yield found
    found.close()


def put(spool: Spool, datasets: list[pydicom.Dataset]) -> None:
    for data in datasets:
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, data)
        spool.take(data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID, stream.getvalue())


def test_a_series_counts_as_whole_when_no_more_comes(
    spool: Spool, clock: list[float], pictures: list[pydicom.Dataset]
) -> None:
    put(spool, study(pictures, 0)[:2])
    clock[0] = 9.0
    spool.claim(10.0)
    assert spool.jobs == []
    put(spool, study(pictures, 0)[2:])
    clock[0] = 18.0
    spool.claim(10.0)
    assert spool.jobs == []
    clock[0] = 20.0
    spool.claim(10.0)
    [key] = spool.jobs
    assert len(list(spool.pictures(key).iterdir())) == PICTURES


def test_the_rest_of_what_was_broken_off_is_waited_for(
    spool: Spool, clock: list[float], pictures: list[pydicom.Dataset]
) -> None:
    put(spool, study(pictures, 0)[:2])
    clock[0] = 150.0
    spool.claim(10.0, 200.0)
    assert spool.jobs == []
    put(spool, study(pictures, 0)[2:])
    spool.ended(path.name for path in (spool.folder / "arrived").iterdir())
    clock[0] = 160.0
    spool.claim(10.0, 200.0)
    assert len(spool.jobs) == 1


def test_what_comes_again_is_not_planned_again_but_more_of_it_is(
    spool: Spool, pictures: list[pydicom.Dataset]
) -> None:
    put(spool, study(pictures, 0)[:2])
    spool.claim(0.0)
    [key] = spool.jobs
    spool.made(key, spool.unfinished())
    spool.finish(key, 2)
    assert spool.jobs == []
    put(spool, study(pictures, 0)[:1])
    spool.claim(0.0)
    assert spool.jobs == []
    assert spool.waiting == 0
    put(spool, study(pictures, 0))
    spool.claim(0.0)
    assert spool.jobs == [key]


def test_the_queue_and_the_disk_are_bounded(
    spool: Spool, tmp_path: Path, pictures: list[pydicom.Dataset]
) -> None:
    put(spool, study(pictures, 0))
    put(spool, study(pictures, 1))
    with pytest.raises(Full):
        put(spool, study(pictures, 2))
    put(spool, study(pictures, 1)[:1])  # of a series that is there already
    small = Spool(tmp_path / "small", Limits(5, 0, 1))
    with pytest.raises(Full):
        put(small, study(pictures, 0))
    small.close()
    full = Spool(tmp_path / "full", Limits(5, 100, 10**9))
    with pytest.raises(Full):
        put(full, study(pictures, 0))
    full.close()
    with pytest.raises(UsageError, match="Another process"):
        Spool(spool.folder)


def test_what_is_no_ct_is_refused_with_a_status(spool: Spool, pictures: list[pydicom.Dataset]) -> None:
    port, said = free_port(), []
    with faulty_archive() as archive:
        service = Service(spool, Access(archive.archive()), make, 0.0, said.append)
        with service.listening(Station("SPINECT", port, senders=("CT1",))):
            magnetic, capture = study(pictures, 0)[0], study(pictures, 1)[0]
            magnetic.Modality = "MR"
            capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = CAPTURE
            assert send(port, [magnetic]) == [0xA900]
            assert send(port, [capture]) == [None], "its kind is not even negotiated"
            assert send(port, study(pictures, 0), title="OTHER") == [None] * PICTURES
            assert send(port, study(pictures, 0), calling="STRANGER") == [None] * PICTURES
            assert spool.waiting == 0
            for number in range(3):
                expected = 0 if number < 2 else 0xA700
                assert send(port, study(pictures, number)) == [expected] * PICTURES
            spool.claim(0.0)
            assert service.step()
        assert len(archive.stored) == 2 * OBJECTS
        assert spool.jobs == []


def test_what_cannot_be_planned_is_put_aside_and_an_archive_that_is_gone_is_waited_for(
    spool: Spool, pictures: list[pydicom.Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    bad = study(pictures, 0)
    for data in bad:
        data.SeriesDescription = "no spine"
    put(spool, bad)
    put(spool, study(pictures, 1))
    with faulty_archive(store_status=0xA700) as archive:
        service = Service(spool, Access(archive.archive()), make, 0.0, said.append)
        spool.claim(0.0)
        service.step()
        assert [line.split()[0] for line in said] == ["failed", "planned", "waits"]
        assert "No lumbosacral spine" in said[0]
        assert "full" in said[2]
        archive.store_status = 0
        assert service.step() is False, "not at once"
        monkeypatch.setattr(service, "_not_before", 0.0)
        assert service.step()
    assert len(archive.stored) == OBJECTS
    assert spool.jobs == []
    assert len(list((spool.folder / "failed").iterdir())) == 1
