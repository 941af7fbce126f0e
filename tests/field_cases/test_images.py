"""Volumes in one file as other programs write them: orientation, units of length, decimal signs, parts in other files.

Each of them is read to the example's volume in the example's place, or refused with what is wrong.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_maker import example_volume, make_series
from field_cases.image_maker import (
    VOLUME,
    VOXELS,
    X,
    Y,
    Z,
    metaimage,
    metaimage_header,
    nrrd,
    nrrd_header,
)

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import list_series, read_ct, read_labels
from spinect_core.io.writing import write_volume

SAME_PLACE_MM, SAME_PLACE = 0.01, "lie in the same place"
"""DICOM slices nearer to each other than this are taken for copies before their size is looked at."""


def assert_read(path: Path, warning: str | None = None) -> None:
    """The example, in its place and with its values."""
    found = read_ct(path)
    assert found.geometry.same_grid(VOLUME.geometry)
    np.testing.assert_array_equal(found.array, VOLUME.array)
    if warning is not None:
        assert any(warning in each.text for each in found.warnings), found.warnings


def assert_refused(path: Path, says: str, kind: type[ReadingError] = ReadingError) -> None:
    """An error that is the same in the list and when reading, naming the file, on one line."""
    (entry,) = list_series(path)
    assert not entry.loadable
    with pytest.raises(kind, match=says) as caught:
        read_ct(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------- MetaImage: how it lies


@pytest.mark.parametrize(
    ("changes", "extra", "says"),
    [
        ({"TransformMatrix": None}, "AnatomicalOrientation = LPI\n", "left and right are unknown"),
        ({"TransformMatrix": None}, "AnatomicalOrientation = RAI\n", "left and right are unknown"),
        ({"TransformMatrix": None}, "", "left and right are unknown"),
        ({"TransformMatrix": None, "Offset": None}, "", "left and right are unknown"),
        ({}, "AnatomicalOrientation = LPI\n", "contradicts itself.*axis x begins at the patient's left"),
        ({}, "AnatomicalOrientation = RAS\n", "contradicts itself.*axis z begins at the patient's head"),
        ({"TransformMatrix": "-1 0 0 0 -1 0 0 0 1"}, "AnatomicalOrientation = RAI\n", "contradicts itself"),
        ({}, "AnatomicalOrientation = XYZ\n", "AnatomicalOrientation is 'XYZ'"),
        ({}, "Rotation = -1 0 0 0 -1 0 0 0 1\n", "transformmatrix and rotation contradict each other"),
        ({}, "Position = 1 2 3\n", "offset and position contradict each other"),
        ({}, "Offset = 1 2 3\n", "'offset' twice"),
        ({"TransformMatrix": "2 0 0 0 1 0 0 0 1"}, "", "not the length 1"),
        ({"TransformMatrix": "0 0 0 0 1 0 0 0 1"}, "", "not the length 1"),
        ({"TransformMatrix": "1 0 0 0.6 0.8 0 0 0 1"}, "", "right angles"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, "", "not 9 numbers"),
    ],
)
def test_metaimage_without_or_against_an_orientation_is_refused(
    tmp_path: Path, changes: dict[str, str | None], extra: str, says: str
) -> None:
    assert_refused(metaimage(tmp_path / "ct.mha", extra, **changes), says, ReadingError)


@pytest.mark.parametrize("letters", ["RAI", "rai", "???", ""])
def test_metaimage_whose_letters_say_the_same_is_read(tmp_path: Path, letters: str) -> None:
    assert_read(metaimage(tmp_path / "ct.mha", f"AnatomicalOrientation = {letters}\n"))


def test_metaimage_turned_with_the_letters_for_it_is_read(tmp_path: Path) -> None:
    direction = np.diag([-1.0, -1.0, 1.0])
    path = metaimage(
        tmp_path / "ct.mha", "AnatomicalOrientation = LPI\n", TransformMatrix="-1 0 0 0 -1 0 0 0 1"
    )
    np.testing.assert_allclose(read_ct(path).geometry.direction, direction, atol=1e-9)


def test_metaimage_under_older_names_of_the_same_fields(tmp_path: Path) -> None:
    text = metaimage_header(TransformMatrix=None, Offset=None)
    place = " ".join(map(str, VOLUME.geometry.origin))
    text += f"Rotation = 1 0 0 0 1 0 0 0 1\nOrigin = {place}\nElementDataFile = LOCAL\n"
    (tmp_path / "ct.mha").write_bytes(text.encode() + VOXELS)
    assert_read(tmp_path / "ct.mha")


def test_metaimage_of_big_endian_numbers_behind_a_foreign_head(tmp_path: Path) -> None:
    (tmp_path / "ct.raw").write_bytes(bytes(777) + VOLUME.array.astype(">i2").tobytes())
    text = metaimage_header(BinaryDataByteOrderMSB="True", HeaderSize="-1") + "ElementDataFile = ct.raw\n"
    (tmp_path / "ct.mhd").write_text(text)
    assert_read(tmp_path / "ct.mhd")


@pytest.mark.parametrize(
    ("changes", "extra", "says"),
    [
        ({"ObjectType": "Tube"}, "", "no MetaImage file"),
        ({}, "ElementNumberOfChannels = 3\n", "holds 3 numbers"),
        ({"ElementType": "MET_FLOAT_ARRAY"}, "", "type 'FLOAT_ARRAY'"),
        ({}, "ElementToIntensityFunctionSlope = 2\n", "not the values themselves"),
        ({}, "ElementToIntensityFunctionOffset = -1024\n", "not the values themselves"),
        ({}, "Modality = MET_MOD_MR\n", "modality MR, not CT"),
        ({"NDims": "32767"}, "", "32767 dimensions"),
        ({"NDims": "-3"}, "", "-3 dimensions"),
        ({"NDims": "three"}, "", "not a whole number"),
        ({"DimSize": f"{X} {Y}"}, "", "sizes of 3 axes"),
        ({"DimSize": f"{10**9} {10**9} {10**9}"}, "", "sizes of 3 axes"),
        ({"DimSize": f"{-X} {-Y} {Z}"}, "", "sizes of 3 axes"),
        ({"Comment": "a" * 1500}, "", "1500 characters"),
        ({}, "a" * 900 + "\n", "no field"),
        ({"CompressedData": "perhaps"}, "", "neither true nor false"),
    ],
)
def test_metaimage_that_no_ct_has(
    tmp_path: Path, changes: dict[str, str | None], extra: str, says: str
) -> None:
    assert_refused(metaimage(tmp_path / "ct.mha", extra, **changes), says)


# -------------------------------------------------------------------------------------------------- decimal commas


@pytest.mark.parametrize(
    "changes",
    [
        {"ElementSpacing": "4,5 4,8 2,5"},
        {"Offset": "-31,5 12,25 -400,125"},
        {"TransformMatrix": "0,9848 0,1736 0 -0,1736 0,9848 0 0 0 1"},
        {"ElementSpacing": "4_5 4.8 2.5"},
        {"Offset": "nan 0 0"},
        {"Offset": "0x10 0 0"},
        {"Offset": "1e999 0 0"},
        {"Offset": "1e200 0 0"},
    ],
)
def test_numbers_of_a_metaimage_that_are_none(tmp_path: Path, changes: dict[str, str | None]) -> None:
    assert_refused(
        metaimage(tmp_path / "ct.mha", **changes), "not [39] numbers|no length|contradict", SpatialError
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"space_directions": "(4,5,0,0) (0,4,8,0) (0,0,2,5)"},
        {"space_directions": "(4,5,0) (0,4,8) (0,0,2)"},
        {"space_directions": "(4;5,0,0) (0,4.8,0) (0,0,2.5)"},
        {"space_origin": "(-31,5,12,25,-400,125)"},
        {"space_origin": "(-31.5;12.25;-400.125)"},
        {"space_origin": "-31.5 12.25 -400.125"},
    ],
)
def test_numbers_of_an_nrrd_that_are_none(tmp_path: Path, changes: dict[str, str | None]) -> None:
    path = nrrd(tmp_path / "ct.nrrd", **changes)
    assert_refused(path, "not 3 numbers|right angles|space origin is|size|not positive", SpatialError)


# --------------------------------------------------------------------------------------------------- units of length


@pytest.mark.parametrize(
    ("unit", "scale"), [("cm", 0.1), ("um", 1000), ("µm", 1000), ("m", 0.001), ("mm", 1)]
)
def test_nrrd_in_another_unit_of_length_is_read_in_millimetres(
    tmp_path: Path, unit: str, scale: float
) -> None:
    units = f'space units: "{unit}" "{unit}" "{unit}"\n'
    assert_read(nrrd(tmp_path / "ct.nrrd", units, scale=scale, encoding="gzip"))


@pytest.mark.parametrize(("unit", "scale"), [("cm", 0.1), ("um", 1000), ("m", 0.001), ("mm", 1)])
def test_metaimage_in_another_unit_of_length_is_read_in_millimetres(
    tmp_path: Path, unit: str, scale: float
) -> None:
    assert_read(metaimage(tmp_path / "ct.mha", f"DistanceUnits = {unit}\n", scale=scale))


@pytest.mark.parametrize("maker", [nrrd, metaimage])
@pytest.mark.parametrize(("unit", "word"), [("um", "micrometres"), ("m", "metres"), ("cm", "centimetres")])
def test_a_unit_that_the_numbers_contradict_is_refused_with_both_readings(
    tmp_path: Path, maker: Callable[..., Path], unit: str, word: str
) -> None:
    nrrd_units = f'space units: "{unit}" "{unit}" "{unit}"\n'
    extra = nrrd_units if maker is nrrd else f"DistanceUnits = {unit}\n"
    path = maker(tmp_path / ("ct.nrrd" if maker is nrrd else "ct.mha"), extra)
    assert_refused(path, f"{word}.*in millimetres it would have voxels of 4.5 x 4.8 x 2.5 mm", SpatialError)


@pytest.mark.parametrize(("scale", "word"), [(0.1, "centimetres"), (1000, "micrometres"), (0.001, "metres")])
@pytest.mark.parametrize("ending", ["nii", "nrrd", "mha", "dcm"])
def test_another_unit_that_nothing_states_is_refused_with_both_readings(
    tmp_path: Path, scale: float, word: str, ending: str
) -> None:
    geometry = Geometry(
        (Z, Y, X),
        tuple(n * scale for n in VOLUME.geometry.spacing),
        tuple(n * scale for n in VOLUME.geometry.origin),
    )
    wrong = Volume(VOLUME.array, geometry)
    says = f"Read in millimetres, it has .*; in {word} it would have voxels of 4.5 x 4.8 x 2.5"
    if ending != "dcm":
        assert_refused(write_volume(wrong, tmp_path / f"ct.{ending}"), says, SpatialError)
        return
    if scale * VOLUME.geometry.spacing[2] < SAME_PLACE_MM:
        says = SAME_PLACE
    assert_refused(make_series(tmp_path / "ct", wrong), says, SpatialError)


@pytest.mark.parametrize("units", ['"cm" "mm" "mm"', '"inch" "inch" "inch"', '"s" "s" "s"'])
def test_units_that_are_unknown_or_differ(tmp_path: Path, units: str) -> None:
    assert_refused(nrrd(tmp_path / "ct.nrrd", f"space units: {units}\n"), "gives lengths in", SpatialError)


def test_centimetres_that_may_be_millimetres_are_refused(tmp_path: Path) -> None:
    path = metaimage(
        tmp_path / "ct.mha", "DistanceUnits = cm\n", ElementSpacing="1 1.5 2", DimSize=f"{X} {Y} {Z}"
    )
    big = np.zeros((50, 40, 40), "<i2")
    path = metaimage(
        tmp_path / "big.mha",
        "DistanceUnits = cm\n",
        ElementSpacing="0.4 0.4 1.2",
        DimSize="40 40 50",
        voxels=big.tobytes(),
    )
    assert_refused(path, "which a body may have too", SpatialError)


def nifti_with_units(folder: Path, code: int) -> Path:
    image = nib.Nifti1Image(VOLUME.array.T, np.diag([-1, -1, 1, 1.0]) @ VOLUME.geometry.index_to_patient)
    image.header["xyzt_units"] = code
    nib.save(image, folder / "ct.nii.gz")
    return folder / "ct.nii.gz"


@pytest.mark.parametrize(("code", "word"), [(3, "micrometres"), (1, "metres")])
def test_nifti_whose_unit_contradicts_its_numbers(tmp_path: Path, code: int, word: str) -> None:
    path = nifti_with_units(tmp_path, code)
    assert_refused(path, f"Read in {word}, as the file says.*in millimetres it would have", SpatialError)


@pytest.mark.parametrize("code", [4, 7])
def test_nifti_in_an_unknown_unit(tmp_path: Path, code: int) -> None:
    assert_refused(nifti_with_units(tmp_path, code), "unknown code", SpatialError)


@pytest.mark.parametrize("code", [0, 2, 2 | 8])
def test_nifti_in_millimetres_or_without_a_unit(tmp_path: Path, code: int) -> None:
    assert_read(nifti_with_units(tmp_path, code))


def test_nifti_whose_flip_is_zero_is_read_as_plus_one(tmp_path: Path) -> None:
    affine = np.diag([-1, -1, 1, 1.0]) @ VOLUME.geometry.index_to_patient
    image = nib.Nifti1Image(VOLUME.array.T, affine)
    image.set_sform(None, code=0)
    image.set_qform(affine, code=1)
    nib.save(image, tmp_path / "ct.nii")
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    assert struct.unpack_from("<f", content, 76)[0] in (1.0, -1.0)
    struct.pack_into("<f", content, 76, 0.0)
    (tmp_path / "ct.nii").write_bytes(content)
    assert_read(tmp_path / "ct.nii")


# ------------------------------------------------------------------------------------------- sizes that no body has


@pytest.mark.parametrize(
    ("spacing", "origin", "says"),
    [
        ((1e-6, 1e-6, 1e-6), (0, 0, 0), "voxels of a CT are 0.08 to 20 mm"),
        ((1e6, 1e6, 1e6), (0, 0, 0), "voxels of a CT are 0.08 to 20 mm"),
        ((1e12, 4.8, 2.5), (0, 0, 0), "voxels of a CT are 0.08 to 20 mm"),
        ((4.5, 4.8, 500), (0, 0, 0), "voxels of a CT are 0.08 to 20 mm"),
        ((12, 12, 12), (0, 0, 0), "at most 5 mm wide along two of the three axes"),
        ((12.5, 15, 2), (0, 0, 0), "at most 5 mm wide along two of the three axes"),
        ((0.5, 0.5, 0.5), (0, 0, 0), "longest side is 40 to 3000 mm"),
        ((4.5, 4.8, 2.5), (1e9, 0, 0), "from the origin of its coordinates"),
        ((4.5, 4.8, 2.5), (0, 0, -20000), "lies 20 m from the origin"),
    ],
)
@pytest.mark.parametrize("ending", ["nii", "nrrd", "mha", "dcm"])
def test_sizes_and_places_of_no_body_are_refused_in_every_format(
    tmp_path: Path,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    says: str,
    ending: str,
) -> None:
    if ending == "dcm" and max(spacing) < SAME_PLACE_MM:
        says = SAME_PLACE
    wrong = Volume(VOLUME.array, Geometry((Z, Y, X), spacing, origin))
    path = (
        make_series(tmp_path / "ct", wrong)
        if ending == "dcm"
        else write_volume(wrong, tmp_path / f"ct.{ending}")
    )
    assert_refused(path, says, SpatialError)


def test_labels_may_be_smaller_than_a_body(tmp_path: Path) -> None:
    path = nrrd(
        tmp_path / "labels.nrrd", voxels=bytes(len(VOXELS)), space_directions="(2,0,0) (0,2,0) (0,0,2)"
    )
    assert read_labels(path).geometry.spacing == (2, 2, 2)
    assert_refused(path, "longest side is 40 to 3000 mm", SpatialError)


# ------------------------------------------------------------------------------------------------------------- NRRD


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("LAS", (1, -1, 1)),
    ],
)
def test_every_space_that_an_nrrd_can_be_in(tmp_path: Path, space: str, signs: tuple[int, int, int]) -> None:
    rows = [(axis * signs).tolist() for axis in VOLUME.geometry.index_to_patient[:3, :3].T]
    directions = " ".join("(" + ",".join(map(str, row)) + ")" for row in rows)
    origin = "(" + ",".join(str(o * s) for o, s in zip(VOLUME.geometry.origin, signs, strict=True)) + ")"
    assert_read(nrrd(tmp_path / "ct.nrrd", space=space, space_directions=directions, space_origin=origin))


def test_one_volume_of_a_sequence_is_read(tmp_path: Path) -> None:
    steps = " ".join(
        "(" + ",".join(map(str, row)) + ")" for row in VOLUME.geometry.index_to_patient[:3, :3].T
    )
    path = nrrd(
        tmp_path / "ct.nrrd",
        dimension="4",
        sizes=f"1 {X} {Y} {Z}",
        space_directions=f"none {steps}",
        kinds="list domain domain domain",
        encoding="gzip",
    )
    assert_read(path)


@pytest.mark.parametrize("field", ["LIST", "LIST 2", "s%03d.raw 0 7 1", "./s%03d.raw 0 7 1"])
def test_an_nrrd_of_one_file_a_slice_is_read(tmp_path: Path, field: str) -> None:
    names = [f"s{z:03d}.raw" for z in range(Z)]
    for name, slice_ in zip(names, VOLUME.array, strict=True):
        (tmp_path / name).write_bytes(slice_.astype("<i2").tobytes())
    listed = "\n".join(names) + "\n" if "LIST" in field else ""
    (tmp_path / "ct.nhdr").write_text(nrrd_header() + f"data file: {field}\n" + listed)
    assert_read(tmp_path / "ct.nhdr")


def test_comments_and_keys_of_other_programs_may_be_long(tmp_path: Path) -> None:
    extra = f"# {'c' * 5000}\nSegmentation_Parameters:={'k' * 20000}\ncontent: {'t' * 500}\n"
    assert_read(nrrd(tmp_path / "ct.nrrd", extra))


def test_an_nrrd_or_metaimage_that_does_not_say_where_it_lies_says_so(tmp_path: Path) -> None:
    for path in (
        nrrd(tmp_path / "ct.nrrd", space_origin=None),
        metaimage(tmp_path / "ct.mha", Offset=None),
    ):
        found = read_ct(path)
        assert found.geometry.origin == (0, 0, 0)
        assert "does not say where in the scanner" in found.warnings[0].text


@pytest.mark.parametrize("maker", [nrrd, metaimage])
def test_more_bytes_than_the_header_announces_are_told(tmp_path: Path, maker: Callable[..., Path]) -> None:
    path = maker(tmp_path / ("ct.nrrd" if maker is nrrd else "ct.mha"), voxels=VOXELS + bytes(10))
    assert_read(path, "10 bytes more than its header says")
    assert read_ct(path).warnings[0].grave


@pytest.mark.parametrize(
    ("changes", "extra", "says"),
    [
        ({}, "a" * 1000 + "\n", "no field of an NRRD file|characters"),
        ({}, "foo: bar\n", "no field of an NRRD file"),
        ({}, "foo: " + "b" * 1000 + "\n", "1000 characters"),
        ({}, "f" * 1000 + ": b\n", "characters"),
        ({"type": "s" * 900}, "", "voxels are of the type"),
        ({"encoding": "s" * 900}, "", "encoded as"),
        ({"encoding": "bzip2"}, "", "raw, gzip, text and hex are read"),
        ({"sizes": "9" * 900 + " 3 3"}, "", "not a whole number"),
        ({"dimension": "999"}, "", "999 dimensions"),
        ({"endian": None}, "", "byte order"),
        ({}, "old min: 0\n", "rescaled"),
        ({}, "spacings: 1 1 1\n", "described twice"),
        ({}, "space: RAS\n", "'space' twice"),
        ({"type": "block"}, "block size: 2\n", "block"),
        ({}, "line skip: -4\n", "skips -4 lines"),
        ({"encoding": "gzip"}, "byte skip: -1\n", "skips 0 lines and -1 bytes"),
    ],
)
def test_nrrd_that_no_ct_has(tmp_path: Path, changes: dict[str, str | None], extra: str, says: str) -> None:
    assert_refused(nrrd(tmp_path / "ct.nrrd", extra, **changes), says)


def test_a_header_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ct.nrrd").write_bytes(nrrd_header().encode() + b"# comment\n" * 20000)
    assert_refused(tmp_path / "ct.nrrd", "does not end within")


# ------------------------------------------------------------------------------------------ voxels in other files


def detached(folder: Path, name: str, ending: str) -> Path:
    path = folder / f"ct.{ending}"
    line = f"data file: {name}\n" if ending == "nhdr" else f"ElementDataFile = {name}\n"
    path.write_text((nrrd_header() if ending == "nhdr" else metaimage_header()) + line)
    return path


@pytest.mark.parametrize("ending", ["nhdr", "mhd"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../ct.raw", "does not lie beside it"),
        ("..\\ct.raw", "does not lie beside it"),
        ("a/../../ct.raw", "does not lie beside it"),
        ("/etc/hostname", "does not lie beside it"),
        ("C:\\ct.raw", "does not lie beside it"),
        ("missing.raw", "missing"),
        ("folder", "missing or is no file"),
        ("%s%n.raw 1 8 1", "no pattern"),
        ("%999999d.raw 1 8 1", "no pattern"),
        ("s%d.raw 1 99999999999 1", "in steps of 1"),
        ("s%d.raw 1 8 0", "in steps of 0"),
        ("s%d.raw one 8 1", "not a whole number"),
        ("LIST", "lists 0 files"),
    ],
)
def test_voxels_elsewhere_than_beside_the_header_are_refused(
    tmp_path: Path, ending: str, name: str, says: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "ct.raw").write_bytes(VOXELS)
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "folder").mkdir()
    assert_refused(detached(folder, name, ending), says)


@pytest.mark.parametrize("ending", ["nhdr", "mhd"])
def test_voxels_in_a_folder_beside_the_header_are_read(tmp_path: Path, ending: str) -> None:
    (tmp_path / "voxels").mkdir()
    (tmp_path / "voxels" / "ct.raw").write_bytes(VOXELS)
    assert_read(detached(tmp_path, "voxels/ct.raw", ending))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
@pytest.mark.parametrize("ending", ["nhdr", "mhd"])
def test_a_pipe_is_no_file_of_voxels(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / "pipe.raw")
    assert_refused(detached(tmp_path, "pipe.raw", ending), "missing or is no file")


@pytest.mark.parametrize("ending", ["nhdr", "mhd"])
def test_a_file_of_voxels_that_broke_off(tmp_path: Path, ending: str) -> None:
    (tmp_path / "ct.raw").write_bytes(VOXELS[: len(VOXELS) * 2 // 3])
    assert_refused(detached(tmp_path, "ct.raw", ending), "ends after 1280 of 1920 bytes")


@pytest.mark.parametrize("maker", [nrrd, metaimage])
def test_sizes_that_the_file_cannot_hold_are_refused_at_once(
    tmp_path: Path, maker: Callable[..., Path]
) -> None:
    sizes = {"sizes": "500 500 500"} if maker is nrrd else {"DimSize": "500 500 500"}
    spacing = (
        {"space_directions": "(1,0,0) (0,1,0) (0,0,1)"} if maker is nrrd else {"ElementSpacing": "1 1 1"}
    )
    path = maker(tmp_path / ("ct.nrrd" if maker is nrrd else "ct.mha"), **sizes, **spacing)
    assert_refused(path, "ends after 1920 of 250000000 bytes")


# --------------------------------------------------------------------------------------------------- several files


def test_a_stack_taken_as_even_and_the_resampled_one_are_asked_about(tmp_path: Path) -> None:
    affine = np.diag([-1, -1, 1, 1.0]) @ VOLUME.geometry.index_to_patient
    nib.save(nib.Nifti1Image(VOLUME.array.T[:, :, [0, 1, 2, 4, 6]], affine), tmp_path / "ct.nii.gz")
    nib.save(nib.Nifti1Image(VOLUME.array.T, affine), tmp_path / "ct_Eq_1.nii.gz")
    (tmp_path / "ct.json").write_text('{"Modality": "CT"}')
    with pytest.raises(ReadingError, match=r"2 CT series.*ct_Eq_1\.nii\.gz.*ct\.nii\.gz"):
        read_ct(tmp_path)


def test_a_folder_that_holds_hostile_headers_lists_them_and_reads_the_ct_beside_them(tmp_path: Path) -> None:
    metaimage(tmp_path / "a.mha", NDims="32767")
    nrrd(tmp_path / "b.nrrd", "a" * 1000 + "\n")
    write_volume(example_volume(), tmp_path / "ct.nii.gz")
    assert [entry.loadable for entry in list_series(tmp_path)] == [True, False, False]
    assert_read(tmp_path)
