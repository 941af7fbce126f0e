"""What guides the needle and which rules are lifted, as the command line says it."""

from __future__ import annotations

import argparse

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Rule
from spinect_core.cli.parser import add_rules, overrides_of
from spinect_core.pipeline.plan_case import plan_case, rules_of


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_rules(parser)
    return parser.parse_args(words)


def test_needles_are_placed_under_ct_and_no_rule_is_lifted_unless_one_says_so() -> None:
    usual = options()
    assert (usual.guidance, overrides_of(usual)) == ("ct", {})
    assert options("--guidance", "fluoroscopy").guidance == "fluoroscopy"
    with pytest.raises(SystemExit):
        options("--guidance", "sonography")


def test_a_lifted_rule_keeps_its_reason() -> None:
    given = options(
        "--override", "tip-medial-of-pedicle=seen = on pictures", "--override", "oblique-too-wide=slim"
    )
    rules = rules_of(overrides_of(given))
    assert rules.reason(Rule.TIP_MEDIAL) == "seen = on pictures"
    assert rules.reason(Rule.OBLIQUE_WIDE) == "slim"
    assert not rules.bars(Rule.TIP_MEDIAL)
    assert rules.bars(Rule.TILT_STEEP)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("no-such-rule=why", "no rule"),
        ("tip-medial-of-pedicle", "without a reason"),
        ("tip-medial-of-pedicle= ", "without a reason"),
        ("bone-met=it is soft", "cannot be overridden"),
        ("between-laminae=why", "cannot be overridden"),
        ("longer-needle=we have one", "bars nothing"),
    ],
)
def test_what_cannot_be_lifted_is_refused_before_anything_runs(given: str, said: str, tmp_path) -> None:
    overrides = overrides_of(options("--override", given))
    with pytest.raises(UsageError, match=said):
        plan_case(tmp_path / "no.nii", tmp_path / "out", overrides=overrides)
    assert not (tmp_path / "out").exists()


def test_two_reasons_for_one_rule_are_refused() -> None:
    given = options("--override", "oblique-too-wide=slim", "--override", "oblique-too-wide =seen")
    with pytest.raises(UsageError, match="given twice"):
        overrides_of(given)
