"""The rule for texts that AWS accepts: message, references and blocks."""

from __future__ import annotations

from typing import Any

import pytest

from lib.rules import evaluate
from lib.template import Template

REPORTED = "The API's requests to the application"


def violations(type_: str, **body: Any) -> list[str]:
    document = {
        "//": {"metadata": {"stackName": "example"}},
        "resource": {type_: {"Example": body}},
    }
    return evaluate("require_accepted_text", Template(document))


def test_violation_contains_argument_value_operation_member_and_accepted_characters() -> None:
    (found,) = violations("aws_vpc_security_group_egress_rule", description=REPORTED)
    assert found.startswith("aws_vpc_security_group_egress_rule.Example")
    assert (
        f'description: received "{REPORTED}"; accepted: letters, digits, spaces and'
        " ._-:/()#,@[]+=&;{}!$* (security group rule description of"
        " ec2.AuthorizeSecurityGroupEgress, member Description, https://docs.aws.amazon.com/"
    ) in found


def test_violation_contains_length_of_a_long_text() -> None:
    (found,) = violations("aws_lb", name="x" * 33)
    assert "accepted: 1 to 32 characters, not 33 (load balancer name" in found


@pytest.mark.parametrize(
    "name",
    ["${var.name}", "data-${data.aws_caller_identity.current.account_id}", '${lower("${var.x}")}'],
)
def test_reference_is_not_compared(name: str) -> None:
    assert violations("aws_s3_bucket", bucket=name) == []


def test_text_beside_a_reference_is_compared() -> None:
    assert violations("aws_s3_bucket", bucket="Data-${var.name}")


@pytest.mark.parametrize("many", [True, False])
def test_one_block_and_a_list_of_blocks_are_compared(many: bool) -> None:
    block = {"description": REPORTED}
    (found,) = violations("aws_security_group", ingress=[block] if many else block)
    assert "ingress[0].description: received" in found
