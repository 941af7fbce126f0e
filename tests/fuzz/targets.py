"""What is fuzzed: for every format one good file, how it is changed, how it is read, and what may come of it."""

from __future__ import annotations

import shutil
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from dicom_maker import compress_series, example_volume, make_enhanced, make_series
from field_cases.image_maker import VOXELS, metaimage, metaimage_header, nrrd, nrrd_header
from fuzz import mutations
from label_maker import described, drawn, outline_of, truth, write_rtstruct, write_seg, write_seg_nrrd
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from spinect_core.base.errors import SpinectError
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading import list_series, read_ct, read_labels, read_structures
from spinect_core.io.reading.label_sets import read_label_set
from spinect_core.io.writing import write_labels, write_volume

SLOWEST_S = 10.0
VOXEL_MM, SIDE_MM, FARTHEST_MM = (0.05, 20.0), 3000.0, 10_000.0


@dataclass(frozen=True)
class Target:
    """A format.

    Attributes:
        make: writes a good example into an empty folder and returns the path to read.
        change: one change of a file's content.
        read: reads the path.
        changed: the file of the folder that is changed; None: any of them.
    """

    make: Callable[[Path], Path]
    change: mutations.Mutation
    read: Callable[[Path], Any]
    changed: str | None = None


@dataclass(frozen=True)
class Find:
    """Something that must not happen."""

    target: str
    number: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.target} {self.number}: {self.kind}: {self.text}"


def _series(folder: Path, syntax: str | None = None) -> Path:
    path = make_series(folder / "ct", example_volume(shape=(4, 40, 36)))
    return path if syntax is None else compress_series(path, syntax)


def _zip(folder: Path) -> Path:
    made = _series(folder)
    archive = shutil.make_archive(str(folder / "ct"), "zip", made)
    shutil.rmtree(made)
    return Path(archive)


def _detached(folder: Path, ending: str) -> Path:
    head = (
        nrrd_header() + "data file: ct.raw\n"
        if ending == "nhdr"
        else metaimage_header() + "ElementDataFile = ct.raw\n"
    )
    (folder / "ct.raw").write_bytes(VOXELS)
    (folder / f"ct.{ending}").write_text(head)
    return folder / f"ct.{ending}"


def _packed_nrrd(folder: Path) -> Path:
    return nrrd(folder / "ct.nrrd", 'space units: "mm" "mm" "mm"\n# comment\nkey:=value\n', encoding="gzip")


def _packed_metaimage(folder: Path) -> Path:
    packed = zlib.compress(VOXELS)
    return metaimage(
        folder / "ct.mha",
        f"AnatomicalOrientation = RAI\nComment = none\nCompressedDataSize = {len(packed)}\n",
        voxels=packed,
        CompressedData="True",
    )


def _nifti(folder: Path, name: str) -> Path:
    return write_volume(example_volume(), folder / name)


def _labels(folder: Path, ending: str) -> Path:
    volume = example_volume()
    return write_labels(
        Labels((volume.array % 3).astype(np.uint8), volume.geometry), folder / f"labels.{ending}"
    )


@cache
def _plan_files() -> dict[str, bytes]:
    """A plan and a document, made once, for they take a while."""
    from plan_maker import full_document, full_plan

    from spinect_core.plan.document import write_document
    from spinect_core.plan.plan import write_plan

    with tempfile.TemporaryDirectory() as name:
        write_plan(full_plan(), Path(name) / "plan.json")
        write_document(full_document(), Path(name) / "plan.spinect")
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}


