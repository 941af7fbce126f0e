"""Markups of 3D Slicer (.mrk.json): needles as lines, triangles as closed curves, angles, points.

After the schema of Slicer's documentation, version 1.0.3. Points are LPS mm, and the file says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.versions import NOTICE

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
SUFFIX = ".mrk.json"
AXES = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
"""Orientation of a point as Slicer writes it in LPS: its own axes are RAS."""
DECIMALS = 6
STEP_MM = 1.0
"""Between the points that keep the edges of a triangle straight."""
POINT_MM = 2.0


class MarkupKind(StrEnum):
    """What a markup is, as Slicer calls it."""

    POINTS = "Fiducial"
    LINE = "Line"
    ANGLE = "Angle"
    CLOSED = "ClosedCurve"


@dataclass(frozen=True, eq=False)
class Markup:
    """Points in the patient that belong together.

    Attributes:
        kind: what they are.
        name: of all.
        points: LPS mm (n, 3).
        labels: of each point; one that is empty is not shown.
        colour: sRGB of 0 to 255.
        line_mm: how thick a line is drawn.
    """

    kind: MarkupKind
    name: str
    points: FloatArray
    labels: Sequence[str]
    colour: tuple[int, int, int]
    line_mm: float = 0.6

    @property
    def with_straight_edges(self) -> Markup:
        """A closed curve with as many points along its edges as a curve needs that Slicer rounds.

        A file of markups cannot say that a curve has corners; a scene can.
        """
        if self.kind != MarkupKind.CLOSED:
            return self
        points, labels = [], []
        for start, stop, label in zip(
            self.points, np.roll(self.points, -1, axis=0), self.labels, strict=True
        ):
            count = max(int(np.ceil(np.linalg.norm(stop - start) / STEP_MM)), 1)
            points.append(start + np.arange(count)[:, None] / count * (stop - start))
            labels += [label] + [""] * (count - 1)
        return replace(self, points=np.concatenate(points), labels=labels)

    @property
    def display(self) -> Mapping[str, Any]:
        """How it is shown, by Slicer's words: the same in a file of markups and in a scene."""
        colour = [round(part / 255, 6) for part in self.colour]
        return {
            "visibility": True,
            "opacity": 1.0,
            "color": colour,
            "selectedColor": colour,
            "propertiesLabelVisibility": self.kind != MarkupKind.POINTS,
            "pointLabelsVisibility": self.kind == MarkupKind.POINTS,
            "textScale": 3.0,
            "glyphType": "Sphere3D",
            "glyphSize": POINT_MM,
            "useGlyphScale": False,
            "lineThickness": round(self.line_mm / POINT_MM, 6),
        }


def markups_file(markups: Sequence[Markup]) -> bytes:
    """A file of markups; Slicer opens all of them. They are locked, as what was planned is not to be moved unawares.

    Args:
        markups: at least one.
    """
    content = {"@schema": SCHEMA, "description": NOTICE, "markups": [_record(each) for each in markups]}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _record(markup: Markup) -> dict[str, Any]:
    points = [
        {
            "id": str(number),
            "label": label,
            "description": NOTICE,
            "associatedNodeID": "",
            "position": [round(float(part), DECIMALS) + 0.0 for part in point],
            "orientation": list(AXES),
            "selected": True,
            "locked": True,
            "visibility": bool(label),
            "positionStatus": "defined",
        }
        for number, (point, label) in enumerate(zip(markup.points, markup.labels, strict=True), start=1)
    ]
    return {
        "type": str(markup.kind),
        "name": markup.name,
        "description": NOTICE,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "fixedNumberOfControlPoints": True,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "controlPoints": points,
        "measurements": [],
        "display": dict(markup.display),
    }
