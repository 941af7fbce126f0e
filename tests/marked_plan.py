"""The made-up plan, of the small CT with markers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from marked_ct import labels_of
from PIL import Image
from plan_maker import both_sides, full_plan, recommended_planning

from spinect_core.io.reading import read_ct
from spinect_core.pipeline.report import write_report_pictures
from spinect_core.plan.document import Document, write_document
from spinect_core.plan.plan import Case, write_plan
from spinect_core.surfaces import build_surfaces

VIEW = "views/from-behind.png"


def marked_plan(ct: Path, folder: Path) -> Path:
    """A plan with the pictures of its report and of one view, as a folder and in one file."""
    volume = read_ct(ct)
    labels = labels_of(volume)
    planning = both_sides(recommended_planning()).replaced(organs=None)
    searches = tuple(each.replaced(map="") for each in planning.searches)
    base = full_plan()
    views = (base.views[0].replaced(picture=VIEW, mm_per_pixel=1.0),)
    names = write_report_pictures(planning, volume, labels, build_surfaces(labels), folder)
    plan = base.replaced(
        case=Case.of(volume), planning=planning.replaced(searches=searches), views=views, files=names
    )
    (folder / "views").mkdir()
    Image.fromarray(np.full((60, 80, 3), (10, 200, 90), np.uint8)).save(folder / VIEW)
    write_plan(plan, folder / "plan.json")
    files = {name: (folder / name).read_bytes() for name in (*names.values(), VIEW)}
    write_document(Document(plan, labels, files=files), folder / "plan.spinect")
    return folder
