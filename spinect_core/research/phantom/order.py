"""What case is wanted, in a form that crosses into another process, and the drawing of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from spinect_core.base.errors import UsageError
from spinect_core.research.phantom.build import LUMBOSACRAL, Box, Phantom, draw_case, grid_for
from spinect_core.research.phantom.from_bones import BoneSet, draw_on_bones
from spinect_core.research.phantom.parameters import stream
from spinect_core.research.phantom.pathology import PATHOLOGIES
from spinect_core.research.phantom.scanner import (
    IDEAL,
    Scan,
    check_setting,
    draw_grid,
    draw_scan,
    slices_within,
    thin_slices,
)
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.tilt import TiltedScan, box_for_tilt, check_tilt, tilted_scan
from spinect_core.research.phantom.variety import FAMILIES, VARIED

BYTES_PER_VOXEL = 280
"""Memory that drawing needs at its peak, measured at 1 mm (see benchmarks/phantom.py)."""
BYTES_OF_A_PROCESS = 200_000_000


@lru_cache(maxsize=1)
def bones_of(path: Path) -> BoneSet:
    """Bones from files, read and measured once in a process."""
    # Reading surfaces loads VTK, which no other case needs.
    from spinect_core.research.phantom.bone_files import read_bones

    return read_bones(path)


@dataclass(frozen=True)
class Order:
    """A case to draw; what is None is drawn from the seed.

    Attributes:
        seed: any whole number from 0.
        spacing: (x, y, z) mm of the CT; None draws pixels, distance of slices and field of view.
        box: what the CT shows, in patient mm.
        family: one of :data:`~spinect_core.research.phantom.variety.FAMILIES`.
        kernel: one of :data:`~spinect_core.research.phantom.kernels.KERNELS`.
        noise_hu: standard deviation of the noise.
        slice_mm: slice thickness.
        bones: folder or label map of the bones to draw on.
        pathologies: names of :data:`~spinect_core.research.phantom.pathology.PATHOLOGIES`; none of them if empty.
    """

    seed: int
    spacing: tuple[float, float, float] | None = (1.0, 1.0, 1.0)
    box: Box = LUMBOSACRAL
    family: str = "procedural"
    kernel: str | None = None
    noise_hu: float | None = None
    slice_mm: float | None = None
    pathologies: tuple[str, ...] | None = None
    bones: Path | None = None

    def check(self) -> None:
        """Raise :class:`UsageError` for what can be seen to be wrong without drawing."""
        if self.seed < 0:
            raise UsageError(
                f"The seed {self.seed} is negative", "Give a whole number from 0", parameter="seed"
            )
        if self.spacing is not None and not all(0.25 <= step <= 10.0 for step in self.spacing):
            told = " x ".join(f"{step:g}" for step in self.spacing)
            raise UsageError(
                f"A spacing of {told} mm is not drawn", "Give 0.25 to 10 mm", parameter="spacing"
            )
        if self.family not in FAMILIES:
            raise UsageError(
                f"There is no family {self.family!r}",
                f"Choose one of {', '.join(FAMILIES)}",
                parameter="family",
            )
        if self.bones is not None and self.pathologies:
            raise UsageError(
                "Findings are not drawn on bones from files",
                "Leave the pathologies out",
                parameter="pathology",
            )
        for name in self.pathologies or ():
            if name not in PATHOLOGIES:
                raise UsageError(
                    f"There is no pathology {name!r}",
                    f"Choose from {', '.join(PATHOLOGIES)}, or none",
                    parameter="pathology",
                )
        check_setting(self.noise_hu, self.slice_mm, self.kernel)

    def grid(self) -> tuple[tuple[float, float, float], Box]:
        """Spacing and box of the CT."""
        if self.spacing is not None:
            return self.spacing, self.box
        return draw_grid(stream(self.seed, "grid"), self.box)

    def setting(self) -> Scan:
        """The scanner."""
        return draw_scan(
            stream(self.seed, "scanner"),
            kernel=self.kernel,
            noise_hu=self.noise_hu,
            slice_mm=self.slice_mm,
            step_mm=self.grid()[0][2],
        )

    def bytes_needed(self) -> int:
        """Memory a process needs to draw it."""
        spacing, box = self.grid()
        z, y, x = thin_slices(grid_for(spacing, box), slices_within(spacing)).shape
        return BYTES_OF_A_PROCESS + BYTES_PER_VOXEL * z * y * x

    def draw(self) -> Phantom:
        """Draw and scan it.

        Raises:
            UsageError: the order makes no sense.
        """
        self.check()
        spacing, box = self.grid()
        return self._drawn(spacing, box, self.setting())

    def draw_tilted(self, tilt_deg: float) -> tuple[Phantom, TiltedScan]:
        """Draw it and scan it with a leaning gantry.

        Returns:
            The specimen upright, its volume as an ideal scanner shows it, and the leaning slices.

        Raises:
            UsageError: the order or the tilt makes no sense.
        """
        self.check()
        check_tilt(tilt_deg)
        spacing, box = self.grid()
        within, setting = slices_within(spacing), self.setting()
        thin = (spacing[0], spacing[1], spacing[2] / within)
        upright = self._drawn(thin, box_for_tilt(box, tilt_deg), IDEAL)
        metal = upright.structures == STRUCTURES["metal"]
        tilted = tilted_scan(
            upright.volume, box, tilt_deg, setting, stream(self.seed, "noise"), metal=metal, within=within
        )
        scan = {**vars(setting), "spacing": list(spacing)}
        truth: dict[str, Any] = {**upright.truth, "scan": scan, "tilted": tilted.truth()}
        return replace(upright, truth=truth), tilted

    def _drawn(self, spacing: tuple[float, float, float], box: Box, setting: Scan) -> Phantom:
        if self.bones is not None:
            bones = bones_of(self.bones)
            varied = self.family == VARIED
            return draw_on_bones(self.seed, bones, spacing, box=box, setting=setting, varied=varied)
        return draw_case(
            self.seed, spacing, box=box, setting=setting, family=self.family, pathologies=self.pathologies
        )
