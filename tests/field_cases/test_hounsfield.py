"""Numbers that are not Hounsfield units: padding, scales, units, tables, projections, cuts; and what only looks so.

Each case is a made-up body, air around fat around muscle with a bone in it, with one fault put in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from dicom_maker import make_enhanced, make_series
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from scipy import ndimage

from spinect_core.base.errors import ReadingError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import ReadOptions, list_series, read_ct
from spinect_core.io.reading.dicom_elements import Elements
from spinect_core.io.reading.dicom_scale import scale_of
from spinect_core.io.reading.dicom_values import padded, scale_findings
from spinect_core.io.reading.hounsfield import Joined, to_hounsfield
from spinect_core.io.reading.options import ASSUME_HU
from spinect_core.io.reading.tissue import judge, measure_peaks

SHAPE, SPACING = (20, 56, 52), (2.0, 2.0, 2.5)
BONE = (slice(None), slice(34, 46), slice(20, 32))


def body(noise: float = 8, air: float = -1000, fat: float = -100, muscle: float = 50) -> np.ndarray:
    """HU [z, y, x] of a trunk in air, lean in front, with a vertebra that has cortex and marrow."""
    _, y, x = np.indices(SHAPE)
    out = np.hypot((y - 28) / 25, (x - 26) / 23)
    hu = np.full(SHAPE, air, dtype=float)
    hu[out < 1], hu[out < 0.86] = fat, muscle
    hu[BONE] = 600
    hu[:, 36:44, 22:30] = 170
    return np.rint(hu + np.random.default_rng(11).normal(0, noise, SHAPE)).astype(np.int32)


def outside() -> np.ndarray:
    """Pixels [y, x] outside of the round field of view."""
    y, x = np.indices(SHAPE[1:])
    return np.hypot((y - 27.5) / 56, (x - 25.5) / 52) > 0.495


def volume(hu: np.ndarray) -> Volume:
    return Volume(
        hu.clip(-32768, 32767).astype(np.int16), Geometry(SHAPE, SPACING, (0, 0, 0), np.eye(3)), "b"
    )


def put(dataset: Dataset, stored: np.ndarray, bits: int = 16, signed: bool = True) -> None:
    """Stored numbers [y, x] into a slice."""
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = int(signed)
    dataset.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()


def series(
    folder: Path, edit: Callable[[Dataset, int, np.ndarray], None], hu: np.ndarray | None = None
) -> Path:
    """A DICOM series of the body; ``edit`` gets each slice's dataset, number and HU."""
    hu = body() if hu is None else hu

    def change(dataset: Dataset, z: int) -> None:
        put(dataset, hu[z])
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"
        edit(dataset, z, hu[z])

    return make_series(folder, volume(hu), change)


def twelve_bits(dataset: Dataset, hu: np.ndarray, intercept: int = -1024) -> None:
    put(dataset, (hu - intercept).clip(0, 4095), bits=12, signed=False)
    dataset.RescaleIntercept = intercept


def nifti(folder: Path, values: np.ndarray) -> Path:
    path = folder / "ct.nii.gz"
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), np.diag([-2.0, -2.0, 2.5, 1.0]))
    nibabel.save(image, path)
    return path


def refusal(path: Path) -> ReadingError:
    """Why a path is refused, after checking that the user can have it read all the same and the result says so."""
    with pytest.raises(ReadingError) as caught:
        read_ct(path)
    assert caught.value.parameter == ASSUME_HU
    found = read_ct(path, options=ReadOptions(assume_hu=True))
    told = [w for w in found.warnings if w.code == ASSUME_HU]
    assert told
    assert all(w.grave for w in told)
    assert not any(".dcm" in w.text for w in found.warnings)
    return caught.value


# ------------------------------------------------------------------------------------------------------------ padding


