"""A series out of an archive: by every way, whole, and nothing but it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import example_volume, make_series
from faulty_archive import faulty_archive
from marked_ct import FILE, FOLDER, MARKERS, UIDS, drawn, marked_series
from orthanc import PASSWORD, Orthanc

from spinect_core.base.errors import ArchiveError, Cancelled, ReadingError, UsageError
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.arriving import Bounds
from spinect_core.io.pacs.dimse import ECHO, FIND, MOVE
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.query import find_series, find_studies
from spinect_core.io.pacs.retrieve import retrieve_series
from spinect_core.io.pacs.wanted import Query
from spinect_core.io.reading import list_series, read_ct

STUDY, SERIES, COUNT = UIDS[0], UIDS[1], 12
NAMES = tuple(Query(name=each) for each in ("quasten", "Quastenflosser, Erika", "*flosser*"))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few slices with a marker in every field that may name somebody."""
    folder = marked_series(tmp_path_factory.mktemp("marked"))
    for file in sorted(folder.iterdir())[COUNT:]:
        file.unlink()
    return folder


def same_voxels(folder: Path) -> None:
    volume, expected = read_ct(folder), drawn()
    assert np.array_equal(volume.array, expected.array[:COUNT])
    assert np.allclose(volume.geometry.origin, expected.geometry.origin)
    assert np.allclose(volume.geometry.spacing, expected.geometry.spacing)


@pytest.mark.parametrize("protocol", ["web", "dimse"])
def test_studies_are_found_by_what_is_known_of_the_patient(
    orthanc: Orthanc, marked: Path, tmp_path: Path, protocol: str
) -> None:
    def other(data: pydicom.Dataset, z: int) -> None:
        data.PatientName, data.PatientID, data.StudyDate, data.Modality = "Other^One", "7", "20200203", "MR"

    orthanc.fill(marked)
    orthanc.fill(make_series(tmp_path / "other", edit=other, keep=lambda z: z < 2))
    archive = orthanc.by_web() if protocol == "web" else orthanc.by_dimse()
    access = Access(archive, PASSWORD)
    for query in (Query(patient_id=MARKERS["PatientID"]), *NAMES, Query(study=STUDY)):
        done = find_studies(access, query)
        assert done.way is (Way.QIDO if protocol == "web" else Way.FIND)
        [study] = done.result.studies
        assert (study.uid, study.name, study.patient_id, study.born, study.description) == (
            STUDY,
            "Quastenflosser, Erika",
            MARKERS["PatientID"],
            "1957-03-17",
            MARKERS["StudyDescription"],
        )
        assert study.modalities == ("CT",)
        assert not done.result.cut
    [series] = find_series(access, STUDY).result
    assert (series.uid, series.modality, series.pictures) == (SERIES, "CT", COUNT)
    assert series.description == MARKERS["SeriesDescription"]
    assert find_studies(access, Query(patient_id="7")).result.studies == ()  # no CT
    assert len(find_studies(access, Query(patient_id="7", modality="")).result.studies) == 1


@pytest.mark.parametrize("query", [Query(), Query(name="*"), Query(name=" ^ ")])
def test_all_of_an_archive_is_not_asked_for(query: Query) -> None:
    with pytest.raises(UsageError, match="whose"):
        query.filters()


@pytest.mark.parametrize("protocol", ["web", "dimse"])
def test_a_series_comes_out_with_the_voxels_it_went_in_with(
    orthanc: Orthanc, marked: Path, empty: Path, protocol: str
) -> None:
    orthanc.fill(marked)
    archive = orthanc.by_web() if protocol == "web" else orthanc.by_dimse()
    seen: list[tuple[float, str]] = []
    done = retrieve_series(
        Access(archive, PASSWORD),
        STUDY,
        SERIES,
        empty,
        progress=lambda part, words: seen.append((part, words)),
    )
    assert done.way is (Way.WADO if protocol == "web" else Way.GET)
    same_voxels(empty)
    assert {path.suffix for path in empty.iterdir()} == {".dcm"}
    assert all(path.stem.isdigit() for path in empty.iterdir()), "names tell nothing"
    assert seen[-1][0] == 1.0
    assert "MB" in seen[-1][1]
    before = {str(pydicom.dcmread(file).SOPInstanceUID): pydicom.dcmread(file) for file in marked.iterdir()}
    after = {str(pydicom.dcmread(file).SOPInstanceUID): pydicom.dcmread(file) for file in empty.iterdir()}
    assert before == after


