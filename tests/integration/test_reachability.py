"""Routes of each subnet and connections that security groups allow, computed from the deployed
resources and compared with the expected ones."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Environment, Platform
from tests.support.reachability import INTERNET_ADDRESS, Reachability

OFFICE = "203.0.113.9/32"
# The whole VPC, and addresses outside it. A source in the VPC needs no egress rule here.
PLACES = {"vpc": "10.0.0.0/16", "office": OFFICE, "internet": INTERNET_ADDRESS}

ISOLATED = {"internet": "no route", "vpc": "local", "s3": "no route"}
PUBLIC = {"internet": "internet gateway", "vpc": "local", "s3": "internet gateway"}


def by_nat(zone: str) -> dict[str, str]:
    return {"internet": f"NAT gateway in {zone}", "vpc": "local", "s3": f"NAT gateway in {zone}"}


NEXT_HOPS = {
    "tap": {f"private-subnet-{number}": {**ISOLATED, "s3": "endpoint"} for number in (1, 2)},
    "bastion": {
        "public-subnet-1": PUBLIC,
        "public-subnet-2": PUBLIC,
        "private-subnet-1": by_nat("us-west-2a"),
        "private-subnet-2": by_nat("us-west-2b"),
    },
    "web": {
        "public-subnet-1": PUBLIC,
        "public-subnet-2": PUBLIC,
        "private-subnet-1": by_nat("us-east-1a"),
        "private-subnet-2": by_nat("us-east-1b"),
        "isolated-subnet-1": ISOLATED,
        "isolated-subnet-2": ISOLATED,
    },
}
# The tier of subnets that contains the members of each security group.
TIERS = {
    "tap": {
        "function-security-group": "private",
        "aurora-security-group": "private",
        "endpoints-security-group": "private",
    },
    "bastion": {"host-security-group": "public", "private-security-group": "private"},
    "web": {
        "balancer-security-group": "public",
        "instances-security-group": "private",
        "api-link-security-group": "private",
        "database-security-group": "isolated",
    },
}
WEB = {80, 443}
REACHED = {
    "tap": {
        ("function", "aurora"): {5432},
        ("function", "endpoints"): {443},
        ("function", "s3"): {443},
    },
    "bastion": {
        ("office", "host"): {22},
        ("host", "private"): {22, *WEB},
        ("vpc", "private"): WEB,
        ("private", "private"): WEB,
        ("host", "office"): WEB,
        ("host", "internet"): WEB,
        ("private", "office"): WEB,
        ("private", "internet"): WEB,
    },
    "web": {
        ("office", "balancer"): WEB,
        ("internet", "balancer"): WEB,
        ("vpc", "balancer"): WEB,
        ("api-link", "balancer"): {443},
        ("balancer", "instances"): {80},
        ("instances", "balancer"): {443},
        ("instances", "database"): {5432},
        ("instances", "office"): {443},
        ("instances", "internet"): {443},
    },
}


@pytest.fixture(scope="session")
def networks(platform: Platform) -> dict[str, Reachability]:
    return {
        one.stack: reachability(one)
        for one in platform.environments
        if one.suffix == platform.default.suffix
    }


def reachability(environment: Environment) -> Reachability:
    return Reachability(
        environment.client("ec2"),
        environment.outputs["vpc_id"],
        prefix=environment.prefix,
        suffix=environment.suffix,
    )


@pytest.mark.parametrize("stack", NEXT_HOPS)
def test_subnets_route_traffic_as_expected(networks: dict[str, Reachability], stack: str) -> None:
    assert networks[stack].next_hops() == NEXT_HOPS[stack]


@pytest.mark.parametrize("stack", REACHED)
def test_security_groups_allow_only_expected_connections(
    networks: dict[str, Reachability], stack: str
) -> None:
    found = networks[stack].reached(TIERS[stack], PLACES)
    short = {
        tuple(end.removesuffix("-security-group") for end in ends): ports
        for ends, ports in found.items()
    }
    assert short == REACHED[stack]


@pytest.mark.parametrize("stack", REACHED)
def test_security_group_rules_have_a_matching_rule_of_the_peer(
    networks: dict[str, Reachability], stack: str
) -> None:
    assert networks[stack].idle_rules(TIERS[stack], PLACES) == []
