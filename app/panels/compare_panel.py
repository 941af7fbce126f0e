"""How well the labels agree with another set, and where they do not."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QPushButton, QWidget

from app.model.comparing import FULL_MM, RAMP, Comparing
from app.widgets.parts import Label, Section, label
from spinect_core.image.volume import BONE, NERVE

TISSUES = {NERVE: "Nerve", BONE: "Bone"}
ROWS = (
    ("dice", "Dice", "2 |A and B| / (|A| + |B|)"),
    ("iou", "IoU", "|A and B| / |A or B|"),
    ("accuracy", "Accuracy", "The part of the other set's voxels that have this label here as well"),
    ("mean_mm", "Mean distance", "Mean distance between the surfaces, in mm"),
    ("hd95_mm", "95 % within", "95th percentile of the distances between the surfaces, in mm"),
)
INTRO = "Compare the labels with another set of the same CT, such as an expert's."
BEFORE = "These numbers are of the labels before they were changed."


class ComparePanel(Section):
    """The other set, the measures, and the way to where the two differ most.

    Args:
        comparing: the comparison.

    Signals:
        load_wanted: choose another set of labels.
        again_wanted: compare the present labels with the same set.
    """

    load_wanted = Signal()
    again_wanted = Signal()

    def __init__(self, comparing: Comparing, parent: QWidget | None = None) -> None:
        super().__init__("Compare labels", parent)
        self._comparing = comparing
        self.load = QPushButton("Load labels to compare with…")
        self.load.clicked.connect(self.load_wanted)
        self.body.addWidget(self.load)
        self.told = label("", "muted", wrap=True)
        self.body.addWidget(self.told)
        self.again = QPushButton("Compare again")
        self.again.clicked.connect(self.again_wanted)
        self.body.addWidget(self.again)
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        self.numbers: dict[tuple[int, str], Label] = {}
        self.worst: dict[int, QPushButton] = {}
        for column, (tissue, name) in enumerate(TISSUES.items(), start=1):
            grid.addWidget(label(name, "muted"), 0, column, Qt.AlignmentFlag.AlignRight)
            for row, (key, _, _) in enumerate(ROWS, start=1):
                self.numbers[tissue, key] = number = label("")
                grid.addWidget(number, row, column, Qt.AlignmentFlag.AlignRight)
            button = QPushButton()
            button.setToolTip(f"Go to where the two sets of {name.lower()} lie farthest apart")
            button.clicked.connect(lambda _on, tissue=tissue: comparing.go_to_worst(tissue))
            self.worst[tissue] = button
            grid.addWidget(button, len(ROWS) + 1, column)
        for row, (_, title, tip) in enumerate(ROWS, start=1):
            head = label(title, "muted")
            head.setToolTip(tip)
            grid.addWidget(head, row, 0)
        grid.addWidget(label("Worst place", "muted"), len(ROWS) + 1, 0)
        grid.setColumnStretch(0, 1)
        self.body.addWidget(self._table)
        self.others = label("Its outlines are pink in the slices.", "muted", wrap=True)
        self.body.addWidget(self.others)
        self.colours = QCheckBox("Distances as colours in 3D")
        self.colours.setToolTip("Colour bone and nerve in the 3D view by how far they lie from the other set")
        self.colours.toggled.connect(comparing.set_colours)
        self.body.addWidget(self.colours)
        self.legend = Legend()
        self.body.addWidget(self.legend)
        self.remove = QPushButton("Remove the other set")
        self.remove.clicked.connect(lambda: comparing.take(None))
        self.body.addWidget(self.remove)
        comparing.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        comparing = self._comparing
        comparison, current = comparing.comparison, comparing.current
        there = comparison is not None
        self.load.setEnabled(comparing.possible)
        self.told.setText(INTRO if not there else BEFORE)
        self.told.setVisible(not there or not current)
        self.again.setVisible(there and not current)
        self.again.setEnabled(comparing.possible)
        for widget in (self._table, self.others, self.colours, self.remove):
            widget.setVisible(there)
        self._table.setEnabled(current)
        self.colours.setEnabled(current)
        self.colours.setChecked(comparing.colours)
        self.legend.setVisible(comparing.coloured)
        for tissue, name in TISSUES.items():
            found = None if comparison is None else comparison.found.tissues.get(tissue)
            for key, _, _ in ROWS:
                value = None if found is None else getattr(found, key)
                self.numbers[tissue, key].setText(_words(value, key))
            worst = None if found is None else found.worst_mm
            self.worst[tissue].setText("–" if worst is None else f"{worst:.1f} mm")
            self.worst[tissue].setEnabled(worst is not None)
            self.worst[tissue].setAccessibleName(
                f"Worst place of {name.lower()}: {_words(worst, 'worst_mm')}"
            )


def _words(value: float | None, key: str) -> str:
    if value is None:
        return "–"
    return f"{value:.2f} mm" if key.endswith("_mm") else f"{value:.3f}"


class Legend(QWidget):
    """What the colours on the surfaces stand for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(30)
        self.setAccessibleName(f"Colours from 0 to {FULL_MM:g} mm and more")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A bar from one end of the scale to the other, with numbers under it."""
        painter = QPainter(self)
        bar = QRectF(0, 2, self.width(), 10)
        shade = QLinearGradient(bar.topLeft(), bar.topRight())
        for place, colour in enumerate(RAMP):
            shade.setColorAt(place / (len(RAMP) - 1), QColor.fromRgbF(*colour))
        painter.fillRect(bar, shade)
        painter.setPen(self.palette().windowText().color())
        for place, align in enumerate((Qt.AlignmentFlag.AlignLeft, None, None, Qt.AlignmentFlag.AlignRight)):
            mm = FULL_MM * place / 3
            text = f"{mm:g} mm" if place == 0 else f"≥ {mm:g} mm" if place == 3 else f"{mm:g}"
            middle = QPointF(bar.width() * place / 3, 14)
            room = QRectF(middle.x() - 40, middle.y(), 80, 16)
            if place == 0:
                room.moveLeft(0)
            elif place == 3:
                room.moveRight(bar.right())
            painter.drawText(room, align or Qt.AlignmentFlag.AlignHCenter, text)
        painter.end()
