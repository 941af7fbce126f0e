"""Engine, device and mode of the segmentation, and the button that starts it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QPushButton, QWidget

from app.model.case import Run
from app.model.case_model import CaseModel
from app.model.ongoing import SEGMENTING, Ongoing
from app.model.segment_options import CHOICES, SegmentOptions
from app.panels.progress import ProgressCard
from app.widgets.parts import Section, field_row, label
from spinect_core.plan.label_wording import correction_words, labels_words

NAMES = {
    "mode": {
        "thorough": "Thorough",
        "fast": "Fast",
        "paper": "As published",
    },
    "engine": {"auto": "Automatic", "tensorflow": "TensorFlow", "openvino": "OpenVINO"},
    "device": {"auto": "Automatic", "gpu": "GPU", "cpu": "CPU"},
}
MODES_IN_WORDS = {
    "thorough": "Reads twice what is in doubt about L5/S1",
    "fast": "Reads everything once",
    "paper": "Voxels and tile overlap of the paper",
}


class SegmentPanel(Section):
    """How to segment."""

    start_wanted = Signal()
    cancel_wanted = Signal()
    load_wanted = Signal()

    def __init__(
        self, model: CaseModel, options: SegmentOptions, ongoing: Ongoing, parent: QWidget | None = None
    ) -> None:
        super().__init__("Segmentation", parent)
        self._model, self._options, self._running, self._busy = model, options, False, False
        self.boxes: dict[str, QComboBox] = {}
        for name, choices in CHOICES.items():
            box = QComboBox()
            # The column is as wide as it is: a long name is cut in the box, not the column at the window's side.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            for value in choices:
                box.addItem(NAMES[name][value], value)
                if name == "mode":
                    box.setItemData(box.count() - 1, MODES_IN_WORDS[value], Qt.ItemDataRole.ToolTipRole)
            box.activated.connect(partial(self._on_choice, name))
            self.boxes[name] = box
            self.body.addLayout(field_row(name.capitalize(), box))
        self.button = QPushButton("Segment bone and nerve")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self._on_button)
        self.body.addWidget(self.button)
        self.load = QPushButton("Load labels made elsewhere…")
        self.load.setToolTip("Bone and nerve from another program or from hand, in place of the network's")
        self.load.clicked.connect(self.load_wanted)
        self.body.addWidget(self.load)
        self.progress = ProgressCard(ongoing, lambda job: job.title == SEGMENTING, can_cancel=False)
        self.body.addWidget(self.progress)
        self.result = label("", "muted", wrap=True)
        self.body.addWidget(self.result)
        self.result.hide()
        options.changed.connect(self._show_options)
        model.case_opened.connect(self._refresh)
        model.labels_changed.connect(self._refresh)
        self._show_options()
        self._refresh()

    def set_job(self, busy: bool, segmenting: bool) -> None:
        """Take over whether a job runs, and whether it is the segmentation."""
        self._busy, self._running = busy, segmenting
        self._refresh()

    def _on_button(self) -> None:
        if self._running:
            self.cancel_wanted.emit()
        else:
            self.start_wanted.emit()

    def _refresh(self) -> None:
        case = self._model.case
        done = case is not None and case.segmentation is not None
        self.button.setText(
            "Cancel" if self._running else "Segment again" if done else "Segment bone and nerve"
        )
        role = "" if done and not self._running else "primary"
        if self.button.property("role") != role:
            self.button.setProperty("role", role)
            self.button.style().polish(self.button)
        ready = case is not None and case.volume is not None and not self._busy
        self.button.setEnabled(self._running or ready)
        self.load.setEnabled(ready)
        for box in self.boxes.values():
            box.setEnabled(not self._running)
        run = case.segmentation.run if case is not None and case.segmentation is not None else None
        self.result.setVisible(run is not None)
        if run is not None:
            self.result.setText(run_summary(run))
            self.result.setToolTip("\n".join(run.fallbacks))

    def _on_choice(self, name: str, _place: int) -> None:
        self._options.choose(name, str(self.boxes[name].currentData()))

    def _show_options(self) -> None:
        for name, box in self.boxes.items():
            box.setCurrentIndex(box.findData(getattr(self._options.now, name)))


def run_summary(run: Run) -> str:
    """What ran, on one or two lines; or where labels come from that were made elsewhere; and what was corrected."""
    by_hand = correction_words(run.record)
    return "\n".join(each for each in (_made_by(run), by_hand[:1].upper() + by_hand[1:]) if each)


def _made_by(run: Run) -> str:
    elsewhere = labels_words(run.record)
    if not run.engine:
        return "\n".join((f"{elsewhere[:1].upper()}{elsewhere[1:]}", *run.fallbacks)).strip()
    engine = NAMES["engine"].get(run.engine, run.engine)
    mode = str(run.record.get("mode", ""))
    text = f"{NAMES['mode'][mode]}, " if mode in NAMES["mode"] else ""
    text += f"{engine} on {run.device.upper()}, {run.patches} patches, {run.seconds:.0f} s"
    return text + (f"\n{run.fallbacks[-1]}" if run.fallbacks else "")
