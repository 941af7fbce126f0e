"""Pictures of bone, nerve and triangles along a line of sight, rendered without a screen."""

from spinect_core.pictures.annotate import annotate
from spinect_core.pictures.frame import Frame
from spinect_core.pictures.png import save_picture
from spinect_core.pictures.scene import Scene, render_view

__all__ = ["Frame", "Scene", "annotate", "render_view", "save_picture"]