@dataclass(frozen=True)
class Padding:
    """How the outside of the round field of view is stored."""

    stored: int
    value: int
    kind: str
    intercept: int = 0
    bits: int = 16
    signed: bool = True
    limit: int | None = None
    at: int | None = None


PADDINGS = {
    "two's complement in unsigned numbers": Padding(63536, 63536, "US", -1024, signed=False),
    "declared with a sign, stored without": Padding(63536, -2000, "SS", -1024, signed=False),
    "declared without a sign, stored with": Padding(-2000, 63536, "US"),
    "top of 12 bits": Padding(4095, 4095, "US", -1024, 12, signed=False),
    "zero HU": Padding(0, 0, "SS"),
    "muscle": Padding(50, 50, "SS"),
    "bone": Padding(400, 400, "SS"),
    "top of 16 bits": Padding(32767, 32767, "SS"),
    "lowest of 16 bits": Padding(-32768, -32768, "SS"),
    "a range": Padding(3000, 2900, "SS", limit=3100),
    "a range from above": Padding(3000, 3100, "SS", limit=2900),
    "a range below all tissue": Padding(-2040, -2048, "SS", limit=-2001),
    "not declared": Padding(0, 0, ""),
    "not declared, as metal": Padding(3071, 0, ""),
    "not declared, -3024": Padding(-3024, 0, ""),
}


@pytest.mark.parametrize("name", PADDINGS)
def test_padding_is_air_and_the_body_stays(tmp_path: Path, name: str) -> None:
    case, hu, ring = PADDINGS[name], body(), outside()

    def edit(dataset: Dataset, _: int, piece: np.ndarray) -> None:
        stored = piece - case.intercept
        stored[ring] = case.stored
        put(dataset, stored.clip(0) if not case.signed else stored, case.bits, case.signed)
        dataset.RescaleIntercept = case.intercept
        if case.kind:
            dataset.PixelPaddingValue = case.value
            dataset["PixelPaddingValue"].VR = case.kind
        if case.limit is not None:
            dataset.PixelPaddingRangeLimit = case.limit
            dataset["PixelPaddingRangeLimit"].VR = case.kind

    found = read_ct(series(tmp_path / "ct", edit, hu))
    assert (found.array[:, ring] == -1024).all()
    inside = ~ring & (hu > -300)
    np.testing.assert_array_equal(found.array[inside], hu[inside])


@pytest.mark.parametrize(
    ("bits", "signed", "value", "limit", "stored"),
    [
        (16, True, -2000, None, (-2000, -2000)),
        (16, True, 63536, None, (-2000, -2000)),  # the same bits, written without a sign
        (12, True, 2096, None, (-2000, -2000)),
        (12, False, 4095, None, (4095, 4095)),
        (12, False, -1, None, (4095, 4095)),
        (16, False, 3000, 3100, (3000, 3100)),
        (16, False, 3100, 3000, (3000, 3100)),
        (16, True, -2000, 63546, (-2000, -1990)),
    ],
)
def test_padding_is_meant_in_the_numbers_that_are_stored(
    bits: int, signed: bool, value: int, limit: int | None, stored: tuple[int, int]
) -> None:
    dataset = Dataset()
    dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation = 16, bits, int(signed)
    for keyword, number in (("PixelPaddingValue", value), ("PixelPaddingRangeLimit", limit)):
        if number is not None:
            dataset.add_new(keyword, "SS" if number < 0 else "US", number)
    assert scale_of(Elements((dataset,), dataset)).padding == stored


def test_padding_within_a_picture_is_air_only_where_no_tissue_can_have_its_number() -> None:
    """A number of muscle is padding where it hangs together with the edge, one beyond 16 bits everywhere."""
    for value, within in ((50, False), (60_000, True), (-1024, True)):
        stored = np.full((30, 30), 1000)
        stored[:3], stored[15, 15] = value, value
        piece = SimpleNamespace(scale=SimpleNamespace(padding=(value, value)))
        mask = padded(stored, stored, piece, Joined(corners_only=False))
        assert mask is not None
        assert mask[:3].all()
        assert mask[15, 15] == within
        assert np.count_nonzero(mask) == 90 + within


