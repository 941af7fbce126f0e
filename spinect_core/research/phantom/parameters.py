"""The measures of one specimen, drawn from published distributions.

Each entry of :data:`MEASURES` is (mean, SD, unit, source). A seed draws one :class:`Specimen`; values are cut
at 2.2 SD so that no draw leaves what anatomy allows. Pathologies then change some of the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from spinect_core.research.phantom.pathology import PATHOLOGIES, WORKING, Finding, chosen, draw_finding

SAREMI = "ijssurgery 15/6/1072: CT morphometry of L1-L5, n=196"

MEASURES: dict[str, tuple[float, float, str, str]] = {
    "l5_height_anterior": (30.3, 1.9, "mm", SAREMI),
    "l5_height_posterior": (26.3, 1.9, "mm", SAREMI),
    "l5_body_depth": (35.5, 2.6, "mm", SAREMI),
    "l5_body_width": (51.0, 2.5, "mm", WORKING),
    "l5_pedicle_height": (12.9, 1.7, "mm", SAREMI),
    "l5_pedicle_width": (16.1, 1.9, "mm", SAREMI),
    "l4_pedicle_height": (14.5, 1.5, "mm", SAREMI),
    "l4_pedicle_width": (12.6, 1.5, "mm", WORKING),
    "canal_depth": (15.6, 1.7, "mm", SAREMI),
    "l5_canal_width": (27.5, 2.2, "mm", SAREMI),
    "sacral_slope": (40.0, 7.0, "deg", "PMC6334400: sacral slope 41 ± 8° standing"),
    "disc_height": (
        9.4,
        1.2,
        "mm",
        "operativeneurosurgery.com: disc height; posterior disc over 4 mm is normal",
    ),
    "disc_wedge": (9.0, 2.0, "deg", WORKING),
    "s1_body_depth": (31.0, 2.6, "mm", WORKING),
    "s1_body_width": (50.0, 3.0, "mm", WORKING),
    "s1_body_height": (28.4, 2.0, "mm", "S1 body height 28.4 ± 2.2 mm (CT, sacroiliac screws)"),
    "crest_height": (37.0, 9.5, "mm", "spandidos etm.2021.10298: classes of crest height"),
    "root_l5": (5.0, 0.5, "mm", "folia morphologica 2021.0120: S1 5.45 ± 0.8, L5 about 5 mm"),
    "root_s1": (5.4, 0.6, "mm", "folia morphologica 2021.0120"),
    "ganglion_l5": (6.3, 0.5, "mm", "PMC4337191: width of the L5 ganglion up to 6.5 mm"),
    "sac_width": (15.0, 1.8, "mm", WORKING),
    "sac_depth": (11.8, 1.5, "mm", WORKING),
    "sac_end": (-36.0, 9.0, "mm", "sac ends L5/S1 to S3, mostly upper S2 (WPRIM 194383)"),
    "facet_gap": (2.0, 0.4, "mm", WORKING),
    "spinous_length_l5": (20.0, 4.0, "mm", WORKING),
    "transverse_half_span_l5": (46.0, 4.0, "mm", WORKING),
    "skin_depth": (61.0, 14.0, "mm", "rapm 34/2/100: skin to foramen 63 to 122 mm by body mass"),
    "size": (1.0, 0.045, "", "overall scale; men about 9 % larger than women"),
    "cancellous": (190.0, 75.0, "HU", "field value 100-300 HU, wider to hold fatty marrow and sclerosis"),
    "cortex": (780.0, 190.0, "HU", "cortical bone 400-1000 HU"),
    "cortex_thickness": (1.3, 0.35, "mm", WORKING),
    "muscle": (52.0, 9.0, "HU", "muscle 40-60 HU"),
    "fat": (-102.0, 8.0, "HU", "fat -120 to -50 HU"),
    "sac": (18.0, 7.0, "HU", "CSF with roots 10-25 HU"),
    "root": (33.0, 6.0, "HU", "nerve tissue 20-45 HU"),
    "disc": (78.0, 12.0, "HU", "disc 60-80 HU"),
    "flavum": (3.4, 0.4, "mm", "folia morphologica 2021.0120: 3.2 mm at L2/3, thicker below"),
}


@dataclass(frozen=True)
class Specimen:
    """One drawn specimen: the values of :data:`MEASURES`, how it leans and turns, and what it suffers from.

    Attributes:
        seed: what it was drawn from.
        values: every measure by name, pathologies applied.
        asymmetry: mm of the warp.
        lateral_lean: degrees by which L5, L4 and L3 lean to the left.
        turns: degrees by which they turn.
        findings: what each pathology drew, by name.
    """

    seed: int
    values: dict[str, float]
    asymmetry: float
    lateral_lean: tuple[float, float, float]
    turns: tuple[float, float, float]
    findings: dict[str, Finding] = field(default_factory=dict)

    def __getattr__(self, name: str) -> float:
        try:
            return float(self.__dict__["values"][name])
        except KeyError:
            raise AttributeError(name) from None

    @property
    def pathologies(self) -> tuple[str, ...]:
        """Names of the pathologies, in the order of :data:`PATHOLOGIES`."""
        return tuple(self.findings)

    def has(self, name: str) -> bool:
        """Whether the specimen has a pathology of :data:`PATHOLOGIES`."""
        return name in self.findings

    def finding(self, name: str, key: str, otherwise: float = 0.0) -> float:
        """A number that a pathology drew; ``otherwise`` in a specimen without it."""
        return float(self.findings[name][key]) if name in self.findings else otherwise

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``truth.json``, without the pathologies."""
        return {key: value for key, value in asdict(self).items() if key != "findings"}


