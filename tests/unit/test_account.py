"""The account's number and the ARNs made of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cdktf import TerraformOutput

from lib.account import Account
from tests.unit.conftest import Bench

MAKERS: dict[str, Callable[[Account], str]] = {
    "arn:aws:sns:us-east-1:ID:t": lambda account: account.arn("sns", "t"),
    "arn:aws:sns:eu-west-1:ID:t": lambda account: account.arn("sns", "t", region="eu-west-1"),
    "arn:aws:iam::ID:root": lambda account: account.root_arn,
    "arn:aws:s3:::b": lambda account: account.bucket_arn("b"),
    "arn:aws:iam::aws:policy/service-role/P": lambda account: account.managed_policy_arn(
        "service-role/P"
    ),
}


@pytest.mark.parametrize("expected", MAKERS)
def test_arn(expected: str, bench: Bench) -> None:
    account = Account(bench, "Account", settings=bench.settings)
    TerraformOutput(bench, "made", value=MAKERS[expected](account))
    template = bench.template()
    assert template.document["output"]["made"]["value"] == expected.replace(
        "ID", template.account_id
    )


def test_arns_are_of_the_partition(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(AWS_REGION="us-gov-west-1")
    account = Account(bench, "Account", settings=bench.settings)
    assert account.partition == "aws-us-gov"
    assert account.managed_policy_arn("P") == "arn:aws-us-gov:iam::aws:policy/P"
    assert account.root_arn.startswith("arn:aws-us-gov:iam::")
    assert account.arn("sns", "t").startswith("arn:aws-us-gov:sns:us-gov-west-1:")
