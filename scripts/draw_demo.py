"""Draw the demo case of assets/demo again: python scripts/draw_demo.py [FOLDER]."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from spinect_core.io.writing import write_labels, write_volume
from spinect_core.research.phantom import Scan, draw_case

SEED = 7
SPACING = (0.9, 0.9, 1.5)
BOX = ((-150.0, 150.0), (-112.0, 108.0), (-88.0, 82.0))
SETTING = Scan(fwhm_mm=1.1, slice_mm=1.25, noise_hu=18.0)


def squeeze(path: Path) -> None:
    """Compress a .gz file as small as gzip can, without a time stamp, so that equal content gives equal bytes."""
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def main(folder: Path) -> None:
    """Draw the case into a folder: ct.nii.gz, labels.nii.gz, truth.json."""
    folder.mkdir(parents=True, exist_ok=True)
    phantom = draw_case(SEED, SPACING, box=BOX, setting=SETTING, pathologies=())
    write_volume(phantom.volume, folder / "ct.nii.gz")
    write_labels(phantom.labels, folder / "labels.nii.gz")
    for name in ("ct.nii.gz", "labels.nii.gz"):
        squeeze(folder / name)
    (folder / "truth.json").write_text(json.dumps(phantom.truth, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "assets" / "demo")
