"""The part of the patient that a triangle names: its anatomical borders in space."""

from __future__ import annotations

from dataclasses import dataclass

from spinect_core.volume import FloatArray


@dataclass(frozen=True, eq=False)
class Border:
    """One anatomical side of a zone.

    Attributes:
        name: of the anatomical line, for example "superior border of S1".
        role: "base", "height" or "hypotenuse" of the triangle.
        points: LPS mm (n, 3) along it.
        confidence: 0 to 1, how sure the place is.
    """

    name: str
    role: str
    points: FloatArray
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class Zone:
    """The three borders of one triangle.

    Attributes:
        kind: "kambin" or "safe".
        version: "bony" (the articular process is the height) or "neural" (the dura is), "" for the safe triangle.
        side: the patient's "left" or "right".
        level: such as "L5/S1".
        borders: in order round the outline, each running on from the end of the one before.
        confidence: 0 to 1.
    """

    kind: str
    version: str
    side: str
    level: str
    borders: tuple[Border, ...]
    confidence: float = 1.0