def test_single_voxels_below_what_16_bits_hold_are_air_and_no_metal(tmp_path: Path) -> None:
    hu = body()
    holes = (slice(4, 7), slice(26, 29), slice(8, 10))

    def edit(dataset: Dataset, z: int, piece: np.ndarray) -> None:
        stored = piece + 1024
        if 4 <= z < 7:
            stored[holes[1:]] = -32768
        put(dataset, stored)
        dataset.RescaleIntercept = -1024

    found = read_ct(series(tmp_path / "ct", edit, hu))
    hu[holes] = -1024
    np.testing.assert_array_equal(found.array, hu)


@pytest.mark.parametrize("value", [0, 3071, 500])
def test_padding_around_a_nifti_volume_is_air_though_nothing_declares_it(tmp_path: Path, value: int) -> None:
    hu, ring = body().astype(np.int16), outside()
    hu[:, ring] = value
    found = read_ct(nifti(tmp_path, hu))
    assert (found.array[:, ring] == -1024).all()
    assert any("around the field of view" in w.text for w in found.warnings)
    np.testing.assert_array_equal(found.array[:, ~ring], hu[:, ~ring])


def test_a_declared_range_of_many_values_below_all_tissue_is_air(tmp_path: Path) -> None:
    ring = outside()

    def edit(dataset: Dataset, _: int, hu: np.ndarray) -> None:
        hu = hu.copy()
        hu[ring] = -2048 + np.arange(np.count_nonzero(ring)) % 48
        put(dataset, hu)
        for keyword, value in (("PixelPaddingValue", -2048), ("PixelPaddingRangeLimit", -2001)):
            dataset.add_new(keyword, "SS", value)

    found = read_ct(series(tmp_path / "ct", edit))
    assert (found.array[:, ring] == -1024).all()
    np.testing.assert_array_equal(found.array[:, ~ring], body()[:, ~ring])


@pytest.mark.parametrize("corners_only", [True, False])
def test_pieces_at_the_border_are_found_whether_or_not_the_slice_before_had_them(corners_only: bool) -> None:
    rng = np.random.default_rng(2)
    ends = np.zeros((12, 14), dtype=bool)
    if corners_only:
        ends[np.ix_((0, -1), (0, -1))] = True
    else:
        ends[[0, -1]] = ends[:, [0, -1]] = True
    joined = Joined(corners_only=corners_only)
    mask = rng.random(ends.shape) < 0.5
    for _ in range(300):
        mask = mask ^ (rng.random(ends.shape) < rng.choice([0, 0.01, 0.3]))
        pieces, _ = ndimage.label(mask)
        np.testing.assert_array_equal(joined(mask), mask & np.isin(pieces, pieces[ends & mask]))


def test_single_voxels_of_air_that_wrapped_around_are_air(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int, hu: np.ndarray) -> None:
        put(dataset, hu + 1024, signed=False)  # air of less than -1024 HU becomes 65535
        dataset.RescaleIntercept = -1024

    found = read_ct(series(tmp_path / "ct", edit))
    assert found.array.max() < 1000
    assert any("lost their sign" in w.text for w in found.warnings)


# -------------------------------------------------------------------------------------------------- scales that differ


def _without(*keywords: str) -> Callable[[Dataset], None]:
    def remove(dataset: Dataset) -> None:
        for keyword in keywords:
            if keyword in dataset:
                delattr(dataset, keyword)

    return remove


