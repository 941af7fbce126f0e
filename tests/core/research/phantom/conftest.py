from __future__ import annotations

from collections.abc import Callable

import pytest

from spinect_core.research.phantom import Phantom, Scan

CORE_BOX = ((-62.0, 62.0), (-40.0, 78.0), (-66.0, 52.0))


@pytest.fixture(scope="package")
def fine(draw_once: Callable[..., Phantom]) -> Phantom:
    """L4 to S2 of a normal specimen at 1 mm, without noise."""
    return draw_once(12, box=CORE_BOX, setting=Scan(fwhm_mm=0.9, slice_mm=0.9, noise_hu=0.0), pathologies=())


@pytest.fixture(scope="package")
def whole(draw_once: Callable[..., Phantom]) -> Phantom:
    """Everything of a normal specimen at 2 mm."""
    return draw_once(3, (2.0, 2.0, 2.0), pathologies=())
