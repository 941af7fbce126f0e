"""All of SPINECT Planner that needs no screen: from a CT on disk to a measured triangle.

What a program of your own needs is exported here. The rooms below may change with any version.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
    from spinect_core.base.errors import Cancelled, SpinectError
    from spinect_core.base.versions import NOTICE, __version__
    from spinect_core.geometry.triangle import Triangle
    from spinect_core.geometry.view import View
    from spinect_core.image.region import Region
    from spinect_core.image.volume import Labels, Volume
    from spinect_core.io.reading import list_series, read_ct, read_labels
    from spinect_core.io.writing import write_labels
    from spinect_core.pipeline.from_labels import measure, plan_labels
    from spinect_core.pipeline.plan_case import plan_case
    from spinect_core.plan.document import Document, read_document, write_document
    from spinect_core.plan.plan import Case, Plan, read_plan, write_plan
    from spinect_core.segmentation import segment
    from spinect_core.segmentation.organs import find_organs

__all__ = [
    "NOTICE",
    "Cancelled",
    "Case",
    "Document",
    "Labels",
    "Landmarks",
    "Plan",
    "Region",
    "SpinectError",
    "Triangle",
    "View",
    "Volume",
    "__version__",
    "find_landmarks",
    "find_organs",
    "list_series",
    "measure",
    "plan_case",
    "plan_labels",
    "read_ct",
    "read_document",
    "read_labels",
    "read_plan",
    "segment",
    "write_document",
    "write_labels",
    "write_plan",
]

_HOMES = {
    "anatomy.landmarks": ("Landmarks", "find_landmarks"),
    "base.errors": ("Cancelled", "SpinectError"),
    "base.versions": ("NOTICE", "__version__"),
    "geometry.triangle": ("Triangle",),
    "geometry.view": ("View",),
    "image.region": ("Region",),
    "image.volume": ("Labels", "Volume"),
    "io.reading": ("list_series", "read_ct", "read_labels"),
    "io.writing": ("write_labels",),
    "pipeline.from_labels": ("measure", "plan_labels"),
    "pipeline.plan_case": ("plan_case",),
    "plan.document": ("Document", "read_document", "write_document"),
    "plan.plan": ("Case", "Plan", "read_plan", "write_plan"),
    "segmentation": ("segment",),
    "segmentation.organs": ("find_organs",),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: `import spinect_core` alone stays instant (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is exported, loaded or not."""
    return sorted({*globals(), *__all__})
