"""What the place of a needle's tip costs, from what the rules say of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from spinect_core.base.words import Rule
from spinect_core.planning.rules import Finding, Rules
from spinect_core.teaching.records import AdviceRecord, BestRecord, ScoreRecord, TaskRecord
from spinect_core.teaching.scoring import Scored, _add_tip
from spinect_core.teaching.wording import advice_sentences
from spinect_core.teaching.words import PartName


def tip_part(*findings):
    made = Scored()
    best = SimpleNamespace(approach=SimpleNamespace(needle=None))
    _add_tip(made, best, findings)
    return made, made.parts[0].value


def finding(rule, value):
    return Finding(rule, Rules()[rule].kind, False, value, Rules()[rule].value)


@pytest.mark.parametrize("rule", [Rule.TIP_VENTRAL, Rule.TIP_LATERAL, Rule.TIP_HIGH])
def test_a_warning_about_the_place_of_the_tip_costs_a_third_of_it(rule):
    assert tip_part()[1] == 1.0
    made, value = tip_part(finding(rule, 9.0))
    assert value == pytest.approx(2 / 3, abs=1e-3)
    advice = AdviceRecord(part="tip", lost=7.0, about=str(rule), values=dict(made.told[PartName.TIP]))
    score = ScoreRecord(points=93, parts=tuple(made.parts), advice=(advice,), best=BestRecord(indicated=True))
    assert advice_sentences(score, TaskRecord(task="needle"))[0]
    assert tip_part(finding(Rule.ENTRY_FAR, 200.0))[1] == 1.0