def test_it_falls_from_wado_to_c_get_to_c_move_and_says_so(
    orthanc: Orthanc, marked: Path, empty: Path
) -> None:
    orthanc.fill(marked)
    archive = orthanc.archive(web=f"http://127.0.0.1:{orthanc.web_port}/wrong", patience_s=5)
    orthanc.kill()
    orthanc.start(DicomAlwaysAllowGet=False, DicomModalities={})
    try:
        # Orthanc knows nobody, so it allows neither C-GET nor C-MOVE.
        with pytest.raises(ArchiveError) as caught:
            retrieve_series(Access(archive, PASSWORD), STUDY, SERIES, empty)
        assert all(word in str(caught.value) for word in ("WADO: ", "C-GET: ", "C-MOVE: "))
        orthanc.kill()
        known = {"AET": "SPINECT", "Host": "127.0.0.1", "Port": orthanc.own_port, "AllowGet": False}
        orthanc.start(DicomAlwaysAllowGet=False, DicomModalities={"planner": known})
        for each in empty.iterdir():
            each.unlink()
        done = retrieve_series(Access(archive, PASSWORD), STUDY, SERIES, empty)
    finally:
        orthanc.kill()
    assert done.way is Way.MOVE
    assert [each.way for each in done.tried] == [Way.WADO, Way.GET]
    assert "404" in done.tried[0].why
    same_voxels(empty)


def test_an_archive_without_c_get_delivers_by_c_move(marked: Path, empty: Path) -> None:
    with faulty_archive(marked, services=(ECHO, FIND, MOVE)) as faulty:
        done = retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty)
    assert done.way is Way.MOVE
    assert "does not offer C-GET" in done.words
    assert "no address of DICOMweb" in done.words
    same_voxels(empty)


def test_an_archive_that_does_not_know_us_says_what_to_tell_its_administrator(
    marked: Path, empty: Path
) -> None:
    with faulty_archive(marked, services=(ECHO, FIND, MOVE), knows_us=False) as faulty:
        with pytest.raises(ArchiveError) as caught:
            retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty)
        assert "A801" in str(caught.value)
        assert f"title SPINECT, this computer's address and port {faulty.own_port}" in str(caught.value)


def test_half_a_series_is_none(marked: Path, empty: Path) -> None:
    with (
        faulty_archive(marked, deliver=10) as faulty,
        pytest.raises(ArchiveError, match=f"{COUNT - 10} of {COUNT} pictures did not arrive"),
    ):
        retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty)


def test_a_picture_that_was_not_named_is_not_taken_for_one_of_the_series(marked: Path, empty: Path) -> None:
    with (
        faulty_archive(marked, listed=COUNT - 2) as faulty,
        pytest.raises(ArchiveError, match="2 pictures arrived that it had not named"),
    ):
        retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty)


def test_only_pictures_of_a_ct_are_kept(tmp_path: Path, empty: Path) -> None:
    def edit(data: pydicom.Dataset, z: int) -> None:
        data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3", "1.2.3.4"
        if z == 3:
            data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    folder = make_series(tmp_path / "ct", example_volume((6, 12, 10)), edit)
    with faulty_archive(folder) as faulty:
        done = retrieve_series(Access(faulty.archive()), "1.2.3", "1.2.3.4", empty)
    assert (len(done.result.files), done.result.left_out) == (5, 1)


@pytest.mark.parametrize("bounds", [Bounds(pictures=5), Bounds(megabytes=0)])
def test_a_series_may_not_be_larger_than_asked_for(marked: Path, empty: Path, bounds: Bounds) -> None:
    with faulty_archive(marked) as faulty, pytest.raises(ReadingError, match="more than"):
        retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty, bounds=bounds)
    assert len(list(empty.iterdir())) <= 5


def test_it_stops_within_a_second_while_the_archive_is_slow(marked: Path, empty: Path) -> None:
    cancel = threading.Event()
    with faulty_archive(marked, delay_s=20) as faulty:
        threading.Timer(0.5, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            retrieve_series(Access(faulty.archive(patience_s=60)), STUDY, SERIES, empty, cancel=cancel)
        assert time.monotonic() - began < 1.5


def test_it_stops_in_the_middle_of_a_series(marked: Path, empty: Path) -> None:
    cancel = threading.Event()
    with faulty_archive(marked, delay_s=0.2) as faulty:
        began = [0.0]

        def progress(part: float, _words: str) -> None:
            if part > 0.05 and not cancel.is_set():
                cancel.set()
                began[0] = time.monotonic()

        with pytest.raises(Cancelled):
            retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty, progress=progress, cancel=cancel)
        assert time.monotonic() - began[0] < 1.0


def test_no_message_tells_of_a_patient(marked: Path, empty: Path) -> None:
    with faulty_archive(marked, deliver=3) as faulty:
        with pytest.raises(ArchiveError) as caught:
            retrieve_series(Access(faulty.archive()), STUDY, SERIES, empty)
        words = str(caught.value)
    assert not [word for word in (*MARKERS.values(), FOLDER, FILE, *UIDS[:2]) if word in words]


def test_what_is_no_identifier_is_not_asked_for(empty: Path) -> None:
    with faulty_archive() as faulty, pytest.raises(UsageError, match="UID"):
        retrieve_series(Access(faulty.archive()), "../../etc", "1.2", empty)


def test_a_series_that_is_not_there_is_said_to_be(marked: Path, empty: Path) -> None:
    with faulty_archive(marked) as faulty, pytest.raises(ArchiveError, match="no such series"):
        retrieve_series(Access(faulty.archive()), STUDY, "1.2.3.4", empty)
    assert list_series(marked)
