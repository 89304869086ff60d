"""Every promise, over every resource of every stack in every environment."""

from __future__ import annotations

import pytest

from lib.stacks import STACKS
from tests.support.promises import PROMISES
from tests.support.synthesis import ENVIRONMENTS, Synthesizer
from tests.support.template import Template

# Each choice that changes which resources there are, beside what config/ describes.
CHOICES = {
    "other-region": {"AWS_REGION": "eu-central-1", "ENVIRONMENT_SUFFIX": "pr-7"},
    "state-with-key": {
        "TERRAFORM_STATE_KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0-1",
        "TAP_STORAGE_ACCESS_LOGS_ENCRYPTION": "s3",
        "TAP_MONITORING_ALARM_EMAIL": "ops@example.com",
    },
    "existing-secret": {
        "TAP_DATABASE_EXISTING_SECRET_ARN": (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:master-AbCdEf"
        ),
        "TAP_MONITORING_TRAIL": "false",
        "TAP_MONITORING_CONFIG_RECORDER": "false",
        "TAP_DATABASE_READER_COUNT": "0",
    },
}


@pytest.fixture(scope="session", params=[*ENVIRONMENTS, *CHOICES])
def deployment(request: pytest.FixtureRequest, synth: Synthesizer) -> dict[str, Template]:
    """Every stack of one environment."""
    if request.param in CHOICES:
        return {stack: synth(stack, **CHOICES[request.param]) for stack in STACKS}
    return {stack: synth.environment(request.param, stack) for stack in STACKS}


@pytest.mark.parametrize("name", PROMISES)
def test_promise(name: str, deployment: dict[str, Template]) -> None:
    offences = [
        f"{stack}: {offence}"
        for stack, template in deployment.items()
        for offence in PROMISES[name](template)
    ]
    assert offences == []


def test_there_are_environments_to_look_at() -> None:
    assert {"dev", "prod"} <= {*ENVIRONMENTS}


def test_a_misspelt_type_is_told(tap: Template) -> None:
    with pytest.raises(AssertionError, match="aws_s3_buckets: no provider has such a type"):
        tap.of_type("aws_s3_buckets")
    with pytest.raises(AssertionError, match="aws_vpcs: no provider has such a type"):
        tap.assert_none("aws_vpcs")
    with pytest.raises(AssertionError, match="tap has no aws_dynamodb_table"):
        tap.of_type("aws_dynamodb_table")
    with pytest.raises(AssertionError, match=r"aws_vpc at Net: 0 of \['Network'\]"):
        tap.get("aws_vpc", "Net")
