"""Progress on standard error: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from spinect_core.base.progress import Progress, silent

STEP = 0.1
PATIENCE_S = 15.0


@contextmanager
def reporting(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """What long work reports to while it runs.

    Args:
        title: what is being done.
        quiet: report nothing.
    """
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _Lines(title)


class _Lines:
    """A line whenever a tenth of the work is done, or after 15 s: logs stay short and still show life."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._said = -1.0
        self._at = 0.0

    def __call__(self, fraction: float, message: str) -> None:
        moment = time.monotonic()
        if fraction < min(self._said + STEP, 1.0) and moment - self._at < PATIENCE_S:
            return
        if fraction >= 1.0 and self._said >= 1.0:
            return
        self._said, self._at = fraction, moment
        with contextlib.suppress(
            OSError
        ):  # the terminal may be gone, the work goes on until it is told to stop
            print(f"{self._title}: {fraction:4.0%}  {message}", file=sys.stderr, flush=True)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.fields[title]}"),
        BarColumn(bar_width=32),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.description}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0, title=escape(title))

        def report(fraction: float, message: str) -> None:
            bars.update(task, completed=fraction, description=escape(message))

        yield report