SCALES: dict[str, tuple[Callable[[int], bool], Callable[[Dataset], object], str]] = {
    "missing in every third": (
        lambda z: z % 3 == 1,
        _without("RescaleIntercept", "RescaleSlope"),
        "in 7 of 20",
    ),
    "intercept missing in one": (lambda z: z == 9, _without("RescaleIntercept"), "missing in 1 of 20"),
    "intercept 0 in the upper third": (
        lambda z: z > 13,
        lambda d: setattr(d, "RescaleIntercept", 0),
        "1 and 0",
    ),
    "intercept -2048 in one": (
        lambda z: z == 4,
        lambda d: setattr(d, "RescaleIntercept", -2048),
        "1 and -2048",
    ),
    "slope -1 in one": (lambda z: z == 9, lambda d: setattr(d, "RescaleSlope", -1), "-1 and -1024"),
    "slope -1 in the first": (lambda z: z == 0, lambda d: setattr(d, "RescaleSlope", -1), "-1 and -1024"),
    "slope 2 in two": (lambda z: z in (5, 6), lambda d: setattr(d, "RescaleSlope", 2), "2 and -1024"),
    "slope 0.1 in one": (lambda z: z == 9, lambda d: setattr(d, "RescaleSlope", "0.1"), "0.1 and -1024"),
    # Muscle, and with it the middle of the values, stays where it was: only their spread shows that it is wrong.
    "slope 2 about muscle": (
        lambda z: z == 9,
        lambda d: (setattr(d, "RescaleSlope", 2), setattr(d, "RescaleIntercept", -2098)),
        "2 and -2098",
    ),
    "slope 0.5 about muscle": (
        lambda z: z == 9,
        lambda d: (setattr(d, "RescaleSlope", "0.5"), setattr(d, "RescaleIntercept", -487)),
        "0.5 and -487",
    ),
}


@pytest.mark.parametrize("name", SCALES)
def test_slices_of_another_scale_are_refused_with_names_and_both_scales(tmp_path: Path, name: str) -> None:
    which, change, says = SCALES[name]

    def edit(dataset: Dataset, z: int, hu: np.ndarray) -> None:
        twelve_bits(dataset, hu)
        if which(z):
            change(dataset)

    error = refusal(series(tmp_path / "ct", edit))
    assert says in error.fault
    assert "-1024" in error.fault
    assert ".dcm" in error.fault


def test_a_scale_missing_everywhere_is_judged_by_the_numbers(tmp_path: Path) -> None:
    remove = _without("RescaleIntercept", "RescaleSlope", "RescaleType")

    def raised(dataset: Dataset, _: int, hu: np.ndarray) -> None:
        twelve_bits(dataset, hu)
        remove(dataset)

    assert "all values are 1024 too high" in refusal(series(tmp_path / "raised", raised)).fault
    found = read_ct(series(tmp_path / "right", lambda dataset, *_: remove(dataset)))
    np.testing.assert_array_equal(found.array, body())
    assert any(w.grave and "missing" in w.text for w in found.warnings)


def test_scales_that_differ_rightly_are_read_as_written(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int, hu: np.ndarray) -> None:
        if z % 3 == 0:
            twelve_bits(dataset, hu, -1000)
        elif z % 3 == 1:
            twelve_bits(dataset, hu, -1024)
        else:
            put(dataset, (hu + 1100) * 2, signed=False)
            dataset.RescaleSlope, dataset.RescaleIntercept = "0.5", -1100

    found = read_ct(series(tmp_path / "ct", edit))
    tissue = body() > -900
    np.testing.assert_allclose(found.array[tissue], body()[tissue])
    assert found.warnings == ()


@pytest.mark.parametrize("off", [10, 20, -40, 90, -120])
def test_scales_that_are_slightly_off_are_told(tmp_path: Path, off: int) -> None:
    """Up to 15 HU may be noise or a scanner's own correction; from 100 HU on muscle would be fat."""

    def edit(dataset: Dataset, z: int, hu: np.ndarray) -> None:
        twelve_bits(dataset, hu)
        dataset.RescaleIntercept = -1024 if z % 2 else -1024 + off

    path = series(tmp_path / "ct", edit)
    if abs(off) > 100:
        assert f"{-1024 + off}" in refusal(path).fault
        return
    told = [w for w in read_ct(path).warnings if "neighbouring" in w.text]
    assert all(w.grave and f"{-1024 + off}" in w.text for w in told)
    assert len(told) == (abs(off) > 15)


