"""Texts that came from outside - names in files, paths, errors, plans - as the window shows them: as they are written.

Qt takes a text with a tag in it for HTML in labels and tool tips, and an ampersand in menus and on buttons for a
short cut. So every such text goes through this module, and labels are :class:`app.widgets.parts.Label`: nothing is
markup, what cannot be seen is shown by a sign, and nothing is so long that it stretches the window.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2000
"""Letters of a text; of longer ones the middle is left out."""
LONGEST_LINE = 160
LONGEST_TIP = 800
LONGEST_WORD, NARROW = 60, 30
"""Letters of a word that fit into a box, and into a label of the side panel."""
LONGEST_CAPTION = 90
JOINER = "\N{WORD JOINER}"
"""Has no width. After a sign that could open a tag or an entity it leaves Qt nothing to take for HTML."""
BREAK = "\N{ZERO WIDTH SPACE}"
_KEPT = "\u200b\u200c\u200d\u2060"
"""Where lines may and may not break, and what joins the letters of some scripts: harmless."""
_MARKUP = re.compile(r"<|&(?=lt;)")


def shown(text: str, most: int = LONGEST) -> str:
    """A text on as many lines as it has; control characters and those that turn the direction are shown by signs."""
    clean = text.replace("\r\n", "\n").replace("\t", " ")
    if not clean.isprintable():
        clean = "".join(map(_visible, clean))
    return _shortened(clean, most)


def line(text: str, most: int = LONGEST_LINE) -> str:
    """A text on one line."""
    return shown(" ".join(text.split()) if "\n" in text or "\r" in text else text, most)


def wrapped(text: str, word: int = LONGEST_WORD) -> str:
    """A text for a label that breaks lines: words of more than ``word`` letters may break too.

    A path breaks at its slashes by itself, and is whole when it is copied.
    """
    return re.sub(rf"[^\s/\\]{{{word}}}(?=[^\s/\\])", lambda found: found.group() + BREAK, shown(text))


def tip(text: str) -> str:
    """A text for a tool tip, where Qt asks nobody whether it is HTML."""
    return _MARKUP.sub(lambda found: found.group() + JOINER, shown(text, LONGEST_TIP))


def caption(text: str, most: int = LONGEST_CAPTION) -> str:
    """A text for a menu, an action, a button or a tab, in which an ampersand is an ampersand."""
    return _MARKUP.sub(lambda found: found.group() + JOINER, line(text, most)).replace("&", "&&")


def window_title(text: str) -> str:
    """A text for the title of a window, where Qt would put its sign for changes in place of ``[*]``."""
    return line(text).replace("[*]", "[*][*]")


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    last = most // 3
    return f"{text[: most - last - 1]}…{text[len(text) - last :]}"


def _visible(character: str) -> str:
    """A sign for a character that cannot be seen."""
    code = ord(character)
    if character in _KEPT or character == "\n" or character.isprintable():
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if unicodedata.category(character) in ("Zl", "Zp"):
        return "\N{SYMBOL FOR NEWLINE}"
    return " " if unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"
