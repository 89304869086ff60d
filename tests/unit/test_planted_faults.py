"""Each rule can break: a fault is planted in a copy of a sound stack, and must be named."""

from __future__ import annotations

import pytest

from lib.rules import RULES, evaluate
from tests.support.faults import FAULTS, Plant
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource


@pytest.mark.parametrize(
    ("name", "stack", "plant"), FAULTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_planted_fault_is_named(name: str, stack: str, plant: Plant, synth: Synthesizer) -> None:
    sound = synth(stack)
    copy = sound.copy()
    where = plant(copy)
    address = where.address if isinstance(where, Resource) else where
    before = {*evaluate(name, sound)}
    new = [violation for violation in evaluate(name, copy) if violation not in before]
    assert new, "the fault was not seen"
    assert all(violation.startswith(address) for violation in new), new


def test_every_promise_has_a_planted_fault() -> None:
    assert {*RULES} == {name for name, _, _ in FAULTS}
