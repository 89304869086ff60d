"""The evaluator of deployed networks, since a wrong one would let wrong routes and rules pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.reachability import STRANGER, Reachability

HOMES = {"front": "public", "back": "private"}
PLACES = {"vpc": "10.0.0.0/16", "office": "203.0.113.9/32", "stranger": STRANGER}
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
    """A VPC with a public and a private subnet, and a group in each, as EC2 would describe it."""

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


def look(ec2: Ec2) -> Reachability:
    return Reachability(ec2, "vpc-1", prefix="sys-", suffix="unit")


def reached(ec2: Ec2) -> dict[tuple[str, str], set[int | str]]:
    return look(ec2).reached(HOMES, PLACES)


SOUND = {
    ("vpc", "front"): {443},
    ("office", "front"): {443},
    ("stranger", "front"): {443},
    ("front", "back"): {80},
    ("back", "front"): {443},
    ("back", "office"): {443},
    ("back", "stranger"): {443},
}


def test_routes_are_followed(ec2: Ec2) -> None:
    out = "internet gateway"
    nat = "NAT gateway in us-east-1a"
    assert look(ec2).ways() == {
        "public-subnet-1": {"internet": out, "vpc": "local", "s3": out},
        "private-subnet-1": {"internet": nat, "vpc": "local", "s3": nat},
    }


def test_the_more_specific_route_wins(ec2: Ec2) -> None:
    ec2.tables["private"].append({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"})
    ec2.tables["private"].append(
        {"DestinationCidrBlock": "198.51.100.0/24", "GatewayId": "igw-1"},
    )
    assert look(ec2).ways()["private-subnet-1"] == {
        "internet": "internet gateway",
        "vpc": "local",
        "s3": "endpoint",
    }


@pytest.mark.parametrize("fault", ["deleted", "detached", "blackhole", "without a way out"])
def test_a_way_that_ends_is_none(ec2: Ec2, fault: str) -> None:
    if fault == "deleted":
        ec2.nat_state = "deleted"
    elif fault == "detached":
        ec2.gateways = []
    elif fault == "blackhole":
        ec2.tables["private"][1]["State"] = "blackhole"
    else:
        ec2.tables["public"].pop()
    assert look(ec2).ways()["private-subnet-1"]["internet"] == "nowhere"


def test_groups_are_followed(ec2: Ec2) -> None:
    assert reached(ec2) == SOUND
    assert look(ec2).idle_rules(HOMES, PLACES) == []


@pytest.mark.parametrize("number", range(4))
def test_a_rule_taken_away_is_missed(ec2: Ec2, number: int) -> None:
    ec2.rules.pop(number)
    assert reached(ec2) != SOUND


def test_one_side_alone_opens_nothing(ec2: Ec2) -> None:
    ec2.rules.append(rule(5, "sg-back", 22, out=False, **group("sg-front")))
    assert reached(ec2) == SOUND
    (idle,) = look(ec2).idle_rules(HOMES, PLACES)
    assert "sgr-5" in idle


def test_the_internet_reaches_no_private_subnet(ec2: Ec2) -> None:
    ec2.rules.append(rule(5, "sg-back", 22, out=False, CidrIpv4="0.0.0.0/0"))
    assert reached(ec2) == SOUND | {("vpc", "back"): {22}}


def test_every_protocol_is_every_port(ec2: Ec2) -> None:
    ec2.rules[2] |= {"IpProtocol": "-1"}
    ec2.rules[1] |= {"FromPort": 8000, "ToPort": 8080}
    assert reached(ec2)["front", "back"] == {"8000-8080"}


def test_a_network_beside_the_subnets_is_not_theirs(ec2: Ec2) -> None:
    ec2.rules[2] = rule(3, "sg-back", 80, out=False, CidrIpv4="10.0.9.0/24")
    assert ("front", "back") not in reached(ec2)


def test_a_group_without_a_home_is_told(ec2: Ec2) -> None:
    with pytest.raises(AssertionError, match="groups without a home: \\['back'\\]"):
        look(ec2).reached({"front": "public"}, PLACES)
