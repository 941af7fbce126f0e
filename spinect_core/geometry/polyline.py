"""Lines of points."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray


def along(points: FloatArray) -> FloatArray:
    """How far (n,) mm along a line of points (n, 3) each of them lies from the first."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