def stream(seed: int, name: str) -> np.random.Generator:
    """A random stream of its own for each purpose, so that a new draw in one does not shift the others."""
    code = name.encode()
    salt = code.ljust(8, b"\0") if len(code) <= 8 else blake2b(code, digest_size=8).digest()
    return np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(salt, "little")]))


def draw_specimen(seed: int, pathologies: Sequence[str] | None = None) -> Specimen:
    """The specimen of a seed.

    Args:
        seed: any whole number from 0.
        pathologies: names of :data:`PATHOLOGIES`, exactly those; none for ``()`` or ``("normal",)``; drawn by
            their prevalence when absent. What else the specimen is does not depend on it.

    Raises:
        UsageError: a pathology is unknown, or two exclude each other.
    """
    rng = stream(seed, "specimen")
    values = {
        name: mean + sd * float(np.clip(rng.standard_normal(), -2.2, 2.2))
        for name, (mean, sd, _unit, _source) in MEASURES.items()
    }
    # A taller anterior wall than posterior is what makes L5 a wedge; a draw must not turn it round.
    values["l5_height_posterior"] = min(values["l5_height_posterior"], values["l5_height_anterior"] - 1.0)
    values["cancellous"] = max(values["cancellous"], 45.0)
    values["cortex_thickness"] = max(values["cortex_thickness"], 0.6)
    # A joint of a voxel's width would look fused in a CT of 1 mm.
    values["facet_gap"] = max(values["facet_gap"], 1.4)
    lean = rng.normal(0.0, 1.5, 3)
    turns = rng.normal(0.0, 2.0, 3)
    asymmetry = float(rng.uniform(1.0, 3.0))
    findings = draw_findings(seed, None if pathologies is None else chosen(pathologies))
    if "scoliosis" in findings:
        curve = findings["scoliosis"]
        sign = 1.0 if curve["side"] == "left" else -1.0
        lean = 0.4 * lean + sign * float(curve["lean"])
        # In the lumbar spine the bodies turn towards the convex side.
        turns = 0.4 * turns - sign * float(curve["turn"])
    apply(findings, values)
    return Specimen(
        seed=seed,
        values=values,
        asymmetry=asymmetry,
        lateral_lean=(float(lean[0]), float(lean[1]), float(lean[2])),
        turns=(float(turns[0]), float(turns[1]), float(turns[2])),
        findings=findings,
    )


def draw_findings(seed: int, names: Sequence[str] | None) -> dict[str, Finding]:
    """What the pathologies of a seed drew; those of the population when no names are given."""
    findings: dict[str, Finding] = {}
    for name, entry in PATHOLOGIES.items():
        present, found = draw_finding(name, stream(seed, f"pathology {name}"))
        drawn = present and not any(other in findings for other in entry.excludes)
        wanted = drawn if names is None else name in names
        if wanted:
            findings[name] = found
    return findings


def apply(findings: dict[str, Finding], values: dict[str, float]) -> None:
    """Change the measures as the pathologies have it, in place."""

    def drawn(name: str, key: str) -> float:
        return float(findings[name][key])

    if "stenosis" in findings:
        values["canal_depth"] = min(values["canal_depth"], drawn("stenosis", "canal_depth"))
        values["l5_canal_width"] = max(values["l5_canal_width"] - drawn("stenosis", "canal_narrowing"), 19.0)
    values["sac_depth"] = min(values["sac_depth"], values["canal_depth"] - 2.2)
    values["sac_width"] = min(values["sac_width"], values["l5_canal_width"] - 6.0)
    if "disc-height-loss" in findings:
        values["disc_wedge"] *= 0.55
    if "facet-arthrosis" in findings:
        values["facet_gap"] = min(values["facet_gap"], drawn("facet-arthrosis", "joint_space"))
    if "high-crest" in findings:
        values["crest_height"] = drawn("high-crest", "crest_height")
    if "osteoporosis" in findings:
        values["cancellous"] = min(values["cancellous"], drawn("osteoporosis", "cancellous"))
        for name in ("cortex", "cortex_thickness"):
            values[name] *= drawn("osteoporosis", "cortex_left")
        values["cortex_thickness"] = max(values["cortex_thickness"], 0.5)
    if "obesity" in findings:
        values["skin_depth"] = max(values["skin_depth"], drawn("obesity", "skin_depth"))
