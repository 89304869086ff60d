"""Each rule detects violations that are planted in a copy of a compliant stack."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from lib.rules import RULES, evaluate
from tests.support.faults import FAULTS, Plant
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource


@pytest.fixture(scope="module")
def existing(synth: Synthesizer) -> Callable[[str, str], set[str]]:
    """`existing(rule, stack)`: the violations of the compliant stack, evaluated once."""

    @functools.cache
    def violations(name: str, stack: str) -> set[str]:
        return {*evaluate(name, synth(stack))}

    return violations


@pytest.mark.parametrize(
    ("name", "stack", "plant"), FAULTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_planted_violation_is_detected(
    name: str,
    stack: str,
    plant: Plant,
    synth: Synthesizer,
    existing: Callable[[str, str], set[str]],
) -> None:
    copy = synth(stack).copy()
    where = plant(copy)
    address = where.address if isinstance(where, Resource) else where
    before = existing(name, stack)
    new = [violation for violation in evaluate(name, copy.unchanging) if violation not in before]
    assert new, "the violation was not detected"
    assert all(violation.startswith(address) for violation in new), new


def test_every_rule_has_a_planted_violation() -> None:
    assert {*RULES} == {name for name, _, _ in FAULTS}
