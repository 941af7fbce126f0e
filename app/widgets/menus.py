"""Entries of menus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from app.widgets import plain


def add_entry(menu: QMenu, text: str, slot: Callable[[], object] | None = None) -> QAction:
    """A new entry at the end of a menu, and what choosing it does; an ampersand in its text is one.

    The action is made here and not by the menu: what Qt makes is looked up in PySide by its address, where once an
    object of another kind that had just been deleted was still found.
    """
    action = QAction(plain.caption(text), menu)
    if slot is not None:
        action.triggered.connect(lambda _=False: slot())
    menu.addAction(action)
    return action
