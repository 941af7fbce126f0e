"""Engine, device and mode of the segmentation, and the button that starts it."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QComboBox, QPushButton, QWidget

from app.model.case_model import CaseModel
from app.model.work import Options
from app.widgets.parts import Section, field_row, label

CHOICES = {
    "mode": (
        ("thorough", "Thorough (reads twice)"),
        ("fast", "Fast (reads once)"),
        ("paper", "As published"),
    ),
    "engine": (("auto", "Automatic"), ("tensorflow", "TensorFlow"), ("openvino", "OpenVINO")),
    "device": (("auto", "Automatic"), ("gpu", "GPU"), ("cpu", "CPU")),
}


class SegmentPanel(Section):
    """How to segment."""

    start_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, model: CaseModel, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("Segmentation", parent)
        self._model, self._settings, self._running, self._busy = model, settings, False, False
        self.boxes: dict[str, QComboBox] = {}
        for name, choices in CHOICES.items():
            box = QComboBox()
            for value, text in choices:
                box.addItem(text, value)
            stored = settings.value(f"segment/{name}", choices[0][0])
            box.setCurrentIndex(max(box.findData(stored), 0))
            box.currentIndexChanged.connect(self._store)
            self.boxes[name] = box
            self.body.addLayout(field_row(name.capitalize(), box))
        self.button = QPushButton("Segment bone and nerve")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self._on_button)
        self.body.addWidget(self.button)
        self.result = label("", "muted", wrap=True)
        self.body.addWidget(self.result)
        self.result.hide()
        model.case_opened.connect(self._refresh)
        model.labels_changed.connect(self._refresh)
        self._refresh()

    @property
    def options(self) -> Options:
        """The choices."""
        return Options(**{name: str(box.currentData()) for name, box in self.boxes.items()})

    def choose(self, name: str, value: str) -> None:
        """Make a choice for this run, without keeping it."""
        box = self.boxes[name]
        box.blockSignals(True)
        box.setCurrentIndex(box.findData(value))
        box.blockSignals(False)

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
        ready = case is not None and case.volume is not None and not self._busy
        self.button.setEnabled(self._running or ready)
        for box in self.boxes.values():
            box.setEnabled(not self._running)
        run = getattr(case.segmentation, "run", None) if case is not None and done else None
        self.result.setVisible(run is not None)
        if run is not None:
            self.result.setText(run_summary(run))
            self.result.setToolTip("\n".join(getattr(run, "fallbacks", ())))

    def _store(self) -> None:
        for name, box in self.boxes.items():
            self._settings.setValue(f"segment/{name}", box.currentData())


def run_summary(run: object) -> str:
    """What ran, on one or two lines."""
    names = dict(CHOICES["engine"])
    engine = names.get(getattr(run, "engine", ""), str(getattr(run, "engine", "")))
    device = str(getattr(run, "device", "")).upper()
    seconds = getattr(run, "seconds", {}) or {}
    total = seconds.get("total", sum(seconds.values())) if isinstance(seconds, dict) else float(seconds)
    text = f"{engine} on {device}, {getattr(run, 'patches', 0)} patches, {total:.0f} s"
    fallbacks = getattr(run, "fallbacks", ())
    return text + (f"\n{fallbacks[-1]}" if fallbacks else "")