@pytest.mark.parametrize(
    ("thickness", "apart", "slab"),
    [(8.0, 2.0, True), (8.0, 2.1, False), (7.5, 1.0, False), (20.0, 5.0, True), (5.0, 2.5, False)],
)
def test_a_slice_is_a_slab_from_8_mm_and_four_times_the_step(
    thickness: float, apart: float, slab: bool
) -> None:
    found = scale_findings((), "", thickness, apart)
    assert [w.grave for w in found if "each shows a slab" in w.text] == [True] * slab


def test_neighbouring_slices_1024_apart_are_refused_whatever_the_format(tmp_path: Path) -> None:
    hu = body().astype(np.int16)
    hu[8] += 1024
    error = refusal(nifti(tmp_path, hu))
    assert "slice 9 to slice 10 of 20" in error.fault
    assert "-1024 HU, and so at 1 more" in error.fault


@pytest.mark.parametrize("noise", [8, 90])
def test_a_field_of_view_that_begins_within_the_volume_is_no_other_scale(
    tmp_path: Path, noise: float
) -> None:
    hu = body(noise=noise).clip(-1500)
    hu[:3] = np.rint(np.random.default_rng(4).normal(-1000, noise, hu[:3].shape)).clip(-1500)
    hu[:, 20:30, 10:12] = 60
    found = read_ct(nifti(tmp_path, hu.astype(np.int16)))
    np.testing.assert_array_equal(found.array, hu)


# ------------------------------------------------------------------------------------------ units and kinds of pictures


def _material(dataset: Dataset) -> None:
    dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL", "MATERIAL"]


def _table(dataset: Dataset) -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.ModalityLUTType = "HU"
    item.add_new("LUTData", "US", list(range(4095, -1, -1)))
    dataset.ModalityLUTSequence = [item]


def _mapping(dataset: Dataset) -> None:
    code, mapping = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = (
        "mg/mL",
        "UCUM",
        "milligram per millilitre",
    )
    mapping.MeasurementUnitsCodeSequence = [code]
    dataset.RealWorldValueMappingSequence = [mapping]


def _set(**values: object) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


