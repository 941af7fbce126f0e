"""The network, its weights and the engines that run it over a whole region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinect_core.segmentation.run import RunInfo, Segmentation, segment

__all__ = ["RunInfo", "Segmentation", "segment"]


def __getattr__(name: str) -> Any:
    """Load what is asked for: the inference process needs none of it and must start quickly."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spinect_core.segmentation import run

    return getattr(run, name)
