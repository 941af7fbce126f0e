"""The report as PDF: one page of A4 or Letter for each side, legible without colour."""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image
from reportlab import rl_config
from reportlab.lib.colors import Color, black, white
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import Light
from spinect_core.image.patient import Patient
from spinect_core.report.content import CHECKLIST, NO_NEEDLE, Fact, Page, Section, one_line
from spinect_core.report.paper import Paper
from spinect_core.report.pictures import EXPECTED, NERVE_ALONE, OUTLINED_KEY, Shown

SIZES = {Paper.A4: A4, Paper.LETTER: LETTER}
MARGIN = 11 * mm
GAP = 1.4 * mm
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
LADDER = ((7.9, 60.0), (7.5, 58.0), (7.2, 56.0), (7.0, 54.0), (6.7, 50.0), (6.4, 46.0), (6.1, 43.0))
"""Height of the letters in points, and width of a picture in mm: the first that the page has room for is taken."""
SMALL = 5.4
"""Points of checksums and captions."""
TIGHT = 180
"""Letters that are left of a line on a page without room."""
LINES_KEPT = 3
"""Warnings, reasons and other trajectories that a page without room keeps at least."""
LIGHTS = {
    Light.GREEN: Color(0.88, 0.96, 0.88),
    Light.AMBER: Color(1.0, 0.93, 0.78),
    Light.RED: Color(1.0, 0.82, 0.80),
}
"""Light tints: printed in grey, the words on them stay black on nearly white."""
CAPTIONS: Mapping[Shown, str] = {
    Shown.HUB: "View from the hub, along the needle (ring); bone light, nerve dark, borders of the triangle",
    Shown.AXIAL: "CT in the axial plane tilted to hold the needle; back below; dots: behind the tip",
    Shown.UPRIGHT: "CT in the plane that stands upright on it; head above",
    Shown.FLUOROSCOPY: "Simulated fluoroscopy along the needle (ring), detector at the hub; scale at the tip",
}
UNPRINTABLE_NAME, SEE_ID = "name cannot be printed", "; see the patient's ID"
UNSHOWN = "Letters that this page's typeface lacks are shown as □."

Pictures = Mapping[Shown, Image.Image]


def pdf(
    pages: Sequence[Page], pictures: Sequence[Pictures], paper: Paper = Paper.A4, created: str = ""
) -> bytes:
    """The report as the bytes of a PDF; the same report gives the same bytes.

    Args:
        pages: what they say.
        pictures: of each page.
        paper: its size.
        created: ISO 8601 time of the plan, which the file bears as its own.
    """
    _fonts()
    # In letters of ASCII, pictures take a second more, and a quarter more room.
    rl_config.useA85 = 0
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=SIZES[paper], pageCompression=1, invariant=1, lang="en")
    canvas.setTitle("SPINECT Planner: report of a plan")
    canvas.setAuthor(f"SPINECT Planner {__version__}")
    canvas.setCreator(f"SPINECT Planner {__version__}")
    canvas.setSubject(NOTICE)
    canvas.setDateFormatter(lambda *_: _pdf_date(created))
    for number, (page, shown) in enumerate(zip(pages, pictures, strict=True), start=1):
        _Sheet(canvas, page, shown, SIZES[paper], f"page {number} of {len(pages)}").draw()
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def caption(shown: Shown, picture: Image.Image | None = None) -> str:
    """What stands below a picture; below the upright plane also what is outlined there.

    Args:
        shown: what it shows.
        picture: None where it is missing.
    """
    if shown != Shown.UPRIGHT or picture is None:
        return CAPTIONS[shown]
    return f"{CAPTIONS[shown]}; {picture.info.get(OUTLINED_KEY, NERVE_ALONE)}"


def can_be_printed(text: str) -> bool:
    """Whether the typeface of the page has every letter of a text."""
    return all(ord(each) in _fonts() for each in text)


