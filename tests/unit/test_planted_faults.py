"""Each rule detects violations that are planted in a copy of a compliant stack."""

from __future__ import annotations

import pytest

from lib.rules import RULES, evaluate
from tests.support.faults import FAULTS, Plant
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource


@pytest.mark.parametrize(
    ("name", "stack", "plant"), FAULTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_planted_violation_is_detected(
    name: str, stack: str, plant: Plant, synth: Synthesizer
) -> None:
    compliant = synth(stack)
    copy = compliant.copy()
    where = plant(copy)
    address = where.address if isinstance(where, Resource) else where
    before = {*evaluate(name, compliant)}
    new = [violation for violation in evaluate(name, copy.unchanging) if violation not in before]
    assert new, "the violation was not detected"
    assert all(violation.startswith(address) for violation in new), new


def test_every_rule_has_a_planted_violation() -> None:
    assert {*RULES} == {name for name, _, _ in FAULTS}
