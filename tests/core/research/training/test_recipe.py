"""The paper's recipe is the default, and each improvement can be switched alone."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.cli.train import IMPROVEMENTS as TOLD
from spinect_core.research.training.losses import CLASS_WEIGHTS
from spinect_core.research.training.recipe import IMPROVEMENTS, RECIPES, TO_TRY, TrainingConfig, switched


def test_the_default_is_the_papers():
    paper = TrainingConfig()
    assert paper == RECIPES["paper"]
    assert (paper.patch_shape, paper.stride) == ((32, 64, 64), (20, 40, 40))
    assert (paper.batch, paper.rate, paper.validate_every, paper.validation_cases) == (4, 5e-4, 100, 6)
    assert (paper.validation, paper.dice, paper.averaging, paper.nerve_share) == ("full", 0, 0, 0)
    assert {paper.rate_at(step) for step in range(0, 6000, 100)} == {5e-4}
    varied = paper.augmentation
    assert (varied.flips, varied.mirror) == ((2,), 0.5)
    assert varied.noise > 0
    assert not any(
        (varied.pose, varied.bone, varied.soft, varied.blur, varied.slabs, varied.table, varied.gain)
    )


def test_every_improvement_is_told_in_the_help():
    assert {name for name, _ in TOLD} == set(IMPROVEMENTS)


@pytest.mark.parametrize("name", IMPROVEMENTS)
def test_each_improvement_switches_alone_and_back(name):
    paper, improved = RECIPES["paper"], RECIPES["improved"]
    alone, lacking = switched(paper, [name], on=True), switched(improved, [name], on=False)
    changed = {*differences(paper, alone)}
    assert changed == {*IMPROVEMENTS[name]}
    assert {*differences(improved, lacking)} == (changed if name not in TO_TRY else set())
    assert switched(alone, [name], on=False) == paper
    if name not in TO_TRY:
        assert switched(lacking, [name], on=True) == improved


def differences(one, other):
    a, b = one.to_dict(), other.to_dict()
    inner, outer = a.pop("augmentation"), b.pop("augmentation")
    yield from (key for key in a if a[key] != b[key])
    yield from (key for key in inner if inner[key] != outer[key])


def test_the_rate_rises_stays_and_falls():
    config = TrainingConfig(steps=100, warmup=10, decay_from=0.5, rate=1e-3, last_rate=1e-5)
    rates = [config.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4)
    assert set(rates[9:51]) == {1e-3}
    assert all(a > b for a, b in pairwise(rates[50:]))
    assert rates[100] == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("field", "value"),
    [("steps", 0), ("rate", 0.0), ("averaging", 1.0), ("patch_shape", (32, 60, 64)), ("dice", float("nan")),
     ("nerve_share", 1.5), ("class_weights", (1.0, 2.0)), ("validation", "none")],
)  # fmt: skip
def test_values_that_make_no_sense_are_named(field, value):
    shown = ", ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else str(value)
    with pytest.raises(UsageError, match=f"The value is {re.escape(shown)}. It must be") as caught:
        replace(TrainingConfig(), **{field: value})
    assert caught.value.parameter == field
    assert TrainingConfig().class_weights == CLASS_WEIGHTS