def printed_patient(patient: Patient) -> str:
    """The patient as the page says it: a name that cannot be printed gives way to the patient's ID."""
    if not can_be_printed(patient.name):
        patient = replace(patient, name=f"{UNPRINTABLE_NAME}{SEE_ID if patient.identifier else ''}")
    return patient.line


def _pdf_date(created: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(created)
    except ValueError:
        moment = datetime.datetime(2000, 1, 1)
    return f"D:{moment:%Y%m%d%H%M%S}Z"


@cache
def _fonts() -> frozenset[int]:
    """Register the typeface; the letters that it has.

    It comes with Matplotlib and is embedded, so that a page prints alike everywhere, minus signs and Greek included.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = [TTFont(name, str(folder / f"{name}.ttf")) for name in (PLAIN, BOLD)]
    for face in faces:
        pdfmetrics.registerFont(face)
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return frozenset.intersection(*(frozenset(each.face.charToGlyph) for each in faces))


@dataclass(frozen=True)
class _Block:
    """A part of the page.

    Attributes:
        height: points.
        draw: draws it, its top at the height given.
    """

    height: float
    draw: Callable[[float], None]


class _Sheet:
    """One page while it is laid out.

    Args:
        canvas: drawn on.
        page: what it says.
        pictures: at hand.
        size: width and height in points.
        number: such as "page 1 of 2".
    """

    def __init__(
        self, canvas: Canvas, page: Page, pictures: Pictures, size: tuple[float, float], number: str
    ) -> None:
        self._canvas, self._page, self._pictures, self._number = canvas, page, pictures, number
        self._width, self._height = size[0] - 2 * MARGIN, size[1]
        self._points, self._picture_mm = LADDER[0]
        self._sections = page.sections
        self._warnings, self._reasons, self._others = (
            list(page.warnings),
            list(page.reasons),
            list(page.others),
        )
        self._left_out: list[str] = []
        self._cut, self._tight = "", False
        self._unshown = False
        self._known: dict[tuple[str, float, float, bool], tuple[Paragraph, float]] = {}

    def draw(self) -> None:
        """Lay out and draw, as large as there is room for; nothing that is left out goes unsaid."""
        blocks = self._fitting()
        y = self._height - MARGIN
        for block in blocks:
            block.draw(y)
            y -= block.height + GAP

    def _fitting(self) -> list[_Block]:
        for self._points, self._picture_mm in LADDER:
            blocks = self._blocks()
            if self._fits(blocks):
                return blocks
        while not self._fits(blocks) and self._leave_out():
            blocks = self._blocks()
        return blocks

    def _fits(self, blocks: Sequence[_Block]) -> bool:
        return bool(sum(each.height + GAP for each in blocks) <= self._height - 2 * MARGIN)

    def _leave_out(self) -> bool:
        """Take the least needed from the page, warnings last, and note that; whether there was anything."""
        worst = max((fact.rank for section in self._sections for fact in section.facts), default=0)
        if worst:
            self._drop(lambda fact: fact.rank == worst)
            return True
        if not self._tight:
            self._tighten()
            return True
        longest = max((self._others, self._reasons, self._warnings), key=len)
        if len(longest) > LINES_KEPT:
            del longest[max(LINES_KEPT, len(longest) - 1 - len(longest) // 5) :]
            return True
        if self._sections:
            last = self._sections[-1].facts
            self._drop(lambda fact: fact in last)
            return True
        return False

    def _tighten(self) -> None:
        """Shorten every endless line."""
        self._tight, self._cut = True, "the ends of long lines"
        for some in (self._warnings, self._reasons, self._others):
            some[:] = [one_line(text, TIGHT) for text in some]
        self._sections = tuple(
            Section(each.title, tuple(_shortened(fact) for fact in each.facts)) for each in self._sections
        )

    def _within(self, text: str, times: int = 1) -> str:
        """A text of the head of the page, shortened where there is no room."""
        return one_line(text.replace("**", ""), times * TIGHT) if self._tight else text.replace("**", "")

    def _drop(self, gone: Callable[[Fact], bool]) -> None:
        """Take facts from the page, and note their heads."""
        heads = [fact.head for each in self._sections for fact in each.facts if gone(fact) and fact.head]
        self._left_out = list(dict.fromkeys([*self._left_out, *heads]))
        kept = (
            Section(each.title, tuple(fact for fact in each.facts if not gone(fact)))
            for each in self._sections
        )
        self._sections = tuple(each for each in kept if each.facts)

    def _blocks(self) -> list[_Block]:
        page = self._page
        blocks = [self._head(), self._title()]
        blocks += [self._banner()] if page.banner else []
        blocks += self._list("Why", self._reasons, len(page.reasons))
        blocks += self._list("Warnings", self._warnings, len(page.warnings))
        blocks += [self._glance()] if page.glance else []
        blocks += [self._row_of_pictures()] if page.record is not None else []
        blocks += [self._columns()] if self._sections else []
        blocks += self._list("Other trajectories of this side", self._others, len(page.others))
        blocks += [self._checklist()] if page.record is not None else []
        return [*blocks, self._foot()]

    # ------------------------------------------------------------------------------------------------------- text

    def _text(self, text: str, points: float, width: float, *, bold: bool = False) -> tuple[Paragraph, float]:
        """A paragraph and its height; ``**`` about a part makes it bold."""
        key = (text, points, width, bold)
        if key not in self._known:
            self._known[key] = self._paragraph(*key)
        return self._known[key]

    def _paragraph(self, text: str, points: float, width: float, bold: bool) -> tuple[Paragraph, float]:
        known = _fonts()
        shown = "".join(each if ord(each) in known else "□" for each in text)
        self._unshown |= shown != text
        first, *rest = escape(shown).split("**")
        marked = first + "".join(
            f"<b>{part}</b>" if number % 2 == 0 else part for number, part in enumerate(rest)
        )
        style = ParagraphStyle(
            "line", fontName=BOLD if bold else PLAIN, fontSize=points, leading=points * 1.18, splitLongWords=1
        )
        paragraph = Paragraph(marked, style)
        _, height = paragraph.wrap(width, 1e5)
        return paragraph, float(height)

    def _stack(
        self, lines: Sequence[str], width: float, points: float | None = None, x: float = MARGIN
    ) -> _Block:
        """Paragraphs below each other."""
        made = [self._text(line, points or self._points, width) for line in lines]

        def draw(top: float) -> None:
            for paragraph, height in made:
                paragraph.drawOn(self._canvas, x, top - height)
                top -= height + 0.6

        return _Block(sum(height + 0.6 for _, height in made), draw)

    def _list(self, title: str, lines: Sequence[str], whole: int) -> list[_Block]:
        if not lines:
            return []
        told = [f"**{title}**", *(f"• {line.replace('**', '')}" for line in lines)]
        if whole > len(lines):
            told.append(
                f"**… and {whole - len(lines)} more in the plan and in the plain text of this report**"
            )
        return [self._stack(told, self._width)]

    # ------------------------------------------------------------------------------------------------------ parts

    def _head(self) -> _Block:
        canvas = self._canvas

        def draw(top: float) -> None:
            canvas.setFillColor(black)
            canvas.setFont(BOLD, 9)
            canvas.drawString(MARGIN, top - 8, "SPINECT Planner · plan of a needle")
            canvas.setFont(BOLD, 7)
            canvas.drawRightString(MARGIN + self._width, top - 8, NOTICE)
            canvas.setLineWidth(0.8)
            canvas.line(MARGIN, top - 11.5, MARGIN + self._width, top - 11.5)

        return _Block(12, draw)

    def _title(self) -> _Block:
        page, label = self._page, 62 * mm
        width = self._width - label - 3 * mm
        title, title_high = self._text(page.title.replace("**", ""), 13, width, bold=True)
        told = [*([page.approach] if page.approach else []), page.count]
        lines = self._stack([self._within(each) for each in told], width)
        patient = None if page.patient is None else printed_patient(page.patient).replace("**", "")
        inside = self._stack(
            [f"**Patient:** {patient}"]
            if patient
            else ["Patient: not named by the program (space for a label)"],
            label - 4 * mm,
            self._points if patient else SMALL,
            MARGIN + width + 5 * mm,
        )
        high = max(title_high + 2 + lines.height, inside.height + 6, 15 * mm)

        def draw(top: float) -> None:
            title.drawOn(self._canvas, MARGIN, top - title_high)
            lines.draw(top - title_high - 2)
            self._canvas.setLineWidth(0.5)
            self._canvas.setDash(1.5, 1.5)
            self._canvas.rect(MARGIN + width + 3 * mm, top - high, label, high)
            self._canvas.setDash()
            inside.draw(top - 3)

        return _Block(high, draw)

    def _banner(self) -> _Block:
        page = self._page
        banner = self._within(page.banner, 4)
        light, _, rest = banner.partition(":")
        if page.record is None:
            told = f"**{NO_NEEDLE.upper()}**{banner.removeprefix(NO_NEEDLE)}"
        else:
            told = f"**Light {light.upper()}**:{rest}"
        inside = self._stack([told], self._width - 3 * mm, self._points + 0.8, MARGIN + 1.5 * mm)
        high = inside.height + 5
        fine = page.record is None and page.light == Light.GREEN  # what is not recommended is not green
        tint = white if page.light is None or fine else LIGHTS[page.light]
        heavy = page.record is None or page.light == Light.RED

        def draw(top: float) -> None:
            self._canvas.setFillColor(tint)
            self._canvas.setLineWidth(2.2 if heavy else 1.0)
            self._canvas.rect(MARGIN, top - high, self._width, high, fill=1)
            self._canvas.setFillColor(black)
            inside.draw(top - 1.5)

        return _Block(high, draw)

    def _glance(self) -> _Block:
        """What is set first, in larger letters side by side."""
        facts, points = self._page.glance, self._points + 1.3
        parts = [math.sqrt(len(each.text) + 20.0) for each in facts]
        widths = [self._width * part / sum(parts) for part in parts]
        made = [
            (
                self._text(each.head.upper(), SMALL + 0.4, width - 6, bold=True),
                self._text(self._within(each.text), points, width - 6),
            )
            for each, width in zip(facts, widths, strict=True)
        ]
        high = max(head[1] + body[1] for head, body in made) + 5

        def draw(top: float) -> None:
            self._canvas.setLineWidth(0.6)
            x = MARGIN
            for ((head, head_high), (body, body_high)), width in zip(made, widths, strict=True):
                self._canvas.rect(x, top - high, width, high)
                head.drawOn(self._canvas, x + 3, top - head_high - 1.5)
                body.drawOn(self._canvas, x + 3, top - head_high - body_high - 2)
                x += width

        return _Block(high, draw)

    def _row_of_pictures(self) -> _Block:
        wanted = [each for each in Shown if each in self._pictures or each in EXPECTED]
        space = 2 * mm
        most = (self._width - space * (len(wanted) - 1)) / len(wanted)
        side = min(self._picture_mm * mm, most)
        captions = [self._text(caption(each, self._pictures.get(each)), SMALL, most) for each in wanted]
        high = side + 1.5 + max(height for _, height in captions)

        def draw(top: float) -> None:
            for number, (shown, (caption, height)) in enumerate(zip(wanted, captions, strict=True)):
                left = MARGIN + number * (most + space)
                x = left + (most - side) / 2
                picture = self._pictures.get(shown)
                self._canvas.setLineWidth(0.5)
                if picture is not None:
                    self._canvas.drawImage(ImageReader(picture), x, top - side, side, side)
                self._canvas.rect(x, top - side, side, side)
                if picture is None:
                    self._canvas.setFont(PLAIN, 6.5)
                    for line, text in enumerate((f"{shown}:", "no picture of this needle", "is in the plan")):
                        self._canvas.drawCentredString(left + most / 2, top - side / 2 - 9 * line, text)
                caption.drawOn(self._canvas, left, top - side - 1.5 - height)

        return _Block(high, draw)

    def _columns(self) -> _Block:
        """The sections in two columns, cut where both are about as high."""
        width = (self._width - 4 * mm) / 2
        lines: list[tuple[str, bool]] = []
        for section in self._sections:
            lines.append((f"**{section.title.upper()}**", True))
            for fact in section.facts:
                head = f"**{fact.head}:** " if fact.head else ""
                lines.append((head + fact.text.replace("**", ""), False))
        heights = [self._stack([line], width).height for line, _ in lines]
        whole = sum(heights)
        cuts = [number for number in range(1, len(lines)) if not lines[number - 1][1]]
        cut = min(cuts, key=lambda number: abs(2 * sum(heights[:number]) - whole), default=len(lines))
        left = self._stack([line for line, _ in lines[:cut]], width)
        right = self._stack([line for line, _ in lines[cut:]], width, None, MARGIN + width + 4 * mm)
        high = max(left.height, right.height)

        def draw(top: float) -> None:
            left.draw(top)
            right.draw(top)
            self._canvas.setLineWidth(0.3)
            self._canvas.line(MARGIN + width + 2 * mm, top, MARGIN + width + 2 * mm, top - high)

        return _Block(high, draw)

    def _checklist(self) -> _Block:
        """Boxes to tick by hand."""
        columns, box = 2, self._points * 0.95
        width = self._width / columns
        line = self._points * 1.55
        rows = -(-len(CHECKLIST) // columns)
        head, head_high = self._text("Checklist, to tick by hand", self._points, self._width, bold=True)
        high = head_high + 2 + rows * line

        def draw(top: float) -> None:
            head.drawOn(self._canvas, MARGIN, top - head_high)
            self._canvas.setLineWidth(0.7)
            for number, text in enumerate(CHECKLIST):
                x = MARGIN + (number // rows) * width
                y = top - head_high - 2 - (number % rows) * line - box
                self._canvas.rect(x, y, box, box)
                self._canvas.setFont(PLAIN, self._points)
                self._canvas.drawString(x + box + 3, y + box * 0.15, text)

        return _Block(high, draw)

    def _foot(self) -> _Block:
        page = self._page
        told = [f"Not in this plan: {', '.join(page.missing)}."] if page.missing else []
        if self._left_out or self._cut:
            gone = ", ".join([*self._left_out, *([self._cut] if self._cut else [])])
            told.append(f"Left out for want of room, whole in the plain text of this report: {gone}.")
        told += [f"**{each.head}:** {each.text}" for each in page.identity]
        told += [UNSHOWN] if self._unshown else []
        lines = self._stack(told, self._width, SMALL)
        high = lines.height + 11

        def draw(top: float) -> None:
            # At the foot of the page, wherever the text above ends.
            bottom = MARGIN
            self._canvas.setLineWidth(0.5)
            self._canvas.line(MARGIN, bottom + high, MARGIN + self._width, bottom + high)
            lines.draw(bottom + high - 2)
            self._canvas.setFont(BOLD, 6.5)
            self._canvas.drawString(MARGIN, bottom, NOTICE)
            self._canvas.setFont(PLAIN, 6.5)
            self._canvas.drawRightString(MARGIN + self._width, bottom, self._number)

        return _Block(high, draw)


def _shortened(fact: Fact) -> Fact:
    return Fact(fact.head, one_line(fact.text, TIGHT), fact.rank)
