"""Compressed pictures: the values that were stored, whatever the compression, bits and sign, or a refusal."""

from __future__ import annotations

import base64
import copy
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import compress_series, example_volume, make_enhanced, make_series
from PIL import Image
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import pixel_array

from spinect_core.base.errors import ReadingError
from spinect_core.io.reading import read_ct
from spinect_core.io.reading.dicom_codecs import DECODED, decoded_frames

# Other programs wrote these two: no encoder for them is at hand.
HIGH_THROUGHPUT = base64.b85decode(
    "|4;u>04YEK000090000C0000000000000090000C000000000000EBy0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&"
    "kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000#{dEUlfVEaxdDfC006)M6F>kHKmZc}n*9QYbO3Js0*7<}"
    "8vFu>bO68r6TkoyzyK0}e}U)%i*x|Lk?;VbGyr!32Xp|y02Ocm1)~4}Re%gEa9EJR1k7Mn02~(Va?KaK(}4nl+#rFxSO7S1fo_7S"
    "{Wzdh0Kfn(7yt#c006WAy3l2eb|7u1i(TLxB0Qtl0J_j+j8faBpsvvCLM6}W1rd?~9#DLv+W_pcV^_QFw5#3X!#MH@cL4v{"
)

EXTENDED = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV009930RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI4"
    "0RaI40RaI40sp}O3k(1Z00{vB5di<h02KfM0RR9100000000000000C4gbUdDG&ev0R|5M0000000000000052@5DzWC|J^Cpbh#"
    "S7vB*q^8#7|Jncu0RaF2KLDGKnV}MGD;1fvvO3o=HF+f5vvD67yAYY84Y{V4vS1rZ*%|i^0jtHgG}XXv$lY*%|Je"
)


def picture(bits: int, signed: bool, frames: int = 1) -> Dataset:
    """Cones with noise over all values that the bits can hold, not compressed, with a fractional scale."""
    rng = np.random.default_rng(bits)
    z, y, x = np.indices((frames, 40, 37))
    values = np.hypot(y - 18, x - 21) + rng.normal(0, 0.4, y.shape) + z
    values = (values - values.min()) / np.ptp(values) * (2**bits - 1)
    stored = np.rint(values).astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = 8 if bits <= 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, int(signed)
    dataset.RescaleSlope, dataset.RescaleIntercept = "0.75", "-1024.5"
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.PixelData = stored.astype(f"<{'i' if signed else 'u'}{dataset.BitsAllocated // 8}").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def packed(dataset: Dataset, syntax: str, *frames: bytes) -> Dataset:
    """The same picture with compressed frames for its pixels."""
    dataset = copy.deepcopy(dataset)
    dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)
    dataset.PixelData = encapsulate(list(frames))
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def lossless_jpeg(stored: np.ndarray, bits: int, predictor: int = 1) -> bytes:
    """JPEG process 14: differences to a prediction, each as a code word of five bits and its low bits."""
    values = stored.astype(int) & 0xFFFF
    left, above, corner = (np.roll(values, by, (0, 1)) for by in ((0, 1), (1, 0), (1, 1)))
    rules = {
        1: left, 2: above, 3: corner, 4: left + above - corner, 5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1), 7: (left + above) >> 1,
    }  # fmt: skip
    predicted = rules[predictor]
    predicted[0], predicted[:, 0] = left[0], above[:, 0]
    predicted[0, 0] = 1 << (bits - 1)
    words = []
    for value in ((values - predicted + 0x8000) % 0x10000 - 0x8000).ravel():
        size = int(abs(value)).bit_length()
        words.append(f"{size:05b}")
        if 0 < size < 16:
            words.append(f"{value if value > 0 else value + (1 << size) - 1:0{size}b}")
    text = "".join(words)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    rows, columns = stored.shape
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    return b"".join(
        [
            b"\xff\xd8\xff\xc3\0\x0b" + bytes([bits]) + rows.to_bytes(2, "big") + columns.to_bytes(2, "big"),
            b"\1\1\x11\0\xff\xc4" + (2 + len(table)).to_bytes(2, "big") + table,
            b"\xff\xda\0\x08\1\1\0" + bytes([predictor, 0, 0]) + data + b"\xff\xd9",
        ]
    )


def decoded(dataset: Dataset) -> np.ndarray:
    return np.array(list(decoded_frames(dataset, range(int(dataset.get("NumberOfFrames") or 1)), "a file")))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
