"""Connections that are possible in a deployed VPC, computed from routes and security group rules.

https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

# An address on the internet: https://www.rfc-editor.org/rfc/rfc5737
INTERNET_ADDRESS = "198.51.100.7/32"
EVERY_PORT = (0, 65535)
NO_ROUTE = "no route"

Item = dict[str, Any]
Ports = set[int | str]


@dataclass(frozen=True)
class Place:
    """Addresses without a security group of the VPC; `inside` if they are in the VPC."""

    networks: tuple[IPv4Network, ...]
    inside: bool


@dataclass(frozen=True)
class Rule:
    """One rule of a security group: the ports that it allows, and the peer."""

    id: str
    group: str
    outbound: bool
    ports: tuple[int, int]
    peer_group: str = ""
    prefix_list: str = ""
    network: IPv4Network | None = None

    def names(self, group: str, networks: Collection[IPv4Network]) -> bool:
        """Return whether the peer of the rule is the group or contains one of the networks."""
        if self.peer_group:
            return self.peer_group == group
        return self.network is not None and any(self.network.overlaps(one) for one in networks)


class Reachability:
    """A VPC as EC2 describes it; subnets and groups are named without prefix and suffix."""

    def __init__(self, ec2: Any, vpc_id: str, *, prefix: str = "", suffix: str) -> None:
        self._ec2, self.vpc_id = ec2, vpc_id
        self._affixes = re.compile(rf"^{re.escape(prefix)}|-{re.escape(suffix)}$")
        self._filter = [{"Name": "vpc-id", "Values": [vpc_id]}]
        (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
        self.network = IPv4Network(vpc["CidrBlock"])

    def kind(self, name: str) -> str:
        """A physical name without the system's prefix and the environment's suffix."""
        return self._affixes.sub("", name)

    # ---- routes ----------------------------------------------------------------------------------

    @functools.cached_property
    def subnets(self) -> dict[str, Item]:
        """The subnets by the kind in their Name tags, such as private-subnet-1."""
        found = self._ec2.describe_subnets(Filters=self._filter)["Subnets"]
        return {self.kind(_name(subnet)): subnet for subnet in found}

    @functools.cached_property
    def _routes(self) -> dict[str, list[Item]]:
        """The active routes of each subnet: of its own route table, or of the main one."""
        tables = self._ec2.describe_route_tables(Filters=self._filter)["RouteTables"]
        own, main = {}, []
        for table in tables:
            for association in table["Associations"]:
                if association.get("Main"):
                    main = table["Routes"]
                if association.get("SubnetId"):
                    own[association["SubnetId"]] = table["Routes"]
        return {
            subnet["SubnetId"]: [
                route
                for route in own.get(subnet["SubnetId"], main)
                if route.get("State") != "blackhole"
            ]
            for subnet in self.subnets.values()
        }

    @functools.cached_property
    def _nat_gateways(self) -> dict[str, Item]:
        found = self._ec2.describe_nat_gateways(Filter=self._filter)["NatGateways"]
        return {one["NatGatewayId"]: one for one in found if one["State"] == "available"}

    @functools.cached_property
    def _attached(self) -> set[str]:
        """The internet gateways of this VPC."""
        found = self._ec2.describe_internet_gateways(
            Filters=[{"Name": "attachment.vpc-id", "Values": [self.vpc_id]}]
        )
        return {one["InternetGatewayId"] for one in found["InternetGateways"]}

    @functools.cached_property
    def _s3_prefix_list(self) -> str:
        lists = self._ec2.describe_prefix_lists()["PrefixLists"]
        return next(str(one["PrefixListId"]) for one in lists if _is_s3(one["PrefixListName"]))

    def next_hops(self) -> dict[str, dict[str, str]]:
        """The targets of the routes of each subnet to the internet, the VPC and S3."""
        return {
            kind: {
                "internet": self._next_hop(subnet["SubnetId"], INTERNET_ADDRESS),
                "vpc": self._next_hop(subnet["SubnetId"], str(self.network)),
                "s3": self._next_hop(subnet["SubnetId"], INTERNET_ADDRESS, self._s3_prefix_list),
            }
            for kind, subnet in sorted(self.subnets.items())
        }

    def _next_hop(self, subnet_id: str, destination: str, prefix_list: str = "") -> str:
        """The target of the most specific route that matches the destination."""
        address = IPv4Network(destination)[0]
        best: tuple[int, Item] = (-1, {})
        for route in self._routes[subnet_id]:
            length = _matching_length(route, address, prefix_list)
            if length is not None and length > best[0]:
                best = length, route
        route = best[1]
        gateway = route.get("GatewayId", "")
        if gateway == "local":
            return "local"
        if gateway.startswith("vpce-"):
            return "endpoint"
        if gateway in self._attached:
            return "internet gateway"
        nat = self._nat_gateways.get(route.get("NatGatewayId", ""))
        if nat and self._next_hop(nat["SubnetId"], destination) == "internet gateway":
            zones = {one["SubnetId"]: one["AvailabilityZone"] for one in self.subnets.values()}
            return f"NAT gateway in {zones[nat['SubnetId']]}"
        return NO_ROUTE

    # ---- security groups -------------------------------------------------------------------------

    @functools.cached_property
    def groups(self) -> dict[str, str]:
        """The ids of the security groups by kind."""
        found = self._ec2.describe_security_groups(Filters=self._filter)["SecurityGroups"]
        return {self.kind(group["GroupName"]): group["GroupId"] for group in found}

    @functools.cached_property
    def rules(self) -> list[Rule]:
        """All rules of the security groups."""
        by_id = {group_id: kind for kind, group_id in self.groups.items()}
        found = self._ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": list(by_id)}]
        )
        return [_rule(one, by_id) for one in found["SecurityGroupRules"]]

    def reached(
        self, tiers: Mapping[str, str], places: Mapping[str, str]
    ) -> dict[tuple[str, str], Ports]:
        """The possible connections: (source, target) to ports.

        `tiers` maps each security group to the tier of subnets that contains its members; `places`
        are networks without security groups. A connection to a group requires an egress rule of
        the source and an ingress rule of the target. A place outside the VPC connects only through
        an internet gateway, and is a target if the subnet has a route to the internet. S3 behind
        its endpoint is a target too.
        """
        found: dict[tuple[str, str], Ports] = {}
        for (source, target), ports in self._paths(tiers, places):
            found.setdefault((source, target), set()).add(ports[0])
        return found

    def idle_rules(self, tiers: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
        """The rules that allow no connection, because the peer has no matching rule."""
        used = {rule for _, (_, rules) in self._paths(tiers, places) for rule in rules}
        return [str(rule) for rule in self.rules if rule.id not in used]

    def _paths(
        self, tiers: Mapping[str, str], places: Mapping[str, str]
    ) -> Iterator[tuple[tuple[str, str], tuple[int | str, list[str]]]]:
        known = {name: self._place(cidr) for name, cidr in places.items()}
        unknown = {kind for kind in self.groups if kind not in tiers and kind != "default"}
        assert not unknown, f"security groups without a tier: {sorted(unknown)}"
        for out in (rule for rule in self.rules if rule.outbound):
            here = self._networks_of(tiers, out.group)
            for into in (rule for rule in self.rules if not rule.outbound):
                there = self._networks_of(tiers, into.group)
                agreed = out.names(into.group, there) and into.names(out.group, here)
                if agreed and (shown := _common(out.ports, into.ports)):
                    yield (out.group, into.group), (shown, [out.id, into.id])
            for name, place in known.items():
                if not place.inside and out.names("", place.networks) and self._has_internet(here):
                    yield (out.group, name), (_shown(out.ports), [out.id])
            if out.prefix_list == self._s3_prefix_list and self._has_s3(here):
                yield (out.group, "s3"), (_shown(out.ports), [out.id])
        for into in (rule for rule in self.rules if not rule.outbound):
            there = self._networks_of(tiers, into.group)
            for name, place in known.items():
                open_ = place.inside or self._has_internet(there, {"internet gateway"})
                if open_ and into.names("", place.networks):
                    yield (name, into.group), (_shown(into.ports), [into.id])

    def _place(self, cidr: str) -> Place:
        network = IPv4Network(cidr)
        return Place((network,), network.subnet_of(self.network))

    def _networks_of(self, tiers: Mapping[str, str], group: str) -> list[IPv4Network]:
        tier = tiers.get(group, "")
        return [
            IPv4Network(subnet["CidrBlock"])
            for kind, subnet in self.subnets.items()
            if tier and kind.startswith(f"{tier}-subnet-")
        ]

    def _has_internet(self, networks: Collection[IPv4Network], by: Collection[str] = ()) -> bool:
        found = self._next_hops_from(networks, "internet")
        return any(hop in by for hop in found) if by else any(hop != NO_ROUTE for hop in found)

    def _has_s3(self, networks: Collection[IPv4Network]) -> bool:
        return any(hop != NO_ROUTE for hop in self._next_hops_from(networks, "s3"))

    def _next_hops_from(self, networks: Collection[IPv4Network], where: str) -> list[str]:
        found = self.next_hops()
        return [
            found[kind][where]
            for kind, subnet in self.subnets.items()
            if IPv4Network(subnet["CidrBlock"]) in networks
        ]


def _name(item: Item) -> str:
    return next(str(tag["Value"]) for tag in item["Tags"] if tag["Key"] == "Name")


def _is_s3(name: str) -> bool:
    return name.endswith(".s3")


def _matching_length(route: Item, address: IPv4Address, prefix_list: str) -> int | None:
    """The prefix length of a route that matches the address, otherwise None."""
    if prefix_list and route.get("DestinationPrefixListId") == prefix_list:
        return 32
    cidr = route.get("DestinationCidrBlock")
    if cidr and address in IPv4Network(cidr):
        return IPv4Network(cidr).prefixlen
    return None


def _rule(found: Item, groups: Mapping[str, str]) -> Rule:
    every = found["IpProtocol"] == "-1"
    peer = found.get("ReferencedGroupInfo", {}).get("GroupId", "")
    cidr = found.get("CidrIpv4")
    return Rule(
        id=found["SecurityGroupRuleId"],
        group=groups[found["GroupId"]],
        outbound=found["IsEgress"],
        ports=EVERY_PORT if every else (found["FromPort"], found["ToPort"]),
        peer_group=groups.get(peer, peer),
        prefix_list=found.get("PrefixListId") or "",
        network=IPv4Network(cidr) if cidr else None,
    )


def _common(one: tuple[int, int], other: tuple[int, int]) -> int | str | None:
    """The ports in both ranges, or None."""
    first, last = max(one[0], other[0]), min(one[1], other[1])
    return _shown((first, last)) if first <= last else None


def _shown(ports: tuple[int, int]) -> int | str:
    return ports[0] if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"
