"""The values of DICOM elements, read as tolerantly as they are unambiguous.

Programs write decimal commas, text where binary numbers belong, the value representation UN for elements that they do
not know, or numbers padded with zeros. pydicom's converters give up at the first of these with an exception that names
nothing; here what has one meaning is read, and what has not is refused with the element, its value and what it needs.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

Element = RawDataElement | DataElement
Level = Mapping[BaseTag, Element]

LONGEST_WORD = 64
"""Letters of a word that a scanner wrote; none is longer by the standard."""
_SHOWN = 60
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_NO_TYPE = ("UN", "OB", "OW")
_LETTERED = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
"""Types whose letters depend on the character set."""
_EDGES = "\0 \t\r\n"
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eEdD][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


class BadSliceError(Exception):
    """One slice cannot be used; the text says why.

    Args:
        text: what is wrong, with the element and its value.
        kind: what is wrong without the value, by which slices with the same fault are counted together.
    """

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind or text


class Elements:
    """The values that hold for one picture.

    Args:
        levels: where to look for a value, the nearest first: the frame's own, those shared by all frames, the file's.
        dataset: the file's, whose character set its texts are in.
        known: words that were looked up before on other levels than the nearest, which the frames of a file share.
    """

    def __init__(
        self, levels: tuple[Level, ...], dataset: Dataset, known: dict[str, tuple[str, ...]] | None = None
    ) -> None:
        self._levels = levels
        self._dataset = dataset
        self._known = {} if known is None else known

    @property
    def dataset(self) -> Dataset:
        """The whole file's, for what lies in sequences."""
        return self._dataset

    def has(self, keyword: str) -> bool:
        """Whether there is such an element, be it empty."""
        return self._find(keyword) is not None

    def numbers(self, keyword: str, count: int, called: str = "") -> tuple[float, ...]:
        """Finite numbers.

        Args:
            keyword: of the element.
            count: how many are needed.
            called: what a message calls it.

        Raises:
            BadSliceError: it is missing, not made of numbers, or of too many or too few.
        """
        element = self._find(keyword)
        values = [] if element is None else _values(element, keyword)
        if not values:
            raise BadSliceError(
                f"no {called} ({keyword})" if called else f"no {keyword} {_tag_text(keyword)}"
            )
        numbers = [_number(value, keyword) for value in values]
        if len(numbers) != count or not all(n is not None and math.isfinite(n) for n in numbers):
            raise _bad(keyword, values, f"{count} numbers are needed" if count > 1 else "a number is needed")
        return tuple(n for n in numbers if n is not None)

    def number(self, keyword: str) -> float | None:
        """One finite number, None if it is missing or empty.

        Raises:
            BadSliceError: it is something else.
        """
        element = self._find(keyword)
        if element is None or not _values(element, keyword):
            return None
        return self.numbers(keyword, 1)[0]

    def integer(self, keyword: str) -> int | None:
        """One whole number, None if it is missing or empty.

        Raises:
            BadSliceError: it is something else.
        """
        number = self.number(keyword)
        if number is None:
            return None
        if not number.is_integer() or abs(number) > 2**53:
            raise _bad(keyword, [number], "a whole number is needed")
        return int(number)

    def words(self, keyword: str) -> tuple[str, ...]:
        """What stands there as words, whatever its type; none if it is missing."""
        own = self._levels[0].get(_tag(keyword)) if len(self._levels) > 1 else None
        if own is not None:
            return tuple(_word(value) for value in _values(own, keyword))
        if keyword not in self._known:
            self._known[keyword] = self._words(keyword)
        return self._known[keyword]

    def _words(self, keyword: str) -> tuple[str, ...]:
        element = self._find(keyword)
        if element is None:
            return ()
        values = _values(element, keyword)
        lettered = dictionary_VR(_tag(keyword)) in _LETTERED
        if lettered and isinstance(element, RawDataElement) and self._levels[-1].get(element.tag) is element:
            values = self._converted(keyword, values)
        return tuple(_word(value) for value in values)

    def text(self, keyword: str) -> str:
        """The words in one line."""
        return ", ".join(word for word in self.words(keyword) if word)

    def _converted(self, keyword: str, values: list[Any]) -> list[Any]:
        """The texts in the character set of the file; as they are if that is damaged."""
        try:
            value = self._dataset.get(keyword)
        except Exception:  # pydicom raises whatever its converters meet in a damaged file
            return values
        if value is None:
            return values
        return list(value) if isinstance(value, MultiValue | list | tuple) else [value]

    def _find(self, keyword: str) -> Element | None:
        tag = _tag(keyword)
        for level in self._levels:
            element = level.get(tag)
            if element is not None:
                return element
        return None


