"""The angle maps of a planning, and the slices along its needles, as files."""

from __future__ import annotations

from pathlib import Path

from spinect_core.base.files import plain_name, write_whole
from spinect_core.base.progress import Cancel, check
from spinect_core.image.organs import Organs
from spinect_core.image.volume import Labels, Volume
from spinect_core.pictures import save_picture
from spinect_core.pictures.angle_map import angle_map_picture
from spinect_core.pictures.needle_plane import needle_plane_picture
from spinect_core.plan.build import key_of
from spinect_core.plan.gap_lines import gap_lines
from spinect_core.plan.rule_wording import TITLES, chosen_text
from spinect_core.plan.wording import (
    count_caption,
    level_caption,
    refusal_reasons,
    sentences,
    withheld_sentences,
)
from spinect_core.planning.results import CasePlan
from spinect_core.planning.search.map_csv import angle_map_csv, map_name


def write_maps(plan: CasePlan, folder: Path, *, cancel: Cancel | None = None) -> dict[str, str]:
    """The angle map of every zone as CSV and picture; the name of the CSV by the zone's key."""
    names = {}
    for approach in plan.approaches:
        check(cancel)
        name = map_name(approach.zone)
        write_whole(folder / name, angle_map_csv(approach.search, plan.warnings).encode("utf-8"))
        reasons = (*sentences((*plan.withheld, *approach.withheld)), *refusal_reasons(approach.refusal))
        why = () if approach.chosen is None else (f"Recommended: {chosen_text(approach.chosen)}.",)
        told = (
            f"{level_caption(approach.zone.level, plan.landmarks.lumbar)}.",
            *withheld_sentences(reasons),
            *why,
            *sentences(approach.search.notes),
        )
        picture = angle_map_picture(approach.search, told, plan.warnings, TITLES)
        save_picture(picture, (folder / name).with_suffix(".png"))
        names[key_of(approach.zone)] = name
    return names


def write_needle_planes(
    plan: CasePlan,
    volume: Volume,
    labels: Labels,
    folder: Path,
    *,
    organs: Organs | None = None,
    cancel: Cancel | None = None,
) -> dict[str, str]:
    """The CT in the plane of every needle as a picture; their names by what they show."""
    names = {}
    for approach in plan.approaches:
        check(cancel)
        if approach.needle is not None:
            name = f"needle-{plain_name(approach.zone.name)}.png"
            picture = needle_plane_picture(
                volume,
                labels,
                approach.needle.needle,
                gaps=gap_lines(plan.landmarks.roots.values()),
                told=count_caption(plan.landmarks.lumbar),
                organs=organs,
            )
            save_picture(picture, folder / name)
            names[f"needle plane, {approach.zone.name}"] = name
    return names
