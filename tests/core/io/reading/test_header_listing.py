"""The header of a CT is listed as it is, and what may tell who the patient is, is hidden until it is asked for."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import example_volume, make_enhanced, make_series, set_uids
from marked_ct import MARKERS, marked_series, told
from pydicom.dataset import Dataset

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import silent
from spinect_core.base.versions import NOTICE
from spinect_core.io.reading import ReadOptions, list_series, read_ct, read_series
from spinect_core.io.reading.header_listing import (
    HIDDEN,
    LARGEST,
    LONGEST,
    HeaderElement,
    as_csv,
    list_header,
    read_elements,
)
from spinect_core.io.writing import write_volume


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_series(tmp_path_factory.mktemp("scans"))


def listed(folder: Path) -> list[HeaderElement]:
    file = min(folder.glob("*.dcm"))
    return list(read_elements(file)[0])


def one(elements: list[HeaderElement], tag: str) -> HeaderElement:
    (found,) = (each for each in elements if each.tag == tag and not each.within)
    return found


def edited(ct: Path, folder: Path, **values: object) -> list[HeaderElement]:
    """The elements of the first file with others in it."""
    folder.mkdir()
    file = folder / "a.dcm"
    shutil.copy(min(ct.iterdir()), file)
    data = pydicom.dcmread(file)
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.save_as(file)
    return listed(folder)


def test_elements_have_their_tag_type_name_and_value(ct: Path) -> None:
    elements = listed(ct)
    modality = one(elements, "(0008,0060)")
    assert (modality.vr, modality.name, modality.value) == ("CS", "Modality", "CT")
    assert one(elements, "(0028,0030)").value == "2\\2"
    assert "CT Image Storage" in one(elements, "(0008,0016)").value
    assert one(elements, "(0002,0010)").value.endswith("(Explicit VR Little Endian)")
    tags = [each.tag for each in elements]
    assert tags == sorted(tags)
    assert "(7FE0,0010)" not in tags


def test_no_marker_is_told_before_it_is_asked_for(ct: Path) -> None:
    elements = listed(ct)
    hidden = "\n".join(f"{each.name} {each.told(False)}" for each in elements)
    assert told(hidden.encode()) == []
    for uid in (
        pydicom.dcmread(min(ct.iterdir()))[key].value for key in ("StudyInstanceUID", "SOPInstanceUID")
    ):
        assert uid not in hidden
    shown = "\n".join(each.told(True) for each in elements)
    for text in MARKERS.values():
        assert text in shown
    assert told(as_csv(elements, shown=False)) == []
    assert set(told(as_csv(elements, shown=True))) >= {"Quastenflosser", "PID4711X"}


def test_what_tells_of_the_scanner_and_of_geometry_is_not_hidden(ct: Path, tmp_path: Path) -> None:
    elements = edited(
        ct, tmp_path / "a", ConvolutionKernel="B60s", KVP="120", PatientPosition="HFS", PatientSex="F"
    )
    for tag, value in (("(0018,1210)", "B60s"), ("(0018,0060)", "120"), ("(0018,5100)", "HFS")):
        assert one(elements, tag).told(False) == value
    assert one(elements, "(0010,0040)").told(False) == HIDDEN
    empty = [each for each in elements if not each.value]
    assert empty
    assert {each.told(False) for each in empty} == {""}, "there is nothing to hide"


def test_private_elements_say_so_and_are_hidden_with_all_that_they_hold(ct: Path, tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x08, "CS", "IMAGE NUM 4")
        block = dataset.private_block(0x0051, "SOMEBODY", create=True)
        inner = Dataset()
        inner.Rows, inner.CodeMeaning = 3, "Mr Smith"
        block.add_new(0x01, "SQ", [inner])

    elements = listed(make_series(tmp_path / "ct", example_volume(), edit))
    private = [each for each in elements if each.group % 2]
    assert len(private) == 4
    assert all(each.name.startswith("Private") for each in private)
    assert any("CSA Image Header Type" in each.name for each in private)
    inside = [each for each in elements if each.within]
    assert [each.within for each in inside] == ["(0051,1001)[1]"] * 2
    assert {each.told(False) for each in (*private, *inside)} == {HIDDEN}
    assert {each.told(True) for each in inside} == {"3", "Mr Smith"}


def coded(scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "4711", scheme, meaning
    return item


def test_coded_names_are_hidden_and_public_words_are_not(ct: Path, tmp_path: Path) -> None:
    physician = Dataset()
    physician.PersonIdentificationCodeSequence = [coded("DCM", "Quastenflosser")]
    elements = edited(
        ct,
        tmp_path / "a",
        ReferringPhysicianIdentificationSequence=[physician],
        InstitutionCodeSequence=[coded("SCT", "Quastenflosser Hospital")],
        EthnicGroupCodeSequence=[coded("SRT", "Quastenflosser people")],
        ProcedureCodeSequence=[coded("99HOSP", "CT by Quastenflosser")],
        AnatomicRegionSequence=[coded("SCT", "Lumbar spine")],
        DeidentificationMethodCodeSequence=[coded("DCM", "Basic Profile")],
    )
    hidden = as_csv(elements, shown=False).decode()
    assert "Quastenflosser" not in hidden
    assert "99HOSP" not in hidden
    assert "Lumbar spine" in hidden
    assert "Basic Profile" in hidden
    assert hidden.count("4711") == 2
    assert as_csv(elements, shown=True).decode().count("4711") >= 6


def test_long_and_binary_values_are_cut_and_stay_on_one_line(ct: Path, tmp_path: Path) -> None:
    elements = edited(
        ct,
        tmp_path / "a",
        ImageComments="a\r\nb\x1b[31m" + "x" * 900,
        TextValue="y" * (LARGEST + 10),
        EncapsulatedDocument=b"\0" * 5000,
        GraphicData=[float(n) for n in range(700)],
    )
    comment = one(elements, "(0020,4000)")
    assert comment.value.startswith("a b [31mxxx")
    assert comment.value.endswith("letters)")
    assert len(comment.value) < LONGEST + 30
    assert one(elements, "(0042,0011)").value == "5000 bytes"
    assert one(elements, "(0040,A160)").value == f"{LARGEST + 10} bytes"
    assert one(elements, "(0070,0022)").value.endswith("(700 values)")
    assert all(each.value.isprintable() for each in elements)


def test_elements_within_sequences_say_where(tmp_path: Path) -> None:
    make_enhanced(tmp_path / "ct" / "many.dcm", example_volume())
    elements = listed(tmp_path / "ct")
    spacing = [each for each in elements if each.tag == "(0028,0030)"]
    assert [(each.within, each.depth) for each in spacing] == [("(5200,9229)[1] (0028,9110)[1]", 2)]
    places = [each.within for each in elements if each.tag == "(0020,0032)"]
    assert places == [f"(5200,9230)[{n}] (0020,9113)[1]" for n in range(1, 9)]
    assert one(elements, "(5200,9230)").value == "8 items"


def test_a_damaged_element_does_not_hide_the_others(ct: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    content = min(ct.iterdir()).read_bytes()
    place = content.index(b"\x28\x00\x10\x00US\x02\x00")  # Rows
    file.write_bytes(
        content[: place + 6] + b"\x03\x00" + content[place + 8 : place + 10] + b"!" + content[place + 10 :]
    )
    elements, _ = read_elements(file)
    assert one(list(elements), "(0028,0010)").value == "cannot be read"
    assert one(list(elements), "(0028,0011)").value == "55"
    file.unlink()
    with pytest.raises(ReadingError) as caught:
        read_elements(file)
    assert told(str(caught.value).encode()) == []


def test_no_spreadsheet_takes_a_value_for_a_formula(ct: Path, tmp_path: Path) -> None:
    elements = edited(
        ct, tmp_path / "a", ImageComments="=HYPERLINK(1)", StudyDescription="-2+3", KVP="-1.5e2"
    )
    content = as_csv(elements, shown=True).decode("utf-8")
    first, *rest = content.splitlines()
    assert first == f"# {NOTICE}"
    rows = {row["name"]: row["value"] for row in csv.DictReader(io.StringIO("\n".join(rest)))}
    assert rows["Image Comments"] == "'=HYPERLINK(1)"
    assert rows["Study Description"] == "'-2+3"
    assert rows["KVP"] == "-1.5e2"
    assert rows["Image Position (Patient)"].startswith("-45")


def test_it_is_the_header_of_the_series_that_was_read(tmp_path: Path) -> None:
    """Of two in one folder that differ by one voxel, and of two of one series, the one that is open."""
    for number, series in enumerate(("1.2.3.4", "1.2.3.5")):
        volume = example_volume()
        volume.array[0, 0, 0] = number

        def edit(dataset: Dataset, z: int, series: str = series) -> None:
            set_uids(dataset, series, z)

        make_series(tmp_path / "both" / series, volume, edit)
    options = ReadOptions(assume_hu=True)
    for series in list_series(tmp_path / "both"):
        volume = read_series(series, options=options)
        listing = list_header(tmp_path / "both", volume, progress=silent, cancel=None)
        found = one(list(listing.elements), "(0020,000E)").value
        assert found == pydicom.dcmread(series.files[0]).SeriesInstanceUID
        assert listing.files == 8


def test_what_is_no_dicom_or_gone_says_so(ct: Path, tmp_path: Path) -> None:
    nifti = write_volume(read_ct(ct), tmp_path / "ct.nii.gz")
    with pytest.raises(ReadingError, match="not DICOM"):
        list_header(nifti, read_ct(nifti), progress=silent, cancel=None)
    volume = read_ct(ct)
    shutil.copytree(ct, tmp_path / "ct")
    for file in (tmp_path / "ct").iterdir():
        data = pydicom.dcmread(file)
        data.PixelSpacing = [np.float64(1.5), np.float64(1.5)]
        data.save_as(file)
    with pytest.raises(ReadingError, match="not where they were"):
        list_header(tmp_path / "ct", volume, progress=silent, cancel=None)
