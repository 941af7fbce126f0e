"""What the organ network finds in drawn trunks: whole, and near the ways of needles to L5/S1.

``python -m benchmarks.organ_network --seeds 2000-2007``; ``--caution 0.2 0.3`` tries several probabilities from which a
voxel is taken for bowel, kidney or vessel. Seeds from 2000 on are neither trained on nor chosen by.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, LabelArray
from spinect_core.cli.phantom import seeds_of
from spinect_core.image.pieces import largest_piece
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.build import grid_for
from spinect_core.research.phantom.organs import BOX, SPACING_MM
from spinect_core.research.training.organs import Trunk, case_path, draw_cases, read_trunk
from spinect_core.segmentation.openvino_engine import OrganOpenVINOEngine
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, PATCH_SHAPE, shown
from spinect_core.segmentation.organs import CAUTION, SPARED_CLASSES, TILING, cautious_classes
from spinect_core.segmentation.tiling import combine
from spinect_core.segmentation.weights import ORGAN_FILE_NAME, weights_path

TARGET = (24.0, 8.0, 8.0)
"""The left foramen L5/S1 of an average phantom, mm."""
OBLIQUE, TILT = (0.0, 60.0), (-30.0, 30.0)
NEAR_MM = 40.0
GRID = grid_for((SPACING_MM,) * 3, BOX)
SPARED = [ORGAN_CLASSES.index(name) for name in SPARED_CLASSES]


def ways(geometry: Geometry) -> BoolArray:
    """Where needles to both foramina may run, [z, y, x], out of the body too."""
    points = geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1))
    found = np.zeros(geometry.shape, bool)
    for side in (1.0, -1.0):
        x, y, z = side * points[..., 0] - TARGET[0], points[..., 1] - TARGET[1], points[..., 2] - TARGET[2]
        oblique = np.degrees(np.arctan2(x, y))
        tilt = np.degrees(np.arctan2(z, np.hypot(x, y)))
        found |= (oblique >= OBLIQUE[0]) & (oblique <= OBLIQUE[1]) & (tilt >= TILT[0]) & (tilt <= TILT[1])
    return found


def probabilities(engine: OrganOpenVINOEngine, hu: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of both readings, as the product has them."""
    there = hu > -300
    both = [
        combine(
            engine,
            np.ascontiguousarray(shown(hu)[..., ::step]),
            np.ascontiguousarray(there[..., ::step]),
            TILING,
            classes=len(ORGAN_CLASSES),
        ).probabilities[:, :, ::step]
        for step in (1, -1)
    ]
    return np.asarray((both[0] + both[1]) / 2)


def rows(
    trunk: Trunk, likely: npt.NDArray[np.float32], caution: float
) -> Iterator[tuple[str, str, str, float]]:
    """Zone, what, measure and value."""
    hu = trunk.hu.astype(np.float32)
    found: LabelArray = cautious_classes(likely, hu, caution)
    body = largest_piece(hu > -300)
    within = ways(GRID) & body
    near = ndimage.distance_transform_edt(~within, sampling=SPACING_MM) <= NEAR_MM
    ml = SPACING_MM**3 / 1000
    for zone, where in (("whole", np.ones_like(body)), ("near", near), ("ways", within)):
        for number, name in enumerate(ORGAN_CLASSES):
            true, said = (trunk.classes == number) & where, (found == number) & where
            if number and true.sum() * ml > 1.0:
                both = float((true & said).sum())
                yield zone, name, "dice", 2 * both / float(true.sum() + said.sum())
                yield zone, name, "recall", both / float(true.sum())
                if number in SPARED:
                    yield (
                        zone,
                        name,
                        "recall as any of the three",
                        float((true & np.isin(found, SPARED)).sum() / true.sum()),
                    )
        true, said = np.isin(trunk.classes, SPARED) & where, np.isin(found, SPARED) & where
        yield zone, "spared", "true ml", float(true.sum() * ml)
        yield zone, "spared", "false ml", float((said & ~true).sum() * ml)
        if true.sum() * ml > 1.0:
            yield zone, "spared", "recall", float((true & said).sum() / true.sum())
            beside = ndimage.binary_dilation(said)
            yield zone, "spared", "recall within 3 mm", float((true & beside).sum() / true.sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, read and print the mean, the least and the largest of every measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", nargs="+", default=["2000-2007"])
    parser.add_argument(
        "--cases", type=Path, default=Path("out/organ-trunks"), help="where drawn trunks are kept"
    )
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--caution", type=float, nargs="+", default=[CAUTION])
    given = parser.parse_args(arguments)
    engine = OrganOpenVINOEngine(given.weights or weights_path(ORGAN_FILE_NAME), PATCH_SHAPE)
    table: dict[tuple[float, str, str, str], list[float]] = {}
    seeds = seeds_of(given.seeds)
    draw_cases(seeds, given.cases, os.cpu_count() or 1)
    for seed in seeds:
        trunk = read_trunk(case_path(given.cases, seed))
        likely = probabilities(engine, trunk.hu.astype(np.float32))
        for caution in given.caution:
            for zone, what, measure, value in rows(trunk, likely, caution):
                table.setdefault((caution, zone, what, measure), []).append(value)
    for (caution, zone, what, measure), values in sorted(table.items()):
        print(
            f"{caution:4.2f}  {zone:5}  {what:18}  {measure:26}  "
            f"{np.mean(values):8.3f}  {min(values):8.3f}  {max(values):8.3f}  n {len(values)}"
        )


if __name__ == "__main__":
    main()
