"""Weights files: written and read back whole, and refused with a remedy when they do not fit."""

import errno
import hashlib
import json
import os

import numpy as np
import pytest
from safetensors.numpy import save

from spinect_core.base.errors import InstallationError, OutputError, SegmentationError
from spinect_core.segmentation.network import build_network, weight_shapes
from spinect_core.segmentation.weights import (
    FILE_NAME,
    LARGEST_FILE,
    RECORD_NAME,
    load_weights,
    read_tensors,
    save_weights,
    tensors_of,
    weights_hash,
    weights_path,
    write_tensors,
)

OURS = {"architecture": "spinect-unet3d", "version": "1"}


@pytest.fixture(scope="module")
def network():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(5)
    return build_network((16, 16, 16))


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    return {"one/kernel": rng.normal(size=(3, 4)), "one/bias": rng.normal(size=4)}


def test_round_trip_keeps_the_answer(network, tmp_path):
    path = tmp_path / "sub folder ü" / "weights.safetensors"
    patch = np.random.default_rng(2).normal(size=(1, 16, 16, 16, 1)).astype(np.float32)
    before = np.asarray(network(patch, training=False))
    stored = tensors_of(network)
    save_weights(network, path, facts={"step": "12"})
    for weight in network.weights:
        weight.assign(np.zeros(weight.shape))

    facts = load_weights(network, path)

    assert facts["step"] == "12"
    for name, array in tensors_of(network).items():
        np.testing.assert_allclose(array, stored[name], rtol=1e-3, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(np.asarray(network(patch, training=False)), before, atol=2e-3)
    assert 44e6 < path.stat().st_size < 46e6
    assert [item.name for item in path.parent.iterdir()] == [path.name], "no temporary file stays"


def test_another_network_is_refused_and_nothing_is_changed(network, small, tmp_path):
    before = tensors_of(network)
    path = tmp_path / "other.safetensors"
    write_tensors(small, path)
    with pytest.raises(SegmentationError, match=r"missing.*Choose a weights file") as caught:
        load_weights(network, path)
    assert str(path) in str(caught.value)

    write_tensors({**before, "more/kernel": np.ones((2, 2))}, path)
    with pytest.raises(SegmentationError, match="unknown, the first is more/kernel"):
        load_weights(network, path)

    name = "up0_b/kernel"
    write_tensors({**before, name: before[name][..., :-1]}, path)
    with pytest.raises(SegmentationError, match=r"up0_b/kernel has .* numbers where .* are needed"):
        load_weights(network, path)
    for key, array in tensors_of(network).items():
        np.testing.assert_array_equal(array, before[key])


def test_numbers_that_are_not_finite_are_neither_written_nor_read(small, tmp_path):
    path = tmp_path / "w.safetensors"
    for bad in (np.nan, np.inf, 1e6):
        with pytest.raises(SegmentationError, match="not finite"):
            write_tensors({**small, "one/kernel": np.full((3, 4), bad)}, path)
    assert not path.exists()
    write_tensors(small, path)
    path.write_bytes(
        save({"a/bias": np.array([np.nan], "<f4")}, OURS)
    )  # by a program that records no checksum
    with pytest.raises(SegmentationError, match="not finite"):
        read_tensors(path)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_wrong_bit_is_seen(small, tmp_path, place):
    path = tmp_path / "w.safetensors"
    write_tensors(small, path)
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    at = {"first": start, "middle": (start + len(content)) // 2, "last": len(content) - 1}[place]
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(SegmentationError, match=r"are damaged: the SHA-256 .* Copy the file again") as caught:
        read_tensors(path)
    assert caught.value.source == str(path)


def test_arrays_that_have_changed_places_are_seen(tmp_path):
    path = tmp_path / "w.safetensors"
    one, two = np.ones((2, 2), "<f2"), np.zeros((2, 2), "<f2")
    write_tensors({"a/kernel": one, "b/kernel": two}, path)
    _, facts = read_tensors(path)
    path.write_bytes(save({"a/kernel": two, "b/kernel": one}, facts))
    with pytest.raises(SegmentationError, match="are damaged"):
        read_tensors(path)


def test_a_file_without_a_checksum_is_read(small, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(save({name: array.astype("<f4") for name, array in small.items()}, OURS))
    assert set(read_tensors(path)[0]) == set(small)


def test_the_program_s_own_weights_are_those_that_were_recorded():
    assert len(weights_hash(weights_path())) == 64
    tensors, _ = read_tensors(weights_path())
    assert {name: array.shape for name, array in tensors.items()} == weight_shapes()


@pytest.fixture
def own(small, tmp_path, monkeypatch):
    """Weights and their record as they come with the program."""
    monkeypatch.setattr("spinect_core.base.assets.FOLDERS", (tmp_path / "assets",))
    path = tmp_path / "assets" / FILE_NAME
    write_tensors(small, path)
    path.with_name(RECORD_NAME).write_text(f"{weights_hash_of(path)}  {FILE_NAME}\n", encoding="ascii")
    return path


def weights_hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_own_weights_that_were_exchanged_are_refused_wherever_they_are_read(own, small):
    assert weights_hash(own) == weights_hash_of(own)
    read_tensors(own)
    write_tensors(
        {**small, "one/bias": np.ones(4)}, own
    )  # whole in itself, and not what came with the program
    for use in (weights_hash, read_tensors):
        with pytest.raises(
            SegmentationError, match=r"own weights are damaged.*Install SPINECT Planner again"
        ) as caught:
            use(own)
        assert caught.value.source == str(own)


@pytest.mark.parametrize("record", [None, "", "12ab  spinect.weights.safetensors", "\xff"])
def test_a_record_that_is_none_is_a_damaged_installation(own, record):
    path = own.with_name(RECORD_NAME)
    path.unlink()
    if record is not None:
        path.write_bytes(record.encode("latin-1"))
    with pytest.raises(InstallationError, match="Install SPINECT Planner again"):
        read_tensors(own)


@pytest.mark.parametrize(
    "shape", [[2**62, 0], [0], [2**40, 2**40, 0], [2**63, 2], [1e400, 1], [-1, -2], [True, 2], [None], ["2"]]
)
def test_shapes_that_no_memory_holds_are_refused_in_words(shape, tmp_path):
    header = {"__metadata__": OURS, "a/kernel": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}
    text = json.dumps(header).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(SegmentationError, match="damaged"):
        read_tensors(path)


@pytest.mark.parametrize("use", [weights_hash, read_tensors])
def test_what_is_no_file_is_refused_at_once(use, tmp_path):
    with pytest.raises(SegmentationError, match="not a file"):
        use(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SegmentationError, match="not a file"):
            use(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    with pytest.raises(SegmentationError, match=r"it has 268 MB"):
        use(tmp_path / "huge")


def test_the_shapes_are_those_of_the_network(network):
    assert weight_shapes() == {name: array.shape for name, array in tensors_of(network).items()}


def test_a_variance_below_zero_is_refused(network, tmp_path):
    name = "down0_a_norm/moving_variance"
    path = tmp_path / "w.safetensors"
    write_tensors({**tensors_of(network), name: np.full(32, -1.0)}, path)
    with pytest.raises(SegmentationError, match=f"{name} holds -1"):
        load_weights(network, path)


def test_the_same_weights_and_facts_give_the_same_bytes(small, tmp_path):
    facts = {name: f'{name} ü "{name}"' for name in "hgfedcba"}
    hashes = set()
    for number in range(6):
        path = tmp_path / f"{number}.safetensors"
        write_tensors(dict(reversed(small.items())) if number % 2 else small, path, facts=facts)
        hashes.add(weights_hash(path))
        assert read_tensors(path)[1].items() >= facts.items()
    assert len(hashes) == 1


@pytest.mark.parametrize("array", [np.zeros((0, 3), "<f4"), np.zeros((2, 2), "<f8"), np.zeros(3, "<i2")])
def test_arrays_that_no_network_has_are_refused(array, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(save({"a/kernel": array}, {"architecture": "spinect-unet3d", "version": "1"}))
    with pytest.raises(SegmentationError, match="damaged"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("kind", "shape"), [("BF16", [4]), ("F8_E4M3", [8]), ("F4", [16]), ("I8", [8]), ("F32", [1] * 70 + [2])]
)
def test_numbers_and_shapes_of_other_programs_are_refused_in_words(kind, shape, tmp_path):
    header = {
        "__metadata__": {"architecture": "spinect-unet3d", "version": "1"},
        "a/kernel": {"dtype": kind, "shape": shape, "data_offsets": [0, 8]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(SegmentationError, match="damaged"):
        read_tensors(path)


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(small, tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    write_tensors(small, path)
    before = path.read_bytes()

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"weights cannot be written \(No space"):
        write_tensors({**small, "one/bias": np.ones(4)}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_vectors_keep_single_precision(small, tmp_path):
    path = tmp_path / "w.safetensors"
    write_tensors(small, path)
    tensors, _ = read_tensors(path)
    np.testing.assert_array_equal(tensors["one/bias"], small["one/bias"].astype(np.float32))
    np.testing.assert_array_equal(tensors["one/kernel"], small["one/kernel"].astype(np.float16))


def test_damaged_files_are_refused_in_words(small, tmp_path):
    path = tmp_path / "w.safetensors"
    write_tensors(small, path)
    good = path.read_bytes()
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    header["one/kernel"]["data_offsets"] = [0, 1]

    def with_header(value):
        text = json.dumps(value).encode()
        return len(text).to_bytes(8, "little") + text + good[8 + length :]

    for content in (
        b"", b"\x80\x04.", good[:-3], good[:20], b"\xff" * 64, b"PK\x03\x04" + bytes(200),
        with_header(header), with_header([]), with_header({"__metadata__": 3}), with_header({"a": 1}),
    ):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(SegmentationError, match="damaged"):
            read_tensors(path)


def test_a_missing_file_and_another_architecture_are_named(small, tmp_path):
    with pytest.raises(SegmentationError, match="cannot be read"):
        read_tensors(tmp_path / "none.safetensors")
    with pytest.raises(SegmentationError, match="cannot be read"):
        weights_hash(tmp_path / "none.safetensors")
    path = tmp_path / "w.safetensors"
    write_tensors(small, path)
    path.write_bytes(path.read_bytes().replace(b'"version":"1"', b'"version":"9"'))
    with pytest.raises(SegmentationError, match="version 9"):
        read_tensors(path)


def test_hash_is_of_the_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert weights_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_weights_come_from_the_assets_of_checkout_or_package(monkeypatch, tmp_path):
    monkeypatch.setattr("spinect_core.base.assets.FOLDERS", (tmp_path / "package", tmp_path / "checkout"))
    with pytest.raises(SegmentationError, match="Install SPINECT Planner again"):
        weights_path()
    for folder in ("checkout", "package"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "spinect.weights.safetensors").touch()
        assert weights_path().parent.name == folder
