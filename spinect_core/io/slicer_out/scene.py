"""A scene of 3D Slicer in one file (.mrb): a zip with an index in XML (MRML) and the data that it names.

Slicer takes models for RAS where neither the file nor the version of the scene says otherwise, and would then show them
turned beside the CT: both say LPS here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from xml.etree import ElementTree

from spinect_core.base.files import whole_file
from spinect_core.base.progress import Cancel, check
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import Labels, Volume
from spinect_core.io.slicer_out.markups import SUFFIX, Markup, MarkupKind, markups_file
from spinect_core.io.writing import write_nrrd

VERSION = "Slicer 5.0.3 30893"
"""For which the scene is written: the first version with all that it holds. A later one reads it without a remark."""
FOLDER, DATA = "scene", "Data"
"""Within the zip. Names tell nothing."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every member's time, the first a zip can hold: the same content is the same file whenever it is written."""
WINDOW, LEVEL = 1500, 300
SLICES = ("Red", "Yellow", "Green")
_NODES = {
    MarkupKind.POINTS: "MarkupsFiducial",
    MarkupKind.LINE: "MarkupsLine",
    MarkupKind.ANGLE: "MarkupsAngle",
    MarkupKind.CLOSED: "MarkupsClosedCurve",
}
Attributes = Mapping[str, object]
Writer = Callable[[BinaryIO], None]


@dataclass(frozen=True, eq=False)
class Model:
    """A surface.

    Attributes:
        name: of what is inside.
        ply: the file; its header says that it is LPS.
        colour: sRGB of 0 to 255.
    """

    name: str
    ply: bytes
    colour: tuple[int, int, int]


def write_scene(
    path: Path,
    *,
    volume: Volume | None,
    labels: Labels | None,
    models: Sequence[Model],
    markups: Sequence[Markup],
    cancel: Cancel | None = None,
) -> None:
    """Write a scene, whole or not at all.

    Args:
        path: the file, which ends in .mrb.
        volume: the CT; None for a scene without.
        labels: bone and nerve, on any grid; None for a scene without.
        models: surfaces.
        markups: needles, triangles and landmarks.
        cancel: looked at between pieces.

    Raises:
        OutputError: the disk refused.
        Cancelled: the user stopped it.
    """
    scene = _Scene()
    if volume is not None:
        scene.add_volume(volume)
    if labels is not None:
        scene.add_labels(labels, over_ct=volume is not None)
    for model in models:
        scene.add_model(model)
    for markup in markups:
        scene.add_markup(markup)
    with whole_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        _write(archive, f"{FOLDER}/{FOLDER}.mrml", scene.write_index, cancel)
        for name, write in scene.files.items():
            _write(archive, f"{FOLDER}/{DATA}/{name}", write, cancel)


def _write(archive: zipfile.ZipFile, name: str, write: Writer, cancel: Cancel | None) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    # NRRD is packed already.
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".nrrd") else zipfile.ZIP_DEFLATED
    info.create_system = 3  # else it would reveal the system it was written on
    info.external_attr = 0o644 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        write(cast(BinaryIO, _Stopping(member, cancel)))


class _Stopping(io.RawIOBase):
    """A stream to write to that stops where the user wants it to."""

    def __init__(self, stream: IO[bytes], cancel: Cancel | None) -> None:
        super().__init__()
        self._stream, self._cancel = stream, cancel

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        check(self._cancel)
        return self._stream.write(data)


