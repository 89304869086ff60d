"""Each promise can break: a fault is planted in a copy of a sound stack, and must be named."""

from __future__ import annotations

import pytest

from lib.promises import PROMISES, broken
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
    before = {*broken(name, sound)}
    new = [offence for offence in broken(name, copy) if offence not in before]
    assert new, "the fault was not seen"
    assert all(offence.startswith(address) for offence in new), new


def test_every_promise_has_a_planted_fault() -> None:
    assert {*PROMISES} == {name for name, _, _ in FAULTS}
