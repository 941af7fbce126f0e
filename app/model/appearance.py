"""How bone, nerve and labels are shown; kept from one start to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QSettings, Signal

from app.widgets import palette


@dataclass(frozen=True)
class Part:
    """How a structure looks.

    Attributes:
        colour: "#rrggbb".
        opacity: 0 to 1.
        visible: whether it is drawn at all.
    """

    colour: str
    opacity: float = 1.0
    visible: bool = True


DEFAULTS = {
    "bone": Part(palette.BONE),
    "nerve": Part(palette.NERVE),
    "labels": Part("#ffffff", 0.35),
    "organs": Part("#ffffff", 0.9),
    "organs_3d": Part("#ffffff", 0.4, visible=False),
    "skin": Part("#d8a184", 0.22, visible=False),
}
"""``labels`` is the overlay on the slices; it takes its colours from bone and nerve. ``organs`` are outlines there, and
``organs_3d`` surfaces in 3D, in colours of their own."""


OUTLINES = "appearance/outlines"


class Appearance(QObject):
    """The looks of the parts.

    Attributes:
        outlines: whether labels are drawn in slices as outlines, and not filled.
    """

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._parts = dict(DEFAULTS)
        self.outlines = str(settings.value(OUTLINES, "no")) == "yes"
        for name, part in DEFAULTS.items():
            colour = settings.value(f"appearance/{name}/colour", part.colour)
            opacity = settings.value(f"appearance/{name}/opacity", part.opacity)
            try:
                self._parts[name] = replace(
                    part, colour=str(colour), opacity=min(max(float(str(opacity)), 0.0), 1.0)
                )
            except ValueError:
                self._parts[name] = part

    def part(self, name: str) -> Part:
        """How a part looks."""
        return self._parts[name]

    def set_outlines(self, on: bool) -> None:
        """Draw labels in slices as outlines, or filled."""
        if on != self.outlines:
            self.outlines = on
            self._settings.setValue(OUTLINES, "yes" if on else "no")
            self.changed.emit()

    def set(self, name: str, part: Part) -> None:
        """Change how a part looks."""
        if part != self._parts[name]:
            self._parts[name] = part
            self._settings.setValue(f"appearance/{name}/colour", part.colour)
            self._settings.setValue(f"appearance/{name}/opacity", part.opacity)
            self.changed.emit()
