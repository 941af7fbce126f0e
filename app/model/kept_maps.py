"""The angle maps that an opened document keeps. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from spinect_core.base.errors import MeasurementError
from spinect_core.plan.wording import trajectories

if TYPE_CHECKING:
    from spinect_core.plan.records import Planning
    from spinect_core.planning.search.angle_map import AngleMap


def read_maps(planning: Planning, files: Mapping[str, bytes]) -> None:
    """Read the maps of a document before they are shown, away from the window's thread.

    Args:
        planning: names them.
        files: by name.
    """
    for each in trajectories(planning):
        if each.search is not None and each.search.map in files:
            kept_map(files[each.search.map], each.side)


@lru_cache(maxsize=16)
def kept_map(table: bytes, side: str) -> AngleMap | None:
    """The map of a document; None where another program wrote something else there."""
    from spinect_core.planning.search.map_csv import angle_map_of

    try:
        return angle_map_of(table.decode("utf-8"), side)
    except (MeasurementError, UnicodeDecodeError):
        return None
