"""The deployed network of TapStack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.conftest import Environment


@pytest.fixture(scope="module")
def vpc(environment: Environment) -> dict[str, Any]:
    (found,) = environment.client("ec2").describe_vpcs(VpcIds=[environment.outputs["vpc_id"]])[
        "Vpcs"
    ]
    return dict(found)


def in_vpc(environment: Environment) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [environment.outputs["vpc_id"]]}]


def test_vpc_has_dns_support_and_host_names(environment: Environment) -> None:
    ec2, vpc_id = environment.client("ec2"), environment.outputs["vpc_id"]
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True


def test_private_subnets_are_in_different_zones(
    environment: Environment, vpc: dict[str, Any]
) -> None:
    subnets = environment.client("ec2").describe_subnets(Filters=in_vpc(environment))["Subnets"]
    assert {subnet["SubnetId"] for subnet in subnets} == set(
        environment.outputs["private_subnet_ids"]
    )
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == len(subnets) == 2
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)
    assert vpc["CidrBlock"] == "10.0.0.0/16"


def test_default_security_group_has_no_rules(environment: Environment) -> None:
    groups = environment.client("ec2").describe_security_groups(
        Filters=[*in_vpc(environment), {"Name": "group-name", "Values": ["default"]}]
    )
    (group,) = groups["SecurityGroups"]
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def endpoints_of(environment: Environment) -> dict[str, dict[str, Any]]:
    answer = environment.client("ec2").describe_vpc_endpoints(Filters=in_vpc(environment))
    return {one["ServiceName"].rsplit(".", 1)[1]: one for one in answer["VpcEndpoints"]}


def test_vpc_has_the_endpoints_of_the_settings(
    environment: Environment, custom_environment: Environment
) -> None:
    found = endpoints_of(environment)
    assert {name: one["VpcEndpointType"] for name, one in found.items()} == {
        "s3": "Gateway",
        "secretsmanager": "Interface",
    }
    interface = found["secretsmanager"]
    assert interface["PrivateDnsEnabled"] is True
    assert set(interface["SubnetIds"]) == set(environment.outputs["private_subnet_ids"])
    assert set(endpoints_of(custom_environment)) == {"s3", "secretsmanager", "kms"}


@pytest.mark.parametrize(
    ("service", "resource"),
    [("s3", "data_bucket_name"), ("secretsmanager", "database_secret_arn")],
)
def test_endpoint_policies_allow_only_resources_of_the_stack(
    environment: Environment, service: str, resource: str
) -> None:
    # No traffic flows through endpoints of the emulator: the test reads the policy.
    policy = json.loads(endpoints_of(environment)[service]["PolicyDocument"])
    allowed = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    resources = [name for one in allowed for name in ensure_list(one["Resource"])]
    assert resources
    assert all(environment.outputs[resource] in name for name in resources)
    (denied,) = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
    assert denied["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}


def ensure_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_flow_logs_record_all_traffic(environment: Environment) -> None:
    answer = environment.client("ec2").describe_flow_logs(
        Filters=[{"Name": "resource-id", "Values": [environment.outputs["vpc_id"]]}]
    )
    (log,) = answer["FlowLogs"]
    assert log["TrafficType"] == "ALL"
    assert log["MaxAggregationInterval"] == 60
    assert log["LogDestination"].endswith(environment.outputs["flow_logs_bucket_name"])
    assert log["FlowLogStatus"] == "ACTIVE"
