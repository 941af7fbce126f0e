"""``spinect dicom``: objects that validate, show what the plan shows, and name the patient or nobody."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pypdf
import pytest
import pyvista as pv
from dicom_tools import faults, renderer, validator
from marked_ct import MARKERS, drawn, labels_of, marked_series, told
from marked_plan import VIEW, marked_plan
from PIL import Image
from plan_maker import full_plan, recommended_planning
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import EncapsulatedPDFStorage, SecondaryCaptureImageStorage, SegmentationStorage

from spinect_core import cli
from spinect_core.base.progress import silent
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import BONE, NERVE
from spinect_core.io.dicom_out.measurements import Quantity, Subject
from spinect_core.io.reading import list_series, read_ct
from spinect_core.io.reading.dicom_segments import read_segments
from spinect_core.io.reading.rt_structures import read_structure_set
from spinect_core.io.writing import write_dicom_series, write_volume
from spinect_core.pipeline.dicom_export import without_own_words
from spinect_core.pipeline.dicom_numbers import groups_of
from spinect_core.plan.plan import Case, read_plan, write_plan
from spinect_core.plan.records import FindingRecord
from spinect_core.report.pictures import Shown
from spinect_core.surfaces import build_surfaces

PATIENT = ("PatientName", "PatientID", "PatientBirthDate")
KEPT = (*PATIENT, "ReferringPhysicianName", "AccessionNumber", "StudyDescription", "StudyID")
LEFT_OUT = sorted(set(MARKERS) - set(KEPT))


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_series(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def folder(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan with the pictures of its report and of one view, as a folder and in one file."""
    return marked_plan(ct, tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="module")
