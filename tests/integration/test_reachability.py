"""Where traffic leaves each subnet, and who can reach whom on which ports, computed from what is
deployed and compared with what is meant."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Environment, Platform
from tests.support.reachability import STRANGER, Reachability

OFFICE = "203.0.113.9/32"
# Everybody in the VPC, and addresses outside it; an instance started in it needs no rule to send.
PLACES = {"vpc": "10.0.0.0/16", "office": OFFICE, "stranger": STRANGER}

INWARDS = {"internet": "nowhere", "vpc": "local", "s3": "nowhere"}
OUTWARDS = {"internet": "internet gateway", "vpc": "local", "s3": "internet gateway"}


def by_nat(zone: str) -> dict[str, str]:
    return {"internet": f"NAT gateway in {zone}", "vpc": "local", "s3": f"NAT gateway in {zone}"}


WAYS = {
    "tap": {f"private-subnet-{number}": {**INWARDS, "s3": "endpoint"} for number in (1, 2)},
    "bastion": {
        "public-subnet-1": OUTWARDS,
        "public-subnet-2": OUTWARDS,
        "private-subnet-1": by_nat("us-west-2a"),
        "private-subnet-2": by_nat("us-west-2b"),
    },
    "web": {
        "public-subnet-1": OUTWARDS,
        "public-subnet-2": OUTWARDS,
        "private-subnet-1": by_nat("us-east-1a"),
        "private-subnet-2": by_nat("us-east-1b"),
        "isolated-subnet-1": INWARDS,
        "isolated-subnet-2": INWARDS,
    },
}
# The tier of subnets that each security group's members stand in.
HOMES = {
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
        ("host", "stranger"): WEB,
        ("private", "office"): WEB,
        ("private", "stranger"): WEB,
    },
    "web": {
        ("office", "balancer"): WEB,
        ("stranger", "balancer"): WEB,
        ("vpc", "balancer"): WEB,
        ("api-link", "balancer"): {443},
        ("balancer", "instances"): {80},
        ("instances", "balancer"): {443},
        ("instances", "database"): {5432},
        ("instances", "office"): {443},
        ("instances", "stranger"): {443},
    },
}


@pytest.fixture(scope="session")
def networks(platform: Platform) -> dict[str, Reachability]:
    return {
        one.stack: look(one)
        for one in platform.environments
        if one.suffix == platform.default.suffix
    }


def look(environment: Environment) -> Reachability:
    return Reachability(
        environment.client("ec2"),
        environment.outputs["vpc_id"],
        prefix=environment.prefix,
        suffix=environment.suffix,
    )


@pytest.mark.parametrize("stack", WAYS)
def test_where_traffic_leaves_each_subnet(networks: dict[str, Reachability], stack: str) -> None:
    assert networks[stack].ways() == WAYS[stack]


@pytest.mark.parametrize("stack", REACHED)
def test_who_reaches_whom(networks: dict[str, Reachability], stack: str) -> None:
    found = networks[stack].reached(HOMES[stack], PLACES)
    short = {
        tuple(end.removesuffix("-security-group") for end in ends): ports
        for ends, ports in found.items()
    }
    assert short == REACHED[stack]


@pytest.mark.parametrize("stack", REACHED)
def test_every_rule_has_its_counterpart(networks: dict[str, Reachability], stack: str) -> None:
    assert networks[stack].idle_rules(HOMES[stack], PLACES) == []