KINDS: dict[str, tuple[Callable[[Dataset], None], str]] = {
    **{
        f"unit {unit}": (_set(RescaleType=unit), unit)
        for unit in ("US", "MGML", "EDW", "ED", "Z_EFF", "PCT", "%", "OD", "MG/CC")
    },
    "material": (_material, r"DERIVED\PRIMARY\AXIAL\MATERIAL"),
    "effective atomic number": (
        _set(ImageType=["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]),
        "EFF_ATOMIC_NUM",
    ),
    "mapping": (_mapping, "MG/ML"),
    "table": (_table, "ModalityLUTSequence"),
    "maximum": (_set(ImageType=["DERIVED", "SECONDARY", "AXIAL", "MIP"]), "MIP"),
    "minimum": (_set(ImageType=["DERIVED", "SECONDARY", "MINIP"]), "MINIP"),
    "rendered": (_set(ImageType=["DERIVED", "SECONDARY", "VRT"]), "VRT"),
    "surface": (_set(ImageType=["DERIVED", "SECONDARY", "OTHER", "SSD"]), "SSD"),
    "blood flow": (_set(ImageType=["DERIVED", "SECONDARY", "CT_BLOOD_FLOW"]), "BLOOD_FLOW"),
    "spread over time": (_set(ImageType=["DERIVED", "PRIMARY", "VOLUME", "STD_DEVIATION"]), "STD_DEVIATION"),
    "secondary capture": (_set(SOPClassUID=SecondaryCaptureImageStorage), "Secondary Capture"),
    "screen": (_set(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]), "SCREEN SAVE"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_a_header_declares_to_be_no_hu_is_refused_and_named(tmp_path: Path, name: str) -> None:
    change, says = KINDS[name]
    path = series(tmp_path / "ct", lambda dataset, *_: change(dataset))
    (entry,) = list_series(path)
    assert not entry.loadable
    assert says in refusal(path).fault
    (entry,) = list_series(path, options=ReadOptions(assume_hu=True))
    assert entry.loadable


def test_one_slice_of_another_unit_is_refused_by_name(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int, _: np.ndarray) -> None:
        dataset.RescaleType = "MGML" if z == 4 else "HU"

    error = refusal(series(tmp_path / "ct", edit))
    assert "1 pictures" in error.fault
    assert "MGML" in error.fault
    assert ".dcm" in error.fault


@pytest.mark.parametrize("colours", ["PALETTE COLOR", "RGB"])
def test_colours_are_refused(tmp_path: Path, colours: str) -> None:
    path = series(tmp_path / "ct", lambda dataset, *_: setattr(dataset, "PhotometricInterpretation", colours))
    with pytest.raises(ReadingError, match=colours):
        read_ct(path, options=ReadOptions(assume_hu=True))


def test_an_enhanced_map_is_refused_by_the_unit_in_its_groups(tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "ct.dcm", volume(body()))
    dataset = dcmread(path)
    for group in (dataset.SharedFunctionalGroupsSequence[0], *dataset.PerFrameFunctionalGroupsSequence):
        if "PixelValueTransformationSequence" in group:
            group.PixelValueTransformationSequence[0].RescaleType = "MGML"
    dataset.save_as(path)
    assert "MGML" in refusal(path).fault


TOLD: dict[str, tuple[Callable[[Dataset], None], str]] = {
    "mean": (_set(ImageType=["DERIVED", "SECONDARY", "AXIAL", "AVERAGE"]), "AVERAGE"),
    "slab": (_set(SliceThickness=20), "20 mm thick"),
    "gaps": (_set(SliceThickness=0.5), "0.5 mm thick and 2.5 mm apart"),
    "removed": (_set(ImageType=["DERIVED", "PRIMARY", "AXIAL", "MAT_REMOVED"]), "MAT_REMOVED"),
    "calcium removed": (_set(ImageType=["DERIVED", "SECONDARY", "CA_SUPPRESSION"]), "CA_SUPPRESSION"),
    "described": (_set(SeriesDescription="abdomen MIP ax"), "MIP"),
    "described as a map": (_set(SeriesDescription="Iodine_map 1.0"), "a material"),
    "described as drawn": (_set(SeriesDescription="Spine VRT"), "drawn by a program"),
    "described without bone": (_set(SeriesDescription="CTA BoneRemoved"), "lack a material"),
    "letters": (_set(BurnedInAnnotation="YES"), "BurnedInAnnotation"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_makes_hu_less_than_sure_is_a_grave_warning(tmp_path: Path, name: str) -> None:
    change, says = TOLD[name]
    found = read_ct(series(tmp_path / "ct", lambda dataset, *_: change(dataset)))
    assert any(w.grave and says in w.text for w in found.warnings)


FINE: dict[str, Callable[[Dataset], None]] = {
    "plain": lambda _: None,
    "no type": _without("RescaleType"),
    "type in small letters": _set(RescaleType="hu "),
    "MONOCHROME1": _set(PhotometricInterpretation="MONOCHROME1"),
    "reformat": _set(ImageType=["DERIVED", "SECONDARY", "AXIAL", "MPR", "REFORMATTED"]),
    "monoenergetic": _set(ImageType=["DERIVED", "PRIMARY", "AXIAL", "VMI"]),
    "overlapping slices": _set(SliceThickness=5),
    "padding that nothing has": lambda dataset: dataset.add_new("PixelPaddingValue", "SS", -2000),
}


@pytest.mark.parametrize("name", FINE)
def test_a_plain_ct_is_read_without_a_word(tmp_path: Path, name: str) -> None:
    found = read_ct(series(tmp_path / "ct", lambda dataset, *_: FINE[name](dataset)))
    np.testing.assert_array_equal(found.array, body())
    assert found.warnings == ()


# ------------------------------------------------------------------------------------------------ numbers alone


NUMBERS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "1024 too high": (lambda hu: (hu + 1024).clip(0).astype(np.uint16), "all values are 1024 too high"),
    "1000 too high": (lambda hu: (hu + 1000).astype(np.int16), "1000 too high"),
    "1024 too low": (lambda hu: (hu - 1024).astype(np.int16), "1024 too low"),
    "seven times": (lambda hu: (hu * 7).astype(np.int16), "7 times too large"),
    "twice": (lambda hu: (hu * 2).astype(np.int16), "2 times too large"),
    "a quarter": (lambda hu: (hu / 4).astype(np.float32), "4 times too small"),
    "scaled to 0..1": (
        lambda hu: ((hu.clip(-1000, 1000) + 1000) / 2000).astype(np.float32),
        "scaled for a network",
    ),
    "scaled to -1..1": (lambda hu: (hu.clip(-1000, 1000) / 1000).astype(np.float32), "scaled for a network"),
    "standardised": (lambda hu: ((hu - hu.mean()) / hu.std()).astype(np.float32), "lie within"),
    "0..255": (lambda hu: ((hu.clip(-160, 240) + 160) / 400 * 255).astype(np.float32), "8-bit"),
    "soft-tissue window": (lambda hu: hu.clip(-160, 240).astype(np.int16), "-160"),
    "bone cut off": (lambda hu: hu.clip(-1024, 300).astype(np.int16), "300"),
    "grey levels of 12 bits": (
        lambda hu: ((hu.clip(-160, 240) + 160) * 10).astype(np.int16),
        "not Hounsfield",
    ),
    "light and dark exchanged": (lambda hu: (-hu).astype(np.int16), "exchanged"),
    "effective atomic number": (lambda hu: (7.4 + hu * 0.004).astype(np.float32), "lie within"),
    "no sign": (lambda hu: np.where(hu < 0, hu + 65536, hu).astype(np.uint16), "lost their sign"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_are_no_hu_are_refused_with_what_was_measured(tmp_path: Path, name: str) -> None:
    change, says = NUMBERS[name]
    assert says in refusal(nifti(tmp_path, change(body()))).fault


def test_metal_above_16_bits_is_cut_and_told(tmp_path: Path) -> None:
    hu = body().astype(np.float32)
    hu[5:7, 20:23, 20:23] = 40_000
    found = read_ct(nifti(tmp_path, hu.astype(np.int32)))
    assert found.array.max() == 32767
    assert any("18 voxels above 32767 HU" in w.text for w in found.warnings)


def test_metal_at_the_top_of_12_bits_is_told(tmp_path: Path) -> None:
    hu = body()
    hu[5:7, 20:23, 20:23] = 5000
    found = read_ct(series(tmp_path / "ct", lambda dataset, _, piece: twelve_bits(dataset, piece), hu))
    assert found.array.max() == 3071
    (told,) = found.warnings
    assert "18 voxels" in told.text
    assert "12 bits hold (3071 HU)" in told.text


def test_metal_at_the_top_of_12_bits_and_above_what_is_kept_is_told_once(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int, hu: np.ndarray) -> None:
        stored = (hu + 1024) // 10
        stored[20:23, 20:23] = 4095
        put(dataset, stored.clip(0, 4095), bits=12, signed=False)
        dataset.RescaleSlope, dataset.RescaleIntercept = 10, -1024

    (told,) = read_ct(series(tmp_path / "ct", edit)).warnings
    assert "180 voxels above 32767 HU" in told.text


def test_an_empty_slice_within_the_ct_is_told(tmp_path: Path) -> None:
    hu = body().astype(np.int16)
    hu[7] = -1024
    found = read_ct(nifti(tmp_path, hu))
    assert any(w.grave and "hold no picture" in w.text for w in found.warnings)


def _contrast(hu: np.ndarray) -> np.ndarray:
    hu = hu.copy()
    hu[:, 12:18, 20:30] += 250
    return hu


BODIES: dict[str, Callable[[], np.ndarray]] = {
    "low dose": lambda: body(noise=90),
    "very noisy": lambda: body(noise=140).clip(-1400),
    "without noise": lambda: body(noise=0),
    "contrast medium": lambda: _contrast(body()),
    "air at -1024": lambda: body(air=-1024).clip(-1024),
    "fat alone around": lambda: np.where(body() < -500, body(air=-100), body()),
    "no fat and no air": lambda: np.where(body() < -50, 50, body()) + body(20) - body(0),
    "in steps of 10 HU": lambda: body() // 10 * 10,
    "steep kernel": lambda: (body() * 1.0 + np.random.default_rng(1).normal(0, 60, SHAPE)).astype(np.int32),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_body_passes(tmp_path: Path, name: str) -> None:
    hu = BODIES[name]()
    found = read_ct(nifti(tmp_path, hu.astype(np.int16)))
    np.testing.assert_array_equal(found.array, hu)


def test_the_peaks_of_a_body_are_measured_where_they_are() -> None:
    peaks = measure_peaks(body())
    assert peaks is not None
    assert peaks.air == pytest.approx(-1000, abs=15)
    assert peaks.body == pytest.approx(50, abs=15)
    assert any(place == pytest.approx(-100, abs=15) for place in peaks.all)
    assert judge(body()) is None


VERDICTS: dict[str, tuple[dict[str, float], bool | None]] = {
    # None: nothing to say; False: told; True: refused
    "air a little low": ({"air": -1060}, None),
    "air of a lung alone": ({"air": -890}, None),
    "air low": ({"air": -1110}, False),
    "air high": ({"air": -800}, False),
    "air much too low": ({"air": -1175}, True),
    "air much too high": ({"air": -730}, True),
    "fat alone, at 40 keV": ({"fat": -200, "muscle": -200}, None),
    "nothing that a body consists of": ({"fat": -245, "muscle": -245}, True),
    "young marrow alone": ({"fat": 185, "muscle": 185}, None),
    "bright for a body": ({"fat": 260, "muscle": 260}, False),
    "too bright for a body": ({"fat": 345, "muscle": 345}, True),
    "fat dark": ({"fat": -175}, False),
    "fat bright": ({"fat": -40, "muscle": 80}, False),
    "fat and muscle too near to each other": ({"fat": -40, "muscle": 40}, True),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_how_far_tissues_may_lie_from_where_they_belong(name: str) -> None:
    values, verdict = VERDICTS[name]
    doubt = judge(body(**values))
    assert (doubt.refuse if doubt else None) == verdict, doubt


def test_a_volume_too_small_to_be_judged_is_told_where_it_has_neither_air_nor_fat() -> None:
    for lowest, told in ((-150, [True]), (-400, [])):
        hu = np.random.default_rng(3).normal(60, 30, (10, 12, 14)).round().clip(-100, 500).astype(np.int16)
        hu[2, 3, 4] = lowest
        _, findings = to_hounsfield(hu, Geometry(hu.shape, (4.0, 4.0, 4.0)), "x")
        assert [f.grave for f in findings if "under -200" in f.text] == told


def test_the_volume_that_was_given_is_not_changed() -> None:
    hu = body()
    hu[:, outside()] = 0
    before = hu.copy()
    to_hounsfield(hu, volume(hu).geometry, "x")
    np.testing.assert_array_equal(hu, before)
