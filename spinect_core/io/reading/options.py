"""How the user wants a CT read where reading itself would rather refuse."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """Decisions that reading does not make by itself.

    Attributes:
        assume_hu: take numbers for Hounsfield units that are declared to be something else, or that do not look like
            them. What was assumed stands among the warnings of the volume.
        join_series: join files that belong together by their positions, but say of themselves that they are of
            different series.
    """

    assume_hu: bool = False
    join_series: bool = False


NO_OPTIONS = ReadOptions()
"""Nothing is decided: reading refuses whatever it is not sure of."""
ASSUME_HU = "assume_hu"
"""The parameter of an error that ``ReadOptions.assume_hu`` is the way past."""
JOIN_SERIES = "join_series"
"""The parameter of an error that ``ReadOptions.join_series`` is the way past."""