class _Scene:
    """The nodes of a scene and its files: what writes each, by its name."""

    def __init__(self) -> None:
        self._root = ElementTree.Element("MRML", {"version": VERSION, "userTags": ""})
        self.files: dict[str, Writer] = {}
        self._counts: dict[str, int] = {}
        self._node("Text", "Text", "Notice", {"text": NOTICE})

    def write_index(self, stream: BinaryIO) -> None:
        """The scene's XML."""
        ElementTree.indent(self._root, " ")
        stream.write(ElementTree.tostring(self._root, encoding="UTF-8", xml_declaration=True) + b"\n")

    def add_volume(self, volume: Volume) -> None:
        """The CT, which the slice views show."""
        self.files["ct.nrrd"] = lambda stream: write_nrrd(stream, volume)
        look = {
            "window": WINDOW,
            "level": LEVEL,
            "autoWindowLevel": 0,
            "interpolate": 1,
            "colorNodeID": "vtkMRMLColorTableNodeGrey",
        }
        ct = self._data(
            ("Volume", "ScalarVolume"),
            "CT",
            ("VolumeArchetypeStorage", {"fileName": f"{DATA}/ct.nrrd"}),
            ("VolumeDisplay", "ScalarVolumeDisplay", look),
        )
        for name in SLICES:
            facts = {"id": f"vtkMRMLSliceCompositeNode{name}", "name": "SliceComposite", "singletonTag": name}
            more = {"hideFromEditors": "true", "layoutName": name, "references": f"backgroundVolume:{ct};"}
            ElementTree.SubElement(self._root, "SliceComposite", {**facts, **more})

    def add_labels(self, labels: Labels, *, over_ct: bool) -> None:
        """Bone and nerve as a segmentation, filled in the slices; in 3D the models stand for it."""
        self.files["labels.seg.nrrd"] = lambda stream: write_nrrd(stream, labels)
        ct = "referenceImageGeometryRef:vtkMRMLScalarVolumeNode1;" if over_ct else ""
        self._data(
            ("Segmentation", "Segmentation"),
            "Bone and nerve",
            ("SegmentationStorage", {"fileName": f"{DATA}/labels.seg.nrrd"}),
            (
                "SegmentationDisplay",
                "SegmentationDisplay",
                {"visibility": "true", "visibility2D": "true", "visibility3D": "false", "Opacity2DFill": 0.3},
            ),
            ct,
        )

    def add_model(self, model: Model) -> None:
        """A surface."""
        file = f"{model.name}.ply"
        self.files[file] = lambda stream: _put(stream, model.ply)
        look = {"color": _colour(model.colour), "visibility": "true"}
        self._data(
            ("Model", "Model"),
            f"{model.name.capitalize()} surface",
            ("ModelStorage", {"fileName": f"{DATA}/{file}", "coordinateSystem": "LPS"}),
            ("ModelDisplay", "ModelDisplay", look),
        )

    def add_markup(self, markup: Markup) -> None:
        """A needle, a triangle or points, in a file of its own, as Slicer wants it in a scene."""
        node = _NODES[markup.kind]
        number = sum(name.endswith(SUFFIX) for name in self.files) + 1
        file = f"markup-{number}{SUFFIX}"
        self.files[file] = lambda stream: _put(stream, markups_file([markup]))
        look = {key: _attribute(value) for key, value in markup.display.items()}
        corners = {"curveType": "linear"} if markup.kind == MarkupKind.CLOSED else {}
        self._data(
            (node, node),
            markup.name,
            ("MarkupsJsonStorage", {"fileName": f"{DATA}/{file}", "coordinateSystem": "LPS"}),
            ("MarkupsDisplay", "MarkupsDisplay", look),
            more={"locked": "true", **corners},
        )

    def _data(
        self,
        node: tuple[str, str],
        name: str,
        storage: tuple[str, Attributes],
        display: tuple[str, str, Attributes],
        references: str = "",
        more: Attributes | None = None,
    ) -> str:
        """A node of data with those of its file and its look; its identifier."""
        file = self._node(storage[0], storage[0], f"{name} file", storage[1])
        look = self._node(display[0], display[1], f"{name} display", display[2])
        references = f"display:{look};storage:{file};{references}"
        return self._node(*node, name, {"references": references, **(more or {})})

    def _node(self, tag: str, kind: str, name: str, attributes: Attributes) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        identifier = f"vtkMRML{kind}Node{self._counts[kind]}"
        facts = {"id": identifier, "name": name, "description": NOTICE}
        told = {key: str(value) for key, value in attributes.items()}
        ElementTree.SubElement(self._root, tag, {**facts, **told})
        return identifier


def _put(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)


def _colour(colour: tuple[int, int, int]) -> str:
    return " ".join(f"{part / 255:.6f}" for part in colour)


def _attribute(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
