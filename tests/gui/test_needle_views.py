"""The needle's own views: planes along and across it, its numbers, the skin, and what it touches."""

import numpy as np
import pytest
from gui_help import drag, send, settle
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.model.dragging import End
from app.views.needle_plane_view import Cut, within
from app.widgets import palette


@pytest.fixture
def shown(own):
    """The window in the layout of the needle."""
    own.actions_.named["layout_needle"].trigger()
    own.grab()
    return own


def wheel(view, steps):
    none, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    middle = QPointF(view.width() / 2, view.height() / 2)
    event = QWheelEvent(
        middle,
        view.mapToGlobal(middle),
        QPoint(),
        QPoint(0, 120 * steps),
        none,
        no_key,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def needle_of(window):
    return window.state.trajectories.current.needle.needle


def at(view, point):
    return QPointF(*view.to_screen(np.asarray(point)))


def colours_of(window):
    return [
        QColor.fromRgbF(*actor.GetProperty().GetColor()).name()
        for actor in window.stage.viewport.renderer.GetActors()
    ]


def test_two_planes_hold_the_needle_and_one_lies_across(shown):
    views, needle = shown.needle_planes.views, needle_of(shown)
    section = shown.state.section
    section.put(needle.depth_mm / 2)
    for cut, view in views.items():
        plane = view.plane
        normal = np.cross(plane.across, plane.down)
        assert abs(plane.across @ plane.down) < 1e-9
        away = [abs((np.asarray(end) - plane.origin) @ normal) for end in (needle.entry, needle.target)]
        if cut == Cut.ACROSS:
            assert abs(normal @ needle.towards_entry) == pytest.approx(1.0)
            assert away == pytest.approx([needle.depth_mm / 2] * 2)
            # seen from the hub: what lies to the patient's right in a view from behind is to the right
            assert plane.across @ needle.view.right == pytest.approx(1.0)
        else:
            assert away == pytest.approx([0.0, 0.0], abs=1e-9)
        point = view.to_patient(QPointF(30, 40))
        assert at(view, point) == QPointF(30, 40) or np.allclose(view.to_screen(point), (30, 40))
    tilted, upright = (views[cut].plane for cut in (Cut.TILTED, Cut.UPRIGHT))
    normals = [np.cross(each.across, each.down) for each in (tilted, upright)]
    assert abs(normals[0] @ normals[1]) < 1e-9


def test_the_wheel_slides_the_plane_across_between_target_and_skin(shown):
    views, section, needle = shown.needle_planes.views, shown.state.section, needle_of(shown)
    frame = shown.needle_planes.frames[Cut.ACROSS]
    assert section.depth_mm == pytest.approx(needle.depth_mm)
    assert frame.info.text().endswith("at the target")
    wheel(views[Cut.ACROSS], -5)
    assert section.depth_mm == pytest.approx(needle.depth_mm - 5.0)
    assert frame.info.text() == f"{needle.depth_mm - 5:.0f} mm from the skin, 5 mm before the target"
    wheel(views[Cut.TILTED], -1)
    assert section.depth_mm == pytest.approx(needle.depth_mm - 6.0), "in every view of the needle"
    np.testing.assert_allclose(views[Cut.ACROSS].plane.origin, needle.at(needle.depth_mm - 6.0))
    wheel(views[Cut.ACROSS], -1000)
    assert section.depth_mm == 0.0
    wheel(views[Cut.ACROSS], 1000)
    assert section.depth_mm == pytest.approx(needle.depth_mm)


def test_its_place_is_seen_in_the_others_and_in_3d(shown):
    views, section, needle = shown.needle_planes.views, shown.state.section, needle_of(shown)
    section.put(needle.depth_mm - 12.0)
    blue = QColor(palette.ACCENT).name()
    assert colours_of(shown).count(blue) >= 2, "the ring and its disc"
    view = views[Cut.TILTED]
    normal = np.cross(view.plane.across, view.plane.down)
    side = np.cross(needle.towards_entry, normal)
    spot = at(view, needle.at(section.depth_mm) + 8.0 * side).toPoint()

    def blueness():
        picture = view.grab().toImage()
        about = [picture.pixelColor(spot.x() + dx, spot.y() + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        return max(each.blue() - each.red() for each in about)

    before = blueness()
    section.put(needle.depth_mm - 2.0)
    assert before > blueness() + 40, "the line of the plane across was there"
    shown.actions_.named["layout_standard"].trigger()
    assert not section.shown
    assert colours_of(shown).count(blue) < 2


def test_the_cross_hair_is_one_in_all_views(shown):
    view, model = shown.needle_planes.views[Cut.UPRIGHT], shown.model
    place = (view.width() / 2 + 12, view.height() / 2 + 14)
    wanted = view.to_patient(QPointF(*place))
    send(view, QEvent.Type.MouseButtonPress, place)
    send(view, QEvent.Type.MouseButtonRelease, place, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton)
    np.testing.assert_allclose(model.cursor, wanted, atol=1e-6)


def test_an_end_is_dragged_in_a_plane_along_the_needle(shown, qtbot):
    view, before = shown.needle_planes.views[Cut.UPRIGHT], needle_of(shown)
    plane, scale = view.plane, view.mm_per_pixel
    start = at(view, before.target)
    drag(view, (start.x(), start.y()), (start.x(), start.y() - 12))
    settle(shown, qtbot)
    after = needle_of(shown)
    np.testing.assert_allclose(np.subtract(after.target, before.target), -12 * scale * plane.down, atol=1e-6)
    assert after.entry == before.entry


def test_a_needle_is_solid_only_where_it_lies_in_the_slice():
    assert within(np.array([10.0, -10.0]), 0.5) == pytest.approx((0.475, 0.525))
    assert within(np.array([0.2, 0.2]), 0.5) == (0.0, 1.0)
    assert within(np.array([3.0, 2.0]), 0.5) is None
    assert within(np.array([0.0, 5.0]), 0.5) == pytest.approx((0.0, 0.1))


def test_the_numbers_are_those_of_the_needle_also_while_it_is_dragged(shown, qtbot):
    readout, trajectories = shown.needle_planes.readout, shown.state.trajectories
    record = trajectories.current.needle
    assert readout.values["To bone"].text() == f"{record.safety.bone.gap_mm:.1f} mm"
    assert "follow" not in readout.title.text()
    dragging = shown.state.dragging
    assert dragging.begin(End.TARGET)
    dragging.bring(np.add(record.needle.target, (0.0, 4.0, 0.0)))
    qtbot.waitUntil(lambda: trajectories.live is not None, timeout=90000)
    live = trajectories.current.needle
    assert readout.values["To bone"].text() == f"{live.safety.bone.gap_mm:.1f} mm"
    assert readout.values["Depth, needle"].text().startswith(f"{live.needle.depth_mm:.0f} mm")
    assert readout.values["View"].text() == live.needle.view.words
    assert readout.title.text().endswith("follow")
    dragging.end_drag()
    settle(shown, qtbot)
    qtbot.waitUntil(lambda: "follow" not in readout.title.text(), timeout=90000)


def test_what_the_needle_touches_is_lit_and_named_while_it_is_dragged(shown, qtbot):
    trajectories, dragging = shown.state.trajectories, shown.state.dragging
    red = QColor(palette.TOUCHED).name()
    assert red not in colours_of(shown)
    assert dragging.begin(End.TARGET)
    dragging.bring(np.array([-9.0, -2.0, 0.0]))  # in the middle of the block of bone
    qtbot.waitUntil(lambda: trajectories.live is not None, timeout=90000)
    record = trajectories.current.needle
    assert record.safety.bone.gap_mm < 0
    assert colours_of(shown).count(red) == 2, "the place and the surface about it"
    assert "touches" in shown.frames["3d"].info.text()
    assert "needle in bone" in shown.needle_planes.readout.rules.text() or not record.findings
    dragging.give_up()
    assert red not in colours_of(shown)


def test_the_skin_is_shown_where_the_user_wants_it(shown):
    skin, viewport = shown.state.trajectories.skin, shown.stage.viewport
    assert 0 < skin.n_cells < 30_000
    # the small CT has air behind y = 24 mm and before -27.75 mm
    back = np.asarray(skin.points)[:, 1].max()
    assert back == pytest.approx(needle_of(shown).entry[1], abs=1.5)
    count = len(list(viewport.renderer.GetActors()))
    shown.display_panel.checks["skin"].setChecked(True)
    actors = list(viewport.renderer.GetActors())
    assert len(actors) == count + 1
    assert min(actor.GetProperty().GetOpacity() for actor in actors) < 0.3, "one sees through it"
    shown.display_panel.checks["skin"].setChecked(False)
    assert len(list(viewport.renderer.GetActors())) == count
