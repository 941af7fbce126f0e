"""What needles are placed under and which limits hold, kept from one start to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Guidance, Rule, values
from spinect_core.planning.rules import TABLE, Rules

if TYPE_CHECKING:
    from spinect_core.plan.records import Planning

GUIDANCE = "plan/guidance"


class PlanningOptions(QObject):
    """The present choices; a plan stores those that it was made with.

    Attributes:
        guidance: what needles are placed under.
        rules: that what is recommended keeps.
    """

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        stored = str(settings.value(GUIDANCE, ""))
        self.guidance = Guidance(stored) if stored in values(Guidance) else Guidance.CT
        self.rules = Rules()
        for limit in TABLE:
            self._take(limit.rule)

    def choose(self, guidance: Guidance, limits: Mapping[Rule, float]) -> None:
        """Make choices, for the next start too; limits that are those of the table are not kept.

        Args:
            guidance: what needles are placed under.
            limits: of every rule that may be changed.

        Raises:
            UsageError: a limit that none may be.
        """
        rules = Rules().edited(limits)
        changed = (self.guidance, self.rules) != (guidance, rules)
        self.guidance, self.rules = guidance, rules
        self._settings.setValue(GUIDANCE, guidance.value)
        own = {each.rule: each.value for each in rules.changed}
        for limit in TABLE:
            if limit.rule in own:
                self._settings.setValue(_key(limit.rule), own[limit.rule])
            else:
                self._settings.remove(_key(limit.rule))
        if changed:
            self.changed.emit()

    def made(self, planning: Planning) -> bool:
        """Whether a planning was made with these choices; of what its program did not store that is supposed."""
        limits = {each.rule: each.value for each in self.rules}
        return planning.guidance in (None, self.guidance) and all(
            each.value == limits[each.rule] for each in planning.rules
        )

    def _take(self, rule: Rule) -> None:
        """A limit that was kept, if it can be one."""
        try:
            self.rules = self.rules.edited({rule: float(str(self._settings.value(_key(rule), "")))})
        except (UsageError, ValueError):
            return


def _key(rule: Rule) -> str:
    return f"plan/limit/{rule.value}"
