"""BastionStack: its composition and outputs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Template, listed
from tests.unit.test_bastion import rules

PRIVATE = "PrivateSecurityGroup"


@pytest.fixture(scope="module")
def bastion(synth: Synthesizer) -> Template:
    return synth("bastion")


def test_outputs_have_stable_names(bastion: Template) -> None:
    """Consumers of the state read outputs by name."""

    def refs(type_: str, attribute: str, *paths: str) -> list[str]:
        return [bastion.get(type_, path).ref(attribute) for path in paths]

    def one(type_: str, attribute: str, path: str) -> str:
        return bastion.get(type_, path).ref(attribute)

    outputs = {name: output["value"] for name, output in bastion.document["output"].items()}
    assert outputs == {
        "vpc_id": one("aws_vpc", "id", "Network"),
        "vpc_cidr_block": one("aws_vpc", "cidr_block", "Network"),
        "public_subnet_ids": refs(
            "aws_subnet", "id", "Network/PublicSubnet1", "Network/PublicSubnet2"
        ),
        "private_subnet_ids": refs(
            "aws_subnet", "id", "Network/PrivateSubnet1", "Network/PrivateSubnet2"
        ),
        "availability_zones": ["us-west-2a", "us-west-2b"],
        "internet_gateway_id": one("aws_internet_gateway", "id", "Network/InternetGateway"),
        "nat_gateway_ids": refs(
            "aws_nat_gateway", "id", "Network/NatGateway1", "Network/NatGateway2"
        ),
        "bastion_host_public_ip": one("aws_instance", "public_ip", "Bastion"),
        "bastion_security_group_id": one("aws_security_group", "id", "Bastion/SecurityGroup"),
        "private_security_group_id": one("aws_security_group", "id", PRIVATE),
        "logs_bucket_name": one("aws_s3_bucket", "bucket", "Logs"),
        "backup_bucket_name": one("aws_s3_bucket", "bucket", "Backups"),
    }


def test_region_is_configurable(bastion: Template, synth: Synthesizer) -> None:
    for template, region in (
        (bastion, "us-west-2"),
        (synth("bastion", TAP_BASTION_REGION="eu-west-1", AWS_REGION="us-east-2"), "eu-west-1"),
    ):
        (provider,) = template.document["provider"]["aws"]
        assert provider["region"] == region
        zones = {subnet["availability_zone"] for subnet in template.of_type("aws_subnet")}
        assert zones == {f"{region}a", f"{region}b"}


def test_all_resources_have_the_common_tags(bastion: Template) -> None:
    (provider,) = bastion.document["provider"]["aws"]
    (default,) = provider["default_tags"]
    assert default["tags"] == {
        "Environment": "unit",
        "Project": "tap",
        "ManagedBy": "cdktf",
        "Owner": "platform-engineering",
        "CostCenter": "test-automation",
        "Component": "production-network",
        "Purpose": "Runs production instances behind a bastion",
    }


def test_private_instances_allow_ssh_from_the_bastion_and_http_from_the_vpc(
    bastion: Template,
) -> None:
    bastion_group = bastion.get("aws_security_group", "Bastion/SecurityGroup").ref("id")
    assert rules(bastion, "ingress", PRIVATE) == {
        ("tcp", 22, 22, bastion_group),
        ("tcp", 80, 80, "10.0.0.0/16"),
        ("tcp", 443, 443, "10.0.0.0/16"),
    }
    assert rules(bastion, "egress", PRIVATE) == {
        ("tcp", 80, 80, "0.0.0.0/0"),
        ("tcp", 443, 443, "0.0.0.0/0"),
    }
    ssh = bastion.get("aws_vpc_security_group_ingress_rule", f"{PRIVATE}/FromSecurityGroup22")
    assert {*ssh.suppressions} == {"CKV_AWS_24"}


def test_rules_depend_on_the_configured_networks(synth: Synthesizer) -> None:
    template = synth(
        "bastion",
        TAP_BASTION_CIDR="10.9.0.0/16",
        TAP_BASTION_PUBLIC_SUBNETS="10.9.1.0/24,10.9.2.0/24",
        TAP_BASTION_PRIVATE_SUBNETS="10.9.10.0/24,10.9.11.0/24",
    )
    rows = rules(template, "ingress", PRIVATE) | rules(template, "egress", "Bastion/SecurityGroup")
    cidrs = {cidr for *_, cidr in rows if cidr.startswith("10.")}
    assert cidrs == {"10.9.0.0/16", "10.9.10.0/24", "10.9.11.0/24"}


def lifecycle(template: Template, path: str) -> dict[str, dict[str, Any]]:
    found = template.get("aws_s3_bucket_lifecycle_configuration", f"{path}/Lifecycle")
    return {rule["id"]: rule for rule in found["rule"]}


@pytest.mark.parametrize(
    ("path", "kind", "variable"),
    [
        ("Logs", "logs", "TAP_STORAGE_LOG_EXPIRATION_DAYS"),
        ("Backups", "backups", "TAP_BASTION_BACKUP_EXPIRATION_DAYS"),
    ],
)
def test_buckets_are_encrypted_and_logged_and_expire(
    path: str, kind: str, variable: str, bastion: Template, synth: Synthesizer
) -> None:
    bucket = bastion.get("aws_s3_bucket", path)
    assert bucket["bucket"] == f"bastion-{kind}-unit-{bastion.account_id}"
    log = bastion.get("aws_s3_bucket_logging", f"{path}/AccessLog")
    assert log["target_bucket"] == bastion.get("aws_s3_bucket", "AccessLogs").ref("id")
    encryption = bastion.get(
        "aws_s3_bucket_server_side_encryption_configuration", f"{path}/Encryption"
    )
    assert bastion.get("aws_kms_key").ref("arn") in str(encryption["rule"])
    for template, days in ((bastion, 365), (synth("bastion", **{variable: "400"}), 400)):
        rules = lifecycle(template, path)
        assert listed(rules["expiration"]["expiration"])[0]["days"] == days
        assert listed(rules["infrequent-access"]["transition"])[0]["days"] == 90


@pytest.mark.parametrize(("days", "expected"), [("90", False), ("91", True)])
def test_objects_are_not_transitioned_on_the_day_of_expiration(
    days: str, expected: bool, synth: Synthesizer
) -> None:
    template = synth("bastion", TAP_BASTION_BACKUP_EXPIRATION_DAYS=days)
    assert ("infrequent-access" in lifecycle(template, "Backups")) is expected
    assert "infrequent-access" in lifecycle(template, "Logs")


def test_deletion_of_backups_requires_mfa(bastion: Template) -> None:
    denied = {"DenyDeletionWithoutMfa", "DenyDeletionWithOldMfa"}
    policy = bastion.get("aws_s3_bucket_policy", "Backups/Policy").statements()
    assert denied <= {*policy}


def test_stack_has_one_key(bastion: Template) -> None:
    assert len(bastion.of_type("aws_kms_key")) == 1


def names(template: Template) -> set[str]:
    """Physical names, which are unique in an account."""
    return {
        str(resource[argument])
        for resource in template.resources()
        for argument in ("name", "bucket", "key_name")
        if re.search(r"-unit($|-)", str(resource.get(argument, "")))
    }


def test_names_differ_from_those_of_the_platform(bastion: Template, tap: Template) -> None:
    assert len(names(bastion)) > 10
    assert names(bastion) & names(tap) == set()


def test_addresses_do_not_depend_on_the_environment(bastion: Template, synth: Synthesizer) -> None:
    """Terraform replaces a resource whose address changes."""
    other = synth("bastion", ENVIRONMENT_SUFFIX="pr-7")
    assert {one.address for one in bastion.resources()} == {
        one.address for one in other.resources()
    }
    assert [resource.path for resource in other.resources() if "pr-7" in resource.path] == []
