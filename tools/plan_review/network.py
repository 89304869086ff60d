"""Reads the rules of security groups and network ACLs, and routes, for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lib.cidr import contains, is_public_range
from tools.plan_review.comparison import format_value
from tools.plan_review.values import Json, Unknown

GROUPS = ("aws_security_group", "aws_default_security_group")
SINGLE = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
    "aws_security_group_rule": "",
}
ACLS = ("aws_network_acl", "aws_default_network_acl", "aws_network_acl_rule")
ROUTE_TABLES = ("aws_route_table", "aws_default_route_table")
PEERS = (
    *("cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks", "cidr_block"),
    *("ipv6_cidr_block", "prefix_list_id", "prefix_list_ids", "referenced_security_group_id"),
    *("source_security_group_id", "security_groups"),
)
DESTINATIONS = (
    *("destination_cidr_block", "cidr_block", "destination_ipv6_cidr_block"),
    *("ipv6_cidr_block", "destination_prefix_list_id"),
)
TARGETS = (
    *("gateway_id", "nat_gateway_id", "transit_gateway_id", "vpc_peering_connection_id"),
    *("vpc_endpoint_id", "network_interface_id", "egress_only_gateway_id", "local_gateway_id"),
    *("carrier_gateway_id", "core_network_arn", "instance_id"),
)
# The peer of a rule whose source or destination is its own security group.
SELF = "the group itself"
_ALL_PORTS = (0, 65535)


@dataclass(frozen=True)
class NetworkRule:
    """A network rule with one direction, one range of ports and one peer."""

    direction: str
    protocol: str
    ports: tuple[int, int]
    peer: str
    allows: bool = True

    @property
    def is_public_ingress(self) -> bool:
        return self.allows and self.direction == "ingress" and is_public_range(self.peer)

    def covers(self, other: NetworkRule) -> bool:
        """Return whether this rule matches all traffic that the other one matches."""
        return (
            self.allows == other.allows
            and self.direction == other.direction
            and self.protocol in ("all", other.protocol)
            and self.ports[0] <= other.ports[0]
            and self.ports[1] >= other.ports[1]
            and contains(self.peer, other.peer)
        )

    def __str__(self) -> str:
        first, last = self.ports
        ports = "" if self.ports == _ALL_PORTS else f" {first}" + (f"-{last}" * (first != last))
        preposition = "from" if self.direction == "ingress" else "to"
        deny = "" if self.allows else "deny "
        protocol = "all traffic" if self.protocol == "all" else self.protocol
        return f"{deny}{self.direction} {protocol}{ports} {preposition} {self.peer}"


def _number(value: Json, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _peers(block: Mapping[str, Json]) -> Iterator[str]:
    for name in PEERS:
        value = block.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, ""):
                yield format_value(one)
    if block.get("self") is True:
        yield SELF


def _rules(direction: str, block: Mapping[str, Json]) -> Iterator[NetworkRule]:
    protocol = str(block.get("ip_protocol") or block.get("protocol") or "-1")
    protocol = "all" if protocol in ("-1", "all") else protocol
    ports = _ALL_PORTS
    if protocol != "all":
        ports = (_number(block.get("from_port"), 0), _number(block.get("to_port"), 65535))
    allows = str(block.get("action") or block.get("rule_action") or "allow").lower() == "allow"
    for peer in _peers(block):
        yield NetworkRule(direction, protocol, ports, peer, allows)


def rules(kind: str, values: Mapping[str, Json]) -> frozenset[NetworkRule]:
    """Return the network rules of a resource; none if its type has none."""
    found: list[NetworkRule] = []
    if kind in SINGLE:
        direction = SINGLE[kind] or str(values.get("type") or "ingress")
        found += _rules(direction, values)
    elif kind == "aws_network_acl_rule":
        found += _rules("egress" if values.get("egress") is True else "ingress", values)
    elif kind in GROUPS or kind in ACLS:
        for direction in ("ingress", "egress"):
            blocks = values.get(direction)
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, Mapping):
                    found += _rules(direction, block)
    return frozenset(found)


def routes(kind: str, values: Mapping[str, Json]) -> frozenset[str]:
    """Return the routes of a resource, each as `route DESTINATION via TARGET`."""
    blocks: list[Mapping[str, Json]] = []
    if kind == "aws_route":
        blocks = [values]
    elif kind in ROUTE_TABLES and isinstance(values.get("route"), list):
        blocks = [one for one in values["route"] if isinstance(one, Mapping)]
    return frozenset(_route(block) for block in blocks if block)


def _route(block: Mapping[str, Json]) -> str:
    values = [block[name] for name in DESTINATIONS if block.get(name) not in (None, "")]
    known = [one for one in values if not isinstance(one, Unknown)] or values
    targets = [block[name] for name in TARGETS if block.get(name) not in (None, "")]
    known_targets = [one for one in targets if not isinstance(one, Unknown)] or targets[:1]
    destination = format_value(known[0]) if known else "?"
    return (
        f"route {destination} via {format_value(known_targets[0]) if known_targets else 'nothing'}"
    )
