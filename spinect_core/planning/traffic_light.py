"""A traffic light with its reasons: of a trajectory, and of a whole case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from spinect_core.base.words import CaseCause, Light, LightCause

Cause = TypeVar("Cause", LightCause, CaseCause)
_WORST = (Light.RED, Light.AMBER, Light.GREEN)


@dataclass(frozen=True)
class LightReason(Generic[Cause]):
    """Why a light is not green.

    Attributes:
        cause: what stands against it.
        light: that this alone makes it.
        value: in the cause's unit; None where it is not known.
        limit: that was passed; None with it.
    """

    cause: Cause
    light: Light
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class LightFound(Generic[Cause]):
    """A light.

    Attributes:
        light: the worst of its reasons; green without any.
        reasons: the worst first.
    """

    light: Light
    reasons: tuple[LightReason[Cause], ...] = ()

    @classmethod
    def made_by(cls, reasons: Iterable[LightReason[Cause]]) -> LightFound[Cause]:
        """The light of all reasons together, those that are green left out."""
        found = sorted(
            (each for each in reasons if each.light != Light.GREEN), key=lambda each: _WORST.index(each.light)
        )
        return cls(found[0].light if found else Light.GREEN, tuple(found))

    def of(self, light: Light) -> tuple[LightReason[Cause], ...]:
        """The reasons of one colour."""
        return tuple(each for each in self.reasons if each.light == light)
