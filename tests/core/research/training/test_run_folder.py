"""A run's folder: another run in it is refused, and the refusal names what differs and nothing else."""

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.research.training.recipe import RECIPES, switched
from spinect_core.research.training.run_folder import keep_config

NAMES = [f"patient_{number:03}.0123456789" for number in range(40)]


def facts(recipe=RECIPES["improved"], training=NAMES):
    return {
        "recipe": recipe.to_dict(),
        "cases": {"training": list(training), "validation": [], "test": [], "init": None},
    }


@pytest.mark.parametrize(
    ("training", "told"),
    [
        (NAMES[:-1], "training now lacks patient_039.0123456789. Give"),
        ([*NAMES, "new"], "training now has besides new. Give"),
        (["x", *NAMES[5:]], r"training now lacks .*_000\.\w+, .*_001\.\w+, .*_002\.\w+ and 2 more and has besides x"),
        (NAMES[::-1], r"training was \[.*\.\.\. and is now"),
    ],
)  # fmt: skip
def test_cases_that_came_or_went_are_named(training, told, tmp_path):
    keep_config(tmp_path, facts())
    with pytest.raises(UsageError, match="other cases: " + told):
        keep_config(tmp_path, facts(training=training))
    keep_config(tmp_path, facts())


def test_of_the_variations_the_one_that_differs_is_named(tmp_path):
    keep_config(tmp_path, facts())
    with pytest.raises(UsageError, match=r"other recipe: pose was 0\.6 and is now 0\. Give"):
        keep_config(tmp_path, facts(switched(RECIPES["improved"], ["pose"], on=False)))
