"""The pictures of a report as files of a plan, each of which says which needle it shows.

A plan whose needles were placed again may still hold the pictures of the needles before; none of them is ever put
beside the numbers of another needle.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

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
    from spinect_core.plan.records import Planning
    from spinect_core.planning.zones.obstacles import Obstacles

NEEDLE_KEY = "Needle"
MOST_PIXELS = 4_000_000


class Shown(StrEnum):
    """What a picture of a report shows, in the order in which they stand on the page."""

    HUB = "view from the hub"
    FLUOROSCOPY = "simulated fluoroscopy"
    AXIAL = "tilted axial plane"
    UPRIGHT = "upright plane"


EXPECTED = (Shown.HUB, Shown.AXIAL, Shown.UPRIGHT)
"""Said to be missing where they are; a simulated fluoroscopy is shown where there is one."""


def needle_key(needle: Needle) -> str:
    """The needle that a picture shows, as its file says it: entry and target in LPS to a hundredth of a millimetre."""
    return " to ".join(
        " ".join(f"{value + 0.0:.2f}" for value in end) for end in (needle.entry, needle.target)
    )


def as_png(picture: RgbArray, needle: Needle) -> bytes:
    """A picture of a needle as PNG that says so, with the program and its notice and nothing of the patient.

    Args:
        picture: uint8 RGB (height, width, 3).
        needle: that it shows.
    """
    facts = PngInfo()
    facts.add_text("Software", f"SPINECT Planner {__version__}")
    facts.add_text("Disclaimer", NOTICE)
    facts.add_text(NEEDLE_KEY, needle_key(needle))
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", pnginfo=facts, optimize=False)
    return stream.getvalue()


def picture_of(content: bytes, needle: Needle) -> Image.Image | None:
    """The picture of a PNG that says of itself that it shows this needle; None of any other, and of a damaged one."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size[0] * picture.size[1] > MOST_PIXELS or picture.info.get(NEEDLE_KEY) != needle_key(
                needle
            ):
                return None
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError):  # as Pillow says that a file is damaged
        return None


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
    plan: Plan, files: Mapping[str, bytes], zone: str, needle: Needle
) -> dict[Shown, Image.Image]:
    """The pictures of a needle that a plan holds.

    Args:
        plan: names them.
        files: their contents by path.
        zone: key of the needle's zone.
        needle: that they have to show.
    """
    found = {}
    for shown in Shown:
        content = files.get(plan.files.get(file_key(shown, zone), ""))
        picture = None if content is None else picture_of(content, needle)
        if picture is not None:
            found[shown] = picture
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
