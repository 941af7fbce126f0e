"""A small specimen with a known prediction, and cases of it on disk."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import check
from spinect_core.base.words import ROLES, SIDES, Side
from spinect_core.geometry.zone import Border, Zone
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.writing import write_labels, write_volume
from spinect_core.planning.level import Approaches
from spinect_core.preprocessing import Region, prepare
from spinect_core.segmentation import RunInfo, Segmentation

GRID = Geometry((40, 44, 48), (1, 1, 1), (-24, -22, -20))
REGION = Region((-18.5, -18.5, -15.5), (19.5, 18.5, 15.5))
NUMBERS = {"sacrum": 4, "thecal sac": 20, "L5 left": 25, "L5 right": 26}


def specimen() -> tuple[np.ndarray, np.ndarray]:
    """Structures by number and HU: a block of bone, two roots (the left at high x), soft tissue, air behind."""
    structures = np.zeros(GRID.shape, np.uint8)
    y, x = np.ogrid[:44, :48]
    structures[6:34, 8:16, 8:40] = 4
    structures[6:34, np.hypot(y - 26, x - 36) <= 3.2] = 25
    structures[6:34, np.hypot(y - 26, x - 12) <= 3.2] = 26
    hu = np.select([structures == 4, structures > 20], [900, 300], 0)
    hu[:, 42:] = -1000  # outside of REGION
    return structures, hu.astype(np.int16)


@pytest.fixture
def write_case() -> Callable[..., Path]:
    """Writes a case's folder: CT, labels, structures, truth.json."""

    def write(folder: Path, *, seed: int = 7, offset: int = 0, structures: bool = True) -> Path:
        numbered, hu = specimen()
        write_volume(Volume((hu + offset).astype(np.int16), GRID), folder / "ct.nii.gz")
        labels = np.select([numbered == 4, numbered > 20], [1, 2], 0).astype(np.uint8)
        write_labels(Labels(labels, GRID), folder / "labels.nii.gz")
        if structures:
            write_labels(Labels(numbered, GRID), folder / "structures.nii.gz")
            heights = np.arange(6, 34)
            nerves = {
                name: {
                    "points": GRID.to_patient(
                        np.stack([heights, np.full(28, 26), np.full(28, x)], axis=1)
                    ).tolist()
                }
                for name, x in (("L5 left", 36), ("L5 right", 12))
            }
            facts = {"family": "blocks", "seed": seed, "structures": NUMBERS, "nerves": nerves}
            (folder / "truth.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    return write


@dataclass
class FakeSegmenter:
    """Thresholds where the network would look; the right root comes out 2 mm too far at the back.

    Attributes:
        calls: (region, mode) of each call.
        fails: raises this instead, if the CT holds the value ``where``.
    """

    calls: list[tuple[Region | None, str]] = field(default_factory=list)
    fails: Exception | None = None
    where: int = -1

    def __call__(
        self, volume: Volume, *, region: Region | None, mode: str, progress: Any, cancel: Any, **_: Any
    ) -> Segmentation:
        self.calls.append((region, mode))
        if self.fails is not None and (volume.array == self.where).any():
            raise self.fails
        prepared = prepare(volume, region or REGION)
        hounsfield = prepared.sample(volume.array).astype(np.float32)
        labels = np.select([hounsfield > 600, hounsfield > 150], [1, 2], 0).astype(np.uint8)
        right = labels[..., :20] == 2
        labels[..., :20][right] = 0
        moved = np.zeros_like(right)
        moved[:, 2:] = right[:, :-2]
        labels[..., :20][moved] = 2
        progress(1.0, "segmented")
        check(cancel)
        run = RunInfo("openvino", "cpu", mode, (32, 64, 64), (32, 64, 64), 1, 1, 0, weights_sha256="ab" * 32)
        certain = np.eye(3, dtype=np.float32)[labels]
        return Segmentation(prepared.restore(certain), Labels(labels, prepared.geometry), prepared, run)


@pytest.fixture
def segmenter() -> FakeSegmenter:
    return FakeSegmenter()


MISSING = Note(NoteCode.NO_TRIANGLE, Side.RIGHT, {"fault": "the right pedicle was not found"})


@pytest.fixture
def corners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zones from the labels without the atlas: behind each root, at its height; no safe one on the right."""

    def zones(work: Approaches, sides: tuple[str, ...] = SIDES) -> tuple[tuple[Zone, ...], tuple[Note, ...]]:
        labels = work.room.labels
        points = labels.geometry.to_patient(np.argwhere(labels.array == 2))
        found = []
        for side, sign in (("left", 1), ("right", -1)):
            back = float(points[points[:, 0] * sign > 0, 1].mean())
            vertices = np.array(
                [[sign * 12.0, 30 + back, 8.0], [sign * 12.0, 30, -8.0], [sign * 4.0, 30, 8.0]]
            )
            edges = zip(ROLES, vertices, np.roll(vertices, -1, axis=0), strict=True)
            borders = tuple(Border(role, role, np.array([a, b])) for role, a, b in edges)
            for kind, version in (("kambin", "bony"), ("safe", "")):
                if (kind, side) != ("safe", "right"):
                    found.append(Zone(kind, version, side, "L5/S1", borders))
        return tuple(found), (MISSING,)

    monkeypatch.setattr(
        "spinect_core.research.study.areas.find_landmarks", lambda *_, **__: Landmarks({}, {}, 0.9)
    )
    monkeypatch.setattr(Approaches, "zones", zones)
