"""Backend, providers and metadata of stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lib import terraform
from lib.settings import load_settings
from lib.stacks import STACKS
from lib.suppressions import suppress
from lib.system import common_tags
from tests.support.synthesis import DEFAULTS, NO_CONFIG, Synthesizer
from tests.support.template import Template
from tests.unit.conftest import UnitStack


def backend(template: Template) -> Any:
    ((kind, arguments),) = template.document["terraform"]["backend"].items()
    assert kind == "s3"
    return arguments


def test_state_is_encrypted_and_locked_in_s3(tap: Template) -> None:
    assert backend(tap) == {
        "bucket": "unit-terraform-state",
        "key": "unit/tap.tfstate",
        "region": "us-east-1",
        "encrypt": True,
        "use_lockfile": True,
    }


def test_key_and_region_of_the_state_are_configurable(synth: Synthesizer) -> None:
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1"
    found = backend(
        synth(
            "tap",
            AWS_REGION="eu-central-1",
            TERRAFORM_STATE_BUCKET_REGION="eu-west-1",
            TERRAFORM_STATE_KMS_KEY_ARN=arn,
        )
    )
    assert (found["region"], found["kms_key_id"]) == ("eu-west-1", arn)
    assert found["use_lockfile"] is True


def test_environments_have_different_states(synth: Synthesizer) -> None:
    keys = {backend(synth("tap", ENVIRONMENT_SUFFIX=suffix))["key"] for suffix in ("unit", "pr-7")}
    assert keys == {"unit/tap.tfstate", "pr-7/tap.tfstate"}


def test_provider_versions_are_ranges(tap: Template) -> None:
    providers = tap.document["terraform"]["required_providers"]
    assert {name: found["version"] for name, found in providers.items()} == {
        "aws": ">= 5.100.0, < 7.0.0",
        "random": ">= 3.7.0, < 4.0.0",
    }
    assert providers["random"]["source"] == "hashicorp/random"
    assert providers["aws"]["source"] in ("aws", "hashicorp/aws")


def test_provider_has_region_and_default_tags(synth: Synthesizer) -> None:
    variables = {"AWS_REGION": "eu-central-1", "TAP_TAGS_OWNER": "operations"}
    template = synth("tap", **variables)
    settings = load_settings(DEFAULTS | variables, NO_CONFIG)
    (provider,) = template.document["provider"]["aws"]
    assert provider == {
        "region": "eu-central-1",
        "default_tags": [{"tags": common_tags(settings, STACKS["tap"])}],
    }
    assert provider["default_tags"][0]["tags"]["Owner"] == "operations"


def test_provider_has_no_arguments_of_the_emulator(tap: Template) -> None:
    assert {"endpoints", "skip_credentials_validation", "s3_use_path_style"} & {
        *tap.document["provider"]["aws"][0]
    } == set()


@pytest.mark.parametrize("with_random", [False, True])
def test_random_provider_is_required_only_where_it_is_used(
    with_random: bool, stack_with: Callable[..., UnitStack]
) -> None:
    stack = stack_with()
    if with_random:
        terraform.configure_random(stack)
        terraform.configure_random(stack)
    document = stack.template().document
    assert ("random" in document["provider"]) is with_random
    assert ("random" in document["terraform"]["required_providers"]) is with_random


def test_suppressions_are_in_the_metadata_of_the_resource(stack: UnitStack) -> None:
    from cdktf_cdktf_provider_aws.vpc import Vpc

    vpc = Vpc(stack, "Vpc", cidr_block="10.0.0.0/16")
    suppress(vpc, since="2026-11", reasons={"CKV_AWS_1": "One", "CKV2_AWS_2": "Another"})
    suppress(vpc, since="2026-10", reasons={"CKV_AWS_3": "A third"})
    found = stack.template().get("aws_vpc")
    assert found.suppressions == {
        "CKV_AWS_1": ("One", "2026-11"),
        "CKV2_AWS_2": ("Another", "2026-11"),
        "CKV_AWS_3": ("A third", "2026-10"),
    }
    assert {*found.body} == {"//", "cidr_block"}
