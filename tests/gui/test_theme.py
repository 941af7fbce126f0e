"""Light and dark: every text can be read, and a choice holds at once."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from plan_maker import full_planning
from PySide6.QtCore import Qt

from app.panels.settings_box import GeneralPage
from app.widgets import palette, theme
from app.widgets.palette import DARK, LIGHT
from spinect_core.base.words import Light
from spinect_core.pictures import palette as palettes

ROOMS = {"dark": DARK, "light": LIGHT}
READ = 4.5
"""Contrast that a text needs (WCAG 2.2, 1.4.3)."""
SEEN = 3.0
"""Contrast that a mark needs (WCAG 2.2, 1.4.11)."""
WINDOW = Path(__file__).resolve().parents[2] / "app"


@pytest.fixture(autouse=True)
def dark_again(qapp):
    yield
    theme.apply(qapp, theme.Theme.DARK)


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_every_text_can_be_read_on_every_ground_it_stands_on(room):
    grounds = ("ground", "panel", "raised", "alternate", "selected")
    for text in ("text", "muted", "accent", "warning", "error", "good"):
        for ground in grounds if text != "muted" else grounds[:4]:
            found = contrast(getattr(room, text), getattr(room, ground))
            assert found >= READ, (text, ground, found)
    for text, ground in (
        ("text", "hover"),
        ("on_primary", "primary"),
        ("warning", "warned"),
        ("text", "failed"),
        ("bone", "panel"),
        ("nerve", "panel"),
    ):
        assert contrast(getattr(room, text), getattr(room, ground)) >= READ, (text, ground)


@pytest.mark.parametrize(
    "name", ["TEXT", "MUTED", "WARNING", "ACCENT", "NEEDLE", "DOG", "GAP", "SUPPOSED", "BONE"]
)
def test_what_is_drawn_over_pictures_is_seen_on_their_ground(name):
    for ground in (palette.BLACK, palette.BACKDROP):
        assert contrast(getattr(palette, name), ground) >= READ


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_colours_of_kinds_and_planes_are_seen_in_pictures(room):
    for colour in (*palette.KIND_COLOURS.values(), *palette.PLANE_COLOURS.values()):
        assert contrast(colour, palette.BLACK) >= SEEN
    assert all(re.fullmatch("#[0-9a-f]{6}", getattr(room, each.name)) for each in fields(room))


def test_panels_take_their_colours_from_the_room_and_nowhere_else():
    """A colour for pictures would be light on light in a panel; one of its own would be in no test."""
    pictures = re.compile(r"palette\.(TEXT|MUTED|FAINT|WARNING|ACCENT|BONE\b|NERVE\b)")
    for folder in ("panels", "window", "widgets", "model", "controllers"):
        for path in (WINDOW / folder).glob("*.py"):
            if path.name in ("palette.py", "appearance.py"):
                continue  # the colours themselves; those of bone and nerve in pictures
            lines = path.read_text(encoding="utf-8").splitlines()
            # The spot before a view's name has the colour that the view has in pictures.
            found = [each for each in lines if pictures.search(each) and "ViewFrame(" not in each]
            assert not found, (path.name, found)
    sheet = theme._sheet(LIGHT)
    known = {getattr(LIGHT, each.name) for each in fields(LIGHT)}
    assert set(re.findall(r"#[0-9a-f]{6}\b", sheet)) <= known


def shade(widget):
    """How light a widget is on the whole, 0 to 255."""
    image = widget.grab().toImage()
    step = range(2, min(image.width(), image.height()), 7)
    return sum(image.pixelColor(k, k).lightness() for k in step) / len(step)


def test_a_choice_holds_at_once_and_at_the_next_start(segmented, qtbot, qapp):
    window = segmented
    window.model.set_planning(full_planning(), "plan")
    page = GeneralPage(window.state.autosave, window.state.settings)
    qtbot.addWidget(page)
    axial = window.slices["axial"]
    pictured = axial.grab().toImage()
    assert shade(window.side) < 90
    icon = window.actions_.named["open_folder"].icon().pixmap(20, 20).toImage()
    page.theme.setCurrentIndex(page.theme.findData("light"))
    qtbot.waitUntil(lambda: shade(window.side) > 180, timeout=5000)
    assert theme.chosen(window.state.settings) == theme.Theme.LIGHT
    assert window.actions_.named["open_folder"].icon().pixmap(20, 20).toImage() != icon
    assert axial.grab().toImage() == pictured, "pictures stay on their dark ground"
    rows = window.state.trajectories.rows
    table = window.trajectories_panel.table.model()
    places = [table.index(row, column) for row in range(len(rows)) for column in range(table.columnCount())]
    colours = [place.data(Qt.ItemDataRole.ForegroundRole) for place in places]
    told = [each.name() for each in colours if each is not None]
    assert told
    assert min(contrast(each, LIGHT.panel) for each in told) >= READ
    page.theme.setCurrentIndex(page.theme.findData("dark"))
    qtbot.waitUntil(lambda: shade(window.side) < 90, timeout=5000)


def test_the_system_says_which_where_it_is_asked(qapp, monkeypatch, settings):
    settings.setValue(theme.KEY, "as the system")
    assert theme.chosen(settings) == theme.Theme.SYSTEM
    said = {}
    monkeypatch.setattr(theme, "_system", lambda _application: said["scheme"])
    for scheme, room in (
        (Qt.ColorScheme.Light, LIGHT),
        (Qt.ColorScheme.Dark, DARK),
        (Qt.ColorScheme.Unknown, DARK),
    ):
        said["scheme"] = scheme
        theme.apply(qapp, theme.Theme.SYSTEM)
        assert palette.room() is room
    settings.setValue(theme.KEY, "pink")
    assert theme.chosen(settings) == theme.Theme.DARK


def test_each_light_has_a_colour_of_its_own_in_both():
    from app.model.trajectory_table import light_colour

    for room in ROOMS.values():
        palette.enter(room)
        assert len({light_colour(each).name() for each in Light}) == len(Light)


def test_exported_needles_have_the_windows_colours():
    shown = {name: palette.NEEDLE_COLOURS[name] for name in palettes.NEEDLES}
    assert shown == {name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in palettes.NEEDLES.items()}
