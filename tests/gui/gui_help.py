"""A small CT, a quick segmentation, and a hand on the mouse."""

import time

import numpy as np
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

from spinect_core.base.progress import check
from spinect_core.image.organs import Organ, OrganOrigin, Organs
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.preprocessing import Prepared, Region
from spinect_core.segmentation.run import RunInfo, Segmentation

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
BONE_HU, NERVE_HU = 700, 250
STEPS, STEP_SECONDS = 20, 0.02


def small_volume(name: str = "small") -> Volume:
    """A block of bone with a rod of nerve beside it on the patient's left, air before and behind, 1.5 mm voxels."""
    geometry = Geometry((40, 44, 48), (1.5, 1.5, 1.5), (-36.0, -33.0, -30.0))
    array = np.full(geometry.shape, 40, np.int16)
    array[:, :4] = array[:, -6:] = -1000
    array[8:32, 12:30, 10:26] = BONE_HU
    array[6:34, 18:24, 32:37] = NERVE_HU
    return Volume(array, geometry, name)


def send(
    widget,
    kind,
    position,
    button=LEFT,
    buttons=None,
    modifiers=NO_KEY,
):
    """A mouse event at a position that may lie between logical pixels, as on a screen with small pixels."""
    point = QPointF(*position) if not isinstance(position, QPointF) else position
    held = button if buttons is None else buttons
    event = QMouseEvent(kind, point, QPointF(widget.mapToGlobal(point)), button, held, modifiers)
    QApplication.sendEvent(widget, event)


def click(widget, position, button=LEFT):
    """Move there, press, release."""
    none = Qt.MouseButton.NoButton
    send(widget, QEvent.Type.MouseMove, position, none, none)
    send(widget, QEvent.Type.MouseButtonPress, position, button)
    send(widget, QEvent.Type.MouseButtonRelease, position, button, none)


def drag(widget, start, stop, button=LEFT, steps=8, modifiers=NO_KEY):
    """Press, move in steps, release."""
    none = Qt.MouseButton.NoButton
    start, stop = np.array(start, float), np.array(stop, float)
    send(widget, QEvent.Type.MouseMove, start, none, none)
    send(widget, QEvent.Type.MouseButtonPress, start, button, modifiers=modifiers)
    for step in range(1, steps + 1):
        send(widget, QEvent.Type.MouseMove, start + (stop - start) * step / steps, none, button, modifiers)
    send(widget, QEvent.Type.MouseButtonRelease, stop, button, none, modifiers)


def drop(window, path):
    """Drag a file over the 3D view and let it go, as the desktop would."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(700, 400), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(700, 400), copy, data, left, none))


def fake_find_organs(volume, *, region=None, progress, cancel, **_):
    """No organ anywhere, but they were looked for."""
    check(cancel)
    progress(1.0, "organs named")
    looked_for = (Organ.BOWEL, Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT)
    nothing = np.zeros(volume.geometry.shape, np.uint8)
    return Organs(
        nothing, volume.geometry, looked_for, origin=OrganOrigin.NETWORK, source="the organ network"
    )


def fake_segment(volume, *, region=None, engine="auto", device="auto", mode="paper", progress, cancel, **_):
    """Thresholds, with the manners of the real one: it reports and can be stopped."""
    for step in range(STEPS):
        check(cancel)
        progress(step / STEPS, f"patch {step} of {STEPS}")
        time.sleep(STEP_SECONDS)
    labels = np.zeros(volume.geometry.shape, np.uint8)
    labels[volume.array > 150] = 2
    labels[volume.array > 500] = 1
    made = Labels(labels, volume.geometry)
    prepared = Prepared.__new__(Prepared)
    run = RunInfo("openvino", "cpu", mode, (32, 64, 64), (20, 40, 40), 1, STEPS, 0, {"total": 0.4})
    return Segmentation(made, made, prepared, run)


def small_region(volume) -> Region:
    """The middle of the small CT."""
    return Region.around(volume.geometry.centre, (48.0, 48.0, 48.0), note="for the test")


def settle(window, qtbot):
    """Wait until nothing is computed and no needle follows the mouse any more."""
    dragging = window.state.dragging
    qtbot.waitUntil(lambda: dragging.idle and not window.jobs.busy, timeout=90000)


def export_view(window, qtbot, path):
    """Write what the 3D view shows, and wait for the file."""
    with qtbot.waitSignal(window.controllers.export.said, timeout=20000) as said:
        assert window.controllers.export.write_view(path)
    assert said.args[0] == f"Picture saved: {path.name}"
