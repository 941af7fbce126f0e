"""The colours of the window: a calm dark room in which only the patient is bright. No Qt here."""

from __future__ import annotations

BLACK = "#0b0d10"
GROUND = "#14181d"
PANEL = "#1a2027"
RAISED = "#252d37"
HOVER = "#303a46"
LINE = "#2c3540"
TEXT = "#e8edf2"
MUTED = "#97a5b4"
FAINT = "#5d6a78"
ACCENT = "#4aa8ff"
WARNING = "#f5b544"
ERROR = "#ff7a70"
GOOD = "#58c98a"

BONE = "#ece2cb"
NERVE = "#f5c430"
BONE_LABEL = "#3f9bff"
KIND_COLOURS = {"kambin": "#2cbee2", "safe": "#f05496"}
"""As in spinect_core.pictures.palette, so that the window and exported pictures look alike."""
PLANE_COLOURS = {"axial": "#ff6f61", "sagittal": "#ffd54a", "coronal": "#6fdc8c"}
BORDER_COLOURS = {"base": "#58b4ff", "height": "#46d6a3", "hypotenuse": "#ff8f52"}
"""Of the three borders of a zone, as in the figures of docs/triangles.md, but for a dark ground."""
NEEDLE = "#f4f7fb"
GAP = "#c08cff"
"""Of a root's course where no nerve is labelled, as in spinect_core.pictures.palette."""
SUPPOSED = "#e8dcff"
"""Of the course that is supposed there."""
DOG = "#78e8a0"
"""Of the Scotty dog's outline, as in spinect_core.pictures.fluoroscopy.picture."""
BEST, RECOMMENDED = "#ff4f9a", "#ffb03b"
REGION = "#4aa8ff"
