"""Naming and context: physical names, tags, and several contexts in one stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdktf_cdktf_provider_aws.provider import AwsProvider

from lib.context import Context
from lib.database import AuroraCluster, AuroraConfig, DatabaseSecret
from lib.naming import Naming
from lib.networking.network import Network, NetworkConfig
from lib.settings import load_settings
from lib.stacks import STACKS
from lib.storage.bucket import SecureBucket
from lib.system import common_tags
from tests.support.synthesis import DEFAULTS, Synthesizer
from tests.unit.conftest import UnitStack

NAMING = Naming(suffix="dev", system="web", prefix="web-")


def test_names_start_with_the_prefix_and_end_with_the_suffix() -> None:
    assert NAMING.name("vpc") == "web-vpc-dev"
    assert NAMING.name_tag("vpc") == {"Name": "web-vpc-dev"}
    assert NAMING.deployment == "web-dev"
    assert NAMING.extend("reporting").name("vpc") == "web-reporting-vpc-dev"


@pytest.mark.parametrize(("kind", "limit"), [("some", 63), ("some-alb", 32), ("x-targets", 32)])
def test_names_longer_than_aws_accepts_are_rejected(kind: str, limit: int) -> None:
    fits = f"{'x' * (limit - len(f'web--{kind}-dev'))}-{kind}"
    assert len(NAMING.name(fits)) == limit
    with pytest.raises(ValueError, match="ENVIRONMENT_SUFFIX: received 'dev'") as caught:
        NAMING.name(f"x{fits}")
    assert f"of {limit + 1} characters; accepted: at most {limit}." in str(caught.value)
    assert str(caught.value).endswith("Choose a shorter suffix.")


def test_longest_suffix_is_accepted(synth: Synthesizer) -> None:
    template = synth("tap", ENVIRONMENT_SUFFIX="x" * 20)
    assert template.get("aws_vpc")["tags"]["Name"] == "vpc-" + "x" * 20


def test_common_tags_contain_settings_and_stack() -> None:
    tags = {"TAP_TAGS_PROJECT": "p", "TAP_TAGS_OWNER": "o", "TAP_TAGS_COST_CENTER": "c"}
    settings = load_settings(DEFAULTS | tags, Path("no-such-directory"))
    assert common_tags(settings, STACKS["web"]) == {
        "Environment": "unit",
        "Project": "p",
        "Owner": "o",
        "CostCenter": "c",
        "ManagedBy": "cdktf",
        "Component": "web-application",
        "Purpose": "Serves a web application and its API",
    }


def test_names_of_stacks_have_different_prefixes(synth: Synthesizer) -> None:
    names = {
        stack: synth(stack).get("aws_vpc")["tags"]["Name"] for stack in ("tap", "bastion", "web")
    }
    assert names == {"tap": "vpc-unit", "bastion": "bastion-vpc-unit", "web": "web-vpc-unit"}


def test_prefix_and_suffix_are_recorded_in_the_stack(synth: Synthesizer) -> None:
    assert synth("web").document["//"]["naming"] == {"prefix": "web-", "suffix": "unit"}
    assert synth("state").document["//"]["naming"] == {"prefix": "", "suffix": "unit"}


def test_two_aurora_clusters_in_one_stack_have_different_names(stack: UnitStack) -> None:
    network = Network(
        stack,
        "Network",
        context=stack.context,
        config=NetworkConfig(
            cidr="10.0.0.0/16",
            availability_zones=("us-east-1a", "us-east-1b"),
            private_subnets=("10.0.0.0/24", "10.0.1.0/24"),
        ),
    )
    config = AuroraConfig(name="tap", username="tap_master")
    for id_, context in (("", stack.context), ("Reporting", stack.context.extend("reporting"))):
        secret = DatabaseSecret(stack, f"{id_}DatabaseSecret", context=context, config=config)
        AuroraCluster(
            stack, f"{id_}Database", context=context, network=network, secret=secret, config=config
        )
    template = stack.template()
    clusters = template.of_type("aws_rds_cluster")
    assert {one["cluster_identifier"] for one in clusters} == {
        "aurora-cluster-unit",
        "reporting-aurora-cluster-unit",
    }
    assert {*template.document["ephemeral"]["random_password"]} == {
        "database_generated",
        "reporting_database_generated",
    }
    for type_, argument in (
        ("aws_rds_cluster_instance", "identifier"),
        ("aws_rds_cluster_parameter_group", "name"),
        ("aws_db_parameter_group", "name"),
        ("aws_iam_role", "name"),
        ("aws_cloudwatch_log_group", "name"),
        ("aws_security_group", "name"),
        ("aws_secretsmanager_secret", "name_prefix"),
    ):
        found = [one[argument] for one in template.of_type(type_)]
        assert len(found) == len({*found}), type_


def test_assign_provider_sets_the_provider_of_all_resources(stack: UnitStack) -> None:
    other = AwsProvider(stack, "Other", alias="other", region="us-west-2")
    context = Context.create(
        stack, suffix="unit", region="us-west-2", system="other", provider=other
    )
    SecureBucket(stack, "Bucket", context=context, kind="data")
    context.assign_provider(stack)
    template = stack.template()
    assert {one.get("provider") for one in template.resources()} == {"aws.other"}
    assert {one.get("provider") for one in template.data_sources()} == {"aws.other"}


def test_error_for_a_missing_key_contains_the_remedy(stack: UnitStack) -> None:
    context = Context(naming=NAMING, tags={}, account=stack.context.account)
    with pytest.raises(ValueError, match=r"received a context without a key; accepted: an Enc"):
        _ = context.key
