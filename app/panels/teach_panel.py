"""The student's column: what to do, what was placed, and after handing in what it was worth."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.teach import Trainer
from app.widgets import palette
from app.widgets.parts import Label, Section, label
from spinect_core.teaching.records import PartRecord
from spinect_core.teaching.wording import (
    AIDS,
    PARTS,
    ROLES,
    TASKS,
    advice_sentences,
    part_line,
    task_text,
    touched_line,
)
from spinect_core.teaching.words import Aids, PartRole, Task

TICK_MS = 1000
GOOD_FROM, FAIR_FROM = 0.8, 0.4
"""Parts of a score that are shown in green, and in amber; below that in red."""


class TaskSection(Section):
    """What is to be done, and how long one has been at it.

    Signals:
        prepare_wanted: the case is to be prepared again, after that was cancelled or failed.
    """

    prepare_wanted = Signal()

    def __init__(self, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__("Task", parent)
        self._trainer = trainer
        self.name, self.case = label("", "title", wrap=True), label("", "muted", wrap=True)
        self.text, self.spent = Label("", wrap=True), label("", "muted")
        self.prepare = QPushButton("Prepare the case")
        self.prepare.setToolTip("The case of this task is not on the screen yet")
        self.prepare.clicked.connect(self.prepare_wanted)
        self.prepare.hide()
        for each in (self.name, self.case, self.text, self.spent, self.prepare):
            self.body.addWidget(each)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.refresh)
        trainer.step_changed.connect(self._show)
        trainer.answer_changed.connect(self.refresh)
        trainer.scored.connect(self.refresh)
        self._show()

    def _show(self) -> None:
        trainer = self._trainer
        task = trainer.task
        self.name.setText(f"{TASKS[task.task]} – {AIDS[task.aids]}")
        self.case.setText(f"{trainer.case.title} · {trainer.number + 1} of {len(trainer.steps)}")
        self.text.setText(task_text(task))
        self._timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Show the time and the pictures that were taken."""
        trainer = self._trainer
        if trainer.handed_in:
            self._timer.stop()
            attempt = trainer.done[-1].attempt
            seconds, shots = attempt.seconds, attempt.shots
        else:
            seconds, shots = trainer.seconds, trainer.shots
        told = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        if trainer.task.aids == Aids.FLUOROSCOPY:
            told += f" · {shots} picture{'' if shots == 1 else 's'}"
        left = trainer.seconds_left
        if left is not None:
            minutes = math.ceil(left / 60)
            told += f" · {minutes} min left of the session" if left else " · the time of the session is over"
        self.spent.setText(told)


