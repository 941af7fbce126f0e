"""The colours of the window. No Qt here.

Pictures of the patient - 3D, slices, fluoroscopy and all that is drawn over them - lie on a dark ground in any theme,
as grey values are judged in a dark room: theirs are the constants below. Panels, tables, menus and dialogs are light or
dark: theirs are those of :func:`room`.
"""

from __future__ import annotations

from dataclasses import dataclass

BLACK = "#0b0d10"
BACKDROP = "#171d25"
"""At the top of the 3D view, which is black below."""
TEXT = "#e8edf2"
OVER_PICTURES = f"color: {TEXT}; background: rgba(11, 13, 16, 200);"
"""Style of words that stand over a picture."""
MUTED = "#97a5b4"
FAINT = "#5d6a78"
ACCENT = "#4aa8ff"
WARNING = "#f5b544"

BONE = "#ece2cb"
NERVE = "#f5c430"
BONE_LABEL = "#3f9bff"
KIND_COLOURS = {"kambin": "#2cbee2", "safe": "#f05496"}
"""As in spinect_core.pictures.palette, so that the window and exported pictures look alike."""
FIGURE = "#c6f36a"
MEASURED_COLOURS = {**KIND_COLOURS, **dict.fromkeys(("distance", "angle", "polygon"), FIGURE)}
"""Of what is measured, as there."""
PLANE_COLOURS = {"axial": "#ff6f61", "sagittal": "#ffd54a", "coronal": "#6fdc8c"}
BORDER_COLOURS = {"base": "#58b4ff", "height": "#46d6a3", "hypotenuse": "#ff8f52"}
"""Of the three borders of a zone, as in the figures of docs/triangles.md, but for a dark ground."""
NEEDLE = "#f4f7fb"
NEEDLE_COLOURS = {
    "white": NEEDLE,
    "orange": "#ff9a4d",
    "violet": "#b79bff",
    "turquoise": "#35d6c3",
    "lime": "#b8e04a",
    "rose": "#ff86b0",
}
"""Of the user's needles, by the word that the plan has."""
TOUCHED = "#ff5a4f"
"""Of what a needle touches."""
GAP = "#c08cff"
"""Of a root's course where no nerve is labelled, as in spinect_core.pictures.palette."""
OTHER_SET = "#ff7de9"
"""Of labels that those of the case are compared with."""
SUPPOSED = "#e8dcff"
"""Of the course that is supposed there."""
DOG = "#78e8a0"
"""Of the Scotty dog's outline, as in spinect_core.pictures.fluoroscopy.picture."""
BEST, RECOMMENDED = "#ff4f9a", "#ffb03b"
REGION = "#4aa8ff"


@dataclass(frozen=True)
class Room:
    """The colours of panels, tables, menus and dialogs.

    Attributes:
        ground: behind everything, and in fields.
        panel: of panels and tables.
        raised: of buttons.
        hover: under the mouse.
        alternate: of every other row.
        line: between things.
        gap: between views.
        text: what is to be read.
        muted: what is read second.
        faint: what cannot be used now.
        accent: of links, and of what has the focus.
        selected: behind what is chosen.
        primary: behind the button to press next.
        on_primary: its text.
        warning: of warnings.
        warned: behind those that stand apart.
        error: of errors.
        failed: behind those that stand apart.
        good: of what is as it should be.
        bone: of the bone's curve.
        nerve: of the nerve's.
        figure: of the tools that measure distances, angles and areas.
    """

    ground: str
    panel: str
    raised: str
    hover: str
    alternate: str
    line: str
    gap: str
    text: str
    muted: str
    faint: str
    accent: str
    selected: str
    primary: str
    on_primary: str
    warning: str
    warned: str
    error: str
    failed: str
    good: str
    bone: str
    nerve: str
    figure: str


DARK = Room(
    ground="#14181d",
    panel="#1a2027",
    raised="#252d37",
    hover="#303a46",
    alternate="#1e252d",
    line="#2c3540",
    gap=BLACK,
    text=TEXT,
    muted=MUTED,
    faint=FAINT,
    accent=ACCENT,
    selected="#17395a",
    primary="#1f6fb8",
    on_primary="#ffffff",
    warning=WARNING,
    warned="#3a2e14",
    error="#ff7a70",
    failed="#4a1f20",
    good="#58c98a",
    bone=BONE,
    nerve=NERVE,
    figure=FIGURE,
)
LIGHT = Room(
    ground="#ffffff",
    panel="#f3f5f8",
    raised="#ffffff",
    hover="#dfe6ee",
    alternate="#e9edf2",
    line="#c5ced8",
    gap="#c5ced8",
    text="#17202a",
    muted="#4d5b6a",
    faint="#8d99a6",
    accent="#0a5fae",
    selected="#cde2f8",
    primary="#1f6fb8",
    on_primary="#ffffff",
    warning="#855200",
    warned="#fdeecb",
    error="#b3261e",
    failed="#fadcd9",
    good="#17703c",
    bone="#7a6a3e",
    nerve="#8f6400",
    figure="#4d7300",
)
_room = DARK


def room() -> Room:
    """The colours of the window as it is."""
    return _room


def enter(other: Room) -> None:
    """Take other colours from here on; what has been drawn is not drawn again by this."""
    global _room
    _room = other
