"""The pictures of a report as files of a plan, each of which says which needle it shows, and of what it was drawn.

A plan whose needles were placed again, or whose labels, borders or organs are others now, may still hold the pictures
of before; none of them is ever put beside the numbers of another needle or of another state of the plan.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spinect_core.base.files import plain_name
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.planning.needle.needle import Needle

if TYPE_CHECKING:
    from spinect_core.image.organs import Organs
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.pictures.annotate import RgbArray
    from spinect_core.pictures.fluoroscopy import Attenuation
    from spinect_core.plan.plan import Plan
    from spinect_core.plan.records import OrgansRecord, Planning
    from spinect_core.planning.zones.obstacles import Obstacles

NEEDLE_KEY, STATE_KEY, LABELS_KEY = "Needle", "State", "Labels"
"""Text chunks of a picture's file."""
OUTLINED_KEY = "outlined"
"""Under which a picture says what is outlined in it, while a report is made."""
NERVE_AND_ORGANS, NERVE_ALONE = "nerve and organs outlined", "nerve outlined"
WITHOUT_ORGANS = "nerve outlined; the organs of the plan were not at hand"
MOST_PIXELS = 4_000_000


class Shown(StrEnum):
    """What a picture of a report shows, in the order in which they stand on the page."""

    HUB = "view from the hub"
    FLUOROSCOPY = "simulated fluoroscopy"
    AXIAL = "tilted axial plane"
    UPRIGHT = "upright plane"


EXPECTED = (Shown.HUB, Shown.AXIAL, Shown.UPRIGHT)
"""Said to be missing where they are; a simulated fluoroscopy is shown where there is one."""
PLANES = (Shown.AXIAL, Shown.UPRIGHT)
"""In which nerve and organs are outlined."""


@dataclass(frozen=True)
class Key:
    """By which a picture is known to be that of a needle in the present state of its plan.

    Attributes:
        needle: see :func:`needle_key`.
        state: SHA-256 (hex) of what the plan knows of all that is drawn.
        labels: SHA-256 (hex) of the labels it is drawn of; empty where they are not at hand, or not drawn.
    """

    needle: str
    state: str
    labels: str = ""


def needle_key(needle: Needle) -> str:
    """The needle that a picture shows, as its file says it: entry and target in LPS to a hundredth of a millimetre."""
    return " to ".join(
        " ".join(f"{value + 0.0:.2f}" for value in end) for end in (needle.entry, needle.target)
    )


def key_of(
    shown: Shown,
    planning: Planning,
    zone: str,
    needle: Needle,
    organs: Organs | OrgansRecord | None,
    labels: str = "",
) -> Key:
    """The key of a picture.

    Args:
        shown: what it shows.
        planning: holds the borders of its zone, and the nerves' courses, which are of the labels.
        zone: key of the zone.
        needle: that is shown.
        organs: outlined in the planes; None for none.
        labels: see :func:`labels_checksum`; empty where they are not at hand.
    """
    known: list[object] = [str(shown), needle_key(needle)]
    if shown == Shown.FLUOROSCOPY:  # of the CT alone
        labels = ""
    else:
        of_zone = planning.zone(zone)
        known.append([] if of_zone is None else [each.to_dict() for each in of_zone.borders])
        known.append([each.to_dict() for each in planning.courses])
    if shown in PLANES:
        known.append(None if organs is None else _organs_key(organs))
    return Key(
        needle_key(needle), hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest(), labels
    )


def same_organs(organs: Organs | OrgansRecord | None, other: Organs | OrgansRecord | None) -> bool:
    """Whether both are the same organs, or none."""
    if organs is None or other is None:
        return organs is other
    return _organs_key(organs) == _organs_key(other)


def _organs_key(organs: Organs | OrgansRecord) -> list[object]:
    return [str(organs.origin), organs.source, organs.checksum, [str(each) for each in organs.looked_for]]


def labels_checksum(labels: Labels | None) -> str:
    """SHA-256 (hex) of the voxels of labels and their count along each axis; empty without labels."""
    if labels is None:
        return ""
    voxels = np.ascontiguousarray(labels.array)
    return hashlib.sha256(f"{voxels.shape}".encode() + voxels.tobytes()).hexdigest()


