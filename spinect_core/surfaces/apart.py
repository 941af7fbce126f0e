"""Surfaces made in a process of their own: a program with a window stays awake while they are made.

The filters that make them hold the interpreter for up to a second. The process is started before it is needed, since
loading its libraries takes as long as its work; labels and surfaces pass through its pipes, so nothing of the patient
gets onto a disk.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from spinect_core.base.piped import PipedProcess
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.image.volume import BONE, NERVE, Labels
from spinect_core.surfaces.build import Surfaces, build_surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays

FEW_VOXELS = 500_000
"""The surfaces of at most these are made sooner than a process starts, and nobody notices."""


class SurfacesHere:
    """Makes surfaces in this process, in the way of `SurfaceProcess`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def build(
        self,
        labels: Labels,
        *,
        tissues: Collection[int] = (BONE, NERVE),
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Surfaces:
        """What :func:`~spinect_core.surfaces.build_surfaces` makes."""
        return build_surfaces(labels, tissues=tissues, progress=progress, cancel=cancel)


def surface_maker(voxels: int) -> SurfaceProcess | SurfacesHere:
    """What makes the surfaces of labels on a grid of so many voxels: a process of its own, unless they are few."""
    return SurfacesHere() if voxels <= FEW_VOXELS else SurfaceProcess()


class SurfaceProcess:
    """The process, started; it makes one set of surfaces after another. Leaving the context ends it at once."""

    def __init__(self) -> None:
        self._child = PipedProcess("surfaces", "makes the surfaces")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.end()

    def build(
        self,
        labels: Labels,
        *,
        smoothing_mm: float = 1.5,
        tissues: Collection[int] = (BONE, NERVE),
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Surfaces:
        """What :func:`~spinect_core.surfaces.build_surfaces` makes of the same.

        Raises:
            Cancelled: the user stopped it.
            WorkerError: the process ended before it was done.
        """
        check(cancel)
        self._child.send(packed(Order(labels, smoothing_mm, tuple(tissues))))
        while True:
            message: Report | Made = pickle.loads(self._child.receive(cancel))
            if isinstance(message, Made):
                return Surfaces(*(mesh.mesh() for mesh in message.meshes))
            progress(message.part, message.text)


@dataclass(frozen=True, eq=False)
class Order:
    """What the process is to do.

    Attributes:
        labels: whose surfaces to make.
        smoothing_mm: as for :func:`~spinect_core.surfaces.build_surfaces`.
        tissues: the same.
    """

    labels: Labels
    smoothing_mm: float
    tissues: tuple[int, ...] = (BONE, NERVE)


@dataclass(frozen=True)
class Report:
    """How far the process is.

    Attributes:
        part: done, 0 to 1.
        text: the stage.
    """

    part: float
    text: str


@dataclass(frozen=True, eq=False)
class Made:
    """What the process made.

    Attributes:
        meshes: in the order of the fields of `Surfaces`.
    """

    meshes: tuple[MeshArrays, ...]


def packed(message: Order | Report | Made) -> bytes:
    """The bytes of a message; both ends are this program, so they are unpickled without a doubt."""
    return pickle.dumps(message, protocol=5)
