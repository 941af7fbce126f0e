"""Make the atlas in assets/ again: ``python -m spinect_core.anatomy.make_atlas FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import SimpleITK as sitk

from spinect_core.anatomy.atlas import SEED
from spinect_core.phantom import draw_case
from spinect_core.volume import to_sitk


def main(folder: Path) -> None:
    """Write ``labels.nii.gz`` and ``landmarks.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    phantom = draw_case(SEED, (2.0, 2.0, 2.0), pathologies=())
    sitk.WriteImage(
        to_sitk(phantom.labels.array, phantom.labels.geometry), str(folder / "labels.nii.gz"), True
    )
    table = {
        "frame": "LPS, mm",
        "phantom_seed": SEED,
        "landmarks": phantom.truth["landmarks"],
        "courses": {name: nerve["points"] for name, nerve in phantom.truth["nerves"].items()},
    }
    (folder / "landmarks.json").write_text(json.dumps(table), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
