"""What a plan says of the views of a zone: free windows, what closes them, and the search for the best line of sight.

Plain values that are stored and shown; the classes that compute them live in :mod:`spinect_core.planning`. Points are
LPS mm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from spinect_core.geometry.view import View
from spinect_core.plan.anatomy_records import zone_key
from spinect_core.plan.fields import (
    Point,
    Record,
    Stored,
    choice,
    flag,
    inner_path,
    many,
    maybe,
    name,
    number,
    point,
    points,
    record,
    text,
    view,
    whole,
)
from spinect_core.plan.needle_records import AUTHORS

if TYPE_CHECKING:
    from spinect_core.planning.zones.window import FreeWindow

PART = number(0, 1)
NOT_NEGATIVE = number(0)


@dataclass(frozen=True)
class CloserRecord(Record):
    """A structure that covers part of a zone in a view.

    Attributes:
        name: of the structure, such as "S1 superior articular process".
        covered: part of the zone it covers, 0 to 1.
        alone: part that nothing else covers, 0 to 1.
        gives_mm: by how much it would have to give way until a needle passes; None if that would open nothing.
    """

    title: ClassVar[str] = "structure that closes a window"
    name: Annotated[str, Stored("name", name)]
    covered: Annotated[float, Stored("covered", PART)]
    alone: Annotated[float, Stored("alone", PART)]
    gives_mm: Annotated[float | None, Stored("gives_mm", maybe(NOT_NEGATIVE))] = None


@dataclass(frozen=True)
class WindowRecord(Record):
    """What is open of a zone in a view; see :class:`spinect_core.planning.zones.window.FreeWindow`.

    Attributes:
        zone: key of the zone.
        view: the line of sight.
        area_mm2: of the largest open piece.
        total_area_mm2: of all open pieces.
        zone_area_mm2: of the zone's outline in this view.
        centre: LPS mm, middle of the largest circle inside; None where nothing is open.
        radius_mm: of that circle.
        outline: LPS mm (n, 3) round the largest open piece; empty where nothing is open.
        author: "user" or "automatic".
        closers: what closes it.
        pair: two structures that together have to give way where none alone opens it; empty if there is no need.
        pair_gives_mm: by how much both have to; None without a pair.
    """

    title: ClassVar[str] = "window"
    zone: Annotated[str, Stored("zone", name)]
    view: Annotated[View, Stored("view", view)]
    area_mm2: Annotated[float, Stored("area_mm2", NOT_NEGATIVE)]
    total_area_mm2: Annotated[float, Stored("total_area_mm2", NOT_NEGATIVE)]
    zone_area_mm2: Annotated[float, Stored("zone_area_mm2", NOT_NEGATIVE)]
    centre: Annotated[Point | None, Stored("circle_centre_lps_mm", maybe(point))] = None
    radius_mm: Annotated[float, Stored("circle_radius_mm", NOT_NEGATIVE)] = 0.0
    outline: Annotated[tuple[Point, ...], Stored("outline_lps_mm", points())] = ()
    author: Annotated[str, Stored("author", choice(*AUTHORS))] = "automatic"
    closers: Annotated[tuple[CloserRecord, ...], Stored("closed_by", many(record(CloserRecord)))] = ()
    pair: Annotated[tuple[str, ...], Stored("closed_by_pair", many(name))] = ()
    pair_gives_mm: Annotated[float | None, Stored("pair_gives_mm", maybe(NOT_NEGATIVE))] = None

    @classmethod
    def of(
        cls,
        window: FreeWindow,
        outline: Iterable[Iterable[float]] = (),
        author: str = "automatic",
        closers: tuple[CloserRecord, ...] = (),
        pair: tuple[str, ...] = (),
        pair_gives_mm: float | None = None,
    ) -> WindowRecord:
        """The record of a free window.

        Args:
            window: what was measured.
            outline: LPS mm (n, 3) of its largest open piece.
            author: who chose the view.
            closers: what covers the rest of the zone.
            pair: two of them that together have to give way.
            pair_gives_mm: by how much.
        """
        zone = window.zone
        return cls(
            zone=zone_key(zone.kind, zone.version, zone.side, zone.level),
            view=window.view,
            area_mm2=window.area_mm2,
            total_area_mm2=window.total_area_mm2,
            zone_area_mm2=window.zone_area_mm2,
            centre=None if window.centre is None else point(window.centre),
            radius_mm=window.radius_mm,
            outline=tuple(point(tuple(each)) for each in outline),
            author=author,
            closers=closers,
            pair=pair,
            pair_gives_mm=pair_gives_mm,
        )

    @property
    def open(self) -> bool:
        """Whether any way leads in."""
        return self.area_mm2 > 0

    def examine(self) -> None:
        """No piece is larger than all together, but for the grid each was measured on; a circle has a centre."""
        if self.area_mm2 > self.total_area_mm2 * 1.02 + 0.1:
            raise ValueError(
                f"its area {self.area_mm2:g} mm² is more than the {self.total_area_mm2:g} mm² of all pieces"
            )
        if self.radius_mm > 0 and self.centre is None:
            raise ValueError("a circle needs both a centre and a radius")
        if len(self.pair) not in (0, 2):
            raise ValueError("a pair is two structures")
        if 0 < len(self.outline) < 3:
            raise ValueError("an outline of fewer than three points bounds nothing")


@dataclass(frozen=True)
class TermRecord(Record):
    """One of the wishes that make a score.

    Attributes:
        name: such as "clearance to nerve".
        value: how well it is met, 0 to 1; None where what it rests on is not known.
        weight: how much it counts beside the others.
    """

    title: ClassVar[str] = "term of a score"
    name: Annotated[str, Stored("name", name)]
    value: Annotated[float | None, Stored("value", maybe(PART))]
    weight: Annotated[float, Stored("weight", NOT_NEGATIVE)]


@dataclass(frozen=True)
class ChoiceRecord(Record):
    """A view worth taking; what was not measured is None.

    Attributes:
        view: the line of sight.
        area_mm2: of the free window in it.
        radius_mm: of the largest circle inside.
        depth_mm: from the skin to the window's middle.
        bone_mm: smallest distance of the way through the middle to bone; None without bone.
        nerve_mm: the same to nerve.
        ends_before_skin: bone and nerve are not known up to the skin; the rest counts as free.
        score: 0 to 1.
        terms: what the score is made of.
        words: how it differs from the best view; empty for that view itself.
    """

    title: ClassVar[str] = "view of a search"
    view: Annotated[View, Stored("view", view)]
    area_mm2: Annotated[float, Stored("area_mm2", NOT_NEGATIVE)]
    radius_mm: Annotated[float | None, Stored("circle_radius_mm", maybe(NOT_NEGATIVE))] = None
    depth_mm: Annotated[float | None, Stored("depth_mm", maybe(NOT_NEGATIVE))] = None
    bone_mm: Annotated[float | None, Stored("clearance_bone_mm", maybe(number(-1000, 1000)))] = None
    nerve_mm: Annotated[float | None, Stored("clearance_nerve_mm", maybe(number(-1000, 1000)))] = None
    ends_before_skin: Annotated[bool, Stored("ends_before_skin", flag)] = False
    score: Annotated[float | None, Stored("score", maybe(PART))] = None
    terms: Annotated[tuple[TermRecord, ...], Stored("terms", many(record(TermRecord)))] = ()
    words: Annotated[str, Stored("words", text)] = ""


@dataclass(frozen=True)
class AxialRecord(Record):
    """Whether a needle in an axial plane reaches the zone.

    Attributes:
        reachable: whether it does.
        area_mm2: the largest free window at tilt 0.
        oblique: degrees towards the zone's own side at which that is; None if nothing is open.
    """

    title: ClassVar[str] = "axial reach"
    reachable: Annotated[bool, Stored("reachable", flag)]
    area_mm2: Annotated[float, Stored("best_area_mm2", NOT_NEGATIVE)] = 0.0
    oblique: Annotated[float | None, Stored("best_oblique_deg", maybe(number(-180, 180)))] = None


@dataclass(frozen=True)
class SearchRecord(Record):
    """What the search over lines of sight found for a zone.

    Attributes:
        zone: key of the zone.
        best: the view of the largest area; None where no window opens.
        recommended: the view of the highest score; None where no view is allowed.
        ridge_part: part of the allowed views whose window is nearly as large as the best, 0 to 1.
        ridge: views along the crest of these, in order.
        alternatives: other good views, the best first.
        allowed: number of views that keep every hard rule.
        step: degrees between the views looked at.
        seconds: how long it took.
        axial: whether an axial plane would do; None if it was not asked.
        candidate: the view nearest to being open, where none is allowed; None else.
        notes: what a reader of the result has to know.
        map: path of the angle map beside the plan or within the document; empty without one.
    """

    title: ClassVar[str] = "search"
    zone: Annotated[str, Stored("zone", name)]
    best: Annotated[ChoiceRecord | None, Stored("best", maybe(record(ChoiceRecord)))]
    recommended: Annotated[ChoiceRecord | None, Stored("recommended", maybe(record(ChoiceRecord)))]
    ridge_part: Annotated[float, Stored("ridge_part", PART)]
    allowed: Annotated[int, Stored("allowed_views", whole(0, 10_000_000))]
    step: Annotated[float, Stored("step_deg", number(0.001, 90))]
    seconds: Annotated[float, Stored("seconds", NOT_NEGATIVE)] = 0.0
    ridge: Annotated[tuple[View, ...], Stored("ridge", many(view))] = ()
    alternatives: Annotated[tuple[ChoiceRecord, ...], Stored("alternatives", many(record(ChoiceRecord)))] = ()
    axial: Annotated[AxialRecord | None, Stored("axial", maybe(record(AxialRecord)))] = None
    candidate: Annotated[View | None, Stored("candidate", maybe(view))] = None
    notes: Annotated[tuple[str, ...], Stored("notes", many(text))] = ()
    map: Annotated[str, Stored("map", inner_path)] = ""
