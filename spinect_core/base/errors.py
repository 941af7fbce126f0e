"""The one family of exceptions of the core.

Every message names what was looked at, what is wrong with it and what the user can do. The window shows it in
a dialog; the command line prints it on one line and adds the option that a setting is given by, which only it knows.
"""

from __future__ import annotations

from pathlib import Path


class SpinectError(Exception):
    """Something the user can understand and act on.

    Args:
        fault: what is wrong, as a sentence without its full stop.
        remedy: what to do about it, as a sentence without its full stop.
        source: the file, folder or value the fault was found in.
        parameter: the setting that is at fault, or that the remedy changes, by its name in Python, such as
            ``validation_share``; the command line names its option for it.
    """

    exit_code = 1

    def __init__(
        self,
        fault: str,
        remedy: str,
        source: str | Path | None = None,
        parameter: str | None = None,
    ) -> None:
        self.fault = fault
        self.remedy = remedy
        self.source = None if source is None else str(source)
        self.parameter = parameter
        super().__init__(str(self))

    @property
    def subject(self) -> str:
        """What the message begins with: where the fault was found; empty if that is nowhere in particular."""
        return self.source or ""

    def __str__(self) -> str:
        return (
            f"{self.subject}: {self.fault}. {self.remedy}."
            if self.subject
            else f"{self.fault}. {self.remedy}."
        )

    def __reduce__(self) -> tuple[type[SpinectError], tuple[str, str, str | None, str | None]]:
        """Errors cross the boundary of the inference process, so they must pickle."""
        return type(self), (self.fault, self.remedy, self.source, self.parameter)


class InstallationError(SpinectError):
    """A part of the program itself is missing or damaged."""


class UsageError(SpinectError):
    """The command or a value given to it makes no sense."""

    exit_code = 2

    @property
    def subject(self) -> str:
        """Where the fault was found, or the setting that is at fault, in plain words."""
        return self.source or (self.parameter or "").replace("_", " ")


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


class AnatomyError(SpinectError):
    """The labels do not show the anatomy that a plan rests on."""

    exit_code = 6


class PlanError(SpinectError):
    """A plan, or the document it is kept in, is not right: not one, damaged, of a newer program, not of this CT."""

    exit_code = 6


class OutputError(SpinectError):
    """A file or folder cannot be written."""

    exit_code = 7


class RenderError(SpinectError):
    """No picture can be rendered on this computer."""

    exit_code = 8


class WorkerError(SpinectError):
    """A process that shares the work ended, or ran out of memory."""

    exit_code = 9


class ArchiveError(SpinectError):
    """An archive cannot be reached, refuses, is full, or does not answer in time."""

    exit_code = 10


class Cancelled(SpinectError):
    """The user stopped the work; nothing was changed."""

    exit_code = 130

    def __init__(
        self,
        fault: str = "Cancelled",
        remedy: str = "Start it again when you are ready",
        source: str | Path | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(fault, remedy, source, parameter)