@pytest.mark.parametrize("syntax", [uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda u: u.name[:10])
def test_lossless_frames_are_what_was_stored(syntax: uid.UID, bits: int, signed: bool) -> None:
    dataset = picture(bits, signed, frames=3)
    truth = dataset.pixel_array
    dataset.compress(syntax, generate_instance_uid=False)
    found = decoded(dataset)
    np.testing.assert_array_equal(found, truth)
    assert found.dtype == truth.dtype
    # Any of them alone, in any order.
    np.testing.assert_array_equal(np.array(list(decoded_frames(dataset, [2, 0], "a file"))), truth[[2, 0]])


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_jpeg_with_every_prediction(bits: int, predictor: int) -> None:
    dataset = picture(bits, signed=False)
    truth = dataset.pixel_array
    frame = lossless_jpeg(truth, bits, predictor)
    for syntax in (uid.JPEGLossless, *([uid.JPEGLosslessSV1] if predictor == 1 else [])):
        np.testing.assert_array_equal(decoded(packed(dataset, syntax, frame))[0], truth)


@pytest.mark.parametrize("bits", [12, 16])
def test_lossless_jpeg_of_signed_values(bits: int) -> None:
    dataset = picture(bits, signed=True)
    truth = dataset.pixel_array
    unsigned = truth.astype(int) & (2**bits - 1)
    found = decoded(packed(dataset, uid.JPEGLossless, lossless_jpeg(unsigned, bits)))[0]
    np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize(
    ("syntax", "options"), [(uid.JPEGLSNearLossless, {"jls_error": 3}), (uid.JPEG2000, {"j2k_cr": [5]})]
)
def test_lossy_frames_are_those_of_another_decoder(
    syntax: uid.UID, options: dict[str, object], bits: int, signed: bool
) -> None:
    dataset = picture(bits, signed, frames=2)
    dataset.compress(syntax, generate_instance_uid=False, **options)
    np.testing.assert_array_equal(decoded(dataset), pixel_array(dataset))


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit], ids=lambda u: u.name[5:13])
def test_baseline_jpeg_of_8_bits_differs_from_another_decoder_by_rounding_alone(syntax: uid.UID) -> None:
    dataset = picture(8, signed=False)
    stream = io.BytesIO()
    Image.fromarray(dataset.pixel_array).save(stream, "JPEG", quality=90)
    dataset = packed(dataset, syntax, stream.getvalue())
    other = np.asarray(Image.open(stream)).astype(int)
    assert np.abs(decoded(dataset)[0].astype(int) - other).max() <= 1


def test_extended_jpeg_of_12_bits_and_nothing_on_the_error_stream(capfd: pytest.CaptureFixture[str]) -> None:
    dataset = picture(12, signed=False)
    dataset.Rows, dataset.Columns = 12, 9
    y, x = np.indices((12, 9))
    found = decoded(packed(dataset, uid.JPEGExtended12Bit, EXTENDED))[0]
    assert np.abs(found.astype(int) - (1500 + 80 * y - 90 * x)).max() <= 2
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_high_throughput_jpeg_2000(syntax: uid.UID) -> None:
    dataset = picture(16, signed=True)
    dataset.Rows, dataset.Columns = 12, 9
    y, x = np.indices((12, 9))
    np.testing.assert_array_equal(
        decoded(packed(dataset, syntax, HIGH_THROUGHPUT))[0], y * 37 * x % 1500 - 700
    )


