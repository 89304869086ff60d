"""The rules for texts and ARNs that AWS accepts: messages, references, blocks and providers."""

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


KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
PROVIDERS = [{"region": "us-east-1"}, {"alias": "peer", "region": "eu-west-1"}]


def foreign_arns(type_: str, providers: list[dict[str, str]] = PROVIDERS, **body: Any) -> list[str]:
    document = {
        "//": {"metadata": {"stackName": "example"}},
        "provider": {"aws": providers},
        "resource": {type_: {"Example": body}},
    }
    return evaluate("require_arns_of_the_region", Template(document))


def test_arn_of_another_region_is_reported_with_both_regions() -> None:
    (found,) = foreign_arns("aws_sqs_queue", kms_master_key_id=KEY)
    assert found.startswith("aws_sqs_queue.Example")
    assert found.endswith("kms_master_key_id: contains an ARN of eu-west-1, not of us-east-1")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:kms:us-east-1:123456789012:key/1",
        "arn:aws:s3:::bucket",
        "arn:aws:iam::123456789012:role/role",
        "arn:aws:cloudtrail:*:123456789012:trail/*",
        "arn:aws:kms:${data.aws_region.current.name}:123456789012:key/1",
    ],
)
def test_arns_without_another_region_are_accepted(arn: str) -> None:
    assert foreign_arns("aws_sqs_queue", kms_master_key_id=arn) == []


def test_arns_are_compared_with_the_region_of_the_own_provider() -> None:
    assert foreign_arns("aws_sqs_queue", kms_master_key_id=KEY, provider="aws.peer") == []
    (found,) = foreign_arns(
        "aws_sqs_queue", kms_master_key_id=KEY.replace("eu", "us"), provider="aws.peer"
    )
    assert found.endswith("an ARN of us-west-1, not of eu-west-1")


def test_regions_that_are_not_known_and_subscriptions_are_not_compared() -> None:
    unknown = [{"region": "${var.region}"}]
    assert foreign_arns("aws_sqs_queue", unknown, kms_master_key_id=KEY) == []
    queue = KEY.replace("kms", "sqs")
    assert foreign_arns("aws_sns_topic_subscription", endpoint=queue) == []
