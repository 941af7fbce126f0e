"""Errors, the notice and the About dialog: what the program says in words of its own."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QCheckBox, QMessageBox, QWidget

from app.widgets import plain
from spinect_core.base.errors import SpinectError
from spinect_core.base.versions import NOTICE, __version__

SOURCE = "Fan et al., AJNR Am J Neuroradiol 2019;40:1074"

WITHOUT_CT = (
    "Another CT",
    "was made on another CT than the one that is open. Close this CT and open the plan without its CT?",
    QMessageBox.StandardButton.Open,
)
MOVED = (
    "Another address",
    "What waits for {archive} was meant for {then}. {archive} is entered as {now}. Send it there?",
    QMessageBox.StandardButton.Yes,
)
NOT_HU = (
    "Not Hounsfield units",
    "Open this CT all the same?",
    "{fault}.\n\nThe program needs Hounsfield units. Labels, needles and skin made of other values are wrong, and "
    "the plan will carry a warning.",
    QMessageBox.StandardButton.Open,
)
OTHER_CT = (
    "Another CT",
    "This is not the CT of the open plan: its grid or its voxels differ. Close the plan and open this CT?",
    QMessageBox.StandardButton.Open,
)
CORRECTED = (
    "Labels corrected by hand",
    "Replace the labels that were corrected by hand? This cannot be undone.",
    QMessageBox.StandardButton.Discard,
)


def plain_box(
    icon: QMessageBox.Icon,
    title: str,
    text: str,
    more: str,
    buttons: QMessageBox.StandardButton,
    parent: QWidget | None,
) -> QMessageBox:
    """A box whose texts are shown as they are written, see :mod:`app.widgets.plain`; every box is made here."""
    box = QMessageBox(icon, plain.window_title(title), "", buttons, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(plain.wrapped(text))
    box.setInformativeText(plain.wrapped(more))
    return box


def _for_later(box: QMessageBox) -> QMessageBox:
    """A box that does not block, and goes when it is closed."""
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    return box


def unsaved_box(unsaved: Sequence[str], running: str, parent: QWidget | None) -> QMessageBox:
    """Asks whether to save, to lose, or to stay with a case that is not saved."""
    button = QMessageBox.StandardButton
    lost = []
    if unsaved:
        lost.append(f"Not saved: {', '.join(unsaved)}.")
    if running:
        lost.append(f"{running} is still going on and will be stopped.")
    box = plain_box(
        QMessageBox.Icon.Question,
        "Case not saved" if unsaved else "Work is going on",
        "Save the open case before it is closed?" if unsaved else "Stop the work on the open case?",
        "\n".join(lost),
        button.Save | button.Discard | button.Cancel if unsaved else button.Discard | button.Cancel,
        parent,
    )
    if not unsaved:
        box.button(button.Discard).setText("Stop it")
        box.button(button.Cancel).setText("Let it go on")
    box.setDefaultButton(button.Save if unsaved else button.Cancel)
    box.setEscapeButton(button.Cancel)
    return box


def error_box(title: str, error: SpinectError, parent: QWidget | None) -> QMessageBox:
    """A dialog that shows an error's own text; it does not block."""
    source = f"{error.source}\n\n" if error.source else ""
    box = plain_box(
        QMessageBox.Icon.Warning,
        title,
        f"{error.fault}.",
        f"{source}{error.remedy}.",
        QMessageBox.StandardButton.Ok,
        parent,
    )
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return _for_later(box)


def about_box(parent: QWidget | None) -> QMessageBox:
    """What this is, and what it is not."""
    box = plain_box(
        QMessageBox.Icon.NoIcon,
        "About SPINECT Planner",
        f"SPINECT Planner {__version__}",
        f"Plans injections at L5/S1 from a CT: bone and nerve in 3D, the line of sight, Kambin's and the safe triangle "
        f"measured.\n\n{NOTICE}\n\nAfter the method of {SOURCE}. Areas are those of the projected corners in parallel "
        f"projection; no pixel is counted.\n\nLicence: Apache 2.0.",
        QMessageBox.StandardButton.Ok,
        parent,
    )
    return _for_later(box)


def first_start_box(settings: QSettings, parent: QWidget | None) -> QMessageBox | None:
    """The notice at the first start; None once it was acknowledged."""
    if settings.value("notice/acknowledged", "") == __version__:
        return None
    box = plain_box(
        QMessageBox.Icon.Information,
        "SPINECT Planner",
        NOTICE,
        "The segmentation is made by a neural network and can be wrong. Check bone and nerve against the slices before "
        "you rely on a measurement.",
        QMessageBox.StandardButton.Ok,
        parent,
    )
    again = QCheckBox("Do not show this again for this version")
    again.setChecked(True)
    box.setCheckBox(again)
    _for_later(box)
    box.accepted.connect(
        lambda: settings.setValue("notice/acknowledged", __version__ if again.isChecked() else "")
    )
    return box