def _plan(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(_plan_files()[name])
    return folder / name


def _read_plan(path: Path) -> Any:
    from spinect_core.plan.plan import read_plan

    return read_plan(path)


def _read_document(path: Path) -> Any:
    from spinect_core.plan.document import read_document

    return read_document(path)


def _weights(folder: Path) -> Path:
    from spinect_core.segmentation.weights import write_tensors

    path = folder / "w.safetensors"
    write_tensors(
        {"a/kernel": np.ones((3, 3, 3, 1, 4), np.float32), "a/bias": np.zeros(4, np.float32)},
        path,
        facts={"a": "b"},
    )
    return path


def _read_weights(path: Path) -> Any:
    from spinect_core.segmentation.weights import read_tensors

    return read_tensors(path)


def _cases(folder: Path) -> Path:
    (folder / "cases.csv").write_text("case,ct,labels,prediction\na,a.nii,t.nii,p.nii\nb,b.nii,t.nii,p.nii\n")
    for name in ("a", "b", "t", "p"):
        (folder / f"{name}.nii").touch()
    return folder / "cases.csv"


def _read_cases(path: Path) -> Any:
    from spinect_core.research.study.cases import read_cases

    return read_cases(path)


def _elsewhere(folder: Path, kind: str) -> Path:
    """Labels of another program, on the CT that :func:`_read_elsewhere` has."""
    volume = drawn()
    if kind == "slicer":
        keys = [{"Name": f"n{place}", "LabelValue": 1 + place, "Layer": place} for place in range(2)]
        return write_seg_nrrd(
            folder / "s.seg.nrrd", [truth() == 1, 2 * (truth() == 2)], volume.geometry, keys
        )
    make_series(folder / "ct", volume)
    if kind == "rtstruct":
        outlines = [each for z in range(16) for each in outline_of(truth()[z] == 1, volume.geometry, z)]
        return write_rtstruct(folder / "s.dcm", folder / "ct", [("bone", "CLOSED_PLANAR", outlines)])
    parts = [described(1, "bone"), described(2, "nerve")]
    return write_seg(folder / "s.dcm", folder / "ct", truth(), parts, kind)


def _read_elsewhere(path: Path) -> Any:
    found = read_label_set(path, drawn())
    return Labels(found.numbered([1] * len(found.segments)), found.geometry)


def _listed(path: Path) -> Any:
    """The list, which has to come whatever the files are, and the CT."""
    list_series(path)
    return read_ct(path)


def _read_header(path: Path) -> Any:
    from spinect_core.io.reading.header_listing import as_csv, read_elements

    return as_csv(read_elements(path)[0], shown=True)


TARGETS: dict[str, Target] = {
    "dicom": Target(_series, mutations.dicom, _listed),
    "dicom-rle": Target(partial(_series, syntax=RLELossless), mutations.dicom, _listed),
    "dicom-jpeg": Target(partial(_series, syntax=JPEGLosslessSV1), mutations.dicom, _listed),
    "dicom-jpeg-ls": Target(partial(_series, syntax=JPEGLSLossless), mutations.dicom, _listed),
    "dicom-jpeg-2000": Target(partial(_series, syntax=JPEG2000Lossless), mutations.dicom, _listed),
    "dicom-multi-frame": Target(lambda folder: make_enhanced(folder / "ct.dcm"), mutations.dicom, _listed),
    "dicom-header": Target(lambda folder: make_enhanced(folder / "ct.dcm"), mutations.dicom, _read_header),
    "zip": Target(_zip, mutations.zipped(mutations.dicom), _listed),
    "nifti": Target(partial(_nifti, name="ct.nii"), mutations.nifti, _listed),
    "nifti-gz": Target(partial(_nifti, name="ct.nii.gz"), mutations.nifti, _listed),
    "nrrd": Target(lambda folder: nrrd(folder / "ct.nrrd"), mutations.text, _listed),
    "nrrd-gz": Target(_packed_nrrd, mutations.text, _listed),
    "nhdr": Target(partial(_detached, ending="nhdr"), mutations.text, _listed, "ct.nhdr"),
    "mha": Target(lambda folder: metaimage(folder / "ct.mha"), mutations.text, _listed),
    "mha-packed": Target(_packed_metaimage, mutations.text, _listed),
    "mhd": Target(partial(_detached, ending="mhd"), mutations.text, _listed, "ct.mhd"),
    "labels-nifti": Target(partial(_labels, ending="nii.gz"), mutations.nifti, read_labels),
    "labels-nrrd": Target(partial(_labels, ending="nrrd"), mutations.text, read_labels),
    "labels-slicer": Target(partial(_elsewhere, kind="slicer"), mutations.text, _read_elsewhere),
    "labels-rtstruct": Target(
        partial(_elsewhere, kind="rtstruct"), mutations.dicom, _read_elsewhere, "s.dcm"
    ),
    "labels-seg": Target(partial(_elsewhere, kind="BINARY"), mutations.dicom, _read_elsewhere, "s.dcm"),
    "labels-label-map": Target(
        partial(_elsewhere, kind="LABELMAP"), mutations.dicom, _read_elsewhere, "s.dcm"
    ),
    "structures-mha": Target(partial(_labels, ending="mha"), mutations.text, read_structures),
    "plan": Target(partial(_plan, name="plan.json"), mutations.json_text, _read_plan),
    "document": Target(
        partial(_plan, name="plan.spinect"), mutations.zipped(mutations.bytes_of_any_kind), _read_document
    ),
    "weights": Target(_weights, mutations.tensors, _read_weights),
    "study-cases": Target(_cases, mutations.text, _read_cases, "cases.csv"),
}


class Bench:
    """One format's good files in a folder, changed and read again and again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.target, self.folder = name, TARGETS[name], folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = self.target.make(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self.good = {path: path.read_bytes() for path in files}
        self.changeable = [p for p in files if self.target.changed in (None, p.name)]

    def seed(self, number: int) -> np.random.Generator:
        """The generator of one mutation; the same on every computer."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), number])

    def check_good(self) -> None:
        """The good file has to be read: else all that follows is refused at the door."""
        self.target.read(self.path)

    def write(self, number: int) -> None:
        """Put one mutation on disk."""
        rng = self.seed(number)
        file = self.changeable[int(rng.integers(len(self.changeable)))]
        file.write_bytes(self.target.change(self.good[file], rng))

    def try_one(self, number: int) -> list[Find]:
        """Change, read, judge, and put the good file back."""
        self.write(number)
        began = time.perf_counter()
        finds: list[tuple[str, str]] = []
        try:
            result = self.target.read(self.path)
        except SpinectError as error:
            if "\n" in str(error) or not error.remedy:
                finds.append(("message", repr(str(error))[:200]))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            finds.append(("exit 70", f"{type(error).__name__}: {str(error)[:200]}"))
        else:
            finds += _implausible(result)
        seconds = time.perf_counter() - began
        if seconds > SLOWEST_S:
            finds.append(("hang", f"{seconds:.0f} s"))
        for path, content in self.good.items():
            path.write_bytes(content)
        return [Find(self.name, number, kind, text) for kind, text in finds]


def _implausible(result: Any) -> list[tuple[str, str]]:
    """What is wrong with a grid or its numbers that were accepted without a grave word."""
    if not isinstance(result, Volume | Labels):
        return []
    if isinstance(result, Volume) and any(w.grave for w in result.warnings):
        return []
    grid: Geometry = result.geometry
    faults = []
    sides = [n * s for n, s in zip(grid.shape[::-1], grid.spacing, strict=True)]
    if not (VOXEL_MM[0] <= min(grid.spacing) and max(grid.spacing) <= VOXEL_MM[1]):
        faults.append(f"spacing {grid.spacing}")
    if max(sides) > SIDE_MM or np.abs(grid.origin).max() > FARTHEST_MM:
        faults.append(f"sides {sides}, origin {grid.origin}")
    if abs(abs(np.linalg.det(grid.direction)) - 1) > 0.01:
        faults.append(f"direction {grid.direction.ravel().tolist()}")
    if not np.isfinite(result.array).all():
        faults.append("values that are not finite")
    return [("implausible", fault) for fault in faults]
