"""The angle maps of a planning as files."""

from __future__ import annotations

from pathlib import Path

from spinect_core.case_plan import CasePlan
from spinect_core.files import plain_name, write_whole
from spinect_core.pictures import save_picture
from spinect_core.pictures.angle_map import angle_map_picture
from spinect_core.plan_making import key_of
from spinect_core.planning.map_csv import angle_map_csv
from spinect_core.progress import Cancel, check


def write_maps(plan: CasePlan, folder: Path, *, cancel: Cancel | None = None) -> dict[str, str]:
    """The angle map of every zone as CSV and picture; the name of the CSV by the zone's key."""
    names = {}
    for approach in plan.approaches:
        check(cancel)
        stem = f"angle-map-{plain_name(approach.zone.name)}"
        write_whole(folder / f"{stem}.csv", angle_map_csv(approach.search).encode("utf-8"))
        save_picture(angle_map_picture(approach.search), folder / f"{stem}.png")
        names[key_of(approach.zone)] = f"{stem}.csv"
    return names