def as_png(picture: RgbArray, key: Key) -> bytes:
    """A picture of a needle as PNG that says so, with the program and its notice and nothing of the patient.

    Args:
        picture: uint8 RGB (height, width, 3).
        key: what it shows.
    """
    # Not at the top: see draw_pictures.
    from spinect_core.pictures.png import PNG_EFFORT

    facts = PngInfo()
    facts.add_text("Software", f"SPINECT Planner {__version__}")
    facts.add_text("Disclaimer", NOTICE)
    facts.add_text(NEEDLE_KEY, key.needle)
    facts.add_text(STATE_KEY, key.state)
    if key.labels:
        facts.add_text(LABELS_KEY, key.labels)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", pnginfo=facts, compress_level=PNG_EFFORT)
    return stream.getvalue()


def picture_of(content: bytes, key: Key) -> Image.Image | None:
    """The picture of a PNG that says of itself that it has this key; None of any other, and of a damaged one."""
    wanted = {NEEDLE_KEY: key.needle, STATE_KEY: key.state}
    if key.labels:
        wanted[LABELS_KEY] = key.labels
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size[0] * picture.size[1] > MOST_PIXELS:
                return None
            if any(picture.info.get(name) != text for name, text in wanted.items()):
                return None
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError):  # as Pillow says that a file is damaged
        return None


def says_outlined(picture: Image.Image, organs: Organs | OrgansRecord | None, plan: Plan) -> Image.Image:
    """The picture of a plane, which now says what is outlined in it.

    Args:
        picture: changed in place.
        organs: outlined in it; None for none.
        plan: that knows of organs or does not.
    """
    missing = NERVE_ALONE if plan.planning.organs is None else WITHOUT_ORGANS
    picture.info[OUTLINED_KEY] = NERVE_AND_ORGANS if organs is not None else missing
    return picture


def file_key(shown: Shown, zone: str) -> str:
    """Under which a plan names the file of a picture.

    Args:
        shown: what it shows.
        zone: key of the zone.
    """
    return f"report, {shown}, {zone}"


def file_name(shown: Shown, zone: str) -> str:
    """What that file is called in the folder of a plan."""
    return f"needle-report-{plain_name(f'{shown} {zone}')}.png"


def stored_pictures(
    plan: Plan, files: Mapping[str, bytes], zone: str, needle: Needle, labels: str = ""
) -> dict[Shown, Image.Image]:
    """The pictures of a needle that a plan holds, drawn of what the plan knows now.

    Args:
        plan: names them.
        files: their contents by path.
        zone: key of the needle's zone.
        needle: that they have to show.
        labels: see :func:`labels_checksum`; empty where they are not at hand, and then not asked for.
    """
    found, organs = {}, plan.planning.organs
    for shown in Shown:
        content = files.get(plan.files.get(file_key(shown, zone), ""))
        key = key_of(shown, plan.planning, zone, needle, organs, labels)
        picture = None if content is None else picture_of(content, key)
        if picture is not None:
            found[shown] = says_outlined(picture, organs, plan)
    return found


def draw_pictures(
    planning: Planning,
    zone: str,
    needle: Needle,
    *,
    obstacles: Obstacles | None = None,
    volume: Volume | None = None,
    labels: Labels | None = None,
    organs: Organs | None = None,
    attenuation: Attenuation | None = None,
) -> dict[Shown, RgbArray]:
    """Those pictures of a needle that can be drawn.

    Args:
        planning: holds the borders of its zone.
        zone: key of the zone.
        needle: that is shown.
        obstacles: bone and nerve, for the view from the hub.
        volume: the CT, for the planes.
        labels: bone and nerve, for the planes.
        organs: outlined in the planes.
        attenuation: of the CT, for simulated fluoroscopy.
    """
    # Not at the top: a report of stored pictures draws none, and a renderer takes longer to load than all of it.
    from spinect_core.pictures.on_paper import beam_picture, hub_picture, plane_picture
    from spinect_core.planning.search.axial import needle_plane, upright_plane

    found: dict[Shown, RgbArray] = {}
    if obstacles is not None:
        of_zone = planning.zone(zone)
        borders = () if of_zone is None else tuple(each.points for each in of_zone.borders)
        found[Shown.HUB] = hub_picture(obstacles, needle, borders)
    if volume is not None and labels is not None:
        for shown, plane in ((Shown.AXIAL, needle_plane(needle)), (Shown.UPRIGHT, upright_plane(needle))):
            found[shown] = plane_picture(volume, labels, needle, plane, organs)
    if attenuation is not None:
        found[Shown.FLUOROSCOPY] = beam_picture(attenuation, needle)
    return found
