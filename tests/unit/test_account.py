"""The account id, and ARNs that contain it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cdktf import TerraformOutput

from lib.account import Account
from tests.unit.conftest import UnitStack

ARNS: dict[str, Callable[[Account], str]] = {
    "arn:aws:sns:us-east-1:ID:t": lambda account: account.arn("sns", "t"),
    "arn:aws:sns:eu-west-1:ID:t": lambda account: account.arn("sns", "t", region="eu-west-1"),
    "arn:aws:iam::ID:root": lambda account: account.root_arn,
    "arn:aws:s3:::b": lambda account: account.bucket_arn("b"),
    "arn:aws:iam::aws:policy/service-role/P": lambda account: account.managed_policy_arn(
        "service-role/P"
    ),
}


@pytest.mark.parametrize("expected", ARNS)
def test_arns_contain_service_region_and_account(expected: str, stack: UnitStack) -> None:
    account = Account(stack, "Account", region="us-east-1")
    TerraformOutput(stack, "arn", value=ARNS[expected](account))
    template = stack.template()
    assert template.document["output"]["arn"]["value"] == expected.replace(
        "ID", template.account_id
    )


def test_arns_contain_the_partition(stack: UnitStack) -> None:
    account = Account(stack, "Account", region="us-gov-west-1", partition="aws-us-gov")
    assert account.partition == "aws-us-gov"
    assert account.managed_policy_arn("P") == "arn:aws-us-gov:iam::aws:policy/P"
    assert account.root_arn.startswith("arn:aws-us-gov:iam::")
    assert account.arn("sns", "t").startswith("arn:aws-us-gov:sns:us-gov-west-1:")
