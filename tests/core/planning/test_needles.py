"""Standard needles."""

from __future__ import annotations

import pytest

from spinect_core.base.errors import MeasurementError
from spinect_core.planning.needle.needles import STANDARD, fitting


@pytest.mark.parametrize(
    ("depth", "length"),
    [(40.0, 89.0), (79.0, 89.0), (79.1, 127.0), (117.0, 127.0), (117.5, 178.0), (168.0, 178.0)],
)
@pytest.mark.parametrize("gauge", [22, 25])
def test_the_shortest_that_leaves_ten_millimetres_outside(depth: float, length: float, gauge: int) -> None:
    fit = fitting(depth, gauge)
    assert fit.needle is not None
    assert fit.needle.length_mm == length
    assert fit.needle.gauge == gauge
    assert fit.spare_mm == pytest.approx(length - depth)
    assert fit.words.startswith(f"{gauge} G, {fit.needle.inches:g} in ({length:.0f} mm)")


def test_none_fits_and_why() -> None:
    short = fitting(180.0)
    assert short.needle is None
    assert short.words.endswith("ends 2 mm short of the target")
    tight = fitting(170.0)
    assert tight.needle is None
    assert "leaves 8 mm outside the skin" in tight.words


def test_what_is_no_needle_is_refused() -> None:
    with pytest.raises(MeasurementError, match="20 G"):
        fitting(60.0, 20)
    for depth in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(MeasurementError, match="does not exist"):
            fitting(depth)


def test_six_needles_by_inches_and_gauge() -> None:
    assert {(n.length_mm, n.outer_mm) for n in STANDARD} == {
        (length, outer) for length in (89.0, 127.0, 178.0) for outer in (0.7176, 0.5144)
    }