@pytest.mark.parametrize(
    "name",
    [
        *("693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "JPEGLSNearLossless_08.dcm"),
        *("JPEGLSNearLossless_16.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    ],
)
def test_files_of_other_programs_decode_as_elsewhere(name: str) -> None:
    dataset = pydicom.dcmread(get_testdata_file(name, download=False))
    np.testing.assert_array_equal(decoded(dataset)[0], pixel_array(dataset))


def test_the_other_decoders_of_these_tests_are_others() -> None:
    """A comparison with the decoder itself would hold whatever it did."""
    for syntax in (uid.JPEG2000, uid.JPEGLSNearLossless):
        plugins = pydicom.pixels.get_decoder(syntax).available_plugins
        assert plugins
        assert set(plugins) <= {"pylibjpeg", "pyjpegls", "pillow"}


@pytest.mark.parametrize("syntax", [uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda u: u.name[:10])
@pytest.mark.parametrize("kind", ["series", "multi-frame"])
def test_a_fractional_scale_is_applied_once(tmp_path: Path, syntax: uid.UID, kind: str) -> None:
    volume = example_volume(shape=(4, 40, 36))
    if kind == "series":
        files = sorted(make_series(tmp_path / "ct", volume).iterdir())
    else:
        files = [make_enhanced(tmp_path / "ct" / "all.dcm", volume)]
    stored = []
    for path in files:
        dataset = pydicom.dcmread(path)
        scale = dataset
        if kind == "multi-frame":
            scale = dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
        scale.RescaleSlope, scale.RescaleIntercept = "0.75", "-300.5"
        stored.append(np.atleast_3d(dataset.pixel_array.T).T.astype(float))
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
    found = read_ct(tmp_path / "ct").array
    assert found.dtype == np.float32
    truth = np.concatenate(stored) * 0.75 - 300.5
    np.testing.assert_array_equal(found, np.where(truth < -1500, -1024, truth).astype(np.float32))


@pytest.mark.parametrize("syntax", [*DECODED[3:5], uid.JPEG2000Lossless], ids=lambda u: u.name[:13])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_picture_cut_off_is_refused_and_named(tmp_path: Path, syntax: uid.UID, part: float) -> None:
    path = (
        compress_series(make_series(tmp_path / "ct", example_volume(shape=(4, 40, 36))), syntax)
        / "slice_0002.dcm"
    )
    dataset = pydicom.dcmread(path)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([frame[: int(part * len(frame))]])
    dataset.save_as(path)
    with pytest.raises(ReadingError, match=r"slice_0002\.dcm cannot be decoded \(JPEG") as caught:
        read_ct(tmp_path / "ct")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("syntax", "place", "value", "says"),
    [
        (uid.JPEGLossless, 6, 189, "189 bits a pixel"),
        (uid.JPEGLossless, 8, 41, "41 x 37 pixels, the header says 40 x 37"),
        (uid.JPEGLossless, 11, 3, "3 samples a pixel"),
        (uid.JPEGLossless, 1, 0, "no frame header"),
        (uid.JPEGLossless, 3, 0xC4, "no frame header"),
        (uid.JPEG2000Lossless, 11, 38, "40 x 38 pixels"),
        (uid.JPEG2000Lossless, 42, 29, "30 bits a pixel"),
        (uid.JPEG2000Lossless, 3, 0, "no size marker"),
    ],
)
def test_a_picture_that_contradicts_its_header_is_not_decoded(
    syntax: uid.UID, place: int, value: int, says: str
) -> None:
    dataset = picture(12, signed=False)
    if syntax == uid.JPEGLossless:
        frame = bytearray(lossless_jpeg(dataset.pixel_array, 12))
    else:
        dataset.compress(syntax, generate_instance_uid=False)
        frame = bytearray(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    assert decoded(packed(dataset, syntax, bytes(frame))).shape == (1, 40, 37)
    frame[place] = value
    with pytest.raises(ValueError, match=says):
        decoded(packed(dataset, syntax, bytes(frame)))


def test_frames_in_pieces_are_put_together() -> None:
    dataset = picture(16, signed=True)
    truth = dataset.pixel_array
    dataset.compress(uid.JPEGLSLossless, generate_instance_uid=False)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([frame], fragments_per_frame=4, has_bot=False)
    np.testing.assert_array_equal(decoded(dataset)[0], truth)


@pytest.mark.parametrize(
    "syntax", [uid.JPEGLossless, uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda u: u.name[:10]
)
def test_a_damaged_frame_header_is_refused_or_changes_nothing_of_the_size(syntax: uid.UID) -> None:
    """One wrong byte must end in an error of Python's or in a picture, never in the end of the process."""
    dataset = picture(12, signed=False)
    if syntax == uid.JPEGLossless:
        frame = lossless_jpeg(dataset.pixel_array, 12)
    else:
        dataset.compress(syntax, generate_instance_uid=False)
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    rng = np.random.default_rng(4)
    refused = 0
    for _ in range(80):
        damaged = bytearray(frame)
        damaged[int(rng.integers(2, 60))] ^= int(rng.integers(1, 256))
        try:
            assert decoded(packed(dataset, syntax, bytes(damaged))).shape == (1, 40, 37)
        except (ValueError, RuntimeError):
            refused += 1
    assert refused > 20
