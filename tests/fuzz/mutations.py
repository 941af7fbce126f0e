"""Changes to a good file that keep most of its structure, drawn from a generator of random numbers.

A reader that knows its format well is hardly tried by noise: it refuses at the first byte. So most changes here know
the format a little: the fields of a text header, the elements of a DICOM file, the members of a zip, the values of a
JSON.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

Mutation = Callable[[bytes, np.random.Generator], bytes]

NUMBERS = (
    *("0", "-1", "1", "2", "3", "255", "256", "32767", "32768", "65535", "65536", "2147483647", "2147483648"),
    *("4294967296", "-2147483649", "9223372036854775808", "1e9", "1e38", "1e39", "1e308", "1e309", "-1e300"),
    *(
        "1e-9",
        "1e-40",
        "1e-320",
        "nan",
        "inf",
        "-inf",
        "0.001",
        "1000",
        "1,5",
        "0x10",
        "1_0",
        "",
        "--1",
        "1.5.2",
    ),
)
WORDS = (
    *(
        "",
        " ",
        "a" * 1000,
        "%s%n%d",
        "../../../etc/passwd",
        "\x00",
        "ä" * 300,
        "LIST",
        "none",
        "True",
        "-1" * 200,
    ),
    *("\\", "<img src=x>", "{}", "[]", "\r", "/dev/zero", "short", "gzip", "raw", "\N{SUPERSCRIPT TWO}"),
)
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def pick(choices: Any, rng: np.random.Generator) -> Any:
    """One of some things."""
    return choices[int(rng.integers(len(choices)))]


# -------------------------------------------------------------------------------------------------------- any bytes


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bits, more often of the beginning."""
    changed = bytearray(content)
    reach = len(changed) if rng.random() < 0.5 else min(len(changed), 512)
    for _ in range(int(rng.integers(1, 8))):
        if reach:
            changed[int(rng.integers(reach))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def extreme_number(content: bytes, rng: np.random.Generator) -> bytes:
    """A number of 1 to 8 bytes somewhere, more often at the beginning."""
    kind = pick("bBhHiIqQfd", rng)
    order = pick("<>", rng)
    if kind in "fd":
        number = struct.pack(order + kind, pick((0.0, -1.0, 1e-30, 1e30, np.nan, np.inf, -np.inf, 1e9), rng))
    else:
        size = struct.calcsize(kind)
        number = pick(
            (bytes(size), b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), b"\x80" + bytes(size - 1)), rng
        )
        number = number if order == ">" else number[::-1]
    reach = max(len(content) if rng.random() < 0.4 else min(len(content), 512), len(number) + 1)
    at = int(rng.integers(reach - len(number)))
    return content[:at] + number + content[at + len(number) :]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """The beginning alone."""
    return content[: int(rng.integers(len(content) + 1))]


def leave_out(content: bytes, rng: np.random.Generator) -> bytes:
    """All but a stretch."""
    first, last = sorted(int(n) for n in rng.integers(len(content) + 1, size=2))
    last = min(last, first + int(rng.integers(1, 200)))
    return content[:first] + content[last:]


def repeat(content: bytes, rng: np.random.Generator) -> bytes:
    """A stretch twice, or copied to another place."""
    first, last = sorted(int(n) for n in rng.integers(len(content) + 1, size=2))
    at = int(rng.integers(len(content) + 1))
    return content[:at] + content[first : min(last, first + 2000)] + content[at:]


