"""The colours of everything drawn, as sRGB (red, green, blue) of 0 to 255.

Ivory bone and yellow nerve as in the paper's figures; cyan and magenta stand out from both, for colour-blind eyes too.
"""

from __future__ import annotations

from collections.abc import Mapping

from spinect_core.base.words import NeedleColour
from spinect_core.image.organs import KIDNEYS, MUSCLES, VESSELS, Organ

Colour = tuple[int, int, int]

BONE: Colour = (236, 226, 203)
NERVE: Colour = (245, 196, 48)
TRIANGLES: Mapping[str, Colour] = {"kambin": (44, 190, 226), "safe": (240, 84, 150)}
NEEDLES: Mapping[NeedleColour, Colour] = {
    NeedleColour.WHITE: (244, 247, 251),
    NeedleColour.ORANGE: (255, 154, 77),
    NeedleColour.VIOLET: (183, 155, 255),
    NeedleColour.TURQUOISE: (53, 214, 195),
    NeedleColour.LIME: (184, 224, 74),
    NeedleColour.ROSE: (255, 134, 176),
}
FIGURE: Colour = (198, 243, 106)
"""Of distances, angles and areas that were measured by hand."""
BOWEL: Colour = (255, 176, 66)
KIDNEY: Colour = (226, 120, 255)
VESSEL: Colour = (255, 92, 92)
ORGAN: Colour = (150, 214, 90)
MUSCLE: Colour = (120, 172, 214)
ORGANS: Mapping[Organ, Colour] = {
    **dict.fromkeys(Organ, ORGAN),
    **dict.fromkeys(MUSCLES, MUSCLE),
    **dict.fromkeys(KIDNEYS, KIDNEY),
    **dict.fromkeys(VESSELS, VESSEL),
    Organ.BOWEL: BOWEL,
}
"""Of the outlines of organs."""
BACKGROUND_TOP: Colour = (38, 44, 53)
BACKGROUND_BOTTOM: Colour = (13, 16, 21)
TEXT: Colour = (244, 246, 248)
QUIET_TEXT: Colour = (190, 199, 209)
WARNING: Colour = (245, 181, 68)
"""Of what reading noticed about the CT, in the pictures as in the window."""
GAP: Colour = (192, 140, 255)
"""Of a root's course where no nerve is labelled: like no tissue, border or triangle."""
SUPPOSED: Colour = (232, 220, 255)
"""Of the course that is supposed there."""
EDGE: Colour = (10, 12, 16)
"""Laid thinly under text and lines, so that they read on ivory too."""