def level_of(dataset: Dataset) -> dict[BaseTag, Element]:
    """The elements of a dataset as they were read, without converting any."""
    return {tag: dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - iterating would convert


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none if it is missing.

    Raises:
        BadSliceError: it is damaged.
    """
    try:
        return list(dataset.get(keyword) or [])
    except Exception as error:  # as above
        raise BadSliceError(f"{keyword} {_tag_text(keyword)} is damaged") from error


def flat(groups: Dataset) -> dict[BaseTag, Element]:
    """The elements of all functional groups of a frame side by side."""
    found: dict[BaseTag, Element] = {}
    for tag in list(groups.keys()):
        raw = groups.get_item(tag)
        if raw.VR not in ("SQ", "UN", None):
            continue
        try:
            value = groups[tag].value
        except Exception:  # a damaged group is a missing one: what it should have held is asked for later
            continue
        if groups[tag].VR == "SQ" and len(value):
            found |= {t: e for t, e in level_of(value[0]).items() if e.VR != "SQ"}
    return found


def _bad(keyword: str, values: list[Any], needed: str) -> BadSliceError:
    shown = "\\".join(_word(value) for value in values)
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
    return BadSliceError(
        f"{keyword} {_tag_text(keyword)} is {shown!r}, {needed}", f"{keyword} {_tag_text(keyword)}: {needed}"
    )


@cache
def _tag(keyword: str) -> BaseTag:
    tag = tag_for_keyword(keyword)
    assert tag is not None  # only keywords of the standard are asked for
    return Tag(tag)


def _tag_text(keyword: str) -> str:
    tag = _tag(keyword)
    return f"({tag.group:04X},{tag.element:04X})"


def _values(element: Element, keyword: str) -> list[Any]:
    """What stands in an element: numbers if it is binary, else texts."""
    value = element.value
    if value is None:
        return []
    if not isinstance(value, bytes):
        values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        return _split(str(values[0])) if len(values) == 1 and isinstance(values[0], str) else values
    known = dictionary_VR(_tag(keyword)).split(" or ")[0]
    little = element.is_little_endian if isinstance(element, RawDataElement) else True
    written = known if element.VR is None or element.VR in _NO_TYPE else element.VR
    texts = _split(value.decode("latin-1"))
    if known not in _BINARY and written not in _BINARY:
        return texts
    if all(_NUMBER.fullmatch(text) for text in texts) and known not in _BINARY:
        return texts  # whatever type was written: a binary number is not made of digits
    for kind in (written, known if not all(_NUMBER.fullmatch(text) for text in texts) else ""):
        numbers = _unpacked(value, kind, little)
        if numbers is not None:
            return numbers
    return texts


def _split(text: str) -> list[str]:
    words = [word.strip(_EDGES) for word in text.split("\\")]
    while words and not words[-1]:
        words.pop()
    return words


def _unpacked(value: bytes, kind: str, little: bool) -> list[Any] | None:
    """Binary numbers; None if the bytes cannot be such."""
    code = _BINARY.get(kind)
    if code is None or not value or len(value) % struct.calcsize(f"<{code}"):
        return None
    count = len(value) // struct.calcsize(f"<{code}")
    return list(struct.unpack(f"{'<' if little else '>'}{count}{code}", value))


def _number(value: Any, keyword: str) -> float | None:
    """A number, None if it is none or could be two."""
    if isinstance(value, int | float):
        return float(value)
    text = str(getattr(value, "original_string", None) or value).strip(_EDGES)
    if not _NUMBER.fullmatch(text):
        return None
    if keyword == "RescaleIntercept" and _THOUSANDS.fullmatch(text):
        return None  # "-1,024" is -1024 to some programs and -1.024 to others, and both would be taken for HU
    return float(re.sub("[dD]", "e", text.replace(",", ".")))


def _word(value: Any) -> str:
    text = str(value)
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text.strip()[:LONGEST_WORD]
