"""The registry of stacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.stacks import STACKS, register

TAP = STACKS["tap"]


def test_a_stack_with_the_prefix_of_another_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"prefix of copy: received '', which tap has; accepted"):
        register(TAP, replace(TAP, name="copy"))


def test_two_stacks_with_one_name_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"name: received 'tap' for two stacks; accepted"):
        register(TAP, replace(TAP, prefix="other-"))


def test_a_stack_may_share_a_prefix_explicitly() -> None:
    state = replace(TAP, name="copy", shares_prefix_with="tap")
    assert [*register(TAP, state)] == ["tap", "copy"]


def test_only_the_state_stack_shares_a_prefix() -> None:
    assert [spec.name for spec in STACKS.values() if spec.shares_prefix_with] == ["state"]


def test_classes_are_loaded_from_their_path() -> None:
    assert STACKS["state"].load().__name__ == "StateStack"
