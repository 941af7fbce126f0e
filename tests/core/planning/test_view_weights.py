"""Terms and scores."""

import numpy as np
import pytest

from spinect_core.plan.wording import REASONS
from spinect_core.planning.search.map_csv import CODES
from spinect_core.planning.search.weights import TERMS, Limits, Reason, Weights

LIMITS = Limits()
GOOD = {
    "oblique": np.array([30.0]),
    "area_mm2": np.array([40.0]),
    "radius_mm": np.array([3.5]),
    "nerve_mm": np.array([5.0]),
    "bone_mm": np.array([4.0]),
    "depth_mm": np.array([60.0]),
}


def terms(**changed: float) -> dict[str, np.ndarray]:
    values = GOOD | {name: np.array([value]) for name, value in changed.items()}
    return Weights().terms(**values, largest_mm2=40.0, limits=LIMITS)


def score(**changed: float) -> float:
    return float(Weights().score(terms(**changed))[0])


def test_the_weights_add_up_to_one_and_nerve_counts_more_than_bone():
    weights = Weights()
    assert sum(getattr(weights, name) for name in TERMS) == pytest.approx(1.0)
    assert weights.nerve > weights.bone


def test_a_view_that_is_good_in_everything_scores_one():
    assert score() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "term", "value"),
    [
        ({"area_mm2": 10.0}, "area", 0.25),
        ({"radius_mm": 0.36}, "tolerance", 0.0),
        ({"radius_mm": 1.68}, "tolerance", 0.5),
        ({"nerve_mm": 2.18}, "nerve", 0.5),
        ({"nerve_mm": np.inf}, "nerve", 1.0),
        ({"bone_mm": 1.68}, "bone", 0.5),
        ({"depth_mm": 79.0}, "depth", 1.0),
        ({"depth_mm": 168.0}, "depth", 0.0),
        ({"oblique": 0.0}, "usual", 0.0),
        ({"oblique": 10.0}, "usual", 0.5),
        ({"oblique": 20.0}, "usual", 1.0),
        ({"oblique": 55.0}, "usual", 0.25),
    ],
)
def test_each_term_runs_from_bad_to_good(change, term, value):
    assert terms(**change)[term][0] == pytest.approx(value)
    assert score(**change) == pytest.approx(1.0 - getattr(Weights(), term) * (1.0 - value))


def test_without_skin_the_depth_does_not_count():
    assert np.isnan(terms(depth_mm=np.nan)["depth"][0])
    assert score(depth_mm=np.nan) == pytest.approx(1.0)
    assert score(depth_mm=np.nan, area_mm2=0.0) == pytest.approx(1.0 - 0.3 / 0.9)


def test_every_reason_has_its_own_words():
    assert len(set(REASONS.values())) == len(set(CODES.values())) == len(REASONS) == len(CODES) == len(Reason)
    assert LIMITS.deepest_mm == pytest.approx(168.0)