def named(folder: Path, ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("named") / "out"
    words = ["--out", str(out), "--what", "sc,pdf,seg,rtstruct,sr,stl"]
    assert cli.main(["dicom", str(folder), "--ct", str(ct), *words]) == 0
    return out


@pytest.fixture(scope="module")
def nameless(folder: Path, ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nameless") / "out"
    words = ["--out", str(out), "--deidentified", "--what", "sc,pdf,seg,rtstruct,sr,stl,ct"]
    assert cli.main(["dicom", str(folder / "plan.spinect"), "--ct", str(ct), *words]) == 0
    return out


def objects(out: Path) -> list[Dataset]:
    return [pydicom.dcmread(file) for file in sorted(out.glob("*.dcm"))]


def captures(out: Path) -> list[Dataset]:
    return [each for each in objects(out) if each.SOPClassUID == SecondaryCaptureImageStorage]


def segmented(out: Path) -> Dataset:
    (found,) = (each for each in objects(out) if each.SOPClassUID == SegmentationStorage)
    return found


def document(out: Path) -> Dataset:
    (found,) = (each for each in objects(out) if each.SOPClassUID == EncapsulatedPDFStorage)
    return found


@validator
def test_every_object_is_valid(named: Path, nameless: Path) -> None:
    for out in (named, nameless):
        files = [*sorted(out.glob("*.dcm")), *sorted(out.glob("ct/*.dcm"))[:2]]
        assert len(files) > 5
        assert {file.name: faults(file) for file in files if faults(file)} == {}


def test_objects_go_into_the_study_of_the_ct_and_say_whose_it_is(named: Path, ct: Path) -> None:
    source = pydicom.dcmread(next(iter(ct.iterdir())))
    for each in objects(named):
        assert each.StudyInstanceUID == source.StudyInstanceUID
        assert {key: str(each[key].value) for key in KEPT} == {key: MARKERS[key] for key in KEPT}
        assert [key for key in LEFT_OUT if key in each and str(each[key].value) == MARKERS[key]] == []
        assert "PatientIdentityRemoved" not in each
        assert each.SeriesInstanceUID != source.SeriesInstanceUID
        assert each.Manufacturer == "SPINECT Planner"
        assert each.file_meta.MediaStorageSOPInstanceUID == each.SOPInstanceUID
    uids = [each.SOPInstanceUID for each in objects(named)]
    assert len(set(uids)) == len(uids)


def test_every_object_carries_the_notice(named: Path, nameless: Path) -> None:
    for out in (named, nameless):
        for each in captures(out):
            assert NOTICE.rstrip(".") in each.ImageComments
        assert NOTICE.rstrip(".") in segmented(out).ImageComments
        assert {each.SegmentDescription for each in segmented(out).SegmentSequence} == {NOTICE}
        assert NOTICE.rstrip(".") in document(out).DocumentTitle
        assert (
            NOTICE in pypdf.PdfReader(io.BytesIO(document(out).EncapsulatedDocument)).pages[0].extract_text()
        )


def test_captures_are_the_pages_then_the_needle_then_the_views(named: Path, folder: Path) -> None:
    found = sorted(captures(named), key=lambda each: each.InstanceNumber)
    assert [each.InstanceNumber for each in found] == list(range(1, len(found) + 1))
    pages, needle, views = found[:2], found[2 : 2 + len(Shown)], found[2 + len(Shown) :]
    assert all("Report: " in each.ImageComments for each in pages)
    for each in pages:
        assert (each.Rows, each.Columns) == (pytest.approx(2339, abs=1), pytest.approx(1654, abs=1))
        assert 0.5 < (each.pixel_array > 250).mean() < 0.99
    assert len(views) == 1
    pixels = views[0].pixel_array
    np.testing.assert_array_equal(pixels[:60], np.asarray(Image.open(folder / VIEW)))
    assert pixels.shape[0] > 60
    assert pixels[60:].max() > 200  # letters on the strip below
    for each, shown in zip(needle, Shown, strict=True):
        stored = next(folder.glob(f"needle-report-{str(shown).replace(' ', '-')}*.png"))
        with Image.open(stored) as picture:
            np.testing.assert_array_equal(
                each.pixel_array[: picture.height], np.asarray(picture.convert("RGB"))
            )


def test_the_document_is_the_report_with_the_patients_name(named: Path) -> None:
    found = document(named)
    reader = pypdf.PdfReader(io.BytesIO(found.EncapsulatedDocument))
    assert len(reader.pages) == 2
    assert "Quastenflosser" in reader.pages[0].extract_text()
    assert found.EncapsulatedDocument[: found.EncapsulatedDocumentLength].rstrip().endswith(b"%%EOF")
    assert found.BurnedInAnnotation == "YES"
    assert len(found.SourceInstanceSequence) == 50


def test_burned_in_annotation_says_whether_the_patient_is_named_in_the_pixels(
    named: Path, nameless: Path
) -> None:
    for each in captures(named):
        assert each.BurnedInAnnotation == ("YES" if "Report: " in each.ImageComments else "NO")
    pictures = [*captures(nameless), document(nameless)]
    assert {each.BurnedInAnnotation for each in pictures} == {"NO"}


def test_of_the_patient_nothing_is_left_without_identity(nameless: Path, ct: Path) -> None:
    files = sorted(file for file in nameless.rglob("*") if file.is_file())
    assert len(files) > 50
    source = pydicom.dcmread(next(iter(ct.iterdir())))
    for file in files:
        data = pydicom.dcmread(file)
        pixels = data.get("PixelData", b"")  # of millions of bytes some are like any short word
        content = os.fsencode(file.relative_to(nameless)) + file.read_bytes().replace(pixels, b"")
        assert len(content) < 200_000 or file.name == "report.dcm"
        assert told(content) == [], file.name
        for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            assert source[key].value.encode() not in content, (file.name, key)
        assert data.PatientIdentityRemoved == "YES"
        assert len(data.DeidentificationMethod) == 3
        assert data.PatientID.startswith("SPINECT-")
        assert not data.StudyDate
        assert not data.PatientBirthDate
    text = "".join(
        page.extract_text()
        for page in pypdf.PdfReader(io.BytesIO(document(nameless).EncapsulatedDocument)).pages
    )
    assert told(text.encode()) == []


def test_the_copy_of_the_ct_is_the_same_ct_in_the_same_study(nameless: Path, ct: Path) -> None:
    (copy,) = list_series(nameless / "ct")
    assert copy.loadable
    assert Case.of(read_ct(nameless / "ct")).same_ct(Case.of(read_ct(ct)))
    one = pydicom.dcmread(next((nameless / "ct").iterdir()))
    assert {each.StudyInstanceUID for each in objects(nameless)} == {one.StudyInstanceUID}
    assert {each.PatientID for each in objects(nameless)} == {one.PatientID}


def test_the_same_plan_gives_the_same_files(named: Path, folder: Path, ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    words = ["--out", str(out), "--what", "sc,pdf,seg,rtstruct,sr,stl"]
    assert cli.main(["dicom", str(folder), "--ct", str(ct), *words]) == 0
    again, before = ({file.name: file.read_bytes() for file in each.iterdir()} for each in (out, named))
    assert again == before


def test_the_segmentation_is_the_plans_labels_on_the_pictures_of_the_ct(
    named: Path, nameless: Path, ct: Path
) -> None:
    for out, source in ((named, ct), (nameless, nameless / "ct")):
        made = segmented(out)
        volume = read_ct(source)
        array, grid, names = read_segments([out / "segmentation.dcm"], out, progress=silent, cancel=None)
        assert grid.same_grid(volume.geometry)
        np.testing.assert_array_equal(array, labels_of(volume).array)
        assert names == {BONE: "Bone", NERVE: "Nerve"}
        uids = {pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in source.iterdir()}
        (series,) = made.ReferencedSeriesSequence
        assert {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence} == uids
        assert made.FrameOfReferenceUID == pydicom.dcmread(next(source.iterdir())).FrameOfReferenceUID
        algorithm = made.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
        assert (algorithm.AlgorithmName, made.SegmentSequence[0].SegmentAlgorithmType) == (
            "SPINECT",
            "AUTOMATIC",
        )
        assert "openvino" in algorithm.AlgorithmParameters


def test_outlines_are_the_plans_labels_and_its_recommended_needle(
    named: Path, nameless: Path, ct: Path, folder: Path
) -> None:
    needle = read_plan(folder / "plan.json").planning.needles[0].needle
    for out, source in ((named, ct), (nameless, nameless / "ct")):
        volume = read_ct(source)
        found = read_structure_set(out / "structures.dcm", volume, progress=silent, cancel=None)
        assert [each.name for each in found.segments] == ["Bone", "Nerve", "Needle: Left Kambin, bony, L5/S1"]
        (layer,) = found.layers
        np.testing.assert_array_equal(layer, labels_of(volume).array)
        (line,) = pydicom.dcmread(out / "structures.dcm").ROIContourSequence[2].ContourSequence
        ends = np.array(line.ContourData, float).reshape(-1, 3)
        np.testing.assert_allclose(ends, [needle.entry, needle.target], atol=0.0006)


def test_numbers_of_the_needle_are_told_with_codes_and_units_and_in_their_place(
    named: Path, folder: Path, ct: Path
) -> None:
    report = hd.sr.srread(named / "measurements.dcm")
    plan = read_plan(folder / "plan.json")
    record = plan.planning.needles[0]
    needle, safety = record.needle, record.safety
    assert safety is not None
    assert safety.tolerance is not None
    groups = {
        str(group.tracking_identifier): group for group in report.content.get_image_measurement_groups()
    }
    assert "Left Kambin, bony, L5/S1" in groups
    group = groups["Left Kambin, bony, L5/S1"]
    assert group.finding_type == Code("needle", "99SPINECT", "")
    (site,) = group.finding_sites
    assert site.laterality == codes.SCT.Left
    found = {each.name.value: (each.value, each.unit.value) for each in group.get_measurements()}
    view = needle.view
    wanted = {
        "121211": (needle.depth_mm, "mm"),
        "oblique": (view.azimuth, "deg"),
        "tilt": (view.elevation, "deg"),
        "112011": (view.c_arm_pair().primary, "deg"),
        "112012": (view.c_arm_pair().secondary, "deg"),
        "clearance-bone": (safety.bone.gap_mm, "mm"),  # type: ignore[union-attr]
        "clearance-nerve": (safety.nerve.gap_mm, "mm"),  # type: ignore[union-attr]
        "angular-tolerance": (safety.tolerance.angle.amount, "deg"),  # type: ignore[union-attr]
    }
    assert {key: found[key][1] for key in wanted} == {key: unit for key, (_, unit) in wanted.items()}
    for key, (value, _) in wanted.items():
        assert found[key][0] == pytest.approx(value, abs=0.006), key
    depth = group.get_measurements(name=codes.DCM.PathLength)[0]
    line = depth.referenced_coordinates[0]
    np.testing.assert_allclose(line.value, [needle.entry, needle.target], atol=1e-3)
    assert line.frame_of_reference_uid == pydicom.dcmread(next(ct.iterdir())).FrameOfReferenceUID


def test_areas_of_triangles_are_told_and_the_needle_of_the_refused_side_is_not(
    named: Path, folder: Path
) -> None:
    plan = read_plan(folder / "plan.json")
    groups = hd.sr.srread(named / "measurements.dcm").content.get_image_measurement_groups()
    areas = {
        str(group.tracking_identifier): (group.finding_type.value, area.value, area.unit.value)
        for group in groups
        for area in group.get_measurements(name=codes.SCT.Area)
    }
    for number, triangle in enumerate(plan.triangles, start=1):
        name = f"{triangle.name}, {triangle.author}, {number}"
        assert areas[name] == ("triangle", pytest.approx(triangle.area_mm2, abs=0.006), "mm2")
    # its window is closed
    assert "Left Kambin, bony, L5/S1: free window" not in areas
    needles = [group for group in groups if group.finding_type.value == "needle"]
    assert {site.laterality for group in needles for site in group.finding_sites} == {codes.SCT.Left}


def test_an_open_window_is_told_with_its_area_circle_and_outline(folder: Path) -> None:
    plan = read_plan(folder / "plan.json")
    window = plan.planning.windows[0].replaced(author="automatic")
    assert window.open
    opened = plan.replaced(planning=plan.planning.replaced(windows=(window,)))
    (group,) = (each for each in groups_of(opened) if each.subject == Subject.WINDOW)
    assert dict(group.numbers)[Quantity.AREA] == window.area_mm2
    assert dict(group.numbers)[Quantity.CIRCLE] == window.radius_mm
    assert dict(group.numbers)[Quantity.OBLIQUE] == window.view.azimuth
    assert group.closed
    np.testing.assert_array_equal(group.path, window.outline)


def test_a_plan_without_numbers_has_no_structured_report(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = read_plan(folder / "plan.json")
    withheld = plan.planning.replaced(withheld=("The level is not sure.",))
    write_plan(
        plan.replaced(planning=withheld, triangles=(), repeats=(), files={}, views=()), tmp_path / "plan.json"
    )
    words = ["--ct", str(ct), "--out", str(tmp_path / "out"), "--what", "sr"]
    assert cli.main(["dicom", str(tmp_path), *words]) == 6
    assert "no needle that is recommended" in capsys.readouterr().err


def test_surfaces_are_those_of_the_labels_in_the_frame_of_the_ct(
    named: Path, ct: Path, tmp_path: Path
) -> None:
    built = build_surfaces(labels_of(read_ct(ct)))
    for name, mesh in (("bone", built.bone), ("nerve", built.nerve)):
        made = pydicom.dcmread(named / f"surface-{name}.dcm")
        assert name in made.DocumentTitle
        assert NOTICE.rstrip(".") in made.DocumentTitle
        assert made.FrameOfReferenceUID == pydicom.dcmread(next(ct.iterdir())).FrameOfReferenceUID
        assert (made.ModelMirroring, made.MeasurementUnitsCodeSequence[0].CodeValue) == ("NO", "mm")
        (tmp_path / "a.stl").write_bytes(made.EncapsulatedDocument[: made.EncapsulatedDocumentLength])
        read = pv.read(tmp_path / "a.stl")
        assert read.n_cells == mesh.n_cells
        np.testing.assert_allclose(read.bounds, mesh.bounds, atol=1e-3)


def test_a_plan_without_labels_has_no_segmentation_but_the_rest(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["dicom", str(folder / "plan.json"), "--ct", str(ct), "--out", str(tmp_path / "out")]
    assert cli.main(words) == 6
    said = capsys.readouterr().err
    assert "no labels" in said
    assert "--what" in said
    assert not (tmp_path / "out").exists()
    assert cli.main([*words, "--what", "sc"]) == 0
    assert len(captures(tmp_path / "out")) == 3 + len(Shown)


def test_a_patients_name_keeps_its_letters(folder: Path, ct: Path, tmp_path: Path) -> None:
    shutil.copytree(ct, tmp_path / "ct")
    name = "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"
    for file in (tmp_path / "ct").iterdir():
        data = pydicom.dcmread(file)
        data.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        data.PatientName = name
        data.save_as(file)
    out = tmp_path / "out"
    assert cli.main(["dicom", str(folder), "--ct", str(tmp_path / "ct"), "--out", str(out)]) == 0
    source = pydicom.dcmread(next((tmp_path / "ct").iterdir()))
    for each in objects(out):
        assert each.PatientName == source.PatientName == name
        assert each.SpecificCharacterSet == source.SpecificCharacterSet


@pytest.mark.parametrize("declared", [b"ISO_IR 100", b"ISO_IR 6  ", b"ISO_IR 999"])
def test_letters_that_a_header_does_not_declare_are_passed_on_as_they_are(
    folder: Path, ct: Path, tmp_path: Path, declared: bytes
) -> None:
    shutil.copytree(ct, tmp_path / "ct")
    for file in (tmp_path / "ct").iterdir():
        data = pydicom.dcmread(file)
        data.SpecificCharacterSet, data.PatientName = "ISO_IR 100", "M\xfcller^J\xfcrgen"
        data.save_as(file)
        file.write_bytes(file.read_bytes().replace(b"ISO_IR 100", declared))
    words = ["--ct", str(tmp_path / "ct"), "--out", str(tmp_path / "out"), "--what", "pdf,seg"]
    assert cli.main(["dicom", str(folder), *words]) == 0
    for file in (tmp_path / "out").iterdir():
        assert "M\xfcller^J\xfcrgen".encode("latin-1") in file.read_bytes()
        assert declared.rstrip() in file.read_bytes()


def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*words: str, code: int, says: str, plan: Path = folder) -> None:
        out = tmp_path / "refused"
        assert cli.main(["dicom", str(plan), "--out", str(out), *words]) == code
        assert says in capsys.readouterr().err
        assert not out.exists()
        assert list(tmp_path.glob(".*")) == []

    other = drawn()
    other.array[0, 0, 0] += 1
    write_dicom_series(other, tmp_path / "other")
    nifti = write_volume(read_ct(ct), tmp_path / "ct.nii.gz")
    refused("--ct", str(tmp_path / "other"), code=6, says="not the CT that the plan was made on")
    refused("--ct", str(nifti), code=3, says="not DICOM")
    refused("--ct", str(ct), "--what", "sc,png", code=2, says="--what: 'png' is nothing")
    refused("--ct", str(ct), "--what", ",", code=2, says="Nothing is asked for")
    refused("--ct", str(ct), "--what", "ct", code=2, says="already")
    refused("--ct", str(ct), code=6, says="no plan in this folder", plan=tmp_path)


def test_a_ct_of_another_format_can_be_written_without_identity(
    folder: Path, ct: Path, tmp_path: Path
) -> None:
    nifti = write_volume(read_ct(ct), tmp_path / "ct.nii.gz")
    words = ["--ct", str(nifti), "--out", str(tmp_path / "out"), "--deidentified", "--what", "pdf"]
    assert cli.main(["dicom", str(folder), *words]) == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["report.dcm"]


def test_a_folder_that_holds_something_is_left_alone(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file.name: file.read_bytes() for file in ct.iterdir()}
    assert cli.main(["dicom", str(folder), "--ct", str(ct), "--out", str(ct)]) == 7
    assert "no empty folder" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in ct.iterdir()} == before
    (tmp_path / "empty").mkdir()
    words = ["--out", str(tmp_path / "empty"), "--what", "pdf"]
    assert cli.main(["dicom", str(folder), "--ct", str(ct), *words]) == 0
    assert len(list((tmp_path / "empty").iterdir())) == 1


@pytest.mark.parametrize(
    ("keyword", "value", "says"),
    [
        ("PatientBirthDate", "19570318", "distinguished by patient"),
        ("StudyInstanceUID", "1.2.3.4", "distinguished by study"),
        ("SOPInstanceUID", "", "no proper SOPInstanceUID"),
    ],
)
def test_files_that_do_not_agree_or_cannot_be_referred_to_are_refused(
    folder: Path,
    ct: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    keyword: str,
    value: str,
    says: str,
) -> None:
    shutil.copytree(ct, tmp_path / "ct")
    file = sorted((tmp_path / "ct").iterdir())[7]
    data = pydicom.dcmread(file)
    data[keyword].value = value
    data.save_as(file)
    assert cli.main(["dicom", str(folder), "--ct", str(tmp_path / "ct"), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert says in said
    assert "Quastenflosser" not in said


@renderer
def test_dcmtk_renders_a_capture(named: Path, tmp_path: Path) -> None:
    file = sorted(named.glob("capture-*.dcm"))[0]
    subprocess.run(["dcm2pnm", str(file), str(tmp_path / "shown.ppm")], check=True, timeout=60)
    with Image.open(tmp_path / "shown.ppm") as shown:
        np.testing.assert_array_equal(np.asarray(shown), pydicom.dcmread(file).pixel_array)


def test_without_identity_nothing_stands_that_the_user_typed() -> None:
    planning = recommended_planning()
    own = replace(planning.needles[0].needle, name="SMITH JOHN 1950", author="user")
    override = FindingRecord(rule="tip-near-disc", kind="warn", bars=False, value=1.0, limit=2.0)
    override = override.replaced(override="as MRS SMITH wished")
    needle = planning.needles[0].replaced(needle=own, findings=(override,))
    view = full_plan().views[0]
    views = (view.replaced(name="from behind"), view.replaced(name="SMITH view"))
    plan = full_plan().replaced(planning=planning.replaced(needles=(needle,)), views=views)
    told = without_own_words(plan)
    assert "SMITH" in str(plan.planning.to_dict()) + str(plan.views)
    assert "SMITH" not in str(told.planning.to_dict()) + str(told.views)
    assert told.planning.needles[0].needle.name == "Own needle 1"
    assert [each.name for each in told.views] == ["from behind", "View 2"]
