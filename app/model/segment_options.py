"""How to segment: engine, device and mode, kept from one start to the next."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QSettings, Signal

from app.model.work import Options
from spinect_core.base.words import DeviceName, EngineName, ModeName, values

CHOICES = {
    "mode": values(ModeName),
    "engine": values(EngineName),
    "device": values(DeviceName),
}
"""The first of each is the usual one."""


class SegmentOptions(QObject):
    """The present choices.

    Attributes:
        now: the choices of the next run.
    """

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.now = Options(**{name: self._stored(name) for name in CHOICES})

    def choose(self, name: str, value: str, keep: bool = True) -> None:
        """Make a choice.

        Args:
            name: a key of :data:`CHOICES`.
            value: one of its entries.
            keep: for the next start too.
        """
        if value not in CHOICES[name]:
            raise ValueError(f"{name} cannot be {value!r}")
        self.now = replace(self.now, **{name: value})
        if keep:
            self._settings.setValue(f"segment/{name}", value)
        self.changed.emit()

    def _stored(self, name: str) -> str:
        stored = str(self._settings.value(f"segment/{name}", ""))
        return stored if stored in CHOICES[name] else CHOICES[name][0]
