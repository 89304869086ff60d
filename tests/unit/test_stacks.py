"""The registry of stacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.stacks import STACKS, register
from tests.support.synthesis import Synthesizer

TAP = STACKS["tap"]


def test_a_stack_with_the_prefix_of_another_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"prefix of copy: received '', which tap has; accepted"):
        register(TAP, replace(TAP, name="copy"))


def test_two_stacks_with_one_name_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"name: received 'tap' for two stacks; accepted"):
        register(TAP, replace(TAP, prefix="other-"))


def test_classes_are_loaded_from_their_path() -> None:
    assert STACKS["state"].load().__name__ == "StateStack"


@pytest.mark.parametrize("stack", STACKS)
def test_provider_refuses_the_credentials_of_other_accounts(stack: str, synth: Synthesizer) -> None:
    (unset,) = synth(stack).document["provider"]["aws"]
    assert "allowed_account_ids" not in unset
    (provider,) = synth(stack, AWS_ACCOUNT_ID="123456789012").document["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["123456789012"]
