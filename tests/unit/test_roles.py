"""Service roles: trust policies and permissions."""

from __future__ import annotations

import pytest
from cdktf_cdktf_provider_aws.vpc import Vpc

from lib.iam_policy import Statement
from lib.security.roles import ServiceRole
from tests.support.template import Template
from tests.unit.conftest import UnitStack

ROLES = {
    "DataProcessing/Role": ("data-processor-role-unit", "lambda", False, None),
    "Database/MonitoringRole": (
        "rds-monitoring-role-unit",
        "monitoring.rds",
        True,
        "service-role/AmazonRDSEnhancedMonitoringRole",
    ),
    "Monitoring/Trail/Role": ("trail-role-unit", "cloudtrail", False, None),
    "Monitoring/Config/Role": ("config-role-unit", "config", True, "service-role/AWS_ConfigRole"),
}


def test_platform_has_no_other_roles(tap: Template) -> None:
    assert {role.path for role in tap.of_type("aws_iam_role")} == {*ROLES}


@pytest.mark.parametrize("path", ROLES)
def test_role_is_assumed_by_one_service(path: str, tap: Template) -> None:
    name, service, require_source_account, _ = ROLES[path]
    role = tap.get("aws_iam_role", path)
    assert role["name"] == name
    (trust,) = role.statements("assume_role_policy").values()
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Action"] == "sts:AssumeRole"
    condition = {"StringEquals": {"aws:SourceAccount": tap.account_id}}
    assert trust.get("Condition") == (condition if require_source_account else None)


@pytest.mark.parametrize("path", ROLES)
def test_role_has_region_restriction_and_at_most_one_managed_policy(
    path: str, tap: Template
) -> None:
    role, managed = tap.get("aws_iam_role", path), ROLES[path][3]
    attached = {
        attachment["policy_arn"]
        for attachment in tap.of_type("aws_iam_role_policy_attachment")
        if attachment["role"] == role.ref("name")
    }
    expected = {tap.get("aws_iam_policy", "RegionRestriction").ref("arn")}
    if managed:
        expected.add(f"arn:aws:iam::aws:policy/{managed}")
    assert attached == expected


def new_role(stack: UnitStack, managed_policy: str | None = None) -> ServiceRole:
    return ServiceRole(
        stack,
        "Role",
        context=stack.context,
        kind="some-role",
        assumed_by="lambda",
        description="Some role",
        managed_policy=managed_policy,
    )


def test_grant_adds_statements_to_one_policy(stack: UnitStack) -> None:
    role = new_role(stack)
    role.grant(Statement(sid="First", actions=("a:B",), resources=("x",)))
    role.grant(Statement(sid="Second", actions=("c:D",), resources=("y",)))
    template = stack.template()
    policy = template.get("aws_iam_role_policy", "Role/Policy")
    assert policy["name"] == "some-role-policy-unit"
    assert policy["role"] == template.get("aws_iam_role").ref("name")
    assert [*policy.statements()] == ["First", "Second"]


@pytest.mark.parametrize("granted", [False, True])
def test_permissions_contain_all_policies_of_the_role(granted: bool, stack: UnitStack) -> None:
    role = new_role(stack, managed_policy="service-role/Some")
    if granted:
        role.grant(Statement(sid="First", actions=("a:B",), resources=("x",)))
        role.grant(Statement(sid="Second", actions=("a:C",), resources=("x",)))
    Vpc(stack, "Dependent", cidr_block="10.0.0.0/16", depends_on=role.permissions)
    template = stack.template()
    attachments = template.of_type("aws_iam_role_policy_attachment")
    expected = {attachment.address for attachment in attachments}
    if granted:
        expected.add(template.get("aws_iam_role_policy").address)
    depends_on = template.get("aws_vpc")["depends_on"]
    assert {*depends_on} == expected
    assert len(depends_on) == len(expected) == 2 + granted