def insert_noise(content: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes somewhere."""
    at = int(rng.integers(len(content) + 1))
    return content[:at] + rng.bytes(int(rng.integers(1, 40))) + content[at:]


BYTES: tuple[Mutation, ...] = (flip_bits, extreme_number, cut, leave_out, repeat, insert_noise)


def bytes_of_any_kind(content: bytes, rng: np.random.Generator) -> bytes:
    """One of the changes that know nothing of a format."""
    changed: bytes = pick(BYTES, rng)(content, rng)
    return changed


# ------------------------------------------------------------------------------------------------------------- text


def change_text(content: bytes, rng: np.random.Generator) -> bytes:
    """A line of a text header: its numbers, its words, its place, or another one beside it."""
    end = content.find(b"\n\n")
    if end < 0:
        found = re.search(rb"ElementDataFile.*\n", content)
        end = found.end() if found else len(content)
    head, rest = content[:end], content[end:]
    lines = head.split(b"\n")
    at = int(rng.integers(len(lines)))
    kind = int(rng.integers(7))
    if kind <= 2:
        numbers = list(_NUMBER.finditer(head))
        if numbers:
            found = pick(numbers, rng)
            return head[: found.start()] + pick(NUMBERS, rng).encode() + head[found.end() :] + rest
    if kind == 3:
        name, separator, _ = re.split(rb"([:=]+ ?|$)", lines[at], maxsplit=1)
        lines[at] = name + separator + pick(WORDS, rng).encode("utf-8", "replace")
    elif kind == 4:
        lines[at], other = lines[int(rng.integers(len(lines)))], lines[at]
        if rng.random() < 0.5:
            lines.append(other)
    elif kind == 5:
        del lines[at]
    else:
        word = pick(WORDS, rng).encode("utf-8", "replace")
        lines.insert(
            at,
            pick(
                (
                    word,
                    word + b": " + word,
                    b"data file: " + word,
                    word + b" = " + word,
                    b"Comment = " + word * 9,
                ),
                rng,
            ),
        )
    return b"\n".join(lines) + rest


def text(content: bytes, rng: np.random.Generator) -> bytes:
    """A text header with voxels behind it."""
    for _ in range(int(rng.integers(1, 4))):
        content = change_text(content, rng) if rng.random() < 0.85 else bytes_of_any_kind(content, rng)
    return content


# ------------------------------------------------------------------------------------------------- NIfTI and packed


NIFTI_FIELDS = (
    *(
        (0, "i"),
        (40, "h"),
        (42, "h"),
        (44, "h"),
        (46, "h"),
        (48, "h"),
        (70, "h"),
        (72, "h"),
        (76, "f"),
        (80, "f"),
    ),
    *(
        (84, "f"),
        (88, "f"),
        (108, "f"),
        (112, "f"),
        (116, "f"),
        (123, "B"),
        (252, "h"),
        (254, "h"),
        (256, "f"),
    ),
    *(
        (260, "f"),
        (264, "f"),
        (268, "f"),
        (280, "f"),
        (284, "f"),
        (292, "f"),
        (296, "f"),
        (300, "f"),
        (320, "f"),
    ),
)


def nifti(content: bytes, rng: np.random.Generator) -> bytes:
    """A field of the header, or any bytes; the same beneath the packing."""
    if content[:2] == b"\x1f\x8b":
        if rng.random() < 0.2:
            return bytes_of_any_kind(content, rng)
        return gzip.compress(nifti(gzip.decompress(content), rng), 1, mtime=0)
    if rng.random() < 0.3:
        return bytes_of_any_kind(content, rng)
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at, kind = pick(NIFTI_FIELDS, rng)
        if kind == "f":
            struct.pack_into(
                "<f",
                changed,
                at,
                np.float32(pick((0, -1, 1e-9, 0.001, 1000, 1e9, 3e38, np.nan, np.inf, 2.5), rng)),
            )
        else:
            low, high = {"h": (-(2**15), 2**15 - 1), "B": (0, 255), "i": (-(2**31), 2**31 - 1)}[kind]
            struct.pack_into(
                "<" + kind,
                changed,
                at,
                pick((0, 1, 2, 3, 4, 7, 16, 64, low, high), rng) % (high + 1)
                if low == 0
                else pick((0, 1, 2, 3, 5, 16, 64, 512, low, high), rng),
            )
    return bytes(changed)


# ------------------------------------------------------------------------------------------------------------ DICOM


def _elements(dataset: Dataset) -> list[tuple[Dataset, Any]]:
    """All elements with the data set that holds each, in sequences too."""
    found: list[tuple[Dataset, Any]] = []
    for tag in list(dataset.keys()):
        found.append((dataset, tag))
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                found += _elements(item)
    return found


def dicom(content: bytes, rng: np.random.Generator) -> bytes:
    """The raw value of some elements, their type, or any bytes."""
    if rng.random() < 0.3:
        return bytes_of_any_kind(content, rng)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            elements = _elements(dataset)
            for _ in range(int(rng.integers(1, 3))):
                holder, tag = pick(elements, rng)
                kind = int(rng.integers(4))
                if tag not in holder:
                    continue
                if kind == 0:
                    del holder[tag]
                    continue
                word = "\\".join(
                    pick(NUMBERS if kind < 3 else WORDS, rng) for _ in range(int(rng.integers(1, 4)))
                )
                value = word.encode("utf-8", "replace")[:400]
                value += b" " * (len(value) % 2)
                vr = (
                    holder[tag].VR
                    if holder[tag].VR in ("DS", "IS", "US", "CS", "UI", "LO", "FD", "SS")
                    else "UN"
                )
                holder._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
            stream = io.BytesIO()
            dataset.save_as(stream)
            return stream.getvalue()
    except Exception:  # what the writer will not write is broken otherwise
        return bytes_of_any_kind(content, rng)


# ------------------------------------------------------------------------------------------------------ JSON and zip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in a JSON value."""
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [place for key in keys for place in ((*path, key), *_places(value[key], (*path, key)))]


def _another(value: Any, places: list[tuple[Any, ...]], kind: int, rng: np.random.Generator) -> Any:
    """What to put into a JSON value: a number, a word, an empty thing, or what stands elsewhere in it."""
    if kind == 1:
        return pick((0, -1, 1e308, 10**30, 0.5, 2**31, float("nan"), float("inf")), rng)
    if kind == 2:
        return pick(WORDS, rng)
    if kind == 3:
        return pick((None, [], {}, True, [[]], [0] * 50, {"": 0}), rng)
    copied = value
    for key in pick(places, rng):
        copied = copied[key]
    return json.loads(json.dumps(copied))


def json_text(content: bytes, rng: np.random.Generator) -> bytes:
    """Some values of a JSON, or any bytes."""
    if rng.random() < 0.2:
        return bytes_of_any_kind(content, rng)
    try:
        value = json.loads(content)
    except ValueError:
        return bytes_of_any_kind(content, rng)
    for _ in range(int(rng.integers(1, 4))):
        places = _places(value)
        if not places:
            break
        *way, last = pick(places, rng)
        holder = value
        for key in way:
            holder = holder[key]
        kind = int(rng.integers(5))
        if kind == 0:
            del holder[last]
        else:
            holder[last] = _another(value, places, kind, rng)
    return json.dumps(value).encode()


NAMES = (
    "",
    "..",
    "../x",
    "/x",
    "a" * 300,
    "C:\\x",
    "con",
    "plan.json",
    "x\x01y",
    "a/" * 60 + "b",
    "\N{SUPERSCRIPT TWO}",
)


def zipped(inner: Mutation) -> Mutation:
    """A change of a member of a zip, of its name or entry, or of any bytes of the archive."""

    def change(content: bytes, rng: np.random.Generator) -> bytes:
        if rng.random() < 0.3:
            return bytes_of_any_kind(content, rng)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
        at = int(rng.integers(len(members)))
        name, held = members[at]
        kind = rng.random()
        if kind < 0.15:
            members[at] = (pick(NAMES, rng), held)
        elif kind < 0.25:
            del members[at]
        elif kind < 0.35:
            members.append(pick(members, rng))
        else:
            change_member = json_text if name.endswith(".json") else inner
            members[at] = (name, change_member(held, rng))
        stream = io.BytesIO()
        with (
            warnings.catch_warnings(),
            zipfile.ZipFile(stream, "w", pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), rng)) as archive,
        ):
            warnings.simplefilter("ignore")
            for name, held in members:
                archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), held)
        return stream.getvalue()

    return change


def tensors(content: bytes, rng: np.random.Generator) -> bytes:
    """The JSON header of a safetensors file, or any bytes."""
    if rng.random() < 0.3:
        return bytes_of_any_kind(content, rng)
    size = int.from_bytes(content[:8], "little")
    header = json_text(content[8 : 8 + size], rng)
    length = len(header) if rng.random() < 0.9 else int(rng.integers(2**40))
    return length.to_bytes(8, "little") + header + content[8 + size :]
