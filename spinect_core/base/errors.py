"""The one family of exceptions of the core.

Every message names what was looked at, what is wrong with it and what the user can do. The command line prints the same
text on one line, the window shows it in a dialog.
"""

from __future__ import annotations

from pathlib import Path


class SpinectError(Exception):
    """Something the user can understand and act on.

    Args:
        fault: what is wrong, as a sentence without its full stop.
        remedy: what to do about it, as a sentence without its full stop.
        source: the file, folder or value the fault was found in.
    """

    exit_code = 1

    def __init__(self, fault: str, remedy: str, source: str | Path | None = None) -> None:
        self.fault = fault
        self.remedy = remedy
        self.source = None if source is None else str(source)
        super().__init__(str(self))

    def __str__(self) -> str:
        subject = f"{self.source}: " if self.source else ""
        return f"{subject}{self.fault}. {self.remedy}."

    def __reduce__(self) -> tuple[type[SpinectError], tuple[str, str, str | None]]:
        """Errors cross the boundary of the inference process, so they must pickle."""
        return type(self), (self.fault, self.remedy, self.source)


class UsageError(SpinectError):
    """The command or a value given to it makes no sense."""

    exit_code = 2


class ReadingError(SpinectError):
    """A file or folder is not a CT, or not one that can be read."""

    exit_code = 3


class SpatialError(ReadingError):
    """The slices of a series do not form one regular volume."""


class SegmentationError(SpinectError):
    """The network or its engine could not run."""

    exit_code = 4


class MeasurementError(SpinectError):
    """A measurement is not defined for the points or the view given."""

    exit_code = 5


class PlanError(SpinectError):
    """A plan or one of its parts could not be made, saved or opened."""

    exit_code = 6


class Cancelled(SpinectError):
    """The user stopped the work; nothing was changed."""

    exit_code = 130

    def __init__(
        self,
        fault: str = "Cancelled",
        remedy: str = "Start it again when you are ready",
        source: str | Path | None = None,
    ) -> None:
        super().__init__(fault, remedy, source)
