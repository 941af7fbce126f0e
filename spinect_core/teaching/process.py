"""Draws and scores a case beside a window, in a process of its own that ends with it.

While the student works the process prepares the scoring, so that handing in takes a moment.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from spinect_core.base.errors import WorkerError
from spinect_core.base.piped import PipedProcess
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.pipeline.messages import Message, packed, unpacked
from spinect_core.surfaces import Surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays
from spinect_core.teaching.drawing import Pictures
from spinect_core.teaching.pack import Pack
from spinect_core.teaching.records import AttemptRecord, ScoreRecord, TaskRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Opening:
    """The order to draw a case.

    Attributes:
        pack: that holds it.
        case: its name.
    """

    pack: Pack
    case: str


@dataclass(frozen=True, eq=False)
class Scoring:
    """The order to score an attempt at a task of the case that was drawn.

    Attributes:
        task: of it.
        attempt: what was handed in.
    """

    task: TaskRecord
    attempt: AttemptRecord


@dataclass(frozen=True, eq=False)
class Drawn:
    """A case as a window shows it.

    Attributes:
        pictures: CT and labels.
        meshes: bone and nerve, and both more coarsely.
    """

    pictures: Pictures
    meshes: tuple[MeshArrays, MeshArrays, MeshArrays, MeshArrays]

    @classmethod
    def of(cls, pictures: Pictures, surfaces: Surfaces) -> Drawn:
        """As it passes to another process."""
        every = (surfaces.bone, surfaces.nerve, surfaces.bone_lod, surfaces.nerve_lod)
        bone, nerve, bone_lod, nerve_lod = (MeshArrays.of(each) for each in every)
        return cls(pictures, (bone, nerve, bone_lod, nerve_lod))

    def surfaces(self) -> Surfaces:
        """Bone and nerve."""
        bone, nerve, bone_lod, nerve_lod = (each.mesh() for each in self.meshes)
        return Surfaces(bone, nerve, bone_lod, nerve_lod)


class TeachingProcess:
    """The process; it is started at once, so that its libraries load meanwhile."""

    def __init__(self) -> None:
        self._child: PipedProcess | None = PipedProcess("teaching", "draws and scores the cases")

    def open(
        self, pack: Pack, case: str, *, progress: Progress = silent, cancel: Cancel | None = None
    ) -> Drawn:
        """Draw a case.

        Args:
            pack: that holds it.
            case: its name.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: looked at every 50 ms; the process ends then.

        Raises:
            Cancelled: the user stopped it.
            SpinectError: the case cannot be drawn.
        """
        made: Drawn = self._ask(Opening(pack, case), progress, cancel)
        return made

    def score(
        self,
        task: TaskRecord,
        attempt: AttemptRecord,
        *,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> ScoreRecord:
        """Score an attempt at a task of the case that was drawn last.

        Args:
            task: of it.
            attempt: what was handed in.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: looked at every 50 ms; the process ends then.

        Raises:
            Cancelled: the user stopped it.
            SpinectError: the attempt lacks what the task asks for.
        """
        made: ScoreRecord = self._ask(Scoring(task, attempt), progress, cancel)
        return made

    @property
    def alive(self) -> bool:
        """Whether it still has the case."""
        return self._child is not None and self._child.alive

    def close(self) -> None:
        """End the process; what is asked of it at this moment fails."""
        child, self._child = self._child, None
        if child is not None:
            child.end_aside()

    def _ask(self, order: Opening | Scoring, progress: Progress, cancel: Cancel | None) -> Any:
        child = self._child
        if child is None:
            raise WorkerError("The case to practise on is closed", "Open it again")
        child.send(packed(order))
        try:
            while True:
                message: Message = unpacked(child.receive(cancel))
                if message.text is None:
                    break
                progress(message.part, message.text)
        except BaseException:  # its answer would be taken for that to the next order
            child.end()
            raise
        if message.places:
            log.error("Unexpected fault in the process that scores\n%s", "\n".join(message.places))
        if message.fault is not None:
            raise message.fault
        return message.result
