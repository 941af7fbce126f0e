"""The trajectories of the open case: the rows, the one that is looked at, and what was computed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model.case import Case, CaseLabels
from app.model.case_model import CaseModel
from app.model.kept_maps import kept_map
from app.model.looked import Looked
from app.model.work import FoundTrajectories
from spinect_core.base.words import Checked
from spinect_core.plan.own_needles import own_needles
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import Trajectory, case_warnings, own_trajectory, preferred
from spinect_core.plan.wording import trajectories as trajectories_of

if TYPE_CHECKING:
    from pyvista import PolyData

    from spinect_core.geometry.view import View
    from spinect_core.image.volume import Volume
    from spinect_core.pipeline.moving import Moved
    from spinect_core.pipeline.planner import Planner
    from spinect_core.plan.records import NeedleRecord, SearchRecord
    from spinect_core.planning.needle.needle import Needle
    from spinect_core.planning.needle.safety import Clearance
    from spinect_core.planning.results import Approach, CasePlan
    from spinect_core.planning.search.angle_map import AngleMap
    from spinect_core.planning.zones.window import FreeWindow, Sight

AGAIN = "Find trajectories again to adjust"
"""Shown where only the records of a planning are there."""
KEPT_PLANS = 12
"""For how many undo steps the angle maps are kept."""


class Trajectories(QObject):
    """The trajectories, and the one that is looked at.

    Attributes:
        rows: the trajectories, from the records.
        chosen: key of the one that is looked at, "" for none.
        plan: all that was computed for the present records; None if they were opened from disk.
        live: the chosen needle where it is moved to just now, which is what its row shows; None while none is moved.

    Signals:
        changed: other rows, or what can be done with them.
        chosen_changed: another trajectory is looked at.
        live_changed: the chosen needle was moved, and has other numbers.
    """

    changed = Signal()
    chosen_changed = Signal()
    live_changed = Signal()

    def __init__(self, model: CaseModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.rows: tuple[Trajectory, ...] = ()
        self.chosen = ""
        self.plan: CasePlan | None = None
        self.live: Moved | None = None
        self._kept: list[tuple[Planning, CasePlan]] = []
        self._planner: tuple[CaseLabels, Volume | None, Planner] | None = None
        self._curves: dict[tuple[object, ...], Clearance] = {}
        self._sights: dict[int, Sight] = {}
        self._looked: dict[int, Looked] = {}
        model.planning_changed.connect(self._on_planning)
        model.case_opened.connect(self._on_case)
        model.labels_changed.connect(self._on_labels)
        model.organs_changed.connect(self.changed)
        model.selection_changed.connect(self._on_selection)

    # -------------------------------------------------------------------------------------------- what is there

    @property
    def current(self) -> Trajectory | None:
        """The one that is looked at."""
        return next((each for each in self.rows if each.key == self.chosen), None)

    @property
    def beside(self) -> tuple[NeedleRecord, ...]:
        """The user's needles of the level that is planned, but for the one that is looked at."""
        return tuple(
            each.needle
            for each in self.rows
            if each.own and each.needle is not None and each.key != self.chosen and not each.elsewhere
        )

    @property
    def skin(self) -> PolyData | None:
        """The skin of the open case, to be drawn; None until trajectories were looked for, or where there is none."""
        planner = self._ready
        return None if planner is None else planner.skin_shown

    @property
    def planner(self) -> Planner | None:
        """The case ready for planning; None until trajectories were looked for, and where that was by other rules."""
        planner, plan = self._ready, self.plan
        if planner is None or plan is None:
            return planner
        return planner if (planner.rules, planner.guidance) == (plan.rules, plan.guidance) else None

    @property
    def _ready(self) -> Planner | None:
        """The case ready for planning, by whatever rules."""
        case = self._model.case
        if self._planner is None or case is None:
            return None
        segmentation, volume, planner = self._planner
        same = segmentation is case.segmentation and volume is case.volume and planner.organs is case.organs
        return planner if same else None

    @property
    def can_adjust(self) -> bool:
        """Whether what was computed is at hand."""
        return self.plan is not None and self.planner is not None

    def curve(self, needle: Needle) -> Clearance | None:
        """The distances along a needle; None while the case is not ready for planning."""
        planner = self.planner
        if planner is None:
            return None
        line = _line(needle)
        if line not in self._curves:
            from spinect_core.planning.needle.safety import clearance

            # a needle of an opened plan, that no planning of this case has seen
            self._curves[line] = clearance(needle, planner.obstacles)
        return self._curves[line]

    def approach(self, trajectory: Trajectory | None) -> Approach | None:
        """What was computed for the zone of a trajectory."""
        from spinect_core.plan.build import key_of

        plan = self.plan
        if plan is None or trajectory is None or not trajectory.zone_key:
            return None
        return next((each for each in plan.approaches if key_of(each.zone) == trajectory.zone_key), None)

    def search(self, trajectory: Trajectory | None) -> SearchRecord | None:
        """The record of the search for the zone of a trajectory, a user's needle included."""
        if trajectory is None or trajectory.search is not None:
            return None if trajectory is None else trajectory.search
        return next((each.search for each in self.rows if each.key == trajectory.zone_key), None)

    def chart(self, trajectory: Trajectory | None) -> AngleMap | None:
        """The angle map of the zone of a trajectory: as it was computed, or as the opened document keeps it."""
        approach, record, case = self.approach(trajectory), self.search(trajectory), self._model.case
        if approach is not None:
            return approach.search.map
        if trajectory is None or record is None or case is None or record.map not in case.files:
            return None
        return kept_map(case.files[record.map], trajectory.side)

    def sight(self, trajectory: Trajectory | None) -> Sight | None:
        """The zone of a trajectory, ready to be looked at along any line of sight."""
        from spinect_core.planning.zones.window import Sight

        approach, planner = self.approach(trajectory), self.planner
        if approach is None or planner is None:
            return None
        key = id(approach)
        if key not in self._sights:
            looked = self._looked.get(key)
            self._sights[key] = Sight(approach.zone, planner.obstacles) if looked is None else looked.sight
        return self._sights[key]

    def known(self, sight: Sight, view: View) -> FreeWindow | None:
        """The window of a zone in a view, if it was measured when the trajectories were found."""
        looked = self._looked_at(sight)
        return None if looked is None else next((each for each in looked.windows if each.view == view), None)

    def seconds(self, sight: Sight) -> float:
        """What one look at a zone took when the trajectories were found; 0 where that is not known."""
        looked = self._looked_at(sight)
        return 0.0 if looked is None else looked.seconds

    def _looked_at(self, sight: Sight) -> Looked | None:
        return next((each for each in self._looked.values() if each.sight is sight), None)

    # ------------------------------------------------------------------------------------------------- choosing

    def has(self, key: str) -> bool:
        """Whether there is a trajectory with this key."""
        return any(each.key == key for each in self.rows)

    def mark(self, key: str) -> None:
        """Look at a trajectory, or at none, where view and cross-hair are."""
        self.chosen = key if self.has(key) else ""
        self.chosen_changed.emit()

    def choose(self, key: str) -> None:
        """Look at a trajectory: in its recommended view, with the cross-hair at its target. "" for none."""
        self.chosen = key if self.has(key) else ""
        trajectory = self.current
        if trajectory is not None:
            self._model.select(None)
            if trajectory.target is not None:
                self._model.set_cursor(trajectory.target)
            if trajectory.view is not None:
                self._model.set_view(trajectory.view)
        self.chosen_changed.emit()

    def choose_first(self) -> None:
        """Look at the trajectory that is preferred, else at the first with a needle, else at the first."""
        first = preferred(self.rows) or next((each for each in self.rows if each.needle is not None), None)
        first = first or next(iter(self.rows), None)
        self.choose("" if first is None else first.key)

    # -------------------------------------------------------------------------------------------------- moving

    def show_live(self, live: Moved | None) -> None:
        """Show the chosen needle of the user's where it is moved to; None for where the plan has it."""
        from spinect_core.pipeline.moving import brought

        self.live, current = live, self.current
        if current is None or not current.own or current.needle is None:
            return
        own = own_needles(self._model.planning)
        number = next(n for n, each in enumerate(own) if f"own {n} {each.needle.name}" == current.key)
        record = own[number] if live is None else brought(own[number], live)
        row = own_trajectory(self._model.planning, number, record)
        self.rows = tuple(row if each.key == row.key else each for each in self.rows)
        self.live_changed.emit()

    # ------------------------------------------------------------------------------------------------- keeping

    def take(self, case: Case, found: FoundTrajectories, text: str) -> bool:
        """Keep what was computed and take it over, as one step of the history.

        Args:
            case: it was computed for.
            found: what was, and what computed it.
            text: what was done.

        Returns:
            False if the case or its labels are no longer those it was computed for.
        """
        planned = found.planned
        if not self._keep(case, found):
            return False
        self._looked.update(found.looked)
        self._curves.update({_line(needle): along for needle, along in found.seen.curves.items()})
        records = _still_checked(self._model.planning, planned.records)
        self._kept[0] = (records, planned.plan)
        self._model.replace_found(planned.plan.triangles, records, text)
        if self.plan is not planned.plan:
            self._on_planning()  # the same records as before, as those of an opened plan may be, are no change
        return True

    def recount(self, records: Planning, lumbar: int | None) -> None:
        """Take over the same planning by another count of the lumbar vertebrae, as one step of the history.

        Args:
            records: of it.
            lumbar: how many there are, as the user has counted them; None where nobody has.
        """
        from spinect_core.pipeline.recounting import recounted_plan

        chosen = next((place for place, each in enumerate(self.rows) if each.key == self.chosen), None)
        if self.plan is not None:
            self._kept = [(records, recounted_plan(self.plan, lumbar)), *self._kept][:KEPT_PLANS]
        self._model.recount(records, "count the lumbar vertebrae")
        if chosen is not None and chosen < len(self.rows):
            self.mark(self.rows[chosen].key)

    def curve_known(self, needle: Needle) -> Clearance | None:
        """The distances along a needle, if they were measured before."""
        return self._curves.get(_line(needle))

    def take_curve(self, needle: Needle, along: Clearance) -> None:
        """Keep the distances along a needle that was placed or moved."""
        self._curves[_line(needle)] = along

    def close(self) -> None:
        """End what plans the case; called when the window closes, and when there is another case."""
        if self._planner is not None:
            self._planner[2].close()
        self._planner = None

    # ----------------------------------------------------------------------------------------------------- slots

    def _keep(self, case: Case, found: FoundTrajectories) -> bool:
        planner, planned, now = found.planner, found.planned, case.segmentation
        if self._model.case is not case or now is None or planner.labels is not now.labels_1mm:
            planner.close()
            return False
        if self._planner is not None and self._planner[2] is not planner:
            self.close()
        self._planner = (now, case.volume, planner)
        self._kept = [(planned.records, planned.plan), *self._kept][:KEPT_PLANS]
        alive = {id(each) for _, plan in self._kept for each in plan.approaches}
        self._sights = {key: sight for key, sight in self._sights.items() if key in alive}
        self._looked = {key: each for key, each in self._looked.items() if key in alive}
        return True

    def _on_planning(self) -> None:
        now = self._model.planning
        self.rows, self.live = trajectories_of(now), None
        # the user's needles come and go; what was computed belongs to landmarks and zones
        self.plan = next(
            (plan for records, plan in self._kept if _made_of(records) == _made_of(now)),
            None,
        )
        if self.chosen and self.current is None:
            self.chosen = ""
        self.changed.emit()
        self.chosen_changed.emit()

    def _on_case(self) -> None:
        self._forget()
        self.changed.emit()

    def _on_labels(self) -> None:
        if self._ready is None:
            self._forget()
            self.changed.emit()

    def _forget(self) -> None:
        self.close()
        self.plan, self._kept, self._sights, self._looked, self._curves = None, [], {}, {}, {}

    def _on_selection(self) -> None:
        if self._model.selected is not None and self.chosen:
            self.chosen = ""
            self.chosen_changed.emit()


def _line(needle: Needle) -> tuple[object, ...]:
    """What of a needle the distances along it depend on."""
    return needle.entry, needle.target, needle.gauge


def _still_checked(before: Planning, after: Planning) -> Planning:
    """A planning on the same labels, with those checks of the one before that would be made on the same grounds."""
    level = before.level == after.level
    told = case_warnings(before) == case_warnings(after)
    same = {
        Checked.LEVEL: level,
        Checked.LABELS: level and before.roots == after.roots,
        Checked.WARNINGS: level and told and before.roots == after.roots,
    }
    return after.replaced(checked=tuple(each for each in before.checked if same[each]))


def _made_of(records: Planning) -> tuple[object, ...]:
    """What of a planning tells what was computed for it."""
    lumbar = None if records.level is None else records.level.lumbar
    return records.landmarks, records.zones, lumbar, records.rules, records.guidance
