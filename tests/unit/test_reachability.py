"""Tests of `tests/support/reachability.py`: a wrong one would accept wrong routes and rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.reachability import INTERNET_ADDRESS, Reachability

TIERS = {"front": "public", "back": "private"}
PLACES = {"vpc": "10.0.0.0/16", "office": "203.0.113.9/32", "internet": INTERNET_ADDRESS}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def everywhere(**target: str) -> dict[str, Any]:
    return {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}


def rule(number: int, group: str, port: int, *, out: bool, **peer: Any) -> dict[str, Any]:
    return {
        "SecurityGroupRuleId": f"sgr-{number}",
        "GroupId": group,
        "IsEgress": out,
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        **peer,
    }


def group(id_: str) -> dict[str, Any]:
    return {"ReferencedGroupInfo": {"GroupId": id_}}


class Ec2:
    """A client of EC2 with one VPC: a public and a private subnet with a security group each."""

    def __init__(self) -> None:
        self.tables = {
            "public": [LOCAL, everywhere(GatewayId="igw-1")],
            "private": [LOCAL, everywhere(NatGatewayId="nat-1")],
        }
        self.nat_state = "available"
        self.gateways = [{"InternetGatewayId": "igw-1"}]
        self.rules = [
            rule(1, "sg-front", 443, out=False, CidrIpv4="0.0.0.0/0"),
            rule(2, "sg-front", 80, out=True, **group("sg-back")),
            rule(3, "sg-back", 80, out=False, **group("sg-front")),
            rule(4, "sg-back", 443, out=True, CidrIpv4="0.0.0.0/0"),
        ]

    def describe_vpcs(self, **_: Any) -> Any:
        return {"Vpcs": [{"CidrBlock": "10.0.0.0/16"}]}

    def describe_subnets(self, **_: Any) -> Any:
        return {
            "Subnets": [
                {
                    "SubnetId": tier,
                    "CidrBlock": f"10.0.{number}.0/24",
                    "AvailabilityZone": "us-east-1a",
                    "Tags": [{"Key": "Name", "Value": f"sys-{tier}-subnet-1-unit"}],
                }
                for number, tier in enumerate(self.tables)
            ]
        }

    def describe_route_tables(self, **_: Any) -> Any:
        return {
            "RouteTables": [
                {"Associations": [{"SubnetId": tier}], "Routes": routes}
                for tier, routes in self.tables.items()
            ]
        }

    def describe_nat_gateways(self, **_: Any) -> Any:
        one = {"NatGatewayId": "nat-1", "SubnetId": "public", "State": self.nat_state}
        return {"NatGateways": [one]}

    def describe_internet_gateways(self, **_: Any) -> Any:
        return {"InternetGateways": self.gateways}

    def describe_prefix_lists(self, **_: Any) -> Any:
        return {"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "aws.s3"}]}

    def describe_security_groups(self, **_: Any) -> Any:
        names = ("front", "back")
        groups = [{"GroupName": f"sys-{name}-unit", "GroupId": f"sg-{name}"} for name in names]
        return {"SecurityGroups": [*groups, {"GroupName": "default", "GroupId": "sg-0"}]}

    def describe_security_group_rules(self, **_: Any) -> Any:
        return {"SecurityGroupRules": self.rules}


@pytest.fixture
def ec2() -> Ec2:
    return Ec2()


def reachability(ec2: Ec2) -> Reachability:
    return Reachability(ec2, "vpc-1", prefix="sys-", suffix="unit")


def reached(ec2: Ec2) -> dict[tuple[str, str], set[int | str]]:
    return reachability(ec2).reached(TIERS, PLACES)


EXPECTED = {
    ("vpc", "front"): {443},
    ("office", "front"): {443},
    ("internet", "front"): {443},
    ("front", "back"): {80},
    ("back", "front"): {443},
    ("back", "office"): {443},
    ("back", "internet"): {443},
}


def test_next_hops_follow_routes(ec2: Ec2) -> None:
    out = "internet gateway"
    nat = "NAT gateway in us-east-1a"
    assert reachability(ec2).next_hops() == {
        "public-subnet-1": {"internet": out, "vpc": "local", "s3": out},
        "private-subnet-1": {"internet": nat, "vpc": "local", "s3": nat},
    }


def test_most_specific_route_is_used(ec2: Ec2) -> None:
    ec2.tables["private"].append({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"})
    ec2.tables["private"].append(
        {"DestinationCidrBlock": "198.51.100.0/24", "GatewayId": "igw-1"},
    )
    assert reachability(ec2).next_hops()["private-subnet-1"] == {
        "internet": "internet gateway",
        "vpc": "local",
        "s3": "endpoint",
    }


@pytest.mark.parametrize("fault", ["deleted", "detached", "blackhole", "no public route"])
def test_broken_route_is_no_route(ec2: Ec2, fault: str) -> None:
    if fault == "deleted":
        ec2.nat_state = "deleted"
    elif fault == "detached":
        ec2.gateways = []
    elif fault == "blackhole":
        ec2.tables["private"][1]["State"] = "blackhole"
    else:
        ec2.tables["public"].pop()
    assert reachability(ec2).next_hops()["private-subnet-1"]["internet"] == "no route"


def test_connections_require_rules_of_both_groups(ec2: Ec2) -> None:
    assert reached(ec2) == EXPECTED
    assert reachability(ec2).idle_rules(TIERS, PLACES) == []


@pytest.mark.parametrize("number", range(4))
def test_removed_rule_removes_a_connection(ec2: Ec2, number: int) -> None:
    ec2.rules.pop(number)
    assert reached(ec2) != EXPECTED


def test_ingress_rule_without_egress_rule_is_idle(ec2: Ec2) -> None:
    ec2.rules.append(rule(5, "sg-back", 22, out=False, **group("sg-front")))
    assert reached(ec2) == EXPECTED
    (idle,) = reachability(ec2).idle_rules(TIERS, PLACES)
    assert "sgr-5" in idle


def test_internet_does_not_reach_a_private_subnet(ec2: Ec2) -> None:
    ec2.rules.append(rule(5, "sg-back", 22, out=False, CidrIpv4="0.0.0.0/0"))
    assert reached(ec2) == EXPECTED | {("vpc", "back"): {22}}


def test_all_protocols_allow_all_ports(ec2: Ec2) -> None:
    ec2.rules[2] |= {"IpProtocol": "-1"}
    ec2.rules[1] |= {"FromPort": 8000, "ToPort": 8080}
    assert reached(ec2)["front", "back"] == {"8000-8080"}


def test_rule_for_another_network_does_not_apply(ec2: Ec2) -> None:
    ec2.rules[2] = rule(3, "sg-back", 80, out=False, CidrIpv4="10.0.9.0/24")
    assert ("front", "back") not in reached(ec2)


def test_group_without_a_tier_is_an_error(ec2: Ec2) -> None:
    with pytest.raises(AssertionError, match="security groups without a tier: \\['back'\\]"):
        reachability(ec2).reached({"front": "public"}, PLACES)