class AnswerSection(Section):
    """What the student places.

    Signals:
        hand_in_wanted: what was placed is to be scored.
        decline_wanted: no needle should be placed, says the student.
        corners_wanted: a triangle is to be drawn.
        shot_wanted: a simulated picture is to be taken.
        refused: a sentence why something could not be placed.
    """

    hand_in_wanted = Signal()
    decline_wanted = Signal()
    corners_wanted = Signal()
    shot_wanted = Signal()
    refused = Signal(str)

    def __init__(self, trainer: Trainer, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__("Your answer", parent)
        self._trainer, self._model = trainer, model
        self.shoot = QPushButton("Shoot")
        self.shoot.setToolTip("Take one simulated picture of the present view. Each is counted (Space)")
        self.shoot.clicked.connect(self.shot_wanted)
        self.tip = QPushButton("Tip to the cross-hair")
        self.tip.clicked.connect(self._set_tip)
        self.entry = QPushButton("Entry at the cross-hair")
        self.entry.setToolTip("The needle comes through the cross-hair; put it on the skin")
        self.entry.clicked.connect(self._set_entry)
        self.along = QPushButton("Along this view")
        self.along.setToolTip("The needle comes along your line of sight")
        self.along.clicked.connect(lambda: trainer.set_view(model.view))
        self.corners = QPushButton("Place the corners")
        self.corners.clicked.connect(self.corners_wanted)
        self.placed = Label("", wrap=True)
        self.decline = QPushButton("No needle should be placed")
        self.decline.clicked.connect(self.decline_wanted)
        self.hand_in = QPushButton("Hand in")
        self.hand_in.setProperty("role", "primary")
        self.hand_in.clicked.connect(self.hand_in_wanted)
        for each in (self.shoot, self.tip, self.entry, self.along, self.corners, self.placed):
            self.body.addWidget(each)
        self.body.addWidget(self.decline)
        self.body.addWidget(self.hand_in)
        trainer.step_changed.connect(self.refresh)
        trainer.answer_changed.connect(self.refresh)
        trainer.scored.connect(self.refresh)
        model.measurements_changed.connect(self.refresh)
        self.refresh()

    @property
    def needle_wanted(self) -> bool:
        """Whether a needle is to be placed."""
        return self._trainer.task.task == Task.NEEDLE

    def refresh(self) -> None:
        """Show what the task asks for, and what is placed of it."""
        trainer, task = self._trainer, self._trainer.task
        with_needle, alone = self.needle_wanted, task.aids == Aids.FLUOROSCOPY
        self.setVisible(not trainer.handed_in)
        self.shoot.setVisible(alone)
        self.tip.setVisible((with_needle and not alone) or task.task == Task.LEVEL)
        self.tip.setText("Here is the foramen" if task.task == Task.LEVEL else "Tip to the cross-hair")
        self.entry.setVisible(with_needle and not alone)
        self.along.setVisible(with_needle and task.aids != Aids.SLICES)
        self.corners.setVisible(task.task == Task.CORNERS)
        self.decline.setVisible(task.task in (Task.VIEW, Task.NEEDLE))
        self.placed.setText(self._told())
        self.placed.setVisible(bool(self.placed.text()))

    def _told(self) -> str:
        trainer, task = self._trainer, self._trainer.task
        if task.task == Task.VIEW:
            return "Turn the 3D view, then hand in."
        if task.task == Task.CORNERS:
            count = len(self._model.measurements)
            return (
                "The triangle is placed; drag its corners."
                if count
                else "Click three corners in the 3D view."
            )
        answer = trainer.answer
        if task.task == Task.LEVEL:
            return "The place is set." if answer.tip is not None else "Click into the foramen on a slice."
        if answer.tip is None:
            where = "Click on a picture" if task.aids == Aids.FLUOROSCOPY else "Put the cross-hair"
            return f"{where} where the tip is to end."
        if answer.way is None:
            return "The tip is set. Now the direction."
        return "The needle is placed. Look along it before you hand in."

    def _set_tip(self) -> None:
        self._trainer.set_tip(self._model.cursor)

    def _set_entry(self) -> None:
        if not self._trainer.set_entry(self._model.cursor):
            self.refused.emit("Set the tip first, and the entry away from it.")


class ScoreSection(Section):
    """What the attempt was worth.

    Signals:
        next_wanted: on to the next task.
        again_wanted: the same task once more.
        look_wanted: look along the best trajectory.
    """

    next_wanted = Signal()
    again_wanted = Signal()
    look_wanted = Signal()

    def __init__(self, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__("What it was worth", parent)
        self._trainer = trainer
        self.points = label("", "title")
        self.points.setStyleSheet("font-size: 26px; font-weight: 600;")
        self.parts = QVBoxLayout()
        self.parts.setSpacing(4)
        self.told, self.advice, self.about = Label("", wrap=True), Label("", wrap=True), Label("", wrap=True)
        self.told.setProperty("role", "muted")
        self.about.setProperty("role", "muted")
        self.key = Label(
            "× multiplies all the rest. White is your needle, green the best that the program found.",
            wrap=True,
        )
        self.key.setProperty("role", "muted")
        self.look = QPushButton("Look along the best trajectory")
        self.look.clicked.connect(self.look_wanted)
        self.again, self.next = QPushButton("Try again"), QPushButton("Next")
        self.next.setProperty("role", "primary")
        self.again.clicked.connect(self.again_wanted)
        self.next.clicked.connect(self.next_wanted)
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addWidget(self.next)
        for each in (self.points, self.advice, self.look):
            self.body.addWidget(each)
        self.body.addLayout(row)
        self.body.addLayout(self.parts)
        for each in (self.key, self.told, self.about):
            self.body.addWidget(each)
        trainer.step_changed.connect(self.refresh)
        trainer.scored.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the score of the step, or nothing."""
        trainer, score = self._trainer, self._trainer.score
        self.setVisible(score is not None)
        while (item := self.parts.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if score is None:
            return
        self.points.setText(f"{score.points} of 100")
        self.advice.setText("\n".join(advice_sentences(score, trainer.task)))
        for part in score.parts:
            self.parts.addWidget(PartBar(part))
        self.told.setText("\n".join(touched_line(each) for each in score.touched))
        self.told.setVisible(bool(score.touched))
        self.about.setText(trainer.case.about)
        self.about.setVisible(bool(trainer.case.about))
        self.look.setVisible(score.best.view is not None)
        self.next.setEnabled(not trainer.last)


class PartBar(QWidget):
    """One part of a score: its name, a bar, and the numbers behind it."""

    def __init__(self, part: PartRecord, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.part = part
        self.setToolTip(f"{PARTS[part.name]}: {ROLES[part.role]}")
        self.setAccessibleName(part_line(part))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        text = label(PARTS[part.name] + (" ×" if part.role == PartRole.GATE else ""))
        text.setStyleSheet("font-size: 12px;")
        value = label(f"{100 * part.value:.0f} %")
        value.setStyleSheet("font-size: 12px;")
        grid.addWidget(text, 0, 0)
        grid.addWidget(value, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(_Bar(part.value), 1, 0, 1, 2)
        numbers = part_line(part).partition("(")[2].removesuffix(")")
        if numbers:
            small = label(numbers, "muted")
            small.setStyleSheet("font-size: 11px;")
            grid.addWidget(small, 2, 0, 1, 2)


class _Bar(QWidget):
    """A part from 0 to 1."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value
        self.setFixedHeight(5)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.room().line))
        value, colours = self._value, palette.room()
        colour = (
            colours.good if value >= GOOD_FROM else colours.warning if value >= FAIR_FROM else colours.error
        )
        painter.fillRect(0, 0, round(self.width() * value), self.height(), QColor(colour))
        painter.end()
